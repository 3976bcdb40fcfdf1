"""One module for each of Stripe's resources; importing a module adds its routes."""

from __future__ import annotations

from importlib import import_module

MODULES = (
    "accounts",
    "customers",
    "tax_ids",
    "balance_transactions",
    "products",
    "prices",
    "coupons",
    "tax_rates",
    "invoices",
    "invoice_states",
    "attaching",
    "lines",
    "invoiceitems",
    "reads",
    "refunds",
    "payment_methods",
    "payment_records",
    "credit_notes",
    "subscriptions",
    "tax_settings",
    "country_specs",
    "webhook_endpoints",
    "events",
)


def load() -> None:
    """Register every resource's routes."""
    for name in MODULES:
        import_module(f"{__name__}.{name}")
