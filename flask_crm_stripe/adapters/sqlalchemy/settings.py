"""Settings of the business, as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_or_update

T = tables.setting


@dataclass(frozen=True)
class SqlSettings:
    """``ports.ledger.SettingStore``."""

    business: str
    database: Database

    def all(self) -> dict[str, str]:
        """Those that were ever saved."""
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(T.c.key, T.c.value).where(T.c.business == self.business))
            return {row.key: row.value for row in rows}

    def save(self, values: Mapping[str, str], actor: str, now: datetime) -> None:
        """Set these; others stay."""
        with self.database.writing() as connection:
            for key, value in sorted(values.items()):
                place = {"business": self.business, "key": key}
                insert_or_update(connection, T, place, {"value": value, "saved_by": actor, "saved_at": now})
