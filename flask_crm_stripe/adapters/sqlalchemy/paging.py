"""Keyset pages over a number that only grows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.ports.cursors import NEWER, OLDER, read_cursor, write_cursor

Value = TypeVar("Value")


def fetch_page(
    connection: sa.Connection,
    statement: sa.Select[Any],
    column: sa.ColumnElement[int],
    cursor: str | None,
    limit: int,
    build: Callable[[sa.Row[Any]], Value],
) -> Page[Value]:
    """The page at the cursor, newest first; ``column`` orders it and is the first one selected."""
    way, edge = read_cursor(cursor)
    rows = _rows(connection, statement, column, way, edge, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    if way == NEWER:
        rows.reverse()
    if not rows:
        return Page(())
    behind = edge is not None and bool(_rows(connection, statement, column, *_other_side(way, rows), 1))
    newer, older = (more, behind) if way == NEWER else (behind, more)
    return Page(
        tuple(build(row) for row in rows),
        newer=write_cursor(NEWER, rows[0][0]) if newer else None,
        older=write_cursor(OLDER, rows[-1][0]) if older else None,
    )


def _rows(
    connection: sa.Connection, statement: sa.Select[Any], column: Any, way: str, edge: int | None, limit: int
) -> list[sa.Row[Any]]:
    if edge is not None:
        statement = statement.where(column > edge if way == NEWER else column < edge)
    order = column.asc() if way == NEWER else column.desc()
    return list(connection.execute(statement.order_by(order).limit(limit)))


def _other_side(way: str, rows: list[sa.Row[Any]]) -> tuple[str, int]:
    return (OLDER, rows[-1][0]) if way == NEWER else (NEWER, rows[0][0])
