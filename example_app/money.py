"""Rounding, as invoices round."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

NO_DECIMALS = frozenset(("JPY", "KRW", "VND"))


def rounded(value: Decimal, currency: str) -> Decimal:
    """An amount in units of the currency, half up to its smallest unit."""
    return value.quantize(Decimal(1) if currency in NO_DECIMALS else Decimal("0.01"), rounding=ROUND_HALF_UP)
