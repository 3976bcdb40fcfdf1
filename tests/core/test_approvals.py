"""Above a limit a second person agrees: asked by one, agreed to by another, done once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.limits import EVERY_OTHER, Limit, check_limit, exceeded, limits_of, loosens
from flask_crm_stripe.errors import (
    ApprovalNeeded,
    Conflict,
    InvalidInput,
    NotFound,
    NotPermitted,
    OwnRequest,
    Unreachable,
)
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor
from flask_crm_stripe.model.invoices import Invoice, Stage
from flask_crm_stripe.model.log import LogFilter
from flask_crm_stripe.model.money import Money
from tests.core.samples import YARD, ZONEN
from tests.core.world import World

MARA = Actor("2", "Mara", ALL_PERMISSIONS, session="login-2")
SALES = Actor("3", "Sam", ["view", "draft", "send"], session="login-3")
BOSS = Actor("4", "Bo", ["view", "approve"], session="login-4")


@pytest.fixture
def limited(connected: World) -> World:
    """In business hp nobody sends more than 100 euro alone; the other business has no limit."""
    connected.billing().settings.set_limit("send", "EUR", 100_00, "")
    return connected


def draft(world: World, business: str = "hp") -> Invoice:
    """An invoice above the limit that nobody has sent."""
    return world.generate(business, send=False)


def asked(world: World, invoice: Invoice, actor: Actor = SALES, reason: str = "A large order") -> Approval:
    """A request to send it."""
    return world.billing(actor=actor).invoicing.ask_to_send(invoice.id, reason)


def sends(world: World, business: str = "hp") -> int:
    """How often Stripe was asked to send."""
    return sum(call.method == "send" for call in world.shops[business].calls)


def test_asked_by_one_agreed_by_another_and_done_once(limited: World) -> None:
    """It is sent in the name of the one who asked; the timeline and the log have both."""
    invoice = draft(limited)
    request = asked(limited, invoice)
    assert limited.billing(actor=BOSS).approvals.for_me() == [request]
    done = limited.billing(actor=BOSS).second_person.agree(request.id)
    assert done.state is ApprovalState.AGREED
    after = limited.billing().invoicing.get(invoice.id)
    assert (after.status, after.stage, sends(limited)) == ("open", Stage.SENT, 1)
    told = [(entry.kind, entry.actor) for entry in limited.billing().ledger.invoices.timeline(invoice.id)]
    assert {("asked", "3"), ("agreed", "4"), ("sent", "3")} <= set(told)
    actions = [(line.actor, line.action) for line in limited.billing().ledger.log.page(LogFilter()).rows]
    assert {("3", "approval.ask"), ("4", "approval.agree"), ("4", "invoice.send")} <= set(actions)
    assert limited.billing().approvals.get(request.id).state is ApprovalState.DONE
    with pytest.raises(Conflict):
        limited.billing(actor=BOSS).second_person.agree(request.id)
    limited.upkeep.round()
    assert sends(limited) == 1


def test_above_the_limit_nobody_sends_alone(limited: World) -> None:
    """Neither from the review, nor a draft; below it, in another business, and up to the very limit they do."""
    with pytest.raises(ApprovalNeeded, match="100\\.00 EUR"):
        limited.generate()
    invoice = draft(limited)
    with pytest.raises(ApprovalNeeded):
        limited.billing().invoicing.send(invoice.id)
    assert sends(limited) == 0
    assert limited.generate("kestrel").status == "open"
    settings = limited.billing().ledger.settings.all()
    assert exceeded(settings, "send", Money(100_00, "eur")) is None
    assert exceeded(settings, "send", Money(100_01, "eur")) is not None


def test_whoever_asked_cannot_agree(limited: World) -> None:
    """Whatever rights they have; it is noted, and the request waits on."""
    request = asked(limited, draft(limited), actor=MARA)
    mara = limited.billing(actor=MARA)
    deeds: tuple[Callable[[], object], ...] = (
        lambda: mara.second_person.agree(request.id),
        lambda: mara.approvals.refuse(request.id, "No need"),
    )
    for deed in deeds:
        with pytest.raises(OwnRequest):
            deed()
    assert mara.approvals.for_me() == []
    assert mara.approvals.get(request.id).state is ApprovalState.WAITING
    assert mara.ledger.log.page(LogFilter(action="approval.own")).rows[0].actor == "2"


def test_asked_twice_is_one_request(limited: World) -> None:
    """By the same or another person, also at once."""
    invoice = draft(limited)
    first = asked(limited, invoice)
    assert asked(limited, invoice).id == first.id
    assert asked(limited, invoice, actor=MARA).id == first.id
    found: list[str] = []
    at_once = [threading.Thread(target=lambda: found.append(asked(limited, invoice).id)) for _ in range(4)]
    for thread in at_once:
        thread.start()
    for thread in at_once:
        thread.join()
    assert set(found) == {first.id}
    assert len(limited.billing().ledger.approvals.waiting()) == 1


def test_what_is_agreed_to_is_what_was_asked(limited: World) -> None:
    """The customer moved meanwhile: the request is void, nothing is sent, and it has to be asked for again."""
    invoice = draft(limited)
    request = asked(limited, invoice)
    limited.crm.add("hp", replace(ZONEN, email="elsewhere@zonen.example"))
    with pytest.raises(Conflict, match="changed since"):
        limited.billing(actor=BOSS).second_person.agree(request.id)
    assert limited.billing().approvals.get(request.id).state is ApprovalState.WITHDRAWN
    assert sends(limited) == 0
    again = asked(limited, invoice)
    assert again.id != request.id
    limited.billing(actor=BOSS).second_person.agree(again.id)
    assert sends(limited) == 1


def test_a_changed_wish_takes_the_place_of_the_one_before(limited: World) -> None:
    """Asked again after a change, the older request can't be agreed to any more."""
    invoice = draft(limited)
    first = asked(limited, invoice)
    limited.crm.add("hp", replace(ZONEN, email="elsewhere@zonen.example"))
    second = asked(limited, invoice)
    states = {each: limited.billing().approvals.get(each).state for each in (first.id, second.id)}
    assert states == {first.id: ApprovalState.WITHDRAWN, second.id: ApprovalState.WAITING}
    with pytest.raises(Conflict, match="decided already"):
        limited.billing(actor=BOSS).approvals.refuse(first.id, "Too late")


