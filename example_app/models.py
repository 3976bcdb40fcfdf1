"""What the CRM knows: companies and their people, contacts, the catalogue, and work for customers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship
from werkzeug.security import check_password_hash, generate_password_hash

from example_app.columns import Exact
from example_app.extensions import Model
from example_app.money import rounded


class Company(Model):
    """A business that uses this CRM. Every other row belongs to one, and no company sees another's."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    city: Mapped[str]
    timezone: Mapped[str]
    locale: Mapped[str]
    currency: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    vat_number: Mapped[str] = mapped_column(default="")
    finance_enabled: Mapped[bool] = mapped_column(default=True)

    def today(self) -> dt.date:
        """The date where the company is."""
        return dt.datetime.now(ZoneInfo(self.timezone)).date()


class OfCompany:
    """A row that belongs to one company."""

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)

    @declared_attr
    def company(cls) -> Mapped[Company]:
        """The company that the row belongs to."""
        return relationship(Company)


class SentMail(OfCompany, Model):
    """A mail as it would have gone out: this CRM has no mail server, so it keeps what it sends."""

    to: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]


class User(OfCompany, Model):
    """A person who can log in. The role decides what they may do: `admin`, `sales` or `viewer`."""

    __tablename__ = "users"  # "user" is a reserved word in PostgreSQL

    is_authenticated = True
    is_active = True
    is_anonymous = False

    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    locale: Mapped[str] = mapped_column(default="en")
    password_hash: Mapped[str]

    def get_id(self) -> str:
        """The text by which Flask-Login remembers this person."""
        return str(self.id)

    def set_password(self, password: str, method: str = "scrypt") -> None:
        """Keep only a salted hash of the password."""
        self.password_hash = generate_password_hash(password, method)

    def knows_password(self, password: str) -> bool:
        """Whether this is the person's password."""
        return check_password_hash(self.password_hash, password)


class Addressed:
    """Where a contact is reached, and in which language and currency it is billed."""

    street: Mapped[str] = mapped_column(default="")
    postal_code: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    country: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="en")
    currency: Mapped[str]


class Organization(OfCompany, Addressed, Model):
    """A customer that is a company, an association or an authority."""

    name: Mapped[str]
    billing_email: Mapped[str] = mapped_column(default="")
    vat_number: Mapped[str] = mapped_column(default="")
    people: Mapped[list[Individual]] = relationship(back_populates="organization", order_by="Individual.name")


class Individual(OfCompany, Addressed, Model):
    """A person: a customer of their own, or somebody who works for an organisation."""

    name: Mapped[str]
    email: Mapped[str] = mapped_column(default="")
    position: Mapped[str] = mapped_column(default="")
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))
    organization: Mapped[Organization | None] = relationship(back_populates="people")


class Service(OfCompany, Model):
    """Something the company sells. A service that is no longer offered is inactive."""

    __table_args__ = (UniqueConstraint("company_id", "code"),)

    code: Mapped[str]
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(default="")
    unit: Mapped[str]
    vat_rate: Mapped[Decimal | None] = mapped_column(Exact)
    active: Mapped[bool] = mapped_column(default=True)
    prices: Mapped[list[ServicePrice]] = relationship(
        cascade="all, delete-orphan", order_by="ServicePrice.currency", lazy="selectin"
    )
    lines: Mapped[list[Billable]] = relationship(back_populates="service")  # a deleted service leaves them unlinked

    def price_in(self, currency: str) -> Decimal | None:
        """The list price in a currency (units of it, not cents), or None where the service is not sold in it."""
        return next((price.amount for price in self.prices if price.currency == currency), None)


class ServicePrice(Model):
    """The list price of a service in one currency, before VAT, in units of the currency."""

    __table_args__ = (UniqueConstraint("service_id", "currency"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"))
    currency: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(Exact)


class Work(OfCompany):
    """What opportunities, tickets and orders have in common: a number, a customer, somebody in charge, a state."""

    number: Mapped[str]
    title: Mapped[str]
    status: Mapped[str]
    opened_on: Mapped[dt.date]
    notes: Mapped[str] = mapped_column(default="")
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))
    individual_id: Mapped[int | None] = mapped_column(ForeignKey("individual.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))

    @declared_attr
    def organization(cls) -> Mapped[Organization | None]:
        """The customer, where it is an organisation."""
        return relationship(Organization, lazy="selectin")

    @declared_attr
    def individual(cls) -> Mapped[Individual | None]:
        """The customer, where it is a person."""
        return relationship(Individual, lazy="selectin")

    @declared_attr
    def owner(cls) -> Mapped[User]:
        """Who is in charge."""
        return relationship(User, lazy="selectin")

    @property
    def contact(self) -> Organization | Individual | None:
        """The customer, whichever kind it is."""
        return self.organization or self.individual


class Opportunity(Work, Model):
    """Work that is being sold or has been won: a project, a phase of one, a training."""

    expected_on: Mapped[dt.date | None]


class Ticket(Work, Model):
    """A request for help, charged by the time it took."""

    priority: Mapped[str] = mapped_column(default="normal")


class Order(Work, Model):
    """Something a customer ordered at a fixed price; often with a purchase number of their own."""

    __tablename__ = "orders"  # "order" is a reserved word in SQL

    customer_reference: Mapped[str] = mapped_column(default="")


class Billable(OfCompany, Model):
    """A line of work to be charged, on an opportunity, a ticket or an order (`source_kind` and `source_id` say which).

    `billing_status` belongs to billing: it is empty until the line is on an invoice, then follows that invoice.
    """

    __table_args__ = (
        CheckConstraint("source_kind IN ('opportunity', 'ticket', 'order')", name="billable_source_kind"),
    )

    source_kind: Mapped[str] = mapped_column(index=True)
    source_id: Mapped[int] = mapped_column(index=True)
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="SET NULL"))
    service: Mapped[Service | None] = relationship(back_populates="lines")
    work: Mapped[str]
    worked_on: Mapped[dt.date]
    worked_until: Mapped[dt.date | None]
    worker_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    worker: Mapped[User | None] = relationship(lazy="selectin")
    quantity: Mapped[Decimal] = mapped_column(Exact)
    unit: Mapped[str] = mapped_column(default="")
    unit_price: Mapped[Decimal] = mapped_column(Exact)
    currency: Mapped[str]
    vat_rate: Mapped[Decimal | None] = mapped_column(Exact)
    discount_percent: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))
    done: Mapped[bool] = mapped_column(default=True)
    billing_status: Mapped[str] = mapped_column(default="")

    @property
    def amount(self) -> Decimal:
        """What the line comes to before VAT, in units of its currency, rounded as on an invoice."""
        return rounded(self.quantity * self.unit_price * (100 - self.discount_percent) / 100, self.currency)


class Activity(OfCompany, Model):
    """Something that happened on an opportunity, a ticket or an order, in one sentence."""

    source_kind: Mapped[str] = mapped_column(index=True)
    source_id: Mapped[int] = mapped_column(index=True)
    source_number: Mapped[str]
    at: Mapped[dt.datetime]
    who: Mapped[str]
    text: Mapped[str]
