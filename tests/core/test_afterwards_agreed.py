"""Giving money up above the limit: asked by one, agreed to by another, done once, and only as it was asked."""

from __future__ import annotations

import pytest

from flask_crm_stripe.core.deeds import DEEDS
from flask_crm_stripe.errors import ApprovalNeeded, Conflict, OwnRequest, ProviderFailed, Refused, Unreachable
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.model.log import LogFilter
from tests.core.samples import billable
from tests.core.test_afterwards import CALLS, STATUS, TOLD, WHY, made, shop, told, well_told
from tests.core.world import World

CLERK = Actor("3", "Sam", ["view", "write_off"], session="login-3")
BOSS = Actor("4", "Bo", ["view", "approve"], session="login-4")
MARA = Actor("2", "Mara", ALL_PERMISSIONS, session="login-2")

each_deed = pytest.mark.parametrize("kind", list(DEEDS))


@pytest.fixture
def sent(connected: World) -> Invoice:
    """An open invoice above the limit for giving money up."""
    connected.billing().settings.set_limit("write_off", "EUR", 100_00, "")
    return connected.generate()


def ask(world: World, kind: str, invoice: Invoice, actor: Actor = CLERK, reason: str = WHY) -> Approval:
    """A request."""
    return world.billing(actor=actor).afterwards.ask(kind, invoice.id, reason)


def agree(world: World, request: Approval, actor: Actor = BOSS) -> Approval:
    """By a second person."""
    return world.billing(actor=actor).second_person.agree(request.id)


@each_deed
def test_asked_by_one_agreed_by_another_and_done_once(connected: World, sent: Invoice, kind: str) -> None:
    """In the name of the one who asked; the timeline and the log have both."""
    with pytest.raises(ApprovalNeeded, match="100\\.00 EUR"):
        connected.billing(actor=CLERK).afterwards.do(kind, sent.id, WHY)
    outlook = connected.billing(actor=CLERK).afterwards.outlook(kind, sent.id)
    assert (outlook.limit is not None, outlook.latest, outlook.why_not) == (True, None, "")
    request = ask(connected, kind, sent)
    assert ask(connected, kind, sent).id == request.id
    waiting = connected.billing(actor=CLERK).afterwards.outlook(kind, sent.id).waiting
    assert waiting is not None
    with pytest.raises(OwnRequest):
        agree(connected, ask(connected, kind, sent, MARA, "Another reason"), MARA)
    request = ask(connected, kind, sent)
    agree(connected, request)
    well_told(connected, sent, kind, "3")
    [agreed] = told(connected, sent, f"agreed_{kind}")
    assert agreed.actor == "4"
    [line] = connected.billing().ledger.log.page(LogFilter(action=f"invoice.{kind}")).rows
    assert (line.actor, line.reason) == ("4", WHY)
    connected.upkeep.round()
    connected.billing(actor=CLERK).afterwards.do(kind, sent.id, WHY)
    assert made(connected, CALLS[kind]) == 1
    assert connected.billing().approvals.get(request.id).state is ApprovalState.DONE


@each_deed
def test_what_is_agreed_is_what_was_asked(connected: World, sent: Invoice, kind: str) -> None:
    """A part was paid meanwhile, and another reason is another request."""
    request = ask(connected, kind, sent)
    again = ask(connected, kind, sent, reason="Another reason")
    assert again.id != request.id
    with pytest.raises(Conflict):
        agree(connected, request)
    shop(connected).pay(sent.stripe_id or "", 100)
    connected.billing().invoicing.refresh(sent.id)
    outlook = connected.billing(actor=CLERK).afterwards.outlook(kind, sent.id)
    assert (outlook.waiting, outlook.granted) == (None, None)
    with pytest.raises(Conflict, match="changed since"):
        agree(connected, again)
    assert made(connected, CALLS[kind]) == 0
    assert connected.billing().approvals.get(again.id).state is ApprovalState.WITHDRAWN


@pytest.mark.parametrize("done", [False, True])
@each_deed
def test_an_answer_that_was_lost_after_the_agreement_is_made_up_for(
    connected: World, sent: Invoice, kind: str, done: bool
) -> None:
    """By the next round, or by the asker, who need not ask again; it is done once."""
    request = ask(connected, kind, sent)
    shop(connected).fail_next(CALLS[kind], Unreachable("No answer."), after=done)
    with pytest.raises(Unreachable):
        agree(connected, request)
    assert connected.billing().approvals.get(request.id).state is ApprovalState.AGREED
    granted = connected.billing(actor=CLERK).afterwards.outlook(kind, sent.id).granted
    assert granted is not None
    connected.upkeep.round()
    well_told(connected, sent, kind, "3")
    assert made(connected, CALLS[kind]) == (1 if done else 2)
    assert connected.billing().approvals.get(request.id).state is ApprovalState.DONE


