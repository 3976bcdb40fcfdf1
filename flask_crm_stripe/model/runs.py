"""Many invoices at once: a run, and an item for each source that was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.crm import SourceRef


class RunState(StrEnum):
    """``planned`` until a person who has seen what would come of it starts it; ``stopped`` by a person, who can let it
    go on; ``done`` when no item waits any more."""

    PLANNED = "planned"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


class ItemState(StrEnum):
    """``doing`` is under a lease: when that ends, another worker takes the item."""

    WAITING = "waiting"
    DOING = "doing"
    DONE = "done"
    FAILED = "failed"


OPEN = frozenset((ItemState.WAITING, ItemState.DOING))


@dataclass(frozen=True, slots=True)
class Run:
    """Who wanted what. ``send``: the invoices are sent; else they stay drafts. ``terms`` are the same for all of them,
    as plain values, with the seller. Rights were those of ``created_by`` when it began."""

    id: str
    account_id: str
    livemode: bool
    send: bool
    terms: Mapping[str, object]
    created_by: str
    created_at: datetime
    state: RunState = RunState.PLANNED
    ended_at: datetime | None = None

    @property
    def books(self) -> Books:
        """Account and mode, in which its invoices are made."""
        return self.account_id, self.livemode


@dataclass(frozen=True, slots=True)
class RunItem:
    """One source. ``billables`` and ``total`` (in minor units) are what the person saw, ``seen`` is the digest of that
    plan, empty where there was none; ``code`` and ``reason`` say why it failed. ``tries`` counts attempts that ended
    for now, ``again`` says that a person let it be tried again. ``number`` is given by the ledger."""

    source: SourceRef
    title: str
    billables: Sequence[str] = ()
    currency: str = ""
    total: int = 0
    seen: str = ""
    state: ItemState = ItemState.WAITING
    invoice_id: str | None = None
    code: str = ""
    reason: str = ""
    tries: int = 0
    again: bool = False
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many items in one state and currency, and their sum in minor units."""

    state: ItemState
    currency: str
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item. One that waits again has a ``not_before``."""

    state: ItemState
    invoice_id: str | None = None
    code: str = ""
    reason: str = ""
    not_before: datetime | None = None
