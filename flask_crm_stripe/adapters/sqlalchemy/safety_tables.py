"""The tables that keep a business safe: environments, the log and its seals, people, approvals, notices."""

from __future__ import annotations

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy.schema import (
    DIGEST,
    KEY_ID,
    OUR_ID,
    PLAIN,
    PREFIX,
    REF,
    STRIPE_ID,
    WORD,
    Moment,
    business,
    index_where,
    may,
    metadata,
    only_where,
    row,
    table,
    want,
)

environment = sa.Table(
    PREFIX + "environment",
    metadata,
    sa.Column("fingerprint", sa.String(255), primary_key=True),
    sa.Column("business", REF, primary_key=True),
    want("confirmed_by", REF),
    want("confirmed_at", Moment),
)

log = table(
    "log",
    row(),
    business(),
    want("at", Moment),
    want("actor", REF),
    want("action", sa.String(255)),
    want("target", sa.Text),
    want("outcome", WORD),
    may("reason", sa.Text),
    may("address", sa.String(255)),
    may("request_id", STRIPE_ID),
    want("seq", sa.BigInteger),
    want("epoch", sa.Integer),
    want("seal", DIGEST),
    sa.Index(PREFIX + "log_seq_uq", "business", "seq", unique=True),
    sa.Index(PREFIX + "log_actor_ix", "business", "actor", "at"),
    sa.Index(PREFIX + "log_action_ix", "business", "action", "seq"),
)

log_head = sa.Table(
    PREFIX + "log_head",
    metadata,
    sa.Column("business", REF, primary_key=True),
    want("seq", sa.BigInteger),
    want("seal", DIGEST),
    want("epoch", sa.Integer),
    want("base_seq", sa.BigInteger),
    want("base_seal", DIGEST),
    want("unsigned", sa.BigInteger),
    want("own_seal", DIGEST),
)

log_key = sa.Table(
    PREFIX + "log_key",
    metadata,
    sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
    want("sealed", sa.LargeBinary),
    may("key_id", KEY_ID),
    want("made_at", Moment),
)

person = table(
    "person",
    row(),
    business(),
    want("ref", REF),
    want("name", sa.Text),
    want("seen_at", Moment),
    sa.UniqueConstraint("business", "ref", name=PREFIX + "person_uq"),
)

approval = table(
    "approval",
    row(),
    want("id", OUR_ID, unique=True),
    business(),
    want("kind", WORD),
    want("subject", sa.String(512)),
    want("content", DIGEST),
    want("permission", WORD),
    want("currency", sa.String(3)),
    want("amount", sa.BigInteger),
    want("reason", sa.Text),
    want("asked_by", REF),
    want("asked_at", Moment),
    want("state", WORD),
    may("decided_by", REF),
    may("decided_at", Moment),
    may("decision", sa.Text),
    want("details", PLAIN),
    only_where("approval_waiting_uq", "state = 'waiting'", "business", "kind", "subject"),
    index_where("approval_open_ix", "state IN ('waiting', 'agreed')", "business", "state", "row"),
    sa.Index(PREFIX + "approval_subject_ix", "business", "subject", "row"),
    sa.Index(PREFIX + "approval_list_ix", "business", "row"),
)

notice = table(
    "notice",
    row(),
    business(),
    want("key", sa.String(255)),
    want("kind", WORD),
    want("at", Moment),
    want("params", PLAIN),
    may("told_at", Moment),
    want("mail", WORD),
    may("seen_by", REF),
    may("seen_at", Moment),
    sa.UniqueConstraint("business", "key", name=PREFIX + "notice_uq"),
    index_where("notice_open_ix", "seen_at IS NULL", "business", "row"),
    index_where("notice_untold_ix", "told_at IS NULL", "business", "row"),
)
