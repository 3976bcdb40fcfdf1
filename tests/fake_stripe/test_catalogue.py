"""Customers, products, prices, coupons, tax rates and webhook endpoints, beyond their mistakes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from flask_crm_stripe.testing.fake_stripe import FakeStripe, forms, schema
from flask_crm_stripe.testing.fake_stripe.errors import StripeFault

from . import raw
from .raw import Api


def test_a_customer_is_changed_field_by_field(api: Api) -> None:
    """What is not sent stays; "" clears; the event tells what was there before."""
    made = raw.customer(api, metadata={"a": "1"}, address={"line1": "Kade 1", "country": "NL"})
    changed = api.post(f"/v1/customers/{made['id']}", {"name": "Ada B.", "address": "", "metadata": {"b": "2"}})
    assert (changed["name"], changed["email"], changed["address"]) == ("Ada B.", "ada@example.com", None)
    assert changed["metadata"] == {"a": "1", "b": "2"}
    before = api.events("customer.updated")[0]["data"]["previous_attributes"]
    assert (before["name"], before["address"]["line1"]) == ("Ada", "Kade 1")
    api.post(f"/v1/customers/{made['id']}", {"name": "Ada B."})
    assert len(api.events("customer.updated")) == 1


def test_a_deleted_customer_is_known_as_deleted(api: Api) -> None:
    """GET answers deleted; it cannot be changed, billed or listed."""
    made = raw.customer(api)["id"]
    gone = {"id": made, "object": "customer", "deleted": True}
    assert api.ok("DELETE", f"/v1/customers/{made}") == gone
    assert api.get(f"/v1/customers/{made}") == gone
    assert api.get("/v1/customers")["data"] == []
    for method in ("POST", "DELETE"):
        assert api.no(method, f"/v1/customers/{made}", status=404)["code"] == "resource_missing"


def test_tax_ids_belong_to_their_customer(api: Api) -> None:
    """Added, read, deleted; another customer's address does not lead to them."""
    one, two = raw.customer(api)["id"], raw.customer(api)["id"]
    made = api.post(f"/v1/customers/{one}/tax_ids", {"type": "eu_vat", "value": "EL123456789"})
    assert (made["country"], made["verification"]["status"], made["customer"]) == ("GR", "pending", one)
    api.no("GET", f"/v1/customers/{two}/tax_ids/{made['id']}", status=404)
    assert api.no("POST", f"/v1/customers/{one}/tax_ids", {"type": "eu_vat", "value": "x"})["param"] == "value"
    assert api.ok("DELETE", f"/v1/customers/{one}/tax_ids/{made['id']}")["deleted"] is True
    assert api.get(f"/v1/customers/{one}/tax_ids")["data"] == []
    kinds = [each["type"] for each in api.events() if "tax_id" in each["type"]]
    assert kinds == ["customer.tax_id.created", "customer.tax_id.deleted"]


def test_a_product_with_an_own_id_and_its_first_price(api: Api, other: Api) -> None:
    """One call makes both; the id is unique in its account and free in another."""
    data = {"currency": "eur", "unit_amount_decimal": "1250.5", "recurring": {"interval": "month"}}
    made = api.post("/v1/products", {"id": "crm_7", "name": "Care", "default_price_data": data})
    price = api.get(f"/v1/prices/{made['default_price']}")
    assert (price["product"], price["unit_amount"], price["unit_amount_decimal"]) == ("crm_7", None, "1250.5")
    assert (price["type"], price["recurring"]["interval"]) == ("recurring", "month")
    assert other.post("/v1/products", {"id": "crm_7", "name": "Theirs"})["name"] == "Theirs"
    assert [each["type"] for each in api.events()] == ["product.created", "price.created", "product.updated"]


def test_a_product_without_prices_is_deleted_for_good(api: Api, other: Api) -> None:
    """The deleted shape and its event; with a price it is refused in Stripe's words; the other's stays."""
    wanted = {"id": "crm_1", "name": "Care"}
    made, _ = api.post("/v1/products", wanted), other.post("/v1/products", wanted)
    assert api.ok("DELETE", "/v1/products/crm_1") == {"id": "crm_1", "object": "product", "deleted": True}
    (event,) = api.events("product.deleted")
    assert event["data"]["object"] == made
    assert api.no("GET", "/v1/products/crm_1", status=404)["code"] == "resource_missing"
    assert api.get("/v1/products")["data"] == []
    assert other.get("/v1/products/crm_1")["name"] == "Care"
    other.post("/v1/prices", {"product": "crm_1", "currency": "jpy", "unit_amount": 5, "active": False})
    refused = other.no("DELETE", "/v1/products/crm_1")
    assert refused["message"] == "This product cannot be deleted because it has one or more user-created prices."
    assert not other.events("product.deleted")
    assert api.post("/v1/products", {"id": "crm_1", "name": "Again"})["name"] == "Again"


