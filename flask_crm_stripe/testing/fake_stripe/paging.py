"""List objects: limit, cursors, filters by time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .errors import StripeFault, invalid, missing
from .routing import Call
from .state import Obj


def page(call: Call, objects: Iterable[Obj], *, newest_first: bool = True) -> Obj:
    """One page of ``objects`` (given oldest first) as a list object, by the request's limit and cursors."""
    ordered = list(objects)
    if newest_first:
        ordered.reverse()
        ordered.sort(key=lambda each: each.get("created") or 0, reverse=True)
    limit = _limit(call.params)
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise invalid(
            "Received both starting_after and ending_before parameters. Please pass in only one.",
            "starting_after",
            "parameters_exclusive",
        )
    if before:
        end = _position(ordered, before, "ending_before")
        start = max(0, end - limit)
        return list_object(call.path, ordered[start:end], has_more=start > 0)
    start = _position(ordered, after, "starting_after") + 1 if after else 0
    return list_object(call.path, ordered[start : start + limit], has_more=len(ordered) > start + limit)


def list_object(url: str, data: list[Obj], *, has_more: bool = False) -> Obj:
    """Stripe's list shape."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def within(value: int | None, wanted: Any) -> bool:
    """Whether a time passes a filter: seconds, or a dict of gt, gte, lt, lte."""
    if wanted is None:
        return True
    if value is None:
        return False
    if not isinstance(wanted, dict):
        return bool(value == wanted)
    checks: dict[str, Callable[[int], bool]] = {
        "gt": value.__gt__,
        "gte": value.__ge__,
        "lt": value.__lt__,
        "lte": value.__le__,
    }
    return all(checks[name](bound) for name, bound in wanted.items())


def matching(objects: Iterable[Obj], params: dict[str, Any], *names: str) -> Iterable[Obj]:
    """Those whose fields equal the given parameters of these names, within ``created`` where that is given."""
    for each in objects:
        same = all(each.get(name) == params[name] for name in names if name in params)
        if same and within(each.get("created"), params.get("created")):
            yield each


def _limit(params: dict[str, Any]) -> int:
    limit: int = params.get("limit", 10)
    if limit > 100:
        raise _bound(limit, "less than or equal to 100")
    if limit < 1:
        raise _bound(limit, "greater than or equal to 1")
    return limit


def _bound(limit: int, words: str) -> StripeFault:
    return invalid(f"This value must be {words} (it currently is '{limit}').", "limit", "parameter_invalid_integer")


def _position(ordered: list[Obj], cursor: str, param: str) -> int:
    for index, each in enumerate(ordered):
        if each["id"] == cursor:
            return index
    kind = ordered[0]["object"] if ordered else "object"
    raise missing(kind, cursor, param)
