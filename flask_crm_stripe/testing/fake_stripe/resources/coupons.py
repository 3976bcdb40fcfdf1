"""/v1/coupons."""

from __future__ import annotations

from typing import Any

from .. import money, shapes
from ..errors import StripeFault, invalid
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj
from . import common

CREATE = (
    "amount_off applies_to.products currency duration duration_in_months id max_redemptions metadata name percent_off "
    "redeem_by"
)


@route("POST", "/v1/coupons", "CouponCreateParams", CREATE)
def create(call: Call) -> Obj:
    """A coupon of a percentage or an amount, with an id of the caller's own if wanted."""
    params = call.params
    _check(call, params)
    duration = params.get("duration", "once")
    coupon = common.new(
        call,
        "coupon",
        "co",
        id=params.get("id") or call.world.new_id("x")[-8:],
        valid=True,
        times_redeemed=0,
        amount_off=params.get("amount_off"),
        duration=duration,
        duration_in_months=params.get("duration_in_months"),
        currency=params["currency"].lower() if "amount_off" in params else None,
        percent_off=float(params["percent_off"]) if "percent_off" in params else None,
        max_redemptions=params.get("max_redemptions"),
        name=params.get("name"),
        redeem_by=params.get("redeem_by"),
        metadata=common.merged_metadata({}, params),
    )
    if "applies_to" in params:
        coupon["applies_to"] = params["applies_to"]
    return common.keep_new(call, coupon, "coupon.created")


@route("POST", "/v1/coupons/{id}", "CouponUpdateParams", "metadata name")
def update(call: Call) -> Obj:
    """Change the name or the metadata; nothing else can change."""
    before = call.named("coupon")
    common.at_most(call.params, "name", 40)
    after = shapes.clone(before) | common.given(call.params, ("name",))
    after["metadata"] = common.merged_metadata(before["metadata"], call.params)
    return common.keep_changed(call, before, after, "coupon.updated")


@route("GET", "/v1/coupons/{id}", "CouponRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One coupon."""
    return call.named("coupon")


@route("GET", "/v1/coupons", "CouponListParams", "created ending_before limit starting_after")
def list_all(call: Call) -> Obj:
    """Coupons, newest first."""
    return page(call, matching(call.store["coupon"].values(), call.params))


@route("DELETE", "/v1/coupons/{id}", "CouponDeleteParams")
def delete(call: Call) -> Obj:
    """Delete a coupon; discounts made from it stay."""
    return common.remove(call, call.named("coupon"), "coupon.deleted")


def usable(call: Call, coupon_id: str, currency: str, param: str) -> Obj:
    """The coupon, if it can be redeemed on an invoice in this currency."""
    coupon = call.get("coupon", coupon_id, param)
    now, most = call.world.now(), coupon["max_redemptions"]
    over = coupon["redeem_by"] is not None and coupon["redeem_by"] < now
    if over or (most is not None and coupon["times_redeemed"] >= most):
        raise common.state_refused(f"Coupon expired: {coupon_id}", "coupon_expired", param)
    if coupon["amount_off"] is not None and coupon["currency"] != currency:
        raise common.state_refused(
            f"The coupon {coupon_id} is in {coupon['currency']}, but the invoice is in {currency}. A coupon with an "
            "amount can only be used in its own currency.",
            param=param,
        )
    return coupon


def _check(call: Call, params: dict[str, Any]) -> None:
    common.exclusive(params, "percent_off", "amount_off")
    common.required(params, "percent_off", "amount_off")
    common.at_most(params, "name", 40)
    if "percent_off" in params and not 0 < params["percent_off"] <= 100:
        raise invalid("Invalid percent_off: must be greater than 0 and at most 100.", "percent_off")
    if "amount_off" in params:
        common.required(params, "currency")
        if params["amount_off"] <= 0:
            raise invalid("This value must be greater than or equal to 1.", "amount_off", "parameter_invalid_integer")
        currency = money.check_currency(params["currency"], "currency")
        money.check_amount(params["amount_off"], currency, "amount_off")
    if (params.get("duration") == "repeating") != ("duration_in_months" in params):
        raise invalid("duration_in_months is required for, and only for, duration=repeating.", "duration_in_months")
    if params.get("id") in call.store["coupon"]:
        raise StripeFault("Coupon already exists.", code="resource_already_exists", param="id", executed=True)
