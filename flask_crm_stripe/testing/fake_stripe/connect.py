"""Stripe Connect's OAuth pages: consent, the exchange of a code, and the end of a connection.

What they remember is in desk.py. Refusals have Stripe's two shapes: OAuth's, where
`error` is a word, and the API's, where `error` is an object (a missing or wrong key, 429).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

import flask
from flask import Blueprint, Flask, Response, request

from . import auth
from .desk import Desk, OAuthRefusal, as_json
from .errors import StripeFault
from .records import RequestRecord
from .state import Obj, World

COUNTRIES = {
    "NL": "Netherlands", "BE": "Belgium", "DE": "Germany", "FR": "France", "GB": "United Kingdom", "IE": "Ireland",
    "IS": "Iceland", "JP": "Japan", "US": "United States",
}  # fmt: skip
CURRENCIES = ("eur", "gbp", "isk", "jpy", "usd")
GRANTS = {
    "authorization_code": ("code", "authorization code"),
    "refresh_token": ("refresh_token", "refresh token"),
}
NO_CHOICE = "Choose an account, or give the new one a name, and press Connect again."
HIDDEN = ("client_secret", "code", "refresh_token")


def register(app: Flask, world: World) -> Desk:
    """Add the Connect pages to the app; returns what they remember."""
    desk = Desk(world)
    pages = Blueprint("connect", __name__, url_prefix="/oauth")
    pages.add_url_rule(
        "/authorize", view_func=_locked(world, lambda: authorize(desk)), endpoint="authorize", methods=["GET", "POST"]
    )
    for name, action in (("token", token), ("deauthorize", deauthorize)):
        pages.add_url_rule(f"/{name}", view_func=_logged(desk, action), endpoint=name, methods=["POST"])
    app.register_blueprint(pages)
    return desk


# -- consent -----------------------------------------------------------------------------------------------------------


def authorize(desk: Desk) -> str | Response:
    """The consent page, and what its buttons do. A wrong address is answered as JSON: no redirect, as at Stripe."""
    ask = _consent_asked(desk)
    if request.method == "GET":
        return _consent_page(desk, ask)
    if request.form.get("decision") != "allow":
        return _back(ask, error="access_denied", error_description="The user denied your request")
    account_id = _chosen(desk.world)
    if account_id is None:
        return _consent_page(desk, ask, problem=NO_CHOICE)
    code = desk.issue(ask["client_id"], account_id, ask["scope"])
    return _back(ask, scope=ask["scope"], code=code)


def _consent_asked(desk: Desk) -> dict[str, str]:
    args = request.args
    client_id = args.get("client_id", "")
    if not client_id.startswith("ca_"):
        message = "No application matches the supplied client identifier"
        flask.abort(as_json({"error": {"message": message, "type": "invalid_request_error"}}, 400))
    if args.get("response_type") != "code":
        raise OAuthRefusal("unsupported_response_type", "The only supported response type is 'code'.")
    # Without a scope Stripe means read_only, which only extensions may ask for.
    if args.get("scope", "read_only") != "read_write":
        raise OAuthRefusal("invalid_scope", f"Invalid scope provided: {args.get('scope', 'read_only')}")
    return {
        "client_id": client_id,
        "scope": "read_write",
        "state": args.get("state", ""),
        "redirect_uri": _redirect_uri(desk, client_id, args.get("redirect_uri")),
    }


def _redirect_uri(desk: Desk, client_id: str, given: str | None) -> str:
    registered = desk.redirect_uris.get(client_id, [])
    if given is None and registered:
        return registered[0]
    parts = urlsplit(given or "")
    if not given or parts.scheme not in ("http", "https") or not parts.netloc or parts.fragment:
        raise OAuthRefusal("invalid_request", f"Invalid redirect URI: {given!r}. It must be a whole http(s) address.")
    if registered and given not in registered:
        words = f"Invalid redirect URI '{given}'. Ensure this uri matches exactly one of the uris in your settings."
        raise OAuthRefusal("invalid_redirect_uri", words)
    if desk.world.livemode and parts.scheme != "https":
        raise OAuthRefusal("invalid_redirect_uri", f"Invalid redirect URI '{given}'. In live mode it must use https.")
    return given


def _consent_page(desk: Desk, ask: dict[str, str], problem: str = "") -> str:
    world = desk.world
    platform = world.platform_of_client(ask["client_id"])
    accounts = _offered(world)
    return flask.render_template(
        "fake_stripe/authorize.html",
        platform=world.platform_name,
        accounts=accounts.values(),
        connected=platform.connected,
        first=next((key for key in accounts if key not in platform.connected), next(iter(accounts), None)),
        back_to=urlsplit(ask["redirect_uri"]).netloc,
        prefill=request.args.get("stripe_user[business_name]", ""),
        countries=COUNTRIES,
        currencies=CURRENCIES,
        problem=problem,
    )


def _offered(world: World) -> dict[str, Obj]:
    """The accounts that can be connected: no platform's own, and none that is closed."""
    out = {each.account_id for each in world.platforms} | world.closed
    return {key: account for key, account in world.accounts.items() if key not in out}


