"""Invoices claimed and stepped forward, on every implementation of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from flask_crm_stripe.errors import BillableTaken, Conflict, NotFound
from flask_crm_stripe.model.invoices import Difference, Problem, Stage, Status
from tests.contracts.ledger_worlds import (
    ACME,
    NOW,
    OUR_ACCOUNT,
    THEIR_ACCOUNT,
    Ledgers,
    entry,
    later,
    make,
    opened,
    plan,
    remote,
)


def test_a_planned_invoice_comes_back_as_it_was_decided(ledgers: Ledgers) -> None:
    """The whole plan, to the last Decimal, before Stripe has heard of it."""
    decided = plan("b1", "b2", order_number="PO 9")
    invoice, made = ledgers.ours.invoices.plan(
        OUR_ACCOUNT, False, decided, form_key="f1", send=True, actor="ines", now=NOW
    )
    assert made
    assert (invoice.plan, invoice.stage, invoice.status, invoice.send) == (decided, Stage.PLANNED, None, True)
    assert (invoice.total, invoice.contact, invoice.contact_name, invoice.version) == (2420, ACME, "Acme", 1)
    assert (invoice.created_by, invoice.created_at, invoice.business) == ("ines", NOW, "ours")
    assert ledgers.ours.invoices.get(invoice.id) == invoice
    assert ledgers.theirs.invoices.get(invoice.id) is None


def test_the_same_press_of_a_button_gives_the_first_ones_result(ledgers: Ledgers) -> None:
    """A form key makes one invoice per business, whatever is sent with it the second time."""
    first = make(ledgers.ours, "b1", form_key="press")
    again, made = ledgers.ours.invoices.plan(
        OUR_ACCOUNT, False, plan("b1", "b2"), form_key="press", send=False, actor="omar", now=later(5)
    )
    assert (again, made) == (first, False)
    assert ledgers.ours.invoices.by_form_key("press") == first
    assert ledgers.ours.invoices.by_form_key("other") is None
    theirs = make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT, form_key="press")
    assert theirs.id != first.id
    assert ledgers.theirs.invoices.by_form_key("press") == theirs


def test_taken_work_is_refused_whole(ledgers: Ledgers) -> None:
    """The error names what is taken and by which invoice; the free billable beside it is not claimed."""
    first = make(ledgers.ours, "b1", "b2")
    with pytest.raises(BillableTaken) as caught:
        make(ledgers.ours, "b2", "b3", form_key="second")
    assert (caught.value.billables, caught.value.invoice_id) == (("b2",), first.id)
    assert ledgers.ours.invoices.by_form_key("second") is None
    assert ledgers.ours.invoices.of_billables(["b1", "b2", "b3"], False) == {"b1": first, "b2": first}
    assert make(ledgers.ours, "b3").plan.lines[0].billable == "b3"


def test_the_same_ref_in_another_business_is_other_work(ledgers: Ledgers) -> None:
    """Refs are the CRM's own and repeat between businesses."""
    ours, theirs = make(ledgers.ours, "b1"), make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    assert ledgers.ours.invoices.of_billables(["b1"], False) == {"b1": ours}
    assert ledgers.theirs.invoices.of_billables(["b1"], False) == {"b1": theirs}
    assert ledgers.shared.for_business("third").invoices.of_billables(["b1"], False) == {}
    assert ledgers.ours.invoices.of_billables([], False) == {}


def test_lines_without_work_behind_them_claim_nothing(ledgers: Ledgers) -> None:
    """A line added by hand has no billable; two invoices may have one each."""
    make(ledgers.ours, "", form_key="one")
    make(ledgers.ours, "", form_key="two")
    make(ledgers.theirs, "", form_key="one")
    assert ledgers.ours.invoices.of_billables([""], False) == {}


