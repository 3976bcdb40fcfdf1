"""Values that the SDK's types allow, made from the types."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

from flask_crm_stripe.testing.fake_stripe import schema


def minimal(cls: Any) -> dict[str, Any]:
    """The smallest object that a TypedDict allows and a form can carry: its required fields, or one of the others."""
    module = sys.modules[cls.__module__]
    fields = schema.fields_of(cls)
    needed = [name for name, (_, required) in fields.items() if required] or list(fields)[:1]
    return {name: value(fields[name][0], module) for name in needed}


def value(hint: Any, module: Any) -> Any:
    """A value of this type."""
    member = schema.members_of(hint, module)[0]
    if get_origin(member) is Literal:
        words = [word for word in get_args(member) if word != ""]
        return words[0] if words else value(schema.members_of(hint, module)[1], module)
    if schema.is_typed_dict(member):
        return minimal(member)
    if get_origin(member) is list:
        return [value(get_args(member)[0], module)]
    if get_origin(member) is dict:
        return {"a": "b"}
    return {bool: True, int: 1, float: 1, Decimal: Decimal("1.5")}.get(member, "x")
