"""From billables to a plan, to the last minor unit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_crm_stripe.core.figures import (
    Policy,
    Terms,
    make_plan,
    shown_as_product,
    spread,
    sum_in_words,
    vat_of,
    whole_plan,
)
from flask_crm_stripe.model.invoices import VatRounding
from flask_crm_stripe.model.money import step
from tests.core.samples import YARD, ZONEN, a_plan, work

RATES = st.sampled_from([Decimal(0), Decimal("5.5"), Decimal(9), Decimal(21)])
LINES = st.lists(
    st.builds(
        lambda number, quantity, price, off, rate, included: work(
            str(number),
            quantity=quantity,
            unit_price=price,
            discount_percent=off,
            vat_rate=rate,
            vat_included=included,
        ),
        st.integers(1, 10**6),
        st.decimals(0, 1000, places=3),
        st.decimals(0, 5000, places=4),
        st.decimals(0, 100, places=1),
        RATES,
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda item: item.billable.ref,
)


def test_the_worked_example_is_right_to_the_cent() -> None:
    """Two rates, a line discount and 5 % off the invoice: figures worked out by hand."""
    lines = [
        work("11", description="Workshop", quantity=Decimal(2), unit_price=Decimal(1450)),
        work("12"),
        work(
            "13", quantity=Decimal(12), unit_price=Decimal("38.50"), discount_percent=Decimal(10), vat_rate=Decimal(9)
        ),
        work("14", quantity=Decimal(1), unit_price=Decimal("186.40"), vat_rate=Decimal(9)),
    ]
    plan = make_plan(ZONEN, lines, Terms(discount_percent=Decimal(5)), "eur")
    assert [line.amount for line in plan.lines] == [290000, 210250, 41580, 18640]
    assert plan.lines[2].discount == 4620
    assert (plan.subtotal, plan.discount, plan.total) == (560470, 28024, 637395)
    assert [(total.rate, total.base, total.vat) for total in plan.vat_totals] == [
        (Decimal(21), 475237, 99800),
        (Decimal(9), 57209, 5149),
    ]
    assert plan.vat == 104949
    assert plan.sources == (YARD,)


def test_included_vat_is_taken_out_of_the_amount() -> None:
    """121.00 with 21 % inside is 100.00 and 21.00; the customer pays 121.00."""
    plan = a_plan(quantity=Decimal(1), unit_price=Decimal(121), vat_included=True)
    assert (plan.total, plan.vat, plan.vat_totals[0].base, plan.lines[0].base) == (12100, 2100, 10000, 10000)


@pytest.mark.parametrize(
    ("currency", "price", "total"), [("jpy", "1000", 1100), ("kwd", "1.005", 1110), ("isk", "99", 10900)]
)
def test_totals_stay_on_the_currencys_step(currency: str, price: str, total: int) -> None:
    """Yen have no decimals, dinars end in 0, krónur in 00."""
    line = work(quantity=Decimal(1), unit_price=Decimal(price), vat_rate=Decimal(10), currency=currency)
    assert make_plan(ZONEN, [line], Terms(), currency).total == total


@settings(max_examples=50)
@given(LINES, st.decimals(0, 100, places=2), st.sampled_from(["eur", "jpy", "kwd", "isk"]))
def test_the_parts_of_a_plan_add_up_to_the_whole(lines: list, percent: Decimal, currency: str) -> None:  # type: ignore[type-arg]
    """Shares add up to the discount, VAT of lines to VAT of rates, nets and VAT to the total; nothing is below zero."""
    lines = [replace(line, billable=replace(line.billable, currency=currency)) for line in lines]
    plan = make_plan(ZONEN, lines, Terms(discount_percent=percent), currency)
    assert sum(line.share for line in plan.lines) == plan.discount
    assert sum(line.vat for line in plan.lines) == plan.vat
    added = sum(line.vat for line in plan.lines if not line.vat_included)
    assert sum(line.net for line in plan.lines) + added == plan.total
    assert sum(total.base + total.vat for total in plan.vat_totals) == plan.total
    for line in plan.lines:
        assert 0 <= line.share <= line.amount
        assert line.net >= 0
        assert line.vat >= 0
        assert all(value % step(currency) == 0 for value in (line.amount, line.net, line.vat))


@settings(max_examples=50)
@given(LINES)
def test_vat_of_a_rate_is_its_share_of_the_base_rounded_once(lines: list) -> None:  # type: ignore[type-arg]
    """Held against fractions that know nothing of our code."""
    plan = make_plan(ZONEN, lines, Terms(), "eur")
    for total in plan.vat_totals:
        nets = sum(
            line.net for line in plan.lines if (line.vat_rate, line.vat_included) == (total.rate, total.included)
        )
        rate = Fraction(total.rate) / 100
        exact = nets * rate / (1 + rate) if total.included else nets * rate
        assert abs(Fraction(total.vat) - exact) <= Fraction(1, 2)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**7), min_size=1, max_size=30), st.sampled_from([1, 10, 100]))
def test_spreading_loses_nothing(amount: int, weights: list[int], unit: int) -> None:
    """Parts add up to the amount, and each is less than a unit away from its exact share."""
    parts = spread(amount * unit, [weight * unit for weight in weights], unit)
    whole = sum(weights)
    assert sum(parts) == (amount * unit if whole else 0)
    for part, weight in zip(parts, weights, strict=True):
        exact = Fraction(amount * unit * weight, whole) if whole else Fraction(0)
        assert abs(part - exact) < unit


def test_the_larger_remainder_gets_the_last_unit() -> None:
    """And the earlier line on a tie."""
    assert spread(100, [1, 1, 1]) == [34, 33, 33]
    assert spread(10, [10, 25]) == [3, 7]
    assert spread(5, [0, 0]) == [0, 0]


def test_vat_is_rounded_half_up() -> None:
    """0.5 of a cent goes up, as Stripe rounds."""
    assert vat_of(250, Decimal(1), "eur", included=False) == 3
    assert vat_of(249, Decimal(1), "eur", included=False) == 2


def test_quantity_times_price_is_shown_only_where_it_is_exact() -> None:
    """Fractions of hours may be; discounts, half cents and more than twelve places may not."""
    assert shown_as_product(a_plan().lines[0], "eur") == (Decimal("14.5"), 14500)
    assert shown_as_product(a_plan(quantity=Decimal("0.3333")).lines[0], "eur") is None
    assert shown_as_product(a_plan(unit_price=Decimal("0.005"), quantity=Decimal(1000)).lines[0], "eur") is None
    assert shown_as_product(a_plan(discount_percent=Decimal(10)).lines[0], "eur") is None
    assert shown_as_product(a_plan(Terms(discount_percent=Decimal(5))).lines[0], "eur") is None
    assert shown_as_product(a_plan(quantity=Decimal(0)).lines[0], "eur") is None


def test_a_line_sent_as_one_sum_says_how_it_came_about() -> None:
    """In words that the customer can follow."""
    plan = a_plan(
        Terms(discount_percent=Decimal("2.50")), discount_percent=Decimal("10.0"), unit_price=Decimal("145.005")
    )
    words = sum_in_words(plan.lines[0], plan)
    assert words == "14.5 h × 145.005 EUR, 10 % off, invoice discount 2.5 %"
    for unit in ("", "piece"):
        plan = a_plan(unit=unit, quantity=Decimal(3))
        plain = sum_in_words(plan.lines[0], plan)
        assert plain == "3 × 145.00 EUR"


def test_vat_can_be_rounded_on_each_line() -> None:
    """Four lines of 0.02: 0.0042 each is nothing on a line, and 0.0168 is 0.02 for the rate."""
    lines = [work(str(number), quantity=Decimal(1), unit_price=Decimal("0.02")) for number in range(4)]
    by_rate = make_plan(ZONEN, lines, Terms(), "eur", Policy(VatRounding.RATE))
    by_line = make_plan(ZONEN, lines, Terms(), "eur", Policy(VatRounding.LINE))
    assert (by_rate.vat, by_line.vat) == (2, 0)
    assert by_line.vat_rounding is VatRounding.LINE


def test_a_discount_can_be_a_sum() -> None:
    """Of a line and of the invoice; never more than is charged, and credits are not discounted."""
    line = work("1", quantity=Decimal(1), unit_price=Decimal(100), discount_amount=Decimal("12.34"))
    credit = work("2", quantity=Decimal(-1), unit_price=Decimal(20))
    plan = make_plan(ZONEN, [line, credit], Terms(discount_amount=Decimal(10)), "eur")
    assert [(each.amount, each.discount, each.share) for each in plan.lines] == [(8766, 1234, 1000), (-2000, 0, 0)]
    assert (plan.subtotal, plan.discount, plan.vat) == (6766, 1000, 1211)
    assert sum_in_words(plan.lines[0], plan) == "1 h × 100.00 EUR, 12.34 EUR off, invoice discount 10.00 EUR"
    most = make_plan(ZONEN, [line], Terms(discount_amount=Decimal(500)), "eur")
    assert (most.discount, most.total) == (8766, 0)


def test_credits_have_their_own_vat_and_the_others_the_rest() -> None:
    """Also where all of a rate is a credit; parts add up."""
    lines = [work("1", quantity=Decimal(3)), work("2", quantity=Decimal(-1))]
    plan = make_plan(ZONEN, lines, Terms(), "eur")
    assert [line.vat for line in plan.lines] == [9135, -3045]
    only = make_plan(ZONEN, [lines[1]], Terms(), "eur")
    assert ([line.vat for line in only.lines], only.total) == ([-3045], -17545)


def test_what_an_earlier_invoice_charged_is_taken_off_as_it_was() -> None:
    """Its VAT is not computed again, and the sum says nothing of quantities."""
    plan = a_plan()
    [line] = plan.lines
    deduction = replace(line, key="d", net=-10001, amount=-10001, vat=-2100, deducts="HP-1", discount=0)
    whole = whole_plan(ZONEN, [line, deduction], Terms(), "eur", Policy())
    assert [each.vat for each in whole.lines] == [44153, -2100]
    assert whole.vat == 42053
    assert sum_in_words(deduction, whole) == ""
