"""Events: stored once, then applied by asking Stripe how the thing stands now. A body is only a reason to ask."""

from __future__ import annotations

import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.event_handlers import HANDLERS, Thing
from flask_crm_stripe.core.event_types import HAPPENINGS, MONEY_BACK, PAYMENT, unneeded
from flask_crm_stripe.errors import AccountGone, BillingError, NotConnected
from flask_crm_stripe.model.events import EventState, IncomingEvent, Result, StoredEvent
from flask_crm_stripe.ports.ledger import SharedLedger
from flask_crm_stripe.ports.runtime import Clock, Queue

log = logging.getLogger(__name__)
Key = TypeVar("Key")
Value = TypeVar("Value")

AT_ONCE = 500
"""Events that one worker takes at a time: what is about the same thing among them costs one look at Stripe."""

CLAIMED_FOR = timedelta(seconds=60)
"""After so long what a worker took and did not finish, because it died, is taken by another."""

LEASE_SECONDS = 60
MOST_ATTEMPTS = 12
LONGEST_WAIT = timedelta(hours=6)
NOT_CONNECTED = Result(EventState.IGNORED, "The account is no longer connected.")
BROKEN = "Something went wrong here; the CRM's own log says what."


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a delivery: ``why`` is stored, known (we had it) or foreign (no such account in this mode)."""

    row_id: int | None
    why: str


@dataclass(frozen=True)
class Inbox:
    """All businesses' events."""

    shared: SharedLedger
    billing: Callable[[str], Billing]
    queue: Queue
    clock: Clock

    def receive(self, event: IncomingEvent) -> Received:
        """Keep a verified event once, and have it applied later."""
        now = self.clock.now()
        reason = None if event.type in HANDLERS else unneeded(event.type)
        taken = self.shared.take_in(event, now, now + self.queue.settles, reason)
        if taken.business is None:
            self.shared.count_stray(event, now)
            return Received(None, "foreign")
        if taken.row is None:
            return Received(None, "known")
        if reason is None:
            self.queue.put("apply_events")
        return Received(taken.row, "stored")

    def sweep(self) -> int:
        """Apply everything that is due: what came in just now, and what a crash, a busy moment or a failure left
        behind. Says how many were tried. Safe at any time, and in several processes at once."""
        total = 0
        # Whatever has come; and then, as long as there is something to do, what has settled meanwhile.
        events = self._claim(self.queue.settles)
        while events:
            done, again = 0, False
            for business, mine in _by(lambda event: event.business, events).items():
                try:
                    one = _Round(self, self.billing(business))
                    done += one.apply(mine)
                    again = one.give_back() or again
                except Exception:
                    # They are taken up again when the claim runs out; another business's are not kept waiting.
                    log.exception("Events of business %s could not be applied", business)
            total += done
            events = self._claim() if done or again else ()
        return total

    def _claim(self, early: timedelta = timedelta()) -> Sequence[StoredEvent]:
        now = self.clock.now()
        return self.shared.claim_events(now + early, AT_ONCE, now + CLAIMED_FOR, now + self.queue.settles)


