"""Environments, endings and changes of connections, a sealed log, approvals, notices, and the key of each secret."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REF = sa.String(191)
STRIPE_ID = sa.String(255)
WORD = sa.String(64)
OUR_ID = sa.String(32)
DIGEST = sa.String(64)
KEY_ID = sa.String(16)
MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PLAIN = sa.JSON(none_as_null=True)
WAITING = "state = 'waiting'"
NEW_TABLES = ("environment", "log_head", "log_key", "approval", "notice")
CONNECTION = {
    "key_id": KEY_ID,
    "ending": WORD,
    "leaving_by": REF,
    "leaving_reason": sa.Text(),
    "change": PLAIN,
    "changed_at": MOMENT,
}


def upgrade() -> None:
    _environment()
    _add("connection", **CONNECTION)
    _add("event", key_id=KEY_ID)
    _add("invoice", personal=sa.LargeBinary(), key_id=KEY_ID)
    _index("invoice", "invoice_key_ix", "key_id", "row")
    _no_mail_in_timelines()
    _index("event", "event_key_ix", "key_id", "row")
    _books()
    _claims_by_mode()
    _seals()
    _approval()
    _notice()


def downgrade() -> None:
    for name in reversed(NEW_TABLES):
        op.drop_table(f"crm_stripe_{name}")
    for name in ("log_action_ix", "log_actor_ix", "log_seq_uq"):
        op.drop_index(f"crm_stripe_{name}", "crm_stripe_log")
    _drop("log", *SEALS)
    _index("log", "log_list_ix", "business", "row")
    op.drop_index("crm_stripe_invoice_line_billable_uq", "crm_stripe_invoice_line")
    _drop("invoice_line", "livemode")
    _index("invoice_line", "invoice_line_billable_uq", "business", "billable", unique=True, where="released_at IS NULL")
    op.drop_index("crm_stripe_invoice_moving_ix", "crm_stripe_invoice")
    for table, name, *columns in OLD_LISTS:
        op.drop_index(f"crm_stripe_{name}", f"crm_stripe_{table}")
        _index(table, name, *columns)
    op.drop_index("crm_stripe_event_key_ix", "crm_stripe_event")
    _drop("event", "key_id")
    op.drop_index("crm_stripe_invoice_key_ix", "crm_stripe_invoice")
    _drop("invoice", "personal", "key_id")
    _drop("connection", *CONNECTION)
    _drop("installation", "platform_account")


SEALS: dict[str, tuple[Any, str]] = {
    "seq": (sa.BigInteger(), "0"),
    "epoch": (sa.Integer(), "0"),
    "seal": (DIGEST, "''"),
}
OLD_LISTS = (
    ("invoice", "invoice_list_ix", "business", "row"),
    ("invoice", "invoice_status_ix", "business", "status", "row"),
    ("timeline", "timeline_business_ix", "business", "at", "row"),
)
NEW_LISTS = (
    ("invoice", "invoice_list_ix", "business", "account_id", "livemode", "row"),
    ("invoice", "invoice_status_ix", "business", "account_id", "livemode", "status", "row"),
    ("timeline", "timeline_business_ix", "business", "account_id", "livemode", "at", "row"),
)


def _environment() -> None:
    op.create_table(
        "crm_stripe_environment",
        sa.Column("fingerprint", sa.String(255), nullable=False),
        sa.Column("business", REF, nullable=False),
        sa.Column("confirmed_by", REF, nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "business", name="crm_stripe_environment_pk"),
    )
    _add("installation", platform_account=STRIPE_ID)


def _no_mail_in_timelines() -> None:
    """Where an invoice was sent to stands on it, sealed, and no longer in its timeline too."""
    timeline = sa.table("crm_stripe_timeline", sa.column("row"), sa.column("kind"), sa.column("params", PLAIN))
    connection = op.get_bind()
    for row in connection.execute(sa.select(timeline).where(timeline.c.kind == "sent")).all():
        kept = {name: value for name, value in (row.params or {}).items() if name != "email"}
        connection.execute(sa.update(timeline).where(timeline.c.row == row.row).values(params=kept))


def _books() -> None:
    """Lists are of one account and mode."""
    for table, name, *columns in NEW_LISTS:
        op.drop_index(f"crm_stripe_{name}", f"crm_stripe_{table}")
        _index(table, name, *columns)
    moving = ("business", "account_id", "livemode", "fetched_at")
    _index("invoice", "invoice_moving_ix", *moving, where="status IN ('draft', 'open')")


def _claims_by_mode() -> None:
    """Work that is on a test invoice can be on a live one too."""
    op.drop_index("crm_stripe_invoice_line_billable_uq", "crm_stripe_invoice_line")
    _add_filled("invoice_line", "livemode", sa.Boolean(), sa.false())
    op.execute(
        "UPDATE crm_stripe_invoice_line SET livemode ="
        ' (SELECT i.livemode FROM crm_stripe_invoice i WHERE i."row" = crm_stripe_invoice_line.invoice_row)'
    )
    name = "invoice_line_billable_uq"
    _index("invoice_line", name, "business", "livemode", "billable", unique=True, where="released_at IS NULL")


def _seals() -> None:
    """Lines that are there already get numbers; they are older than the chain and have no seal."""
    for name, (kind, default) in SEALS.items():
        _add_filled("log", name, kind, sa.text(default))
    # One walk over the lines: counting the earlier ones for each would take hours for a long log.
    op.execute(
        "UPDATE crm_stripe_log SET seq = numbered.place FROM"
        ' (SELECT "row", row_number() OVER (PARTITION BY business ORDER BY "row") AS place FROM crm_stripe_log)'
        ' AS numbered WHERE numbered."row" = crm_stripe_log."row"'
    )
    op.drop_index("crm_stripe_log_list_ix", "crm_stripe_log")
    _index("log", "log_seq_uq", "business", "seq", unique=True)
    _index("log", "log_actor_ix", "business", "actor", "at")
    _index("log", "log_action_ix", "business", "action", "seq")
    op.create_table(
        "crm_stripe_log_head",
        sa.Column("business", REF, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("seal", DIGEST, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("base_seq", sa.BigInteger(), nullable=False),
        sa.Column("base_seal", DIGEST, nullable=False),
        sa.Column("unsigned", sa.BigInteger(), nullable=False),
        sa.Column("own_seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("business", name="crm_stripe_log_head_pk"),
    )
    op.create_table(
        "crm_stripe_log_key",
        sa.Column("epoch", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", KEY_ID, nullable=True),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="crm_stripe_log_key_pk"),
    )


def _approval() -> None:
    op.create_table(
        "crm_stripe_approval",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("id", OUR_ID, nullable=False),
        sa.Column("business", REF, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("content", DIGEST, nullable=False),
        sa.Column("permission", WORD, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", REF, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("decided_by", REF, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("details", PLAIN, nullable=False),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_approval_pk"),
        sa.UniqueConstraint("id", name="crm_stripe_approval_id_uq"),
        sqlite_autoincrement=True,
    )
    _index("approval", "approval_waiting_uq", "business", "kind", "subject", unique=True, where=WAITING)
    _index("approval", "approval_open_ix", "business", "state", "row", where="state IN ('waiting', 'agreed')")
    _index("approval", "approval_subject_ix", "business", "subject", "row")
    _index("approval", "approval_list_ix", "business", "row")


def _notice() -> None:
    op.create_table(
        "crm_stripe_notice",
        sa.Column("row", NUMBER, nullable=False),
        sa.Column("business", REF, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("params", PLAIN, nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("mail", WORD, nullable=False),
        sa.Column("seen_by", REF, nullable=True),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("row", name="crm_stripe_notice_pk"),
        sa.UniqueConstraint("business", "key", name="crm_stripe_notice_uq"),
        sqlite_autoincrement=True,
    )
    _index("notice", "notice_open_ix", "business", "row", where="seen_at IS NULL")
    _index("notice", "notice_untold_ix", "business", "row", where="told_at IS NULL")


def _add(table: str, **columns: Any) -> None:
    for name, kind in columns.items():
        op.add_column(f"crm_stripe_{table}", sa.Column(name, kind, nullable=True))


def _add_filled(table: str, name: str, kind: Any, default: Any) -> None:
    """A column that always has a value. SQLite would have to make the table anew without a default, and would forget
    that its numbers are never used twice; PostgreSQL needs the default only while the rows are filled."""
    op.add_column(f"crm_stripe_{table}", sa.Column(name, kind, nullable=False, server_default=default))
    if op.get_context().dialect.name == "postgresql":
        op.alter_column(f"crm_stripe_{table}", name, server_default=None)


def _drop(table: str, *columns: str) -> None:
    for name in columns:
        op.drop_column(f"crm_stripe_{table}", name)


def _index(table: str, name: str, *columns: str, unique: bool = False, where: str | None = None) -> None:
    condition = sa.text(where) if where else None
    options: dict[str, Any] = {"postgresql_where": condition, "sqlite_where": condition} if where else {}
    op.create_index(f"crm_stripe_{name}", f"crm_stripe_{table}", list(columns), unique=unique, **options)
