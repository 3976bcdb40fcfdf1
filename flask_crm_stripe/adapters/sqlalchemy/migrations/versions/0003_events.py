"""Events: what they are about and changed, how far they were caught up with, and the endpoints that we made."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

REF = sa.String(191)
STRIPE_ID = sa.String(255)
WORD = sa.String(64)
KEY_ID = sa.String(16)
MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
EVENT = {"payment_intent": STRIPE_ID, "customer_id": STRIPE_ID, "changed": sa.Text()}


def upgrade() -> None:
    _add("event", **EVENT)
    _caught_up()
    _index("event", "event_type_ix", "business", "type", "row")
    _index("event", "event_object_ix", "business", "object_id", "row")
    _index("event", "event_customer_ix", "business", "customer_id", where="customer_id IS NOT NULL")
    _index("payment", "payment_intent_ix", "account_id", "livemode", "payment_intent")
    _add("invoice", fetch_started=MOMENT)
    _feed()
    _endpoint()


def downgrade() -> None:
    op.drop_table("crm_stripe_endpoint")
    op.drop_table("crm_stripe_feed")
    op.drop_column("crm_stripe_invoice", "fetch_started")
    op.drop_index("crm_stripe_payment_intent_ix", "crm_stripe_payment")
    for name in ("event_customer_ix", "event_object_ix", "event_type_ix"):
        op.drop_index(f"crm_stripe_{name}", "crm_stripe_event")
    for name in (*EVENT, "caught_up"):
        op.drop_column("crm_stripe_event", name)


def _caught_up() -> None:
    # SQLite would have to make the table anew without a default; PostgreSQL needs it only while the rows are filled.
    op.add_column("crm_stripe_event", sa.Column("caught_up", sa.Boolean(), nullable=False, server_default=sa.false()))
    if op.get_context().dialect.name == "postgresql":
        op.alter_column("crm_stripe_event", "caught_up", server_default=None)


def _feed() -> None:
    op.create_table(
        "crm_stripe_feed",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("account_id", STRIPE_ID, nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("strays", sa.Integer(), nullable=False),
        sa.Column("first_stray_at", MOMENT, nullable=True),
        sa.Column("last_stray_at", MOMENT, nullable=True),
        sa.Column("last_stray_type", sa.String(255), nullable=True),
        sa.Column("caught_up_until", MOMENT, nullable=True),
        sa.Column("caught_up_at", MOMENT, nullable=True),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_feed_pk"),
        sa.UniqueConstraint("account_id", "livemode", name="crm_stripe_feed_uq"),
        sqlite_autoincrement=True,
    )


def _endpoint() -> None:
    op.create_table(
        "crm_stripe_endpoint",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("endpoint_id", STRIPE_ID, nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("api_version", WORD, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", KEY_ID, nullable=True),
        sa.Column("made_by", REF, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("leaving_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_endpoint_pk"),
        sa.UniqueConstraint("endpoint_id", name="crm_stripe_endpoint_endpoint_id_uq"),
        sqlite_autoincrement=True,
    )


def _add(table: str, **columns: Any) -> None:
    for name, kind in columns.items():
        op.add_column(f"crm_stripe_{table}", sa.Column(name, kind, nullable=True))


def _index(table: str, name: str, *columns: str, where: str | None = None) -> None:
    condition = sa.text(where) if where else None
    options: dict[str, Any] = {"postgresql_where": condition, "sqlite_where": condition} if where else {}
    op.create_index(f"crm_stripe_{name}", f"crm_stripe_{table}", list(columns), **options)