def test_each_step_stores_what_stripe_answered_and_what_happened(ledgers: Ledgers) -> None:
    """Stage, figures and timeline together, the version grown, any problem cleared; found by Stripe's id."""
    invoice = make(ledgers.ours, "b1")
    make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    ledgers.ours.invoices.stop(invoice.id, Problem("stripe_unreachable", "No answer."), later(1))
    draft = remote(invoice, "draft", total=0, amount_remaining=0)
    created = ledgers.ours.invoices.advance(invoice.id, Stage.CREATED, draft, later(2), [entry("made", later(2))])
    assert (created.stage, created.status, created.stripe_id) == (Stage.CREATED, "draft", draft.id)
    assert (created.problem, created.version, created.total, created.fetched_at) == (None, 3, 1210, later(2))
    checked = ledgers.ours.invoices.advance(invoice.id, Stage.CHECKED, None, later(3))
    assert (checked.stage, checked.fetched_at, checked.updated_at) == (Stage.CHECKED, later(2), later(3))
    sent = ledgers.ours.invoices.advance(invoice.id, Stage.SENT, remote(invoice), later(4), [entry("sent", later(4))])
    assert (sent.status, sent.sent_at, sent.number) == (Status.OPEN, later(4), remote(invoice).number)
    assert (sent.amount_remaining, sent.due_date, sent.finalised_at) == (1210, remote(invoice).due_date, NOW)
    assert ledgers.ours.invoices.get(invoice.id) == sent
    assert ledgers.ours.invoices.by_stripe_id(OUR_ACCOUNT, False, draft.id) == sent
    assert ledgers.ours.invoices.by_stripe_id(OUR_ACCOUNT, True, draft.id) is None
    assert ledgers.ours.invoices.by_stripe_id(THEIR_ACCOUNT, False, draft.id) is None
    assert ledgers.theirs.invoices.by_stripe_id(OUR_ACCOUNT, False, draft.id) is None
    assert ledgers.ours.invoices.timeline(invoice.id) == [entry("sent", later(4)), entry("made", later(2))]
    assert ledgers.theirs.invoices.timeline(invoice.id) == []


def test_a_stage_never_falls_back(ledgers: Ledgers) -> None:
    """A second worker that is one step behind changes nothing of what is done."""
    invoice, theirs = make(ledgers.ours, "b1"), make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    ledgers.ours.invoices.advance(invoice.id, Stage.CHECKED, remote(invoice, "draft"), later(5))
    late = ledgers.ours.invoices.advance(invoice.id, Stage.FILLED, remote(invoice, "draft", amount_paid=1), later(4))
    assert (late.stage, late.amount_paid, late.fetched_at) == (Stage.CHECKED, 0, later(5))
    assert ledgers.theirs.invoices.get(theirs.id) == theirs


def test_a_look_that_began_later_and_saw_less_gives_way(ledgers: Ledgers) -> None:
    """A webhook's fetch may begin after our call and be answered before it: the draft that it saw is over, for no
    finalised invoice is a draft again."""
    invoice = make(ledgers.ours, "b1")
    theirs = make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    ledgers.ours.invoices.advance(invoice.id, Stage.CHECKED, remote(invoice, "draft"), later(1))
    ledgers.ours.invoices.apply(invoice.id, remote(invoice, "draft", description="new"), [], later(9), [])
    after = ledgers.ours.invoices.advance(invoice.id, Stage.FINALISED, remote(invoice, "open"), later(8))
    assert (after.status, after.stage, after.fetched_at) == ("open", Stage.FINALISED, later(9))
    paid = ledgers.ours.invoices.apply(invoice.id, remote(invoice, "paid"), [], later(7), [])
    assert paid is not None
    assert (paid.status, paid.fetched_at) == ("paid", later(9))
    assert ledgers.ours.invoices.apply(invoice.id, remote(invoice, "paid", amount_paid=1), [], later(8), []) is None
    assert ledgers.theirs.invoices.get(theirs.id) == theirs


