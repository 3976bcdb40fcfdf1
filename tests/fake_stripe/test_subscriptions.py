"""Subscriptions that a business made in its own dashboard: their shape, their filters, what ends them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from flask_crm_stripe.testing.fake_stripe import FakeStripe
from flask_crm_stripe.testing.fake_stripe.subscriptions import STATUSES, later

from . import raw, whole
from .raw import Api
from .test_lists import ids


def found(api: Api, **params: Any) -> list[str]:
    """The ids that a list answers."""
    return ids(api.get("/v1/subscriptions", params))


def test_one_is_made_with_product_and_recurring_price(api: Api) -> None:
    """All three are whole, refer to one another, and are told in order; the customer has a currency from now on."""
    buyer = raw.customer(api)
    made = raw.subscription(api, buyer["id"], description="Hosting", interval="year")
    shown = api.get(f"/v1/subscriptions/{made['id']}")
    (item,) = shown["items"]["data"]
    price = api.get(f"/v1/prices/{item['price']['id']}")
    assert shown == made
    assert whole.is_whole(shown)
    assert (item["price"], item["plan"]["id"]) == (price, price["id"])
    assert (price["unit_amount"], price["currency"], price["recurring"]["interval"]) == (2500, "eur", "year")
    assert api.get(f"/v1/products/{price['product']}")["name"] == "Hosting"
    assert (shown["description"], shown["customer"], shown["currency"]) == ("Hosting", buyer["id"], "eur")
    assert (item["subscription"], item["current_period_start"]) == (shown["id"], shown["created"])
    assert item["current_period_end"] == later(shown["created"], "year")
    assert api.get(f"/v1/customers/{buyer['id']}")["currency"] == "eur"
    assert [each["type"] for each in api.events()] == [
        "customer.created", "product.created", "price.created", "customer.updated", "customer.subscription.created",
    ]  # fmt: skip
    assert api.events()[-1]["data"]["object"] == shown


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_has_what_belongs_to_it(api: Api, status: str) -> None:
    """Trial, end, cancellation and pause have their times; every shape is whole."""
    made = raw.subscription(api, status=status)
    assert whole.is_whole(made)
    set_ones = {name for name in ("trial_end", "canceled_at", "ended_at", "status_details") if made[name] is not None}
    expected = {
        "trialing": {"trial_end"},
        "canceled": {"canceled_at", "ended_at"},
        "incomplete_expired": {"ended_at"},
        "paused": {"status_details"},
    }
    assert set_ones == expected.get(status, set())


def test_the_statuses_are_filtered_as_stripe_does(api: Api) -> None:
    """Without a status all but the cancelled, `all` all, `ended` the two that are over, else exactly that one."""
    made = {status: raw.subscription(api, status=status)["id"] for status in STATUSES}
    newest_first = [made[status] for status in reversed(STATUSES)]
    assert found(api) == [each for each in newest_first if each != made["canceled"]]
    assert found(api, status="all") == newest_first
    assert set(found(api, status="ended")) == {made["canceled"], made["incomplete_expired"]}
    for status in STATUSES:
        assert found(api, status=status) == [made[status]]


def test_the_other_filters_and_pages(api: Api, fake: FakeStripe) -> None:
    """Customer, price, collection method, time, limit and both cursors, alone and together."""
    buyer = raw.customer(api)["id"]
    first = raw.subscription(api, buyer, collection_method="send_invoice")
    fake.clock.advance(100)
    second, third = raw.subscription(api, buyer), raw.subscription(api)
    assert first["days_until_due"] == 30
    assert found(api, customer=buyer) == [second["id"], first["id"]]
    assert found(api, price=second["items"]["data"][0]["price"]["id"]) == [second["id"]]
    assert found(api, collection_method="send_invoice") == [first["id"]]
    assert found(api, created={"gt": first["created"]}) == [third["id"], second["id"]]
    assert found(api, customer=buyer, collection_method="charge_automatically", status="active") == [second["id"]]
    page = api.get("/v1/subscriptions", {"limit": 1})
    assert (ids(page), page["has_more"], page["url"]) == ([third["id"]], True, "/v1/subscriptions")
    assert found(api, starting_after=second["id"]) == [first["id"]]
    assert found(api, ending_before=second["id"]) == [third["id"]]


def test_the_sdk_reads_them(api: Api, fake: FakeStripe) -> None:
    """Typed objects with items, the product of a price by expand, all pages."""
    client = stripe.StripeClient(raw.KEY, http_client=fake.http_client())
    options: stripe.RequestOptions = {"stripe_account": api.account or ""}
    made = [raw.subscription(api, description=str(number))["id"] for number in range(3)]
    listed = client.v1.subscriptions.list({"limit": 2, "status": "all"}, options)
    assert [each.id for each in listed.auto_paging_iter()] == made[::-1]
    one = client.v1.subscriptions.retrieve(made[0], {"expand": ["items.data.price.product", "customer"]}, options)
    product = one["items"].data[0].price.product
    assert (product.name, one.customer.email) == ("0", "ada@example.com")  # type: ignore[union-attr]


def test_an_item_shows_its_price_as_it_is_now(api: Api) -> None:
    """A price that is renamed or archived is so on the subscription too; what comes by expand only is left out."""
    made = raw.subscription(api)
    price = made["items"]["data"][0]["price"]
    assert "currency_options" not in price
    api.post(f"/v1/prices/{price['id']}", {"nickname": "Gold", "active": False})
    shown = api.get(f"/v1/subscriptions/{made['id']}")["items"]["data"][0]["price"]
    assert (shown["nickname"], shown["active"]) == ("Gold", False)


def test_one_business_never_sees_anothers(api: Api, other: Api) -> None:
    """Neither by id nor in a list, nor can it be made for somebody else's customer."""
    made = raw.subscription(api)
    assert found(other, status="all") == []
    error = other.no("GET", f"/v1/subscriptions/{made['id']}", status=404)
    assert error["message"] == f"No such subscription: '{made['id']}'"
    for name in ("customer", "price"):
        theirs = made["customer"] if name == "customer" else made["items"]["data"][0]["price"]["id"]
        assert other.no("GET", "/v1/subscriptions", {name: theirs})["code"] == "resource_missing"
    with pytest.raises(ValueError, match="No such customer"):
        raw.subscription(other, made["customer"], currency="jpy")
    assert not other.events()


