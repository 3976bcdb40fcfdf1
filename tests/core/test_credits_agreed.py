"""Crediting above the limit: asked by one, agreed to by another, done once, and only as it was asked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from flask_crm_stripe.core.credit_outlook import CORRECT, CREDIT
from flask_crm_stripe.core.crediting import Choice
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.errors import ApprovalNeeded, Conflict, OwnRequest, Unreachable
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.invoices import Invoice
from tests.core.credit_flows import LINE, MARA, WHY, asked, credit, pay, shop, sums, told
from tests.core.world import World

CLERK = Actor("3", "Sam", ["view", "draft", "refund"], session="login-3")
BOSS = Actor("4", "Bo", ["view", "approve"], session="login-4")

each_kind = pytest.mark.parametrize("kind", [CREDIT, CORRECT])


@pytest.fixture
def paid(connected: World) -> Invoice:
    """A paid invoice above the limit for giving money back."""
    connected.billing().settings.set_limit("refund", "EUR", 100_00, "")
    return pay(connected, connected.generate())


def ask(world: World, kind: str, invoice: Invoice, choice: Choice | None = None, actor: Actor = CLERK) -> Approval:
    """A request."""
    return world.billing(actor=actor).credits.ask(kind, invoice.id, choice or Choice(), WHY)


def agree(world: World, request: Approval, actor: Actor = BOSS) -> Approval:
    """By a second person."""
    return world.billing(actor=actor).second_person.agree(request.id)


@each_kind
def test_a_deposit_that_was_taken_off_meanwhile_is_not_credited(connected: World, kind: str) -> None:
    """Between the request and the word of the second person."""
    connected.billing().settings.set_limit("refund", "EUR", 100_00, "")
    deposit = pay(connected, connected.generate(terms=Terms(deposit_percent=Decimal(50)), form_key="deposit"))
    request = ask(connected, kind, deposit)
    connected.generate(form_key="final")
    with pytest.raises(Conflict, match="takes this deposit off"):
        agree(connected, request)
    assert asked(connected, "create_credit") == 0


@each_kind
def test_asked_by_one_agreed_by_another_and_done_once(connected: World, paid: Invoice, kind: str) -> None:
    """In the name of the one who asked, draft and all; the other need not be able to do it."""
    with pytest.raises(ApprovalNeeded, match="100\\.00 EUR"):
        credit(connected, paid, kind=kind, actor=CLERK)
    request = ask(connected, kind, paid)
    assert ask(connected, kind, paid).id == request.id
    outlook = connected.billing(actor=CLERK).credits.outlook(kind, paid.id)
    assert outlook.waiting is not None
    plan = connected.billing(actor=BOSS).credits.asked(request)
    assert plan is not None
    assert plan.total == paid.total
    with pytest.raises(OwnRequest):
        agree(connected, ask(connected, kind, paid, Choice(mail=True), MARA), MARA)
    request = ask(connected, kind, paid)
    agree(connected, request)
    [entry] = told(connected, paid, "credited")
    [agreed] = told(connected, paid, f"agreed_{kind}")
    assert (entry.actor, agreed.actor) == ("3", "4")
    connected.upkeep.round()
    assert asked(connected, "create_credit") == 1
    assert connected.billing().approvals.get(request.id).state is ApprovalState.DONE
    assert connected.billing().credits.asked(request) is None
    [one] = sums(connected, paid).credits
    if kind == CORRECT:
        new = connected.billing().invoicing.get(one.replacement or "")
        assert (new.created_by, new.status) == ("3", "draft")


def test_what_is_agreed_is_what_was_asked(connected: World, paid: Invoice) -> None:
    """Somebody credited a part meanwhile, or another part is wanted: it has to be asked for again."""
    choice = Choice({"11": LINE})
    request = ask(connected, CREDIT, paid, choice)
    credit(connected, paid, Choice({"12": 5}))
    with pytest.raises(Conflict, match="has changed since"):
        agree(connected, request)
    request = ask(connected, CREDIT, paid, choice)
    credit(connected, paid, Choice({"11": 5}))
    assert connected.billing().credits.content(request) == ""
    with pytest.raises(Conflict, match="has changed since"):
        agree(connected, request)
    assert asked(connected, "create_credit") == 2


@pytest.mark.parametrize("all_of_it", [True, False])
def test_what_changes_at_stripe_meanwhile_is_not_done(connected: World, paid: Invoice, all_of_it: bool) -> None:
    """We hear of it only when we ask, before it is carried out."""
    request = ask(connected, CREDIT, paid)
    amount = paid.total if all_of_it else 50_00
    shop(connected).credit_alone(paid.stripe_id or "", amount)
    with pytest.raises(Conflict, match="has changed since"):
        agree(connected, request)
    assert asked(connected, "create_credit") == 0


@pytest.mark.parametrize("done", [False, True])
def test_an_answer_that_was_lost_is_completed_once(connected: World, paid: Invoice, done: bool) -> None:
    """It is agreed to all the same; the next round completes it in the name of who asked."""
    request = ask(connected, CREDIT, paid)
    shop(connected).fail_next("create_credit", Unreachable("No answer."), after=done)
    with pytest.raises(Unreachable):
        agree(connected, request)
    connected.clock.advance(minutes=5)
    connected.upkeep.round()
    assert len(shop(connected).credit_notes) == 1
    assert [entry.actor for entry in told(connected, paid, "credited")] == ["3"]
    assert connected.billing().approvals.get(request.id).state is ApprovalState.DONE


def test_nobody_is_asked_where_nobody_has_to_agree(connected: World, paid: Invoice) -> None:
    """Below the limit."""
    with pytest.raises(Conflict, match="below the limit"):
        ask(connected, CREDIT, paid, Choice({"11": 5}))


def test_a_request_about_an_invoice_of_nobody_has_no_content(connected: World, paid: Invoice) -> None:
    """It can't be agreed to."""
    request = ask(connected, CREDIT, paid)
    other = connected.billing("kestrel", BOSS)
    assert other.second_person.content(request) == ""
    assert other.credits.asked(request) is None
