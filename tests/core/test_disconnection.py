"""Letting go of an account: seen before, done once, and alike from both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from flask_crm_stripe.errors import (
    AccountGone,
    Conflict,
    InvalidInput,
    NotConnected,
    ProviderFailed,
    Refused,
    Unreachable,
    WrongPlatform,
)
from flask_crm_stripe.model.connection import Connection, ConnectionState, Ending, RemoteSubscription
from flask_crm_stripe.model.events import EventState, IncomingEvent
from flask_crm_stripe.model.log import FAILED, LogFilter
from tests.core.samples import YARD
from tests.core.world import CONSULTING, World


def ended(world: World, business: str = "hp") -> Connection:
    """The newest connection, which has to be over."""
    latest = world.billing(business).connection.latest()
    assert latest is not None
    assert latest.state is ConnectionState.ENDED
    return latest


def test_what_is_open_is_seen_before(connected: World) -> None:
    """Open invoices with their sums, drafts and subscriptions; what is the other business's is not."""
    sent = connected.generate(refs=("11",))
    draft = connected.generate(refs=("12",), form_key="second", send=False)
    connected.generate("kestrel")
    customer = next(iter(connected.shops["hp"].customers))
    running = RemoteSubscription("sub_1", customer, "active", 4900, "eur", "month")
    strange = RemoteSubscription("sub_2", "cus_elsewhere", "active", 100, "eur", "month")
    over = RemoteSubscription("sub_3", customer, "canceled", 100, "eur", "month")
    connected.shops["hp"].subscriptions += [running, strange, over]
    left = connected.billing().disconnection.preview()
    assert [row.id for row in left.open_rows] == [sent.id]
    assert [(row.currency, row.amount) for row in left.outstanding] == [("eur", sent.total)]
    assert ([row.id for row in left.draft_rows], left.draft_count) == ([draft.id], 1)
    assert left.subscriptions is not None
    assert [(each.contact_name, each.at_stripe) for each in left.subscriptions] == [(sent.contact_name, running)]
    assert left.seen() == connected.billing().disconnection.preview().seen()


def test_unfinished_work_and_what_waits_are_seen(connected: World) -> None:
    """An invoice that stands still, services that wait, messages, requests."""
    connected.shops["hp"].fail_next("add_lines", Unreachable("No answer."))
    with pytest.raises(Unreachable):
        connected.generate()
    connected.crm.add("hp", replace(CONSULTING, name="Renamed"))
    connected.billing().catalogue.note()
    left = connected.billing().disconnection.preview()
    assert len(left.unfinished) == 1
    assert left.waiting_services == 1
    assert (left.waiting_events, left.waiting_approvals) == (0, 0)


def test_a_customer_without_an_invoice_has_the_crms_key_for_a_name(connected: World) -> None:
    """Its only draft was deleted, and the subscription goes on."""
    draft = connected.generate(send=False)
    connected.billing().invoicing.delete_draft(draft.id)
    customer = next(iter(connected.shops["hp"].customers))
    connected.shops["hp"].subscriptions.append(RemoteSubscription("sub_1", customer, "active", 1, "eur", "year"))
    left = connected.billing().disconnection.preview()
    assert left.subscriptions is not None
    assert left.subscriptions[0].contact_name == f"{draft.contact.kind} {draft.contact.ref}"


def test_a_look_changes_with_what_is_open(connected: World) -> None:
    """So whoever presses the button after something changed looks again."""
    before = connected.billing().disconnection.preview().seen()
    connected.generate()
    assert connected.billing().disconnection.preview().seen() != before


def test_a_silent_stripe_leaves_the_subscriptions_unknown(connected: World) -> None:
    """They are said to be not known; the rest is shown. An account that is gone is another matter."""
    connected.generate()
    connected.shops["hp"].fail_next("list_subscriptions", Unreachable("No answer."))
    assert connected.billing().disconnection.preview().subscriptions is None
    connected.shops["hp"].connected = False
    with pytest.raises(Conflict, match="ended this connection already"):
        connected.billing().disconnection.preview()
    assert ended(connected).ending is Ending.GONE


