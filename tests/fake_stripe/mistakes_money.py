"""Mistakes with money after the invoice: refunds, credit notes, payments from elsewhere, balances; each named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import raw
from .mistakes import Mistake, Try, reading
from .raw import Api

EXCLUSIVE, MISSING, NO_SUCH = "parameters_exclusive", "parameter_missing", "resource_missing"
NOT_INTEGER, NOT_OPEN = "parameter_invalid_integer", "invoice_not_open"
OFF_STEP = "invalid_charge_amount_no_decimal_compatible"


def refunding(**params: Any) -> Callable[[Api], Try]:
    """A refund of a new payment of 1000."""

    def make(api: Api) -> Try:
        intent = api.fake.take_payment(api.account or "", raw.customer(api)["id"], amount=1000, currency="eur")
        return Try("/v1/refunds", {"payment_intent": intent["id"]} | params)

    return make


def refunding_unpaid(api: Api) -> Try:
    """A refund of what nobody has paid yet."""
    (asked,) = api.get("/v1/invoice_payments", {"invoice": raw.opened(api)["id"]})["data"]
    return Try("/v1/refunds", {"payment_intent": asked["payment"]["payment_intent"]})


def refunding_declined(api: Api) -> Try:
    """A refund of a charge that was declined."""
    api.fake.pay(raw.opened(api)["hosted_invoice_url"], "4000000000000002")
    return Try("/v1/refunds", {"charge": api.get("/v1/charges")["data"][0]["id"]})


def crediting(*lines: dict[str, Any], **params: Any) -> Callable[[Api], Try]:
    """A credit note on a new invoice of 1000; ``LINE`` in a line is the id of its only line."""

    def make(api: Api) -> Try:
        invoice = raw.opened(api)
        line_id = invoice["lines"]["data"][0]["id"]
        named = [{name: line_id if value == "LINE" else value for name, value in each.items()} for each in lines]
        return Try("/v1/credit_notes", {"invoice": invoice["id"]} | ({"lines": named} if named else {}) | params)

    return make


def line_credit(**more: Any) -> dict[str, Any]:
    """A credit of the invoice's only line."""
    return {"type": "invoice_line_item", "invoice_line_item": "LINE", **more}


def own_credit(**more: Any) -> dict[str, Any]:
    """A credit of one's own."""
    return {"type": "custom_line_item", "description": "x", "quantity": 1, "unit_amount": 5, **more}


def without(name: str) -> dict[str, Any]:
    """A credit of one's own that lacks something."""
    return {key: value for key, value in own_credit().items() if key != name}


def at(name: str) -> tuple[str, str]:
    """What the refusal names when the first line lacks this."""
    return f"lines[0][{name}]", MISSING


def reporting(**changes: Any) -> Callable[[Api], Try]:
    """A payment record with something changed; None takes a parameter out."""

    def make(api: Api) -> Try:
        wanted = raw.payment(api) | changes
        given = {name: value for name, value in wanted.items() if value is not None}
        return Try("/v1/payment_records/report_payment", given)

    return make


def attaching(invoice: dict[str, Any] | None = None, **record: Any) -> Callable[[Api], Try]:
    """A payment record attached to a new invoice."""

    def make(api: Api) -> Try:
        made = raw.reported(api, **record)["id"]
        return Try(f"/v1/invoices/{raw.opened(api, **(invoice or {}))['id']}/attach_payment", {"payment_record": made})

    return make


def attached_twice(api: Api) -> Try:
    """A payment record that pays another invoice already."""
    record = raw.reported(api)["id"]
    api.post(f"/v1/invoices/{raw.opened(api)['id']}/attach_payment", {"payment_record": record})
    return Try(f"/v1/invoices/{raw.opened(api)['id']}/attach_payment", {"payment_record": record})


def attached_to_draft(api: Api) -> Try:
    """A payment for a draft."""
    path = f"/v1/invoices/{raw.draft(api, raw.line())['id']}/attach_payment"
    return Try(path, {"payment_record": raw.reported(api)["id"]})


def attached_for_another(api: Api) -> Try:
    """A payment of another customer."""
    details = {"customer": raw.customer(api)["id"]}
    return attaching(customer_details=details)(api)


def intent_of_another(api: Api) -> Try:
    """A card payment of another customer."""
    intent = api.fake.take_payment(api.account or "", raw.customer(api)["id"], amount=500, currency="eur")
    return Try(f"/v1/invoices/{raw.opened(api)['id']}/attach_payment", {"payment_intent": intent["id"]})


def canceled_intent(api: Api) -> Try:
    """A card payment that was cancelled with its invoice."""
    gone = raw.opened(api)
    (asked,) = api.get("/v1/invoice_payments", {"invoice": gone["id"]})["data"]
    api.post(f"/v1/invoices/{gone['id']}/void")
    path = f"/v1/invoices/{raw.opened(api, customer=gone['customer'])['id']}/attach_payment"
    return Try(path, {"payment_intent": asked["payment"]["payment_intent"]})


