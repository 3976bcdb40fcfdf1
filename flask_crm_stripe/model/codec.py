"""Frozen dataclasses to plain JSON values and back, by their own type hints."""

from __future__ import annotations

import hashlib
import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar

Value = TypeVar("Value")


def to_plain(value: object) -> Any:
    """JSON-able twin of a value made of dataclasses, tuples, Decimals, dates and enums."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value


def from_plain(kind: type[Value], plain: Any) -> Value:
    """The value of type ``kind`` that ``to_plain`` turned into ``plain``. Unknown keys are ignored."""
    readers = _readers(typing.cast(typing.Hashable, kind))
    return kind(**{name: readers[name](item) for name, item in plain.items() if name in readers})


def digest(value: object) -> str:
    """A short stable fingerprint of a value's content."""
    text = json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


Reader = Callable[[Any], Any]


@cache
def _readers(kind: typing.Any) -> Mapping[str, Reader]:
    """How each field is read. Python works hints out anew at every call, and a page reads hundreds of lines."""
    hints = typing.get_type_hints(kind)
    return {field.name: _reader(hints[field.name]) for field in fields(typing.cast(Any, kind))}


def _reader(hint: Any) -> Reader:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        some = _reader(next(argument for argument in arguments if argument is not type(None)))
        return lambda plain: None if plain is None else some(plain)
    if origin is tuple:
        each = _reader(arguments[0])
        return lambda plain: tuple(map(each, plain))
    if origin is dict:
        of_key = _reader(arguments[1])
        return lambda plain: {key: of_key(item) for key, item in plain.items()}
    return _plain_reader(hint)


def _plain_reader(hint: Any) -> Reader:
    if is_dataclass(hint):
        return lambda plain: from_plain(typing.cast(type[Any], hint), plain)
    if hint is Decimal or (isinstance(hint, type) and issubclass(hint, Enum)):
        return typing.cast(Reader, hint)
    if hint is datetime or hint is date:
        return typing.cast(Reader, hint.fromisoformat)
    return _as_it_is


def _as_it_is(plain: Any) -> Any:
    return plain
