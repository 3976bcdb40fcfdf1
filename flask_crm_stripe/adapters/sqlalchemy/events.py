"""The inbox of Stripe's events. A body is kept sealed, for support and for erasing; figures never come from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_once
from flask_crm_stripe.adapters.sqlalchemy.paging import fetch_page
from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.events import EventState, IncomingEvent, StoredEvent
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.ports.runtime import Vault

T = tables.event
WAITING, FAILED = EventState.WAITING.value, EventState.FAILED.value
# The body stays where it is: nobody who lists events needs it.
SELECT = sa.select(*(column for column in T.c if column is not T.c.body))


@dataclass(frozen=True)
class SqlEvents:
    """``ports.ledger.EventStore``."""

    business: str
    database: Database

    def page(self, state: str = "", cursor: str | None = None, limit: int = 50) -> Page[StoredEvent]:
        """Newest first; ``state`` chooses one state, empty all."""
        statement = SELECT.where(T.c.business == self.business)
        if state:
            statement = statement.where(T.c.state == state)
        with self.database.reading() as connection:
            return fetch_page(connection, statement, T.c.row, cursor, limit, event_of)

    def get(self, row_id: int) -> StoredEvent | None:
        """One of ours."""
        return one_event(self.database, T.c.business == self.business, T.c.row == row_id)

    def retry(self, row_id: int, now: datetime) -> None:
        """Back to waiting, due now. Raises ``NotFound``."""
        with self.database.writing() as connection:
            mine = (T.c.business == self.business, T.c.row == row_id)
            values = {"state": WAITING, "retry_at": now, "reason": None}
            if connection.execute(sa.update(T).where(*mine).values(**values)).rowcount != 1:
                raise NotFound("event")

    def counts(self) -> dict[str, int]:
        """How many wait and how many failed."""
        # The states stand in the text, so that the partial index is used.
        mine = (T.c.business == self.business, sa.text("state IN ('waiting', 'failed')"))
        statement = sa.select(T.c.state, sa.func.count().label("events")).where(*mine)
        with self.database.reading() as connection:
            found = {row.state: row.events for row in connection.execute(statement.group_by(T.c.state))}
        return {WAITING: found.get(WAITING, 0), FAILED: found.get(FAILED, 0)}

    def last_received(self) -> datetime | None:
        """When the newest one came in."""
        statement = sa.select(T.c.received_at).where(T.c.business == self.business).order_by(T.c.row.desc()).limit(1)
        with self.database.reading() as connection:
            return connection.execute(statement).scalar()


def store_event(database: Database, vault: Vault, business: str, event: IncomingEvent, now: datetime) -> int | None:
    """Keep an event once: its row, None where we had it."""
    values = {
        "business": business,
        "account_id": event.account_id,
        "livemode": event.livemode,
        "event_id": event.event_id,
        "type": event.type,
        "object_id": event.object_id,
        "object_type": event.object_type,
        "invoice_id": event.invoice_id,
        "created": event.created,
        "api_version": event.api_version,
        "request_id": event.request_id,
        "body": vault.seal(event.body),
        "key_id": vault.current,
        "received_at": now,
        "state": WAITING,
        "attempts": 0,
        "retry_at": now,
    }
    with database.writing() as connection:
        if not insert_once(connection, T, values):
            return None
        mine = (T.c.account_id == event.account_id, T.c.livemode == event.livemode, T.c.event_id == event.event_id)
        row: int = connection.execute(sa.select(T.c.row).where(*mine)).scalar_one()
        return row


def due_events(database: Database, now: datetime, limit: int, after: int) -> list[StoredEvent]:
    """Waiting events whose time has come, oldest first."""
    due = (
        SELECT.where(sa.text("state = 'waiting'"), T.c.retry_at <= now, T.c.row > after).order_by(T.c.row).limit(limit)
    )
    with database.reading() as connection:
        return [event_of(row) for row in connection.execute(due)]


def one_event(database: Database, *conditions: Any) -> StoredEvent | None:
    """The event that the conditions name."""
    with database.reading() as connection:
        row = connection.execute(SELECT.where(*conditions)).first()
    return event_of(row) if row is not None else None


def finish_event(
    database: Database, row_id: int, state: EventState, now: datetime, reason: str | None, retry_at: datetime | None
) -> None:
    """Note the result of an attempt; one that failed and shall be tried again waits."""
    again = state is EventState.FAILED and retry_at is not None
    values: dict[str, Any] = {
        "state": WAITING if again else state.value,
        "attempts": T.c.attempts + 1,
        "reason": reason,
        "retry_at": retry_at if again else None,
        "applied_at": now if state is EventState.APPLIED else T.c.applied_at,
    }
    with database.writing() as connection:
        connection.execute(sa.update(T).where(T.c.row == row_id).values(**values))


def event_of(row: sa.Row[Any]) -> StoredEvent:
    """A row as a value."""
    return StoredEvent(
        id=row.row,
        business=row.business,
        account_id=row.account_id,
        livemode=row.livemode,
        event_id=row.event_id,
        type=row.type,
        object_id=row.object_id,
        object_type=row.object_type,
        invoice_id=row.invoice_id,
        created=row.created,
        received_at=row.received_at,
        state=EventState(row.state),
        attempts=row.attempts,
        reason=row.reason,
        request_id=row.request_id,
        applied_at=row.applied_at,
        retry_at=row.retry_at,
    )