def balancing(**params: Any) -> Callable[[Api], Try]:
    """A movement of a new customer's balance."""
    return lambda api: Try(
        f"/v1/customers/{raw.customer(api)['id']}/balance_transactions", {"amount": -5, "currency": "eur"} | params
    )


def balance_of_deleted(api: Api) -> Try:
    """A movement for a customer that was deleted."""
    gone = raw.customer(api)["id"]
    api.ok("DELETE", f"/v1/customers/{gone}")
    return Try(f"/v1/customers/{gone}/balance_transactions", {"amount": -5, "currency": "eur"})


def credit_to_deleted(api: Api) -> Try:
    """Credit for a customer that was deleted."""
    invoice = raw.opened(api)
    api.fake.pay(invoice["hosted_invoice_url"])
    api.ok("DELETE", f"/v1/customers/{invoice['customer']}")
    return Try("/v1/credit_notes", {"invoice": invoice["id"], "amount": 5, "credit_amount": 5})


LATER = 9_000_000_000

MONEY: dict[str, Mistake] = {
    # refunds
    "a refund of nothing": Mistake(lambda api: Try("/v1/refunds"), "charge", MISSING),
    "a refund of a charge and an intent": Mistake(refunding(charge="ch_no"), "payment_intent", EXCLUSIVE),
    "a refund of an unknown charge": Mistake(lambda api: Try("/v1/refunds", {"charge": "ch_no"}), "charge", NO_SUCH),
    "a refund of 0": Mistake(refunding(amount=0), "amount", NOT_INTEGER),
    "a refund of more than the charge": Mistake(refunding(amount=1_001), "amount"),
    "a refund for no known reason": Mistake(refunding(reason="regret"), "reason"),
    "a refund of what is not paid": Mistake(refunding_unpaid, "payment_intent"),
    "a refund of a declined charge": Mistake(refunding_declined),
    "refunds of an unknown charge": Mistake(reading("/v1/refunds", charge="ch_no"), "charge", NO_SUCH),
    "a refund that is not there": Mistake(reading("/v1/refunds/re_no"), "id", NO_SUCH, 404),
    # credit notes
    "a credit note of nothing": Mistake(crediting(), "amount", MISSING),
    "a credit note of lines and an amount": Mistake(crediting(own_credit(), amount=5), "lines", EXCLUSIVE),
    "a credit note on no invoice": Mistake(crediting(amount=5, invoice="in_no"), "invoice", NO_SUCH),
    "a credit note of 0": Mistake(crediting(amount=0), "amount", NOT_INTEGER),
    "a credit note above its invoice": Mistake(crediting(amount=1_001), "amount"),
    "a credit note above its invoice by its own lines": Mistake(crediting(own_credit(unit_amount=1_001)), "lines"),
    "a credit note from tomorrow": Mistake(crediting(amount=5, effective_at=LATER), "effective_at"),
    "a credit note that refunds what is not paid": Mistake(crediting(amount=5, refund_amount=5)),
    "a credit note with negative credit": Mistake(crediting(amount=5, credit_amount=-5), "credit_amount", NOT_INTEGER),
    "credit for a deleted customer": Mistake(credit_to_deleted, "credit_amount"),
    "a credit note for no known reason": Mistake(crediting(amount=5, reason="regret"), "reason"),
    "a credit note with an unknown refund": Mistake(
        crediting(amount=5, refunds=[{"refund": "re_no"}]), "refunds[0][refund]", NO_SUCH
    ),
    "a credit note with a nameless refund": Mistake(
        crediting(amount=5, refunds=[{"amount_refunded": 5}]), "refunds[0][refund]", MISSING
    ),
    "a credit of no line": Mistake(crediting({"type": "invoice_line_item", "amount": 5}), *at("invoice_line_item")),
    "a credit of an unknown line": Mistake(
        crediting(line_credit(amount=5, invoice_line_item="il_no")), "lines[0][invoice_line_item]", NO_SUCH
    ),
    "a credit of a line by nothing": Mistake(crediting(line_credit()), *at("amount")),
    "a credit of a line by amount and quantity": Mistake(
        crediting(line_credit(amount=5, quantity=1)), "lines[0][quantity]", EXCLUSIVE
    ),
    "a credit of more than the line": Mistake(crediting(line_credit(amount=1_001)), "lines[0][amount]"),
    "a credit of less than nothing": Mistake(crediting(line_credit(amount=-5)), "lines[0][amount]"),
    "a credit of more than there were": Mistake(crediting(line_credit(quantity=2)), "lines[0][quantity]"),
    "a credit of none of them": Mistake(crediting(line_credit(quantity=0)), "lines[0][quantity]", NOT_INTEGER),
    "a credit of a line with a description": Mistake(
        crediting(line_credit(amount=5, description="x")), "lines[0][description]"
    ),
    "a credit of a line with a price": Mistake(
        crediting(line_credit(amount=5, unit_amount=5)), "lines[0][unit_amount]"
    ),
    "a credit of a line with tax rates": Mistake(
        crediting(line_credit(amount=5, tax_rates=["txr_no"])), "lines[0][tax_rates]"
    ),
    "one's own credit with an amount": Mistake(crediting(own_credit(amount=5)), "lines[0][amount]"),
    "one's own credit of a line": Mistake(
        crediting(own_credit(invoice_line_item="LINE")), "lines[0][invoice_line_item]"
    ),
    "one's own credit without words": Mistake(crediting(without("description")), *at("description")),
    "one's own credit without quantity": Mistake(crediting(without("quantity")), *at("quantity")),
    "one's own credit without price": Mistake(crediting(without("unit_amount")), *at("unit_amount")),
    "one's own credit with two prices": Mistake(
        crediting(own_credit(unit_amount_decimal="5")), "lines[0][unit_amount_decimal]", EXCLUSIVE
    ),
    "one's own credit below zero": Mistake(crediting(own_credit(unit_amount=-5)), "lines[0][unit_amount]", NOT_INTEGER),
    "one's own credit at an unknown rate": Mistake(
        crediting(own_credit(tax_rates=["txr_no"])), "lines[0][tax_rates][0]", NO_SUCH
    ),
    "one's own credit with rates and tax amounts": Mistake(
        crediting(
            own_credit(tax_rates=["txr_no"], tax_amounts=[{"amount": 1, "taxable_amount": 5, "tax_rate": "txr_no"}])
        ),
        "lines[0][tax_amounts]",
        EXCLUSIVE,
    ),
    "credit notes of an unknown invoice": Mistake(reading("/v1/credit_notes", invoice="in_no"), "invoice", NO_SUCH),
    "a credit note that is not there": Mistake(reading("/v1/credit_notes/cn_no"), "id", NO_SUCH, 404),
    "a preview above its invoice": Mistake(
        lambda api: Try("/v1/credit_notes/preview", {"invoice": raw.opened(api)["id"], "amount": 1_001}, "GET"),
        "amount",
    ),
    # money from elsewhere
    "a payment of 0": Mistake(
        reporting(amount_requested={"currency": "eur", "value": 0}), "amount_requested[value]", NOT_INTEGER
    ),
    "a payment off its step": Mistake(
        reporting(amount_requested={"currency": "isk", "value": 550}), "amount_requested[value]", OFF_STEP
    ),
    "a payment in no currency": Mistake(
        reporting(amount_requested={"currency": "xxx", "value": 5}), "amount_requested[currency]"
    ),
    "a payment from tomorrow": Mistake(reporting(initiated_at=LATER), "initiated_at"),
    "a payment guaranteed tomorrow": Mistake(
        reporting(guaranteed={"guaranteed_at": LATER}), "guaranteed[guaranteed_at]"
    ),
    "a payment guaranteed at no time": Mistake(reporting(guaranteed=None), "guaranteed", MISSING),
    "a payment that failed and is guaranteed": Mistake(
        reporting(outcome="failed", failed={"failed_at": 5}), "guaranteed"
    ),
    "a payment by an unknown customer": Mistake(
        reporting(customer_details={"customer": "cus_no"}), "customer_details[customer]", NO_SUCH
    ),
    "a payment by no method": Mistake(
        reporting(payment_method_details={"type": "custom"}), "payment_method_details[custom]", MISSING
    ),
    "a payment record that is not there": Mistake(reading("/v1/payment_records/pr_no"), "id", NO_SUCH, 404),
    "nothing attached": Mistake(
        lambda api: Try(f"/v1/invoices/{raw.opened(api)['id']}/attach_payment"), "payment_intent", MISSING
    ),
    "a payment attached in another currency": Mistake(
        attaching(amount_requested={"currency": "usd", "value": 5}), "payment_record"
    ),
    "a payment attached for another customer": Mistake(attached_for_another, "payment_record"),
    "a card payment attached for another customer": Mistake(intent_of_another, "payment_intent"),
    "a cancelled card payment attached": Mistake(canceled_intent, "payment_intent"),
    "a payment attached twice": Mistake(attached_twice, "payment_record"),
    "a payment attached to a draft": Mistake(attached_to_draft, None, NOT_OPEN),
    # balances
    "a balance moved by 0": Mistake(balancing(amount=0), "amount", NOT_INTEGER),
    "a balance in no currency": Mistake(balancing(currency="xxx"), "currency"),
    "a balance off its step": Mistake(balancing(currency="isk"), "amount", OFF_STEP),
    "a balance of a deleted customer": Mistake(balance_of_deleted, "id", NO_SUCH, 404),
}
