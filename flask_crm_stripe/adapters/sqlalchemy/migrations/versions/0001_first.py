"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REF = sa.String(191)
STRIPE_ID = sa.String(255)
WORD = sa.String(64)
OUR_ID = sa.String(32)
DIGEST = sa.String(64)
MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PLAIN = sa.JSON(none_as_null=True)
TABLES = "installation setting lease consent connection service price customer invoice".split()
TABLES += "invoice_line payment timeline journal event log person outbox".split()


def upgrade() -> None:
    _shared()
    _connection()
    _catalogue()
    _customer()
    _invoice()
    _invoice_line()
    _history()
    _journal()
    _event()
    _log()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(f"crm_stripe_{name}")


def _shared() -> None:
    op.create_table(
        "crm_stripe_installation",
        sa.Column("slot", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("id", OUR_ID, nullable=False),
        sa.PrimaryKeyConstraint("slot", name="crm_stripe_installation_pk"),
    )
    op.create_table(
        "crm_stripe_setting",
        sa.Column("business", REF, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("saved_by", REF, nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("business", "key", name="crm_stripe_setting_pk"),
    )
    op.create_table(
        "crm_stripe_lease",
        sa.Column("business", REF, nullable=False),
        sa.Column("name", sa.String(512), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("business", "name", name="crm_stripe_lease_pk"),
    )
    op.create_table(
        "crm_stripe_consent",
        sa.Column("state_hash", sa.String(128), nullable=False),
        sa.Column("business", REF, nullable=False),
        sa.Column("actor", REF, nullable=False),
        sa.Column("session", sa.String(255), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("state_hash", name="crm_stripe_consent_pk"),
    )


def _connection() -> None:
    op.create_table(
        "crm_stripe_connection",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("id", OUR_ID, nullable=False),
        *_business_and_account(),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("fingerprint", sa.String(255), nullable=False),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("account", PLAIN, nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("connected_by", REF, nullable=False),
        sa.Column("connected_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", REF, nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_connection_pk"),
        sa.UniqueConstraint("id", name="crm_stripe_connection_id_uq"),
        sqlite_autoincrement=True,
    )
    _index("connection", "connection_account_live_uq", "account_id", "livemode", unique=True, where="state = 'live'")
    _index("connection", "connection_business_live_uq", "business", "livemode", unique=True, where="state = 'live'")
    _index("connection", "connection_business_livemode_row_ix", "business", "livemode", "row")


def _catalogue() -> None:
    op.create_table(
        "crm_stripe_service",
        sa.Column("row", NUMBER, nullable=False),
        *_business_and_account(),
        sa.Column("service_ref", REF, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("product_id", STRIPE_ID, nullable=True),
        sa.Column("content_hash", DIGEST, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("synced_at", MOMENT, nullable=True),
        sa.Column("retry_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_service_pk"),
        sa.UniqueConstraint("business", "account_id", "livemode", "service_ref", name="crm_stripe_service_uq"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "crm_stripe_price",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("service_row", NUMBER, nullable=False),
        sa.Column("account_id", STRIPE_ID, nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("price_id", STRIPE_ID, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount", sa.String(64), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_price_pk"),
        sa.ForeignKeyConstraint(
            ["service_row"], ["crm_stripe_service.row"], name="crm_stripe_price_service_row_fk", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("service_row", "price_id", name="crm_stripe_price_uq"),
        sqlite_autoincrement=True,
    )
    _index("price", "price_active_uq", "service_row", "currency", unique=True, where="active")


def _customer() -> None:
    op.create_table(
        "crm_stripe_customer",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("id", OUR_ID, nullable=False),
        *_business_and_account(),
        sa.Column("contact_kind", WORD, nullable=False),
        sa.Column("contact_ref", REF, nullable=False),
        sa.Column("customer_id", STRIPE_ID, nullable=True),
        sa.Column("content_hash", DIGEST, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_customer_pk"),
        sa.UniqueConstraint(
            "business", "account_id", "livemode", "contact_kind", "contact_ref", name="crm_stripe_customer_uq"
        ),
        sa.UniqueConstraint("id", name="crm_stripe_customer_id_uq"),
        sqlite_autoincrement=True,
    )
    _index("customer", "customer_stripe_ix", "account_id", "livemode", "customer_id")


def _invoice() -> None:
    op.create_table(
        "crm_stripe_invoice",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("id", OUR_ID, nullable=False),
        *_business_and_account(),
        sa.Column("form_key", REF, nullable=False),
        sa.Column("contact_kind", WORD, nullable=False),
        sa.Column("contact_ref", REF, nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("plan", PLAIN, nullable=False),
        sa.Column("plan_digest", DIGEST, nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("stage", WORD, nullable=False),
        sa.Column("send", sa.Boolean(), nullable=False),
        sa.Column("unfinished", sa.Boolean(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("created_by", REF, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("told_version", sa.Integer(), nullable=False),
        sa.Column("status", WORD, nullable=True),
        sa.Column("stripe_id", STRIPE_ID, nullable=True),
        sa.Column("number", sa.String(255), nullable=True),
        sa.Column("amount_paid", sa.BigInteger(), nullable=False),
        sa.Column("amount_remaining", sa.BigInteger(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("finalised_at", MOMENT, nullable=True),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("paid_at", MOMENT, nullable=True),
        sa.Column("voided_at", MOMENT, nullable=True),
        sa.Column("fetched_at", MOMENT, nullable=True),
        sa.Column("problem", PLAIN, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_invoice_pk"),
        sa.UniqueConstraint("account_id", "livemode", "stripe_id", name="crm_stripe_invoice_stripe_uq"),
        sa.UniqueConstraint("business", "form_key", name="crm_stripe_invoice_form_uq"),
        sa.UniqueConstraint("id", name="crm_stripe_invoice_id_uq"),
        sqlite_autoincrement=True,
    )
    _index("invoice", "invoice_contact_ix", "business", "contact_kind", "contact_ref", "row")
    _index("invoice", "invoice_list_ix", "business", "row")
    _index("invoice", "invoice_status_ix", "business", "status", "row")
    _index("invoice", "invoice_unfinished_ix", "business", "updated_at", where="unfinished")
    _index("invoice", "invoice_untold_ix", "business", "row", where="told_version < version")


def _invoice_line() -> None:
    op.create_table(
        "crm_stripe_invoice_line",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("invoice_row", NUMBER, nullable=False),
        sa.Column("business", REF, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("billable", REF, nullable=True),
        sa.Column("source_kind", WORD, nullable=False),
        sa.Column("source_ref", REF, nullable=False),
        sa.Column("service_ref", REF, nullable=True),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("released_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_invoice_line_pk"),
        sa.ForeignKeyConstraint(
            ["invoice_row"],
            ["crm_stripe_invoice.row"],
            name="crm_stripe_invoice_line_invoice_row_fk",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    _index("invoice_line", "invoice_line_billable_uq", "business", "billable", unique=True, where="released_at IS NULL")
    _index("invoice_line", "invoice_line_invoice_ix", "invoice_row")
    _index("invoice_line", "invoice_line_source_ix", "business", "source_kind", "source_ref")


def _history() -> None:
    op.create_table(
        "crm_stripe_payment",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("invoice_row", NUMBER, nullable=False),
        *_business_and_account(),
        sa.Column("stripe_id", STRIPE_ID, nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("payment_intent", STRIPE_ID, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_payment_pk"),
        sa.ForeignKeyConstraint(
            ["invoice_row"], ["crm_stripe_invoice.row"], name="crm_stripe_payment_invoice_row_fk", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("account_id", "livemode", "stripe_id", name="crm_stripe_payment_stripe_uq"),
        sqlite_autoincrement=True,
    )
    _index("payment", "payment_business_ix", "business", "at")
    _index("payment", "payment_invoice_ix", "invoice_row")
    op.create_table(
        "crm_stripe_timeline",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("invoice_row", NUMBER, nullable=False),
        *_business_and_account(),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("actor", REF, nullable=True),
        sa.Column("params", PLAIN, nullable=False),
        sa.Column("event_id", STRIPE_ID, nullable=True),
        sa.Column("request_id", STRIPE_ID, nullable=True),
        sa.Column("object_id", STRIPE_ID, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_timeline_pk"),
        sa.ForeignKeyConstraint(
            ["invoice_row"], ["crm_stripe_invoice.row"], name="crm_stripe_timeline_invoice_row_fk", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    _index("timeline", "timeline_business_ix", "business", "at", "row")
    _index("timeline", "timeline_invoice_ix", "invoice_row", "at", "row")


def _journal() -> None:
    op.create_table(
        "crm_stripe_journal",
        sa.Column("row", NUMBER, nullable=False),
        *_business_and_account(),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("request_hash", DIGEST, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("outcome", WORD, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("result_id", STRIPE_ID, nullable=True),
        sa.Column("request_id", STRIPE_ID, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_journal_pk"),
        sqlite_autoincrement=True,
    )
    _index("journal", "journal_subject_ix", "business", "subject", "row")


def _event() -> None:
    op.create_table(
        "crm_stripe_event",
        sa.Column("row", NUMBER, nullable=False),
        *_business_and_account(),
        sa.Column("event_id", STRIPE_ID, nullable=False),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("object_id", STRIPE_ID, nullable=False),
        sa.Column("object_type", WORD, nullable=False),
        sa.Column("invoice_id", STRIPE_ID, nullable=True),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("api_version", WORD, nullable=True),
        sa.Column("request_id", STRIPE_ID, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("applied_at", MOMENT, nullable=True),
        sa.Column("retry_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_event_pk"),
        sa.UniqueConstraint("account_id", "livemode", "event_id", name="crm_stripe_event_uq"),
        sqlite_autoincrement=True,
    )
    _index("event", "event_list_ix", "business", "row")
    _index("event", "event_open_ix", "business", "state", where="state IN ('waiting', 'failed')")
    _index("event", "event_received_ix", "business", "account_id", "livemode", "received_at")
    _index("event", "event_waiting_ix", "retry_at", "row", where="state = 'waiting'")


def _log() -> None:
    op.create_table(
        "crm_stripe_log",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("business", REF, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", REF, nullable=False),
        sa.Column("action", sa.String(255), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("outcome", WORD, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("address", sa.String(255), nullable=True),
        sa.Column("request_id", STRIPE_ID, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_log_pk"),
        sqlite_autoincrement=True,
    )
    _index("log", "log_list_ix", "business", "row")
    op.create_table(
        "crm_stripe_person",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("business", REF, nullable=False),
        sa.Column("ref", REF, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_person_pk"),
        sa.UniqueConstraint("business", "ref", name="crm_stripe_person_uq"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "crm_stripe_outbox",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("business", REF, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("ref", REF, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="crm_stripe_outbox_pk"),
        sqlite_autoincrement=True,
    )


def _business_and_account() -> list[sa.Column[Any]]:
    return [
        sa.Column("business", REF, nullable=False),
        sa.Column("account_id", STRIPE_ID, nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
    ]


def _index(table: str, name: str, *columns: str, unique: bool = False, where: str | None = None) -> None:
    some = sa.text(where) if where else None
    options: dict[str, Any] = {"postgresql_where": some, "sqlite_where": some}
    op.create_index(f"crm_stripe_{name}", f"crm_stripe_{table}", list(columns), unique=unique, **options)
