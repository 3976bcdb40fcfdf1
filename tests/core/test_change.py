"""Another account takes the place of the one before, or live mode follows test mode."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.core import change
from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.change import match_customers, match_services
from flask_crm_stripe.errors import (
    AccountGone,
    AccountTaken,
    BillableTaken,
    Conflict,
    NotFound,
    ProviderError,
    Refused,
    Unreachable,
)
from flask_crm_stripe.model.connection import AccountChoices, Connection, Ending, Grant, RemoteThing
from flask_crm_stripe.model.crm import Contact, ContactRef, Service
from flask_crm_stripe.model.invoices import CustomerDraft, InvoiceFilter, RemoteInvoice, Stage
from flask_crm_stripe.testing.memory_provider import MemoryProvider
from tests.core.samples import YARD, ZONEN
from tests.core.world import CONSULTING, World

ZONEN_KEY = f"{ZONEN.ref.kind}:{ZONEN.ref.ref}"


def offered(
    world: World, account: str = "acct_new", business: str = "hp"
) -> tuple[Billing, Connection, MemoryProvider]:
    """The business came back from Stripe with another account."""
    shop = world.stripe.accounts.get(account) or world.stripe.add_account(account, "New B.V.")
    billing = world.billing(business)
    connections = billing.connection
    connections.claim(connections.begin())
    pending = connections.accept(Grant(account, world.stripe.livemode, "read_write", {"access_token": "tok"}))
    return billing, pending, shop


def gone_live(world: World) -> None:
    """The operator set a live key: same database, same accounts, live mode."""
    in_mode(world, livemode=True)


def in_mode(world: World, *, livemode: bool) -> None:
    """The operator set a key of this mode."""
    world.stripe.livemode = livemode
    world.platform = replace(world.platform, livemode=livemode)
    world.inbox = replace(world.inbox, billing=world.platform.system)
    world.upkeep = replace(world.upkeep, platform=world.platform, inbox=world.inbox)


def test_what_is_affected_is_seen_before(connected: World) -> None:
    """Open invoices, drafts, customers and services, and which of them the new account knows already."""
    sent = connected.generate(refs=("11",))
    connected.generate(refs=("12",), form_key="second", send=False)
    billing, pending, shop = offered(connected)
    known = shop.create_customer(CustomerDraft("Zonen b.v.", (ZONEN.email or "").upper(), None, None), "c")
    plan = billing.change.plan(pending.id)
    assert plan is not None
    assert plan.same_mode
    assert (plan.previous.account_id, plan.customers, plan.services, plan.tested) == ("acct_hp", 1, 1, 0)
    assert ([row.id for row in plan.left.open_rows], plan.left.draft_count) == ([sent.id], 1)
    assert [(match.ref, match.name, match.there.id) for match in plan.matched_customers] == [
        (ZONEN_KEY, ZONEN.name, known.id)
    ]
    assert plan.matched_services == ()
    assert billing.connection.require_live().account_id == "acct_hp", "nothing is changed by looking"


def test_a_first_account_and_the_same_one_again_replace_nothing(world: World) -> None:
    """There is nothing to plan, and nothing to carry out."""
    billing, pending, _ = offered(world, "acct_hp")
    assert billing.change.plan(pending.id) is None
    with pytest.raises(Conflict, match="another by now"):
        billing.change.carry_out(pending.id, AccountChoices("nothing"))
    billing.connection.confirm(pending.id)
    billing, again, _ = offered(world, "acct_hp")
    assert billing.change.plan(again.id) is None
    assert billing.connection.confirm(again.id).account_id == "acct_hp"


def test_another_account_replaces_the_one_before(connected: World) -> None:
    """The old one is given back, its history stays readable and is never added to the new one's; matches are used, the
    rest is made anew, and the work of drafts is free."""
    sent = connected.generate(refs=("11",))
    draft = connected.generate(refs=("12",), form_key="second", send=False)
    billing, pending, shop = offered(connected)
    known = shop.create_customer(CustomerDraft(ZONEN.name, ZONEN.email, None, None), "c")
    plan = billing.change.plan(pending.id)
    assert plan is not None
    choices = AccountChoices(plan.previous.id, {ZONEN_KEY: known.id}, {}, free_drafts=True)
    connection = billing.change.carry_out(pending.id, choices)
    assert not connected.shops["hp"].connected
    assert billing.connection.require_live().id == connection.id
    before = billing.ledger.connections.get(plan.previous.id)
    assert before is not None
    assert (before.ending, before.ended_by) == (Ending.REPLACED, "1")
    assert before.ended_reason == "Another connection took its place."
    assert billing.invoicing.get(sent.id).status == "open"
    assert billing.invoicing.get(draft.id).stage is Stage.ABANDONED
    anew = connected.generate(refs=("12",), form_key="third")
    assert (anew.account_id, anew.status) == ("acct_new", "open")
    assert set(shop.customers) == {known.id}
    assert [each.books for each in billing.ledger.connections.history()] == [("acct_new", False), ("acct_hp", False)]
    old = InvoiceFilter(books=("acct_hp", False))
    assert [row.amount for row in billing.ledger.invoices.outstanding(old, connected.clock.now())] == [sent.total]
    assert connected.billing("kestrel").connection.live() is not None


def test_drafts_that_are_kept_hold_their_work(connected: World) -> None:
    """Their work is on them still; they can't be sent from here any more."""
    draft = connected.generate(send=False)
    billing, pending, _ = offered(connected)
    plan = billing.change.plan(pending.id)
    assert plan is not None
    billing.change.carry_out(pending.id, AccountChoices(plan.previous.id))
    assert billing.invoicing.get(draft.id).stage is Stage.CHECKED
    with pytest.raises(Conflict, match="no longer connected"):
        billing.invoicing.send(draft.id)
    billing.invoicing.delete_draft(draft.id)
    assert connected.generate(form_key="again").account_id == "acct_new"


