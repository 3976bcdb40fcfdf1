"""The gate, and what is sent before it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.gate import differences, invoice_draft, line_drafts
from flask_crm_stripe.model.invoices import RemoteVat
from tests.core.samples import a_plan, answer_to


def test_equal_figures_pass() -> None:
    """Nothing differs, nothing stops."""
    assert differences(a_plan(), answer_to(a_plan())) == ()


@pytest.mark.parametrize(
    ("field", "what"),
    [("total", "Total"), ("tax", "VAT"), ("subtotal", "Lines after discount"), ("line_count", "Number of lines")],
)
def test_one_unit_of_difference_stops(field: str, what: str) -> None:
    """Each compared figure, one unit more at Stripe."""
    answer = answer_to(a_plan())
    found = differences(a_plan(), replace(answer, **{field: getattr(answer, field) + 1}))
    assert [each.what for each in found] == [what]


def test_both_sides_are_shown_in_money() -> None:
    """With the currency's own decimals."""
    answer = answer_to(a_plan(), total=a_plan().total + 1)
    (difference,) = differences(a_plan(), answer)
    assert (difference.ours, difference.theirs) == ("2544.03 EUR", "2544.04 EUR")


def test_a_hosted_page_is_not_in_the_repr() -> None:
    """Its address is a bearer secret, and reprs end in logs."""
    assert "s3cret" not in repr(answer_to(a_plan(), hosted_url="https://invoice.example/s3cret"))


def test_another_currency_stops() -> None:
    """The same digits in another currency are another amount."""
    assert "Currency" in [each.what for each in differences(a_plan(), answer_to(a_plan(), currency="usd"))]


@pytest.mark.parametrize("theirs", [RemoteVat(Decimal(20), False, 44153), RemoteVat(Decimal(21), True, 44153)])
def test_another_rate_or_kind_of_vat_stops_although_the_sum_is_the_same(theirs: RemoteVat) -> None:
    """VAT belongs to its rate."""
    found = differences(a_plan(), answer_to(a_plan(), vat=(theirs,)))
    assert found
    assert all(each.what.startswith("VAT") for each in found)


def test_rates_are_compared_only_where_stripe_tells_them() -> None:
    """An answer without rates is held to the sum of VAT."""
    assert differences(a_plan(), answer_to(a_plan(), vat=())) == ()


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_the_gate_opens_exactly_when_all_is_equal(total: int, tax: int) -> None:
    """No pair of errors hides another."""
    answer = answer_to(a_plan())
    found = differences(a_plan(), replace(answer, total=answer.total + total, tax=answer.tax + tax))
    assert (found == ()) == (total == tax == 0)


def test_the_draft_carries_our_ids() -> None:
    """So that it can be found again, and told from another CRM's."""
    draft = invoice_draft(a_plan(Terms(note="Thanks", order_number="PO 1")), "cus_1", "inv1", "install1", "hp")
    assert draft.metadata == {
        "crm_stripe_id": "inv1",
        "crm_installation": "install1",
        "crm_business": "hp",
        "crm_sources": "opportunity:3",
    }
    assert (draft.customer, draft.currency, draft.description, draft.order_number) == ("cus_1", "eur", "Thanks", "PO 1")


def test_an_exact_line_is_sent_as_quantity_and_price_with_its_product() -> None:
    """14.5 hours at 145.00, VAT imposed."""
    (line,) = line_drafts(a_plan(), {"2": "prod_2"})
    assert (line.quantity, line.unit_amount, line.product_id) == (Decimal("14.5"), 14500, "prod_2")
    assert (line.vat, line.vat_base, line.vat_rate) == (44153, 210250, Decimal(21))
    assert line.metadata == {"crm_line": "12", "crm_billable": "12", "crm_source": "opportunity:3"}
    assert line.description == "Senior consulting"


def test_an_inexact_line_is_sent_as_one_sum_in_words_and_keeps_its_product() -> None:
    """The description is cut, the sum in words never."""
    plan = a_plan(description="x" * 600, discount_percent=Decimal(10))
    (line,) = line_drafts(plan, {"2": "prod_2"})
    assert (line.quantity, line.unit_amount, line.product_id) == (Decimal(1), 189225, "prod_2")
    assert len(line.description) == 500
    assert line.description.endswith("x (14.5 h × 145.00 EUR, 10 % off)")


def test_a_line_without_a_service_has_no_product() -> None:
    """Its description stands for itself."""
    assert line_drafts(a_plan(service=None), {})[0].product_id is None
