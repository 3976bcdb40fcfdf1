"""Which calls are made again at once, and how often: few, short, and only where the same call twice is harmless.

Every changing call carries an Idempotency-Key and is repeated with the same one; reads and deletes are harmless anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import requests
import stripe
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential, wait_random

from flask_crm_stripe.adapters.stripe.errors import sdk_mishaps, stripe_errors, translate
from flask_crm_stripe.errors import ProviderError, RateLimited

Answered = TypeVar("Answered")
Sleep = Callable[[float], None]

EXTRA_TRIES = 2
EXTRA_TRIES_AFTER_SILENCE = 1
FIRST_WAIT = 0.25
LONGEST_WAIT = 2.0


class Retries:
    """Calls ``work`` until it answers, fails for good, or was tried often enough.

    Made again: 429, 409 and connection errors, twice; a read time-out once, for the person has waited 20 seconds.
    ``Stripe-Should-Retry`` in the answer overrules this, as Stripe asks its clients to. ``sleep`` takes seconds.
    """

    def __init__(self, sleep: Sleep = time.sleep) -> None:
        self._sleep = sleep

    def __call__(self, work: Callable[[], Answered]) -> Answered:
        """The answer. Raises our own errors; where one of the tries stayed without an answer, never "not done"."""
        silent: list[ProviderError] = []

        def attempt() -> Answered:
            try:
                with sdk_mishaps():
                    return work()
            except stripe.StripeError as error:
                if (ours := translate(error)).unknown:
                    silent.append(ours)
                raise

        try:
            with stripe_errors():
                return self._retrying()(attempt)
        except RateLimited:
            if silent:
                raise silent[-1] from None
            raise

    def _retrying(self) -> Retrying:
        return Retrying(
            sleep=self._sleep,
            wait=wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT) + wait_random(0, FIRST_WAIT),
            retry=retry_if_exception(worth_another_try),
            stop=_tried_enough,
            reraise=True,
        )


def worth_another_try(error: BaseException) -> bool:
    """Whether the same call, made again now, can end better and do no harm."""
    if isinstance(error, stripe.APIConnectionError):
        return error.should_retry
    if not isinstance(error, stripe.StripeError):
        return False
    asked = _should_retry_header(error)
    return asked if asked is not None else isinstance(translate(error), RateLimited)


def _tried_enough(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    extra = EXTRA_TRIES_AFTER_SILENCE if _read_timed_out(error) else EXTRA_TRIES
    return state.attempt_number > extra


def _read_timed_out(error: BaseException | None) -> bool:
    """The SDK keeps what its transport raised as the cause."""
    return error is not None and isinstance(error.__cause__, requests.ReadTimeout)


def _should_retry_header(error: stripe.StripeError) -> bool | None:
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return {"true": True, "false": False}.get(headers.get("stripe-should-retry", ""))
