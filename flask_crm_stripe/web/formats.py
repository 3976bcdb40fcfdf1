"""Amounts, numbers and times, written as the reader's locale writes them; and numbers that people typed, read."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton, format_time, format_timedelta
from babel.numbers import NumberPattern, get_decimal_symbol, get_group_symbol
from markupsafe import Markup

from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.business import Actor, Business
from flask_crm_stripe.model.money import WHOLE_UNITS_ONLY, exponent, to_major
from flask_crm_stripe.web.i18n import locale_of

MINUS = "\N{MINUS SIGN}"
BETWEEN_DIGITS = " '\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}\N{RIGHT SINGLE QUOTATION MARK}"
SPACES = dict.fromkeys(map(ord, BETWEEN_DIGITS))
LONGEST_NUMBER = 30
STORED_AMOUNT = re.compile(r"(-?\d{1,30}(?:\.\d{1,30})?)(?: ([A-Z]{3}))?")


@dataclass(frozen=True)
class Formats:
    """How one person reads figures: their locale, and the business's time zone and day."""

    locale: Locale
    zone: ZoneInfo
    now: datetime

    @property
    def today(self) -> date:
        """The business's own date."""
        return self.now.astimezone(self.zone).date()

    @property
    def zone_name(self) -> str:
        """The place whose time is shown: ``Amsterdam``."""
        return self.zone.key.rpartition("/")[2].replace("_", " ")

    def money(self, minor: int, currency: str) -> str:
        """Minor units as ``6,373.95``, without the code."""
        return self.number(to_major(minor, currency), decimals(currency))

    def price(self, major: Decimal, currency: str) -> str:
        """Major units as ``145.00``; a price below the minor unit keeps its further decimals."""
        return self.number(major, max(decimals(currency), _places(major)))

    def sum_of(self, minor: int, currency: str) -> str:
        """``6,373.95 EUR``, for sentences; the two never part at the end of a line."""
        return f"{self.money(minor, currency)}\N{NO-BREAK SPACE}{currency.upper()}"

    def number(self, value: Decimal, places: int | None = None) -> str:
        """A number with exactly ``places`` decimals; as short as it is exact where none are given."""
        wanted = _places(value) if places is None else places
        text = _pattern(self.locale, wanted).apply(abs(value), self.locale)
        return f"{MINUS}{text}" if value < 0 and any(sign in "123456789" for sign in text) else text

    def rewritten(self, text: str) -> str:
        """``6373.95 EUR``, as it is stored, the way the reader writes it; any other text as it is."""
        found = STORED_AMOUNT.fullmatch(text.replace(MINUS, "-"))
        if not found:
            return text
        number = Decimal(found[1])
        words = self.number(number, -int(number.as_tuple().exponent))
        return f"{words}\N{NO-BREAK SPACE}{found[2]}" if found[2] else words

    def percent(self, value: Decimal) -> str:
        """``21 %``."""
        return f"{self.number(value)}\N{NO-BREAK SPACE}%"

    def quantity(self, value: Decimal, unit: str = "") -> str:
        """``14.5 h``, ``2 days``, ``12``. Units that we do not know are shown as the CRM has them."""
        one, many = UNITS.get(unit.strip().lower(), (unit.strip(), unit.strip()))
        word = one if value == 1 else many
        return f"{self.number(value)}\N{NO-BREAK SPACE}{word}" if word else self.number(value)

    def day(self, value: date) -> str:
        """``12 Nov``; with the year where it is not this one."""
        return str(format_skeleton("MMMd" if value.year == self.today.year else "yMMMd", value, locale=self.locale))

    def full_day(self, value: date) -> str:
        """``12 Nov 2025``, for a document's own page."""
        return format_date(value, "medium", locale=self.locale)

    def long_day(self, value: date) -> str:
        """``12 November 2025``, for sentences."""
        return format_date(value, "long", locale=self.locale)

    def day_range(self, first: date, last: date) -> str:
        """``2–6 Nov 2025``; one day as it is."""
        if first == last:
            return self.full_day(first)
        return str(format_interval(first, last, "yMMMd", locale=self.locale))

    def local_day(self, moment: datetime) -> date:
        """The business's date at a moment."""
        return moment.astimezone(self.zone).date()

    def clock(self, moment: datetime) -> str:
        """``14:02``."""
        return format_time(moment.astimezone(self.zone), "short", locale=self.locale)

    def moment(self, moment: datetime) -> str:
        """``12 Nov, 14:02``."""
        return f"{self.day(self.local_day(moment))}, {self.clock(moment)}"

    def ago(self, moment: datetime) -> str:
        """``2 minutes ago``. A clock that is a little ahead gives now, never the future."""
        passed = max(self.now - moment, timedelta(seconds=1))
        return format_timedelta(-passed, add_direction=True, locale=self.locale)

    def lately(self, moment: datetime) -> str:
        """``14:02`` today, ``Fri`` within the week, ``12 Nov`` before that."""
        day = self.local_day(moment)
        if day == self.today:
            return self.clock(moment)
        within_week = timedelta(0) < self.today - day < timedelta(days=7)
        return format_date(day, "EEE", locale=self.locale) if within_week else self.day(day)

    def month(self, day: date) -> str:
        """``November``."""
        return format_date(day, "LLLL", locale=self.locale)

    def read_number(self, text: str, field: str, like: str = "") -> Decimal:
        """What a person typed, as the locale writes numbers. Raises ``InvalidInput``, which says how to write it, with
        ``like`` as the example."""
        typed = text.strip().replace(MINUS, "-")
        digits = typed.translate(SPACES)
        dot, comma = get_decimal_symbol(self.locale), get_group_symbol(self.locale).translate(SPACES)
        if _two_readings(digits):
            whole, _, rest = re.split(r"([.,])", digits.removeprefix("-"))
            raise InvalidInput(field, f"“{typed}” can be read in two ways. Write {whole}{rest} or {whole}{dot}{rest}0.")
        if len(digits) > LONGEST_NUMBER or not re.fullmatch(_shape(dot, comma), digits):
            example = like or self.number(Decimal("1234.5"), 2)
            raise InvalidInput(field, f"“{typed[:LONGEST_NUMBER]}” is not a number. Write it like {example}.")
        plain = digits.replace(comma, "") if comma else digits
        return Decimal(plain.replace(dot, "."))


