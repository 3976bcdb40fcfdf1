"""The webhook endpoint at Stripe: ours, and what stands there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OwnEndpoint:
    """An endpoint that we made. One that is leaving is deleted when nothing can be on its way to it any more."""

    endpoint_id: str
    livemode: bool
    url: str
    api_version: str
    made_by: str
    made_at: datetime
    leaving_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemoteEndpoint:
    """An endpoint of the platform's account, as Stripe tells of it. ``secret`` comes with a new one only."""

    id: str
    url: str
    enabled: bool
    connect: bool
    events: tuple[str, ...]
    api_version: str | None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """What a look at Stripe found of the way that events come. ``problems`` are words from ``core.endpoints``: missing,
    disabled, elsewhere, doubled, version, events; ``address`` is where one stands that is not ours."""

    checked_at: datetime
    problems: tuple[str, ...] = ()
    address: str = ""
