"""The operations on invoices that went out, on the pages' own use cases."""

from __future__ import annotations

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.deeds import PAID_ELSEWHERE, UNCOLLECTIBLE, VOID
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.web.api import answers, given, views
from flask_crm_stripe.web.api.operations import Given, Operation, Reply
from flask_crm_stripe.web.context import calls_stripe

INVOICE = "/invoices/<invoice_id>"
AGAIN = "Where Stripe gave no answer (502), the same again completes it, and does nothing twice."


@calls_stripe
def resend(billing: Billing, given: Given) -> Reply:
    """Mail it once more."""
    anyway = bool((given.body or {}).get("anyway", False))
    return views.told(billing, billing.afterwards.resend(given.path["invoice_id"], anyway=anyway))


@calls_stripe
def void(billing: Billing, given: Given) -> Reply:
    """Nothing is owed any more."""
    return _do(billing, VOID, given, given.body["reason"])


@calls_stripe
def uncollectible(billing: Billing, given: Given) -> Reply:
    """It is counted as lost."""
    return _do(billing, UNCOLLECTIBLE, given, given.body["reason"])


@calls_stripe
def paid_elsewhere(billing: Billing, given: Given) -> Reply:
    """It was paid without Stripe."""
    try:
        return _do(billing, PAID_ELSEWHERE, given, given.body["how"])
    except InvalidInput as error:
        raise InvalidInput("how", error.message) from None


def _do(billing: Billing, kind: str, given: Given, reason: str) -> Reply:
    return views.told(billing, billing.afterwards.do(kind, given.path["invoice_id"], reason))


OPERATIONS = (
    Operation(
        "resend_invoice",
        "POST",
        f"{INVOICE}/resend",
        resend,
        "Mail an open invoice again",
        {200: answers.Invoice},
        "A second time within a minute sends nothing. Where nobody knows if the last mail went out, 409: "
        "send `anyway` as true to mail it all the same.",
        body=given.Resend,
        body_needed=False,
        refusals=(404, 409, 502),
    ),
    Operation(
        "void_invoice",
        "POST",
        f"{INVOICE}/void",
        void,
        "Void an open or uncollectible invoice that nothing was paid on",
        {200: answers.Invoice},
        f"Its work can be billed again. {AGAIN}",
        body=given.Reason,
        refusals=(404, 409, 502),
    ),
    Operation(
        "mark_uncollectible",
        "POST",
        f"{INVOICE}/uncollectible",
        uncollectible,
        "Write an open invoice off; it can still be paid",
        {200: answers.Invoice},
        AGAIN,
        body=given.Reason,
        refusals=(404, 409, 502),
    ),
    Operation(
        "paid_elsewhere",
        "POST",
        f"{INVOICE}/paid-elsewhere",
        paid_elsewhere,
        "Record that all that is left of an invoice was paid without Stripe",
        {200: answers.Invoice},
        AGAIN,
        body=given.PaidElsewhere,
        refusals=(404, 409, 502),
    ),
)
