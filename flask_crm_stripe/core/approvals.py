"""Above a limit a second person agrees: asked by one, agreed to by another, and then done once.

What is agreed to is exactly what was asked: a digest of it is kept with the request and compared again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_crm_stripe.core.environment import check_reason
from flask_crm_stripe.core.limits import Limit, exceeded
from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.core.notices import Notices
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.errors import ApprovalNeeded, Conflict, NotFound, OwnRequest
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.business import APPROVE, VIEW
from flask_crm_stripe.model.log import REFUSED
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock

GRANTED = frozenset((ApprovalState.AGREED, ApprovalState.DONE))
DECIDED = "This request is decided already, or was withdrawn. Reload the page to see how it stands."
CHANGED = "What was asked for has changed since. The request is withdrawn; it has to be asked for again."


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to do that may need a second person. ``content`` is a digest of exactly that, ``what`` a few
    words for people."""

    kind: str
    subject: str
    content: str
    permission: str
    amount: Money
    what: str


@dataclass(frozen=True)
class Approvals:
    """The requests of one business."""

    ledger: Ledger
    rights: Rights
    log: ActionLog
    notices: Notices
    clock: Clock

    def limit(self, permission: str, amount: Money) -> Limit | None:
        """The limit that this amount is above, if any."""
        return exceeded(self.ledger.settings.all(), permission, amount)

    def require(self, permission: str, amount: Money, wish: Wish | None = None) -> None:
        """Raise ``ApprovalNeeded`` above the limit, unless somebody else has agreed to exactly this wish."""
        limit = self.limit(permission, amount)
        if limit is None or (wish is not None and self.granted(wish)):
            return
        raise ApprovalNeeded(permission, limit.words)

    def granted(self, wish: Wish) -> bool:
        """Whether a second person has agreed to exactly this."""
        latest = self.ledger.approvals.latest(wish.kind, wish.subject)
        return latest is not None and latest.state in GRANTED and latest.content == wish.content

    def ask(self, wish: Wish, reason: str, details: Mapping[str, str] | None = None) -> Approval:
        """Ask for a second person's agreement. Asking twice for the same gives the same request."""
        self.rights.require(wish.permission, wish.what, wish.subject)
        wanted = Approval(
            id=uuid.uuid4().hex,
            business=self.ledger.business,
            kind=wish.kind,
            subject=wish.subject,
            content=wish.content,
            permission=wish.permission,
            currency=wish.amount.currency,
            amount=wish.amount.minor,
            reason=check_reason(reason),
            asked_by=self.rights.actor.ref,
            asked_at=self.clock.now(),
            details={"what": wish.what, **(details or {})},
        )
        asked = self.ledger.approvals.ask(wanted)
        if asked.id == wanted.id:
            self.log.note("approval.ask", wish.subject, reason=reason)
            self._tell("approval_asked", asked, reason=reason)
        return asked

    def get(self, approval_id: str) -> Approval:
        """One request. Raises ``NotFound``."""
        self.rights.require(VIEW, "see requests")
        found = self.ledger.approvals.get(approval_id)
        if found is None:
            raise NotFound("request")
        return found

    def for_me(self) -> Sequence[Approval]:
        """Those that wait for this person: of others, and theirs to decide."""
        if not self.rights.may(APPROVE):
            return ()
        return [each for each in self.ledger.approvals.waiting() if each.asked_by != self.rights.actor.ref]

    def withdraw(self, approval_id: str) -> Approval:
        """The one who asked does not want it any more. Raises ``Conflict`` where it is decided, or somebody else's."""
        found = self.get(approval_id)
        if found.asked_by != self.rights.actor.ref:
            raise Conflict("Only the person who asked can withdraw a request. You can refuse it, if you may decide.")
        return self._decided(found, ApprovalState.WITHDRAWN, "approval.withdraw", "")

    def refuse(self, approval_id: str, reason: str) -> Approval:
        """A second person says no, and why."""
        found = self._to_decide(approval_id, "refuse a request")
        return self._decided(found, ApprovalState.REFUSED, "approval.refuse", check_reason(reason))

    def agree(self, approval_id: str, content: str) -> Approval:
        """A second person agrees. ``content`` is a digest of what would be done now: only where it is what was asked
        for is it agreed to. Raises ``OwnRequest``, ``Conflict``."""
        found = self._to_decide(approval_id, "agree to a request")
        if found.content != content:
            self.void(found, CHANGED)
            raise Conflict(CHANGED)
        return self._decided(found, ApprovalState.AGREED, "approval.agree", "")

    def void(self, found: Approval, why: str) -> None:
        """The thing that was asked about is not there any more, or is another."""
        self.ledger.approvals.decide(found.id, ApprovalState.WITHDRAWN, "", self.clock.now(), why)

    def drop(self, kind: str, subject: str, why: str) -> None:
        """Withdraw what waits about a thing that is gone."""
        latest = self.ledger.approvals.latest(kind, subject)
        if latest is not None and latest.state is ApprovalState.WAITING:
            self.void(latest, why)

    def _to_decide(self, approval_id: str, deed: str) -> Approval:
        self.rights.require(APPROVE, deed, approval_id)
        found = self.get(approval_id)
        if found.asked_by == self.rights.actor.ref:
            self.log.note("approval.own", found.subject, REFUSED)
            raise OwnRequest
        return found

    def _decided(self, found: Approval, state: ApprovalState, action: str, decision: str) -> Approval:
        decided = self.ledger.approvals.decide(found.id, state, self.rights.actor.ref, self.clock.now(), decision)
        if decided is None:
            raise Conflict(DECIDED)
        self.log.note(action, found.subject, reason=decision or None)
        if state is not ApprovalState.WITHDRAWN:
            self._tell("approval_decided", decided, decision=f"{state.value}. {decision}".strip())
        return decided

    def _tell(self, kind: str, approval: Approval, **words: str) -> None:
        what = approval.details.get("what", approval.kind)
        people = {"asked_by": approval.asked_by, "decided_by": approval.decided_by or ""}
        self.notices.add(kind, approval.id, self.clock.now(), what=what, approval=approval.id, **people, **words)
        self.notices.tell()
