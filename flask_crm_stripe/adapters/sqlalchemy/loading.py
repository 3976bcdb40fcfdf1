"""Many rows in a handful of queries, whatever the host's functions look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session, selectinload

Value = TypeVar("Value")
CHUNK = 500  # old SQLite takes 999 parameters
LOADABLE = ("select", True, "selectin", "joined", "subquery", "immediate")


def converted(session: Session, rows: Sequence[Any], convert: Callable[[Any], Value]) -> Iterator[Value]:
    """Each row, converted, in order.

    Nobody but the host's own functions knows which relationships they look at. So the first row that makes one load
    tells, and it is then loaded for all rows after it in one query.
    """
    for position, row in enumerate(rows):
        before = _unloaded(row)
        value = convert(row)
        if (looked_at := before - _unloaded(row)) and position + 1 < len(rows):
            _load(session, rows[position + 1 :], looked_at)
        yield value


def _unloaded(row: Any) -> set[str]:
    state = inspect(row)
    relationships = state.mapper.relationships
    return {name for name in state.unloaded if name in relationships and relationships[name].lazy in LOADABLE}


def _load(session: Session, rows: Sequence[Any], names: set[str]) -> None:
    model = type(rows[0])
    mapper = inspect(model)
    keys = [inspect(row).identity for row in rows if type(row) is model]
    eager = [selectinload(getattr(model, name)) for name in sorted(names)]
    single = mapper.primary_key[0] if len(mapper.primary_key) == 1 else None
    for start in range(0, len(keys), CHUNK):
        chosen = keys[start : start + CHUNK]
        if single is None:
            return  # a key of several columns: each row loads its own
        column = mapper.get_property_by_column(single).class_attribute
        session.scalars(select(model).where(column.in_([key[0] for key in chosen])).options(*eager)).unique().all()
