"""Stripe's invoice in our words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask_crm_stripe.adapters.stripe.values import day, id_of, moment
from flask_crm_stripe.model.invoices import RemoteBuyer, RemoteInvoice, RemoteVat

ORDER_NUMBER = "Order number"
PARTS = ("line1", "line2", "postal_code", "city", "state", "country")


def read_invoice(answer: Mapping[str, Any], request_id: str | None = None) -> RemoteInvoice:
    """The figures as Stripe has them, in minor units; an unknown status stays as Stripe writes it.

    ``tax`` is the sum of ``total_taxes``. ``vat`` is by reason, not by rate: ``total_taxes`` names its rates by id
    only, in a field that cannot be expanded (stripe-python ``Invoice.TotalTax.TaxRateDetails``).
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
        discount=sum(each["amount"] for each in answer.get("total_discount_amounts") or ()),
        vat=read_vat(answer.get("total_taxes") or ()),
        buyer=_buyer(answer),
        footer=answer.get("footer") or "",
        description=answer.get("description") or "",
        order_number=_order_number(answer.get("custom_fields") or ()),
        credited=sum(answer.get(f"{when}_payment_credit_notes_amount") or 0 for when in ("pre", "post")),
    )


def read_vat(taxes: Iterable[Mapping[str, Any]]) -> tuple[RemoteVat, ...]:
    """VAT by reason, out of ``total_taxes``."""
    found: dict[tuple[str, bool], tuple[int, int]] = {}
    for tax in taxes:
        key = (tax.get("taxability_reason") or "", tax.get("tax_behavior") == "inclusive")
        amount, base = found.get(key, (0, 0))
        found[key] = (amount + tax["amount"], base + (tax.get("taxable_amount") or 0))
    return tuple(RemoteVat(*key, *sums) for key, sums in sorted(found.items()))


def _buyer(answer: Mapping[str, Any]) -> RemoteBuyer:
    address = answer.get("customer_address") or {}
    numbers = (str(each.get("value") or "") for each in answer.get("customer_tax_ids") or ())
    return RemoteBuyer(
        name=answer.get("customer_name") or "",
        address=tuple(str(address[part]) for part in PARTS if address.get(part)),
        vat_numbers=tuple(sorted(re.sub(r"[^0-9A-Za-z+*]", "", number).upper() for number in numbers)),
        exempt=answer.get("customer_tax_exempt") or "none",
    )


def _order_number(fields: Iterable[Mapping[str, Any]]) -> str:
    return next((str(each["value"]) for each in fields if each["name"] == ORDER_NUMBER), "")


def _line_count(lines: Mapping[str, Any]) -> int | None:
    """How many lines there are; None where the answer holds the first ten only and does not tell."""
    if "data" not in lines or lines.get("has_more"):
        return lines.get("total_count")
    return len(lines["data"])
