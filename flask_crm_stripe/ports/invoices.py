"""Invoices and the steps to them, remembered. Each method is one short transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import (
    Invoice,
    InvoiceFilter,
    InvoicePlan,
    Outstanding,
    Payment,
    Problem,
    RemoteInvoice,
    Stage,
)
from flask_crm_stripe.model.journal import Outcome, Step
from flask_crm_stripe.model.paging import Page


class InvoiceStore(Protocol):
    """Invoices of the business."""

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
        """Store the intent and claim its billables, all or nothing. Second value: made now (True) or by an earlier
        call with the same ``form_key`` (False). Raises ``BillableTaken``."""
        ...

    def get(self, invoice_id: str) -> Invoice | None: ...

    def by_form_key(self, form_key: str) -> Invoice | None:
        """What an earlier press of the same button made."""
        ...

    def of_payments(self, books: Books, intents: Sequence[str]) -> Mapping[str, str]:
        """Stripe's invoice id by payment intent, of those that are known."""
        ...

    def by_stripe_id(self, account_id: str, livemode: bool, stripe_id: str) -> Invoice | None: ...

    def page(self, chosen: InvoiceFilter, cursor: str | None = None, limit: int = 25) -> Page[Invoice]:
        """Newest first. Abandoned ones are in no list, page or sum; ``get`` finds them.

        ``chosen.due`` is ``overdue``, or ``week`` (the next 7 days), of open ones by
        ``chosen.today``. Raises ``InvalidInput`` for a damaged cursor.
        """
        ...

    def outstanding(self, chosen: InvoiceFilter, paid_since: datetime) -> Sequence[Outstanding]:
        """Per currency, over every invoice that matches."""
        ...

    def count(self, chosen: InvoiceFilter, at_most: int = 1000) -> int:
        """How many match; ``at_most + 1`` stands for "more than ``at_most``"."""
        ...

    def currencies(self, books: Books) -> Sequence[str]:
        """Those of the invoices of these books, in the order of their codes. One that was given up may count."""
        ...

    def of_billables(self, billables: Sequence[str], livemode: bool) -> Mapping[str, Invoice]:
        """The live invoice, in this mode, of each billable that has one."""
        ...

    def claims(self, billables: Sequence[str]) -> Sequence[tuple[str, bool, str]]:
        """(billable, live mode, id of its live invoice in that mode), without reading the invoices."""
        ...

    def claimed(self, livemode: bool, after: str = "", limit: int = 500) -> Sequence[str]:
        """Billables that are on a live invoice in this mode, by ref, those behind ``after``."""
        ...

    def advance(
        self,
        invoice_id: str,
        stage: Stage,
        remote: RemoteInvoice | None,
        fetched_at: datetime,
        entries: Sequence[TimelineEntry] = (),
    ) -> Invoice:
        """One step further: stage, what Stripe answered, and the timeline, together. Clears the problem.

        The stage is always stored; the figures only where ``fetched_at`` is later than what we have."""
        ...

    def want_sent(self, invoice_id: str, actor: str, now: datetime, entries: Sequence[TimelineEntry] = ()) -> Invoice:
        """A draft shall be sent after all. One that shall be already stays as it is, without new entries."""
        ...

    def stop(self, invoice_id: str, problem: Problem, now: datetime, entries: Sequence[TimelineEntry] = ()) -> Invoice:
        """Note why it stands still. The stage stays, except that a gate's problem makes it ``stopped``."""
        ...

    def abandon(self, invoice_id: str, now: datetime, entries: Sequence[TimelineEntry] = ()) -> None:
        """Nothing of it exists at Stripe (any more): free its billables."""
        ...

    def apply(
        self,
        invoice_id: str,
        remote: RemoteInvoice,
        payments: Sequence[Payment],
        fetched_at: datetime,
        entries: Sequence[TimelineEntry],
    ) -> Invoice | None:
        """Store a newer picture, with its payments and timeline, in one transaction; billables of a void or deleted
        invoice become free. Learns the Stripe id where we had none. None where what we have comes from a later fetch,
        or nothing changed at all."""
        ...

    def start_fetch(self, invoice_id: str, now: datetime) -> datetime:
        """The time of a fetch that begins now: later than that of every earlier one of this invoice, whatever the
        clocks of the machines say. What came of a fetch is stored in the order of these times. Raises ``NotFound``."""
        ...

    def note(self, invoice_id: str, entry: TimelineEntry) -> None:
        """Something that an event told and that no picture shows: once per event and kind. Raises ``NotFound``."""
        ...

    def sign(self, invoice_id: str, entries: Sequence[TimelineEntry], payments: Sequence[Payment] = ()) -> Invoice:
        """What we did ourselves, told with the name of who did it, and what was paid by it. A sentence about the same
        that an event was faster with, and that names nobody, gives way; what is told already is not told again.
        Raises ``NotFound``."""
        ...

    def timeline(self, invoice_id: str) -> Sequence[TimelineEntry]:
        """Newest first."""
        ...

    def recent(self, books: Books, limit: int = 5) -> Sequence[tuple[Invoice, TimelineEntry]]:
        """The newest timeline entries of these books, with their invoices."""
        ...

    def payments(self, invoice_id: str) -> Sequence[Payment]:
        """Newest first."""
        ...

    def unfinished(
        self, books: Books, before: datetime, limit: int = 50, after: Invoice | None = None
    ) -> Sequence[Invoice]:
        """Invoices of these books whose own steps are not complete and that nobody has touched since ``before``."""
        ...

    def stale(self, books: Books, before: datetime, limit: int = 50, after: Invoice | None = None) -> Sequence[Invoice]:
        """Drafts and open invoices of these books that Stripe was last asked about before then, oldest first."""
        ...

    def untold(self, limit: int = 50, after: Invoice | None = None) -> Sequence[Invoice]:
        """Invoices whose newest version the host has not been told."""
        ...

    def told(self, invoice_id: str, version: int) -> None: ...

    def versions(self, invoice_ids: Sequence[str]) -> Mapping[str, int]:
        """For the live pages: ids and versions, without opening the rows."""
        ...


class JournalStore(Protocol):
    """Steps. See ``model.journal``."""

    def last(self, subject: str, name: str, books: Books | None = None) -> Step | None:
        """The newest attempt of this step; only on this account and mode, where ``books`` says so."""
        ...

    def start(
        self,
        subject: str,
        name: str,
        generation: int,
        key: str,
        request_hash: str,
        now: datetime,
        *,
        account_id: str = "",
        livemode: bool = False,
    ) -> Step:
        """Written before the call; account and mode belong beside the Stripe id that ``finish`` adds."""
        ...

    def finish(
        self,
        step_id: int,
        outcome: Outcome,
        now: datetime,
        *,
        result_id: str | None = None,
        request_id: str | None = None,
        error: str | None = None,
    ) -> None:
        """Written after it."""
        ...

    def steps(self, subject: str) -> Sequence[Step]:
        """Oldest first."""
        ...
