"""Stripe's own list of an account's events, over FakeStripe."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flask_crm_stripe.adapters.stripe import endpoints
from flask_crm_stripe.ports.provider import Provider
from tests.contracts.provider_drafts import CUSTOMER
from tests.contracts.provider_worlds import SDKWorld, provider_of

PRODUCTS = ("customer.created", "customer.updated")


def told(world: SDKWorld, count: int = 3) -> Provider:
    """Customers were made, and Stripe has an event for each; the other account has one of its own."""
    one = provider_of(world, world.one)
    for number in range(count):
        one.create_customer(CUSTOMER, f"c{number}")
    provider_of(world, world.two).create_customer(CUSTOMER, "theirs")
    return one


def test_events_are_read_as_a_delivery_would_bring_them() -> None:
    """Newest first, with the account; of the asked types and time; each with its body."""
    world = SDKWorld()
    one = told(world)
    page = one.list_events(PRODUCTS, world.now() - timedelta(days=1))
    assert [(event.type, event.account_id, event.object_type) for event in page.events] == [
        ("customer.created", world.one, "customer")
    ] * 3
    assert page.after is None
    assert all(event.customer_id == event.object_id and event.body for event in page.events)
    assert one.list_events(("invoice.paid",), world.now() - timedelta(days=1)).events == ()
    assert one.list_events(PRODUCTS, world.now() + timedelta(hours=1)).events == ()


def test_a_long_list_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page is one request; nothing is skipped or read twice."""
    world = SDKWorld()
    one = told(world, 5)
    since, before, after = world.now() - timedelta(days=1), len(world.fake.requests), None
    found: list[str] = []
    monkeypatch.setattr(endpoints, "PAGE", 2)
    while True:
        page = one.list_events(PRODUCTS, since, after)
        found += [event.event_id for event in page.events]
        if (after := page.after) is None:
            break
    assert len(found) == len(set(found)) == 5
    assert len(world.fake.requests) - before == 3


def test_what_no_delivery_could_bring_is_left_out() -> None:
    """Stripe lists something of a shape that we would refuse: the rest is read."""
    world = SDKWorld()
    one = told(world)
    broken = next(iter(world.fake.world.store(world.one)["event"].values()))
    broken["data"] = {"object": None}
    assert len(one.list_events(PRODUCTS, world.now() - timedelta(days=1)).events) == 2
