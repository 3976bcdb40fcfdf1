"""What a second person is asked to agree to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ApprovalState(StrEnum):
    """Where a request stands. ``agreed`` ones are carried out; ``done`` ones were."""

    WAITING = "waiting"
    AGREED = "agreed"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Approval:
    """One request. ``kind`` says what is done once somebody agrees (``send``, ``limits``), ``subject`` to what
    (``invoice:<id>``), ``content`` is a digest of exactly what was asked. ``amount`` is in minor units of ``currency``.
    """

    id: str
    business: str
    kind: str
    subject: str
    content: str
    permission: str
    currency: str
    amount: int
    reason: str
    asked_by: str
    asked_at: datetime
    state: ApprovalState = ApprovalState.WAITING
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision: str | None = None
    details: dict[str, str] = field(default_factory=dict)
