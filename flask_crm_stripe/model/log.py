"""The access and action log, chained so that a changed, removed or reordered row shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

DONE, SEEN, REFUSED, FAILED = "done", "seen", "refused", "failed"
OUTCOMES = (DONE, SEEN, REFUSED, FAILED)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line. ``actor`` is a ref, never a name; ``address`` is where the request came from; ``request_id`` holds the
    ids of the requests to Stripe, with a space between them. ``seq`` numbers the lines of a business from 1."""

    at: datetime
    actor: str
    action: str
    target: str
    outcome: str
    reason: str | None = None
    address: str | None = None
    request_id: str | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines: of whom, what (an action or its first word), with which outcome, in which span, about what."""

    actor: str = ""
    action: str = ""
    outcome: str = ""
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the chain gave: how many lines were checked, and a sentence for each thing that is wrong.

    ``unsigned`` lines are older than the chain, ``unknown`` ones were signed with a key that is lost. ``checkpoint``
    names the newest line and its seal: kept elsewhere, it proves later that nothing was cut off the end.
    """

    checked: int
    problems: tuple[str, ...] = ()
    unsigned: int = 0
    unknown: int = 0
    checkpoint: str = ""
