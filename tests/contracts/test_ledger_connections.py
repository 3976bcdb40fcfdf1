"""Connections and consents, on every implementation of the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.errors import AccountTaken, Conflict, NotFound
from flask_crm_stripe.model.connection import AccountChoices, Connection, ConnectionState, Consent, Ending, TaxSettings
from flask_crm_stripe.model.notices import Notice
from flask_crm_stripe.ports.ledger import Ledger
from tests.contracts.ledger_worlds import (
    NOW,
    OUR_ACCOUNT,
    THEIR_ACCOUNT,
    Ledgers,
    account,
    event,
    grant,
    later,
)


def notice(key: str) -> Notice:
    """What the admins are told."""
    return Notice(key, "ended", NOW, {"account": "Harbour & Pine"})


def connect(ledger: Ledger, id: str = OUR_ACCOUNT, livemode: bool = False, seconds: float = 0) -> Connection:
    """A confirmed connection."""
    granted = grant(id, livemode, access_token="sk_canary")
    pending = ledger.connections.add_pending(granted, account(id), "print", "ines", later(seconds))
    return ledger.connections.confirm(pending.id, "omar", later(seconds + 1))


def test_a_pending_connection_is_not_used_for_anything(ledgers: Ledgers) -> None:
    """What came back from Stripe is remembered whole, and neither live nor the latest, until a person confirms it."""
    pending = ledgers.ours.connections.add_pending(grant(), account(), "print", "ines", NOW)
    assert (pending.state, pending.business, pending.account) == (ConnectionState.PENDING, "ours", account())
    assert ledgers.ours.connections.get(pending.id) == pending
    assert ledgers.ours.connections.live(False) is None
    assert ledgers.ours.connections.latest(False) is None
    assert ledgers.shared.live_connection(OUR_ACCOUNT, False) is None
    assert ledgers.theirs.connections.get(pending.id) is None


def test_confirming_makes_it_live_for_this_business_and_mode_only(ledgers: Ledgers) -> None:
    """The live connection is found by business and by account, in its own mode, and by nobody else."""
    live = connect(ledgers.ours)
    assert (live.state, live.connected_by, live.connected_at) == (ConnectionState.LIVE, "omar", later(1))
    assert ledgers.ours.connections.live(False) == live
    assert ledgers.shared.live_connection(OUR_ACCOUNT, False) == live
    assert ledgers.ours.connections.live(True) is None
    assert ledgers.shared.live_connection(OUR_ACCOUNT, True) is None
    assert ledgers.theirs.connections.live(False) is None
    assert ledgers.shared.live_connections() == [live]


def test_a_newer_pending_one_drops_the_older_of_the_same_mode(ledgers: Ledgers) -> None:
    """Only the last return from Stripe can be confirmed; the other mode and the other business keep theirs."""
    first = ledgers.ours.connections.add_pending(grant(), account(), "print", "ines", NOW)
    other_mode = ledgers.ours.connections.add_pending(grant(livemode=True), account(), "print", "ines", NOW)
    theirs = ledgers.theirs.connections.add_pending(grant(THEIR_ACCOUNT), account(THEIR_ACCOUNT), "print", "li", NOW)
    second = ledgers.ours.connections.add_pending(grant("acct_new"), account("acct_new"), "print", "ines", NOW)
    assert ledgers.shared.dropped(False, NOW) == [replace(first, state=ConnectionState.DROPPED)]
    assert ledgers.shared.dropped(True, NOW) == []
    assert ledgers.ours.connections.get(other_mode.id) == other_mode
    assert ledgers.ours.connections.get(second.id) == second
    assert ledgers.theirs.connections.get(theirs.id) == theirs


def test_an_account_that_is_live_elsewhere_is_refused(ledgers: Ledgers) -> None:
    """One account and mode has one live business; what was tried stays pending, and may be dropped."""
    theirs = connect(ledgers.theirs)
    pending = ledgers.ours.connections.add_pending(grant(), account(), "print", "ines", NOW)
    with pytest.raises(AccountTaken):
        ledgers.ours.connections.confirm(pending.id, "ines", NOW)
    assert ledgers.shared.live_connection(OUR_ACCOUNT, False) == theirs
    assert not ledgers.theirs.connections.drop_pending(pending.id)
    assert ledgers.ours.connections.drop_pending(pending.id)
    assert not ledgers.ours.connections.drop_pending(pending.id)
    dropped = replace(pending, state=ConnectionState.DROPPED)
    assert ledgers.shared.dropped(False, NOW) == [dropped]
    with pytest.raises(Conflict):
        ledgers.ours.connections.confirm(pending.id, "ines", NOW)


def test_what_was_dropped_is_no_history_and_forgotten_when_given_back(ledgers: Ledgers) -> None:
    """It never was live. One that nobody decided about in time is dropped, too."""
    pending = ledgers.ours.connections.add_pending(grant(), account(), "print", "ines", NOW)
    assert ledgers.shared.is_wanted(OUR_ACCOUNT, False)
    assert not ledgers.shared.is_wanted(OUR_ACCOUNT, True)
    assert ledgers.shared.dropped(False, NOW) == []
    assert [each.id for each in ledgers.shared.dropped(False, later(1))] == [pending.id]
    assert not ledgers.shared.is_wanted(OUR_ACCOUNT, False)
    ours = ledgers.ours.connections
    assert (ours.latest(False), ours.of((OUR_ACCOUNT, False)), ours.history()) == (None, None, [])
    assert ledgers.shared.businesses() == []
    ledgers.theirs.connections.forget_dropped(pending.id)
    assert ledgers.shared.dropped(False, NOW)
    ours.forget_dropped(pending.id)
    assert ours.get(pending.id) is None
    live = connect(ledgers.ours)
    ours.forget_dropped(live.id)
    assert ledgers.shared.is_wanted(OUR_ACCOUNT, False)
    assert ours.live(False) == live


def test_a_change_is_unfinished_until_all_of_it_is_done(ledgers: Ledgers) -> None:
    """Whatever became of its connection meanwhile."""
    first = connect(ledgers.ours)
    pending = ledgers.ours.connections.add_pending(grant("acct_new"), account("acct_new"), "print", "ines", NOW)
    live = ledgers.ours.connections.confirm(pending.id, "ines", NOW, AccountChoices(first.id))
    assert ledgers.ours.connections.unfinished_changes() == [live]
    assert ledgers.theirs.connections.unfinished_changes() == []
    ended = ledgers.ours.connections.end(live.id, "ines", Ending.GONE, "gone", NOW, notice("ended"))
    assert ledgers.ours.connections.unfinished_changes() == [ended]
    ledgers.ours.connections.changed(live.id, later(5))
    assert ledgers.ours.connections.unfinished_changes() == []


def test_the_other_mode_of_an_account_may_belong_to_another_business(ledgers: Ledgers) -> None:
    """Test mode and live mode are never mixed: they are two connections."""
    test, live = connect(ledgers.ours, livemode=False), connect(ledgers.theirs, livemode=True)
    assert ledgers.shared.live_connections() == [test, live]
    assert ledgers.shared.live_connection(OUR_ACCOUNT, True) == live


def test_a_second_account_is_refused_while_one_is_live(ledgers: Ledgers) -> None:
    """A change of account is a deed of its own: disconnect first."""
    live = connect(ledgers.ours)
    pending = ledgers.ours.connections.add_pending(grant("acct_new"), account("acct_new"), "print", "ines", NOW)
    with pytest.raises(Conflict, match="another Stripe account"):
        ledgers.ours.connections.confirm(pending.id, "ines", NOW)
    assert ledgers.ours.connections.live(False) == live


def test_connecting_the_same_account_again_replaces_the_live_connection(ledgers: Ledgers) -> None:
    """The older row ends, so that history says who connected when; the newer one is live."""
    first = connect(ledgers.ours)
    second = connect(ledgers.ours, seconds=10)
    ended = ledgers.ours.connections.get(first.id)
    assert ended is not None
    assert (ended.state, ended.ended_at, ended.ended_by) == (ConnectionState.ENDED, later(11), "omar")
    assert ledgers.ours.connections.live(False) == second
    assert ledgers.ours.connections.latest(False) == second


def test_what_is_not_pending_or_not_ours_cannot_be_confirmed(ledgers: Ledgers) -> None:
    """A second press, another business's row and an unknown id are refused, and nothing changes."""
    live = connect(ledgers.ours)
    theirs = ledgers.theirs.connections.add_pending(grant(THEIR_ACCOUNT), account(THEIR_ACCOUNT), "print", "li", NOW)
    with pytest.raises(Conflict, match="already"):
        ledgers.ours.connections.confirm(live.id, "ines", NOW)
    for unknown in (theirs.id, "nothing"):
        with pytest.raises(NotFound):
            ledgers.ours.connections.confirm(unknown, "ines", NOW)
    ledgers.ours.connections.drop_pending(theirs.id)
    ledgers.ours.connections.drop_pending(live.id)
    assert ledgers.theirs.connections.get(theirs.id) == theirs
    assert ledgers.ours.connections.live(False) == live


