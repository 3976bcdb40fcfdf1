"""/v1/customers/{customer}/tax_ids."""

from __future__ import annotations

import re
from typing import Any

from .. import shapes
from ..errors import StripeFault, invalid, missing
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj
from . import common

VERIFIED_TYPES = ("eu_vat", "gb_vat", "au_abn")
FORMATS = {
    "eu_vat": re.compile(
        r"^(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI|EU)"
        r"[0-9A-Z+*]{2,12}$"
    ),
    "gb_vat": re.compile(r"^GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})$"),
    "ch_vat": re.compile(r"^CHE-?\d{3}\.?\d{3}\.?\d{3} ?(MWST|TVA|IVA)$"),
    "no_vat": re.compile(r"^\d{9}MVA$"),
    "us_ein": re.compile(r"^\d{2}-?\d{7}$"),
}
MOST = 5


def build(call: Call, customer_id: str, item: dict[str, Any], path: str, *, at_creation: bool) -> Obj:
    """A tax id that is not stored yet. A malformed number is refused; with a new customer the switch decides."""
    kind, value = item["type"], item["value"]
    form = FORMATS.get(kind)
    tolerated = at_creation and call.world.switches.bad_tax_id == "accepted"
    if form and not form.match(value) and not tolerated:
        param = f"{path}[value]" if path else "value"
        raise StripeFault(f"Invalid value for {kind}.", param=param, code="tax_id_invalid")
    verification = shapes.nested_blank("tax_id", "verification")
    verification["status"] = "pending" if kind in VERIFIED_TYPES else "unavailable"
    return common.new(
        call,
        "tax_id",
        "txi",
        type=kind,
        value=value,
        customer=customer_id,
        verification=verification,
        country=_country(kind, value),
        owner=_owner(customer_id),
    )


@route("POST", "/v1/customers/{id}/tax_ids", "CustomerTaxIdCreateParams", "type value")
def create(call: Call) -> Obj:
    """Add one number to a customer."""
    customer = _customer(call)
    if len(_of(call, customer["id"])) >= MOST:
        raise invalid(f"A customer can have at most {MOST} tax IDs.")
    return common.keep_new(
        call, build(call, customer["id"], call.params, "", at_creation=False), "customer.tax_id.created"
    )


@route("GET", "/v1/customers/{id}/tax_ids", "CustomerTaxIdListParams", "ending_before limit starting_after")
def list_all(call: Call) -> Obj:
    """A customer's numbers."""
    return page(call, matching(_of(call, _customer(call)["id"]), {}))


@route("GET", "/v1/customers/{id}/tax_ids/{tax_id}", "CustomerTaxIdRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One number."""
    return _one(call)


@route("DELETE", "/v1/customers/{id}/tax_ids/{tax_id}", "CustomerTaxIdDeleteParams")
def delete(call: Call) -> Obj:
    """Take a number off."""
    return common.remove(call, _one(call), "customer.tax_id.deleted")


def _customer(call: Call) -> Obj:
    found = call.named("customer")
    if found.get("deleted"):
        raise missing("customer", found["id"], status=404)
    return found


def _one(call: Call) -> Obj:
    found = call.store["tax_id"].get(call.ids["tax_id"])
    if found is None or found["customer"] != _customer(call)["id"]:
        raise missing("tax_id", call.ids["tax_id"], status=404)
    return found


def _of(call: Call, customer_id: str) -> list[Obj]:
    return [each for each in call.store["tax_id"].values() if each["customer"] == customer_id]


def _owner(customer_id: str) -> Obj:
    return shapes.nested_blank("tax_id", "owner") | {"type": "customer", "customer": customer_id}


def _country(kind: str, value: str) -> str:
    prefix = value[:2] if kind == "eu_vat" else kind[:2].upper()
    return "GR" if prefix == "EL" else prefix
