"""Exchange rates that a business has written down, each with a name. Without one nothing is ever converted.

Directive 2006/112/EC, article 230: an invoice may be in any currency. Which rate holds is the seller's to know: it
stands on the line, with the price before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.crm import Billable
from flask_crm_stripe.model.money import EXACT

RATES = "exchange_rates"
LONGEST, MOST = 2000, 30
LINE = re.compile(r"([A-Za-z]{3})\s+([A-Za-z]{3})\s+(\d{1,9}(?:\.\d{1,9})?)\s+(\S.{1,59})")
LONGEST_LINE = 400
"""Leaves room for the sum in words: a description at Stripe has at most 500 characters."""

PLACES = Decimal("1E-12")
"""A unit price has up to 12 decimals at Stripe."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of ``source`` is ``rate`` units of ``target``; ``name`` says whose rate it is, and of when."""

    source: str
    target: str
    rate: Decimal
    name: str


def rates_of(text: str) -> tuple[Rate, ...]:
    """The rates that somebody wrote, one on each line: ``USD EUR 0.9213 ECB, 27 November 2026``. Raises
    ``InvalidInput`` naming the line."""
    found: dict[tuple[str, str], Rate] = {}
    if len(text) > LONGEST:
        raise InvalidInput(RATES, f"Write at most {LONGEST} characters.")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        rate = _read(line.strip(), number)
        if (rate.source, rate.target) in found:
            pair = f"{rate.source.upper()} to {rate.target.upper()}"
            raise InvalidInput(RATES, f"Line {number}: there is a rate from {pair} already. Leave one of them.")
        found[rate.source, rate.target] = rate
    if len(found) > MOST:
        raise InvalidInput(RATES, f"Write at most {MOST} rates.")
    return tuple(found.values())


def _read(line: str, number: int) -> Rate:
    given = LINE.fullmatch(line)
    if given is None:
        raise InvalidInput(
            RATES,
            f"Line {number}: write two currencies, the rate with a point, and whose rate it is, like “USD EUR 0.9213 "
            "ECB, 27 November 2026”.",
        )
    source, target, rate = given[1].lower(), given[2].lower(), Decimal(given[3])
    if source == target or not rate:
        raise InvalidInput(RATES, f"Line {number}: write two different currencies, and a rate above 0.")
    return Rate(source, target, rate, given[4])


def converted(billable: Billable, wanted: str, rates: Iterable[Rate]) -> Billable:
    """The billable in the wanted currency, where a rate for it is written down; its description says which."""
    rate = next((each for each in rates if (each.source, each.target) == (billable.currency, wanted)), None)
    if rate is None:
        return billable
    off = billable.discount_amount
    before = f"{_plain(billable.unit_price)} {billable.currency.upper()}"
    words = f" ({before} at {_plain(rate.rate)}, {rate.name})"
    return replace(
        billable,
        currency=wanted,
        unit_price=_times(billable.unit_price, rate.rate),
        discount_amount=None if off is None else _times(off, rate.rate),
        description=billable.description[: LONGEST_LINE - len(words)] + words,
    )


def _times(amount: Decimal, rate: Decimal) -> Decimal:
    return EXACT.normalize(EXACT.quantize(EXACT.multiply(amount, rate), PLACES))


def _plain(number: Decimal) -> str:
    return f"{EXACT.normalize(number):f}"
