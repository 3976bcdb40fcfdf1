"""Our memory of what Stripe tells: events of one business, and the endpoints that they come in through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.endpoints import EndpointHealth, OwnEndpoint, RemoteEndpoint
from flask_crm_stripe.model.events import CatchUp, EventFilter, IncomingEvent, StoredEvent, Strays
from flask_crm_stripe.model.paging import Page


class EventStore(Protocol):
    """The business's part of the inbox."""

    def page(self, wanted: EventFilter | None = None, cursor: str | None = None, limit: int = 50) -> Page[StoredEvent]:
        """Newest first. Raises ``InvalidInput`` for a damaged cursor."""
        ...

    def get(self, row_id: int) -> StoredEvent | None: ...

    def body(self, row_id: int) -> bytes | None:
        """As it was received; None where it was erased. Raises ``NotFound``, ``SecretUnreadable``."""
        ...

    def retry(self, row_ids: Sequence[int], now: datetime) -> int:
        """Back to waiting, due now, whatever became of them: how many there were."""
        ...

    def keep(self, event: IncomingEvent, now: datetime) -> int | None:
        """Keep one that Stripe did not bring, once: its row, None where we had it."""
        ...

    def known(self, books: Books, ids: Sequence[str]) -> set[str]:
        """Which of these events of an account we had."""
        ...

    def counts(self) -> dict[str, int]:
        """How many wait and how many failed; those that are done are not counted."""
        ...

    def waiting_since(self) -> datetime | None:
        """When the one came in that waits longest."""
        ...

    def received(self, limit: int = 1) -> Sequence[datetime]:
        """When the newest ones were brought by Stripe, newest first."""
        ...

    def erase(self, customer_ids: Sequence[str]) -> int:
        """Erase the bodies of everything about these customers, and whom it was about: how many there were."""
        ...

    def prune(self, bodies_before: datetime, rows_before: datetime, limit: int) -> tuple[int, int]:
        """Of those that are done, erase bodies and forget older ones, at most ``limit`` each: how many."""
        ...

    def caught_up(self, books: Books) -> CatchUp | None:
        """How far Stripe's own list of an account's events was read."""
        ...

    def note_caught_up(self, books: Books, result: CatchUp) -> None:
        """Remember how far; it never goes back."""
        ...

    def strays(self, books: Books) -> Strays | None:
        """What came for an account while it was not connected."""
        ...


class EndpointStore(Protocol):
    """The webhook endpoints that we made, and what was last seen of the way that events come."""

    def all(self, livemode: bool) -> Sequence[OwnEndpoint]:
        """Newest first."""
        ...

    def secrets(self) -> Sequence[str]:
        """What signs our endpoints' deliveries; one that cannot be read any more is left out."""
        ...

    def add(self, made: RemoteEndpoint, livemode: bool, actor: str, now: datetime) -> None:
        """Remember one that we made, with its secret, which is sealed."""
        ...

    def leaving(self, endpoint_id: str, at: datetime) -> None:
        """It is to be deleted then."""
        ...

    def drop(self, endpoint_id: str) -> None:
        """It is gone, and with it its secret."""
        ...

    def note_health(self, livemode: bool, health: EndpointHealth) -> None:
        """What a look at Stripe found."""
        ...

    def health(self, livemode: bool) -> EndpointHealth | None:
        """What the last look found."""
        ...
