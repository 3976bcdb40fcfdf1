"""The operations that credit an invoice, give money back and correct what was sent, on the pages' own use cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from marshmallow import ValidationError, fields, validate

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.credit_outlook import CORRECT, CREDIT, possible
from flask_crm_stripe.core.crediting import Choice
from flask_crm_stripe.core.deeds import DEEDS
from flask_crm_stripe.core.selection import MOST_LINES
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.credits import CreditPlan
from flask_crm_stripe.model.money import is_exact, to_minor
from flask_crm_stripe.web.api import answers, given, shapes, views
from flask_crm_stripe.web.api.fields import Answer, Body, DecimalText, Flag, Ref, Text, nested, told
from flask_crm_stripe.web.api.operations import Given, Operation, Reply
from flask_crm_stripe.web.context import calls_stripe

SEND_IT = "send"
INVOICE = "/invoices/<invoice_id>"
AGAIN = "Where Stripe gave no answer (502), the same again under the same key completes it, and does nothing twice."


class CreditOfLine(Body):
    """How much of a line."""

    key = Ref(required=True, metadata={"description": "The line’s key, as the invoice’s plan has it."})
    amount = DecimalText(required=True, metadata={"description": "In whole units, as the line’s own amount is."})


def each_line_once(lines: list[Mapping[str, Any]]) -> None:
    """Raises ``ValidationError`` where a line stands there twice."""
    if len({line["key"] for line in lines}) != len(lines):
        raise ValidationError("A line stands in this list twice.")


class Wish(Body):
    """What is to be credited."""

    lines = fields.List(
        nested(CreditOfLine),
        validate=[validate.Length(1, MOST_LINES, error=f"Give 1 to {MOST_LINES} of them."), each_line_once],
        metadata={"description": "Left out: all that is left of the invoice."},
    )
    elsewhere = Flag(metadata={"description": "true: nothing goes back to the card; it is given back without Stripe."})
    frees = Flag(metadata={"description": "true: the work can be billed again; only where all of it is credited."})
    mail = Flag(metadata={"description": "true: Stripe mails the credit note to the customer."})


class Seen(given.Reason):
    """The digest that the preview gave, and why."""

    seen = Text(
        required=True,
        validate=validate.Length(1, 64, error="Give the text that the preview answered as seen."),
        metadata={"description": "From the preview. Where the figures are others by now, 409 and nothing is done."},
    )


class Credited(Wish, Seen):
    """The same as was previewed."""


class Corrected(given.Reason):
    """A correction is of all that is left."""

    elsewhere = Flag(metadata={"description": "true: nothing goes back to the card; it is given back without Stripe."})
    mail = Flag(metadata={"description": "true: Stripe mails the credit note to the customer."})


class Wanted(Wish, given.Reason):
    """What a second person is asked to agree to."""

    deed = Text(
        validate=validate.OneOf([SEND_IT, *DEEDS, CREDIT, CORRECT], error="Choose one of: {choices}."),
        metadata={"description": "send where it is left out."},
    )


class CreditLineTold(Answer):
    """A line of a credit note."""

    key = told(fields.String, "The invoice line’s; empty for what belongs to none.")
    description = told(fields.String)
    amount = answers.one(answers.Money)
    vat = answers.one(answers.Money)
    vat_rate = answers.figure("In percent.")
    vat_included = told(fields.Boolean)


class CreditPreview(Answer):
    """Every figure of a credit note, before anything is done, and what to send back with the wish to have it."""

    lines = answers.many(CreditLineTold)
    total = answers.one(answers.Money)
    vat = answers.one(answers.Money)
    off_what_is_to_pay = answers.one(answers.Money)
    to_the_card = answers.one(answers.Money)
    refunded_before = answers.one(answers.Money)
    elsewhere = answers.one(answers.Money)
    seen = told(fields.String, "A digest of everything above.")


def ask(billing: Billing, given: Given) -> Reply:
    """Ask a second person. The same request again is the same one."""
    invoice_id, reason, deed = given.path["invoice_id"], given.body["reason"], given.body.get("deed", SEND_IT)
    if deed == SEND_IT:
        found = billing.invoicing.ask_to_send(invoice_id, reason)
    elif deed in DEEDS:
        found = billing.afterwards.ask(deed, invoice_id, reason)
    else:
        choice = choice_of(billing, given)
        with _paths(choice):
            found = billing.credits.ask(deed, invoice_id, choice, reason)
    return Reply(shapes.approval(found))


def preview(billing: Billing, given: Given) -> Reply:
    """Every figure, from what we know."""
    choice = choice_of(billing, given)
    outlook = billing.credits.outlook(CREDIT, given.path["invoice_id"], choice)
    with _paths(choice):
        possible(outlook)
    return Reply(_previewed(possible(outlook)) | {"seen": outlook.seen})


@calls_stripe
def credit(billing: Billing, given: Given) -> Reply:
    """Credit it, and give back what goes back."""
    return _do(billing, CREDIT, given, choice_of(billing, given), given.body["seen"])


@calls_stripe
def correct(billing: Billing, given: Given) -> Reply:
    """Credit all of it, and make a new draft of the same work."""
    flags = {name: given.body.get(name, False) for name in ("elsewhere", "mail")}
    return _do(billing, CORRECT, given, Choice(**flags), None)


@calls_stripe
def go_on(billing: Billing, given: Given) -> Reply:
    """Complete one that is not finished."""
    done = billing.credits.resume(given.path["credit_id"])
    return views.told(billing, billing.invoicing.get(done.invoice_id))


def choice_of(billing: Billing, given: Given) -> Choice:
    """Amounts in minor units of the invoice's currency. Raises ``InvalidInput``, ``NotFound``."""
    lines: dict[str, int] = {}
    for place, line in enumerate(given.body.get("lines", ())):
        currency = billing.invoicing.get(given.path["invoice_id"]).currency
        if not is_exact(line["amount"], currency):
            raise InvalidInput(f"lines.{place}.amount", "Write an amount that the currency has.")
        lines[line["key"]] = to_minor(line["amount"], currency)
    return Choice(lines, **{name: given.body.get(name, False) for name in ("elsewhere", "frees", "mail")})


