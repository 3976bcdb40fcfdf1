"""Events: stored once, applied by asking Stripe."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.errors import AccountGone, Unreachable
from flask_crm_stripe.model.connection import TaxSettings
from flask_crm_stripe.model.events import EventState, IncomingEvent
from flask_crm_stripe.model.invoices import CustomerDraft, Invoice, RemoteInvoice, Stage
from flask_crm_stripe.testing.memory_ledger import MemoryLedger
from tests.core.records import an_invoice
from tests.core.world import World


def state(world: World, number: int = 0, business: str = "hp") -> tuple[str, str | None]:
    """(state, reason) of the newest events."""
    event = world.billing(business).ledger.events.page().rows[number]
    return event.state, event.reason


def paid(world: World) -> Invoice:
    """An invoice that its customer has just paid at Stripe."""
    invoice = world.generate()
    world.shops["hp"].pay(invoice.stripe_id or "")
    return invoice


def test_an_event_is_stored_once_and_applied_by_asking(connected: World) -> None:
    """The same delivery twice is one row; the body says nothing that counts."""
    invoice = paid(connected)
    event = connected.event(invoice)
    received = connected.inbox.receive(event)
    assert (received.why, connected.inbox.receive(event).why) == ("stored", "known")
    assert connected.queue.calls[-1] == ("apply_events", {})
    connected.inbox.sweep()
    after = connected.billing().invoicing.get(invoice.id)
    assert (after.status, after.amount_paid) == ("paid", invoice.total)
    assert state(connected)[0] is EventState.APPLIED
    entry = connected.billing().ledger.invoices.timeline(invoice.id)[0]
    assert (entry.kind, entry.event_id, entry.request_id) == ("paid", "evt_1", "req_evt")
    connected.inbox.sweep()
    assert connected.heard.names().count("payment_succeeded") == 1


@pytest.mark.parametrize("change", [{"account_id": "acct_unknown"}, {"livemode": True}])
def test_an_unknown_account_or_the_other_mode_is_foreign(connected: World, change: dict[str, object]) -> None:
    """Nothing is stored."""
    event = replace(connected.event(paid(connected)), **change)  # type: ignore[arg-type]
    assert connected.inbox.receive(event).why == "foreign"
    assert connected.billing().ledger.events.page().rows == ()


def test_an_event_never_reaches_another_business(connected: World) -> None:
    """Kestrel's account cannot touch Harbour & Pine's invoice, whatever the event says."""
    invoice = paid(connected)
    event = replace(connected.event(invoice), account_id="acct_kestrel")
    connected.inbox.receive(event)
    connected.inbox.sweep()
    assert connected.billing().invoicing.get(invoice.id).status == "open"
    assert connected.billing("kestrel").ledger.events.page().rows[0].state is not EventState.APPLIED


def test_the_echo_of_our_own_steps_costs_no_look(connected: World) -> None:
    """Their answers told as much. Anything else beside them does, also of the same kind."""
    invoice = connected.generate()
    steps = connected.billing().ledger.journal.steps(f"invoice:{invoice.id}")
    echoes = [
        replace(connected.event(invoice, kind, number), request_id=steps[number].request_id)
        for number, kind in enumerate(("invoice.created", "invoice.updated", "invoice.finalized"))
    ]
    before = len(connected.shops["hp"].calls)
    for echo in echoes:
        connected.inbox.receive(echo)
    assert connected.inbox.sweep() == 3
    assert len(connected.shops["hp"].calls) == before
    assert state(connected)[0] is EventState.APPLIED
    for number, other in enumerate(("req_of_somebody", None)):
        connected.inbox.receive(replace(connected.event(invoice, "invoice.updated", 10 + number), request_id=other))
        connected.inbox.sweep()
        assert len(connected.shops["hp"].calls) > before
        before = len(connected.shops["hp"].calls)


def test_several_events_about_one_invoice_cost_one_look(connected: World) -> None:
    """All of them are done by it."""
    invoice = paid(connected)
    for number, kind in enumerate(("invoice.updated", "invoice.paid", "invoice_payment.paid")):
        connected.inbox.receive(connected.event(invoice, kind, number))
    before = len(connected.shops["hp"].calls)
    assert connected.inbox.sweep() == 3
    assert [call.method for call in connected.shops["hp"].calls[before:]] == ["invoice", "payments"]
    assert {event.state for event in connected.billing().ledger.events.page().rows} == {EventState.APPLIED}


def test_what_a_worker_comes_by_for_waits_for_its_like(connected: World) -> None:
    """The first sweep after the message takes all that has come; what comes meanwhile settles before it is looked at,
    or comes along with what is due about the same invoice."""
    connected.queue.settles = timedelta(seconds=1)
    invoice = paid(connected)
    connected.inbox.receive(connected.event(invoice, "invoice.created", 1))
    connected.clock.advance(seconds=0.5)
    connected.inbox.receive(connected.event(invoice, "invoice.paid", 2))
    before = len(connected.shops["hp"].calls)
    assert connected.inbox.sweep() == 2
    assert [call.method for call in connected.shops["hp"].calls[before:]] == ["invoice", "payments"]
    assert connected.billing().invoicing.get(invoice.id).status == "paid"


def test_a_payment_that_an_invoice_tells_of_is_not_looked_for_again(connected: World) -> None:
    """Stripe tells of a payment with events that do not name the invoice: the look at the invoice shows it as well. A
    dispute is news that no picture shows, and is applied by itself."""
    invoice = paid(connected)
    intent = f"pi_{invoice.stripe_id}"
    for number, kind in enumerate(("payment_intent.succeeded", "charge.refunded", "invoice.paid"), 1):
        event = connected.event(invoice, kind, number)
        if kind != "invoice.paid":
            event = replace(event, invoice_id=None, object_id=intent, payment_intent=intent)
        connected.inbox.receive(event)
    before = len(connected.shops["hp"].calls)
    assert connected.inbox.sweep() == 3
    assert [call.method for call in connected.shops["hp"].calls[before:]] == ["invoice", "payments"]
    assert connected.billing().ledger.events.counts()["waiting"] == 0


def test_a_type_that_billing_does_not_need_is_ignored(connected: World) -> None:
    """And kept, with the reason."""
    connected.inbox.receive(connected.event(paid(connected), "payout.paid"))
    connected.inbox.sweep()
    assert state(connected) == (EventState.IGNORED, "Billing needs nothing of this kind.")


def test_a_type_that_is_not_needed_never_decides_for_a_payment(connected: World) -> None:
    """Both are about the same invoice and wait together; the newer one is of a kind that billing ignores."""
    invoice = paid(connected)
    connected.inbox.receive(connected.event(invoice, "invoice.paid", 1))
    connected.inbox.receive(connected.event(invoice, "invoice.will_be_due", 2))
    connected.inbox.sweep()
    assert connected.billing().invoicing.get(invoice.id).status == "paid"
    states = {event.type: event.state for event in connected.billing().ledger.events.page().rows}
    assert states == {"invoice.paid": EventState.APPLIED, "invoice.will_be_due": EventState.IGNORED}


def test_an_old_disconnection_does_not_end_a_new_connection(connected: World) -> None:
    """Stripe delivered it late; the business has connected again, and Stripe still lets us act."""
    invoice = paid(connected)
    event = connected.event(invoice, "account.application.deauthorized")
    connected.inbox.receive(replace(event, invoice_id=None, object_id="ca_1"))
    connected.inbox.sweep()
    assert connected.billing().connection.live() is not None


def test_an_invoice_made_elsewhere_is_ignored(connected: World) -> None:
    """Made in the dashboard, or by another program, or with metadata that somebody else wrote."""
    ours = connected.generate()
    shop = connected.shops["hp"]
    other = shop.create_invoice(replace(shop.invoices[ours.stripe_id or ""].draft, metadata={}), "dashboard-1")
    copied = shop.create_invoice(shop.invoices[ours.stripe_id or ""].draft, "dashboard-2")
    for number, stripe_id in enumerate((other.id, copied.id)):
        event = replace(connected.event(ours, "invoice.updated", number), invoice_id=stripe_id, object_id=stripe_id)
        connected.inbox.receive(event)
        connected.inbox.sweep()
        assert state(connected) == (EventState.IGNORED, "The invoice was not made here.")
    gone = replace(connected.event(ours, "invoice.deleted", 9), invoice_id="in_gone", object_id="in_gone")
    connected.inbox.receive(gone)
    connected.inbox.sweep()
    assert state(connected)[0] is EventState.IGNORED


def test_an_invoice_of_another_account_is_not_taken_for_ours(connected: World) -> None:
    """It was planned on the account before, which never answered; on the new one somebody writes its id on theirs."""
    shop = connected.shops["hp"]
    shop.fail_next("create_invoice", Unreachable("No answer."), after=True)
    with pytest.raises(Unreachable) as caught:
        connected.generate()
    invoice = connected.billing().invoicing.get(caught.value.invoice_id or "")
    [theirs] = shop.invoices.values()
    connected.billing().disconnection.carry_out("Another bank")
    new = connected.stripe.add_account("acct_new")
    connected.connect("hp", "acct_new")
    somebody = new.create_customer(CustomerDraft("Somebody", None, None, None), "c")
    copied = new.create_invoice(replace(theirs.draft, customer=somebody.id), "by-hand")
    event = replace(connected.event(invoice, "invoice.created"), account_id="acct_new", invoice_id=copied.id)
    connected.inbox.receive(replace(event, object_id=copied.id))
    connected.inbox.sweep()
    assert state(connected) == (EventState.IGNORED, "The invoice was not made here.")
    assert connected.billing().invoicing.get(invoice.id).stripe_id is None


def test_an_event_before_our_own_commit_is_matched_by_our_id(connected: World) -> None:
    """Stripe made the invoice, the answer was lost, the event came first: no second invoice follows."""
    shop = connected.shops["hp"]
    shop.fail_next("create_invoice", Unreachable("No answer."), after=True)
    with pytest.raises(Unreachable) as caught:
        connected.generate()
    (stripe_id,) = shop.invoices
    invoice = connected.billing().invoicing.get(caught.value.invoice_id or "")
    connected.inbox.receive(
        replace(connected.event(invoice, "invoice.created"), invoice_id=stripe_id, object_id=stripe_id)
    )
    connected.inbox.sweep()
    assert connected.billing().invoicing.get(invoice.id).stripe_id == stripe_id
    assert connected.billing().invoicing.send(invoice.id).stage is Stage.SENT
    assert len(shop.invoices) == 1


def test_what_fails_is_tried_again_and_in_the_end_needs_attention(connected: World) -> None:
    """With growing waits; a button tries it again."""
    invoice = paid(connected)
    shop = connected.shops["hp"]
    shop.fail_next("invoice", Unreachable("No answer."), times=12)
    connected.inbox.receive(connected.event(invoice))
    for attempt in range(12):
        assert connected.inbox.sweep() == 1, attempt
        assert connected.inbox.sweep() == 0, "not before its time"
        connected.clock.advance(hours=7)
    assert connected.inbox.sweep() == 0
    assert state(connected) == (EventState.FAILED, "No answer.")
    events = connected.billing().ledger.events
    assert connected.billing().connection.health().failed_events == 1
    events.retry([events.page().rows[0].id], connected.clock.now())
    connected.inbox.sweep()
    assert connected.billing().invoicing.get(invoice.id).status == "paid"


def test_a_fault_of_the_host_loses_no_event(
    connected: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged with its traceback, and the event waits."""
    invoice = paid(connected)
    connected.inbox.receive(connected.event(invoice))

    def broken(refs: object, status: object) -> None:
        raise RuntimeError("the host's own bug")

    with monkeypatch.context() as patch:
        patch.setattr(connected.crm.for_business("hp"), "set_billing_status", broken)
        connected.inbox.sweep()
    assert "Applying event evt_1 failed" in caplog.text
    connected.clock.advance(hours=1)
    connected.inbox.sweep()
    assert connected.crm.statuses("hp") == {"11": "paid", "12": "paid"}
    assert connected.heard.names().count("payment_succeeded") == 1, "the news is not lost with the first attempt"


