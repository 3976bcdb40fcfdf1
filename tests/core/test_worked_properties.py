"""What holds for any invoice: parts add up, nothing is lost, and the gate is open exactly where nothing was changed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_crm_stripe.core.figures import (
    Policy,
    Terms,
    Work,
    invoice_discount,
    make_plan,
    spread,
    vat_parts,
    whole_plan,
)
from flask_crm_stripe.core.gate import differences, imposed, line_drafts
from flask_crm_stripe.model.crm import VatKind
from flask_crm_stripe.model.invoices import InvoicePlan, RemoteInvoice, RemoteVat, VatRounding
from flask_crm_stripe.model.money import step
from tests.core.samples import ZONEN, work
from tests.core.worked.ours import plan_of
from tests.core.worked.rows import Case
from tests.core.worked.stripes import answer_to
from tests.core.worked.table import MADE

CURRENCY = st.sampled_from(["eur", "jpy", "kwd", "isk", "ugx", "huf"])
ROUNDING = st.sampled_from(VatRounding)
KIND = st.sampled_from(
    [
        (Decimal(21), VatKind.STANDARD),
        (Decimal("5.5"), VatKind.REDUCED),
        (Decimal(9), VatKind.REDUCED),
        (Decimal(0), VatKind.ZERO),
        (Decimal(0), VatKind.EXEMPT),
    ]
)


def lines(quantity: st.SearchStrategy[Decimal]) -> st.SearchStrategy[list[Work]]:
    """Lines of work; only what is charged has a discount."""

    def one(amount: Decimal, price: Decimal, off: Decimal, kind: tuple[Decimal, VatKind], included: bool) -> Work:
        off = off if amount > 0 else Decimal(0)
        made = work(quantity=amount, unit_price=price, discount_percent=off, vat_rate=kind[0], vat_included=included)
        return replace(made, vat_kind=kind[1])

    each = st.builds(one, quantity, st.decimals(0, 500, places=3), st.decimals(0, 100, places=1), KIND, st.booleans())
    return st.lists(each, min_size=1, max_size=8)


CHARGES = st.decimals(0, 50, places=2)
ANY = st.decimals(-10, 50, places=2)
OFF = st.one_of(
    st.builds(lambda percent: Terms(discount_percent=percent), st.decimals(0, 100, places=2)),
    st.builds(lambda amount: Terms(discount_amount=amount), st.decimals(0, 5000, places=3)),
)


def plan(works: list[Work], terms: Terms, currency: str, rounding: VatRounding) -> InvoicePlan:
    """The plan of these lines in a currency, each with a key of its own."""
    named = [
        replace(item, billable=replace(item.billable, ref=str(place), currency=currency))
        for place, item in enumerate(works)
    ]
    return make_plan(ZONEN, named, terms, currency, Policy(rounding))


@given(lines(ANY), OFF, CURRENCY, ROUNDING)
def test_the_parts_add_up_to_the_whole(works: list[Work], terms: Terms, currency: str, rounding: VatRounding) -> None:
    """Lines, shares, nets, VAT and totals, with credits and both kinds of discount, by both policies."""
    whole = plan(works, terms, currency, rounding)
    assert sum(line.amount for line in whole.lines) == whole.subtotal
    assert sum(line.share for line in whole.lines) == whole.discount
    assert sum(line.vat for line in whole.lines) == whole.vat
    added = sum(line.vat for line in whole.lines if not line.vat_included)
    assert sum(line.net for line in whole.lines) + added == whole.total
    assert sum(total.base + total.vat for total in whole.vat_totals) == whole.total
    for total in whole.vat_totals:
        key = (total.rate, total.kind, total.included)
        mine = [line for line in whole.lines if (line.vat_rate, line.vat_kind, line.vat_included) == key]
        assert sum(line.base for line in mine) == total.base
        assert sum(line.vat for line in mine) == total.vat
    for line in whole.lines:
        assert line.net == line.amount - line.share
        assert (0 <= line.share <= line.amount) if line.amount > 0 else line.share == 0
        assert line.vat >= 0 or line.net < 0 or whole.total < 0 or any(each.base < 0 for each in whole.vat_totals)
        assert all(value % step(currency) == 0 for value in (line.amount, line.share, line.vat))


@given(lines(ANY), OFF, CURRENCY, ROUNDING)
def test_what_stripe_is_told_is_never_below_zero_and_loses_nothing(
    works: list[Work], terms: Terms, currency: str, rounding: VatRounding
) -> None:
    """Each rate's VAT and base stay what they are, where the rate is not below zero itself."""
    whole = plan(works, terms, currency, rounding)
    told = imposed(whole)
    for total in whole.vat_totals:
        if total.base < 0 or total.vat < 0:
            continue
        key = (total.rate, total.kind, total.included)
        mine = [line.key for line in whole.lines if (line.vat_rate, line.vat_kind, line.vat_included) == key]
        assert (sum(told[each][0] for each in mine), sum(told[each][1] for each in mine)) == (total.vat, total.base)
        assert all(told[each][0] >= 0 and told[each][1] >= 0 for each in mine)
        assert all(value % step(currency) == 0 for each in mine for value in told[each])
    for draft, line in zip(line_drafts(whole, {}), whole.lines, strict=True):
        assert draft.quantity * draft.unit_amount == line.net


