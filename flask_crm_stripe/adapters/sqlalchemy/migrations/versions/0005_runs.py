"""Many invoices at once: runs, their items, and the pace at which Stripe is asked."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

REF = sa.String(191)
STRIPE_ID = sa.String(255)
WORD = sa.String(64)
OUR_ID = sa.String(32)
MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NO_NULL = sa.JSON(none_as_null=True)


def upgrade() -> None:
    op.create_table(
        "crm_stripe_run",
        sa.Column("row", NUMBER, nullable=False),
        _want("id", OUR_ID),
        _want("business", REF),
        _want("account_id", STRIPE_ID),
        _want("livemode", sa.Boolean()),
        _want("send", sa.Boolean()),
        _want("terms", NO_NULL),
        _want("created_by", REF),
        _want("created_at", MOMENT),
        _want("state", WORD),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_run_pk"),
        sa.UniqueConstraint("id", name="crm_stripe_run_id_uq"),
        sqlite_autoincrement=True,
    )
    op.create_index("crm_stripe_run_list_ix", "crm_stripe_run", ["business", "row"])
    running = sa.text("state = 'running'")
    options: dict[str, Any] = {"postgresql_where": running, "sqlite_where": running}
    op.create_index("crm_stripe_run_open_ix", "crm_stripe_run", ["business"], **options)
    op.create_table(
        "crm_stripe_run_item",
        sa.Column("row", NUMBER, nullable=False),
        _want("run_row", NUMBER),
        _want("business", REF),
        _want("source_kind", WORD),
        _want("source_ref", REF),
        _want("title", sa.Text()),
        _want("billables", NO_NULL),
        _want("currency", sa.String(3)),
        _want("total", sa.BigInteger()),
        _want("seen", sa.String(64)),
        _want("state", WORD),
        sa.Column("invoice_id", OUR_ID, nullable=True),
        _want("code", WORD),
        _want("reason", sa.Text()),
        _want("tries", sa.Integer()),
        _want("again", sa.Boolean()),
        sa.Column("holder", WORD, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_run_item_pk"),
        sa.ForeignKeyConstraint(
            ["run_row"], ["crm_stripe_run.row"], name="crm_stripe_run_item_run_row_fk", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("run_row", "source_kind", "source_ref", name="crm_stripe_run_item_source_uq"),
        sqlite_autoincrement=True,
    )
    op.create_index("crm_stripe_run_item_state_ix", "crm_stripe_run_item", ["run_row", "state", "row"])
    op.create_table(
        "crm_stripe_pace",
        _want("name", sa.String(255)),
        _want("free_at", sa.Double()),
        sa.PrimaryKeyConstraint("name", name="crm_stripe_pace_pk"),
    )
    if op.get_context().dialect.name == "postgresql":
        # It says what may be done in the next second: to wait for the disk would cost more than it is worth.
        op.execute("ALTER TABLE crm_stripe_pace SET UNLOGGED")


def downgrade() -> None:
    for name in ("pace", "run_item", "run"):
        op.drop_table(f"crm_stripe_{name}")


def _want(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
