"""Refunds: in parts, never above what is left, with their bookings and events, and those that fail after all."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import Client

from flask_crm_stripe.testing.fake_stripe import FakeStripe, Switches

from . import raw, scenes


def paid(api: raw.Api, amount: int = 12_100, **more: Any) -> dict[str, Any]:
    """An invoice that a card paid."""
    invoice = raw.opened(api, raw.line(amount), **more)
    return api.fake.pay(invoice["hosted_invoice_url"])


def charge_of(api: raw.Api, invoice: dict[str, Any]) -> dict[str, Any]:
    """The charge that paid it."""
    payment = api.get("/v1/invoice_payments", {"invoice": invoice["id"]})["data"][0]["payment"]
    intent = api.get(f"/v1/payment_intents/{payment['payment_intent']}", {"expand": ["latest_charge"]})
    charge: dict[str, Any] = intent["latest_charge"]
    return charge


def test_a_charge_is_refunded_in_parts(api: raw.Api) -> None:
    """Two parts and the rest: each is told with what was there before, the charge counts them, the invoice stays."""
    invoice = paid(api)
    charge = charge_of(api, invoice)
    intent = charge["payment_intent"]
    first = api.post("/v1/refunds", {"payment_intent": intent, "amount": 100, "metadata": {"crm": "7"}})
    assert (first["status"], first["charge"], first["metadata"]) == ("succeeded", charge["id"], {"crm": "7"})
    assert (first["customer"], first["currency"]) == (invoice["customer"], "eur")
    second = api.post("/v1/refunds", {"charge": charge["id"], "amount": 2_000, "reason": "duplicate"})
    half = api.get(f"/v1/charges/{charge['id']}", {"expand": ["refunds"]})
    assert (half["amount_refunded"], half["refunded"]) == (2_100, False)
    assert [each["id"] for each in half["refunds"]["data"]] == [second["id"], first["id"]]
    rest = api.post("/v1/refunds", {"payment_intent": intent})
    assert rest["amount"] == 10_000
    assert api.get(f"/v1/charges/{charge['id']}")["refunded"] is True
    told = [each["data"]["previous_attributes"] for each in api.events("charge.refunded")]
    assert told == [{"amount_refunded": 0}, {"amount_refunded": 100}, {"amount_refunded": 2_100, "refunded": False}]
    assert len(api.events("refund.created")) == 3
    assert api.get(f"/v1/invoices/{invoice['id']}") == api.get(f"/v1/invoices/{invoice['id']}") | {
        "status": "paid",
        "amount_paid": 12_100,
        "total": 12_100,
    }


def test_no_more_than_is_left_goes_back(api: raw.Api) -> None:
    """Above the charge, above what is left, and after all of it: refused in Stripe's words, and nothing moves."""
    charge = charge_of(api, paid(api))["id"]
    error = api.no("POST", "/v1/refunds", {"charge": charge, "amount": 12_101})
    assert error["param"] == "amount"
    assert error["message"] == ("Refund amount (121.01 EUR) is greater than unrefunded amount on charge (121.00 EUR)")
    api.post("/v1/refunds", {"charge": charge, "amount": 12_000})
    assert api.no("POST", "/v1/refunds", {"charge": charge, "amount": 101})["param"] == "amount"
    api.post("/v1/refunds", {"charge": charge})
    assert api.no("POST", "/v1/refunds", {"charge": charge})["code"] == "charge_already_refunded"
    assert api.get(f"/v1/charges/{charge}")["amount_refunded"] == 12_100
    assert len(api.get("/v1/refunds", {"charge": charge})["data"]) == 2


def test_a_retried_refund_is_made_once(api: raw.Api) -> None:
    """The same idempotency key gives the first refund again."""
    charge = charge_of(api, paid(api))["id"]
    wanted = {"charge": charge, "amount": 500}
    twice = [api.post("/v1/refunds", wanted, Idempotency_Key="k")["id"] for _ in range(2)]
    assert twice[0] == twice[1]
    assert api.get(f"/v1/charges/{charge}")["amount_refunded"] == 500


