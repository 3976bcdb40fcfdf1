"""Limits above which a second person has to agree: per permission and currency. Pure functions over the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.business import REFUND, SEND, WRITE_OFF
from flask_crm_stripe.model.money import Money, normalise_currency

PREFIX = "limit."
LIMITED = (SEND, REFUND, WRITE_OFF)
EVERY_OTHER = "*"
"""Stands for every currency that has no limit of its own: a limit in euros is no way round in dollars."""

LARGEST = 10**15


@dataclass(frozen=True, slots=True)
class Limit:
    """Up to ``amount`` minor units one person is enough; for EVERY_OTHER currency the amount is 0."""

    permission: str
    currency: str
    amount: int

    @property
    def key(self) -> str:
        """Its setting."""
        return f"{PREFIX}{self.permission}.{self.currency}"

    @property
    def words(self) -> str:
        """``5000.00 EUR``, or "nothing" for every other currency."""
        return str(Money(self.amount, self.currency)) if self.currency != EVERY_OTHER else "nothing"


def limits_of(settings: Mapping[str, str]) -> list[Limit]:
    """Every limit that is set, by permission and currency. A damaged one counts as 0: nothing is let through."""
    found = []
    for key, value in settings.items():
        if key.startswith(PREFIX) and value:
            permission, _, currency = key.removeprefix(PREFIX).partition(".")
            found.append(Limit(permission, currency, int(value) if value.isdecimal() else 0))
    return sorted(
        found, key=lambda limit: (LIMITED.index(limit.permission), limit.currency == EVERY_OTHER, limit.currency)
    )


def limit_for(settings: Mapping[str, str], permission: str, currency: str) -> Limit | None:
    """The limit that holds for an amount; None where one person is enough for any."""
    known = {(limit.permission, limit.currency): limit for limit in limits_of(settings)}
    return known.get((permission, currency)) or known.get((permission, EVERY_OTHER))


def exceeded(settings: Mapping[str, str], permission: str, amount: Money) -> Limit | None:
    """The limit that an amount is above; None where one person is enough."""
    limit = limit_for(settings, permission, amount.currency)
    return limit if limit is not None and amount.minor > limit.amount else None


def loosens(settings: Mapping[str, str], wanted: Limit | None, permission: str, currency: str) -> bool:
    """Whether setting (or, with None, removing) a limit lets through what needed a second person before."""
    holds = limit_for(settings, permission, currency)
    if holds is None:
        return False
    return wanted is None or wanted.amount > holds.amount


def check_limit(permission: str, currency: str, amount: int) -> Limit:
    """A limit as somebody typed it. Raises ``InvalidInput`` naming the field."""
    if permission not in LIMITED:
        raise InvalidInput("permission", f"Choose one of: {', '.join(LIMITED)}.")
    if currency == EVERY_OTHER:
        return Limit(permission, EVERY_OTHER, 0)
    try:
        code = normalise_currency(currency)
    except ValueError as error:
        raise InvalidInput("currency", str(error)) from None
    if not 0 <= amount <= LARGEST:
        raise InvalidInput("amount", "Write an amount from 0 up.")
    return Limit(permission, code, amount)
