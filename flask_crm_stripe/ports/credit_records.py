"""How records of credit notes and refunds change, as pure functions: what every ledger does alike."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.model.credits import Credit, CreditPlan, CreditStage, Refund, RemoteCredit
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.model.money import Money

MARKER = "crm_stripe_id"


@dataclass(frozen=True, slots=True)
class Cause:
    """When it was asked for, and the event and request that told of it."""

    at: datetime
    event_id: str | None = None
    request_id: str | None = None


def planned(invoice: Invoice, plan: CreditPlan, form_key: str, wanted: str, actor: str, now: datetime) -> Credit:
    """A new record: decided, and unknown to Stripe."""
    return Credit(
        id=uuid.uuid4().hex,
        invoice_id=invoice.id,
        account_id=invoice.account_id,
        livemode=invoice.livemode,
        plan=plan,
        total=plan.total,
        vat=plan.vat,
        stage=CreditStage.PLANNED,
        created_at=now,
        form_key=form_key,
        wanted=wanted,
        created_by=actor,
    )


def planned_again(known: Credit, plan: CreditPlan, wanted: str, now: datetime) -> Credit:
    """One that was given up begins anew, under its id."""
    fresh = replace(known, plan=plan, total=plan.total, vat=plan.vat, wanted=wanted)
    return replace(fresh, stage=CreditStage.PLANNED, created_at=now, problem=None)


def given_up(known: Credit, why: str) -> Credit:
    """Nothing of it is at Stripe."""
    if known.stage is not CreditStage.PLANNED:
        return known
    return replace(known, stage=CreditStage.GIVEN_UP, problem=why)


def is_unfinished(credit: Credit) -> bool:
    """Whether something of it is still to do, and nobody has said why it can't be done."""
    if credit.stage is CreditStage.PLANNED:
        return True
    return credit.counts and credit.plan.corrects and credit.replacement is None and credit.problem is None


def frees(credit: Credit) -> bool:
    """Whether the invoice's work may be billed again because of it."""
    return credit.counts and credit.plan.frees


def seen_credit(
    invoice: Invoice, known: Sequence[Credit], remote: RemoteCredit, plan: CreditPlan, cause: Cause
) -> tuple[Credit, list[TimelineEntry]] | None:
    """The record of a credit note as Stripe has it now, with what is to be told; None where that is not new.

    It is ours by Stripe's id, or, where that answer never reached us, by the id of ours that it carries.
    """
    ours = next((each for each in known if each.stripe_id == remote.id), None) or next(
        (each for each in known if each.stripe_id is None and each.id == remote.metadata.get(MARKER)), None
    )
    if ours is not None and ours.fetched_at is not None and cause.at <= ours.fetched_at:
        return None
    before = ours or _foreign(invoice, remote, plan)
    stage = CreditStage.VOID if remote.status == "void" or before.stage is CreditStage.VOID else CreditStage.ISSUED
    after = replace(
        before,
        stage=stage,
        stripe_id=remote.id,
        number=remote.number,
        total=remote.total,
        vat=remote.tax,
        issued_at=remote.created,
        links=remote.links,
        fetched_at=cause.at,
        problem=before.problem if before.counts else None,
    )
    told = []
    if before.stripe_id is None:
        told.append(_credited(after, remote, cause))
    if stage is CreditStage.VOID and before.stage is not CreditStage.VOID:
        told.append(_entry(cause.at, "credit_voided", after, remote.id, cause, number=remote.number or ""))
    return after, told


def seen_refund(
    known: Sequence[Refund], refund: Refund, linked: bool, cause: Cause
) -> tuple[Refund, list[TimelineEntry]] | None:
    """The record of a refund as Stripe has it now, with what is to be told; None where that is not new. One that
    belongs to a credit note is told with it."""
    before = next((each for each in known if each.stripe_id == refund.stripe_id), None)
    if before is not None and before.fetched_at is not None and cause.at <= before.fetched_at:
        return None
    after = replace(refund, fetched_at=cause.at)
    amount, told = str(Money(refund.amount, refund.currency)), []
    ids = (cause.event_id, cause.request_id, refund.stripe_id)
    if before is None and not linked:
        told.append(TimelineEntry(refund.at, "refunded", None, {"amount": amount}, *ids))
    if refund.failed and not (before and before.failed):
        words = {"amount": amount, "why": refund.reason or ""}
        told.append(TimelineEntry(cause.at, "refund_failed", None, words, *ids))
    return after, told


def differs(before: Credit | Refund | None, after: Credit | Refund) -> bool:
    """Whether it shows that something is another."""
    return before is None or replace(before, fetched_at=after.fetched_at) != after


def linked_refunds(credits: Sequence[Credit]) -> set[str]:
    """The refunds that credit notes name."""
    return {link.refund for credit in credits for link in credit.links}


def _foreign(invoice: Invoice, remote: RemoteCredit, plan: CreditPlan) -> Credit:
    made = planned(invoice, plan, "", "", "", remote.created)
    return replace(made, created_by=None, form_key=f"stripe:{remote.id}")


def _credited(credit: Credit, remote: RemoteCredit, cause: Cause) -> TimelineEntry:
    back = sum(link.amount for link in remote.links)
    words = {
        "number": remote.number or "",
        "amount": str(Money(remote.total, remote.currency)),
        "words": credit.plan.reason,
        "refund": str(Money(back, remote.currency)) if back else "",
        "elsewhere": str(Money(remote.elsewhere, remote.currency)) if remote.elsewhere else "",
    }
    return _entry(remote.created, "credited", credit, remote.id, cause, **words)


def _entry(at: datetime, kind: str, credit: Credit, about: str, cause: Cause, **words: str) -> TimelineEntry:
    actor = credit.created_by if kind == "credited" else None
    return TimelineEntry(at, kind, actor, words, cause.event_id, cause.request_id, about)
