"""Our tables, in a MetaData of their own: the host's models and migrations never meet them.

Each Stripe id has its account and mode beside it. What belongs to the CRM is an opaque text without foreign key.
What only one row may have is a unique index, so that the database decides races.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

PREFIX = "crm_stripe_"
VERSION_TABLE = "crm_stripe_version"

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_N_name)s_fk",
        "ix": "%(table_name)s_%(column_0_N_name)s_ix",
        "uq": "%(table_name)s_%(column_0_N_name)s_uq",
    }
)


class Moment(sa.TypeDecorator[datetime]):
    """An aware point in time, kept in UTC; SQLite has no zones, so it is given and gives back naive UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse what has no zone: it could mean any hour."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: use datetime.now(timezone.utc).")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Always UTC, whatever zone the database's session has."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


REF = sa.String(191)
STRIPE_ID = sa.String(255)
WORD = sa.String(64)
OUR_ID = sa.String(32)
DIGEST = sa.String(64)
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PLAIN = sa.JSON(none_as_null=True)


def _table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    # SQLite gives the number of a deleted last row to the next one: a second drain of the outbox would then delete a
    # note that nobody has read.
    return sa.Table(PREFIX + name, metadata, *parts, sqlite_autoincrement=True)


def _row(name: str = "row") -> sa.Column[Any]:
    return sa.Column(name, NUMBER, primary_key=True)


