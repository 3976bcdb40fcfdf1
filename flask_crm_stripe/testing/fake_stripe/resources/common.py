"""What the resources share: metadata, clearing, saying what changed, rules on plain values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from .. import shapes
from ..errors import StripeFault, invalid
from ..routing import Call
from ..state import Obj

ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
MAX_KEYS, MAX_KEY, MAX_VALUE = 50, 40, 500


def new(call: Call, kind: str, prefix: str, **fields: Any) -> Obj:
    """A fresh object of this type with an id and a time; nothing is stored yet."""
    base = call.world.blank(kind) | {"id": fields.pop("id", None) or call.world.new_id(prefix)}
    stamp = {"created": call.world.now()} if "created" in base else {}
    return base | stamp | fields


def keep_new(call: Call, obj: Obj, event: str) -> Obj:
    """Store a new object and say that it was created."""
    call.world.put(call.account_id, obj)
    call.world.emit(event, obj, call.account_id)
    return obj


def keep_changed(call: Call, before: Obj, after: Obj, event: str | None) -> Obj:
    """Store what changed and say so with the old values; nothing is said when nothing changed."""
    previous = changes(before, after)
    call.world.put(call.account_id, after)
    if previous and event:
        call.world.emit(event, after, call.account_id, previous)
    return after


def changes(before: Obj, after: Obj) -> Obj:
    """The old values of the fields that differ; inside objects only what differs."""
    old: Obj = {}
    for name, value in after.items():
        was = before.get(name)
        if was == value:
            continue
        if isinstance(was, dict) and isinstance(value, dict) and was.get("object") != "list":
            old[name] = changes(was, value) | {key: was[key] for key in was.keys() - value.keys()}
        else:
            old[name] = was
    return shapes.clone(old)


def remove(call: Call, obj: Obj, event: str | None) -> Obj:
    """Delete an object for good and answer as Stripe does."""
    del call.store[obj["object"]][obj["id"]]
    if event:
        call.world.emit(event, obj, call.account_id)
    return {"id": obj["id"], "object": obj["object"], "deleted": True}


def given(params: dict[str, Any], names: Iterable[str]) -> Obj:
    """The parameters of these names that were sent, "" turned into null."""
    return {name: None if params[name] == "" else params[name] for name in names if name in params}


def merged_metadata(old: dict[str, str] | None, params: dict[str, Any], name: str = "metadata") -> dict[str, str]:
    """Stripe's merge: given keys replace, "" removes a key, "" for the whole removes all. Refuses what is too large."""
    wanted = params.get(name)
    if wanted == "":
        return {}
    for key, value in (wanted or {}).items():
        if len(key) > MAX_KEY:
            raise invalid(
                f"Metadata keys can be at most {MAX_KEY} characters ({key[:MAX_KEY]} ... is {len(key)}).", name
            )
        if len(value) > MAX_VALUE:
            raise invalid(
                f"Metadata values can be at most {MAX_VALUE} characters ({key} has {len(value)}).", f"{name}[{key}]"
            )
    merged = {key: value for key, value in ((old or {}) | (wanted or {})).items() if value != ""}
    if len(merged) > MAX_KEYS:
        raise invalid(f"Metadata can have at most {MAX_KEYS} keys (this would have {len(merged)}).", name)
    return merged


def address(value: Any, path: str) -> Obj | None:
    """An address with every key, or null."""
    if not value:
        return None
    country = value.get("country")
    if country is not None and not (country == "" or (len(country) == 2 and country.isalpha())):
        raise StripeFault(
            f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code instead, "
            "such as 'US', 'EG', or 'GB'.",
            param=f"{path}[country]",
            code="country_code_invalid",
        )
    return {name: value.get(name) or None for name in ADDRESS}


def at(path: str, *names: str) -> str:
    """The bracket spelling of a parameter inside ``path`` ("" for the top)."""
    for name in names:
        path = f"{path}[{name}]" if path else name
    return path


def at_most(params: dict[str, Any], name: str, length: int) -> None:
    """Refuse a longer string."""
    value = params.get(name)
    if isinstance(value, str) and len(value) > length:
        raise invalid(f"Invalid string: {value[:20]}...; must be at most {length} characters", name)


def exclusive(params: dict[str, Any], *names: str, prefix: str = "") -> None:
    """Refuse two of these together."""
    both = [name for name in names if name in params and params[name] != ""]
    if len(both) > 1:
        param = at(prefix, both[1])
        words = " and ".join(f"`{name}`" for name in both)
        raise invalid(f"You may only specify one of these parameters: {words}.", param, "parameters_exclusive")


def required(params: dict[str, Any], *names: str, prefix: str = "") -> None:
    """Refuse when none of these is there."""
    if not any(name in params for name in names):
        param = at(prefix, names[0])
        if len(names) == 1:
            raise invalid(f"Missing required param: {param}.", param, "parameter_missing")
        words = ", ".join(f"`{name}`" for name in names)
        raise invalid(f"You must specify one of these parameters: {words}.", param, "parameter_missing")


def not_negative(params: dict[str, Any], *names: str, prefix: str = "") -> None:
    """Refuse numbers below 0."""
    for name in names:
        if name in params and params[name] != "" and params[name] < 0:
            param = at(prefix, name)
            raise invalid("This value must be greater than or equal to 0.", param, "parameter_invalid_integer")


def positive(params: dict[str, Any], *names: str, prefix: str = "") -> None:
    """Refuse numbers below 1."""
    for name in names:
        if name in params and params[name] < 1:
            param = at(prefix, name)
            raise invalid("This value must be greater than or equal to 1.", param, "parameter_invalid_integer")


def state_refused(message: str, code: str | None = None, param: str | None = None) -> StripeFault:
    """A refusal because of the state that an object is in: executed, so it is saved under the idempotency key."""
    return StripeFault(message, code=code, param=param, executed=True)


def check_url(url: str, param: str) -> None:
    """Refuse what is no http or https address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StripeFault("Not a valid URL", param=param, code="url_invalid")
