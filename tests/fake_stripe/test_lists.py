"""Paging, filters and expand."""

from __future__ import annotations

import stripe

from flask_crm_stripe.testing.fake_stripe import FakeStripe, Switches
from flask_crm_stripe.testing.fake_stripe.transport import StripeHTTPClient

from . import raw
from .raw import Api


def ids(page: dict[str, object]) -> list[str]:
    """The ids on a page."""
    return [each["id"] for each in page["data"]]  # type: ignore[attr-defined]


def customers(api: Api, count: int) -> list[str]:
    """Ids of new customers, newest first."""
    return [raw.customer(api)["id"] for _ in range(count)][::-1]


def test_lists_are_newest_first_ten_at_a_time(api: Api) -> None:
    """Even what was made in the same second keeps its order."""
    made = customers(api, 12)
    page = api.get("/v1/customers")
    assert (ids(page), page["has_more"], page["url"]) == (made[:10], True, "/v1/customers")


def test_cursors_walk_forward_and_back(api: Api) -> None:
    """starting_after and ending_before, with has_more in the direction walked."""
    made = customers(api, 5)
    page = api.get("/v1/customers", {"limit": 2, "starting_after": made[1]})
    assert (ids(page), page["has_more"]) == (made[2:4], True)
    page = api.get("/v1/customers", {"limit": 2, "starting_after": made[3]})
    assert (ids(page), page["has_more"]) == (made[4:], False)
    page = api.get("/v1/customers", {"limit": 2, "ending_before": made[4]})
    assert (ids(page), page["has_more"]) == (made[2:4], True)
    page = api.get("/v1/customers", {"limit": 2, "ending_before": made[1]})
    assert (ids(page), page["has_more"]) == (made[:1], False)


def test_the_sdk_pages_through_everything(api: Api, fake: FakeStripe) -> None:
    """auto_paging_iter meets each object once, also over 250 lines in their own order."""
    client = stripe.StripeClient(raw.KEY, http_client=StripeHTTPClient(fake.wsgi_app))
    options: stripe.RequestOptions = {"stripe_account": api.account or ""}
    made = customers(api, 23)
    found = client.v1.customers.list({"limit": 10}, options)
    assert [each.id for each in found.auto_paging_iter()] == made
    invoice = raw.draft(api, *[{"amount": n, "metadata": {"n": str(n)}} for n in range(250)])["id"]
    lines = client.v1.invoices.line_items.list(invoice, {"limit": 100}, options)
    assert [each.metadata["n"] for each in lines.auto_paging_iter()] == [str(n) for n in range(250)]


def test_times_filter(api: Api, fake: FakeStripe) -> None:
    """created by gt, gte, lt, lte or exactly."""
    old = raw.customer(api)
    fake.clock.advance(100)
    new = raw.customer(api)
    assert ids(api.get("/v1/customers", {"created": {"gt": old["created"]}})) == [new["id"]]
    assert ids(api.get("/v1/customers", {"created": {"gte": old["created"], "lt": new["created"]}})) == [old["id"]]
    assert ids(api.get("/v1/customers", {"created": {"lte": old["created"]}})) == [old["id"]]
    assert ids(api.get("/v1/customers", {"created": new["created"]})) == [new["id"]]


def test_invoices_are_filtered_by_status_customer_and_due_date(api: Api) -> None:
    """Each filter alone and together."""
    draft, opened = raw.draft(api, raw.line()), raw.opened(api)
    assert ids(api.get("/v1/invoices", {"status": "draft"})) == [draft["id"]]
    assert ids(api.get("/v1/invoices", {"customer": opened["customer"], "status": "open"})) == [opened["id"]]
    assert ids(api.get("/v1/invoices", {"customer": opened["customer"], "status": "void"})) == []
    assert ids(api.get("/v1/invoices", {"due_date": {"lt": 1000}})) == []
    assert api.no("GET", "/v1/invoices", {"customer": "cus_no"})["code"] == "resource_missing"


def test_an_email_is_compared_with_its_case(api: Api) -> None:
    """Stripe's email filter is exact."""
    made = raw.customer(api, email="Ada@Example.com")["id"]
    assert ids(api.get("/v1/customers", {"email": "Ada@Example.com"})) == [made]
    assert ids(api.get("/v1/customers", {"email": "ada@example.com"})) == []


