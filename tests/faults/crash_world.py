"""A business whose process dies, and what can be seen of it at Stripe, in billing's memory and in the CRM."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import stripe

from flask_crm_stripe import Billable, Contact, ContactRef, CRMStripe, Service, Source, SourceRef
from flask_crm_stripe.adapters.stripe.provider import StripeProviders
from flask_crm_stripe.core.billing import Billing, Platform
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.upkeep import Upkeep
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.state import EXTENSION
from tests.core.world import Later
from tests.support.billing_host import PUBLIC, SECRET, in_a_hurry
from tests.support.crm_host import Host, make_host

KEY = "sk_test_crashes"
TOTAL = 12100 + 21780
"""Of an order's two lines with their VAT."""


@dataclass
class Clock:
    """Real time, and what was added to it."""

    added: float = 0

    def now(self) -> datetime:
        """The present moment on this clock."""
        return datetime.now(UTC) + timedelta(seconds=self.added)


@dataclass(frozen=True)
class Desk:
    """A process of the CRM: its app with real adapters, whose clock can be moved and whose line can be watched."""

    host: Host
    platform: Platform
    clock: Clock

    @classmethod
    def at(cls, url: str, encryption_key: str) -> Desk:
        """One on this database, without a line to Stripe yet."""
        host = make_host(
            url,
            SECRET_KEY="of-the-host",
            CRM_STRIPE_API_KEY=KEY,
            CRM_STRIPE_CLIENT_ID="ca_crashes",
            CRM_STRIPE_WEBHOOK_SECRETS=[SECRET],
            CRM_STRIPE_ENCRYPTION_KEYS=[encryption_key],
            CRM_STRIPE_PUBLIC_URL=PUBLIC,
        )
        CRMStripe().init_app(host.app, crm=host.crm, db=host.db)
        clock, wired = Clock(), host.app.extensions[EXTENSION].platform
        with host.app.app_context():
            in_a_hurry(host.db.engine)
        return cls(host, replace(wired, clock=clock, queue=Later()), clock)

    def connected(self, line: stripe.HTTPClient, api_base: str | None = None) -> Desk:
        """The same with a line to Stripe. Its client's own retries wait for nothing."""
        providers = StripeProviders(
            KEY, api_base=api_base, http_client=line, clock=self.clock, sleep=lambda _seconds: None
        )
        return replace(self, platform=replace(self.platform, providers=providers))

    def round(self) -> None:
        """What `flask crm-stripe work` does."""
        platform = self.platform
        Upkeep(platform, Inbox(platform.shared, platform.system, platform.queue, platform.clock)).round()


@dataclass(frozen=True)
class Play:
    """One business with an order of two lines, one of a service. Stripe knows neither the customer nor the service.

    Its refs all follow from its number, so another process can go on with it.
    """

    desk: Desk
    number: int
    terms: Terms = field(default_factory=Terms)

    @property
    def business(self) -> str:
        return f"crash{self.number}"

    @property
    def account(self) -> str:
        return f"acct_crash{self.number}"

    @property
    def order(self) -> SourceRef:
        return SourceRef("order", str(self.number))

    @property
    def work(self) -> list[str]:
        """The refs of its billables."""
        return [f"{self.number}{line}" for line in (1, 2)]

    @property
    def billing(self) -> Billing:
        """In the hands of a person."""
        return self.desk.platform.billing(Business(self.business, self.business), Actor("1", "Ines", ALL_PERMISSIONS))

    def rows(self) -> list[Service | Contact | Source | Billable]:
        """What the CRM has of it."""
        payer = ContactRef("organization", str(self.number))
        service = Service(
            str(self.number), f"F{self.number}", "Design", prices=(("eur", Decimal(100)),), vat_rate=Decimal(21)
        )
        first, second = self.work
        vat: dict[str, Any] = {"currency": "eur", "vat_rate": Decimal(21)}
        return [
            service,
            Contact(payer, f"Payer {self.number}", email=f"payer{self.number}@example.com"),
            Source(self.order, f"Order {self.number}", contact=payer),
            Billable(first, self.order, "Design", Decimal(1), Decimal(100), service=service.ref, **vat),
            Billable(second, self.order, "Work", Decimal(6), Decimal(30), **vat),
        ]

    def generate(self, *, send: bool) -> Invoice:
        """Somebody presses the button; the same one each time."""
        invoicing = self.billing.invoicing
        made = self.invoice()
        seen = "" if made else digest(invoicing.preview(self.order, self.work, self.terms))
        return invoicing.generate(self.order, self.work, self.terms, seen=seen, form_key=self.business, send=send)

    def invoice(self) -> Invoice | None:
        """What billing remembers of it."""
        return self.billing.ledger.invoices.by_form_key(self.business)
