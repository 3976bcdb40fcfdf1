"""Small readers of Stripe's answers, shared by the capabilities.

Answers are read as plain dicts, never by attribute: the SDK's objects raise for a field that Stripe left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import stripe

from flask_crm_stripe.model.connection import RemoteThing

MARKER = "crm_stripe_id"
CLOCKS_MAY_DIFFER = timedelta(minutes=5)
PAGE = 100


@dataclass(frozen=True, slots=True)
class Made:
    """An object's id, and the id of the request that gave it."""

    id: str
    request_id: str | None = None


class Listed(Protocol):
    """A page of a list, as the SDK gives it."""

    @property
    def data(self) -> Iterable[stripe.StripeObject]: ...
    @property
    def has_more(self) -> bool: ...


def plain(answer: stripe.StripeObject) -> dict[str, Any]:
    """The answer as dicts, lists, texts, ints and Decimals."""
    return answer.to_dict()


def made(answer: stripe.StripeObject) -> Made:
    """What a creating call gives back."""
    return Made(str(plain(answer)["id"]), request_id(answer))


def request_id(answer: stripe.StripeObject) -> str | None:
    """Stripe's id of the request that this answers."""
    return answer.last_response.request_id if answer.last_response else None


def id_of(reference: object) -> str:
    """The id in a field that holds an id, or the whole object where it was expanded; "" for nothing."""
    if isinstance(reference, Mapping):
        reference = reference.get("id")
    return reference if isinstance(reference, str) else ""


def moment(seconds: object) -> datetime | None:
    """Stripe's Unix seconds as an aware moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def day(seconds: object) -> date | None:
    """Stripe's Unix seconds as a day in UTC."""
    at = moment(seconds)
    return at.date() if at else None


def seconds_since(since: datetime) -> int:
    """For ``created[gte]``: a little before ``since``, because Stripe's clock and ours may differ."""
    return int((since - CLOCKS_MAY_DIFFER).timestamp())


def plain_number(number: Decimal) -> str:
    """The number as text, without an exponent or trailing zeros: Stripe refuses 1E+3 and 1E-7, which ``str`` writes.

    Parameters typed Decimal or float get this text (cast): the SDK puts it into the form as it is.
    """
    return format(number.normalize(), "f")


def thing(row: Mapping[str, Any]) -> RemoteThing:
    """What a customer or product can be recognised by."""
    metadata = {str(name): str(value) for name, value in (row.get("metadata") or {}).items()}
    return RemoteThing(str(row["id"]), row.get("name") or "", row.get("email") or "", metadata)


def every(page: Callable[[str | None], Listed]) -> Iterable[dict[str, Any]]:
    """All rows of a list, page after page. ``page(after)`` gives the page behind the object ``after``."""
    after: str | None = None
    while True:
        answer = page(after)
        rows = [plain(row) for row in answer.data]
        yield from rows
        if not rows or not answer.has_more:
            return
        after = rows[-1]["id"]


def some(page: Callable[[str | None, int], Listed], limit: int) -> list[dict[str, Any]]:
    """The first ``limit`` rows of a list. ``page(after, size)`` gives at most ``size`` rows behind ``after``."""
    rows: list[dict[str, Any]] = []
    while len(rows) < limit:
        answer = page(rows[-1]["id"] if rows else None, min(PAGE, limit - len(rows)))
        found = [plain(row) for row in answer.data]
        rows += found
        if not found or not answer.has_more:
            break
    return rows