UNITS = {
    "hour": ("h", "h"),
    "hours": ("h", "h"),
    "day": ("day", "days"),
    "days": ("day", "days"),
    "month": ("month", "months"),
    "piece": ("", ""),
    "pieces": ("", ""),
}


def formats_for(actor: Actor, business: Business, now: datetime) -> Formats:
    """The formats of a person in a business."""
    try:
        zone = ZoneInfo(business.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return Formats(locale_of(actor, business), zone, now)


def decimals(currency: str) -> int:
    """How many decimals people see: Stripe's own table, without the two that ISK and UGX never use."""
    return 0 if currency in WHOLE_UNITS_ONLY else exponent(currency)


def mail(address: str) -> Markup:
    """A mail address that may break after the @."""
    return Markup("@<wbr>").join(address.split("@"))


def masked(address: str) -> str:
    """``i…@example.com``: enough to recognise it, for those who may not see it."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}…{at}{domain}"


def _places(value: Decimal) -> int:
    power = value.normalize().as_tuple().exponent
    return max(0, -power) if isinstance(power, int) else 0


@lru_cache(maxsize=512)
def _pattern(locale: Locale, places: int) -> NumberPattern:
    pattern: NumberPattern = copy.copy(locale.decimal_formats[None])
    pattern.frac_prec = (places, places)
    return pattern


def _two_readings(digits: str) -> bool:
    """``1.234`` and ``1,234``: a thousand to one reader, a little more than one to another."""
    return re.fullmatch(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}", digits) is not None


def _shape(dot: str, comma: str) -> str:
    grouped = rf"[1-9][0-9]{{0,2}}(?:{re.escape(comma)}[0-9]{{3}})+" if comma else r"(?!)"
    return rf"-?(?:[0-9]+|{grouped})(?:{re.escape(dot)}[0-9]+)?"
