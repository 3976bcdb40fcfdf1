"""Test the connection: one service is sent to Stripe and taken back, and nothing is left of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.errors import InvalidInput, NotConnected, NotPermitted, Refused, Unreachable
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.log import LogFilter
from tests.core.world import CONSULTING, World

TEST_ONLY = "crm_test_"


def methods(world: World, business: str = "hp") -> list[str]:
    """What Stripe was asked, without looks at the account."""
    looks = ("account", "tax_settings", "currencies", "platform_account")
    return [call.method for call in world.shops[business].calls if call.method not in looks]


def test_a_service_is_sent_and_taken_back(connected: World) -> None:
    """Under an id of its own, out of sight of customers; the service's own product is not touched."""
    connected.billing().catalogue.sync()
    before, products = len(methods(connected)), dict(connected.shops["hp"].products)
    assert connected.billing().probe.run() == "Senior consulting"
    assert methods(connected)[before:] == ["create_product", "delete_product"]
    assert connected.shops["hp"].products == products
    draft = next(call.request[0] for call in connected.shops["hp"].calls[::-1] if call.method == "create_product")
    assert getattr(draft, "id", "").startswith(TEST_ONLY)
    assert getattr(draft, "active", None) is False
    line = connected.billing().ledger.log.page(LogFilter(action="connection.test")).rows[0]
    assert len((line.request_id or "").split()) == 2
    assert methods(connected, "kestrel") == []


def test_it_can_be_run_again(connected: World) -> None:
    """Each run makes and deletes anew."""
    for _ in range(3):
        connected.billing().probe.run()
    assert methods(connected).count("create_product") == 3
    assert connected.shops["hp"].products == {}


@pytest.mark.parametrize("after", [False, True])
def test_a_test_that_was_cut_off_leaves_nothing(connected: World, after: bool) -> None:
    """Whether or not Stripe made the product, the next round or the next test takes it back."""
    connected.shops["hp"].fail_next("create_product", Unreachable("No answer."), after=after)
    with pytest.raises(Unreachable):
        connected.billing().probe.run()
    assert len(connected.shops["hp"].products) == int(after)
    connected.clock.advance(hours=2)
    connected.upkeep.round()
    assert connected.shops["hp"].products == {}
    connected.billing().probe.run()
    assert connected.shops["hp"].products == {}


def test_a_product_that_could_not_be_taken_back_is_taken_back_later(connected: World) -> None:
    """Its deleting stayed unanswered, too."""
    connected.shops["hp"].fail_next("delete_product", Unreachable("No answer."))
    with pytest.raises(Unreachable):
        connected.billing().probe.run()
    assert len(connected.shops["hp"].products) == 1
    assert connected.billing().probe.clean()
    assert connected.shops["hp"].products == {}
    assert not connected.billing().probe.clean()


def test_what_stripe_refuses_is_said_and_leaves_nothing_to_clean(connected: World) -> None:
    """The connection does not work: that is what the test was for."""
    connected.shops["hp"].fail_next("create_product", Refused("The key may not do that."))
    with pytest.raises(Refused, match="may not do that"):
        connected.billing().probe.run()
    assert not connected.billing().probe.clean()


def test_it_takes_the_first_service_that_stripe_would_take(connected: World) -> None:
    """Not an inactive one, and not one whose price is broken. Without any there is nothing to try it with."""
    connected.crm.add("hp", replace(CONSULTING, ref="1", name="Old", active=False))
    connected.crm.add("hp", replace(CONSULTING, ref="0", name="Broken", problem="Its price is no number."))
    assert connected.billing().probe.run() == "Senior consulting"
    connected.crm.remove("hp", CONSULTING)
    with pytest.raises(InvalidInput, match="no service to try it with"):
        connected.billing().probe.run()


def test_it_needs_the_right_and_a_connection(world: World) -> None:
    """As sending services does."""
    assert not world.billing().probe.clean()
    with pytest.raises(NotConnected):
        world.billing().probe.run()
    with pytest.raises(NotPermitted):
        world.billing(actor=Actor("9", "Pieter", ["view", "connect"])).probe.run()
