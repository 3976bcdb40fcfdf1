"""Checks a decoded request against the installed SDK's TypedDicts, the only typed spec of the pinned version."""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, Literal, Union, get_args, get_origin

import stripe.params
import typing_extensions
from stripe._request_options import RequestOptions
from stripe._stripe_object import StripeObject, UntypedStripeObject

from .errors import StripeFault, invalid

MAX_STRING = 5000
_INTEGER = re.compile(r"^[+-]?\d{1,18}$", re.ASCII)
_DECIMAL = re.compile(r"^[+-]?\d{1,18}(\.\d+)?$", re.ASCII)
_OPTION_NAMES = frozenset(RequestOptions.__annotations__)


def check(params: dict[str, Any], name: str) -> dict[str, Any]:
    """The params with Python's types (int, bool, Decimal, list, dict, str) if ``stripe.params.<name>`` allows them.

    "" stays "" where the field can be cleared. Raises Stripe's 400 with ``param`` in bracket spelling otherwise.
    """
    return _typed_dict(params, params_class(name), "")


def params_class(name: str) -> Any:
    """The TypedDict ``stripe.params.<name>``; a dot in the name leads into a namespace such as ``tax``."""
    return attrgetter(name)(stripe.params)


@cache
def fields_of(cls: Any) -> dict[str, tuple[Any, bool]]:
    """Each parameter's annotation, resolved as far as the next TypedDict, and whether it is required."""
    found: dict[str, tuple[Any, bool]] = {}
    for base in reversed(_bases(cls)):
        module = sys.modules[base.__module__]
        own = inspect.get_annotations(base)
        for name, hint in own.items():
            if name not in _OPTION_NAMES or cls is RequestOptions:
                found[name] = _unwrap(hint, module)
    return found


def _bases(cls: Any) -> list[Any]:
    return [cls, *(base for base in getattr(cls, "__orig_bases__", ()) if base is not typing_extensions.TypedDict)]


def _unwrap(hint: Any, module: types.ModuleType) -> tuple[Any, bool]:
    required = True
    hint = resolve(hint, module)
    while get_origin(hint) in (typing_extensions.NotRequired, typing_extensions.Required):
        required = required and get_origin(hint) is not typing_extensions.NotRequired
        hint = resolve(get_args(hint)[0], module)
    return hint, required


def resolve(hint: Any, module: types.ModuleType) -> Any:
    """A forward reference evaluated in the module that spells it."""
    if isinstance(hint, typing.ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        return eval(hint, vars(module))  # noqa: S307 - the text is the SDK's own annotation
    return hint


# -- one value ---------------------------------------------------------------------------------------------------------


def _typed_dict(value: Any, cls: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid("Invalid object", path)
    known = fields_of(cls)
    unknown = [_join(path, name) for name in value if name not in known]
    if unknown:
        words = "parameter" if len(unknown) == 1 else "parameters"
        raise invalid(f"Received unknown {words}: {', '.join(unknown)}", unknown[0], "parameter_unknown")
    for name, (_, required) in known.items():
        if required and name not in value:
            missing = _join(path, name)
            raise invalid(f"Missing required param: {missing}.", missing, "parameter_missing")
    module = sys.modules[cls.__module__]
    return {name: _value(inner, known[name][0], _join(path, name), module) for name, inner in value.items()}


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _value(value: Any, hint: Any, path: str, module: types.ModuleType) -> Any:
    members = members_of(hint, module)
    if value == "":
        if any(get_origin(each) is Literal and "" in get_args(each) for each in members):
            return ""
        raise _empty(path)
    if isinstance(value, dict):
        return _container(value, members, path, module)
    return _scalar(value, members, path)


def members_of(hint: Any, module: types.ModuleType) -> list[Any]:
    """The alternatives of a union, forward references resolved."""
    hint = resolve(hint, module)
    if get_origin(hint) in (Union, types.UnionType):
        return [inner for each in get_args(hint) for inner in members_of(each, module)]
    return [hint]


def _empty(path: str) -> StripeFault:
    return invalid(
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a field; however "
        f"'{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty value.",
        path,
        "parameter_invalid_empty",
    )


def _container(value: dict[str, Any], members: list[Any], path: str, module: types.ModuleType) -> Any:
    for each in members:
        if get_origin(each) is list and all(key.isdecimal() for key in value):
            inner = get_args(each)[0]
            ordered = sorted(value.items(), key=lambda item: int(item[0]))
            return [_value(item, inner, f"{path}[{index}]", module) for index, (_, item) in enumerate(ordered)]
        if is_typed_dict(each):
            return _typed_dict(value, each, path)
        if get_origin(each) is dict:
            return _mapping(value, get_args(each)[1], path, module)
    raise invalid(f"Invalid {_wanted(members)}: {value}", path)


def _mapping(value: dict[str, Any], inner: Any, path: str, module: types.ModuleType) -> dict[str, Any]:
    if members_of(inner, module) == [str]:
        for key, item in value.items():
            if isinstance(item, dict):
                raise invalid(f"Invalid string: {item}", _join(path, key))
        return value
    return {key: _value(item, inner, _join(path, key), module) for key, item in value.items()}


def is_typed_dict(hint: Any) -> bool:
    """Whether the annotation is a TypedDict class."""
    return typing_extensions.is_typeddict(hint)


def _scalar(value: str, members: list[Any], path: str) -> Any:
    enum = [word for each in members if get_origin(each) is Literal for word in get_args(each) if word != ""]
    if value in enum:
        return value
    plain = [each for each in members if each in (int, bool, float, Decimal)]
    if plain:
        return _number(value, plain[0], path)
    if enum:
        raise invalid(f"Invalid {path}: must be one of {_either(enum)}", path)
    if str in members:
        if len(value) > MAX_STRING:
            raise invalid(f"Invalid string: {value[:20]}...; must be at most {MAX_STRING} characters", path)
        return value
    raise invalid(f"Invalid {_wanted(members)}", path)


def _number(value: str, kind: Any, path: str) -> Any:
    if kind is bool:
        if value not in ("true", "false"):
            raise invalid(f"Invalid boolean: {value}", path)
        return value == "true"
    if kind is int:
        if not _INTEGER.match(value):
            raise invalid(f"Invalid integer: {value}", path, "parameter_invalid_integer")
        return int(value)
    if not _DECIMAL.match(value):
        raise invalid(f"Invalid decimal: {value}", path)
    return Decimal(value)


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, or {words[-1]}"


def _wanted(members: list[Any]) -> str:
    if any(get_origin(each) is list for each in members):
        return "array"
    if any(is_typed_dict(each) or get_origin(each) is dict or _is_object(each) for each in members):
        return "object"
    kinds = {int: "integer", bool: "boolean", Decimal: "decimal", float: "decimal"}
    return next((kinds[each] for each in members if each in kinds), "string")


def _is_object(hint: Any) -> bool:
    origin = get_origin(hint) or hint
    return origin is UntypedStripeObject or (isinstance(origin, type) and issubclass(origin, StripeObject))
