"""Services at Stripe: what is there, what should be, and what has to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SyncState(StrEnum):
    """How a service stands at Stripe."""

    WAITING = "waiting"
    SYNCED = "synced"
    FAILED = "failed"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class SyncedPrice:
    """A price of ours at Stripe. ``amount`` is a plain decimal string of minor units (up to 12 places)."""

    currency: str
    amount: str
    price_id: str


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What we remember about a service on one account and mode.

    ``content_hash`` is of what Stripe was last told; ``reason`` says in words why it is not in step.
    """

    service: str
    name: str
    code: str
    state: SyncState
    product_id: str | None = None
    content_hash: str = ""
    prices: tuple[SyncedPrice, ...] = ()
    reason: str | None = None
    attempts: int = 0
    synced_at: datetime | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProductDraft:
    """A product as Stripe should have it. ``id`` is ours and deterministic, so making it twice is impossible."""

    id: str
    name: str
    description: str
    active: bool
    unit_label: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class PriceDraft:
    """A price as Stripe should have it; ``amount`` is a plain decimal string of minor units."""

    product_id: str
    currency: str
    amount: str
    lookup_key: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a catalogue plan: ``deed`` is create, update, price, archive_price, archive or none."""

    service: str
    name: str
    deed: str
    currency: str | None = None
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A note that something in the CRM changed. ``ref`` or ``business`` may be ``*``: plan everything."""

    id: int
    business: str
    kind: str
    ref: str
