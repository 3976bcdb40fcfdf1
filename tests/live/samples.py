"""Lines for the probes."""

from __future__ import annotations

from stripe.params import InvoiceAddLinesParamsLine


def line(amount: int = 1_000) -> InvoiceAddLinesParamsLine:
    """One of so much, without tax."""
    return {"amount": amount, "description": "Work"}


def taxed(amount: int, tax: int, base: int | None = None) -> InvoiceAddLinesParamsLine:
    """One with this VAT imposed, at 21 %, on ``base`` or on the whole amount."""
    return {
        "amount": amount,
        "description": "Work",
        "tax_amounts": [
            {
                "amount": tax,
                "taxable_amount": amount if base is None else base,
                "tax_rate_data": {"display_name": "VAT", "percentage": 21, "inclusive": False, "tax_type": "vat"},
                "taxability_reason": "standard_rated",
            }
        ],
    }
