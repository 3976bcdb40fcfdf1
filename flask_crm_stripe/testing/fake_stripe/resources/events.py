"""/v1/events: what happened in the last 30 days."""

from __future__ import annotations

from fnmatch import fnmatchcase

from ..errors import invalid, missing
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj
from . import common

KEPT = 30 * 24 * 3600
MOST_TYPES = 20
LIST = "created delivery_success ending_before limit starting_after type types"


@route("GET", "/v1/events", "EventListParams", LIST)
def list_all(call: Call) -> Obj:
    """Events, newest first, of one ``type`` (``*`` is a wildcard) or of at most 20 ``types``."""
    params = call.params
    common.exclusive(params, "type", "types")
    wanted = [params["type"]] if "type" in params else params.get("types")
    if wanted is not None and len(wanted) > MOST_TYPES:
        raise invalid(f"You may pass up to {MOST_TYPES} types (you gave {len(wanted)}).", "types")
    found = [each for each in _kept(call) if wanted is None or any(fnmatchcase(each["type"], w) for w in wanted)]
    if "delivery_success" in params:
        found = [each for each in found if (each["pending_webhooks"] == 0) == params["delivery_success"]]
    return page(call, matching(found, params))


@route("GET", "/v1/events/{id}", "EventRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One event, for 30 days."""
    event = call.named("event")
    if event not in _kept(call):
        raise missing("event", event["id"], status=404)
    return event


def _kept(call: Call) -> list[Obj]:
    oldest = call.world.now() - KEPT
    return [each for each in call.store["event"].values() if each["created"] >= oldest]
