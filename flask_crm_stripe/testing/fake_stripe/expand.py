"""``expand``: ids replaced by objects, and fields that Stripe includes only on request."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Any

import stripe
from stripe._list_object import ListObject
from stripe._stripe_object import StripeObject

from . import balances, refunds, shapes, subscriptions
from .errors import StripeFault, invalid
from .paging import list_object
from .routing import Route
from .state import Obj, World

MAX_LEVELS = 4

KINDS = {
    "account": "account",
    "accounts": "account",
    "balance_transactions": "balance_transaction",
    "charges": "charge",
    "country_specs": "country_spec",
    "coupons": "coupon",
    "credit_notes": "credit_note",
    "customers": "customer",
    "events": "event",
    "invoice_payments": "invoice_payment",
    "invoiceitems": "invoiceitem",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "payment_methods": "payment_method",
    "payment_records": "payment_record",
    "prices": "price",
    "products": "product",
    "refunds": "refund",
    "subscriptions": "subscription",
    "tax": "tax.settings",
    "tax_rates": "tax_rate",
    "webhook_endpoints": "webhook_endpoint",
}
KINDS_INSIDE = {
    ("credit_notes", "lines"): "credit_note_line_item",
    ("customers", "balance_transactions"): "customer_balance_transaction",
    ("customers", "tax_ids"): "tax_id",
    ("invoices", "lines"): "line_item",
}
SINGLE = (["account"], ["credit_notes", "preview"], ["tax", "settings"])
"""Addresses without an id that answer one object."""


class Expander:
    """Renders answers for one account and expands what the request names."""

    def __init__(self, world: World, account_id: str) -> None:
        self.world = world
        self.account_id = account_id

    def check(self, route: Route, paths: list[str]) -> None:
        """Refuse what this route's answer cannot expand, before any work is done."""
        cls, is_list = answered_by(route)
        for index, path in enumerate(paths):
            self._expand([], cls, path, f"expand[{index}]", is_list=is_list)

    def answer(self, route: Route, result: Obj, paths: list[str]) -> Obj:
        """A copy of a stored object, or of a list of them, as the client gets it."""
        copy = shapes.clone(result)
        if copy.get("deleted"):
            return copy
        cls, is_list = answered_by(route)
        if is_list:
            copy["data"] = [self._render(each) for each in copy["data"]]
        else:
            copy = self._render(copy)
        for index, path in enumerate(paths):
            self._expand(copy["data"] if is_list else [copy], cls, path, f"expand[{index}]", is_list=is_list)
        return copy

    def _render(self, obj: Obj) -> Obj:
        return shapes.render(obj, self.world.switches.lines_in_response)

    def _expand(self, objects: list[Obj], cls: Any, path: str, param: str, *, is_list: bool) -> None:
        steps = path.split(".")
        if len(steps) > MAX_LEVELS:
            raise invalid(f"You cannot expand more than {MAX_LEVELS} levels of a property. Property: {path}", param)
        if is_list and (steps.pop(0) != "data" or not steps):
            raise _cannot(path, param)
        self._walk(objects, cls, steps, _cannot(path, param))

    def _walk(self, objects: list[Obj], cls: Any, steps: list[str], refusal: StripeFault) -> None:
        """Follow ``steps`` from objects of one class; the class is followed even where no object has the value."""
        name, rest = steps[0], steps[1:]
        field = _Field.of(cls, name)
        if field is None or not (rest or field.expandable or field.included):
            raise refusal
        for each in objects:
            if field.included:
                each[name] = self._included(each, field.kind, name)
            elif field.expandable:
                each[name] = self._fetched(each.get(name), field.classes)
        if rest:
            self._descend([each.get(name) for each in objects], field, rest, refusal)

    def _descend(self, values: list[Any], field: _Field, rest: list[str], refusal: StripeFault) -> None:
        if field.is_list:
            if rest[0] != "data" or len(rest) == 1:
                raise refusal
            rest = rest[1:]
            values = [value["data"] for value in values if value]
        inner = [cls for cls in field.classes if rest[0] in shapes.declared(cls)]
        if not inner:
            raise refusal
        flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
        self._walk(
            [item for item in flat if isinstance(item, dict) and rest[0] in shapes.declared(inner[0])],
            inner[0],
            rest,
            refusal,
        )

    def _fetched(self, value: Any, classes: list[Any]) -> Any:
        if isinstance(value, list):
            return [self._fetched(item, classes) for item in value]
        if not isinstance(value, str):
            return value
        for kind in (getattr(cls, "OBJECT_NAME", "") for cls in classes):
            found = self.world.account(value) if kind == "account" else self.world.find(self.account_id, kind, value)
            if found is not None:
                return self._render(shapes.clone(found))
        return value

    def _included(self, obj: Obj, kind: str, name: str) -> Any:
        store = self.world.store(self.account_id)
        if (kind, name) == ("invoice", "payments"):
            payments = [p for p in store["invoice_payment"].values() if p["invoice"] == obj["id"]]
            return list_object(f"/v1/invoice_payments?invoice={obj['id']}", shapes.clone(payments))
        if (kind, name) == ("invoice", "confirmation_secret"):
            return self._secret(obj)
        if (kind, name) == ("customer", "tax_ids"):
            tax_ids = [t for t in store["tax_id"].values() if t["customer"] == obj["id"]]
            return list_object(f"/v1/customers/{obj['id']}/tax_ids", shapes.clone(tax_ids))
        if (kind, name) == ("customer", "invoice_credit_balance"):
            return balances.all_held(store["customer"][obj["id"]])
        if (kind, name) == ("customer", "subscriptions"):
            return subscriptions.current(self.world, self.account_id, obj["id"])
        if (kind, name) == ("charge", "refunds"):
            found = refunds.of_charge(self.world, self.account_id, obj["id"])
            return list_object(f"/v1/charges/{obj['id']}/refunds", shapes.clone(found))
        if name == "sources":
            return list_object(f"/v1/{kind}s/{obj['id']}/{name}", [])
        stored = self.world.find(self.account_id, kind, obj["id"]) or {}
        return shapes.clone(stored.get(name))

    def _secret(self, invoice: Obj) -> Obj | None:
        store = self.world.store(self.account_id)
        for payment in store["invoice_payment"].values():
            intent = store["payment_intent"].get(payment["payment"]["payment_intent"] or "")
            if payment["invoice"] == invoice["id"] and payment["is_default"] and intent:
                return {"client_secret": intent["client_secret"], "type": "payment_intent"}
        return None


