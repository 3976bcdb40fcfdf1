"""The connection to Stripe as people see it, and what new invoices start with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.connection import Health
from flask_crm_stripe.core.log import note
from flask_crm_stripe.core.rights import require
from flask_crm_stripe.model.business import ADMIN, CONNECT
from flask_crm_stripe.model.catalogue import SyncState
from flask_crm_stripe.model.connection import Account, ConnectionState
from flask_crm_stripe.web.context import current_billing
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.page import link, say, tools
from flask_crm_stripe.web.people import telling
from flask_crm_stripe.web.terms import form_of_settings, read_terms

LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Works:
    """One row of "What works": a tone (ok, warning, problem, none), its state in words, and the evidence."""

    tone: str
    state: str
    what: str
    why: str
    url: str = ""
    deed: str = ""


def register(blueprint: Blueprint) -> None:
    """``/settings``."""
    blueprint.add_url_rule("/settings", "settings", settings)
    blueprint.add_url_rule("/settings", "save_settings", save_settings, methods=["POST"])


def settings() -> str:
    """The connection, what works, and the defaults."""
    return _page(form_of_settings(current_billing.ledger.settings.all()), {})


def save_settings() -> Response | tuple[str, int]:
    """Keep what new invoices start with."""
    billing = current_billing
    require(billing.actor, ADMIN, "change the settings")
    f, texts = tools(billing)
    wanted = {name: request.form.get(name, "").strip() for name in ("days_until_due", "delivery", "note")}
    terms, wrong = read_terms({**wanted, "discount_percent": "", "order_number": ""}, f)
    if len(terms.note) > LONGEST_NOTE:
        wrong["note"] = texts.gettext("A note has at most %(most)s characters.", most=LONGEST_NOTE)
    if wrong:
        return _page({**form_of_settings({}), **wanted}, wrong), 422
    values = {"days_until_due": str(terms.days_until_due), "delivery": terms.delivery.value, "note": terms.note}
    billing.ledger.settings.save(values, billing.actor.ref, billing.clock.now())
    note(billing.ledger, billing.actor, billing.clock, "settings.save", "settings")
    say("success", texts.gettext("The defaults for new invoices were saved."))
    return redirect(link("settings"), 303)


def _page(form: Mapping[str, str], wrong: Mapping[str, str]) -> str:
    billing = current_billing
    health = billing.connection.health()
    connection = health.connection
    return render_template(
        "crm_stripe/settings.html",
        health=health,
        connection=connection,
        can_connect=billing.actor.may(CONNECT),
        works=what_works(billing, health),
        form=form,
        wrong=wrong,
        **telling(billing, [connection.connected_by, connection.ended_by] if connection else []),
    )


def what_works(billing: Billing, health: Health) -> list[Works]:
    """Five rows at most; none where nothing is connected."""
    connection = health.connection
    if connection is None or connection.state is not ConnectionState.LIVE:
        return []
    _, texts = tools(billing)
    return [
        *_account_rows(connection.account, texts),
        _news_row(billing, health, texts),
        _services_row(billing, texts),
    ]


def _account_rows(account: Account, texts: Texts) -> list[Works]:
    payments = (
        Works("ok", texts.gettext("On"), texts.gettext("Payments: on"), texts.gettext("Customers can pay invoices."))
        if account.charges_enabled
        else Works(
            "problem",
            texts.gettext("Off"),
            texts.gettext("Payments: off"),
            texts.gettext("You can make drafts; sending waits until Stripe takes payments for this account."),
        )
    )
    payouts = (
        Works("ok", texts.gettext("On"), texts.gettext("Payouts: on"), texts.gettext("Money reaches your bank."))
        if account.payouts_enabled
        else Works(
            "warning",
            texts.gettext("Off"),
            texts.gettext("Payouts: off"),
            texts.gettext("Money stays at Stripe until payouts are on."),
        )
    )
    return [payments, payouts]


def _news_row(billing: Billing, health: Health, texts: Texts) -> Works:
    f, _ = tools(billing)
    url, deed = (link("events"), texts.gettext("Show")) if billing.actor.may(ADMIN) else ("", "")
    if health.failed_events:
        why = texts.ngettext(
            "One message could not be applied.", "%(number)s messages could not be applied.", health.failed_events
        )
        return Works("problem", texts.gettext("Failing"), texts.gettext("News from Stripe: failing"), why, url, deed)
    if health.last_event_at is None:
        why = texts.gettext("Nothing has come yet. It comes with the first invoice.")
        return Works("none", texts.gettext("None yet"), texts.gettext("News from Stripe: none yet"), why, url, deed)
    why = texts.gettext("Last one %(ago)s.", ago=f.ago(health.last_event_at))
    return Works("ok", texts.gettext("Arriving"), texts.gettext("News from Stripe: arriving"), why, url, deed)


def _services_row(billing: Billing, texts: Texts) -> Works:
    rows = [row for row in billing.catalogue.rows() if row.service is not None and row.service.active]
    done = sum(row.state == SyncState.SYNCED for row in rows)
    what = texts.gettext("Services: %(done)s of %(all)s at Stripe", done=done, all=len(rows))
    url, deed = link("services"), texts.gettext("Show")
    if any(row.state == SyncState.FAILED for row in rows):
        why = texts.gettext("Some could not be sent.")
        return Works("warning", texts.gettext("To do"), what, why, url, deed)
    if done < len(rows):
        return Works("none", texts.gettext("Waiting"), what, texts.gettext("Some wait to be sent."), url, deed)
    return Works("ok", texts.gettext("In step"), what, texts.gettext("In step with your catalogue."), url, deed)
