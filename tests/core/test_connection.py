"""A business connects, and lets go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from flask_crm_stripe.errors import (
    AccountGone,
    AccountTaken,
    ConsentFailed,
    NotConnected,
    NotFound,
    NotPermitted,
    Refused,
    Unreachable,
)
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.connection import ConnectionState, Grant
from tests.core.world import ELSEWHERE, HERE, INES, World

GRANT = Grant("acct_hp", False, "read_write", {"access_token": "tok"})
VIEWER = Actor("9", "Pieter", ["view"], session="login-1")


def test_connecting_ends_with_a_live_connection_and_a_sync(world: World) -> None:
    """Begin, claim, accept, confirm; then the services follow. The other business stays unconnected."""
    connection = world.connect()
    assert connection.state is ConnectionState.LIVE
    assert world.billing().connection.require_live().account_id == "acct_hp"
    assert world.billing("kestrel").connection.live() is None
    assert world.queue.calls == [("sync_services", {"business": "hp"})]
    assert world.heard.names() == ["notice_raised", "connection_changed"]


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
        lambda: connections.confirm(connection.id),
        lambda: connections.decline(connection.id),
        world.billing(actor=VIEWER).disconnection.preview,
        lambda: world.billing(actor=VIEWER).disconnection.carry_out("because"),
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


def test_what_is_declined_while_stripe_is_silent_is_given_back_later(world: World) -> None:
    """It is over here at once, for nobody wants it; the next round tells Stripe."""
    connections, shop = world.billing().connection, world.shops["hp"]
    pending = connections.accept(GRANT)
    shop.fail_next("deauthorise", Unreachable("No answer."), times=2)
    connections.decline(pending.id)
    with pytest.raises(NotFound):
        connections.pending(pending.id)
    world.upkeep.round()
    assert shop.connected
    world.upkeep.round()
    assert not shop.connected
    assert world.shared.dropped(False, world.clock.now()) == []


@pytest.mark.parametrize("left", ["another one", "a day", "no answer"])
def test_an_account_that_nobody_confirmed_is_given_back(world: World, left: str) -> None:
    """The wrong one was chosen and the page left; nobody came back; or Stripe did not say what account it is."""
    connections, wrong = world.billing().connection, world.stripe.add_account("acct_wrong")
    grant = Grant("acct_wrong", False, "read_write", {"access_token": "tok"})
    if left == "no answer":
        wrong.fail_next("account", Unreachable("No answer."))
        with pytest.raises(Unreachable):
            connections.accept(grant)
    else:
        connections.accept(grant)
    if left == "another one":
        connections.confirm(connections.accept(GRANT).id)
    if left == "a day":
        world.upkeep.round()
        assert wrong.connected
        world.clock.advance(days=1)
    world.upkeep.round()
    assert not wrong.connected


def test_a_copy_gives_nothing_back(world: World) -> None:
    """What nobody wanted is the original's to give back."""
    connections, shop = world.billing().connection, world.shops["hp"]
    connections.accept(GRANT)
    world.clock.advance(days=2)
    world.here = ELSEWHERE
    world.upkeep.round()
    assert shop.connected
    world.here = HERE
    world.upkeep.round()
    assert not shop.connected


def test_what_stripe_refuses_to_take_back_is_not_tried_for_ever(world: World) -> None:
    """There is nothing more to do about it here."""
    connections, shop = world.billing().connection, world.shops["hp"]
    shop.fail_next("deauthorise", Refused("No such account."))
    connections.decline(connections.accept(GRANT).id)
    assert world.shared.dropped(False, world.clock.now()) == []


def test_an_account_that_another_business_may_want_is_not_given_back(world: World) -> None:
    """One declines what waits for a word of another: that one can still confirm it."""
    theirs = world.billing("kestrel").connection.accept(GRANT)
    ours = world.billing().connection
    ours.decline(ours.accept(GRANT).id)
    assert world.shops["hp"].connected
    world.billing("kestrel").connection.confirm(theirs.id)