@each_deed
def test_the_asker_may_do_what_was_agreed_to(connected: World, sent: Invoice, kind: str) -> None:
    """Stripe did not take it at first; the round that would do it finds it done."""
    request = ask(connected, kind, sent)
    shop(connected).fail_next(CALLS[kind], ProviderFailed("Broken."))
    with pytest.raises(ProviderFailed):
        agree(connected, request)
    assert connected.billing(actor=CLERK).afterwards.do(kind, sent.id, WHY).status == STATUS[kind]
    connected.upkeep.round()
    assert len(told(connected, sent, TOLD[kind])) == 1
    assert connected.billing().approvals.get(request.id).state is ApprovalState.DONE


@each_deed
def test_an_event_that_was_faster_after_the_agreement_gives_way(connected: World, sent: Invoice, kind: str) -> None:
    """The answer was lost, and an event told how it stands: the next round puts the asker's name to it."""
    request = ask(connected, kind, sent)
    shop(connected).fail_next(CALLS[kind], Unreachable("No answer."), after=True)
    with pytest.raises(Unreachable):
        agree(connected, request)
    connected.billing().invoicing.refresh(sent.id)
    connected.upkeep.round()
    well_told(connected, sent, kind, "3")
    assert len(told(connected, sent, f"agreed_{kind}")) == 1


@each_deed
def test_what_cannot_be_done_any_more_is_told_and_not_tried_again(connected: World, sent: Invoice, kind: str) -> None:
    """The customer paid, or Stripe refuses for a reason of its own: whoever agreed hears of it."""
    request = ask(connected, kind, sent)
    shop(connected).fail_next(CALLS[kind], Refused("Something about this account."))
    with pytest.raises(Refused):
        agree(connected, request)
    assert connected.billing().approvals.get(request.id).state is ApprovalState.DONE
    second = ask(connected, kind, sent, reason="Once more")
    shop(connected).pay(sent.stripe_id or "")
    with pytest.raises(Conflict, match="It is paid"):
        agree(connected, second)
    connected.upkeep.round()
    assert made(connected, CALLS[kind]) == 2


@each_deed
def test_what_changed_between_the_agreement_and_the_deed_is_not_done(
    connected: World, sent: Invoice, kind: str
) -> None:
    """A process died between the two, and a part was paid."""
    request = ask(connected, kind, sent)
    connected.shared.for_business("hp").approvals.decide(
        request.id, ApprovalState.AGREED, BOSS.ref, connected.clock.now(), ""
    )
    shop(connected).pay(sent.stripe_id or "", 100)
    connected.billing().invoicing.refresh(sent.id)
    connected.upkeep.round()
    assert made(connected, CALLS[kind]) == 0
    assert connected.billing().approvals.get(request.id).state is ApprovalState.DONE


def test_one_request_that_has_to_wait_keeps_no_other_waiting(connected: World, sent: Invoice) -> None:
    """Somebody works on the one invoice; the other one's request is carried out, and this one in the next round."""
    connected.crm.add("hp", billable("13"))
    other = connected.generate(refs=("13",), form_key="another")
    requests = [ask(connected, "void", each) for each in (sent, other)]
    for request in requests:
        connected.shared.for_business("hp").approvals.decide(
            request.id, ApprovalState.AGREED, BOSS.ref, connected.clock.now(), ""
        )
    with connected.billing().invoicing.steps.alone(sent.id):
        connected.upkeep.round()
    assert [connected.billing().invoicing.get(each.id).status for each in (sent, other)] == ["open", "void"]
    connected.upkeep.round()
    assert connected.billing().invoicing.get(sent.id).status == "void"


@each_deed
def test_below_the_limit_nobody_has_to_be_asked(connected: World, sent: Invoice, kind: str) -> None:
    """And what waits is dropped once the invoice has become something else."""
    other = connected.generate("kestrel")
    with pytest.raises(Conflict, match="below the limit"):
        connected.billing("kestrel", MARA).afterwards.ask(kind, other.id, WHY)
    connected.crm.add("kestrel", billable("14"))
    drafted = connected.generate("kestrel", ("14",), form_key="draft", send=False)
    with pytest.raises(Conflict, match="Delete the draft"):
        connected.billing("kestrel", MARA).afterwards.ask(kind, drafted.id, WHY)
    waiting = ask(connected, "uncollectible", sent)
    agree(connected, ask(connected, kind, sent, reason="For another reason"))
    assert connected.billing().approvals.get(waiting.id).state is not ApprovalState.WAITING
