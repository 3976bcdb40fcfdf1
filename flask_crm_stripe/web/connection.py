"""Connect: to Stripe's consent page and back, with Authlib; then a person confirms which account it is.

The secret ``state`` is claimed in our database before the code is exchanged, whatever the browser sends again, because
a second exchange of one code revokes the connection at Stripe. So the exchange is never retried either.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from flask_crm_stripe.core.connection import REFUSALS
from flask_crm_stripe.core.log import clean
from flask_crm_stripe.errors import (
    AccountTaken,
    Conflict,
    ConsentFailed,
    CopyLocked,
    InvalidInput,
    ProviderError,
    ProviderFailed,
    RateLimited,
    Unreachable,
)
from flask_crm_stripe.model.connection import AccountChoices, Grant
from flask_crm_stripe.web.context import calls_stripe, current_billing, state
from flask_crm_stripe.web.disconnect import left_values
from flask_crm_stripe.web.page import say, source_kind, tools
from flask_crm_stripe.web.people import telling
from flask_crm_stripe.web.security import absolute
from flask_crm_stripe.web.sentences import isolated

log = logging.getLogger(__name__)

TIMEOUT = 20
SCOPE = "read_write"
TOKENS = ("access_token", "refresh_token")


def register(blueprint: Blueprint) -> None:
    """POST /connect, GET /connect/callback, the confirmation, and looking at what is connected."""
    blueprint.add_url_rule("/connect", "connect", connect, methods=["POST"])
    blueprint.add_url_rule("/connect/callback", "connect_callback", callback, methods=["GET"])
    blueprint.add_url_rule("/connect/<connection_id>", "connect_confirm", confirm_page, methods=["GET"])
    blueprint.add_url_rule("/connect/<connection_id>", "connect_confirm_now", confirm, methods=["POST"])
    blueprint.add_url_rule("/connect/<connection_id>/decline", "connect_decline", decline, methods=["POST"])
    blueprint.add_url_rule("/settings/refresh", "refresh_connection", refresh, methods=["POST"])
    blueprint.add_url_rule("/settings/test", "test_connection", test, methods=["POST"])


def connect() -> ResponseReturnValue:
    """To Stripe's consent page."""
    secret = current_billing.connection.begin()
    with _session() as oauth:
        url, _ = oauth.create_authorization_url(state().config.connect_base + "/oauth/authorize", state=secret)
    return redirect(url, 303)


@calls_stripe
def callback() -> ResponseReturnValue:
    """Back from Stripe: claim, exchange, hold as pending."""
    connections = current_billing.connection
    try:
        connections.claim(request.args.get("state", ""))
        if "error" in request.args:
            log.info("Consent was not given: %s", clean(request.args["error"], 100))
            raise ConsentFailed("denied", REFUSALS["denied"])
        connection = connections.accept(_exchange(request.args.get("code", "")))
    except ConsentFailed as error:
        if error.reason == "unknown" and request.args.get("error") == "access_denied":
            error = ConsentFailed("denied", REFUSALS["denied"])
        raise error from None
    except (Unreachable, ProviderFailed, RateLimited) as error:
        # Not its own words: they say "try again", and this return cannot be used a second time.
        log.warning("Stripe did not say which account was connected: %s", error.code)
        raise ConsentFailed("unanswered", REFUSALS["unanswered"]) from None
    return redirect(url_for(".connect_confirm", connection_id=connection.id), 303)


@calls_stripe
def confirm_page(connection_id: str) -> str:
    """Which account it is, and what happens to what there is; nothing is used until a person says so."""
    return _confirm_page(connection_id)


@calls_stripe
def confirm(connection_id: str) -> ResponseReturnValue:
    """Use this account: as the first one, or in another's place as the person chose."""
    billing, previous = current_billing, request.form.get("previous", "")
    try:
        connection = (
            billing.change.carry_out(connection_id, _choices(previous))
            if previous
            else billing.connection.confirm(connection_id)
        )
    except Conflict as error:
        if isinstance(error, AccountTaken | CopyLocked):
            raise
        return _confirm_page(connection_id, error.message), 409
    billing.catalogue.note()
    _, texts = tools(billing)
    name = isolated(connection.account.name or connection.account_id)
    first = texts.gettext("%(name)s is connected.", name=name)
    say("success", first, texts.gettext("Your services are being sent to Stripe."))
    return redirect(url_for(".overview"), 303)


