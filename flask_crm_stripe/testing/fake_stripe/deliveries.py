"""One event on its way to one endpoint, and how it is posted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from .state import Obj

Send = Callable[[str, bytes, dict[str, str]], int]
"""Posts a body with headers to an address and returns the HTTP status."""

HTTP_TIMEOUT = 10.0


@dataclass(frozen=True)
class Attempt:
    """One try: when (FakeStripe's clock), the receiver's status, or why there was none."""

    at: int
    status: int | None
    error: str | None = None

    @property
    def succeeded(self) -> bool:
        """Only a 2xx counts; a redirect is a failure."""
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Delivery:
    """One event on its way to one endpoint. state: pending, delivered, failed (given up) or dropped."""

    id: str
    event: Obj = field(repr=False)
    account: str
    endpoint: str
    url: str
    next_at: int
    state: str = "pending"
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def event_type(self) -> str:
        """The event's type, e.g. `invoice.paid`."""
        return str(self.event["type"])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the control interface and the dashboard."""
        return {
            "id": self.id,
            "event": self.event["id"],
            "type": self.event_type,
            "account": self.account,
            "endpoint": self.endpoint,
            "url": self.url,
            "state": self.state,
            "next_at": self.next_at,
            "attempts": [{"at": each.at, "status": each.status, "error": each.error} for each in self.attempts],
        }


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Send over HTTP, following no redirect. Raises requests' exceptions where there is no answer."""
    return requests.post(url, data=body, headers=headers, timeout=HTTP_TIMEOUT, allow_redirects=False).status_code