def test_a_change_of_price_by_lookup_key(api: Api) -> None:
    """A new price takes the key over, becomes the default, and the old one can be archived then."""
    product = api.post("/v1/products", {"name": "Hour"})["id"]
    data = {"product": product, "currency": "eur", "lookup_key": "hour"}
    old = api.post("/v1/prices", data | {"unit_amount": 100})["id"]
    api.post(f"/v1/products/{product}", {"default_price": old})
    new = api.post("/v1/prices", data | {"unit_amount": 120, "transfer_lookup_key": True})["id"]
    assert [each["id"] for each in api.get("/v1/prices", {"lookup_keys": ["hour"]})["data"]] == [new]
    assert api.get(f"/v1/prices/{old}")["lookup_key"] is None
    api.post(f"/v1/products/{product}", {"default_price": new})
    assert api.post(f"/v1/prices/{old}", {"lookup_key": "hour", "transfer_lookup_key": True})["lookup_key"] == "hour"
    assert api.get(f"/v1/prices/{new}")["lookup_key"] is None
    changed = len(api.events("product.updated"))
    api.post(f"/v1/products/{product}", {"default_price": new})
    assert len(api.events("product.updated")) == changed
    assert api.post(f"/v1/prices/{old}", {"active": False})["active"] is False
    assert [each["id"] for each in api.get("/v1/prices", {"product": product, "active": True})["data"]] == [new]


def test_prices_made_on_lines_are_not_listed(api: Api) -> None:
    """They can be read by id, are inactive, and their inline product too."""
    details = raw.draft(api, raw.line(1500))["lines"]["data"][0]["pricing"]["price_details"]
    assert api.get("/v1/prices")["data"] == []
    price = api.get(f"/v1/prices/{details['price']}")
    assert (price["unit_amount"], price["active"], price["product"]) == (1500, False, details["product"])
    assert api.get(f"/v1/products/{details['product']}")["active"] is False


def test_currency_options_are_kept_and_used(api: Api) -> None:
    """A price in EUR with an option in USD can stand on an invoice in USD."""
    data = {"currency": "eur", "unit_amount": 100, "currency_options": {"usd": {"unit_amount": 110}}}
    price = api.post("/v1/prices", data | {"product_data": {"name": "x"}})["id"]
    api.post(f"/v1/prices/{price}", {"currency_options": {"gbp": {"unit_amount": 90}}})
    for currency, total in (("usd", 220), ("gbp", 180), ("eur", 200)):
        assert raw.draft(api, {"pricing": {"price": price}, "quantity": 2}, currency=currency)["total"] == total


def test_a_coupon_used_up_is_refused(api: Api) -> None:
    """max_redemptions is counted; deleting a coupon leaves discounts that were given."""
    coupon = api.post("/v1/coupons", {"id": "ONCE", "percent_off": "12.5", "max_redemptions": 1})["id"]
    invoice = raw.draft(api, raw.line(1000), discounts=[{"coupon": coupon}])
    assert (invoice["total"], api.get(f"/v1/coupons/{coupon}")["times_redeemed"]) == (875, 1)
    refused = {"customer": invoice["customer"], "currency": "eur", "discounts": [{"coupon": coupon}]}
    assert api.no("POST", "/v1/invoices", refused)["code"] == "coupon_expired"
    api.ok("DELETE", f"/v1/coupons/{coupon}")
    assert api.get(f"/v1/invoices/{invoice['id']}")["total"] == 875
    assert api.post(f"/v1/invoices/{invoice['id']}", {"discounts": ""})["total"] == 1000


