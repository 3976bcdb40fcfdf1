"""The ledgers that the contract suite runs on, two businesses in each, and values to fill them with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker

from flask_crm_stripe.adapters.sqlalchemy.ledger import SqlSharedLedger
from flask_crm_stripe.model.connection import Account, Grant
from flask_crm_stripe.model.crm import Contact, ContactRef, SourceRef
from flask_crm_stripe.model.events import IncomingEvent, TimelineEntry
from flask_crm_stripe.model.invoices import (
    Delivery,
    Invoice,
    InvoicePlan,
    Payment,
    PlanLine,
    RemoteInvoice,
    Stage,
    VatTotal,
)
from flask_crm_stripe.ports.ledger import Ledger, SharedLedger
from flask_crm_stripe.ports.runtime import Vault

HOME, ELSEWHERE = "host.database.key", "other.database.key"
NOW = datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)
OUR_ACCOUNT, THEIR_ACCOUNT = "acct_ours", "acct_theirs"
ACME = ContactRef("organization", "7")
OPPORTUNITY = SourceRef("opportunity", "41")


class ReversingVault:
    """Seals by turning bytes round behind a mark: enough to see what was sealed and what was not."""

    current = "reversing"
    known = ("reversing",)

    def seal(self, secret: bytes) -> bytes:
        """Mark and turn round."""
        return b"sealed:" + secret[::-1]

    def open(self, sealed: bytes) -> bytes:
        """Turn back."""
        return sealed.removeprefix(b"sealed:")[::-1]


@dataclass(frozen=True)
class Ledgers:
    """One memory with two businesses in it; ``engine`` is None for the one without a database."""

    shared: SharedLedger
    engine: sa.Engine | None = None

    @property
    def ours(self) -> Ledger:
        """The business that acts."""
        return self.shared.for_business("ours")

    @property
    def theirs(self) -> Ledger:
        """The business that must not notice."""
        return self.shared.for_business("theirs")


def real(engine: sa.Engine, vault: Vault | None = None) -> Ledgers:
    """A ledger on an engine."""
    return Ledgers(SqlSharedLedger(sessionmaker(engine), vault or ReversingVault()), engine)


def later(seconds: float) -> datetime:
    """Some seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def account(id: str = OUR_ACCOUNT, **changes: Any) -> Account:
    """A Stripe account that may take payments."""
    values: dict[str, Any] = {
        "name": "Harbour & Pine",
        "country": "NL",
        "default_currency": "eur",
        "created": later(-1000),
        "charges_enabled": True,
        "payouts_enabled": True,
        "details_submitted": True,
    }
    return Account(id, **(values | changes))


def grant(id: str = OUR_ACCOUNT, livemode: bool = False, **secrets: str) -> Grant:
    """What Stripe's token endpoint said."""
    return Grant(id, livemode, "read_write", secrets)


def plan(*billables: str, currency: str = "eur", name: str = "Acme", **changes: Any) -> InvoicePlan:
    """A plan with one line of 10.00 and 21 % VAT for each billable."""
    lines = tuple(
        PlanLine(
            key=f"line-{billable}",
            billable=billable,
            source=changes.get("source", OPPORTUNITY),
            description=f"Work on {billable}",
            quantity=Decimal("2.5"),
            unit_price=Decimal("4.00"),
            amount=1000,
            net=1000,
            vat=210,
            vat_rate=Decimal(21),
        )
        for billable in billables
    )
    count, payer = len(lines), changes.get("contact", ACME)
    return InvoicePlan(
        contact=payer if isinstance(payer, Contact) else Contact(payer, name, email="pay@acme.example"),
        currency=currency,
        lines=lines,
        vat_totals=(VatTotal(Decimal(21), False, 1000 * count, 210 * count),),
        subtotal=1000 * count,
        discount=0,
        discount_percent=Decimal(0),
        total=1210 * count,
        days_until_due=14,
        delivery=changes.get("delivery", Delivery.MAIL),
        order_number=changes.get("order_number", ""),
    )


def make(
    ledger: Ledger,
    *billables: str,
    account_id: str = OUR_ACCOUNT,
    send: bool = True,
    at: datetime = NOW,
    **changes: Any,
) -> Invoice:
    """An invoice planned in the ledger under a form key of its own."""
    key = changes.pop("form_key", f"form of {billables}")
    invoice, _ = ledger.invoices.plan(
        account_id, False, plan(*billables, **changes), form_key=key, send=send, actor="ines", now=at
    )
    return invoice


def remote(invoice: Invoice, status: str = "open", **changes: Any) -> RemoteInvoice:
    """Stripe's picture of an invoice, as it should be in that status."""
    paid = invoice.total if status == "paid" else 0
    finalised = NOW if status not in ("draft", "deleted") else None
    picture = RemoteInvoice(
        id=f"in_{invoice.id}",
        status=status,
        currency=invoice.currency,
        subtotal=1000,
        total=invoice.total,
        tax=210,
        amount_paid=paid,
        amount_remaining=invoice.total - paid,
        customer="cus_1",
        number=f"HP-{invoice.id[:6]}" if finalised else None,
        due_date=date(2026, 12, 4) if finalised else None,
        finalised_at=finalised,
        paid_at=later(60) if status == "paid" else None,
        voided_at=later(60) if status == "void" else None,
        metadata={"crm_stripe_id": invoice.id},
    )
    return replace(picture, **changes)


def opened(ledger: Ledger, invoice: Invoice, **changes: Any) -> Invoice:
    """The invoice after our own steps up to the mail."""
    return ledger.invoices.advance(invoice.id, Stage.SENT, remote(invoice, "open", **changes), invoice.updated_at)


def payment(id: str = "pi_1", status: str = "succeeded", at: datetime = NOW, **changes: Any) -> Payment:
    """An attempt to pay by card."""
    return replace(Payment(id, "Card ending 4242", 1210, "eur", status, at, payment_intent=id), **changes)


def entry(kind: str, at: datetime = NOW, **changes: Any) -> TimelineEntry:
    """A timeline entry with all that it can hold."""
    values: dict[str, Any] = {
        "actor": "ines",
        "params": {"email": "pay@acme.example"},
        "event_id": "evt_1",
        "request_id": "req_1",
    }
    return TimelineEntry(at, kind, **(values | {"object_id": "in_1"} | changes))


def event(id: str = "evt_1", account_id: str = OUR_ACCOUNT, livemode: bool = False, **changes: Any) -> IncomingEvent:
    """A verified event about an invoice."""
    values: dict[str, Any] = {
        "type": "invoice.paid",
        "object_id": "in_1",
        "object_type": "invoice",
        "created": later(-5),
        "api_version": "2025-01-01",
        "request_id": None,
        "invoice_id": "in_1",
        "body": b'{"id": "evt_1"}',
    }
    return IncomingEvent(id, account_id=account_id, livemode=livemode, **(values | changes))
