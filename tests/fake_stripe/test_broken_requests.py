"""Hypothesis breaks a valid request of every endpoint in one place: 400, the place named, nothing changed."""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flask_crm_stripe.testing.fake_stripe import schema
from flask_crm_stripe.testing.fake_stripe.routing import ROUTES, Route

from . import requests_table, validity
from .requests_table import VALID, Stage

BY_NAME = {f"{route.method} {route.path}": route for route in ROUTES}


@dataclass(frozen=True)
class Break:
    """A broken request: its params, and the parameter that the refusal must name."""

    kind: str
    params: dict[str, Any]
    param: str


@cache
def stage() -> Stage:
    """One world for all examples: a broken request changes nothing in it, which is checked each time."""
    return requests_table.stage()


@cache
def target(name: str) -> tuple[str, str]:
    """An endpoint's address, with a fresh object where it uses one up, and its valid params as JSON."""
    template, params = VALID[name]
    return requests_table.address(stage(), template), json.dumps(params(stage()))


@pytest.mark.parametrize("name", VALID)
@settings(max_examples=25)
@given(data=st.data())
def test_a_request_broken_in_one_place_is_refused_by_name(name: str, data: st.DataObject) -> None:
    """Required left out, unknown at any depth, wrong enum, wrong type, emptied: 400 with ``param``; nothing is kept."""
    route, here = BY_NAME[name], stage()
    path, valid = target(name)
    broken = data.draw(breaks(route, json.loads(valid)))
    before = snapshot(here)
    key = f"broken-{len(here.api.fake.requests)}"
    reply = here.api.call(route.method, path, broken.params, Idempotency_Key=key)
    assert (reply.status, reply.body["error"].get("param")) == (400, broken.param), (broken, reply.body)
    assert reply.error["type"] == "invalid_request_error"
    assert reply.error["message"]
    assert snapshot(here) == before


def snapshot(here: Stage) -> str:
    """Everything that a request could have changed."""
    world = here.api.fake.world
    stores = {account: world.store(account) for account in world.accounts}
    return json.dumps([stores, [list(slot) for slot in world.answers]], sort_keys=True)


@st.composite
def breaks(draw: st.DrawFn, route: Route, valid: dict[str, Any]) -> Break:
    """A place in the request's type, the valid request extended to reach it, and one thing done wrong there."""
    params = deepcopy(valid)
    cls, node, where = schema.params_class(route.params), params, ""
    while True:
        fields = schema.fields_of(cls)
        kinds = ["unknown"] + ["missing"] * any(need for _, need in fields.values()) + ["value"] * 3 * bool(fields)
        kind = draw(st.sampled_from(kinds))
        if kind == "unknown":
            name = draw(st.sampled_from(["surprise", "Currency", "zzz_1"]))
            node[name] = draw(st.sampled_from(["1", {"deep": "1"}, ["1"]]))
            return Break(kind, params, joined(where, name))
        if kind == "missing":
            name = draw(st.sampled_from(sorted(name for name, (_, need) in fields.items() if need)))
            node.pop(name, None)
            assume(node or node is params)  # an empty object inside a form is nothing at all
            assume(not other_missing(node, fields, name))
            return Break(kind, params, joined(where, name))
        name = draw(st.sampled_from(sorted(fields)))
        module = sys.modules[cls.__module__]
        members = schema.members_of(fields[name][0], module)
        inner = next((each for each in members if schema.is_typed_dict(each)), None)
        listed = next((get_args(each)[0] for each in members if get_origin(each) is list), None)
        of_list = schema.members_of(listed, module)[0] if listed is not None else None
        deeper = inner or (of_list if of_list is not None and schema.is_typed_dict(of_list) else None)
        if deeper is not None and draw(st.booleans()):
            node, cls, where = descend(node, name, deeper, where, as_list=inner is None)
            continue
        wrong = draw(st.sampled_from(wrong_values(members, module)))
        node[name] = wrong
        return Break(f"value {wrong!r}", params, joined(where, name) + inside(wrong, members))


def descend(node: dict[str, Any], name: str, cls: Any, where: str, *, as_list: bool) -> tuple[dict[str, Any], Any, str]:
    """Step into a nested object, making a valid one where the request has none."""
    if as_list:
        if not (isinstance(node.get(name), list) and node[name]):
            node[name] = [validity.minimal(cls)]
        return node[name][0], cls, f"{joined(where, name)}[0]"
    if not isinstance(node.get(name), dict):
        node[name] = validity.minimal(cls)
    return node[name], cls, joined(where, name)


def other_missing(node: dict[str, Any], fields: dict[str, Any], name: str) -> bool:
    """Whether another required field is left out here too."""
    return any(need and other != name and other not in node for other, (_, need) in fields.items())


def wrong_values(members: list[Any], module: Any) -> list[Any]:
    """Values that no member of the type allows."""
    clearable = any(get_origin(each) is Literal and "" in get_args(each) for each in members)
    enum = any(get_origin(each) is Literal and set(get_args(each)) != {""} for each in members)
    containers = [each for each in members if schema.is_typed_dict(each) or get_origin(each) in (list, dict)]
    wrong: list[Any] = [] if clearable else [""]
    if not containers:
        wrong += [{"a": "b"}, ["x"]]
    if bool in members:
        wrong += ["yes", "1", "True"]
    elif int in members:
        wrong += ["1.5", "abc", "1e3", "0x10", " 1"]
    elif Decimal in members or float in members:
        wrong += ["1E+3", "abc", "1,5", ".5", "NaN", "Infinity"]
    elif enum:
        wrong += ["no_such_value", "null"]
    elif containers:
        wrong += ["a string"]
        if any(get_origin(each) is list for each in containers):
            wrong += [{"not_an_index": "1"}]
    if any(get_origin(each) is dict and schema.members_of(get_args(each)[1], module) == [str] for each in containers):
        wrong += [{"key": {"deep": "1"}}]
    return wrong


def inside(wrong: Any, members: list[Any]) -> str:
    """Where the refusal points when the value itself is a container that is wrong inside."""
    is_map = any(get_origin(each) is dict for each in members)
    return "[key]" if isinstance(wrong, dict) and "key" in wrong and is_map else ""


def joined(where: str, name: str) -> str:
    """Stripe's bracket spelling."""
    return f"{where}[{name}]" if where else name