def test_customers_with_one_address_come_in_pages(api: Api, other: Api, fake: FakeStripe) -> None:
    """Exact address, time, limit and cursor together; the other business's customer of that address is not there."""
    first = raw.customer(api)
    fake.clock.advance(100)
    second, third = raw.customer(api), raw.customer(api)
    raw.customer(api, email="bo@example.com")
    raw.customer(other)
    same = {"email": "ada@example.com", "limit": 1}
    page = api.get("/v1/customers", same)
    assert (ids(page), page["has_more"]) == ([third["id"]], True)
    assert ids(api.get("/v1/customers", same | {"starting_after": third["id"]})) == [second["id"]]
    recent = {"email": "ada@example.com", "created": {"gt": first["created"]}}
    assert ids(api.get("/v1/customers", recent)) == [third["id"], second["id"]]
    assert ids(api.get("/v1/customers", {"email": "ada@example.co"})) == []


def test_products_are_filtered_by_ids_state_type_and_time(api: Api, other: Api, fake: FakeStripe) -> None:
    """Each filter alone and together, with limit and cursor; another business's id finds nothing."""
    old = api.post("/v1/products", {"name": "Old", "active": False})
    fake.clock.advance(100)
    one, two = (api.post("/v1/products", {"name": name}) for name in ("One", "Two"))
    theirs = other.post("/v1/products", {"name": "Theirs"})["id"]
    wanted = [one["id"], old["id"], theirs, "prod_no"]
    assert ids(api.get("/v1/products", {"ids": wanted})) == [one["id"], old["id"]]
    assert ids(api.get("/v1/products", {"ids": wanted, "active": True})) == [one["id"]]
    assert ids(api.get("/v1/products", {"active": False})) == [old["id"]]
    assert ids(api.get("/v1/products", {"created": {"gt": old["created"]}})) == [two["id"], one["id"]]
    assert ids(api.get("/v1/products", {"type": "service", "limit": 1})) == [two["id"]]
    assert ids(api.get("/v1/products", {"type": "good"})) == []
    assert ids(api.get("/v1/products", {"starting_after": one["id"]})) == [old["id"]]


def test_lines_are_cut_where_stripe_cuts() -> None:
    """An invoice shows its first ten lines and says that there are more; a switch says how many."""
    api, _ = raw.connected(Switches(lines_in_response=3))
    invoice = raw.draft(api, *[raw.line()] * 11)
    assert (len(invoice["lines"]["data"]), invoice["lines"]["has_more"]) == (3, True)
    assert invoice["total"] == 11_000
    api.fake.world.switches.set("lines_in_response", 10)
    found = api.get(f"/v1/invoices/{invoice['id']}")
    assert (len(found["lines"]["data"]), found["lines"]["has_more"]) == (10, True)
    assert len(api.get(found["lines"]["url"], {"limit": 100})["data"]) == 11
    assert len(api.events("invoice.updated")[-1]["data"]["object"]["lines"]["data"]) == 3


def test_ids_become_objects_where_asked(api: Api) -> None:
    """Expanding replaces the id, at any of four levels, in objects and lists, and nowhere else."""
    product = api.post("/v1/products", {"name": "Audit"})["id"]
    coupon = api.post("/v1/coupons", {"percent_off": 10})["id"]
    line = {"price_data": {"currency": "eur", "unit_amount": 1000, "product": product}}
    made = raw.draft(api, line | {"discounts": [{"coupon": coupon}]})
    assert isinstance(made["customer"], str)
    paths = ["customer", "lines.data.discounts", "lines.data.pricing.price_details"]
    found = api.get(f"/v1/invoices/{made['id']}", {"expand": paths[:2]})
    assert found["customer"]["email"] == "ada@example.com"
    assert found["lines"]["data"][0]["discounts"][0]["source"] == {"coupon": coupon, "type": "coupon"}
    error = api.no("GET", f"/v1/invoices/{made['id']}", {"expand": paths[2:]})
    assert "cannot be expanded" in error["message"]
    listed = api.get("/v1/invoices", {"expand": ["data.customer"]})
    assert listed["data"][0]["customer"]["name"] == "Ada"


