"""What is done once a second person has agreed: one handler per kind of request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from flask_crm_stripe.core.approvals import CHANGED, Approvals
from flask_crm_stripe.core.invoicing import Invoicing
from flask_crm_stripe.core.settings import Settings
from flask_crm_stripe.errors import Conflict, NotFound
from flask_crm_stripe.model.approvals import Approval
from flask_crm_stripe.model.business import APPROVE

log = logging.getLogger(__name__)

SEND, LIMITS = "send", "limits"
DEED = "agree to a request"


@dataclass(frozen=True)
class SecondPerson:
    """Agreeing to a request, and carrying it out: at once, or where that was interrupted in the next round."""

    approvals: Approvals
    invoicing: Invoicing
    settings: Settings

    def agree(self, approval_id: str) -> Approval:
        """Agree, and do it. Raises ``OwnRequest``, ``Conflict`` where it has changed since, and what doing it raises:
        then it is agreed to all the same, and goes on from there."""
        self.approvals.rights.require(APPROVE, DEED, approval_id)
        self.invoicing.connections.environment.require_real(DEED)
        found = self.approvals.get(approval_id)
        agreed = self.approvals.agree(approval_id, self._content(found))
        self.carry_out(agreed)
        return agreed

    def carry_out(self, approval: Approval) -> None:
        """Do what was agreed to. What was done already, or can't be done any more, is not done again."""
        try:
            if approval.kind == LIMITS and self._content(approval) != approval.content:
                raise Conflict(CHANGED)  # Somebody has changed the limit between the agreement and now.
            rest = HANDLERS[approval.kind](self, approval)
        except (Conflict, NotFound) as error:
            log.info("The request %s could not be carried out: %s", approval.id, error.code)
            rest = None
        self.approvals.ledger.approvals.finish(approval.id)
        if rest is not None:
            rest()

    def carry_on(self) -> int:
        """Do what was agreed to and not begun, because a process died between the two. Says how many."""
        waiting = self.approvals.ledger.approvals.agreed()
        for approval in waiting:
            self.carry_out(approval)
        return len(waiting)

    def _content(self, approval: Approval) -> str:
        """A digest of what would be done now; empty where there is nothing to do it to."""
        try:
            if approval.kind == LIMITS:
                return self.settings.content_of(approval.details)
            return self.invoicing.wish(_invoice_id(approval)).content
        except NotFound:
            return ""

    def _send(self, approval: Approval) -> Callable[[], object]:
        """From here on the invoice itself remembers that it shall be sent, and the usual steps go on with it."""
        return self.invoicing.send_agreed(_invoice_id(approval), approval)

    def _limits(self, approval: Approval) -> None:
        self.settings.apply_limit(approval)


def _invoice_id(approval: Approval) -> str:
    return approval.subject.partition(":")[2]


HANDLERS: dict[str, Callable[[SecondPerson, Approval], Callable[[], object] | None]] = {
    SEND: SecondPerson._send,
    LIMITS: SecondPerson._limits,
}
