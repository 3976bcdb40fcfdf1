"""Which addresses the installed SDK knows, so that "not built here" and "no such address" can be told apart."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import stripe

_ADDRESS = re.compile(r'"(/v[12]/[^"\s]*)"')


def to_sdk(path: str) -> bool:
    """Whether some method of the SDK calls this address."""
    return any(pattern.match(path) for pattern in _patterns())


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    found: set[str] = set()
    for source in Path(stripe.__file__).parent.rglob("*_service.py"):
        found.update(_ADDRESS.findall(source.read_text(encoding="utf-8")))
    return tuple(re.compile("^" + re.sub(r"\\{[^}]*\\}|\{[^}]*\}", "[^/]+", each) + "$") for each in sorted(found))