def test_a_second_person_may_refuse(limited: World) -> None:
    """With a reason; nothing is sent, and the one who asked hears of it."""
    limited.billing().settings.save_notify("ops@example.com")
    invoice = draft(limited)
    request = asked(limited, invoice)
    with pytest.raises(InvalidInput):
        limited.billing(actor=BOSS).approvals.refuse(request.id, "")
    refused = limited.billing(actor=BOSS).approvals.refuse(request.id, "Ask for a deposit first")
    assert (refused.state, refused.decision) == (ApprovalState.REFUSED, "Ask for a deposit first")
    assert sends(limited) == 0
    with pytest.raises(ApprovalNeeded):
        limited.billing(actor=SALES).invoicing.send(invoice.id)
    assert "Ask for a deposit first" in limited.mailbox.mails[-1].text


def test_the_one_who_asked_may_withdraw_and_nobody_else(limited: World) -> None:
    """Others refuse."""
    request = asked(limited, draft(limited))
    with pytest.raises(Conflict, match="Only the person who asked"):
        limited.billing(actor=MARA).approvals.withdraw(request.id)
    taken_back = limited.billing(actor=SALES).approvals.withdraw(request.id)
    assert taken_back.state is ApprovalState.WITHDRAWN
    with pytest.raises(Conflict):
        limited.billing(actor=BOSS).second_person.agree(request.id)


def test_each_deed_needs_its_right(limited: World) -> None:
    """Asking needs the right to send, deciding the right to approve, looking the right to view."""
    invoice = draft(limited)
    request = asked(limited, invoice)
    deeds: tuple[tuple[Actor, Callable[[], object]], ...] = (
        (BOSS, lambda: asked(limited, invoice, actor=BOSS)),
        (SALES, lambda: limited.billing(actor=SALES).second_person.agree(request.id)),
        (SALES, lambda: limited.billing(actor=SALES).approvals.refuse(request.id, "Because")),
        (SALES, lambda: limited.billing(actor=Actor("9", "Nobody")).approvals.get(request.id)),
    )
    for _, deed in deeds:
        with pytest.raises(NotPermitted):
            deed()
    assert limited.billing(actor=SALES).approvals.for_me() == ()