@given(lines(ANY), CURRENCY, st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_no_total_where_each_is_rounded(works: list[Work], currency: str, dice: Any) -> None:
    """Without an invoice discount, whose last cent goes to the first of equal lines."""
    shuffled = list(works)
    dice.shuffle(shuffled)
    one, other = (plan(each, Terms(), currency, VatRounding.LINE) for each in (works, shuffled))
    assert (one.vat_totals, one.subtotal, one.total) == (other.vat_totals, other.subtotal, other.total)


@given(lines(CHARGES), OFF, CURRENCY)
def test_by_rate_no_line_is_far_from_its_own_vat(works: list[Work], terms: Terms, currency: str) -> None:
    """Less than two steps: one for the rounding of the whole, one for sharing it out."""
    by_rate = plan(works, terms, currency, VatRounding.RATE)
    by_line = plan(works, terms, currency, VatRounding.LINE)
    for one, other in zip(by_rate.lines, by_line.lines, strict=True):
        assert abs(one.vat - other.vat) < 2 * step(currency)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**7), min_size=1, max_size=20), st.sampled_from([1, 10, 100]))
def test_a_share_is_never_more_than_its_line(amount: int, weights: list[int], unit: int) -> None:
    """While the whole fits in all of them; and a line for nothing has none of it."""
    weights = [weight * unit for weight in weights]
    shares = spread(min(amount * unit, sum(weights)), weights, unit)
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


@given(st.integers(0, 10**9), st.decimals(0, 100, places=4), st.decimals(0, 10**6, places=3), CURRENCY)
def test_no_discount_is_more_than_is_charged(charged: int, percent: Decimal, amount: Decimal, currency: str) -> None:
    """In percent or as a sum."""
    charged *= step(currency)
    for terms in (Terms(discount_percent=percent), Terms(discount_amount=amount)):
        discount = invoice_discount(charged, terms, currency)
        assert 0 <= discount <= charged
        assert discount % step(currency) == 0


@given(st.lists(st.integers(-(10**6), 0), min_size=1, max_size=8), KIND, CURRENCY, st.booleans())
def test_credits_alone_share_their_vat(
    nets: list[int], kind: tuple[Decimal, VatKind], currency: str, included: bool
) -> None:
    """The mirror image of charges."""
    nets = [net * step(currency) for net in nets]
    parts = vat_parts(nets, kind[0], currency, VatRounding.RATE, included=included)
    mirrored = vat_parts([-net for net in nets], kind[0], currency, VatRounding.RATE, included=included)
    assert parts == [-part for part in mirrored]


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(0, 10**5))
def test_a_deduction_comes_off_as_it_was_charged(charged: int, taken: int, vat: int) -> None:
    """Whatever its VAT was, and whatever policy holds now."""
    one = plan([work(quantity=Decimal(1), unit_price=Decimal(charged).scaleb(-2))], Terms(), "eur", VatRounding.RATE)
    [line] = one.lines
    off = replace(line, key="d", amount=-taken, net=-taken, vat=-vat, deducts="HP-1")
    for rounding in VatRounding:
        both = whole_plan(ZONEN, [line, off], Terms(discount_percent=Decimal(10)), "eur", Policy(rounding))
        alone = whole_plan(ZONEN, [line], Terms(discount_percent=Decimal(10)), "eur", Policy(rounding))
        assert both.total == alone.total - taken - vat
        assert (both.discount, both.lines[0].vat, both.lines[1].vat) == (alone.discount, alone.lines[0].vat, -vat)