def test_ending_keeps_the_history_and_frees_the_account(ledgers: Ledgers) -> None:
    """An ended connection stays the latest, ends once, and another business may take the account."""
    live = connect(ledgers.ours)
    assert ledgers.theirs.connections.end(live.id, "li", Ending.GONE, "stolen", NOW, notice("stolen")) is None
    assert ledgers.ours.connections.live(False) == live
    ended = ledgers.ours.connections.end(live.id, "ines", Ending.DISCONNECTED, "moved", later(60), notice("ended"))
    assert ledgers.ours.connections.end(live.id, "omar", Ending.GONE, "again", later(90), notice("again")) is None
    latest = ledgers.ours.connections.latest(False)
    assert latest is not None
    assert (latest.state, latest.ended_by, latest.ended_reason) == (ConnectionState.ENDED, "ines", "moved")
    assert (latest.ended_at, latest.ending, latest) == (later(60), Ending.DISCONNECTED, ended)
    assert [each.key for each in ledgers.ours.notices.untold()] == ["ended"]
    assert ledgers.theirs.notices.untold() == []
    assert ledgers.ours.connections.live(False) is None
    assert connect(ledgers.theirs).business == "theirs"


def test_refreshing_stores_what_stripe_says_of_the_account(ledgers: Ledgers) -> None:
    """Only ours, and only about the same account."""
    live = connect(ledgers.ours)
    news = account(charges_enabled=False, requirements=("individual.address",), checked_at=later(5))
    assert not ledgers.theirs.connections.refresh(live.id, account(name="Stolen"))
    assert not ledgers.ours.connections.refresh(live.id, account("acct_other", name="Wrong"))
    assert ledgers.ours.connections.refresh(live.id, news)
    assert ledgers.ours.connections.get(live.id) == replace(live, account=news)
    assert not ledgers.ours.connections.refresh(live.id, account(checked_at=later(4))), "an older look"
    assert ledgers.ours.connections.get(live.id) == replace(live, account=news)


