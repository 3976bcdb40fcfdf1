"""Credit notes and refunds, on every implementation of the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from flask_crm_stripe.errors import CreditUnderWay, NotFound
from flask_crm_stripe.model.credits import (
    Credit,
    CreditLine,
    CreditPlan,
    CreditStage,
    Refund,
    RefundLink,
    RemoteCredit,
)
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.ports.ledger import Ledger
from tests.contracts.ledger_worlds import NOW, OUR_ACCOUNT, THEIR_ACCOUNT, Ledgers, entry, later, make, opened, remote
from tests.contracts.test_ledger_races import at_once

BOOKS = (OUR_ACCOUNT, False)


def a_plan(**given: Any) -> CreditPlan:
    """Half of a line with 21 % VAT, which goes back to the card."""
    line = CreditLine("line-b1", "Work on b1", 500, 105, 500)
    values: dict[str, Any] = {"currency": "eur", "lines": (line,), "refund": 605, "reason": "A mistake"}
    return CreditPlan(**(values | given))


def an_invoice(ledger: Ledger, billable: str = "b1", **given: Any) -> Invoice:
    """One that went out."""
    return opened(ledger, make(ledger, billable, **given))


def begin(ledger: Ledger, invoice: Invoice, key: str = "press", at: datetime = NOW, **given: Any) -> Credit:
    """One that is decided."""
    return ledger.credits.plan(invoice.id, a_plan(**given), form_key=key, wanted="w", actor="ines", now=at)


def note(credit: Credit | None = None, id: str = "cn_1", **given: Any) -> RemoteCredit:
    """A credit note at Stripe; ours carries our id."""
    values: dict[str, Any] = {
        "invoice": "in_1",
        "status": "issued",
        "currency": "eur",
        "total": 605,
        "tax": 105,
        "before": 0,
        "after": 605,
        "created": later(5),
        "number": "HP-1-CN-01",
        "links": (RefundLink("re_1", 605),),
        "metadata": {"crm_stripe_id": credit.id} if credit else {},
    }
    return RemoteCredit(id, **(values | given))


def a_refund(id: str = "re_1", **given: Any) -> Refund:
    """Money that went back."""
    return replace(Refund(id, 605, "eur", "succeeded", later(5), "pi_1"), **given)


def kinds(ledger: Ledger, invoice: Invoice) -> list[str]:
    """What the timeline tells, oldest first."""
    return [each.kind for each in ledger.invoices.timeline(invoice.id)][::-1]


def test_a_wish_is_stored_once_per_press(ledgers: Ledgers) -> None:
    """With every figure; another one has to wait until it is known what became of it. Nobody else sees any of it."""
    ours = an_invoice(ledgers.ours)
    theirs = an_invoice(ledgers.theirs, account_id=THEIR_ACCOUNT)
    made = begin(ledgers.ours, ours)
    assert (made.stage, made.total, made.vat, made.created_by) == (CreditStage.PLANNED, 605, 105, "ines")
    assert begin(ledgers.ours, ours) == made == ledgers.ours.credits.get(made.id)
    assert ledgers.ours.credits.by_form_key("press") == made
    with pytest.raises(CreditUnderWay) as caught:
        begin(ledgers.ours, ours, "another")
    assert caught.value.credit_id == made.id
    assert begin(ledgers.theirs, theirs).id != made.id
    assert ledgers.theirs.credits.get(made.id) is None
    assert ledgers.theirs.credits.of_invoice(ours.id) == []
    assert ledgers.theirs.credits.refunds(ours.id) == []
    for deed in (
        lambda: begin(ledgers.theirs, ours, "x"),
        lambda: ledgers.theirs.credits.give_up(made.id, "Why"),
        lambda: ledgers.theirs.credits.replace(made.id, theirs.id, None),
        lambda: ledgers.theirs.credits.see(ours.id, [(note(made), made.plan)], [], later(9)),
    ):
        with pytest.raises(NotFound):
            deed()
    after = ledgers.ours.invoices.get(ours.id)
    assert after is not None
    assert after.version > ours.version


def test_what_was_given_up_can_begin_anew(ledgers: Ledgers) -> None:
    """Under its id, with new figures; what Stripe has is never given up."""
    ours = an_invoice(ledgers.ours)
    made = begin(ledgers.ours, ours)
    gone = ledgers.ours.credits.give_up(made.id, "Stripe refused it")
    assert (gone.stage, gone.problem) == (CreditStage.GIVEN_UP, "Stripe refused it")
    again = begin(ledgers.ours, ours, at=later(9), reason="Another reason")
    assert (again.id, again.stage, again.plan.reason, again.problem) == (
        made.id,
        CreditStage.PLANNED,
        "Another reason",
        None,
    )
    ledgers.ours.credits.see(ours.id, [(note(made), made.plan)], [], later(9))
    assert ledgers.ours.credits.give_up(made.id, "Too late").stage is CreditStage.ISSUED


def test_what_stripe_tells_is_told_once(ledgers: Ledgers) -> None:
    """With the name of who wanted it, whoever was faster; the refund is told with it; what is older changes nothing."""
    ours = an_invoice(ledgers.ours)
    made = begin(ledgers.ours, ours)
    see = ledgers.ours.credits.see
    seen = [(note(made), made.plan)]
    before = ledgers.ours.invoices.get(ours.id)
    assert before is not None
    assert see(ours.id, seen, [a_refund()], later(9), "evt_1", "req_1")
    for at in (later(9), later(8)):
        assert not see(ours.id, [(note(made, status="void"), made.plan)], [a_refund(status="failed")], at)
    assert not see(ours.id, seen, [a_refund()], later(10))
    [one] = ledgers.ours.credits.of_invoice(ours.id)
    assert (one.id, one.stripe_id, one.number, one.stage) == (made.id, "cn_1", "HP-1-CN-01", CreditStage.ISSUED)
    assert (one.links, one.issued_at) == ((RefundLink("re_1", 605),), later(5))
    [told] = ledgers.ours.invoices.timeline(ours.id)
    assert (told.kind, told.actor, told.event_id, told.request_id, told.object_id) == (
        "credited",
        "ines",
        "evt_1",
        "req_1",
        "cn_1",
    )
    assert (told.params["words"], told.params["refund"], told.params["elsewhere"]) == ("A mistake", "6.05 EUR", "")
    [back] = ledgers.ours.credits.refunds(ours.id)
    assert replace(back, fetched_at=None) == a_refund()
    after = ledgers.ours.invoices.get(ours.id)
    assert after is not None
    assert after.version == before.version + 1


def test_one_that_was_made_in_stripe_is_kept_too(ledgers: Ledgers) -> None:
    """Once, with nobody's name; its voiding is told once, and it never comes back."""
    ours = an_invoice(ledgers.ours)
    see = ledgers.ours.credits.see
    for at in (9, 10):
        see(ours.id, [(note(links=(), elsewhere=605), a_plan(reason=""))], [], later(at))
    for at, status in ((11, "void"), (12, "void"), (13, "issued")):
        see(ours.id, [(note(status=status), a_plan(reason=""))], [], later(at))
    [one] = ledgers.ours.credits.of_invoice(ours.id)
    assert (one.created_by, one.stage) == (None, CreditStage.VOID)
    assert kinds(ledgers.ours, ours) == ["credited", "credit_voided"]
    assert begin(ledgers.ours, ours).id != one.id


