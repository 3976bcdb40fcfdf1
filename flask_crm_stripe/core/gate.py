"""The gate: before an invoice is finalised, Stripe's figures are held against ours. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from flask_crm_stripe.core.figures import shown_as_product, spread, sum_in_words
from flask_crm_stripe.core.legal import compact, vat_type
from flask_crm_stripe.model.crm import Address, Contact, SourceRef, VatKind
from flask_crm_stripe.model.invoices import (
    Difference,
    InvoiceDraft,
    InvoicePlan,
    LineDraft,
    PlanLine,
    RemoteBuyer,
    RemoteInvoice,
)
from flask_crm_stripe.model.money import Money, step

DESCRIPTION_LIMIT = 500
REASONS = {
    VatKind.STANDARD: "standard_rated",
    VatKind.REDUCED: "reduced_rated",
    VatKind.ZERO: "zero_rated",
    VatKind.EXEMPT: "product_exempt",
    VatKind.REVERSE_CHARGE: "reverse_charge",
    VatKind.OUT_OF_SCOPE: "not_subject_to_tax",
}
"""Stripe's ``taxability_reason``: why a line has its VAT."""

EXEMPTIONS = {VatKind.REVERSE_CHARGE: "reverse", VatKind.EXEMPT: "exempt"}
"""Stripe's words for a customer who pays no VAT at all; "reverse" prints the words for it on the PDF."""


def invoice_draft(plan: InvoicePlan, customer: str, invoice_id: str, installation: str, business: str) -> InvoiceDraft:
    """The first call: an empty draft that carries our ids."""
    return InvoiceDraft(
        customer=customer,
        currency=plan.currency,
        days_until_due=plan.days_until_due,
        metadata={
            "crm_stripe_id": invoice_id,
            "crm_installation": installation,
            "crm_business": business,
            "crm_sources": ", ".join(_source(source) for source in plan.sources)[:500],
        },
        description=plan.note,
        order_number=plan.order_number,
        footer=plan.footer,
    )


def line_drafts(plan: InvoicePlan, products: dict[str, str]) -> list[LineDraft]:
    """The second call: every line, in order. ``products`` maps services to their Stripe products."""
    taxes = imposed(plan)
    return [_line(plan, line, products.get(line.service or ""), taxes[line.key]) for line in plan.lines]


def imposed(plan: InvoicePlan) -> dict[str, tuple[int, int]]:
    """(VAT, what it is on) of each line as Stripe is told: never below zero, which nobody knows whether Stripe takes.
    What a credit takes off is taken off at the other lines of its rate; each rate's sums stay what they are."""
    found: dict[str, tuple[int, int]] = {}
    for total in plan.vat_totals:
        lines = [line for line in plan.lines if _rate(line) == (total.rate, total.kind, total.included)]
        if all(line.net >= 0 and line.vat >= 0 for line in lines):
            found |= {line.key: (line.vat, line.base) for line in lines}
            continue
        charged = [max(0, line.net) for line in lines]
        vats = spread(total.vat, charged, step(plan.currency))
        bases = spread(total.base, charged, step(plan.currency))
        found |= {line.key: (vat, base) for line, vat, base in zip(lines, vats, bases, strict=True)}
    return found


def _rate(line: PlanLine) -> tuple[Decimal, VatKind, bool]:
    return line.vat_rate, line.vat_kind, line.vat_included


def _line(plan: InvoicePlan, line: PlanLine, product: str | None, tax: tuple[int, int]) -> LineDraft:
    shown = shown_as_product(line, plan.currency)
    quantity, unit_amount = shown or (Decimal(1), line.net)
    said = "" if shown else sum_in_words(line, plan)
    words, (vat, base) = f" ({said})" if said else "", tax
    return LineDraft(
        key=line.key,
        description=line.description[: DESCRIPTION_LIMIT - len(words)] + words,
        currency=plan.currency,
        quantity=quantity,
        unit_amount=unit_amount,
        vat=vat,
        vat_base=base,
        vat_rate=line.vat_rate,
        vat_included=line.vat_included,
        # A sum below zero can have no product at Stripe.
        product_id=product if unit_amount >= 0 else None,
        metadata=_about(line),
        reason=REASONS[kind_at_stripe(line.vat_kind, line.vat_rate)],
        period=(line.service_from, line.service_to or line.service_from) if line.service_from else None,
    )


