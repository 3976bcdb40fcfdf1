"""Invoices: the frozen plan, our record of one, and what Stripe says about it.

All amounts are integer minor units of the invoice's currency unless a field says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.crm import Contact, ContactRef, SourceRef, VatKind


class Status(StrEnum):
    """Stripe's invoice statuses. An unknown word of Stripe's is kept as text beside these."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class Stage(StrEnum):
    """How far our own work on an invoice has come. Each stage names what is certainly done."""

    PLANNED = "planned"
    CREATED = "created"
    FILLED = "filled"
    CHECKED = "checked"
    FINALISED = "finalised"
    SENT = "sent"
    STOPPED = "stopped"
    ABANDONED = "abandoned"


class Delivery(StrEnum):
    """How a finalised invoice reaches the customer."""

    MAIL = "mail"
    LINK = "link"


class VatRounding(StrEnum):
    """Where VAT is rounded: once for each rate of the invoice, or on each line. Both are allowed in the European Union
    (Court of Justice, C-484/06 Ahold and C-302/07 Wetherspoon: the member states decide, and most leave it to the
    seller)."""

    RATE = "rate"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One line, decided. ``key`` identifies it for ever (it travels as metadata).

    ``amount`` = quantity x unit price - ``discount``, rounded once; ``net`` = ``amount`` - ``share`` (this line's part
    of the invoice discount) is what Stripe is sent. With ``vat_included`` amounts contain the VAT. ``deducts`` is the
    number of an earlier invoice that the line takes off: then ``vat`` is what was charged there, not computed again,
    and ``billable`` is a claim on that deposit. A line that bills a deposit has no ``billable``.
    """

    key: str
    billable: str
    source: SourceRef
    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: int
    net: int
    vat: int
    vat_rate: Decimal
    vat_included: bool = False
    unit: str = ""
    code: str = ""
    service: str | None = None
    list_price: Decimal | None = None
    discount: int = 0
    discount_percent: Decimal = Decimal(0)
    share: int = 0
    vat_kind: VatKind = VatKind.STANDARD
    service_from: date | None = None
    service_to: date | None = None
    deducts: str = ""

    @property
    def base(self) -> int:
        """What the VAT is computed on."""
        return self.net - self.vat if self.vat_included else self.net


@dataclass(frozen=True, slots=True)
class VatTotal:
    """VAT of one rate and kind over the whole invoice; ``base`` is without VAT."""

    rate: Decimal
    included: bool
    base: int
    vat: int
    kind: VatKind = VatKind.STANDARD


@dataclass(frozen=True, slots=True)
class Seller:
    """The business as its invoices have to name it: ``address`` has commas or lines."""

    name: str = ""
    address: str = ""
    vat_number: str = ""


@dataclass(frozen=True, slots=True)
class InvoicePlan:
    """An invoice, decided to the last minor unit before Stripe hears of it.

    ``subtotal`` is the sum of line amounts, ``discount`` the invoice discount (``discount_percent`` is 0 where it was
    given as a sum), ``total`` what the customer owes. ``footer`` is what the law wants to stand on it: who sells, and
    why there is no VAT. With a ``deposit_percent`` it bills that part, in advance, of the work that it ``covers``. A
    host can hand all of it to a writer of electronic invoices.
    """

    contact: Contact
    currency: str
    lines: tuple[PlanLine, ...]
    vat_totals: tuple[VatTotal, ...]
    subtotal: int
    discount: int
    discount_percent: Decimal
    total: int
    days_until_due: int
    delivery: Delivery
    order_number: str = ""
    note: str = ""
    seller: Seller = field(default_factory=Seller)
    footer: str = ""
    vat_rounding: VatRounding = VatRounding.RATE
    deposit_percent: Decimal = Decimal(0)
    covers: tuple[str, ...] = ()

    @property
    def billables(self) -> tuple[str, ...]:
        """The work that it bills, by the CRM's keys; of a deposit none, for the work itself is billed later."""
        return tuple(line.billable for line in self.lines if line.billable and not line.deducts)

    @property
    def chosen(self) -> frozenset[str]:
        """The work that a person chose for it."""
        return frozenset(self.covers or self.billables)

    @property
    def vat(self) -> int:
        """All VAT of the invoice."""
        return sum(total.vat for total in self.vat_totals)

    @property
    def sources(self) -> tuple[SourceRef, ...]:
        """Where the work came from, each once, in order."""
        return tuple(dict.fromkeys(line.source for line in self.lines))


