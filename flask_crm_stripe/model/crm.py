"""What the host CRM tells us: contacts, services, sources of work, and billables. All refs are opaque text."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum


class VatKind(StrEnum):
    """Why a line has the VAT that it has. Only the first two have a rate above 0.

    The words are those of Directive 2006/112/EC: standard and reduced rates (articles 96 and 98), exempt supplies
    (articles 132 and 135), reverse charge (articles 194 to 199a, for the customer then owes the tax), and what is
    outside of its scope, such as damages. ``zero`` is a rate of 0 % with the seller's right to deduct.
    """

    STANDARD = "standard"
    REDUCED = "reduced"
    ZERO = "zero"
    EXEMPT = "exempt"
    REVERSE_CHARGE = "reverse_charge"
    OUT_OF_SCOPE = "out_of_scope"


RATED = frozenset((VatKind.STANDARD, VatKind.REDUCED))
"""Kinds with a rate above 0."""


@dataclass(frozen=True, slots=True, order=True)
class ContactRef:
    """A contact in the CRM: ``kind`` as the host names it (``organization``, ``individual``), and its key."""

    kind: str
    ref: str


@dataclass(frozen=True, slots=True, order=True)
class SourceRef:
    """Where work comes from: ``kind`` (``opportunity``, ``ticket``, ``order``) and its key."""

    kind: str
    ref: str


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; ``country`` is ISO 3166-1 alpha-2, uppercase. Its ``repr`` does not tell where it is."""

    line1: str = field(default="", repr=False)
    line2: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    state: str = field(default="", repr=False)
    country: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """An individual or organisation that pays. ``language`` is a tag like ``nl``; ``currency`` is lowercase, and what
    its invoices are in where the work's price is known in it. With a ``vat_kind`` all that would have a rate is of that
    kind: reverse charge for a business in another member state, exempt for an embassy. Its ``repr``, which ends up in
    logs, tells nothing of where the person can be reached."""

    ref: ContactRef
    name: str
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    address: Address | None = field(default=None, repr=False)
    language: str | None = None
    currency: str | None = None
    vat_number: str | None = None
    url: str | None = None
    vat_kind: VatKind | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A catalogue entry. ``prices`` are pairs of (currency, amount in major units), sorted by currency.

    ``vat_rate`` is in percent (``Decimal("21")``), None where the CRM has none; without a ``vat_kind`` one above 0 is
    the standard rate and 0 the zero rate. ``problem`` says in words what in the
    CRM's row cannot be used, so that Stripe must be told nothing of it; empty where all is well.
    """

    ref: str
    code: str
    name: str
    description: str = ""
    prices: tuple[tuple[str, Decimal], ...] = ()
    vat_rate: Decimal | None = None
    unit: str = ""
    active: bool = True
    problem: str = ""
    vat_kind: VatKind | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """An opportunity, ticket or order. ``url`` is its page in the CRM, where it has one."""

    ref: SourceRef
    title: str
    number: str = ""
    contact: ContactRef | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Billable:
    """A line of work to be charged.

    ``unit_price`` is in major units of ``currency``, without VAT unless ``vat_included``; ``discount_percent`` and
    ``vat_rate`` are in percent, ``discount_amount`` is a sum in major units instead. A quantity or a price below zero
    is a credit. ``service_from`` and ``service_to`` are the period in which it was done. ``ready`` false keeps it out
    of invoices; ``not_ready`` says why, where the CRM's row holds something that cannot be used (then that field is 0,
    or ``xxx`` for a currency). ``worked_on`` and ``worked_by`` are words for people ("12–13 Nov", a name).
    """

    ref: str
    source: SourceRef
    description: str
    quantity: Decimal
    unit_price: Decimal
    currency: str
    unit: str = ""
    service: str | None = None
    vat_rate: Decimal | None = None
    vat_included: bool = False
    discount_percent: Decimal = Decimal(0)
    ready: bool = True
    worked_on: str = ""
    worked_by: str = ""
    not_ready: str = ""
    vat_kind: VatKind | None = None
    discount_amount: Decimal | None = None
    service_from: date | None = None
    service_to: date | None = None