def _do(billing: Billing, kind: str, given: Given, choice: Choice, seen: str | None) -> Reply:
    invoice_id = given.path["invoice_id"]
    with _paths(choice):
        billing.credits.do(kind, invoice_id, choice, given.body["reason"], form_key=given.key, seen=seen)
    return views.told(billing, billing.invoicing.get(invoice_id))


@contextmanager
def _paths(choice: Choice) -> Iterator[None]:
    """The use cases name a line by its key; here it has a path."""
    try:
        yield
    except InvalidInput as error:
        keys = [f"lines.{key}" for key in choice.lines]
        if error.field in keys:
            raise InvalidInput(f"lines.{keys.index(error.field)}.amount", error.message) from None
        raise


def _previewed(plan: CreditPlan) -> dict[str, Any]:
    sums = {
        "total": plan.total,
        "vat": plan.vat,
        "off_what_is_to_pay": plan.before,
        "to_the_card": plan.refund,
        "refunded_before": sum(link.amount for link in plan.linked),
        "elsewhere": plan.elsewhere,
    }
    lines = [
        {
            "key": line.key,
            "description": line.description,
            "amount": shapes.money(line.amount, plan.currency),
            "vat": shapes.money(line.vat, plan.currency),
            "vat_rate": line.vat_rate,
            "vat_included": line.vat_included,
        }
        for line in plan.lines
    ]
    return {"lines": lines} | {name: shapes.money(amount, plan.currency) for name, amount in sums.items()}


OPERATIONS = (
    Operation(
        "preview_credit",
        "POST",
        f"{INVOICE}/credit/preview",
        preview,
        "Every figure of a credit note, before anything is done",
        {200: CreditPreview},
        body=Wish,
        body_needed=False,
        refusals=(404, 409),
    ),
    Operation(
        "credit_invoice",
        "POST",
        f"{INVOICE}/credit",
        credit,
        "Credit an invoice, or a part of it, and give back what was paid",
        {200: answers.Invoice},
        f"Stripe’s figures are compared with ours first; where they differ, 409 and nothing is done. {AGAIN}",
        body=Credited,
        keyed=True,
        refusals=(404, 409, 502),
    ),
    Operation(
        "correct_invoice",
        "POST",
        f"{INVOICE}/correct",
        correct,
        "Correct an invoice that was sent: credit all of it, and make a new draft of the same work",
        {200: answers.Invoice},
        f"The answer is the old invoice; `replacement` of its credit note is the new one. {AGAIN}",
        body=Corrected,
        keyed=True,
        refusals=(404, 409, 502),
    ),
    Operation(
        "continue_credit",
        "POST",
        "/credits/<credit_id>/continue",
        go_on,
        "Complete a credit note or a correction that was interrupted",
        {200: answers.Invoice},
        refusals=(404, 409, 502),
    ),
)
