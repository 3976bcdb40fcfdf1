"""Our memory. Every method is one short transaction of its own, so none is ever open while Stripe is asked.

``Ledger`` belongs to one business: what other businesses have does not exist there. ``SharedLedger`` is for the three
moments when the business is not known yet: a webhook comes in, a consent comes back, the outbox is drained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from flask_crm_stripe.model.catalogue import CatalogueEntry, OutboxEntry
from flask_crm_stripe.model.connection import Account, Connection, Consent, Grant
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.events import EventState, IncomingEvent, LogEntry, StoredEvent, TimelineEntry
from flask_crm_stripe.model.invoices import (
    Invoice,
    InvoiceFilter,
    InvoicePlan,
    LinkedCustomer,
    Outstanding,
    Payment,
    Problem,
    RemoteInvoice,
    Stage,
)
from flask_crm_stripe.model.journal import Outcome, Step
from flask_crm_stripe.model.paging import Page


class ConnectionStore(Protocol):
    """The business's connections."""

    def live(self, livemode: bool) -> Connection | None:
        """The live connection in this mode."""
        ...

    def latest(self, livemode: bool) -> Connection | None:
        """The newest connection in this mode that was ever live, ended or not."""
        ...

    def get(self, connection_id: str) -> Connection | None: ...

    def add_pending(self, grant: Grant, account: Account, fingerprint: str, actor: str, now: datetime) -> Connection:
        """Remember what came back from Stripe; its secrets are stored encrypted. Older pending ones are dropped."""
        ...

    def confirm(self, connection_id: str, actor: str, now: datetime) -> Connection:
        """Pending to live; a live one of this business and mode on the same account is replaced by it.

        Raises ``AccountTaken`` where the account is live for another business, ``Conflict`` where this business has
        another account live or the connection is not pending, ``NotFound`` where it is not ours.
        """
        ...

    def drop_pending(self, connection_id: str) -> None: ...

    def end(self, connection_id: str, actor: str, reason: str, now: datetime) -> None:
        """Live to ended; its secrets are erased. Ended already: nothing happens."""
        ...

    def refresh(self, connection_id: str, account: Account) -> None:
        """Store what Stripe now says about the account."""
        ...


class CatalogueStore(Protocol):
    """Services on one account and mode."""

    def entries(self, account_id: str, livemode: bool) -> Sequence[CatalogueEntry]:
        """All of them, by name."""
        ...

    def entry(self, account_id: str, livemode: bool, service: str) -> CatalogueEntry | None: ...

    def save(self, account_id: str, livemode: bool, entry: CatalogueEntry) -> None:
        """Insert or replace, prices included."""
        ...

    def mark_waiting(self, account_id: str, livemode: bool, services: Sequence[tuple[str, str, str]]) -> None:
        """Note (ref, code, name) of services that have something to be told; known ones keep their Stripe ids."""
        ...


class CustomerStore(Protocol):
    """Contacts linked to Stripe customers."""

    def link(self, account_id: str, livemode: bool, contact: ContactRef, now: datetime) -> LinkedCustomer:
        """The link of this contact, made (without a customer yet) where there is none. Two callers get the same."""
        ...

    def find(self, account_id: str, livemode: bool, contact: ContactRef) -> LinkedCustomer | None:
        """The link, if there is one; nothing is made."""
        ...

    def linked(self, link_id: str, customer_id: str, content_hash: str) -> None: ...

    def contact_of(self, account_id: str, livemode: bool, customer_id: str) -> ContactRef | None: ...


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

    def of_billables(self, billables: Sequence[str]) -> Mapping[str, Invoice]:
        """The live invoice of each billable that has one."""
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

    def want_sent(self, invoice_id: str, actor: str, now: datetime) -> Invoice:
        """A draft shall be sent after all."""
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

    def timeline(self, invoice_id: str) -> Sequence[TimelineEntry]:
        """Newest first."""
        ...

    def recent(self, limit: int = 5) -> Sequence[tuple[Invoice, TimelineEntry]]:
        """The newest timeline entries of the business, with their invoices."""
        ...

    def payments(self, invoice_id: str) -> Sequence[Payment]:
        """Newest first."""
        ...

    def unfinished(self, before: datetime, limit: int = 50) -> Sequence[Invoice]:
        """Invoices whose own steps are not complete and that nobody has touched since ``before``."""
        ...

    def untold(self, limit: int = 50) -> Sequence[Invoice]:
        """Invoices whose newest version the host has not been told."""
        ...

    def told(self, invoice_id: str, version: int) -> None: ...

    def versions(self, invoice_ids: Sequence[str]) -> Mapping[str, int]:
        """For the live pages: ids and versions, without opening the rows."""
        ...


