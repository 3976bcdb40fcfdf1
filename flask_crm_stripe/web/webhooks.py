"""Where Stripe's events come in: verified, matched to a business, stored once, acknowledged. Applied afterwards."""

from __future__ import annotations

import logging
from typing import cast

from flask import Blueprint, Response, request

from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.errors import InvalidInput, SetupMissing
from flask_crm_stripe.web.context import state

log = logging.getLogger(__name__)

LARGEST_BODY = 1_000_000
"""Bytes. Stripe's events are some kilobytes; a larger body is refused before it is read."""

HEADER = "Stripe-Signature"


def register(blueprint: Blueprint) -> None:
    """POST /webhooks, on a blueprint of its own, without login and without CSRF: the signature is the key."""
    blueprint.add_url_rule("/webhooks", "webhooks", receive, methods=["POST"])


def receive() -> Response:
    """400 for what Stripe did not sign, 413 for what is too large, 503 while billing is not set up, else 200."""
    if request.content_length is None or request.content_length > LARGEST_BODY:
        return _plain("The body is too large or its length is not given.", 413)
    found = state()
    try:
        found.ready()
        event = found.read_event(request.get_data(), request.headers.get(HEADER))
    except SetupMissing as error:
        return _plain(error.message, 503)
    except InvalidInput as error:
        log.warning("A webhook delivery was refused: %s", error.message)
        return _plain(error.message, 400)
    received = cast(Inbox, found.inbox).receive(event)
    found.housekeep()
    if received.why == "foreign":
        log.info("An event of type %s came for an account that is not connected here", event.type)
    return _plain(received.why, 200)


def _plain(text: str, status: int) -> Response:
    return Response(text + "\n", status, mimetype="text/plain")
