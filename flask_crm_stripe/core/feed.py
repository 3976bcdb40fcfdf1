"""Whether news from Stripe arrives, what never did, and how long it is kept.

Stripe delivers late, twice, in any order, or not at all: its own list of the last 30 days says what there was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.endpoints import KEEPS_NEWS_AWAY, Endpoints
from flask_crm_stripe.core.event_types import WANTED
from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.core.settings import event_days
from flask_crm_stripe.model.business import ADMIN
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.events import CatchUp
from flask_crm_stripe.model.invoices import InvoiceFilter
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock, Queue

MOST_TYPES = 20
KEPT_BY_STRIPE = timedelta(days=30)
OVERLAP = timedelta(hours=1)
"""Events are listed in the order of their seconds, and may appear in the list a little late."""

DAILY = timedelta(days=1)
AGAIN_AFTER = timedelta(hours=1)
WAITS_TOO_LONG = timedelta(minutes=5)
REMEMBERED = timedelta(days=35)
"""What was applied is remembered for so long, however short the bodies are kept: longer than Stripe could bring it."""

LOOKED_AT, ENOUGH = 50, 10
SHORTEST_SILENCE = timedelta(days=1)
PRUNED_AT_ONCE = 1000

ILL, ATTENTION = "problem", "warning"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that keeps news away, or may: ``how`` is problem or warning, ``words`` end with the remedy."""

    kind: str
    how: str
    words: str


@dataclass(frozen=True, slots=True)
class Erased:
    """What was forgotten of a contact, and what has to stay."""

    events: int
    invoices: int


@dataclass(frozen=True)
class Feed:
    """The stream of events of one business."""

    ledger: Ledger
    connections: Connections
    endpoints: Endpoints
    rights: Rights
    log: ActionLog
    clock: Clock
    queue: Queue

    def troubles(self) -> Sequence[Trouble]:
        """What is wrong with the news, from what is known here: nobody is asked."""
        return [*self._of_endpoint(), *self._of_backlog(), *self._of_silence()]

    def catch_up(self) -> CatchUp:
        """Read Stripe's own list since the last time, and keep what never came: it is applied like any other. Costs a
        request per page of each twenty types."""
        started, connection = self.clock.now(), self.connections.require_live()
        known = self.ledger.events.caught_up(connection.books)
        since = max(started - KEPT_BY_STRIPE, (known.until if known else connection.connected_at) - OVERLAP)
        requests = found = 0
        for first in range(0, len(WANTED), MOST_TYPES):
            some, after, more = WANTED[first : first + MOST_TYPES], None, True
            while more:
                page = self.connections.provider().list_events(some, since, after)
                requests, after, more = requests + 1, page.after, page.after is not None
                there = self.ledger.events.known(connection.books, [event.event_id for event in page.events])
                missed = [event for event in reversed(page.events) if event.event_id not in there]
                found += sum(self.ledger.events.keep(event, self.clock.now()) is not None for event in missed)
        result = CatchUp(started, started, requests, found)
        self.ledger.events.note_caught_up(connection.books, result)
        if found:
            self.queue.put("apply_events")
        return result

    def is_due(self, *, after_downtime: bool) -> bool:
        """Whether it is time to catch up: once a day; sooner after a downtime of ours, or a silence of Stripe's."""
        connection, now = self.connections.require_live(), self.clock.now()
        known = self.ledger.events.caught_up(connection.books)
        last = known.at if known else connection.connected_at
        hurry = after_downtime or self._is_silent()
        return now - last > (AGAIN_AFTER if hurry else DAILY)

    def prune(self) -> tuple[int, int]:
        """Let old bodies go, and older events: how many of both."""
        now, days = self.clock.now(), timedelta(days=event_days(self.ledger.settings.all()))
        return self.ledger.events.prune(now - days, now - max(days, REMEMBERED), PRUNED_AT_ONCE)

    def forget(self, contact: ContactRef) -> Erased:
        """Erase what events said of a contact: their bodies, and whom they were about. Invoices stay, as the law wants:
        their sums, and who was billed."""
        self.rights.require(ADMIN, "forget a contact")
        with self.log.deed("contact.forget", f"{contact.kind}:{contact.ref}"):
            customers = self.ledger.customers.every(contact)
            erased = self.ledger.events.erase(customers) if customers else 0
        return Erased(erased, self.ledger.invoices.count(InvoiceFilter(contact=contact), 10_000))

    def _of_endpoint(self) -> Iterator[Trouble]:
        health = self.endpoints.known()
        for problem, words in self.endpoints.said(health) if health else ():
            yield Trouble(problem, ILL if problem in KEEPS_NEWS_AWAY else ATTENTION, words)

    def _of_backlog(self) -> Iterator[Trouble]:
        since = self.ledger.events.waiting_since()
        if since is not None and self.clock.now() - since > WAITS_TOO_LONG:
            count = self.ledger.events.counts()["waiting"]
            minutes = int((self.clock.now() - since).total_seconds() // 60)
            words = (
                f"{count} events wait, the oldest for {minutes} minutes: no worker seems to be running. "
                "Start one, or run: flask crm-stripe work"
            )
            yield Trouble("backlog", ILL, words)

    def _of_silence(self) -> Iterator[Trouble]:
        if self.connections.live() is not None and self._is_silent():
            days = (self.clock.now() - self.ledger.events.received()[0]).days
            words = (
                f"Nothing has come from Stripe for {days} days, longer than usual for this account. "
                "To see what never came, run: flask crm-stripe catch-up"
            )
            yield Trouble("silence", ATTENTION, words)

    def _is_silent(self) -> bool:
        times = self.ledger.events.received(LOOKED_AT)
        return is_silent(times, self.clock.now())


def is_silent(times: Sequence[datetime], now: datetime) -> bool:
    """Whether nothing has come for twice as long as it ever took between two, newest first, and for a day at least.
    A few events say nothing of what is usual."""
    if len(times) < ENOUGH:
        return False
    usual = max(newer - older for newer, older in pairwise(times))
    return now - times[0] > max(2 * usual, SHORTEST_SILENCE)
