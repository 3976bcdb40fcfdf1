"""The inbox, in memory, and what is known of each account's stream of events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.connection import Books, ConnectionState
from flask_crm_stripe.model.endpoints import EndpointHealth, OwnEndpoint, RemoteEndpoint
from flask_crm_stripe.model.events import (
    CatchUp,
    EventFilter,
    EventState,
    IncomingEvent,
    Intake,
    Result,
    StoredEvent,
    Strays,
)
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.testing.memory.state import State, page_of

MOST_STRANGERS = 100
DONE = (EventState.APPLIED, EventState.IGNORED)


@dataclass(frozen=True)
class MemoryEvents:
    """``ports.inbox.EventStore``."""

    business: str
    state: State

    def page(self, wanted: EventFilter | None = None, cursor: str | None = None, limit: int = 50) -> Page[StoredEvent]:
        """Newest first."""
        chosen = wanted or EventFilter()
        return page_of([(event.id, event) for event in self._ours() if _matches(event, chosen)], cursor, limit)

    def get(self, row_id: int) -> StoredEvent | None:
        """One of ours."""
        return next((event for event in self._ours() if event.id == row_id), None)

    def body(self, row_id: int) -> bytes | None:
        """As it was received; None where it was erased."""
        if self.get(row_id) is None:
            raise NotFound("event")
        return self.state.bodies.get(row_id)

    def retry(self, row_ids: Sequence[int], now: datetime) -> int:
        """Back to waiting, due now: how many there were."""
        with self.state.lock:
            mine = [event for event in self._ours() if event.id in row_ids]
            for event in mine:
                again = replace(event, state=EventState.WAITING, retry_at=now, attempts=0, reason=None)
                self.state.events[event.id] = again
            return len(mine)

    def keep(self, event: IncomingEvent, now: datetime) -> int | None:
        """Keep one that Stripe did not bring, once."""
        with self.state.lock:
            return _store(self.state, self.business, event, now, caught_up=True)

    def known(self, books: Books, ids: Sequence[str]) -> set[str]:
        """Which of these events we had."""
        with self.state.lock:
            there = {e.event_id for e in self.state.events.values() if (e.account_id, e.livemode) == books}
        return there & set(ids)

    def counts(self) -> dict[str, int]:
        """How many wait and how many failed."""
        states = [event.state for event in self._ours()]
        return {state.value: states.count(state) for state in (EventState.WAITING, EventState.FAILED)}

    def waiting_since(self) -> datetime | None:
        """When the one came in that waits longest."""
        return next((event.received_at for event in self._ours() if event.state is EventState.WAITING), None)

    def received(self, limit: int = 1) -> list[datetime]:
        """When the newest ones were brought by Stripe, newest first."""
        return [event.received_at for event in reversed(self._ours()) if not event.caught_up][:limit]

    def erase(self, customer_ids: Sequence[str]) -> int:
        """Erase the bodies of everything about these customers."""
        with self.state.lock:
            mine = [e.id for e in self._ours() if self.state.event_customers.get(e.id) in set(customer_ids)]
            for row_id in mine:
                self.state.bodies.pop(row_id, None)
                del self.state.event_customers[row_id]
            return len(mine)

    def prune(self, bodies_before: datetime, rows_before: datetime, limit: int) -> tuple[int, int]:
        """Erase old bodies, forget older events that are done."""
        with self.state.lock:
            old = [e for e in self._ours() if e.received_at < bodies_before and e.state in DONE]
            rows = [e.id for e in old if e.received_at < rows_before][:limit]
            for row_id in rows:
                del self.state.events[row_id]
                self.state.bodies.pop(row_id, None)
            bodies = [e.id for e in old if e.id in self.state.bodies][:limit]
            for row_id in bodies:
                del self.state.bodies[row_id]
            return len(bodies), len(rows)

    def caught_up(self, books: Books) -> CatchUp | None:
        """How far Stripe's own list was read."""
        return self.state.caught_up.get(books)

    def note_caught_up(self, books: Books, result: CatchUp) -> None:
        """Remember how far; it never goes back."""
        with self.state.lock:
            known = self.state.caught_up.get(books)
            until = max(result.until, known.until) if known else result.until
            self.state.caught_up[books] = replace(result, until=until)

    def strays(self, books: Books) -> Strays | None:
        """What came for an account while it was not connected."""
        return self.state.strays.get(books)

    def _ours(self) -> list[StoredEvent]:
        with self.state.lock:
            return [event for event in self.state.events.values() if event.business == self.business]


