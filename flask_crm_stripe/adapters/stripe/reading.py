"""Stripe's invoice in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_crm_stripe.adapters.stripe.values import day, id_of, moment
from flask_crm_stripe.model.invoices import RemoteInvoice


def read_invoice(answer: Mapping[str, Any], request_id: str | None = None) -> RemoteInvoice:
    """The figures as Stripe has them, in minor units; an unknown status stays as Stripe writes it.

    ``tax`` is the sum of ``total_taxes``. ``vat`` stays empty: ``total_taxes`` names its rates by id only, in a field
    that cannot be expanded (stripe-python ``Invoice.TotalTax.TaxRateDetails``), so the percentage is not in the answer.
    """
    moments = answer.get("status_transitions") or {}
    return RemoteInvoice(
        id=answer["id"],
        status=answer.get("status") or "",
        currency=answer["currency"],
        subtotal=answer["subtotal"],
        total=answer["total"],
        tax=sum(tax["amount"] for tax in answer.get("total_taxes") or ()),
        amount_paid=answer["amount_paid"],
        amount_remaining=answer["amount_remaining"],
        customer=id_of(answer.get("customer")),
        number=answer.get("number"),
        due_date=day(answer.get("due_date")),
        finalised_at=moment(moments.get("finalized_at")),
        paid_at=moment(moments.get("paid_at")),
        voided_at=moment(moments.get("voided_at")),
        metadata=dict(answer.get("metadata") or {}),
        line_count=_line_count(answer.get("lines") or {}),
        hosted_url=answer.get("hosted_invoice_url"),
        pdf_url=answer.get("invoice_pdf"),
        request_id=request_id,
    )


def _line_count(lines: Mapping[str, Any]) -> int:
    """How many lines there are; 0 where the answer holds the first ten only and does not tell."""
    return int(lines.get("total_count") or 0) if lines.get("has_more") else len(lines.get("data") or ())
