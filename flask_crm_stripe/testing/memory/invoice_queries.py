"""Questions about invoices, in memory. Abandoned ones are found by id only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, InvoiceFilter, Outstanding, Payment, Stage, Status
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.ports import records
from flask_crm_stripe.testing.memory.state import InvoiceRow, State, newest_first, page_of

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class MemoryInvoiceQueries:
    """The reading half of ``ports.ledger.InvoiceStore``."""

    business: str
    state: State

    def get(self, invoice_id: str) -> Invoice | None:
        """One of ours."""
        return next((row.invoice for row in self._ours() if row.invoice.id == invoice_id), None)

    def by_form_key(self, form_key: str) -> Invoice | None:
        """What an earlier press of the same button made."""
        return next((row.invoice for row in self._ours() if row.form_key == form_key), None)

    def by_stripe_id(self, account_id: str, livemode: bool, stripe_id: str) -> Invoice | None:
        """The record of an invoice at Stripe."""
        wanted = (account_id, livemode, stripe_id)
        invoices = [row.invoice for row in self._ours()]
        return next((i for i in invoices if (i.account_id, i.livemode, i.stripe_id) == wanted), None)

    def of_payments(self, books: Books, intents: Sequence[str]) -> dict[str, str]:
        """Stripe's invoice id by payment intent."""
        mine = [row for row in self._ours() if row.invoice.books == books and row.invoice.stripe_id]
        paid = [(payment.payment_intent, row) for row in mine for _, payment in row.payments.values()]
        return {intent: row.invoice.stripe_id or "" for intent, row in paid if intent in set(intents)}

    def page(self, chosen: InvoiceFilter, cursor: str | None = None, limit: int = 25) -> Page[Invoice]:
        """Newest first. Raises ``InvalidInput`` for a damaged cursor."""
        return page_of([(row.row, row.invoice) for row in self._chosen(chosen)], cursor, limit)

    def outstanding(self, chosen: InvoiceFilter, paid_since: datetime) -> list[Outstanding]:
        """Per currency: what is open, late, and was paid since then."""
        invoices = [row.invoice for row in self._chosen(chosen)]
        still_open = [i for i in invoices if i.status == Status.OPEN]
        late = [i for i in still_open if chosen.today and i.due_date and i.due_date < chosen.today]
        paid = [i for i in invoices if i.status == Status.PAID and i.paid_at and i.paid_at >= paid_since]
        return [
            Outstanding(
                currency,
                *_sum([i.amount_remaining for i in still_open if i.currency == currency]),
                *_sum([i.amount_remaining for i in late if i.currency == currency]),
                *_sum([i.amount_paid for i in paid if i.currency == currency]),
            )
            for currency in sorted({i.currency for i in still_open + paid})
        ]

    def count(self, chosen: InvoiceFilter, at_most: int = 1000) -> int:
        """How many match; ``at_most + 1`` where there are more."""
        return min(len(self._chosen(chosen)), at_most + 1)

    def currencies(self, books: Books) -> list[str]:
        """Those of the invoices of these books."""
        return sorted({row.invoice.currency for row in self._ours() if row.invoice.books == books})

    def of_billables(self, billables: Sequence[str], livemode: bool) -> dict[str, Invoice]:
        """The live invoice of each billable that has one."""
        wanted, rows = set(billables), self._of_mode(livemode)
        return {billable: row.invoice for row in rows for billable in row.claims & wanted}

    def claims(self, billables: Sequence[str]) -> list[tuple[str, bool, str]]:
        """(billable, live mode, id of its live invoice in that mode)."""
        wanted, rows = set(billables), self._ours()
        return sorted((ref, row.invoice.livemode, row.invoice.id) for row in rows for ref in row.claims & wanted)

    def claimed(self, livemode: bool, after: str = "", limit: int = 500) -> list[str]:
        """Billables that are on a live invoice in this mode, by ref."""
        claims = {billable for row in self._of_mode(livemode) for billable in row.claims}
        return sorted(billable for billable in claims if billable > after)[:limit]

    def timeline(self, invoice_id: str) -> list[TimelineEntry]:
        """Newest first."""
        entries = [entry for row in self._ours() if row.invoice.id == invoice_id for entry in row.entries]
        return newest_first(entries, lambda entry: entry.at)

    def recent(self, books: Books, limit: int = 5) -> list[tuple[Invoice, TimelineEntry]]:
        """The newest entries of these books, with their invoices."""
        rows = [row for row in self._ours() if row.invoice.books == books]
        entries = [(number, (row.invoice, entry)) for row in rows for number, entry in row.entries]
        return newest_first(entries, lambda pair: pair[1].at)[:limit]

    def payments(self, invoice_id: str) -> list[Payment]:
        """Newest first."""
        rows = [payment for row in self._ours() if row.invoice.id == invoice_id for payment in row.payments.values()]
        return newest_first(rows, lambda payment: payment.at)

    def unfinished(
        self, books: Books, before: datetime, limit: int = 50, after: Invoice | None = None
    ) -> list[Invoice]:
        """Those whose own steps are not complete and that nobody touched since then, longest first."""
        mine = [row.invoice for row in self._ours() if row.invoice.books == books]
        found = [(i.updated_at, i) for i in mine if records.is_unfinished(i) and i.updated_at < before]
        return _in_order(found, limit, (after.updated_at, after.id) if after else None)

    def stale(self, books: Books, before: datetime, limit: int = 50, after: Invoice | None = None) -> list[Invoice]:
        """Drafts and open ones that Stripe was last asked about before then, longest first."""
        mine = [row.invoice for row in self._ours() if row.invoice.books == books]
        moving = [(i.fetched_at, i) for i in mine if i.status in (Status.DRAFT, Status.OPEN) and i.fetched_at]
        last = (after.fetched_at, after.id) if after and after.fetched_at else None
        return _in_order([(at, i) for at, i in moving if at < before], limit, last)

    def untold(self, limit: int = 50, after: Invoice | None = None) -> list[Invoice]:
        """Those whose newest version the host has not been told, longest first."""
        news = [row.invoice for row in self._ours() if row.invoice.told_version < row.invoice.version]
        born = [(i.updated_at, i) for i in news if i.status is not None or i.stage is Stage.ABANDONED]
        return _in_order(born, limit, (after.updated_at, after.id) if after else None)

    def versions(self, invoice_ids: Sequence[str]) -> dict[str, int]:
        """Ids and versions."""
        wanted = set(invoice_ids)
        return {row.invoice.id: row.invoice.version for row in self._ours() if row.invoice.id in wanted}

    def _ours(self) -> list[InvoiceRow]:
        with self.state.lock:
            return [row for row in self.state.invoices if row.invoice.business == self.business]

    def _of_mode(self, livemode: bool) -> list[InvoiceRow]:
        return [row for row in self._ours() if row.invoice.livemode == livemode]

    def _chosen(self, chosen: InvoiceFilter) -> list[InvoiceRow]:
        return [row for row in self._ours() if matches(row.invoice, chosen)]


