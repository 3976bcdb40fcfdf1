"""What the in-memory Stripe of one account holds, with Stripe's own rules about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from flask_crm_stripe.errors import Refused
from flask_crm_stripe.model.catalogue import PriceDraft, ProductDraft
from flask_crm_stripe.model.invoices import (
    CustomerDraft,
    InvoiceDraft,
    LineDraft,
    Payment,
    RemoteBuyer,
    RemoteInvoice,
    RemoteVat,
    Status,
)


@dataclass
class MemoryProduct:
    """A product; ``default_price`` as at Stripe."""

    draft: ProductDraft
    active: bool
    default_price: str | None = None


@dataclass
class MemoryPrice:
    """A price; one of a lookup key's prices holds the key."""

    id: str
    draft: PriceDraft
    lookup_key: str | None
    active: bool = True


@dataclass
class MemoryCustomer:
    """A customer."""

    id: str
    draft: CustomerDraft
    created: datetime
    vat_number: str = ""

    def buyer(self) -> RemoteBuyer:
        """As an invoice names them."""
        draft = self.draft
        parts = (draft.line1, draft.line2, draft.postal_code, draft.city, draft.state, draft.country)
        numbers = (self.vat_number,) if self.vat_number else ()
        return RemoteBuyer(draft.name, tuple(part for part in parts if part), numbers, draft.exempt)


@dataclass
class MemoryInvoice:
    """An invoice: its draft, lines in order, and what became of it. ``before`` is what credit notes took off what was
    still to pay, ``after`` what they took off when it was paid."""

    id: str
    draft: InvoiceDraft
    created: datetime
    lines: list[LineDraft] = field(default_factory=list)
    status: Status = Status.DRAFT
    number: str | None = None
    finalised_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None
    paid: int = 0
    mails: int = 0
    payments: list[Payment] = field(default_factory=list)
    customer: MemoryCustomer | None = None
    frozen: RemoteBuyer | None = None
    before: int = 0
    after: int = 0

    @property
    def buyer(self) -> RemoteBuyer | None:
        """The customer: as they are, and from when it is final as they were then."""
        return self.frozen or (self.customer.buyer() if self.customer else None)

    @property
    def subtotal(self) -> int:
        """The sum of the lines; VAT that is included is part of it."""
        return sum(line_amount(line) for line in self.lines)

    @property
    def total(self) -> int:
        """What the customer owes: VAT that is not included comes on top."""
        return self.subtotal + sum(line.vat for line in self.lines if not line.vat_included)

    @property
    def left(self) -> int:
        """What is still to pay."""
        return self.total - self.paid - self.before

    @property
    def due_date(self) -> date | None:
        """Counted from the day it was finalised."""
        if self.finalised_at is None:
            return None
        return (self.finalised_at + timedelta(days=self.draft.days_until_due)).date()

    def require(self, *allowed: Status, code: str, deed: str) -> None:
        """Refuse ``deed`` in any other state."""
        if self.status not in allowed:
            raise Refused(f"The invoice is {self.status}, so it can't be {deed}.", stripe_code=code)

    def finalise(self, number: str, now: datetime) -> None:
        """Draft to open, or to paid where nothing is owed."""
        self.require(Status.DRAFT, code="invoice_not_editable", deed="finalised")
        self.status, self.number, self.finalised_at, self.frozen = Status.OPEN, number, now, self.buyer
        if self.total == 0:
            self.status, self.paid_at = Status.PAID, now

    def settle(self, payment: Payment) -> None:
        """Money came in: paid once all of it has. One that was written off can still be paid."""
        self.require(Status.OPEN, Status.UNCOLLECTIBLE, code="status_transition_invalid", deed="paid")
        self.payments.append(payment)
        self.paid += payment.amount
        if self.left <= 0:
            self.status, self.paid_at = Status.PAID, payment.at

    def picture(self, request_id: str) -> RemoteInvoice:
        """The invoice as the port describes it."""
        final = self.number is not None
        return RemoteInvoice(
            id=self.id,
            status=self.status.value,
            currency=self.draft.currency,
            subtotal=self.subtotal,
            total=self.total,
            tax=sum(line.vat for line in self.lines),
            amount_paid=self.paid,
            amount_remaining=self.left,
            customer=self.draft.customer,
            number=self.number,
            due_date=self.due_date,
            finalised_at=self.finalised_at,
            paid_at=self.paid_at,
            voided_at=self.voided_at,
            metadata=dict(self.draft.metadata),
            line_count=len(self.lines),
            hosted_url=f"https://invoice.example/i/{self.id}" if final else None,
            pdf_url=f"https://invoice.example/i/{self.id}/pdf" if final else None,
            request_id=request_id,
            vat=self.vat,
            buyer=self.buyer,
            footer=self.draft.footer,
            description=self.draft.description,
            order_number=self.draft.order_number,
            credited=self.before + self.after,
        )

    @property
    def vat(self) -> tuple[RemoteVat, ...]:
        """By reason, as Stripe's answer has it."""
        keys = sorted({(line.reason, line.vat_included) for line in self.lines})
        groups = [(key, [line for line in self.lines if (line.reason, line.vat_included) == key]) for key in keys]
        return tuple(
            RemoteVat(*key, sum(line.vat for line in lines), sum(line.vat_base for line in lines))
            for key, lines in groups
        )


def line_amount(line: LineDraft) -> int:
    """Unit price times quantity, rounded half up as Stripe does where it is not exact."""
    return int((line.quantity * line.unit_amount).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def missing(kind: str, object_id: str, param: str = "id") -> Refused:
    """What Stripe says of an id that is not there."""
    return Refused(f"There is no {kind} {object_id} at Stripe.", stripe_code="resource_missing", param=param)


def check_lines(lines: Sequence[LineDraft], products: Mapping[str, MemoryProduct]) -> None:
    """Refuse lines of products that are not there or archived."""
    for line in lines:
        if line.product_id is None:
            continue
        if line.product_id not in products:
            raise missing("product", line.product_id, "lines")
        if not products[line.product_id].active:
            raise Refused("The product of a line is archived.", stripe_code="product_inactive", param="lines")
