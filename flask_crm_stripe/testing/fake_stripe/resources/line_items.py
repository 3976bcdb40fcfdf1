"""A line item from its parameters, in every spelling that the API has. Nothing is stored before all is checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .. import money, shapes, totals
from ..errors import invalid
from ..routing import Call
from ..state import Obj
from . import common, discounts, prices, products, tax_rates

MOST_TAX_RATES, MOST_TAX_AMOUNTS = 5, 20
SPELLINGS = ("amount", "price_data", "pricing", "unit_amount_decimal")


@dataclass
class Draft:
    """An invoice item that is made or changed, FakeStripe's note beside it, and what must be stored along with it."""

    item: Obj
    note: Obj
    path: str
    line_id: str | None = None
    products: list[Obj] = field(default_factory=list)
    prices: list[Obj] = field(default_factory=list)
    rates: list[Obj] = field(default_factory=list)
    discounts: list[Obj] = field(default_factory=list)


def start(call: Call, customer_id: str, currency: str, path: str) -> Draft:
    """An item with nothing set."""
    now = call.world.now()
    item = call.world.blank("invoiceitem") | {
        "id": call.world.new_id("ii"),
        "currency": currency,
        "customer": customer_id,
        "date": now,
        "metadata": {},
        "period": {"start": now, "end": now},
        "discounts": [],
        "tax_rates": [],
        "quantity": 1,
        "quantity_decimal": "1",
    }
    note = {"object": "_item", "id": item["id"], "unit": None, "tax_amounts": None, "discountable": None}
    return Draft(item, note, path)


def fill(call: Call, draft: Draft, data: dict[str, Any], within: list[str]) -> None:
    """Put the parameters of one line into the draft; ``within`` are discounts that may be used again."""
    item, path = draft.item, draft.path
    _price(call, draft, data)
    _quantity(draft, data)
    if draft.note["unit"] is not None:
        item["amount"] = totals.unit_times(draft.note["unit"], item["quantity_decimal"], item["currency"])
    item |= common.given(data, ("description",))
    item["metadata"] = common.merged_metadata(item["metadata"], data)
    if data.get("period"):
        item["period"] = _period(data["period"], path)
    if "discountable" in data:
        draft.note["discountable"] = data["discountable"]
    set_by_hand = draft.note["discountable"]
    item["discountable"] = item["amount"] >= 0 if set_by_hand is None else set_by_hand
    if "discounts" in data:
        draft.discounts = discounts.build(
            call,
            data["discounts"],
            item["currency"],
            common.at(path, "discounts"),
            within,
            invoice_item=item["id"],
            customer=item["customer"],
        )
        item["discounts"] = [each["id"] for each in draft.discounts]
    _taxes(call, draft, data)
    item["net_amount"] = None if item["discountable"] else item["amount"]


def line_of(call: Call, item: Obj, invoice_id: str, line_id: str | None = None) -> Obj:
    """The invoice line that shows an item; discounts and taxes are filled in by ``totals``."""
    details = shapes.nested_blank("line_item", "parent", "invoice_item_details") | {"invoice_item": item["id"]}
    parent = shapes.nested_blank("line_item", "parent") | {
        "type": "invoice_item_details",
        "invoice_item_details": details,
        "subscription_item_details": None,
    }
    same = (
        "amount",
        "currency",
        "description",
        "discountable",
        "discounts",
        "metadata",
        "period",
        "pricing",
        "quantity",
        "quantity_decimal",
    )
    return (
        call.world.blank("line_item")
        | {name: item[name] for name in same}
        | {
            "id": line_id or call.world.new_id("il"),
            "invoice": invoice_id,
            "parent": parent,
            "subtotal": item["amount"],
            "pretax_credit_amounts": [],
        }
    )


# -- price and quantity ------------------------------------------------------------------------------------------------


def _price(call: Call, draft: Draft, data: dict[str, Any]) -> None:
    common.exclusive(data, *SPELLINGS, prefix=draft.path)
    common.exclusive(data, "amount", "quantity", prefix=draft.path)
    common.exclusive(data, "amount", "quantity_decimal", prefix=draft.path)
    if "amount" in data:
        money.check_amount(data["amount"], draft.item["currency"], common.at(draft.path, "amount"))
        draft.note["unit"] = None
        draft.item |= {"amount": data["amount"], "quantity": 1, "quantity_decimal": "1", "pricing": None}
    elif "price_data" in data:
        _inline_price(call, draft, data["price_data"])
    elif "pricing" in data:
        _stored_price(call, draft, data["pricing"])
    elif "unit_amount_decimal" in data:
        unit = prices.unit_amount(
            {"unit_amount_decimal": data["unit_amount_decimal"]}, draft.item["currency"], draft.path, signed=True
        )
        _priced(draft, unit, None)


def _inline_price(call: Call, draft: Draft, data: dict[str, Any]) -> None:
    path = common.at(draft.path, "price_data")
    common.exclusive(data, "product", "product_data", prefix=path)
    common.required(data, "product", "product_data", prefix=path)
    _check_currency(data["currency"], draft, common.at(path, "currency"))
    if "product" in data:
        product = call.get("product", data["product"], common.at(path, "product"))
        _check_active(call, product, common.at(path, "product"))
    else:
        product = products.build(call, data["product_data"], common.at(path, "product_data")) | {"active": False}
        draft.products.append(product)
    price = prices.build(call, data, product["id"], path) | {"active": False}
    draft.prices.append(price)
    if not draft.item["description"]:
        draft.item["description"] = product["name"]
    _priced(draft, Decimal(price["unit_amount_decimal"]), price)


