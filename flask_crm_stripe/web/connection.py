"""Connect: to Stripe's consent page and back, with Authlib; then a person confirms which account it is.

The secret ``state`` is claimed in our database before the code is exchanged, whatever the browser sends again, because
a second exchange of one code revokes the connection at Stripe. So the exchange is never retried either.
"""

from __future__ import annotations

import logging
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from flask_crm_stripe.core.connection import REFUSALS
from flask_crm_stripe.errors import ConsentFailed, ProviderFailed, RateLimited, Unreachable
from flask_crm_stripe.model.connection import Grant
from flask_crm_stripe.model.invoices import InvoiceFilter
from flask_crm_stripe.web.context import calls_stripe, current_billing, state
from flask_crm_stripe.web.page import say
from flask_crm_stripe.web.security import absolute

log = logging.getLogger(__name__)

TIMEOUT = 20
SCOPE = "read_write"
TOKENS = ("access_token", "refresh_token")


def register(blueprint: Blueprint) -> None:
    """POST /connect, GET /connect/callback, the confirmation, POST /disconnect."""
    blueprint.add_url_rule("/connect", "connect", connect, methods=["POST"])
    blueprint.add_url_rule("/connect/callback", "connect_callback", callback, methods=["GET"])
    blueprint.add_url_rule("/connect/<connection_id>", "connect_confirm", confirm_page, methods=["GET"])
    blueprint.add_url_rule("/connect/<connection_id>", "connect_confirm_now", confirm, methods=["POST"])
    blueprint.add_url_rule("/connect/<connection_id>/decline", "connect_decline", decline, methods=["POST"])
    blueprint.add_url_rule("/disconnect", "disconnect", disconnect_page, methods=["GET"])
    blueprint.add_url_rule("/disconnect", "disconnect_now", disconnect, methods=["POST"])
    blueprint.add_url_rule("/settings/refresh", "refresh_connection", refresh, methods=["POST"])


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
            log.info("Consent was not given: %s", request.args["error"][:100])
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


def confirm_page(connection_id: str) -> ResponseReturnValue:
    """Which account it is; nothing is used until a person says so."""
    pending = current_billing.connection.pending(connection_id)
    return render_template("crm_stripe/connect_confirm.html", pending=pending)


@calls_stripe
def confirm(connection_id: str) -> ResponseReturnValue:
    """Use this account."""
    connection = current_billing.connection.confirm(connection_id)
    current_billing.catalogue.note()
    name = connection.account.name or connection.account_id
    say("success", f"{name} is connected.", "Your services are being sent to Stripe.")
    return redirect(url_for(".overview"), 303)


@calls_stripe
def decline(connection_id: str) -> ResponseReturnValue:
    """Not this one."""
    current_billing.connection.decline(connection_id)
    say("success", "Nothing was connected.", "You can start again with another account.")
    return redirect(url_for(".settings"), 303)


def disconnect_page() -> ResponseReturnValue:
    """What disconnecting means, before it happens."""
    return _disconnect_page({}, "")


def _disconnect_page(wrong: dict[str, str], reason: str) -> ResponseReturnValue:
    connection = current_billing.connection.require_live()
    count = current_billing.ledger.invoices.count
    return render_template(
        "crm_stripe/disconnect.html",
        connection=connection,
        open_count=count(InvoiceFilter(status="open")),
        draft_count=count(InvoiceFilter(status="draft")),
        wrong=wrong,
        reason=reason,
    )


@calls_stripe
def disconnect() -> ResponseReturnValue:
    """Revoke at Stripe and end the connection here."""
    reason = request.form.get("reason", "").strip()
    if not 3 <= len(reason) <= 500:
        return _disconnect_page({"reason": "Write a reason of 3 to 500 characters."}, reason)
    current_billing.connection.disconnect(reason)
    say("success", "Stripe is disconnected.", "What you see here stays readable.")
    return redirect(url_for(".settings"), 303)


@calls_stripe
def refresh() -> ResponseReturnValue:
    """Ask Stripe now."""
    current_billing.connection.refresh()
    say("success", "Stripe was asked just now.")
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
    return str(word)[:100].replace("\n", " ")


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
