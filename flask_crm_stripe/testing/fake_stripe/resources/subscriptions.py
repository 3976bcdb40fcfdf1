"""/v1/subscriptions, to be read only: a business makes them in its own dashboard (see ../subscriptions.py)."""

from __future__ import annotations

from .. import subscriptions
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj

LIST = "collection_method created customer ending_before limit price starting_after status"


@route("GET", "/v1/subscriptions/{id}", "SubscriptionRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One subscription, with its prices as they are now."""
    return subscriptions.shown(call.world, call.account_id, call.named("subscription"))


@route("GET", "/v1/subscriptions", "SubscriptionListParams", LIST)
def list_all(call: Call) -> Obj:
    """Subscriptions, newest first; without ``status`` those that have not been cancelled [SDK]."""
    params = call.params
    if "customer" in params and params["customer"] not in call.store["customer"]:
        call.get("customer", params["customer"], "customer")
    if "price" in params:
        call.get("price", params["price"], "price")
    found = [
        subscriptions.shown(call.world, call.account_id, each)
        for each in matching(call.store["subscription"].values(), params, "collection_method", "customer")
        if _wanted(each["status"], params.get("status"))
        and ("price" not in params or any(item["price"]["id"] == params["price"] for item in each["items"]["data"]))
    ]
    return page(call, found)


def _wanted(status: str, asked: str | None) -> bool:
    if asked is None:
        return status != "canceled"
    if asked == "ended":
        return status in subscriptions.ENDED
    return asked in ("all", status)
