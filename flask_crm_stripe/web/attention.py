"""What needs somebody, most urgent first; things of one kind are one row with a count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.connection import Health
from flask_crm_stripe.model.business import ADMIN
from flask_crm_stripe.model.catalogue import SyncState
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, InvoiceFilter, Outstanding, Status
from flask_crm_stripe.web.formats import Formats
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.page import link
from flask_crm_stripe.web.sentences import isolated

MOST_DRAFTS = 100


@dataclass(frozen=True, slots=True)
class Item:
    """One row. ``tone`` is problem or warning; ``deed`` is what the button says."""

    tone: str
    what: str
    why: str
    url: str
    deed: str


def needs_attention(
    billing: Billing,
    health: Health,
    money: Sequence[Outstanding],
    lately: Sequence[tuple[Invoice, TimelineEntry]],
    f: Formats,
    texts: Texts,
) -> list[Item]:
    """The rows. The account's own state is not among them: it is the note on top."""
    return [
        *_news(billing, health, texts),
        *_stopped(billing, f, texts),
        *_failed_payments(lately, f, texts),
        *_overdue(money, f, texts),
        *_approvals(billing, f, texts),
        *_services(billing, texts),
    ]


def _news(billing: Billing, health: Health, texts: Texts) -> Iterator[Item]:
    if health.failed_events and billing.actor.may(ADMIN):
        what = texts.ngettext(
            "A message from Stripe could not be applied",
            "%(number)s messages from Stripe could not be applied",
            health.failed_events,
        )
        why = texts.gettext("Statuses may be behind until it is applied again")
        yield Item("problem", what, why, link("events", state="failed"), texts.gettext("Show them"))


def _stopped(billing: Billing, f: Formats, texts: Texts) -> Iterator[Item]:
    books = billing.connection.books()
    drafts = billing.ledger.invoices.page(InvoiceFilter(status=Status.DRAFT, books=books), None, MOST_DRAFTS).rows
    waiting = billing.ledger.invoices.unfinished(books, billing.clock.now())
    for invoice in {found.id: found for found in (*drafts, *waiting)}.values():
        if invoice.problem is None:
            continue
        total = f.sum_of(invoice.total, invoice.currency)
        why = texts.gettext("%(name)s · %(total)s", name=isolated(invoice.contact_name), total=total)
        if invoice.problem.differences:
            what, deed = texts.gettext("An invoice was stopped before sending"), texts.gettext("Compare")
        else:
            what, deed = texts.gettext("An invoice is not finished"), texts.gettext("Open invoice")
        yield Item("problem", what, why, link("invoice", invoice_id=invoice.id), deed)


def _failed_payments(lately: Sequence[tuple[Invoice, TimelineEntry]], f: Formats, texts: Texts) -> Iterator[Item]:
    newest = {invoice.id: (invoice, entry) for invoice, entry in reversed(lately) if entry.kind == "payment_failed"}
    for invoice, entry in newest.values():
        if invoice.status != Status.OPEN:
            continue
        owed = f.sum_of(invoice.amount_remaining, invoice.currency)
        reason = entry.params.get("reason") or texts.gettext("The bank gave no reason.")
        yield Item(
            "problem",
            texts.gettext("A payment failed: %(owed)s", owed=owed),
            texts.gettext(
                "%(name)s · %(number)s · %(reason)s",
                name=isolated(invoice.contact_name),
                number=invoice.number or "",
                reason=isolated(reason),
            ),
            link("invoice", invoice_id=invoice.id),
            texts.gettext("Open invoice"),
        )


def _overdue(money: Sequence[Outstanding], f: Formats, texts: Texts) -> Iterator[Item]:
    late = [row for row in money if row.overdue_count]
    if late:
        count = sum(row.overdue_count for row in late)
        sums = " + ".join(f.sum_of(row.overdue, row.currency) for row in late)
        what = texts.ngettext(
            "One invoice is overdue: %(sums)s", "%(number)s invoices are overdue: %(sums)s", count, sums=sums
        )
        why = texts.gettext("Their due date has passed")
        yield Item("warning", what, why, link("invoices", due="overdue"), texts.gettext("Show them"))


def _approvals(billing: Billing, f: Formats, texts: Texts) -> Iterator[Item]:
    waiting = billing.approvals.for_me()
    if waiting:
        what = texts.ngettext(
            "A request waits for your agreement", "%(number)s requests wait for your agreement", len(waiting)
        )
        first = waiting[0]
        total = f.sum_of(first.amount, first.currency) if first.kind == "send" else ""
        why = Markup(" · ").join(part for part in (isolated(first.details.get("contact", "")), total) if part)
        one = link("approval", approval_id=first.id) if len(waiting) == 1 else link("approvals")
        yield Item("warning", what, why, one, texts.gettext("Look at it"))


def _services(billing: Billing, texts: Texts) -> Iterator[Item]:
    failed = [row for row in billing.catalogue.rows() if row.state == SyncState.FAILED]
    if failed:
        what = texts.ngettext("A service is not at Stripe", "%(number)s services are not at Stripe", len(failed))
        why = isolated(failed[0].reason or "")
        yield Item("warning", what, why, link("services"), texts.gettext("Show services"))
