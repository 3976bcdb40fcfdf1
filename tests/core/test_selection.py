"""Which work can be on an invoice, and why not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from flask_crm_stripe.core.figures import Terms, make_plan
from flask_crm_stripe.core.selection import (
    SourceBilling,
    billable_row,
    check_choice,
    check_plan,
    check_terms,
    vat_of_line,
)
from flask_crm_stripe.errors import BillableTaken, InvalidInput, NotFound
from flask_crm_stripe.model.crm import Billable, Service, VatKind
from flask_crm_stripe.model.invoices import Delivery
from tests.core.records import an_invoice
from tests.core.samples import ZONEN, billable, source, work

CONSULTING = Service("2", "CO-SR", "Senior consulting", prices=(("eur", Decimal(160)),), vat_rate=Decimal(21))


def billing(*billables: Billable) -> SourceBilling:
    """A source with these billables, none of them invoiced."""
    return SourceBilling.of(source(), ZONEN, [billable_row(each, CONSULTING, None) for each in billables])


def test_a_ready_line_shows_what_the_catalogue_adds() -> None:
    """Code, the list price where another was agreed, the service's VAT where the line has none."""
    row = billable_row(billable(vat_rate=None), CONSULTING, None)
    assert (row.state, row.code, row.list_price, row.vat_rate, row.amount) == (
        "ready",
        "CO-SR",
        Decimal(160),
        Decimal(21),
        210250,
    )
    assert billable_row(billable(unit_price=Decimal(160)), CONSULTING, None).list_price is None
    assert billable_row(billable(service=None), None, None).code == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ready": False}, "Not marked as done"),
        ({"not_ready": "The customer has not agreed."}, "not agreed"),
        ({"vat_rate": Decimal(101)}, "between 0 and 100"),
        ({"currency": "euros"}, "three letters"),
        ({"quantity": Decimal("NaN")}, "not a usable number"),
        ({"quantity": Decimal("1e13")}, "not a usable number"),
        ({"discount_amount": Decimal(-1)}, "below zero or more"),
        ({"discount_amount": Decimal(99999)}, "more than the line itself"),
        ({"quantity": Decimal(-1), "discount_percent": Decimal(5)}, "credit with a discount"),
        ({"quantity": Decimal(-1), "discount_amount": Decimal(5)}, "credit with a discount"),
        ({"discount_percent": Decimal(101)}, "discount is not between"),
    ],
)
def test_a_line_that_cannot_be_billed_says_why(given: dict[str, object], words: str) -> None:
    """In its own row; one bad row spoils no page."""
    row = billable_row(replace(billable(), **given), CONSULTING, None)  # type: ignore[arg-type]
    assert row.state == "not_ready"
    assert words in row.reason


def test_no_vat_rate_anywhere_is_said() -> None:
    """Neither on the line nor on its service."""
    row = billable_row(billable(vat_rate=None), replace(CONSULTING, vat_rate=None), None)
    assert "No VAT rate" in row.reason
    assert billable_row(billable(vat_rate=None, service=None), None, None).vat_rate is None


def test_an_invoiced_line_has_its_invoices_status() -> None:
    """And no reason: its invoice is the reason."""
    row = billable_row(billable(ready=False), CONSULTING, an_invoice(status="paid"))
    assert (row.state, row.reason) == ("paid", "")
    assert billable_row(billable(), CONSULTING, an_invoice(status=None)).state == "draft"


def test_the_commonest_currency_starts_selected() -> None:
    """Other currencies make invoices of their own."""
    found = billing(billable("1"), billable("2"), billable("3", currency="usd"), billable("4", ready=False))
    assert found.currency == "eur"
    assert [row.selected for row in found.rows] == [True, True, False, False]
    assert billing(billable(ready=False)).currency is None


def test_the_choice_keeps_the_sources_own_order() -> None:
    """Whatever order the form sends."""
    rows = check_choice(billing(billable("1"), billable("2")), ["2", "1", "2"])
    assert [row.billable.ref for row in rows] == ["1", "2"]


def test_nothing_chosen_is_refused() -> None:
    """With the field's name."""
    with pytest.raises(InvalidInput, match="at least one") as caught:
        check_choice(billing(billable()), [])
    assert caught.value.field == "billables"


def test_a_line_of_another_source_or_business_does_not_exist_here() -> None:
    """Guessing refs finds nothing."""
    with pytest.raises(NotFound):
        check_choice(billing(billable("1")), ["1", "99"])


def test_more_lines_than_stripe_takes_are_refused() -> None:
    """250 pass, 251 do not."""
    many = [billable(str(number)) for number in range(251)]
    assert len(check_choice(billing(*many), [each.ref for each in many[:250]])) == 250
    with pytest.raises(InvalidInput, match="at most 250"):
        check_choice(billing(*many), [each.ref for each in many])


def test_a_line_on_a_live_invoice_is_taken() -> None:
    """The error leads to that invoice."""
    taken = SourceBilling.of(source(), ZONEN, [billable_row(billable(), CONSULTING, an_invoice())])
    with pytest.raises(BillableTaken) as caught:
        check_choice(taken, ["12"])
    assert caught.value.invoice_id == an_invoice().id


def test_a_line_that_cannot_be_billed_is_refused_by_name() -> None:
    """Neither now nor in advance: something in the CRM is to be put right first."""
    for advance in (False, True):
        with pytest.raises(InvalidInput, match=r"Senior consulting.*can't be billed.*currency code") as caught:
            check_choice(billing(billable("1", currency="?"), billable("2", ready=False)), ["1", "2"], advance=advance)
        assert caught.value.field == "billables"


def test_a_line_that_is_not_ready_is_refused_by_name() -> None:
    """Also where somebody crafts the form."""
    with pytest.raises(InvalidInput, match=r"Senior consulting.*not marked as done"):
        check_choice(billing(billable(ready=False)), ["12"])