def test_refunds_are_told_where_no_credit_note_does(ledgers: Ledgers) -> None:
    """One that was made alone, and any that fails, each once."""
    ours = an_invoice(ledgers.ours)
    see = ledgers.ours.credits.see
    see(ours.id, [], [a_refund(status="pending")], later(9))
    see(ours.id, [], [a_refund()], later(10))
    see(ours.id, [], [a_refund(status="failed", reason="The card has expired.")], later(11), "evt_2")
    see(ours.id, [], [a_refund(status="failed", reason="The card has expired."), a_refund("re_2")], later(12))
    see(ours.id, [(note(links=(RefundLink("re_3", 605),)), a_plan())], [a_refund("re_3")], later(13))
    assert sorted(kinds(ledgers.ours, ours)) == ["credited", "refund_failed", "refunded", "refunded"]
    [failed] = [each for each in ledgers.ours.invoices.timeline(ours.id) if each.kind == "refund_failed"]
    assert (failed.params["why"], failed.event_id) == ("The card has expired.", "evt_2")
    assert [each.status for each in ledgers.ours.credits.refunds(ours.id)] == ["failed", "succeeded", "succeeded"]


@pytest.mark.parametrize("frees", [True, False])
def test_work_becomes_free_with_the_credit_note(ledgers: Ledgers, frees: bool) -> None:
    """In the same moment, where the person said so: not before, and not where they did not."""
    ours = an_invoice(ledgers.ours)
    made = begin(ledgers.ours, ours, frees=frees)
    assert ledgers.ours.invoices.claims(["b1"]) != []
    ledgers.ours.credits.see(ours.id, [(note(made), made.plan)], [], later(9))
    after = ledgers.ours.invoices.get(ours.id)
    assert after is not None
    assert after.freed is frees
    assert (ledgers.ours.invoices.claims(["b1"]) == []) is frees
    assert (ledgers.ours.invoices.apply(ours.id, remote(ours, "paid"), [], later(20), []) or after).freed is frees
    if frees:
        assert make(ledgers.ours, "b1", form_key="again").id != ours.id


