"""Values that the unit ring is full of."""

from __future__ import annotations

from decimal import Decimal

from flask_crm_stripe.core.figures import Terms, Work, make_plan
from flask_crm_stripe.model.crm import Address, Billable, Contact, ContactRef, Source, SourceRef
from flask_crm_stripe.model.invoices import InvoicePlan, RemoteInvoice, RemoteVat

YARD = SourceRef("opportunity", "3")
ZONEN = Contact(
    ContactRef("organization", "7"),
    "Van den Berg & Zonen",
    "crediteuren@vdbz.example",
    address=Address("Kade 1", "", "9711 AA", "Groningen", "", "NL"),
    language="nl",
)


def billable(ref: str = "12", **given: object) -> Billable:
    """A line of consulting, 14.5 hours at 145.00 EUR."""
    values: dict[str, object] = {
        "ref": ref,
        "source": YARD,
        "description": "Senior consulting",
        "quantity": Decimal("14.5"),
        "unit_price": Decimal("145.00"),
        "currency": "eur",
        "unit": "h",
        "service": "2",
        "vat_rate": Decimal(21),
    }
    return Billable(**(values | given))  # type: ignore[arg-type]


def source(**given: object) -> Source:
    """An opportunity of the contact above."""
    values: dict[str, object] = {"ref": YARD, "title": "Yard planning", "number": "OP-3", "contact": ZONEN.ref}
    return Source(**(values | given))  # type: ignore[arg-type]


def work(ref: str = "12", **given: object) -> Work:
    """A billable as the plan takes it."""
    line = billable(ref, **given)
    return Work(line, line.vat_rate or Decimal(0), "CO-SR")


def a_plan(terms: Terms | None = None, **given: object) -> InvoicePlan:
    """A plan of one line, 2,102.50 EUR before 21 % VAT."""
    return make_plan(ZONEN, [work(**given)], terms or Terms(), "eur")  # type: ignore[arg-type]


def answer_to(plan: InvoicePlan, **given: object) -> RemoteInvoice:
    """What Stripe answers when it agrees with the plan to the cent."""
    values: dict[str, object] = {
        "id": "in_1",
        "status": "draft",
        "currency": plan.currency,
        "subtotal": plan.subtotal - plan.discount,
        "total": plan.total,
        "tax": plan.vat,
        "amount_paid": 0,
        "amount_remaining": plan.total,
        "customer": "cus_1",
        "number": None,
        "due_date": None,
        "finalised_at": None,
        "paid_at": None,
        "voided_at": None,
        "metadata": {},
        "vat": tuple(RemoteVat("standard_rated", each.included, each.vat, each.base) for each in plan.vat_totals),
        "line_count": len(plan.lines),
        "request_id": "req_1",
    }
    return RemoteInvoice(**(values | given))  # type: ignore[arg-type]
