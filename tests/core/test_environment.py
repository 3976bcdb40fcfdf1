"""A copy of the database can be read, and nothing goes out of it, until somebody says that it is the real one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace

import pytest

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.environment import check_reason, differing
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.errors import AccountGone, Conflict, CopyLocked, InvalidInput, NotPermitted, Unreachable
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.connection import AccountChoices, Grant
from flask_crm_stripe.model.log import REFUSED, LogFilter
from flask_crm_stripe.ports.provider import READS, Provider
from tests.core.samples import YARD
from tests.core.world import ELSEWHERE, HERE, World

Deed = Callable[[Billing], object]

WRITES: dict[str, Deed] = {
    "connect": lambda b: b.connection.begin(),
    "accept": lambda b: b.connection.claim("state"),
    "disconnect": lambda b: b.disconnection.carry_out("Because"),
    "test": lambda b: b.probe.run(),
    "sync": lambda b: b.catalogue.sync(),
    "make": lambda b: b.invoicing.generate(YARD, ["12"], Terms(), seen="", form_key="k", send=False),
    "send": lambda b: b.invoicing.send("0" * 32),
    "resume": lambda b: b.invoicing.resume("0" * 32),
    "delete": lambda b: b.invoicing.delete_draft("0" * 32),
    "ask": lambda b: b.invoicing.ask_to_send("0" * 32, "Because"),
    "agree": lambda b: b.second_person.agree("0" * 32),
}


def moved(world: World) -> World:
    """The same database, looked at from another environment."""
    world.here = ELSEWHERE
    return world


@pytest.mark.parametrize("name", [name for name in WRITES if name != "accept"])
def test_a_copy_does_nothing_and_says_why(connected: World, name: str) -> None:
    """Before it has asked Stripe anything; the log has it. At home the same goes on as usual."""
    before = [len(shop.calls) for shop in connected.shops.values()]
    copy = moved(connected).billing()
    with pytest.raises(CopyLocked, match="This is a copy"):
        WRITES[name](copy)
    assert [len(shop.calls) for shop in connected.shops.values()] == before
    line = copy.ledger.log.page(LogFilter()).rows[0]
    assert (line.action, line.outcome) == ("copy.locked", REFUSED)


def test_a_return_from_stripe_is_refused_in_a_copy(world: World) -> None:
    """Somebody began it here before the lock fell: the state is used up, and nothing is connected."""
    state = world.billing().connection.begin()
    with pytest.raises(CopyLocked):
        moved(world).billing().connection.claim(state)


@pytest.mark.parametrize("deed", ["confirm", "decline", "carry_out"])
def test_a_pending_account_is_neither_taken_nor_given_back_in_a_copy(world: World, deed: str) -> None:
    """It belongs to the original."""
    connections = world.billing().connection
    connections.claim(connections.begin())
    pending = connections.accept(Grant("acct_hp", False, "read_write"))
    copy = moved(world).billing()
    deeds: dict[str, Callable[[], object]] = {
        "confirm": lambda: copy.connection.confirm(pending.id),
        "decline": lambda: copy.connection.decline(pending.id),
        "carry_out": lambda: copy.change.carry_out(pending.id, AccountChoices("before")),
    }
    with pytest.raises(CopyLocked):
        deeds[deed]()
    assert world.shops["hp"].connected


def test_the_line_itself_is_cut_for_whatever_changes_something(connected: World) -> None:
    """Every method of the provider that isn't named as a read: no use case can forget to ask."""
    provider = moved(connected).billing().connection.provider()
    methods = [name for name, _ in inspect.getmembers(Provider, inspect.isfunction) if not name.startswith("_")]
    writes = [name for name in methods if name not in READS]
    assert len(writes) > 10
    assert set(methods) >= READS
    for name in writes:
        with pytest.raises(CopyLocked, match=name.replace("_", " ")):
            getattr(provider, name)("x", "y", "z")


def test_a_copy_can_read_at_stripe(connected: World) -> None:
    """How an invoice stands, what the account can do."""
    invoice = connected.generate()
    copy = moved(connected).billing()
    assert copy.invoicing.refresh(invoice.id).status == "open"
    assert copy.connection.refresh().account.charges_enabled


