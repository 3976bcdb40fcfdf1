"""What goes over the line: the parameters of the calls where a detail decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from flask_crm_stripe.adapters.stripe.lines import line_params
from flask_crm_stripe.adapters.stripe.reading import read_invoice
from flask_crm_stripe.errors import Refused
from tests.adapters.stripe.scripted import ScriptedTransport, ok, refusal, scripted
from tests.contracts.provider_drafts import CUSTOMER, PRODUCT, draft, line, price
from tests.contracts.provider_worlds import SDKWorld, provider_of

INVOICE: dict[str, Any] = {
    "id": "in_1",
    "object": "invoice",
    "currency": "eur",
    "status": "new_status",
    "subtotal": 100,
    "total": 100,
    "amount_paid": 0,
    "amount_remaining": 100,
}


def form(transport: ScriptedTransport, place: int = -1) -> dict[str, str]:
    """The parameters of a request."""
    return transport.requests[place][2]


def test_an_invoice_is_made_so_that_nothing_slips_in() -> None:
    """No pending items, no inherited discount, nothing automatic, the currency and the term spelt out."""
    world = SDKWorld()
    provider = provider_of(world, world.one)
    provider.create_invoice(draft(provider.create_customer(CUSTOMER, "c").id), "key-9")
    sent = world.fake.requests[-1]
    assert sent.idempotency_key == "key-9"
    assert sent.params["pending_invoice_items_behavior"] == "exclude"
    assert sent.params["collection_method"] == "send_invoice"
    assert sent.params["auto_advance"] in ("false", False)
    assert sent.params["discounts"] == ""
    assert sent.params["currency"] == "eur"
    assert sent.params["custom_fields"] == {"0": {"name": "Order number", "value": "PO-77"}}


def test_what_is_empty_is_left_out_and_what_is_long_is_cut() -> None:
    """Stripe refuses empty and endless texts: no note, no order number; 140 characters at most."""
    provider, transport, _ = scripted(ok(INVOICE))
    provider.create_invoice(replace(draft("cus_1"), description="", order_number=""), "k")
    assert not {"description", "custom_fields[0][name]"} & set(form(transport))
    provider.create_invoice(replace(draft("cus_1"), order_number="9" * 200), "k")
    assert form(transport)["custom_fields[0][value]"] == "9" * 140


def test_a_line_of_the_catalogue() -> None:
    """Unit price and quantity stay readable, the product stays linked, our VAT is imposed."""
    params: Any = line_params(line("a", 2_500, "1.50", product="crm_p"))
    assert params["price_data"] == {"currency": "eur", "unit_amount": 2_500, "product": "crm_p"}
    assert "quantity" not in params
    assert str(params["quantity_decimal"]) == "1.5"
    (tax,) = params["tax_amounts"]
    assert tax == {
        "amount": 787,
        "taxable_amount": 3_750,
        "tax_rate_data": {"display_name": "VAT", "percentage": "21", "inclusive": False, "tax_type": "vat"},
        "taxability_reason": "standard_rated",
    }


@pytest.mark.parametrize(("quantity", "sent"), [("2", 2), ("2.000", 2), ("1E+3", 1_000), ("0", 0)])
def test_a_whole_quantity_is_an_integer(quantity: str, sent: int) -> None:
    """Whole numbers go as `quantity`, whatever form the Decimal has."""
    params = line_params(line("a", 1, quantity))
    assert params["quantity"] == sent
    assert "quantity_decimal" not in params


@pytest.mark.parametrize(("quantity", "sent"), [("0.25", "0.25"), ("1E-7", "0.0000001"), ("12.500", "12.5")])
def test_a_fraction_has_no_exponent(quantity: str, sent: str) -> None:
    """Stripe refuses 1E-7."""
    assert str(line_params(line("a", 1, quantity))["quantity_decimal"]) == sent


def test_a_line_of_its_own_and_no_vat() -> None:
    """Without a product the line brings its own product data; at 0 % it has the reason it was given, and 0 VAT."""
    bare = replace(line("a", 100, rate="0", currency="jpy"), description="W" * 300, reason="zero_rated")
    params: Any = line_params(bare)
    product = params["price_data"]["product_data"]
    assert (len(product["name"]), product["metadata"]["crm_line"]) == (250, "a")
    (tax,) = params["tax_amounts"]
    assert (tax["amount"], tax["taxability_reason"], tax["tax_rate_data"]["percentage"]) == (0, "zero_rated", "0")


@pytest.mark.parametrize(("rate", "sent"), [("21.00", "21"), ("5.5", "5.5"), ("1E+1", "10"), ("7.7000", "7.7")])
def test_percentages_are_plain(rate: str, sent: str) -> None:
    """A rate is written as people write it, never as 2.1E+1 or 21.0."""
    params: Any = line_params(line("a", 100, rate=rate))
    assert params["tax_amounts"][0]["tax_rate_data"]["percentage"] == sent


def test_an_old_addresss_parts_are_cleared_where_stripe_keeps_them() -> None:
    """Stripe answers with a second line that was not sent: the address is cleared and sent again, each with its key."""
    kept = {"id": "cus_1", "object": "customer", "address": {"line1": "Kade 1", "line2": "Third floor"}}
    provider, transport, _ = scripted(ok(kept), ok({**kept, "address": None}), ok({**kept, "address": {}}))
    provider.update_customer("cus_1", CUSTOMER, "u")
    assert [headers["Idempotency-Key"] for *_, headers in transport.requests] == ["u", "u:clear", "u:address"]
    assert form(transport, 1) == {"address": ""}
    assert form(transport, 2)["address[line1]"] == "Kade 1"
    assert "address[line2]" not in form(transport, 0)


def test_no_address_any_more() -> None:
    """A contact without an address has none at Stripe, in one call."""
    provider, transport, _ = scripted(ok({"id": "cus_1", "object": "customer", "address": None}))
    bare = replace(CUSTOMER, line1="", postal_code="", city="", country="", phone="+31 20 1234567")
    provider.update_customer("cus_1", bare, "u")
    assert (form(transport)["address"], form(transport)["phone"]) == ("", "+31 20 1234567")
    assert len(transport.requests) == 1


def test_a_price_is_one_call() -> None:
    """Whole minor units as an integer, fractions as plain decimals; the lookup key moves to the new price."""
    for amount, name, sent in (("100", "unit_amount", "100"), ("0.125", "unit_amount_decimal", "0.125")):
        provider, transport, _ = scripted(ok({"id": "price_1", "object": "price"}))
        provider.create_price(price(amount), "k")
        assert len(transport.requests) == 1
        assert (form(transport)[name], form(transport)["transfer_lookup_key"]) == (sent, "true")


def test_a_price_without_a_fixed_amount_is_not_ours() -> None:
    """A price under our key that has no amount (tiers, pay what you want) is passed over."""
    rows = [{"id": "price_1", "object": "price", "unit_amount": None, "unit_amount_decimal": None}]
    provider, _, _ = scripted(ok({"object": "list", "data": rows, "has_more": False, "url": "/v1/prices"}))
    assert provider.find_price("key", "100") is None


def test_deleting_a_final_draft_is_refused() -> None:
    """Only "gone already" counts as done."""
    provider, _, _ = scripted(refusal(400, code="invoice_not_editable", message="No"))
    with pytest.raises(Refused):
        provider.delete_draft("in_1")


def test_making_a_product_refused_for_another_reason() -> None:
    """Only an id that exists leads to adopting."""
    provider, transport, _ = scripted(refusal(400, code="parameter_invalid_empty", message="No"))
    with pytest.raises(Refused):
        provider.create_product(PRODUCT, "k")
    assert len(transport.requests) == 1


def test_an_invoice_with_fields_missing_and_a_status_of_tomorrow() -> None:
    """What Stripe leaves out or adds does not break reading: the status stays as Stripe writes it."""
    remote = read_invoice(INVOICE)
    assert (remote.status, remote.tax, remote.customer, remote.metadata, remote.vat) == ("new_status", 0, "", {}, ())
    assert (remote.due_date, remote.finalised_at, remote.line_count) == (None, None, None)


def test_taxes_of_several_rates_are_summed() -> None:
    """`tax` is all VAT of the invoice, included or not."""
    taxes = [{"amount": 21, "tax_behavior": "exclusive"}, {"amount": 9, "tax_behavior": "inclusive"}]
    assert read_invoice({**INVOICE, "total_taxes": taxes}).tax == 30


def test_an_account_with_little_known_about_it() -> None:
    """A new account may have no name, country or currency; what it still needs is listed once."""
    body = {
        "id": "acct_1",
        "object": "account",
        "email": "ada@example.com",
        "requirements": {"past_due": ["tos"], "currently_due": ["tos", "iban"], "current_deadline": 86_400},
    }
    provider, _, _ = scripted(ok(body))
    account = provider.account()
    assert (account.name, account.country, account.default_currency) == ("ada@example.com", "", "")
    assert account.requirements == ("tos", "iban")
    assert account.requirements_deadline is not None
    assert not account.charges_enabled
    nameless, _, _ = scripted(ok({"id": "acct_1", "object": "account"}))
    assert nameless.account().name == "acct_1"


def listed(*rows: dict[str, Any], more: bool = False) -> Any:
    """A page of a list."""
    return ok({"object": "list", "data": list(rows), "has_more": more, "url": "/v1/list"})


def test_looking_goes_on_behind_the_first_page() -> None:
    """Invoices and payments are read page after page, each behind the last object of the one before."""
    ours = {**INVOICE, "id": "in_2", "metadata": {"crm_stripe_id": "inv-1"}}
    provider, transport, _ = scripted(listed(INVOICE, more=True), listed(ours))
    found = provider.find_invoice("inv-1", "cus_1", datetime(2026, 11, 2, 9, 0, tzinfo=UTC))
    assert found is not None
    assert found.id == "in_2"
    assert form(transport, 0)["created[gte]"] == str(int(datetime(2026, 11, 2, 8, 55, tzinfo=UTC).timestamp()))
    assert form(transport)["starting_after"] == "in_1"
    open_payment = {"id": "inpay_1", "object": "invoice_payment", "status": "open", "created": 1, "payment": {}}
    provider, transport, _ = scripted(listed(open_payment, more=True), listed())
    assert provider.payments("in_1") == ()
    assert form(transport)["starting_after"] == "inpay_1"
    assert form(transport)["expand[0]"] == "data.payment.payment_intent.latest_charge"
