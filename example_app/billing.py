"""All that this CRM tells `flask_crm_stripe` about itself."""

from __future__ import annotations

from decimal import Decimal

from flask_login import current_user
from sqlalchemy.orm import Session

from example_app.extensions import crm_stripe, db
from example_app.models import (
    Addressed,
    Billable,
    Company,
    Individual,
    Opportunity,
    Order,
    Organization,
    SentMail,
    Service,
    ServicePrice,
    Ticket,
    Work,
)
from example_app.roles import BILLING_RIGHTS
from example_app.words import day
from flask_crm_stripe import Actor, Address, Business, Mail, Maps, SQLAlchemyCRM


def prices(service: Service) -> dict[str, Decimal]:
    """The list prices of a service, by currency."""
    return {price.currency: price.amount for price in service.prices}


def address(contact: Addressed) -> Address:
    """Where an invoice goes."""
    return Address(line1=contact.street, postal_code=contact.postal_code, city=contact.city, country=contact.country)


def worked_on(billable: Billable) -> str:
    """When the work was done, in words: `12 Nov`, `12–13 Nov`, or `29 Oct – 2 Nov`."""
    first, last = billable.worked_on, billable.worked_until
    if last is None:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}\N{EN DASH}{day(last)}"
    return f"{day(first)} \N{EN DASH} {day(last)}"


def source(model: type[Work], kind: str, path: str) -> Maps:
    """Opportunities, tickets and orders are told to billing in the same way."""
    return Maps(
        model,
        kind=kind,
        business="company_id",
        ref="id",
        title="title",
        number="number",
        contact={"organization": "organization_id", "individual": "individual_id"},
        url=lambda work: f"{path}/{work.id}/billables",
    )


crm = SQLAlchemyCRM(
    services=Maps(
        Service,
        business="company_id",
        ref="id",
        code="code",
        name="title",
        description="summary",
        unit="unit",
        prices=prices,
        vat_rate="vat_rate",
        active="active",
        watch=[ServicePrice],
    ),
    contacts=[
        Maps(
            Organization,
            kind="organization",
            business="company_id",
            ref="id",
            name="name",
            email="billing_email",
            phone="phone",
            address=address,
            language="language",
            currency="currency",
            vat_number="vat_number",
            url=lambda organization: f"/organizations/{organization.id}",
        ),
        Maps(
            Individual,
            kind="individual",
            business="company_id",
            ref="id",
            name="name",
            email="email",
            phone="phone",
            address=address,
            language="language",
            currency="currency",
            url=lambda person: f"/people/{person.id}",
        ),
    ],
    sources=[
        source(Opportunity, "opportunity", "/opportunities"),
        source(Ticket, "ticket", "/tickets"),
        source(Order, "order", "/orders"),
    ],
    billables=Maps(
        Billable,
        business="company_id",
        ref="id",
        source=("source_kind", "source_id"),
        service="service_id",
        description="work",
        quantity="quantity",
        unit="unit",
        unit_price="unit_price",
        currency="currency",
        vat_rate="vat_rate",
        discount_percent="discount_percent",
        ready="done",
        worked_on=worked_on,
        worked_by=lambda b: b.worker.name if b.worker else "",
        status="billing_status",
    ),
)


@crm_stripe.business_loader
def current_business() -> Business | None:
    """The company of the person who is logged in."""
    if not current_user.is_authenticated:
        return None
    return business_of(current_user.company)


def business_of(company: Company) -> Business:
    """A company in the words of billing."""
    return Business(
        ref=str(company.id),
        name=company.name,
        timezone=company.timezone,
        locale=company.locale,
        address=company.address,
        vat_number=company.vat_number,
    )


@crm_stripe.actor_loader
def current_actor() -> Actor | None:
    """The person who is logged in, with the rights that their role has in billing."""
    if not current_user.is_authenticated:
        return None
    return Actor(
        ref=str(current_user.id),
        name=current_user.name,
        permissions=BILLING_RIGHTS[current_user.role],
        locale=current_user.locale,
    )


@crm_stripe.mailer
def send(mail: Mail) -> None:
    """Keep a notice for a company's admins; a CRM with a mail server hands it over here."""
    with Session(db.engine) as session:
        row = SentMail(to=", ".join(mail.to), subject=mail.subject, text=mail.text, company_id=int(mail.business))
        session.add(row)
        session.commit()


@crm_stripe.finance_module
def finance_is_on(business: str) -> bool:
    """Whether the company has the finance module switched on."""
    company = db.session.get(Company, int(business))
    return company is not None and company.finance_enabled
