"""Small print of figures and gate: what a plan starts with, how a line is sent, what is compared as what."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from flask_crm_stripe.core.figures import Terms, Work, invoice_discount, make_plan, shown_as_product, sum_in_words
from flask_crm_stripe.core.gate import differences, exemption, invoice_draft, kind_at_stripe, line_drafts
from flask_crm_stripe.model.crm import SourceRef, VatKind
from flask_crm_stripe.model.invoices import Delivery, RemoteBuyer, RemoteVat, VatRounding
from tests.core.samples import ZONEN, a_plan, answer_to, billable, work
from tests.core.worked.ours import plan_of
from tests.core.worked.rows import Case
from tests.core.worked.stripes import answer_to as stripes_answer_to
from tests.core.worked.table import MADE


def test_an_invoice_starts_with_two_weeks_by_mail_and_no_discount() -> None:
    """And VAT is rounded for the rate, where a business has not chosen."""
    assert Terms() == Terms(14, Decimal(0), "", "", Delivery.MAIL, Decimal(0))
    plan = a_plan(Terms(days_until_due=30, order_number="PO", note="Hi", delivery=Delivery.LINK))
    assert (plan.days_until_due, plan.order_number, plan.note, plan.delivery) == (30, "PO", "Hi", Delivery.LINK)
    assert (plan.vat_rounding, plan.footer, plan.seller.name) == (VatRounding.RATE, "", "")


def test_a_line_keeps_what_the_work_says() -> None:
    """All of it: a host can write its own documents from the plan."""
    item = billable(discount_percent=Decimal(10), service_from=date(2026, 11, 2), service_to=date(2026, 11, 6))
    plan = make_plan(ZONEN, [Work(item, Decimal(21), "CO-SR", Decimal(160), VatKind.REDUCED)], Terms(), "eur")
    [line] = plan.lines
    assert (line.key, line.billable, line.source, line.description) == ("12", "12", item.source, "Senior consulting")
    assert (line.quantity, line.unit_price, line.unit, line.code) == (Decimal("14.5"), Decimal(145), "h", "CO-SR")
    assert (line.service, line.list_price, line.vat_kind) == ("2", Decimal(160), VatKind.REDUCED)
    assert (line.discount, line.discount_percent, line.amount, line.net) == (21025, Decimal(10), 189225, 189225)
    assert (line.service_from, line.service_to, line.deducts) == (date(2026, 11, 2), date(2026, 11, 6), "")
    plain = Work(item, Decimal(21))
    assert (plain.code, plain.list_price, plain.vat_kind) == ("", None, VatKind.STANDARD)


def test_a_sum_off_a_line_is_no_percentage() -> None:
    """Where both are given the sum is what counts."""
    item = billable(discount_percent=Decimal(10), discount_amount=Decimal("0.05"))
    [line] = make_plan(ZONEN, [Work(item, Decimal(21))], Terms(), "eur").lines
    assert line.discount == 5
    assert line.discount_percent == 0


def test_rates_stand_from_the_highest_to_none() -> None:
    """Of one rate the kinds in their own order, and VAT inside a price last."""
    given = [
        (0, VatKind.OUT_OF_SCOPE, False),
        (9, VatKind.REDUCED, True),
        (0, VatKind.ZERO, False),
        (9, VatKind.REDUCED, False),
        (21, VatKind.STANDARD, False),
        (9, VatKind.STANDARD, False),
    ]
    works = [
        replace(work(str(place), vat_rate=Decimal(rate), vat_included=included), vat_kind=kind)
        for place, (rate, kind, included) in enumerate(given)
    ]
    totals = make_plan(ZONEN, works, Terms(), "eur").vat_totals
    assert [(int(total.rate), total.kind, total.included) for total in totals] == [
        given[place] for place in (4, 5, 3, 1, 2, 0)
    ]


@pytest.mark.parametrize(
    ("quantity", "price", "currency", "shown"),
    [
        ("0.000000000002", "5000000000", "eur", (Decimal("0.000000000002"), 5 * 10**11)),
        ("0.000000000001", "10000000000", "eur", None),
        ("0.0000000000001", "100000000000", "eur", None),
        ("2", "99.5", "isk", None),
        ("3", "99", "isk", (Decimal(3), 9900)),
        ("2", "0.005", "kwd", None),
        ("2", "0.01", "kwd", (Decimal(2), 10)),
        ("-1", "-5", "eur", None),
        ("-1", "5", "eur", None),
        ("3", "0", "eur", (Decimal(3), 0)),
        ("0", "5", "eur", None),
        ("1", "-5", "eur", None),
    ],
)
def test_a_price_is_shown_only_where_stripe_takes_it(
    quantity: str, price: str, currency: str, shown: tuple[Decimal, int] | None
) -> None:
    """On the currency's step, at most twelve decimals of a quantity, and nothing below zero."""
    item = work(quantity=Decimal(quantity), unit_price=Decimal(price), currency=currency)
    [line] = make_plan(ZONEN, [item], Terms(), currency).lines
    assert shown_as_product(line, currency) == shown
    [draft] = line_drafts(make_plan(ZONEN, [item], Terms(), currency), {"2": "prod_2"})
    assert (draft.quantity, draft.unit_amount) == (shown or (1, line.net))
    assert draft.product_id == ("prod_2" if line.net >= 0 else None)


