"""Who may do what: checked in the use case, not only on the page, and noted where it was refused."""

from __future__ import annotations

from dataclasses import dataclass

from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.errors import NotPermitted
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.log import REFUSED


@dataclass(frozen=True)
class Rights:
    """What one actor may do in one business."""

    log: ActionLog

    @property
    def actor(self) -> Actor:
        """Whose rights these are."""
        return self.log.actor

    def may(self, permission: str) -> bool:
        """Whether the actor holds the permission."""
        return self.actor.may(permission)

    def require(self, permission: str, deed: str, target: str = "") -> None:
        """Raise ``NotPermitted`` unless the actor holds the permission. ``deed`` completes "You may not ..."."""
        if not self.actor.may(permission):
            self.log.note(f"refused.{permission}", target or deed, REFUSED, deed)
            raise NotPermitted(permission, deed)