def test_disconnecting_revokes_erases_and_keeps_the_history(connected: World) -> None:
    """Only this business is affected; who wanted it and why stands there."""
    invoice = connected.generate(refs=("11",))
    connected.billing().disconnection.carry_out("  Moving banks ")
    assert not connected.shops["hp"].connected
    latest = ended(connected)
    assert (latest.ended_by, latest.ended_reason, latest.ending) == ("1", "Moving banks", Ending.DISCONNECTED)
    assert connected.billing().invoicing.get(invoice.id).status == "open"
    assert connected.billing().connection.health().state == "disconnected"
    assert connected.billing("kestrel").connection.live() is not None
    with pytest.raises(NotConnected):
        connected.generate(refs=("12",), form_key="new")
    with pytest.raises(InvalidInput):
        connected.billing("kestrel").disconnection.carry_out("")


@pytest.mark.parametrize("error", [Unreachable("No answer."), ProviderFailed("Broken.")])
def test_a_disconnection_that_stayed_unanswered_can_be_tried_again(connected: World, error: Exception) -> None:
    """Stripe may have done it: whoever finds it gone then knows who wanted it, and the state is the same."""
    connected.shops["hp"].fail_next("deauthorise", error, after=True)  # type: ignore[arg-type]
    with pytest.raises(type(error)):
        connected.billing().disconnection.carry_out("Moving banks")
    assert connected.billing().connection.live() is not None
    assert connected.billing().ledger.log.page(LogFilter(action="disconnect")).rows[0].outcome == FAILED
    with pytest.raises(AccountGone):
        connected.billing().connection.refresh()
    latest = ended(connected)
    assert (latest.ended_by, latest.ended_reason, latest.ending) == ("1", "Moving banks", Ending.DISCONNECTED)


def test_a_disconnection_that_stripe_refused_is_forgotten(connected: World) -> None:
    """It was not done: an end from the other side, later, is not this person's."""
    connected.shops["hp"].fail_next("deauthorise", Refused("Remove it in the dashboard."))
    with pytest.raises(Refused):
        connected.billing().disconnection.carry_out("Moving banks")
    live = connected.billing().connection.require_live()
    assert live.leaving_by is None
    connected.shops["hp"].connected = False
    with pytest.raises(AccountGone):
        connected.billing().connection.refresh()
    assert ended(connected).ending is Ending.GONE


def test_an_account_that_was_gone_already_is_let_go_all_the_same(connected: World) -> None:
    """Disconnected over there a moment ago: the person's wish is what stands."""
    connected.shops["hp"].fail_next("deauthorise", AccountGone("Gone."))
    connected.billing().disconnection.carry_out("Moving banks")
    assert ended(connected).ended_reason == "Moving banks"


def by_event(world: World) -> None:
    """Stripe tells us."""
    event = IncomingEvent(
        event_id="evt_gone",
        type="account.application.deauthorized",
        account_id="acct_hp",
        livemode=False,
        object_id="ca_1",
        object_type="application",
        created=world.clock.time,
        api_version=None,
        request_id=None,
        invoice_id=None,
        body=b"{}",
    )
    row = world.inbox.receive(event).row_id
    assert row is not None
    world.inbox.sweep()
    found = world.billing().ledger.events.get(row)
    assert found is not None
    assert found.state is EventState.APPLIED


