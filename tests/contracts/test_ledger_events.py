"""The inbox, the outbox and the installation, on every implementation of the ledger."""

from __future__ import annotations

import pytest

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.events import EventState, StoredEvent
from flask_crm_stripe.testing.memory_ledger import MemorySharedLedger
from tests.contracts.ledger_worlds import HOME, NOW, OUR_ACCOUNT, THEIR_ACCOUNT, Ledgers, event, later


def store(ledgers: Ledgers, id: str, business: str = "ours", seconds: float = 0) -> int:
    """An event that was not there before."""
    account_id = OUR_ACCOUNT if business == "ours" else THEIR_ACCOUNT
    row = ledgers.shared.store_event(business, event(id, account_id), later(seconds))
    assert row is not None
    return row


def test_an_event_is_stored_once_per_account_and_mode(ledgers: Ledgers) -> None:
    """Stripe delivers the same event again and again; ids repeat only across accounts and modes."""
    row = store(ledgers, "evt_1")
    assert ledgers.shared.store_event("ours", event("evt_1"), later(9)) is None
    assert ledgers.shared.store_event("ours", event("evt_1", livemode=True), NOW) is not None
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
    )
    assert ledgers.shared.event(row) == ledgers.ours.events.get(row)
    assert ledgers.theirs.events.get(row) is None
    assert ledgers.shared.event(row + 1000) is None


def test_due_events_come_oldest_first(ledgers: Ledgers) -> None:
    """Of all businesses, those whose time has come, no more than asked for."""
    rows = [store(ledgers, "evt_1"), store(ledgers, "evt_2", "theirs"), store(ledgers, "evt_3")]
    store(ledgers, "evt_4", seconds=60)
    assert [each.id for each in ledgers.shared.due_events(NOW)] == rows
    assert [each.id for each in ledgers.shared.due_events(NOW, limit=2)] == rows[:2]
    assert [each.id for each in ledgers.shared.due_events(NOW, limit=2, after=rows[0])] == rows[1:]


def test_a_failed_attempt_waits_for_its_time(ledgers: Ledgers) -> None:
    """It counts, keeps the reason, and is due again when said; without a time it has failed for good."""
    row = store(ledgers, "evt_1")
    theirs = store(ledgers, "evt_2", "theirs")
    failed = EventState.FAILED
    ledgers.shared.finish_event(row, failed, NOW, reason="Stripe isn't answering.", retry_at=later(60))
    waiting = ledgers.ours.events.get(row)
    assert waiting is not None
    assert (waiting.state, waiting.attempts, waiting.retry_at) == (EventState.WAITING, 1, later(60))
    assert waiting.reason == "Stripe isn't answering."
    assert [each.id for each in ledgers.shared.due_events(later(59))] == [theirs]
    assert [each.id for each in ledgers.shared.due_events(later(60))] == [row, theirs]
    ledgers.shared.finish_event(row, failed, later(60), reason="Given up.")
    given_up = ledgers.ours.events.get(row)
    assert given_up is not None
    assert (given_up.state, given_up.attempts, given_up.retry_at) == (failed, 2, None)


def test_applied_and_ignored_events_are_done(ledgers: Ledgers) -> None:
    """They are due no more, and only what was applied has a time of it."""
    applied, ignored = store(ledgers, "evt_1"), store(ledgers, "evt_2", "theirs")
    ledgers.shared.finish_event(applied, EventState.APPLIED, later(5))
    ledgers.shared.finish_event(ignored, EventState.IGNORED, later(5), reason="Not about billing.")
    first, second = ledgers.shared.event(applied), ledgers.shared.event(ignored)
    assert first is not None
    assert second is not None
    assert (first.state, first.applied_at, first.attempts) == (EventState.APPLIED, later(5), 1)
    assert (second.state, second.applied_at, second.reason) == (EventState.IGNORED, None, "Not about billing.")
    assert ledgers.shared.due_events(later(999)) == []


def test_an_event_can_be_tried_again_by_its_own_business(ledgers: Ledgers) -> None:
    """Back to waiting, due now."""
    row = store(ledgers, "evt_1")
    ledgers.shared.finish_event(row, EventState.FAILED, NOW, reason="Given up.")
    with pytest.raises(NotFound):
        ledgers.theirs.events.retry(row, NOW)
    assert ledgers.shared.due_events(later(99)) == []
    ledgers.ours.events.retry(row, later(60))
    again = ledgers.ours.events.get(row)
    assert again is not None
    assert (again.state, again.retry_at, again.reason, again.attempts) == (EventState.WAITING, later(60), None, 1)
    assert [each.id for each in ledgers.shared.due_events(later(60))] == [row]


def test_each_business_sees_and_counts_its_own(ledgers: Ledgers) -> None:
    """Pages by state, newest first; counts of what is not done; when news last came."""
    rows = [store(ledgers, f"evt_{number}", seconds=number) for number in range(4)]
    store(ledgers, "evt_9", "theirs", seconds=99)
    ledgers.shared.finish_event(rows[0], EventState.APPLIED, NOW)
    ledgers.shared.finish_event(rows[1], EventState.FAILED, NOW)
    assert [each.id for each in ledgers.ours.events.page().rows] == rows[::-1]
    assert [each.id for each in ledgers.ours.events.page("waiting").rows] == [rows[3], rows[2]]
    older = ledgers.ours.events.page(limit=3).older
    assert [each.id for each in ledgers.ours.events.page("", older, 3).rows] == [rows[0]]
    assert ledgers.ours.events.counts() == {"waiting": 2, "failed": 1}
    assert ledgers.theirs.events.counts() == {"waiting": 1, "failed": 0}
    assert ledgers.ours.events.last_received() == later(3)
    assert ledgers.shared.for_business("third").events.last_received() is None


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