def _stored_price(call: Call, draft: Draft, data: dict[str, Any]) -> None:
    path = common.at(draft.path, "pricing", "price")
    price = call.get("price", data["price"], path)
    if not price["active"]:
        raise common.state_refused(
            "The price specified is inactive. This field only accepts active prices.", param=path
        )
    if price["type"] == "recurring":
        raise common.state_refused(
            "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.",
            param=path,
        )
    option = price["currency_options"].get(draft.item["currency"])
    if option is None:
        raise _other_currency(price["currency"], draft, path)
    product = call.store["product"][price["product"]]
    _check_active(call, product, path)
    if not draft.item["description"]:
        draft.item["description"] = product["name"]
    _priced(draft, Decimal(option["unit_amount_decimal"]), price)


def _priced(draft: Draft, unit: Decimal, price: Obj | None) -> None:
    draft.note["unit"] = money.plain(unit)
    details = {"price": price["id"], "product": price["product"]} if price else None
    draft.item["pricing"] = shapes.nested_blank("line_item", "pricing") | {
        "price_details": details,
        "type": "price_details",
        "unit_amount_decimal": money.plain(unit),
    }


def _quantity(draft: Draft, data: dict[str, Any]) -> None:
    common.exclusive(data, "quantity", "quantity_decimal", prefix=draft.path)
    common.not_negative(data, "quantity", "quantity_decimal", prefix=draft.path)
    value = data.get("quantity", data.get("quantity_decimal"))
    if value is None:
        return
    name = "quantity" if "quantity" in data else "quantity_decimal"
    if draft.note["unit"] is None:
        raise invalid(
            "You cannot set a quantity on a line that has an amount and no unit price.", common.at(draft.path, name)
        )
    money.check_places(Decimal(value), common.at(draft.path, name))
    draft.item |= {"quantity": int(value), "quantity_decimal": money.plain(value)}


def _check_currency(currency: str, draft: Draft, param: str) -> None:
    if money.check_currency(currency, param) != draft.item["currency"]:
        raise _other_currency(currency, draft, param)


def _other_currency(currency: str, draft: Draft, param: str) -> Exception:
    return invalid(
        f"The currency of this line ({currency}) must match the currency of the invoice ({draft.item['currency']}).",
        param,
    )


def _check_active(call: Call, product: Obj, param: str) -> None:
    if not product["active"] and call.world.switches.archived_product_on_line == "refuse":
        # A product made inline is inactive from the start, and its price may be used again only through the API.
        raise common.state_refused(
            "The product specified is inactive. This field only accepts active products.", param=param
        )


def _period(given: dict[str, int], path: str) -> Obj:
    if given["end"] < given["start"]:
        raise invalid("The period's end must be greater than or equal to its start.", common.at(path, "period", "end"))
    return dict(given)


# -- taxes -------------------------------------------------------------------------------------------------------------


def _taxes(call: Call, draft: Draft, data: dict[str, Any]) -> None:
    common.exclusive(data, "tax_rates", "tax_amounts", prefix=draft.path)
    if "tax_rates" in data:
        draft.item["tax_rates"] = rates_of(call, data["tax_rates"], common.at(draft.path, "tax_rates"))
    if "tax_amounts" in data:
        draft.note["tax_amounts"] = _imposed(call, draft, data["tax_amounts"])


def rates_of(call: Call, given: Any, path: str) -> list[Obj]:
    """The tax rates of a parameter, usable and at most five; "" is none."""
    if not given:
        return []
    if len(given) > MOST_TAX_RATES:
        raise invalid(f"You can set at most {MOST_TAX_RATES} tax rates.", path)
    return [dict(tax_rates.usable(call, each, f"{path}[{index}]")) for index, each in enumerate(given)]


def _imposed(call: Call, draft: Draft, given: Any) -> list[Obj] | None:
    if not given:
        return None
    path = common.at(draft.path, "tax_amounts")
    if len(given) > MOST_TAX_AMOUNTS:
        raise invalid(f"You can set at most {MOST_TAX_AMOUNTS} tax amounts.", path)
    return [_one_imposed(call, draft, each, f"{path}[{index}]") for index, each in enumerate(given)]


def _one_imposed(call: Call, draft: Draft, data: dict[str, Any], path: str) -> Obj:
    for name in ("amount", "taxable_amount"):
        money.check_amount(data[name], draft.item["currency"], f"{path}[{name}]")
        if data[name] < 0 and call.world.switches.negative_tax_amounts == "refuse":
            raise invalid(
                "This value must be greater than or equal to 0.", f"{path}[{name}]", "parameter_invalid_integer"
            )
    common.required(data, "tax_rate_data", prefix=path)
    tax_rates.check_percentage(data["tax_rate_data"]["percentage"], f"{path}[tax_rate_data][percentage]")
    rate = tax_rates.build(call, data["tax_rate_data"], active=False)
    draft.rates.append(rate)
    return {
        "amount": data["amount"],
        "taxable_amount": data["taxable_amount"],
        "tax_rate": rate["id"],
        "inclusive": rate["inclusive"],
        "taxability_reason": data.get("taxability_reason", "not_available"),
    }
