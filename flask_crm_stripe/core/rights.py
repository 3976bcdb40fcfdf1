"""Who may do what: checked in the use case, not only on the page."""

from __future__ import annotations

from flask_crm_stripe.errors import NotPermitted
from flask_crm_stripe.model.business import Actor


def require(actor: Actor, permission: str, deed: str) -> None:
    """Raise ``NotPermitted`` unless the actor holds the permission. ``deed`` completes "You may not ..."."""
    if not actor.may(permission):
        raise NotPermitted(permission, deed)
