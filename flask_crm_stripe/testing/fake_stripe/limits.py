"""How much Stripe takes: so many requests a second of each endpoint and of an account in all, and how long it thinks.

Off unless it is asked for. Stripe's own are 25 a second per endpoint and 100 in all (25 in all in test mode)
[https://docs.stripe.com/rate-limits]. Nobody outside knows how Stripe counts: here no second, whenever it begins, may
have more requests than that, which is the strictest reading. One that is refused does not count.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from .faults import RATE_LIMITED, Answer, answered
from .routing import match

WINDOW = 1.0
GLOBAL = replace(RATE_LIMITED, headers=(("Stripe-Rate-Limited-Reason", "global-rate"),))
Refused = Callable[[WSGIEnvironment, Answer], None]


class BadLimit(ValueError):
    """A limit that cannot be: the message names the field and what it may be."""


@dataclass
class Limits:
    """Requests a second, in all and per endpoint, for each account; None for no limit. `seconds` is how long an answer
    takes, the work included. `per_platform`: all accounts of a platform together have these."""

    total: int | None = None
    endpoint: int | None = None
    seconds: float = 0.0
    per_platform: bool = False
    now: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _seen: dict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque), repr=False)

    def set(self, **values: Any) -> None:
        """Change some. Raises BadLimit with a sentence that names the field; then nothing is changed."""
        for name, value in values.items():
            _check(name, value)
        with self._lock:
            for name, value in values.items():
                setattr(self, name, value)
            self._seen.clear()

    def as_dict(self) -> dict[str, Any]:
        """As they are set."""
        return {name: getattr(self, name) for name in ("total", "endpoint", "seconds", "per_platform")}

    def refuse(self, account: str, endpoint: str) -> Answer | None:
        """Count a request that came now; the refusal where it is one too many."""
        if self.total is None and self.endpoint is None:
            return None
        who = "" if self.per_platform else account
        with self._lock:
            now = self.now()
            every, mine = self._last((who, ""), now), self._last((who, endpoint), now)
            if self.endpoint is not None and len(mine) >= self.endpoint:
                return RATE_LIMITED
            if self.total is not None and len(every) >= self.total:
                return GLOBAL
            every.append(now)
            mine.append(now)
            return None

    def _last(self, key: tuple[str, str], now: float) -> deque[float]:
        times = self._seen[key]
        while times and times[0] <= now - WINDOW:
            times.popleft()
        return times


def _check(name: str, value: object) -> None:
    if name in ("total", "endpoint"):
        whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
        if value is not None and not whole:
            raise BadLimit(f"{name} is a whole number from 1 up, or null for no limit.")
    elif name == "seconds":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 60:
            raise BadLimit("seconds is a number from 0 to 60.")
    elif name == "per_platform":
        if not isinstance(value, bool):
            raise BadLimit("per_platform is true or false.")
    else:
        raise BadLimit(f"There is no limit {name}. There are: total, endpoint, seconds, per_platform.")


class LimitedApp:
    """WSGI middleware around the API. `note(environ, answer)` hears of each request that was refused."""

    def __init__(self, app: WSGIApplication, limits: Limits, note: Refused) -> None:
        self.app = app
        self.limits = limits
        self.note = note

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if not path.startswith("/v1/"):
            return self.app(environ, start_response)
        began = time.monotonic()
        refusal = self.limits.refuse(environ.get("HTTP_STRIPE_ACCOUNT", ""), endpoint_of(environ))
        if refusal is not None:
            self.note(environ, refusal)
            return answered(refusal, start_response)
        answer = self.app(environ, start_response)
        time.sleep(max(0.0, began + self.limits.seconds - time.monotonic()))
        return answer


def endpoint_of(environ: WSGIEnvironment) -> str:
    """The verb and the path without ids: `POST /v1/invoices/{id}/finalize`."""
    method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
    found = match(method, path)
    return f"{method} {found[0].path if found else path}"
