"""Two businesses on in-memory ports, each with an account at an in-memory Stripe, a customer and work to bill."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from flask_crm_stripe.core.billing import Billing, Platform
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.upkeep import Upkeep
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.connection import Connection, Grant
from flask_crm_stripe.model.crm import Service
from flask_crm_stripe.model.events import IncomingEvent
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.model.notices import Mail
from flask_crm_stripe.testing.memory_crm import MemoryCRM
from flask_crm_stripe.testing.memory_ledger import MemorySharedLedger
from flask_crm_stripe.testing.memory_provider import MemoryProvider, MemoryProviders
from tests.core.records import NOON
from tests.core.samples import YARD, ZONEN, billable, source
from tests.support.seller import SELLER

INES = Actor("1", "Ines", ALL_PERMISSIONS, session="login-1")
CONSULTING = Service("2", "CO-SR", "Senior consulting", "", (("eur", Decimal(160)),), Decimal(21), "h")
BUSINESSES = ("hp", "kestrel")


@dataclass
class TurnedByHand:
    """A clock that moves a second with each look, and when it is told."""

    time: datetime = NOON

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass
class Later:
    """A queue that keeps what it is given."""

    calls: list[tuple[str, dict[str, str | int]]] = field(default_factory=list)
    settles: timedelta = timedelta()

    def put(self, task: str, **arguments: str | int) -> None:
        self.calls.append((task, arguments))


@dataclass
class Heard:
    """A host that listens to every signal."""

    signals: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def publish(self, signal: str, **payload: object) -> None:
        self.signals.append((signal, payload))

    def names(self) -> list[str]:
        return [name for name, _ in self.signals]


@dataclass
class Mailbox:
    """What sends mails for the host; ``broken`` makes it raise, without ``there`` the host has none."""

    mails: list[Mail] = field(default_factory=list)
    broken: bool = False
    there: bool = True

    def send(self, mail: Mail) -> bool:
        if self.broken:
            raise OSError("The mail server is away.")
        if self.there:
            self.mails.append(mail)
        return self.there


HERE, ELSEWHERE = "host.database.key", "other.database.key"
HOOK = "https://crm.example/stripe/webhooks"


class World:
    """Everything, and short ways to it. ``here`` is the fingerprint of where it is looked at."""

    def __init__(self) -> None:
        self.here, self.mailbox = HERE, Mailbox()
        self.clock, self.queue, self.heard = TurnedByHand(), Later(), Heard()
        self.crm, self.shared = MemoryCRM(), MemorySharedLedger()
        self.stripe = MemoryProviders(self.clock)
        self.shops: dict[str, MemoryProvider] = {
            business: self.stripe.add_account(f"acct_{business}") for business in BUSINESSES
        }
        self.platform = Platform(
            shared=self.shared,
            crm=self.crm,
            providers=self.stripe,
            publisher=self.heard,
            mailer=self.mailbox,
            queue=self.queue,
            clock=self.clock,
            livemode=False,
            fingerprint=lambda: self.here,
            address=lambda notice: f"https://crm.example/stripe/{notice.kind}",
            webhook_url=HOOK,
        )
        self.inbox = Inbox(self.shared, self.platform.system, self.queue, self.clock)
        self.upkeep = Upkeep(self.platform, self.inbox)
        for business in BUSINESSES:
            self.crm.add(business, CONSULTING, ZONEN, source(), billable("11"), billable("12"))

    def billing(self, business: str = "hp", actor: Actor = INES) -> Billing:
        return self.platform.billing(Business(business, business.title()), actor)

    def connect(self, business: str = "hp", account: str | None = None) -> Connection:
        connections = self.billing(business).connection
        connections.claim(connections.begin())
        pending = connections.accept(Grant(account or f"acct_{business}", False, "read_write", {"access_token": "tok"}))
        self.name_seller(business)
        return connections.confirm(pending.id)

    def name_seller(self, business: str = "hp") -> None:
        """What an invoice has to say of the business."""
        self.shared.for_business(business).settings.save(SELLER, "1", NOON)

    def generate(
        self,
        business: str = "hp",
        refs: tuple[str, ...] = ("11", "12"),
        *,
        terms: Terms | None = None,
        form_key: str = "press-1",
        send: bool = True,
    ) -> Invoice:
        self.name_seller(business)
        invoicing, terms = self.billing(business).invoicing, terms or Terms()
        seen = digest(invoicing.preview(YARD, refs, terms))
        return invoicing.generate(YARD, refs, terms, seen=seen, form_key=form_key, send=send)

    def event(self, invoice: Invoice, kind: str = "invoice.paid", number: int = 1) -> IncomingEvent:
        return IncomingEvent(
            event_id=f"evt_{number}",
            type=kind,
            account_id=invoice.account_id,
            livemode=False,
            object_id=invoice.stripe_id or "",
            object_type="invoice",
            created=self.clock.time,
            api_version=None,
            request_id="req_evt",
            invoice_id=invoice.stripe_id,
            body=b"{}",
        )
