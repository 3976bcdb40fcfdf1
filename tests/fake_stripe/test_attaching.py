"""Money that came outside Stripe: reported, attached, in parts, too much of it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from flask_crm_stripe.testing.fake_stripe import Switches

from . import raw


def attach(api: raw.Api, invoice: dict[str, Any], amount: int, **more: Any) -> dict[str, Any]:
    """The invoice after a payment by bank was attached to it."""
    record = raw.reported(api, amount, **more)["id"]
    return api.post(f"/v1/invoices/{invoice['id']}/attach_payment", {"payment_record": record})


def payments(api: raw.Api, invoice: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Kind, status, asked and paid of its payments, oldest first."""
    found = api.get("/v1/invoice_payments", {"invoice": invoice["id"]})["data"][::-1]
    return [(e["payment"]["type"], e["status"], e["amount_requested"], e["amount_paid"]) for e in found]


def kinds(api: raw.Api, since: int) -> list[str]:
    """The types of the events after so many."""
    return [each["type"] for each in api.events()[since:]]


def test_two_transfers_pay_an_invoice(api: raw.Api) -> None:
    """The first leaves it open with the rest to pay, the second pays it; the default payment follows and ends."""
    invoice = raw.opened(api, raw.line(1_000))
    before = len(api.events())
    half = attach(api, invoice, 400)
    assert (half["status"], half["amount_paid"], half["amount_remaining"]) == ("open", 400, 600)
    assert kinds(api, before) == ["invoice.updated", "invoice_payment.paid"]
    previous = api.events("invoice.updated")[-1]["data"]["previous_attributes"]
    assert previous == {"amount_paid": 0, "amount_remaining": 1_000}
    assert payments(api, invoice) == [
        ("payment_intent", "open", 600, None),
        ("payment_record", "paid", 400, 400),
    ]
    before = len(api.events())
    paid = attach(api, invoice, 600)
    assert (paid["status"], paid["amount_paid"], paid["amount_remaining"]) == ("paid", 1_000, 0)
    assert paid["status_transitions"]["paid_at"] is not None
    assert kinds(api, before) == ["payment_intent.canceled", "invoice.updated", "invoice.paid", "invoice_payment.paid"]
    assert [each[1] for each in payments(api, invoice)] == ["canceled", "paid", "paid"]


def test_a_card_pays_what_a_transfer_left(api: raw.Api) -> None:
    """After a part payment the hosted page takes the rest, and no more."""
    invoice = raw.opened(api, raw.line(1_000))
    attach(api, invoice, 250)
    paid = api.fake.pay(invoice["hosted_invoice_url"])
    assert (paid["status"], paid["amount_paid"]) == ("paid", 1_000)
    assert api.get("/v1/charges")["data"][0]["amount"] == 750
    assert api.get("/v1/payment_intents")["data"][0]["amount"] == 750


def test_what_was_paid_elsewhere_is_told_on_request_only(api: raw.Api) -> None:
    """`amount_paid_off_stripe` is there when expanded, and never otherwise, least of all in events."""
    invoice = raw.opened(api, raw.line(1_000))
    assert "amount_paid_off_stripe" not in attach(api, invoice, 300)
    path = f"/v1/invoices/{invoice['id']}"
    assert api.get(path, {"expand": ["amount_paid_off_stripe"]})["amount_paid_off_stripe"] == 300
    api.post(f"{path}/pay", {"paid_out_of_band": True})
    assert api.get(path, {"expand": ["amount_paid_off_stripe"]})["amount_paid_off_stripe"] == 1_000
    assert not any("amount_paid_off_stripe" in str(each) for each in api.events())


@pytest.mark.parametrize(("inside", "counted"), [(False, 1_000), (True, 1_500)])
def test_too_much_becomes_the_customers_credit(inside: bool, counted: int) -> None:
    """The excess is `amount_overpaid` and the customer's balance; `amount_paid` counts it by the switch."""
    api, _ = raw.connected(Switches(overpaid_in_amount_paid=inside))
    invoice = raw.opened(api, raw.line(1_000))
    before = len(api.events())
    paid = attach(api, invoice, 1_500)
    assert (paid["status"], paid["amount_overpaid"], paid["amount_remaining"]) == ("paid", 500, 0)
    assert paid["amount_paid"] == counted
    assert payments(api, invoice)[1][2:] == (counted, counted)
    assert kinds(api, before)[1:] == [
        "invoice.updated",
        "invoice.paid",
        "invoice.overpaid",
        "invoice_payment.paid",
        "customer.updated",
    ]
    (moved,) = api.get(f"/v1/customers/{invoice['customer']}/balance_transactions")["data"]
    assert (moved["amount"], moved["type"], moved["invoice"]) == (-500, "invoice_overpaid", invoice["id"])
    following = raw.opened(api, raw.line(800), customer=invoice["customer"])
    assert (following["amount_due"], following["ending_balance"]) == (300, 0)


