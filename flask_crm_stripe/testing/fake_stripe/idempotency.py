"""Idempotency keys: the first answer is kept for 24 hours on FakeStripe's clock and given again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.wrappers import Request

from .errors import StripeFault, invalid
from .records import Platform, RequestRecord, SavedAnswer
from .state import World

HORIZON = 24 * 3600
MAX_KEY = 255

HOLD_KEY = "fake_stripe.hold"
"""environ key: a function that is called after the idempotency key was taken and before the work."""


class Ledger:
    """The saved answers of a world. A key is its account's (or its platform's, by the switch idempotency_scope)."""

    def __init__(self, world: World) -> None:
        self.world = world

    def slot(self, platform: Platform, account_id: str, key: str) -> tuple[str, str]:
        """Where this key's answer is kept. Refuses a key longer than 255 characters."""
        if len(key) > MAX_KEY:
            raise invalid(f"Idempotency keys can be at most {MAX_KEY} characters long (yours has {len(key)}).")
        by_account = self.world.switches.idempotency_scope == "account"
        return (account_id if by_account else platform.account_id), key

    @contextmanager
    def exclusive(self, request: Request) -> Iterator[None]:
        """Hold the key while its request runs; 409 when another request holds it. Nothing is saved for the second.

        Taken before the world's lock, so that a second request is refused and does not wait for the first. What the
        environ holds under HOLD_KEY is called while the key is held: a way to make a request take its time.
        """
        key = request.headers.get("Idempotency-Key", "")
        if request.method != "POST" or not key:
            yield
            return
        by_account = self.world.switches.idempotency_scope == "account"
        account = request.headers.get("Stripe-Account", "") if by_account else ""
        slot = (f"{request.headers.get('Authorization', '')} {account}", key)
        with self.world.flight_lock:
            if slot in self.world.in_flight:
                raise _in_use(key)
            self.world.in_flight.add(slot)
        try:
            request.environ.get(HOLD_KEY, _at_once)()
            yield
        finally:
            with self.world.flight_lock:
                self.world.in_flight.discard(slot)

    def saved(self, slot: tuple[str, str], record: RequestRecord) -> SavedAnswer | None:
        """What was answered under the key in the last 24 hours; a 400 when that was for another request."""
        answer = self.world.answers.get(slot)
        if answer is None or self.world.now() - answer.at >= HORIZON:
            return None
        if (answer.method, answer.path) != (record.method, record.path):
            raise _mismatch(
                f"Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{record.path}' vs '{answer.path}'). Try using a key other than '{slot[1]}' if you meant to execute "
                "a different request."
            )
        if answer.params != record.params:
            raise _mismatch(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
                f"using a key other than '{slot[1]}' if you meant to execute a different request."
            )
        return answer

    def save(self, slot: tuple[str, str], record: RequestRecord, status: int, body: dict[str, Any]) -> None:
        """Keep the answer of a request that was executed, whatever its status."""
        self.world.answers[slot] = SavedAnswer(
            self.world.now(), record.method, record.path, record.params, record.request_id, status, body
        )


def _at_once() -> None:
    """Most requests do not take their time."""


def _mismatch(message: str) -> StripeFault:
    return StripeFault(message, type="idempotency_error")


def _in_use(key: str) -> StripeFault:
    return StripeFault(
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later.",
        status=409,
        type="idempotency_error",
        code="idempotency_key_in_use",
    )