def test_that_it_is_final_is_told_once(ledgers: Ledgers) -> None:
    """An event may tell it before our own answer is stored: one sentence, with the ids of both."""
    invoice = make(ledgers.ours, "b1")
    theirs = make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    ledgers.ours.invoices.advance(invoice.id, Stage.CHECKED, remote(invoice, "draft"), later(1))
    told = entry("finalised", later(9), actor=None, event_id="evt_1")
    ledgers.ours.invoices.apply(invoice.id, remote(invoice, "open"), [], later(9), [told])
    ours = [
        entry("finalised", later(8), actor=None, event_id=None, request_id="req_2"),
        entry("sent", later(8), event_id=None),
    ]
    ledgers.ours.invoices.advance(invoice.id, Stage.SENT, remote(invoice, "open"), later(8), ours)
    assert [(each.kind, each.event_id) for each in ledgers.ours.invoices.timeline(invoice.id)] == [
        ("sent", None),
        ("finalised", "evt_1"),
    ]
    assert ledgers.theirs.invoices.timeline(theirs.id) == []


def test_our_own_answer_does_not_undo_newer_news(ledgers: Ledgers) -> None:
    """A webhook's fetch may overtake the answer to our call: the stage goes on, the newer figures stay."""
    invoice = make(ledgers.ours, "b1")
    theirs = make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    ledgers.ours.invoices.advance(invoice.id, Stage.CHECKED, remote(invoice, "draft"), later(1))
    ledgers.ours.invoices.apply(invoice.id, remote(invoice, "paid"), [], later(9), [])
    late = ledgers.ours.invoices.advance(invoice.id, Stage.SENT, remote(invoice, "open"), later(8))
    assert (late.status, late.stage, late.amount_paid, late.fetched_at) == ("paid", Stage.SENT, 1210, later(9))
    assert ledgers.theirs.invoices.get(theirs.id) == theirs


def test_a_problem_stands_until_the_next_step(ledgers: Ledgers) -> None:
    """It keeps the stage; figures that differ make it stopped, and a later step takes it on from there."""
    invoice, theirs = make(ledgers.ours, "b1"), make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    ledgers.ours.invoices.advance(invoice.id, Stage.FILLED, remote(invoice, "draft"), later(1))
    silent = Problem("stripe_unreachable", "Stripe isn't answering.")
    stopped = ledgers.ours.invoices.stop(invoice.id, silent, later(2), [entry("interrupted", later(2))])
    assert (stopped.problem, stopped.stage, stopped.version) == (silent, Stage.FILLED, 3)
    gate = Problem("gate_stopped", "Stripe's VAT differs.", (Difference("VAT", "210", "211"),))
    stopped = ledgers.ours.invoices.stop(invoice.id, gate, later(3))
    assert (stopped.problem, stopped.stage) == (gate, Stage.STOPPED)
    assert ledgers.ours.invoices.get(invoice.id) == stopped
    again = ledgers.ours.invoices.advance(invoice.id, Stage.FILLED, None, later(4))
    assert (again.problem, again.stage) == (None, Stage.FILLED)
    assert [each.kind for each in ledgers.ours.invoices.timeline(invoice.id)] == ["interrupted"]
    assert ledgers.theirs.invoices.get(theirs.id) == theirs


def test_the_same_problem_again_is_no_news(ledgers: Ledgers) -> None:
    """A page that polls versions does not redraw, but a sweep sees that somebody tried."""
    invoice, theirs = make(ledgers.ours, "b1"), make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    silent = Problem("stripe_unreachable", "Stripe isn't answering.")
    first = ledgers.ours.invoices.stop(invoice.id, silent, later(1))
    second = ledgers.ours.invoices.stop(invoice.id, silent, later(2))
    assert second == replace(first, updated_at=later(2))
    assert ledgers.theirs.invoices.versions([theirs.id, invoice.id]) == {theirs.id: 1}


def test_a_draft_can_be_sent_after_all(ledgers: Ledgers) -> None:
    """Once; what is finished or given up cannot."""
    invoice = make(ledgers.ours, "b1", send=False)
    theirs = make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT, send=False)
    wanted = ledgers.ours.invoices.want_sent(invoice.id, "omar", later(1))
    assert (wanted.send, wanted.version) == (True, 2)
    assert ledgers.ours.invoices.want_sent(invoice.id, "omar", later(2)).version == 2
    ledgers.ours.invoices.advance(invoice.id, Stage.SENT, remote(invoice, "paid"), later(3))
    ledgers.theirs.invoices.abandon(theirs.id, later(3))
    with pytest.raises(Conflict):
        ledgers.ours.invoices.want_sent(invoice.id, "omar", later(4))
    with pytest.raises(Conflict):
        ledgers.theirs.invoices.want_sent(theirs.id, "li", later(4))