def test_a_product_that_is_there_is_brought_up_to_date_instead_of_made(connected: World) -> None:
    """Made by this CRM once, or of the same name."""
    connected.billing().catalogue.sync()
    billing, pending, shop = offered(connected)
    wanted = next(iter(connected.shops["hp"].products.values())).draft
    shop.create_product(replace(wanted, id="prod_there", name="senior CONSULTING", metadata={}), "p")
    plan = billing.change.plan(pending.id)
    assert plan is not None
    assert [(match.ref, match.there.id) for match in plan.matched_services] == [("2", "prod_there")]
    choices = AccountChoices(plan.previous.id, {}, {"2": "prod_there", "not-ours": "prod_other"})
    connection = billing.change.carry_out(pending.id, choices)
    assert connection.change is not None
    assert connection.change.products == {"2": "prod_there"}
    connected.upkeep.round()
    assert set(shop.products) == {"prod_there"}
    product = shop.products["prod_there"]
    assert product.draft.name == "Senior consulting"
    assert product.draft.metadata["crm_service"] == "2"


def test_choices_that_are_not_ours_are_left_out(connected: World) -> None:
    """Refs come back from a form: another business's contact is nobody here."""
    billing, pending, _ = offered(connected)
    plan = billing.change.plan(pending.id)
    assert plan is not None
    choices = AccountChoices(plan.previous.id, {"organization:foreign": "cus_1", "nonsense": "cus_2"})
    connection = billing.change.carry_out(pending.id, choices)
    assert connection.change is not None
    assert connection.change.customers == {}


