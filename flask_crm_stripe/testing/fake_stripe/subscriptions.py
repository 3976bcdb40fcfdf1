"""Subscriptions as a business makes them in its own dashboard. FakeStripe shows them; it bills and renews none."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Any

from . import accounts, shapes
from .errors import StripeFault, missing
from .paging import list_object
from .records import Platform
from .resources import prices, products
from .resources.common import changes
from .routing import Call
from .state import Obj, World

INTERVALS = ("day", "week", "month", "year")
METHODS = ("charge_automatically", "send_invoice")
STATUSES = ("active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid")
ENDED = ("canceled", "incomplete_expired")
"""The statuses that no subscription leaves again."""

DAYS_UNTIL_DUE = 30


def add(world: World, account_id: str, customer_id: str, wanted: dict[str, Any]) -> Obj:
    """A new subscription with a product and a recurring price of its own, by the keywords of
    ``FakeStripe.add_subscription``. ValueError for what Stripe would refuse; nothing is kept then."""
    accounts.living(world, account_id)
    # The business itself is calling, in its own dashboard.
    call = Call(world, Platform(account_id), account_id, {}, {}, "/v1/subscriptions")
    _check(wanted)
    try:
        product, price = _catalogue(call, wanted)
        customer = _customer(call, customer_id, price["currency"])
    except StripeFault as fault:
        raise ValueError(fault.message) from fault
    for each in (product, price):
        world.put(account_id, each)
        world.emit(f"{each['object']}.created", each, account_id)
    _in_currency(call, customer, price["currency"])
    made = world.put(account_id, _made(call, customer, price, wanted))
    world.emit("customer.subscription.created", shown(world, account_id, made), account_id)
    return made


def shown(world: World, account_id: str, subscription: Obj) -> Obj:
    """A copy with its prices as they are now; what a price includes only on request is left out."""
    copy = shapes.clone(subscription)
    for item in copy["items"]["data"]:
        price = world.store(account_id)["price"][item["price"]["id"]]
        item["price"] = shapes.render(shapes.clone(price))
        shapes.render(item["plan"])
    return copy


def current(world: World, account_id: str, customer_id: str) -> Obj:
    """The list of a customer's subscriptions that have not ended, newest first."""
    found = [shown(world, account_id, each) for each in _running(world, account_id, customer_id)]
    return list_object(f"/v1/customers/{customer_id}/subscriptions", found[::-1])


def cancel_all(world: World, account_id: str, customer_id: str) -> None:
    """Cancel every subscription of a customer that goes away [stripe-python _customer_service.py, delete]."""
    now = world.now()
    for each in _running(world, account_id, customer_id):
        after = world.put(account_id, each | {"status": "canceled"} | _end(now))
        world.emit("customer.subscription.deleted", shown(world, account_id, after), account_id)


def _running(world: World, account_id: str, customer_id: str) -> list[Obj]:
    every = world.store(account_id)["subscription"].values()
    return [each for each in every if each["customer"] == customer_id and each["status"] not in ENDED]


# -- making one --------------------------------------------------------------------------------------------------------


def _check(wanted: dict[str, Any]) -> None:
    if isinstance(wanted["amount"], bool) or not isinstance(wanted["amount"], int):
        raise ValueError(f"amount is {wanted['amount']!r}; it must be a whole number of minor units.")
    for name, words in (("interval", INTERVALS), ("status", STATUSES), ("collection_method", METHODS)):
        if wanted[name] not in words:
            raise ValueError(f"{name} is {wanted[name]!r}; it must be one of {', '.join(words)}.")


def _catalogue(call: Call, wanted: dict[str, Any]) -> tuple[Obj, Obj]:
    product = products.build(call, {"name": wanted["description"] or "Subscription"}, "")
    recurring = {"interval": wanted["interval"]}
    data = {"currency": wanted["currency"], "unit_amount": wanted["amount"], "recurring": recurring}
    return product, prices.build(call, data, product["id"], "")


