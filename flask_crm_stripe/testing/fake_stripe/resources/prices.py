"""/v1/prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .. import money, shapes
from ..errors import StripeFault, invalid, unbuilt
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj
from . import common

CREATE = (
    "active billing_scheme currency currency_options lookup_key metadata nickname product product_data recurring "
    "tax_behavior transfer_lookup_key unit_amount unit_amount_decimal"
)
UPDATE = "active currency_options lookup_key metadata nickname tax_behavior transfer_lookup_key"
LIST = "active created currency ending_before limit lookup_keys product recurring starting_after type"
LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}


@route("POST", "/v1/prices", "PriceCreateParams", CREATE)
def create(call: Call) -> Obj:
    """A new price of a product that exists, or of one made in the same call."""
    from . import products

    params = call.params
    common.exclusive(params, "product", "product_data")
    common.required(params, "product", "product_data")
    if "product" in params:
        product, fresh = call.get("product", params["product"], "product"), False
    else:
        product, fresh = products.build(call, params["product_data"], "product_data"), True
    if not product["active"]:
        raise invalid("The product specified is inactive. This field only accepts active products.", "product")
    price = build(call, params, product["id"], "")
    holder = _holder(call, params, price["id"])
    if fresh:
        common.keep_new(call, product, "product.created")
    if holder:
        common.keep_changed(call, holder, holder | {"lookup_key": None}, "price.updated")
    return common.keep_new(call, price, "price.created")


@route("POST", "/v1/prices/{id}", "PriceUpdateParams", UPDATE)
def update(call: Call) -> Obj:
    """Change what may change: never amount, currency, interval or product."""
    before = call.named("price")
    after = shapes.clone(before) | common.given(call.params, ("active", "nickname", "lookup_key"))
    after["metadata"] = common.merged_metadata(before["metadata"], call.params)
    _check_archive(call, before)
    common.at_most(call.params, "lookup_key", 200)
    if "tax_behavior" in call.params:
        after["tax_behavior"] = _behaviour(before, call.params["tax_behavior"])
    if "currency_options" in call.params:
        merged = before.get("currency_options", {}) | _options(call.params["currency_options"] or {})
        after["currency_options"] = merged
    holder = _holder(call, call.params, before["id"])
    if holder:
        common.keep_changed(call, holder, holder | {"lookup_key": None}, "price.updated")
    return common.keep_changed(call, before, after, "price.updated")


@route("GET", "/v1/prices/{id}", "PriceRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One price, inline ones too."""
    return call.named("price")


@route("GET", "/v1/prices", "PriceListParams", LIST)
def list_all(call: Call) -> Obj:
    """Prices, newest first, without those made inline on invoice lines."""
    keys = call.params.get("lookup_keys")
    if keys is not None and len(keys) > 10:
        raise invalid("You can give at most 10 lookup_keys.", "lookup_keys")
    own = [each for each in call.store["price"].values() if each["id"] not in call.store["_inline"]]
    if keys is not None:
        own = [each for each in own if each["lookup_key"] in keys]
    wanted = call.params.get("recurring", {})
    own = [each for each in own if all((each["recurring"] or {}).get(k) == v for k, v in wanted.items())]
    return page(call, matching(own, call.params, "active", "currency", "product", "type"))


def build(call: Call, data: dict[str, Any], product_id: str, path: str) -> Obj:
    """A price that is not stored yet, from the parameters of a price, of default_price_data or of price_data."""
    currency = money.check_currency(data["currency"], common.at(path, "currency"))
    if data.get("billing_scheme") == "tiered":
        raise unbuilt("tiered prices")
    unit = unit_amount(data, currency, path)
    recurring = _recurring(data.get("recurring"), path)
    common.at_most(data, "lookup_key", 200)
    price = common.new(
        call,
        "price",
        "price",
        active=data.get("active", True),
        billing_scheme="per_unit",
        currency=currency,
        lookup_key=data.get("lookup_key"),
        nickname=data.get("nickname"),
        product=product_id,
        recurring=recurring,
        tax_behavior=data.get("tax_behavior", "unspecified"),
        type="recurring" if recurring else "one_time",
        unit_amount=int(unit) if unit == int(unit) else None,
        unit_amount_decimal=money.plain(unit),
        metadata=common.merged_metadata({}, data),
    )
    own = {currency: _option(unit, price["tax_behavior"])}
    price["currency_options"] = own | _options(data.get("currency_options", {}), common.at(path, "currency_options"))
    return price


