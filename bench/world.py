"""A business connected to a FakeStripe without sockets, its memory in a SQLite file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.orm import sessionmaker

from flask_crm_stripe.adapters.clock import SystemClock
from flask_crm_stripe.adapters.sqlalchemy.ledger import SqlSharedLedger
from flask_crm_stripe.adapters.sqlalchemy.upgrade import upgrade
from flask_crm_stripe.adapters.stripe.provider import StripeProviders
from flask_crm_stripe.adapters.vault import FernetVault
from flask_crm_stripe.core.billing import Billing, Platform
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
from flask_crm_stripe.model.connection import Grant
from flask_crm_stripe.model.crm import Address, Billable, Contact, ContactRef, Service, Source, SourceRef
from flask_crm_stripe.testing.fake_stripe import FakeStripe
from flask_crm_stripe.testing.memory_crm import MemoryCRM
from tests.support.seller import SELLER

BUSINESS = Business("hp", "Harbour & Pine")
SOURCE = SourceRef("opportunity", "1")
CONTACT = ContactRef("organization", "1")
KEY = "sk_test_bench"


class Nobody:
    """No worker and no listener: what is measured is the work itself."""

    @property
    def settles(self) -> timedelta:
        """Not at all."""
        return timedelta()

    def put(self, task: str, **arguments: str | int) -> None:
        """Dropped."""

    def publish(self, signal: str, **payload: object) -> None:
        """Heard by nobody."""

    def send(self, mail: object) -> bool:
        """Nobody sends mails."""
        return False


@dataclass(frozen=True)
class World:
    """What a measurement needs."""

    fake: FakeStripe
    crm: MemoryCRM
    billing: Billing

    def calls(self, since: int, method: str | None = None) -> int:
        """How many requests FakeStripe has logged since."""
        return sum(method in (None, request.method) for request in self.fake.requests[since:])


@contextmanager
def world() -> Iterator[World]:
    """Connected, with a contact and nothing to bill."""
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{Path(folder) / 'bench.sqlite3'}")
        upgrade(engine)
        fake, crm, nobody, clock = FakeStripe(), MemoryCRM(), Nobody(), SystemClock()
        shared = SqlSharedLedger(sessionmaker(engine), FernetVault([Fernet.generate_key().decode()]))
        providers = StripeProviders(KEY, client_id="ca_bench", http_client=fake.http_client(), clock=clock)
        platform = Platform(
            shared, crm, providers, nobody, nobody, nobody, clock, livemode=False, fingerprint=lambda: "bench.1.1"
        )
        billing = platform.billing(BUSINESS, Actor("1", "Ines", ALL_PERMISSIONS))
        account = fake.create_account("Harbour & Pine", "NL", "eur")["id"]
        with fake.world.lock:
            fake.world.connect(fake.world.platform_of_key(KEY), account)
        billing.connection.confirm(billing.connection.accept(Grant(account, False, "read_write")).id)
        billing.ledger.settings.save(SELLER, "1", clock.now())
        crm.add(
            "hp", Contact(CONTACT, "Van den Berg", "a@vdbz.example", address=Address(city="Groningen", country="NL"))
        )
        crm.add("hp", Source(SOURCE, "Yard planning", "OP-1", CONTACT))
        yield World(fake, crm, billing)
        engine.dispose()


def service(number: int) -> Service:
    """A service with prices in two currencies."""
    prices = (("eur", Decimal(100 + number)), ("usd", Decimal(110 + number)))
    return Service(str(number), f"S-{number}", f"Service {number}", "", prices, Decimal(21), "h")


def billable(ref: str) -> Billable:
    """A line of work."""
    return Billable(ref, SOURCE, f"Work {ref}", Decimal("1.5"), Decimal(145), "eur", "h", "1")
