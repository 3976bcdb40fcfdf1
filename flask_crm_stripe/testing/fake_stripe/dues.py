"""What is still owed on a finalised invoice: how it becomes less or more, and what follows when nothing is left."""

from __future__ import annotations

from . import invoice_payments
from .state import Obj, World

OWED = ("open", "uncollectible")
"""The statuses in which something is owed."""

WATCHED = (
    "amount_due",
    "amount_overpaid",
    "amount_paid",
    "amount_remaining",
    "attempt_count",
    "attempted",
    "auto_advance",
    "post_payment_credit_notes_amount",
    "pre_payment_credit_notes_amount",
    "status",
)


def changed(world: World, account_id: str, invoice: Obj, fields: Obj, *, collected: bool = False) -> Obj:
    """Store an invoice whose sums changed, and say so. Until nothing remains its default payment asks for what does;
    then it is paid (``collected``: by a payment that Stripe took)."""
    after = invoice | fields
    settled = invoice["status"] in OWED and not after["amount_remaining"]
    if settled:
        times = invoice["status_transitions"] | {"paid_at": world.now()}
        after |= {"auto_advance": False, "next_payment_attempt": None, "status": "paid", "status_transitions": times}
        invoice_payments.stop(world, account_id, after, "automatic")
    else:
        invoice_payments.follow(world, account_id, after)
    previous = differences(invoice, after)
    if settled:
        previous["status_transitions"] = {"paid_at": invoice["status_transitions"]["paid_at"]}
    world.put(account_id, after)
    if previous:
        world.emit("invoice.updated", after, account_id, previous)
    if settled:
        _say_paid(world, account_id, after, collected)
    return after


def differences(before: Obj, after: Obj) -> Obj:
    """The old values of the sums and states that differ."""
    return {name: before[name] for name in WATCHED if before[name] != after[name]}


def _say_paid(world: World, account_id: str, invoice: Obj, collected: bool) -> None:
    world.emit("invoice.paid", invoice, account_id)
    if collected:
        world.emit("invoice.payment_succeeded", invoice, account_id)
    if invoice["amount_overpaid"]:
        world.emit("invoice.overpaid", invoice, account_id)
