"""Names of people, kept apart from what they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_or_update

T = tables.person


@dataclass(frozen=True)
class SqlPeople:
    """``ports.ledger.PeopleStore``."""

    business: str
    database: Database

    def remember(self, ref: str, name: str, now: datetime) -> None:
        """Keep the name. Mostly it is known: then no write lock is taken."""
        if self.names([ref]).get(ref) == name:
            return
        with self.database.writing() as connection:
            place = {"business": self.business, "ref": ref}
            insert_or_update(connection, T, place, {"name": name, "seen_at": now})

    def names(self, refs: Sequence[str]) -> dict[str, str]:
        """Name by ref, in one query; none where nobody is asked for."""
        wanted = sorted(set(refs))
        if not wanted:
            return {}
        with self.database.reading() as connection:
            mine = sa.select(T.c.ref, T.c.name).where(T.c.business == self.business, T.c.ref.in_(wanted))
            return {row.ref: row.name for row in connection.execute(mine)}

    def refs(self) -> dict[str, str]:
        """Everybody who is known, name by ref."""
        with self.database.reading() as connection:
            mine = sa.select(T.c.ref, T.c.name).where(T.c.business == self.business).order_by(T.c.name)
            return {row.ref: row.name for row in connection.execute(mine)}

    def forget(self, ref: str) -> bool:
        """Erase the name."""
        with self.database.writing() as connection:
            mine = sa.delete(T).where(T.c.business == self.business, T.c.ref == ref)
            return connection.execute(mine).rowcount == 1
