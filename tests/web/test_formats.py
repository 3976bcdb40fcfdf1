"""Figures and times as people read and type them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.business import Actor, Business
from flask_crm_stripe.model.money import THREE_DECIMAL, WHOLE_UNITS_ONLY, ZERO_DECIMAL, to_major
from flask_crm_stripe.web.formats import Formats, decimals, formats_for, mail

NOW = datetime(2026, 11, 22, 21, 31, tzinfo=UTC)
LOCALES = ("en", "en_GB", "de", "de_CH", "nl", "fr", "sv", "pt_BR", "en_IN", "pl", "ja")
CURRENCIES = ("eur", "usd", *sorted(ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS_ONLY))
SPACE = "\N{NO-BREAK SPACE}"


def formats(locale: str = "en_GB", zone: str = "Europe/Amsterdam", now: datetime = NOW) -> Formats:
    """The formats of a reader."""
    return Formats(Locale.parse(locale), ZoneInfo(zone), now)


@given(st.integers(-(10**12), 10**12), st.sampled_from(CURRENCIES), st.sampled_from(LOCALES))
def test_money_has_the_currency_s_own_decimals_and_a_real_minus(minor: int, currency: str, locale: str) -> None:
    """Every amount shows exactly as many decimals as people see in its currency, and no hyphen for a minus."""
    f = formats(locale)
    text = f.money(minor, currency)
    shown = to_major(minor, currency).quantize(Decimal(1).scaleb(-decimals(currency)))
    assert text.startswith("\N{MINUS SIGN}") == (shown < 0)
    assert "-" not in text
    digits = "".join(letter for letter in text if letter.isdigit())
    assert int(digits) == abs(int(shown.scaleb(decimals(currency))))


@given(
    st.decimals(Decimal("-999999999.9999"), Decimal("999999999.9999"), places=4),
    st.sampled_from([locale for locale in LOCALES if locale != "en_IN"]),
)
def test_what_we_write_we_can_read(value: Decimal, locale: str) -> None:
    """A number that a page shows can be typed back, grouped as it is, and is the same number."""
    f = formats(locale)
    assert f.read_number(f.number(value, 4), "amount") == value


@pytest.mark.parametrize(
    ("locale", "typed", "meant"),
    [
        ("en_GB", "1,234.50", "1234.50"),
        ("de", "1.234,50", "1234.50"),
        ("fr", "1 234,5", "1234.5"),
        ("de_CH", "1'234.50", "1234.50"),
        ("en_GB", " 14 ", "14"),
        ("nl", "-2,5", "-2.5"),
        ("en_GB", "0.125", "0.125"),
        ("en_GB", "1,234,567", "1234567"),
    ],
)
def test_numbers_as_the_locale_writes_them(locale: str, typed: str, meant: str) -> None:
    """Decimal signs, grouping, spaces around: all as the reader's own language has them."""
    assert formats(locale).read_number(typed, "amount") == Decimal(meant)


@pytest.mark.parametrize(
    ("locale", "typed", "remedy"),
    [
        ("en_GB", "1,234", "Write 1234 or 1.2340."),
        ("de", "1.234", "Write 1234 or 1,2340."),
        ("en_GB", "1.234", "Write 1234 or 1.2340."),
        ("en_GB", "1,50", "Write it like 1,234.50."),
        ("de", "1.50", "Write it like 1.234,50."),
        ("en_GB", "1e5", "Write it like"),
        ("en_GB", "NaN", "Write it like"),
        ("en_GB", "٣", "Write it like"),
        ("en_GB", "", "Write it like"),
        ("en_GB", "9" * 200, "Write it like"),
    ],
)
def test_an_ambiguous_or_odd_number_is_refused_with_the_remedy(locale: str, typed: str, remedy: str) -> None:
    """Nothing is guessed: the message says how to write it, and the field is named."""
    with pytest.raises(InvalidInput) as refused:
        formats(locale).read_number(typed, "discount_percent")
    assert remedy in refused.value.message
    assert refused.value.field == "discount_percent"


