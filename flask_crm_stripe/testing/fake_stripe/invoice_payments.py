"""The InvoicePayments of an invoice: the default one, which follows what remains to be paid, and those beside it."""

from __future__ import annotations

from . import charges
from .state import Obj, World


def start(world: World, account_id: str, invoice: Obj) -> Obj:
    """Make the default InvoicePayment and its PaymentIntent for a finalised invoice, as Stripe does. Returns the
    InvoicePayment."""
    description = f"Payment for Invoice {invoice['number']}"
    intent = world.put(account_id, charges.new_intent(world, invoice, description))
    payment = new(world, invoice, "payment_intent", intent["id"], invoice["amount_remaining"])
    world.put(account_id, payment | {"is_default": True})
    world.emit("payment_intent.created", intent, account_id)
    return payment


def stop(world: World, account_id: str, invoice: Obj, reason: str = "void_invoice") -> Obj:
    """Cancel what is still to be collected (the invoice is voided or settled otherwise). Returns the invoice."""
    for payment in of_invoice(world, account_id, invoice["id"]):
        if payment["status"] == "open":
            _cancel(world, account_id, payment, reason)
    return invoice


def follow(world: World, account_id: str, invoice: Obj) -> None:
    """Ask by the default payment for what remains of the invoice, no more and no less [SDK InvoicePayment]."""
    for payment in of_invoice(world, account_id, invoice["id"]):
        if payment["status"] == "open" and payment["amount_requested"] != invoice["amount_remaining"]:
            intent = world.store(account_id)["payment_intent"][payment["payment"]["payment_intent"]]
            world.put(account_id, intent | {"amount": invoice["amount_remaining"]})
            world.put(account_id, payment | {"amount_requested": invoice["amount_remaining"]})


def new(world: World, invoice: Obj, kind: str, paid_by: str, amount: int) -> Obj:
    """An open InvoicePayment by a payment intent or a payment record. Not stored."""
    blank = {"charge": None, "payment_intent": None, "payment_record": None}
    return world.blank("invoice_payment") | {
        "id": world.new_id("inpay"),
        "amount_requested": amount,
        "created": world.now(),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "payment": blank | {kind: paid_by, "type": kind},
        "status": "open",
    }


def of_invoice(world: World, account_id: str, invoice_id: str) -> list[Obj]:
    """All InvoicePayments of an invoice, oldest first."""
    payments = world.store(account_id)["invoice_payment"].values()
    return [payment for payment in payments if payment["invoice"] == invoice_id]


def open_default(world: World, account_id: str, invoice: Obj) -> Obj:
    """The default one. Every invoice with something left to pay has exactly one, since finalising made it."""
    payments = of_invoice(world, account_id, invoice["id"])
    return next(payment for payment in payments if payment["is_default"] and payment["status"] == "open")


def paid(world: World, account_id: str, payment: Obj, amount: int) -> Obj:
    """Store an InvoicePayment as paid."""
    times = payment["status_transitions"] | {"paid_at": world.now()}
    return world.put(account_id, payment | {"amount_paid": amount, "status": "paid", "status_transitions": times})


def charges_of(world: World, account_id: str, invoice_id: str) -> list[Obj]:
    """The charges that paid an invoice, newest first."""
    store = world.store(account_id)
    found = [each for each in of_invoice(world, account_id, invoice_id) if each["status"] == "paid"]
    intents = [store["payment_intent"].get(each["payment"]["payment_intent"] or "") for each in reversed(found)]
    return [store["charge"][each["latest_charge"]] for each in intents if each]


def _cancel(world: World, account_id: str, payment: Obj, reason: str) -> None:
    now = world.now()
    times = payment["status_transitions"] | {"canceled_at": now}
    world.put(account_id, payment | {"status": "canceled", "status_transitions": times})
    intent = world.store(account_id)["payment_intent"][payment["payment"]["payment_intent"]]
    canceled = intent | {"canceled_at": now, "cancellation_reason": reason, "status": "canceled"}
    world.put(account_id, canceled)
    world.emit("payment_intent.canceled", canceled, account_id)
