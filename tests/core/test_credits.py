"""Giving money back with a credit note: once, exact, and told, whatever goes wrong on the way."""

from __future__ import annotations

import pytest

from flask_crm_stripe.core.credit_outlook import CORRECT, CREDIT
from flask_crm_stripe.core.crediting import Choice
from flask_crm_stripe.errors import (
    AccountGone,
    Busy,
    Conflict,
    CopyLocked,
    CreditUnderWay,
    GateStopped,
    InvalidInput,
    NotFound,
    NotPermitted,
    PlanChanged,
    ProviderError,
    ProviderFailed,
    RateLimited,
    Refused,
    Unreachable,
)
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor
from flask_crm_stripe.model.credits import CreditStage
from flask_crm_stripe.model.invoices import Invoice, Status
from flask_crm_stripe.model.log import LogFilter
from tests.core.credit_flows import LINE, MARA, WHY, again, asked, credit, deliver, pay, shop, sums, told
from tests.core.world import ELSEWHERE, World


@pytest.fixture
def sent(connected: World) -> Invoice:
    """An open invoice of the first business."""
    return connected.generate()


@pytest.fixture
def paid(connected: World, sent: Invoice) -> Invoice:
    """The same, paid by card."""
    return pay(connected, sent)


def test_everything_goes_back_with_one_call(connected: World, paid: Invoice) -> None:
    """The credit note has all of the VAT, the card gets all of the money, the timeline says who, why and by which
    request; the work stays on the invoice, and a second press changes nothing."""
    done = credit(connected, paid, form_key="press")
    assert (done.stage, done.total, done.vat, done.number) == (
        CreditStage.ISSUED,
        paid.total,
        paid.plan.vat,
        "MEM-0001-CN-01",
    )
    found = sums(connected, paid)
    assert (found.credited, found.refunded, found.lost) == (paid.total, paid.total, 0)
    [entry] = told(connected, paid, "credited")
    assert (entry.actor, entry.params["words"], entry.params["refund"]) == ("2", WHY, "5088.05 EUR")
    assert str(entry.request_id).startswith("req_")
    assert told(connected, paid, "refunded") == []
    assert credit(connected, paid, form_key="press").id == done.id
    assert (asked(connected, "create_credit"), len(shop(connected).made_refunds)) == (1, 1)
    assert connected.billing().ledger.invoices.of_billables(["11"], False) != {}
    assert again(connected, paid).status == Status.PAID
    [first, *_] = connected.billing().ledger.log.page(LogFilter(action="invoice.refund")).rows
    assert (first.actor, first.outcome, first.reason) == ("2", "done", WHY)
    [payment] = connected.billing().ledger.invoices.payments(paid.id)
    assert (payment.status, payment.refunded) == ("refunded", paid.total)


def test_parts_add_up_and_no_more_can_be_credited(connected: World, paid: Invoice) -> None:
    """Three of them come to the invoice, to the cent."""
    credit(connected, paid, Choice({"11": 1000_01}))
    credit(connected, paid, Choice({"11": 1, "12": 333_33}))
    credit(connected, paid)
    assert sums(connected, paid).credited == paid.total
    with pytest.raises(Conflict, match="credited already"):
        credit(connected, paid)


