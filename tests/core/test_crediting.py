"""What credit notes take off an invoice: whichever way it is cut, all of it and never more, to the last minor unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_crm_stripe.core.crediting import (
    Choice,
    Paid,
    alone,
    credit_differences,
    credit_plan,
    creditable,
    draft_of,
    not_arrived,
    plan_seen,
    still_to_pay,
    within,
)
from flask_crm_stripe.core.figures import Policy, Terms, make_plan
from flask_crm_stripe.core.gate import REASONS, imposed, kind_at_stripe
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.credits import (
    Credit,
    CreditLine,
    CreditPlan,
    CreditStage,
    Refund,
    RefundLink,
    RemoteCredit,
    RemoteCreditLine,
    RemoteLine,
)
from flask_crm_stripe.model.invoices import InvoicePlan, RemoteVat, VatRounding
from flask_crm_stripe.model.money import step
from tests.core.records import NOON, an_invoice
from tests.core.samples import ZONEN, work
from tests.core.test_worked_properties import ANY, CURRENCY, OFF, ROUNDING, lines, plan

WHY = "The order was a mistake"


def a_credit(made: CreditPlan, **given: object) -> Credit:
    """One that is issued."""
    values: dict[str, object] = {
        "id": "c" * 32,
        "invoice_id": "a" * 32,
        "account_id": "acct_1",
        "livemode": False,
        "plan": made,
        "total": made.total,
        "vat": made.vat,
        "stage": CreditStage.ISSUED,
        "created_at": NOON,
    }
    return Credit(**(values | given))  # type: ignore[arg-type]


def a_refund(**given: object) -> Refund:
    """One that arrived."""
    values: dict[str, object] = {
        "stripe_id": "re_1",
        "amount": 1000,
        "currency": "eur",
        "status": "succeeded",
        "at": NOON,
        "payment_intent": "pi_1",
    }
    return Refund(**(values | given))  # type: ignore[arg-type]


def take(whole: InvoicePlan, before: Sequence[Credit], wanted: Mapping[str, int], paid: Paid | None = None) -> Credit:
    """The next credit note."""
    made = credit_plan(whole, creditable(whole, before), Choice(lines=wanted), paid or Paid(10**15), WHY)
    return a_credit(made)


def two_lines(rounding: VatRounding = VatRounding.RATE, **given: object) -> InvoicePlan:
    """Two lines of 10.05 with 21 %: 2.11 each alone, and 4.22 together."""
    each = [work(ref, quantity=Decimal(1), unit_price=Decimal("10.05"), **given) for ref in ("1", "2")]
    return make_plan(ZONEN, each, Terms(), "eur", Policy(rounding))


@settings(max_examples=150, deadline=None)
@given(lines(ANY), OFF, CURRENCY, ROUNDING, st.data())
def test_any_row_of_credits_adds_up_to_the_invoice(
    works: list[object], terms: Terms, currency: str, rounding: VatRounding, data: st.DataObject
) -> None:
    """Cut anywhere, in any order, on invoices with discounts and credits of their own: totals and each rate's VAT are
    those of the invoice in the end, and never above on the way; no line of Stripe's is asked for more than it has."""
    whole = plan(works, terms, currency, rounding)  # type: ignore[arg-type]
    if any(total.base < 0 or total.vat < 0 for total in whole.vat_totals):
        return
    done: list[Credit] = []
    for _ in range(data.draw(st.integers(0, 4))):
        left = [each for each in creditable(whole, done) if each.left]
        unit = step(currency)
        wanted = {each.line.key: unit * data.draw(st.integers(0, each.left // unit)) for each in left}
        if any(wanted.values()):
            done.append(take(whole, done, wanted))
        never_above(whole, done)
    if any(each.left for each in creditable(whole, done)):
        done.append(take(whole, done, {}))
    never_above(whole, done)
    assert sum(each.total for each in done) == whole.total
    for total in whole.vat_totals:
        assert sum(line.vat for line in of_rate(done, total.rate, total.included, total.kind)) == total.vat
        if not total.included:
            assert sum(line.amount for line in of_rate(done, total.rate, False, total.kind)) == total.base


def of_rate(done: Sequence[Credit], rate: Decimal, included: bool, kind: object) -> list[CreditLine]:
    """The lines of a rate on all credit notes."""
    every = [line for credit in done for line in credit.plan.lines]
    return [line for line in every if (line.vat_rate, line.vat_included, line.vat_kind) == (rate, included, kind)]


def never_above(whole: InvoicePlan, done: Sequence[Credit]) -> None:
    """Neither the invoice, nor a rate, nor what Stripe was told of a line; and nothing is ever below zero."""
    assert sum(each.total for each in done) <= whole.total
    told = imposed(whole)
    for total in whole.vat_totals:
        assert sum(line.vat for line in of_rate(done, total.rate, total.included, total.kind)) <= total.vat
    for line in whole.lines:
        mine = [each for credit in done for each in credit.plan.lines if each.key == line.key]
        assert all(each.amount > 0 <= each.vat and each.base >= 0 for each in mine)
        assert sum(each.vat for each in mine) <= told[line.key][0]
        assert sum(each.base for each in mine) <= told[line.key][1]


def test_vat_is_rounded_as_the_invoice_rounds_it() -> None:
    """Once for everything of a rate that was credited so far, or once per line."""
    whole = two_lines()
    assert whole.vat == 422
    first = take(whole, [], {"1": 500})
    assert first.plan.vat == 105
    second = take(whole, [first], {"1": 200, "2": 500})
    assert second.plan.vat == 252 - 105
    rest = take(whole, [first, second], {})
    assert [credit.vat for credit in (first, second, rest)] == [105, 147, 170]
    by_line = two_lines(VatRounding.LINE)
    first = take(by_line, [], {"1": 3, "2": 3})
    assert [line.vat for line in first.plan.lines] == [1, 1]
    assert [line.vat for line in take(two_lines(), [], {"1": 3, "2": 3}).plan.lines] == [1, 0]


def test_vat_that_is_included_stays_in_the_amount() -> None:
    """The base is what is left without it."""
    whole = two_lines(vat_included=True)
    made = take(whole, [], {"1": 500})
    [line] = made.plan.lines
    assert (line.total, line.vat, line.base, made.total) == (500, 87, 413, 500)


def test_what_a_choice_can_not_be() -> None:
    """More than is left, less than nothing, of a line that is not there, of nothing at all; freed only as a whole."""
    whole = two_lines()
    left = creditable(whole, [])

    def wrong(choice: Choice) -> str | None:
        with pytest.raises(InvalidInput) as caught:
            credit_plan(whole, left, choice, Paid(0), WHY)
        return caught.value.field

    assert wrong(Choice({"1": 1006})) == "lines.1"
    assert wrong(Choice({"1": -1, "2": 5})) == "lines.1"
    assert wrong(Choice({"9": 5})) == "lines"
    assert wrong(Choice({"1": 0})) == "lines"
    assert wrong(Choice({"1": 5}, frees=True)) == "frees"
    assert credit_plan(whole, left, Choice(frees=True), Paid(0), WHY).frees
    assert credit_plan(whole, left, Choice({"1": 1005, "2": 1005}, frees=True), Paid(0), WHY).total == whole.total
    yen = make_plan(ZONEN, [work("1", currency="isk", unit_price=Decimal(100))], Terms(), "isk")
    with pytest.raises(InvalidInput):
        credit_plan(yen, creditable(yen, []), Choice({"1": 150}), Paid(0), WHY)


@pytest.mark.parametrize(
    ("paid", "elsewhere", "before", "linked", "refund", "out"),
    [
        (Paid(2432), False, 2432, 0, 0, 0),
        (Paid(0, (2432,)), False, 0, 0, 2432, 0),
        (Paid(0, (2432,)), True, 0, 0, 0, 2432),
        (Paid(1432, (1000,)), False, 1432, 0, 1000, 0),
        (Paid(432, (1000,)), False, 432, 0, 1000, 1000),
        (Paid(0, (1432,), (RefundLink("re_1", 1000),)), False, 0, 1000, 1432, 0),
        (Paid(2000, (432,), (RefundLink("re_1", 1000), RefundLink("re_2", 9))), False, 2000, 432, 0, 0),
    ],
)
def test_where_the_money_goes(paid: Paid, elsewhere: bool, before: int, linked: int, refund: int, out: int) -> None:
    """Off what is still to pay, to refunds that have no credit note yet, to the card, and the rest elsewhere."""
    whole = two_lines()
    made = credit_plan(whole, creditable(whole, []), Choice(elsewhere=elsewhere), paid, WHY)
    assert (made.before, sum(link.amount for link in made.linked)) == (before, linked)
    assert (made.refund, made.elsewhere) == (refund, out)
    assert made.after == linked + refund + out


def test_what_several_payments_paid_goes_back_in_parts() -> None:
    """Stripe gives a credit note's money back to one charge."""
    whole = two_lines()
    with pytest.raises(InvalidInput, match=r"at most 20\.00 EUR"):
        credit_plan(whole, creditable(whole, []), Choice(), Paid(0, (2000, 432)), WHY)
    assert take(whole, [], {"1": 1005}, Paid(0, (2000, 432))).plan.refund == 1216


def test_void_and_unfinished_ones_take_nothing_off() -> None:
    """Only what is issued counts."""
    whole = two_lines()
    for stage in (CreditStage.VOID, CreditStage.PLANNED, CreditStage.GIVEN_UP):
        left = creditable(whole, [replace(take(whole, [], {}), stage=stage)])
        assert sum(each.left for each in left) == 2010


def test_what_stripes_dashboard_credited_is_taken_off_too() -> None:
    """By the line that it names; an amount of none is taken off all of them, and what is left adds up."""
    whole = two_lines()
    line = RemoteCreditLine("il_1", "Senior consulting", 500, 105, 500)
    free = RemoteCreditLine(None, "Goodwill", 400, 0, 0)
    remote = RemoteCredit("cn_1", "in_1", "issued", "eur", 605, 105, 0, 605, NOON, lines=(line,))
    made = plan_seen(whole, remote, {"il_1": "1"})
    assert [(each.key, each.vat_rate, each.total) for each in made.lines] == [("1", Decimal(21), 605)]
    assert [each.left for each in creditable(whole, [a_credit(made)])] == [505, 1005]
    loose = plan_seen(whole, replace(remote, lines=(free,), links=(RefundLink("re_1", 400),)), {})
    assert (loose.lines[0].key, loose.refund) == ("", 400)
    left = creditable(whole, [a_credit(loose)])
    assert sum(each.left for each in left) == 1610
    assert sum(each.left for each in creditable(whole, [a_credit(loose)] * 9)) == 0


def test_stripe_is_told_by_its_own_names() -> None:
    """Lines and rates are Stripe's, our id travels along; a line that it has not is no line to credit."""
    whole = two_lines()
    credit = take(whole, [], {"2": 500}, Paid(0, (3000,)))
    lines_there = [RemoteLine("il_x", ""), RemoteLine("il_1", "1", "txr_1"), RemoteLine("il_2", "2", "txr_2")]
    draft = draft_of(credit, an_invoice(plan=whole), lines_there, "inst")
    [line] = draft.lines
    assert (line.line, line.amount, line.vat, line.base, line.tax_rate) == ("il_2", 500, 105, 500, "txr_2")
    assert (draft.refund, draft.metadata["crm_stripe_id"], draft.mail) == (605, credit.id, False)
    with pytest.raises(InvalidInput, match="no line"):
        draft_of(credit, an_invoice(plan=whole), lines_there[:2], "inst")


def answer(made: CreditPlan) -> RemoteCredit:
    """A preview that agrees to the cent."""
    sums: dict[tuple[str, bool], tuple[int, int]] = {}
    for line in made.lines:
        key = (REASONS[kind_at_stripe(line.vat_kind, line.vat_rate)], line.vat_included)
        vat, base = sums.get(key, (0, 0))
        sums[key] = (vat + line.vat, base + line.base)
    vats = tuple(RemoteVat(*key, *each) for key, each in sums.items())
    return RemoteCredit("cn", "in_1", "issued", "eur", made.total, made.vat, made.before, made.after, NOON, vat=vats)


def test_the_gate_is_open_where_every_figure_is_the_same() -> None:
    """To the minor unit, and names both sides of each that is not."""
    made = take(two_lines(), [], {"1": 500}, Paid(100, (3000,))).plan
    good = answer(made)
    assert credit_differences(made, good) == ()
    for name in ("total", "tax", "before", "after"):
        [found] = credit_differences(made, replace(good, **{name: getattr(good, name) + 1}))
        assert found.ours != found.theirs
    assert [each.what for each in credit_differences(made, replace(good, vat=()))] == [
        "VAT, standard rated",
        "VAT is on, standard rated",
    ]
    other = replace(good.vat[0], included=True)
    assert len(credit_differences(made, replace(good, vat=(other,)))) == 4
    assert "Currency" in [each.what for each in credit_differences(made, replace(good, currency="usd"))]


def test_refunds_without_a_credit_note() -> None:
    """What stands and no credit note names; what a void one names is free again."""
    made = take(two_lines(), [], {"1": 500})
    credit = replace(made, links=(RefundLink("re_1", 600),))
    back = [a_refund(), a_refund(stripe_id="re_2", status="failed"), a_refund(stripe_id="re_3", amount=5)]
    assert alone([credit], back) == (RefundLink("re_1", 400), RefundLink("re_3", 5))
    assert alone([replace(credit, stage=CreditStage.VOID)], back)[0] == RefundLink("re_1", 1000)


def test_money_that_did_not_arrive_is_known_until_it_went_back_again() -> None:
    """A credit note stands without its money, until a refund of its own makes good for it."""
    credit = replace(take(two_lines(), [], {"1": 500}), links=(RefundLink("re_1", 605),))
    failed = a_refund(amount=605, status="failed")
    assert not_arrived([credit], [failed]) == 605
    assert not_arrived([credit], [failed, a_refund(stripe_id="re_2", amount=600)]) == 5
    again = a_refund(stripe_id="re_2", amount=700)
    assert not_arrived([credit], [failed, again]) == 0
    assert alone([credit], [failed, again]) == (RefundLink("re_2", 95),), "what makes good for it is spent"


def test_what_is_still_to_pay() -> None:
    """On an invoice that is owed; a paid one has nothing."""
    assert still_to_pay(an_invoice(status="open", amount_remaining=5)) == 5
    assert still_to_pay(an_invoice(status="paid", amount_remaining=0)) == 0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 999), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6),
    st.integers(-50, 900),
)
def test_parts_stay_within_their_bounds(rows: list[tuple[int, int, int]], target: int) -> None:
    """And add up to what is wanted, or to the nearest that the bounds allow."""
    weights, low, high = [row[0] for row in rows], [row[1] for row in rows], [row[1] + row[2] for row in rows]
    parts = within(target, weights, low, high, 1)
    assert all(a <= part <= b for a, part, b in zip(low, parts, high, strict=True))
    assert sum(parts) == min(max(target, sum(low)), sum(high))
