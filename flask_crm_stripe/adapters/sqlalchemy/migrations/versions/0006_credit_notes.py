"""What is taken off an invoice that went out, and what went back: credit notes and refunds."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

REF = sa.String(191)
STRIPE_ID = sa.String(255)
WORD = sa.String(64)
OUR_ID = sa.String(32)
MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PLAIN = sa.JSON(none_as_null=True)


def upgrade() -> None:
    _add("invoice", "freed", sa.Boolean(), sa.false())
    _add("payment", "refunded", sa.BigInteger(), sa.text("0"))
    _credit_note()
    _refund()


def downgrade() -> None:
    op.drop_table("crm_stripe_refund")
    op.drop_table("crm_stripe_credit_note")
    op.drop_column("crm_stripe_payment", "refunded")
    op.drop_column("crm_stripe_invoice", "freed")


def _add(table: str, name: str, kind: Any, default: Any) -> None:
    # SQLite would have to make the table anew without a default; PostgreSQL needs it only while the rows are filled.
    op.add_column(f"crm_stripe_{table}", sa.Column(name, kind, nullable=False, server_default=default))
    if op.get_context().dialect.name == "postgresql":
        op.alter_column(f"crm_stripe_{table}", name, server_default=None)


def _credit_note() -> None:
    op.create_table(
        "crm_stripe_credit_note",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("id", OUR_ID, nullable=False),
        sa.Column("invoice_row", NUMBER, nullable=False),
        sa.Column("business", REF, nullable=False),
        sa.Column("account_id", STRIPE_ID, nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("form_key", REF, nullable=False),
        sa.Column("wanted", sa.String(64), nullable=False),
        sa.Column("plan", PLAIN, nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("vat", sa.BigInteger(), nullable=False),
        sa.Column("stage", WORD, nullable=False),
        sa.Column("unfinished", sa.Boolean(), nullable=False),
        sa.Column("created_by", REF, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("stripe_id", STRIPE_ID, nullable=True),
        sa.Column("number", sa.String(255), nullable=True),
        sa.Column("issued_at", MOMENT, nullable=True),
        sa.Column("fetched_at", MOMENT, nullable=True),
        sa.Column("links", PLAIN, nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("replacement", OUR_ID, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_credit_note_pk"),
        sa.UniqueConstraint("id", name="crm_stripe_credit_note_id_uq"),
        sa.ForeignKeyConstraint(
            ["invoice_row"],
            ["crm_stripe_invoice.row"],
            name="crm_stripe_credit_note_invoice_row_fk",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("business", "form_key", name="crm_stripe_credit_note_form_uq"),
        sa.UniqueConstraint("account_id", "livemode", "stripe_id", name="crm_stripe_credit_note_stripe_uq"),
        sqlite_autoincrement=True,
    )
    _index("credit_note_planned_uq", "stage = 'planned'", "invoice_row", unique=True)
    _index("credit_note_invoice_ix", "", "invoice_row", "row")
    _index("credit_note_unfinished_ix", "unfinished", "business", "account_id", "livemode", "created_at")
    _index("credit_note_replacement_ix", "replacement IS NOT NULL", "business", "replacement")


def _refund() -> None:
    op.create_table(
        "crm_stripe_refund",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("invoice_row", NUMBER, nullable=False),
        sa.Column("business", REF, nullable=False),
        sa.Column("account_id", STRIPE_ID, nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("stripe_id", STRIPE_ID, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("payment_intent", STRIPE_ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("fetched_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_refund_pk"),
        sa.ForeignKeyConstraint(
            ["invoice_row"], ["crm_stripe_invoice.row"], name="crm_stripe_refund_invoice_row_fk", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("account_id", "livemode", "stripe_id", name="crm_stripe_refund_stripe_uq"),
        sqlite_autoincrement=True,
    )
    op.create_index("crm_stripe_refund_invoice_ix", "crm_stripe_refund", ["invoice_row", "at"])


def _index(name: str, condition: str, *columns: str, unique: bool = False) -> None:
    where = sa.text(condition) if condition else None
    options: dict[str, Any] = {"postgresql_where": where, "sqlite_where": where} if condition else {}
    op.create_index(f"crm_stripe_{name}", "crm_stripe_credit_note", list(columns), unique=unique, **options)
