"""The journal: every call that changes something at Stripe is a row before it is made, and completed after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """What is known of a step. ``open`` rows were started and never completed: the process may have died."""

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt of one call. ``subject`` is like ``invoice:<id>``; ``key`` is the Idempotency-Key that was sent.

    ``generation`` changes only when it is certain that an earlier one did nothing, or when Stripe would replay a
    stored failure for 24 hours. Outcomes: done; refused (4xx); not_done (429, 409: try the same key again); unknown
    (no answer); failed (5xx); open (never completed).
    """

    id: int
    subject: str
    name: str
    generation: int
    key: str
    request_hash: str
    started_at: datetime
    outcome: Outcome = Outcome.OPEN
    finished_at: datetime | None = None
    result_id: str | None = None
    request_id: str | None = None
    error: str | None = None
