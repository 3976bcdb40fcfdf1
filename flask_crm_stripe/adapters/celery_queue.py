"""Work for later in the host's own Celery workers (CRM_STRIPE_TASKS = "celery").

Only task names and our own row ids travel through the broker: no figures, no secrets, nothing that can grow old.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger(__name__)

TASK = "crm_stripe.run"
NOT_BEFORE = 1.0
"""Seconds between two messages that say the same: do what waits. Stripe sends some events of one payment within a
second: so they are applied together, with one look at Stripe, and the browser is shown it within its next question."""

SENT_ALREADY = -1.0
KEEP_UP_EVERY = 60.0
"""Seconds between two rounds of upkeep, where the host runs Celery's beat."""


class CeleryQueue:
    """Sends tasks to the host's Celery app; without one given, to Celery's current app."""

    def __init__(self, app: Celery | None = None, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` counts seconds."""
        self._app = app
        self._now = now
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}

    @property
    def settles(self) -> timedelta:
        """As long as the message takes that says so."""
        return timedelta(seconds=NOT_BEFORE)

    def put(self, task: str, **arguments: str | int) -> None:
        """Send the call. A broker that is down is logged and stops nobody: the row waits in our tables.

        A task without arguments does whatever waits, so it is sent once a second at most, for a second later, and until
        then no more. Each process counts for itself, and one that dies loses nothing: what waits is found by the next
        one, or the next sweep.
        """
        delay = None if arguments else self._delay(task)
        if delay == SENT_ALREADY:
            return
        try:
            self._send({"task": task, "arguments": arguments}, delay)
        except Exception as error:
            # Only the kind of error: its text can hold the broker's address with its password.
            logger.error(
                "The task “%s” (%s) did not reach Celery's broker (%s). “flask crm-stripe work” takes it up.",
                task, arguments, type(error).__name__,
            )  # fmt: skip

    def _delay(self, task: str) -> float | None:
        """None for at once, else the seconds until then, or SENT_ALREADY."""
        with self._lock:
            now = self._now()
            if self._last.get(task, now) > now:
                return SENT_ALREADY  # It is on its way, and does what waits when it arrives.
            self._last[task] = now + NOT_BEFORE
            return NOT_BEFORE

    def _send(self, call: dict[str, object], delay: float | None) -> None:
        app = self._celery()
        with app.producer_or_acquire() as producer:
            # One try, not Celery's patient several: a webhook has to answer soon, and its event is stored already.
            producer.connection.ensure_connection(max_retries=1, interval_start=0)
            app.send_task(TASK, kwargs=call, producer=producer, retry=False, countdown=delay)

    def _celery(self) -> Any:
        if self._app is not None:
            return self._app
        from celery import current_app

        return current_app


def register(app: Celery, run: Callable[[str, Mapping[str, str | int]], object]) -> None:
    """Make ``app``'s workers run our tasks with ``run(task, arguments)``; ``run`` brings its application context.

    Tasks are acknowledged after the work, so one whose worker died is run again: every task of ours may be.
    """

    def run_task(task: str, arguments: dict[str, str | int]) -> None:
        run(task, arguments)

    # shared=True would make it every Celery app's task of the process.
    app.task(run_task, name=TASK, shared=False, acks_late=True, ignore_result=True)
    round_of_upkeep = {"task": TASK, "schedule": KEEP_UP_EVERY, "kwargs": {"task": "keep_up", "arguments": {}}}
    app.conf.beat_schedule = {**(app.conf.beat_schedule or {}), "crm_stripe.keep_up": round_of_upkeep}