def test_a_link_and_a_product_that_exist_already_are_not_replaced(connected: World) -> None:
    """The account was here before: what is linked stays linked."""
    connected.generate()
    billing, pending, shop = offered(connected)
    theirs = shop.create_customer(CustomerDraft(ZONEN.name, ZONEN.email, None, None), "c")
    plan = billing.change.plan(pending.id)
    assert plan is not None
    billing.ledger.customers.linked(
        billing.ledger.customers.link("acct_new", False, ZONEN.ref, connected.clock.now()).id, "cus_before", "hash"
    )
    billing.change.carry_out(pending.id, AccountChoices(plan.previous.id, {ZONEN_KEY: theirs.id}))
    link = billing.ledger.customers.find("acct_new", False, ZONEN.ref)
    assert link is not None
    assert link.customer_id == "cus_before"
    billing.catalogue.sync()
    entry = billing.ledger.catalogue.entry("acct_new", False, "2")
    assert entry is not None
    again = replace(billing.connection.require_live(), changed_at=None, change=AccountChoices("x", {}, {"2": "prod_x"}))
    billing.change.complete(again)
    assert billing.ledger.catalogue.entry("acct_new", False, "2") == entry
    assert shop.connected


def test_somebody_else_replaced_it_meanwhile(connected: World) -> None:
    """The person looks again; nothing was changed."""
    billing, pending, _ = offered(connected)
    plan = billing.change.plan(pending.id)
    assert plan is not None
    billing.disconnection.carry_out("Another bank")
    connected.stripe.add_account("acct_third")
    connected.connect("hp", "acct_third")
    with pytest.raises((Conflict, NotFound)):
        billing.change.carry_out(pending.id, AccountChoices(plan.previous.id))
    assert billing.connection.require_live().account_id == "acct_third"


def test_an_account_of_another_business_is_refused_before_anything_happens(connected: World) -> None:
    """It is live over there. The one that is connected here stays so."""
    billing, pending, _ = offered(connected, "acct_kestrel")
    plan = billing.change.plan(pending.id)
    assert plan is not None
    with pytest.raises(AccountTaken):
        billing.change.carry_out(pending.id, AccountChoices(plan.previous.id))
    assert billing.connection.require_live().account_id == "acct_hp"
    assert connected.shops["hp"].connected


@pytest.mark.parametrize("error", [Unreachable("No answer."), AccountGone("Gone."), Refused("Not from here.")])
def test_giving_the_old_account_back_is_tried_until_stripe_answers(connected: World, error: ProviderError) -> None:
    """The new one is in use meanwhile. Gone or refused counts as an answer: nothing is asked for ever."""
    billing, pending, _ = offered(connected)
    plan = billing.change.plan(pending.id)
    assert plan is not None
    connected.shops["hp"].fail_next("deauthorise", error)
    connection = billing.change.carry_out(pending.id, AccountChoices(plan.previous.id))
    assert billing.connection.require_live().id == connection.id
    for _ in range(3):
        connected.upkeep.round()
    tries = sum(call.method == "deauthorise" for call in connected.shops["hp"].calls)
    assert tries == (2 if error.unknown else 1)
    assert billing.connection.require_live().changed_at is not None


def test_an_old_account_that_another_business_took_is_not_given_back(connected: World) -> None:
    """It was freed a moment ago and is in use over there."""
    billing, pending, _ = offered(connected)
    plan = billing.change.plan(pending.id)
    assert plan is not None
    connected.shops["hp"].fail_next("deauthorise", Unreachable("No answer."))
    billing.change.carry_out(pending.id, AccountChoices(plan.previous.id))
    connected.billing("kestrel").disconnection.carry_out("Wants another one")
    connected.connect("kestrel", "acct_hp")
    connected.upkeep.round()
    assert connected.shops["hp"].connected


