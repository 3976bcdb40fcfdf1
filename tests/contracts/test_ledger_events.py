"""The inbox, the outbox and the installation, on every implementation of the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.connection import Ending
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
from flask_crm_stripe.testing.memory_ledger import MemorySharedLedger
from tests.contracts.ledger_worlds import HOME, NOW, OUR_ACCOUNT, THEIR_ACCOUNT, Ledgers, event, later
from tests.contracts.test_ledger_connections import connect, notice


def store(ledgers: Ledgers, id: str, business: str = "ours", seconds: float = 0, **changes: Any) -> int:
    """An event that came in."""
    account_id = OUR_ACCOUNT if business == "ours" else THEIR_ACCOUNT
    taken = ledgers.shared.take_in(event(id, account_id, **changes), later(seconds))
    assert taken.business == business
    assert taken.row is not None
    return taken.row


@pytest.fixture
def ledgers(ledgers: Ledgers) -> Ledgers:
    """Both businesses are connected."""
    connect(ledgers.ours)
    connect(ledgers.theirs, THEIR_ACCOUNT)
    return ledgers


def ids(events: Iterable[StoredEvent]) -> list[int]:
    """Their rows."""
    return [each.id for each in events]


def test_an_event_is_stored_once_for_whoever_has_the_account(ledgers: Ledgers) -> None:
    """Stripe delivers the same event again and again; ids repeat only across accounts and modes."""
    row = store(ledgers, "evt_1", payment_intent="pi_1")
    assert ledgers.shared.take_in(event("evt_1"), later(9)) == Intake("ours", None)
    assert store(ledgers, "evt_1", "theirs") != row
    assert ledgers.ours.events.get(row) == StoredEvent(
        id=row,
        business="ours",
        account_id=OUR_ACCOUNT,
        livemode=False,
        event_id="evt_1",
        type="invoice.paid",
        object_id="in_1",
        object_type="invoice",
        invoice_id="in_1",
        created=later(-5),
        received_at=NOW,
        state=EventState.WAITING,
        retry_at=NOW,
        payment_intent="pi_1",
    )
    assert ledgers.shared.event(row) == ledgers.ours.events.get(row)
    assert ledgers.theirs.events.get(row) is None
    assert ledgers.shared.event(row + 1000) is None


@pytest.mark.parametrize("foreign", [event("evt_1", "acct_nobody"), event("evt_1", livemode=True), event("evt_1", "")])
def test_what_belongs_to_nobody_here_is_not_stored(ledgers: Ledgers, foreign: IncomingEvent) -> None:
    """Another account, the other mode, the platform's own."""
    assert ledgers.shared.take_in(foreign, NOW) == Intake(None, None)
    assert ledgers.ours.events.page().rows == ledgers.theirs.events.page().rows == ()
    live = ledgers.ours.connections.live(False)
    assert live is not None
    ledgers.ours.connections.end(live.id, "ines", Ending.DISCONNECTED, "over", NOW, notice("ended"))
    assert ledgers.shared.take_in(event("evt_2"), NOW) == Intake(None, None)


def test_what_stripe_did_not_bring_is_kept_once_too(ledgers: Ledgers) -> None:
    """Found in its own list; one that came by itself is not kept again, nor the other way round."""
    row = ledgers.ours.events.keep(event("evt_1"), NOW)
    assert row is not None
    found = ledgers.ours.events.get(row)
    assert found is not None
    assert found.caught_up
    assert ledgers.ours.events.keep(event("evt_1"), NOW) is None
    assert ledgers.shared.take_in(event("evt_1"), NOW) == Intake("ours", None)
    store(ledgers, "evt_2")
    assert ledgers.ours.events.keep(event("evt_2"), NOW) is None
    known = ledgers.ours.events.known((OUR_ACCOUNT, False), ["evt_1", "evt_2", "evt_3"])
    assert known == {"evt_1", "evt_2"}
    assert ledgers.ours.events.known((OUR_ACCOUNT, True), ["evt_1"]) == set()


