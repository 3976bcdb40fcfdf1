"""One business on a real ledger and a FakeStripe, whose invoice lives on at Stripe while events come in any order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker
from stripe import StripeClient

from flask_crm_stripe.adapters.sqlalchemy.ledger import SqlSharedLedger
from flask_crm_stripe.adapters.stripe.provider import StripeProviders
from flask_crm_stripe.adapters.stripe.webhooks import parse_event
from flask_crm_stripe.core.billing import Billing, Platform
from flask_crm_stripe.core.event_types import WANTED
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.connection import Grant
from flask_crm_stripe.model.crm import Billable, Contact, ContactRef, Source, SourceRef
from flask_crm_stripe.model.events import IncomingEvent
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.testing.memory_crm import MemoryCRM
from tests.contracts.ledger_worlds import ReversingVault
from tests.core.world import Heard, Later, Mailbox
from tests.support.billing_browser import WatchedStripe
from tests.support.seller import SELLER

KEY = "sk_test_orders"
PAYER, ORDER = ContactRef("organization", "1"), SourceRef("order", "1")
DECLINED = "4000000000000002"


@dataclass
class Clock:
    """Goes on by a millisecond with each look, and when it is told."""

    time: datetime = datetime(2026, 11, 20, 9, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time


@dataclass
class EventWorld:
    """Two clocks, if need be: ``another_worker`` has its own."""

    engine: sa.Engine
    business: str
    fake: WatchedStripe = field(default_factory=WatchedStripe)
    clock: Clock = field(default_factory=Clock)
    heard: Heard = field(default_factory=Heard)
    mailbox: Mailbox = field(default_factory=Mailbox)
    seen: list[str] = field(default_factory=list)
    answered: Callable[[str], object] = str
    """Called with the path when Stripe has answered, and before anybody hears it."""

    def __post_init__(self) -> None:
        self._listen()
        self.crm = MemoryCRM()
        self.shared = SqlSharedLedger(sessionmaker(self.engine), ReversingVault())
        self.platform = self.a_platform(self.clock)
        self.inbox = Inbox(self.shared, self.platform.system, Later(), self.clock)
        name = f"acct_{self.business.replace(' ', '')}"
        self.account = self.fake.create_account(self.business, "NL", "eur", id=name)["id"]
        world = self.fake.world
        world.connect(world.platform_of_key(KEY), self.account)
        connection = self.billing().connection
        connection.confirm(connection.accept(Grant(self.account, False, "read_write")).id)
        self.crm.add(self.business, Contact(PAYER, "Payer", "payer@example.com"), Source(ORDER, "Order", "1", PAYER))
        billing = self.billing()
        billing.ledger.settings.save(SELLER, "1", billing.clock.now())
        self.billing().settings.save_notify("", paid="paid@example.com", failed="failed@example.com")
        self.client = StripeClient(KEY, http_client=self.fake.http_client())
        self.invoice = self._made()

    def a_platform(self, clock: Clock) -> Platform:
        """What a worker has."""
        providers = StripeProviders(KEY, http_client=self.fake.http_client(), clock=clock, sleep=lambda _: None)
        return Platform(
            self.shared, self.crm, providers, self.heard, self.mailbox, Later(), clock, False, lambda: "here"
        )

    def another_worker(self, behind: float) -> Inbox:
        """On a machine whose clock is behind."""
        clock = Clock(self.clock.time - timedelta(seconds=behind))
        return Inbox(self.shared, self.a_platform(clock).system, Later(), clock)

    def billing(self) -> Billing:
        return self.platform.billing(Business(self.business, self.business), Actor("1", "Ines", ALL_PERMISSIONS))

    def now(self) -> Invoice:
        """The invoice as it stands here."""
        return self.billing().invoicing.get(self.invoice.id)

    def there(self) -> dict[str, Any]:
        """As it stands at Stripe."""
        found: dict[str, Any] = self.fake.world.store(self.account)["invoice"][str(self.invoice.stripe_id)]
        return found

    def events(self) -> list[dict[str, Any]]:
        """What Stripe has told of it that billing listens to, oldest first."""
        every = self.fake.world.store(self.account)["event"].values()
        return [each for each in every if each["type"] in WANTED and self._about(each)]

    def deliver(self, event: dict[str, Any]) -> None:
        """It comes in, and a worker applies what waits."""
        self.inbox.receive(self.read(event))
        self.sweep()

    def read(self, event: dict[str, Any]) -> IncomingEvent:
        """As the door reads it."""
        return parse_event(json.dumps({**event, "account": self.account}).encode())

    def sweep(self, inbox: Inbox | None = None) -> None:
        (inbox or self.inbox).sweep()
        self.seen.append(str(self.now().status))

    def settle(self) -> None:
        """Everything that still waits is applied: claims and back-offs run out."""
        for _ in range(4):
            self.clock.time += timedelta(hours=7)
            self.sweep()

    def do(self, deed: str) -> None:
        """Something happens at Stripe, if it can."""
        DEEDS[deed](self)

    def _listen(self) -> None:
        behind = self.fake.wsgi_app

        def answering(environ: Any, start_response: Any) -> Any:
            body = b"".join(behind(environ, start_response))
            self.answered(environ["PATH_INFO"])
            return [body]

        self.fake.wsgi_app = answering  # type: ignore[assignment]

    def _about(self, event: dict[str, Any]) -> bool:
        return str(self.invoice.stripe_id) in json.dumps(event["data"]) or "payment_intent" in event["type"]

    def _made(self) -> Invoice:
        self.crm.add(
            self.business, Billable("b1", ORDER, "Work", Decimal(1), Decimal(100), "eur", vat_rate=Decimal(21))
        )
        invoicing = self.billing().invoicing
        seen = digest(invoicing.preview(ORDER, ["b1"], Terms()))
        return invoicing.generate(ORDER, ["b1"], Terms(), seen=seen, form_key="k", send=False)


def finalise(world: EventWorld) -> None:
    """In the dashboard."""
    if world.there()["status"] == "draft":
        world.client.v1.invoices.finalize_invoice(world.there()["id"], {}, {"stripe_account": world.account})


def fail(world: EventWorld) -> None:
    """A card is declined."""
    if world.there()["status"] == "open":
        world.fake.pay(world.there()["hosted_invoice_url"], DECLINED)


def pay(world: EventWorld) -> None:
    """The customer pays."""
    if world.there()["status"] in ("open", "uncollectible"):
        world.fake.pay(world.there()["hosted_invoice_url"])


def void(world: EventWorld) -> None:
    """In the dashboard."""
    if world.there()["status"] in ("open", "uncollectible"):
        world.client.v1.invoices.void_invoice(world.there()["id"], {}, {"stripe_account": world.account})


def give_up(world: EventWorld) -> None:
    """In the dashboard."""
    if world.there()["status"] == "open":
        world.client.v1.invoices.mark_uncollectible(world.there()["id"], {}, {"stripe_account": world.account})


DEEDS: dict[str, Callable[[EventWorld], None]] = {
    "finalise": finalise,
    "fail": fail,
    "pay": pay,
    "void": void,
    "give_up": give_up,
}


def never_back(statuses: Iterable[str]) -> bool:
    """Whether each status is one that Stripe goes to from the one before."""
    order = {"draft": 0, "open": 1, "uncollectible": 2, "paid": 3, "void": 3}
    ranks = [order[status] for status in statuses]
    return ranks == sorted(ranks)