@given(st.text(max_size=40), st.sampled_from(LOCALES))
def test_any_text_is_read_or_refused(text: str, locale: str) -> None:
    """Whatever is typed gives a finite number or an error of ours, never another exception."""
    field = ""
    try:
        assert formats(locale).read_number(text, "amount").is_finite()
    except InvalidInput as error:
        field = error.field or "none"
    assert field in ("", "amount")


def test_prices_below_a_cent_keep_their_decimals() -> None:
    """A unit price may have more decimals than the currency; they are not rounded for looks."""
    f = formats()
    assert f.price(Decimal("0.0125"), "eur") == "0.0125"
    assert f.price(Decimal("145"), "eur") == "145.00"
    assert f.price(Decimal("1.5"), "jpy") == "1.5"


def test_quantities_speak_the_reader_s_words_for_known_units() -> None:
    """Days and hours get their word, pieces none, and a unit of the CRM's own stays as it is."""
    f = formats()
    assert f.quantity(Decimal("14.50"), "hour") == f"14.5{SPACE}h"
    assert f.quantity(Decimal(1), "day") == f"1{SPACE}day"
    assert f.quantity(Decimal(2), "day") == f"2{SPACE}days"
    assert f.quantity(Decimal(12), "piece") == "12"
    assert f.quantity(Decimal(3), "m²") == f"3{SPACE}m²"


def test_days_leave_out_this_year_and_name_another() -> None:
    """12 Nov in 2026, with the year otherwise; in full on a document's own page."""
    f = formats()
    assert f.day(date(2026, 11, 12)) == "12 Nov"
    assert f.day(date(2025, 11, 12)) == "12 Nov 2025"
    assert f.full_day(date(2026, 11, 12)) == "12 Nov 2026"


def test_the_day_is_the_business_s_own() -> None:
    """Half past eleven in the evening in London is tomorrow in Tokyo; the year turns there first."""
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert formats(zone="Asia/Tokyo", now=late).today == date(2027, 1, 1)
    assert formats(zone="Europe/London", now=late).today == date(2026, 12, 31)


def test_freshness_is_never_in_the_future() -> None:
    """A clock of Stripe's that runs ahead by a second does not give news from the future."""
    assert formats().ago(NOW + timedelta(seconds=3)) == "1 second ago"
    assert formats().ago(NOW - timedelta(minutes=2)) == "2 minutes ago"


def test_lately_gets_shorter_with_distance() -> None:
    """A time today, a weekday within the week, a date before."""
    f = formats()
    assert f.lately(NOW) == "22:31"
    assert f.lately(NOW - timedelta(days=2)) == "Fri"
    assert f.lately(NOW - timedelta(days=9)) == "13 Nov"


def test_stored_amounts_are_rewritten_and_other_words_left_alone() -> None:
    """History stores plain figures; the page writes them as the reader does."""
    f = formats("de")
    assert f.rewritten("6373.95 EUR") == f"6.373,95{SPACE}EUR"
    assert f.rewritten("1180.250 KWD") == f"1.180,250{SPACE}KWD"
    assert f.rewritten("EUR") == "EUR"


@pytest.mark.parametrize(
    ("actor", "business", "wanted"),
    [("nl", "de", "nl"), (None, "de", "de"), ("xx-nonsense", "de", "de"), ("pt-BR", "de", "pt_BR"), ("", "??", "en")],
)
def test_the_person_s_locale_wins_then_the_business_s(actor: str | None, business: str, wanted: str) -> None:
    """An unknown locale or zone never breaks a page: the next one counts, English and UTC at last."""
    f = formats_for(Actor("1", "A", locale=actor), Business("b", "B", "Nowhere/Nothing", business), NOW)
    assert str(f.locale) == wanted
    assert f.zone_name == "UTC"


def test_a_mail_address_may_break_and_stays_data() -> None:
    """The break is ours; the address itself is escaped."""
    assert mail("a<b>@c.example") == "a&lt;b&gt;@<wbr>c.example"