def test_nobody_is_disconnected_by_a_copy(connected: World) -> None:
    """Its key may be another's: what Stripe refuses it says nothing of the original."""
    connected.shops["hp"].connected = False
    copy = moved(connected).billing()
    with pytest.raises(AccountGone):
        copy.connection.refresh()
    assert copy.connection.live() is not None


def test_a_rejected_account_does_not_end_in_a_copy(connected: World) -> None:
    """The original will hear of it."""
    account = connected.billing().connection.require_live().account
    connected.shops["hp"].change_account(replace(account, charges_enabled=False, disabled_reason="rejected.fraud"))
    copy = moved(connected).billing()
    copy.connection.refresh()
    assert copy.connection.live() is not None


def test_upkeep_events_and_news_wait_in_a_copy(connected: World) -> None:
    """Nothing is resumed, synced, told or mailed; what waits, waits."""
    connected.billing().settings.save_notify("ops@example.com")
    connected.shops["hp"].fail_next("finalise", Unreachable("No answer."))
    with pytest.raises(Unreachable):
        connected.generate()
    connected.billing().catalogue.note()
    connected.shared.note("hp", "service", "2")
    row = connected.inbox.receive(connected.event(connected.generate("kestrel"))).row_id
    assert row is not None
    connected.clock.advance(hours=2)
    moved(connected)
    calls = {name: len(shop.calls) for name, shop in connected.shops.items()}
    heard, mails = len(connected.heard.signals), len(connected.mailbox.mails)
    done = connected.upkeep.round()
    connected.upkeep.sync_noted()
    assert (done.services, done.invoices, done.told) == (0, 0, 0)
    assert {name: len(shop.calls) for name, shop in connected.shops.items()} == calls
    assert (len(connected.heard.signals), len(connected.mailbox.mails)) == (heard, mails)
    assert connected.billing("kestrel").ledger.events.counts()["waiting"] == 1
    assert len(connected.shared.outbox()) == 1


def test_news_that_was_not_told_is_not_told_by_a_copy(connected: World) -> None:
    """Whoever asks for it: neither host nor mailbox hears; the original tells it when its turn comes."""
    billing = connected.billing()
    billing.settings.save_notify("ops@example.com")
    billing.notices.add("limits", "1", connected.clock.now(), what="“send”: no limit", reason="Because")
    heard, mails = len(connected.heard.signals), len(connected.mailbox.mails)
    assert moved(connected).billing().notices.tell() == 0
    assert (len(connected.heard.signals), len(connected.mailbox.mails)) == (heard, mails)
    connected.here = HERE
    assert connected.billing().notices.tell() == 1
    assert (len(connected.heard.signals), len(connected.mailbox.mails)) == (heard + 1, mails + 1)


def test_what_waits_in_a_copy_keeps_nothing_else_waiting(connected: World) -> None:
    """One business is at home here and the other is not: however much waits for that one, this one's work is done."""
    ours, theirs = connected.generate(), connected.generate("kestrel")
    for number in range(101):
        connected.inbox.receive(connected.event(theirs, number=number))
    for _ in range(501):
        connected.shared.note("kestrel", "service", "1")
    connected.inbox.receive(connected.event(ours, number=999))
    connected.shared.note("hp", "service", "2")
    moved(connected).billing().confirm_real("We moved to another machine.")
    done = connected.upkeep.round()
    assert (done.events, done.notes) == (1, 1)
    assert connected.billing().ledger.events.counts().get("waiting", 0) == 0
    assert connected.billing("kestrel").ledger.events.counts()["waiting"] == 101


def test_a_host_is_not_told_of_an_invoice_by_a_copy(connected: World) -> None:
    """Its receivers would write to real people."""
    invoice = connected.generate(send=False)
    connected.shops["hp"].finalise(invoice.stripe_id or "", "by hand")
    heard = len(connected.heard.signals)
    after = moved(connected).billing().invoicing.refresh(invoice.id)
    assert after.status == "open"
    assert len(connected.heard.signals) == heard