def test_only_reading_is_built(api: Api) -> None:
    """Making, changing, cancelling and searching are answered 501, and so are filters that are not built."""
    made = raw.subscription(api)["id"]
    for method, path in (
        ("POST", "/v1/subscriptions"),
        ("POST", f"/v1/subscriptions/{made}"),
        ("DELETE", f"/v1/subscriptions/{made}"),
        ("GET", "/v1/subscriptions/search"),
        ("POST", f"/v1/subscriptions/{made}/resume"),
        ("GET", "/v1/subscription_items"),
    ):
        assert api.no(method, path, status=501)["code"] == "not_built"
    assert "plan" in api.no("GET", "/v1/subscriptions", {"plan": "plan_1"}, status=501)["message"]
    assert found(api, status="all") == [made]


def test_deleting_the_customer_cancels_what_runs(api: Api) -> None:
    """Each that has not ended is cancelled and told; it is still found among the cancelled."""
    buyer = raw.customer(api)["id"]
    running, over = raw.subscription(api, buyer)["id"], raw.subscription(api, buyer, status="incomplete_expired")["id"]
    kept = raw.subscription(api)["id"]
    api.ok("DELETE", f"/v1/customers/{buyer}")
    assert [each["type"] for each in api.events()][-2:] == ["customer.subscription.deleted", "customer.deleted"]
    assert api.events()[-2]["data"]["object"]["status"] == "canceled"
    assert found(api, status="canceled", customer=buyer) == [running]
    assert whole.is_whole(api.get(f"/v1/subscriptions/{running}"))
    assert set(found(api)) == {over, kept}
    with pytest.raises(ValueError, match="No such customer"):
        raw.subscription(api, buyer)


