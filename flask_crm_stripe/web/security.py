"""Closed by default: CSRF on every form and JSON call of ours, headers on every answer."""

from __future__ import annotations

import secrets
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Response, current_app, g, request, url_for
from flask_wtf.csrf import generate_csrf, validate_csrf
from markupsafe import Markup
from wtforms.validators import ValidationError

from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.log import REFUSED
from flask_crm_stripe.web.context import state

SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
CSRF_HEADERS = ("X-CSRFToken", "X-CSRF-Token")
FORM_TOO_OLD = "This form was open for too long or came from another page. Nothing was changed. Reload and try again."


ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
UNLESS_SET = {"Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
"""A link that leads away to a payment page sends no referrer at all; a file of ours may be kept."""


class WrongToken(InvalidInput):
    """A form or JSON call without the token that our own pages carry."""

    code = "csrf"

    def __init__(self) -> None:
        super().__init__("csrf_token", FORM_TOO_OLD)


def check_csrf() -> None:
    """Whether or not the host has CSRFProtect. Raises ``WrongToken``."""
    switched_off = current_app.testing and current_app.config.get("WTF_CSRF_ENABLED") is False
    if request.method in SAFE or switched_off:
        return
    name = current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")
    given = request.form.get(name) or next(filter(None, map(request.headers.get, CSRF_HEADERS)), None)
    try:
        validate_csrf(given)
    except ValidationError:
        g.crm_stripe_billing.log.note("refused.csrf", request.path, REFUSED)
        raise WrongToken from None


def csrf_field() -> Markup:
    """The hidden input that every form of ours has."""
    name = current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")
    return Markup('<input type="hidden" name="{}" value="{}">').format(name, generate_csrf())


def form_key() -> str:
    """One press of one button: a second POST with the same key lands on the first one's result."""
    return secrets.token_hex(16)


def absolute(endpoint: str, **values: str) -> str:
    """An address for the outside world: PUBLIC_URL and our path, whatever the Host header says."""
    path = url_for(endpoint, **values, _external=False).removeprefix(request.script_root)
    return state().config.public_url + path


def set_headers(response: Response) -> Response:
    """On every answer of our pages."""
    headers = response.headers
    headers["Content-Security-Policy"] = policy(state().config.connect_base)
    for name, value in ALWAYS.items():
        headers[name] = value
    for name, value in UNLESS_SET.items():
        headers.setdefault(name, value)
    return response


@lru_cache(maxsize=16)
def policy(connect_base: str) -> str:
    """Nothing inline, nothing from elsewhere. Browsers hold ``form-action`` against redirects too, and Connect begins
    with a POST that redirects to Stripe. Bootstrap draws its check marks from ``data:`` images."""
    parts = urlsplit(connect_base)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            f"form-action 'self' {parts.scheme}://{parts.netloc}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
