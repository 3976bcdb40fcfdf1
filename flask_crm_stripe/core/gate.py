"""The gate: before an invoice is finalised, Stripe's figures are held against ours. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from flask_crm_stripe.core.figures import shown_as_product, sum_in_words
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.invoices import Difference, InvoiceDraft, InvoicePlan, LineDraft, PlanLine, RemoteInvoice
from flask_crm_stripe.model.money import Money

DESCRIPTION_LIMIT = 500


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
    )


def line_drafts(plan: InvoicePlan, products: dict[str, str]) -> list[LineDraft]:
    """The second call: every line, in order. ``products`` maps services to their Stripe products."""
    return [_line(plan, line, products.get(line.service or "")) for line in plan.lines]


def _line(plan: InvoicePlan, line: PlanLine, product: str | None) -> LineDraft:
    shown = shown_as_product(line, plan.currency)
    quantity, unit_amount = shown or (Decimal(1), line.net)
    words = "" if shown else f" ({sum_in_words(line, plan.currency, plan.discount_percent)})"
    return LineDraft(
        key=line.key,
        description=line.description[: DESCRIPTION_LIMIT - len(words)] + words,
        currency=plan.currency,
        quantity=quantity,
        unit_amount=unit_amount,
        vat=line.vat,
        vat_base=line.base,
        vat_rate=line.vat_rate,
        vat_included=line.vat_included,
        product_id=product,
        metadata={"crm_line": line.key, "crm_billable": line.billable, "crm_source": _source(line.source)},
    )


def _source(source: SourceRef) -> str:
    return f"{source.kind}:{source.ref}"


def differences(plan: InvoicePlan, remote: RemoteInvoice) -> tuple[Difference, ...]:
    """Every compared figure that is not equal to the minor unit."""
    pairs: Sequence[tuple[str, object, object]] = (
        ("Currency", plan.currency.upper(), remote.currency.upper()),
        ("Number of lines", len(plan.lines), remote.line_count or len(plan.lines)),
        ("Lines after discount", _money(plan.subtotal - plan.discount, plan), _money(remote.subtotal, remote)),
        ("VAT", _money(plan.vat, plan), _money(remote.tax, remote)),
        *_vat_pairs(plan, remote),
        ("Total", _money(plan.total, plan), _money(remote.total, remote)),
    )
    return tuple(Difference(what, str(ours), str(theirs)) for what, ours, theirs in pairs if ours != theirs)


def _vat_pairs(plan: InvoicePlan, remote: RemoteInvoice) -> list[tuple[str, object, object]]:
    """VAT per rate, where Stripe's answer tells the rates."""
    if not remote.vat:
        return []
    ours = {(total.rate, total.included): total.vat for total in plan.vat_totals}
    theirs = {(vat.rate, vat.included): vat.amount for vat in remote.vat}
    rates = sorted(set(ours) | {rate for rate, amount in theirs.items() if amount}, reverse=True)
    return [
        (
            f"VAT {rate.normalize():f} %",
            _money(ours.get((rate, kind), 0), plan),
            _money(theirs.get((rate, kind), 0), remote),
        )
        for rate, kind in rates
    ]


def _money(minor: int, owner: InvoicePlan | RemoteInvoice) -> str:
    return str(Money(minor, owner.currency))
