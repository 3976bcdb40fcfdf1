"""How an open invoice gets paid: PaymentIntent, Charge, InvoicePayment and the events, in Stripe's order.

The invoice resource calls `start` when an invoice is finalised, `stop` when it is voided, and `pay` for
POST /v1/invoices/{id}/pay; the hosted page calls `charge`. All run under `world.lock` and change the stored invoice
by `world.put` of a copy, so a refusal leaves no trace. A declined card is not a refusal: it leaves a failed charge.
"""

from __future__ import annotations

from typing import Any

from . import cards, charges, settlement
from .errors import StripeFault, invalid, missing
from .state import Obj, World

WATCHED = ("amount_paid", "amount_remaining", "attempt_count", "attempted", "auto_advance", "status")

NO_METHOD = (
    "This customer has no attached payment source or default payment method. Please consider adding a default payment "
    "method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting"
    "#payment-method-priority."
)
CHARGES_OFF = (
    "Your account cannot currently make {mode} charges. If you are a customer trying to make a purchase, please "
    "contact the owner of this site. Your transaction has not been processed."
)


def start(world: World, account_id: str, invoice: Obj) -> Obj:
    """Make the default InvoicePayment and its PaymentIntent for a finalised invoice, as Stripe does. Returns the
    InvoicePayment."""
    intent = world.put(account_id, charges.new_intent(world, invoice))
    payment = world.blank("invoice_payment") | {
        "id": world.new_id("inpay"),
        "amount_requested": invoice["amount_remaining"],
        "created": world.now(),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "payment": {"charge": None, "payment_intent": intent["id"], "payment_record": None, "type": "payment_intent"},
        "status": "open",
    }
    world.put(account_id, payment)
    world.emit("payment_intent.created", intent, account_id)
    return payment


def stop(world: World, account_id: str, invoice: Obj, reason: str = "void_invoice") -> Obj:
    """Cancel what is still to be collected (the invoice is voided or settled otherwise). Returns the invoice."""
    for payment in _payments_of(world, account_id, invoice["id"]):
        if payment["status"] == "open":
            _cancel(world, account_id, payment, reason)
    return invoice


def pay(world: World, account_id: str, invoice: Obj, params: dict[str, Any]) -> Obj:
    """POST /v1/invoices/{id}/pay on an open invoice. Raises StripeFault: 402 with a failed charge when the card is
    declined; 400 when there is nothing to pay with, since FakeStripe's customers have no saved cards."""
    if invoice["status"] == "uncollectible" and world.switches.pay_uncollectible == "refuse":
        words = "This invoice was marked as uncollectible and can no longer be paid."
        raise StripeFault(words, code="invoice_not_open", executed=True)
    if params.get("paid_out_of_band"):
        return _settle_out_of_band(world, account_id, invoice)
    method = params.get("payment_method")
    if not method:
        raise invalid(NO_METHOD, code="resource_missing")
    card = cards.by_payment_method(method)
    if card is None or world.livemode:
        raise _no_method(world, method, card)
    return charge(world, account_id, invoice, card)


def charge(world: World, account_id: str, invoice: Obj, card: cards.Card) -> Obj:
    """Collect what remains of the invoice from a test card, and return the paid invoice.

    Raises StripeFault 402 (`card_declined`) after recording the failed charge and its events, and 400 where the account
    may not charge.
    """
    if not can_charge(world, account_id):
        raise StripeFault(CHARGES_OFF.format(mode="live" if world.livemode else "test"), executed=True)
    payment = _open_default(world, account_id, invoice)
    intent = world.store(account_id)["payment_intent"][payment["payment"]["payment_intent"]]
    taken = charges.new_charge(world, invoice, intent, card)
    if card.decline is not None:
        raise _declined(world, account_id, invoice, intent, taken, card, card.decline)
    return _succeeded(world, account_id, invoice, payment, intent, taken)


def can_charge(world: World, account_id: str) -> bool:
    """Whether the account may take a payment now: not when it is closed, not in live mode while its charges are off; in
    test mode the switch decides."""
    if account_id in world.closed:
        return False
    if not world.livemode and world.switches.pay_with_charges_off == "accept":
        return True
    return bool(world.accounts[account_id]["charges_enabled"])


# -- what happens ------------------------------------------------------------------------------------------------------


def _succeeded(world: World, account_id: str, invoice: Obj, payment: Obj, intent: Obj, taken: Obj) -> Obj:
    amount = taken["amount"]
    world.put(account_id, taken)
    intent = world.put(
        account_id,
        intent
        | {
            "amount_received": amount,
            "last_payment_error": None,
            "latest_charge": taken["id"],
            "payment_method": taken["payment_method"],
            "status": "succeeded",
        },
    )
    payment = _paid(world, account_id, payment, amount)
    world.emit("charge.succeeded", taken, account_id)
    world.emit("payment_intent.succeeded", intent, account_id)
    invoice = _invoice_paid(world, account_id, invoice, amount)
    world.emit("invoice.payment_succeeded", invoice, account_id)
    world.emit("invoice_payment.paid", payment, account_id)
    settlement.settle(world, account_id, taken)
    return invoice


