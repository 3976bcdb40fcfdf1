"""Keyset pages: stable under inserts, no cost that grows with the page number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, newest first, and the opaque cursors of the pages beside this one (None: there is none)."""

    rows: tuple[Row, ...]
    newer: str | None = None
    older: str | None = None
