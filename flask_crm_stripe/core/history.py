"""What a newer picture of an invoice means: which sentences go on the timeline. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, Payment, RemoteInvoice
from flask_crm_stripe.model.money import Money

KINDS = {"open": "finalised", "paid": "paid", "void": "voided", "uncollectible": "uncollectible"}


@dataclass(frozen=True, slots=True)
class Cause:
    """What made us look, and when: an event of Stripe's, or nothing but our own wish. ``ours`` is the sentence for what
    we did ourselves; it stands where the picture shows just that. ``money_back`` is whether it is about a credit note
    or a refund."""

    at: datetime
    event_id: str | None = None
    request_id: str | None = None
    ours: TimelineEntry | None = None
    money_back: bool = False


def entries(
    before: Invoice, remote: RemoteInvoice, known: Sequence[Payment], payments: Sequence[Payment], cause: Cause
) -> list[TimelineEntry]:
    """The sentences that a newer picture adds, oldest first."""
    found = [_failed(payment, cause) for payment in fresh(known, payments) if payment.status == "failed"]
    if before.status is not None and before.status != remote.status:
        found.append(_status(remote, payments, cause))
    return found


def fresh(known: Sequence[Payment], payments: Sequence[Payment]) -> list[Payment]:
    """Payments whose result we had not recorded yet."""
    seen = {(payment.stripe_id, payment.status) for payment in known}
    return [payment for payment in payments if (payment.stripe_id, payment.status) not in seen]


def _failed(payment: Payment, cause: Cause) -> TimelineEntry:
    words = {"reason": payment.reason or "", "method": payment.method}
    about = payment.payment_intent or payment.stripe_id
    return TimelineEntry(payment.at, "payment_failed", None, words, cause.event_id, cause.request_id, about)


def _status(remote: RemoteInvoice, payments: Sequence[Payment], cause: Cause) -> TimelineEntry:
    kind = KINDS.get(remote.status, "changed")
    times = {"finalised": remote.finalised_at, "voided": remote.voided_at}
    times |= dict.fromkeys(("paid", "all_credited"), remote.paid_at)
    words = {"status": remote.status, "number": remote.number or ""}
    if kind == "paid" and not remote.amount_paid and remote.credited:
        kind = "all_credited"
    if kind == "paid":
        methods = dict.fromkeys(payment.method for payment in payments if payment.status == "succeeded")
        words |= {"amount": str(Money(remote.amount_paid, remote.currency)), "method": ", ".join(methods)}
    at, ours = times.get(kind) or cause.at, cause.ours
    if ours is not None and ours.kind == kind:
        return replace(ours, at=at, params=words | ours.params, object_id=remote.id)
    return TimelineEntry(at, kind, None, words, cause.event_id, cause.request_id, remote.id)
