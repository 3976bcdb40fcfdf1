"""What we know of an account's stream of events: how far it was caught up with, and what came when nobody wanted it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_once
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.events import CatchUp, IncomingEvent, Strays

T = tables.feed
MOST_STRANGERS = 100
"""Accounts that nobody here ever connected: only somebody with our signing secret can name more."""


def count_stray(database: Database, event: IncomingEvent, now: datetime) -> None:
    """One more of an account that is not connected. Beyond the cap of accounts it is not counted."""
    with database.writing() as connection:
        mine = (T.c.account_id == event.account_id, T.c.livemode == event.livemode)
        values = {"strays": T.c.strays + 1, "last_stray_at": now, "last_stray_type": event.type}
        first = sa.func.coalesce(T.c.first_stray_at, sa.literal(now, T.c.first_stray_at.type))
        if connection.execute(sa.update(T).where(*mine).values(**values, first_stray_at=first)).rowcount:
            return
        if connection.execute(sa.select(sa.func.count()).where(T.c.strays > 0)).scalar_one() < MOST_STRANGERS:
            new = _blank((event.account_id, event.livemode))
            stray = {"strays": 1, "first_stray_at": now, "last_stray_at": now, "last_stray_type": event.type}
            insert_once(connection, T, new | stray)


def strays(database: Database, books: Books) -> Strays | None:
    """What came for one account."""
    with database.reading() as connection:
        row = connection.execute(sa.select(T).where(*_mine(books), T.c.strays > 0)).first()
    return _strays(row) if row is not None else None


def all_strays(database: Database) -> list[Strays]:
    """Of every account, the newest first."""
    with database.reading() as connection:
        rows = connection.execute(sa.select(T).where(T.c.strays > 0).order_by(T.c.last_stray_at.desc()))
        return [_strays(row) for row in rows]


def caught_up(database: Database, books: Books) -> CatchUp | None:
    """How far Stripe's own list was read."""
    with database.reading() as connection:
        row = connection.execute(sa.select(T).where(*_mine(books), T.c.caught_up_until.is_not(None))).first()
    return CatchUp(row.caught_up_until, row.caught_up_at, row.requests, row.found) if row is not None else None


def note_caught_up(database: Database, books: Books, result: CatchUp) -> None:
    """Remember how far; it never goes back."""
    until = sa.case((T.c.caught_up_until > result.until, T.c.caught_up_until), else_=result.until)
    values = {"caught_up_until": until, "caught_up_at": result.at, "requests": result.requests, "found": result.found}
    with database.writing() as connection:
        insert_once(connection, T, _blank(books))
        connection.execute(sa.update(T).where(*_mine(books)).values(**values))


def _mine(books: Books) -> tuple[Any, Any]:
    account_id, livemode = books
    return T.c.account_id == account_id, T.c.livemode == livemode


def _blank(books: Books) -> dict[str, Any]:
    account_id, livemode = books
    return {"account_id": account_id, "livemode": livemode, "strays": 0, "requests": 0, "found": 0}


def _strays(row: Any) -> Strays:
    return Strays(row.account_id, row.livemode, row.strays, row.first_stray_at, row.last_stray_at, row.last_stray_type)
