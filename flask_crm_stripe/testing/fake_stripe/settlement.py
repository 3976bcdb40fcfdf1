"""What a successful charge or a refund becomes on the account's balance: gross, fee, net, in the settlement currency.

Stripe often answers a charge before its balance transaction is known and says `charge.updated` later; so does this.
The fee and the rates are FakeStripe's own: plausible, fixed and exact, so that a sum can be checked.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from . import money, shapes
from .state import Obj, World

FEE_PERCENT = Decimal("1.5")
FEE_FIXED = Decimal("0.25")
DAYS_UNTIL_AVAILABLE = 7
SECONDS_UNTIL_BOOKED = 60
UNBOOKED = "_unbooked_charge"

EUR_PER_UNIT = {
    "eur": Decimal(1),
    "usd": Decimal("0.92"),
    "gbp": Decimal("1.17"),
    "jpy": Decimal("0.0061"),
    "chf": Decimal("1.05"),
    "isk": Decimal("0.0067"),
    "kwd": Decimal("3.00"),
    "huf": Decimal("0.0025"),
}
"""Euros for one unit of a currency. One that is not listed is taken one to one."""


def settle(world: World, account_id: str, charge: Obj) -> None:
    """Book a charge that succeeded: at once, or by the switch `balance_transaction` after a minute on the clock."""
    if world.switches.balance_transaction == "at_once":
        _book(world, account_id, charge)
    else:
        due = {"object": UNBOOKED, "id": charge["id"], "due": world.now() + SECONDS_UNTIL_BOOKED}
        world.put(account_id, due)


def catch_up(world: World) -> None:
    """Book the charges whose minute has passed."""
    with world.lock:
        for account_id in world.accounts:
            store = world.store(account_id)
            for charge_id in [key for key, each in store[UNBOOKED].items() if each["due"] <= world.now()]:
                del store[UNBOOKED][charge_id]
                _book(world, account_id, store["charge"][charge_id])


def book_refund(world: World, account_id: str, refund: Obj) -> Obj:
    """The refund with its movement on the account's balance; with the one that puts it back, once it has failed.

    The fee of the charge is not given back.
    """
    currency = _settled_in(world, account_id)
    gross, rate = _converted(refund["amount"], refund["currency"], currency)
    failed = refund["status"] == "failed"
    entry = {
        "amount": gross if failed else -gross,
        "currency": currency,
        "exchange_rate": rate,
        "net": gross if failed else -gross,
        "reporting_category": "refund_failure" if failed else "refund",
        "source": refund["id"],
        "type": "refund_failure" if failed else "refund",
    }
    made = world.put(account_id, _entry(world) | entry)
    return refund | {"failure_balance_transaction" if failed else "balance_transaction": made["id"]}


def _book(world: World, account_id: str, charge: Obj) -> Obj:
    currency = _settled_in(world, account_id)
    gross, rate = _converted(charge["amount"], charge["currency"], currency)
    fee = _fee(gross, currency)
    transaction = _entry(world) | {
        "amount": gross,
        "created": charge["created"],
        "currency": currency,
        "description": charge["description"],
        "exchange_rate": rate,
        "fee": fee,
        "fee_details": [_fee_detail(fee, currency)],
        "net": gross - fee,
        "reporting_category": "charge",
        "source": charge["id"],
        "type": "charge",
    }
    world.put(account_id, transaction)
    booked = world.put(account_id, charge | {"balance_transaction": transaction["id"]})
    world.emit("charge.updated", booked, account_id, {"balance_transaction": None})
    return transaction


def _settled_in(world: World, account_id: str) -> str:
    return (world.accounts[account_id]["default_currency"] or "eur").lower()


def _entry(world: World) -> Obj:
    return shapes.blank("balance_transaction") | {
        "id": world.new_id("txn"),
        "available_on": world.now() + DAYS_UNTIL_AVAILABLE * 86400,
        "balance_type": "payments",
        "created": world.now(),
        "status": "pending",
    }


def _converted(amount: int, paid_in: str, settled_in: str) -> tuple[int, float | None]:
    if paid_in == settled_in:
        return amount, None
    rate = EUR_PER_UNIT.get(paid_in, Decimal(1)) / EUR_PER_UNIT.get(settled_in, Decimal(1))
    major = Decimal(amount).scaleb(-money.exponent(paid_in)) * rate
    return _minor(major, settled_in), float(round(rate, 6))


def _fee(gross: int, currency: str) -> int:
    share = Decimal(gross).scaleb(-money.exponent(currency)) * FEE_PERCENT / 100
    fixed = FEE_FIXED / EUR_PER_UNIT.get(currency, Decimal(1))
    return min(_minor(share + fixed, currency), gross)


def _minor(major: Decimal, currency: str) -> int:
    return int(major.scaleb(money.exponent(currency)).quantize(Decimal(1), ROUND_HALF_UP))


def _fee_detail(fee: int, currency: str) -> Obj:
    return {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
