"""The table of worked invoices: held against a calculation from the rules alone, and against our own plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_crm_stripe.core.gate import differences, line_drafts
from flask_crm_stripe.core.selection import check_plan
from flask_crm_stripe.errors import InvalidInput
from tests.core.worked import calculator, rows
from tests.core.worked.calculator import STEP, work_out
from tests.core.worked.ours import figures_of, plan_of
from tests.core.worked.rows import Case
from tests.core.worked.stripes import answer_to, by_reason
from tests.core.worked.table import CASES, MADE


def test_there_are_enough_of_each() -> None:
    """At least sixty, in every currency that has rules of its own, by both policies, no two alike."""
    assert len(CASES) >= 60
    assert len({case.name + case.currency for case in CASES}) == len(CASES)
    assert {case.currency for case in CASES} >= {"eur", "usd", "gbp", "jpy", "kwd", "isk", "huf", "ugx"}
    assert len({(case.rounding, case.currency) for case in CASES}) >= 16
    kinds = {(row.rate.kind, row.rate.inside) for case in CASES for row in case.rows}
    assert len({kind for kind, _ in kinds}) == 6
    assert {inside for _, inside in kinds} == {False, True}
    assert {bool(row.deducts) for case in CASES for row in case.rows} == {False, True}


@pytest.mark.parametrize("module", [calculator, rows])
def test_the_calculation_uses_nothing_of_ours(module: object) -> None:
    """Else it would only repeat our mistakes."""
    assert "flask_crm_stripe" not in Path(str(module.__file__)).read_text()  # type: ignore[attr-defined]


def test_the_table_is_what_the_rules_give() -> None:
    """Every figure that is written down, worked out anew in fractions."""
    assert {str(case): work_out(case) for case in CASES} == {str(case): case.expected for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_our_plan_is_what_the_table_says(case: Case) -> None:
    """Lines, their shares of the discount, their VAT; what each rate is on and its VAT; the sums. What is below zero is
    refused in words, and nothing else is."""
    assert figures_of(case) == case.expected
    plan, refusal = plan_of(case), ""
    assert plan.vat == sum(vat for _, vat in case.expected.rates.values())
    try:
        check_plan(plan)
    except InvalidInput as error:
        refusal = error.message
    assert refusal.startswith(case.refused)
    assert bool(refusal) == bool(case.refused)


@pytest.mark.parametrize("case", MADE, ids=str)
def test_what_stripe_is_told_adds_up_to_the_table_and_passes_the_gate(case: Case) -> None:
    """Quantity × price is the line after its discounts; VAT of each reason is the table's, and never below zero. Where
    Stripe then has what the table says, nothing differs."""
    plan = plan_of(case)
    lines = line_drafts(plan, {"s1": "prod_1"})
    nets = [amount - share for amount, share, _ in case.expected.lines]
    assert [line.quantity * line.unit_amount for line in lines] == nets
    assert all(line.vat >= 0 and line.vat_base >= 0 for line in lines)
    assert all(line.unit_amount % STEP.get(case.currency, 1) == 0 for line in lines)
    below = {row.rate for row in case.rows if row.figures[0] < 0}
    for row, line, (_, _, vat), net in zip(case.rows, lines, case.expected.lines, nets, strict=True):
        if row.rate not in below:
            assert (line.vat, line.vat_base) == (vat, net - vat if row.rate.inside else net)
    told: dict[tuple[str, bool], tuple[int, int]] = {}
    for line in lines:
        vat, base = told.get((line.reason, line.vat_included), (0, 0))
        told[line.reason, line.vat_included] = (vat + line.vat, base + line.vat_base)
    assert told == by_reason(case)
    assert differences(plan, answer_to(case)) == ()
