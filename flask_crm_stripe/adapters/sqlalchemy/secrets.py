"""Stored secrets, sealed anew with the first key while everybody goes on working."""

from __future__ import annotations

from collections import Counter
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database
from flask_crm_stripe.adapters.sqlalchemy.invoice_rows import plan_columns
from flask_crm_stripe.errors import SecretUnreadable
from flask_crm_stripe.model.secrets import Resealed, SealedReport
from flask_crm_stripe.ports.runtime import Vault

# Every place with something sealed: its table, the column, and what orders its rows.
SEALED: dict[str, tuple[sa.Table, Any, Any]] = {
    "connection": (tables.connection, tables.connection.c.secrets, tables.connection.c.row),
    "endpoint": (tables.endpoint, tables.endpoint.c.secret, tables.endpoint.c.row),
    "event": (tables.event, tables.event.c.body, tables.event.c.row),
    "invoice": (tables.invoice, tables.invoice.c.personal, tables.invoice.c.row),
    "log": (tables.log_key, tables.log_key.c.sealed, tables.log_key.c.epoch),
}
BARE = tables.invoice.c.personal.is_(None)
"""An invoice of a version that sealed nothing of it."""


def report(database: Database, vault: Vault) -> SealedReport:
    """How many secrets there are by key. Rows of before keys had names count as older ones."""
    older, current, lost = 0, 0, Counter[str]()
    with database.reading() as connection:
        for name, (table, column, _) in SEALED.items():
            counts = sa.select(table.c.key_id, sa.func.count()).where(_there(column)).group_by(table.c.key_id)
            for key_id, count in connection.execute(counts):
                if key_id == vault.current:
                    current += count
                elif key_id is None or key_id in vault.known:
                    older += count
                else:
                    lost[name] += count
        older += connection.execute(sa.select(sa.func.count()).where(BARE)).scalar_one()
    return SealedReport(current, older, dict(lost))


def reseal(database: Database, vault: Vault, limit: int) -> Resealed:
    """Some more. A killed run left some rows done and others not: the next one takes those that are not."""
    for table, column, order in SEALED.values():
        rows = _some(database, vault, table, column, order, limit)
        if rows:
            done = sum(_reseal_one(database, vault, table, column, order, row) for row in rows)
            return Resealed(done, True)
    return _seal_plans(database, vault, limit)


def _seal_plans(database: Database, vault: Vault, limit: int) -> Resealed:
    with database.reading() as connection:
        rows = connection.execute(sa.select(tables.invoice.c.row, tables.invoice.c.plan).where(BARE).limit(limit)).all()
    for row in rows:
        mine = (tables.invoice.c.row == row.row, BARE)
        with database.writing() as connection:
            connection.execute(sa.update(tables.invoice).where(*mine).values(**plan_columns(row.plan, vault)))
    return Resealed(len(rows), bool(rows))


def _there(column: Any) -> Any:
    """The body of an event that was erased is empty."""
    return column.is_not(None) & (column != b"")


def _some(database: Database, vault: Vault, table: sa.Table, column: Any, order: Any, limit: int) -> list[Any]:
    older = [key for key in vault.known if key != vault.current]
    mine = _there(column) & (table.c.key_id.is_(None) | table.c.key_id.in_(older))
    with database.reading() as connection:
        return list(
            connection.execute(sa.select(order.label("place"), column.label("sealed")).where(mine).limit(limit))
        )


def _reseal_one(database: Database, vault: Vault, table: sa.Table, column: Any, order: Any, row: Any) -> int:
    """One row, if it is still what we read: nobody's newer value is overwritten. One that cannot be read is named so,
    or it would be tried for ever."""
    try:
        values, readable = {column.name: vault.seal(vault.open(row.sealed)), "key_id": vault.current}, True
    except SecretUnreadable:
        values, readable = {"key_id": "?"}, False
    with database.writing() as connection:
        changed = sa.update(table).where(order == row.place, column == row.sealed).values(**values)
        count: int = connection.execute(changed).rowcount
    return count if readable else 0
