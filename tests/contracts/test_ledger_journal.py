"""Journal, log, settings and leases, on every implementation of the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.journal import Outcome
from tests.contracts.ledger_worlds import NOW, OUR_ACCOUNT, Ledgers, later


def test_a_step_is_open_until_it_is_finished(ledgers: Ledgers) -> None:
    """What was written before the call is there if the process dies; what comes after completes it."""
    journal = ledgers.ours.journal
    step = journal.start("invoice:1", "create", 1, "key-1", "hash", NOW, account_id=OUR_ACCOUNT, livemode=False)
    assert (step.outcome, step.started_at) == (Outcome.OPEN, NOW)
    assert journal.last("invoice:1", "create") == step
    journal.finish(step.id, Outcome.DONE, later(1), result_id="in_1", request_id="req_1")
    done = replace(step, outcome=Outcome.DONE, finished_at=later(1), result_id="in_1", request_id="req_1")
    assert journal.last("invoice:1", "create") == done


def test_attempts_stand_in_their_order(ledgers: Ledgers) -> None:
    """The newest attempt of a step is the last one, whatever other steps and subjects do."""
    journal = ledgers.ours.journal
    first = journal.start("invoice:1", "create", 1, "key-1", "hash", NOW)
    journal.finish(first.id, Outcome.FAILED, NOW, error="Stripe answered 500.")
    second = journal.start("invoice:1", "create", 2, "key-2", "hash", NOW)
    filled = journal.start("invoice:1", "fill", 1, "key-3", "hash", NOW)
    journal.start("invoice:2", "create", 1, "key-4", "hash", NOW)
    assert journal.last("invoice:1", "create") == second
    assert [step.id for step in journal.steps("invoice:1")] == [first.id, second.id, filled.id]
    assert journal.steps("invoice:1")[0].error == "Stripe answered 500."
    assert journal.last("invoice:1", "send") is None


def test_attempts_on_one_account_say_nothing_of_another(ledgers: Ledgers) -> None:
    """The business changed its account, or went live: what was asked over there was not asked here."""
    journal, steps = ledgers.ours.journal, {}
    for books in ((OUR_ACCOUNT, False), (OUR_ACCOUNT, True), ("acct_new", False)):
        account, livemode = books
        step = journal.start("service:1", "create", 1, "k", "hash", NOW, account_id=account, livemode=livemode)
        steps[books] = step
    for books, step in steps.items():
        assert journal.last("service:1", "create", books) == step
    assert journal.last("service:1", "create") == step
    assert journal.last("service:1", "create", ("acct_third", False)) is None
    assert ledgers.theirs.journal.last("service:1", "create", (OUR_ACCOUNT, False)) is None


def test_a_step_of_another_business_does_not_exist(ledgers: Ledgers) -> None:
    """Neither to read nor to finish."""
    step = ledgers.ours.journal.start("invoice:1", "create", 1, "key-1", "hash", NOW)
    assert ledgers.theirs.journal.steps("invoice:1") == []
    with pytest.raises(NotFound):
        ledgers.theirs.journal.finish(step.id, Outcome.DONE, NOW)
    assert ledgers.ours.journal.steps("invoice:1") == [step]


def test_settings_are_kept_one_by_one(ledgers: Ledgers) -> None:
    """Saving some leaves the others and the other business alone."""
    ledgers.ours.settings.save({"days_until_due": "14", "delivery": "mail"}, "ines", NOW)
    ledgers.theirs.settings.save({"days_until_due": "30"}, "li", NOW)
    ledgers.ours.settings.save({"days_until_due": "21"}, "omar", later(5))
    ledgers.ours.settings.save({}, "omar", later(6))
    assert ledgers.ours.settings.all() == {"days_until_due": "21", "delivery": "mail"}
    assert ledgers.theirs.settings.all() == {"days_until_due": "30"}
    assert ledgers.shared.for_business("third").settings.all() == {}


def test_a_lease_is_held_by_one(ledgers: Ledgers) -> None:
    """Another holder waits until it has run out or is given back; the other business has its own."""
    assert ledgers.ours.lease("invoice:1", "a", NOW, 60) is not None
    assert ledgers.ours.lease("invoice:1", "b", later(59), 60) is None
    assert ledgers.theirs.lease("invoice:1", "b", NOW, 60) is not None
    assert ledgers.ours.lease("invoice:2", "b", NOW, 60) is not None
    ledgers.ours.release("invoice:1", "b")
    assert ledgers.ours.lease("invoice:1", "b", later(59), 60) is None
    ledgers.ours.release("invoice:1", "a")
    assert ledgers.ours.lease("invoice:1", "b", later(59), 60) is not None


def test_the_fencing_number_grows_when_a_lease_changes_hands(ledgers: Ledgers) -> None:
    """Who was too slow can be told from who holds it now; making it last longer keeps the number."""
    first = ledgers.ours.lease("sweep", "a", NOW, 60)
    longer = ledgers.ours.lease("sweep", "a", later(30), 60)
    assert ledgers.ours.lease("sweep", "b", later(89), 60) is None
    second = ledgers.ours.lease("sweep", "b", later(90), 60)
    ledgers.ours.release("sweep", "b")
    third = ledgers.ours.lease("sweep", "a", later(91), 60)
    again = ledgers.ours.lease("sweep", "a", later(999), 60)
    ledgers.theirs.release("sweep", "a")
    assert (first, longer, second, third, again) == (1, 1, 2, 3, 4)
    assert ledgers.ours.lease("sweep", "b", later(1000), 60) is None
