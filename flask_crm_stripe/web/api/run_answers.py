"""What programs are told of many invoices at once."""

from __future__ import annotations

from marshmallow import fields

from flask_crm_stripe.web.api.answers import Money, Source, many, one
from flask_crm_stripe.web.api.fields import Answer, told


class RunSum(Answer):
    """Items in one state and currency. Amounts of different currencies are never added up."""

    state = told(fields.String, "waiting, doing, done or failed.")
    count = told(fields.Integer)
    amount = fields.Nested(Money, allow_none=True, metadata={"description": "Null where they have no figures."})


class RunItem(Answer):
    """One source of a run, and what became of it."""

    source = one(Source)
    title = told(fields.String)
    state = told(fields.String, "waiting, doing, done or failed.")
    lines = told(fields.Integer)
    amount = fields.Nested(Money, allow_none=True, metadata={"description": "What was seen, VAT included."})
    invoice = told(fields.String, "Our id of its invoice, as soon as there is one.", null=True)
    code = told(fields.String, "Why it failed, as a stable word.", null=True)
    reason = told(fields.String, "The same for people.", null=True)


class Run(Answer):
    """Many invoices at once."""

    id = told(fields.String)
    state = told(fields.String, "planned, running, stopped or done.")
    send = told(fields.Boolean, "Whether they are sent; else they stay drafts.")
    created_by = told(fields.String, "The CRM's own key of the person.")
    created_at = told(fields.AwareDateTime)
    ended_at = told(fields.AwareDateTime, null=True)
    sums = many(RunSum)
    items = many(RunItem)
    next = told(fields.Integer, "Give it as after, to read on; null where these are the last ones.", null=True)
