"""Every worked invoice at Stripe: what FakeStripe answers is what the table says, under each of its switches.

The way is the real one: our plan, the real adapter, the SDK. Where a switch makes Stripe refuse, nothing is finalised.
"""

from __future__ import annotations

from typing import Any

import pytest

from flask_crm_stripe.core.gate import differences
from flask_crm_stripe.errors import Refused
from tests.contracts.worked_stripe import Stripe, desk_of, new_desk
from tests.core.worked.rows import Case
from tests.core.worked.table import CASES, MADE

ONE_BY_ONE: tuple[dict[str, Any], ...] = (
    {"send_finalizes_draft": True},
    {"tax_rounding": "invoice"},
    {"lines_in_response": 1},
    {"lines_in_response": 100},
    {"archived_product_on_line": "accept"},
    {"tax_amounts_with_discounts": "refuse"},
    {"negative_tax_amounts": "accept"},
    {"below_minimum": "open"},
    {"negative_total": "refuse"},
    {"finalize_without_lines": "refuse"},
    {"maximum_amount": 99_999_999},
)
TOGETHER: tuple[dict[str, Any], ...] = (
    {},
    {name: value for position in ONE_BY_ONE for name, value in position.items()},
    {name: value for position in ONE_BY_ONE[0::2] for name, value in position.items()},
    {name: value for position in ONE_BY_ONE[1::2] for name, value in position.items()},
)
"""Each position of each switch, with both of most others, in four worlds: all cases go through them."""

WITH_FIGURES = [case for case in MADE if any(case.sums) and any(map(any, case.expected.rates.values()))]
LARGEST = 99_999_999


@pytest.mark.parametrize("case", MADE, ids=str)
def test_stripe_has_what_the_table_says_however_its_switches_are(case: Case) -> None:
    """Every case, in four worlds in which each switch is in each position."""
    for position in TOGETHER:
        check(case, position)


@pytest.mark.parametrize("position", ONE_BY_ONE, ids=str)
def test_stripe_has_what_the_table_says_under_each_switch_alone(position: dict[str, Any]) -> None:
    """A sample of the cases, with one switch turned at a time."""
    for case in MADE[::9]:
        check(case, position)


def check(case: Case, position: dict[str, Any]) -> None:
    """The draft, read back, and the final invoice are the table's, and the gate is open at each. Above the maximum
    Stripe makes no final invoice of it, and the draft stays as it was."""
    stripe = Stripe(desk_of(*position.items()), case)
    assert stripe.wrong(stripe.fill()) == [], position
    assert stripe.wrong(stripe.provider.invoice(stripe.id)) == [], position
    if position.get("maximum_amount") == LARGEST and case.expected.total > LARGEST:
        with pytest.raises(Refused):
            stripe.finalise()
        assert stripe.provider.invoice(stripe.id).status == "draft"
        return
    final = stripe.finalise()
    assert stripe.wrong(final) == [], position
    spared = stripe.small and position.get("below_minimum") != "open"
    assert final.status == ("paid" if spared or case.expected.total == 0 else "open"), position
    if final.status == "open":
        assert stripe.wrong(stripe.provider.send(stripe.id, f"s{stripe.key}")) == [], position


@pytest.mark.parametrize("total", ["credit_to_balance", "refuse"])
@pytest.mark.parametrize("tax", ["accept", "refuse"])
@pytest.mark.parametrize("case", [case for case in CASES if case.refused], ids=str)
def test_what_we_refuse_stripe_would_make_something_else_of(case: Case, total: str, tax: str) -> None:
    """It refuses the lines, or the gate does not open, or it refuses the invoice, or it owes the customer a balance: it
    is never a credit note. So nothing of the kind may reach it."""
    stripe = Stripe(desk_of(("negative_total", total), ("negative_tax_amounts", tax)), case)
    try:
        if differences(stripe.plan, stripe.fill()):
            return
        final = stripe.finalise()
    except Refused:
        assert stripe.provider.invoice(stripe.id).status == "draft"
        return
    assert (final.status, final.amount_remaining) == ("paid", 0)


@pytest.mark.parametrize("refused", [True, False])
def test_lines_of_an_archived_product(refused: bool) -> None:
    """Refused, and the draft is empty; or taken, with the same figures."""
    desk = new_desk({"archived_product_on_line": "refuse" if refused else "accept"})
    desk.provider.archive_product(desk.product, "archive")
    for case in MADE[::8]:
        stripe = Stripe(desk, case)
        if not refused or all(amount - share < 0 for amount, share, _ in case.expected.lines):
            assert stripe.wrong(stripe.fill()) == []
            continue
        with pytest.raises(Refused):
            stripe.fill()
        assert stripe.stored()["lines"]["data"] == []


@pytest.mark.parametrize("position", [{}, {"finalize_without_lines": "refuse"}], ids=["accept", "refuse"])
def test_a_draft_without_its_lines_does_not_pass(position: dict[str, Any]) -> None:
    """The gate stops it before Stripe is asked to make it final."""
    for case in WITH_FIGURES[::4]:
        stripe = Stripe(desk_of(*position.items()), case)
        assert differences(stripe.plan, stripe.provider.invoice(stripe.id)), case
