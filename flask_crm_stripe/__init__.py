"""Lets any Flask CRM bill its customers through Stripe: each business connects its own account.

from flask_crm_stripe import CRMStripe, Maps, SQLAlchemyCRM

crm_stripe = CRMStripe()
crm_stripe.init_app(app, crm=SQLAlchemyCRM(...), db=db)
"""

from __future__ import annotations

from flask_crm_stripe import errors, signals
from flask_crm_stripe.adapters.sqlalchemy.autogenerate import include_name
from flask_crm_stripe.adapters.sqlalchemy.crm import SQLAlchemyCRM
from flask_crm_stripe.adapters.sqlalchemy.maps import Maps
from flask_crm_stripe.extension import CRMStripe
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
from flask_crm_stripe.model.crm import Address, Billable, Contact, ContactRef, Service, Source, SourceRef
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
    "Mail",
    "Maps",
    "SQLAlchemyCRM",
    "Service",
    "Source",
    "SourceRef",
    "current_billing",
    "errors",
    "include_name",
    "signals",
]
