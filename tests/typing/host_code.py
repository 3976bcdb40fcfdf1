"""Typed code of a CRM, as its maintainers write it: mypy reads it, strictly, and finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import assert_type

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_crm_stripe import (
    ALL_PERMISSIONS,
    Actor,
    Address,
    Billable,
    Business,
    Contact,
    ContactRef,
    CRMStripe,
    Maps,
    Service,
    Source,
    SourceRef,
    SQLAlchemyCRM,
    current_billing,
    errors,
    include_name,
    signals,
)
from flask_crm_stripe.model.invoices import Invoice, Payment
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.ports.crm import CRM, CRMSource
from flask_crm_stripe.testing import FakeStripe, MemoryCRM


class Base(DeclarativeBase):
    """A host's models."""


class Plan(Base):
    """One of them."""

    __tablename__ = "plan"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    amount: Mapped[Decimal]


def prices(plan: Plan) -> dict[str, Decimal]:
    """A field of a mapping may be a function of the row."""
    return {"EUR": plan.amount}


def declared(contact: Maps, source: Maps, billable: Maps) -> SQLAlchemyCRM:
    """A declaration."""
    services = Maps(Plan, ref="id", name="name", prices=prices, vat_rate=Decimal(21), watch=[Plan])
    return SQLAlchemyCRM(services=services, contacts=[contact], sources=source, billables=billable)


class Rows:
    """A CRM without models: the port, by its shape alone."""

    def services(self) -> Iterable[Service]:
        """One service."""
        return (Service("1", "ADV", "Advice", prices=(("eur", Decimal(95)),)),)

    def service(self, ref: str) -> Service | None:
        """By its key."""
        return next((service for service in self.services() if service.ref == ref), None)

    def contact(self, ref: ContactRef) -> Contact | None:
        """Everybody is called by their key."""
        return Contact(ref, name=ref.ref, address=Address(country="NL"))

    def source(self, ref: SourceRef) -> Source | None:
        """An order."""
        return Source(ref, title="Order", contact=ContactRef("organization", "1"))

    def billables(self, source: SourceRef) -> Sequence[Billable]:
        """One line."""
        return [Billable("1", source, "Advice", quantity=Decimal(1), unit_price=Decimal(95), currency="eur")]

    def billables_by_ref(self, refs: Sequence[str]) -> Sequence[Billable]:
        """None."""
        return []

    def set_billing_status(self, refs: Sequence[str], status: str) -> None:
        """Not noted."""


class Everyone:
    """Rows for each business."""

    def for_business(self, business: str) -> CRM:
        """The same for all."""
        return Rows()


def register(app: Flask, db: SQLAlchemy) -> CRMStripe:
    """Registration with everything that may be registered."""
    extension = CRMStripe()

    @extension.business_loader
    def business() -> Business | None:
        return Business("1", "Harbour & Pine", timezone="Europe/Amsterdam", locale="nl_NL")

    @extension.actor_loader
    def actor() -> Actor | None:
        return Actor("7", "Ines", {"view", "draft"} & ALL_PERMISSIONS, locale="nl_NL")

    @extension.finance_module
    def finance(business: str) -> bool:
        return business != "2"

    assert_type(business, Callable[[], Business | None])  # a decorated function is what it was
    source: CRMSource = Everyone()
    extension.init_app(app, crm=source, db=db)
    extension.init_app(app, crm=MemoryCRM(), db=db, transport=FakeStripe())
    return extension


def paid(app: Flask, *, business: str, invoice: Invoice, payment: Payment, **_: object) -> None:
    """A receiver."""
    assert_type(invoice.total, int)
    assert_type(invoice.status, str | None)
    assert_type(Money(payment.amount, payment.currency).major, Decimal)


signals.payment_succeeded.connect(paid)


def look(ref: SourceRef) -> str:
    """In a request: the use cases, and what they raise."""
    try:
        billing = current_billing.invoicing.source(ref)
    except errors.NotFound as error:
        return error.message
    except errors.BillingError as error:
        assert_type(error.field, str | None)
        return error.code
    assert_type(include_name("crm_stripe_invoice", "table", {}), bool)
    return ", ".join(row.billable.description for row in billing.rows)
