"""Which login a request belongs to: a sign-in at Stripe that one login began is void in the next."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

from flask import request, session

from flask_crm_stripe.model.business import Actor

LOGIN = "crm_stripe_login"


def with_login(actor: Actor) -> Actor:
    """The actor of this login, and of this address. A host's loader need not know of either: our own random word in
    the session does it, and what the host takes for the address of whoever asks (behind a proxy: with ProxyFix)."""
    actor = replace(actor, address=actor.address or request.remote_addr or "")
    if actor.session:
        return actor
    if LOGIN not in session:
        session[LOGIN] = secrets.token_hex(16)
    word = f"{actor.ref}\0{session[LOGIN]}"
    return replace(actor, session=hashlib.sha256(word.encode()).hexdigest())


def forget_login(*_: object, **__: object) -> None:
    """Somebody logged in or out in this browser: what an earlier login began is void."""
    session.pop(LOGIN, None)
