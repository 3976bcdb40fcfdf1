"""The overview: can money come in, what needs somebody, how much is owed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

from flask import Blueprint, render_template

from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, InvoiceFilter
from flask_crm_stripe.web import notices
from flask_crm_stripe.web.attention import needs_attention
from flask_crm_stripe.web.context import current_billing
from flask_crm_stripe.web.page import tools
from flask_crm_stripe.web.people import telling

LATELY = 5
LOOK_BACK = 40


def register(blueprint: Blueprint) -> None:
    """``/``."""
    blueprint.add_url_rule("/", "overview", overview)


def overview() -> str:
    """The first page."""
    billing = current_billing
    health = billing.connection.health()
    if health.state == "none":
        news = notices.shown(billing)
        return render_template("crm_stripe/overview.html", health=health, connection=None, notices=news)
    f, texts = tools(billing)
    month = datetime.combine(f.today.replace(day=1), time(), f.zone)
    books = billing.connection.books()
    money = billing.ledger.invoices.outstanding(InvoiceFilter(today=f.today, books=books), month)
    lately = billing.ledger.invoices.recent(books, LOOK_BACK)
    shown = _one_each(lately)
    return render_template(
        "crm_stripe/overview.html",
        health=health,
        connection=health.connection,
        notices=notices.shown(billing),
        money=money,
        attention=needs_attention(billing, health, money, lately, f, texts),
        lately=shown,
        **telling(
            billing, [health.connection.ended_by if health.connection else None, *(one.actor for _, one in shown)]
        ),
    )


def _one_each(lately: Sequence[tuple[Invoice, TimelineEntry]]) -> list[tuple[Invoice, TimelineEntry]]:
    """The newest of each invoice: five rows about five things."""
    newest: dict[str, tuple[Invoice, TimelineEntry]] = {}
    for invoice, entry in lately:
        newest.setdefault(invoice.id, (invoice, entry))
    return list(newest.values())[:LATELY]
