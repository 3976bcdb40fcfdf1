"""Notices and requests for a second person, in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.notices import Notice
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.testing.memory.state import State, page_of

STARTED = "started"


@dataclass(frozen=True)
class MemoryNotices:
    """``ports.safety.NoticeStore``."""

    business: str
    state: State

    def add(self, notice: Notice) -> bool:
        """Keep it, once per key."""
        with self.state.lock:
            if any(known.key == notice.key for known in self._ours()):
                return False
            number = self.state.number()
            self.state.notices[number] = (self.business, replace(notice, id=number))
            return True

    def open(self, limit: int = 20) -> list[Notice]:
        """Those that nobody has put away, newest first."""
        return [notice for notice in reversed(self._ours()) if notice.seen_at is None][:limit]

    def untold(self, limit: int = 20) -> list[Notice]:
        """Those that nobody was told, oldest first."""
        return [notice for notice in self._ours() if notice.told_at is None][:limit]

    def start_mail(self, notice_id: int) -> bool:
        """True for the first who asks."""
        with self.state.lock:
            found = self._one(notice_id)
            if found is None or found.mail:
                return False
            self._keep(replace(found, mail=STARTED))
            return True

    def told(self, notice_id: int, now: datetime, mail: str = "", *, show: bool = False) -> None:
        """Host and mailbox were told."""
        with self.state.lock:
            found = self._one(notice_id)
            if found is not None and found.told_at is None:
                seen = None if show else found.seen_at
                self._keep(replace(found, told_at=now, mail=mail or found.mail, seen_at=seen))

    def put_away(self, notice_id: int, actor: str, now: datetime) -> None:
        """Somebody has read it."""
        with self.state.lock:
            found = self._one(notice_id)
            if found is not None and found.seen_at is None:
                self._keep(replace(found, seen_by=actor, seen_at=now))

    def _keep(self, notice: Notice) -> None:
        self.state.notices[notice.id] = (self.business, notice)

    def _one(self, notice_id: int) -> Notice | None:
        return next((notice for notice in self._ours() if notice.id == notice_id), None)

    def _ours(self) -> list[Notice]:
        with self.state.lock:
            return [notice for business, notice in self.state.notices.values() if business == self.business]


@dataclass(frozen=True)
class MemoryApprovals:
    """``ports.safety.ApprovalStore``."""

    business: str
    state: State

    def ask(self, wanted: Approval) -> Approval:
        """Keep the request, or give the one that waits for exactly the same."""
        with self.state.lock:
            known = self.latest(wanted.kind, wanted.subject)
            if known is not None and known.state is ApprovalState.WAITING:
                if known.content == wanted.content:
                    return known
                self._decided(known, ApprovalState.WITHDRAWN, wanted.asked_by, wanted.asked_at, "")
            self._keep(replace(wanted, business=self.business, state=ApprovalState.WAITING))
            return wanted

    def get(self, approval_id: str) -> Approval | None:
        """One of ours."""
        return next((each for _, each in self._ours() if each.id == approval_id), None)

    def latest(self, kind: str, subject: str) -> Approval | None:
        """The newest request about this."""
        about = [each for _, each in self._ours() if (each.kind, each.subject) == (kind, subject)]
        return about[-1] if about else None

    def waiting(self, limit: int = 100) -> list[Approval]:
        """Oldest first."""
        return self._in_state(ApprovalState.WAITING)[:limit]

    def agreed(self, limit: int = 50) -> list[Approval]:
        """Those that are to be carried out."""
        return self._in_state(ApprovalState.AGREED)[:limit]

    def page(self, cursor: str | None = None, limit: int = 25) -> Page[Approval]:
        """Newest first."""
        return page_of(self._ours(), cursor, limit)

    def decide(
        self, approval_id: str, state: ApprovalState, actor: str, now: datetime, decision: str = ""
    ) -> Approval | None:
        """From waiting to ``state``, once."""
        with self.state.lock:
            found = self.get(approval_id)
            if found is None or found.state is not ApprovalState.WAITING:
                return None
            return self._decided(found, state, actor, now, decision)

    def finish(self, approval_id: str) -> None:
        """Agreed to done."""
        with self.state.lock:
            found = self.get(approval_id)
            if found is not None and found.state is ApprovalState.AGREED:
                self._keep(replace(found, state=ApprovalState.DONE))

    def _decided(self, found: Approval, state: ApprovalState, actor: str, now: datetime, decision: str) -> Approval:
        decided = replace(found, state=state, decided_by=actor, decided_at=now, decision=decision or None)
        self._keep(decided)
        return decided

    def _keep(self, approval: Approval) -> None:
        number, _ = self.state.approvals.get(approval.id, (0, approval))
        self.state.approvals[approval.id] = (number or self.state.number(), approval)

    def _in_state(self, state: ApprovalState) -> list[Approval]:
        return [each for _, each in self._ours() if each.state is state]

    def _ours(self) -> list[tuple[int, Approval]]:
        with self.state.lock:
            rows = [row for row in self.state.approvals.values() if row[1].business == self.business]
        return sorted(rows, key=lambda row: row[0])
