"""The shape in which the demo's data is written down."""

from __future__ import annotations

from dataclasses import dataclass

from example_app.models import Opportunity, Order, Ticket


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A catalogue entry; `prices` by currency, before VAT."""

    code: str
    title: str
    summary: str
    unit: str
    vat: str | None
    prices: dict[str, str]
    active: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """A line of work. `days` are days ago, the first and perhaps the last; without a price the catalogue's is taken."""

    code: str
    work: str
    days: tuple[int, ...]
    quantity: str = "1"
    price: str | None = None
    discount: str = "0"
    currency: str | None = None
    by: int = 1
    done: bool = True


@dataclass(frozen=True, slots=True)
class WorkRow:
    """An opportunity, a ticket or an order; `customer` is the name of a contact, `owner` an index into the users."""

    model: type[Opportunity] | type[Ticket] | type[Order]
    number: str
    title: str
    customer: str
    status: str
    days_ago: int
    notes: str = ""
    owner: int = 1
    extra: str = ""
    lines: tuple[Line, ...] = ()
    history: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BusinessRow:
    """One company with all that it has."""

    name: str
    city: str
    timezone: str
    locale: str
    currency: str
    address: str
    vat_number: str
    users: tuple[tuple[str, str, str], ...]
    services: tuple[ServiceRow, ...]
    organizations: tuple[dict[str, str], ...]
    individuals: tuple[dict[str, str], ...]
    work: tuple[WorkRow, ...]
