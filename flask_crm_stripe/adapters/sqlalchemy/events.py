"""The inbox of Stripe's events. A body is kept sealed, for support and for erasing; figures never come from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import feed, intake, tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database
from flask_crm_stripe.adapters.sqlalchemy.paging import fetch_page
from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.events import (
    CatchUp,
    EventFilter,
    EventState,
    IncomingEvent,
    Result,
    StoredEvent,
    Strays,
)
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.ports.runtime import Vault

T = tables.event
WAITING, FAILED = EventState.WAITING.value, EventState.FAILED.value
DONE = (EventState.APPLIED.value, EventState.IGNORED.value)
ERASED = b""
# The body stays where it is: nobody who lists events needs it.
SELECT = sa.select(*(column for column in T.c if column is not T.c.body))


@dataclass(frozen=True)
class SqlEvents:
    """``ports.ledger.EventStore``."""

    business: str
    database: Database
    vault: Vault

    def page(self, wanted: EventFilter | None = None, cursor: str | None = None, limit: int = 50) -> Page[StoredEvent]:
        """Newest first."""
        statement = SELECT.where(T.c.business == self.business, *_conditions(wanted or EventFilter()))
        with self.database.reading() as connection:
            return fetch_page(connection, statement, T.c.row, cursor, limit, event_of)

    def get(self, row_id: int) -> StoredEvent | None:
        """One of ours."""
        return one_event(self.database, T.c.business == self.business, T.c.row == row_id)

    def body(self, row_id: int) -> bytes | None:
        """As it was received; None where it was erased. Raises ``NotFound``, ``SecretUnreadable``."""
        mine = sa.select(T.c.body).where(T.c.business == self.business, T.c.row == row_id)
        with self.database.reading() as connection:
            found = connection.execute(mine).first()
        if found is None:
            raise NotFound("event")
        return None if found.body == ERASED else intake.unpacked(self.vault.open(found.body))

    def retry(self, row_ids: Sequence[int], now: datetime) -> int:
        """Back to waiting, due now: how many there were."""
        mine = (T.c.business == self.business, T.c.row.in_(row_ids))
        with self.database.writing() as connection:
            again = sa.update(T).where(*mine).values(state=WAITING, retry_at=now, attempts=0, reason=None)
            return connection.execute(again).rowcount

    def keep(self, event: IncomingEvent, now: datetime) -> int | None:
        """Keep one that Stripe did not bring, once: its row, None where we had it."""
        return intake.keep(self.database, self.vault, self.business, event, now)

    def known(self, books: Books, ids: Sequence[str]) -> set[str]:
        """Which of these events we had."""
        account_id, livemode = books
        mine = (T.c.account_id == account_id, T.c.livemode == livemode, T.c.event_id.in_(ids))
        with self.database.reading() as connection:
            return set(connection.execute(sa.select(T.c.event_id).where(*mine)).scalars())

    def counts(self) -> dict[str, int]:
        """How many wait and how many failed."""
        # The states stand in the text, so that the partial index is used.
        mine = (T.c.business == self.business, sa.text("state IN ('waiting', 'failed')"))
        statement = sa.select(T.c.state, sa.func.count().label("events")).where(*mine)
        with self.database.reading() as connection:
            found = {row.state: row.events for row in connection.execute(statement.group_by(T.c.state))}
        return {WAITING: found.get(WAITING, 0), FAILED: found.get(FAILED, 0)}

    def waiting_since(self) -> datetime | None:
        """When the one came in that waits longest."""
        mine = (T.c.business == self.business, sa.text("state IN ('waiting', 'failed')"), T.c.state == WAITING)
        with self.database.reading() as connection:
            return connection.execute(sa.select(T.c.received_at).where(*mine).order_by(T.c.row).limit(1)).scalar()

    def received(self, limit: int = 1) -> list[datetime]:
        """When the newest ones were brought by Stripe, newest first."""
        mine = (T.c.business == self.business, sa.not_(T.c.caught_up))
        statement = sa.select(T.c.received_at).where(*mine).order_by(T.c.row.desc()).limit(limit)
        with self.database.reading() as connection:
            return list(connection.execute(statement).scalars())

    def erase(self, customer_ids: Sequence[str]) -> int:
        """Erase the bodies of everything about these customers, and who it was about: how many there were."""
        mine = (T.c.business == self.business, T.c.customer_id.is_not(None), T.c.customer_id.in_(customer_ids))
        with self.database.writing() as connection:
            gone = sa.update(T).where(*mine).values(body=ERASED, key_id=None, customer_id=None)
            return connection.execute(gone).rowcount

    def prune(self, bodies_before: datetime, rows_before: datetime, limit: int) -> tuple[int, int]:
        """Erase old bodies, forget older rows that are done; at most ``limit`` of each. How many of both."""
        old = sa.select(T.c.row).where(T.c.business == self.business, T.c.received_at < bodies_before)
        bodies = old.where(T.c.body != ERASED, T.c.state.in_(DONE)).order_by(T.c.row).limit(limit)
        done = old.where(T.c.received_at < rows_before, T.c.state.in_(DONE)).order_by(T.c.row).limit(limit)
        with self.database.writing() as connection:
            rows = list(connection.execute(done).scalars())
            connection.execute(sa.delete(T).where(T.c.row.in_(rows)))
            emptied = list(connection.execute(bodies).scalars())
            connection.execute(sa.update(T).where(T.c.row.in_(emptied)).values(body=ERASED, key_id=None))
        return len(emptied), len(rows)

    def caught_up(self, books: Books) -> CatchUp | None:
        """How far Stripe's own list was read."""
        return feed.caught_up(self.database, books)

    def note_caught_up(self, books: Books, result: CatchUp) -> None:
        """Remember how far; it never goes back."""
        feed.note_caught_up(self.database, books, result)

    def strays(self, books: Books) -> Strays | None:
        """What came for an account while it was not connected."""
        return feed.strays(self.database, books)


