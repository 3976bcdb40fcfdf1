"""Events: stored once, then applied by asking Stripe how the thing stands now. A body is only a reason to ask."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.history import Cause, fresh
from flask_crm_stripe.errors import AccountGone, BillingError
from flask_crm_stripe.model.events import EventState, IncomingEvent, StoredEvent
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.ports.ledger import SharedLedger
from flask_crm_stripe.ports.runtime import Clock, Queue

log = logging.getLogger(__name__)

LEASE_SECONDS = 60
MOST_ATTEMPTS = 12
LONGEST_WAIT = timedelta(hours=6)
APPLIED = (EventState.APPLIED, None)
NOT_OURS = (EventState.IGNORED, "The invoice was not made here.")
NOT_CONNECTED = (EventState.IGNORED, "The account is no longer connected.")

Result = tuple[EventState, str | None]


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a delivery: ``why`` is stored, known (we had it) or foreign (no such account in this mode)."""

    row_id: int | None
    why: str


@dataclass(frozen=True)
class Inbox:
    """All businesses' events."""

    shared: SharedLedger
    billing: Callable[[str], Billing]
    queue: Queue
    clock: Clock

    def receive(self, event: IncomingEvent) -> Received:
        """Keep a verified event once, and have it applied later."""
        connection = self.shared.live_connection(event.account_id, event.livemode)
        if connection is None:
            return Received(None, "foreign")
        row_id = self.shared.store_event(connection.business, event, self.clock.now())
        if row_id is None:
            return Received(None, "known")
        self.queue.put("apply_event", row_id=row_id)
        return Received(row_id, "stored")

    def apply(self, row_id: int) -> None:
        """Apply one event, and with it all that wait about the same thing."""
        event = self.shared.event(row_id)
        if event is not None and event.state is EventState.WAITING:
            same = [other for other in self.shared.due_events(self.clock.now()) if _about(other) == _about(event)]
            self._apply_together(same or [event])

    def sweep(self) -> int:
        """Apply everything that is due: what a crash, a busy moment or a failure left behind. Says how many. Those that
        must go on waiting, as in a copy, keep none of the others waiting."""
        done, last, now = 0, 0, self.clock.now()
        while due := self.shared.due_events(now, after=last):
            last = due[-1].id
            for _, events in groupby(sorted(due, key=lambda event: (_about(event), event.id)), key=_about):
                done += self._apply_together(list(events))
        return done

    def _apply_together(self, events: Sequence[StoredEvent]) -> int:
        """Says how many were tried."""
        billing, last = self.billing(events[-1].business), events[-1]
        if billing.environment.is_copy:
            return 0  # It waits until somebody says that this is the real one.
        lease = ":".join(("event", *map(str, _about(last)[1:])))
        holder = f"{billing.holder}:{last.id}"
        if billing.ledger.lease(lease, holder, self.clock.now(), LEASE_SECONDS) is None:
            return 0
        try:
            # Another worker may have applied them between our look at the inbox and this lease.
            events = [event for event in events if self._still_waits(event)]
            if not events:
                return 0
            state, reason = self._result(billing, last)
            for event in events:
                self.shared.finish_event(event.id, state, self.clock.now(), reason=reason)
        except BillingError as error:
            self._failed(events, error.message)
        except Exception:
            log.exception("Applying event %s failed", last.event_id)
            self._failed(events, "Something went wrong here; the CRM's own log says what.")
        finally:
            billing.ledger.release(lease, holder)
        return len(events)

    def _still_waits(self, event: StoredEvent) -> bool:
        now = self.shared.event(event.id)
        return now is not None and now.state is EventState.WAITING

    def _result(self, billing: Billing, event: StoredEvent) -> Result:
        handler = HANDLERS.get(event.type)
        connection = billing.connection.live()
        if handler is None:
            return EventState.IGNORED, "Billing needs nothing of this kind."
        if connection is None or connection.books != (event.account_id, event.livemode):
            return NOT_CONNECTED
        try:
            return handler(billing, event)
        except AccountGone:
            if billing.connection.live() is not None:
                raise  # It could not be told whether it is the account or our key.
            return NOT_CONNECTED

    def _failed(self, events: Sequence[StoredEvent], reason: str) -> None:
        now = self.clock.now()
        for event in events:
            wait = min(LONGEST_WAIT, timedelta(seconds=15 * 2 ** min(event.attempts, 12)))
            retry_at = now + wait if event.attempts + 1 < MOST_ATTEMPTS else None
            self.shared.finish_event(event.id, EventState.FAILED, now, reason=reason, retry_at=retry_at)