def unit_amount(data: dict[str, Any], currency: str, path: str, *, signed: bool = False) -> Decimal:
    """The one unit amount given, checked: one spelling, not negative unless ``signed``, on the currency's step."""
    common.exclusive(data, "unit_amount", "unit_amount_decimal", prefix=path)
    common.required(data, "unit_amount", "unit_amount_decimal", prefix=path)
    if not signed:
        common.not_negative(data, "unit_amount", "unit_amount_decimal", prefix=path)
    if "unit_amount" in data:
        money.check_amount(data["unit_amount"], currency, common.at(path, "unit_amount"))
        return Decimal(data["unit_amount"])
    value: Decimal = data["unit_amount_decimal"]
    money.check_places(value, common.at(path, "unit_amount_decimal"))
    if value == value.to_integral_value():
        money.check_amount(value, currency, common.at(path, "unit_amount_decimal"))
    return value


def _recurring(value: Any, path: str) -> Obj | None:
    if not value:
        return None
    if value.get("usage_type") == "metered" or "meter" in value:
        raise unbuilt("metered prices")
    count, interval = value.get("interval_count", 1), value["interval"]
    if not 1 <= count <= LONGEST[interval]:
        raise invalid(
            f"interval_count must be between 1 and {LONGEST[interval]} for interval={interval}.",
            common.at(path, "recurring", "interval_count"),
        )
    return shapes.nested_blank("price", "recurring") | {
        "interval": interval,
        "interval_count": count,
        "usage_type": "licensed",
        "meter": None,
        "trial_period_days": value.get("trial_period_days"),
    }


def _options(given: dict[str, Any], path: str = "currency_options") -> Obj:
    made: Obj = {}
    for code, data in given.items():
        currency = money.check_currency(code, f"{path}[{code}]")
        unit = unit_amount(data, currency, f"{path}[{code}]")
        made[currency] = _option(unit, data.get("tax_behavior", "unspecified"))
    return made


def _option(unit: Decimal, behaviour: str) -> Obj:
    return {
        "custom_unit_amount": None,
        "tax_behavior": behaviour,
        "unit_amount_decimal": money.plain(unit),
        "unit_amount": int(unit) if unit == int(unit) else None,
    }


def _holder(call: Call, params: dict[str, Any], price_id: str) -> Obj | None:
    """Another price that has the lookup key now and must give it up; refused unless transfer_lookup_key."""
    key = params.get("lookup_key")
    for each in call.store["price"].values() if key else ():
        if each["lookup_key"] == key and each["id"] != price_id:
            if not params.get("transfer_lookup_key"):
                raise StripeFault(
                    f"A price (`{each['id']}`) already uses that lookup key. Provide `transfer_lookup_key` to transfer "
                    "it.",
                    param="lookup_key",
                    code="resource_already_exists",
                    executed=True,
                )
            return each
    return None


def _check_archive(call: Call, price: Obj) -> None:
    if call.params.get("active") is not False or call.world.switches.archive_default_price == "accept":
        return
    product = call.store["product"].get(price["product"])
    if product and product["default_price"] == price["id"]:
        raise common.state_refused(
            "This price cannot be archived because it is the default price of its product.", param="active"
        )


def _behaviour(before: Obj, wanted: str) -> str:
    if before["tax_behavior"] not in ("unspecified", wanted):
        raise common.state_refused(
            "The tax_behavior of a price cannot be changed once it is inclusive or exclusive.", param="tax_behavior"
        )
    return wanted