# -- the gate ----------------------------------------------------------------------------------------------------------

SAMPLE = MADE[::7]
NUMBERS = {"subtotal": "Lines after discount", "total": "Total", "tax": "VAT", "discount": "Discount at Stripe"}
WORDS = {"footer": "Footer", "description": "Note", "order_number": "Order number"}
BUYER = {"name": "Customer", "address": "Address", "vat_numbers": "VAT number", "exempt": "Exemption"}
OTHER: dict[str, Any] = {
    "name": "Somebody else",
    "address": ("Kade 2", "9711 AA", "Groningen", "NL"),
    "vat_numbers": (),
    "exempt": "?",
}


def least(case: Case) -> int:
    """A minor unit; a whole one where the currency is only ever counted in whole ones."""
    return 100 if case.currency in ("isk", "ugx") else 1


def changed(answer: RemoteInvoice, what: str, by: int) -> tuple[RemoteInvoice, str]:
    """An answer that differs in one thing, and how the gate names it."""
    if what in NUMBERS:
        return replace(answer, **{what: getattr(answer, what) + by}), NUMBERS[what]
    if what in WORDS:
        return replace(answer, **{what: getattr(answer, what) + " x"}), WORDS[what]
    if what in BUYER:
        assert answer.buyer is not None
        return replace(answer, buyer=replace(answer.buyer, **{what: OTHER[what]})), BUYER[what]
    if what == "line_count":
        return replace(answer, line_count=(answer.line_count or 0) + abs(by)), "Number of lines"
    if what == "currency":
        return replace(answer, currency="chf"), "Currency"
    place, figure = divmod(int(what), 2)
    place %= len(answer.vat)
    vat: RemoteVat = answer.vat[place]
    other = replace(vat, amount=vat.amount + by) if figure else replace(vat, base=vat.base + by)
    words = f"VAT{'' if figure else ' is on'}, {vat.reason.replace('_', ' ')}{', included' if vat.included else ''}"
    return replace(answer, vat=(*answer.vat[:place], other, *answer.vat[place + 1 :])), words


CHANGES = (*NUMBERS, *WORDS, *BUYER, "line_count", "currency", *map(str, range(16)))


@pytest.mark.parametrize("what", CHANGES)
def test_one_thing_that_differs_is_named_with_both_sides(what: str) -> None:
    """The least by which a figure can differ, or other words: that and nothing else is named, with both sides."""
    for case in SAMPLE:
        for by in (least(case), -least(case)):
            answer, named = changed(answer_to(case), what, by)
            found = differences(plan_of(case), answer)
            assert all(each.ours != each.theirs for each in found)
            if what == "currency":
                assert found[0].what == named
                continue
            assert [each.what for each in found] == [named]


@given(st.sampled_from(MADE), st.dictionaries(st.sampled_from(CHANGES), st.sampled_from([-7, -1, 1, 10]), max_size=4))
def test_the_gate_is_open_exactly_where_nothing_was_changed(case: Case, changes: dict[str, int]) -> None:
    """Whatever else was changed with it: no difference hides another."""
    answer, original = answer_to(case), answer_to(case)
    for what, by in changes.items():
        answer, _ = changed(answer, what, by * least(case))
    assert (differences(plan_of(case), answer) == ()) == (answer == original)


@pytest.mark.parametrize("lost", [True, False])
def test_vat_of_a_reason_that_is_missing_or_too_many_is_named(lost: bool) -> None:
    """What Stripe does not tell counts as nothing, and what it tells in addition counts."""
    for case in SAMPLE:
        answer = answer_to(case)
        more = RemoteVat("customer_exempt", False, 0, least(case))
        theirs = () if lost else (*answer.vat, more)
        found = differences(plan_of(case), replace(answer, vat=theirs))
        figures = any(vat.amount or vat.base for vat in answer.vat) if lost else True
        assert bool(found) == figures
        assert all(each.what.startswith("VAT") for each in found)
