"""Requests for a second person. The database decides who was first."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database
from flask_crm_stripe.adapters.sqlalchemy.paging import fetch_page
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.paging import Page

T = tables.approval
WAITING, AGREED = ApprovalState.WAITING.value, ApprovalState.AGREED.value
FIELDS = tuple(name for name in Approval.__dataclass_fields__ if name != "state")


@dataclass(frozen=True)
class SqlApprovals:
    """``ports.safety.ApprovalStore``."""

    business: str
    database: Database

    def ask(self, wanted: Approval) -> Approval:
        """Keep the request, or give the one that waits for exactly the same."""
        try:
            with self.database.writing() as connection:
                return self._ask(connection, wanted)
        except IntegrityError:
            # Somebody asked at the same moment and the unique index chose: theirs stands.
            with self.database.writing() as connection:
                return self._ask(connection, wanted)

    def get(self, approval_id: str) -> Approval | None:
        """One of ours."""
        return self._first(sa.select(T).where(T.c.business == self.business, T.c.id == approval_id))

    def latest(self, kind: str, subject: str) -> Approval | None:
        """The newest request about this."""
        mine = sa.select(T).where(T.c.business == self.business, T.c.subject == subject, T.c.kind == kind)
        return self._first(mine.order_by(T.c.row.desc()).limit(1))

    def waiting(self, limit: int = 100) -> list[Approval]:
        """Oldest first."""
        return self._in_state(WAITING, limit)

    def agreed(self, limit: int = 50) -> list[Approval]:
        """Those that are to be carried out."""
        return self._in_state(AGREED, limit)

    def page(self, cursor: str | None = None, limit: int = 25) -> Page[Approval]:
        """Newest first."""
        mine = sa.select(T).where(T.c.business == self.business)
        with self.database.reading() as connection:
            return fetch_page(connection, mine, T.c.row, cursor, limit, approval_of)

    def decide(
        self, approval_id: str, state: ApprovalState, actor: str, now: datetime, decision: str = ""
    ) -> Approval | None:
        """From waiting to ``state``, once."""
        values = {"state": state.value, "decided_by": actor, "decided_at": now, "decision": decision or None}
        return self._move(approval_id, WAITING, values)

    def finish(self, approval_id: str) -> None:
        """Agreed to done."""
        self._move(approval_id, AGREED, {"state": ApprovalState.DONE.value})

    def _ask(self, connection: sa.Connection, wanted: Approval) -> Approval:
        subject = (T.c.business == self.business, T.c.subject == wanted.subject, T.c.kind == wanted.kind)
        waiting = sa.select(T).where(*subject, sa.text("state = 'waiting'")).with_for_update()
        row = connection.execute(waiting).first()
        if row is not None and row.content == wanted.content:
            return approval_of(row)
        if row is not None:
            gone = {
                "state": ApprovalState.WITHDRAWN.value,
                "decided_by": wanted.asked_by,
                "decided_at": wanted.asked_at,
            }
            connection.execute(sa.update(T).where(T.c.row == row.row).values(**gone))
        values = asdict(replace(wanted, business=self.business, state=ApprovalState.WAITING)) | {"state": WAITING}
        connection.execute(sa.insert(T).values(**values))
        return wanted

    def _move(self, approval_id: str, before: str, values: dict[str, Any]) -> Approval | None:
        mine = (T.c.business == self.business, T.c.id == approval_id)
        with self.database.writing() as connection:
            if connection.execute(sa.update(T).where(*mine, T.c.state == before).values(**values)).rowcount != 1:
                return None
            return approval_of(connection.execute(sa.select(T).where(*mine)).one())

    def _in_state(self, state: str, limit: int) -> list[Approval]:
        # The states stand in the text, so that the partial index is used.
        open_ones = sa.text("state IN ('waiting', 'agreed')")
        mine = sa.select(T).where(T.c.business == self.business, open_ones, T.c.state == state)
        with self.database.reading() as connection:
            return [approval_of(row) for row in connection.execute(mine.order_by(T.c.row).limit(limit))]

    def _first(self, statement: sa.Select[Any]) -> Approval | None:
        with self.database.reading() as connection:
            row = connection.execute(statement).first()
        return approval_of(row) if row is not None else None


def approval_of(row: sa.Row[Any]) -> Approval:
    """A row as a value."""
    return Approval(**{name: row._mapping[name] for name in FIELDS}, state=ApprovalState(row.state))
