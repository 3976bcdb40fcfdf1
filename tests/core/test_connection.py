"""A business connects, and lets go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flask_crm_stripe.core.connection import diagnose
from flask_crm_stripe.errors import AccountGone, AccountTaken, ConsentFailed, NotConnected, NotFound, NotPermitted
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.connection import Connection, ConnectionState, Grant
from tests.core.world import INES, World

GRANT = Grant("acct_hp", False, "read_write", {"access_token": "tok"})
VIEWER = Actor("9", "Pieter", ["view"], session="login-1")


def test_connecting_ends_with_a_live_connection_and_a_sync(world: World) -> None:
    """Begin, claim, accept, confirm; then the services follow. The other business stays unconnected."""
    connection = world.connect()
    assert connection.state is ConnectionState.LIVE
    assert world.billing().connection.require_live().account_id == "acct_hp"
    assert world.billing("kestrel").connection.live() is None
    assert world.queue.calls == [("sync_services", {"business": "hp"})]
    assert world.heard.names() == ["connection_changed"]


def test_nothing_is_used_before_a_person_confirms(world: World) -> None:
    """A pending connection is no connection."""
    connections = world.billing().connection
    connections.claim(connections.begin())
    pending = connections.accept(GRANT)
    assert connections.pending(pending.id).account.id == "acct_hp"
    with pytest.raises(NotConnected):
        connections.require_live()


def test_a_state_is_good_once(world: World) -> None:
    """The second claim comes before any second exchange, which would revoke the connection."""
    connections = world.billing().connection
    state = connections.begin()
    connections.claim(state)
    with pytest.raises(ConsentFailed) as caught:
        connections.claim(state)
    assert caught.value.reason == "unknown"


@pytest.mark.parametrize(
    ("business", "actor", "reason"),
    [
        ("kestrel", INES, "foreign"),
        ("hp", replace(INES, ref="2"), "foreign"),
        ("hp", replace(INES, session="login-2"), "new_login"),
    ],
)
def test_a_return_elsewhere_is_refused(world: World, business: str, actor: Actor, reason: str) -> None:
    """In another business, by another person, after a new login. The state is used up all the same."""
    state = world.billing().connection.begin()
    with pytest.raises(ConsentFailed) as caught:
        world.billing(business, actor).connection.claim(state)
    assert caught.value.reason == reason
    with pytest.raises(ConsentFailed):
        world.billing().connection.claim(state)


def test_an_expired_or_missing_state_is_refused(world: World) -> None:
    """After a quarter of an hour one starts again."""
    connections = world.billing().connection
    state = connections.begin()
    world.clock.advance(minutes=16)
    for given in (state, "", "made-up"):
        with pytest.raises(ConsentFailed):
            connections.claim(given)


def test_a_state_of_the_other_mode_is_refused(world: World) -> None:
    """A key changed from test to live between start and return."""
    state = world.billing().connection.begin()
    with pytest.raises(ConsentFailed) as caught:
        replace(world.billing().connection, livemode=True).claim(state)
    assert caught.value.reason == "mode"


def test_a_grant_of_the_other_mode_is_refused(world: World) -> None:
    """Test and live are never mixed."""
    with pytest.raises(ConsentFailed, match="other mode"):
        world.billing().connection.accept(replace(GRANT, livemode=True))


def test_rights_are_checked_again_on_return(world: World) -> None:
    """Somebody who lost the right in between gets no further."""
    state = world.billing().connection.begin()
    lost = replace(INES, permissions=frozenset(("view",)))
    connections = world.billing(actor=lost).connection
    with pytest.raises(NotPermitted):
        connections.claim(state)


def test_a_viewer_may_do_none_of_it(world: World) -> None:
    """Each use case asks for itself."""
    connection = world.connect()
    connections = world.billing(actor=VIEWER).connection
    for deed in (
        connections.begin,
        lambda: connections.accept(GRANT),
        lambda: connections.pending(connection.id),
        lambda: connections.disconnect("because"),
    ):
        with pytest.raises(NotPermitted):
            deed()
    assert connections.health().state == "ok"


def test_one_account_is_live_for_one_business(world: World) -> None:
    """The second business is refused, and nothing of the first changes."""
    world.connect("hp")
    with pytest.raises(AccountTaken):
        world.connect("kestrel", account="acct_hp")
    assert world.billing("hp").connection.live() is not None


def test_another_businesss_pending_connection_does_not_exist_here(world: World) -> None:
    """Guessing ids finds nothing."""
    connections = world.billing().connection
    connections.claim(connections.begin())
    pending = connections.accept(GRANT)
    with pytest.raises(NotFound):
        world.billing("kestrel").connection.confirm(pending.id)
    with pytest.raises(NotFound):
        connections.pending("nothing")


def test_declining_gives_the_right_back_to_stripe(world: World) -> None:
    """And forgets what came back."""
    connections = world.billing().connection
    connections.claim(connections.begin())
    pending = connections.accept(GRANT)
    connections.decline(pending.id)
    assert not world.shops["hp"].connected
    with pytest.raises(NotFound):
        connections.pending(pending.id)


def test_declining_an_account_that_is_in_use_does_not_disconnect_it(world: World) -> None:
    """Another business may be living on that account."""
    world.connect("hp")
    connections = world.billing("kestrel").connection
    connections.claim(connections.begin())
    connections.decline(connections.accept(GRANT).id)
    assert world.shops["hp"].connected


def test_disconnecting_revokes_and_keeps_the_history(connected: World) -> None:
    """Only this business is affected."""
    connected.billing().connection.disconnect("Moving banks")
    assert not connected.shops["hp"].connected
    latest = connected.billing().connection.latest()
    assert latest is not None
    assert latest.state is ConnectionState.ENDED
    assert connected.billing().connection.health().state == "disconnected"
    assert connected.billing("kestrel").connection.live() is not None


def test_refreshing_stores_what_stripe_says_now(connected: World) -> None:
    """Charges were switched off over there."""
    account = connected.billing().connection.require_live().account
    connected.shops["hp"].change_account(replace(account, charges_enabled=False))
    assert not connected.billing().connection.refresh().account.charges_enabled
    assert connected.billing().connection.health().state == "problem"


def test_a_revoked_account_ends_the_connection(connected: World) -> None:
    """Noticed by the first refused call."""
    connected.shops["hp"].connected = False
    with pytest.raises(AccountGone):
        connected.billing().connection.refresh()
    assert connected.billing().connection.live() is None


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({}, "ok", "payouts reach your bank"),
        ({"payouts_enabled": False}, "warning", "Stripe paused it"),
        ({"charges_enabled": False, "requirements": ("tos",)}, "problem", "asks for more"),
        ({"charges_enabled": False, "details_submitted": False}, "problem", "not set up completely"),
        ({"requirements": ("tos",)}, "warning", "will ask for more"),
        (
            {"requirements": ("tos",), "requirements_deadline": datetime(2026, 12, 4, tzinfo=UTC)},
            "warning",
            "by 4 December 2026",
        ),
    ],
)
def test_health_is_one_answer_in_words(world: World, changes: dict[str, object], state: str, words: str) -> None:
    """What is, and what to do."""
    connection = world.connect()
    account = replace(connection.account, **changes)  # type: ignore[arg-type]
    found, _, detail = diagnose(replace(connection, account=account))
    assert (found, words in detail) == (state, True)


def test_no_connection_has_an_answer_too() -> None:
    """Before the first one."""
    none: Connection | None = None
    assert diagnose(none)[0] == "none"
