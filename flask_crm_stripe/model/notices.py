"""News for the admins of a business, and mails."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that admins have to know: ``kind`` and ``params`` become a sentence when read. ``key`` is the same
    each time the news is the same. ``told_at`` is when host and mailbox were told, ``seen_by`` who put it away."""

    key: str
    kind: str
    at: datetime
    params: dict[str, str] = field(default_factory=dict)
    told_at: datetime | None = None
    seen_by: str | None = None
    seen_at: datetime | None = None
    mail: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that the host is asked to send: plain text, one line of subject, for the admins of a business."""

    to: tuple[str, ...]
    subject: str
    text: str
    business: str = ""
