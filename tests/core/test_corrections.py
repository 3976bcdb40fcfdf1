"""Correcting a sent invoice: all of it is credited, and a new draft of the same work is made; both once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from flask_crm_stripe.core.credit_outlook import CORRECT
from flask_crm_stripe.core.crediting import Choice
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.errors import Conflict, ProviderError, ProviderFailed, Unreachable
from flask_crm_stripe.model.credits import Credit
from flask_crm_stripe.model.invoices import Delivery, Invoice
from tests.core.credit_flows import MARA, again, asked, credit, pay, shop, sums, told
from tests.core.samples import billable
from tests.core.world import World

TERMS = Terms(30, Decimal(10), "PO-1", "Thank you", Delivery.LINK)


@pytest.fixture
def sent(connected: World) -> Invoice:
    """An open invoice of the first business, with terms of its own."""
    return connected.generate(terms=TERMS)


def correct(world: World, invoice: Invoice, form_key: str = "press") -> Credit:
    """By a person of the first business."""
    return credit(world, invoice, kind=CORRECT, form_key=form_key)


def the_draft(world: World, old: Invoice) -> Invoice:
    """The one draft that replaces it: same work, same terms, same figures; each names the other."""
    [one] = sums(world, old).credits
    new = world.billing().invoicing.get(one.replacement or "")
    assert (new.status, new.created_by, new.stage) == ("draft", "2", "checked")
    assert replace(new.plan, footer="") == replace(old.plan, footer="")
    [corrected], [corrects] = told(world, old, "corrected"), told(world, new, "corrects")
    assert (corrected.actor, corrected.params["new"]) == ("2", new.id)
    assert (corrects.params["number"], corrects.params["old"]) == (old.number, old.id)
    assert world.billing().ledger.credits.replaced_by(new.id) == one
    assert {ref: id for ref, _, id in world.billing().ledger.invoices.claims(["11", "12"])} == {
        "11": new.id,
        "12": new.id,
    }
    assert world.crm.statuses("hp") == {"11": "draft", "12": "draft"}
    return new


def test_an_unpaid_one_is_credited_and_made_anew(connected: World, sent: Invoice) -> None:
    """Nothing remains to pay on it and no money moves; a second press lands on the same draft."""
    correct(connected, sent)
    assert (again(connected, sent).status, again(connected, sent).amount_remaining) == ("paid", 0)
    new = the_draft(connected, sent)
    correct(connected, sent)
    assert the_draft(connected, sent).id == new.id
    assert (shop(connected).made_refunds, asked(connected, "create_invoice")) == ({}, 2)
    connected.upkeep.round()
    assert the_draft(connected, sent).id == new.id


def test_a_paid_one_gives_its_money_back(connected: World, sent: Invoice) -> None:
    """The customer pays the new one anew. A discount in money is taken along too."""
    terms = Terms(discount_amount=Decimal("12.34"))
    connected.crm.add("hp", billable("13"), billable("14"))
    other = pay(connected, connected.generate(refs=("13", "14"), terms=terms, form_key="other"))
    correct(connected, other)
    assert sums(connected, other).refunded == other.total
    [one] = sums(connected, other).credits
    assert connected.billing().invoicing.get(one.replacement or "").total == other.total


def test_what_was_credited_before_stays_credited(connected: World, sent: Invoice) -> None:
    """The rest of it is credited, and the whole work is on the new draft."""
    credit(connected, sent, Choice({"11": 100}))
    correct(connected, sent)
    assert sums(connected, sent).credited == sent.total
    assert told(connected, sent, "corrected") != []


CALLS = ("create_credit", "create_invoice", "add_lines")
FAULTS: list[ProviderError] = [Unreachable("No answer."), ProviderFailed("Broken.")]


@pytest.mark.parametrize("who", ["the same press", "upkeep"])
@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_wherever_it_is_interrupted_it_is_completed_once(
    connected: World, sent: Invoice, call: str, error: ProviderError, done: bool, who: str
) -> None:
    """By the person, or by upkeep; a draft that stands still says so on its own page."""
    shop(connected).fail_next(call, error, after=done)
    if call == "create_credit":
        with pytest.raises(type(error)):
            correct(connected, sent)
    else:
        correct(connected, sent)
    connected.clock.advance(minutes=5)
    if who == "the same press":
        correct(connected, sent)
    connected.clock.advance(minutes=5)
    connected.upkeep.round()
    connected.clock.advance(minutes=5)
    connected.upkeep.round()
    the_draft(connected, sent)
    assert len(shop(connected).credit_notes) == 1
    assert len(shop(connected).invoices) == 2


def test_a_process_that_died_between_the_two_steps(connected: World, sent: Invoice) -> None:
    """The credit note is there and nothing else: upkeep makes the draft."""
    shop(connected).fail_next("create_credit", Unreachable("No answer."), after=True)
    with pytest.raises(Unreachable):
        correct(connected, sent)
    connected.billing().invoicing.refresh(sent.id)
    assert sums(connected, sent).credits[0].replacement is None
    connected.clock.advance(minutes=5)
    connected.upkeep.round()
    the_draft(connected, sent)


def test_work_that_can_not_be_billed_any_more_is_said(connected: World, sent: Invoice) -> None:
    """It was credited all the same; nobody tries again and again. Once the work is well, a person goes on."""
    connected.crm.remove("hp", billable("12"))
    done = correct(connected, sent)
    assert (done.replacement, bool(done.problem)) == (None, True)
    assert sums(connected, sent).credited == sent.total
    connected.clock.advance(minutes=5)
    connected.upkeep.round()
    connected.crm.add("hp", billable("12"))
    connected.billing(actor=MARA).credits.resume(done.id)
    the_draft(connected, sent)


def test_an_invoice_without_the_crms_work_is_credited_instead(connected: World, sent: Invoice) -> None:
    """There is nothing to make a draft of."""
    ledger = connected.shared.for_business("hp")
    [row] = [row for row in ledger.state.invoices if row.invoice.id == sent.id]
    bare = tuple(replace(line, billable="") for line in sent.plan.lines)
    row.invoice = replace(row.invoice, plan=replace(sent.plan, lines=bare))
    with pytest.raises(Conflict, match="Credit it instead"):
        correct(connected, sent)
