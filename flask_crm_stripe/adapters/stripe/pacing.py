"""Asking Stripe no more often than it allows, all processes together.

Stripe allows so many requests a second of each endpoint and of an account in all (https://docs.stripe.com/rate-limits).
Turns are handed out evenly, a little slower than the limit: how Stripe counts is not known, and whichever way it does,
even steps are no burst. What a request waits for its turn it waits here, with no transaction open.

Work for which nobody waits may fill every turn. A person's click does not stand in that line: some turns each second
are kept for people.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import stripe

from flask_crm_stripe.ports.runtime import Pace, is_patient

MARGIN = 0.94
"""Of the limit. A request is some milliseconds on its way, and not always the same: so 25 in a row, which take one
second and 64 milliseconds, never arrive within one second."""

FOR_PEOPLE = 1.0
"""Turns a second that are kept for people, at each endpoint and in all, where the line is long."""

LONG_LINE = 0.1
"""Seconds. Somebody who waits for a page does not notice as much."""

TOO_LATE, MOST_TURNS = 0.06, 5
"""Seconds. On a machine that is too busy a request may be woken long after its turn, and many of them at once would be
a burst: such a turn is over, and another one is taken."""

PREFIX = "/v1/"


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests a second: in all, and of each endpoint (verb and path). ``per_platform``: what all accounts of the
    platform have together, where Stripe should count that way; else each has this."""

    total: int
    endpoint: int
    per_platform: bool = False


class PacedClient(stripe.HTTPClient):
    """Stands before another transport and lets each request wait for its turn. It is below the SDK's front, so no call
    can go round it, and one that is made again takes another turn."""

    def __init__(
        self,
        inner: stripe.HTTPClient,
        pace: Pace,
        limits: Limits,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.name = inner.name  # type: ignore[misc]  # the SDK tells Stripe which transport it uses
        self._inner, self._pace, self._limits = inner, pace, limits
        self._sleep, self._clock = sleep, clock

    def request(  # type: ignore[override]  # as the SDK's own
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[Any, int, Mapping[str, str]]:
        """One request, in its turn."""
        path = urlsplit(url).path
        if path.startswith(PREFIX):
            account = "" if self._limits.per_platform else (headers or {}).get("Stripe-Account", "")
            # First the narrow one: the turn in all is taken when the request can really go.
            self._wait(f"{account} {endpoint_of(method, path)}", self._limits.endpoint)
            self._wait(f"{account} all", self._limits.total)
        return self._inner.request(method, url, headers, post_data)

    def _wait(self, name: str, limit: int) -> None:
        for _ in range(MOST_TURNS):
            seconds, now = self._pace.take(name, limit * MARGIN), self._clock()
            if seconds > LONG_LINE and not is_patient():
                seconds = min(seconds, self._pace.take(f"{name} people", FOR_PEOPLE))
            if seconds > 0:
                self._sleep(seconds)
            if self._clock() - now - seconds <= TOO_LATE or not is_patient():
                return

    def close(self) -> None:
        """Close the other one."""
        self._inner.close()  # type: ignore[no-untyped-call]  # the SDK's own


def endpoint_of(method: str, path: str) -> str:
    """The verb and the path without ids, which stand in every second place: ``POST /v1/invoices/{id}/finalize``. Where
    a word stands in such a place (``/v1/invoices/search``) it is counted with a neighbour: never too few."""
    parts = path.removeprefix(PREFIX).strip("/").split("/")
    return f"{method.upper()} {PREFIX}{'/'.join('{id}' if place % 2 else part for place, part in enumerate(parts))}"
