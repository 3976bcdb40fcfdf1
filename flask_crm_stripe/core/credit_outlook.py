"""What a credit would be: the wish, the figures that it makes, and what stands in its way. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask_crm_stripe.core.crediting import Choice, Creditable, Paid
from flask_crm_stripe.core.deeds import no_credit, state_of
from flask_crm_stripe.core.limits import Limit
from flask_crm_stripe.errors import Conflict, CreditUnderWay, InvalidInput
from flask_crm_stripe.model.approvals import Approval
from flask_crm_stripe.model.codec import digest, to_plain
from flask_crm_stripe.model.credits import Credit, CreditPlan, Refund
from flask_crm_stripe.model.invoices import Invoice

CREDIT, CORRECT = "refund", "correct"
NO_WORK = "None of its lines is work of the CRM’s, so there is nothing to make a new draft of. Credit it instead."


@dataclass(frozen=True, slots=True)
class CreditSums:
    """What was credited of an invoice and went back; ``lost`` is what credit notes say went back and did not."""

    credits: tuple[Credit, ...]
    refunds: tuple[Refund, ...]
    credited: int
    refunded: int
    lost: int


@dataclass(frozen=True, slots=True)
class CreditOutlook:
    """What a credit would be now. ``plan`` is None where the choice can't be credited: ``wrong`` says why, by field;
    ``why_not`` is empty where anything can be. ``limit`` is the one that it is above, ``waiting`` what a second person
    is asked, ``under_way`` one that is not finished."""

    kind: str
    invoice: Invoice
    choice: Choice
    lines: tuple[Creditable, ...]
    paid: Paid
    plan: CreditPlan | None
    wrong: dict[str, str]
    why_not: str
    limit: Limit | None
    waiting: Approval | None
    under_way: Credit | None

    @property
    def seen(self) -> str:
        """A digest of what is shown: how the invoice stands, what is left of it, and every figure. What the person says
        beside the figures is theirs to say."""
        plan = replace(self.plan, reason="", frees=False, mail=False) if self.plan else None
        return digest([state_of(self.invoice), left_of(self.lines), self.paid, plan])


def why_not(kind: str, invoice: Invoice, lines: Sequence[Creditable]) -> str:
    """Why it can't be credited, or corrected, and what to do instead; empty where it can."""
    if closed := no_credit(invoice):
        return closed
    if not any(each.left for each in lines):
        return "All of it is credited already."
    if kind == CORRECT and not invoice.plan.chosen:
        return NO_WORK
    return ""


def kept(choice: Choice) -> str:
    """A choice as it is kept with a request for a second person."""
    return json.dumps(to_plain(choice), sort_keys=True)


def choice_of(approval: Approval) -> Choice:
    """What was chosen when it was asked for."""
    return Choice(**json.loads(approval.details["choice"]))


def possible(outlook: CreditOutlook) -> CreditPlan:
    """The plan. Raises ``Conflict`` or ``InvalidInput`` where there is none."""
    if outlook.why_not:
        raise Conflict(outlook.why_not)
    if outlook.under_way is not None:
        raise CreditUnderWay(outlook.under_way.id)
    if outlook.plan is None:
        raise InvalidInput(*next(iter(outlook.wrong.items())))
    return outlook.plan


def whole(kind: str, choice: Choice) -> Choice:
    """A correction is of all that is left, and its work is billed again."""
    return replace(choice, lines={}, frees=True, corrects=True) if kind == CORRECT else replace(choice, corrects=False)


def wanted_of(kind: str, choice: Choice, reason: str) -> str:
    """A digest of the wish: one press of a button is one of them."""
    return digest([kind, whole(kind, choice), reason])


def content_of(kind: str, invoice: Invoice, lines: Sequence[Creditable], plan: CreditPlan) -> str:
    """A digest of what a second person agrees to: every figure, the reason, how the invoice stands, what is left."""
    return digest([kind, state_of(invoice), left_of(lines), plan])


def left_of(lines: Sequence[Creditable]) -> list[tuple[str, int]]:
    """What is left of each line: the same credit once more is another one."""
    return [(each.line.key, each.left) for each in lines]


def kind_of(credit: Credit) -> str:
    """Which wish it came from."""
    return CORRECT if credit.plan.corrects else CREDIT


def invoice_of(approval: Approval) -> str:
    """Our id of the invoice that a request is about."""
    return approval.subject.partition(":")[2]