def test_a_customers_subscriptions_come_by_expand(api: Api) -> None:
    """Those that have not ended, newest first, whole."""
    buyer = raw.customer(api)["id"]
    raw.subscription(api, buyer, status="canceled")
    made = [raw.subscription(api, buyer)["id"] for _ in range(2)]
    listed = api.get(f"/v1/customers/{buyer}", {"expand": ["subscriptions"]})["subscriptions"]
    assert ids(listed) == made[::-1]
    assert whole.is_whole(listed["data"][0])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"amount": -1}, "greater than or equal to 0"),
        ({"amount": 12.5}, "amount"),
        ({"amount": True}, "amount"),
        ({"currency": "xxx"}, "currency"),
        ({"currency": "isk", "amount": 150}, "ISK"),
        ({"interval": "fortnight"}, "interval"),
        ({"status": "asleep"}, "status"),
        ({"collection_method": "by_hand"}, "collection_method"),
        ({"customer_id": "cus_nobody"}, "cus_nobody"),
        ({"description": " "}, "blank"),
    ],
)
def test_what_stripe_would_refuse_leaves_no_trace(api: Api, changes: dict[str, Any], word: str) -> None:
    """A ValueError says what is wrong; no product, price or event was made."""
    buyer = raw.customer(api)["id"]
    before = json.dumps({kind: each for kind, each in api.fake.world.store(api.account or "").items() if each})
    with pytest.raises(ValueError, match=word):
        raw.subscription(api, **{"customer_id": buyer, **changes})
    assert json.dumps({kind: each for kind, each in api.fake.world.store(api.account or "").items() if each}) == before


def test_a_customer_has_running_subscriptions_in_one_currency(api: Api) -> None:
    """Stripe refuses a second currency while one runs; after the end another may follow."""
    buyer = raw.customer(api)["id"]
    raw.subscription(api, buyer, status="canceled")
    raw.subscription(api, buyer, currency="usd")
    with pytest.raises(ValueError, match="cannot combine currencies"):
        raw.subscription(api, buyer, currency="eur")
    raw.subscription(api, buyer, currency="usd")


def test_the_account_must_be_there(fake: FakeStripe) -> None:
    """Unknown and closed accounts are named."""
    for act in (lambda: fake.add_subscription("acct_no", "cus_1", amount=1, currency="eur"), closed(fake)):
        with pytest.raises(ValueError, match="acct_"):
            act()


def closed(fake: FakeStripe) -> Callable[[], object]:
    """Making one in an account that was closed."""
    account = fake.create_account("Gone")["id"]
    fake.close_account(account)
    return lambda: fake.add_subscription(account, "cus_1", amount=1, currency="eur")


@pytest.mark.parametrize(
    ("start", "interval", "end"),
    [
        ("2026-01-31T10:00:00", "month", "2026-02-28T10:00:00"),
        ("2026-12-15T10:00:00", "month", "2027-01-15T10:00:00"),
        ("2024-02-29T10:00:00", "year", "2025-02-28T10:00:00"),
        ("2026-12-31T23:59:59", "year", "2027-12-31T23:59:59"),
        ("2026-02-27T10:00:00", "week", "2026-03-06T10:00:00"),
        ("2026-02-28T10:00:00", "day", "2026-03-01T10:00:00"),
    ],
)
def test_periods_follow_the_calendar(start: str, interval: str, end: str) -> None:
    """A month is a month, also where the next one is shorter."""
    seconds = [int(datetime.fromisoformat(each).replace(tzinfo=UTC).timestamp()) for each in (start, end)]
    assert later(seconds[0], interval) == seconds[1]