def _in_order(
    found: Sequence[tuple[datetime, Invoice]], limit: int, after: tuple[datetime, str] | None
) -> list[Invoice]:
    ordered = sorted((at, invoice.id, invoice) for at, invoice in found)
    return [invoice for at, id, invoice in ordered if after is None or (at, id) > after][:limit]


def matches(invoice: Invoice, chosen: InvoiceFilter) -> bool:
    """Whether a list with this filter shows the invoice."""
    words = records.search_text(invoice).split(" ")
    return (
        chosen.books in (None, invoice.books)
        and invoice.stage is not Stage.ABANDONED
        and all(any(word.startswith(wanted) for word in words) for wanted in records.searched(chosen.text))
        and chosen.status in ("", invoice.status or Status.DRAFT)
        and (not chosen.due or not chosen.today or _due(invoice, chosen))
        and chosen.currency.lower() in ("", invoice.currency)
        and chosen.contact in (None, invoice.contact)
        and (chosen.source is None or chosen.source in invoice.plan.sources)
    )


def _due(invoice: Invoice, chosen: InvoiceFilter) -> bool:
    if invoice.status != Status.OPEN or invoice.due_date is None or chosen.today is None:
        return False
    if chosen.due == "overdue":
        return invoice.due_date < chosen.today
    return chosen.today <= invoice.due_date <= chosen.today + WEEK


def _sum(amounts: Sequence[int]) -> tuple[int, int]:
    return sum(amounts), len(amounts)