def _about(line: PlanLine) -> dict[str, str]:
    found = {"crm_line": line.key, "crm_billable": line.billable, "crm_source": _source(line.source)}
    return {name: value for name, value in found.items() if value}


def _source(source: SourceRef) -> str:
    return f"{source.kind}:{source.ref}"


def differences(plan: InvoicePlan, remote: RemoteInvoice, contact: Contact | None = None) -> tuple[Difference, ...]:
    """All that is compared and is not the same: figures to the minor unit, and what is frozen with them. ``contact`` is
    the customer as the CRM has them now; why they pay no VAT is what was decided."""
    pairs: Sequence[tuple[str, object, object]] = (
        ("Currency", plan.currency.upper(), remote.currency.upper()),
        ("Number of lines", len(plan.lines), len(plan.lines) if remote.line_count is None else remote.line_count),
        ("Lines after discount", _money(plan.subtotal - plan.discount, plan), _money(remote.subtotal, remote)),
        ("Discount at Stripe", _money(0, plan), _money(remote.discount, remote)),
        ("VAT", _money(plan.vat, plan), _money(remote.tax, remote)),
        *_vat_pairs(plan, remote),
        ("Total", _money(plan.total, plan), _money(remote.total, remote)),
        ("Footer", _one_line(plan.footer), _one_line(remote.footer)),
        ("Note", _one_line(plan.note), _one_line(remote.description)),
        ("Order number", plan.order_number, remote.order_number),
        *_buyer_pairs(plan, contact or plan.contact, remote.buyer),
    )
    return tuple(Difference(what, str(ours), str(theirs)) for what, ours, theirs in pairs if ours != theirs)


def _vat_pairs(plan: InvoicePlan, remote: RemoteInvoice) -> list[tuple[str, object, object]]:
    """VAT and what it is on, per kind: Stripe's answer names rates by ids of its own only."""
    ours: dict[tuple[str, bool], tuple[int, int]] = {}
    for total in plan.vat_totals:
        key = (REASONS[kind_at_stripe(total.kind, total.rate)], total.included)
        vat, base = ours.get(key, (0, 0))
        ours[key] = (vat + total.vat, base + total.base)
    theirs = {(each.reason, each.included): (each.amount, each.base) for each in remote.vat}
    found = list[tuple[str, object, object]]()
    for key in sorted(ours.keys() | theirs.keys()):
        (vat, base), (their_vat, their_base) = ours.get(key, (0, 0)), theirs.get(key, (0, 0))
        words = f"{key[0].replace('_', ' ')}{', included' if key[1] else ''}"
        found += [
            (f"VAT, {words}", _money(vat, plan), _money(their_vat, remote)),
            (f"VAT is on, {words}", _money(base, plan), _money(their_base, remote)),
        ]
    return found


def kind_at_stripe(kind: VatKind, rate: Decimal) -> VatKind:
    """The kind that Stripe is told: a rate of 0 % is no standard rate, whatever the CRM calls it."""
    return VatKind.ZERO if kind in (VatKind.STANDARD, VatKind.REDUCED) and rate == 0 else kind


def exemption(contact: Contact) -> str:
    """How Stripe is told that a customer pays no VAT at all."""
    return EXEMPTIONS.get(contact.vat_kind, "none") if contact.vat_kind else "none"


def _buyer_pairs(plan: InvoicePlan, contact: Contact, buyer: RemoteBuyer | None) -> list[tuple[str, object, object]]:
    """The customer. A number that Stripe has no kind for is not among its own."""
    if buyer is None:
        return []
    address, number = contact.address or Address(), compact(contact.vat_number or "")
    parts = (address.line1, address.line2, address.postal_code, address.city, address.state, address.country)
    known = number if vat_type(number) else ""
    return [
        ("Customer", contact.name[:256], buyer.name),
        ("Address", ", ".join(part for part in parts if part), ", ".join(buyer.address)),
        ("VAT number", known, ", ".join(buyer.vat_numbers)),
        ("Exemption", exemption(plan.contact), buyer.exempt),
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _money(minor: int, owner: InvoicePlan | RemoteInvoice) -> str:
    return str(Money(minor, owner.currency))
