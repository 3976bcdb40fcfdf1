"""News for the admins of a business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_once
from flask_crm_stripe.model.notices import Notice

T = tables.notice
STARTED = "started"
FIELDS = tuple(name for name in Notice.__dataclass_fields__ if name != "id")


@dataclass(frozen=True)
class SqlNotices:
    """``ports.safety.NoticeStore``."""

    business: str
    database: Database

    def add(self, notice: Notice) -> bool:
        """Keep it, once per key."""
        with self.database.writing() as connection:
            return add_notice(connection, self.business, notice)

    def open(self, limit: int = 20) -> list[Notice]:
        """Those that nobody has put away, newest first."""
        return self._all(sa.text("seen_at IS NULL"), T.c.row.desc(), limit)

    def untold(self, limit: int = 20) -> list[Notice]:
        """Those that nobody was told, oldest first."""
        return self._all(sa.text("told_at IS NULL"), T.c.row, limit)

    def start_mail(self, notice_id: int) -> bool:
        """True for the first who asks."""
        return self._set(notice_id, {"mail": STARTED}, T.c.mail == "")

    def told(self, notice_id: int, now: datetime, mail: str = "", *, show: bool = False) -> None:
        """Host and mailbox were told."""
        values = {"told_at": now} | ({"mail": mail} if mail else {}) | ({"seen_at": None} if show else {})
        self._set(notice_id, values, T.c.told_at.is_(None))

    def put_away(self, notice_id: int, actor: str, now: datetime) -> None:
        """Somebody has read it."""
        self._set(notice_id, {"seen_by": actor, "seen_at": now}, T.c.seen_at.is_(None))

    def _set(self, notice_id: int, values: dict[str, Any], condition: Any) -> bool:
        mine = (T.c.business == self.business, T.c.row == notice_id, condition)
        with self.database.writing() as connection:
            return connection.execute(sa.update(T).where(*mine).values(**values)).rowcount == 1

    def _all(self, condition: Any, order: Any, limit: int) -> list[Notice]:
        mine = sa.select(T).where(T.c.business == self.business, condition).order_by(order).limit(limit)
        with self.database.reading() as connection:
            return [notice_of(row) for row in connection.execute(mine)]


def add_notice(connection: sa.Connection, business: str, notice: Notice) -> bool:
    """Keep a notice inside a transaction of somebody else's."""
    return insert_once(connection, T, {"business": business, **{name: getattr(notice, name) for name in FIELDS}})


def notice_of(row: sa.Row[Any]) -> Notice:
    """A row as a value."""
    return Notice(**{name: row._mapping[name] for name in FIELDS}, id=row.row)
