"""Our memory. Every method is one short transaction of its own, so none is ever open while Stripe is asked.

``Ledger`` belongs to one business: what other businesses have does not exist there. ``SharedLedger`` is for the few
things that are asked before the business is known. ``ports/invoices.py``, ``ports/credits.py`` and ``ports/safety.py``
have more stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from flask_crm_stripe.model.catalogue import CatalogueEntry, OutboxEntry
from flask_crm_stripe.model.connection import (
    Account,
    AccountChoices,
    Books,
    Connection,
    Consent,
    Ending,
    Grant,
    Installation,
)
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.events import IncomingEvent, Intake, Result, StoredEvent, Strays
from flask_crm_stripe.model.invoices import LinkedCustomer
from flask_crm_stripe.model.notices import Notice
from flask_crm_stripe.model.secrets import Resealed, SealedReport
from flask_crm_stripe.ports.credits import CreditStore
from flask_crm_stripe.ports.inbox import EndpointStore, EventStore
from flask_crm_stripe.ports.invoices import InvoiceStore, JournalStore
from flask_crm_stripe.ports.runs import RunStore
from flask_crm_stripe.ports.safety import ApprovalStore, LogStore, NoticeStore, PeopleStore


class ConnectionStore(Protocol):
    """The business's connections."""

    def live(self, livemode: bool) -> Connection | None:
        """The live connection in this mode."""
        ...

    def latest(self, livemode: bool) -> Connection | None:
        """The newest connection in this mode that was ever live, ended or not."""
        ...

    def get(self, connection_id: str) -> Connection | None: ...

    def of(self, books: Books) -> Connection | None:
        """The newest connection with this account in this mode that was ever live."""
        ...

    def history(self) -> Sequence[Connection]:
        """The newest connection of each account and mode that was ever live, newest first."""
        ...

    def add_pending(self, grant: Grant, account: Account, fingerprint: str, actor: str, now: datetime) -> Connection:
        """Remember what came back from Stripe; its secrets are stored encrypted. Older pending ones are dropped: they
        are to be given back."""
        ...

    def confirm(
        self, connection_id: str, actor: str, now: datetime, change: AccountChoices | None = None
    ) -> Connection:
        """Pending to live; a live one of this business and mode on the same account is replaced by it, and so is one
        on another account if ``change`` names it as the previous one.

        Raises ``AccountTaken`` where the account is live for another business, ``Conflict`` where this business has
        another account live or the connection is not pending, ``NotFound`` where it is not ours.
        """
        ...

    def changed(self, connection_id: str, now: datetime) -> None:
        """All that a person chose when the account replaced another is done."""
        ...

    def unfinished_changes(self) -> Sequence[Connection]:
        """Those, live or ended, that replaced another while not all that was chosen is done, oldest first."""
        ...

    def drop_pending(self, connection_id: str) -> bool:
        """Nobody wants it, so it is to be given back: whether it was pending until now."""
        ...

    def forget_dropped(self, connection_id: str) -> None:
        """It was given back."""
        ...

    def leave(self, connection_id: str, actor: str, reason: str) -> None:
        """Note who wants to disconnect and why, before Stripe is asked: whoever ends it then, they wanted it."""
        ...

    def stay(self, connection_id: str) -> None:
        """Nobody wants to disconnect any more: Stripe refused."""
        ...

    def end(
        self, connection_id: str, actor: str, ending: Ending, reason: str, now: datetime, notice: Notice
    ) -> Connection | None:
        """Live to ended, secrets erased, the notice for the admins kept, all at once. What it became; None where it
        was ended already. Where somebody wanted to disconnect, that person and their reason stand there."""
        ...

    def refresh(self, connection_id: str, account: Account) -> bool:
        """Store what Stripe says about the account, unless what is stored was asked later: then False."""
        ...


class CatalogueStore(Protocol):
    """Services on one account and mode."""

    def entries(self, account_id: str, livemode: bool) -> Sequence[CatalogueEntry]:
        """All of them, by name."""
        ...

    def entry(self, account_id: str, livemode: bool, service: str) -> CatalogueEntry | None: ...

    def products(self, account_id: str, livemode: bool, services: Sequence[str]) -> Mapping[str, str]:
        """The product of each of these services that has one which is not archived."""
        ...

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

    def all(self, books: Books) -> Sequence[LinkedCustomer]:
        """Every contact that has a customer on this account and mode."""
        ...

    def every(self, contact: ContactRef) -> Sequence[str]:
        """A contact's customers at Stripe, on every account and in every mode."""
        ...

    def contact_of(self, account_id: str, livemode: bool, customer_id: str) -> ContactRef | None: ...


