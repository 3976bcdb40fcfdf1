"""What programs send: one schema for each body and each query."""

from __future__ import annotations

from marshmallow import fields, validate

from flask_crm_stripe.core.deeds import LONGEST_HOW
from flask_crm_stripe.core.environment import LONGEST_REASON, SHORTEST_REASON
from flask_crm_stripe.core.runs import MOST_SOURCES
from flask_crm_stripe.core.selection import MOST_LINES
from flask_crm_stripe.model.invoices import Delivery, Status
from flask_crm_stripe.model.runs import ItemState
from flask_crm_stripe.web.api.fields import Body, DecimalText, Flag, Ref, Text, WholeNumber, listed, nested

LONGEST_DUE = 365
MOST_SERVICES = 1000
MOST_ROWS = 100
ROWS = 25
KEY = r"^[A-Za-z0-9_.:-]{8,64}$"
ACCOUNT = r"^acct_\w{1,64}\.(?:test|live)$"
PAIR = r"^[^:]{1,64}:.{1,191}$"


class Terms(Body):
    """How an invoice goes out. What is left out is as in the business's settings."""

    days_until_due = WholeNumber(
        validate=validate.Range(0, LONGEST_DUE, error=f"Choose between 0 and {LONGEST_DUE} days.")
    )
    discount_percent = DecimalText(metadata={"description": "Of the whole invoice, 0 to 100."})
    discount_amount = DecimalText(metadata={"description": "Of the whole invoice, in major units; not both."})
    deposit_percent = DecimalText(
        metadata={"description": "Bill only this part, in advance; the work need not be done yet."}
    )
    deduct = Flag(metadata={"description": "Take earlier deposits for the same work off; true if left out."})
    order_number = Text(validate=validate.Length(max=140, error="An order number has at most 140 characters."))
    note = Text(validate=validate.Length(max=500, error="A note has at most 500 characters."))
    delivery = Text(
        validate=validate.OneOf([each.value for each in Delivery], error="Write mail or link."),
        metadata={"description": "mail: Stripe sends it. link: only the payment page is made."},
    )


class Preview(Body):
    """The work to bill, and how."""

    billables = listed(Ref(), MOST_LINES, required=True)
    terms = nested(Terms)


class NewInvoice(Preview):
    """The same as was previewed, and the digest that the preview gave."""

    seen = Text(
        required=True,
        validate=validate.Length(1, 64, error="Give the text that the preview answered as seen."),
        metadata={"description": "From the preview. Where the figures are others by now, 409 and nothing is made."},
    )
    send = Flag(required=True, metadata={"description": "true: finalise and send. false: leave a draft at Stripe."})


class RunSource(Body):
    """Work to bill: an opportunity, a ticket or an order."""

    kind = Ref(required=True)
    ref = Ref(required=True)


class NewRun(Body):
    """Which work makes an invoice each, and how."""

    sources = fields.List(
        fields.Nested(RunSource),
        required=True,
        validate=validate.Length(1, MOST_SOURCES, error=f"Give between 1 and {MOST_SOURCES} sources."),
    )
    terms = nested(Terms)
    send = Flag(required=True, metadata={"description": "true: finalise and send. false: leave drafts at Stripe."})


class RunQuery(Body):
    """Which items."""

    state = Text(validate=validate.OneOf([each.value for each in ItemState], error="Write a state of items."))
    after = WholeNumber(load_default=0, validate=validate.Range(0, 2**62, error="Give the number as it was told."))
    limit = WholeNumber(load_default=100, validate=validate.Range(1, 500, error="Between 1 and 500."))


class Reason(Body):
    """Why."""

    reason = Text(
        required=True,
        validate=validate.Length(
            SHORTEST_REASON, LONGEST_REASON, error=f"Write {SHORTEST_REASON} to {LONGEST_REASON} characters."
        ),
        metadata={"description": "Kept in the log and on the timeline."},
    )


class Resend(Body):
    """Whether to mail it although the last mail may be out."""

    anyway = Flag(metadata={"description": "true: send it, even if the customer may get it twice."})


class PaidElsewhere(Body):
    """How and when it was paid."""

    how = Text(
        required=True,
        validate=validate.Length(
            SHORTEST_REASON, LONGEST_HOW, error=f"Write {SHORTEST_REASON} to {LONGEST_HOW} characters."
        ),
        metadata={"description": "Shown among the payments, and kept in the log and on the timeline."},
    )


class ApprovalQuery(Body):
    """Which page of requests."""

    cursor = Text(metadata={"description": "newer or older of an earlier answer."})


class Sync(Body):
    """Which services; all where it is left out."""

    refs = listed(Ref(), MOST_SERVICES)


class InvoiceQuery(Body):
    """Which invoices, and which page of them."""

    text = Text(
        validate=validate.Length(max=200, error="Look for at most 200 characters."),
        metadata={"description": "Part of a number, a customer's name or an order number."},
    )
    status = Text(validate=validate.OneOf([each.value for each in Status], error="Choose one of: {choices}."))
    due = Text(
        validate=validate.OneOf(["overdue", "week"], error="Choose one of: {choices}."),
        metadata={"description": "Open invoices past their due date, or due within 7 days."},
    )
    currency = Text(validate=validate.Regexp(r"^[A-Za-z]{3}$", error="Write three letters, like eur."))
    source = Text(
        validate=validate.Regexp(PAIR, error="Write kind and key, like opportunity:17."),
        metadata={"example": "opportunity:17"},
    )
    contact = Text(
        validate=validate.Regexp(PAIR, error="Write kind and key, like organization:17."),
        metadata={"example": "organization:17"},
    )
    account = Text(
        validate=validate.Regexp(ACCOUNT, error="Write an account and its mode, like acct_1.live."),
        metadata={"description": "Of an earlier account or the other mode; the current one where it is left out."},
    )
    cursor = Text(metadata={"description": "newer or older of an earlier answer."})
    limit = fields.Integer(
        load_default=ROWS,
        validate=validate.Range(1, MOST_ROWS, error=f"Choose between 1 and {MOST_ROWS}."),
        error_messages={"invalid": "Write a whole number."},
    )