@pytest.mark.parametrize(
    ("given", "terms", "words"),
    [
        ({"unit": "pieces", "quantity": Decimal(12)}, Terms(), "12 × 145.00 EUR"),
        ({"unit": "piece", "quantity": Decimal("1E+1")}, Terms(), "10 × 145.00 EUR"),
        ({"unit": "day", "quantity": Decimal("100")}, Terms(), "100 day × 145.00 EUR"),
        ({"unit_price": Decimal("0.0125")}, Terms(), "14.5 h × 0.0125 EUR"),
        ({"unit_price": Decimal("1.500000")}, Terms(), "14.5 h × 1.50 EUR"),
        ({"quantity": Decimal(-1)}, Terms(), "-1 h × 145.00 EUR"),
        ({"discount_amount": Decimal("0.05")}, Terms(), "14.5 h × 145.00 EUR, 0.05 EUR off"),
        ({}, Terms(discount_percent=Decimal(10)), "14.5 h × 145.00 EUR, invoice discount 10 %"),
        ({}, Terms(discount_amount=Decimal(3)), "14.5 h × 145.00 EUR, invoice discount 3.00 EUR"),
    ],
)
def test_a_sum_is_explained(given: dict[str, object], terms: Terms, words: str) -> None:
    """Numbers as short as they are exact, amounts with the currency's decimals."""
    plan = a_plan(terms, **given)
    assert sum_in_words(plan.lines[0], plan) == words


def test_other_currencies_have_their_own_decimals_in_words() -> None:
    """No decimals in yen, three in dinars."""
    for currency, words in (("jpy", "1 × 100 JPY, 5 JPY off"), ("kwd", "1 × 100.000 KWD, 5.000 KWD off")):
        item = work(
            quantity=Decimal(1), unit_price=Decimal(100), unit="", currency=currency, discount_amount=Decimal(5)
        )
        plan = make_plan(ZONEN, [item], Terms(), currency)
        assert sum_in_words(plan.lines[0], plan) == words


# -- the gate ----------------------------------------------------------------------------------------------------------


def test_the_period_of_a_line_is_the_works() -> None:
    """One day where it has no end, and none where it has no beginning."""
    first, last = date(2026, 11, 2), date(2026, 11, 6)
    given: Any
    for given, period in (
        ({"service_from": first, "service_to": last}, (first, last)),
        ({"service_from": first}, (first, first)),
        ({"service_to": last}, None),
        ({}, None),
    ):
        assert line_drafts(a_plan(None, **given), {})[0].period == period


def test_a_line_is_sent_in_the_invoices_currency_with_where_it_is_from() -> None:
    """Its own ids as metadata, its VAT as the plan has it."""
    plan = a_plan(vat_included=True)
    [line] = line_drafts(plan, {})
    assert (line.key, line.currency, line.vat_included, line.reason) == ("12", "eur", True, "standard_rated")
    assert (line.vat, line.vat_base) == (plan.lines[0].vat, plan.lines[0].base)


def test_a_long_description_is_cut_before_the_words_of_its_sum() -> None:
    """500 characters in all, to the last one."""
    exact = line_drafts(a_plan(description="x" * 501), {})[0].description
    assert exact == "x" * 500
    words = line_drafts(a_plan(description="x" * 501, discount_percent=Decimal(10)), {})[0].description
    assert words == "x" * (500 - len(" (14.5 h × 145.00 EUR, 10 % off)")) + " (14.5 h × 145.00 EUR, 10 % off)"


def test_the_draft_names_every_source_once() -> None:
    """As far as Stripe keeps it: 500 characters."""
    works = [work(str(n), source=SourceRef("ticket", f"{n // 2:03d}")) for n in range(120)]
    plan = make_plan(ZONEN, works, Terms(), "eur")
    draft = invoice_draft(replace(plan, footer="Seller"), "cus_1", "inv1", "install1", "hp")
    sources = draft.metadata["crm_sources"]
    assert sources.startswith("ticket:000, ticket:001, ticket:002")
    assert (len(sources), draft.footer, draft.days_until_due) == (500, "Seller", 14)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (None, "none"),
        (VatKind.STANDARD, "none"),
        (VatKind.OUT_OF_SCOPE, "none"),
        (VatKind.EXEMPT, "exempt"),
        (VatKind.REVERSE_CHARGE, "reverse"),
    ],
)
def test_stripe_is_told_who_pays_no_vat(kind: VatKind | None, words: str) -> None:
    """In its own three words."""
    assert exemption(replace(ZONEN, vat_kind=kind)) == words


def test_only_a_rated_line_at_nothing_becomes_the_zero_rate() -> None:
    """Any other kind has no rate to begin with."""
    assert kind_at_stripe(VatKind.STANDARD, Decimal("0.00")) is VatKind.ZERO
    assert kind_at_stripe(VatKind.REDUCED, Decimal(0)) is VatKind.ZERO
    assert kind_at_stripe(VatKind.REDUCED, Decimal("0.01")) is VatKind.REDUCED
    assert kind_at_stripe(VatKind.EXEMPT, Decimal(0)) is VatKind.EXEMPT