def test_giving_up_frees_the_work(ledgers: Ledgers) -> None:
    """The record stays to be looked at, in no list; its billables may go onto another invoice."""
    invoice, theirs = make(ledgers.ours, "b1"), make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    ledgers.ours.invoices.advance(invoice.id, Stage.CREATED, remote(invoice, "draft"), later(1))
    ledgers.ours.invoices.abandon(invoice.id, later(2), [entry("deleted", later(2))])
    gone = ledgers.ours.invoices.get(invoice.id)
    assert gone is not None
    assert (gone.stage, gone.status, gone.version) == (Stage.ABANDONED, None, 3)
    assert ledgers.ours.invoices.of_billables(["b1"], False) == {}
    assert ledgers.theirs.invoices.of_billables(["b1"], False) == {"b1": theirs}
    second = make(ledgers.ours, "b1", form_key="second")
    ledgers.ours.invoices.abandon(invoice.id, later(3))
    assert ledgers.ours.invoices.of_billables(["b1"], False) == {"b1": second}
    with pytest.raises(Conflict, match="given up"):
        ledgers.ours.invoices.advance(invoice.id, Stage.FILLED, None, later(4))


def test_one_that_was_given_up_waits_for_nobody(ledgers: Ledgers) -> None:
    """Why it stood still is no news any more, whether it was deleted here or at Stripe."""
    here, there = make(ledgers.ours, "b1"), make(ledgers.ours, "b2", form_key="second")
    for each in (here, there):
        ledgers.ours.invoices.advance(each.id, Stage.CREATED, remote(each, "draft"), later(1))
        ledgers.ours.invoices.stop(each.id, Problem("stripe_unreachable", "No answer."), later(2))
    ledgers.ours.invoices.abandon(here.id, later(3))
    ledgers.ours.invoices.apply(there.id, remote(there, "deleted"), [], later(3), [])
    for each in (here, there):
        gone = ledgers.ours.invoices.get(each.id)
        assert gone is not None
        assert (gone.stage, gone.problem) == (Stage.ABANDONED, None)


@pytest.mark.parametrize("status", ["open", "paid", "uncollectible"])
def test_what_the_customer_owes_or_paid_is_never_given_up(ledgers: Ledgers, status: str) -> None:
    """Freeing its work would bill it twice."""
    invoice, theirs = make(ledgers.ours, "b1"), make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    known = ledgers.ours.invoices.advance(invoice.id, Stage.FINALISED, remote(invoice, status), later(1))
    with pytest.raises(Conflict, match="Void"):
        ledgers.ours.invoices.abandon(invoice.id, later(2))
    assert ledgers.ours.invoices.of_billables(["b1"], False) == {"b1": known}
    assert ledgers.theirs.invoices.of_billables(["b1"], False) == {"b1": theirs}


def test_another_business_cannot_touch_an_invoice(ledgers: Ledgers) -> None:
    """By id, each deed finds nothing, and nothing changes."""
    invoice = opened(ledgers.ours, make(ledgers.ours, "b1"))
    theirs = ledgers.theirs.invoices
    deeds: list[Callable[[], object]] = [
        lambda: theirs.advance(invoice.id, Stage.SENT, None, later(1)),
        lambda: theirs.want_sent(invoice.id, "li", later(1)),
        lambda: theirs.stop(invoice.id, Problem("x", "x"), later(1)),
        lambda: theirs.abandon(invoice.id, later(1)),
        lambda: theirs.apply(invoice.id, remote(invoice, "paid"), [], later(1), []),
    ]
    for deed in deeds:
        with pytest.raises(NotFound):
            deed()
    theirs.told(invoice.id, 99)
    assert ledgers.ours.invoices.get(invoice.id) == invoice
    assert [each.id for each in ledgers.ours.invoices.untold()] == [invoice.id]
    assert theirs.payments(invoice.id) == []
