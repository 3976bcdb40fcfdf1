"""The gate, and what is sent before it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_crm_stripe.core.figures import Terms, make_plan
from flask_crm_stripe.core.gate import differences, imposed, invoice_draft, line_drafts
from flask_crm_stripe.model.crm import VatKind
from flask_crm_stripe.model.invoices import RemoteBuyer, RemoteVat
from tests.core.samples import ZONEN, a_plan, answer_to, work


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


@pytest.mark.parametrize(
    "theirs",
    [
        RemoteVat("reduced_rated", False, 44153, 210250),
        RemoteVat("standard_rated", True, 44153, 210250),
        RemoteVat("standard_rated", False, 44153, 210251),
    ],
)
def test_another_kind_or_base_of_vat_stops_although_the_sum_is_the_same(theirs: RemoteVat) -> None:
    """VAT belongs to its reason, and to what it is on."""
    found = differences(a_plan(), answer_to(a_plan(), vat=(theirs,)))
    assert found
    assert all(each.what.startswith("VAT") for each in found)


def test_an_answer_without_vat_stops() -> None:
    """What Stripe does not tell is not taken for equal."""
    assert differences(a_plan(), answer_to(a_plan(), vat=()))


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


def test_stripe_is_told_of_no_vat_below_zero() -> None:
    """What a credit takes off is taken off at the other lines of its rate; sums stay, and a credit has no product."""
    plan = make_plan(ZONEN, [work("1", quantity=Decimal(3)), work("2", quantity=Decimal(-1))], Terms(), "eur")
    assert imposed(plan) == {"1": (6090, 29000), "2": (0, 0)}
    charge, credit = line_drafts(plan, {"2": "prod_2"})
    assert (charge.vat, charge.vat_base, charge.product_id) == (6090, 29000, "prod_2")
    assert (credit.unit_amount, credit.quantity, credit.vat, credit.product_id) == (-14500, Decimal(1), 0, None)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (VatKind.REDUCED, "reduced_rated"),
        (VatKind.ZERO, "zero_rated"),
        (VatKind.STANDARD, "standard_rated"),
        (VatKind.EXEMPT, "product_exempt"),
        (VatKind.REVERSE_CHARGE, "reverse_charge"),
        (VatKind.OUT_OF_SCOPE, "not_subject_to_tax"),
    ],
)
def test_stripe_is_told_why(kind: VatKind, reason: str) -> None:
    """A rate of 0 % is no standard rate, whatever it is called."""
    rated = kind in (VatKind.REDUCED, VatKind.STANDARD)
    line = replace(work(), vat_kind=kind, vat_rate=Decimal(9) if rated else Decimal(0))
    plan = make_plan(ZONEN, [line], Terms(), "eur")
    assert line_drafts(plan, {})[0].reason == reason
    nothing = make_plan(ZONEN, [replace(line, vat_rate=Decimal(0))], Terms(), "eur")
    assert line_drafts(nothing, {})[0].reason == ("zero_rated" if rated else reason)


BUYER = RemoteBuyer("Van den Berg & Zonen", ("Kade 1", "9711 AA", "Groningen", "NL"), (), "none")


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("buyer", replace(BUYER, name="Van den Berg"), "Customer"),
        ("buyer", replace(BUYER, address=("Kade 2", "9711 AA", "Groningen", "NL")), "Address"),
        ("buyer", replace(BUYER, vat_numbers=("NL123456782B01",)), "VAT number"),
        ("buyer", replace(BUYER, exempt="reverse"), "Exemption"),
        ("footer", "Somebody else", "Footer"),
        ("description", "Thanks", "Note"),
        ("order_number", "PO 1", "Order number"),
        ("discount", 1, "Discount at Stripe"),
    ],
)
def test_what_is_frozen_with_the_figures_is_compared(field: str, value: object, what: str) -> None:
    """Who it is for, and all that stands on it."""
    answer = answer_to(a_plan(), buyer=BUYER)
    assert differences(a_plan(), answer) == ()
    assert [each.what for each in differences(a_plan(), replace(answer, **{field: value}))] == [what]  # type: ignore[arg-type]


def test_a_corrected_contact_is_what_is_compared() -> None:
    """Where they live is what the CRM says now; why they pay no VAT is what was decided."""
    moved = replace(ZONEN, name="Zonen", vat_kind=VatKind.EXEMPT)
    assert differences(a_plan(), answer_to(a_plan(), buyer=replace(BUYER, name="Zonen")), moved) == ()
