"""The moments at which a process can die: before and after each call to Stripe, and each thing that is stored.

Nobody lists them: they are found where the code under test goes by, at the SDK's transport and at the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy.host import WRITES
from flask_crm_stripe.adapters.stripe.client import StraightClient
from tests.faults.scenes import ID

WROTE = "crash_points.wrote"


@dataclass
class Points:
    """Counts what goes by. ``die`` is called at the n-th (from 0), before or after the thing itself is done."""

    at: int | None = None
    die: Callable[[], object] = int
    passed: list[str] = field(default_factory=list)

    def begin(self, at: int | None, die: Callable[[], object]) -> None:
        """From here on."""
        self.at, self.die = at, die
        self.passed.clear()

    def reached(self, what: str) -> None:
        """One more."""
        self.passed.append(what)
        if len(self.passed) - 1 == self.at:
            self.die()


class WatchedLine(StraightClient):
    """The SDK's transport as we use it, with a point before a request leaves and after its answer came."""

    def __init__(self, points: Points, **options: Any) -> None:
        super().__init__(**options)
        self.points = points

    def request(  # type: ignore[override]  # as the SDK's own
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One request. Where no answer comes there is no point after it."""
        call = f"{method.upper()} {ID.sub('*', urlsplit(url).path)}"
        self.points.reached(f"before {call}")
        answer = super().request(method, url, headers, post_data)
        self.points.reached(f"after {call}")
        return answer


def watch(engine: sa.Engine, points: Points) -> None:
    """A point before and after each commit, and each writing statement that is a transaction of its own. What only read
    leaves nothing behind, so nothing is different before and after it."""
    committing: list[str] = []

    def executing(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if not WRITES.match(statement):
            return
        if alone(connection):
            points.reached(f"before {words(statement)}")
        else:
            connection.info.setdefault(WROTE, []).append(words(statement))

    def executed(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if WRITES.match(statement) and alone(connection):
            points.reached(f"after {words(statement)}")

    def commits(connection: sa.Connection) -> None:
        if wrote := connection.info.pop(WROTE, None):
            committing.append(f"commit of {', '.join(dict.fromkeys(wrote))}")
            points.reached(f"before {committing[-1]}")

    def rolls_back(connection: sa.Connection) -> None:
        connection.info.pop(WROTE, None)

    def do_commit(connection: Any) -> None:
        behind(connection)
        while committing:
            points.reached(f"after {committing.pop()}")

    listeners: dict[str, Callable[..., None]] = {
        "before_cursor_execute": executing,
        "after_cursor_execute": executed,
        "commit": commits,
        "rollback": rolls_back,
    }
    for name, listener in listeners.items():
        sa.event.listen(engine, name, listener)
    # SQLAlchemy has no event for what is after a commit.
    behind = engine.dialect.do_commit
    engine.dialect.do_commit = do_commit  # type: ignore[assignment,method-assign]


def alone(connection: sa.Connection) -> bool:
    """Whether each statement is a transaction of its own."""
    return connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"


def words(statement: str) -> str:
    """What a statement writes to, short."""
    verb, *rest = statement.replace('"', "").split()
    table = next((word for word in rest if word.upper() not in ("INTO", "FROM", "ONLY")), "")
    return f"{verb.lower()} {table.removeprefix('crm_stripe_')}"
