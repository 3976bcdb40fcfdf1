"""Discounts on invoices and lines: each is a coupon put to use."""

from __future__ import annotations

from typing import Any

from .. import shapes
from ..errors import StripeFault, invalid, missing, unbuilt
from ..routing import Call
from ..state import Obj
from . import common, coupons

MOST = 20


def build(call: Call, given: Any, currency: str, path: str, within: list[str], **owner: str) -> list[Obj]:
    """Discount objects for a ``discounts`` parameter; nothing is stored yet.

    ``within`` are the ids of discounts that may be used again, ``owner`` names what they hang on.
    """
    if not given:
        return []
    if len(given) > MOST:
        raise invalid(f"You can set at most {MOST} discounts.", path)
    return [_one(call, each, currency, f"{path}[{index}]", within, owner) for index, each in enumerate(given)]


def of_coupon(call: Call, coupon: Obj, **owner: str) -> Obj:
    """A new discount from a coupon."""
    source = shapes.nested_blank("discount", "source") | {"coupon": coupon["id"], "type": "coupon"}
    own = {"id": call.world.new_id("di"), "source": source, "start": call.world.now()}
    return shapes.blank("discount") | own | owner


def keep(call: Call, discounts: list[Obj]) -> None:
    """Store discounts, and the terms of their coupons as they are now (deleting a coupon does not change them)."""
    for each in discounts:
        if each["id"] in call.store["discount"]:
            continue
        call.world.put(call.account_id, each)
        coupon = call.store["coupon"][each["source"]["coupon"]]
        call.store["_terms"][each["id"]] = shapes.clone(coupon)
        coupon["times_redeemed"] += 1


def _one(call: Call, data: dict[str, Any], currency: str, path: str, within: list[str], owner: dict[str, str]) -> Obj:
    common.exclusive(data, "coupon", "discount", "promotion_code", prefix=path)
    common.required(data, "coupon", "discount", "promotion_code", prefix=path)
    if "promotion_code" in data:
        raise unbuilt("promotion codes")
    if "discount" in data:
        if data["discount"] not in within:
            raise missing("discount", data["discount"], f"{path}[discount]")
        return call.store["discount"][data["discount"]]
    return of_coupon(call, coupons.usable(call, data["coupon"], currency, f"{path}[coupon]"), **owner)


def check_no_tax_amounts(call: Call, has_tax_amounts: bool, has_discounts: bool, param: str) -> None:
    """By the switch: refuse imposed tax amounts together with discounts."""
    if has_tax_amounts and has_discounts and call.world.switches.tax_amounts_with_discounts == "refuse":
        raise StripeFault("You cannot use tax_amounts on an invoice that has discounts.", param=param)
