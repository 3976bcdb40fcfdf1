"""A small CRM of a host's own, with keys of every sort, on a database that a test gives it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from flask_crm_stripe.adapters.sqlalchemy.crm import SQLAlchemyCRM
from flask_crm_stripe.adapters.sqlalchemy.maps import Maps
from flask_crm_stripe.model.crm import Address, Billable, Contact, ContactRef, Service, Source

NUMERIC = sa.Numeric(18, 6)


@dataclass
class Host:
    """An app, its ``db``, its models by name, and what it declares."""

    app: Flask
    db: SQLAlchemy
    models: dict[str, Any]
    crm: SQLAlchemyCRM

    def __getattr__(self, name: str) -> Any:
        try:
            return self.models[name]
        except KeyError:
            raise AttributeError(name) from None

    def add(self, business: str, *values: Service | Contact | Source | Billable) -> None:
        """Store values as rows of a business."""
        self.db.session.add_all([self.row(business, value) for value in values])
        self.db.session.commit()

    def row(self, business: str, value: Service | Contact | Source | Billable) -> Any:
        """A value as a row."""
        match value:
            case Service():
                return service_row(self, business, value)
            case Contact():
                return contact_row(self, business, value)
            case Source():
                return source_row(self, business, value)
            case Billable():
                return billable_row(self, business, value)


def service_row(host: Host, business: str, value: Service) -> Any:
    """A service and its prices."""
    prices = [host.Price(currency=currency, amount=amount) for currency, amount in value.prices]
    names = ("code", "name", "description", "unit", "vat_rate", "vat_kind", "active")
    given = {name: getattr(value, name) for name in names}
    return host.Service(id=int(value.ref), company=business, prices=prices, **given)


def contact_row(host: Host, business: str, value: Contact) -> Any:
    """An organisation or a person."""
    address = value.address or Address()
    given = {"city": address.city, "country": address.country, "name": value.name, "email": value.email}
    if value.ref.kind == "organization":
        vat = {"vat_number": value.vat_number, "vat_kind": value.vat_kind}
        return host.Organization(id=int(value.ref.ref), company=business, **vat, **given)
    return host.Person(id=uuid.UUID(value.ref.ref), company=business, **given)


def source_row(host: Host, business: str, value: Source) -> Any:
    """An order or a ticket."""
    contact = value.contact or ContactRef("", "")
    given: dict[str, Any] = {"title": value.title, "number": value.number, "company": business}
    if contact.kind == "organization":
        given["organization_id"] = int(contact.ref)
    if contact.kind == "individual":
        given["person_id"] = uuid.UUID(contact.ref)
    if value.ref.kind == "order":
        return host.Order(id=int(value.ref.ref), **given)
    return host.Ticket(key=value.ref.ref, **given)


def billable_row(host: Host, business: str, value: Billable) -> Any:
    """A billable, whose worker is a row of its own."""
    apart = "ref source service not_ready worked_by".split()
    given = {name: getattr(value, name) for name in Billable.__slots__ if name not in apart}
    worker = host.Worker(name=value.worked_by) if value.worked_by else None
    service = int(value.service) if value.service else None
    return host.Billable(
        id=int(value.ref),
        company=business,
        source_kind=value.source.kind,
        source_ref=value.source.ref,
        service_id=service,
        worker=worker,
        **given,
    )


@contextmanager
def running_host(url: str, name: str = "host") -> Iterator[Host]:
    """The host with empty tables, its app context pushed."""
    host = make_host(url, name)
    with host.app.app_context():
        host.db.create_all()
        try:
            yield host
        finally:
            host.db.session.remove()
            for engine in host.db.engines.values():
                engine.dispose()


def make_host(url: str, name: str = "host", **config: Any) -> Host:
    """An app with models of its own."""

    class Base(DeclarativeBase):
        pass

    app, db = Flask(name), SQLAlchemy(model_class=Base)
    app.config.update(SQLALCHEMY_DATABASE_URI=url, **config)
    db.init_app(app)
    models = {**catalogue_models(db), **contact_models(db), **work_models(db)}
    return Host(app, db, models, declaration(models))


def catalogue_models(db: SQLAlchemy) -> dict[str, Any]:
    """Services with prices in rows of their own."""

    class Service(db.Model):  # type: ignore[name-defined]
        id: Mapped[int] = mapped_column(primary_key=True)
        company: Mapped[str]
        code: Mapped[str]
        name: Mapped[str]
        description: Mapped[str] = mapped_column(default="")
        unit: Mapped[str] = mapped_column(default="")
        vat_rate: Mapped[Decimal | None] = mapped_column(NUMERIC)
        vat_kind: Mapped[str | None]
        active: Mapped[bool] = mapped_column(default=True)
        prices: Mapped[list[Any]] = relationship("Price", cascade="all, delete-orphan")

    class Price(db.Model):  # type: ignore[name-defined]
        id: Mapped[int] = mapped_column(primary_key=True)
        service_id: Mapped[int] = mapped_column(sa.ForeignKey("service.id"))
        currency: Mapped[str]
        amount: Mapped[Decimal] = mapped_column(NUMERIC)

    return {"Service": Service, "Price": Price}


def contact_models(db: SQLAlchemy) -> dict[str, Any]:
    """Organisations with a number, people with a UUID."""

    class Organization(db.Model):  # type: ignore[name-defined]
        id: Mapped[int] = mapped_column(primary_key=True)
        company: Mapped[str]
        name: Mapped[str]
        email: Mapped[str | None]
        vat_number: Mapped[str | None]
        vat_kind: Mapped[str | None]
        city: Mapped[str] = mapped_column(default="")
        country: Mapped[str] = mapped_column(default="")

    class Person(db.Model):  # type: ignore[name-defined]
        id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
        company: Mapped[str]
        name: Mapped[str]
        email: Mapped[str | None]
        city: Mapped[str] = mapped_column(default="")
        country: Mapped[str] = mapped_column(default="")

    return {"Organization": Organization, "Person": Person}


def work_models(db: SQLAlchemy) -> dict[str, Any]:
    """Orders with a number, tickets with a text, and their billables."""

    class Payable:
        company: Mapped[str]
        title: Mapped[str]
        number: Mapped[str] = mapped_column(default="")
        organization_id: Mapped[int | None] = mapped_column()
        person_id: Mapped[uuid.UUID | None] = mapped_column()

    class Order(Payable, db.Model):  # type: ignore[name-defined]
        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Ticket(Payable, db.Model):  # type: ignore[name-defined]
        key: Mapped[str] = mapped_column(primary_key=True)

    class Worker(db.Model):  # type: ignore[name-defined]
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    class Billable(db.Model):  # type: ignore[name-defined]
        id: Mapped[int] = mapped_column(primary_key=True)
        company: Mapped[str]
        source_kind: Mapped[str]
        source_ref: Mapped[str]
        service_id: Mapped[int | None]
        description: Mapped[str]
        quantity: Mapped[Decimal] = mapped_column(NUMERIC)
        unit: Mapped[str] = mapped_column(default="")
        unit_price: Mapped[Decimal | None] = mapped_column(NUMERIC)
        currency: Mapped[str]
        vat_rate: Mapped[Decimal | None] = mapped_column(NUMERIC)
        vat_included: Mapped[bool] = mapped_column(default=False)
        vat_kind: Mapped[str | None]
        discount_amount: Mapped[Decimal | None] = mapped_column(NUMERIC)
        service_from: Mapped[date | None]
        service_to: Mapped[date | None]
        discount_percent: Mapped[Decimal] = mapped_column(NUMERIC, default=Decimal(0))
        ready: Mapped[bool] = mapped_column(default=True)
        worked_on: Mapped[str] = mapped_column(default="")
        worker_id: Mapped[int | None] = mapped_column(sa.ForeignKey("worker.id"))
        worker: Mapped[Any] = relationship("Worker")
        status: Mapped[str] = mapped_column(default="")

    return {"Order": Order, "Ticket": Ticket, "Worker": Worker, "Billable": Billable}


def service_maps(models: dict[str, Any]) -> Maps:
    """Services: prices come from a function and rows of their own."""
    same = {name: name for name in ("code", "name", "description", "unit", "vat_rate", "vat_kind", "active")}
    return Maps(
        models["Service"],
        ref="id",
        business="company",
        watch=[models["Price"]],
        prices=lambda service: {price.currency: price.amount for price in service.prices},
        **same,
    )


def contact_maps(model: Any, kind: str, **more: Any) -> Maps:
    """Contacts: the address comes from a function."""
    return Maps(
        model,
        ref="id",
        business="company",
        kind=kind,
        name="name",
        email="email",
        address=lambda row: {"city": row.city, "country": row.country},
        **more,
    )


def source_maps(model: Any, kind: str, ref: str) -> Maps:
    """Sources: who pays is in one attribute per kind."""
    contact = {"organization": "organization_id", "individual": "person_id"}
    return Maps(model, ref=ref, business="company", kind=kind, title="title", number="number", contact=contact)


def billable_maps(model: Any, **more: Any) -> Maps:
    """Billables: the source is a pair of attributes, the worker comes from a function."""
    names = (
        "description quantity unit unit_price currency vat_rate vat_kind vat_included discount_percent discount_amount "
        "service_from service_to ready worked_on status"
    )
    fields: dict[str, Any] = {
        **{name: name for name in names.split()},
        "source": ("source_kind", "source_ref"),
        "service": "service_id",
        "worked_by": lambda row: row.worker.name if row.worker else "",
        **more,
    }
    return Maps(model, ref="id", business="company", **fields)


def declaration(models: dict[str, Any]) -> SQLAlchemyCRM:
    """The whole CRM."""
    return SQLAlchemyCRM(
        services=service_maps(models),
        contacts=[
            contact_maps(models["Organization"], "organization", vat_number="vat_number", vat_kind="vat_kind"),
            contact_maps(models["Person"], "individual"),
        ],
        sources=[source_maps(models["Order"], "order", "id"), source_maps(models["Ticket"], "ticket", "key")],
        billables=billable_maps(models["Billable"]),
    )