def test_two_invoices_name_each_other_once(ledgers: Ledgers) -> None:
    """The one that was corrected and the new one."""
    ours, new = an_invoice(ledgers.ours), make(ledgers.ours, "b2")
    made = begin(ledgers.ours, ours, corrects=True)
    stuck = ledgers.ours.credits.replace(made.id, None, "One line is gone")
    assert (stuck.problem, stuck.replacement) == ("One line is gone", None)
    told = [entry("corrected"), entry("corrects")]
    for _ in range(2):
        done = ledgers.ours.credits.replace(made.id, new.id, None, told)
        assert (done.replacement, done.problem) == (new.id, None)
    assert [kinds(ledgers.ours, each) for each in (ours, new)] == [["corrected"], ["corrects"]]
    assert ledgers.ours.credits.replaced_by(new.id) == done
    assert ledgers.ours.credits.replaced_by(ours.id) is None
    assert ledgers.theirs.credits.replaced_by(new.id) is None


def test_what_is_not_finished_is_found(ledgers: Ledgers) -> None:
    """Not known to be at Stripe, or without its new draft; of these books, begun some time ago, oldest first."""
    first, second, third = (an_invoice(ledgers.ours, name) for name in ("b1", "b2", "b3"))
    theirs = an_invoice(ledgers.theirs, account_id=THEIR_ACCOUNT)
    planned = begin(ledgers.ours, second, "p2", later(1))
    half = begin(ledgers.ours, first, "p1", corrects=True)
    whole = begin(ledgers.ours, third, "p3")
    begin(ledgers.theirs, theirs)
    for number, credit in enumerate((half, whole)):
        see = ledgers.ours.credits.see
        see(credit.invoice_id, [(note(credit, f"cn_{number}"), credit.plan)], [], later(2))
    found = ledgers.ours.credits.unfinished
    assert [each.id for each in found(BOOKS, later(60))] == [half.id, planned.id]
    assert [each.id for each in found(BOOKS, later(60), limit=1)] == [half.id]
    assert [each.id for each in found(BOOKS, later(1))] == [half.id]
    assert found(("acct_other", False), later(60)) == []
    assert found((OUR_ACCOUNT, True), later(60)) == []
    ledgers.ours.credits.replace(half.id, None, "Its work is gone")
    ledgers.ours.credits.give_up(planned.id, "Refused")
    assert found(BOOKS, later(60)) == []


def test_several_who_press_at_once_make_one(ledgers: Ledgers) -> None:
    """Of one invoice one is under way; the same press is the same one."""
    ours = an_invoice(ledgers.ours)
    results = at_once(lambda number: begin(ledgers.ours, ours, f"press {number // 2}"))
    made = {each.id for each in results if isinstance(each, Credit)}
    refused = [each for each in results if isinstance(each, CreditUnderWay)]
    assert (len(made), len(refused)) == (1, 4)
    assert len(ledgers.ours.credits.of_invoice(ours.id)) == 1


def test_several_who_see_the_same_tell_it_once(ledgers: Ledgers) -> None:
    """An event, the person's own look, and upkeep."""
    ours = an_invoice(ledgers.ours)
    made = begin(ledgers.ours, ours)
    results = at_once(
        lambda number: ledgers.ours.credits.see(
            ours.id, [(note(made), made.plan), (note(id="cn_2"), a_plan())], [a_refund()], later(9 + number)
        )
    )
    assert results.count(True) == 1
    assert kinds(ledgers.ours, ours) == ["credited", "credited"]
    assert len(ledgers.ours.credits.refunds(ours.id)) == 1
