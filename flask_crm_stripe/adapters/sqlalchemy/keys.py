"""Refs are text; the host's columns are what they are. Text that cannot be a key of a column matches nothing."""

from __future__ import annotations

import enum
import re
import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, false
from sqlalchemy import types as sqltypes
from sqlalchemy.sql.type_api import TypeEngine

LARGEST = 2**63


def equals(column: Any, refs: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a column has one of these refs."""
    kind = getattr(column, "type", None)
    keys = [key for ref in refs if (key := key_of(kind, ref)) is not None]
    if not keys:
        return false()
    # Integer is compared as BIGINT: PostgreSQL refuses a large ref otherwise, and uses the index all the same.
    as_type = BigInteger() if isinstance(kind, sqltypes.Integer) else kind
    condition: ColumnElement[bool] = column.in_(bindparam("refs", keys, type_=as_type, unique=True, expanding=True))
    return condition


def key_of(kind: TypeEngine[Any] | None, ref: str) -> object | None:
    """The key that a ref stands for in a column of this type; None where it can be none.

    A key has one spelling only: were " 7" and "07" also row 7, that row could be billed twice.
    """
    if isinstance(kind, sqltypes.Integer):
        return int(ref) if re.fullmatch(r"-?[0-9]{1,19}", ref) and _is_large_integer(ref) else None
    if isinstance(kind, sqltypes.Uuid):
        return _uuid(ref, kind.as_uuid)
    if isinstance(kind, sqltypes.Enum) and kind.enum_class is not None:
        members: Iterable[enum.Enum] = kind.enum_class
        return next((member for member in members if str(member.value) == ref), None)
    return ref if _is_storable(ref) else None


def _is_large_integer(ref: str) -> bool:
    return -LARGEST <= int(ref) < LARGEST and str(int(ref)) == ref


def _uuid(ref: str, as_uuid: bool) -> object | None:
    try:
        key = uuid.UUID(ref)
    except ValueError:
        return None
    if str(key) != ref:
        return None
    return key if as_uuid else ref


def _is_storable(ref: str) -> bool:
    """NUL and half a surrogate pair are refused by drivers, not by databases."""
    return "\0" not in ref and not re.search("[\ud800-\udfff]", ref)
