"""What is done although nobody is looking."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.core.catalogue import Catalogue
from flask_crm_stripe.core.customers import Customers
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.invoice_steps import MAIL_UNCERTAIN, _Work
from flask_crm_stripe.core.upkeep import Done
from flask_crm_stripe.errors import InvalidInput, ProviderFailed, RateLimited, Refused, Unreachable
from flask_crm_stripe.model.invoices import Delivery, Invoice, Problem, Stage
from flask_crm_stripe.model.journal import Outcome
from flask_crm_stripe.model.log import LogFilter
from tests.core.records import a_payment, an_invoice
from tests.core.samples import ZONEN, billable
from tests.core.world import CONSULTING, ELSEWHERE, INES, World


def interrupted(world: World, method: str, error: Exception, after: bool = False) -> Invoice:
    """An invoice that stands still because one call broke."""
    world.shops["hp"].fail_next(method, error, after=after)  # type: ignore[arg-type]
    with pytest.raises(type(error)) as caught:
        world.generate()
    return world.billing().invoicing.get(caught.value.invoice_id)  # type: ignore[attr-defined]


def test_nothing_to_do_is_quick_and_calls_nobody(connected: World) -> None:
    """A round over two businesses in step."""
    assert connected.upkeep.round() == Done(0, 0, 0, 0, 0, 0)
    connected.generate()
    calls = len(connected.shops["hp"].calls)
    connected.upkeep.round()
    assert len(connected.shops["hp"].calls) == calls


@pytest.mark.parametrize(("ref", "kind"), [("2", "service"), ("*", "service")])
def test_notes_of_services_become_syncs(connected: World, ref: str, kind: str) -> None:
    """By ref, or all of them; in the business that wrote them."""
    connected.shared.note("hp", kind, ref)
    connected.upkeep.sync_noted()
    assert len(connected.shops["hp"].products) == 1
    assert connected.shops["kestrel"].products == {}
    assert connected.shared.outbox() == []


def test_a_note_for_everybody_reaches_everybody(connected: World) -> None:
    """A bulk statement does not tell whose rows it changed."""
    connected.shared.note("*", "service", "*")
    connected.upkeep.round()
    assert all(len(shop.products) == 1 for shop in connected.shops.values())


def test_notes_of_an_unconnected_business_are_dropped(world: World) -> None:
    """Connecting plans everything anyway."""
    world.shared.note("hp", "service", "2")
    world.upkeep.sync_noted()
    assert world.shared.outbox() == []
    world.upkeep.sync_noted()


def test_a_changed_contact_follows_and_stays_noted_until_it_is_through(connected: World) -> None:
    """Stripe was out of reach the first time."""
    customer_id = connected.billing().customers.ensure(ZONEN)
    connected.crm.add("hp", replace(ZONEN, name="Van den Berg B.V."))
    connected.shared.note("hp", "contact:organization", "7")
    connected.shared.note("hp", "contact:organization", "*")
    connected.shops["hp"].fail_next("update_customer", Unreachable("No answer."))
    connected.upkeep.round()
    assert len(connected.shared.outbox()) == 1
    connected.upkeep.round()
    assert connected.shared.outbox() == []
    assert connected.shops["hp"].customers[customer_id].draft.name == "Van den Berg B.V."


def test_a_note_that_can_never_be_followed_is_dropped(connected: World) -> None:
    """Stripe refuses the contact: the same would be refused in every round, and hold up nothing else."""
    connected.billing().customers.ensure(ZONEN)
    connected.crm.add("hp", replace(ZONEN, name="Van den Berg B.V."))
    connected.shared.note("hp", "contact:organization", "7")
    connected.shops["hp"].fail_next("update_customer", Refused("No."))
    connected.upkeep.round()
    assert connected.shared.outbox() == []


def test_one_businesss_trouble_keeps_no_other_waiting(
    connected: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A host that cannot be told raises; it is logged, and told in the next round."""
    invoices = [connected.generate(business) for business in ("hp", "kestrel")]
    for invoice, shop in zip(invoices, connected.shops.values(), strict=True):
        shop.pay(invoice.stripe_id or "")
    rows = connected.crm.for_business("hp")

    def broken(*_: object) -> None:
        raise RuntimeError("the host's own bug")

    connected.crm.add("hp", replace(CONSULTING, name="Very senior consulting"))
    connected.billing().catalogue.note()
    with monkeypatch.context() as patch:
        patch.setattr(rows, "set_billing_status", broken)
        patch.setattr(rows, "service", broken)
        assert connected.billing().invoicing.refresh(invoices[0].id).status == "paid"
        connected.billing("kestrel").invoicing.steps.refresh(invoices[1])
        assert connected.upkeep.round().told == 1
    assert "could not be told" in caplog.text
    assert "Upkeep of business hp failed" in caplog.text
    assert connected.crm.statuses("kestrel")["11"] == "paid"
    assert connected.upkeep.round().told == 1
    assert connected.crm.statuses("hp")["11"] == "paid"


