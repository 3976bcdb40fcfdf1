"""What Stripe has to answer to a worked invoice, from the table's figures."""

from __future__ import annotations

from flask_crm_stripe.model.invoices import RemoteBuyer, RemoteInvoice, RemoteVat
from tests.core.worked.ours import BUYER, plan_of
from tests.core.worked.rows import Case, Rate

REASONS = {
    "standard": "standard_rated",
    "reduced": "reduced_rated",
    "zero": "zero_rated",
    "exempt": "product_exempt",
    "reverse charge": "reverse_charge",
    "out of scope": "not_subject_to_tax",
}
EXEMPTIONS = {"": "none", "exempt": "exempt", "reverse charge": "reverse"}


def reason_of(rate: Rate) -> str:
    """Stripe's word for it; a rate of 0 % is the zero rate."""
    rated = rate.kind in ("standard", "reduced")
    return REASONS["zero" if rated and float(rate.percent) == 0 else rate.kind]


def by_reason(case: Case) -> dict[tuple[str, bool], tuple[int, int]]:
    """(VAT, what it is on) by reason and by whether it is inside: what Stripe's answer tells."""
    found: dict[tuple[str, bool], tuple[int, int]] = {}
    for words, (base, vat) in case.expected.rates.items():
        rate = Rate.read(words)
        key = (reason_of(rate), rate.inside)
        known = found.get(key, (0, 0))
        found[key] = (known[0] + vat, known[1] + base)
    return found


def answer_to(case: Case) -> RemoteInvoice:
    """A draft at Stripe with the table's figures, and all that is frozen with them."""
    expected, plan = case.expected, plan_of(case)
    return RemoteInvoice(
        id="in_1",
        status="draft",
        currency=case.currency,
        subtotal=expected.subtotal - expected.discount,
        total=expected.total,
        tax=sum(vat for _, vat in expected.rates.values()),
        amount_paid=0,
        amount_remaining=max(0, expected.total),
        customer="cus_1",
        number=None,
        due_date=None,
        finalised_at=None,
        paid_at=None,
        voided_at=None,
        metadata={},
        vat=tuple(RemoteVat(*key, vat, base) for key, (vat, base) in sorted(by_reason(case).items())),
        line_count=len(case.rows),
        discount=0,
        buyer=RemoteBuyer(
            name=BUYER.name,
            address=("Kade 1", "Loods 2", "9711 AA", "Groningen", "NL"),
            vat_numbers=("NL123456782B01",),
            exempt=EXEMPTIONS[case.customer],
        ),
        footer=plan.footer,
        description=plan.note,
        order_number=plan.order_number,
    )