def test_another_business_knows_nothing_of_it(limited: World) -> None:
    """Guessing an id finds nothing."""
    request = asked(limited, draft(limited))
    kestrel = limited.billing("kestrel", MARA)
    deeds: tuple[Callable[[], object], ...] = (
        lambda: kestrel.approvals.get(request.id),
        lambda: kestrel.second_person.agree(request.id),
        lambda: kestrel.approvals.refuse(request.id, "Because"),
    )
    for deed in deeds:
        with pytest.raises(NotFound):
            deed()
    assert kestrel.ledger.approvals.waiting() == []


def test_only_a_draft_above_the_limit_can_be_asked_for(limited: World) -> None:
    """What was sent, what is gone, and what one person may send."""
    invoice = draft(limited)
    limited.billing().settings.set_limit("send", "usd", 1, "")
    request = asked(limited, invoice)
    limited.billing(actor=BOSS).second_person.agree(request.id)
    with pytest.raises(Conflict, match="Only a draft"):
        asked(limited, invoice)
    elsewhere = draft(limited, "kestrel")
    with pytest.raises(Conflict, match="below the limit"):
        limited.billing("kestrel", MARA).invoicing.ask_to_send(elsewhere.id, "Because")


def test_a_deleted_draft_takes_its_request_along(limited: World) -> None:
    """There is nothing left to agree to."""
    invoice = draft(limited)
    request = asked(limited, invoice)
    limited.billing().invoicing.delete_draft(invoice.id)
    assert limited.billing().approvals.get(request.id).state is ApprovalState.WITHDRAWN
    assert limited.billing(actor=BOSS).approvals.for_me() == []
    other = limited.generate(refs=("11", "12"), form_key="again", send=False)
    limited.billing().invoicing.delete_draft(other.id)


def test_an_invoice_that_vanished_cannot_be_agreed_to(limited: World) -> None:
    """A request about something that isn't there is void."""
    request = asked(limited, draft(limited))
    orphan = replace(request, id="b" * 32, subject="invoice:gone", content="x")
    limited.billing().ledger.approvals.ask(orphan)
    with pytest.raises(Conflict, match="changed since"):
        limited.billing(actor=BOSS).second_person.agree(orphan.id)


def test_a_process_that_dies_between_agreeing_and_sending_loses_nothing(limited: World) -> None:
    """The next round sends it, once."""
    invoice = draft(limited)
    request = asked(limited, invoice)
    billing = limited.billing(actor=BOSS)
    billing.approvals.agree(request.id, billing.invoicing.wish(invoice.id).content)
    assert sends(limited) == 0
    limited.upkeep.round()
    limited.upkeep.round()
    assert sends(limited) == 1
    assert limited.billing().approvals.get(request.id).state is ApprovalState.DONE


def test_an_agreed_invoice_that_stripe_did_not_take_goes_on_by_itself(limited: World) -> None:
    """It is agreed to all the same; nobody has to agree again."""
    invoice = draft(limited)
    request = asked(limited, invoice)
    limited.shops["hp"].fail_next("finalise", Unreachable("No answer."))
    with pytest.raises(Unreachable):
        limited.billing(actor=BOSS).second_person.agree(request.id)
    assert limited.billing().approvals.get(request.id).state is ApprovalState.DONE
    limited.clock.advance(minutes=10)
    limited.upkeep.round()
    assert (limited.billing().invoicing.get(invoice.id).status, sends(limited)) == ("open", 1)


