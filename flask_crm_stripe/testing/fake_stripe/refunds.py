"""Money that goes back to who paid: refunds of a charge, and refunds that fail after all.

A refund takes its amount off the charge and off the account's balance at once, whatever its status. One that fails puts
both back; a credit note that it was made for stays as it is, as at Stripe.
"""

from __future__ import annotations

from . import accounts, settlement, shapes
from .errors import StripeFault
from .invoice_view import amount as words_for
from .state import Obj, World

LIVING = ("pending", "requires_action", "succeeded")
"""The statuses of a refund whose money is on its way or has arrived."""

REASONS = (
    "charge_for_pending_refund_disputed",
    "declined",
    "expired_or_canceled_card",
    "insufficient_funds",
    "lost_or_stolen_card",
    "merchant_request",
    "unknown",
)
"""Why a refund fails [stripe-python _refund.py, failure_reason]."""

USUAL_REASON = "expired_or_canceled_card"
SECONDS_UNTIL_SUCCEEDED = 60
PENDING = "_pending_refund"


def make(world: World, account_id: str, charge: Obj, amount: int, **fields: object) -> Obj:
    """A new refund of so much of the charge, with its events. StripeFault for more than is left of it."""
    check(charge, amount)
    refund = world.blank("refund") | {
        "id": world.new_id("re"),
        "amount": amount,
        "charge": charge["id"],
        "created": world.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "destination_details": _destination(),
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "status": world.switches.refund_status,
    }
    refund |= fields
    if refund["status"] == "pending":
        refund["pending_reason"] = "processing"
        world.put(account_id, {"object": PENDING, "id": refund["id"], "due": world.now() + SECONDS_UNTIL_SUCCEEDED})
    refund = world.put(account_id, settlement.book_refund(world, account_id, refund))
    world.emit("refund.created", refund, account_id)
    _refunded(world, account_id, charge, amount, "charge.refunded")
    return refund


def check(charge: Obj, amount: int) -> None:
    """Refuse to refund what nobody paid, and more than is left."""
    if not charge["paid"]:
        raise StripeFault(f"Charge {charge['id']} was not paid; there is nothing to refund.", executed=True)
    free = left(charge)
    if not free:
        words = f"Charge {charge['id']} has already been refunded."
        raise StripeFault(words, code="charge_already_refunded", executed=True)
    if amount > free:
        asked, rest = (words_for(each, charge["currency"]) for each in (amount, free))
        words = f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})"
        raise StripeFault(words, param="amount", executed=True)


def left(charge: Obj) -> int:
    """How much of a charge has not been refunded."""
    return int(charge["amount_captured"] - charge["amount_refunded"])


def latest_living(world: World, account_id: str) -> Obj | None:
    """The newest refund of the account that can still fail."""
    every = world.store(account_id)["refund"].values()
    return next((each for each in reversed(every) if each["status"] in LIVING), None)


def of_charge(world: World, account_id: str, charge_id: str) -> list[Obj]:
    """The refunds of a charge, newest first."""
    found = [each for each in world.store(account_id)["refund"].values() if each["charge"] == charge_id]
    return found[::-1]


def say_updated(world: World, account_id: str, before: Obj, after: Obj) -> Obj:
    """Store a refund that changed and say so twice, as Stripe does, if something did."""
    previous = {name: before[name] for name in after if before[name] != after[name]}
    world.put(account_id, after)
    if previous:
        world.emit("refund.updated", after, account_id, previous)
        world.emit("charge.refund.updated", after, account_id, previous)
    return after


def fail(world: World, account_id: str, refund_id: str, reason: str = USUAL_REASON) -> Obj:
    """Let a refund fail after all: the money is with the business again. ValueError for one that cannot, or for a
    reason that Stripe does not have."""
    accounts.living(world, account_id)
    if reason not in REASONS:
        raise ValueError(f"reason is {reason!r}; it must be one of {', '.join(REASONS)}.")
    refund = world.store(account_id)["refund"].get(refund_id)
    if refund is None:
        raise ValueError(f"There is no refund {refund_id!r} in {account_id}.")
    if refund["status"] not in LIVING:
        raise ValueError(f"The refund {refund_id} is {refund['status']}; it cannot fail any more.")
    world.store(account_id)[PENDING].pop(refund_id, None)
    failed = refund | {"failure_reason": reason, "pending_reason": None, "status": "failed"}
    failed = settlement.book_refund(world, account_id, failed)
    say_updated(world, account_id, refund, failed)
    world.emit("refund.failed", failed, account_id)
    charge = world.store(account_id)["charge"][refund["charge"]]
    _refunded(world, account_id, charge, -refund["amount"], "charge.updated")
    return failed


def catch_up(world: World) -> None:
    """Let the pending refunds succeed whose minute has passed."""
    with world.lock:
        for account_id in world.accounts:
            store = world.store(account_id)
            for refund_id in [key for key, each in store[PENDING].items() if each["due"] <= world.now()]:
                del store[PENDING][refund_id]
                refund = store["refund"][refund_id]
                say_updated(world, account_id, refund, refund | {"pending_reason": None, "status": "succeeded"})


def _refunded(world: World, account_id: str, charge: Obj, amount: int, event: str) -> None:
    total = charge["amount_refunded"] + amount
    after = charge | {"amount_refunded": total, "refunded": total == charge["amount_captured"]}
    previous = {name: charge[name] for name in ("amount_refunded", "refunded") if charge[name] != after[name]}
    world.put(account_id, after)
    world.emit(event, after, account_id, previous)


def _destination() -> Obj:
    card = shapes.nested_blank("refund", "destination_details", "card")
    return {"card": card | {"reference_status": "pending", "type": "refund"}, "type": "card"}
