"""Field by field: what an object lacks, and has too much, of what the installed SDK declares."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

import stripe
from stripe._list_object import ListObject
from stripe._stripe_object import StripeObject

from flask_crm_stripe.testing.fake_stripe import shapes

LOOSE = {"account.capabilities", "event.data.object", "event.data.previous_attributes"}
"""An account has only the capabilities that it asked for; what an event carries is checked where it is answered."""

SPARSE = {
    "charge.fraud_details",
    "charge.radar_options",
    "event.data",
    "payment_intent.amount_details.tip",
    "charge.payment_method_details",
    "charge.payment_method_details.card.checks",
    "payment_intent.amount_details",
    "payment_intent.payment_method_options",
    "payment_intent.payment_method_options.card",
    "payment_record.payment_method_details",
    "refund.destination_details",
    "tax.settings.status_details",
}
"""Objects keyed by what is in use: what does not apply is absent, at Stripe too."""


def is_whole(obj: dict[str, Any]) -> bool:
    """Whether an object, which says its own type, has its full shape; fails the test with what is wrong."""
    assert list(differences(obj, shapes.resource_class(obj["object"]), obj["object"])) == []
    return True


def differences(value: dict[str, Any], cls: Any, where: str) -> Iterator[str]:
    """Fields too few and too many, at every depth."""
    kind = value["object"] if isinstance(value.get("object"), str) else ""
    where = kind or where
    hints = {name: hint for name, hint in inspect.get_annotations(cls).items() if name[0] != "_" and name.islower()}
    optional = {*shapes.ONLY_WHEN_SET["*"], *shapes.ONLY_WHEN_SET.get(kind, ()), *shapes.INCLUDABLE.get(kind, ())}
    if where not in SPARSE:
        yield from (f"{where}.{name} is missing" for name in hints if name not in value and name not in optional)
    yield from (f"{where}.{name} is not declared" for name in value if name not in hints)
    for name in value.keys() & hints.keys():
        if f"{where}.{name}" not in LOOSE:
            yield from _inside(value[name], hints[name], f"{where}.{name}")


def _inside(value: Any, hint: Any, where: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _inside(item, hint, f"{where}[]")
        return
    if value is None:
        if type(None) not in _members(hint):
            yield f"{where} is null but the SDK says that it never is"
        return
    if not isinstance(value, dict):
        return
    kind = value["object"] if isinstance(value.get("object"), str) else ""
    if kind == "list":
        for item in value["data"]:
            yield from differences(item, shapes.resource_class(item["object"]), item["object"])
        return
    classes = [found for each in _members(hint) if (found := _class(each)) is not None]
    if kind:
        classes = [shapes.resource_class(kind)]
    if classes and shapes.declared(classes[0]):
        yield from differences(value, classes[0], where)


def _members(hint: Any) -> list[Any]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [inner for each in typing.get_args(hint) for inner in _members(each)]
    if typing.get_origin(hint) is list:
        return _members(typing.get_args(hint)[0])
    return [hint]


def _class(hint: Any) -> Any:
    if isinstance(hint, typing.ForwardRef):
        return getattr(stripe, hint.__forward_arg__, None)
    if typing.get_origin(hint) is ListObject:
        return None
    return hint if isinstance(hint, type) and issubclass(hint, StripeObject) else None