@pytest.mark.parametrize("way", ["form", "upkeep", "resume"])
def test_whom_it_goes_to_cannot_change_after_the_agreement(limited: World, way: str) -> None:
    """Stripe did not take it at first, and meanwhile the customer is reached elsewhere: it waits for another
    agreement, whoever or whatever goes on with it."""
    made = draft(limited)
    request = asked(limited, made)
    limited.shops["hp"].fail_next("finalise", Unreachable("No answer."))
    with pytest.raises(Unreachable):
        limited.billing(actor=BOSS).second_person.agree(request.id)
    limited.crm.add("hp", replace(ZONEN, email="thief@example.com"))
    limited.clock.advance(minutes=10)
    invoicing = limited.billing(actor=SALES).invoicing
    if way == "upkeep":
        assert limited.upkeep.round().invoices == 0
        assert limited.upkeep.round().invoices == 0
        stands = invoicing.get(made.id)
        assert stands.problem is not None
        assert stands.problem.code == "approval_needed"
    else:
        ways = {
            "resume": lambda: invoicing.resume(made.id),
            "form": lambda: invoicing.generate(YARD, ("11", "12"), Terms(), seen="", form_key="press-1", send=False),
        }
        with pytest.raises(ApprovalNeeded):
            ways[way]()
    assert invoicing.get(made.id).status == "draft"
    assert sends(limited) == 0


def test_an_agreement_about_a_limit_is_void_when_the_limit_changed(limited: World) -> None:
    """A process died between agreeing and doing it, and an admin made the limit stricter: that stands."""
    sam, limits = limited.billing(actor=MARA), limited.billing().settings
    request = sam.settings.set_limit("send", "EUR", 1_000_000_00, "Large customers")
    assert request is not None
    limited.shared.for_business("hp").approvals.decide(
        request.id, ApprovalState.AGREED, BOSS.ref, limited.clock.now(), ""
    )
    limits.set_limit("send", "EUR", 10_00, "")
    limited.upkeep.round()
    assert exceeded(limits.all(), "send", Money(11_00, "eur")) == Limit("send", "eur", 10_00)


def test_an_agreed_request_about_a_sent_invoice_is_done_already(limited: World) -> None:
    """Somebody lifted the limit and sent it between the two."""
    invoice = draft(limited)
    request = asked(limited, invoice)
    billing = limited.billing(actor=BOSS)
    billing.approvals.agree(request.id, billing.invoicing.wish(invoice.id).content)
    limited.billing().settings.clear_limits("Nobody is left")
    limited.billing().invoicing.send(invoice.id)
    limited.upkeep.round()
    assert sends(limited) == 1
    assert limited.billing().approvals.get(request.id).state is ApprovalState.DONE


def test_the_wish_of_an_unreadable_contact_can_be_compared(limited: World) -> None:
    """A contact that the CRM does not have any more is part of what is agreed to, too."""
    invoice = draft(limited)
    before = limited.billing().invoicing.wish(invoice.id)
    limited.crm.remove("hp", ZONEN)
    assert limited.billing().invoicing.wish(invoice.id).content != before.content


