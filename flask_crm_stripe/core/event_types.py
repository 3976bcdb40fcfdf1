"""Which events billing needs, and why it needs no others."""

from __future__ import annotations

INVOICE = (
    *("invoice.created", "invoice.updated", "invoice.finalized", "invoice.sent", "invoice.paid"),
    *("invoice.payment_succeeded", "invoice.payment_failed", "invoice.payment_action_required"),
    *("invoice.payment_attempt_required", "invoice.overdue", "invoice.overpaid", "invoice.voided"),
    *("invoice.marked_uncollectible", "invoice.finalization_failed", "invoice.deleted", "invoice_payment.paid"),
    *("credit_note.created", "credit_note.updated", "credit_note.voided"),
)
PAYMENT = (
    *("payment_intent.processing", "payment_intent.succeeded", "payment_intent.payment_failed"),
    *("payment_intent.requires_action", "payment_intent.canceled", "payment_intent.partially_funded"),
    *("charge.refunded", "refund.created", "refund.updated", "refund.failed"),
    *("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"),
    *("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"),
)
MONEY_BACK = ("credit_note.", "refund.")
"""How the types of events begin that tell of a credit note or of money that goes back: the sums of the invoice and its
payments may be the same as before."""

HAPPENINGS = {"invoice.overdue": "overdue", "charge.dispute.created": "disputed"}
ACCOUNT = ("account.updated", "capability.updated")
TAX = ("tax.settings.updated",)
OVER = ("account.application.deauthorized",)

WANTED = tuple(sorted((*INVOICE, *PAYMENT, *ACCOUNT, *TAX, *OVER)))
"""What a webhook endpoint has to listen to."""

ELSEWHERE = {
    "cash_balance": "A transfer that pays an invoice comes with events of the invoice.",
    "customer_cash_balance_transaction": "A transfer that pays an invoice comes with events of the invoice.",
    "charge": "What a charge does to an invoice comes with events of its payment.",
    "customer": "Who a customer is stands in the CRM.",
    "product": "What a service is stands in the CRM.",
    "price": "What a service costs stands in the CRM.",
    "invoiceitem": "Invoices are made from the CRM's own work.",
}


def unneeded(kind: str) -> str:
    """Why an event of this type changes nothing."""
    family, _, rest = kind.partition(".")
    if family == "customer" and rest.startswith("subscription"):
        return "Billing needs nothing of this kind."
    return ELSEWHERE.get(family, "Billing needs nothing of this kind.")
