"""What keeps a business safe, remembered: the log, people's names, requests for a second person, notices.

Like all stores of one business these are methods of one short transaction each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.log import LogEntry, LogFilter, Verdict
from flask_crm_stripe.model.notices import Notice
from flask_crm_stripe.model.paging import Page


class LogStore(Protocol):
    """Who did, saw, or was refused what. Lines are added and never changed; each seals the one before it."""

    def add(self, entry: LogEntry) -> LogEntry:
        """One more line, with its number."""
        ...

    def page(self, chosen: LogFilter, cursor: str | None = None, limit: int = 50) -> Page[LogEntry]:
        """Newest first. Raises ``InvalidInput`` for a damaged cursor."""
        ...

    def every(self, chosen: LogFilter) -> Iterator[LogEntry]:
        """All that match, oldest first, without holding them all at once."""
        ...

    def seen_since(self, actor: str, action: str, target: str, since: datetime) -> bool:
        """Whether this person's look at this thing is noted already."""
        ...

    def verify(self, checkpoint: str = "") -> Verdict:
        """Check every line against its seal and its neighbours, and the newest one against ``checkpoint``."""
        ...

    def prune(self, before: datetime) -> int:
        """Remove lines older than this, from the beginning; what is left can be verified as before. Says how many."""
        ...


class PeopleStore(Protocol):
    """What the CRM calls the people whose refs stand elsewhere; nothing else of ours keeps a person's name."""

    def remember(self, ref: str, name: str, now: datetime) -> None:
        """Keep the name; a newer one replaces it. Where nothing is new, nothing is written."""
        ...

    def names(self, refs: Sequence[str]) -> Mapping[str, str]:
        """Name by ref, of those that are known."""
        ...

    def refs(self) -> Mapping[str, str]:
        """Everybody who is known, name by ref."""
        ...

    def forget(self, ref: str) -> bool:
        """Erase the name. What the person did stays, under a ref that says nothing. False where none was known."""
        ...


class ApprovalStore(Protocol):
    """Requests for a second person's agreement."""

    def ask(self, wanted: Approval) -> Approval:
        """Keep the request. One that waits for the same thing already is given instead, if it asks for exactly the
        same; else it is withdrawn, for the thing has changed since."""
        ...

    def get(self, approval_id: str) -> Approval | None: ...

    def latest(self, kind: str, subject: str) -> Approval | None:
        """The newest request about this."""
        ...

    def waiting(self, limit: int = 100) -> Sequence[Approval]:
        """Oldest first."""
        ...

    def page(self, cursor: str | None = None, limit: int = 25) -> Page[Approval]:
        """All of them, newest first."""
        ...

    def agreed(self, limit: int = 50) -> Sequence[Approval]:
        """Those that were agreed to and are not done yet."""
        ...

    def decide(
        self, approval_id: str, state: ApprovalState, actor: str, now: datetime, decision: str = ""
    ) -> Approval | None:
        """From waiting to ``state``, once: None where it is decided already, or is not ours."""
        ...

    def finish(self, approval_id: str) -> None:
        """Agreed to done."""
        ...


class NoticeStore(Protocol):
    """News for the admins of the business."""

    def add(self, notice: Notice) -> bool:
        """Keep it, once per key: False where it is known already."""
        ...

    def open(self, limit: int = 20) -> Sequence[Notice]:
        """Those that nobody has put away, newest first."""
        ...

    def untold(self, limit: int = 20) -> Sequence[Notice]:
        """Those that host and mailbox have not been told, oldest first."""
        ...

    def start_mail(self, notice_id: int) -> bool:
        """Before a mail goes out: True for the first who asks, so that it goes out at most once."""
        ...

    def told(self, notice_id: int, now: datetime, mail: str = "", *, show: bool = False) -> None:
        """Host and mailbox were told; ``mail`` says what became of the mail, where there was one. ``show`` puts it on
        the pages again, for the mail may not have gone out."""
        ...

    def put_away(self, notice_id: int, actor: str, now: datetime) -> None:
        """Somebody has read it."""
        ...
