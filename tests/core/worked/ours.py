"""A worked invoice as our own plan."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache

from flask_crm_stripe.core.figures import Policy, Terms, Work, make_plan, whole_plan
from flask_crm_stripe.core.legal import footer_of
from flask_crm_stripe.model.crm import Address, Billable, Contact, ContactRef, SourceRef, VatKind
from flask_crm_stripe.model.invoices import InvoicePlan, PlanLine, Seller, VatRounding
from tests.core.worked.rows import Case, Figures, Row

YARD = SourceRef("opportunity", "3")
SELLER = Seller("Harbour & Pine", "Havenkade 12\n2611 Delft\nNetherlands", "NL001234567B01")
BUYER = Contact(
    ContactRef("organization", "7"),
    "Van den Berg & Zonen",
    "crediteuren@vdbz.example",
    address=Address("Kade 1", "Loods 2", "9711 AA", "Groningen", "", "NL"),
    language="nl",
    vat_number="NL123456782B01",
)
KINDS = {kind.replace("_", " "): kind for kind in VatKind}


def contact_of(case: Case) -> Contact:
    """The customer, with the reason why they pay no VAT."""
    return replace(BUYER, vat_kind=KINDS[case.customer] if case.customer else None)


def work_of(case: Case, place: int) -> Work:
    """A row as a line of work."""
    row = case.rows[place]
    billable = Billable(
        ref=f"b{place}",
        source=YARD,
        description=f"Work {place}",
        quantity=Decimal(row.quantity),
        unit_price=Decimal(row.price),
        currency=case.currency,
        service="s1",
        vat_rate=Decimal(row.rate.percent),
        vat_included=row.rate.inside,
        discount_percent=Decimal(row.percent_off or 0),
        discount_amount=Decimal(row.sum_off) if row.sum_off else None,
        vat_kind=KINDS[row.rate.kind],
    )
    return Work(billable, Decimal(row.rate.percent), vat_kind=KINDS[row.rate.kind])


def deduction_of(row: Row, place: int) -> PlanLine:
    """What an earlier invoice charged."""
    amount, _, vat = row.figures
    return PlanLine(
        key=f"b{place}",
        billable=f"b{place}",
        source=YARD,
        description=f"Less invoice {row.deducts}",
        quantity=Decimal(1),
        unit_price=Decimal(0),
        amount=amount,
        net=amount,
        vat=vat,
        vat_rate=Decimal(row.rate.percent),
        vat_included=row.rate.inside,
        vat_kind=KINDS[row.rate.kind],
        deducts=row.deducts,
    )


@cache
def plan_of(case: Case) -> InvoicePlan:
    """The whole invoice, with its footer."""
    terms = Terms(
        discount_percent=Decimal(case.percent_off or 0),
        discount_amount=Decimal(case.sum_off or 0),
        note="Thank you",
        order_number="PO 7",
    )
    policy, contact = Policy(VatRounding(case.rounding), SELLER), contact_of(case)
    work = [work_of(case, place) for place, row in enumerate(case.rows) if not row.deducts]
    plan = make_plan(contact, work, terms, case.currency, policy)
    deductions = [deduction_of(row, place) for place, row in enumerate(case.rows) if row.deducts]
    if deductions:
        plain = make_plan(contact, work, Terms(), case.currency, policy)
        plan = whole_plan(contact, [*plain.lines, *deductions], terms, case.currency, policy)
    return replace(plan, footer=footer_of(plan, "art. 11 Wet OB"))


def figures_of(case: Case) -> Figures:
    """Our figures of it, as the table has them."""
    plan, rates = plan_of(case), {row.rate for row in case.rows}
    names = {(Decimal(rate.percent), KINDS[rate.kind], rate.inside): rate.words for rate in rates}
    return Figures(
        tuple((line.amount, line.share, line.vat) for line in plan.lines),
        {names[total.rate, total.kind, total.included]: (total.base, total.vat) for total in plan.vat_totals},
        plan.subtotal,
        plan.discount,
        plan.total,
    )