def test_what_a_dead_worker_took_is_taken_up(connected: World) -> None:
    """It claimed the event and was killed: another applies it when the claim has run out, not before."""
    invoice = paid(connected)
    connected.inbox.receive(connected.event(invoice))
    now = connected.clock.now()
    assert len(connected.shared.claim_events(now, 9, now + timedelta(seconds=60))) == 1
    assert connected.inbox.sweep() == 0
    connected.clock.advance(seconds=60)
    assert connected.inbox.sweep() == 1
    assert connected.billing().invoicing.get(invoice.id).status == "paid"


def test_one_worker_at_a_time_for_one_invoice(connected: World) -> None:
    """The event waits until the other has finished."""
    invoice = paid(connected)
    connected.inbox.receive(connected.event(invoice))
    name = f"event:invoice:{invoice.stripe_id}"
    connected.billing().ledger.lease(name, "somebody", connected.clock.now(), 60)
    connected.inbox.sweep()
    assert state(connected)[0] is EventState.WAITING
    connected.billing().ledger.release(name, "somebody")
    connected.clock.advance(seconds=2)
    connected.inbox.sweep()
    assert state(connected)[0] is EventState.APPLIED


@pytest.mark.parametrize(("kind", "word"), [("invoice.overdue", "overdue"), ("charge.dispute.created", "disputed")])
def test_what_no_picture_shows_stands_in_the_history_once(connected: World, kind: str, word: str) -> None:
    """A deadline that passed and a dispute: also where the event is applied again; who wants to know gets one mail."""
    connected.billing().settings.save_notify("", **{word: "finance@example.com"})
    connected.mailbox.mails.clear()
    invoice = paid(connected)
    event = connected.event(invoice, kind)
    if kind.startswith("charge"):
        event = replace(event, invoice_id=None, object_id="dp_1", payment_intent=f"pi_{invoice.stripe_id}")
    row = connected.inbox.receive(event).row_id
    connected.inbox.sweep()
    assert row is not None
    connected.billing().ledger.events.retry([row], connected.clock.now())
    connected.inbox.sweep()
    kinds = [entry.kind for entry in connected.billing().ledger.invoices.timeline(invoice.id)]
    assert kinds.count(word) == 1
    [mail] = connected.mailbox.mails
    assert mail.to == ("finance@example.com",)
    assert state(connected)[0] is EventState.APPLIED