def test_an_admin_says_that_it_is_the_real_one(connected: World) -> None:
    """With a reason; then all works for this business, and the others are told. The other business stays locked."""
    connected.billing().settings.save_notify("ops@example.com")
    copy = moved(connected).billing()
    assert copy.environment.differences() == ("host",)
    copy.confirm_real("We moved to another machine.")
    assert not copy.environment.is_copy
    assert connected.generate().status == "open"
    assert connected.billing("kestrel").environment.is_copy
    assert copy.ledger.log.page(LogFilter(action="copy.confirm")).rows[0].reason == "We moved to another machine."
    assert [mail.subject for mail in connected.mailbox.mails][-1] == "Billing was unlocked"
    assert copy.connection.require_live().fingerprint == ELSEWHERE
    connected.here = HERE
    assert not connected.billing().environment.is_copy, "the original goes on"


def test_not_everybody_may_say_so_and_not_without_a_reason(connected: World) -> None:
    """The right to administer, and a sentence."""
    copy = moved(connected)
    with pytest.raises(NotPermitted):
        copy.billing(actor=Actor("9", "Pieter", ["view", "connect"])).confirm_real("Because I can")
    with pytest.raises(InvalidInput, match="reason"):
        copy.billing().confirm_real("no")
    assert copy.billing().environment.is_copy


def test_the_real_one_need_not_be_confirmed(connected: World) -> None:
    """Nothing is locked, so there is nothing to unlock."""
    with pytest.raises(Conflict, match="real one already"):
        connected.billing().confirm_real("Just to be sure")


@pytest.mark.parametrize(
    ("here", "homes", "parts"),
    [
        ("h.d.k", ["h.d.k"], ()),
        ("x.d.k", ["h.d.k"], ("host",)),
        ("x.x.k", ["h.d.k"], ("host", "database")),
        ("x.x.x", ["h.d.k", "y.x.x"], ("host",)),
        ("h.d.k", [], ("host", "database", "key")),
    ],
)
def test_what_is_different_is_named(here: str, homes: list[str], parts: tuple[str, ...]) -> None:
    """Compared with the home that is most like it."""
    assert differing(here, homes) == parts


@pytest.mark.parametrize("text", ["", "  ", "no", "x" * 501])
def test_a_reason_is_a_sentence(text: str) -> None:
    """Neither nothing nor a novel."""
    with pytest.raises(InvalidInput) as caught:
        check_reason(text)
    assert caught.value.field == "reason"
    assert check_reason("  Moved.  ") == "Moved."


def rolled(world: World) -> None:
    """The platform's key is another one; the rest is as it was."""
    world.here = "host.database.other"


def test_a_rolled_key_of_the_same_platform_is_recognised(connected: World) -> None:
    """Stripe says whose key it is: then it is no copy, for nobody, and work goes on in the same round."""
    rolled(connected)
    assert connected.billing().environment.is_copy
    connected.upkeep.round()
    for business in ("hp", "kestrel"):
        assert not connected.billing(business).environment.is_copy


def test_the_key_of_another_platform_is_not(connected: World) -> None:
    """It would act on other accounts; and Stripe is asked once a minute at most."""
    rolled(connected)
    connected.stripe.platform = "acct_other"
    assert not connected.upkeep.recognise_key()
    asked = sum(call.method == "platform_account" for call in connected.stripe.accounts[""].calls)
    assert not connected.upkeep.recognise_key()
    assert sum(call.method == "platform_account" for call in connected.stripe.accounts[""].calls) == asked
    assert connected.billing().environment.is_copy


def test_a_silent_stripe_leaves_the_question_open(connected: World) -> None:
    """It stays locked until somebody knows."""
    rolled(connected)
    connected.stripe.for_account("", livemode=False).fail_next("platform_account", Unreachable("No answer."))
    assert not connected.upkeep.recognise_key()
    connected.clock.advance(minutes=2)
    assert connected.upkeep.recognise_key()


def test_another_host_is_never_taken_for_a_rolled_key(connected: World) -> None:
    """Nor a key where no platform was ever noted."""
    moved(connected)
    assert not connected.upkeep.recognise_key()
    fresh = World()
    rolled(fresh)
    assert not fresh.upkeep.recognise_key()