def test_an_open_invoice_is_reduced_and_no_money_moves(connected: World, sent: Invoice) -> None:
    """In part it stays open; in full nothing remains to pay, and nobody is said to have paid."""
    credit(connected, sent, Choice({"11": LINE}))
    after = again(connected, sent)
    assert (after.status, after.amount_remaining) == ("open", sent.total // 2)
    credit(connected, sent)
    after = again(connected, sent)
    assert (after.status, after.amount_remaining, after.amount_paid) == ("paid", 0, 0)
    assert [len(told(connected, sent, kind)) for kind in ("credited", "all_credited", "paid")] == [2, 1, 0]
    assert shop(connected).made_refunds == {}


def test_what_is_partly_paid_is_reduced_first(connected: World, sent: Invoice) -> None:
    """Then the card gets the rest."""
    pay(connected, sent, 1000_00)
    done = credit(connected, sent)
    assert (done.plan.before, done.plan.refund) == (sent.total - 1000_00, 1000_00)
    assert again(connected, sent).amount_remaining == 0


def test_what_was_paid_elsewhere_is_given_back_elsewhere(connected: World, sent: Invoice) -> None:
    """Recorded by hand, or because the person wants it so."""
    connected.billing().afterwards.do("paid_elsewhere", sent.id, "In cash, on Monday")
    done = credit(connected, sent)
    assert (done.plan.refund, done.plan.elsewhere) == (0, sent.total)
    assert told(connected, sent, "credited")[0].params["elsewhere"] == "5088.05 EUR"


def test_the_card_is_left_alone_where_the_money_goes_another_way(connected: World, paid: Invoice) -> None:
    """The person says so."""
    assert credit(connected, paid, Choice(elsewhere=True)).plan.elsewhere == paid.total
    assert shop(connected).made_refunds == {}


FAULTS: list[tuple[ProviderError, bool, str]] = [
    (Unreachable("No answer."), False, "planned"),
    (Unreachable("No answer."), True, "planned"),
    (ProviderFailed("Broken."), False, "planned"),
    (ProviderFailed("Broken."), True, "planned"),
    (RateLimited("Busy."), False, "given_up"),
    (Refused("Not now."), False, "given_up"),
    (AccountGone("Gone."), False, "given_up"),
]


@pytest.mark.parametrize("hours", [0, 25])
@pytest.mark.parametrize(("error", "done", "stage"), FAULTS)
def test_whatever_stripe_answers_the_same_press_completes_it_once(
    connected: World, paid: Invoice, error: ProviderError, done: bool, stage: str, hours: int
) -> None:
    """Also when Stripe has forgotten every key: one credit note, one refund, one sentence."""
    shop(connected).fail_next("create_credit", error, after=done)
    with pytest.raises(type(error)):
        credit(connected, paid, form_key="press")
    if isinstance(error, AccountGone):
        return
    [known] = connected.billing().ledger.credits.of_invoice(paid.id)
    assert known.stage == stage
    connected.clock.advance(hours=hours)
    credit(connected, paid, form_key="press")
    assert asked(connected, "create_credit") == (1 if done else 2)
    once(connected, paid)


def once(world: World, invoice: Invoice) -> None:
    """One credit note, one refund, one sentence with the name of who did it."""
    assert (len(shop(world).credit_notes), len(shop(world).made_refunds)) == (1, 1)
    assert [entry.actor for entry in told(world, invoice, "credited")] == ["2"]
    assert sums(world, invoice).credited == invoice.total
    [one] = world.billing().ledger.credits.of_invoice(invoice.id)
    assert one.stage is CreditStage.ISSUED


@pytest.mark.parametrize("done", [False, True])
def test_upkeep_completes_what_nobody_comes_back_to(connected: World, paid: Invoice, done: bool) -> None:
    """After a while, once; another credit has to wait for it."""
    shop(connected).fail_next("create_credit", Unreachable("No answer."), after=done)
    with pytest.raises(Unreachable):
        credit(connected, paid)
    [known] = connected.billing().ledger.credits.of_invoice(paid.id)
    if not done:
        assert connected.billing().credits.outlook(CREDIT, paid.id).under_way == known
        with pytest.raises(CreditUnderWay) as caught:
            credit(connected, paid)
        assert caught.value.credit_id == known.id
        connected.upkeep.round()
        assert len(shop(connected).credit_notes) == 0
    connected.clock.advance(minutes=5)
    connected.upkeep.round()
    once(connected, paid)
    assert connected.billing(actor=MARA).credits.resume(known.id).stage is CreditStage.ISSUED
    connected.upkeep.round()
    once(connected, paid)


def test_upkeep_says_what_it_could_not_finish_and_goes_on(connected: World, paid: Invoice) -> None:
    """Stripe is silent once more; the next round completes it."""
    shop(connected).fail_next("create_credit", Unreachable("No answer."), times=2)
    with pytest.raises(Unreachable):
        credit(connected, paid)
    for _ in range(2):
        connected.clock.advance(minutes=5)
        connected.upkeep.round()
    once(connected, paid)


@pytest.mark.parametrize("lost", [False, True])
def test_an_event_that_is_faster_tells_it_once_and_names_who_did_it(
    connected: World, paid: Invoice, lost: bool
) -> None:
    """The answer was lost, or not; our record knows who wanted it."""
    if lost:
        shop(connected).fail_next("create_credit", Unreachable("No answer."), after=True)
        with pytest.raises(Unreachable):
            credit(connected, paid, form_key="press")
    else:
        credit(connected, paid, form_key="press")
    deliver(connected, paid, "credit_note.created")
    deliver(connected, paid, "refund.created", 2)
    deliver(connected, paid, "charge.refunded", 3)
    once(connected, paid)
    credit(connected, paid, form_key="press")
    once(connected, paid)
    assert told(connected, paid, "refunded") == []


@pytest.mark.parametrize("error", [Unreachable("No answer."), RateLimited("Busy.")])
def test_a_look_that_fails_afterwards_is_made_up_for(connected: World, paid: Invoice, error: ProviderError) -> None:
    """It is done, and not finished before it is known how the invoice stands: the same press looks again."""
    shop(connected).fail_next("refunds", error)
    with pytest.raises(Unreachable, match="nothing is done twice"):
        credit(connected, paid, form_key="press")
    assert sums(connected, paid).refunded == 0
    credit(connected, paid, form_key="press")
    assert sums(connected, paid).refunded == paid.total
    once(connected, paid)
    assert asked(connected, "create_credit") == 1


def test_a_difference_stops_it_and_nothing_moves(connected: World, paid: Invoice) -> None:
    """Both sides are named; the same press tries again."""
    shop(connected).credit_skew = 1
    with pytest.raises(GateStopped, match="no money moved") as caught:
        credit(connected, paid, form_key="press")
    assert caught.value.differences == (("Total", "5088.05 EUR", "5088.06 EUR"),)
    assert (asked(connected, "create_credit"), shop(connected).made_refunds) == (0, {})
    credit(connected, paid, form_key="press")
    once(connected, paid)


def test_what_was_seen_is_what_is_done(connected: World, paid: Invoice) -> None:
    """Something was refunded meanwhile: the figures are shown once more. Another wish under the same key is refused."""
    billing = connected.billing(actor=MARA)
    seen = billing.credits.outlook(CREDIT, paid.id).seen
    shop(connected).refund_alone(paid.stripe_id or "", 5)
    with pytest.raises(PlanChanged):
        credit(connected, paid, seen=seen)
    seen = billing.credits.outlook(CREDIT, paid.id).seen
    credit(connected, paid, seen=seen, form_key="press")
    with pytest.raises(Conflict, match="another credit note"):
        credit(connected, paid, Choice({"11": 5}), form_key="press")
    with pytest.raises(InvalidInput):
        billing.credits.do(CREDIT, paid.id, Choice(), WHY, form_key="")


def test_a_second_page_that_shows_the_same_credits_it_once(connected: World, paid: Invoice) -> None:
    """Both were opened before either was pressed, and the invoice looks as before: what is left does not."""
    billing = connected.billing(actor=MARA)
    seen = billing.credits.outlook(CREDIT, paid.id, Choice({"11": 5})).seen
    credit(connected, paid, Choice({"11": 5}), seen=seen)
    with pytest.raises(PlanChanged):
        credit(connected, paid, Choice({"11": 5}), seen=seen)


def test_a_refund_that_was_made_alone_gets_its_credit_note(connected: World, paid: Invoice) -> None:
    """It is told that it has none; the next credit note takes it up, and no money goes twice."""
    made = shop(connected).refund_alone(paid.stripe_id or "", 1000_00)
    deliver(connected, paid, "charge.refunded")
    deliver(connected, paid, "refund.created", 2)
    [entry] = told(connected, paid, "refunded")
    assert (entry.params["amount"], entry.actor, entry.object_id) == ("1000.00 EUR", None, made.stripe_id)
    done = credit(connected, paid)
    assert (sum(link.amount for link in done.plan.linked), done.plan.refund) == (1000_00, paid.total - 1000_00)
    assert sums(connected, paid).refunded == paid.total


@pytest.mark.parametrize("back", [False, True])
def test_what_stripes_dashboard_credits_is_noticed_once(connected: World, paid: Invoice, back: bool) -> None:
    """Stored, told, and taken off what can be credited here."""
    shop(connected).credit_alone(paid.stripe_id or "", 100_00, back=back)
    for number, kind in enumerate(("credit_note.created", "refund.created", "invoice.updated"), 1):
        deliver(connected, paid, kind, number)
    [entry] = told(connected, paid, "credited")
    assert (entry.actor, entry.params["amount"], bool(entry.params["refund"])) == (None, "100.00 EUR", back)
    [one] = sums(connected, paid).credits
    assert (one.created_by, one.total, one.plan.lines[0].key) == (None, 100_00, "")
    assert told(connected, paid, "refunded") == []
    outlook = connected.billing().credits.outlook(CREDIT, paid.id)
    assert sum(each.left for each in outlook.lines) == 2 * LINE - 100_00
    credit(connected, paid)
    assert sums(connected, paid).credited == paid.total


def test_a_credit_note_that_is_voided_takes_nothing_off_any_more(connected: World, sent: Invoice) -> None:
    """It is told once, and what it took off is owed again."""
    done = credit(connected, sent, Choice({"11": LINE}))
    shop(connected).void_credit(done.stripe_id or "")
    deliver(connected, sent, "credit_note.voided")
    deliver(connected, sent, "credit_note.updated", 2)
    assert len(told(connected, sent, "credit_voided")) == 1
    assert sums(connected, sent).credited == 0
    assert again(connected, sent).amount_remaining == sent.total


def test_one_that_was_made_and_voided_before_we_looked(connected: World, sent: Invoice) -> None:
    """Both are told."""
    note = shop(connected).credit_alone(sent.stripe_id or "", 5)
    shop(connected).void_credit(note.id)
    deliver(connected, sent, "credit_note.created")
    assert [len(told(connected, sent, kind)) for kind in ("credited", "credit_voided")] == [1, 1]


def test_a_refund_that_fails_later_is_told_and_people_hear_of_it(connected: World, paid: Invoice) -> None:
    """The credit note stands without its money, until it goes back in another way."""
    connected.billing().settings.save_notify("ines@example.com")
    connected.mailbox.mails.clear()
    credit(connected, paid)
    [refund_id] = shop(connected).made_refunds
    shop(connected).fail_refund(refund_id)
    for number, kind in enumerate(("refund.failed", "refund.updated", "invoice.updated"), 1):
        deliver(connected, paid, kind, number)
    [entry] = told(connected, paid, "refund_failed")
    assert (entry.params["amount"], entry.params["why"]) == ("5088.05 EUR", "The card has expired.")
    found = sums(connected, paid)
    assert (found.credited, found.refunded, found.lost) == (paid.total, 0, paid.total)
    [notice] = [each for each in connected.billing().notices.open() if each.kind == "refund_failed"]
    assert notice.params["invoice"] == paid.id
    assert [mail.subject for mail in connected.mailbox.mails] == ["A refund did not arrive: MEM-0001"]
    shop(connected).refund_alone(paid.stripe_id or "", paid.total)
    deliver(connected, paid, "refund.created", 9)
    assert sums(connected, paid).lost == 0


def test_a_refund_on_its_way_is_looked_at_until_it_arrived(connected: World, paid: Invoice) -> None:
    """Pending first; any look brings it up to date."""
    shop(connected).refund_status = "pending"
    credit(connected, paid)
    assert [each.status for each in sums(connected, paid).refunds] == ["pending"]
    notes = shop(connected).made_refunds
    [one] = notes.values()
    notes[one.stripe_id] = type(one)(one.stripe_id, one.amount, one.currency, "succeeded", one.at, one.payment_intent)
    connected.billing().invoicing.refresh(paid.id)
    assert [each.status for each in sums(connected, paid).refunds] == ["succeeded"]


def test_work_is_free_only_where_the_person_says_so(connected: World, paid: Invoice) -> None:
    """And all of the invoice is credited: the host hears that its work is on no invoice any more."""
    with pytest.raises(InvalidInput):
        credit(connected, paid, Choice({"11": 5}, frees=True))
    done = credit(connected, paid, Choice(frees=True))
    assert again(connected, paid).freed
    assert connected.billing().ledger.invoices.of_billables(["11", "12"], False) == {}
    assert connected.crm.statuses("hp") == {"11": "", "12": ""}
    assert connected.generate(form_key="again").status == "open"
    assert done.plan.frees


@pytest.mark.parametrize("kind", [CREDIT, CORRECT])
def test_who_may_not_credit(connected: World, paid: Invoice, kind: str) -> None:
    """Without the right, in a copy, on an invoice that is not there or another business's; busy; without a reason."""
    for permissions in (["view"], ["view", "refund"] if kind == CORRECT else ["view", "send", "write_off"], ["refund"]):
        with pytest.raises(NotPermitted):
            credit(connected, paid, kind=kind, actor=Actor("9", "Whoever", permissions))
    with pytest.raises(NotFound):
        connected.billing("kestrel", MARA).credits.do(kind, paid.id, Choice(), WHY, form_key="press")
    with pytest.raises(InvalidInput):
        connected.billing(actor=MARA).credits.do(kind, paid.id, Choice(), "", form_key="press")
    connected.billing().ledger.lease(f"invoice:{paid.id}", "somebody", connected.clock.now(), 60)
    with pytest.raises(Busy):
        credit(connected, paid, kind=kind)
    connected.billing().ledger.release(f"invoice:{paid.id}", "somebody")
    connected.here = ELSEWHERE
    with pytest.raises(CopyLocked):
        credit(connected, paid, kind=kind)
    connected.here = "host.database.key"
    assert shop(connected).credit_notes == {}
    with pytest.raises(NotPermitted):
        connected.billing(actor=Actor("9", "Whoever", ALL_PERMISSIONS - {"view"})).credits.sums(paid.id)


@pytest.mark.parametrize("status", ["draft", "void"])
def test_what_can_not_be_credited(connected: World, status: str) -> None:
    """A draft, and what is void; the page says why, and what to do."""
    invoice = connected.generate(send=status != "draft")
    if status == "void":
        connected.billing().afterwards.do("void", invoice.id, WHY)
    assert connected.billing().credits.outlook(CREDIT, invoice.id).why_not
    with pytest.raises(Conflict):
        credit(connected, invoice)


def test_the_pdf_is_asked_for_when_it_is_opened(connected: World, paid: Invoice) -> None:
    """By those who may see personal data; one that is not at Stripe has none."""
    done = credit(connected, paid)
    assert connected.billing().credits.pdf(done.id) == "https://credit.example/MEM-0001-CN-01.pdf"
    with pytest.raises(NotPermitted):
        connected.billing(actor=Actor("9", "Whoever", ["view"])).credits.pdf(done.id)
    with pytest.raises(NotFound):
        connected.billing("kestrel").credits.pdf(done.id)
    shop(connected).credit_notes.clear()
    with pytest.raises(Conflict):
        connected.billing().credits.pdf(done.id)
    with pytest.raises(NotFound):
        connected.billing().credits.resume("nothing")


def test_what_can_be_done_is_shown_before(connected: World, paid: Invoice) -> None:
    """Figures for all that is left, or what is wrong with a choice; the limit that it is above."""
    billing = connected.billing(actor=MARA)
    outlook = billing.credits.outlook(CREDIT, paid.id)
    assert outlook.plan is not None
    assert (outlook.plan.total, outlook.why_not, outlook.limit) == (paid.total, "", None)
    assert billing.credits.outlook(CREDIT, paid.id, Choice({"11": 10**9})).wrong.keys() == {"lines.11"}
    with pytest.raises(InvalidInput):
        credit(connected, paid, Choice({"11": 10**9}))
    billing.settings.set_limit("refund", "EUR", 100_00, "")
    assert billing.credits.outlook(CREDIT, paid.id).limit is not None
