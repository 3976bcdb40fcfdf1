"""Drafts for the provider's contract."""

from __future__ import annotations

from decimal import Decimal

from flask_crm_stripe.model.catalogue import PriceDraft, ProductDraft
from flask_crm_stripe.model.invoices import CustomerDraft, InvoiceDraft, LineDraft, RemoteInvoice
from flask_crm_stripe.ports.provider import Provider

OURS = {"crm_installation": "i1", "crm_business": "b1", "crm_service": "s1"}
CUSTOMER = CustomerDraft(
    name="Ada Byron",
    email="ada@example.com",
    phone=None,
    locale="nl",
    line1="Kade 1",
    postal_code="1011 AB",
    city="Amsterdam",
    country="NL",
    metadata={"crm_stripe_id": "link-1"},
)
PRODUCT = ProductDraft("crm_0123456789abcdef01234567", "Advice", "By the hour", True, "hour", OURS)


def price(amount: str, currency: str = "eur", product: str = PRODUCT.id) -> PriceDraft:
    """A price of the product."""
    return PriceDraft(product, currency, amount, f"{product}_{currency}", OURS)


def line(
    key: str,
    unit_amount: int,
    quantity: str = "1",
    rate: str = "21",
    vat: int | None = None,
    included: bool = False,
    product: str | None = None,
    currency: str = "eur",
) -> LineDraft:
    """A line whose VAT is right unless ``vat`` says otherwise; amounts chosen so that nothing is rounded."""
    amount = Decimal(quantity) * unit_amount
    percent = Decimal(rate)
    base = int(amount * 100 / (100 + percent)) if included else int(amount)
    computed = int(amount) - base if included else int(amount * percent / 100)
    return LineDraft(
        key=key,
        description=f"Work {key} & more",
        currency=currency,
        quantity=Decimal(quantity),
        unit_amount=unit_amount,
        vat=computed if vat is None else vat,
        vat_base=base,
        vat_rate=percent,
        vat_included=included,
        product_id=product,
        metadata={"crm_line": key, "crm_billable": f"b-{key}", "crm_source": "opportunity:7"},
    )


def draft(customer: str, currency: str = "eur", marker: str = "inv-1") -> InvoiceDraft:
    """An invoice draft with an order number and a note."""
    return InvoiceDraft(
        customer=customer,
        currency=currency,
        days_until_due=14,
        metadata={"crm_stripe_id": marker, "crm_installation": "i1", "crm_business": "b1"},
        description="Thank you",
        order_number="PO-77",
    )


def open_invoice(provider: Provider, *lines: LineDraft, currency: str = "eur", marker: str = "inv-1") -> RemoteInvoice:
    """A finalised invoice of a new customer."""
    customer = provider.create_customer(CUSTOMER, f"c-{marker}").id
    invoice = provider.create_invoice(draft(customer, currency, marker), f"i-{marker}")
    provider.add_lines(invoice.id, lines or (line("a", 10_000),), f"l-{marker}")
    return provider.finalise(invoice.id, f"f-{marker}")