def test_all_that_stripe_says_of_an_account_is_kept(ledgers: Ledgers) -> None:
    """Requirements of three kinds, capabilities, currencies, Stripe Tax."""
    whole = account(
        requirements=("a",),
        upcoming=("b", "c"),
        verifying=("d",),
        capabilities={"card_payments": "active", "transfers": "pending"},
        currencies=("eur", "usd"),
        tax=TaxSettings("pending", ("head_office",)),
        requirements_deadline=later(1000),
        disabled_reason="requirements.past_due",
        checked_at=later(5),
    )
    live = connect(ledgers.ours)
    ledgers.ours.connections.refresh(live.id, whole)
    found = ledgers.ours.connections.get(live.id)
    assert found is not None
    assert found.account == whole


def test_whoever_wants_to_disconnect_is_remembered_until_it_is_done_or_refused(ledgers: Ledgers) -> None:
    """Whoever then finds the account gone, the wish and its reason stand there."""
    live = connect(ledgers.ours)
    ledgers.theirs.connections.leave(live.id, "li", "stolen")
    ledgers.ours.connections.leave(live.id, "ines", "another bank")
    found = ledgers.ours.connections.live(False)
    assert found is not None
    assert (found.leaving_by, found.leaving_reason) == ("ines", "another bank")
    ledgers.ours.connections.stay(live.id)
    assert ledgers.ours.connections.live(False) == live
    ledgers.ours.connections.leave(live.id, "ines", "another bank")
    ended = ledgers.ours.connections.end(live.id, "system", Ending.GONE, "gone", later(9), notice("ended"))
    assert ended is not None
    assert (ended.ended_by, ended.ended_reason, ended.ending) == ("ines", "another bank", Ending.DISCONNECTED)
    ledgers.ours.connections.leave(live.id, "omar", "too late")
    assert ledgers.ours.connections.get(live.id) == ended