def test_a_refund_is_booked_in_the_settlement_currency(api: raw.Api) -> None:
    """Dollars go back as the account's euros, without a fee and without giving the charge's fee back."""
    charge = charge_of(api, paid(api, currency="eur"))
    dollars = charge_of(api, in_dollars(api))
    for each, amount in ((charge, -1_000), (dollars, -920)):
        refund = api.post("/v1/refunds", {"charge": each["id"], "amount": 1_000, "expand": ["balance_transaction"]})
        booked = refund["balance_transaction"]
        assert (booked["amount"], booked["net"], booked["fee"], booked["type"]) == (amount, amount, 0, "refund")
        assert (booked["source"], booked["currency"]) == (refund["id"], "eur")


def in_dollars(api: raw.Api) -> dict[str, Any]:
    """An invoice over 100 USD, paid."""
    data = {"currency": "usd", "unit_amount": 10_000, "product_data": {"name": "Hour"}}
    return api.fake.pay(raw.opened(api, {"price_data": data}, currency="usd")["hosted_invoice_url"])


def test_a_payment_without_an_invoice_is_refunded(api: raw.Api, other: raw.Api) -> None:
    """What a customer paid outside invoices can go back too; another business knows nothing of it."""
    buyer = raw.customer(api)["id"]
    intent = api.fake.take_payment(api.account or "", buyer, amount=700, currency="eur")
    refund = api.post("/v1/refunds", {"payment_intent": intent["id"]})
    assert (refund["amount"], refund["customer"]) == (700, buyer)
    assert api.get(f"/v1/charges/{intent['latest_charge']}")["receipt_url"] is None
    assert other.no("GET", f"/v1/refunds/{refund['id']}", status=404)["code"] == "resource_missing"
    assert other.no("POST", "/v1/refunds", {"payment_intent": intent["id"]})["code"] == "resource_missing"
    assert other.get("/v1/refunds")["data"] == []


def test_a_refund_may_be_pending_for_a_minute() -> None:
    """By the switch it is on its way first; `refund.updated` and its old twin say when it has arrived."""
    api, _ = raw.connected(Switches(refund_status="pending"))
    refund = api.post("/v1/refunds", {"charge": charge_of(api, paid(api))["id"], "amount": 500})
    assert (refund["status"], refund["pending_reason"]) == ("pending", "processing")
    api.fake.clock.advance(59)
    api.fake.deliver()
    assert api.get(f"/v1/refunds/{refund['id']}")["status"] == "pending"
    api.fake.clock.advance(1)
    api.fake.deliver()
    assert api.get(f"/v1/refunds/{refund['id']}")["status"] == "succeeded"
    told = api.events("refund.updated", "charge.refund.updated")
    assert [each["data"]["previous_attributes"]["status"] for each in told] == ["pending", "pending"]


@pytest.mark.parametrize("status", ["succeeded", "pending"])
def test_a_refund_fails_after_all(status: str) -> None:
    """The charge counts as not refunded again, the money is booked back, and the invoice never changed."""
    api, _ = raw.connected(Switches(refund_status=status))
    invoice = paid(api)
    charge = charge_of(api, invoice)["id"]
    refund = api.post("/v1/refunds", {"charge": charge})["id"]
    failed = api.fake.fail_refund(api.account or "", refund, "declined")
    assert (failed["status"], failed["failure_reason"], failed["pending_reason"]) == ("failed", "declined", None)
    booked = api.get(f"/v1/balance_transactions/{failed['failure_balance_transaction']}")
    assert (booked["amount"], booked["type"]) == (12_100, "refund_failure")
    after = api.get(f"/v1/charges/{charge}")
    assert (after["amount_refunded"], after["refunded"]) == (0, False)
    assert [each["type"] for each in api.events()][-4:] == [
        "refund.updated",
        "charge.refund.updated",
        "refund.failed",
        "charge.updated",
    ]
    assert api.events()[-1]["data"]["previous_attributes"] == {"amount_refunded": 12_100, "refunded": True}
    api.fake.clock.advance(120)
    api.fake.deliver()
    assert api.get(f"/v1/refunds/{refund}")["status"] == "failed"
    assert api.post("/v1/refunds", {"charge": charge})["amount"] == 12_100


