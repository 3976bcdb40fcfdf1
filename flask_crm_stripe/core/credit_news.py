"""What Stripe tells of an invoice's credit notes and refunds: looked at where something is another than we know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_crm_stripe.core.crediting import plan_seen
from flask_crm_stripe.core.history import Cause
from flask_crm_stripe.model.credits import Credit, CreditPlan, CreditStage, RemoteCredit
from flask_crm_stripe.model.invoices import Invoice, Payment, RemoteInvoice
from flask_crm_stripe.model.payments import by_stripe
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.provider import Provider

MOVING = frozenset(("pending", "requires_action"))


def look(
    ledger: Ledger,
    provider: Provider,
    invoice: Invoice,
    remote: RemoteInvoice,
    payments: Sequence[Payment],
    cause: Cause,
    started: datetime,
) -> bool:
    """Bring what we know of them up to date; whether anything is another. Refunds first: one that is made meanwhile for
    a credit note is then told with it, and not as one that has none."""
    known = ledger.credits.of_invoice(invoice.id)
    if not (cause.money_back or _differs(ledger, invoice, known, remote, payments)):
        return False
    intents = dict.fromkeys(each.payment_intent for each in payments if by_stripe(each) and each.payment_intent)
    refunds = [each for intent in intents for each in provider.refunds(intent)]
    notes = provider.credits(remote.id)
    seen = _with_plans(provider, invoice, known, notes)
    return ledger.credits.see(invoice.id, seen, refunds, started, cause.event_id, cause.request_id)


def _with_plans(
    provider: Provider, invoice: Invoice, known: Sequence[Credit], notes: Sequence[RemoteCredit]
) -> list[tuple[RemoteCredit, CreditPlan]]:
    """Each with what it takes off by our lines. Stripe's lines are asked for where one was made over there."""
    plans = {each.stripe_id or each.id: each.plan for each in known}
    ours = [plans.get(note.id) or plans.get(note.metadata.get("crm_stripe_id", "")) for note in notes]
    keys: dict[str, str] = {}
    if not all(ours) and invoice.stripe_id:
        keys = {line.id: line.key for line in provider.invoice_lines(invoice.stripe_id)}
    return [(note, plan or plan_seen(invoice.plan, note, keys)) for note, plan in zip(notes, ours, strict=True)]


def _differs(
    ledger: Ledger,
    invoice: Invoice,
    known: Sequence[Credit],
    remote: RemoteInvoice,
    payments: Sequence[Payment],
) -> bool:
    """Whether Stripe's sums are not those of what we know, or something is on its way still."""
    if remote.credited != sum(each.total for each in known if each.counts):
        return True
    if any(each.stage is CreditStage.PLANNED for each in known):
        return True
    back = sum(each.refunded for each in payments)
    if not back and not known:
        return False
    refunds = ledger.credits.refunds(invoice.id)
    return back != sum(each.amount for each in refunds if not each.failed) or any(
        each.status in MOVING for each in refunds
    )