def test_a_change_that_was_interrupted_is_completed_by_the_next_round(connected: World) -> None:
    """The process died after the account became live: what was chosen is stored with it."""
    draft = connected.generate(send=False)
    billing, pending, shop = offered(connected)
    known = shop.create_customer(CustomerDraft(ZONEN.name, ZONEN.email, None, None), "c")
    plan = billing.change.plan(pending.id)
    assert plan is not None
    choices = AccountChoices(plan.previous.id, {ZONEN_KEY: known.id}, {}, free_drafts=True)
    billing.connection.confirm(pending.id, choices)
    assert billing.invoicing.get(draft.id).stage is Stage.CHECKED
    for _ in range(2):
        connected.upkeep.round()
    assert billing.invoicing.get(draft.id).stage is Stage.ABANDONED
    link = billing.ledger.customers.find("acct_new", False, ZONEN.ref)
    assert link is not None
    assert link.customer_id == known.id
    assert billing.connection.require_live().changed_at is not None


@pytest.mark.parametrize("then", ["disconnect", "reconnect"])
def test_a_change_is_completed_although_its_connection_is_over(connected: World, then: str) -> None:
    """Stripe did not answer when the old account was given back, and somebody disconnected, or connected once more."""
    old = connected.shops["hp"]
    draft = connected.generate(send=False)
    billing, pending, _ = offered(connected)
    old.fail_next("deauthorise", Unreachable("No answer."))
    billing.change.carry_out(pending.id, choices(billing, pending, free_drafts=True))
    assert old.connected
    if then == "disconnect":
        connected.billing().disconnection.carry_out("Another bank")
    else:
        billing, again, _ = offered(connected)
        billing.connection.confirm(again.id)
    connected.upkeep.round()
    assert not old.connected
    assert connected.billing().invoicing.get(draft.id).stage is Stage.ABANDONED
    assert connected.billing().ledger.connections.unfinished_changes() == []


def test_a_change_of_the_other_mode_waits_for_its_key(connected: World) -> None:
    """A live key reaches nothing of a test account; when the test key is back, the rest is done. Once is enough."""
    old = connected.shops["hp"]
    billing, pending, _ = offered(connected)
    old.fail_next("deauthorise", Unreachable("No answer."))
    billing.change.carry_out(pending.id, choices(billing, pending))
    in_mode(connected, livemode=True)
    connected.upkeep.round()
    assert old.connected
    in_mode(connected, livemode=False)
    connected.upkeep.round()
    assert not old.connected
    now = connected.billing()
    calls = len(old.calls)
    now.change.complete(now.connection.require_live())
    assert len(old.calls) == calls


