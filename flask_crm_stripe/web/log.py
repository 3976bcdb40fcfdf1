"""Who did what in billing, and what was refused."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from markupsafe import Markup

from flask_crm_stripe.core.rights import require
from flask_crm_stripe.model.business import ADMIN
from flask_crm_stripe.model.events import LogEntry
from flask_crm_stripe.web.context import current_billing
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.i18n import marked as _
from flask_crm_stripe.web.page import link, tools
from flask_crm_stripe.web.people import telling

DEEDS = {
    "connect.start": _("Started to connect Stripe"),
    "connect.return": _("Came back from Stripe"),
    "connect.accept": _("Came back from Stripe with an account"),
    "connect.confirm": _("Connected the account"),
    "connect.decline": _("Did not want the account"),
    "disconnect": _("Disconnected the account"),
    "invoice.make": _("Made an invoice"),
    "invoice.make_again": _("Pressed the same button again"),
    "invoice.send": _("Sent an invoice"),
    "invoice.resume": _("Went on with an invoice"),
    "invoice.delete": _("Deleted a draft"),
    "services.sync": _("Sent services to Stripe"),
    "settings.save": _("Changed the settings"),
    "event.retry": _("Applied an event again"),
}


def register(blueprint: Blueprint) -> None:
    """``/log``."""
    blueprint.add_url_rule("/log", "log", log)


def log() -> str:
    """The log, newest first."""
    billing = current_billing
    require(billing.actor, ADMIN, "see the log")
    _f, texts = tools(billing)
    page = billing.ledger.log.page(request.args.get("cursor") or None)
    return render_template(
        "crm_stripe/log.html",
        page=page,
        page_url=lambda cursor: link("log", cursor=cursor),
        log_words=lambda entry: log_words(entry, texts),
        **telling(billing, [entry.actor for entry in page.rows]),
    )


def log_words(entry: LogEntry, texts: Texts) -> Markup:
    """The deed, and a link to the invoice where it was about one."""
    deed = texts.gettext(DEEDS.get(entry.action) or entry.action.replace(".", ", ").replace("_", " "))
    if not entry.action.startswith("invoice.") or not entry.target.isalnum():
        return deed
    href = link("invoice", invoice_id=entry.target)
    return Markup('<a class="cs-plain" href="{}">{}</a>').format(href, deed)
