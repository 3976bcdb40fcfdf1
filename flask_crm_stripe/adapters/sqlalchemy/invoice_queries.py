"""Questions about invoices. Each starts from the business; abandoned ones are found by id only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database
from flask_crm_stripe.adapters.sqlalchemy.invoice_rows import entry_of, invoice_of, payment_of
from flask_crm_stripe.adapters.sqlalchemy.paging import fetch_page
from flask_crm_stripe.adapters.sqlalchemy.words import HasWord
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, InvoiceFilter, Outstanding, Payment, Stage, Status
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.ports import records
from flask_crm_stripe.ports.runtime import Vault

T, LINES, TIMELINE, PAYMENT = tables.invoice, tables.invoice_line, tables.timeline, tables.payment
OPEN, PAID, DRAFT = Status.OPEN.value, Status.PAID.value, Status.DRAFT.value
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class SqlInvoiceQueries:
    """The reading half of ``ports.ledger.InvoiceStore``."""

    business: str
    database: Database
    vault: Vault

    def get(self, invoice_id: str) -> Invoice | None:
        """One of ours."""
        return self._one(T.c.id == invoice_id)

    def by_form_key(self, form_key: str) -> Invoice | None:
        """What an earlier press of the same button made."""
        return self._one(T.c.form_key == form_key)

    def by_stripe_id(self, account_id: str, livemode: bool, stripe_id: str) -> Invoice | None:
        """The record of an invoice at Stripe."""
        return self._one(T.c.account_id == account_id, T.c.livemode == livemode, T.c.stripe_id == stripe_id)

    def of_payments(self, books: Books, intents: Sequence[str]) -> dict[str, str]:
        """Stripe's invoice id by payment intent."""
        joined = sa.join(PAYMENT, T, T.c.row == PAYMENT.c.invoice_row)
        mine = (PAYMENT.c.business == self.business, *_of(PAYMENT, books), PAYMENT.c.payment_intent.in_(intents))
        with self.database.reading() as connection:
            found = sa.select(PAYMENT.c.payment_intent, T.c.stripe_id).select_from(joined).where(*mine)
            return {row.payment_intent: row.stripe_id for row in connection.execute(found)}

    def page(self, chosen: InvoiceFilter, cursor: str | None = None, limit: int = 25) -> Page[Invoice]:
        """Newest first. Raises ``InvalidInput`` for a damaged cursor."""
        with self.database.reading() as connection:
            return fetch_page(connection, self._chosen(chosen, T), T.c.row, cursor, limit, self._value)

    def outstanding(self, chosen: InvoiceFilter, paid_since: datetime) -> list[Outstanding]:
        """Per currency: what is open, late, and was paid since then."""
        # Two questions, each by an index that holds all that it asks for. The status stands in the text for that.
        is_late = T.c.due_date < chosen.today if chosen.today else sa.false()
        late = [*_sum_and_count(T.c.amount_remaining, sa.true()), *_sum_and_count(T.c.amount_remaining, is_late)]
        unpaid = self._sums(chosen, late, sa.text(f"{T.c.status} = '{OPEN}'"))
        is_paid = (sa.text(f"{T.c.status} = '{PAID}'"), T.c.paid_at >= paid_since)
        paid = self._sums(chosen, _sum_and_count(T.c.amount_paid, sa.true()), *is_paid)
        return [
            Outstanding(currency, *unpaid.get(currency, (0, 0, 0, 0)), *paid.get(currency, (0, 0)))
            for currency in sorted(unpaid.keys() | paid.keys())
        ]

    def _sums(self, chosen: InvoiceFilter, figures: Sequence[Any], *conditions: Any) -> dict[str, tuple[int, ...]]:
        # What is open or paid was never given up: there is no need to ask.
        mine = sa.select(T.c.currency, *figures).where(T.c.business == self.business, *_conditions(chosen), *conditions)
        with self.database.reading() as connection:
            rows = connection.execute(mine.group_by(T.c.currency))
            # PostgreSQL's sums of whole numbers are Decimals.
            return {row[0]: tuple(int(figure) for figure in row[1:]) for row in rows}

    def count(self, chosen: InvoiceFilter, at_most: int = 1000) -> int:
        """How many match; ``at_most + 1`` where there are more."""
        # In the order of the index: else the database may read the whole table, where it holds few rows.
        some = self._chosen(chosen, T.c.row).order_by(T.c.row.desc()).limit(at_most + 1).subquery()
        with self.database.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()

    def currencies(self, books: Books) -> list[str]:
        """Those of the invoices of these books. From one to the next by the index: there are few, of many invoices."""
        found, last = list[str](), cast(str | None, "")
        with self.database.reading() as connection:
            mine = sa.select(sa.func.min(T.c.currency)).where(T.c.business == self.business, *_of(T, books))
            while (last := connection.execute(mine.where(T.c.currency > last)).scalar()) is not None:
                found.append(last)
        return found

    def of_billables(self, billables: Sequence[str], livemode: bool) -> dict[str, Invoice]:
        """The live invoice of each billable that has one."""
        with self.database.reading() as connection:
            claims = {row.billable: row.row for row in connection.execute(self._claims(billables, livemode))}
            mine = sa.select(T).where(T.c.business == self.business, T.c.row.in_(set(claims.values())))
            invoices = {row.row: self._value(row) for row in connection.execute(mine)} if claims else {}
        return {billable: invoices[row] for billable, row in claims.items()}

    def claims(self, billables: Sequence[str]) -> list[tuple[str, bool, str]]:
        """(billable, live mode, id of its live invoice in that mode)."""
        joined = sa.join(LINES, T, T.c.row == LINES.c.invoice_row)
        mine = (LINES.c.business == self.business, LINES.c.released_at.is_(None), LINES.c.billable.in_(billables))
        chosen = sa.select(LINES.c.billable, LINES.c.livemode, T.c.id).select_from(joined).where(*mine)
        with self.database.reading() as connection:
            return sorted((row.billable, row.livemode, row.id) for row in connection.execute(chosen))

    def claimed(self, livemode: bool, after: str = "", limit: int = 500) -> list[str]:
        """Billables that are on a live invoice in this mode, by ref."""
        live = (LINES.c.business == self.business, LINES.c.livemode == livemode, LINES.c.released_at.is_(None))
        refs = sa.select(LINES.c.billable).where(*live, LINES.c.billable > after)
        with self.database.reading() as connection:
            return list(connection.execute(refs.order_by(LINES.c.billable).limit(limit)).scalars())

    def timeline(self, invoice_id: str) -> list[TimelineEntry]:
        """Newest first."""
        statement = self._of_invoice(TIMELINE, invoice_id)
        with self.database.reading() as connection:
            return [entry_of(row) for row in connection.execute(statement)]

    def recent(self, books: Books, limit: int = 5) -> list[tuple[Invoice, TimelineEntry]]:
        """The newest entries of these books, with their invoices."""
        newest = sa.select(TIMELINE).where(TIMELINE.c.business == self.business, *_of(TIMELINE, books))
        with self.database.reading() as connection:
            ordered = newest.order_by(TIMELINE.c.at.desc(), TIMELINE.c.row.desc()).limit(limit)
            entries = connection.execute(ordered).all()
            mine = sa.select(T).where(T.c.row.in_({entry.invoice_row for entry in entries}))
            invoices = {row.row: self._value(row) for row in connection.execute(mine)} if entries else {}
        return [(invoices[entry.invoice_row], entry_of(entry)) for entry in entries]

    def payments(self, invoice_id: str) -> list[Payment]:
        """Newest first."""
        with self.database.reading() as connection:
            return [payment_of(row) for row in connection.execute(self._of_invoice(PAYMENT, invoice_id))]

    def unfinished(
        self, books: Books, before: datetime, limit: int = 50, after: Invoice | None = None
    ) -> list[Invoice]:
        """Those whose own steps are not complete and that nobody touched since then, longest first."""
        mine = (*_of(T, books), T.c.unfinished, T.c.updated_at < before)
        return self._in_order(T.c.updated_at, mine, limit, after and (after.updated_at, after.id))

    def stale(self, books: Books, before: datetime, limit: int = 50, after: Invoice | None = None) -> list[Invoice]:
        """Drafts and open ones that Stripe was last asked about before then, longest first."""
        # The statuses stand in the text, so that the partial index is used.
        mine = (*_of(T, books), sa.text("status IN ('draft', 'open')"), T.c.fetched_at < before)
        return self._in_order(T.c.fetched_at, mine, limit, after and (after.fetched_at, after.id))

    def untold(self, limit: int = 50, after: Invoice | None = None) -> list[Invoice]:
        """Those whose newest version the host has not been told, longest first."""
        # One that Stripe knows nothing of is no news.
        born = T.c.status.is_not(None) | (T.c.stage == Stage.ABANDONED.value)
        mine = (T.c.told_version < T.c.version, born)
        return self._in_order(T.c.updated_at, mine, limit, after and (after.updated_at, after.id))

    def versions(self, invoice_ids: Sequence[str]) -> dict[str, int]:
        """Ids and versions, without opening the rows."""
        mine = sa.select(T.c.id, T.c.version).where(T.c.business == self.business, T.c.id.in_(invoice_ids))
        with self.database.reading() as connection:
            return {row.id: row.version for row in connection.execute(mine)}

    def _in_order(self, by: Any, conditions: Any, limit: int, after: Any) -> list[Invoice]:
        mine = sa.select(T).where(T.c.business == self.business, *conditions)
        if after is not None:
            at, last = after
            mine = mine.where((by > at) | ((by == at) & (T.c.id > last)))
        return self._all(mine.order_by(by, T.c.id).limit(limit))

    def _claims(self, billables: Sequence[str], livemode: bool) -> sa.Select[Any]:
        joined = sa.join(LINES, T, T.c.row == LINES.c.invoice_row)
        live = (LINES.c.business == self.business, LINES.c.livemode == livemode, LINES.c.released_at.is_(None))
        chosen = sa.select(LINES.c.billable, T.c.row, T.c.id).select_from(joined)
        return chosen.where(*live, LINES.c.billable.in_(billables)).order_by(LINES.c.billable)

    def _of_invoice(self, table: sa.Table, invoice_id: str) -> sa.Select[Any]:
        invoice = sa.select(T.c.row).where(T.c.business == self.business, T.c.id == invoice_id).scalar_subquery()
        statement = sa.select(table).where(table.c.business == self.business, table.c.invoice_row == invoice)
        return statement.order_by(table.c.at.desc(), table.c.row.desc())

    def _value(self, row: sa.Row[Any]) -> Invoice:
        return invoice_of(row, self.vault)

    def _all(self, statement: sa.Select[Any]) -> list[Invoice]:
        with self.database.reading() as connection:
            return [self._value(row) for row in connection.execute(statement)]

    def _one(self, *conditions: Any) -> Invoice | None:
        with self.database.reading() as connection:
            row = connection.execute(sa.select(T).where(T.c.business == self.business, *conditions)).first()
        return self._value(row) if row is not None else None

    def _chosen(self, chosen: InvoiceFilter, *columns: Any) -> sa.Select[Any]:
        statement = sa.select(*columns).where(T.c.business == self.business, T.c.stage != Stage.ABANDONED.value)
        return statement.where(*_conditions(chosen))


