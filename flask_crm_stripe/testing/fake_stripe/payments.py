"""How an open invoice gets paid: PaymentIntent, Charge, InvoicePayment and the events, in Stripe's order.

The invoice resource calls `pay` for POST /v1/invoices/{id}/pay, the hosted page `charge`. All run under `world.lock`
and change the stored invoice by `world.put` of a copy, so a refusal leaves no trace. A declined card is not a refusal:
it leaves a failed charge.
"""

from __future__ import annotations

from typing import Any

from . import accounts, cards, charges, dues, invoice_payments, money, settlement
from .errors import StripeFault, invalid, missing
from .state import Obj, World

NO_METHOD = (
    "This customer has no attached payment source or default payment method. Please consider adding a default payment "
    "method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting"
    "#payment-method-priority."
)
CHARGES_OFF = (
    "Your account cannot currently make {mode} charges. If you are a customer trying to make a purchase, please "
    "contact the owner of this site. Your transaction has not been processed."
)


def pay(world: World, account_id: str, invoice: Obj, params: dict[str, Any]) -> Obj:
    """POST /v1/invoices/{id}/pay on an open invoice. Raises StripeFault: 402 with a failed charge when the card is
    declined; 400 when no payment method is named, since a saved card is nobody's default one."""
    if invoice["status"] == "uncollectible" and world.switches.pay_uncollectible == "refuse":
        words = "This invoice was marked as uncollectible and can no longer be paid."
        raise StripeFault(words, code="invoice_not_open", executed=True)
    if params.get("paid_out_of_band"):
        return _settle_out_of_band(world, account_id, invoice)
    method = params.get("payment_method")
    if not method:
        raise invalid(NO_METHOD, code="resource_missing")
    saved = world.find(account_id, "payment_method", method)
    if saved and saved["customer"] != invoice["customer"]:
        words = "The payment method must be attached to the customer of this invoice."
        raise StripeFault(words, param="payment_method", executed=True)
    card = cards.by_payment_method(world.store(account_id)[cards.SAVED][method]["card"] if saved else method)
    if card is None or world.livemode:
        raise _no_method(world, method, card)
    return charge(world, account_id, invoice, card, method if saved else None)


def charge(world: World, account_id: str, invoice: Obj, card: cards.Card, saved: str | None = None) -> Obj:
    """Collect what remains of the invoice from a test card, and return the paid invoice. ``saved`` is the id that the
    card is saved under.

    Raises StripeFault 402 (`card_declined`) after recording the failed charge and its events, and 400 where the account
    may not charge.
    """
    if not can_charge(world, account_id):
        raise StripeFault(CHARGES_OFF.format(mode="live" if world.livemode else "test"), executed=True)
    payment = invoice_payments.open_default(world, account_id, invoice)
    intent = world.store(account_id)["payment_intent"][payment["payment"]["payment_intent"]]
    taken = charges.new_charge(world, invoice, intent, card)
    if saved:
        taken["payment_method"] = saved
    if card.decline is not None:
        raise _declined(world, account_id, invoice, intent, taken, card, card.decline)
    return _succeeded(world, account_id, invoice, payment, intent, taken)


def take(world: World, account_id: str, customer_id: str, amount: int, currency: str) -> Obj:
    """A customer pays by card without an invoice, as on a till or by a link; returns the PaymentIntent. ValueError for
    what Stripe would refuse."""
    accounts.living(world, account_id)
    customer = world.store(account_id)["customer"].get(customer_id)
    if customer is None or customer.get("deleted"):
        raise ValueError(f"There is no customer {customer_id!r} in {account_id}.")
    try:
        currency = money.check_currency(currency, "currency")
        money.check_amount(amount, currency, "amount")
    except StripeFault as fault:
        raise ValueError(fault.message) from fault
    if amount < 1 or not can_charge(world, account_id):
        raise ValueError(f"The account cannot charge {amount}: charges are off, or it is less than 1.")
    bill = {"amount_remaining": amount, "currency": currency, "customer": customer_id}
    bill |= {"customer_email": customer["email"], "hosted_invoice_url": None}
    intent = world.put(account_id, charges.new_intent(world, bill, None))
    world.emit("payment_intent.created", intent, account_id)
    taken = charges.new_charge(world, bill, intent, cards.CARDS[0])
    intent = _received(world, account_id, intent, taken)
    settlement.settle(world, account_id, taken)
    return intent


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
    payment = invoice_payments.paid(world, account_id, payment, amount)
    _received(world, account_id, intent, taken)
    invoice = _invoice_paid(world, account_id, invoice, amount, collected=True)
    world.emit("invoice_payment.paid", payment, account_id)
    settlement.settle(world, account_id, taken)
    return invoice


def _received(world: World, account_id: str, intent: Obj, taken: Obj) -> Obj:
    world.put(account_id, taken)
    received = {
        "amount_received": taken["amount"],
        "last_payment_error": None,
        "latest_charge": taken["id"],
        "payment_method": taken["payment_method"],
        "status": "succeeded",
    }
    intent = world.put(account_id, intent | received)
    world.emit("charge.succeeded", taken, account_id)
    world.emit("payment_intent.succeeded", intent, account_id)
    return intent


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
    previous = dues.differences(invoice, tried)
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
    amount = invoice["amount_remaining"]
    if world.switches.paid_out_of_band == "payment_record":
        recorded = invoice_payments.new(world, invoice, "payment_record", world.new_id("pr"), amount)
        invoice_payments.paid(world, account_id, recorded, amount)
    off_stripe = (invoice.get("amount_paid_off_stripe") or 0) + amount
    return _invoice_paid(world, account_id, invoice | {"amount_paid_off_stripe": off_stripe}, amount)


def _invoice_paid(world: World, account_id: str, invoice: Obj, amount: int, *, collected: bool = False) -> Obj:
    sums = {"amount_paid": invoice["amount_paid"] + amount, "amount_remaining": 0}
    return dues.changed(world, account_id, invoice, _attempted(invoice) | sums, collected=collected)


def _attempted(invoice: Obj) -> Obj:
    # Any attempt counts as the first; only Stripe's own retries count on [stripe-python _invoice.py, attempt_count].
    return invoice | {"attempted": True, "attempt_count": max(1, invoice["attempt_count"])}