def test_a_number_that_stripe_has_no_kind_for_is_not_missed() -> None:
    """It is printed; but one that it has, however it is written, has to be there."""
    buyer = RemoteBuyer(ZONEN.name, ("Kade 1", "9711 AA", "Groningen", "NL"))
    for number, known in (("T1234567890123", ()), ("NL 8123.45.678-B01", ("NL812345678B01",))):
        contact = replace(ZONEN, vat_number=number)
        plan = replace(a_plan(), contact=contact)
        assert differences(plan, answer_to(plan, buyer=replace(buyer, vat_numbers=known))) == ()
    [found] = differences(plan, answer_to(plan, buyer=buyer))
    assert (found.what, found.ours, found.theirs) == ("VAT number", "NL812345678B01", "")


def test_a_customer_without_an_address_has_none_at_stripe() -> None:
    """And of a very long name Stripe has the first 256 letters."""
    plan = replace(a_plan(), contact=replace(ZONEN, address=None, name="x" * 300))
    assert differences(plan, answer_to(plan, buyer=RemoteBuyer("x" * 256))) == ()
    assert differences(plan, answer_to(plan, buyer=RemoteBuyer("x" * 255)))
    assert differences(plan, answer_to(plan, buyer=RemoteBuyer("x" * 257)))
    [found] = differences(plan, answer_to(plan, buyer=RemoteBuyer("x" * 256, ("Kade 1", "NL"))))
    assert (found.ours, found.theirs) == ("", "Kade 1, NL")


def test_lines_and_blanks_of_a_text_may_differ() -> None:
    """Its words may not; they are shown on one line."""
    plan = replace(a_plan(), footer="One\n\nTwo  three", note="A note\n")
    assert differences(plan, answer_to(plan, footer="One Two three", description="A note")) == ()
    [found] = differences(plan, answer_to(plan, footer="One\nTwo", description="A note"))
    assert (found.what, found.ours, found.theirs) == ("Footer", "One Two three", "One Two")


def test_both_sides_of_every_figure_are_in_words() -> None:
    """The currency as people write it; counts as numbers; a discount as nothing and as something."""
    plan = a_plan()
    answer = answer_to(plan, currency="usd", line_count=2, discount=5, order_number="PO 1")
    found = {each.what: (each.ours, each.theirs) for each in differences(plan, answer)}
    assert found["Currency"] == ("EUR", "USD")
    assert found["Number of lines"] == ("1", "2")
    assert found["Discount at Stripe"] == ("0.00 EUR", "0.05 USD")
    assert found["Order number"] == ("", "PO 1")
    assert found["VAT, standard rated"] == ("441.53 EUR", "441.53 USD")
    assert found["VAT is on, standard rated"] == ("2102.50 EUR", "2102.50 USD")
    assert differences(plan, answer_to(plan, currency="EUR")) == ()
    assert differences(plan, answer_to(plan, line_count=None)) == ()


def test_vat_of_a_reason_that_only_stripe_has_is_held_against_nothing() -> None:
    """And one that only we have."""
    plan = a_plan(vat_included=True)
    [found, _] = differences(plan, answer_to(plan, vat=()))
    assert (found.what, found.theirs) == ("VAT, standard rated, included", "0.00 EUR")


@pytest.mark.parametrize("currency", ["isk", "ugx"])
@pytest.mark.parametrize("by", [1, 49, -1])
def test_a_fraction_of_a_krona_at_stripe_stops(currency: str, by: int) -> None:
    """What the gate shows is rounded for nobody: 123.01 ISK is not 123 ISK."""
    case = next(case for case in MADE if case.currency == currency)
    answer = stripes_answer_to(case)
    assert differences(plan_of(case), replace(answer, total=answer.total + by))
    vat = answer.vat[0]
    off = RemoteVat(vat.reason, vat.included, vat.amount + by, vat.base)
    assert differences(plan_of(case), replace(answer, vat=(off, *answer.vat[1:])))


@pytest.mark.parametrize("case", [case for case in MADE if not any(case.sums)], ids=str)
def test_an_invoice_for_nothing_without_its_lines_stops(case: Case) -> None:
    """No lines in Stripe's answer is a number; not to tell is another thing."""
    answer = replace(stripes_answer_to(case), line_count=0, vat=())
    assert differences(plan_of(case), answer)


def test_a_long_percentage_is_not_rounded_before_the_cent() -> None:
    """4 cents at 12.499... % are 0.4999... of a cent: nothing."""
    percent = Decimal("12.49999999999999999999999999999")
    assert invoice_discount(4, Terms(discount_percent=percent), "eur") == 0


def test_kronur_are_whole_in_words_for_the_customer() -> None:
    """As on our pages, and in Money's own words."""
    line = work(quantity=Decimal("1.5"), unit_price=Decimal(333), currency="isk", unit="")
    plan = make_plan(ZONEN, [line], Terms(), "isk")
    assert sum_in_words(plan.lines[0], plan) == "1.5 × 333 ISK"
