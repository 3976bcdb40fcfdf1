"""Objects with every field that the installed SDK's resource classes declare, and what clients see of them."""

from __future__ import annotations

import inspect
import types
import typing
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any, Literal, TypeVar, Union

from stripe._list_object import ListObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import StripeObject

Obj = dict[str, Any]
T = TypeVar("T")

INCLUDABLE: dict[str, tuple[str, ...]] = {
    "invoice": ("payments", "confirmation_secret", "amount_paid_off_stripe", "threshold_reason"),
    "customer": ("tax_ids", "subscriptions", "sources", "cash_balance", "invoice_credit_balance"),
    "price": ("currency_options", "tiers"),
    "coupon": ("applies_to", "currency_options"),
    "charge": ("refunds",),
    "plan": ("tiers",),
}
"""Fields that Stripe leaves out unless ``expand`` asks for them (or, for some, for good in these API versions)."""

ONLY_WHEN_SET: dict[str, tuple[str, ...]] = {
    "*": ("deleted", "context", "customer_account", "test_clock"),
    "webhook_endpoint": ("secret",),
    "event": ("account",),
    "account": ("controller", "groups", "future_requirements", "individual", "company", "external_accounts"),
}
"""Fields that are absent, not null, until something sets them."""


def blank(kind: str) -> Obj:
    """A fresh object of this type with every declared field: null, [], {} or the first value of an enum."""
    return clone(_template(kind))


def clone(value: T) -> T:
    """A copy of plain JSON values; several times quicker than ``copy.deepcopy``."""
    copy: T = _clone(value)
    return copy


def render(obj: Obj, lines: int = 10) -> Obj:
    """Make ``obj`` (a copy the caller owns) what a client sees: includable fields out, the lines of a document cut."""
    for name in INCLUDABLE.get(obj.get("object", ""), ()):
        obj.pop(name, None)
    if obj.get("object") in ("invoice", "credit_note") and not obj.get("deleted"):
        held = obj["lines"]["data"]
        obj["lines"] |= {"data": held[:lines], "has_more": len(held) > lines}
    return obj


def account(account_id: str, name: str, country: str, currency: str, created: int) -> Obj:
    """A Standard account that can charge and is paid out."""
    shape = blank("account") | {
        "id": account_id,
        "type": "standard",
        "country": country.upper(),
        "default_currency": currency.lower(),
        "email": f"owner@{account_id.replace('_', '-').lower()}.example",
        "charges_enabled": True,
        "payouts_enabled": True,
        "details_submitted": True,
        "created": created,
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "metadata": {},
    }
    shape["business_profile"] = _nested("account", "business_profile") | {"name": name, "support_email": shape["email"]}
    shape["settings"] = _nested("account", "settings")
    shape["settings"]["dashboard"] |= {"display_name": name, "timezone": "Europe/Amsterdam"}
    shape["requirements"] = _nested("account", "requirements") | {
        name: []
        for name in ("alternatives", "currently_due", "errors", "eventually_due", "past_due", "pending_verification")
    }
    return shape


def resource_class(kind: str) -> type[StripeObject]:
    """The SDK's class for an object type such as ``invoice``."""
    module, name = OBJECT_CLASSES[kind]
    found: type[StripeObject] = getattr(import_module(module), name)
    return found


def declared(cls: type[StripeObject]) -> dict[str, Any]:
    """The fields that an SDK class declares, with their annotations."""
    hidden = {"OBJECT_NAME"}
    return {
        name: hint
        for name, hint in inspect.get_annotations(cls).items()
        if not name.startswith("_") and name not in hidden
    }


def blank_of(cls: type[StripeObject]) -> Obj:
    """A fresh object of an SDK class that sits inside another one, with every declared field."""
    return _blank_of(cls, set())


def nested_blank(kind: str, *path: str) -> Obj:
    """A fresh copy of the object that sits inside ``kind`` at ``path``, e.g. ``("invoice", "status_transitions")``."""
    return _nested(kind, *path)


def _clone(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _clone(inner) for name, inner in value.items()}
    return [_clone(inner) for inner in value] if isinstance(value, list) else value


@cache
def _template(kind: str) -> Obj:
    absent = set(INCLUDABLE.get(kind, ())) | set(ONLY_WHEN_SET["*"]) | set(ONLY_WHEN_SET.get(kind, ()))
    return _blank_of(resource_class(kind), absent)


def _nested(kind: str, *path: str) -> Obj:
    cls: Any = resource_class(kind)
    for name in path:
        cls = next(each for each in options(declared(cls)[name]) if _is_class(each, StripeObject))
    return _blank_of(cls, set())


def _blank_of(cls: type[StripeObject], absent: set[str]) -> Obj:
    return {name: _default(hint) for name, hint in declared(cls).items() if name not in absent}


def options(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the hint alone; lists are opened."""
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        return tuple(inner for each in typing.get_args(hint) for inner in options(each))
    if origin is list:
        return options(typing.get_args(hint)[0])
    return (hint,)


def _default(hint: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        members = typing.get_args(hint)
        return None if type(None) in members else _default(members[0])
    if origin is Literal:
        return typing.get_args(hint)[0]
    if origin is list:
        return []
    if origin is ListObject:
        return {"object": "list", "data": [], "has_more": False, "url": ""}
    if _is_class(hint, StripeObject):
        return _blank_of(hint, set()) if declared(hint) else {}
    plain: dict[Any, Any] = {bool: False, int: 0, str: "", float: 0.0, Decimal: "0"}
    return plain.get(hint, {} if origin is not None else None)


def _is_class(hint: Any, parent: type) -> bool:
    return isinstance(hint, type) and issubclass(hint, parent)
