"""POST /v1/payment_methods/{id}/attach: one of the ready-made test cards is saved with a customer."""

from __future__ import annotations

from .. import cards, shapes
from ..errors import missing, unbuilt
from ..routing import Call, route
from ..state import Obj
from . import common


@route("POST", "/v1/payment_methods/{id}/attach", "PaymentMethodAttachParams", "customer")
def attach(call: Call) -> Obj:
    """A new payment method of the customer's, made of `pm_card_visa` or another card of test mode that pays."""
    common.required(call.params, "customer")
    customer = call.get("customer", call.params["customer"], "customer")
    if call.ids["id"] in call.store["payment_method"]:
        raise unbuilt("attaching a payment method again")
    card = cards.by_payment_method(call.ids["id"])
    if card is None or call.world.livemode:
        raise missing("PaymentMethod", call.ids["id"], "payment_method", status=404)
    if card.decline:
        raise unbuilt("attaching a card that is declined")
    method = common.new(
        call,
        "payment_method",
        "pm",
        billing_details=shapes.nested_blank("payment_method", "billing_details")
        | {"address": shapes.nested_blank("payment_method", "billing_details", "address")},
        card=_card(card),
        customer=customer["id"],
        metadata={},
        type="card",
        allow_redisplay="unspecified",
    )
    call.world.put(call.account_id, {"object": cards.SAVED, "id": method["id"], "card": card.payment_method})
    return common.keep_new(call, method, "payment_method.attached")


def _card(card: cards.Card) -> Obj:
    checks = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
    return shapes.nested_blank("payment_method", "card") | {
        "brand": card.brand,
        "checks": checks,
        "country": "US",
        "display_brand": card.brand,
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"FakeFingerprint{card.last4}",
        "funding": "credit",
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
    }
