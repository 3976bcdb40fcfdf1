"""The connection to Stripe as people see it, and what new invoices start with."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from flask_crm_stripe.core.endpoints import MENDABLE
from flask_crm_stripe.core.legal import SELLER, wrong_seller
from flask_crm_stripe.core.limits import limits_of
from flask_crm_stripe.core.notices import ADDRESSES, addresses
from flask_crm_stripe.core.rates import RATES, rates_of
from flask_crm_stripe.core.settings import log_days
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.business import ADMIN, CONNECT, SYNC
from flask_crm_stripe.web import notices
from flask_crm_stripe.web.books import shelves
from flask_crm_stripe.web.context import calls_stripe, current_billing
from flask_crm_stripe.web.page import link, say, tools
from flask_crm_stripe.web.people import telling
from flask_crm_stripe.web.terms import form_of_settings, read_terms
from flask_crm_stripe.web.works import at_stripe, methods, what_works

LONGEST_NOTE = 500


def register(blueprint: Blueprint) -> None:
    """``/settings``."""
    blueprint.add_url_rule("/settings", "settings", settings)
    blueprint.add_url_rule("/settings", "save_settings", save_settings, methods=["POST"])
    blueprint.add_url_rule("/settings/endpoint", "mend_endpoint", mend_endpoint, methods=["POST"])
    blueprint.add_url_rule("/settings/endpoint/roll", "roll_endpoint", roll_endpoint, methods=["POST"])


def settings() -> str:
    """The connection, what works, and the defaults."""
    saved = current_billing.settings.all()
    return _page({**form_of_settings(saved), **{name: saved.get(name, "") for name in (*SELLER, RATES)}}, {})


def save_settings() -> Response | tuple[str, int]:
    """Keep what new invoices start with."""
    billing = current_billing
    billing.rights.require(ADMIN, "change the settings")
    f, texts = tools(billing)
    kept = form_of_settings(billing.settings.all())
    wanted = {name: request.form.get(name, kept[name]).strip() for name in ("days_until_due", "delivery", "note")}
    terms, wrong = read_terms({**form_of_settings({}), **wanted}, f)
    if len(terms.note) > LONGEST_NOTE:
        wrong["note"] = texts.gettext("A note has at most %(most)s characters.", most=LONGEST_NOTE)
    seller = {name: request.form.get(name, "").strip() for name in SELLER if name in request.form}
    wrong |= wrong_seller(seller)
    if RATES in request.form:
        seller[RATES] = request.form[RATES].strip()
        wrong |= _wrong_rates(seller[RATES])
    if wrong:
        return _page({**form_of_settings({}), **wanted, **seller}, wrong), 422
    billing.settings.save_defaults(
        {"days_until_due": str(terms.days_until_due), "delivery": terms.delivery.value, "note": terms.note, **seller}
    )
    say("success", texts.gettext("The defaults for new invoices were saved."))
    return redirect(link("settings"), 303)


def _wrong_rates(text: str) -> dict[str, str]:
    try:
        rates_of(text)
    except InvalidInput as error:
        return {RATES: error.message}
    return {}


@calls_stripe
def mend_endpoint() -> Response:
    """Make the webhook endpoint, or bring it up to date."""
    _, texts = tools(current_billing)
    health = current_billing.endpoints.mend()
    if health.problems:
        say("warning", texts.gettext("The webhook endpoint was set up, and something is left to do."))
    else:
        say("success", texts.gettext("The webhook endpoint is set up: news from Stripe arrives here."))
    return redirect(link("settings"), 303)


@calls_stripe
def roll_endpoint() -> Response:
    """Another signing secret."""
    _, texts = tools(current_billing)
    current_billing.endpoints.roll()
    first = texts.gettext("The webhook endpoint has another signing secret.")
    say("success", first, texts.gettext("The old one is good for four days more: nothing is lost."))
    return redirect(link("settings"), 303)


def _page(form: Mapping[str, str], wrong: Mapping[str, str]) -> str:
    billing = current_billing
    _, texts = tools(billing)
    health = billing.connection.health()
    connection, saved = health.connection, billing.settings.all()
    current = billing.connection.books()
    return render_template(
        "crm_stripe/settings.html",
        health=health,
        connection=connection,
        can_connect=billing.actor.may(CONNECT),
        can_test=billing.actor.may(SYNC),
        works=what_works(billing, health),
        troubles=billing.feed.troubles() if health.state not in ("none", "disconnected") else (),
        mendable=MENDABLE,
        endpoint=billing.endpoints.known(),
        own_endpoint=billing.endpoints.own(),
        at_stripe=at_stripe(livemode=connection.livemode) if connection else "",
        methods=methods(connection.account, texts) if connection else {},
        earlier=[shelf for shelf in shelves(billing) if shelf.connection.books != current],
        notices=notices.shown(billing),
        limits=len(limits_of(saved)),
        notified=len(addresses(saved.get(ADDRESSES, ""))),
        kept_days=log_days(saved),
        form=form,
        business=billing.business,
        wrong=wrong,
        **telling(billing, [connection.connected_by, connection.ended_by] if connection else []),
    )
