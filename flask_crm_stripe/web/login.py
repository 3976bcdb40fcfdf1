"""Which login a request belongs to: a sign-in at Stripe that one login began is void in the next."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

from flask import session

from flask_crm_stripe.model.business import Actor

LOGIN = "crm_stripe_login"


def with_login(actor: Actor) -> Actor:
    """The actor of this login. A host's loader need not know of it: our own random word in the session does it."""
    if actor.session:
        return actor
    if LOGIN not in session:
        session[LOGIN] = secrets.token_hex(16)
    word = f"{actor.ref}\0{session[LOGIN]}"
    return replace(actor, session=hashlib.sha256(word.encode()).hexdigest())


def forget_login(*_: object, **__: object) -> None:
    """Somebody logged in or out in this browser: what an earlier login began is void."""
    session.pop(LOGIN, None)