def _of(table: sa.Table, books: Books) -> tuple[Any, Any]:
    account_id, livemode = books
    return table.c.account_id == account_id, table.c.livemode == livemode


def _conditions(chosen: InvoiceFilter) -> list[Any]:
    found: list[Any] = [*_of(T, chosen.books)] if chosen.books else []
    found += [HasWord(T.c.search, word) for word in records.searched(chosen.text)]
    if chosen.status:
        # What Stripe has not heard of yet is a draft for people.
        unborn = T.c.status.is_(None) if chosen.status == DRAFT else sa.false()
        found.append((T.c.status == chosen.status) | unborn)
    if chosen.due and chosen.today:
        late = T.c.due_date < chosen.today
        this_week = T.c.due_date.between(chosen.today, chosen.today + WEEK)
        found += [T.c.status == OPEN, late if chosen.due == "overdue" else this_week]
    if chosen.currency:
        found.append(T.c.currency == chosen.currency.lower())
    if chosen.contact:
        found += [T.c.contact_kind == chosen.contact.kind, T.c.contact_ref == chosen.contact.ref]
    if chosen.source:
        found.append(_from_source(chosen.source.kind, chosen.source.ref))
    return found


def _from_source(kind: str, ref: str) -> Any:
    lines = sa.select(LINES.c.invoice_row).where(
        LINES.c.business == T.c.business, LINES.c.source_kind == kind, LINES.c.source_ref == ref
    )
    return T.c.row.in_(lines)


def _sum_and_count(column: Any, condition: Any) -> tuple[Any, Any]:
    return (
        sa.func.coalesce(sa.func.sum(sa.case((condition, column), else_=0)), 0),
        sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0),
    )