@pytest.mark.parametrize("how", ["event", "call", "upkeep"])
def test_a_disconnection_at_stripes_side_ends_alike(connected: World, how: str) -> None:
    """By its event, by the first refused call, and by a round that goes on with something: one state, one notice, one
    mail, nothing retried for ever."""
    connected.billing().settings.save_notify("ops@example.com")
    invoice = connected.generate(refs=("11",))
    connected.shops["hp"].connected = False
    deeds: dict[str, Callable[[], object]] = {
        "event": lambda: by_event(connected),
        "call": lambda: connected.billing().invoicing.refresh(invoice.id),
        "upkeep": lambda: connected.billing().catalogue.sync(),
    }
    if how == "call":
        with pytest.raises(AccountGone):
            deeds[how]()
    else:
        connected.crm.add("hp", replace(CONSULTING, name="Renamed"))
        deeds[how]()
    latest = ended(connected)
    assert (latest.ending, latest.ended_reason) == (Ending.GONE, "Stripe no longer lets us act for this account.")
    subjects = [mail.subject for mail in connected.mailbox.mails]
    assert subjects == ["Stripe is disconnected: A business"]
    assert connected.billing().connection.health().headline == "Stripe was disconnected on Stripe's side."
    calls = len(connected.shops["hp"].calls)
    for _ in range(3):
        connected.clock.advance(hours=3)
        connected.upkeep.round()
    assert len(connected.shops["hp"].calls) == calls
    assert [mail.subject for mail in connected.mailbox.mails] == subjects
    assert connected.billing().invoicing.get(invoice.id).status == "open"
    assert connected.billing("kestrel").connection.live() is not None


def test_what_was_being_made_when_the_account_went_stands_still(connected: World) -> None:
    """Nothing goes on with it for ever; after connecting again it goes on where it stopped."""
    connected.shops["hp"].fail_next("finalise", AccountGone("Gone."))
    connected.shops["hp"].fail_next("platform_account", AccountGone("Gone."))
    with pytest.raises(AccountGone):
        connected.generate()
    assert connected.billing().connection.live() is not None, "nobody could tell whose fault it was"
    connected.shops["hp"].connected = False
    connected.clock.advance(minutes=10)
    connected.upkeep.round()
    assert ended(connected).ending is Ending.GONE
    connected.shops["hp"].connected = True
    connected.connect()
    for _ in range(2):  # The first one looks at how it stands now.
        connected.clock.advance(minutes=10)
        connected.upkeep.round()
    invoice = connected.billing().invoicing.source(YARD).rows[0].invoice
    assert invoice is not None
    assert invoice.status == "open"


def test_a_rejected_account_ends_the_same_way(connected: World) -> None:
    """Stripe lets us look, and takes no money for it any more, for good."""
    connected.billing().settings.save_notify("ops@example.com")
    account = connected.billing().connection.require_live().account
    rejected = replace(account, charges_enabled=False, payouts_enabled=False, disabled_reason="rejected.fraud")
    connected.shops["hp"].change_account(rejected)
    connected.billing().connection.refresh()
    assert ended(connected).ending is Ending.REJECTED
    assert [mail.subject for mail in connected.mailbox.mails] == ["Stripe is disconnected: A business"]


def test_our_own_wrong_key_disconnects_nobody(connected: World) -> None:
    """Stripe refuses in the same words, so it is asked whose key this is."""
    connected.shops["hp"].connected = False
    connected.shops["hp"].platform = "acct_another_platform"
    with pytest.raises(WrongPlatform, match="another Stripe platform"):
        connected.billing().connection.refresh()
    assert connected.billing().connection.live() is not None


def test_the_second_who_notices_changes_nothing(connected: World) -> None:
    """Event and call meet: ended once, told once."""
    connected.shops["hp"].connected = False
    live = connected.billing().connection.require_live()
    connected.billing().connection.end(live, Ending.GONE, "first")
    heard = len(connected.heard.signals)
    connected.billing().connection.end(live, Ending.REJECTED, "second")
    assert ended(connected).ended_reason == "first"
    assert len(connected.heard.signals) == heard


def test_an_old_event_of_a_connection_that_was_made_again_ends_nothing(connected: World) -> None:
    """The business has connected again since: Stripe is asked, not the event."""
    by_event(connected)
    assert connected.billing().connection.live() is not None