def _confirm_page(connection_id: str, problem: str = "") -> str:
    billing = current_billing
    pending, plan = billing.connection.pending(connection_id), billing.change.plan(connection_id)
    return render_template(
        "crm_stripe/connect_confirm.html",
        pending=pending,
        plan=plan,
        problem=problem,
        contact_word=lambda ref: source_kind(ref.partition(":")[0]),
        **(left_values(billing, plan.left) if plan else {}),
        **telling(billing, [plan.previous.connected_by] if plan else []),
    )


def _choices(previous: str) -> AccountChoices:
    """What was ticked: ``contact`` and ``service`` are pairs of a ref here and an id at Stripe."""
    return AccountChoices(
        previous,
        customers=dict(_pairs(request.form.getlist("customer"))),
        products=dict(_pairs(request.form.getlist("product"))),
        free_drafts=request.form.get("free_drafts") == "yes",
    )


def _pairs(values: list[str]) -> Iterator[tuple[str, str]]:
    for value in values:
        there, found, ref = value.partition(" ")
        if found:
            yield ref, there


@calls_stripe
def decline(connection_id: str) -> ResponseReturnValue:
    """Not this one."""
    current_billing.connection.decline(connection_id)
    say("success", "Nothing was connected.", "You can start again with another account.")
    return redirect(url_for(".settings"), 303)


@calls_stripe
def refresh() -> ResponseReturnValue:
    """Ask Stripe now."""
    current_billing.connection.refresh()
    say("success", "Stripe was asked just now.")
    return redirect(url_for(".settings"), 303)


@calls_stripe
def test() -> ResponseReturnValue:
    """Send one service to Stripe and take it back."""
    _, texts = tools(current_billing)
    try:
        name = current_billing.probe.run()
    except (InvalidInput, ProviderError) as error:
        say("danger", texts.gettext("The test failed."), error.message)
    else:
        first = texts.gettext("The connection works.")
        say("success", first, texts.gettext("%(name)s was sent to Stripe and taken back.", name=isolated(name)))
    return redirect(url_for(".settings"), 303)


def _exchange(code: str) -> Grant:
    """The code for the account, once and never again. Raises ``ConsentFailed`` for every way in which it can fail.

    Authlib raises its own errors for what OAuth knows (the error may be Stripe's API-shaped object), requests' for the
    line and for 5xx, and ValueError for a body that is no JSON.
    """
    if not code:
        raise ConsentFailed("exchange", REFUSALS["exchange"])
    config = state().config
    try:
        with _session() as oauth:
            token = oauth.fetch_token(
                config.connect_base + "/oauth/token",
                grant_type="authorization_code",
                code=code,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
    except AuthlibBaseError as error:
        log.warning("Stripe refused the exchange: %s", _error_word(error.error))
        raise ConsentFailed("exchange", REFUSALS["exchange"]) from None
    except (requests.RequestException, ValueError) as error:
        log.warning("The exchange with Stripe failed: %s", type(error).__name__)
        raise ConsentFailed("unanswered", REFUSALS["unanswered"]) from None
    return _grant(token)


def _grant(token: dict[str, Any]) -> Grant:
    account, livemode = token.get("stripe_user_id"), token.get("livemode")
    if not isinstance(account, str) or not account.startswith("acct_") or not isinstance(livemode, bool):
        raise ConsentFailed("exchange", REFUSALS["exchange"])
    kept = {name: str(token[name]) for name in TOKENS if token.get(name)}
    return Grant(account, livemode, str(token.get("scope", "")), kept)


def _error_word(error: object) -> str:
    word = error.get("type") or error.get("code") if isinstance(error, dict) else error
    return clean(str(word), 100)


def _session() -> OAuth2Session:
    """Stripe reads Basic credentials as the API key alone, so the secret goes into the body."""
    config = state().config
    session = OAuth2Session(
        client_id=config.client_id,
        client_secret=config.api_key,
        scope=SCOPE,
        redirect_uri=absolute(".connect_callback"),
        token_endpoint_auth_method="client_secret_post",  # noqa: S106  # the name of a method
    )
    state().send_http(session)
    return session
