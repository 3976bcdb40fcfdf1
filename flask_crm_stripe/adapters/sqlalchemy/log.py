"""The access and action log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database
from flask_crm_stripe.adapters.sqlalchemy.paging import fetch_page
from flask_crm_stripe.model.events import LogEntry
from flask_crm_stripe.model.paging import Page

T = tables.log


@dataclass(frozen=True)
class SqlLog:
    """``ports.ledger.LogStore``."""

    business: str
    database: Database

    def add(self, entry: LogEntry) -> None:
        """One more line."""
        values = {
            "business": self.business,
            "at": entry.at,
            "actor": entry.actor,
            "action": entry.action,
            "target": entry.target,
            "outcome": entry.outcome,
            "reason": entry.reason,
            "address": entry.address,
            "request_id": entry.request_id,
        }
        with self.database.writing() as connection:
            connection.execute(sa.insert(T).values(**values))

    def page(self, cursor: str | None = None, limit: int = 50) -> Page[LogEntry]:
        """Newest first."""
        with self.database.reading() as connection:
            mine = sa.select(T).where(T.c.business == self.business)
            return fetch_page(connection, mine, T.c.row, cursor, limit, _entry_of)


def _entry_of(row: sa.Row[Any]) -> LogEntry:
    return LogEntry(
        at=row.at,
        actor=row.actor,
        action=row.action,
        target=row.target,
        outcome=row.outcome,
        reason=row.reason,
        address=row.address,
        request_id=row.request_id,
        id=row.row,
    )