def _no_method(world: World, method: str, card: cards.Card | None) -> StripeFault:
    refusal = missing("PaymentMethod", method, "payment_method")
    if card is None:
        return refusal
    # A ready-made card such as pm_card_visa is of test mode.
    words = (
        f"{refusal.message}; a similar object exists in test mode, but a live mode key was used to make this request."
    )
    return StripeFault(words, code=refusal.code, param=refusal.param, executed=True)


def _declined(
    world: World, account_id: str, invoice: Obj, intent: Obj, taken: Obj, card: cards.Card, decline: cards.Decline
) -> StripeFault:
    error = charges.card_error(taken, card, decline)
    world.put(account_id, taken)
    intent = world.put(
        account_id,
        intent | {"last_payment_error": error, "latest_charge": taken["id"], "status": "requires_payment_method"},
    )
    world.emit("charge.failed", taken, account_id)
    world.emit("payment_intent.payment_failed", intent, account_id)
    tried = _attempted(invoice)
    previous = _changes(invoice, tried)
    world.put(account_id, tried)
    if previous:
        world.emit("invoice.updated", tried, account_id, previous)
    world.emit("invoice.payment_failed", tried, account_id)
    return StripeFault(
        decline.message,
        status=402,
        type="card_error",
        code=decline.code,
        executed=True,
        charge=taken["id"],
        decline_code=decline.decline_code,
        payment_intent=intent,
    )


def _settle_out_of_band(world: World, account_id: str, invoice: Obj) -> Obj:
    stop(world, account_id, invoice, "automatic")
    amount = invoice["amount_remaining"]
    if world.switches.paid_out_of_band == "payment_record":
        _paid(world, account_id, _recorded(world, invoice), amount)
    off_stripe = (invoice.get("amount_paid_off_stripe") or 0) + amount
    return _invoice_paid(world, account_id, invoice | {"amount_paid_off_stripe": off_stripe}, amount)


def _recorded(world: World, invoice: Obj) -> Obj:
    """An InvoicePayment of money that Stripe never saw."""
    record = {"charge": None, "payment_intent": None, "payment_record": world.new_id("pr"), "type": "payment_record"}
    return world.blank("invoice_payment") | {
        "id": world.new_id("inpay"),
        "amount_requested": invoice["amount_remaining"],
        "created": world.now(),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": False,
        "payment": record,
        "status": "open",
    }


def _invoice_paid(world: World, account_id: str, invoice: Obj, amount: int) -> Obj:
    paid = _attempted(invoice) | {
        "amount_paid": invoice["amount_paid"] + amount,
        "amount_remaining": 0,
        "auto_advance": False,
        "next_payment_attempt": None,
        "status": "paid",
        "status_transitions": invoice["status_transitions"] | {"paid_at": world.now()},
    }
    previous = _changes(invoice, paid) | {"status_transitions": {"paid_at": invoice["status_transitions"]["paid_at"]}}
    world.put(account_id, paid)
    world.emit("invoice.updated", paid, account_id, previous)
    world.emit("invoice.paid", paid, account_id)
    return paid


def _attempted(invoice: Obj) -> Obj:
    # Any attempt counts as the first; only Stripe's own retries count on [stripe-python _invoice.py, attempt_count].
    return invoice | {"attempted": True, "attempt_count": max(1, invoice["attempt_count"])}


def _changes(before: Obj, after: Obj) -> Obj:
    return {name: before[name] for name in WATCHED if before[name] != after[name]}


# -- InvoicePayments ---------------------------------------------------------------------------------------------------


def _payments_of(world: World, account_id: str, invoice_id: str) -> list[Obj]:
    payments = world.store(account_id)["invoice_payment"].values()
    return [payment for payment in payments if payment["invoice"] == invoice_id]


def _open_default(world: World, account_id: str, invoice: Obj) -> Obj:
    # Every invoice with something left to pay has exactly one, since finalising made it.
    payments = _payments_of(world, account_id, invoice["id"])
    return next(payment for payment in payments if payment["is_default"] and payment["status"] == "open")


def _paid(world: World, account_id: str, payment: Obj, amount: int) -> Obj:
    times = payment["status_transitions"] | {"paid_at": world.now()}
    return world.put(account_id, payment | {"amount_paid": amount, "status": "paid", "status_transitions": times})


def _cancel(world: World, account_id: str, payment: Obj, reason: str) -> None:
    now = world.now()
    times = payment["status_transitions"] | {"canceled_at": now}
    world.put(account_id, payment | {"status": "canceled", "status_transitions": times})
    intent = world.store(account_id)["payment_intent"][payment["payment"]["payment_intent"]]
    canceled = intent | {"canceled_at": now, "cancellation_reason": reason, "status": "canceled"}
    world.put(account_id, canceled)
    world.emit("payment_intent.canceled", canceled, account_id)
