"""Our tables, in a MetaData of their own: the host's models and migrations never meet them.

Each Stripe id has its account and mode beside it. What belongs to the CRM is an opaque text without foreign key.
What only one row may have is a unique index, so that the database decides races.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import credit_tables, schema
from flask_crm_stripe.adapters.sqlalchemy import run_tables as runs
from flask_crm_stripe.adapters.sqlalchemy import safety_tables as safety
from flask_crm_stripe.adapters.sqlalchemy.schema import (
    DIGEST,
    KEY_ID,
    NUMBER,
    OUR_ID,
    PLAIN,
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
from flask_crm_stripe.adapters.sqlalchemy.words import ALL_WORDS

PREFIX, VERSION_TABLE, metadata = schema.PREFIX, schema.VERSION_TABLE, schema.metadata
approval, environment, notice, person = safety.approval, safety.environment, safety.notice, safety.person
credit_note, refund = credit_tables.credit_note, credit_tables.refund
log, log_head, log_key = safety.log, safety.log_head, safety.log_key
run, run_item, pace = runs.run, runs.run_item, runs.pace

installation = sa.Table(
    PREFIX + "installation",
    metadata,
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    want("id", OUR_ID),
    may("platform_account", STRIPE_ID),
)

setting = sa.Table(
    PREFIX + "setting",
    metadata,
    sa.Column("business", REF, primary_key=True),
    sa.Column("key", WORD, primary_key=True),
    want("value", sa.Text),
    want("saved_by", REF),
    want("saved_at", Moment),
)

lease = sa.Table(
    PREFIX + "lease",
    metadata,
    sa.Column("business", REF, primary_key=True),
    sa.Column("name", sa.String(512), primary_key=True),
    want("holder", sa.String(255)),
    want("fence", sa.BigInteger),
    want("expires_at", Moment),
)

consent = sa.Table(
    PREFIX + "consent",
    metadata,
    sa.Column("state_hash", sa.String(128), primary_key=True),
    business(),
    want("actor", REF),
    want("session", sa.String(255)),
    want("livemode", sa.Boolean),
    want("started_at", Moment),
    want("expires_at", Moment),
    may("claimed_at", Moment),
)

connection = table(
    "connection",
    row(),
    want("id", OUR_ID, unique=True),
    business(),
    *account(),
    want("kind", WORD),
    want("state", WORD),
    want("fingerprint", sa.String(255)),
    want("scope", sa.String(255)),
    want("account", PLAIN),
    may("secrets", sa.LargeBinary),
    may("key_id", KEY_ID),
    want("connected_by", REF),
    want("connected_at", Moment),
    may("ended_at", Moment),
    may("ended_by", REF),
    may("ended_reason", sa.Text),
    may("ending", WORD),
    may("leaving_by", REF),
    may("leaving_reason", sa.Text),
    may("change", PLAIN),
    may("changed_at", Moment),
    only_where("connection_account_live_uq", "state = 'live'", "account_id", "livemode"),
    only_where("connection_business_live_uq", "state = 'live'", "business", "livemode"),
    sa.Index(None, "business", "livemode", "row"),
)

service = table(
    "service",
    row(),
    business(),
    *account(),
    want("service_ref", REF),
    want("code", sa.Text),
    want("name", sa.Text),
    want("state", WORD),
    may("product_id", STRIPE_ID),
    want("content_hash", DIGEST),
    may("reason", sa.Text),
    want("attempts", sa.Integer),
    may("synced_at", Moment),
    may("retry_at", Moment),
    sa.UniqueConstraint("business", "account_id", "livemode", "service_ref", name=PREFIX + "service_uq"),
)

price = table(
    "price",
    row(),
    want("service_row", NUMBER),
    *account(),
    want("price_id", STRIPE_ID),
    want("currency", sa.String(3)),
    want("amount", sa.String(64)),
    want("active", sa.Boolean),
    sa.ForeignKeyConstraint(["service_row"], [PREFIX + "service.row"], ondelete="CASCADE"),
    only_where("price_active_uq", "active", "service_row", "currency"),
    sa.UniqueConstraint("service_row", "price_id", name=PREFIX + "price_uq"),
)

customer = table(
    "customer",
    row(),
    want("id", OUR_ID, unique=True),
    business(),
    *account(),
    want("contact_kind", WORD),
    want("contact_ref", REF),
    may("customer_id", STRIPE_ID),
    want("content_hash", DIGEST),
    want("created_at", Moment),
    sa.UniqueConstraint(
        "business", "account_id", "livemode", "contact_kind", "contact_ref", name=PREFIX + "customer_uq"
    ),
    sa.Index(PREFIX + "customer_stripe_ix", "account_id", "livemode", "customer_id"),
)

OPEN_COLUMNS = ("business", "account_id", "livemode", "currency", "due_date", "amount_remaining")
PAID_COLUMNS = ("business", "account_id", "livemode", "paid_at", "currency", "amount_paid")

invoice = table(
    "invoice",
    row(),
    want("id", OUR_ID, unique=True),
    business(),
    *account(),
    want("form_key", REF),
    want("contact_kind", WORD),
    want("contact_ref", REF),
    want("contact_name", sa.Text),
    want("currency", sa.String(3)),
    want("plan", PLAIN),
    may("personal", sa.LargeBinary),
    may("key_id", KEY_ID),
    want("plan_digest", DIGEST),
    want("search", sa.Text),
    want("stage", WORD),
    want("send", sa.Boolean),
    want("unfinished", sa.Boolean),
    want("total", sa.BigInteger),
    want("created_by", REF),
    want("created_at", Moment),
    want("updated_at", Moment),
    want("version", sa.Integer),
    want("told_version", sa.Integer),
    may("status", WORD),
    may("stripe_id", STRIPE_ID),
    may("number", sa.String(255)),
    want("amount_paid", sa.BigInteger),
    want("amount_remaining", sa.BigInteger),
    may("due_date", sa.Date),
    may("finalised_at", Moment),
    may("sent_at", Moment),
    may("paid_at", Moment),
    may("voided_at", Moment),
    may("fetched_at", Moment),
    may("fetch_started", Moment),
    may("problem", PLAIN),
    want("freed", sa.Boolean),
    sa.UniqueConstraint("business", "form_key", name=PREFIX + "invoice_form_uq"),
    sa.UniqueConstraint("account_id", "livemode", "stripe_id", name=PREFIX + "invoice_stripe_uq"),
    sa.Index(PREFIX + "invoice_list_ix", "business", "account_id", "livemode", "row"),
    sa.Index(PREFIX + "invoice_status_ix", "business", "account_id", "livemode", "status", "row"),
    sa.Index(PREFIX + "invoice_currency_ix", "business", "account_id", "livemode", "currency", "row"),
    index_where("invoice_open_ix", "status = 'open'", *OPEN_COLUMNS),
    index_where("invoice_paid_ix", "status = 'paid'", *PAID_COLUMNS),
    sa.Index(PREFIX + "invoice_search_ix", sa.text(ALL_WORDS.format(column="search")), postgresql_using="gin").ddl_if(
        dialect="postgresql"
    ),
    sa.Index(PREFIX + "invoice_contact_ix", "business", "contact_kind", "contact_ref", "row"),
    sa.Index(PREFIX + "invoice_key_ix", "key_id", "row"),
    index_where("invoice_unfinished_ix", "unfinished", "business", "updated_at"),
    index_where("invoice_moving_ix", "status IN ('draft', 'open')", "business", "account_id", "livemode", "fetched_at"),
    index_where("invoice_untold_ix", "told_version < version", "business", "row"),
)

invoice_line = table(
    "invoice_line",
    row(),
    want("invoice_row", NUMBER),
    business(),
    want("livemode", sa.Boolean),
    want("position", sa.Integer),
    want("key", WORD),
    may("billable", REF),
    want("source_kind", WORD),
    want("source_ref", REF),
    may("service_ref", REF),
    want("net", sa.BigInteger),
    may("released_at", Moment),
    sa.ForeignKeyConstraint(["invoice_row"], [PREFIX + "invoice.row"], ondelete="CASCADE"),
    only_where("invoice_line_billable_uq", "released_at IS NULL", "business", "livemode", "billable"),
    sa.Index(PREFIX + "invoice_line_invoice_ix", "invoice_row"),
    sa.Index(PREFIX + "invoice_line_source_ix", "business", "source_kind", "source_ref"),
)

payment = table(
    "payment",
    row(),
    want("invoice_row", NUMBER),
    business(),
    *account(),
    want("stripe_id", STRIPE_ID),
    want("method", sa.Text),
    want("amount", sa.BigInteger),
    want("currency", sa.String(3)),
    want("status", WORD),
    want("at", Moment),
    may("reason", sa.Text),
    may("payment_intent", STRIPE_ID),
    want("refunded", sa.BigInteger),
    sa.ForeignKeyConstraint(["invoice_row"], [PREFIX + "invoice.row"], ondelete="CASCADE"),
    sa.UniqueConstraint("account_id", "livemode", "stripe_id", name=PREFIX + "payment_stripe_uq"),
    sa.Index(PREFIX + "payment_invoice_ix", "invoice_row"),
    sa.Index(PREFIX + "payment_intent_ix", "account_id", "livemode", "payment_intent"),
    sa.Index(PREFIX + "payment_business_ix", "business", "at"),
)

timeline = table(
    "timeline",
    row(),
    want("invoice_row", NUMBER),
    business(),
    *account(),
    want("at", Moment),
    want("kind", WORD),
    may("actor", REF),
    want("params", PLAIN),
    may("event_id", STRIPE_ID),
    may("request_id", STRIPE_ID),
    may("object_id", STRIPE_ID),
    sa.ForeignKeyConstraint(["invoice_row"], [PREFIX + "invoice.row"], ondelete="CASCADE"),
    sa.Index(PREFIX + "timeline_invoice_ix", "invoice_row", "at", "row"),
    sa.Index(PREFIX + "timeline_business_ix", "business", "account_id", "livemode", "at", "row"),
)

journal = table(
    "journal",
    row(),
    business(),
    *account(),
    want("subject", sa.String(512)),
    want("name", sa.String(255)),
    want("generation", sa.Integer),
    want("key", sa.String(255)),
    want("request_hash", DIGEST),
    want("started_at", Moment),
    want("outcome", WORD),
    may("finished_at", Moment),
    may("result_id", STRIPE_ID),
    may("request_id", STRIPE_ID),
    may("error", sa.Text),
    sa.Index(PREFIX + "journal_subject_ix", "business", "subject", "row"),
)

event = table(
    "event",
    row(),
    business(),
    *account(),
    want("event_id", STRIPE_ID),
    want("type", sa.String(255)),
    want("object_id", STRIPE_ID),
    want("object_type", WORD),
    may("invoice_id", STRIPE_ID),
    want("created", Moment),
    may("api_version", WORD),
    may("request_id", STRIPE_ID),
    may("payment_intent", STRIPE_ID),
    may("customer_id", STRIPE_ID),
    want("body", sa.LargeBinary),
    may("key_id", KEY_ID),
    want("received_at", Moment),
    want("caught_up", sa.Boolean),
    want("state", WORD),
    want("attempts", sa.Integer),
    may("reason", sa.Text),
    may("changed", sa.Text),
    may("applied_at", Moment),
    may("retry_at", Moment),
    sa.UniqueConstraint("account_id", "livemode", "event_id", name=PREFIX + "event_uq"),
    sa.Index(PREFIX + "event_list_ix", "business", "row"),
    sa.Index(PREFIX + "event_type_ix", "business", "type", "row"),
    sa.Index(PREFIX + "event_object_ix", "business", "object_id", "row"),
    index_where("event_customer_ix", "customer_id IS NOT NULL", "business", "customer_id"),
    sa.Index(PREFIX + "event_received_ix", "business", "account_id", "livemode", "received_at"),
    index_where("event_waiting_ix", "state = 'waiting'", "retry_at", "row"),
    index_where("event_open_ix", "state IN ('waiting', 'failed')", "business", "state"),
    sa.Index(PREFIX + "event_key_ix", "key_id", "row"),
)

feed = table(
    "feed",
    row(),
    *account(),
    want("strays", sa.Integer),
    may("first_stray_at", Moment),
    may("last_stray_at", Moment),
    may("last_stray_type", sa.String(255)),
    may("caught_up_until", Moment),
    may("caught_up_at", Moment),
    want("requests", sa.Integer),
    want("found", sa.Integer),
    sa.UniqueConstraint("account_id", "livemode", name=PREFIX + "feed_uq"),
)

endpoint = table(
    "endpoint",
    row(),
    want("endpoint_id", STRIPE_ID, unique=True),
    want("livemode", sa.Boolean),
    want("url", sa.Text),
    want("api_version", WORD),
    may("secret", sa.LargeBinary),
    may("key_id", KEY_ID),
    want("made_by", REF),
    want("made_at", Moment),
    may("leaving_at", Moment),
)

outbox = table(
    "outbox",
    row("id"),
    business(),
    want("kind", WORD),
    want("ref", REF),
    want("created_at", Moment, default=lambda: datetime.now(UTC)),
)