def test_an_interrupted_invoice_is_finished_after_a_while(connected: World) -> None:
    """Not at once: somebody may still be at it."""
    invoice = interrupted(connected, "add_lines", Unreachable("No answer."))
    assert connected.upkeep.round().invoices == 0
    connected.clock.advance(minutes=5)
    assert connected.upkeep.round().invoices == 1
    assert connected.billing().invoicing.get(invoice.id).stage is Stage.SENT


def test_one_that_fails_again_stops_no_other(connected: World) -> None:
    """It is logged and tried in the next round."""
    interrupted(connected, "add_lines", Unreachable("No answer."))
    connected.clock.advance(minutes=5)
    connected.shops["hp"].fail_next("add_lines", RateLimited("Later."))
    assert connected.upkeep.round().invoices == 0


def test_what_stripe_refused_waits_for_a_person(connected: World) -> None:
    """The same request would be refused in every round."""
    interrupted(connected, "create_invoice", Refused("No."))
    connected.clock.advance(minutes=5)
    calls = len(connected.shops["hp"].calls)
    assert connected.upkeep.round().invoices == 0
    assert len(connected.shops["hp"].calls) == calls


def test_what_only_a_person_can_mend_is_not_tried_each_minute(connected: World) -> None:
    """The customer can't be told to Stripe as the CRM has it: said once, on the invoice and in the log."""
    connected.shops["hp"].fail_next("create_customer", InvalidInput("email", "This is no mail address."))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        connected.generate()
    lines = len(connected.billing().ledger.log.page(LogFilter()).rows)
    for _ in range(5):
        connected.clock.advance(minutes=5)
        connected.upkeep.round()
    assert len(connected.billing().ledger.log.page(LogFilter()).rows) == lines
    [invoice] = connected.billing().ledger.invoices.unfinished(
        connected.billing().connection.books(), connected.clock.now()
    )
    assert invoice.problem is not None
    assert invoice.problem.message == "This is no mail address."


def test_many_that_cannot_be_helped_stand_in_front_of_no_other(connected: World) -> None:
    """More than a page of refused invoices, and of ones that the host cannot be told, before one that can go on."""
    for number in range(100, 160):
        connected.crm.add("hp", billable(str(number)))
        connected.shops["hp"].fail_next("create_invoice", Refused("Never."))
        with pytest.raises(Refused):
            connected.generate(refs=(str(number),), form_key=f"k{number}")
    last = interrupted(connected, "create_invoice", Unreachable("No answer."))
    connected.clock.advance(minutes=10)
    assert connected.upkeep.round().invoices == 1
    assert connected.billing().invoicing.get(last.id).status == "open"
    assert connected.upkeep.round().told == 0