def test_two_currencies_are_refused() -> None:
    """Nothing is ever converted silently."""
    with pytest.raises(InvalidInput, match="EUR and USD"):
        check_choice(billing(billable("1"), billable("2", currency="usd")), ["1", "2"])


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(days_until_due=-1), "days_until_due"),
        (Terms(days_until_due=366), "days_until_due"),
        (Terms(discount_percent=Decimal("100.01")), "discount_percent"),
        (Terms(discount_percent=Decimal("NaN")), "discount_percent"),
        (Terms(order_number="x" * 141), "order_number"),
        (Terms(note="x" * 501), "note"),
    ],
)
def test_terms_that_cannot_be_are_refused_by_field(terms: Terms, field: str) -> None:
    """Each with its own field."""
    with pytest.raises(InvalidInput) as caught:
        check_terms(terms, ZONEN)
    assert caught.value.field == field


def test_mail_needs_an_address_and_a_link_does_not() -> None:
    """The remedy is in the message."""
    nobody = replace(ZONEN, email=None)
    with pytest.raises(InvalidInput, match="no mail address"):
        check_terms(Terms(), nobody)
    check_terms(Terms(delivery=Delivery.LINK), nobody)
    check_terms(Terms(), ZONEN)
    assert nobody.email is None


@pytest.mark.parametrize(
    ("changes", "currency", "price"),
    [
        ({"unit_price": Decimal(160)}, "usd", Decimal(175)),
        ({"unit_price": Decimal(145)}, "eur", Decimal(145)),
        ({"unit_price": Decimal(160), "discount_amount": Decimal(5)}, "eur", Decimal(160)),
        ({"unit_price": Decimal(160), "service": None}, "eur", Decimal(160)),
        ({"unit_price": Decimal(160), "currency": "gbp"}, "gbp", Decimal(160)),
    ],
)
def test_the_customers_currency_wins_where_the_price_is_known_in_it(
    changes: dict[str, object], currency: str, price: Decimal
) -> None:
    """An agreed price is in the currency in which it was agreed; nothing is converted."""
    service = replace(CONSULTING, prices=(("eur", Decimal(160)), ("usd", Decimal(175))))
    line = replace(billable(), **changes)  # type: ignore[arg-type]
    row = billable_row(line, service if line.service else None, None, replace(ZONEN, currency="usd"))
    assert (row.billable.currency, row.billable.unit_price) == (currency, price)
    kept = billable_row(line, service if line.service else None, None, replace(ZONEN, currency="eur"))
    assert kept.billable == line


@pytest.mark.parametrize(
    ("given", "service", "contact", "expected"),
    [
        ({}, None, None, (Decimal(21), VatKind.STANDARD)),
        ({"vat_rate": Decimal(0)}, None, None, (Decimal(0), VatKind.ZERO)),
        ({"vat_rate": None}, VatKind.REDUCED, None, (Decimal(21), VatKind.REDUCED)),
        ({"vat_rate": None}, VatKind.EXEMPT, None, (Decimal(0), VatKind.EXEMPT)),
        ({"vat_kind": VatKind.OUT_OF_SCOPE}, VatKind.EXEMPT, None, (Decimal(0), VatKind.OUT_OF_SCOPE)),
        ({}, None, VatKind.REVERSE_CHARGE, (Decimal(0), VatKind.REVERSE_CHARGE)),
        ({"vat_kind": VatKind.EXEMPT}, None, VatKind.REVERSE_CHARGE, (Decimal(0), VatKind.EXEMPT)),
    ],
)
def test_the_kind_of_vat(
    given: dict[str, object], service: VatKind | None, contact: VatKind | None, expected: tuple[Decimal, VatKind]
) -> None:
    """The line's own, else its service's; the customer's instead of any rate. Only two kinds have a rate."""
    line = replace(billable(), **given)  # type: ignore[arg-type]
    found = vat_of_line(line, replace(CONSULTING, vat_kind=service), replace(ZONEN, vat_kind=contact))
    assert found == expected


def test_a_price_with_vat_cannot_be_charged_to_a_customer_who_pays_none() -> None:
    """Nobody knows what is agreed then: the CRM has to say."""
    row = billable_row(billable(vat_included=True), CONSULTING, None, replace(ZONEN, vat_kind=VatKind.REVERSE_CHARGE))
    assert (row.state, "contains VAT" in row.reason) == ("not_ready", True)


def test_an_invoice_is_never_below_zero() -> None:
    """Nor is any rate of it: what Stripe makes of that nobody knows."""
    charge, credit = work("1", quantity=Decimal(1)), work("2", quantity=Decimal(-2))
    other = work("3", quantity=Decimal(9), vat_rate=Decimal(9))
    check_plan(make_plan(ZONEN, [charge], Terms(), "eur"))
    with pytest.raises(InvalidInput, match="come to less than nothing"):
        check_plan(make_plan(ZONEN, [charge, credit], Terms(), "eur"))
    with pytest.raises(InvalidInput, match="lines with 21 % VAT"):
        check_plan(make_plan(ZONEN, [charge, credit, other], Terms(), "eur"))


@pytest.mark.parametrize(
    "terms",
    [
        Terms(discount_amount=Decimal(-1)),
        Terms(discount_amount=Decimal("NaN")),
        Terms(discount_amount=Decimal(5), discount_percent=Decimal(5)),
    ],
)
def test_a_discount_as_a_sum_is_checked(terms: Terms) -> None:
    """Not below zero, a number, and not beside one in percent."""
    with pytest.raises(InvalidInput) as wrong:
        check_terms(terms, ZONEN)
    assert wrong.value.field == "discount_amount"
