"""What is done once a second person has agreed: one handler per kind of request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from flask_crm_stripe.core.afterwards import Afterwards
from flask_crm_stripe.core.approvals import CHANGED, Approvals
from flask_crm_stripe.core.credit_outlook import CORRECT, CREDIT
from flask_crm_stripe.core.credits import Credits
from flask_crm_stripe.core.deeds import DEEDS
from flask_crm_stripe.core.invoicing import Invoicing
from flask_crm_stripe.core.settings import Settings
from flask_crm_stripe.errors import BillingError, Busy, Conflict, NotFound, Refused
from flask_crm_stripe.model.approvals import Approval
from flask_crm_stripe.model.business import APPROVE

log = logging.getLogger(__name__)

SEND, LIMITS = "send", "limits"
CREDITS = (CREDIT, CORRECT)
DEED = "agree to a request"


@dataclass(frozen=True)
class SecondPerson:
    """Agreeing to a request, and carrying it out: at once, or where that was interrupted in the next round."""

    approvals: Approvals
    invoicing: Invoicing
    afterwards: Afterwards
    credits: Credits
    settings: Settings

    def agree(self, approval_id: str) -> Approval:
        """Agree, and do it. Raises ``OwnRequest``, ``Conflict`` where it has changed since, and what doing it raises:
        then it is agreed to all the same, and goes on from there."""
        self.approvals.rights.require(APPROVE, DEED, approval_id)
        self.invoicing.connections.environment.require_real(DEED)
        found = self.approvals.get(approval_id)
        agreed = self.approvals.agree(approval_id, self.content(found))
        if (failed := self.carry_out(agreed)) is not None:
            raise failed
        return agreed

    def carry_out(self, approval: Approval) -> BillingError | None:
        """Do what was agreed to. What was done already, or can't be done any more, is not done again: then why."""
        failed, rest = None, None
        try:
            if approval.kind == LIMITS and self.content(approval) != approval.content:
                raise Conflict(CHANGED)  # Somebody has changed the limit between the agreement and now.
            rest = HANDLERS[approval.kind](self, approval)
        except Busy:
            raise  # A moment later it can be.
        except (Conflict, NotFound, Refused) as error:
            log.info("The request %s could not be carried out: %s", approval.id, error.code)
            failed = error
        self.approvals.ledger.approvals.finish(approval.id)
        if rest is not None:
            rest()
        return failed

    def carry_on(self) -> int:
        """Do what was agreed to and not begun, because a process died between the two. Says how many."""
        waiting = self.approvals.ledger.approvals.agreed()
        for approval in waiting:
            try:
                self.carry_out(approval)
            except BillingError as error:  # It keeps no other one waiting, and is tried again in the next round.
                log.warning("The request %s is not carried out yet: %s", approval.id, error.code)
        return len(waiting)

    def content(self, approval: Approval) -> str:
        """A digest of what would be done now; empty where there is nothing to do it to."""
        try:
            if approval.kind == LIMITS:
                return self.settings.content_of(approval.details)
            if approval.kind in DEEDS:
                return self.afterwards.content(approval)
            if approval.kind in CREDITS:
                return self.credits.content(approval)
            return self.invoicing.wish(_invoice_id(approval)).content
        except NotFound:
            return ""

    def _send(self, approval: Approval) -> Callable[[], object]:
        """From here on the invoice itself remembers that it shall be sent, and the usual steps go on with it."""
        return self.invoicing.send_agreed(_invoice_id(approval), approval)

    def _afterwards(self, approval: Approval) -> None:
        self.afterwards.do_agreed(approval)

    def _credits(self, approval: Approval) -> None:
        self.credits.do_agreed(approval)

    def _limits(self, approval: Approval) -> None:
        self.settings.apply_limit(approval)


def _invoice_id(approval: Approval) -> str:
    return approval.subject.partition(":")[2]


HANDLERS: dict[str, Callable[[SecondPerson, Approval], Callable[[], object] | None]] = {
    SEND: SecondPerson._send,
    LIMITS: SecondPerson._limits,
    **dict.fromkeys(DEEDS, SecondPerson._afterwards),
    **dict.fromkeys(CREDITS, SecondPerson._credits),
}
