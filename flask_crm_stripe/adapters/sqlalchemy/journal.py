"""The journal of calls that change something at Stripe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database
from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.journal import Outcome, Step

T = tables.journal


@dataclass(frozen=True)
class SqlJournal:
    """``ports.ledger.JournalStore``."""

    business: str
    database: Database

    def last(self, subject: str, name: str, books: Books | None = None) -> Step | None:
        """The newest attempt of this step."""
        mine = self._of(subject).where(T.c.name == name)
        if books is not None:
            mine = mine.where(T.c.account_id == books[0], T.c.livemode == books[1])
        with self.database.reading() as connection:
            row = connection.execute(mine.order_by(T.c.row.desc()).limit(1)).first()
        return _step_of(row) if row is not None else None

    def start(
        self,
        subject: str,
        name: str,
        generation: int,
        key: str,
        request_hash: str,
        now: datetime,
        *,
        account_id: str = "",
        livemode: bool = False,
    ) -> Step:
        """Written before the call."""
        values = {
            "business": self.business,
            "account_id": account_id,
            "livemode": livemode,
            "subject": subject,
            "name": name,
            "generation": generation,
            "key": key,
            "request_hash": request_hash,
            "started_at": now,
            "outcome": Outcome.OPEN.value,
        }
        with self.database.at_once() as connection:
            inserted = connection.execute(sa.insert(T).values(**values)).inserted_primary_key
        return Step(inserted[0] if inserted else 0, subject, name, generation, key, request_hash, now)

    def finish(
        self,
        step_id: int,
        outcome: Outcome,
        now: datetime,
        *,
        result_id: str | None = None,
        request_id: str | None = None,
        error: str | None = None,
    ) -> None:
        """Written after it. Raises ``NotFound``."""
        values = {
            "outcome": outcome.value,
            "finished_at": now,
            "result_id": result_id,
            "request_id": request_id,
            "error": error,
        }
        with self.database.at_once() as connection:
            mine = (T.c.business == self.business, T.c.row == step_id)
            if connection.execute(sa.update(T).where(*mine).values(**values)).rowcount != 1:
                raise NotFound("step")

    def steps(self, subject: str) -> list[Step]:
        """Oldest first."""
        with self.database.reading() as connection:
            return [_step_of(row) for row in connection.execute(self._of(subject).order_by(T.c.row))]

    def _of(self, subject: str) -> sa.Select[Any]:
        return sa.select(T).where(T.c.business == self.business, T.c.subject == subject)


def _step_of(row: sa.Row[Any]) -> Step:
    return Step(
        id=row.row,
        subject=row.subject,
        name=row.name,
        generation=row.generation,
        key=row.key,
        request_hash=row.request_hash,
        started_at=row.started_at,
        outcome=Outcome(row.outcome),
        finished_at=row.finished_at,
        result_id=row.result_id,
        request_id=row.request_id,
        error=row.error,
    )