@dataclass(frozen=True, slots=True)
class Difference:
    """One compared figure of the gate that is not the same; both sides as plain text in minor units or words."""

    what: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an invoice stands still: a stable code, words for people, and what differs where the gate stopped it."""

    code: str
    message: str
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Invoice:
    """Our record of an invoice. ``status`` is None until Stripe has a draft; ``version`` grows with what shows, and
    ``told_version`` is the newest one that the host has been told.

    ``fetched_at`` is the start of the fetch that the figures come from; nothing older is ever applied.
    ``contact_readable`` is False where the key is lost with which it was stored how the customer is reached.
    ``freed`` is whether it was credited in full and its work may be billed again.
    """

    id: str
    business: str
    account_id: str
    livemode: bool
    contact: ContactRef
    contact_name: str
    currency: str
    plan: InvoicePlan
    stage: Stage
    send: bool
    total: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    version: int = 1
    told_version: int = 0
    status: str | None = None
    stripe_id: str | None = None
    number: str | None = None
    amount_paid: int = 0
    amount_remaining: int = 0
    due_date: date | None = None
    finalised_at: datetime | None = None
    sent_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None
    fetched_at: datetime | None = None
    problem: Problem | None = None
    contact_readable: bool = True
    freed: bool = False

    @property
    def books(self) -> Books:
        """The account and mode that it belongs to."""
        return self.account_id, self.livemode


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to pay. ``status`` is succeeded, pending, failed or refunded; ``method`` is words, like
    "Card ending 4242". ``refunded`` is how much of it went back, in minor units."""

    stripe_id: str
    method: str
    amount: int
    currency: str
    status: str
    at: datetime
    reason: str | None = None
    payment_intent: str | None = None
    refunded: int = 0


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """What the invoice list shows. ``text`` looks in number, customer name and order number; ``books`` are an account
    and a mode, without them invoices of all accounts are found, which nothing may add up."""

    text: str = ""
    status: str = ""
    due: str = ""
    currency: str = ""
    source: SourceRef | None = None
    contact: ContactRef | None = None
    today: date | None = None
    books: Books | None = None


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What is owed in one currency; ``overdue`` is the part past its due date."""

    currency: str
    amount: int
    count: int
    overdue: int = 0
    overdue_count: int = 0
    paid: int = 0
    paid_count: int = 0


@dataclass(frozen=True, slots=True)
class RemoteVat:
    """VAT of one reason (Stripe's ``taxability_reason``) on Stripe's invoice; ``base`` is what it is on, without it."""

    reason: str
    included: bool
    amount: int
    base: int


@dataclass(frozen=True, slots=True)
class RemoteBuyer:
    """The customer as Stripe's invoice names them. ``address`` holds its parts in the order of ``crm.Address``, without
    the empty ones; ``vat_numbers`` are without blanks and dots; ``exempt`` is none, exempt or reverse."""

    name: str = field(default="", repr=False)
    address: tuple[str, ...] = field(default=(), repr=False)
    vat_numbers: tuple[str, ...] = ()
    exempt: str = "none"


@dataclass(frozen=True, slots=True)
class RemoteInvoice:
    """An invoice as Stripe describes it. ``line_count`` is None where the answer does not tell; ``credited`` is what
    its credit notes that are not void come to.

    ``hosted_url`` is a bearer secret: shown on request, never stored or logged.
    """

    id: str
    status: str
    currency: str
    subtotal: int
    total: int
    tax: int
    amount_paid: int
    amount_remaining: int
    customer: str
    number: str | None
    due_date: date | None
    finalised_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    metadata: dict[str, str]
    vat: tuple[RemoteVat, ...] = ()
    line_count: int | None = None
    hosted_url: str | None = None
    pdf_url: str | None = None
    request_id: str | None = None
    discount: int = 0
    buyer: RemoteBuyer | None = None
    footer: str = ""
    description: str = ""
    order_number: str = ""
    credited: int = 0

    def __repr__(self) -> str:
        return f"RemoteInvoice(id={self.id!r}, status={self.status!r}, total={self.total}, currency={self.currency!r})"


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """What the first call about an invoice says. ``metadata`` carries our ids, so that it can be found again."""

    customer: str
    currency: str
    days_until_due: int
    metadata: dict[str, str]
    description: str = ""
    order_number: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class LineDraft:
    """One line as Stripe gets it: ``unit_amount`` x ``quantity`` is exact, VAT imposed to the minor unit.

    ``product_id`` keeps the catalogue linked; without it the line carries its own product data. A ``unit_amount`` below
    zero is a sum without a price, for Stripe has no prices below zero. ``reason`` is Stripe's word for the VAT. ``vat``
    and ``vat_base`` are never below zero: what a credit takes off is taken off at the other lines of its rate.
    """

    key: str
    description: str
    currency: str
    quantity: Decimal
    unit_amount: int
    vat: int
    vat_base: int
    vat_rate: Decimal
    vat_included: bool
    product_id: str | None
    metadata: dict[str, str]
    reason: str = "standard_rated"
    period: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True)
class CustomerDraft:
    """A customer as Stripe should have it; ``locale`` decides the language of its invoices. ``exempt`` is none, exempt
    or reverse; ``vat_type`` is Stripe's name for the kind of VAT number."""

    name: str
    email: str | None
    phone: str | None
    locale: str | None
    line1: str = ""
    line2: str = ""
    postal_code: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    metadata: dict[str, str] | None = None
    exempt: str = "none"
    vat_number: str = ""
    vat_type: str = ""


@dataclass(frozen=True, slots=True)
class LinkedCustomer:
    """A contact and its Stripe customer on one account and mode. ``customer_id`` is None while it is being made."""

    id: str
    contact: ContactRef
    customer_id: str | None
    content_hash: str
    created_at: datetime