class JournalStore(Protocol):
    """Steps. See ``model.journal``."""

    def last(self, subject: str, name: str) -> Step | None:
        """The newest attempt of this step."""
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


class LogStore(Protocol):
    """Who did, or was refused, what."""

    def add(self, entry: LogEntry) -> None: ...

    def page(self, cursor: str | None = None, limit: int = 50) -> Page[LogEntry]: ...


class PeopleStore(Protocol):
    """What the CRM calls the people whose refs stand elsewhere; nothing else of ours keeps a person's name."""

    def remember(self, ref: str, name: str, now: datetime) -> None:
        """Keep the name; a newer one replaces it. Where nothing is new, nothing is written."""
        ...

    def names(self, refs: Sequence[str]) -> Mapping[str, str]:
        """Name by ref, of those that are known."""
        ...


class SettingStore(Protocol):
    """Settings of the business, as text."""

    def all(self) -> Mapping[str, str]: ...

    def save(self, values: Mapping[str, str], actor: str, now: datetime) -> None: ...


class EventStore(Protocol):
    """The business's part of the inbox."""

    def page(self, state: str = "", cursor: str | None = None, limit: int = 50) -> Page[StoredEvent]: ...

    def get(self, row_id: int) -> StoredEvent | None: ...

    def retry(self, row_id: int, now: datetime) -> None:
        """Back to waiting, due now."""
        ...

    def counts(self) -> Mapping[str, int]:
        """How many wait and how many failed; applied ones are not counted."""
        ...

    def last_received(self) -> datetime | None: ...


class Ledger(Protocol):
    """Everything we remember about one business."""

    @property
    def business(self) -> str: ...
    @property
    def connections(self) -> ConnectionStore: ...
    @property
    def catalogue(self) -> CatalogueStore: ...
    @property
    def customers(self) -> CustomerStore: ...
    @property
    def invoices(self) -> InvoiceStore: ...
    @property
    def journal(self) -> JournalStore: ...
    @property
    def log(self) -> LogStore: ...
    @property
    def people(self) -> PeopleStore: ...
    @property
    def settings(self) -> SettingStore: ...
    @property
    def events(self) -> EventStore: ...

    def lease(self, name: str, holder: str, now: datetime, seconds: int) -> int | None:
        """Take the lease ``name`` for some seconds: its fencing number, or None while another holds it.

        The number grows each time the lease changes hands or had run out. ``holder`` names one piece of work; taking
        it again makes it last longer.
        """
        ...

    def release(self, name: str, holder: str) -> None:
        """Give it back, if it is still ours."""
        ...


class SharedLedger(Protocol):
    """The few things that are asked before the business is known."""

    def for_business(self, business: str) -> Ledger: ...

    def installation(self) -> str:
        """A random id of this database, made once; it travels as metadata so that two CRMs on one account differ."""
        ...

    def start_consent(self, state_hash: str, consent: Consent, now: datetime) -> None: ...

    def claim_consent(self, state_hash: str, now: datetime) -> Consent | None:
        """The consent, once: a second claim, and one of an expired or unknown state, gives None."""
        ...

    def live_connection(self, account_id: str, livemode: bool) -> Connection | None:
        """Whose account this is."""
        ...

    def live_connections(self) -> Sequence[Connection]: ...

    def store_event(self, business: str, event: IncomingEvent, now: datetime) -> int | None:
        """Keep an event, once per account, mode and event id: its row id, None where we had it. The body is sealed."""
        ...

    def due_events(self, now: datetime, limit: int = 100) -> Sequence[StoredEvent]:
        """Waiting events whose time has come, oldest first."""
        ...

    def event(self, row_id: int) -> StoredEvent | None: ...

    def finish_event(
        self,
        row_id: int,
        state: EventState,
        now: datetime,
        *,
        reason: str | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        """Note the result; ``failed`` with ``retry_at`` stays waiting and counts an attempt."""
        ...

    def outbox(self, limit: int = 500) -> Sequence[OutboxEntry]:
        """Notes not drained yet, oldest first."""
        ...

    def clear_outbox(self, ids: Sequence[int]) -> None: ...
