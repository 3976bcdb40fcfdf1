"""Whether news arrives, what never did, how long it is kept, and how a contact is forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from flask_crm_stripe.core.feed import Trouble, is_silent
from flask_crm_stripe.errors import InvalidInput, NotPermitted, Unreachable
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.events import EventState, IncomingEvent, StoredEvent
from flask_crm_stripe.model.invoices import Invoice
from tests.core.records import NOON
from tests.core.samples import ZONEN
from tests.core.world import ELSEWHERE, World

VIEWER = Actor("5", "Vera", ["view"], session="login-5")


def told(world: World, invoice: Invoice, *kinds: str, first: int = 1) -> list[IncomingEvent]:
    """Events at Stripe, which never came."""
    shop = world.shops["hp"]
    events = [world.event(invoice, kind, number) for number, kind in enumerate(kinds, first)]
    shop.events.extend(events)
    return events


def kinds(troubles: Iterable[Trouble]) -> list[str]:
    """What is wrong, in a word each."""
    return [trouble.kind for trouble in troubles]


def test_what_never_came_is_found_and_applied_once(connected: World) -> None:
    """A second run finds nothing; what came by itself is not found; the other business is not asked."""
    invoice, shop = connected.generate(), connected.shops["hp"]
    shop.pay(invoice.stripe_id or "")
    first, *_ = told(connected, invoice, "invoice.finalized", "invoice.sent", "invoice.paid", "invoice.updated")
    connected.inbox.receive(first)
    result = connected.billing().feed.catch_up()
    assert (result.found, result.requests) == (3, lists(connected))
    connected.inbox.sweep()
    assert connected.billing().invoicing.get(invoice.id).status == "paid"
    again = connected.billing().feed.catch_up()
    assert again.found == 0
    assert connected.heard.names().count("payment_succeeded") == 1
    assert [event.caught_up for event in connected.billing().ledger.events.page().rows] == [True, True, True, False]
    assert all(call.method != "list_events" for call in connected.shops["kestrel"].calls)


def test_a_list_that_breaks_off_is_read_from_the_same_place_again(connected: World) -> None:
    """What was found is kept, and nothing is skipped."""
    invoice, shop = connected.generate(), connected.shops["hp"]
    told(connected, invoice, *["invoice.updated"] * 5)
    shop.fail_next("list_events", Unreachable("No answer."))
    with pytest.raises(Unreachable):
        connected.billing().feed.catch_up()
    books = connected.billing().connection.books()
    assert connected.billing().ledger.events.caught_up(books) is None
    assert connected.billing().feed.catch_up().found == 5
    known = connected.billing().ledger.events.caught_up(books)
    assert known is not None
    assert known.found == 5


def test_stripe_is_asked_for_no_more_than_it_keeps(connected: World) -> None:
    """Thirty days; then from a little before the last time."""
    shop = connected.shops["hp"]
    connected.clock.advance(days=100)
    connected.billing().feed.catch_up()
    [since, *_] = [call.request[1] for call in shop.calls if call.method == "list_events"]
    assert connected.clock.time - since < timedelta(days=30, minutes=1)  # type: ignore[operator]
    connected.clock.advance(days=2)
    connected.billing().feed.catch_up()
    [*_, since] = [call.request[1] for call in shop.calls if call.method == "list_events"]
    assert timedelta(days=2) < connected.clock.time - since < timedelta(days=2, hours=2)  # type: ignore[operator]


@pytest.mark.parametrize(("hours", "down", "asked"), [(2, False, 0), (2, True, 1), (0.5, True, 0), (25, False, 1)])
def test_upkeep_catches_up_daily_and_after_a_downtime(connected: World, hours: float, down: bool, asked: int) -> None:
    """And not in between: what Stripe may be asked is counted."""
    connected.upkeep.round()
    steps = int(hours * 6)
    if down:
        connected.clock.advance(hours=hours)
    else:
        for _ in range(steps):
            connected.clock.advance(minutes=10)
            connected.upkeep.round()
    before = lists(connected)
    connected.upkeep.round()
    total = lists(connected) if down else before + (lists(connected) - before)
    assert (total > 0) == bool(asked)


def lists(world: World) -> int:
    """How often Stripe's list was read."""
    return sum(call.method == "list_events" for call in world.shops["hp"].calls)


def test_one_worker_catches_up_at_a_time_and_none_in_a_copy(connected: World) -> None:
    """Its lease is given back, also where Stripe does not answer."""
    connected.clock.advance(days=2)
    ledger = connected.billing().ledger
    ledger.lease("catch-up", "somebody", connected.clock.now(), 600)
    connected.upkeep.round()
    assert lists(connected) == 0
    ledger.release("catch-up", "somebody")
    connected.here = ELSEWHERE
    connected.upkeep.round()
    assert lists(connected) == 0
    connected.here = "host.database.key"
    connected.shops["hp"].fail_next("list_events", Unreachable("No answer."))
    connected.upkeep.round()
    connected.upkeep.round()
    assert lists(connected) == 3, "one that broke off, and two lists of types"


