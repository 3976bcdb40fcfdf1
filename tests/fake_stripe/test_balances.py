"""A customer's balance: every movement is a transaction, whoever makes it."""

from __future__ import annotations

from typing import Any

import pytest

from flask_crm_stripe.testing.fake_stripe import Switches

from . import raw


def moves(api: raw.Api, customer: str, **params: Any) -> list[tuple[str, int, int]]:
    """Type, amount and balance afterwards, oldest first."""
    found = api.get(f"/v1/customers/{customer}/balance_transactions", params)["data"][::-1]
    return [(each["type"], each["amount"], each["ending_balance"]) for each in found]


def adjust(api: raw.Api, customer: str, amount: int, currency: str = "eur") -> dict[str, Any]:
    """The business changes the balance."""
    path = f"/v1/customers/{customer}/balance_transactions"
    return api.post(path, {"amount": amount, "currency": currency, "description": "Goodwill"})


def test_a_balance_by_hand(api: raw.Api, other: raw.Api) -> None:
    """Set with the customer, changed on it, moved by a transaction: all three are in the ledger and in events."""
    buyer = raw.customer(api, balance=-300)["id"]
    api.post(f"/v1/customers/{buyer}", {"balance": -200})
    made = adjust(api, buyer, -50)
    assert moves(api, buyer) == [("initial", -300, -300), ("adjustment", 100, -200), ("adjustment", -50, -250)]
    assert (made["description"], made["currency"]) == ("Goodwill", "eur")
    customer = api.get(f"/v1/customers/{buyer}", {"expand": ["invoice_credit_balance"]})
    assert (customer["balance"], customer["currency"]) == (-250, "eur")
    assert customer["invoice_credit_balance"] == {"eur": -250}
    told = [each["data"]["previous_attributes"] for each in api.events("customer.updated")]
    assert told == [{"balance": -300}, {"balance": -200, "currency": None}]
    path = f"/v1/customers/{buyer}/balance_transactions/{made['id']}"
    assert api.get(path) == made
    assert other.no("GET", path, status=404)["code"] == "resource_missing"
    nobody = raw.customer(api)["id"]
    assert api.no("GET", f"/v1/customers/{nobody}/balance_transactions/{made['id']}", status=404)["param"] == "id"


def test_each_currency_has_its_own_balance(api: raw.Api) -> None:
    """Dollars do not pay euros: an invoice takes from the balance in its own currency."""
    buyer = raw.customer(api)["id"]
    adjust(api, buyer, -100)
    adjust(api, buyer, -400, "usd")
    customer = api.get(f"/v1/customers/{buyer}", {"expand": ["invoice_credit_balance"]})
    assert (customer["balance"], customer["invoice_credit_balance"]) == (-100, {"eur": -100, "usd": -400})
    assert raw.opened(api, customer=buyer)["amount_due"] == 900
    data = {"currency": "usd", "unit_amount": 1_000, "product_data": {"name": "Hour"}}
    dollars = raw.opened(api, {"price_data": data}, customer=buyer, currency="usd")
    assert (dollars["starting_balance"], dollars["amount_due"]) == (-400, 600)
    assert moves(api, buyer, invoice=dollars["id"]) == [("applied_to_invoice", 400, 0)]


def test_finalising_settles_the_balance(api: raw.Api) -> None:
    """Credit is used, debt is collected, too little is carried on, and what is below zero is credited."""
    buyer = raw.customer(api, balance=-300)["id"]
    raw.opened(api, raw.line(100), customer=buyer)
    raw.opened(api, raw.line(220), customer=buyer)
    raw.opened(api, raw.line(1_000), customer=buyer)
    raw.opened(api, {"amount": -70}, customer=buyer)
    assert moves(api, buyer)[1:] == [
        ("applied_to_invoice", 100, -200),
        ("applied_to_invoice", 200, 0),
        ("invoice_too_small", 20, 20),
        ("applied_to_invoice", -20, 0),
        ("applied_to_invoice", -70, -70),
    ]
    assert api.get(f"/v1/customers/{buyer}")["balance"] == -70


@pytest.mark.parametrize(("position", "balance"), [("returned", -300), ("kept", 0)])
def test_a_voided_invoice_and_the_balance(position: str, balance: int) -> None:
    """By the switch, what an invoice took from the balance comes back when it is voided."""
    api, _ = raw.connected(Switches(voided_balance=position))
    buyer = raw.customer(api, balance=-300)["id"]
    invoice = raw.opened(api, raw.line(1_000), customer=buyer)
    api.post(f"/v1/invoices/{invoice['id']}/void")
    assert api.get(f"/v1/customers/{buyer}")["balance"] == balance
    if position == "returned":
        assert moves(api, buyer)[-1] == ("unapplied_from_invoice", -300, -300)