def claim_events(
    database: Database, now: datetime, limit: int, until: datetime, soon: datetime | None = None
) -> list[StoredEvent]:
    """Waiting events whose time has come, oldest first, for the caller alone ``until`` then; with those about the same
    invoices that are due ``soon``."""
    waiting = sa.select(T.c.row, T.c.invoice_id).where(sa.text("state = 'waiting'")).order_by(T.c.row)
    waiting = waiting.with_for_update(skip_locked=True)
    with database.writing() as connection:
        due = connection.execute(waiting.where(T.c.retry_at <= now).limit(limit)).all()
        rows, about = [row.row for row in due], {row.invoice_id for row in due if row.invoice_id}
        if soon is not None and about:
            alike = waiting.where(T.c.retry_at <= soon, T.c.invoice_id.in_(about), T.c.row.not_in(rows)).limit(limit)
            rows += [row.row for row in connection.execute(alike)]
        if not rows:
            return []
        connection.execute(sa.update(T).where(T.c.row.in_(rows)).values(retry_at=until))
        found = connection.execute(SELECT.where(T.c.row.in_(rows)).order_by(T.c.row))
        return [event_of(row) for row in found]


def one_event(database: Database, *conditions: Any) -> StoredEvent | None:
    """The event that the conditions name."""
    with database.reading() as connection:
        row = connection.execute(SELECT.where(*conditions)).first()
    return event_of(row) if row is not None else None


def finish_events(database: Database, row_ids: Sequence[int], result: Result, now: datetime) -> None:
    """Note the result of an attempt; what failed and shall be tried again waits."""
    again = result.state is EventState.FAILED and result.retry_at is not None
    values: dict[str, Any] = {
        "state": WAITING if again else result.state.value,
        "attempts": T.c.attempts + 1,
        "reason": result.reason,
        "changed": result.changed,
        "retry_at": result.retry_at if again else None,
    }
    if result.state is EventState.APPLIED:
        values["applied_at"] = now
    with database.writing() as connection:
        connection.execute(sa.update(T).where(T.c.row.in_(row_ids)).values(**values))


def postpone_events(database: Database, row_ids: Sequence[int], until: datetime) -> None:
    """Nothing was tried; they wait on."""
    with database.writing() as connection:
        connection.execute(sa.update(T).where(T.c.row.in_(row_ids), T.c.state == WAITING).values(retry_at=until))


def _conditions(wanted: EventFilter) -> list[Any]:
    found: list[Any] = []
    if wanted.state:
        found.append(T.c.state == wanted.state)
    if wanted.type:
        found.append(T.c.type == wanted.type)
    if wanted.text:
        about = sa.select(T.c.row).where(T.c.object_id == wanted.text)
        named = sa.select(T.c.row).where(T.c.event_id == wanted.text)
        found.append(T.c.row.in_(sa.union_all(about, named)))
    if wanted.since:
        found.append(T.c.received_at >= wanted.since)
    if wanted.until:
        found.append(T.c.received_at < wanted.until)
    return found


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
        payment_intent=row.payment_intent,
        changed=row.changed,
        caught_up=row.caught_up,
    )
