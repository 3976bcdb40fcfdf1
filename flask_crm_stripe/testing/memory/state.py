"""What the in-memory ledger remembers, and its one lock."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from flask_crm_stripe.model.approvals import Approval
from flask_crm_stripe.model.catalogue import CatalogueEntry, OutboxEntry
from flask_crm_stripe.model.connection import Books, Connection, Consent, Installation
from flask_crm_stripe.model.credits import Credit, Refund
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.endpoints import EndpointHealth, OwnEndpoint
from flask_crm_stripe.model.events import CatchUp, StoredEvent, Strays, TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, LinkedCustomer, Payment
from flask_crm_stripe.model.journal import Step
from flask_crm_stripe.model.notices import Notice
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.model.runs import Run, RunItem
from flask_crm_stripe.ports.chain import Head, Link
from flask_crm_stripe.ports.cursors import NEWER, OLDER, read_cursor, write_cursor

Value = TypeVar("Value")


@dataclass
class InvoiceRow:
    """An invoice with what hangs on it; ``claims`` are the billables that it holds now."""

    row: int
    form_key: str
    invoice: Invoice
    claims: set[str]
    entries: list[tuple[int, TimelineEntry]] = field(default_factory=list)
    payments: dict[str, tuple[int, Payment]] = field(default_factory=dict)
    fetch_started: datetime | None = None
    credits: dict[str, Credit] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)


@dataclass
class Customer:
    """A link and where it belongs."""

    business: str
    account_id: str
    livemode: bool
    contact: ContactRef
    link: LinkedCustomer


@dataclass
class Claim:
    """An item of a run; who works on it, and from when on it is to be done (again)."""

    item: RunItem
    holder: str = ""
    due_at: datetime | None = None


@dataclass
class RunRow:
    """A run with its items, in their order."""

    row: int
    business: str
    run: Run
    claims: list[Claim]


@dataclass
class Lease:
    """Who holds it, its number, until when."""

    holder: str
    fence: int
    expires_at: datetime


@dataclass
class Chain:
    """The log of one business: its lines, and its head with the head's own seal."""

    head: Head
    own_seal: str = ""
    links: list[Link] = field(default_factory=list)


@dataclass
class State:
    """Everything. All who read or write hold ``lock``."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    connections: dict[str, Connection] = field(default_factory=dict)
    consents: dict[str, Consent] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    services: dict[tuple[str, str, bool, str], CatalogueEntry] = field(default_factory=dict)
    customers: list[Customer] = field(default_factory=list)
    invoices: list[InvoiceRow] = field(default_factory=list)
    steps: dict[int, tuple[str, Step]] = field(default_factory=dict)
    step_books: dict[int, Books] = field(default_factory=dict)
    events: dict[int, StoredEvent] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict, repr=False)
    event_customers: dict[int, str] = field(default_factory=dict)
    strays: dict[Books, Strays] = field(default_factory=dict)
    caught_up: dict[Books, CatchUp] = field(default_factory=dict)
    endpoints: dict[str, tuple[OwnEndpoint, str]] = field(default_factory=dict, repr=False)
    endpoint_health: dict[bool, EndpointHealth] = field(default_factory=dict)
    leases: dict[tuple[str, str], Lease] = field(default_factory=dict)
    log: dict[str, Chain] = field(default_factory=dict)
    log_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    approvals: dict[str, tuple[int, Approval]] = field(default_factory=dict)
    notices: dict[int, tuple[str, Notice]] = field(default_factory=dict)
    runs: dict[str, RunRow] = field(default_factory=dict)
    homes: list[tuple[str, str]] = field(default_factory=list)
    installation: Installation | None = None
    people: dict[tuple[str, str], str] = field(default_factory=dict)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    outbox: list[OutboxEntry] = field(default_factory=list)

    def number(self) -> int:
        """The next row's number."""
        return next(self.numbers)


def newest_first(rows: Iterable[tuple[int, Value]], at: Callable[[Value], datetime]) -> list[Value]:
    """By their own time, then by when they came in."""
    return [value for _, value in sorted(rows, key=lambda row: (at(row[1]), row[0]), reverse=True)]


def page_of(rows: Sequence[tuple[int, Value]], cursor: str | None, limit: int) -> Page[Value]:
    """The page at the cursor out of all rows, which come oldest first."""
    way, edge = read_cursor(cursor)
    if way == NEWER:
        chosen = [row for row in rows if edge is None or row[0] > edge][:limit][::-1]
    else:
        chosen = [row for row in reversed(rows) if edge is None or row[0] < edge][:limit]
    if not chosen:
        return Page(())
    first, last = chosen[0][0], chosen[-1][0]
    newer, older = rows[-1][0] > first, rows[0][0] < last
    return Page(
        tuple(value for _, value in chosen),
        newer=write_cursor(NEWER, first) if newer else None,
        older=write_cursor(OLDER, last) if older else None,
    )
