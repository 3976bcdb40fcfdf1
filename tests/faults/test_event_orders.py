"""Events of one invoice's life in every order, twice, late, and while somebody else is asking: the end is right, no
status goes back, and each notice goes out once. On PostgreSQL."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_crm_stripe.adapters.sqlalchemy.upgrade import upgrade
from tests.faults.event_world import DEEDS, EventWorld, never_back
from tests.support.postgres import Postgres

NAMES = itertools.count(1)


@pytest.fixture(scope="module")
def engine(postgres: Postgres) -> Iterator[sa.Engine]:
    """One database; each example has a business, an account and an invoice of its own in it."""
    name = postgres.create()
    made = sa.create_engine(postgres.url(name))
    upgrade(made)
    yield made
    made.dispose()
    postgres.drop(name)


def right(world: EventWorld) -> None:
    """All that is promised."""
    world.settle()
    ours, theirs = world.now(), world.there()
    assert (ours.status, ours.amount_paid) == (theirs["status"], theirs["amount_paid"])
    assert never_back(world.seen), world.seen
    assert world.billing().ledger.events.counts() == {"waiting": 0, "failed": 0}
    mails = Counter(mail.subject for mail in world.mailbox.mails)
    charges = world.fake.world.store(world.account)["charge"].values()
    succeeded, failed = (sum(each["status"] == word for each in charges) for word in ("succeeded", "failed"))
    assert sum(count for subject, count in mails.items() if subject.endswith("is paid")) == succeeded
    # Stripe forgets a failure when a later attempt succeeds, so one that nobody asked about in time is not heard of.
    assert sum(count for subject, count in mails.items() if subject.startswith("A payment failed")) <= failed
    keys = [payload["key"] for name, payload in world.heard.signals if name.startswith("payment_")]
    assert len(set(keys)) == len(keys)


def world_of(engine: sa.Engine) -> EventWorld:
    """A business that nobody has used."""
    return EventWorld(engine, f"business {next(NAMES)}")


def five(world: EventWorld) -> list[dict[str, Any]]:
    """A life: finalised, a failed attempt, paid; five of its events."""
    for deed in ("finalise", "fail", "pay"):
        world.do(deed)
    wanted = ("invoice.finalized", "invoice.payment_failed", "payment_intent.succeeded", "invoice_payment.paid")
    chosen = [next(each for each in world.events() if each["type"] == kind) for kind in (*wanted, "invoice.paid")]
    assert len(chosen) == 5
    return chosen


@pytest.mark.parametrize("first", range(5))
def test_every_order_of_five_events(engine: sa.Engine, first: int) -> None:
    """All hundred and twenty, each event twice: after the whole of it, one by one."""
    for rest in itertools.permutations([number for number in range(5) if number != first]):
        world = world_of(engine)
        events = five(world)
        for number in (first, *rest, first):
            world.deliver(events[number])
            world.deliver(events[number])
        right(world)


LIVES = st.lists(st.sampled_from(sorted(DEEDS)), min_size=1, max_size=4)
MOVES = st.lists(st.one_of(st.just("go on"), st.integers(0, 11)), max_size=14)


@settings(max_examples=30)
@given(life=LIVES, moves=MOVES, late=st.randoms(use_true_random=False))
def test_events_while_the_invoice_lives_on(engine: sa.Engine, life: list[str], moves: list[object], late: Any) -> None:
    """Stripe goes on between deliveries; what has not come by then comes in any order, and some of it twice."""
    world, left = world_of(engine), ["finalise", *life]
    for move in moves:
        if move == "go on":
            if left:
                world.do(left.pop(0))
        elif there := world.events():
            world.deliver(there[int(str(move)) % len(there)])
    for deed in left:
        world.do(deed)
    rest = world.events()
    late.shuffle(rest)
    for event in [*rest, *rest[:2]]:
        world.deliver(event)
    right(world)


@settings(max_examples=25)
@given(
    life=st.lists(st.sampled_from(["pay", "void", "give_up", "fail"]), min_size=1, max_size=2),
    held_at=st.integers(0, 2),
    behind=st.sampled_from([0, 5, 3600]),
)
def test_an_answer_that_is_held_over_the_next_change(
    engine: sa.Engine, life: list[str], held_at: int, behind: int
) -> None:
    """A worker asks Stripe and hangs; its lease runs out, the invoice goes on, another worker, whose clock is behind,
    applies that; then the first one wakes up with its old answer."""
    world = world_of(engine)
    world.do("finalise")
    for deed in life[:held_at]:
        world.do(deed)
    behind_worker = hold_next_answer(world, life[held_at:], behind)
    for event in world.events():
        world.inbox.receive(world.read(event))
    world.sweep()
    assert behind_worker, "no answer was held"
    right(world)


def hold_next_answer(world: EventWorld, rest: list[str], behind: int) -> list[str]:
    """The next time that the invoice is asked for, everything else happens before the answer arrives; what is given
    back is filled then."""
    held: list[str] = []

    def hold(path: str) -> None:
        if held or path != f"/v1/invoices/{world.invoice.stripe_id}":
            return
        held.append(path)
        before = {event["id"] for event in world.events()}
        for deed in rest:
            world.do(deed)
        other = world.another_worker(behind)
        expire_leases(world)
        for event in world.events():
            if event["id"] not in before:
                other.receive(world.read(event))
        world.sweep(other)

    world.answered = hold
    return held


def expire_leases(world: EventWorld) -> None:
    """As if a minute had passed for everybody."""
    with world.engine.begin() as connection:
        connection.execute(sa.text("UPDATE crm_stripe_lease SET expires_at = '2020-01-01T00:00:00Z'"))
