"""Turns, handed out by the database: the one thing that all processes of a CRM have in common."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database

T = tables.pace
TAKE = """
INSERT INTO crm_stripe_pace AS turn (name, free_at)
VALUES (%(name)s, extract(epoch FROM clock_timestamp()) + %(step)s)
ON CONFLICT (name) DO UPDATE SET free_at = greatest(turn.free_at, extract(epoch FROM clock_timestamp())) + %(step)s
RETURNING free_at - %(step)s - extract(epoch FROM clock_timestamp())
"""
"""The database's own clock, for those of machines differ; read when the row is ours, not when the statement began."""


@dataclass(frozen=True)
class SqlPace:
    """``ports.runtime.Pace``. One short statement for each turn."""

    database: Database

    def take(self, name: str, per_second: float) -> float:
        """Seconds until the turn, 0 or more."""
        given = {"name": name, "step": 1 / per_second}
        with self.database.driver() as driver:
            if driver is not None:
                driver.cursor.execute(TAKE, given)
                return max(0.0, float(driver.cursor.fetchone()[0]))
        with self.database.at_once() as connection:
            if connection.dialect.name == "postgresql":
                text = sa.text(TAKE.replace("%(name)s", ":name").replace("%(step)s", ":step"))
                return max(0.0, float(connection.execute(text, given).scalar_one()))
            return _on_sqlite(connection, name, 1 / per_second)


def _on_sqlite(connection: sa.Connection, name: str, step: float) -> float:
    now: Any = time.time()  # SQLite is on one machine.
    first = sqlite.insert(T).values(name=name, free_at=now + step)
    later = sa.func.max(T.c.free_at, now) + step
    taken = first.on_conflict_do_update(index_elements=["name"], set_={"free_at": later})
    free_at: float = connection.execute(taken.returning(T.c.free_at)).scalar_one()
    return max(0.0, free_at - step - float(now))