def test_strays_are_counted_within_a_cap(ledgers: Ledgers) -> None:
    """By account and mode, with the first, the last and what it was; no stranger can fill the table."""
    for number in range(3):
        ledgers.shared.count_stray(event(f"evt_{number}", "acct_old", type="invoice.paid"), later(number))
    ledgers.shared.count_stray(event("evt_9", "acct_old", livemode=True), later(9))
    assert ledgers.ours.events.strays(("acct_old", False)) == Strays(
        "acct_old", False, 3, NOW, later(2), "invoice.paid"
    )
    assert ledgers.ours.events.strays(("acct_new", False)) is None
    assert [(each.account_id, each.livemode, each.count) for each in ledgers.shared.all_strays()] == [
        ("acct_old", True, 1),
        ("acct_old", False, 3),
    ]
    for number in range(120):
        ledgers.shared.count_stray(event("evt_1", f"acct_{number}"), NOW)
    assert len(ledgers.shared.all_strays()) == 100
    ledgers.shared.count_stray(event("evt_1", "acct_old"), NOW)
    known = ledgers.ours.events.strays(("acct_old", False))
    assert known is not None
    assert known.count == 4


def test_how_far_an_account_was_caught_up_with_never_goes_back(ledgers: Ledgers) -> None:
    """Whoever comes late with less."""
    books = (OUR_ACCOUNT, False)
    assert ledgers.ours.events.caught_up(books) is None
    ledgers.ours.events.note_caught_up(books, CatchUp(later(50), later(60), 3, 2))
    assert ledgers.ours.events.caught_up(books) == CatchUp(later(50), later(60), 3, 2)
    ledgers.ours.events.note_caught_up(books, CatchUp(later(40), later(61), 1, 0))
    assert ledgers.ours.events.caught_up(books) == CatchUp(later(50), later(61), 1, 0)
    ledgers.shared.count_stray(event("evt_1"), NOW)
    assert ledgers.ours.events.caught_up(books) == CatchUp(later(50), later(61), 1, 0)
    assert [each.count for each in ledgers.shared.all_strays()] == [1]
    assert ledgers.ours.events.caught_up((OUR_ACCOUNT, True)) is None


def test_due_events_are_claimed_oldest_first(ledgers: Ledgers) -> None:
    """Of all businesses, those whose time has come, no more than asked for; for one worker until its claim ends."""
    rows = [store(ledgers, "evt_1"), store(ledgers, "evt_2", "theirs"), store(ledgers, "evt_3")]
    late = store(ledgers, "evt_4", seconds=60)
    claimed = ledgers.shared.claim_events(NOW, 2, later(30))
    assert ids(claimed) == rows[:2]
    assert {each.retry_at for each in claimed} == {later(30)}
    assert ids(ledgers.shared.claim_events(later(29), 9, later(50))) == rows[2:]
    assert ids(ledgers.shared.claim_events(later(29), 9, later(50))) == []
    assert ids(ledgers.shared.claim_events(later(60), 9, later(90))) == [*rows, late]
    ledgers.shared.postpone_events(rows, later(70))
    assert ids(ledgers.shared.claim_events(later(70), 9, later(90))) == rows


def test_an_event_can_be_due_later_or_not_at_all(ledgers: Ledgers) -> None:
    """One that shall wait for its like is due when it is said; one that nobody needs is ignored from the start."""
    settling = ledgers.shared.take_in(event("evt_1"), NOW, later(1)).row
    unneeded = ledgers.shared.take_in(event("evt_2"), NOW, later(1), "Not about billing.").row
    assert ids(ledgers.shared.claim_events(NOW, 9, later(60))) == []
    assert ids(ledgers.shared.claim_events(later(1), 9, later(60))) == [settling]
    ignored = ledgers.ours.events.get(unneeded or 0)
    assert ignored is not None
    assert (ignored.state, ignored.reason, ignored.retry_at) == (EventState.IGNORED, "Not about billing.", None)


def test_what_is_about_the_same_invoice_comes_along(ledgers: Ledgers) -> None:
    """What is due soon, and what is due but beyond the limit: one look serves them all. What another worker has, or is
    about another invoice, does not."""
    first, alike, other = (
        ledgers.shared.take_in(event(f"evt_{number}", invoice_id=invoice), NOW, later(number)).row
        for number, invoice in ((1, "in_1"), (2, "in_1"), (3, "in_2"))
    )
    assert ids(ledgers.shared.claim_events(later(1), 9, later(60), later(1))) == [first]
    ledgers.shared.postpone_events([first or 0], later(1))
    assert ids(ledgers.shared.claim_events(later(1), 9, later(60), later(2))) == [first, alike]
    ledgers.shared.postpone_events([first or 0, alike or 0], later(1))
    assert ids(ledgers.shared.claim_events(later(3), 1, later(60), later(3))) == [first, alike]
    assert ids(ledgers.shared.claim_events(later(3), 9, later(60), later(9))) == [other]


