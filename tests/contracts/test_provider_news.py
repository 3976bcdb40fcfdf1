"""Contract of ports/provider.py: webhook endpoints of the platform, on the twin and on the SDK."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.core.event_types import WANTED
from flask_crm_stripe.errors import Refused
from tests.contracts.provider_worlds import World, both_worlds, provider_of

pytestmark = both_worlds
HOOK, MOVED = "https://crm.example/stripe/webhooks", "https://new.example/stripe/webhooks"


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A fresh Stripe with two businesses."""
    made: World = request.param()
    return made


def test_an_endpoint_tells_its_secret_once(world: World) -> None:
    """It hears of connected accounts, in the version that we speak; whichever account one asks through, it is there."""
    one, two = provider_of(world, world.one), provider_of(world, world.two)
    made = one.create_endpoint(HOOK, WANTED, "install", "k1")
    assert (made.secret or "").startswith("whsec_")
    assert (made.url, made.enabled, made.connect, made.api_version) == (HOOK, True, True, one.api_version)
    assert set(made.events) == set(WANTED)
    assert two.list_endpoints() == (replace(made, secret=None),)
    again = one.create_endpoint(HOOK, WANTED, "install", "k1")
    assert again.id == made.id, "the same key makes no second one"


def test_an_endpoint_is_brought_up_to_date_and_deleted(world: World) -> None:
    """Address and events; one that is gone can't be changed, and may be deleted again."""
    one = provider_of(world, world.one)
    made = one.create_endpoint(HOOK, ["invoice.paid"], "install", "k1")
    other = one.create_endpoint(MOVED, ["*"], "install", "k2")
    changed = one.update_endpoint(made.id, MOVED, WANTED)
    assert (changed.url, set(changed.events), changed.enabled) == (MOVED, set(WANTED), True)
    assert [each.id for each in one.list_endpoints()] == [other.id, made.id]
    for _ in range(2):
        one.delete_endpoint(made.id)
    assert [each.id for each in one.list_endpoints()] == [other.id]
    with pytest.raises(Refused):
        one.update_endpoint(made.id, HOOK, WANTED)
