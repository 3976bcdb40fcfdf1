"""The door of the inbox: whose event is it, and is it new? One statement says both and keeps it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_once
from flask_crm_stripe.model.events import EventState, IncomingEvent, Intake
from flask_crm_stripe.ports.runtime import Vault

T, CONNECTION = tables.event, tables.connection
PACKED = b"\x78\x01"
"""What zlib begins with, and JSON does not."""

GIVEN = tuple(column for column in T.c if column.name not in ("row", "business", "changed", "applied_at"))


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, and what is to become of it: applied when it is due, or ignored for a reason."""

    event: IncomingEvent
    now: datetime
    due: datetime
    unneeded: str | None = None


def take_in(database: Database, vault: Vault, arrival: Arrival) -> Intake:
    """Keep an event of a connected account, once."""
    values = row_of(arrival, vault)
    with database.driver() as driver:
        if driver is not None:
            driver.cursor.execute(_text(driver.dialect), values)
            found = driver.cursor.fetchone()
            return Intake(*found) if found is not None else Intake(None, None)
    with database.at_once() as connection:
        if connection.dialect.name == "postgresql":
            kept = connection.execute(_one_statement(), values).first()
            return Intake(kept.business, kept.row) if kept is not None else Intake(None, None)
        # Without a round trip to save: SQLite does not insert inside of a question.
        row = connection.execute(_insert(sqlite), values).scalar()
        business = connection.execute(_whose(), values).scalar()
        return Intake(business, row)


def keep(database: Database, vault: Vault, business: str, event: IncomingEvent, now: datetime) -> int | None:
    """Keep an event of this business that Stripe did not bring, once: its row, None where we had it."""
    values = {**row_of(Arrival(event, now, now), vault), "business": business, "caught_up": True}
    same = (T.c.account_id == event.account_id, T.c.livemode == event.livemode, T.c.event_id == event.event_id)
    with database.writing() as connection:
        if not insert_once(connection, T, values):
            return None
        row: int = connection.execute(sa.select(T.c.row).where(*same)).scalar_one()
        return row


def packed(body: bytes) -> bytes:
    """A body before it is sealed: a third of its size, so that it fits into its row."""
    return zlib.compress(body, 1)


def unpacked(body: bytes) -> bytes:
    """A body as it came; those of earlier versions of this package were not packed."""
    return zlib.decompress(body) if body.startswith(PACKED) else body


def row_of(arrival: Arrival, vault: Vault) -> Mapping[str, Any]:
    """The columns of a new event."""
    event, is_needed = arrival.event, arrival.unneeded is None
    return {
        "account_id": event.account_id,
        "livemode": event.livemode,
        "event_id": event.event_id,
        "type": event.type,
        "object_id": event.object_id,
        "object_type": event.object_type,
        "invoice_id": event.invoice_id,
        "payment_intent": event.payment_intent,
        "customer_id": event.customer_id,
        "created": event.created,
        "api_version": event.api_version,
        "request_id": event.request_id,
        "body": vault.seal(packed(event.body)),
        "key_id": vault.current,
        "received_at": arrival.now,
        "caught_up": False,
        "state": (EventState.WAITING if is_needed else EventState.IGNORED).value,
        "reason": arrival.unneeded,
        "attempts": 0,
        "retry_at": arrival.due if is_needed else None,
    }


@cache
def _whose() -> sa.Select[Any]:
    mine = (CONNECTION.c.account_id == sa.bindparam("account_id"), CONNECTION.c.livemode == sa.bindparam("livemode"))
    # The state stands in the text, so that the partial index is used.
    return sa.select(CONNECTION.c.business).where(*mine, sa.text("state = 'live'"))


@cache
def _insert(dialect: Any) -> Any:
    given = [sa.bindparam(column.name, type_=column.type).label(column.name) for column in GIVEN]
    rows = _whose().add_columns(*given)
    names = ["business", *(column.name for column in GIVEN)]
    return dialect.insert(T).from_select(names, rows).on_conflict_do_nothing().returning(T.c.row)


@cache
def _text(dialect: sa.Dialect) -> str:
    return str(_one_statement().compile(dialect=dialect))


@cache
def _one_statement() -> sa.Select[Any]:
    stored = _insert(postgresql).cte("stored")
    whose = _whose().cte("whose")
    return sa.select(whose.c.business, stored.c.row).select_from(whose.outerjoin(stored, sa.true()))
