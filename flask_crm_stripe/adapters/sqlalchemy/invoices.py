"""Invoices: claimed, stepped forward, and brought up to date. The rules are in ``ports.records``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import insert_once
from flask_crm_stripe.adapters.sqlalchemy.invoice_queries import SqlInvoiceQueries
from flask_crm_stripe.adapters.sqlalchemy.invoice_rows import (
    changing_columns,
    entry_columns,
    entry_of,
    new_invoice,
    new_lines,
    payment_columns,
    payment_of,
    released,
)
from flask_crm_stripe.adapters.sqlalchemy.schema import Moment
from flask_crm_stripe.errors import BillableTaken, NotFound
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, InvoicePlan, Payment, Problem, RemoteInvoice, Stage
from flask_crm_stripe.ports import records

T, LINES = tables.invoice, tables.invoice_line
Rule = Callable[[Invoice], Invoice]
TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class SqlInvoices(SqlInvoiceQueries):
    """``ports.ledger.InvoiceStore``: what writes; the questions are in its base."""

    def plan(
        self,
        account_id: str,
        livemode: bool,
        plan: InvoicePlan,
        *,
        form_key: str,
        send: bool,
        actor: str,
        now: datetime,
    ) -> tuple[Invoice, bool]:
        """Store the intent and claim its billables, or give what this form made before. Raises ``BillableTaken``."""
        planned = records.planned(self.business, account_id, livemode, plan, send=send, actor=actor, now=now)
        wanted = sorted({line.billable for line in plan.lines if line.billable})
        try:
            with self.database.writing() as connection:
                return self._plan(connection, planned, form_key, wanted)
        except IntegrityError:
            # Somebody claimed one of them at the same moment, and the unique index chose.
            with self.database.reading() as connection:
                self._refuse_taken(connection, wanted, livemode)
            raise BillableTaken(wanted) from None

    def advance(
        self,
        invoice_id: str,
        stage: Stage,
        remote: RemoteInvoice | None,
        fetched_at: datetime,
        entries: Sequence[TimelineEntry] = (),
    ) -> Invoice:
        """One step of our own further. Raises ``NotFound``, ``Conflict``."""
        with self.database.writing() as connection:
            row = self._locked(connection, invoice_id)
            before = self._value(row)
            after = records.advanced(before, stage, remote, fetched_at)
            for entry in entries:
                if entry.kind in records.TOLD_BY_BOTH:
                    self._sign(connection, row, entry)
            own = [entry for entry in entries if entry.kind not in records.TOLD_BY_BOTH]
            self._store(connection, row.row, before, after, fetched_at, own)
            return after

    def want_sent(self, invoice_id: str, actor: str, now: datetime, entries: Sequence[TimelineEntry] = ()) -> Invoice:
        """A draft shall be sent after all. Raises ``NotFound``, ``Conflict``."""
        known = self.get(invoice_id)
        entries = () if known is not None and known.send else entries
        return self._change(invoice_id, lambda invoice: records.wanted_sent(invoice, now), now, entries)

    def stop(self, invoice_id: str, problem: Problem, now: datetime, entries: Sequence[TimelineEntry] = ()) -> Invoice:
        """Note why it stands still. Raises ``NotFound``."""
        return self._change(invoice_id, lambda invoice: records.stopped(invoice, problem, now), now, entries)

    def abandon(self, invoice_id: str, now: datetime, entries: Sequence[TimelineEntry] = ()) -> None:
        """Give it up and free its billables. Raises ``NotFound``, ``Conflict``."""
        self._change(invoice_id, lambda invoice: records.abandoned(invoice, now), now, entries)

    def apply(
        self,
        invoice_id: str,
        remote: RemoteInvoice,
        payments: Sequence[Payment],
        fetched_at: datetime,
        entries: Sequence[TimelineEntry],
    ) -> Invoice | None:
        """Store a newer picture; None where it is not newer, or shows nothing new. Raises ``NotFound``."""
        with self.database.writing() as connection:
            row = self._locked(connection, invoice_id)
            before = self._value(row)
            after = records.applied(before, remote, fetched_at)
            if after is None:
                return None
            paid = self._save_payments(connection, row, payments)
            if paid and after.version == before.version:
                after = replace(after, version=after.version + 1)
            changed = after.version != before.version
            self._store(connection, row.row, before, after, fetched_at, entries if changed else ())
            return after if changed else None

    def start_fetch(self, invoice_id: str, now: datetime) -> datetime:
        """The time of a fetch that begins now, later than that of every earlier one. Raises ``NotFound``."""
        mine = (T.c.business == self.business, T.c.id == invoice_id)
        with self.database.at_once() as connection:
            if connection.dialect.name == "postgresql":
                tick = sa.literal(TICK, sa.Interval)
                times = (T.c.fetch_started.op("+")(tick), T.c.fetched_at.op("+")(tick))
                later = sa.func.greatest(sa.literal(now, Moment), *times)
                begin = sa.update(T).where(*mine).values(fetch_started=later)
                at: datetime | None = connection.execute(begin.returning(T.c.fetch_started)).scalar()
                if at is None:
                    raise NotFound("invoice")
                return at
        # SQLite keeps times as text, and has no round trip to save.
        with self.database.writing() as connection:
            known = sa.select(T.c.fetch_started, T.c.fetched_at).where(*mine).with_for_update()
            last = connection.execute(known).first()
            if last is None:
                raise NotFound("invoice")
            started: datetime = max([now, *(at + TICK for at in last if at is not None)])
            connection.execute(sa.update(T).where(*mine).values(fetch_started=started))
            return started

    def note(self, invoice_id: str, entry: TimelineEntry) -> None:
        """Something that an event told, once. Raises ``NotFound``."""
        table = tables.timeline
        with self.database.writing() as connection:
            row = self._locked(connection, invoice_id)
            same = (table.c.invoice_row == row.row, table.c.kind == entry.kind, table.c.event_id == entry.event_id)
            if connection.execute(sa.select(table.c.row).where(*same)).first() is None:
                connection.execute(sa.insert(table).values(**self._place(row), **entry_columns(entry)))
                connection.execute(sa.update(T).where(T.c.row == row.row).values(version=T.c.version + 1))

    def sign(self, invoice_id: str, entries: Sequence[TimelineEntry], payments: Sequence[Payment] = ()) -> Invoice:
        """What we did ourselves, told with who did it. Raises ``NotFound``."""
        with self.database.writing() as connection:
            row = self._locked(connection, invoice_id)
            changed = [self._sign(connection, row, entry) for entry in entries]
            if any((self._save_payments(connection, row, payments), *changed)):
                connection.execute(sa.update(T).where(T.c.row == row.row).values(version=T.c.version + 1))
            return self._value(self._locked(connection, invoice_id))

    def told(self, invoice_id: str, version: int) -> None:
        """The host knows this version."""
        with self.database.at_once() as connection:
            behind = (T.c.business == self.business, T.c.id == invoice_id, T.c.told_version < version)
            connection.execute(sa.update(T).where(*behind).values(told_version=version))

    def _plan(
        self, connection: sa.Connection, planned: Invoice, form_key: str, wanted: list[str]
    ) -> tuple[Invoice, bool]:
        made = insert_once(connection, T, new_invoice(planned, form_key, self.vault))
        mine = (T.c.business == self.business, T.c.form_key == form_key)
        row = connection.execute(sa.select(T).where(*mine)).one()
        if not made:
            return self._value(row), False
        self._refuse_taken(connection, wanted, planned.livemode)
        if lines := new_lines(row.row, planned):
            connection.execute(sa.insert(LINES), lines)
        return self._value(row), True

    def _refuse_taken(self, connection: sa.Connection, billables: list[str], livemode: bool) -> None:
        taken = connection.execute(self._claims(billables, livemode)).all()
        if taken:
            raise BillableTaken([row.billable for row in taken], taken[0].id)

    def _change(self, invoice_id: str, rule: Rule, now: datetime, entries: Sequence[TimelineEntry] = ()) -> Invoice:
        with self.database.writing() as connection:
            row = self._locked(connection, invoice_id)
            before = self._value(row)
            after = rule(before)
            self._store(connection, row.row, before, after, now, entries)
            return after

    def _locked(self, connection: sa.Connection, invoice_id: str) -> sa.Row[Any]:
        mine = sa.select(T).where(T.c.business == self.business, T.c.id == invoice_id).with_for_update()
        row = connection.execute(mine).first()
        if row is None:
            raise NotFound("invoice")
        return row

    def _store(
        self,
        connection: sa.Connection,
        row: int,
        before: Invoice,
        after: Invoice,
        now: datetime,
        entries: Sequence[TimelineEntry],
    ) -> None:
        connection.execute(sa.update(T).where(T.c.row == row).values(**changing_columns(after)))
        if records.frees_billables(after) and not records.frees_billables(before):
            released(connection, row, now)
        if entries:
            place = {
                "invoice_row": row,
                "business": self.business,
                "account_id": after.account_id,
                "livemode": after.livemode,
            }
            connection.execute(sa.insert(tables.timeline), [place | entry_columns(entry) for entry in entries])

    def _sign(self, connection: sa.Connection, invoice: sa.Row[Any], entry: TimelineEntry) -> bool:
        """Whether the sentence is new, or has a name by now."""
        table = tables.timeline
        same = (table.c.invoice_row == invoice.row, table.c.kind == entry.kind)
        rows = connection.execute(sa.select(table).where(*same).order_by(table.c.row.desc())).all()
        known = {row.row: entry_of(row) for row in rows}
        gives_way = records.signed(list(known.values()), entry)
        if gives_way is entry:
            return False
        place = next((row for row, each in known.items() if each is gives_way), None)
        if place is None:
            connection.execute(sa.insert(table).values(**self._place(invoice), **entry_columns(entry)))
        else:
            columns = entry_columns(entry) | {"event_id": known[place].event_id}
            connection.execute(sa.update(table).where(table.c.row == place).values(**columns))
        return True

    def _place(self, invoice: sa.Row[Any]) -> dict[str, Any]:
        return {
            "invoice_row": invoice.row,
            "business": self.business,
            "account_id": invoice.account_id,
            "livemode": invoice.livemode,
        }

    def _save_payments(self, connection: sa.Connection, invoice: sa.Row[Any], payments: Sequence[Payment]) -> bool:
        table = tables.payment
        rows = connection.execute(sa.select(table).where(table.c.invoice_row == invoice.row))
        known = {row.stripe_id: payment_of(row) for row in rows}
        new = [payment for payment in payments if known.get(payment.stripe_id) != payment]
        place = self._place(invoice)
        for payment in new:
            if payment.stripe_id in known:
                mine = (table.c.invoice_row == invoice.row, table.c.stripe_id == payment.stripe_id)
                connection.execute(sa.update(table).where(*mine).values(**payment_columns(payment)))
            else:
                connection.execute(sa.insert(table).values(**place, **payment_columns(payment)))
        return bool(new)
