"""What each kind of event makes us do. None believes what the event says: each asks Stripe how the thing stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.event_types import ACCOUNT, HAPPENINGS, INVOICE, MONEY_BACK, OVER, PAYMENT, TAX
from flask_crm_stripe.core.history import Cause, fresh
from flask_crm_stripe.core.invoice_steps import subject
from flask_crm_stripe.errors import AccountGone
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.events import EventState, Result, StoredEvent, TimelineEntry
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.model.journal import Outcome

APPLIED = Result(EventState.APPLIED)
NOT_OURS = Result(EventState.IGNORED, "The invoice was not made here.")
NO_INVOICE = Result(EventState.IGNORED, "The payment is not for an invoice.")


@dataclass(frozen=True, slots=True)
class Thing:
    """What some events are about: an invoice or a payment by Stripe's id, or anything else."""

    kind: str
    id: str


STEPS = frozenset(("invoice.created", "invoice.updated", "invoice.finalized", "invoice.sent"))
WHOLE = frozenset(("create", "fill", "finalise", "send"))
"""Steps of ours whose answer is the whole invoice."""

Handler = Callable[[Billing, Thing, Sequence[StoredEvent]], Result]


def invoice_changed(billing: Billing, thing: Thing, events: Sequence[StoredEvent]) -> Result:
    """Ask Stripe for the invoice, store a newer picture, tell the host."""
    last, books = events[-1], (events[-1].account_id, events[-1].livemode)
    stripe_id = thing.id if thing.kind == "invoice" else billing.connection.provider().invoice_of_payment(thing.id)
    if not stripe_id:
        return NO_INVOICE
    invoice = _ours(billing, books, stripe_id, deleted=all(event.type == "invoice.deleted" for event in events))
    if invoice is None:
        return NOT_OURS
    known = billing.ledger.invoices.payments(invoice.id)
    told = invoice.told_version >= invoice.version
    back = [event for event in events if event.type.startswith(MONEY_BACK)]
    last, after = back[-1] if back else last, invoice
    if back or not _our_own(billing, invoice, events):
        cause = Cause(last.created, last.event_id, last.request_id, money_back=bool(back))
        after = billing.invoicing.steps.refresh(invoice, cause, stripe_id, known)
    if _happened(billing, after, events):
        after = billing.invoicing.get(invoice.id)
    if after.version == invoice.version and told:
        return APPLIED  # It was known, and the host knows it.
    news = fresh(known, billing.ledger.invoices.payments(invoice.id))
    billing.invoicing.news.tell(after, news if told else None)
    return Result(EventState.APPLIED, changed=_difference(invoice, after))


def account_changed(billing: Billing, _thing: Thing, _events: Sequence[StoredEvent]) -> Result:
    """Ask Stripe what the account can do now."""
    billing.connection.refresh(everything=False)
    return APPLIED


def tax_changed(billing: Billing, _thing: Thing, _events: Sequence[StoredEvent]) -> Result:
    """Ask Stripe what the account can do now, Stripe Tax included."""
    billing.connection.refresh()
    return APPLIED


def disconnected(billing: Billing, _thing: Thing, _events: Sequence[StoredEvent]) -> Result:
    """Access was revoked at Stripe's side, unless the event is old and the business has connected again since: ask."""
    with suppress(AccountGone):  # Then the connection is ended already.
        billing.connection.refresh(everything=False)
    return APPLIED


def _ours(billing: Billing, books: Books, stripe_id: str, *, deleted: bool) -> Invoice | None:
    """Our invoice: by its Stripe id, or, where that answer never reached us, by the id of ours that it carries.

    The metadata can be written by others, so account and mode must agree with our own row as well.
    """
    invoices = billing.ledger.invoices
    if found := invoices.by_stripe_id(*books, stripe_id):
        return found
    if deleted:
        return None
    remote = billing.connection.provider().invoice(stripe_id)
    ours = invoices.get(remote.metadata.get("crm_stripe_id", ""))
    if ours is None or ours.stripe_id is not None or remote.metadata.get("crm_installation") != billing.installation:
        return None
    return ours if ours.books == books else None


def _our_own(billing: Billing, invoice: Invoice, events: Sequence[StoredEvent]) -> bool:
    """Whether all of it is the echo of our own steps, whose answers told as much and are stored: then Stripe need not
    be asked. While many invoices are made at once this is most of what comes."""
    if not all(event.type in STEPS and event.request_id for event in events):
        return False
    steps = billing.ledger.journal.steps(subject(invoice))
    answered = {step.request_id for step in steps if step.outcome is Outcome.DONE and step.name in WHOLE}
    return all(event.request_id in answered for event in events) and invoice.fetched_at is not None


def _happened(billing: Billing, invoice: Invoice, events: Sequence[StoredEvent]) -> bool:
    """What no picture of the invoice shows: a deadline that passed, a payment that is disputed. Whether any was."""
    told = [event for event in events if event.type in HAPPENINGS]
    for event in told:
        kind = HAPPENINGS[event.type]
        entry = TimelineEntry(event.created, kind, None, {}, event.event_id, event.request_id, event.object_id)
        billing.ledger.invoices.note(invoice.id, entry)
        billing.notices.about_invoice(kind, invoice, event.object_id)
    return bool(told)


def _difference(before: Invoice, after: Invoice) -> str | None:
    """``invoice <our id> <status before> <status after>``; None where nothing is another."""
    if after.version == before.version:
        return None
    return f"invoice {after.id} {before.status or 'none'} {after.status or 'none'}"


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys((*INVOICE, *PAYMENT), invoice_changed),
    **dict.fromkeys(ACCOUNT, account_changed),
    **dict.fromkeys(TAX, tax_changed),
    **dict.fromkeys(OVER, disconnected),
}