def test_a_backlog_is_said(connected: World) -> None:
    """Events come in and nobody applies them: how many, since when, and what to do."""
    invoice = connected.generate()
    connected.inbox.receive(connected.event(invoice))
    assert connected.billing().feed.troubles() == []
    connected.clock.advance(minutes=12)
    [trouble] = connected.billing().feed.troubles()
    assert (trouble.kind, trouble.how) == ("backlog", "problem")
    assert trouble.words.startswith("1 events wait, the oldest for 12 minutes: no worker seems to be running.")
    assert connected.billing("kestrel").feed.troubles() == []
    connected.inbox.sweep()
    assert connected.billing().feed.troubles() == []


def test_a_silence_that_is_not_usual_is_said_and_makes_us_look(connected: World) -> None:
    """Only where enough came to know what is usual, and while the account is connected."""
    invoice = connected.generate()
    for number in range(12):
        connected.clock.advance(hours=20)
        connected.inbox.receive(connected.event(invoice, number=number))
        connected.inbox.sweep()
    assert connected.billing().feed.troubles() == []
    connected.billing().feed.catch_up()
    connected.clock.advance(hours=42)
    assert kinds(connected.billing().feed.troubles()) == ["silence"]
    assert connected.billing().feed.is_due(after_downtime=False)
    connected.billing().disconnection.carry_out("Another bank")
    assert connected.billing().feed.troubles() == []


@pytest.mark.parametrize(
    ("gaps", "since", "silent"),
    [([1] * 20, 25, True), ([1] * 20, 23, False), ([40] * 10, 79, False), ([40] * 10, 81, True), ([1] * 5, 900, False)],
)
def test_what_is_longer_than_usual(gaps: list[int], since: int, silent: bool) -> None:
    """Twice the longest gap, a day at least, and not from a handful of events. In hours."""
    times: list[datetime] = [NOON]
    for gap in gaps:
        times.append(times[-1] - timedelta(hours=gap))
    assert is_silent(times, NOON + timedelta(hours=since)) is silent


def test_bodies_go_as_it_was_set_and_what_was_applied_is_remembered(connected: World) -> None:
    """A body for ten days, the row for thirty-five: an event that comes again after eleven days is known."""
    invoice = connected.generate()
    event = connected.event(invoice)
    connected.inbox.receive(event)
    connected.inbox.sweep()
    connected.billing().settings.save_event_days("10")
    [row] = connected.billing().ledger.events.page().rows
    connected.clock.advance(days=11)
    connected.upkeep.round()
    assert connected.billing().ledger.events.body(row.id) is None
    assert connected.inbox.receive(event).why == "known"
    connected.clock.advance(days=25)
    connected.upkeep.round()
    assert connected.billing().ledger.events.page().rows == ()


def test_what_waits_is_never_let_go(connected: World) -> None:
    """However old it is."""
    connected.inbox.receive(connected.event(connected.generate()))
    connected.clock.advance(days=400)
    connected.billing().feed.prune()
    [row] = connected.billing().ledger.events.page().rows
    assert row.state is EventState.WAITING
    assert connected.billing().ledger.events.body(row.id) is not None


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "3651", "9" * 5000, "soon", "²"])
def test_days_that_are_none(connected: World, text: str) -> None:
    """The error names the field and says what to write."""
    with pytest.raises(InvalidInput, match="from 1 to 3650") as caught:
        connected.billing().settings.save_event_days(text)
    assert caught.value.field == "event_days"
    with pytest.raises(NotPermitted):
        connected.billing(actor=VIEWER).settings.save_event_days("10")


def test_a_contact_is_forgotten_in_events(connected: World) -> None:
    """Bodies, and whom they were about; sums and invoices stay, and it is said how many. Nobody else's are touched."""
    invoice = connected.generate()
    customer = next(iter(connected.shops["hp"].customers))
    about = replace(connected.event(invoice), customer_id=customer, body=b'{"name": "Zonen"}')
    other = replace(connected.event(invoice, number=2), customer_id="cus_other")
    for event in (about, other):
        connected.inbox.receive(event)
    connected.inbox.sweep()
    with pytest.raises(NotPermitted):
        connected.billing(actor=VIEWER).feed.forget(ZONEN.ref)
    erased = connected.billing().feed.forget(ZONEN.ref)
    assert (erased.events, erased.invoices) == (1, 1)
    bodies = {row.event_id: connected.billing().ledger.events.body(row.id) for row in rows(connected)}
    assert bodies == {"evt_1": None, "evt_2": b"{}"}
    assert connected.billing().feed.forget(ContactRef("organization", "nobody")).events == 0
    assert connected.billing().invoicing.get(invoice.id).total == invoice.total


def rows(world: World) -> Iterable[StoredEvent]:
    """What is stored."""
    return world.billing().ledger.events.page().rows
