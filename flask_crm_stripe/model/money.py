"""Money: integer minor units and a currency, by Stripe's rules.

The rules are Stripe's, not ISO 4217's (https://docs.stripe.com/currencies): ISK and UGX are sent with two
decimals that must be 00, and the three-decimal currencies must end in 0. Using an ISO table would be wrong by a
factor of 100 for the first and refused for the second.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from flask_crm_stripe.errors import quoted

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
WHOLE_UNITS_ONLY = frozenset(("isk", "ugx"))
EXACT = Context(prec=120, rounding=ROUND_HALF_UP)
"""Python's usual 28 digits would round a long quantity times a long price once before it is rounded to a cent."""


def normalise_currency(code: str) -> str:
    """The lowercase code as Stripe writes it. Raises ValueError for what is no ISO code's shape."""
    lowered = code.strip().lower()
    if not re.fullmatch(r"[a-z]{3}", lowered):
        raise ValueError(f"{quoted(code)} is not a currency code: write three letters, like EUR.")
    return lowered


def exponent(currency: str) -> int:
    """How many decimals a minor unit stands for at Stripe."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """The smallest difference between two amounts that Stripe accepts, in minor units."""
    if currency in WHOLE_UNITS_ONLY:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


def round_to_step(minor: Decimal, currency: str) -> int:
    """Half-up (away from zero on a tie) to the nearest amount that the currency allows."""
    unit = step(currency)
    return int(EXACT.quantize(EXACT.divide(minor, unit), Decimal(1))) * unit


def to_minor(amount: Decimal, currency: str) -> int:
    """An amount in major units (12.345 EUR) as minor units, rounded to the currency's step."""
    return round_to_step(amount.scaleb(exponent(currency), EXACT), currency)


def is_exact(amount: Decimal, currency: str) -> bool:
    """Whether an amount in major units is one that the currency can express without rounding."""
    return EXACT.remainder(amount.scaleb(exponent(currency), EXACT), step(currency)) == 0


def to_major(minor: int, currency: str) -> Decimal:
    """Minor units as a Decimal in major units, with the currency's own number of decimals."""
    return Decimal(minor).scaleb(-exponent(currency))


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units of ``currency`` (lowercase). Adding two currencies is an error."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"Amounts in {self.currency} and {other.currency} are never added together.")
        return Money(self.minor + other.minor, self.currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units."""
        return to_major(self.minor, self.currency)

    def __str__(self) -> str:
        # Whole, unless it is not: an amount that the currency cannot have must be seen when two are compared.
        whole = self.currency in WHOLE_UNITS_ONLY and self.minor % step(self.currency) == 0
        decimals = 0 if whole else exponent(self.currency)
        return f"{self.major:.{decimals}f} {self.currency.upper()}"
