"""Events from Stripe, and what we keep of what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class EventState(StrEnum):
    """Where an event stands in the inbox."""

    WAITING = "waiting"
    APPLIED = "applied"
    IGNORED = "ignored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class IncomingEvent:
    """A verified event as it came in. Its body is only a reason to ask Stripe again, never a source of figures."""

    event_id: str
    type: str
    account_id: str
    livemode: bool
    object_id: str
    object_type: str
    created: datetime
    api_version: str | None
    request_id: str | None
    invoice_id: str | None
    body: bytes = field(repr=False)
    payment_intent: str | None = None
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of an event at the door: ``business`` is None where no business here is connected to its account,
    ``row`` is None where we had it."""

    business: str | None
    row: int | None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to list; empty is all. ``text`` is the id of an event or of what it is about."""

    state: str = ""
    type: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event in our inbox. ``changed`` says what it made another than before; ``caught_up`` that it never came and
    was found in Stripe's own list."""

    id: int
    business: str
    account_id: str
    livemode: bool
    event_id: str
    type: str
    object_id: str
    object_type: str
    invoice_id: str | None
    created: datetime
    received_at: datetime
    state: EventState
    attempts: int = 0
    reason: str | None = None
    request_id: str | None = None
    applied_at: datetime | None = None
    retry_at: datetime | None = None
    payment_intent: str | None = None
    changed: str | None = None
    caught_up: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What an attempt to apply events came to. ``changed`` says what is another than before, ``retry_at`` when a failed
    one is tried again."""

    state: EventState
    reason: str | None = None
    changed: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Strays:
    """Events of an account that is not, or no longer, connected here: counted, not kept."""

    account_id: str
    livemode: bool
    count: int
    first_at: datetime
    last_at: datetime
    last_type: str


@dataclass(frozen=True, slots=True)
class EventsPage:
    """A page of Stripe's own list; ``after`` asks for the next one, None where there is none."""

    events: tuple[IncomingEvent, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class CatchUp:
    """How far Stripe's own list of an account's events was read: everything created before ``until`` is here.
    ``requests`` and ``found`` are of the last time."""

    until: datetime
    at: datetime
    requests: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened to an invoice. ``kind`` and ``params`` become a sentence when read."""

    at: datetime
    kind: str
    actor: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    event_id: str | None = None
    request_id: str | None = None
    object_id: str | None = None