def test_a_failed_attempt_waits_for_its_time(ledgers: Ledgers) -> None:
    """It counts, keeps the reason, and is due again when said; without a time it has failed for good."""
    row, theirs = store(ledgers, "evt_1"), store(ledgers, "evt_2", "theirs")
    failed = EventState.FAILED
    ledgers.shared.finish_events([row], Result(failed, "Stripe isn't answering.", None, later(60)), NOW)
    waiting = ledgers.ours.events.get(row)
    assert waiting is not None
    assert (waiting.state, waiting.attempts, waiting.retry_at) == (EventState.WAITING, 1, later(60))
    assert waiting.reason == "Stripe isn't answering."
    assert ids(ledgers.shared.claim_events(later(59), 9, later(60))) == [theirs]
    assert ids(ledgers.shared.claim_events(later(60), 9, later(61))) == [row, theirs]
    ledgers.shared.finish_events([row], Result(failed, "Given up."), later(60))
    given_up = ledgers.ours.events.get(row)
    assert given_up is not None
    assert (given_up.state, given_up.attempts, given_up.retry_at) == (failed, 2, None)


def test_applied_and_ignored_events_are_done(ledgers: Ledgers) -> None:
    """They are due no more, and only what was applied has a time of it; both say what came of them."""
    applied, ignored = store(ledgers, "evt_1"), store(ledgers, "evt_2", "theirs")
    ledgers.shared.finish_events([applied], Result(EventState.APPLIED, changed="invoice 1 open paid"), later(5))
    ledgers.shared.finish_events([ignored, 9999], Result(EventState.IGNORED, "Not about billing."), later(5))
    first, second = ledgers.shared.event(applied), ledgers.shared.event(ignored)
    assert first is not None
    assert second is not None
    assert (first.state, first.applied_at, first.attempts) == (EventState.APPLIED, later(5), 1)
    assert first.changed == "invoice 1 open paid"
    assert (second.state, second.applied_at, second.reason) == (EventState.IGNORED, None, "Not about billing.")
    assert ids(ledgers.shared.claim_events(later(999), 9, later(999))) == []
    ledgers.shared.postpone_events([applied], later(1))
    assert ids(ledgers.shared.claim_events(later(999), 9, later(999))) == []


def test_events_can_be_tried_again_by_their_own_business(ledgers: Ledgers) -> None:
    """Back to waiting, due now, with all its attempts before it."""
    row = store(ledgers, "evt_1")
    ledgers.shared.finish_events([row], Result(EventState.FAILED, "Given up."), NOW)
    assert ledgers.theirs.events.retry([row], NOW) == 0
    assert ids(ledgers.shared.claim_events(later(99), 9, later(99))) == []
    assert ledgers.ours.events.retry([row, 9999], later(60)) == 1
    again = ledgers.ours.events.get(row)
    assert again is not None
    assert (again.state, again.retry_at, again.reason, again.attempts) == (EventState.WAITING, later(60), None, 0)
    assert ids(ledgers.shared.claim_events(later(60), 9, later(61))) == [row]


def test_each_business_sees_and_counts_its_own(ledgers: Ledgers) -> None:
    """Pages newest first; counts of what is not done; when news last came, and since when something waits."""
    rows = [store(ledgers, f"evt_{number}", seconds=number) for number in range(4)]
    store(ledgers, "evt_9", "theirs", seconds=99)
    ledgers.ours.events.keep(event("evt_10"), later(200))
    ledgers.shared.finish_events([rows[0]], Result(EventState.APPLIED), NOW)
    ledgers.shared.finish_events([rows[1]], Result(EventState.FAILED), NOW)
    first = ledgers.ours.events.page(limit=4)
    assert ids(first.rows)[1:] == [rows[3], rows[2], rows[1]]
    assert ids(ledgers.ours.events.page(EventFilter(), first.older, 3).rows) == [rows[0]]
    assert ledgers.ours.events.counts() == {"waiting": 3, "failed": 1}
    assert ledgers.theirs.events.counts() == {"waiting": 1, "failed": 0}
    assert ledgers.ours.events.waiting_since() == later(2)
    assert ledgers.ours.events.received() == [later(3)]
    assert ledgers.ours.events.received(3) == [later(3), later(2), later(1)]
    third = ledgers.shared.for_business("third").events
    assert (third.received(), third.waiting_since()) == ([], None)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (EventFilter(state="waiting"), [3, 1]),
        (EventFilter(type="invoice.sent"), [2]),
        (EventFilter(text="evt_1"), [1]),
        (EventFilter(text="in_3"), [3]),
        (EventFilter(text="in_"), []),
        (EventFilter(since=later(2), until=later(3)), [2]),
        (EventFilter(state="applied", type="invoice.paid"), []),
    ],
)
def test_events_are_found(ledgers: Ledgers, wanted: EventFilter, numbers: list[int]) -> None:
    """By state, type, their own id or that of what they are about, and time."""
    kinds = {1: "invoice.paid", 2: "invoice.sent", 3: "invoice.voided"}
    rows = {
        number: store(ledgers, f"evt_{number}", seconds=number, type=kind, object_id=f"in_{number}")
        for number, kind in kinds.items()
    }
    store(ledgers, "evt_1", "theirs")
    ledgers.shared.finish_events([rows[2]], Result(EventState.APPLIED), NOW)
    assert ids(ledgers.ours.events.page(wanted).rows) == [rows[number] for number in numbers]


