"""/v1/products."""

from __future__ import annotations

from typing import Any

from .. import shapes
from ..errors import StripeFault, invalid
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj
from . import common, prices

PLAIN = (
    "active",
    "description",
    "images",
    "marketing_features",
    "name",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
)
LIST = "active created ending_before ids limit shippable starting_after type url"
MOST_IDS = 100
BUILT = " ".join((*PLAIN, "metadata"))


@route("POST", "/v1/products", "ProductCreateParams", f"{BUILT} id default_price_data")
def create(call: Call) -> Obj:
    """A new product, with an id of the caller's own if wanted, and its first price in the same call."""
    product = build(call, call.params, "")
    price_data = call.params.get("default_price_data")
    price = prices.build(call, price_data, product["id"], "default_price_data") if price_data else None
    common.keep_new(call, product, "product.created")
    if price is None:
        return product
    common.keep_new(call, price, "price.created")
    after = product | {"default_price": price["id"]}
    return common.keep_changed(call, product, after, "product.updated")


@route("POST", "/v1/products/{id}", "ProductUpdateParams", f"{BUILT} default_price")
def update(call: Call) -> Obj:
    """Change what was sent; the default price must be an active one of this product."""
    before = call.named("product")
    _check(call.params, "")
    after = shapes.clone(before) | common.given(call.params, PLAIN)
    for name in ("images", "marketing_features"):
        after[name] = after[name] or []
    after["metadata"] = common.merged_metadata(before["metadata"], call.params)
    if "default_price" in call.params:
        after["default_price"] = _default_price(call, before["id"])
    if after == before:
        return before
    after["updated"] = call.world.now()
    return common.keep_changed(call, before, after, "product.updated")


@route("GET", "/v1/products/{id}", "ProductRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One product."""
    return call.named("product")


@route("GET", "/v1/products", "ProductListParams", LIST)
def list_all(call: Call) -> Obj:
    """Products, newest first; at most 100 ``ids``, which are no pages [SDK]."""
    ids = call.params.get("ids")
    for cursor in ("starting_after", "ending_before"):
        common.exclusive(call.params, "ids", cursor)
    if ids is not None and len(ids) > MOST_IDS:
        raise invalid(f"You can give at most {MOST_IDS} ids (you gave {len(ids)}).", "ids")
    wanted = [each for each in call.store["product"].values() if ids is None or each["id"] in ids]
    return page(call, matching(wanted, call.params, "active", "shippable", "type", "url"))


@route("DELETE", "/v1/products/{id}", "ProductDeleteParams")
def delete(call: Call) -> Obj:
    """Delete a product that no price was ever made for."""
    product = call.named("product")
    if any(each["product"] == product["id"] for each in call.store["price"].values()):
        raise common.state_refused("This product cannot be deleted because it has one or more user-created prices.")
    return common.remove(call, product, "product.deleted")


def build(call: Call, data: dict[str, Any], path: str) -> Obj:
    """A product that is not stored yet, from the parameters of a product or of inline ``product_data``."""
    _check(data, path)
    wanted = data.get("id")
    if wanted and wanted in call.store["product"]:
        raise StripeFault(
            "Product already exists.", code="resource_already_exists", param=common.at(path, "id"), executed=True
        )
    product = common.new(call, "product", "prod", id=wanted, active=True, type="service", updated=call.world.now())
    product |= common.given(data, PLAIN)
    for name in ("images", "marketing_features"):
        product[name] = product[name] or []
    product["metadata"] = common.merged_metadata({}, data)
    return product


def _check(data: dict[str, Any], path: str) -> None:
    if "name" in data and not data["name"].strip():
        raise invalid(
            "Invalid string: name cannot be blank.", common.at(path, "name"), "parameter_invalid_string_blank"
        )
    if len(data.get("images") or []) > 8:
        raise invalid("You can set at most 8 images.", common.at(path, "images"))
    common.at_most(data, "unit_label", 12)
    common.at_most(data, "statement_descriptor", 22)
    wanted = data.get("id")
    if wanted and not all(char.isalnum() or char in "-_" for char in wanted):
        raise invalid("Product ids may contain letters, digits, - and _ only.", common.at(path, "id"))


def _default_price(call: Call, product_id: str) -> str:
    price = call.get("price", call.params["default_price"], "default_price")
    if price["product"] != product_id:
        raise invalid("The price specified does not belong to this product.", "default_price")
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", "default_price")
    wanted: str = price["id"]
    return wanted