def test_a_contact_that_the_crm_cannot_read_can_be_compared(limited: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken row of the host's is as good as none: nothing is sent to what nobody can read."""
    invoice = draft(limited)
    request = asked(limited, invoice)
    billing = limited.billing(actor=BOSS)

    def unreadable(_: object) -> None:
        raise InvalidInput("contact", "The mail address is no text.")

    monkeypatch.setattr(billing.invoicing.crm, "contact", unreadable)
    with pytest.raises(Conflict, match="changed since"):
        billing.second_person.agree(request.id)


def test_what_cannot_be_done_any_more_is_not_tried_for_ever(limited: World) -> None:
    """Agreed to, and then the draft was deleted before anything was done."""
    invoice = draft(limited)
    request = asked(limited, invoice)
    billing = limited.billing(actor=BOSS)
    billing.approvals.agree(request.id, billing.invoicing.wish(invoice.id).content)
    limited.billing().invoicing.delete_draft(invoice.id)
    limited.upkeep.round()
    assert limited.billing().approvals.get(request.id).state is ApprovalState.DONE
    assert sends(limited) == 0


# Limits


def test_a_limit_in_one_currency_is_no_way_round_in_another(limited: World) -> None:
    """The star stands for every currency without a limit of its own: there a second person always agrees."""
    settings = limited.billing().settings
    assert exceeded(settings.all(), "send", Money(10**6, "usd")) is None
    settings.set_limit("send", EVERY_OTHER, 5, "")
    found = exceeded(settings.all(), "send", Money(1, "usd"))
    assert found == Limit("send", EVERY_OTHER, 0)
    assert (found.words, limits_of(settings.all())[0].words) == ("nothing", "100.00 EUR")
    assert exceeded(settings.all(), "refund", Money(1, "usd")) is None


@pytest.mark.parametrize("value", ["", "12x", "-1"])
def test_a_damaged_limit_lets_nothing_through(value: str) -> None:
    """An empty one is none."""
    found = exceeded({"limit.send.eur": value, "other": "1"}, "send", Money(1, "eur"))
    assert (found is None) == (value == "")


@pytest.mark.parametrize(
    ("permission", "currency", "amount", "field"),
    [("view", "eur", 1, "permission"), ("send", "euro", 1, "currency"), ("send", "eur", -1, "amount")],
)
def test_a_limit_as_somebody_typed_it(permission: str, currency: str, amount: int, field: str) -> None:
    """Each wrong field is named."""
    with pytest.raises(InvalidInput) as caught:
        check_limit(permission, currency, amount)
    assert caught.value.field == field


def test_a_limit_that_falls_needs_a_second_person_itself(limited: World) -> None:
    """A reason and an agreement; until then the old one holds. The admins are told."""
    limited.billing().settings.save_notify("ops@example.com")
    settings = limited.billing().settings
    with pytest.raises(InvalidInput, match="reason"):
        settings.set_limit("send", "eur", 500_00, "")
    request = settings.set_limit("send", "eur", 500_00, "Orders grow")
    assert request is not None
    assert limits_of(settings.all())[0].amount == 100_00
    with pytest.raises(OwnRequest):
        limited.billing().second_person.agree(request.id)
    limited.billing(actor=MARA).second_person.agree(request.id)
    assert limits_of(settings.all())[0].amount == 500_00
    assert limited.billing().approvals.get(request.id).state is ApprovalState.DONE
    assert limited.mailbox.mails[-1].subject == "A limit was changed"


def test_a_limit_is_removed_the_same_way(limited: World) -> None:
    """Where there is one; a star, too."""
    settings = limited.billing().settings
    with pytest.raises(NotFound):
        settings.remove_limit("refund", "eur", "Because")
    settings.set_limit("send", EVERY_OTHER, 0, "")
    for currency in ("eur", EVERY_OTHER):
        request = settings.remove_limit("send", currency, "One person is enough")
        assert request is not None
        limited.billing(actor=MARA).second_person.agree(request.id)
    assert limits_of(settings.all()) == []
    with pytest.raises(NotFound):
        settings.remove_limit("send", "eur", "Once more")


def test_a_stricter_limit_needs_nobody(limited: World) -> None:
    """Neither a reason nor a second person."""
    settings = limited.billing().settings
    assert settings.set_limit("send", "eur", 50_00, "") is None
    assert settings.set_limit("refund", "eur", 0, "") is None
    assert [limit.amount for limit in limits_of(settings.all())] == [50_00, 0]
    assert not loosens({}, None, "send", "eur")


def test_what_a_limit_was_raised_from_is_part_of_the_agreement(limited: World) -> None:
    """It was made stricter meanwhile: the agreement would lift something else."""
    settings = limited.billing().settings
    request = settings.set_limit("send", "eur", 500_00, "Orders grow")
    settings.set_limit("send", "eur", 10_00, "")
    assert request is not None
    with pytest.raises(Conflict, match="changed since"):
        limited.billing(actor=MARA).second_person.agree(request.id)


def test_where_nobody_is_left_the_operator_clears_the_limits(limited: World) -> None:
    """With a reason, and everybody hears of it."""
    with pytest.raises(InvalidInput):
        limited.billing().settings.clear_limits("")
    assert limited.billing().settings.clear_limits("Both admins have left") == 1
    assert limited.generate().status == "open"
