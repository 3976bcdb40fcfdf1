"""GET /v1/account and /v1/accounts/{id}."""

from __future__ import annotations

from ..auth import masked
from ..errors import StripeFault
from ..routing import Call, route
from ..state import Obj


@route("GET", "/v1/account", "AccountRetrieveCurrentParams")
def current(call: Call) -> Obj:
    """The account that the request acts on."""
    return call.world.accounts[call.account_id]


@route("GET", "/v1/accounts/{id}", "AccountRetrieveParams")
def retrieve(call: Call) -> Obj:
    """This account, or one that is connected to this platform."""
    wanted = call.ids["id"]
    own = wanted == call.account_id
    reachable = call.account_id == call.platform.account_id and wanted in call.platform.connected
    if not (own or reachable) or wanted not in call.world.accounts:
        key = masked(next(iter(sorted(call.platform.keys)), ""))
        raise StripeFault(
            f"The provided key '{key}' does not have access to account '{wanted}' (or that account does not exist). "
            "Application access may have been revoked.",
            status=403,
            code="account_invalid",
        )
    return call.world.accounts[wanted]