def test_events_of_a_payment_find_its_invoice(connected: World) -> None:
    """By what is known of it, or by asking; together with those of the invoice; one that pays none is ignored."""
    invoice, shop = paid(connected), connected.shops["hp"]
    intent = f"pi_{invoice.stripe_id}"

    def about(kind: str, number: int, payment_intent: str = intent) -> IncomingEvent:
        event = connected.event(invoice, kind, number)
        return replace(event, invoice_id=None, object_id=payment_intent, payment_intent=payment_intent)

    connected.inbox.receive(about("payment_intent.succeeded", 1))
    connected.inbox.receive(about("payment_intent.succeeded", 2, "pi_of_others"))
    connected.inbox.sweep()
    assert connected.billing().invoicing.get(invoice.id).status == "paid"
    said = {each.event_id: (each.state, each.reason) for each in connected.billing().ledger.events.page().rows}
    assert said["evt_1"][0] is EventState.APPLIED
    assert said["evt_2"] == (EventState.IGNORED, "The payment is not for an invoice.")
    before = len(shop.calls)
    connected.inbox.receive(about("charge.refunded", 3))
    connected.inbox.receive(connected.event(invoice, "invoice.updated", 4))
    connected.inbox.sweep()
    assert [call.method for call in shop.calls[before:]] == ["invoice", "payments"], "one look for both"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("product.updated", "What a service is stands in the CRM."),
        ("customer.updated", "Who a customer is stands in the CRM."),
        ("customer.subscription.updated", "Billing needs nothing of this kind."),
        ("invoice.new_in_2031", "Billing needs nothing of this kind."),
    ],
)
def test_what_is_not_needed_says_why(connected: World, kind: str, words: str) -> None:
    """And costs no question to Stripe."""
    event = replace(connected.event(connected.generate(), kind), invoice_id=None)
    calls = len(connected.shops["hp"].calls)
    connected.inbox.receive(event)
    connected.inbox.sweep()
    assert state(connected) == (EventState.IGNORED, words)
    assert len(connected.shops["hp"].calls) == calls


