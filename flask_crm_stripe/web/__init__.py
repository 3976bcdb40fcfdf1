"""The pages, the webhook route and the JSON side. Everything is made anew for each app: nothing is shared."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, request

from flask_crm_stripe.web import (
    afterwards,
    api,
    approvals,
    assets,
    billables,
    connection,
    copy,
    credits,
    disconnect,
    embed,
    errors,
    events,
    health,
    invoices,
    log,
    notices,
    overview,
    runs,
    safety,
    security,
    services,
    settings,
    webhooks,
)
from flask_crm_stripe.web.context import notice_rolled_key, open_billing, state

HERE = Path(__file__).parent
PAGES = (
    *(overview, settings, safety, connection, disconnect, copy, notices, services, billables, invoices, afterwards),
    *(credits, runs, approvals, events, log, api, embed),
)
OPEN = frozenset(("static", "health"))
LARGEST_BODY = 1_000_000
"""Bytes. Our largest form is a review of some hundred lines; anything larger is refused before it is read."""


def blueprints() -> tuple[Blueprint, Blueprint, Blueprint]:
    """Pages with JSON, webhook, Bootstrap's files: each a blueprint, so that the host's walls can tell them apart."""
    return pages(), hooks(), files()


def pages() -> Blueprint:
    """What people and programs of the host use. Closed to everybody whom the host does not name."""
    blueprint = Blueprint(
        "crm_stripe",
        __name__,
        template_folder=str(HERE / "templates"),
        static_folder=str(HERE / "static"),
        static_url_path="/static",
    )
    blueprint.before_request(guard)
    blueprint.after_request(security.set_headers)
    errors.register(blueprint)
    health.register(blueprint)
    for module in PAGES:
        module.register(blueprint)
    return blueprint


def hooks() -> Blueprint:
    """Where Stripe calls."""
    blueprint = Blueprint("crm_stripe_hooks", __name__)
    blueprint.after_request(security.set_headers)
    webhooks.register(blueprint)
    return blueprint


def files() -> Blueprint:
    """Bootstrap's, with the same headers as ours."""
    blueprint = assets.blueprint()
    blueprint.after_request(security.set_headers)
    return blueprint


def guard() -> None:
    """Before each page and JSON call: who, where, may they, and is it really their own form."""
    if (request.endpoint or "").rpartition(".")[2] in OPEN:
        return
    request.max_content_length = LARGEST_BODY
    open_billing()
    notice_rolled_key()
    security.check_csrf()
    state().housekeep()