@dataclass(frozen=True)
class MemoryEndpoints:
    """``ports.inbox.EndpointStore``. Secrets are kept as they are: nothing here could seal them."""

    state: State

    def all(self, livemode: bool) -> list[OwnEndpoint]:
        """Newest first."""
        return [own for own, _ in reversed(self.state.endpoints.values()) if own.livemode == livemode]

    def secrets(self) -> list[str]:
        """What signs our endpoints' deliveries."""
        return [secret for _, secret in self.state.endpoints.values() if secret]

    def add(self, made: RemoteEndpoint, livemode: bool, actor: str, now: datetime) -> None:
        """Remember one that we made."""
        own = OwnEndpoint(made.id, livemode, made.url, made.api_version or "", actor, now)
        self.state.endpoints.setdefault(made.id, (own, made.secret or ""))

    def leaving(self, endpoint_id: str, at: datetime) -> None:
        """It is to be deleted then."""
        own, secret = self.state.endpoints[endpoint_id]
        if own.leaving_at is None:
            self.state.endpoints[endpoint_id] = (replace(own, leaving_at=at), secret)

    def drop(self, endpoint_id: str) -> None:
        """It is gone."""
        self.state.endpoints.pop(endpoint_id, None)

    def note_health(self, livemode: bool, health: EndpointHealth) -> None:
        """What a look at Stripe found."""
        self.state.endpoint_health[livemode] = health

    def health(self, livemode: bool) -> EndpointHealth | None:
        """What the last look found."""
        return self.state.endpoint_health.get(livemode)


def take_in(
    state: State, event: IncomingEvent, now: datetime, due: datetime | None = None, unneeded: str | None = None
) -> Intake:
    """Keep an event of a connected account, once."""
    books = (event.account_id, event.livemode)
    with state.lock:
        live = [each for each in state.connections.values() if each.state is ConnectionState.LIVE]
        business = next((each.business for each in live if each.books == books), None)
        row = _store(state, business, event, now, caught_up=False) if business is not None else None
        if row is not None and unneeded is not None:
            done = replace(state.events[row], state=EventState.IGNORED, retry_at=None, reason=unneeded)
            state.events[row] = done
        elif row is not None and due is not None:
            state.events[row] = replace(state.events[row], retry_at=due)
    return Intake(business, row)


def count_stray(state: State, event: IncomingEvent, now: datetime) -> None:
    """One more of an account that is not connected."""
    books = (event.account_id, event.livemode)
    with state.lock:
        known = state.strays.get(books)
        if known is not None:
            state.strays[books] = replace(known, count=known.count + 1, last_at=now, last_type=event.type)
        elif len(state.strays) < MOST_STRANGERS:
            state.strays[books] = Strays(*books, 1, now, now, event.type)


def claim_events(
    state: State, now: datetime, limit: int, until: datetime, soon: datetime | None = None
) -> list[StoredEvent]:
    """Waiting events whose time has come, for the caller alone."""
    with state.lock:
        waiting = [event for event in state.events.values() if event.state is EventState.WAITING]
        due = [event for event in waiting if event.retry_at and event.retry_at <= now][:limit]
        about = {(event.business, event.invoice_id) for event in due if event.invoice_id}
        alike = [event for event in waiting if (event.business, event.invoice_id) in about and event not in due]
        due += [event for event in alike if event.retry_at and soon and event.retry_at <= soon]
        postpone_events(state, [event.id for event in due], until)
        return [state.events[event.id] for event in sorted(due, key=lambda event: event.id)]


def postpone_events(state: State, row_ids: Iterable[int], until: datetime) -> None:
    """They wait on."""
    with state.lock:
        for row_id in row_ids:
            event = state.events[row_id]
            if event.state is EventState.WAITING:
                state.events[row_id] = replace(event, retry_at=until)


def finish_events(state: State, row_ids: Iterable[int], result: Result, now: datetime) -> None:
    """Note the result of an attempt; what failed and shall be tried again waits."""
    again = result.state is EventState.FAILED and result.retry_at is not None
    with state.lock:
        for row_id in row_ids:
            if (event := state.events.get(row_id)) is not None:
                state.events[row_id] = replace(
                    event,
                    state=EventState.WAITING if again else result.state,
                    attempts=event.attempts + 1,
                    reason=result.reason,
                    changed=result.changed,
                    retry_at=result.retry_at if again else None,
                    applied_at=now if result.state is EventState.APPLIED else event.applied_at,
                )


def _store(state: State, business: str, event: IncomingEvent, now: datetime, caught_up: bool) -> int | None:
    same = (event.account_id, event.livemode, event.event_id)
    if any((old.account_id, old.livemode, old.event_id) == same for old in state.events.values()):
        return None
    row = state.number()
    state.bodies[row] = event.body
    if event.customer_id:
        state.event_customers[row] = event.customer_id
    state.events[row] = StoredEvent(
        id=row,
        business=business,
        account_id=event.account_id,
        livemode=event.livemode,
        event_id=event.event_id,
        type=event.type,
        object_id=event.object_id,
        object_type=event.object_type,
        invoice_id=event.invoice_id,
        created=event.created,
        received_at=now,
        state=EventState.WAITING,
        request_id=event.request_id,
        retry_at=now,
        payment_intent=event.payment_intent,
        caught_up=caught_up,
    )
    return row


def _matches(event: StoredEvent, wanted: EventFilter) -> bool:
    return (
        wanted.state in ("", event.state)
        and wanted.type in ("", event.type)
        and wanted.text in ("", event.event_id, event.object_id)
        and (wanted.since is None or event.received_at >= wanted.since)
        and (wanted.until is None or event.received_at < wanted.until)
    )
