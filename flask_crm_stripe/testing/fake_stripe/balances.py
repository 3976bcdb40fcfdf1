"""A customer's balance with the business, which the next invoice settles: below 0 it is the customer's credit.

Every movement is a customer balance transaction. There is one balance for each currency; `customer.balance` is the one
in the customer's own currency, and `invoice_credit_balance` has them all.
"""

from __future__ import annotations

from typing import Any

from .resources.common import changes
from .state import Obj, World

BALANCES = "invoice_credit_balance"


def held(customer: Obj, currency: str) -> int:
    """The customer's balance in this currency."""
    if currency == (customer["currency"] or currency):
        return int(customer["balance"])
    return int(customer.get(BALANCES, {}).get(currency, 0))


def all_held(customer: Obj) -> dict[str, int]:
    """The customer's balance in every currency that it has had one in."""
    own = {customer["currency"]: customer["balance"]} if customer["currency"] else {}
    return dict(customer.get(BALANCES, {})) | own


def moved(customer: Obj, currency: str, amount: int) -> Obj:
    """The customer with its balance changed by so much. Stores nothing; the first movement decides its currency."""
    after = customer | {"currency": customer["currency"] or currency}
    total = held(customer, currency) + amount
    if currency == after["currency"]:
        after["balance"] = total
    return after | {BALANCES: customer.get(BALANCES, {}) | {currency: total}}


def note(world: World, account_id: str, customer: Obj, currency: str, amount: int, kind: str, **more: Any) -> Obj:
    """Store the transaction of a movement that ``customer`` has made already."""
    transaction = world.blank("customer_balance_transaction") | {
        "id": world.new_id("cbtxn"),
        "amount": amount,
        "created": world.now(),
        "currency": currency,
        "customer": customer["id"],
        "ending_balance": held(customer, currency),
        "metadata": {},
        "type": kind,
    }
    return world.put(account_id, transaction | more)


def move(world: World, account_id: str, customer_id: str, currency: str, amount: int, kind: str, **more: Any) -> Obj:
    """Change a customer's balance and say `customer.updated`; returns the transaction."""
    before = world.store(account_id)["customer"][customer_id]
    after = world.put(account_id, moved(before, currency, amount))
    previous = changes(before, after)
    previous.pop(BALANCES, None)
    world.emit("customer.updated", after, account_id, previous)
    return note(world, account_id, after, currency, amount, kind, **more)
