"""Calling Stripe so that nothing is done twice and nothing is lost.

A row is written before each call that changes something, and completed after it. What a former attempt left behind
decides how the next one begins:

    nothing, refused, not_done   the request goes out (refused: under a new key)
    open, unknown                look at Stripe whether it was done; if not, the same key again
    failed (5xx)                 look; if not, a new key, because Stripe replays a stored failure for 24 hours
    done                         look; the process died between Stripe's answer and our own next step

Looking first makes the expiry of idempotency keys (after 24 hours) harmless.
https://docs.stripe.com/api/idempotent_requests
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask_crm_stripe.errors import ProviderError, ProviderFailed, RateLimited, Unreachable
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.journal import Outcome, Step
from flask_crm_stripe.ports.invoices import JournalStore
from flask_crm_stripe.ports.provider import Answer
from flask_crm_stripe.ports.runtime import Clock

AnswerT = TypeVar("AnswerT", bound=Answer)
LOOK_FIRST = frozenset((Outcome.OPEN, Outcome.UNKNOWN, Outcome.FAILED, Outcome.DONE))
NEW_KEY_AFTER = frozenset((Outcome.REFUSED, Outcome.FAILED, Outcome.DONE))


@dataclass(frozen=True, slots=True)
class Journal:
    """Makes calls with a row before and a row after."""

    store: JournalStore
    clock: Clock
    account_id: str
    livemode: bool

    def call(
        self,
        subject: str,
        name: str,
        request: object,
        do: Callable[[str], AnswerT],
        look: Callable[[], AnswerT | None] | None = None,
    ) -> AnswerT:
        """Do it once. ``request`` is what is sent (it becomes part of the key), ``do`` gets the Idempotency-Key.

        ``look`` finds what an earlier attempt has done; without it an earlier attempt is simply repeated under the
        same key. Raises what ``do`` raises, after noting it.
        """
        last = self.store.last(subject, name, (self.account_id, self.livemode))
        if look is not None and last is not None and last.outcome in LOOK_FIRST:
            found = look()
            if found is not None:
                if last.outcome is not Outcome.DONE:
                    self._finish(last.id, Outcome.DONE, found)
                return found
        return self._attempt(subject, name, digest(request), next_generation(last), do)

    def _attempt(
        self, subject: str, name: str, request_hash: str, generation: int, do: Callable[[str], AnswerT]
    ) -> AnswerT:
        key = idempotency_key(self.account_id, subject, name, generation, request_hash)
        step = self.store.start(
            subject,
            name,
            generation,
            key,
            request_hash,
            self.clock.now(),
            account_id=self.account_id,
            livemode=self.livemode,
        )
        try:
            answer = do(key)
        except ProviderError as error:
            self.store.finish(
                step.id, outcome_of(error), self.clock.now(), request_id=error.request_id, error=error.message
            )
            raise
        self._finish(step.id, Outcome.DONE, answer)
        return answer

    def _finish(self, step_id: int, outcome: Outcome, answer: Answer) -> None:
        self.store.finish(step_id, outcome, self.clock.now(), result_id=answer.id, request_id=answer.request_id)


def next_generation(last: Step | None) -> int:
    """Which generation of a step's key the next attempt uses."""
    if last is None:
        return 1
    return last.generation + 1 if last.outcome in NEW_KEY_AFTER else last.generation


def outcome_of(error: ProviderError) -> Outcome:
    """What an error of the call tells about the call."""
    if isinstance(error, Unreachable):
        return Outcome.UNKNOWN
    if isinstance(error, ProviderFailed):
        return Outcome.FAILED
    return Outcome.NOT_DONE if isinstance(error, RateLimited) else Outcome.REFUSED


def idempotency_key(account_id: str, subject: str, name: str, generation: int, request_hash: str) -> str:
    """At most 255 characters, nothing readable in it: keys show up in Stripe's logs."""
    text = "\0".join((account_id, subject, name, str(generation), request_hash))
    return f"crm_{hashlib.sha256(text.encode()).hexdigest()[:48]}"