def test_what_is_not_needed_any_more_is_let_go(connected: World) -> None:
    """An event that waits while the software is changed, or that was found and not brought."""
    event = replace(connected.event(connected.generate(), "product.updated"), invoice_id=None)
    connected.billing().ledger.events.keep(event, connected.clock.now())
    assert connected.inbox.sweep() == 1
    assert state(connected) == (EventState.IGNORED, "What a service is stands in the CRM.")


def test_a_business_that_cannot_be_opened_keeps_no_other_waiting(
    connected: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its events are taken up again when the claim runs out."""
    mine, theirs = paid(connected), connected.generate("kestrel")
    connected.shops["kestrel"].pay(theirs.stripe_id or "")
    connected.inbox.receive(connected.event(mine))
    connected.inbox.receive(connected.event(theirs, number=2))
    really = connected.platform.system

    def broken(business: str) -> Billing:
        if business == "hp":
            raise RuntimeError("The CRM is away.")
        return really(business)

    connected.inbox = replace(connected.inbox, billing=broken)
    assert connected.inbox.sweep() == 1
    assert connected.billing("kestrel").invoicing.get(theirs.id).status == "paid"
    connected.inbox = replace(connected.inbox, billing=really)
    connected.clock.advance(seconds=61)
    assert connected.inbox.sweep() == 1
    assert connected.billing().invoicing.get(mine.id).status == "paid"


def test_what_comes_while_another_worker_is_asking_is_left_to_it(
    connected: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks once more before it stops: nothing waits for a sweep that nobody makes."""
    invoice, shop = connected.generate(), connected.shops["hp"]
    really = shop.invoice
    meanwhile: list[object] = []

    def asked(stripe_id: str) -> RemoteInvoice:
        answer = really(stripe_id)
        if not meanwhile:
            meanwhile.append(shop.pay(stripe_id))
            connected.inbox.receive(connected.event(invoice, "invoice.paid", 2))
            assert connected.inbox.sweep() == 0
        return answer

    monkeypatch.setattr(shop, "invoice", asked)
    connected.inbox.receive(connected.event(invoice, "invoice.sent", 1))
    assert connected.inbox.sweep() == 2
    assert connected.billing().invoicing.get(invoice.id).status == "paid"
    assert connected.billing().ledger.events.counts()["waiting"] == 0


def test_what_another_worker_leaves_in_the_same_moment_is_taken(
    connected: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had looked for the last time just before the event was given back to it."""
    connected.inbox.receive(connected.event(paid(connected)))
    really, asked = MemoryLedger.lease, list[str]()

    def lease(ledger: MemoryLedger, name: str, *rest: Any) -> int | None:
        asked.append(name)
        return None if len(asked) == 1 else really(ledger, name, *rest)

    monkeypatch.setattr(MemoryLedger, "lease", lease)
    assert connected.inbox.sweep() == 1
    assert state(connected)[0] is EventState.APPLIED


def test_a_disconnection_at_stripe_ends_the_connection(connected: World) -> None:
    """By its event; what comes after it is ignored."""
    invoice = paid(connected)
    event = replace(connected.event(invoice, "account.application.deauthorized"), invoice_id=None, object_id="ca_1")
    late = connected.event(invoice, "invoice.updated", 2)
    connected.inbox.receive(event)
    connected.inbox.receive(late)
    connected.shops["hp"].connected = False
    connected.inbox.sweep()
    assert connected.billing().connection.live() is None
    states = {each.type: each.state for each in connected.billing().ledger.events.page().rows}
    assert states["account.application.deauthorized"] is EventState.APPLIED
    assert states["invoice.updated"] is EventState.IGNORED


def test_a_refused_account_ends_the_connection_without_its_event(connected: World) -> None:
    """Nothing is tried for ever."""
    invoice = paid(connected)
    connected.inbox.receive(connected.event(invoice))
    connected.shops["hp"].connected = False
    connected.inbox.sweep()
    assert connected.billing().connection.live() is None
    assert state(connected)[0] is EventState.IGNORED


def told(world: World, kind: str, account: str = "acct_hp") -> tuple[str, str | None]:
    """An event about the account itself, received and applied: its state and reason."""
    event = replace(world.event(an_invoice()), type=kind, account_id=account, object_id=account, invoice_id=None)
    world.inbox.receive(event)
    world.inbox.sweep()
    return state(world)


@pytest.mark.parametrize("kind", ["account.updated", "capability.updated", "tax.settings.updated"])
def test_news_of_the_account_is_asked_for(connected: World, kind: str) -> None:
    """What it can do now, and how Stripe Tax stands where the event is about that."""
    account = connected.billing().connection.require_live().account
    connected.shops["hp"].change_account(replace(account, payouts_enabled=False))
    connected.shops["hp"].tax = TaxSettings("pending", ("head_office",))
    assert told(connected, kind) == (EventState.APPLIED, None)
    now = connected.billing().connection.require_live().account
    assert not now.payouts_enabled
    assert now.tax.status == ("pending" if kind == "tax.settings.updated" else "active")


def test_an_event_that_waited_for_an_account_that_went_is_let_go(connected: World) -> None:
    """It is not tried for ever; nothing of it can be asked any more."""
    connected.inbox.receive(connected.event(paid(connected)))
    connected.billing().disconnection.carry_out("Another bank")
    connected.inbox.sweep()
    assert state(connected) == (EventState.IGNORED, "The account is no longer connected.")


def test_an_event_that_finds_the_account_gone_ends_the_connection(connected: World) -> None:
    """The first refused call does."""
    connected.inbox.receive(connected.event(paid(connected)))
    connected.shops["hp"].connected = False
    connected.inbox.sweep()
    assert state(connected) == (EventState.IGNORED, "The account is no longer connected.")
    assert connected.billing().connection.live() is None


def test_an_event_waits_where_nobody_can_tell_whose_fault_it_is(connected: World) -> None:
    """Stripe did not say whose key this is: tried again later."""
    connected.inbox.receive(connected.event(paid(connected)))
    connected.shops["hp"].fail_next("invoice", AccountGone("Gone."))
    connected.shops["hp"].fail_next("platform_account", Unreachable("No answer."))
    connected.inbox.sweep()
    assert state(connected)[0] is EventState.WAITING
    connected.clock.advance(hours=1)
    connected.inbox.sweep()
    assert state(connected) == (EventState.APPLIED, None)