class SettingStore(Protocol):
    """Settings of the business, as text."""

    def all(self) -> Mapping[str, str]: ...

    def save(self, values: Mapping[str, str], actor: str, now: datetime) -> None: ...


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
    def credits(self) -> CreditStore: ...
    @property
    def journal(self) -> JournalStore: ...
    @property
    def log(self) -> LogStore: ...
    @property
    def people(self) -> PeopleStore: ...
    @property
    def approvals(self) -> ApprovalStore: ...
    @property
    def notices(self) -> NoticeStore: ...
    @property
    def settings(self) -> SettingStore: ...
    @property
    def events(self) -> EventStore: ...
    @property
    def runs(self) -> RunStore: ...

    def lease(self, name: str, holder: str, now: datetime, seconds: int) -> int | None:
        """Take the lease ``name`` for some seconds: its fencing number, or None while another holds it.

        The number grows each time the lease changes hands or had run out. ``holder`` names one piece of work; taking
        it again makes it last longer.
        """
        ...

    def release(self, name: str, holder: str) -> None:
        """Give it back, if it is still ours."""
        ...

    def homes(self) -> Sequence[str]:
        """Fingerprints of the environments in which this business is the real one."""
        ...

    def make_home(self, fingerprint: str, actor: str, now: datetime) -> None:
        """This environment is the real one for this business; its live connection knows it from now on."""
        ...


class SharedLedger(Protocol):
    """The few things that are asked before the business is known."""

    def for_business(self, business: str) -> Ledger: ...

    def installation(self, fingerprint: str, now: datetime) -> Installation:
        """This database, made known once: its random id travels as metadata so that two CRMs on one account differ.
        The environment that makes it known is the real one for every business."""
        ...

    def note_platform(self, account_id: str) -> None:
        """Remember which Stripe account is the platform's, once: a later one does not replace it."""
        ...

    def adopt(self, fingerprint: str, actor: str, now: datetime) -> None:
        """This environment is the real one for every business."""
        ...

    def neutralise(self, fingerprint: str, now: datetime) -> int:
        """Turn a copy into a harmless database: every connection ended without a word to Stripe, all secrets, waiting
        work and addresses for notices erased, another installation id. Says how many connections there were."""
        ...

    def businesses(self) -> Sequence[str]:
        """Every business that ever had a connection."""
        ...

    def sealed(self) -> SealedReport:
        """How many secrets are sealed with the first key, with an older one, and with one that is lost."""
        ...

    def reseal(self, limit: int) -> Resealed:
        """Seal some more secrets with the first key. Safe while others read and write, and from several processes."""
        ...

    def start_consent(self, state_hash: str, consent: Consent, now: datetime) -> None: ...

    def claim_consent(self, state_hash: str, now: datetime) -> Consent | None:
        """The consent, once: a second claim, and one of an expired or unknown state, gives None."""
        ...

    def live_connection(self, account_id: str, livemode: bool) -> Connection | None:
        """Whose account this is."""
        ...

    def live_connections(self) -> Sequence[Connection]: ...

    def is_wanted(self, account_id: str, livemode: bool) -> bool:
        """Whether any business has the account live, or waiting for a word."""
        ...

    def dropped(self, livemode: bool, before: datetime) -> Sequence[Connection]:
        """What has to be given back to Stripe, of all businesses. What came before then and nobody ever confirmed is
        dropped now."""
        ...

    def take_in(
        self, event: IncomingEvent, now: datetime, due: datetime | None = None, unneeded: str | None = None
    ) -> Intake:
        """Keep an event of a connected account, once per account, mode and event id; its body is sealed. It is to be
        applied when it is ``due`` (None: now); one that is ``unneeded``, for this reason, is ignored from the start."""
        ...

    def count_stray(self, event: IncomingEvent, now: datetime) -> None:
        """One more of an account that is not connected. Beyond a cap of accounts it is not counted."""
        ...

    def all_strays(self) -> Sequence[Strays]:
        """Of every account, the newest first."""
        ...

    def claim_events(
        self, now: datetime, limit: int, until: datetime, soon: datetime | None = None
    ) -> Sequence[StoredEvent]:
        """Waiting events whose time has come, oldest first, for the caller alone ``until`` then: nobody else is given
        them before. With them come those about the same invoices that are due ``soon``."""
        ...

    def event(self, row_id: int) -> StoredEvent | None: ...

    def finish_events(self, row_ids: Sequence[int], result: Result, now: datetime) -> None:
        """Note the result of an attempt; ``failed`` with ``retry_at`` goes on waiting."""
        ...

    def postpone_events(self, row_ids: Sequence[int], until: datetime) -> None:
        """Nothing was tried; they wait on."""
        ...

    @property
    def endpoints(self) -> EndpointStore: ...

    def outbox(self, limit: int = 500, after: int = 0) -> Sequence[OutboxEntry]:
        """Notes not drained yet, oldest first; the next ones ``after`` a note's number."""
        ...

    def clear_outbox(self, ids: Sequence[int]) -> None: ...
