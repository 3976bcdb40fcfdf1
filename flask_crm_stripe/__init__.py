"""Lets any Flask CRM bill its customers through Stripe: each business connects its own account.

from flask_crm_stripe import CRMStripe, Maps, SQLAlchemyCRM

crm_stripe = CRMStripe()
crm_stripe.init_app(app, crm=SQLAlchemyCRM(...), db=db)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask_crm_stripe import errors, signals
    from flask_crm_stripe.adapters.sqlalchemy.autogenerate import include_name
    from flask_crm_stripe.adapters.sqlalchemy.crm import SQLAlchemyCRM
    from flask_crm_stripe.adapters.sqlalchemy.maps import Maps
    from flask_crm_stripe.extension import CRMStripe
    from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
    from flask_crm_stripe.model.crm import Address, Billable, Contact, ContactRef, Service, Source, SourceRef, VatKind
    from flask_crm_stripe.model.invoices import Invoice, InvoicePlan, PlanLine, Seller, VatTotal
    from flask_crm_stripe.model.notices import Mail
    from flask_crm_stripe.web.context import current_billing

__all__ = [
    "ALL_PERMISSIONS",
    "Actor",
    "Address",
    "Billable",
    "Business",
    "CRMStripe",
    "Contact",
    "ContactRef",
    "Invoice",
    "InvoicePlan",
    "Mail",
    "Maps",
    "PlanLine",
    "SQLAlchemyCRM",
    "Seller",
    "Service",
    "Source",
    "SourceRef",
    "VatKind",
    "VatTotal",
    "current_billing",
    "errors",
    "include_name",
    "signals",
]

# Where each name lives. Imported when first asked for: the rules alone (`core`, `model`) load no Flask.
_HOMES = {
    "CRMStripe": "extension",
    "Maps": "adapters.sqlalchemy.maps",
    "SQLAlchemyCRM": "adapters.sqlalchemy.crm",
    "current_billing": "web.context",
    "include_name": "adapters.sqlalchemy.autogenerate",
    "Mail": "model.notices",
    **dict.fromkeys(("ALL_PERMISSIONS", "Actor", "Business"), "model.business"),
    **dict.fromkeys(
        ("Address", "Billable", "Contact", "ContactRef", "Service", "Source", "SourceRef", "VatKind"), "model.crm"
    ),
    **dict.fromkeys(("Invoice", "InvoicePlan", "PlanLine", "Seller", "VatTotal"), "model.invoices"),
}


def __getattr__(name: str) -> Any:
    if name in ("errors", "signals"):
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
