"""Credit notes and refunds. The rules are in ``ports.credit_records``; the database decides who was first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database
from flask_crm_stripe.adapters.sqlalchemy.invoice_rows import entry_columns, invoice_of, released
from flask_crm_stripe.errors import CreditUnderWay, NotFound
from flask_crm_stripe.model.codec import from_plain, to_plain
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.credits import Credit, CreditPlan, CreditStage, Refund, RefundLink, RemoteCredit
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.ports import credit_records as rules
from flask_crm_stripe.ports.runtime import Vault

T, INVOICE, R = tables.credit_note, tables.invoice, tables.refund
PLAIN = (
    *("id", "account_id", "livemode", "total", "vat", "created_at", "form_key", "wanted", "created_by", "stripe_id"),
    *("number", "issued_at", "fetched_at", "problem", "replacement"),
)
REFUND = ("stripe_id", "amount", "currency", "status", "at", "payment_intent", "reason", "fetched_at")
WITH_INVOICE = sa.select(T, INVOICE.c.id.label("invoice_id")).select_from(
    sa.join(T, INVOICE, INVOICE.c.row == T.c.invoice_row)
)


@dataclass(frozen=True)
class SqlCredits:
    """``ports.credits.CreditStore``."""

    business: str
    database: Database
    vault: Vault

    def plan(
        self, invoice_id: str, plan: CreditPlan, *, form_key: str, wanted: str, actor: str, now: datetime
    ) -> Credit:
        """Store the intent, or give what this form stored before. Raises ``CreditUnderWay``, ``NotFound``."""
        with self.database.writing() as connection:
            row = self._locked(connection, invoice_id)
            known = self._first(connection, T.c.form_key == form_key)
            if known is not None and known.stage is not CreditStage.GIVEN_UP:
                return known
            begun = T.c.stage == CreditStage.PLANNED.value
            if other := self._first(connection, T.c.invoice_row == row.row, begun):
                raise CreditUnderWay(other.id)
            if known is None:
                made = rules.planned(invoice_of(row, self.vault), plan, form_key, wanted, actor, now)
                self._insert(connection, row, made)
            else:
                made = rules.planned_again(known, plan, wanted, now)
                self._update(connection, made)
            _touch(connection, row.row)
            return made

    def get(self, credit_id: str) -> Credit | None:
        """One of ours."""
        with self.database.reading() as connection:
            return self._first(connection, T.c.id == credit_id)

    def by_form_key(self, form_key: str) -> Credit | None:
        """What an earlier press of the same button made."""
        with self.database.reading() as connection:
            return self._first(connection, T.c.form_key == form_key)

    def of_invoice(self, invoice_id: str) -> list[Credit]:
        """Oldest first."""
        mine = WITH_INVOICE.where(T.c.business == self.business, INVOICE.c.id == invoice_id).order_by(T.c.row)
        with self.database.reading() as connection:
            return [credit_of(row) for row in connection.execute(mine)]

    def replaced_by(self, invoice_id: str) -> Credit | None:
        """The credit note of the invoice that this one corrects."""
        with self.database.reading() as connection:
            return self._first(connection, T.c.replacement == invoice_id)

    def refunds(self, invoice_id: str) -> list[Refund]:
        """Oldest first."""
        mine = sa.select(R).select_from(sa.join(R, INVOICE, INVOICE.c.row == R.c.invoice_row))
        mine = mine.where(R.c.business == self.business, INVOICE.c.id == invoice_id).order_by(R.c.at, R.c.row)
        with self.database.reading() as connection:
            return [refund_of(row) for row in connection.execute(mine)]

    def give_up(self, credit_id: str, why: str) -> Credit:
        """Nothing of it is at Stripe. Raises ``NotFound``."""
        with self.database.writing() as connection:
            row, known = self._one(connection, credit_id)
            after = rules.given_up(known, why)
            self._update(connection, after)
            _touch(connection, row.row)
            return after

    def see(
        self,
        invoice_id: str,
        seen: Sequence[tuple[RemoteCredit, CreditPlan]],
        refunds: Sequence[Refund],
        fetched_at: datetime,
        event_id: str | None = None,
        request_id: str | None = None,
    ) -> bool:
        """Store what Stripe tells, with a sentence for what is new. Raises ``NotFound``."""
        cause = rules.Cause(fetched_at, event_id, request_id)
        with self.database.writing() as connection:
            row = self._locked(connection, invoice_id)
            known = self._credits(connection, row)
            changed = self._see_credits(connection, row, known, seen, cause)
            changed |= self._see_refunds(connection, row, rules.linked_refunds(list(known.values())), refunds, cause)
            if changed:
                _touch(connection, row.row)
            return changed

    def replace(
        self, credit_id: str, invoice_id: str | None, problem: str | None, entries: Sequence[TimelineEntry] = ()
    ) -> Credit:
        """The new invoice that corrects the old one, or why there is none yet. Raises ``NotFound``."""
        with self.database.writing() as connection:
            row, known = self._one(connection, credit_id)
            after = replace(known, replacement=known.replacement or invoice_id, problem=problem)
            self._update(connection, after)
            _touch(connection, row.row)
            if entries and invoice_id and known.replacement is None:
                new = self._locked(connection, invoice_id)
                for where, entry in zip((row, new), entries, strict=True):
                    self._tell(connection, where, [entry])
                _touch(connection, new.row)
            return after

    def unfinished(self, books: Books, before: datetime, limit: int = 50) -> list[Credit]:
        """Those that something is still to do about, oldest first."""
        account_id, livemode = books
        mine = WITH_INVOICE.where(
            sa.and_(T.c.business == self.business, T.c.account_id == account_id, T.c.livemode == livemode),
            sa.and_(T.c.unfinished, T.c.created_at < before),
        )
        with self.database.reading() as connection:
            return [credit_of(row) for row in connection.execute(mine.order_by(T.c.created_at, T.c.row).limit(limit))]

    def _see_credits(
        self,
        connection: sa.Connection,
        row: sa.Row[Any],
        known: dict[str, Credit],
        seen: Sequence[tuple[RemoteCredit, CreditPlan]],
        cause: rules.Cause,
    ) -> bool:
        changed, invoice = False, invoice_of(row, self.vault)
        for remote, plan in seen:
            found = rules.seen_credit(invoice, list(known.values()), remote, plan, cause)
            if found is None:
                continue
            after, told = found
            before, known[after.id] = known.get(after.id), after
            self._update(connection, after) if before else self._insert(connection, row, after)
            self._tell(connection, row, told)
            if rules.frees(after) and not row.freed:
                connection.execute(sa.update(INVOICE).where(INVOICE.c.row == row.row).values(freed=True))
                released(connection, row.row, cause.at)
            changed |= rules.differs(before, after)
        return changed

    def _see_refunds(
        self,
        connection: sa.Connection,
        row: sa.Row[Any],
        linked: set[str],
        refunds: Sequence[Refund],
        cause: rules.Cause,
    ) -> bool:
        rows = connection.execute(sa.select(R).where(R.c.invoice_row == row.row))
        known, changed = {each.stripe_id: refund_of(each) for each in rows}, False
        for refund in refunds:
            found = rules.seen_refund(list(known.values()), refund, refund.stripe_id in linked, cause)
            if found is None:
                continue
            after, told = found
            before, known[after.stripe_id] = known.get(after.stripe_id), after
            columns = {name: getattr(after, name) for name in REFUND}
            if before:
                mine = (R.c.invoice_row == row.row, R.c.stripe_id == after.stripe_id)
                connection.execute(sa.update(R).where(*mine).values(**columns))
            else:
                connection.execute(sa.insert(R).values(**_place(row), **columns))
            self._tell(connection, row, told)
            changed |= rules.differs(before, after)
        return changed

    def _credits(self, connection: sa.Connection, row: sa.Row[Any]) -> dict[str, Credit]:
        rows = connection.execute(WITH_INVOICE.where(T.c.invoice_row == row.row).order_by(T.c.row))
        return {each.id: credit_of(each) for each in rows}

    def _one(self, connection: sa.Connection, credit_id: str) -> tuple[sa.Row[Any], Credit]:
        """Its invoice's row, locked before it is read, and the record."""
        known = self._first(connection, T.c.id == credit_id)
        if known is None:
            raise NotFound("credit note")
        row = self._locked(connection, known.invoice_id)
        return row, self._credits(connection, row)[credit_id]

    def _first(self, connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Credit | None:
        row = connection.execute(WITH_INVOICE.where(T.c.business == self.business, *conditions)).first()
        return credit_of(row) if row is not None else None

    def _locked(self, connection: sa.Connection, invoice_id: str) -> sa.Row[Any]:
        mine = (
            sa.select(INVOICE).where(INVOICE.c.business == self.business, INVOICE.c.id == invoice_id).with_for_update()
        )
        row = connection.execute(mine).first()
        if row is None:
            raise NotFound("invoice")
        return row

    def _insert(self, connection: sa.Connection, row: sa.Row[Any], credit: Credit) -> None:
        connection.execute(sa.insert(T).values(**(_place(row) | _columns(credit))))

    def _update(self, connection: sa.Connection, credit: Credit) -> None:
        connection.execute(sa.update(T).where(T.c.id == credit.id).values(**_columns(credit)))

    def _tell(self, connection: sa.Connection, row: sa.Row[Any], entries: Sequence[TimelineEntry]) -> None:
        if entries:
            told = [_place(row) | entry_columns(entry) for entry in entries]
            connection.execute(sa.insert(tables.timeline), told)


def credit_of(row: sa.Row[Any]) -> Credit:
    """A row as a value."""
    return Credit(
        **{name: row._mapping[name] for name in PLAIN},
        invoice_id=row.invoice_id,
        plan=from_plain(CreditPlan, row.plan),
        stage=CreditStage(row.stage),
        links=tuple(from_plain(RefundLink, each) for each in row.links),
    )


def refund_of(row: sa.Row[Any]) -> Refund:
    """A row as a value."""
    return Refund(**{name: row._mapping[name] for name in REFUND})


def _columns(credit: Credit) -> dict[str, Any]:
    return {name: getattr(credit, name) for name in PLAIN} | {
        "plan": to_plain(credit.plan),
        "stage": credit.stage.value,
        "unfinished": rules.is_unfinished(credit),
        "links": to_plain(credit.links),
    }


def _place(invoice: sa.Row[Any]) -> dict[str, Any]:
    return {
        "invoice_row": invoice.row,
        "business": invoice.business,
        "account_id": invoice.account_id,
        "livemode": invoice.livemode,
    }


def _touch(connection: sa.Connection, row: int) -> None:
    connection.execute(sa.update(INVOICE).where(INVOICE.c.row == row).values(version=INVOICE.c.version + 1))
