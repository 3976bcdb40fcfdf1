"""How news comes from the in-memory Stripe: the platform's webhook endpoints, and its own list of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from flask_crm_stripe.errors import Refused
from flask_crm_stripe.model.endpoints import RemoteEndpoint
from flask_crm_stripe.model.events import EventsPage, IncomingEvent
from flask_crm_stripe.testing.memory_calls import MemoryCalls

Value = TypeVar("Value")
API_VERSION = "2026-10-28.memory"
MOST_TYPES, ON_A_PAGE = 20, 3


class MemoryNews(MemoryCalls):
    """``endpoints`` are the platform's, the same for every account; ``events`` are the account's, oldest first, for
    tests to fill."""

    api_version = API_VERSION
    endpoints: dict[str, RemoteEndpoint]
    events: list[IncomingEvent]

    def list_endpoints(self) -> Sequence[RemoteEndpoint]:
        """Every endpoint, without its secret."""
        found = [replace(each, secret=None) for each in reversed(self.endpoints.values())]
        return self._as_platform("list_endpoints", None, (), lambda _: tuple(found))

    def create_endpoint(self, url: str, events: Sequence[str], installation: str, key: str) -> RemoteEndpoint:
        """A new one, with its secret."""

        def work(_: str) -> RemoteEndpoint:
            number = len(self.endpoints) + 1
            made = RemoteEndpoint(f"we_{number}", url, True, True, tuple(events), API_VERSION, f"whsec_{number}")
            self.endpoints[made.id] = made
            return made

        return self._as_platform("create_endpoint", key, (url, tuple(events), installation), work)

    def update_endpoint(self, endpoint_id: str, url: str, events: Sequence[str]) -> RemoteEndpoint:
        """Bring address and events up to date, and switch it on."""

        def work(_: str) -> RemoteEndpoint:
            if endpoint_id not in self.endpoints:
                raise Refused("No such webhook endpoint.", stripe_code="resource_missing", param="id")
            after = replace(self.endpoints[endpoint_id], url=url, events=tuple(events), enabled=True)
            self.endpoints[endpoint_id] = after
            return replace(after, secret=None)

        return self._as_platform("update_endpoint", None, (endpoint_id, url, tuple(events)), work)

    def delete_endpoint(self, endpoint_id: str) -> None:
        """Gone already counts as done."""
        self._as_platform("delete_endpoint", None, (endpoint_id,), lambda _: self.endpoints.pop(endpoint_id, None))

    def _as_platform(
        self, method: str, key: str | None, request: tuple[object, ...], work: Callable[[str], Value]
    ) -> Value:
        """It does not matter whether we may act for an account."""
        was, self.connected = self.connected, True
        try:
            return self._do(method, key, request, work)
        finally:
            self.connected = was

    def list_events(self, types: Sequence[str], since: datetime, after: str | None = None) -> EventsPage:
        """One short page of the account's events, newest first."""

        def work(_: str) -> EventsPage:
            if len(types) > MOST_TYPES:
                raise Refused(f"You may pass up to {MOST_TYPES} types.", param="types")
            found = [each for each in reversed(self.events) if each.type in types and each.created >= since]
            ids = [each.event_id for each in found]
            rest = found[ids.index(after) + 1 :] if after else found
            page = tuple(rest[:ON_A_PAGE])
            return EventsPage(page, page[-1].event_id if len(rest) > ON_A_PAGE else None)

        return self._do("list_events", None, (tuple(types), since, after), work)
