"""Calls that are done once, whatever an earlier attempt left behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.core.journal import Journal
from flask_crm_stripe.errors import ProviderError, ProviderFailed, RateLimited, Refused, Unreachable
from flask_crm_stripe.model.journal import Outcome
from flask_crm_stripe.testing.memory_provider import MemoryAnswer
from tests.core.world import World

DONE = MemoryAnswer("in_1", "req_1")


class Calls:
    """Counts what goes out and what is looked up."""

    def __init__(self, world: World, found: MemoryAnswer | None = None) -> None:
        self.journal = Journal(world.billing().ledger.journal, world.clock, "acct_hp", livemode=False)
        self.store = world.billing().ledger.journal
        self.keys: list[str] = []
        self.looks = 0
        self.found = found

    def run(self, error: ProviderError | None = None, request: object = "same", look: bool = True) -> MemoryAnswer:
        def do(key: str) -> MemoryAnswer:
            self.keys.append(key)
            if error:
                raise error
            return DONE

        def find() -> MemoryAnswer | None:
            self.looks += 1
            return self.found

        return self.journal.call("invoice:1", "create", request, do, find if look else None)


def test_a_first_call_is_written_before_and_after(world: World) -> None:
    """With its key, and with Stripe's request id."""
    calls = Calls(world)
    assert calls.run() == DONE
    (step,) = calls.store.steps("invoice:1")
    assert (step.outcome, step.key, step.result_id, step.request_id) == (Outcome.DONE, calls.keys[0], "in_1", "req_1")
    assert calls.looks == 0


def test_an_attempt_on_another_account_is_none(world: World) -> None:
    """Its answer was lost over there: nothing is looked for here, and its row is left alone."""
    before = Calls(world)
    with pytest.raises(Unreachable):
        before.run(Unreachable("No answer."))
    here = Calls(world)
    here.journal = replace(here.journal, account_id="acct_new")
    assert here.run() == DONE
    assert here.looks == 0
    assert [step.outcome for step in here.store.steps("invoice:1")] == [Outcome.UNKNOWN, Outcome.DONE]


@pytest.mark.parametrize(
    ("error", "outcome", "looks", "same_key"),
    [
        (Unreachable("No answer."), Outcome.UNKNOWN, 1, True),
        (ProviderFailed("Broken."), Outcome.FAILED, 1, False),
        (RateLimited("Later."), Outcome.NOT_DONE, 0, True),
        (Refused("No."), Outcome.REFUSED, 0, False),
    ],
)
def test_what_went_before_decides_the_next_attempt(
    world: World, error: ProviderError, outcome: Outcome, looks: int, same_key: bool
) -> None:
    """Look where it may have been done; a new key where Stripe would replay the failure."""
    calls = Calls(world)
    with pytest.raises(type(error)):
        calls.run(error)
    assert calls.store.last("invoice:1", "create").outcome is outcome  # type: ignore[union-attr]
    assert calls.run() == DONE
    assert calls.looks == looks
    assert (calls.keys[0] == calls.keys[1]) is same_key


def test_what_is_found_is_adopted_and_nothing_goes_out(world: World) -> None:
    """Stripe had done it; only the answer was lost."""
    calls = Calls(world, found=DONE)
    with pytest.raises(Unreachable):
        calls.run(Unreachable("No answer."))
    assert calls.run() == DONE
    assert len(calls.keys) == 1
    assert calls.store.last("invoice:1", "create").outcome is Outcome.DONE  # type: ignore[union-attr]


def test_a_process_that_died_after_the_answer_finds_it_again(world: World) -> None:
    """The step is done, what came after it is not."""
    calls = Calls(world, found=DONE)
    calls.run()
    assert calls.run() == DONE
    assert (len(calls.keys), calls.looks) == (1, 1)


def test_a_call_that_may_be_repeated_needs_no_look(world: World) -> None:
    """Updates: the same again under a new key."""
    calls = Calls(world)
    calls.run(look=False)
    calls.run(look=False)
    assert len(set(calls.keys)) == 2


def test_another_request_never_uses_an_old_key(world: World) -> None:
    """Stripe refuses a key with other parameters."""
    calls = Calls(world)
    with pytest.raises(RateLimited):
        calls.run(RateLimited("Later."))
    calls.run(request="changed")
    assert calls.keys[0] != calls.keys[1]
    assert all(len(key) <= 255 for key in calls.keys)
