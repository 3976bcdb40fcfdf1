"""Our invoice lines as Stripe's add_lines wants them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast

from stripe.params import (
    InvoiceAddLinesParamsLine,
    InvoiceAddLinesParamsLinePriceData,
    InvoiceAddLinesParamsLineTaxAmount,
)

from flask_crm_stripe.adapters.stripe.values import plain_number
from flask_crm_stripe.model.invoices import LineDraft

NAME_LIMIT = 250
VAT = "VAT"


def line_params(line: LineDraft) -> InvoiceAddLinesParamsLine:
    """One line: unit price x quantity, and the VAT that we computed, imposed to the minor unit.

    (``tax_amounts`` instead of tax rates: Stripe then has nothing to round. It checks them no further, so it is our own
    gate that holds amount against rate.)
    """
    params: InvoiceAddLinesParamsLine = {
        "description": line.description,
        "metadata": line.metadata,
        "tax_amounts": [_tax_amount(line)],
    }
    if line.period:
        first, last = line.period
        params["period"] = {"start": _midnight(first), "end": _midnight(last)}
    if line.unit_amount < 0:
        params["amount"] = line.unit_amount
        return params
    params["price_data"] = _price_data(line)
    if line.quantity == line.quantity.to_integral_value():
        params["quantity"] = int(line.quantity)
    else:
        params["quantity_decimal"] = cast(Decimal, plain_number(line.quantity))
    return params


def _price_data(line: LineDraft) -> InvoiceAddLinesParamsLinePriceData:
    price: InvoiceAddLinesParamsLinePriceData = {"currency": line.currency, "unit_amount": line.unit_amount}
    if line.product_id:
        price["product"] = line.product_id
    else:
        price["product_data"] = {"name": line.description[:NAME_LIMIT], "metadata": line.metadata}
    return price


def _tax_amount(line: LineDraft) -> InvoiceAddLinesParamsLineTaxAmount:
    tax: InvoiceAddLinesParamsLineTaxAmount = {
        "amount": line.vat,
        "taxable_amount": line.vat_base,
        "tax_rate_data": {
            "display_name": VAT,
            "percentage": cast(float, plain_number(line.vat_rate)),
            "inclusive": line.vat_included,
            "tax_type": "vat",
        },
    }
    tax["taxability_reason"] = line.reason
    return tax


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
