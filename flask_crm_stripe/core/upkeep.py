"""What has to be done although nobody is looking: drain the outbox, go on with what stopped, tell what was not told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask_crm_stripe.core.billing import Billing, Platform
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.errors import BillingError, ProviderFailed, RateLimited, Unreachable
from flask_crm_stripe.model.catalogue import OutboxEntry
from flask_crm_stripe.model.crm import ContactRef

log = logging.getLogger(__name__)

EVERYTHING = "*"
TEMPORARY = (Unreachable, ProviderFailed, RateLimited)
LEFT_ALONE = timedelta(minutes=3)
"""An invoice that nobody has touched for so long was interrupted; a running one is younger than its lease."""


@dataclass(frozen=True, slots=True)
class Done:
    """What one round did."""

    events: int
    notes: int
    services: int
    invoices: int
    told: int


@dataclass(frozen=True)
class Upkeep:
    """One round of it is safe at any time, and from several processes at once."""

    platform: Platform
    inbox: Inbox

    def round(self) -> Done:
        """Everything that is due now."""
        events, notes = self.inbox.sweep(), self.drain()
        services = invoices = told = 0
        for business in self._connected():
            billing = self.platform.system(business)
            services += self._safely(billing, _sync)
            invoices += self._safely(billing, self._resume)
            told += self._safely(billing, self._tell)
        return Done(events, notes, services, invoices, told)

    def _safely(self, billing: Billing, work: Callable[[Billing], int]) -> int:
        """One business's trouble, or one kind of work's, keeps nothing else waiting."""
        try:
            return work(billing)
        except Exception:
            log.exception("Upkeep of business %s failed; the next round tries again", billing.business.ref)
            return 0

    def drain(self) -> int:
        """Turn the host's notes into work that waits, then clear them; what fails stays noted. Says how many."""
        notes = self.platform.shared.outbox()
        kept: set[int] = set()
        for business in self._connected():
            mine = [note for note in notes if note.business in (business, EVERYTHING)]
            if mine:
                kept |= self._follow(self.platform.system(business), mine)
        done = [note.id for note in notes if note.id not in kept]
        self.platform.shared.clear_outbox(done)
        return len(done)

    def sync_noted(self) -> None:
        """After the host saved: drain, and bring in step what now waits."""
        if self.drain():
            for business in self._connected():
                self.platform.system(business).catalogue.sync_waiting()

    def _follow(self, billing: Billing, notes: Sequence[OutboxEntry]) -> set[int]:
        """The ids of notes that could not be followed."""
        services = [note.ref for note in notes if note.kind == "service"]
        if services:
            billing.catalogue.note(None if EVERYTHING in services else list(dict.fromkeys(services)))
        return {note.id for note in notes if note.kind.startswith("contact:") and not self._contact(billing, note)}

    def _contact(self, billing: Billing, note: OutboxEntry) -> bool:
        _, _, kind = note.kind.partition(":")
        if note.ref == EVERYTHING:
            return True
        try:
            billing.customers.follow(ContactRef(kind, note.ref))
        except BillingError as error:
            log.warning("A contact could not be brought up to date at Stripe: %s", error.code)
            return not isinstance(error, TEMPORARY)
        return True

    def _resume(self, billing: Billing) -> int:
        count = 0
        for invoice in billing.ledger.invoices.unfinished(self.platform.clock.now() - LEFT_ALONE):
            if not billing.invoicing.steps.can_go_on_alone(invoice):
                continue
            try:
                billing.invoicing.resume(invoice.id)
                count += 1
            except BillingError as error:
                log.warning("Invoice %s could not be resumed: %s", invoice.id, error.code)
        return count

    def _tell(self, billing: Billing) -> int:
        count = 0
        for invoice in billing.ledger.invoices.untold():
            try:
                billing.invoicing.news.tell(invoice)
                count += 1
            except Exception:
                log.exception("The CRM could not be told of invoice %s; it will be told again", invoice.id)
        return count

    def _connected(self) -> Iterable[str]:
        connections = self.platform.shared.live_connections()
        mine = [each.business for each in connections if each.livemode == self.platform.livemode]
        return list(dict.fromkeys(mine))


def _sync(billing: Billing) -> int:
    return billing.catalogue.sync_waiting().done
