"""/v1/customers."""

from __future__ import annotations

import re
from typing import Any

from .. import balances, shapes, subscriptions
from ..errors import StripeFault, invalid
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj
from . import common, tax_ids

PLAIN = ("business_name", "description", "email", "individual_name", "name", "phone", "tax_exempt")
BUILT = (
    "address balance business_name description email individual_name invoice_prefix invoice_settings.custom_fields "
    "invoice_settings.footer invoice_settings.rendering_options metadata name next_invoice_sequence phone "
    "preferred_locales shipping tax_exempt"
)
_EMAIL = re.compile(r"^[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s.<>\"]+$")
_PREFIX = re.compile(r"^[A-Z0-9]{3,12}$")


@route("POST", "/v1/customers", "CustomerCreateParams", f"{BUILT} tax_id_data")
def create(call: Call) -> Obj:
    """A new customer, its tax ids with it."""
    fresh = common.new(call, "customer", "cus", balance=0, delinquent=False, metadata={}, next_invoice_sequence=1)
    fresh |= {"invoice_settings": shapes.nested_blank("customer", "invoice_settings"), "preferred_locales": []}
    fresh |= {"invoice_prefix": call.world.new_id("x")[-8:].upper(), "tax_exempt": "none"}
    customer = _changed(call, fresh)
    numbers = [
        tax_ids.build(call, customer["id"], item, f"tax_id_data[{index}]", at_creation=True)
        for index, item in enumerate(call.params.get("tax_id_data", []))
    ]
    common.keep_new(call, customer, "customer.created")
    _note(call, customer, customer["balance"], "initial")
    for each in numbers:
        common.keep_new(call, each, "customer.tax_id.created")
    return customer


@route("POST", "/v1/customers/{id}", "CustomerUpdateParams", BUILT)
def update(call: Call) -> Obj:
    """Change what was sent."""
    before = alive(call)
    after = common.keep_changed(call, before, _changed(call, before), "customer.updated")
    _note(call, after, after["balance"] - before["balance"], "adjustment")
    return after


@route("GET", "/v1/customers/{id}", "CustomerRetrieveParams")
def retrieve(call: Call) -> Obj:
    """A customer; a deleted one answers with little more than ``deleted``."""
    found = call.named("customer")
    return {"id": found["id"], "object": "customer", "deleted": True} if found.get("deleted") else found


@route("GET", "/v1/customers", "CustomerListParams", "created email ending_before limit starting_after")
def list_all(call: Call) -> Obj:
    """Customers, newest first; ``email`` is compared exactly, with its case."""
    living = [each for each in call.store["customer"].values() if not each.get("deleted")]
    return page(call, matching(living, call.params, "email"))


@route("DELETE", "/v1/customers/{id}", "CustomerDeleteParams")
def delete(call: Call) -> Obj:
    """Delete for good, and cancel its subscriptions; the id stays known as deleted."""
    customer = alive(call)
    subscriptions.cancel_all(call.world, call.account_id, customer["id"])
    call.world.put(call.account_id, customer | {"deleted": True})
    call.world.emit("customer.deleted", customer, call.account_id)
    return {"id": customer["id"], "object": "customer", "deleted": True}


def alive(call: Call) -> Obj:
    """The customer that the address names, unless it was deleted."""
    found = call.named("customer")
    if found.get("deleted"):
        raise StripeFault(
            f"No such customer: '{found['id']}'", status=404, code="resource_missing", param="id", executed=True
        )
    return found


def _note(call: Call, customer: Obj, amount: int, kind: str) -> None:
    """The transaction of a balance that was set by hand, in the customer's currency or else the account's."""
    currency = customer["currency"] or call.world.accounts[call.account_id]["default_currency"]
    if amount:
        balances.note(call.world, call.account_id, customer, currency, amount, kind)


def _changed(call: Call, before: Obj) -> Obj:
    params = call.params
    _check(params)
    after = shapes.clone(before) | common.given(params, PLAIN)
    after["tax_exempt"] = after["tax_exempt"] or "none"
    after["metadata"] = common.merged_metadata(before["metadata"], params)
    after |= {name: params[name] for name in ("balance", "invoice_prefix", "next_invoice_sequence") if name in params}
    if "address" in params:
        after["address"] = common.address(params["address"], "address")
    if "shipping" in params:
        after["shipping"] = _shipping(params["shipping"])
    if "preferred_locales" in params:
        after["preferred_locales"] = params["preferred_locales"] or []
    after["invoice_settings"] = after["invoice_settings"] | common.given(
        params.get("invoice_settings", {}), ("custom_fields", "footer", "rendering_options")
    )
    return after


def _shipping(value: Any) -> Obj | None:
    if not value:
        return None
    blank = shapes.nested_blank("customer", "shipping")
    return {**blank, **value} | {"address": common.address(value["address"], "shipping[address]")}


def _check(params: dict[str, Any]) -> None:
    email = params.get("email")
    common.at_most(params, "email", 512)
    common.at_most(params, "name", 256)
    common.at_most(params, "phone", 20)
    if email and not _EMAIL.match(email):
        raise StripeFault(f"Invalid email address: {email}", param="email", code="email_invalid")
    if "invoice_prefix" in params and not _PREFIX.match(params["invoice_prefix"]):
        raise invalid("Invoice prefixes are 3-12 uppercase letters or numbers.", "invoice_prefix")
    check_custom_fields(params.get("invoice_settings", {}).get("custom_fields"), "invoice_settings[custom_fields]")


def check_custom_fields(value: Any, path: str) -> None:
    """At most four custom fields, names of at most 40 and values of at most 140 characters."""
    if not value:
        return
    if len(value) > 4:
        raise invalid(f"You can set at most 4 custom fields (you gave {len(value)}).", path)
    for index, item in enumerate(value):
        for name, length in (("name", 40), ("value", 140)):
            if len(item[name]) > length:
                raise invalid(
                    f"Invalid string: {item[name][:20]}...; must be at most {length} characters",
                    f"{path}[{index}][{name}]",
                )