@dataclass
class _Round:
    """Some events of one business, applied by one worker. ``left`` are those about things that another one works on, by
    its lease; ``seen`` is what was looked at after they came."""

    inbox: Inbox
    billing: Billing
    left: dict[str, list[int]] = field(default_factory=dict)
    seen: set[Thing] = field(default_factory=set)
    holder: str = field(default_factory=lambda: secrets.token_hex(8))

    def apply(self, events: Sequence[StoredEvent]) -> int:
        """Says how many were tried. In a copy all of them wait until somebody says that this is the real one."""
        if self.billing.environment.is_copy:
            return 0
        with self.billing.connection.held():
            wanted = self._sorted_out(events)
            groups = self._groups(wanted)
            unknown = [event for thing, same in groups.items() if thing.kind == "payment" for event in same]
            done = len(events) - len(wanted)
            done += sum(self._together(thing, same) for thing, same in groups.items() if thing.kind != "payment")
            # By now their payments may be known, and the looks that told of them may have told all.
            return done + sum(self._after(thing, same) for thing, same in self._groups(unknown).items())

    def _groups(self, events: Sequence[StoredEvent]) -> dict[Thing, list[StoredEvent]]:
        invoices = self._invoices_of_payments(events)
        return _by(lambda event: thing_of(event, invoices), events)

    def _after(self, thing: Thing, events: Sequence[StoredEvent]) -> int:
        if thing not in self.seen or any(_says_more(event.type) for event in events):
            return self._together(thing, events)
        self._finish(events, Result(EventState.APPLIED))
        return len(events)

    def give_back(self) -> bool:
        """What was left is due again: whoever works on it looks once more before it stops, and takes it. It may have
        stopped in this very moment; then there is work for us. Says whether there is."""
        now, again = self.inbox.clock.now(), False
        for lease, rows in self.left.items():
            self.inbox.shared.postpone_events(rows, now)
            if self.billing.ledger.lease(lease, self.holder, now, LEASE_SECONDS) is not None:
                self.billing.ledger.release(lease, self.holder)
                again = True
        return again

    def _sorted_out(self, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """Those that billing needs; the others are done."""
        connection = self.billing.connection.live()
        books = connection.books if connection else None
        rest, wanted = defaultdict[Result, list[StoredEvent]](list), []
        for event in events:
            if event.type not in HANDLERS:
                rest[Result(EventState.IGNORED, unneeded(event.type))].append(event)
            elif books != (event.account_id, event.livemode):
                rest[NOT_CONNECTED].append(event)
            else:
                wanted.append(event)
        for result, some in rest.items():
            self._finish(some, result)
        return wanted

    def _invoices_of_payments(self, events: Iterable[StoredEvent]) -> Mapping[str, str]:
        """Stripe's invoice by payment intent, of those that we know."""
        intents = sorted({event.payment_intent for event in events if event.payment_intent and not event.invoice_id})
        if not intents:
            return {}
        return self.billing.ledger.invoices.of_payments(self.billing.connection.books(), intents)

    def _together(self, thing: Thing, events: Sequence[StoredEvent]) -> int:
        """One look at Stripe for all that waits about one thing, by one worker at a time."""
        ledger, lease = self.billing.ledger, f"event:{thing.kind}:{thing.id}"
        if ledger.lease(lease, self.holder, self.inbox.clock.now(), LEASE_SECONDS) is None:
            # What is being fetched may be older than these: they need a look of their own.
            self.left[lease] = _ids(events)
            return 0
        try:
            result = HANDLERS[events[-1].type](self.billing, thing, events)
            self._finish(events, result)
            if result.state is EventState.APPLIED:
                self.seen.add(thing)
        except (AccountGone, NotConnected) as error:
            # Where it is still live, nobody could tell whether it is the account or our key that is refused.
            gone = self.billing.connection.live() is None
            self._finish(events, NOT_CONNECTED) if gone else self._failed(events, error.message)
        except BillingError as error:
            self._failed(events, error.message)
        except Exception:
            log.exception("Applying event %s failed", events[-1].event_id)
            self._failed(events, BROKEN)
        finally:
            ledger.release(lease, self.holder)
        return len(events)

    def _failed(self, events: Sequence[StoredEvent], reason: str) -> None:
        now = self.inbox.clock.now()
        for attempts, same in _by(lambda event: event.attempts, events).items():
            wait = min(LONGEST_WAIT, timedelta(seconds=15 * 2 ** min(attempts, 12)))
            retry_at = now + wait if attempts + 1 < MOST_ATTEMPTS else None
            self._finish(same, Result(EventState.FAILED, reason, None, retry_at))

    def _finish(self, events: Sequence[StoredEvent], result: Result) -> None:
        self.inbox.shared.finish_events(_ids(events), result, self.inbox.clock.now())


def thing_of(event: StoredEvent, invoices: Mapping[str, str]) -> Thing:
    """What an event is about, as far as it is applied together with others."""
    if event.invoice_id:
        return Thing("invoice", event.invoice_id)
    if event.type in PAYMENT and event.payment_intent:
        known = invoices.get(event.payment_intent)
        return Thing("invoice", known) if known else Thing("payment", event.payment_intent)
    return Thing("other", event.object_id) if event.object_id else Thing("event", event.event_id)


def _says_more(kind: str) -> bool:
    """Whether it tells of something that a look at the invoice alone may not have shown."""
    return kind in HAPPENINGS or kind.startswith(MONEY_BACK)


def _by(key: Callable[[Value], Key], values: Iterable[Value]) -> dict[Key, list[Value]]:
    """In the order in which they come."""
    found: dict[Key, list[Value]] = {}
    for value in values:
        found.setdefault(key(value), []).append(value)
    return found


def _ids(events: Iterable[StoredEvent]) -> list[int]:
    return [event.id for event in events]
