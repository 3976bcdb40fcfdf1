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


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event in our inbox."""

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