def test_a_rejected_account_is_rejected_whoever_wanted_to_leave(ledgers: Ledgers) -> None:
    """What Stripe did stands beside what the person wanted."""
    live = connect(ledgers.ours)
    ended = ledgers.ours.connections.end(live.id, "system", Ending.REJECTED, "fraud", later(9), notice("ended"))
    assert ended is not None
    assert (ended.ending, ended.ended_by) == (Ending.REJECTED, "system")


def test_another_account_replaces_the_one_that_the_person_saw(ledgers: Ledgers) -> None:
    """In one moment; what was chosen is kept until it is all done. Another one than was seen is not replaced."""
    before, theirs = connect(ledgers.ours), connect(ledgers.theirs, THEIR_ACCOUNT)
    pending = ledgers.ours.connections.add_pending(grant("acct_new"), account("acct_new"), "print", "ines", NOW)
    with pytest.raises(Conflict):
        ledgers.ours.connections.confirm(pending.id, "ines", later(5), AccountChoices("another"))
    choices = AccountChoices(before.id, {"organization:7": "cus_1"}, {"2": "prod_1"}, free_drafts=True)
    live = ledgers.ours.connections.confirm(pending.id, "ines", later(5), choices)
    assert (live.change, live.changed_at) == (choices, None)
    assert ledgers.ours.connections.live(False) == live
    ended = ledgers.ours.connections.get(before.id)
    assert ended is not None
    assert (ended.ending, ended.ended_by, ended.ended_at) == (Ending.REPLACED, "ines", later(5))
    ledgers.theirs.connections.changed(live.id, later(6))
    ledgers.ours.connections.changed(live.id, later(7))
    found = ledgers.ours.connections.live(False)
    assert found is not None
    assert found.changed_at == later(7)
    assert ledgers.theirs.connections.live(False) == theirs


def test_each_account_and_mode_has_its_newest_connection(ledgers: Ledgers) -> None:
    """For history that stays readable: pending ones are no history."""
    old = connect(ledgers.ours)
    again = connect(ledgers.ours, seconds=10)
    ledgers.ours.connections.end(again.id, "ines", Ending.DISCONNECTED, "moved", later(20), notice("1"))
    other = connect(ledgers.ours, "acct_new", seconds=30)
    test_and_live = connect(ledgers.ours, "acct_new", livemode=True, seconds=40)
    connect(ledgers.theirs, THEIR_ACCOUNT)
    ledgers.ours.connections.add_pending(grant("acct_third"), account("acct_third"), "print", "ines", later(50))
    found = ledgers.ours.connections.history()
    assert [each.id for each in found] == [test_and_live.id, other.id, again.id]
    newest = ledgers.ours.connections.of((OUR_ACCOUNT, False))
    assert newest is not None
    assert newest.id == again.id != old.id
    assert ledgers.ours.connections.of((OUR_ACCOUNT, True)) is None
    assert ledgers.ours.connections.of(("acct_third", False)) is None
    assert ledgers.theirs.connections.of(("acct_new", False)) is None


def test_a_connection_knows_when_news_last_came(ledgers: Ledgers) -> None:
    """The time of the newest event of its own account and mode."""
    connect(ledgers.ours)
    theirs = connect(ledgers.theirs, THEIR_ACCOUNT)
    ledgers.shared.take_in(event("evt_1"), later(10))
    ledgers.shared.take_in(event("evt_2"), later(20))
    ledgers.shared.take_in(event("evt_3", livemode=True), later(30))
    live = ledgers.ours.connections.live(False)
    assert live is not None
    assert live.last_event_at == later(20)
    assert ledgers.theirs.connections.live(False) == theirs


def test_a_consent_is_claimed_once_and_in_time(ledgers: Ledgers) -> None:
    """A replayed, an unknown and an expired return from Stripe get nothing."""
    ours = Consent("ours", "ines", "login-1", False, later(900))
    theirs = Consent("theirs", "li", "login-2", True, later(60))
    ledgers.shared.start_consent("hash-1", ours, NOW)
    ledgers.shared.start_consent("hash-2", theirs, NOW)
    assert ledgers.shared.claim_consent("hash-1", later(899)) == ours
    assert ledgers.shared.claim_consent("hash-1", later(899)) is None
    assert ledgers.shared.claim_consent("hash-2", later(60)) is None
    assert ledgers.shared.claim_consent("hash-2", later(59)) == theirs
    assert ledgers.shared.claim_consent("unknown", NOW) is None
    with pytest.raises(Conflict):
        ledgers.shared.start_consent("hash-1", ours, NOW)