def test_a_contact_that_the_crm_cannot_tell_keeps_nothing_waiting(
    connected: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host's own function raises: its note stays, and everything else is done."""
    connected.billing().customers.ensure(ZONEN)
    connected.shared.note("hp", f"contact:{ZONEN.ref.kind}", ZONEN.ref.ref)
    connected.shared.note("hp", "service", "2")
    broken = interrupted(connected, "finalise", Unreachable("No answer."))

    def raising(*_: object) -> None:
        raise ValueError("Of the host's own.")

    monkeypatch.setattr(Customers, "follow", raising)
    connected.clock.advance(minutes=10)
    done = connected.upkeep.round()
    assert (done.invoices, connected.billing().invoicing.get(broken.id).status) == (1, "open")
    assert [note.kind for note in connected.shared.outbox()] == [f"contact:{ZONEN.ref.kind}"]


def test_a_business_whose_notes_cannot_be_read_keeps_no_other_waiting(
    connected: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever breaks: the notes stay, the other business's are followed."""
    connected.shared.note("hp", "service", "2")
    connected.shared.note("kestrel", "service", "2")
    really = Catalogue.note

    def one(catalogue: Catalogue, *args: object) -> None:
        if catalogue.ledger.business == "hp":
            raise ValueError("Of the host's own.")
        really(catalogue, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Catalogue, "note", one)
    connected.upkeep.round()
    assert [note.business for note in connected.shared.outbox()] == ["hp"]


def test_a_mail_that_may_be_out_is_not_sent_again_by_itself(connected: World) -> None:
    """A person decides: at most one mail without being asked."""
    invoice = interrupted(connected, "send", ProviderFailed("Broken."), after=True)
    connected.clock.advance(minutes=5)
    assert connected.upkeep.round().invoices == 0
    assert connected.billing().invoicing.get(invoice.id).stage is Stage.FINALISED


@pytest.mark.parametrize(("hours", "resumed"), [(1, 1), (24, 0)])
def test_a_mail_without_an_answer_is_repeated_while_its_key_lives(connected: World, hours: int, resumed: int) -> None:
    """Stripe answers the same key with what it did; after a day it would mail again."""
    interrupted(connected, "send", Unreachable("No answer."), after=True)
    connected.clock.advance(hours=hours)
    assert connected.upkeep.round().invoices == resumed
    (at_stripe,) = connected.shops["hp"].invoices.values()
    assert at_stripe.mails == 1


def test_a_mail_whose_answer_was_stored_is_not_sent_again(connected: World) -> None:
    """The process died between Stripe's answer and our own next step: it is only noted."""
    invoice = connected.generate(terms=Terms(delivery=Delivery.LINK))
    provider, journal = connected.shops["hp"], connected.billing().ledger.journal
    at = connected.clock.now()
    step = journal.start(f"invoice:{invoice.id}", "send", 1, "key", "hash", at, account_id="acct_hp", livemode=False)
    provider.send(invoice.stripe_id or "", "key")
    journal.finish(step.id, Outcome.DONE, connected.clock.now(), result_id=invoice.stripe_id)
    mailed = replace(invoice, plan=replace(invoice.plan, delivery=Delivery.MAIL))
    work = _Work(connected.billing().invoicing.steps, provider, INES)
    assert work.send(mailed).stage is Stage.SENT
    (at_stripe,) = provider.invoices.values()
    assert at_stripe.mails == 1


def killed_while_mailing(world: World) -> Invoice:
    """Stripe has mailed it, and the process died before it could note anything."""
    invoice = interrupted(world, "send", Unreachable("No answer."), after=True)
    return world.billing().ledger.invoices.advance(invoice.id, Stage.FINALISED, None, world.clock.now())


def test_a_mail_that_is_out_for_certain_is_noted_however_late(connected: World) -> None:
    """The process died between noting Stripe's answer and our own next step: no person is needed, no mail is sent."""
    invoice = killed_while_mailing(connected)
    billing, [at_stripe] = connected.billing(), connected.shops["hp"].invoices.values()
    step = billing.ledger.journal.last(f"invoice:{invoice.id}", "send")
    assert step is not None
    billing.ledger.journal.finish(step.id, Outcome.DONE, connected.clock.now(), result_id=invoice.stripe_id)
    connected.clock.advance(hours=25)
    assert connected.upkeep.round().invoices == 1
    assert billing.invoicing.get(invoice.id).stage is Stage.SENT
    assert at_stripe.mails == 1


def test_who_was_killed_while_mailing_said_nothing_so_upkeep_does(connected: World) -> None:
    """Once Stripe would not recognise the repeat, the invoice says that it waits for a person."""
    invoice = killed_while_mailing(connected)
    invoicing, [at_stripe] = connected.billing().invoicing, connected.shops["hp"].invoices.values()
    connected.clock.advance(hours=25)
    assert connected.upkeep.round().invoices == 0
    waiting = invoicing.get(invoice.id)
    assert waiting.problem == Problem(Unreachable.code, MAIL_UNCERTAIN)
    connected.clock.advance(hours=1)
    assert connected.upkeep.round().invoices == 0
    assert invoicing.get(invoice.id) == waiting, "said once"
    assert at_stripe.mails == 1
    done = invoicing.resume(invoice.id)
    assert (done.stage, done.problem, at_stripe.mails) == (Stage.SENT, None, 2)


def test_a_mail_that_was_certainly_not_sent_is_sent(connected: World) -> None:
    """Stripe had said 429."""
    interrupted(connected, "send", RateLimited("Later."))
    connected.clock.advance(minutes=5)
    assert connected.upkeep.round().invoices == 1


def test_a_mail_never_tried_is_sent(connected: World) -> None:
    """The process died between finalising and sending."""
    invoice = connected.generate(send=False)
    ledger = connected.billing().ledger
    ledger.invoices.want_sent(invoice.id, "1", connected.clock.now())
    remote = connected.shops["hp"].finalise(invoice.stripe_id or "", "key")
    ledger.invoices.advance(invoice.id, Stage.FINALISED, remote, connected.clock.now(), [])
    connected.clock.advance(minutes=5)
    assert connected.upkeep.round().invoices == 1


def test_the_host_is_told_what_a_crash_kept_from_it(connected: World) -> None:
    """Stored, then the process died before telling: at least once, with the same keys."""
    invoice = connected.generate()
    connected.shops["hp"].pay(invoice.stripe_id or "")
    connected.heard.signals.clear()
    connected.billing().invoicing.steps.refresh(invoice)
    assert connected.heard.signals == []
    assert connected.upkeep.round().told == 1
    assert connected.heard.names() == ["invoice_status_changed", "payment_succeeded"]
    keys = [payload["key"] for _, payload in connected.heard.signals]
    assert keys[1] == f"{connected.billing().ledger.invoices.payments(invoice.id)[0].stripe_id}:succeeded"
    assert connected.upkeep.round().told == 0


def test_a_pending_payment_is_no_news_yet(connected: World) -> None:
    """A transfer that is under way has neither succeeded nor failed."""
    billing = connected.billing()
    connected.heard.signals.clear()
    billing.invoicing.news.tell(connected.generate(), [])
    told = len(connected.heard.signals)
    billing.invoicing.news.tell(replace(an_invoice(status="open"), told_version=0), [a_payment(status="pending")])
    assert connected.heard.names()[told:] == ["invoice_created"]


def test_nothing_is_told_of_a_plan_that_stripe_does_not_know(connected: World) -> None:
    """The host hears of an invoice when there is one."""
    billing = connected.billing()
    billing.invoicing.news.tell(an_invoice(status=None))
    assert "invoice_created" not in connected.heard.names()


def test_services_due_are_synced_in_every_business(connected: World) -> None:
    """Waiting ones at once."""
    connected.billing().catalogue.note()
    assert connected.upkeep.round().services == 1
    assert connected.billing().catalogue.rows()[0].state == "synced"


def test_one_business_in_a_copy_keeps_no_other_from_its_services(connected: World) -> None:
    """Somebody said of one of them that this is the real one."""
    connected.here = ELSEWHERE
    connected.billing("kestrel").confirm_real("It moved")
    connected.shared.note("*", "service", "*")
    connected.upkeep.sync_noted()
    assert [len(shop.products) for shop in connected.shops.values()] == [0, 1]


def test_after_connecting_again_open_invoices_are_looked_at(connected: World) -> None:
    """Somebody paid while nothing was heard. One that Stripe does not tell of keeps no other waiting, and is asked once
    an hour."""
    one = connected.generate(refs=("11",))
    two = connected.generate(refs=("12",), form_key="second")
    connected.billing().disconnection.carry_out("Another bank")
    shop = connected.shops["hp"]
    shop.connected = True
    shop.pay(two.stripe_id or "")
    connected.connect()
    shop.fail_next("invoice", Refused("No such invoice.", stripe_code="resource_missing"))
    connected.upkeep.round()
    assert [connected.billing().invoicing.get(each.id).status for each in (one, two)] == ["open", "paid"]
    asked = len(shop.calls)
    connected.upkeep.round()
    assert len(shop.calls) == asked
    connected.clock.advance(hours=2)
    connected.upkeep.round()
    assert len(shop.calls) > asked
    assert connected.billing().ledger.invoices.stale(("acct_hp", False), connected.clock.now()) != []


def test_an_account_is_looked_at_once_a_day(connected: World) -> None:
    """Where no event told of a change."""
    account = connected.billing().connection.require_live().account
    connected.shops["hp"].change_account(replace(account, charges_enabled=False))
    connected.upkeep.round()
    assert connected.billing().connection.health().state == "ok"
    connected.clock.advance(hours=25)
    connected.upkeep.round()
    assert connected.billing().connection.health().state == "problem"


def test_old_lines_of_the_log_go_as_it_was_set(connected: World) -> None:
    """What is left can be verified; what went is noted with its number. The other business keeps all."""
    connected.billing().settings.save_log_days("90", "The law says so")
    connected.clock.advance(days=91)
    connected.billing().log.note("settings.save", "settings")
    connected.upkeep.round()
    kept = connected.billing().ledger.log.page(LogFilter()).rows
    assert [line.action for line in kept] == ["log.prune", "settings.save"]
    assert int(kept[0].target) > 3
    assert connected.billing().ledger.log.verify().problems == ()
    assert len(connected.billing("kestrel").ledger.log.page(LogFilter()).rows) > 2