def test_what_cannot_fail_does_not(api: raw.Api, fake: FakeStripe) -> None:
    """An unknown refund, account or reason and a refund that failed already are refused in words."""
    account = api.account or ""
    refund = api.post("/v1/refunds", {"charge": charge_of(api, paid(api))["id"]})["id"]
    for wrong, words in (((account, "re_no"), "no refund"), (("acct_no", refund), "no account")):
        with pytest.raises(ValueError, match=words):
            fake.fail_refund(*wrong)
    with pytest.raises(ValueError, match="must be one of"):
        fake.fail_refund(account, refund, "boredom")
    fake.fail_refund(account, refund)
    with pytest.raises(ValueError, match="is failed"):
        fake.fail_refund(account, refund)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"amount": 0}, "less than 1"),
        ({"currency": "xxx"}, "Invalid currency"),
        ({"currency": "isk", "amount": 550}, "must end in 00"),
        ({"customer": "cus_no"}, "no customer"),
    ],
)
def test_a_payment_that_cannot_be_taken(wanted: dict[str, Any], words: str, api: raw.Api) -> None:
    """Too little, an unknown currency, an amount off its step and an unknown customer are refused in words."""
    given = {"customer": raw.customer(api)["id"], "amount": 500, "currency": "eur"} | wanted
    with pytest.raises(ValueError, match=words):
        api.fake.take_payment(api.account or "", given.pop("customer"), **given)
    assert api.get("/v1/payment_intents")["data"] == []


def test_payments_and_failures_over_http(api: raw.Api, fake: FakeStripe) -> None:
    """Another process takes a payment and lets a refund fail; what cannot be is a 400 with the sentence."""
    account, browser = api.account, Client(fake.wsgi_app)

    def post(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        answer = browser.post(f"/_fake/{path}", json=body)
        return answer.status_code, answer.json

    bill = {"account": account, "customer": raw.customer(api)["id"], "amount": 900, "currency": "eur"}
    _, intent = post("payment", bill)
    assert (intent["status"], intent["client_secret"]) == ("succeeded", "(hidden)")
    wanted = {"account": account, "refund": api.post("/v1/refunds", {"payment_intent": intent["id"]})["id"]}
    _, failed = post("fail_refund", wanted | {"reason": "unknown"})
    assert (failed["status"], failed["failure_reason"]) == ("failed", "unknown")
    status, answer = post("fail_refund", wanted)
    assert (status, "is failed" in answer["error"]) == (400, True)
    assert post("payment", bill | {"amount": "9"})[0] == 400


def test_the_newest_refund_fails_by_a_button() -> None:
    """The dashboard offers it only where a refund can fail, and it fails that one."""
    scene = scenes.play()
    fake, words = scene.fake, "Let the newest refund fail"
    browser = Client(fake.wsgi_app)
    assert words not in browser.get("/").text
    assert browser.post(f"/accounts/{scene.one}/fail_refund").status_code == 409
    fake.pay(str(scene.open_invoice(scene.one).hosted_invoice_url))
    charge = scene.client.v1.charges.list({}, {"stripe_account": scene.one}).data[0].id
    refund = scene.client.v1.refunds.create({"charge": charge}, {"stripe_account": scene.one})
    assert browser.get("/").text.count(words) == 1
    assert browser.post(f"/accounts/{scene.one}/fail_refund").status_code == 303
    failed = scene.client.v1.refunds.retrieve(refund.id, {}, {"stripe_account": scene.one})
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert words not in browser.get("/").text


def test_a_refund_keeps_its_metadata_up_to_date(api: raw.Api) -> None:
    """Only metadata changes, and both events say from what; the same again says nothing."""
    charge = charge_of(api, paid(api))["id"]
    refund = api.post("/v1/refunds", {"charge": charge, "amount": 5, "metadata": {"a": "1"}})["id"]
    for _ in range(2):
        changed = api.post(f"/v1/refunds/{refund}", {"metadata": {"a": "2", "b": "3"}})
    assert changed["metadata"] == {"a": "2", "b": "3"}
    (told,) = api.events("refund.updated")
    assert told["data"]["previous_attributes"] == {"metadata": {"a": "1"}}
    assert api.no("POST", f"/v1/refunds/{refund}/cancel", status=501)["code"] == "not_built"