def invoice_changed(billing: Billing, event: StoredEvent) -> Result:
    """Ask Stripe for the invoice and store a newer picture."""
    invoice = _find(billing, event)
    if invoice is None:
        return NOT_OURS
    known = billing.ledger.invoices.payments(invoice.id)
    told = invoice.told_version >= invoice.version
    cause = Cause(event.created, event.event_id, event.request_id)
    after = billing.invoicing.steps.refresh(invoice, cause, event.invoice_id)
    news = fresh(known, billing.ledger.invoices.payments(invoice.id))
    billing.invoicing.news.tell(after, news if told else None)
    return APPLIED


def account_changed(billing: Billing, _event: StoredEvent) -> Result:
    """Ask Stripe what the account can do now."""
    billing.connection.refresh(everything=False)
    return APPLIED


def tax_changed(billing: Billing, _event: StoredEvent) -> Result:
    """Ask Stripe what the account can do now, Stripe Tax included."""
    billing.connection.refresh()
    return APPLIED


def disconnected(billing: Billing, _event: StoredEvent) -> Result:
    """Access was revoked at Stripe's side, unless the event is old and the business has connected again since: ask."""
    with suppress(AccountGone):  # Then the connection is ended already.
        billing.connection.refresh(everything=False)
    return APPLIED


def _find(billing: Billing, event: StoredEvent) -> Invoice | None:
    """Our invoice: by its Stripe id, or, where that answer never reached us, by the id of ours that it carries.

    The metadata can be written by others, so account and mode must agree with our own row as well.
    """
    stripe_id = event.invoice_id or ""
    invoices = billing.ledger.invoices
    if found := invoices.by_stripe_id(event.account_id, event.livemode, stripe_id):
        return found
    if event.type == "invoice.deleted":
        return None
    remote = billing.connection.provider().invoice(stripe_id)
    ours = invoices.get(remote.metadata.get("crm_stripe_id", ""))
    if ours is None or ours.stripe_id is not None or remote.metadata.get("crm_installation") != billing.installation:
        return None
    return ours if (ours.account_id, ours.livemode) == (event.account_id, event.livemode) else None


def _about(event: StoredEvent) -> tuple[str, str, str]:
    """What is applied together. A type that billing does not need stands alone: it must not decide for others."""
    thing = (event.invoice_id or event.object_id) if event.type in HANDLERS else event.event_id
    return event.business, event.account_id, thing


Handler = Callable[[Billing, StoredEvent], Result]

HANDLERS: dict[str, Handler] = {
    "invoice.created": invoice_changed,
    "invoice.updated": invoice_changed,
    "invoice.finalized": invoice_changed,
    "invoice.sent": invoice_changed,
    "invoice.paid": invoice_changed,
    "invoice.payment_succeeded": invoice_changed,
    "invoice.payment_failed": invoice_changed,
    "invoice.payment_action_required": invoice_changed,
    "invoice.overdue": invoice_changed,
    "invoice.overpaid": invoice_changed,
    "invoice.voided": invoice_changed,
    "invoice.marked_uncollectible": invoice_changed,
    "invoice.finalization_failed": invoice_changed,
    "invoice.deleted": invoice_changed,
    "invoice_payment.paid": invoice_changed,
    "account.updated": account_changed,
    "capability.updated": account_changed,
    "tax.settings.updated": tax_changed,
    "account.application.deauthorized": disconnected,
}
