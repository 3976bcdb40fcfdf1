"""Form bodies and queries in Stripe's bracket spelling: ``lines[0][price_data][currency]=eur``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

from .errors import invalid

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_STEP = re.compile(r"\[([^\[\]]*)\]")
MAX_DEPTH = 8


def decode(text: str) -> dict[str, Any]:
    """Nested dicts of strings; an array is a dict with the keys "0", "1", ... until the schema says it is a list.

    Raises a 400 for a name that is no bracket path or that is both a value and a container.
    """
    tree: dict[str, Any] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100_000)
    except ValueError as error:
        raise invalid(f"Invalid request: the body or query cannot be decoded ({error}).") from error
    for name, value in pairs:
        _place(tree, name, value)
    return tree


def _place(tree: dict[str, Any], name: str, value: str) -> None:
    steps = _steps(name)
    here = tree
    for step in steps[:-1]:
        inner = here.setdefault(_key(here, step), {})
        if not isinstance(inner, dict):
            raise invalid(f"Invalid request: {name} is used both as a value and as an object.", name)
        here = inner
    last = _key(here, steps[-1])
    if isinstance(here.get(last), dict):
        raise invalid(f"Invalid request: {name} is used both as a value and as an object.", name)
    here[last] = value


def _steps(name: str) -> list[str]:
    match = _NAME.match(name)
    if match is None:
        raise invalid(f"Invalid request: {name!r} is not a parameter name.", name or None)
    steps = [match[1], *_STEP.findall(match[2])]
    if len(steps) > MAX_DEPTH:
        raise invalid(f"Invalid request: {name} is nested too deeply.", name)
    return steps


def _key(here: dict[str, Any], step: str) -> str:
    return step or str(len(here))


def encode(params: Mapping[str, Any]) -> str:
    """The opposite of ``decode`` for plain dicts, lists, strings, numbers, booleans and Decimals."""
    return urlencode(list(_pairs("", params)))


def _pairs(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _pairs(f"{prefix}[{key}]" if prefix else str(key), inner)
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _pairs(f"{prefix}[{index}]", inner)
    elif isinstance(value, bool):
        yield prefix, "true" if value else "false"
    else:
        yield prefix, format(value, "f") if isinstance(value, Decimal) else str(value)