def _customer(call: Call, customer_id: str, currency: str) -> Obj:
    customer = call.store["customer"].get(customer_id)
    if customer is None or customer.get("deleted"):
        raise missing("customer", customer_id, "customer")
    if any(each["currency"] != currency for each in _running(call.world, call.account_id, customer_id)):
        raise StripeFault(
            f"You cannot combine currencies on a single customer. This customer has an active subscription in another "
            f"currency than {currency}."
        )
    return customer


def _in_currency(call: Call, customer: Obj, currency: str) -> None:
    """The first thing billed decides a customer's currency."""
    after = customer | {"currency": customer["currency"] or currency}
    previous = changes(customer, after)
    if previous:
        call.world.put(call.account_id, after)
        call.world.emit("customer.updated", after, call.account_id, previous)


def _made(call: Call, customer: Obj, price: Obj, wanted: dict[str, Any]) -> Obj:
    world, now = call.world, call.world.now()
    end = later(now, wanted["interval"])
    by_mail = wanted["collection_method"] == "send_invoice"
    made = world.blank("subscription") | {
        "id": world.new_id("sub"),
        "billing_cycle_anchor": now,
        "collection_method": wanted["collection_method"],
        "created": now,
        "currency": price["currency"],
        "customer": customer["id"],
        "days_until_due": DAYS_UNTIL_DUE if by_mail else None,
        "default_tax_rates": [],
        "description": wanted["description"] or None,
        "start_date": now,
        "status": wanted["status"],
    }
    made["billing_mode"] |= {"type": "flexible", "flexible": {"proration_discounts": "included"}}
    made["invoice_settings"]["issuer"] |= {"type": "self"}
    made["payment_settings"] = _nested("payment_settings", save_default_payment_method="off")
    made["trial_settings"] = {"end_behavior": _nested("trial_settings", "end_behavior")}
    made["trial_settings"]["end_behavior"]["missing_payment_method"] = "create_invoice"
    url = f"/v1/subscription_items?subscription={made['id']}"
    made["items"] = list_object(url, [_item(world, made, price, end)])
    return made | _by_status(wanted["status"], now, end)


def _item(world: World, subscription: Obj, price: Obj, end: int) -> Obj:
    return world.blank("subscription_item") | {
        "id": world.new_id("si"),
        "created": subscription["created"],
        "current_period_start": subscription["created"],
        "current_period_end": end,
        "plan": _plan(world, price),
        "price": shapes.clone(price),
        "quantity": 1,
        "subscription": subscription["id"],
        "tax_rates": [],
    }


def _plan(world: World, price: Obj) -> Obj:
    """The price as the Plan that it was called before."""
    same = ("id", "active", "billing_scheme", "created", "currency", "metadata", "nickname", "product", "tiers_mode")
    repeat = {name: price["recurring"][name] for name in ("interval", "interval_count", "usage_type")}
    sums = {"amount": price["unit_amount"], "amount_decimal": price["unit_amount_decimal"]}
    return world.blank("plan") | {name: price[name] for name in same} | repeat | sums


def _by_status(status: str, now: int, end: int) -> Obj:
    if status == "trialing":
        return {"trial_start": now, "trial_end": end}
    if status == "canceled":
        return _end(now)
    if status == "incomplete_expired":
        return {"ended_at": now}
    if status == "paused":
        paused = {"subscription": {"type": "pause_requested"}, "transitioned_at": now, "type": "subscription"}
        return {"status_details": {"paused": paused}}
    return {}


def _end(now: int) -> Obj:
    why = _nested("cancellation_details", reason="cancellation_requested")
    return {"canceled_at": now, "ended_at": now, "cancellation_details": why}


def _nested(*path: str, **fields: Any) -> Obj:
    return shapes.nested_blank("subscription", *path) | fields


def later(start: int, interval: str) -> int:
    """The end of a period that begins now, by the calendar: a month after 31 January ends with February."""
    begin = datetime.fromtimestamp(start, UTC)
    if interval in ("day", "week"):
        return int((begin + timedelta(days=7 if interval == "week" else 1)).timestamp())
    months = begin.month + (12 if interval == "year" else 1) - 1
    year, month = begin.year + months // 12, months % 12 + 1
    day = min(begin.day, monthrange(year, month)[1])
    return int(begin.replace(year=year, month=month, day=day).timestamp())
