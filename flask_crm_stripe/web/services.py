"""Services beside their products at Stripe: in step or not, what would be sent, and sending it."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from flask import Blueprint, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.catalogue import ServiceRow
from flask_crm_stripe.errors import NotConnected
from flask_crm_stripe.model.business import SYNC
from flask_crm_stripe.model.catalogue import Change, SyncState
from flask_crm_stripe.model.money import exponent
from flask_crm_stripe.web.context import calls_stripe, current_billing
from flask_crm_stripe.web.formats import Formats
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.page import link, say, tools
from flask_crm_stripe.web.sentences import isolated

SIZE = 100
NOT_SENT = frozenset(("none", "refused", "default"))


def register(blueprint: Blueprint) -> None:
    """``/services``."""
    blueprint.add_url_rule("/services", "services", services)
    blueprint.add_url_rule("/services/sync", "sync_services", sync_services, methods=["POST"])


def services() -> str:
    """The list, and the plan for those who may send it."""
    billing = current_billing
    f, texts = tools(billing)
    rows = billing.catalogue.rows()
    start = max(0, request.args.get("start", 0, type=int))
    planned = _plan(billing)
    changes = [change for change in planned if change.deed not in NOT_SENT]
    refused = {change.service: change.after for change in planned if change.deed == "refused"}
    return render_template(
        "crm_stripe/services.html",
        rows=rows,
        shown=rows[start : start + SIZE],
        start=start,
        moving=any(row.state == SyncState.WAITING for row in rows),
        size=SIZE,
        used=sum(row.service is not None and row.service.active for row in rows),
        in_step=sum(row.state == SyncState.SYNCED for row in rows),
        state_of=lambda row: state_of(row, refused),
        connected=billing.connection.live() is not None,
        changes=changes,
        counts=_counts(changes, texts),
        refused=refused,
        change_words=lambda change: change_words(change, f, texts),
    )


@calls_stripe
def sync_services() -> Response:
    """Send what the plan shows."""
    billing = current_billing
    _, texts = tools(billing)
    report = billing.catalogue.sync()
    if report.failed:
        name, reason = report.failed[0]
        first = texts.ngettext(
            "One service could not be sent.", "%(number)s services could not be sent.", len(report.failed)
        )
        say("danger", first, texts.gettext("%(name)s: %(reason)s", name=isolated(name), reason=isolated(reason)))
    if report.done:
        say("success", texts.ngettext("One service was sent to Stripe.", "%(number)s services were sent.", report.done))
    if not report.done and not report.failed:
        say("success", texts.gettext("Everything is in step."), texts.gettext("There was nothing to send."))
    return redirect(link("services"), 303)


def state_of(row: ServiceRow, refused: dict[str, str | None]) -> str:
    """The state that people see: a service that the CRM no longer offers is no work that waits."""
    if row.state == "new" and row.service is not None:
        return "failed" if row.service.ref in refused else "new" if row.service.active else "unused"
    return row.state


def _plan(billing: Billing) -> list[Change]:
    if not billing.actor.may(SYNC):
        return []
    try:
        return billing.catalogue.plan()
    except NotConnected:
        return []


def _counts(changes: list[Change], texts: Texts) -> list[Markup]:
    found = Counter(change.deed for change in changes)
    words = {
        "create": texts.gettext("%(number)s new", number=found["create"]),
        "update": texts.gettext("%(number)s changed", number=found["update"]),
        "price": texts.ngettext("one price", "%(number)s prices", found["price"]),
        "archive_price": texts.ngettext("one old price", "%(number)s old prices", found["archive_price"]),
        "archive": texts.gettext("%(number)s to archive", number=found["archive"]),
    }
    return [text for deed, text in words.items() if found[deed]]


def change_words(change: Change, f: Formats, texts: Texts) -> Markup:
    """What would be done, in a sentence."""
    after = isolated(change.after or "")
    if change.deed == "price" and change.currency and change.after:
        after = isolated(_price(change.after, change.currency, f))
        if change.before:
            before = _price(change.before, change.currency, f)
            return texts.gettext("New price: %(before)s → %(after)s", before=before, after=after)
    values = {"after": after, "before": isolated(change.before or ""), "currency": (change.currency or "").upper()}
    sentences = {
        "create": texts.gettext("A product is made at Stripe"),
        "update": texts.gettext("Its name, code or description is brought up to date"),
        "price": texts.gettext("A price is made: %(after)s", **values),
        "archive_price": texts.gettext("The old price in %(currency)s is archived", **values),
        "archive": texts.gettext("The product is archived; invoices keep it"),
    }
    return sentences.get(change.deed) or isolated(change.deed)


def _price(minor: str, currency: str, f: Formats) -> str:
    major = Decimal(minor).scaleb(-exponent(currency))
    return f"{f.price(major, currency)}\N{NO-BREAK SPACE}{currency.upper()}"
