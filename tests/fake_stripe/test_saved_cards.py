"""Test cards that are saved with a customer, and pay that customer's invoices only."""

from __future__ import annotations

import pytest

from . import raw

ATTACH = "/v1/payment_methods/{}/attach"


def test_a_saved_card_pays_its_own_customers_invoices(businesses: tuple[raw.Api, raw.Api]) -> None:
    """The charge names it; another customer's invoice, and one of another business, stay unpaid."""
    api, other = businesses
    customer = raw.customer(api)["id"]
    saved = api.post(ATTACH.format("pm_card_mastercard"), {"customer": customer})
    assert (saved["customer"], saved["type"], saved["card"]["last4"]) == (customer, "card", "4444")
    assert [each["type"] for each in api.events()][-1] == "payment_method.attached"
    invoice = raw.opened(api, customer=customer)
    paid = api.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": saved["id"]})
    assert (paid["status"], paid["amount_paid"]) == ("paid", 1_000)
    charge = api.get("/v1/charges")["data"][0]
    assert (charge["payment_method"], charge["payment_method_details"]["card"]["last4"]) == (saved["id"], "4444")
    foreign = f"/v1/invoices/{raw.opened(api)['id']}/pay"
    assert api.no("POST", foreign, {"payment_method": saved["id"]})["param"] == "payment_method"
    theirs = raw.opened(other, {"amount": 1_000}, currency="jpy")["id"]
    error = other.no("POST", f"/v1/invoices/{theirs}/pay", {"payment_method": saved["id"]})
    assert error["code"] == "resource_missing"
    assert other.no("POST", ATTACH.format("pm_card_visa"), {"customer": customer})["code"] == "resource_missing"
    assert len(api.get("/v1/charges")["data"]) == 1
    assert other.get("/v1/charges")["data"] == []


def test_a_card_of_ones_own_making_is_not_there(api: raw.Api) -> None:
    """Neither is a ready-made one in live mode; without a customer there is nobody to save it with."""
    customer = {"customer": raw.customer(api)["id"]}
    assert api.no("POST", ATTACH.format("pm_1x"), customer, status=404)["code"] == "resource_missing"
    assert api.no("POST", ATTACH.format("pm_card_visa"), {"expand": []})["param"] == "customer"
    live, _ = raw.connected(livemode=True)
    customer = {"customer": raw.customer(live)["id"]}
    assert live.no("POST", ATTACH.format("pm_card_visa"), customer, status=404)["code"] == "resource_missing"


@pytest.mark.parametrize("again", [True, False])
def test_what_is_not_built_says_so(api: raw.Api, again: bool) -> None:
    """Saving a card twice, or one that is declined."""
    customer = {"customer": raw.customer(api)["id"]}
    method = "pm_card_visa_chargeDeclined"
    if again:
        method = api.post(ATTACH.format("pm_card_visa"), customer)["id"]
    assert api.no("POST", ATTACH.format(method), customer, status=501)["code"] == "not_built"
