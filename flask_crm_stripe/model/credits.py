"""Credit notes and refunds: what is taken off an invoice that went out, and money that goes back.

All amounts are integer minor units of the invoice's currency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.crm import VatKind
from flask_crm_stripe.model.invoices import RemoteVat


class CreditStage(StrEnum):
    """How far a credit note has come. ``planned`` is decided here and not known to be at Stripe; ``given_up`` never got
    there; ``issued`` and ``void`` are Stripe's own words."""

    PLANNED = "planned"
    ISSUED = "issued"
    VOID = "void"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class CreditLine:
    """How much of a line is credited: ``amount`` as the line's own amount is (with ``vat_included`` the VAT is in it),
    ``base`` what the VAT is on. ``key`` is the invoice line's, empty for what belongs to no line of it."""

    key: str
    description: str
    amount: int
    vat: int
    base: int
    vat_rate: Decimal = Decimal(0)
    vat_kind: VatKind = VatKind.STANDARD
    vat_included: bool = False

    @property
    def total(self) -> int:
        """What the customer need not pay, or gets back, for it."""
        return self.amount if self.vat_included else self.amount + self.vat


@dataclass(frozen=True, slots=True)
class RefundLink:
    """How much of a refund belongs to a credit note."""

    refund: str
    amount: int


@dataclass(frozen=True, slots=True)
class CreditPlan:
    """A credit note, decided to the minor unit before Stripe hears of it.

    Its total is taken off what is still to pay first (``before``); the rest is what the customer has paid already:
    ``linked`` went back by earlier refunds, ``refund`` goes back to the card now, ``elsewhere`` is given back without
    Stripe. ``frees`` lets the invoice's work be billed again, ``corrects`` makes a new draft of it, ``mail`` lets
    Stripe mail the note to the customer.
    """

    currency: str
    lines: tuple[CreditLine, ...]
    before: int = 0
    refund: int = 0
    elsewhere: int = 0
    linked: tuple[RefundLink, ...] = ()
    reason: str = ""
    frees: bool = False
    corrects: bool = False
    mail: bool = False

    @property
    def total(self) -> int:
        """All that is credited, VAT and all."""
        return sum(line.total for line in self.lines)

    @property
    def vat(self) -> int:
        """The VAT in it."""
        return sum(line.vat for line in self.lines)

    @property
    def after(self) -> int:
        """The part that the customer has paid already."""
        return self.total - self.before


@dataclass(frozen=True, slots=True)
class Credit:
    """Our record of a credit note. One that was made in Stripe has no ``created_by``, and a plan that says what Stripe
    tells of it. ``wanted`` is a digest of the wish, ``problem`` says why it was given up or why no new draft could be
    made, ``replacement`` is our id of that draft."""

    id: str
    invoice_id: str
    account_id: str
    livemode: bool
    plan: CreditPlan
    total: int
    vat: int
    stage: CreditStage
    created_at: datetime
    form_key: str = ""
    wanted: str = ""
    created_by: str | None = None
    stripe_id: str | None = None
    number: str | None = None
    issued_at: datetime | None = None
    fetched_at: datetime | None = None
    links: tuple[RefundLink, ...] = ()
    problem: str | None = None
    replacement: str | None = None

    @property
    def books(self) -> Books:
        """The account and mode that it belongs to."""
        return self.account_id, self.livemode

    @property
    def counts(self) -> bool:
        """Whether it takes something off the invoice."""
        return self.stage is CreditStage.ISSUED


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back to a card. ``status`` is Stripe's word: pending, requires_action, succeeded, failed or
    canceled; ``reason`` is why it failed, in words."""

    stripe_id: str
    amount: int
    currency: str
    status: str
    at: datetime
    payment_intent: str
    reason: str | None = None
    fetched_at: datetime | None = None

    @property
    def failed(self) -> bool:
        """Whether the money is with the business again."""
        return self.status in ("failed", "canceled")


@dataclass(frozen=True, slots=True)
class RemoteLine:
    """A line of an invoice at Stripe. ``key`` is ours, empty for a line that is not; ``tax_rate`` is Stripe's own."""

    id: str
    key: str
    tax_rate: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteCreditLine:
    """A line of a credit note at Stripe. ``line`` is Stripe's id of the invoice's line, None for one of its own."""

    line: str | None
    description: str
    amount: int
    vat: int
    base: int
    included: bool = False


@dataclass(frozen=True, slots=True)
class RemoteCredit:
    """A credit note as Stripe describes it, or would make it: then it has an id that means nothing."""

    id: str
    invoice: str
    status: str
    currency: str
    total: int
    tax: int
    before: int
    after: int
    created: datetime
    number: str | None = None
    vat: tuple[RemoteVat, ...] = ()
    lines: tuple[RemoteCreditLine, ...] = ()
    links: tuple[RefundLink, ...] = ()
    elsewhere: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
    pdf_url: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class CreditDraftLine:
    """A line of a credit note as Stripe gets it: an amount of an invoice's line, with the VAT imposed."""

    line: str
    amount: int
    vat: int
    base: int
    tax_rate: str | None


@dataclass(frozen=True, slots=True)
class CreditDraft:
    """A credit note as Stripe gets it. ``metadata`` carries our id, so that it can be found again."""

    invoice: str
    lines: tuple[CreditDraftLine, ...]
    refund: int
    elsewhere: int
    links: tuple[RefundLink, ...]
    mail: bool
    metadata: dict[str, str]
