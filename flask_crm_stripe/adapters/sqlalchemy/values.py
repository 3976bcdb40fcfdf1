"""What may stand in a host's row, made into what billing works with; or a reason, in words, why it cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum

from flask_crm_stripe.errors import quoted
from flask_crm_stripe.model.crm import Address, VatKind
from flask_crm_stripe.model.money import normalise_currency

Prices = tuple[tuple[str, Decimal], ...]
NO_CURRENCY = "xxx"  # ISO 4217's own code for "no currency"
MOST_DIGITS_BEFORE_POINT = 12
MOST_DIGITS_AFTER_POINT = 20
FLOAT_DECIMALS = 12


class UnusableError(Exception):
    """A value that cannot be used. Its text goes on from the field's name: "the price" + "is missing"."""


def text(value: object) -> str:
    """Words; None is the empty text, a member of an enumeration its value."""
    if isinstance(value, Enum):
        value = value.value
    return "" if value is None else str(value)


def optional_text(value: object) -> str | None:
    """Words without blanks around them; nothing but blanks is None."""
    return text(value).strip() or None


def flag(value: object) -> bool:
    """Yes or no; None is no."""
    return bool(value)


def number(value: object) -> Decimal:
    """A number that is not below zero, without trailing zeros, so that it is the same on every database."""
    result = signed(value)
    if result < 0:
        raise UnusableError("is below zero")
    return result


def optional_number(value: object) -> Decimal | None:
    """A number that is not below zero; None stays None."""
    return None if value is None else number(value)


def signed(value: object) -> Decimal:
    """A number, without trailing zeros, so that it is the same on every database."""
    if value is None or value == "":
        raise UnusableError("is missing")
    if isinstance(value, bool):
        raise UnusableError("is not a number")
    if isinstance(value, float):
        value = repr(round(value, FLOAT_DECIMALS))
    try:
        result = Decimal(str(value).strip())
    except InvalidOperation:
        raise UnusableError("is not a number") from None
    return _plain(_usable(result))


def _usable(result: Decimal) -> Decimal:
    if not result.is_finite():
        raise UnusableError("is not a number")
    if result.adjusted() >= MOST_DIGITS_BEFORE_POINT:
        raise UnusableError("is too large")
    return result


def _plain(result: Decimal) -> Decimal:
    normal = result.normalize()
    exponent = normal.as_tuple().exponent
    if normal != result or (isinstance(exponent, int) and exponent < -MOST_DIGITS_AFTER_POINT):
        raise UnusableError("has too many digits")
    return normal.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else normal


def day(value: object) -> date | None:
    """A day; of a moment its day; None stays None."""
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    raise UnusableError("is not a day")


def vat_kind(value: object) -> VatKind | None:
    """A kind of VAT by its word; None and blanks are None."""
    word = text(value).strip().lower()
    if not word:
        return None
    if word not in set(VatKind):
        raise UnusableError(f"is {quoted(word)}: use one of {', '.join(VatKind)}")
    return VatKind(word)


def percent(value: object) -> Decimal | None:
    """A percentage from 0 to 100; None stays None."""
    if value is None:
        return None
    result = number(value)
    if result > 100:
        raise UnusableError("is above 100 percent")
    return result


def discount(value: object) -> Decimal:
    """A percentage from 0 to 100; None is 0."""
    return percent(value) or Decimal(0)


def currency(value: object) -> str:
    """A currency code, lowercase."""
    code = text(value)
    if not code.strip():
        raise UnusableError("is missing")
    try:
        return normalise_currency(code)
    except ValueError:
        raise UnusableError(f"is {quoted(code)}, which is no currency code: write three letters, like EUR") from None


def optional_currency(value: object) -> str | None:
    """A currency code, lowercase; None and blanks are None."""
    return currency(value) if text(value).strip() else None


def prices(value: object) -> Prices:
    """Pairs of currency and amount, by currency, from a mapping or pairs; an amount that is None is no price."""
    pairs = value.items() if isinstance(value, Mapping) else value or ()
    if isinstance(pairs, str) or not isinstance(pairs, Iterable):
        raise UnusableError("are neither a mapping nor pairs of currency and amount")
    found: dict[str, Decimal] = {}
    for pair in pairs:
        code, amount = _price(pair)
        if code in found:
            raise UnusableError(f"name {code.upper()} twice")
        if amount is not None:
            found[code] = amount
    return tuple(sorted(found.items()))


def _price(pair: object) -> tuple[str, Decimal | None]:
    if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
        raise UnusableError("are not pairs of currency and amount")
    code, amount = pair
    try:
        known = currency(code)
    except UnusableError as error:
        raise UnusableError(f"have a currency that {error}") from None
    try:
        return known, None if amount is None else number(amount)
    except UnusableError as error:
        raise UnusableError(f"have an amount in {known.upper()} that {error}") from None


def address(value: object) -> Address | None:
    """An Address, or a mapping with its fields; the country as two capital letters."""
    if value is None:
        return None
    given = value if isinstance(value, Mapping) else _parts(value)
    names = [field.name for field in fields(Address)]
    if unknown := sorted(set(given) - set(names)):
        raise UnusableError(f"has the unknown parts {', '.join(map(str, unknown))}: use {', '.join(names)}")
    parts = {name: text(item).strip() for name, item in given.items()}
    country = parts.get("country", "").upper()
    if not re.fullmatch(r"([A-Z]{2})?", country):
        raise UnusableError(f"has the country {quoted(parts['country'])}: write its two-letter code, like NL")
    found = Address(**{**parts, "country": country})
    return None if found == Address() else found


def _parts(value: object) -> Mapping[str, object]:
    if not isinstance(value, Address):
        raise UnusableError("is neither an Address nor a mapping")
    return {field.name: getattr(value, field.name) for field in fields(Address)}