def _cannot(path: str, param: str) -> StripeFault:
    return invalid(f"This property cannot be expanded ({path}).", param)


@dataclass(frozen=True)
class _Field:
    """What the SDK says of one field: the classes behind it, and how it may be expanded."""

    kind: str
    classes: list[Any]
    is_list: bool
    expandable: bool
    included: bool

    @classmethod
    def of(cls, owner: Any, name: str) -> _Field | None:
        """The field of an SDK class, or None when there is no such field."""
        hint = shapes.declared(owner).get(name)
        if hint is None:
            return None
        kind = getattr(owner, "OBJECT_NAME", "")
        included = name in shapes.INCLUDABLE.get(kind, ())
        members = [each for each in shapes.options(hint) if each is not type(None)]
        for each in members:
            if typing.get_origin(each) is ListObject:
                return cls(kind, [_class_named(typing.get_args(each)[0])], True, False, included)
        classes = [found for each in members if (found := _class_named(each)) is not None]
        expandable = str in members and any(hasattr(each, "OBJECT_NAME") for each in classes)
        return cls(kind, classes, False, expandable, included)


def answered_by(route: Route) -> tuple[Any, bool]:
    """The SDK class of what a route answers, and whether it answers a list of them."""
    parts = route.path.split("/")[2:]
    inner = next((KINDS_INSIDE[parts[0], part] for part in parts[1:] if (parts[0], part) in KINDS_INSIDE), None)
    kind = inner or KINDS[parts[0]]
    return shapes.resource_class(kind), route.method == "GET" and parts[-1][0] != "{" and parts not in SINGLE


def _class_named(hint: Any) -> Any:
    name = hint.__forward_arg__ if isinstance(hint, typing.ForwardRef) else hint
    if isinstance(name, str):
        # Where a resource's name is taken inside a class, the SDK imports it as RefundResource and the like.
        return getattr(stripe, name, None) or getattr(stripe, name.removesuffix("Resource"), None)
    return hint if isinstance(hint, type) and issubclass(hint, StripeObject) else None
