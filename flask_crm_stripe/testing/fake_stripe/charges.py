"""The shapes of a payment: a PaymentIntent and a Charge with every field, for a test card."""

from __future__ import annotations

from . import cards, shapes
from .state import Obj, World


def new_intent(world: World, invoice: Obj, description: str | None) -> Obj:
    """The PaymentIntent of a freshly finalised invoice, waiting for a card. Not stored."""
    intent_id = world.new_id("pi")
    return world.blank("payment_intent") | {
        "id": intent_id,
        "amount": invoice["amount_remaining"],
        "amount_details": {"tip": {}},
        "client_secret": world.new_id(f"{intent_id}_secret"),
        "created": world.now(),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "description": description,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
    }


def new_charge(world: World, invoice: Obj, intent: Obj, card: cards.Card) -> Obj:
    """The charge of this card for what remains of the invoice, succeeded or failed. Not stored."""
    amount, failed = invoice["amount_remaining"], card.decline
    charge_id = world.new_id("ch")
    page = None if failed else invoice["hosted_invoice_url"]
    return world.blank("charge") | {
        "id": charge_id,
        "amount": amount,
        "amount_captured": 0 if failed else amount,
        "billing_details": shapes.nested_blank("charge", "billing_details")
        | {"address": shapes.nested_blank("charge", "billing_details", "address"), "email": invoice["customer_email"]},
        "calculated_statement_descriptor": "FAKESTRIPE",
        "captured": not failed,
        "created": world.now(),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "description": intent["description"],
        "failure_code": failed.code if failed else None,
        "failure_message": failed.message if failed else None,
        "fraud_details": {},
        "outcome": _outcome(failed),
        "paid": not failed,
        "payment_intent": intent["id"],
        "payment_method": world.new_id("pm"),
        "payment_method_details": {"card": _card_details(world, card, amount), "type": "card"},
        "radar_options": {},
        "receipt_email": None if failed else invoice["customer_email"],
        "receipt_url": page and f"{page}#receipt",
        "status": "failed" if failed else "succeeded",
    }


def _card_details(world: World, card: cards.Card, amount: int) -> Obj:
    return shapes.nested_blank("charge", "payment_method_details", "card") | {
        "amount_authorized": None if card.decline else amount,
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"FakeFingerprint{card.last4}",
        "funding": "credit",
        "last4": card.last4,
        "network": card.brand,
    }


def _outcome(decline: cards.Decline | None) -> Obj:
    outcome = shapes.nested_blank("charge", "outcome")
    if decline is None:
        return outcome | {
            "network_status": "approved_by_network",
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return outcome | {
        "network_status": "declined_by_network",
        "reason": decline.decline_code,
        "risk_level": "normal",
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def card_error(taken: Obj, card: cards.Card, decline: cards.Decline) -> Obj:
    """What a PaymentIntent keeps of a decline as its `last_payment_error`."""
    return {
        "charge": taken["id"],
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": "https://stripe.com/docs/error-codes/card-declined",
        "message": decline.message,
        "payment_method": {
            "id": taken["payment_method"],
            "object": "payment_method",
            "type": "card",
            "card": {"brand": card.brand, "last4": card.last4},
        },
        "type": "card_error",
    }
