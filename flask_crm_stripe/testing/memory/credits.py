"""Credit notes and refunds, in memory. The rules are in ``ports.credit_records``, as for the real ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.errors import CreditUnderWay, NotFound
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.credits import Credit, CreditPlan, CreditStage, Refund, RemoteCredit
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.ports import credit_records as rules
from flask_crm_stripe.ports import records
from flask_crm_stripe.testing.memory.state import InvoiceRow, State


@dataclass(frozen=True)
class MemoryCredits:
    """``ports.credits.CreditStore``."""

    business: str
    state: State

    def plan(
        self, invoice_id: str, plan: CreditPlan, *, form_key: str, wanted: str, actor: str, now: datetime
    ) -> Credit:
        """Store the intent, or give what this form stored before. Raises ``CreditUnderWay``, ``NotFound``."""
        with self.state.lock:
            row = self._need(invoice_id)
            known = self.by_form_key(form_key)
            if known is not None and known.stage is not CreditStage.GIVEN_UP:
                return known
            other = next((each for each in row.credits.values() if each.stage is CreditStage.PLANNED), None)
            if other is not None:
                raise CreditUnderWay(other.id)
            made = (
                rules.planned(row.invoice, plan, form_key, wanted, actor, now)
                if known is None
                else rules.planned_again(known, plan, wanted, now)
            )
            row.credits[made.id] = made
            _touch(row)
            return made

    def get(self, credit_id: str) -> Credit | None:
        """One of ours."""
        return next((each for each in self._all() if each.id == credit_id), None)

    def by_form_key(self, form_key: str) -> Credit | None:
        """What an earlier press of the same button made."""
        return next((each for each in self._all() if each.form_key == form_key), None)

    def of_invoice(self, invoice_id: str) -> list[Credit]:
        """Oldest first."""
        return [each for each in self._all() if each.invoice_id == invoice_id]

    def replaced_by(self, invoice_id: str) -> Credit | None:
        """The credit note of the invoice that this one corrects."""
        return next((each for each in self._all() if each.replacement == invoice_id), None)

    def refunds(self, invoice_id: str) -> list[Refund]:
        """Oldest first."""
        rows = [row for row in self._ours() if row.invoice.id == invoice_id]
        return sorted((each for row in rows for each in row.refunds.values()), key=lambda each: each.at)

    def give_up(self, credit_id: str, why: str) -> Credit:
        """Nothing of it is at Stripe. Raises ``NotFound``."""
        with self.state.lock:
            row, known = self._one(credit_id)
            row.credits[credit_id] = rules.given_up(known, why)
            _touch(row)
            return row.credits[credit_id]

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
        with self.state.lock:
            row, changed = self._need(invoice_id), False
            cause = rules.Cause(fetched_at, event_id, request_id)
            for remote, plan in seen:
                found = rules.seen_credit(row.invoice, list(row.credits.values()), remote, plan, cause)
                if found is not None:
                    changed |= self._keep(row, *found)
            linked = rules.linked_refunds(list(row.credits.values()))
            for refund in refunds:
                told = rules.seen_refund(list(row.refunds.values()), refund, refund.stripe_id in linked, cause)
                if told is not None:
                    changed |= rules.differs(row.refunds.get(refund.stripe_id), told[0])
                    row.refunds[refund.stripe_id] = told[0]
                    self._tell(row, told[1])
            if changed:
                _touch(row)
            return changed

    def replace(
        self, credit_id: str, invoice_id: str | None, problem: str | None, entries: Sequence[TimelineEntry] = ()
    ) -> Credit:
        """The new invoice that corrects the old one, or why there is none yet. Raises ``NotFound``."""
        with self.state.lock:
            row, known = self._one(credit_id)
            told = known.replacement is not None
            row.credits[credit_id] = replace(known, replacement=known.replacement or invoice_id, problem=problem)
            _touch(row)
            if entries and invoice_id and not told:
                for where, entry in zip((row, self._need(invoice_id)), entries, strict=True):
                    self._tell(where, [entry])
                _touch(self._need(invoice_id))
            return row.credits[credit_id]

    def unfinished(self, books: Books, before: datetime, limit: int = 50) -> list[Credit]:
        """Those that something is still to do about, oldest first."""
        found = [
            each
            for each in self._all()
            if each.books == books and rules.is_unfinished(each) and each.created_at < before
        ]
        return sorted(found, key=lambda each: each.created_at)[:limit]

    def _keep(self, row: InvoiceRow, after: Credit, told: list[TimelineEntry]) -> bool:
        changed = rules.differs(row.credits.get(after.id), after)
        row.credits[after.id] = after
        self._tell(row, told)
        if rules.frees(after) and not row.invoice.freed:
            row.invoice = records.freed(row.invoice, row.invoice.updated_at)
            row.claims.clear()
        return changed

    def _tell(self, row: InvoiceRow, entries: Sequence[TimelineEntry]) -> None:
        row.entries += [(self.state.number(), entry) for entry in entries]

    def _one(self, credit_id: str) -> tuple[InvoiceRow, Credit]:
        for row in self._ours():
            if credit_id in row.credits:
                return row, row.credits[credit_id]
        raise NotFound("credit note")

    def _need(self, invoice_id: str) -> InvoiceRow:
        for row in self._ours():
            if row.invoice.id == invoice_id:
                return row
        raise NotFound("invoice")

    def _all(self) -> list[Credit]:
        return [each for row in self._ours() for each in row.credits.values()]

    def _ours(self) -> list[InvoiceRow]:
        with self.state.lock:
            return [row for row in self.state.invoices if row.invoice.business == self.business]


def _touch(row: InvoiceRow) -> None:
    row.invoice = replace(row.invoice, version=row.invoice.version + 1)
