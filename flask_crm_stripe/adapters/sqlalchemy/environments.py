"""Where a database is at home, and what makes a copy of it harmless."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_once
from flask_crm_stripe.model.approvals import ApprovalState
from flask_crm_stripe.model.connection import ConnectionState, Ending, Installation
from flask_crm_stripe.model.events import EventState
from flask_crm_stripe.model.runs import RunState

HOME, ROW, CONNECTION = tables.environment, tables.installation, tables.connection
EVERYBODY = "*"
EVER = (ConnectionState.LIVE.value, ConnectionState.ENDED.value)
NEUTRALISED = "This is a copy that was made harmless."


def homes(database: Database, business: str) -> list[str]:
    """Fingerprints of the environments in which the business is the real one."""
    mine = sa.select(HOME.c.fingerprint).where(HOME.c.business.in_((business, EVERYBODY)))
    with database.reading() as connection:
        return list(connection.execute(mine.order_by(HOME.c.confirmed_at)).scalars())


def make_home(database: Database, business: str, fingerprint: str, actor: str, now: datetime) -> None:
    """This environment is the real one for a business, or for everybody."""
    with database.writing() as connection:
        _make_home(connection, business, fingerprint, actor, now)
        live = sa.update(CONNECTION).where(CONNECTION.c.state != ConnectionState.ENDED.value)
        mine = live if business == EVERYBODY else live.where(CONNECTION.c.business == business)
        connection.execute(mine.values(fingerprint=fingerprint))


def installation(database: Database, fingerprint: str, now: datetime) -> Installation:
    """This database, made known once."""
    with database.reading() as connection:
        row = connection.execute(sa.select(ROW)).first()
        known = row is not None and connection.execute(sa.select(HOME.c.fingerprint).limit(1)).first() is not None
    if row is None or not known:
        with database.writing() as connection:
            insert_once(connection, ROW, {"slot": 1, "id": uuid.uuid4().hex})
            if connection.execute(sa.select(HOME.c.fingerprint).limit(1)).first() is None:
                _make_home(connection, EVERYBODY, fingerprint, "", now)
            row = connection.execute(sa.select(ROW)).one()
    return Installation(row.id, row.platform_account)


def note_platform(database: Database, account_id: str) -> None:
    """Remember the platform's account, once."""
    with database.writing() as connection:
        unknown = sa.update(ROW).where(ROW.c.platform_account.is_(None))
        connection.execute(unknown.values(platform_account=account_id))


def neutralise(database: Database, fingerprint: str, now: datetime) -> int:
    """All at once: no secret, no connection, no waiting work is left, and the id is another."""
    with database.writing() as connection:
        ended = connection.execute(
            sa.update(CONNECTION)
            .where(CONNECTION.c.state == ConnectionState.LIVE.value)
            .values(
                state=ConnectionState.ENDED.value,
                ending=Ending.NEUTRALISED.value,
                ended_at=now,
                ended_by="",
                ended_reason=NEUTRALISED,
            )
        ).rowcount
        connection.execute(sa.delete(CONNECTION).where(CONNECTION.c.state.not_in(EVER)))
        connection.execute(sa.update(CONNECTION).values(secrets=None, key_id=None))
        _drop_work(connection, now)
        connection.execute(sa.delete(HOME))
        connection.execute(sa.update(ROW).values(id=uuid.uuid4().hex, platform_account=None))
        _make_home(connection, EVERYBODY, fingerprint, "", now)
    return ended


def businesses(database: Database) -> list[str]:
    """Every business that ever had a connection."""
    with database.reading() as connection:
        ever = sa.select(CONNECTION.c.business).where(CONNECTION.c.state.in_(EVER))
        return list(connection.execute(ever.distinct().order_by(CONNECTION.c.business)).scalars())


def _make_home(connection: sa.Connection, business: str, fingerprint: str, actor: str, now: datetime) -> None:
    row = {"fingerprint": fingerprint, "business": business, "confirmed_by": actor, "confirmed_at": now}
    insert_once(connection, HOME, row)


def _drop_work(connection: sa.Connection, now: datetime) -> None:
    """What waits to be done in the original must not be done here: not at Stripe, and no mail to real people."""
    for table in (tables.consent, tables.outbox, tables.lease, tables.endpoint, tables.feed):
        connection.execute(sa.delete(table))
    approval, event, notice = tables.approval, tables.event, tables.notice
    open_ones = sa.update(approval).where(sa.text("state IN ('waiting', 'agreed')"))
    connection.execute(open_ones.values(state=ApprovalState.WITHDRAWN.value, decided_at=now, decision=NEUTRALISED))
    waiting = sa.update(event).where(sa.text("state IN ('waiting', 'failed')"))
    connection.execute(waiting.values(state=EventState.IGNORED.value, reason=NEUTRALISED, retry_at=None))
    connection.execute(sa.update(notice).where(sa.text("told_at IS NULL")).values(told_at=now))
    connection.execute(sa.delete(tables.setting).where(tables.setting.c.key.startswith("notify")))
    running = sa.update(tables.run).where(sa.text("state = 'running'"))
    connection.execute(running.values(state=RunState.STOPPED.value, ended_at=now))
    told = sa.update(tables.invoice).where(tables.invoice.c.told_version < tables.invoice.c.version)
    connection.execute(told.values(told_version=tables.invoice.c.version))
