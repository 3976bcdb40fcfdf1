"""Runs of many invoices. Workers of any process take items; the database decides who has which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database
from flask_crm_stripe.adapters.sqlalchemy.paging import fetch_page
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.model.runs import OPEN, ItemState, Outcome, Run, RunItem, RunState, Tally

T, ITEMS = tables.run, tables.run_item
RUNNING = sa.text("state = 'running'")
WAITING, DOING, FAILED = ItemState.WAITING.value, ItemState.DOING.value, ItemState.FAILED.value


@dataclass(frozen=True)
class SqlRuns:
    """``ports.runs.RunStore``."""

    business: str
    database: Database

    def add(self, run: Run, items: Sequence[RunItem]) -> None:
        """Keep it with its items."""
        values = {
            "business": self.business,
            "state": run.state.value,
            "terms": dict(run.terms),
            **{name: getattr(run, name) for name in ("id", "account_id", "livemode", "send", "ended_at")},
            **{name: getattr(run, name) for name in ("created_by", "created_at")},
        }
        with self.database.writing() as connection:
            made = connection.execute(sa.insert(T).values(**values)).inserted_primary_key
            if items and made:
                connection.execute(sa.insert(ITEMS), [self._new(made[0], item) for item in items])

    def forget_planned(self, before: datetime) -> int:
        """Those that nobody started go."""
        old = (T.c.business == self.business, T.c.state == RunState.PLANNED.value, T.c.created_at < before)
        with self.database.writing() as connection:
            rows = sa.select(T.c.row).where(*old)
            connection.execute(sa.delete(ITEMS).where(ITEMS.c.run_row.in_(rows)))
            return connection.execute(sa.delete(T).where(*old)).rowcount

    def get(self, run_id: str) -> Run | None:
        """One of ours."""
        with self.database.reading() as connection:
            row = connection.execute(sa.select(T).where(*self._mine(run_id))).first()
        return run_of(row) if row is not None else None

    def page(self, cursor: str | None = None, limit: int = 25) -> Page[Run]:
        """Those that were started, newest first."""
        mine = sa.select(T).where(T.c.business == self.business, T.c.state != RunState.PLANNED.value)
        with self.database.reading() as connection:
            return fetch_page(connection, mine, T.c.row, cursor, limit, run_of)

    def tally(self, run_id: str) -> list[Tally]:
        """How far it is."""
        what = (ITEMS.c.state, ITEMS.c.currency)
        counted = sa.select(*what, sa.func.count(), sa.func.sum(ITEMS.c.total)).where(*self._items_of(run_id))
        with self.database.reading() as connection:
            rows = connection.execute(counted.group_by(*what).order_by(*what))
            return [Tally(ItemState(state), currency, count, int(total)) for state, currency, count, total in rows]

    def items(self, run_id: str, state: ItemState | None = None, limit: int = 100, after: int = 0) -> list[RunItem]:
        """In their order."""
        wanted = sa.select(ITEMS).where(*self._items_of(run_id), ITEMS.c.row > after)
        if state is not None:
            wanted = wanted.where(ITEMS.c.state == state.value)
        with self.database.reading() as connection:
            return [item_of(row) for row in connection.execute(wanted.order_by(ITEMS.c.row).limit(limit))]

    def claim(self, run_id: str, holder: str, now: datetime, until: datetime) -> RunItem | None:
        """The next item, for the holder alone. Two workers never wait for each other."""
        running = sa.select(T.c.row).where(*self._mine(run_id), RUNNING).scalar_subquery()
        with self.database.at_once() as connection:
            # One look per state: each is the beginning of an index, however many items are done.
            for state in (WAITING, DOING):
                due = (ITEMS.c.due_at.is_(None) if state == WAITING else sa.false()) | (ITEMS.c.due_at <= now)
                wanted = sa.select(ITEMS.c.row).where(ITEMS.c.run_row == running, ITEMS.c.state == state, due)
                first = wanted.order_by(ITEMS.c.row).limit(1).with_for_update(skip_locked=True)
                taken = sa.update(ITEMS).where(ITEMS.c.row == first.scalar_subquery(), ITEMS.c.state == state)
                tries = ITEMS.c.tries + int(state == DOING)
                taken = taken.values(state=DOING, holder=holder, due_at=until, tries=tries)
                row = connection.execute(taken.returning(ITEMS)).first()
                if row is not None:
                    return item_of(row)
        return None

    def finish(self, number: int, holder: str, outcome: Outcome) -> bool:
        """Note what became of it, where it is still the holder's."""
        mine = (ITEMS.c.business == self.business, ITEMS.c.row == number, ITEMS.c.holder == holder)
        values: dict[str, Any] = {
            "state": outcome.state.value,
            "code": outcome.code,
            "reason": outcome.reason,
            "holder": None,
            "due_at": outcome.not_before,
            "tries": ITEMS.c.tries + 1,
        }
        if outcome.invoice_id is not None:
            values["invoice_id"] = outcome.invoice_id
        with self.database.at_once() as connection:
            return (
                connection.execute(sa.update(ITEMS).where(*mine, ITEMS.c.state == DOING).values(**values)).rowcount == 1
            )

    def settle(self, run_id: str, now: datetime) -> bool:
        """Done, where all its items have ended."""
        left = sa.exists().where(ITEMS.c.run_row == T.c.row, ITEMS.c.state.in_([state.value for state in OPEN]))
        ended = sa.update(T).where(*self._mine(run_id), RUNNING, ~left)
        with self.database.at_once() as connection:
            return connection.execute(ended.values(state=RunState.DONE.value, ended_at=now)).rowcount == 1

    def move(self, run_id: str, before: RunState, after: RunState, now: datetime) -> bool:
        """From one state to another, once."""
        ended = None if after is RunState.RUNNING else now
        moved = sa.update(T).where(*self._mine(run_id), T.c.state == before.value)
        with self.database.at_once() as connection:
            return connection.execute(moved.values(state=after.value, ended_at=ended)).rowcount == 1

    def retry(self, run_id: str, code_not: Sequence[str]) -> int:
        """Failed items wait again, and the run goes on."""
        failed = (ITEMS.c.state == FAILED, ITEMS.c.seen != "", ITEMS.c.code.not_in(code_not))
        again = sa.update(ITEMS).where(*self._items_of(run_id), *failed)
        with self.database.writing() as connection:
            count = connection.execute(again.values(state=WAITING, again=True, tries=0, due_at=None)).rowcount
            if count:
                on = sa.update(T).where(*self._mine(run_id)).values(state=RunState.RUNNING.value, ended_at=None)
                connection.execute(on)
            return count

    def due(self, books: Books, now: datetime) -> list[str]:
        """Running ones that have something to do."""
        ready = (ITEMS.c.state == WAITING) & ITEMS.c.due_at.is_(None) | (ITEMS.c.due_at <= now)
        open_ones = ITEMS.c.state.in_([state.value for state in OPEN])
        some = sa.exists().where(ITEMS.c.run_row == T.c.row, open_ones, ready)
        none = ~sa.exists().where(ITEMS.c.run_row == T.c.row, open_ones)
        account_id, livemode = books
        mine = (T.c.business == self.business, T.c.account_id == account_id, T.c.livemode == livemode, RUNNING)
        with self.database.reading() as connection:
            return list(connection.execute(sa.select(T.c.id).where(*mine, some | none).order_by(T.c.row)).scalars())

    def _mine(self, run_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        return T.c.business == self.business, T.c.id == run_id

    def _items_of(self, run_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        row = sa.select(T.c.row).where(*self._mine(run_id)).scalar_subquery()
        return ITEMS.c.business == self.business, ITEMS.c.run_row == row

    def _new(self, run_row: int, item: RunItem) -> dict[str, Any]:
        names = ("title", "currency", "total", "seen", "invoice_id", "code", "reason", "tries", "again")
        return {
            "run_row": run_row,
            "business": self.business,
            "source_kind": item.source.kind,
            "source_ref": item.source.ref,
            "billables": list(item.billables),
            "state": item.state.value,
            **{name: getattr(item, name) for name in names},
        }


def run_of(row: sa.Row[Any]) -> Run:
    """A row as a value."""
    names = ("id", "account_id", "livemode", "send", "terms", "created_by", "created_at", "ended_at")
    return Run(**{name: row._mapping[name] for name in names}, state=RunState(row.state))


def item_of(row: sa.Row[Any]) -> RunItem:
    """A row as a value."""
    names = ("title", "currency", "total", "seen", "invoice_id", "code", "reason", "tries", "again")
    return RunItem(
        source=SourceRef(row.source_kind, row.source_ref),
        billables=tuple(row.billables),
        state=ItemState(row.state),
        number=row.row,
        **{name: row._mapping[name] for name in names},
    )