def test_drafts_are_freed_however_many_there_are(connected: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page."""
    monkeypatch.setattr(change, "AT_ONCE", 1)
    drafts = [connected.generate(refs=(ref,), form_key=ref, send=False) for ref in ("11", "12")]
    billing, pending, _ = offered(connected)
    billing.change.carry_out(pending.id, choices(billing, pending, free_drafts=True))
    stages = {connected.billing().invoicing.get(draft.id).stage for draft in drafts}
    assert stages == {Stage.ABANDONED}


def test_an_old_account_that_stripe_does_not_take_back_is_told(connected: World) -> None:
    """It would go on being ours to act for, and nobody would know."""
    old = connected.shops["hp"]
    billing, pending, _ = offered(connected)
    old.fail_next("deauthorise", Refused("No such application."))
    billing.change.carry_out(pending.id, choices(billing, pending))
    notices = {notice.kind: notice.params for notice in connected.billing().notices.open()}
    assert notices["not_given_back"]["account_id"] == "acct_hp"
    assert connected.billing().ledger.connections.unfinished_changes() == []


def choices(billing: Billing, pending: Connection, *, free_drafts: bool = False) -> AccountChoices:
    """What the person chose."""
    plan = billing.change.plan(pending.id)
    assert plan is not None
    return AccountChoices(plan.previous.id, free_drafts=free_drafts)


def test_a_draft_that_stripe_has_finalised_is_not_freed(connected: World) -> None:
    """The answer was lost, so it looks like a draft here: the customer has it, and its work is not billed again."""
    old = connected.shops["hp"]
    old.fail_next("finalise", Unreachable("No answer."), after=True)
    with pytest.raises(Unreachable) as caught:
        connected.generate()
    billing, pending, _ = offered(connected)
    billing.change.carry_out(pending.id, choices(billing, pending, free_drafts=True))
    found = connected.billing().invoicing.get(caught.value.invoice_id or "")
    assert (found.status, found.stage) == ("open", Stage.FINALISED)
    with pytest.raises(BillableTaken):
        connected.generate(form_key="again")


def test_a_draft_that_may_be_out_is_not_freed_where_nobody_can_ask(connected: World) -> None:
    """The account is gone: one that was to be sent keeps its work, one that was not gives it back."""
    old = connected.shops["hp"]
    old.fail_next("finalise", Unreachable("No answer."))
    with pytest.raises(Unreachable) as caught:
        connected.generate(refs=("11",))
    draft = connected.generate(refs=("12",), form_key="second", send=False)
    billing, pending, _ = offered(connected)
    wanted = choices(billing, pending, free_drafts=True)
    old.connected = False
    billing.change.carry_out(pending.id, wanted)
    get = connected.billing().invoicing.get
    assert get(caught.value.invoice_id or "").stage is Stage.CHECKED
    assert get(draft.id).stage is Stage.ABANDONED


def test_a_draft_that_is_being_sent_is_not_freed(connected: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people, two pages: the invoice goes out, the change waits for it, and the work is billed once."""
    old = connected.shops["hp"]
    billing, pending, _ = offered(connected)
    wanted, really = choices(billing, pending, free_drafts=True), old.finalise

    def meanwhile(invoice_id: str, key: str) -> RemoteInvoice:
        answer = really(invoice_id, key)
        billing.change.carry_out(pending.id, wanted)
        return answer

    monkeypatch.setattr(old, "finalise", meanwhile)
    sent = connected.generate()
    assert sent.status == "open"
    connected.upkeep.round()
    assert connected.billing().invoicing.get(sent.id).stage is Stage.SENT
    assert not old.connected


def test_a_freed_draft_does_not_take_the_status_of_the_next_invoice(connected: World) -> None:
    """The host hears late that the draft is gone; by then its work is on another invoice, whose status stands there."""
    connected.generate(send=False)
    billing, pending, _ = offered(connected)
    billing.change.carry_out(pending.id, choices(billing, pending, free_drafts=True))
    connected.generate(form_key="again")
    connected.upkeep.round()
    assert connected.crm.statuses("hp") == {"11": "open", "12": "open"}


def test_sending_a_draft_of_another_account_is_refused_and_forgotten(connected: World) -> None:
    """It does not go out by itself when that account is connected again."""
    draft = connected.generate(send=False)
    billing, pending, _ = offered(connected)
    billing.change.carry_out(pending.id, choices(billing, pending))
    with pytest.raises(Conflict):
        connected.billing().invoicing.send(draft.id)
    connected.shops["hp"].connected = True
    billing, pending, _ = offered(connected, "acct_hp")
    billing.change.carry_out(pending.id, choices(billing, pending))
    connected.clock.advance(minutes=10)
    connected.upkeep.round()
    assert connected.billing().invoicing.get(draft.id).status == "draft"


def test_a_test_after_going_live_leaves_what_was_really_billed(world: World) -> None:
    """A test key for an afternoon: the CRM goes on saying that the work is paid, whatever is tried out."""
    in_mode(world, livemode=True)
    billing, pending, _ = offered(world, "acct_hp")
    billing.connection.confirm(pending.id)
    really = world.generate(form_key="live")
    world.shops["hp"].pay(really.stripe_id or "")
    world.billing().invoicing.refresh(really.id)
    in_mode(world, livemode=False)
    billing, pending, _ = offered(world, "acct_hp")
    billing.change.carry_out(pending.id, choices(billing, pending))
    assert world.crm.statuses("hp") == {"11": "paid", "12": "paid"}
    world.generate(form_key="test")
    assert world.crm.statuses("hp") == {"11": "paid", "12": "paid"}


def test_live_mode_follows_test_mode(connected: World) -> None:
    """What was tried out is free to be billed for real, and loses its status in the CRM; test invoices stay readable
    and are in no live figure."""
    tried = connected.generate()
    assert set(connected.crm.statuses("hp").values()) == {"open"}
    gone_live(connected)
    billing, pending, _ = offered(connected, "acct_hp")
    plan = billing.change.plan(pending.id)
    assert plan is not None
    assert not plan.same_mode
    assert (plan.tested, plan.left.subscriptions, plan.customers) == (2, None, 1)
    assert pending.livemode
    connection = billing.change.carry_out(pending.id, AccountChoices(plan.previous.id))
    assert connection.books == ("acct_hp", True)
    assert connected.shops["hp"].connected, "the test account is not given back with a live key"
    assert set(connected.crm.statuses("hp").values()) == {""}
    assert billing.invoicing.get(tried.id).livemode is False
    assert [row.invoice for row in billing.invoicing.source(YARD).rows] == [None, None]
    real = connected.generate(form_key="for-real")
    assert (real.livemode, real.status) == (True, "open")
    for livemode, invoice in ((True, real), (False, tried)):
        page = billing.ledger.invoices.page(InvoiceFilter(books=("acct_hp", livemode)))
        assert [row.id for row in page.rows] == [invoice.id]
    billing.change.complete(replace(connection, changed_at=None))
    assert set(connected.crm.statuses("hp").values()) == {"open"}, "what is billed by now keeps its status"


def test_a_new_account_has_nothing_to_match_where_the_crm_has_nothing(world: World) -> None:
    """No service, nobody billed: Stripe is not even asked for lists."""
    world.connect()
    world.crm.remove("hp", CONSULTING)
    billing, pending, shop = offered(world)
    plan = billing.change.plan(pending.id)
    assert plan is not None
    assert (plan.matched_customers, plan.matched_services, plan.services) == ((), (), 0)
    assert [call.method for call in shop.calls if call.method.startswith("list")] == []


def contact(ref: str, email: str | None) -> Contact:
    """Somebody who pays."""
    return Contact(ContactRef("person", ref), f"Person {ref}", email)


def test_customers_are_matched_by_mail_address_and_only_where_there_is_no_doubt() -> None:
    """Two with one address, here or there, would bill the wrong one."""
    ours = [contact("1", "A@x.example"), contact("2", "twice@x.example"), contact("3", "twice@x.example")]
    ours += [contact("4", None), contact("5", "double@x.example"), contact("6", "nobody@x.example")]
    there = [
        RemoteThing("cus_1", "One", "a@X.example"),
        RemoteThing("cus_2", "Two", "twice@x.example"),
        RemoteThing("cus_3", "Three", "double@x.example"),
        RemoteThing("cus_4", "Four", "double@x.example"),
        RemoteThing("cus_5", "Five"),
    ]
    assert [(match.ref, match.there.id) for match in match_customers(ours, there)] == [("person:1", "cus_1")]


def test_services_are_matched_by_our_own_mark_then_by_name() -> None:
    """The mark of another business is none; two of one name are none."""
    ours = [Service(str(number), "", name) for number, name in enumerate(("Design", "Advice", "Twice", "Twice"), 1)]
    there = [
        RemoteThing("prod_1", "Renamed there", metadata={"crm_business": "hp", "crm_service": "1"}),
        RemoteThing("prod_2", "design", metadata={"crm_business": "kestrel", "crm_service": "1"}),
        RemoteThing("prod_3", "ADVICE"),
        RemoteThing("prod_4", "twice"),
    ]
    found = [(match.ref, match.there.id) for match in match_services(ours, there, "hp")]
    assert found == [("1", "prod_1"), ("2", "prod_3")]
