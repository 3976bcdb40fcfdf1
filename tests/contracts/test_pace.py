"""Turns at Stripe, handed out by every implementation: evenly, each once, to all who ask."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker

from flask_crm_stripe.adapters.sqlalchemy.database import Database
from flask_crm_stripe.adapters.sqlalchemy.pace import SqlPace
from flask_crm_stripe.ports.runtime import Pace
from flask_crm_stripe.testing.memory.pace import MemoryPace

SLOW = 0.01
"""Turns a second: so few that the time which the test itself takes is nothing beside them."""


TRANSACTION = "a host's own transaction"
for_many = pytest.mark.parametrize("pace", ["memory", "sqlite", "postgresql"], indirect=True)
"""All but the one whose connection is for one thread."""


@pytest.fixture(params=["memory", "sqlite", "postgresql", TRANSACTION])
def pace(request: pytest.FixtureRequest) -> Iterator[Pace]:
    """Nobody has taken a turn."""
    if request.param == "memory":
        yield MemoryPace()
        return
    engine: sa.Engine = request.getfixturevalue("sqlite_engine" if request.param == "sqlite" else "postgres_engine")
    if request.param == TRANSACTION:
        with engine.connect() as connection:
            yield SqlPace(Database(sessionmaker(connection, join_transaction_mode="create_savepoint")))
        return
    yield SqlPace(Database(sessionmaker(engine)))


def test_turns_are_spread_evenly(pace: Pace) -> None:
    """The first at once, each later one a step later; another name has turns of its own."""
    waits = [pace.take("acct_1 all", SLOW) for _ in range(4)]
    assert waits == pytest.approx([0, 100, 200, 300], abs=5)
    assert pace.take("acct_2 all", SLOW) == 0


@for_many
def test_a_turn_is_for_one(pace: Pace) -> None:
    """Also where sixteen ask at the same moment."""
    with ThreadPoolExecutor(16) as pool:
        waits = sorted(pool.map(lambda _: pace.take("acct_1 all", SLOW), range(32)))
    assert waits == pytest.approx([100 * number for number in range(32)], abs=20)
