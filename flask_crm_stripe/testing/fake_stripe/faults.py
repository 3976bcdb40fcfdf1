"""Faults: what a network and a busy Stripe do to a client, made to order.

A fault matches a verb and a path pattern (and, if wanted, an account), and is used up after N requests. It stands in
front of the whole app, so that it reaches the API, the Connect pages and the hosted pages alike. Nothing under
`/_fake/` is ever touched: somebody has to be able to lift a fault.
"""

from __future__ import annotations

import fnmatch
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.test import run_wsgi_app

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

KINDS = ("429", "lock_timeout", "500", "500_after", "cut_before", "cut_after", "delay")

ANSWER_KEY = "fake_stripe.answer_instead"
"""environ key: the API does the work, then answers (and saves under the idempotency key) this `Answer` instead."""

TIMEOUT_KEY = "fake_stripe.timeout"
"""environ key: the number of seconds after which the mounted client would have given up waiting."""


class ConnectionCut(ConnectionResetError):
    """The connection ended without an answer. `timed_out` tells a client that waited too long from one that was cut."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class BadFault(ValueError):
    """A fault that cannot be: the message names the field and what it may be."""


@dataclass(frozen=True)
class Answer:
    """A whole response that a fault gives in the place of the real one."""

    status: int
    error: dict[str, Any]
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> bytes:
        """The JSON body, indented as Stripe's is."""
        return (json.dumps({"error": self.error}, indent=2) + "\n").encode()


RATE_LIMITED = Answer(
    429,
    {
        "code": "rate_limit",
        "doc_url": "https://stripe.com/docs/error-codes/rate-limit",
        "message": "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        "type": "invalid_request_error",
    },
    (("Stripe-Rate-Limited-Reason", "endpoint-rate"),),
)
LOCK_TIMEOUT = Answer(
    429,
    {
        "code": "lock_timeout",
        "doc_url": "https://stripe.com/docs/error-codes/lock-timeout",
        "message": (
            "This object cannot be accessed right now because another API request or Stripe process is currently "
            "accessing it. If you see this error intermittently, retry the request."
        ),
        "type": "invalid_request_error",
    },
    (("Stripe-Should-Retry", "true"),),
)
SERVER_ERROR = Answer(500, {"message": "An unknown error occurred.", "type": "api_error"})
SERVER_ERROR_SAVED = Answer(500, SERVER_ERROR.error, (("Stripe-Should-Retry", "false"),))

ANSWERS = {"429": RATE_LIMITED, "lock_timeout": LOCK_TIMEOUT, "500": SERVER_ERROR}


@dataclass
class Fault:
    """One fault. `path` is a shell pattern over the path (`/v1/invoices/*/send`); `*` alone matches everything.

    kind: `429` rate limit, `lock_timeout`, `500` (before the work), `500_after` (the work is done, the 500 is what is
    saved under the idempotency key), `cut_before` and `cut_after` the work, `delay` of `seconds` before the work.
    `times` is how many requests it hits, `skip` how many matching ones it first lets through.
    """

    kind: str
    method: str = "*"
    path: str = "*"
    account: str | None = None
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadFault(f"kind is {self.kind!r}; it must be one of {', '.join(KINDS)}.")
        if not (_whole(self.times) and _whole(self.skip)) or self.times < 1 or self.skip < 0:
            raise BadFault("times must be a whole number from 1 up, skip one from 0 up.")
        if isinstance(self.seconds, bool) or not isinstance(self.seconds, int | float) or self.seconds < 0:
            raise BadFault("seconds must be a number from 0 up.")
        if not (isinstance(self.method, str) and isinstance(self.path, str) and isinstance(self.account, str | None)):
            raise BadFault("method, path and account must be texts.")
        if self.kind == "delay" and not self.seconds:
            raise BadFault("seconds must say how long a delay is.")

    def matches(self, method: str, path: str, account: str | None) -> bool:
        """Whether this fault is meant for that request."""
        return (
            self.method.upper() in ("*", method.upper())
            and fnmatch.fnmatchcase(path, self.path)
            and self.account in (None, account)
        )


class Faults:
    """The faults that are set now. Safe for several threads."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, kind: str, method: str = "*", path: str = "*", **rest: Any) -> Fault:
        """Set one fault (fields of `Fault`). Raises BadFault with a sentence that names the field."""
        fault = Fault(kind, method, path, **rest)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> int:
        """Lift every fault; returns how many there were."""
        with self._lock:
            count = len(self._faults)
            self._faults.clear()
        return count

    def listed(self) -> list[dict[str, Any]]:
        """The faults still set, as plain values."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def take(self, method: str, path: str, account: str | None) -> Fault | None:
        """The first fault for this request, counted as used."""
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path, account):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                fault.hits += 1
                if not fault.times:
                    self._faults.remove(fault)
                return fault
        return None


Note = Callable[[WSGIEnvironment, Fault, int | None], None]


class FaultyApp:
    """WSGI middleware: asks `faults` before each request. `note(environ, fault, status)` hears of each one it spoiled.

    A cut closes the socket where there is one (status None is noted), else it raises ConnectionCut for the transport.
    """

    def __init__(self, app: WSGIApplication, faults: Faults, note: Note | None = None) -> None:
        self.app = app
        self.faults = faults
        self.note = note or (lambda environ, fault, status: None)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path.startswith("/_fake"):
            return self.app(environ, start_response)
        fault = self.faults.take(environ["REQUEST_METHOD"], path, environ.get("HTTP_STRIPE_ACCOUNT"))
        if fault is None:
            return self.app(environ, start_response)
        if fault.kind in ANSWERS:
            answer = ANSWERS[fault.kind]
            self.note(environ, fault, answer.status)
            return answered(answer, start_response)
        if fault.kind == "500_after":
            return self._work_then_500(environ, start_response)
        if fault.kind == "delay":
            return self._delay(fault, environ, start_response)
        return self._cut(fault, environ)

    def _work_then_500(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[ANSWER_KEY] = SERVER_ERROR_SAVED
        body, status, headers = _run(self.app, environ)
        if status.startswith("2"):
            # The API answers the 500 itself; the Connect and hosted pages know nothing of it.
            return answered(SERVER_ERROR_SAVED, start_response)
        start_response(status, headers.to_wsgi_list())
        return [body]

    def _delay(self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        patience = environ.get(TIMEOUT_KEY)
        if patience is not None and fault.seconds >= patience:
            _run(self.app, environ)
            self.note(environ, fault, None)
            raise ConnectionCut(f"No answer within {patience} seconds.", timed_out=True)
        time.sleep(fault.seconds)
        return self.app(environ, start_response)

    def _cut(self, fault: Fault, environ: WSGIEnvironment) -> Iterable[bytes]:
        if fault.kind == "cut_after":
            _run(self.app, environ)
        self.note(environ, fault, None)
        connection = environ.get("werkzeug.socket")
        if connection is not None:
            _close(connection)
        raise ConnectionCut("Connection reset by FakeStripe.")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _run(app: WSGIApplication, environ: WSGIEnvironment) -> tuple[bytes, str, Headers]:
    body, status, headers = run_wsgi_app(app, environ, buffered=True)
    return b"".join(body), status, headers


def answered(answer: Answer, start_response: StartResponse) -> list[bytes]:
    """Give this answer."""
    body = answer.body
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *answer.headers]
    start_response(f"{answer.status} {'Too Many Requests' if answer.status == 429 else 'Error'}", headers)
    return [body]


def _close(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # The client was quicker.
