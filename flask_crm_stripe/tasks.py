"""What a worker may run: names and use cases. Arguments are our own ids only; every task may be run twice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask_crm_stripe.core.billing import Platform
from flask_crm_stripe.core.run_work import RunWork
from flask_crm_stripe.core.upkeep import Upkeep
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.ports.runtime import nobody_waits

log = logging.getLogger(__name__)

Arguments = Mapping[str, str | int]


@dataclass(frozen=True)
class Worker:
    """The use cases behind the names."""

    platform: Platform
    inbox: Inbox
    upkeep: Upkeep

    def run(self, task: str, arguments: Arguments) -> None:
        """Run one task. Raises ``KeyError`` for a name that is not in TASKS."""
        with nobody_waits():
            TASKS[task](self, **arguments)

    def apply_events(self) -> None:
        """Apply the stored events that are due."""
        self.inbox.sweep()

    def sync_services(self, business: str) -> None:
        """Bring a business's whole catalogue in step."""
        report = self.platform.system(business).catalogue.sync()
        for name, reason in report.failed:
            log.warning("The service “%s” did not reach Stripe: %s", name, reason)

    def sync_noted(self) -> None:
        """Follow what the host's own session noted."""
        self.upkeep.sync_noted()

    def keep_up(self) -> None:
        """One round of everything that is due."""
        self.upkeep.round()

    def make_invoices(self, business: str, run: str, worker: int = 0) -> None:
        """Work on a run of many invoices for a while."""
        RunWork(self.platform).go_on(business, run)


TASKS: dict[str, Callable[..., None]] = {
    "apply_events": Worker.apply_events,
    "sync_services": Worker.sync_services,
    "sync_noted": Worker.sync_noted,
    "keep_up": Worker.keep_up,
    "make_invoices": Worker.make_invoices,
}
