"""Invoices, in memory. The rules are in ``ports.records``, as for the real ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask_crm_stripe.errors import BillableTaken, NotFound
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, InvoicePlan, Payment, Problem, RemoteInvoice, Stage
from flask_crm_stripe.ports import records
from flask_crm_stripe.testing.memory.invoice_queries import MemoryInvoiceQueries
from flask_crm_stripe.testing.memory.state import InvoiceRow

Rule = Callable[[Invoice], Invoice]
TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class MemoryInvoices(MemoryInvoiceQueries):
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
        with self.state.lock:
            earlier = self.by_form_key(form_key)
            if earlier is not None:
                return earlier, False
            wanted = {line.billable for line in plan.lines if line.billable}
            taken = {billable: row for row in self._of_mode(livemode) for billable in row.claims & wanted}
            if taken:
                raise BillableTaken(sorted(taken), taken[min(taken)].invoice.id)
            made = records.planned(self.business, account_id, livemode, plan, send=send, actor=actor, now=now)
            self.state.invoices.append(InvoiceRow(self.state.number(), form_key, made, wanted))
            return made, True

    def advance(
        self,
        invoice_id: str,
        stage: Stage,
        remote: RemoteInvoice | None,
        fetched_at: datetime,
        entries: Sequence[TimelineEntry] = (),
    ) -> Invoice:
        """One step of our own further. Raises ``NotFound``, ``Conflict``."""
        with self.state.lock:
            row = self._need(invoice_id)
            after = records.advanced(row.invoice, stage, remote, fetched_at)
            for entry in entries:
                if entry.kind in records.TOLD_BY_BOTH:
                    _told(row, entry, self.state.number())
            self._store(row, after, [entry for entry in entries if entry.kind not in records.TOLD_BY_BOTH])
            return after

    def want_sent(self, invoice_id: str, actor: str, now: datetime, entries: Sequence[TimelineEntry] = ()) -> Invoice:
        """A draft shall be sent after all. Raises ``NotFound``, ``Conflict``."""
        known = self.get(invoice_id)
        entries = () if known is not None and known.send else entries
        return self._change(invoice_id, lambda old: records.wanted_sent(old, now), entries)

    def stop(self, invoice_id: str, problem: Problem, now: datetime, entries: Sequence[TimelineEntry] = ()) -> Invoice:
        """Note why it stands still. Raises ``NotFound``."""
        return self._change(invoice_id, lambda old: records.stopped(old, problem, now), entries)

    def abandon(self, invoice_id: str, now: datetime, entries: Sequence[TimelineEntry] = ()) -> None:
        """Give it up and free its billables. Raises ``NotFound``, ``Conflict``."""
        self._change(invoice_id, lambda old: records.abandoned(old, now), entries)

    def apply(
        self,
        invoice_id: str,
        remote: RemoteInvoice,
        payments: Sequence[Payment],
        fetched_at: datetime,
        entries: Sequence[TimelineEntry],
    ) -> Invoice | None:
        """Store a newer picture; None where it is not newer, or shows nothing new. Raises ``NotFound``."""
        with self.state.lock:
            row = self._need(invoice_id)
            before, after = row.invoice, records.applied(row.invoice, remote, fetched_at)
            if after is None:
                return None
            paid = self._save_payments(row, payments)
            if paid and after.version == before.version:
                after = replace(after, version=after.version + 1)
            changed = after.version != before.version
            self._store(row, after, entries if changed else ())
            return after if changed else None

    def start_fetch(self, invoice_id: str, now: datetime) -> datetime:
        """The time of a fetch that begins now, later than that of every earlier one. Raises ``NotFound``."""
        with self.state.lock:
            row = self._need(invoice_id)
            known = [at + TICK for at in (row.fetch_started, row.invoice.fetched_at) if at is not None]
            row.fetch_started = max([now, *known])
            return row.fetch_started

    def note(self, invoice_id: str, entry: TimelineEntry) -> None:
        """Something that an event told, once. Raises ``NotFound``."""
        with self.state.lock:
            row = self._need(invoice_id)
            if all((known.kind, known.event_id) != (entry.kind, entry.event_id) for _, known in row.entries):
                row.entries.append((self.state.number(), entry))
                row.invoice = replace(row.invoice, version=row.invoice.version + 1)

    def sign(self, invoice_id: str, entries: Sequence[TimelineEntry], payments: Sequence[Payment] = ()) -> Invoice:
        """What we did ourselves, told with who did it. Raises ``NotFound``."""
        with self.state.lock:
            row = self._need(invoice_id)
            changed = [_told(row, entry, self.state.number()) for entry in entries]
            if any((self._save_payments(row, payments), *changed)):
                row.invoice = replace(row.invoice, version=row.invoice.version + 1)
            return row.invoice

    def told(self, invoice_id: str, version: int) -> None:
        """The host knows this version."""
        with self.state.lock:
            for row in self._ours():
                if row.invoice.id == invoice_id:
                    row.invoice = replace(row.invoice, told_version=max(row.invoice.told_version, version))

    def _change(self, invoice_id: str, rule: Rule, entries: Sequence[TimelineEntry] = ()) -> Invoice:
        with self.state.lock:
            row = self._need(invoice_id)
            after = rule(row.invoice)
            self._store(row, after, entries)
            return after

    def _need(self, invoice_id: str) -> InvoiceRow:
        for row in self._ours():
            if row.invoice.id == invoice_id:
                return row
        raise NotFound("invoice")

    def _store(self, row: InvoiceRow, after: Invoice, entries: Sequence[TimelineEntry]) -> None:
        if records.frees_billables(after):
            row.claims.clear()
        row.invoice = after
        row.entries += [(self.state.number(), entry) for entry in entries]

    def _save_payments(self, row: InvoiceRow, payments: Sequence[Payment]) -> bool:
        changed = False
        for payment in payments:
            number, known = row.payments.get(payment.stripe_id, (0, None))
            if known != payment:
                row.payments[payment.stripe_id] = (number or self.state.number(), payment)
                changed = True
        return changed


def _told(row: InvoiceRow, entry: TimelineEntry, number: int) -> bool:
    """Whether the sentence is new, or has a name by now."""
    known = [each for each in reversed(row.entries) if each[1].kind == entry.kind]
    gives_way = records.signed([each for _, each in known], entry)
    if gives_way is entry:
        return False
    place = next((each for each in known if each[1] is gives_way), None)
    if place is None:
        row.entries.append((number, entry))
    else:
        row.entries[row.entries.index(place)] = (place[0], replace(entry, event_id=place[1].event_id))
    return True