def test_a_customers_discount_is_inherited_unless_blocked(api: Api, fake: FakeStripe) -> None:
    """Leaving discounts out takes the customer's over; "" does not."""
    coupon = api.post("/v1/coupons", {"percent_off": 50})["id"]
    buyer = raw.customer(api)["id"]
    fake.world.store(api.account or "")["customer"][buyer]["discount"] = {
        "source": {"coupon": coupon, "type": "coupon"}
    }
    assert raw.draft(api, raw.line(1000), customer=buyer)["total"] == 500
    assert raw.draft(api, raw.line(1000), customer=buyer, discounts="")["total"] == 1000


def test_tax_rates_keep_their_percentage(api: Api) -> None:
    """Renamed and archived, never changed; percentage and inclusive are not even parameters."""
    made = api.post("/v1/tax_rates", {"display_name": "VAT", "inclusive": False, "percentage": "21"})["id"]
    assert api.post(f"/v1/tax_rates/{made}", {"active": False, "display_name": "Old VAT"})["active"] is False
    assert api.no("POST", f"/v1/tax_rates/{made}", {"percentage": "9"})["code"] == "parameter_unknown"
    assert api.get("/v1/tax_rates", {"active": True})["data"] == []


def test_an_endpoints_secret_is_told_once(fake: FakeStripe) -> None:
    """The answer that makes it holds the secret; no later one does."""
    platform = Api(fake, None)
    made = platform.post("/v1/webhook_endpoints", {"url": "https://a.example/h", "enabled_events": ["*"]})
    assert made["secret"].startswith("whsec_")
    assert made["application"] is None
    path = f"/v1/webhook_endpoints/{made['id']}"
    for found in (
        platform.get(path),
        platform.post(path, {"disabled": True}),
        platform.get(path[: -len(made["id"]) - 1]),
    ):
        assert "whsec_" not in str(found)
    assert platform.get(path)["status"] == "disabled"
    for _ in range(15):
        platform.post("/v1/webhook_endpoints", {"url": "https://a.example/h", "enabled_events": ["*"]})
    assert (
        "maximum of 16"
        in platform.no("POST", "/v1/webhook_endpoints", {"url": "https://a.example/h", "enabled_events": ["*"]})[
            "message"
        ]
    )
    assert platform.ok("DELETE", path)["deleted"] is True


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a=1&b[c]=2&b[d][e]=3", {"a": "1", "b": {"c": "2", "d": {"e": "3"}}}),
        ("a[]=x&a[]=y", {"a": {"0": "x", "1": "y"}}),
        ("a[0][b]=x&a[1][b]=y", {"a": {"0": {"b": "x"}, "1": {"b": "y"}}}),
        ("a=&b=%C3%A9+%26", {"a": "", "b": "é &"}),
    ],
)
def test_forms_are_read_as_stripe_reads_them(text: str, tree: dict[str, object]) -> None:
    """Brackets make objects and arrays; percent encoding is undone."""
    assert forms.decode(text) == tree


@pytest.mark.parametrize(
    "text", ["a=1&a[b]=2", "a[b]=2&a=1", "[x]=1", "a[=1", "a[b]c=1", "=1", "a%ff=1", "a" + "[b]" * 9 + "=1"]
)
def test_forms_that_make_no_sense_are_refused(text: str) -> None:
    """A name that is no path, or a value that is also an object, is a 400."""
    with pytest.raises(StripeFault, match="Invalid request"):
        forms.decode(text)


def test_values_get_the_types_that_the_sdk_says() -> None:
    """int, bool, Decimal, list, dict and "" to clear, from strings."""
    params = forms.decode(
        forms.encode(
            {"lines": [{"quantity_decimal": Decimal("2.50"), "discountable": True, "amount": -5, "tax_rates": ""}]}
        )
    )
    line = schema.check(params, "InvoiceAddLinesParams")["lines"][0]
    assert line == {"quantity_decimal": Decimal("2.50"), "discountable": True, "amount": -5, "tax_rates": ""}


def test_several_unknown_parameters_are_named_together(api: Api) -> None:
    """As Stripe words it, with the first as ``param``."""
    error = api.no("POST", "/v1/customers", {"foo": "1", "bar": "2"})
    assert (error["message"], error["param"]) == ("Received unknown parameters: foo, bar", "foo")


def test_an_overlong_string_is_refused(api: Api) -> None:
    """5000 characters are the most that any text may have."""
    assert api.no("POST", "/v1/products", {"name": "x", "description": "d" * 5001})["param"] == "description"
    assert api.post("/v1/products", {"name": "x", "description": "d" * 5000})
