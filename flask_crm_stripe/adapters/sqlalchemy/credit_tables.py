"""The tables of what is taken off an invoice that went out, and of money that goes back."""

from __future__ import annotations

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy.schema import (
    DIGEST,
    NUMBER,
    OUR_ID,
    PLAIN,
    PREFIX,
    REF,
    STRIPE_ID,
    WORD,
    Moment,
    account,
    business,
    index_where,
    may,
    only_where,
    row,
    table,
    want,
)

UNFINISHED = "unfinished"

credit_note = table(
    "credit_note",
    row(),
    want("id", OUR_ID, unique=True),
    want("invoice_row", NUMBER),
    business(),
    *account(),
    want("form_key", REF),
    want("wanted", DIGEST),
    want("plan", PLAIN),
    want("total", sa.BigInteger),
    want("vat", sa.BigInteger),
    want("stage", WORD),
    want("unfinished", sa.Boolean),
    may("created_by", REF),
    want("created_at", Moment),
    may("stripe_id", STRIPE_ID),
    may("number", sa.String(255)),
    may("issued_at", Moment),
    may("fetched_at", Moment),
    want("links", PLAIN),
    may("problem", sa.Text),
    may("replacement", OUR_ID),
    sa.ForeignKeyConstraint(["invoice_row"], [PREFIX + "invoice.row"], ondelete="CASCADE"),
    sa.UniqueConstraint("business", "form_key", name=PREFIX + "credit_note_form_uq"),
    sa.UniqueConstraint("account_id", "livemode", "stripe_id", name=PREFIX + "credit_note_stripe_uq"),
    only_where("credit_note_planned_uq", "stage = 'planned'", "invoice_row"),
    sa.Index(PREFIX + "credit_note_invoice_ix", "invoice_row", "row"),
    index_where("credit_note_unfinished_ix", UNFINISHED, "business", "account_id", "livemode", "created_at"),
    index_where("credit_note_replacement_ix", "replacement IS NOT NULL", "business", "replacement"),
)

refund = table(
    "refund",
    row(),
    want("invoice_row", NUMBER),
    business(),
    *account(),
    want("stripe_id", STRIPE_ID),
    want("amount", sa.BigInteger),
    want("currency", sa.String(3)),
    want("status", WORD),
    want("at", Moment),
    want("payment_intent", STRIPE_ID),
    may("reason", sa.Text),
    may("fetched_at", Moment),
    sa.ForeignKeyConstraint(["invoice_row"], [PREFIX + "invoice.row"], ondelete="CASCADE"),
    sa.UniqueConstraint("account_id", "livemode", "stripe_id", name=PREFIX + "refund_stripe_uq"),
    sa.Index(PREFIX + "refund_invoice_ix", "invoice_row", "at"),
)