def _chosen(world: World) -> str | None:
    choice = request.form.get("account", "")
    if choice != "new":
        return choice if choice in _offered(world) else None
    name = request.form.get("name", "").strip()
    country, currency = request.form.get("country", ""), request.form.get("currency", "")
    if not name or country not in COUNTRIES or currency not in CURRENCIES:
        return None
    return str(world.create_account(name[:200], country, currency)["id"])


def _back(ask: dict[str, str], **answer: str) -> Response:
    if ask["state"]:
        answer["state"] = ask["state"]
    uri = ask["redirect_uri"]
    joint = "&" if urlsplit(uri).query else "?"
    return flask.redirect(f"{uri}{joint}{urlencode(answer)}")  # type: ignore[return-value]


# -- the exchange ------------------------------------------------------------------------------------------------------


def token(desk: Desk) -> dict[str, Any]:
    """POST /oauth/token: authorization_code or refresh_token."""
    key, form = _key(desk.world), request.form
    grant = form.get("grant_type")
    if not grant:
        raise OAuthRefusal("invalid_request", "No grant type specified")
    if grant not in GRANTS:
        raise OAuthRefusal("unsupported_grant_type", f"Grant type not supported: {grant}")
    name, label = GRANTS[grant]
    value = form.get(name, "")
    if not value:
        raise OAuthRefusal("invalid_request", f"No {label} provided")
    known = (desk.codes if name == "code" else desk.refresh_tokens).get(value)
    if known is not None and not desk.world.claim(key, known.client_id):
        raise OAuthRefusal("invalid_grant", f"{label.capitalize()} provided does not belong to you: {value}")
    platform = desk.world.platform_of_key(key)
    return desk.exchange(platform, value) if name == "code" else desk.refresh(platform, value)


def deauthorize(desk: Desk) -> dict[str, Any]:
    """POST /oauth/deauthorize: the platform ends a connection."""
    key, form = _key(desk.world), request.form
    client_id, account_id = form.get("client_id", ""), form.get("stripe_user_id", "")
    if not client_id or not account_id:
        raise OAuthRefusal("invalid_request", f"No {'stripe_user_id' if client_id else 'client_id'} provided")
    if not client_id.startswith("ca_") or not desk.world.claim(key, client_id):
        raise OAuthRefusal("invalid_client", f"No such application: '{client_id}'", 401)
    if not desk.disconnect(desk.world.platform_of_key(key), account_id):
        words = f"This application is not connected to stripe account {account_id}, or that account does not exist."
        raise OAuthRefusal("invalid_client", words, 401)
    return {"stripe_user_id": account_id}


def _key(world: World) -> str:
    # Basic's user part is the key, as for the API: `ca_...:sk_...` is therefore refused.
    given = request.authorization
    key = (given.username or given.token if given else None) or request.form.get("client_secret", "")
    auth.check_key(key, world)
    return key


# -- plumbing ----------------------------------------------------------------------------------------------------------


def _locked(world: World, view: Any) -> Any:
    def inside() -> Any:
        with world.lock:
            return view()

    return inside


def _logged(desk: Desk, action: Any) -> Any:
    def inside() -> Response:
        with desk.world.lock:
            return _one_call(desk, action)

    return inside


def _one_call(desk: Desk, action: Any) -> Response:
    world = desk.world
    params = {name: "(hidden)" if name in HIDDEN else value for name, value in request.form.items()}
    record = RequestRecord(world.new_id("req"), world.now(), request.method, request.path, params)
    world.requests.append(record)
    world.current = record
    try:
        response = as_json(action(desk), 200)
        record.account = response.json["stripe_user_id"] if isinstance(response.json, dict) else None
    except StripeFault as fault:
        response, record.error = as_json(fault.body(), fault.status), fault.message
    except OAuthRefusal as refusal:
        response, record.error = refusal.get_response(), refusal.error  # type: ignore[assignment]
    finally:
        world.current = None
    record.status = response.status_code
    response.headers["Request-Id"] = record.request_id
    return response
