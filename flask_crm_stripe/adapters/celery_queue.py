"""Work for later in the host's own Celery workers (CRM_STRIPE_TASKS = "celery").

Only task names and our own row ids travel through the broker: no figures, no secrets, nothing that can grow old.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger(__name__)

TASK = "crm_stripe.run"


class CeleryQueue:
    """Sends tasks to the host's Celery app; without one given, to Celery's current app."""

    def __init__(self, app: Celery | None = None) -> None:
        self._app = app

    def put(self, task: str, **arguments: str | int) -> None:
        """Send the call. A broker that is down is logged and stops nobody: the row waits in our tables."""
        try:
            self._send({"task": task, "arguments": arguments})
        except Exception as error:
            # Only the kind of error: its text can hold the broker's address with its password.
            logger.error(
                "The task “%s” (%s) did not reach Celery's broker (%s). “flask crm-stripe work” takes it up.",
                task, arguments, type(error).__name__,
            )  # fmt: skip

    def _send(self, call: dict[str, object]) -> None:
        app = self._celery()
        with app.producer_or_acquire() as producer:
            # One try, not Celery's patient several: a webhook has to answer soon, and its event is stored already.
            producer.connection.ensure_connection(max_retries=1, interval_start=0)
            app.send_task(TASK, kwargs=call, producer=producer, retry=False)

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
