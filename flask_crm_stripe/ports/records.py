"""How a record of an invoice changes, as pure functions: what every ledger does alike.

A ledger loads the record, lets one of these decide, and stores what comes out.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from flask_crm_stripe.errors import Conflict, GateStopped
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import (
    Delivery,
    Invoice,
    InvoicePlan,
    Problem,
    RemoteInvoice,
    Stage,
    Status,
)

DELETED = "deleted"
FREES = frozenset((Status.VOID, DELETED))
FINAL = frozenset((Status.PAID, Status.VOID, DELETED))
PAST_DRAFT = frozenset((Status.OPEN, Status.PAID, Status.VOID, Status.UNCOLLECTIBLE))
AT_WORK = frozenset((None, Status.DRAFT, Status.OPEN))
ORDER = (Stage.PLANNED, Stage.CREATED, Stage.FILLED, Stage.CHECKED, Stage.FINALISED, Stage.SENT)

RUNS = re.compile(r"\d+|[^\W\d_]+")
"""Figures, and letters: where one of them begins, somebody may begin to type."""

TOLD_BY_BOTH = frozenset(("finalised",))
"""Sentences about a step of ours that an event may tell before our own answer is stored: they stand once."""

MARKS = "#-–_./:()[]"
LONGEST_WORD, MOST_WORDS, MOST_SEARCHED = 64, 120, 8


def planned(
    business: str, account_id: str, livemode: bool, plan: InvoicePlan, *, send: bool, actor: str, now: datetime
) -> Invoice:
    """A new record: decided, and unknown to Stripe."""
    return Invoice(
        id=uuid.uuid4().hex,
        business=business,
        account_id=account_id,
        livemode=livemode,
        contact=plan.contact.ref,
        contact_name=plan.contact.name,
        currency=plan.currency,
        plan=plan,
        stage=Stage.PLANNED,
        send=send,
        total=plan.total,
        created_by=actor,
        created_at=now,
        updated_at=now,
    )


def advanced(invoice: Invoice, stage: Stage, remote: RemoteInvoice | None, fetched_at: datetime) -> Invoice:
    """One step of our own further. The stage never falls back, except out of ``stopped``.

    Figures older than what is stored are left out: a webhook's fetch may have overtaken our own call's answer. What a
    fetch saw that began later, and that our answer has left behind for good, is older all the same.
    Raises ``Conflict`` for an abandoned invoice.
    """
    if invoice.stage is Stage.ABANDONED:
        raise Conflict("This invoice was given up in the meantime. Look at its history, and start again from the work.")
    known, result = invoice.fetched_at, invoice
    fresh = known is None or fetched_at >= known or (remote is not None and left_behind(invoice.status, remote.status))
    if remote is not None and fresh and follows(invoice.status, remote.status):
        result = replace(_pictured(invoice, remote), stripe_id=remote.id, fetched_at=_newest(known, fetched_at))
    result = replace(result, stage=_later(result.stage, stage), problem=None)
    if result.stage is Stage.SENT and result.sent_at is None:
        result = replace(result, sent_at=fetched_at)
    return _touched(invoice, result, fetched_at)


def wanted_sent(invoice: Invoice, now: datetime) -> Invoice:
    """A draft that shall be sent after all. Raises ``Conflict`` where it is no draft (any more)."""
    if invoice.stage is Stage.ABANDONED or invoice.status not in AT_WORK:
        raise Conflict("This invoice is no draft any more, so it cannot be sent. Reload the page to see it as it is.")
    return _touched(invoice, replace(invoice, send=True), now)


def stopped(invoice: Invoice, problem: Problem, now: datetime) -> Invoice:
    """Stands still, with the reason. Figures that differ (the gate) make the stage ``stopped``."""
    gate = problem.code == GateStopped.code or bool(problem.differences)
    stage = Stage.STOPPED if gate and invoice.stage is not Stage.ABANDONED else invoice.stage
    return _touched(invoice, replace(invoice, problem=problem, stage=stage), now)


def abandoned(invoice: Invoice, now: datetime) -> Invoice:
    """Given up: Stripe has nothing of it. Raises ``Conflict`` where the customer owes or paid it."""
    if invoice.status not in (None, Status.DRAFT, *FREES):
        raise Conflict("This invoice is finalised at Stripe, so it cannot be given up. Void it instead.")
    status = None if invoice.status == Status.DRAFT else invoice.status
    return _touched(invoice, replace(invoice, stage=Stage.ABANDONED, status=status, problem=None), now)


def applied(invoice: Invoice, remote: RemoteInvoice, fetched_at: datetime) -> Invoice | None:
    """The record with a newer picture, its version grown where that shows; None where the picture is not newer.

    Not newer: fetched no later than what is stored, unless that has a status that Stripe never goes back to; of another
    Stripe invoice; or with such a status itself.
    """
    late = invoice.fetched_at is not None and fetched_at <= invoice.fetched_at
    if late and not left_behind(invoice.status, remote.status):
        return None
    if invoice.stripe_id not in (None, remote.id) or not follows(invoice.status, remote.status):
        return None
    if invoice.stage is Stage.ABANDONED and remote.status not in PAST_DRAFT:
        return None
    result = replace(_pictured(invoice, remote), stripe_id=remote.id)
    if remote.status == DELETED:
        result = replace(result, stage=Stage.ABANDONED, problem=None)
    elif remote.status in PAST_DRAFT and result.stage not in (Stage.SENT, Stage.STOPPED):
        # Somebody may have finalised it at Stripe. One that the gate stopped stays stopped: nobody checked it.
        result = replace(result, stage=Stage.FINALISED, problem=None)
    return replace(_touched(invoice, result, fetched_at), fetched_at=_newest(invoice.fetched_at, fetched_at))


def left_behind(before: str | None, after: str) -> bool:
    """Whether Stripe went from one status to the other and can't go back: then what saw the first one is older,
    whenever it was asked for."""
    return before is not None and follows(before, after) and not follows(after, before)


def follows(before: str | None, after: str) -> bool:
    """Whether Stripe goes from one status to the other (https://docs.stripe.com/invoicing/overview#invoice-statuses).

    Paid, void and deleted are final; a finalised invoice is never a draft again; uncollectible never reopens. Words
    that Stripe may add later are let through.
    """
    if before == after or before is None:
        return True
    if before in FINAL or after == Status.DRAFT:
        return False
    return not (before == Status.UNCOLLECTIBLE and after == Status.OPEN)


def frees_billables(invoice: Invoice) -> bool:
    """Whether its work may be invoiced again."""
    return invoice.stage is Stage.ABANDONED or invoice.status in FREES or invoice.freed


def freed(invoice: Invoice, now: datetime) -> Invoice:
    """Credited in full, and its work may be billed again."""
    return _touched(invoice, replace(invoice, freed=True), now)


def is_unfinished(invoice: Invoice) -> bool:
    """Whether our own steps on it are not complete: to a checked draft, a finalised or a mailed invoice as was asked.

    One that the gate stopped waits for a person, not for us.
    """
    if invoice.stage not in ORDER or invoice.status not in AT_WORK:
        return False
    goal = Stage.CHECKED
    if invoice.send:
        goal = Stage.SENT if invoice.plan.delivery is Delivery.MAIL else Stage.FINALISED
    return ORDER.index(invoice.stage) < ORDER.index(goal)


def signed(known: Sequence[TimelineEntry], entry: TimelineEntry) -> TimelineEntry | None:
    """Which sentence gives way to ``entry``, which says who did it: the newest of its kind with nobody's name on it,
    for an event may have been faster than we. ``entry`` itself, where it is told already; None where it is new.
    ``known`` are those of its kind, newest first."""
    if any(_mark(each) == _mark(entry) for each in known):
        return entry
    return next((each for each in known if each.actor is None), None)


def _mark(entry: TimelineEntry) -> tuple[str | None, object]:
    return entry.actor, entry.request_id or entry.at


def search_text(invoice: Invoice) -> str:
    """The words that ``InvoiceFilter.text`` is looked for in, case-folded, with a space between them: those of number,
    customer and order number, and what begins within them (``hp-2026-0042`` is found by ``2026-0042``, ``0042`` and
    ``42`` as well). Whole words and their beginnings can be found with an index; any part of them could not."""
    text = " ".join((invoice.number or "", invoice.contact_name, invoice.plan.order_number))
    words = (word[:LONGEST_WORD] for each in _words(text) for word in _beginnings(each))
    return " ".join(list(dict.fromkeys(words))[:MOST_WORDS])


def searched(text: str) -> list[str]:
    """The words that somebody looks for: each has to be the beginning of a word of ``search_text``."""
    words = (word.lstrip(MARKS) or word for word in _words(text))
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in words))[:MOST_SEARCHED]


def _words(text: str) -> list[str]:
    # PostgreSQL has no text with a zero character in it, and refuses to look for one.
    return text.replace("\0", "").casefold().split()


def _beginnings(word: str) -> Iterator[str]:
    yield word
    for run in RUNS.finditer(word):
        yield word[run.start() :]
        yield word[run.start() :].lstrip("0") or "0"


def _pictured(invoice: Invoice, remote: RemoteInvoice) -> Invoice:
    # A draft has no total of its own until its lines are in: the plan's stands.
    total = remote.total if remote.status in PAST_DRAFT else invoice.total
    return replace(
        invoice,
        status=remote.status,
        number=remote.number or invoice.number,
        total=total,
        amount_paid=remote.amount_paid,
        amount_remaining=remote.amount_remaining,
        due_date=remote.due_date or invoice.due_date,
        finalised_at=remote.finalised_at or invoice.finalised_at,
        paid_at=remote.paid_at or invoice.paid_at,
        voided_at=remote.voided_at or invoice.voided_at,
    )


def _newest(known: datetime | None, fetched_at: datetime) -> datetime:
    return fetched_at if known is None else max(known, fetched_at)


def _later(before: Stage, after: Stage) -> Stage:
    if before not in ORDER or after not in ORDER:
        return after
    return max(before, after, key=ORDER.index)


def _touched(before: Invoice, after: Invoice, now: datetime) -> Invoice:
    visible = replace(after, fetched_at=before.fetched_at) != before
    touched = max(before.updated_at, now)
    return replace(after, version=before.version + 1 if visible else before.version, updated_at=touched)
