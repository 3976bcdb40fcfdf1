"""The webhook endpoint at Stripe: made, looked at, mended and rolled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.core.endpoints import lacking
from flask_crm_stripe.core.event_types import WANTED
from flask_crm_stripe.errors import CopyLocked, NotPermitted, Unreachable
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.endpoints import RemoteEndpoint
from flask_crm_stripe.model.log import LogFilter
from flask_crm_stripe.testing.memory_news import API_VERSION
from tests.core.world import ELSEWHERE, HERE, HOOK, World

ALL = LogFilter()
OTHER = "https://old.example/stripe/webhooks"
VIEWER = Actor("5", "Vera", ["view", "connect"], session="login-5")
BY_HAND = RemoteEndpoint("we_hand", HOOK, True, True, ("*",), API_VERSION)


def problems(world: World) -> tuple[str, ...]:
    """What a look finds."""
    return world.billing().endpoints.look().problems


def change(world: World, endpoint_id: str, **changes: object) -> None:
    """Somebody does something in Stripe's dashboard."""
    there = world.stripe.endpoints
    there[endpoint_id] = replace(there[endpoint_id], **changes)  # type: ignore[arg-type]


def test_an_endpoint_is_made_with_its_events_and_version(connected: World) -> None:
    """Its secret is kept, it is told no one, and all is well; a second time changes nothing."""
    assert problems(connected) == ("missing",)
    endpoints = connected.billing().endpoints
    assert endpoints.own() is None
    assert endpoints.mend().problems == ()
    own = endpoints.own()
    assert own is not None
    assert (own.url, own.made_by) == (HOOK, "1")
    [made] = connected.stripe.endpoints.values()
    assert (made.url, made.connect, made.events, made.api_version) == (HOOK, True, WANTED, API_VERSION)
    assert connected.shared.endpoints.secrets() == ["whsec_1"]
    assert "whsec_1" not in repr(made)
    assert endpoints.mend().problems == ()
    assert len(connected.stripe.endpoints) == 1
    assert [line.action for line in connected.billing().ledger.log.page(ALL).rows[:1]] == ["endpoint.mend"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"enabled": False}, "disabled"),
        ({"url": OTHER}, "elsewhere"),
        ({"events": ("invoice.paid",)}, "events"),
        ({"api_version": "2019-01-01"}, "version"),
    ],
)
def test_what_somebody_changed_is_found_and_mended(connected: World, changes: dict[str, object], problem: str) -> None:
    """In one sentence with its remedy, until it is mended."""
    connected.billing().endpoints.mend()
    change(connected, "we_1", **changes)
    assert problems(connected) == (problem,)
    [trouble] = connected.billing().feed.troubles()
    assert trouble.kind == problem
    assert trouble.words.endswith("flask crm-stripe doctor --fix")
    assert (OTHER in trouble.words) == (problem == "elsewhere")
    assert connected.billing().endpoints.mend().problems == ()
    assert connected.billing().feed.troubles() == []


def test_a_deleted_one_is_made_anew(connected: World) -> None:
    """With another secret; the old one's is of no use, and goes when it would have gone anyway."""
    connected.billing().endpoints.mend()
    connected.stripe.endpoints.clear()
    assert problems(connected) == ("missing",)
    assert connected.billing().endpoints.mend().problems == ()


def test_one_made_by_hand_is_never_changed(connected: World) -> None:
    """It serves, if it works and its secret was given; where it is off, one of our own is made beside it."""
    connected.stripe.endpoints["we_hand"] = BY_HAND
    assert problems(connected) == ()
    change(connected, "we_hand", enabled=False)
    assert problems(connected) == ("disabled",)
    assert connected.billing().endpoints.mend().problems == ()
    assert connected.stripe.endpoints["we_hand"] == replace(BY_HAND, enabled=False)
    change(connected, "we_hand", enabled=True)
    assert problems(connected) == ("doubled",)
    [trouble] = connected.billing().feed.troubles()
    assert (trouble.how, "Delete the one" in trouble.words) == ("warning", True)


def test_without_a_secret_its_events_are_refused(connected: World) -> None:
    """Made by hand, and nobody gave us its secret."""
    connected.platform = replace(connected.platform, secrets_given=False)
    connected.stripe.endpoints["we_hand"] = BY_HAND
    assert problems(connected) == ("secret",)


def test_endpoints_of_others_are_none_of_ours(connected: World) -> None:
    """Another address, or one that hears of the platform's own account only."""
    connected.stripe.endpoints["we_1"] = replace(BY_HAND, id="we_1", url=OTHER)
    connected.stripe.endpoints["we_2"] = replace(BY_HAND, id="we_2", connect=False)
    assert problems(connected) == ("missing",)


def test_a_secret_is_rolled_without_a_gap(connected: World) -> None:
    """A second endpoint with a secret of its own; both are good until nothing can be on its way to the first."""
    connected.billing().endpoints.mend()
    assert connected.billing().endpoints.roll().problems == ()
    assert connected.shared.endpoints.secrets() == ["whsec_1", "whsec_2"]
    connected.clock.advance(days=3)
    connected.upkeep.round()
    assert set(connected.stripe.endpoints) == {"we_1", "we_2"}
    connected.clock.advance(days=1)
    connected.upkeep.round()
    assert set(connected.stripe.endpoints) == {"we_2"}
    assert connected.shared.endpoints.secrets() == ["whsec_2"]


def test_upkeep_looks_a_few_times_a_day(connected: World) -> None:
    """One request each time, by one worker; a silent Stripe changes nothing of what is known."""
    for _ in range(3):
        connected.clock.advance(minutes=5)
        connected.upkeep.round()
    assert looks(connected) == 1
    assert [trouble.kind for trouble in connected.billing().feed.troubles()] == ["missing"]
    connected.clock.advance(hours=7)
    connected.stripe.for_account("", livemode=False).fail_next("list_endpoints", Unreachable("No answer."))
    connected.upkeep.round()
    assert looks(connected) == 2
    assert [trouble.kind for trouble in connected.billing().feed.troubles()] == ["missing"]


def looks(world: World) -> int:
    """How often Stripe was asked."""
    return sum(call.method == "list_endpoints" for call in world.stripe.for_account("", livemode=False).calls)


def test_nobody_looks_where_nothing_is_connected(world: World) -> None:
    """There is no news to wait for."""
    world.upkeep.round()
    assert looks(world) == 0


def test_a_copy_looks_and_touches_nothing(connected: World) -> None:
    """Neither by hand nor by itself."""
    connected.billing().endpoints.mend()
    connected.billing().endpoints.roll()
    connected.clock.advance(days=9)
    connected.here = ELSEWHERE
    copy = connected.billing().endpoints
    assert copy.look().problems == ()
    for deed in (copy.mend, copy.roll, copy.retire):
        with pytest.raises(CopyLocked):
            deed()
    connected.upkeep.round()
    assert len(connected.stripe.endpoints) == 2
    connected.here = HERE


def test_not_everybody_may(connected: World) -> None:
    """It is the same for all businesses: admins only."""
    endpoints = connected.billing(actor=VIEWER).endpoints
    for deed in (endpoints.mend, endpoints.roll):
        with pytest.raises(NotPermitted):
            deed()


def test_an_endpoint_for_everything_lacks_nothing() -> None:
    """The star stands for all types."""
    assert lacking(BY_HAND) == set()
    assert lacking(replace(BY_HAND, events=WANTED[1:])) == {WANTED[0]}
