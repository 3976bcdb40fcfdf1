"""GET /v1/tax/settings."""

from __future__ import annotations

from .. import tax
from ..routing import Call, route
from ..state import Obj


@route("GET", "/v1/tax/settings", "tax.SettingsRetrieveParams")
def retrieve(call: Call) -> Obj:
    """The tax settings of the account."""
    return tax.settings(call.world, call.account_id)