def test_too_much_may_be_refused() -> None:
    """By the switch, a payment above what remains is refused, and nothing is credited."""
    api, _ = raw.connected(Switches(overpayment="refuse"))
    invoice = raw.opened(api, raw.line(1_000))
    wanted = {"payment_record": raw.reported(api, 1_001)["id"]}
    assert api.no("POST", f"/v1/invoices/{invoice['id']}/attach_payment", wanted)["param"] == "payment_record"
    assert api.get(f"/v1/invoices/{invoice['id']}") == invoice


def test_a_payment_intent_that_succeeded_is_credited_at_once(api: raw.Api) -> None:
    """A card payment that no invoice asked for pays one, and Stripe says that it was collected."""
    invoice = raw.opened(api, raw.line(1_000))
    intent = api.fake.take_payment(api.account or "", invoice["customer"], amount=1_000, currency="eur")
    paid = api.post(f"/v1/invoices/{invoice['id']}/attach_payment", {"payment_intent": intent["id"]})
    assert (paid["status"], paid["amount_paid"]) == ("paid", 1_000)
    assert kinds(api, 0)[-3:] == ["invoice.paid", "invoice.payment_succeeded", "invoice_payment.paid"]
    expanded = api.get(f"/v1/invoices/{invoice['id']}", {"expand": ["amount_paid_off_stripe"]})
    assert not expanded["amount_paid_off_stripe"]
    assert payments(api, invoice)[1] == ("payment_intent", "paid", 1_000, 1_000)


def test_an_invoice_with_money_on_it_is_not_voided(api: raw.Api) -> None:
    """A part payment stands in the way; a credit note is what is left."""
    invoice = raw.opened(api, raw.line(1_000))
    attach(api, invoice, 400)
    assert "credit note" in api.no("POST", f"/v1/invoices/{invoice['id']}/void")["message"]
    assert api.get(f"/v1/invoices/{invoice['id']}")["status"] == "open"


def test_a_payment_record_says_what_was_reported(api: raw.Api, other: raw.Api) -> None:
    """Amounts by outcome, method, reference and customer; another business does not see it."""
    buyer = raw.customer(api)["id"]
    record = raw.reported(api, 700, customer_details={"customer": buyer}, description="By bank")
    assert (record["amount"], record["amount_guaranteed"]) == ({"currency": "eur", "value": 700},) * 2
    assert record["amount_failed"] == {"currency": "eur", "value": 0}
    assert record["payment_method_details"]["custom"] == {"display_name": "Bank transfer", "type": None}
    assert record["processor_details"]["custom"] == {"payment_reference": "statement 7"}
    assert record["customer_details"]["customer"] == buyer
    assert api.get(f"/v1/payment_records/{record['id']}") == record
    assert other.no("GET", f"/v1/payment_records/{record['id']}", status=404)["code"] == "resource_missing"


def test_payment_records_are_found_by_time(api: raw.Api, other: raw.Api) -> None:
    """Newest first, after and before a moment; another business finds none of them."""
    first = raw.reported(api)["id"]
    api.fake.clock.advance(100)
    between = api.fake.clock.now()
    api.fake.clock.advance(100)
    second = raw.reported(api)["id"]
    for params, found in (
        ({}, [second, first]),
        ({"created_after": between}, [second]),
        ({"created_before": between}, [first]),
    ):
        assert [each["id"] for each in api.get("/v1/payment_records", params)["data"]] == found
    assert other.get("/v1/payment_records")["data"] == []


def test_what_did_not_arrive_pays_nothing(api: raw.Api) -> None:
    """A failed payment is refused; one without an outcome is not built; both leave the invoice alone."""
    invoice, now = raw.opened(api), api.fake.clock.now()
    path = f"/v1/invoices/{invoice['id']}/attach_payment"
    failed = raw.payment(api) | {"outcome": "failed", "failed": {"failed_at": now}}
    pending = raw.payment(api)
    for each in (failed, pending):
        del each["guaranteed"]
    del pending["outcome"]
    for wanted, status in ((failed, 400), (pending, 501)):
        record = api.post("/v1/payment_records/report_payment", wanted)["id"]
        api.no("POST", path, {"payment_record": record}, status=status)
    other_intent = raw.opened(api, customer=invoice["customer"])
    (asked,) = api.get("/v1/invoice_payments", {"invoice": other_intent["id"]})["data"]
    api.no("POST", path, {"payment_intent": asked["payment"]["payment_intent"]}, status=501)
    assert api.get(f"/v1/invoices/{invoice['id']}") == invoice