def test_of_two_who_decide_at_once_one_does(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Confirmed by one in the moment in which the other declines: it is live or given back, never both."""
    connections, shop = world.billing().connection, world.shops["hp"]
    pending, really = connections.accept(GRANT), shop.deauthorise

    def meanwhile() -> None:
        with pytest.raises(NotFound):
            connections.confirm(pending.id)
        really()

    monkeypatch.setattr(shop, "deauthorise", meanwhile)
    connections.decline(pending.id)
    assert connections.live() is None
    assert not shop.connected
    shop.connected = True
    again = connections.accept(GRANT)
    late = world.billing().connection
    monkeypatch.setattr(late.ledger.connections.__class__, "drop_pending", lambda *_: False)
    with pytest.raises(NotFound):
        late.decline(again.id)


def test_declining_an_account_that_is_in_use_does_not_disconnect_it(world: World) -> None:
    """Another business may be living on that account."""
    world.connect("hp")
    connections = world.billing("kestrel").connection
    connections.claim(connections.begin())
    connections.decline(connections.accept(GRANT).id)
    assert world.shops["hp"].connected


def test_the_account_is_described_with_tax_and_currencies(world: World) -> None:
    """What customers can pay in, and whether Stripe Tax is ready; neither is a reason to fail."""
    connection = world.connect()
    assert connection.account.currencies == ("chf", "eur", "gbp", "sek", "usd")
    assert connection.account.tax.status == "active"
    shop = world.shops["kestrel"]
    shop.fail_next("tax_settings", Unreachable("No answer."))
    shop.fail_next("currencies", Unreachable("No answer."))
    shop.fail_next("platform_account", Unreachable("No answer."))
    shop.change_account(replace(shop.account(), country=""))
    account = world.connect("kestrel").account
    assert (account.currencies, account.tax.status) == ((), "")


def test_an_account_without_a_country_has_no_list_of_currencies(world: World) -> None:
    """It is not complete yet: Stripe is not asked about no country."""
    shop = world.shops["hp"]
    shop.change_account(replace(shop.account(), country=""))
    assert world.connect().account.currencies == ()
    assert "currencies" not in [call.method for call in shop.calls]


def test_a_look_that_began_earlier_changes_nothing(connected: World) -> None:
    """Two looks at once: what was asked later stays, and no notice is made of the older answer."""
    live = connected.billing().connection.require_live()
    newer = replace(live.account, charges_enabled=True, checked_at=connected.clock.now() + timedelta(hours=1))
    connected.billing().ledger.connections.refresh(live.id, newer)
    connected.shops["hp"].change_account(replace(live.account, charges_enabled=False))
    heard = len(connected.heard.signals)
    connected.billing().connection.refresh()
    assert connected.billing().connection.require_live().account.charges_enabled
    assert len(connected.heard.signals) == heard


def test_a_change_for_the_worse_is_news(connected: World) -> None:
    """The admins hear of it by mail, and again when it is well."""
    connected.billing().settings.save_notify("ops@example.com")
    live = connected.billing().connection.require_live().account
    connected.shops["hp"].change_account(replace(live, charges_enabled=False, requirements=("external_account",)))
    connected.billing().connection.refresh()
    connected.billing().connection.refresh()
    connected.shops["hp"].change_account(live)
    connected.billing().connection.refresh()
    assert [mail.subject for mail in connected.mailbox.mails] == [
        "Customers can't pay you at the moment.",
        "All is well again: A business",
    ]
    assert "a bank account for payouts" in connected.mailbox.mails[0].text


def test_health_answers_in_a_sentence(connected: World) -> None:
    """State, headline and what to do, in one place."""
    health = connected.billing().connection.health()
    assert (health.state, health.headline, health.detail) == (
        "ok",
        "Customers can pay you,",
        "and payouts reach your bank.",
    )


def test_without_a_known_platform_the_account_counts_as_gone(connected: World) -> None:
    """An installation from before the platform was noted."""
    known = connected.shared.state.installation
    assert known is not None
    connected.shared.state.installation = replace(known, platform_account=None)
    connected.shops["hp"].connected = False
    with pytest.raises(AccountGone):
        connected.billing().connection.refresh()
    assert connected.billing().connection.live() is None


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
