"""What people and Stripe change by hand: checked against the SDK's resource classes, then merged one level deep.

The API's own parameters are checked by schema.py. This is for fields of objects, as the controls set them.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin

import stripe
from stripe._stripe_object import StripeObject, UntypedStripeObject

from . import shapes
from .shapes import Obj

FIXED_ON_ACCOUNT = frozenset(("id", "object", "type", "created", "deleted", "external_accounts"))
"""What nobody changes on an account, or what FakeStripe does not keep."""

_PLAIN: dict[Any, tuple[type, ...]] = {str: (str,), bool: (bool,), int: (int,), float: (int, float), Decimal: (str,)}


def merged(kind: str, before: Obj, given: Mapping[str, Any], fixed: Collection[str]) -> Obj:
    """A copy of ``before`` with the given fields. Of an object inside, what is not given stays; below that, what is
    given stands alone, in its full shape. ValueError names what is no field, is ``fixed`` or can have no such value.
    """
    hints = shapes.declared(shapes.resource_class(kind))
    after = shapes.clone(before)
    for name, value in given.items():
        if name not in hints or name in fixed:
            raise ValueError(f"{name} is no field of {kind} that can be set here.")
        after[name] = _merged_field(before.get(name), value, hints[name], name)
    return after


def _merged_field(before: Any, value: Any, hint: Any, path: str) -> Any:
    if not isinstance(before, dict):
        return _whole(value, hint, path)
    if not isinstance(value, dict):
        raise ValueError(f"{path} cannot be {value!r}: it is an object.")
    cls = _class_among(_members(hint))
    return before | (_fields(value, cls, path) if cls else _texts(value, path))


def _whole(value: Any, hint: Any, path: str) -> Any:
    """The value in its full shape, if the SDK's annotation allows it."""
    members = _members(hint)
    if value is None and types.NoneType in members:
        return None
    listed = next((get_args(each)[0] for each in members if get_origin(each) is list), None)
    if isinstance(value, list) and listed is not None:
        return [_item(item, listed, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        cls = _class_among(members)
        if cls is not None:
            return shapes.blank_of(cls) | _fields(value, cls, path)
        if any(get_origin(each) is UntypedStripeObject for each in members):
            return _texts(value, path)
    if any(_is_plain(value, each) for each in members):
        return value
    raise ValueError(f"{path} cannot be {value!r}.")


def _item(value: Any, hint: Any, path: str) -> Any:
    """One of a list: nothing of it may be left out, since there is no value to fill in."""
    cls = _class_among(_members(hint))
    left_out = sorted(shapes.declared(cls).keys() - value.keys()) if cls and isinstance(value, dict) else []
    if left_out:
        raise ValueError(f"{path}.{left_out[0]} is missing.")
    return _whole(value, hint, path)


def _fields(value: dict[str, Any], cls: type[StripeObject], path: str) -> Obj:
    hints = shapes.declared(cls)
    unknown = sorted(value.keys() - hints.keys())
    if unknown:
        raise ValueError(f"{path}.{unknown[0]} is no field that can be set here.")
    return {name: _whole(inner, hints[name], f"{path}.{name}") for name, inner in value.items()}


def _texts(value: dict[str, Any], path: str) -> Obj:
    for name, inner in value.items():
        if not isinstance(inner, str):
            raise ValueError(f"{path}.{name} cannot be {inner!r}: it is a text.")
    return dict(value)


def _members(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return [inner for each in get_args(hint) for inner in _members(each)]
    return [getattr(stripe, hint.__forward_arg__) if isinstance(hint, typing.ForwardRef) else hint]


def _class_among(members: list[Any]) -> type[StripeObject] | None:
    return next((each for each in members if isinstance(each, type) and issubclass(each, StripeObject)), None)


def _is_plain(value: Any, hint: Any) -> bool:
    # Stripe adds words to its enums, so any text may stand where the SDK lists some.
    wanted = (str,) if get_origin(hint) is Literal else _PLAIN.get(hint, ())
    return isinstance(value, wanted) and (hint is bool) == isinstance(value, bool)
