"""Contract of ports/provider.py: what an account has beside what we make, on the twin and on the SDK."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.errors import AccountGone, Refused
from tests.contracts.provider_drafts import CUSTOMER, PRODUCT, price
from tests.contracts.provider_worlds import World, both_worlds, provider_of

pytestmark = both_worlds


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A fresh Stripe with two businesses."""
    made: World = request.param()
    return made


def test_stripe_tax_and_currencies_are_told(world: World) -> None:
    """Lowercase, sorted, the account's own among them."""
    one = provider_of(world, world.one)
    assert one.tax_settings().status in ("active", "pending")
    currencies = one.currencies("NL")
    assert "eur" in currencies
    assert list(currencies) == sorted(currencies)
    assert all(code == code.lower() for code in currencies)


def test_the_platform_is_the_same_for_every_account(world: World) -> None:
    """It is our own key's, not the connected account's; and it is told for one that is gone, too."""
    ours = provider_of(world, world.one).platform_account()
    assert ours == provider_of(world, world.two).platform_account() != world.one
    world.disconnect(world.one)
    assert provider_of(world, world.one).platform_account() == ours


def test_customers_and_products_are_listed_newest_first(world: World) -> None:
    """At most as many as were asked for, over pages; inactive products are none; another account has its own."""
    one = provider_of(world, world.one)
    for number in range(3):
        one.create_customer(replace(CUSTOMER, name=f"Customer {number}", metadata={"crm": str(number)}), f"c{number}")
        one.create_product(replace(PRODUCT, id=f"{PRODUCT.id}{number}", name=f"Service {number}"), f"p{number}")
    one.archive_product(f"{PRODUCT.id}1", "archive")
    customers = one.list_customers(2)
    assert [(each.name, each.email, each.metadata) for each in customers] == [
        ("Customer 2", CUSTOMER.email, {"crm": "2"}),
        ("Customer 1", CUSTOMER.email, {"crm": "1"}),
    ]
    assert len(one.list_customers(50)) == 3
    assert [each.name for each in one.list_products(50)] == ["Service 2", "Service 0"]
    assert one.list_products(50)[0].metadata == PRODUCT.metadata
    two = provider_of(world, world.two)
    assert (tuple(two.list_customers(9)), tuple(two.list_products(9))) == ((), ())


def test_lists_go_on_over_many_pages(world: World) -> None:
    """Stripe gives a hundred at a time."""
    one = provider_of(world, world.one)
    for number in range(205):
        one.create_customer(replace(CUSTOMER, name=f"Customer {number}"), f"c{number}")
    assert [each.name for each in one.list_customers(1000)] == [f"Customer {number}" for number in range(204, -1, -1)]
    assert len(one.list_customers(101)) == 101


def test_running_subscriptions_are_listed(world: World) -> None:
    """With what they come to each time; those that are over are not."""
    one = provider_of(world, world.one)
    customer = one.create_customer(CUSTOMER, "c").id
    running = world.subscribe(world.one, customer, 4900, "active")
    late = world.subscribe(world.one, customer, 100, "past_due")
    world.subscribe(world.one, customer, 100, "canceled")
    world.subscribe(world.one, customer, 100, "incomplete_expired")
    found = one.list_subscriptions(10)
    assert [(each.id, each.customer, each.status) for each in found] == [
        (late, customer, "past_due"),
        (running, customer, "active"),
    ]
    assert (found[1].amount, found[1].currency, found[1].interval) == (4900, "eur", "month")
    assert tuple(provider_of(world, world.two).list_subscriptions(10)) == ()


def test_a_product_that_was_never_offered_can_be_deleted(world: World) -> None:
    """Gone already counts as done; one with a price is refused, and stays."""
    one = provider_of(world, world.one)
    one.create_product(PRODUCT, "p")
    for _ in range(2):
        one.delete_product(PRODUCT.id)
    assert world.count(world.one, "product") == 0
    one.create_product(PRODUCT, "again")
    one.create_price(price("1000"), "price")
    with pytest.raises(Refused):
        one.delete_product(PRODUCT.id)
    assert world.count(world.one, "product") == 1


def test_every_request_leaves_its_id(world: World) -> None:
    """For the log and Stripe's support; a list of its own for each trace."""
    ids: list[str] = []
    traced = world.providers.for_account(world.one, livemode=False, trace=ids)
    traced.create_customer(CUSTOMER, "c")
    traced.account()
    assert len(ids) == len(set(ids)) == 2
    assert all(each.startswith("req_") for each in ids)
    world.disconnect(world.one)
    with pytest.raises(AccountGone):
        traced.account()
    assert provider_of(world, world.two).account().id == world.two
    assert len(ids) in (2, 3), "a refused request has an id at Stripe, too"
