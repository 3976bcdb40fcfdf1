"""Stored secrets, counted by the key that sealed them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SealedReport:
    """How many stored secrets there are by key: the first, an older one that is given, and one that is not given any
    more. ``lost`` says of what those are: ``{"event": 12}``."""

    current: int = 0
    older: int = 0
    lost: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resealed:
    """What one round of a rotation did, and whether there is more."""

    done: int
    more: bool