def _want(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


def _may(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def _business() -> sa.Column[Any]:
    return _want("business", REF)


def _account() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return _want("account_id", STRIPE_ID), _want("livemode", sa.Boolean)


def _only_where(name: str, condition: str, *columns: str) -> sa.Index:
    where = sa.text(condition)
    return sa.Index(PREFIX + name, *columns, unique=True, postgresql_where=where, sqlite_where=where)


def _index_where(name: str, condition: str, *columns: str) -> sa.Index:
    where = sa.text(condition)
    return sa.Index(PREFIX + name, *columns, postgresql_where=where, sqlite_where=where)


installation = sa.Table(
    PREFIX + "installation",
    metadata,
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    _want("id", OUR_ID),
)

setting = sa.Table(
    PREFIX + "setting",
    metadata,
    sa.Column("business", REF, primary_key=True),
    sa.Column("key", WORD, primary_key=True),
    _want("value", sa.Text),
    _want("saved_by", REF),
    _want("saved_at", Moment),
)

lease = sa.Table(
    PREFIX + "lease",
    metadata,
    sa.Column("business", REF, primary_key=True),
    sa.Column("name", sa.String(512), primary_key=True),
    _want("holder", sa.String(255)),
    _want("fence", sa.BigInteger),
    _want("expires_at", Moment),
)

consent = sa.Table(
    PREFIX + "consent",
    metadata,
    sa.Column("state_hash", sa.String(128), primary_key=True),
    _business(),
    _want("actor", REF),
    _want("session", sa.String(255)),
    _want("livemode", sa.Boolean),
    _want("started_at", Moment),
    _want("expires_at", Moment),
    _may("claimed_at", Moment),
)

connection = _table(
    "connection",
    _row(),
    _want("id", OUR_ID, unique=True),
    _business(),
    *_account(),
    _want("kind", WORD),
    _want("state", WORD),
    _want("fingerprint", sa.String(255)),
    _want("scope", sa.String(255)),
    _want("account", PLAIN),
    _may("secrets", sa.LargeBinary),
    _want("connected_by", REF),
    _want("connected_at", Moment),
    _may("ended_at", Moment),
    _may("ended_by", REF),
    _may("ended_reason", sa.Text),
    _only_where("connection_account_live_uq", "state = 'live'", "account_id", "livemode"),
    _only_where("connection_business_live_uq", "state = 'live'", "business", "livemode"),
    sa.Index(None, "business", "livemode", "row"),
)

service = _table(
    "service",
    _row(),
    _business(),
    *_account(),
    _want("service_ref", REF),
    _want("code", sa.Text),
    _want("name", sa.Text),
    _want("state", WORD),
    _may("product_id", STRIPE_ID),
    _want("content_hash", DIGEST),
    _may("reason", sa.Text),
    _want("attempts", sa.Integer),
    _may("synced_at", Moment),
    _may("retry_at", Moment),
    sa.UniqueConstraint("business", "account_id", "livemode", "service_ref", name=PREFIX + "service_uq"),
)

price = _table(
    "price",
    _row(),
    _want("service_row", NUMBER),
    *_account(),
    _want("price_id", STRIPE_ID),
    _want("currency", sa.String(3)),
    _want("amount", sa.String(64)),
    _want("active", sa.Boolean),
    sa.ForeignKeyConstraint(["service_row"], [PREFIX + "service.row"], ondelete="CASCADE"),
    _only_where("price_active_uq", "active", "service_row", "currency"),
    sa.UniqueConstraint("service_row", "price_id", name=PREFIX + "price_uq"),
)

customer = _table(
    "customer",
    _row(),
    _want("id", OUR_ID, unique=True),
    _business(),
    *_account(),
    _want("contact_kind", WORD),
    _want("contact_ref", REF),
    _may("customer_id", STRIPE_ID),
    _want("content_hash", DIGEST),
    _want("created_at", Moment),
    sa.UniqueConstraint(
        "business", "account_id", "livemode", "contact_kind", "contact_ref", name=PREFIX + "customer_uq"
    ),
    sa.Index(PREFIX + "customer_stripe_ix", "account_id", "livemode", "customer_id"),
)

invoice = _table(
    "invoice",
    _row(),
    _want("id", OUR_ID, unique=True),
    _business(),
    *_account(),
    _want("form_key", REF),
    _want("contact_kind", WORD),
    _want("contact_ref", REF),
    _want("contact_name", sa.Text),
    _want("currency", sa.String(3)),
    _want("plan", PLAIN),
    _want("plan_digest", DIGEST),
    _want("search", sa.Text),
    _want("stage", WORD),
    _want("send", sa.Boolean),
    _want("unfinished", sa.Boolean),
    _want("total", sa.BigInteger),
    _want("created_by", REF),
    _want("created_at", Moment),
    _want("updated_at", Moment),
    _want("version", sa.Integer),
    _want("told_version", sa.Integer),
    _may("status", WORD),
    _may("stripe_id", STRIPE_ID),
    _may("number", sa.String(255)),
    _want("amount_paid", sa.BigInteger),
    _want("amount_remaining", sa.BigInteger),
    _may("due_date", sa.Date),
    _may("finalised_at", Moment),
    _may("sent_at", Moment),
    _may("paid_at", Moment),
    _may("voided_at", Moment),
    _may("fetched_at", Moment),
    _may("problem", PLAIN),
    sa.UniqueConstraint("business", "form_key", name=PREFIX + "invoice_form_uq"),
    sa.UniqueConstraint("account_id", "livemode", "stripe_id", name=PREFIX + "invoice_stripe_uq"),
    sa.Index(PREFIX + "invoice_list_ix", "business", "row"),
    sa.Index(PREFIX + "invoice_status_ix", "business", "status", "row"),
    sa.Index(PREFIX + "invoice_contact_ix", "business", "contact_kind", "contact_ref", "row"),
    _index_where("invoice_unfinished_ix", "unfinished", "business", "updated_at"),
    _index_where("invoice_untold_ix", "told_version < version", "business", "row"),
)

invoice_line = _table(
    "invoice_line",
    _row(),
    _want("invoice_row", NUMBER),
    _business(),
    _want("position", sa.Integer),
    _want("key", WORD),
    _may("billable", REF),
    _want("source_kind", WORD),
    _want("source_ref", REF),
    _may("service_ref", REF),
    _want("net", sa.BigInteger),
    _may("released_at", Moment),
    sa.ForeignKeyConstraint(["invoice_row"], [PREFIX + "invoice.row"], ondelete="CASCADE"),
    _only_where("invoice_line_billable_uq", "released_at IS NULL", "business", "billable"),
    sa.Index(PREFIX + "invoice_line_invoice_ix", "invoice_row"),
    sa.Index(PREFIX + "invoice_line_source_ix", "business", "source_kind", "source_ref"),
)

payment = _table(
    "payment",
    _row(),
    _want("invoice_row", NUMBER),
    _business(),
    *_account(),
    _want("stripe_id", STRIPE_ID),
    _want("method", sa.Text),
    _want("amount", sa.BigInteger),
    _want("currency", sa.String(3)),
    _want("status", WORD),
    _want("at", Moment),
    _may("reason", sa.Text),
    _may("payment_intent", STRIPE_ID),
    sa.ForeignKeyConstraint(["invoice_row"], [PREFIX + "invoice.row"], ondelete="CASCADE"),
    sa.UniqueConstraint("account_id", "livemode", "stripe_id", name=PREFIX + "payment_stripe_uq"),
    sa.Index(PREFIX + "payment_invoice_ix", "invoice_row"),
    sa.Index(PREFIX + "payment_business_ix", "business", "at"),
)

timeline = _table(
    "timeline",
    _row(),
    _want("invoice_row", NUMBER),
    _business(),
    *_account(),
    _want("at", Moment),
    _want("kind", WORD),
    _may("actor", REF),
    _want("params", PLAIN),
    _may("event_id", STRIPE_ID),
    _may("request_id", STRIPE_ID),
    _may("object_id", STRIPE_ID),
    sa.ForeignKeyConstraint(["invoice_row"], [PREFIX + "invoice.row"], ondelete="CASCADE"),
    sa.Index(PREFIX + "timeline_invoice_ix", "invoice_row", "at", "row"),
    sa.Index(PREFIX + "timeline_business_ix", "business", "at", "row"),
)

journal = _table(
    "journal",
    _row(),
    _business(),
    *_account(),
    _want("subject", sa.String(512)),
    _want("name", sa.String(255)),
    _want("generation", sa.Integer),
    _want("key", sa.String(255)),
    _want("request_hash", DIGEST),
    _want("started_at", Moment),
    _want("outcome", WORD),
    _may("finished_at", Moment),
    _may("result_id", STRIPE_ID),
    _may("request_id", STRIPE_ID),
    _may("error", sa.Text),
    sa.Index(PREFIX + "journal_subject_ix", "business", "subject", "row"),
)

event = _table(
    "event",
    _row(),
    _business(),
    *_account(),
    _want("event_id", STRIPE_ID),
    _want("type", sa.String(255)),
    _want("object_id", STRIPE_ID),
    _want("object_type", WORD),
    _may("invoice_id", STRIPE_ID),
    _want("created", Moment),
    _may("api_version", WORD),
    _may("request_id", STRIPE_ID),
    _want("body", sa.LargeBinary),
    _want("received_at", Moment),
    _want("state", WORD),
    _want("attempts", sa.Integer),
    _may("reason", sa.Text),
    _may("applied_at", Moment),
    _may("retry_at", Moment),
    sa.UniqueConstraint("account_id", "livemode", "event_id", name=PREFIX + "event_uq"),
    sa.Index(PREFIX + "event_list_ix", "business", "row"),
    sa.Index(PREFIX + "event_received_ix", "business", "account_id", "livemode", "received_at"),
    _index_where("event_waiting_ix", "state = 'waiting'", "retry_at", "row"),
    _index_where("event_open_ix", "state IN ('waiting', 'failed')", "business", "state"),
)

log = _table(
    "log",
    _row(),
    _business(),
    _want("at", Moment),
    _want("actor", REF),
    _want("action", sa.String(255)),
    _want("target", sa.Text),
    _want("outcome", WORD),
    _may("reason", sa.Text),
    _may("address", sa.String(255)),
    _may("request_id", STRIPE_ID),
    sa.Index(PREFIX + "log_list_ix", "business", "row"),
)

person = _table(
    "person",
    _row(),
    _business(),
    _want("ref", REF),
    _want("name", sa.Text),
    _want("seen_at", Moment),
    sa.UniqueConstraint("business", "ref", name=PREFIX + "person_uq"),
)

outbox = _table(
    "outbox",
    _row("id"),
    _business(),
    _want("kind", WORD),
    _want("ref", REF),
    _want("created_at", Moment, default=lambda: datetime.now(UTC)),
)