def test_a_body_is_there_until_it_is_erased(ledgers: Ledgers) -> None:
    """For its own business; erased by customer, with what says whose it was."""
    row = store(ledgers, "evt_1", customer_id="cus_1", body=b'{"name": "Ada"}')
    other = store(ledgers, "evt_2", customer_id="cus_2")
    theirs = store(ledgers, "evt_3", "theirs", customer_id="cus_1")
    assert ledgers.ours.events.body(row) == b'{"name": "Ada"}'
    with pytest.raises(NotFound):
        ledgers.theirs.events.body(row)
    assert ledgers.ours.events.erase(["cus_1"]) == 1
    assert ledgers.ours.events.erase(["cus_1"]) == 0
    assert ledgers.ours.events.body(row) is None
    assert ledgers.ours.events.body(other) is not None
    assert ledgers.theirs.events.body(theirs) is not None
    assert ledgers.shared.take_in(event("evt_1"), NOW) == Intake("ours", None), "it is remembered all the same"


def test_old_events_lose_their_bodies_and_then_go(ledgers: Ledgers) -> None:
    """Some at a time, only what is done, each business by its own setting."""
    rows = [store(ledgers, f"evt_{number}", seconds=number) for number in range(5)]
    theirs = store(ledgers, "evt_1", "theirs")
    waiting, *done = rows
    ledgers.shared.finish_events([*done, theirs], Result(EventState.APPLIED), NOW)
    assert ledgers.ours.events.prune(later(4), later(2), 1) == (1, 1)
    assert ledgers.ours.events.prune(later(4), later(2), 9) == (1, 0)
    assert ledgers.ours.events.prune(later(4), later(2), 9) == (0, 0)
    assert ids(ledgers.ours.events.page().rows) == [rows[4], rows[3], rows[2], waiting]
    bodies = [ledgers.ours.events.body(row) is not None for row in (waiting, *rows[2:])]
    assert bodies == [True, False, False, True]
    assert ledgers.theirs.events.body(theirs) is not None


def note(ledgers: Ledgers, business: str, ref: str) -> None:
    """A note, as the host's session writes it."""
    if ledgers.engine is None:
        assert isinstance(ledgers.shared, MemorySharedLedger)
        ledgers.shared.note(business, "service", ref)
        return
    with ledgers.engine.begin() as connection:
        connection.execute(tables.outbox.insert().values(business=business, kind="service", ref=ref))


def test_the_outbox_is_drained_oldest_first(ledgers: Ledgers) -> None:
    """Notes of all businesses, doubles too; only what was read is forgotten, and no number is given out twice."""
    for business, ref in (("ours", "1"), ("theirs", "1"), ("ours", "1"), ("*", "*")):
        note(ledgers, business, ref)
    notes = ledgers.shared.outbox()
    assert [(each.business, each.kind, each.ref) for each in notes] == [
        ("ours", "service", "1"),
        ("theirs", "service", "1"),
        ("ours", "service", "1"),
        ("*", "service", "*"),
    ]
    assert ledgers.shared.outbox(limit=2) == notes[:2]
    assert ledgers.shared.outbox(limit=2, after=notes[1].id) == notes[2:]
    ledgers.shared.clear_outbox([each.id for each in notes])
    ledgers.shared.clear_outbox([])
    note(ledgers, "ours", "2")
    ledgers.shared.clear_outbox([each.id for each in notes])
    assert [each.ref for each in ledgers.shared.outbox()] == ["2"]


def test_the_installation_has_one_id(ledgers: Ledgers) -> None:
    """Made once, the same for all businesses."""
    first = ledgers.shared.installation(HOME, NOW)
    assert len(first.id) == 32
    assert ledgers.shared.installation(HOME, NOW) == first
