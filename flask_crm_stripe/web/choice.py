"""What the list of billables shows: on our own page, and in the host's."""

from __future__ import annotations

from collections import defaultdict

from markupsafe import Markup

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.deposits import Deposit
from flask_crm_stripe.core.selection import READY, BillableRow, SourceBilling
from flask_crm_stripe.model.business import CONNECT, DRAFT
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.money import exponent
from flask_crm_stripe.web.formats import Formats, decimals
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.page import link, tools
from flask_crm_stripe.web.sentences import isolated

USUAL_PART = 30
"""Percent: what the form for a deposit starts with."""


def choice_values(billing: Billing, where: SourceRef) -> dict[str, object]:
    """The rows and all that stands around them. Raises ``NotFound``."""
    found = billing.invoicing.source(where)
    f, texts = tools(billing)
    connected = billing.connection.live() is not None
    return {
        "billing": found,
        "ready": _ready(found),
        "advance": [row for row in found.rows if row.advance],
        "deposits": [deposit_words(each, f, texts) for each in billing.invoicing.deposits([where])],
        "usual_part": USUAL_PART,
        "others": [(other, _ready(other)) for other in billing.invoicing.others(found)],
        "choosing": connected and billing.actor.may(DRAFT) and not billing.environment.is_copy,
        "blocked_why": _blocked(billing, texts, connected=connected),
        "blocked_url": link("settings") if not connected and billing.actor.may(CONNECT) else "",
        "chosen_words": _chosen([row for row in found.rows if row.selected], f, texts),
        "about": lambda row, currency: about(row, currency, f, texts),
        "power": exponent,
        "places": decimals,
    }


def _ready(billing: SourceBilling) -> list[BillableRow]:
    return [row for row in billing.rows if row.state == READY]


def deposit_words(deposit: Deposit, f: Formats, texts: Texts) -> Markup:
    """``Deposit HP-0007, 30 %, 1,234.00 EUR``, and what becomes of it."""
    invoice = deposit.invoice
    number = invoice.number or texts.gettext("a draft")
    href = Markup('<a class="cs-plain" href="{}">{}</a>').format(link("invoice", invoice_id=invoice.id), number)
    first = texts.gettext(
        "Deposit %(invoice)s of %(percent)s, %(total)s",
        invoice=href,
        percent=f.percent(invoice.plan.deposit_percent),
        total=f.sum_of(invoice.total, invoice.currency),
    )
    if deposit.taken_by:
        there = Markup('<a class="cs-plain" href="{}">{}</a>').format(
            link("invoice", invoice_id=deposit.taken_by), texts.gettext("another invoice")
        )
        then = texts.gettext("taken off on %(invoice)s", invoice=there)
    elif deposit.waits:
        then = texts.gettext("is taken off the next invoice")
    else:
        then = texts.gettext("not sent yet")
    return Markup("{}: {}").format(first, then)


def _blocked(billing: Billing, texts: Texts, *, connected: bool) -> Markup:
    if not billing.actor.may(DRAFT):
        return texts.gettext("You can see the work but not make invoices.")
    if connected and billing.environment.is_copy:
        return texts.gettext("This is a copy: no invoice is made here.")
    if not connected and not billing.actor.may(CONNECT):
        return texts.gettext("Ask an admin to connect Stripe.")
    return Markup("")


def _chosen(rows: list[BillableRow], f: Formats, texts: Texts) -> Markup:
    if not rows:
        return texts.gettext("No line chosen")
    sums: dict[str, int] = defaultdict(int)
    for row in rows:
        sums[row.billable.currency] += row.amount
    words = " + ".join(f.sum_of(minor, currency) for currency, minor in sums.items())
    return texts.ngettext("1 line, %(sums)s", "%(number)s lines, %(sums)s", len(rows), sums=words)


def about(row: BillableRow, currency: str | None, f: Formats, texts: Texts) -> Markup:
    """The second line of a row: when and who, what was agreed, and why it can't be billed."""
    line = row.billable
    words: list[Markup] = [isolated(word) for word in (line.worked_on, line.worked_by) if word]
    if row.list_price is not None:
        price = f.price(row.list_price, line.currency)
        words.append(texts.gettext("agreed rate, catalogue %(price)s", price=price))
    if line.discount_percent:
        words.append(texts.gettext("%(percent)s off this line", percent=f.percent(line.discount_percent)))
    if line.vat_included:
        words.append(texts.gettext("VAT included"))
    if row.invoice:
        number = row.invoice.number or texts.gettext("a draft")
        href = Markup('<a class="cs-plain" href="{}">{}</a>').format(link("invoice", invoice_id=row.invoice.id), number)
        words.append(texts.gettext("on %(invoice)s", invoice=href))
    elif row.reason:
        words.append(isolated(row.reason))
    elif row.state == READY and currency and line.currency != currency:
        words.append(texts.gettext("In %(currency)s: makes an invoice of its own", currency=line.currency.upper()))
    return Markup(" · ").join(words)
