"""Data that looks like two real small businesses. Seeding twice changes nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import select

from example_app.extensions import db
from example_app.models import (
    Activity,
    Billable,
    Company,
    Individual,
    Opportunity,
    Order,
    Organization,
    Service,
    ServicePrice,
    Ticket,
    User,
)
from example_app.seed.harbour import HARBOUR
from example_app.seed.kestrel import KESTREL
from example_app.seed.rows import BusinessRow, Line, ServiceRow, WorkRow

PASSWORD = "demo"
CHEAP_HASH = "pbkdf2:sha256:1000"  # quick to check; the demo's password is no secret
BUSINESSES = (HARBOUR, KESTREL)
KIND_NAMES = {Opportunity: "opportunity", Ticket: "ticket", Order: "order"}


def seed(today: dt.date | None = None) -> None:
    """Add what is missing of the two businesses, with dates that lead up to `today`, and commit."""
    for row in BUSINESSES:
        if db.session.scalar(select(Company).where(Company.name == row.name)) is None:
            plant(row, today or dt.datetime.now(dt.UTC).date())
    db.session.commit()


@dataclass(slots=True)
class Planted:
    """What was made so far for one business; later rows refer to it."""

    company: Company
    today: dt.date
    users: list[User]
    services: dict[str, Service]
    organizations: dict[str, Organization]
    individuals: dict[str, Individual] = field(default_factory=dict)

    def day(self, days_ago: int) -> dt.date:
        """A day before today, or after it where the number is below zero."""
        return self.today - dt.timedelta(days=days_ago)


def plant(row: BusinessRow, today: dt.date) -> None:
    """One business, in an order in which each row finds those that it refers to."""
    company = Company(
        name=row.name,
        city=row.city,
        timezone=row.timezone,
        locale=row.locale,
        currency=row.currency,
        address=row.address,
        vat_number=row.vat_number,
    )
    db.session.add(company)
    db.session.flush()
    planted = Planted(
        company,
        today,
        users=[make_user(company, *person) for person in row.users],
        services={service.code: make_service(company, service) for service in row.services},
        organizations={one["name"]: Organization(company_id=company.id, **one) for one in row.organizations},
    )
    db.session.add_all([*planted.users, *planted.services.values(), *planted.organizations.values()])
    for one in row.individuals:
        planted.individuals[one["name"]] = make_individual(planted, one)
    db.session.flush()
    for work in row.work:
        plant_work(planted, work)


def make_user(company: Company, name: str, email: str, role: str) -> User:
    """Somebody who can log in with the demo's password."""
    user = User(company_id=company.id, name=name, email=email, role=role, locale=company.locale)
    user.set_password(PASSWORD, CHEAP_HASH)
    return user


def make_service(company: Company, row: ServiceRow) -> Service:
    """A catalogue entry with its list prices."""
    return Service(
        company_id=company.id,
        code=row.code,
        title=row.title,
        summary=row.summary,
        unit=row.unit,
        vat_rate=None if row.vat is None else Decimal(row.vat),
        active=row.active,
        prices=[ServicePrice(currency=currency, amount=Decimal(amount)) for currency, amount in row.prices.items()],
    )


def make_individual(planted: Planted, row: dict[str, str]) -> Individual:
    """A person; `at` names the organisation they work for."""
    values = {key: value for key, value in row.items() if key != "at"}
    person = Individual(
        company_id=planted.company.id, organization=planted.organizations.get(row.get("at", "")), **values
    )
    db.session.add(person)
    return person


def plant_work(planted: Planted, row: WorkRow) -> None:
    """An opportunity, a ticket or an order with its lines and its history."""
    work = row.model(
        company_id=planted.company.id,
        number=row.number,
        title=row.title,
        status=row.status,
        opened_on=planted.day(row.days_ago),
        notes=row.notes,
        organization=planted.organizations.get(row.customer),
        individual=planted.individuals.get(row.customer),
        owner=planted.users[row.owner],
    )
    if isinstance(work, Opportunity) and row.status in ("Proposal", "Negotiation"):
        work.expected_on = planted.day(-int(row.extra))
    elif isinstance(work, Ticket):
        work.priority = row.extra or "normal"
    elif isinstance(work, Order):
        work.customer_reference = row.extra
    db.session.add(work)
    db.session.flush()
    kind = KIND_NAMES[row.model]
    for line in row.lines:
        plant_line(planted, line, kind, work)
    for days_ago, text in ((row.days_ago, f"Opened: {row.title}"), *row.history):
        plant_activity(planted, kind, work, days_ago, text)


def plant_line(planted: Planted, line: Line, kind: str, work: Opportunity | Ticket | Order) -> None:
    """A line of work; unit and VAT are the service's, and so is the price where none was agreed."""
    service = planted.services[line.code]
    currency = line.currency or (work.contact.currency if work.contact else planted.company.currency)
    price = service.price_in(currency) if line.price is None else Decimal(line.price)
    if price is None:
        raise ValueError(f"{line.work}: {line.code} has no price in {currency}, so the line needs one.")
    first, *last = (planted.day(days_ago) for days_ago in line.days)
    db.session.add(
        Billable(
            company_id=planted.company.id,
            source_kind=kind,
            source_id=work.id,
            service=service,
            work=line.work,
            worked_on=first,
            worked_until=last[0] if last else None,
            worker=planted.users[line.by],
            quantity=Decimal(line.quantity),
            unit=service.unit,
            unit_price=price,
            currency=currency,
            vat_rate=service.vat_rate,
            discount_percent=Decimal(line.discount),
            done=line.done,
        )
    )


def plant_activity(planted: Planted, kind: str, work: Opportunity | Ticket | Order, days_ago: int, text: str) -> None:
    """A sentence of the history, at a minute of the working day that differs from entry to entry."""
    minutes = (work.id * 53 + days_ago * 37 + len(text)) % 480
    at = dt.datetime.combine(planted.day(days_ago), dt.time(8)) + dt.timedelta(minutes=minutes)
    db.session.add(
        Activity(
            company_id=planted.company.id,
            source_kind=kind,
            source_id=work.id,
            source_number=work.number,
            at=at,
            who=work.owner.name,
            text=text,
        )
    )
