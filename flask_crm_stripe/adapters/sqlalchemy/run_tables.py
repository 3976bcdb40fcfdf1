"""The tables of many invoices at once: runs, their items, and when each endpoint of Stripe's may be asked again."""

from __future__ import annotations

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy.schema import (
    DIGEST,
    NUMBER,
    OUR_ID,
    PLAIN,
    PREFIX,
    REF,
    WORD,
    Moment,
    account,
    business,
    index_where,
    may,
    metadata,
    row,
    table,
    want,
)

run = table(
    "run",
    row(),
    want("id", OUR_ID, unique=True),
    business(),
    *account(),
    want("send", sa.Boolean),
    want("terms", PLAIN),
    want("created_by", REF),
    want("created_at", Moment),
    want("state", WORD),
    may("ended_at", Moment),
    sa.Index(PREFIX + "run_list_ix", "business", "row"),
    index_where("run_open_ix", "state = 'running'", "business"),
)

run_item = table(
    "run_item",
    row(),
    want("run_row", NUMBER),
    business(),
    want("source_kind", WORD),
    want("source_ref", REF),
    want("title", sa.Text),
    want("billables", PLAIN),
    want("currency", sa.String(3)),
    want("total", sa.BigInteger),
    want("seen", DIGEST),
    want("state", WORD),
    may("invoice_id", OUR_ID),
    want("code", WORD),
    want("reason", sa.Text),
    want("tries", sa.Integer),
    want("again", sa.Boolean),
    may("holder", sa.String(64)),
    may("due_at", Moment),
    sa.ForeignKeyConstraint(["run_row"], [PREFIX + "run.row"], ondelete="CASCADE"),
    sa.UniqueConstraint("run_row", "source_kind", "source_ref", name=PREFIX + "run_item_source_uq"),
    sa.Index(PREFIX + "run_item_state_ix", "run_row", "state", "row"),
)

pace = sa.Table(
    PREFIX + "pace",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    want("free_at", sa.Double),
)
"""``free_at`` in seconds since 1970 by the database's own clock. On PostgreSQL it is written to no log: after a crash
the table is empty, and nobody misses it."""
