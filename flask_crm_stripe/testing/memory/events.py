"""The inbox, in memory. Bodies are not kept: nothing here could seal them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.events import EventState, IncomingEvent, StoredEvent
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.testing.memory.state import State, page_of


@dataclass(frozen=True)
class MemoryEvents:
    """``ports.ledger.EventStore``."""

    business: str
    state: State

    def page(self, state: str = "", cursor: str | None = None, limit: int = 50) -> Page[StoredEvent]:
        """Newest first; ``state`` chooses one state, empty all."""
        return page_of([(event.id, event) for event in self._ours() if state in ("", event.state)], cursor, limit)

    def get(self, row_id: int) -> StoredEvent | None:
        """One of ours."""
        return next((event for event in self._ours() if event.id == row_id), None)

    def retry(self, row_id: int, now: datetime) -> None:
        """Back to waiting, due now. Raises ``NotFound``."""
        with self.state.lock:
            event = self.get(row_id)
            if event is None:
                raise NotFound("event")
            self.state.events[row_id] = replace(event, state=EventState.WAITING, retry_at=now, reason=None)

    def counts(self) -> dict[str, int]:
        """How many wait and how many failed."""
        states = [event.state for event in self._ours()]
        return {state.value: states.count(state) for state in (EventState.WAITING, EventState.FAILED)}

    def last_received(self) -> datetime | None:
        """When the newest one came in."""
        ours = self._ours()
        return ours[-1].received_at if ours else None

    def _ours(self) -> list[StoredEvent]:
        with self.state.lock:
            return [event for event in self.state.events.values() if event.business == self.business]


def store_event(state: State, business: str, event: IncomingEvent, now: datetime) -> int | None:
    """Keep an event once: its row, None where we had it."""
    with state.lock:
        same = (event.account_id, event.livemode, event.event_id)
        if any((old.account_id, old.livemode, old.event_id) == same for old in state.events.values()):
            return None
        row = state.number()
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
        )
        return row


def finish_event(
    state: State, row_id: int, result: EventState, now: datetime, reason: str | None, retry_at: datetime | None
) -> None:
    """Note the result of an attempt; one that failed and shall be tried again waits."""
    again = result is EventState.FAILED and retry_at is not None
    with state.lock:
        event = state.events.get(row_id)
        if event is None:
            return
        state.events[row_id] = replace(
            event,
            state=EventState.WAITING if again else result,
            attempts=event.attempts + 1,
            reason=reason,
            retry_at=retry_at if again else None,
            applied_at=now if result is EventState.APPLIED else event.applied_at,
        )