def test_includable_fields_are_absent_until_asked_for(api: Api) -> None:
    """payments, confirmation_secret, tax_ids and currency_options come by expand only."""
    invoice = raw.opened(api)
    assert not {"payments", "confirmation_secret"} & invoice.keys()
    paths = ["payments.data.payment.payment_intent", "confirmation_secret", "customer.tax_ids"]
    found = api.get(f"/v1/invoices/{invoice['id']}", {"expand": paths})
    payment = found["payments"]["data"][0]
    assert payment["payment"]["payment_intent"]["amount"] == found["amount_remaining"] == payment["amount_requested"]
    assert found["confirmation_secret"]["type"] == "payment_intent"
    assert found["customer"]["tax_ids"]["data"] == []
    price = api.post("/v1/prices", {"currency": "eur", "unit_amount": 5, "product_data": {"name": "x"}})
    assert "currency_options" not in price
    price = api.get(f"/v1/prices/{price['id']}", {"expand": ["currency_options"]})
    assert price["currency_options"]["eur"]["unit_amount"] == 5


def test_money_is_reached_from_a_payment(api: Api, fake: FakeStripe) -> None:
    """InvoicePayment, PaymentIntent, Charge and BalanceTransaction in one answer: the deepest that four levels give."""
    invoice = raw.opened(api, raw.line(10_000))
    fake.pay(invoice["hosted_invoice_url"])
    found = api.get("/v1/invoice_payments", {"invoice": invoice["id"], "expand": ["data.payment.payment_intent"]})
    intent = found["data"][0]["payment"]["payment_intent"]["id"]
    expanded = api.get(f"/v1/payment_intents/{intent}", {"expand": ["latest_charge.balance_transaction.source"]})
    booked = expanded["latest_charge"]["balance_transaction"]
    assert (booked["amount"], booked["net"] + booked["fee"]) == (10_000, 10_000)
    assert booked["source"]["id"] == expanded["latest_charge"]["id"]
    by_intent = {"payment": {"type": "payment_intent", "payment_intent": intent}}
    assert api.get("/v1/invoice_payments", by_intent)["data"][0]["invoice"] == invoice["id"]


def test_expanding_what_is_empty_leaves_it_empty(api: Api) -> None:
    """A draft has no secret yet, a customer no subscriptions, and a null stays null."""
    draft = raw.draft(api, raw.line())["id"]
    found = api.get(f"/v1/invoices/{draft}", {"expand": ["confirmation_secret", "default_payment_method", "payments"]})
    assert (found["confirmation_secret"], found["default_payment_method"]) == (None, None)
    assert found["payments"]["data"] == []
    buyer = api.get(f"/v1/customers/{found['customer']}", {"expand": ["subscriptions", "sources"]})
    assert (buyer["subscriptions"]["data"], buyer["sources"]["data"]) == ([], [])


def test_a_bad_expand_does_no_work(api: Api) -> None:
    """A POST with an expand that cannot be is refused before anything is made."""
    api.no("POST", "/v1/customers", {"name": "Ada", "expand": ["nonsense"]})
    assert api.get("/v1/customers")["data"] == []


def test_events_by_type_and_time(api: Api, fake: FakeStripe) -> None:
    """One type, several, wildcards; gone after 30 days."""
    raw.opened(api)
    assert [each["type"] for each in api.get("/v1/events", {"type": "invoice.finalized"})["data"]] == [
        "invoice.finalized"
    ]
    both = api.get("/v1/events", {"types": ["invoice.finalized", "customer.created"]})
    assert {each["type"] for each in both["data"]} == {"invoice.finalized", "customer.created"}
    assert api.get("/v1/events", {"type": "invoice.*"})["data"]
    event = both["data"][0]["id"]
    fake.clock.advance(30 * 24 * 3600 + 60)
    assert api.get("/v1/events")["data"] == []
    api.no("GET", f"/v1/events/{event}", status=404)


def test_events_whose_delivery_failed_are_found(api: Api, other: Api, fake: FakeStripe) -> None:
    """delivery_success false lists what some endpoint has not taken yet, in this account alone."""
    fake.add_endpoint("https://crm.example/hook", events=["customer.created"])
    for each in (api, other):
        raw.customer(each)
    pending = api.get("/v1/events", {"delivery_success": False})["data"]
    assert [each["type"] for each in pending] == ["customer.created"]
    fake.on_delivery(lambda url, body, headers: 200)
    fake.deliver()
    assert api.get("/v1/events", {"delivery_success": False})["data"] == []
    assert len(api.get("/v1/events", {"delivery_success": True})["data"]) == 1
