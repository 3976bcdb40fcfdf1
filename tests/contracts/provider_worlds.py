"""The two Stripes that the provider's contract holds for: the twin in memory, and the SDK over FakeStripe."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from flask_crm_stripe.adapters.stripe.provider import StripeProviders
from flask_crm_stripe.errors import ProviderError, ProviderFailed, RateLimited, Unreachable
from flask_crm_stripe.model.connection import RemoteSubscription
from flask_crm_stripe.model.invoices import RemoteInvoice
from flask_crm_stripe.ports.provider import Provider, ProviderSource
from flask_crm_stripe.testing.fake_stripe import FakeStripe
from flask_crm_stripe.testing.memory_provider import MemoryProviders

ROUTES = {
    "create_product": ("POST", "/v1/products"),
    "create_price": ("POST", "/v1/prices"),
    "create_customer": ("POST", "/v1/customers"),
    "create_invoice": ("POST", "/v1/invoices"),
    "add_lines": ("POST", "/v1/invoices/*/add_lines"),
    "finalise": ("POST", "/v1/invoices/*/finalize"),
    "send": ("POST", "/v1/invoices/*/send"),
    "void_invoice": ("POST", "/v1/invoices/*/void"),
    "write_off_invoice": ("POST", "/v1/invoices/*/mark_uncollectible"),
    "settle_invoice": ("POST", "/v1/invoices/*/pay"),
    "create_credit": ("POST", "/v1/credit_notes"),
    "delete_draft": ("DELETE", "/v1/invoices/*"),
    "invoice": ("GET", "/v1/invoices/*"),
    "account": ("GET", "/v1/account"),
}
MORE_THAN_ALL_TRIES = 3


class World(Protocol):
    """Two businesses' accounts at one Stripe, and what tests do to them behind the port."""

    providers: ProviderSource
    one: str
    two: str

    def fail(self, account: str, method: str, kind: str) -> None:
        """``kind`` is busy, broken, broken_after, silent or silent_after, for good until ``heal``."""

    def heal(self) -> None: ...
    def count(self, account: str, kind: str) -> int: ...
    def address(self, account: str, customer: str) -> Mapping[str, str | None]: ...
    def pay(self, account: str, invoice: RemoteInvoice) -> None: ...
    def decline(self, account: str, invoice: RemoteInvoice) -> None: ...
    def disconnect(self, account: str) -> None: ...
    def subscribe(self, account: str, customer: str, amount: int, status: str) -> str: ...
    def now(self) -> datetime: ...
    def advance(self, by: timedelta) -> None: ...


class MemoryWorld:
    """The twin."""

    def __init__(self) -> None:
        self._at = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
        self.memory = MemoryProviders(self)
        self.providers: ProviderSource = self.memory
        self.one, self.two = "acct_one", "acct_two"
        self.memory.add_account(self.one, "Harbour Physio")
        self.memory.add_account(self.two, "Norrland AB", "sek")

    def fail(self, account: str, method: str, kind: str) -> None:
        errors: dict[str, ProviderError] = {
            "busy": RateLimited("Busy."),
            "broken": ProviderFailed("Broken."),
            "silent": Unreachable("Silent."),
        }
        error = errors[kind.removesuffix("_after")]
        self.memory.accounts[account].fail_next(method, error, after=kind.endswith("_after"))

    def heal(self) -> None:
        """A fault of the twin hits once."""

    def count(self, account: str, kind: str) -> int:
        return len(getattr(self.memory.accounts[account], f"{kind}s"))

    def address(self, account: str, customer: str) -> Mapping[str, str | None]:
        draft = self.memory.accounts[account].customers[customer].draft
        parts = ("line1", "line2", "postal_code", "city", "state", "country")
        return {part: getattr(draft, part) for part in parts}

    def pay(self, account: str, invoice: RemoteInvoice) -> None:
        self.memory.accounts[account].pay(invoice.id)

    def decline(self, account: str, invoice: RemoteInvoice) -> None:
        self.memory.accounts[account].fail(invoice.id)

    def disconnect(self, account: str) -> None:
        self.memory.accounts[account].connected = False

    def subscribe(self, account: str, customer: str, amount: int, status: str) -> str:
        kept = self.memory.accounts[account].subscriptions
        kept.append(RemoteSubscription(f"sub_{len(kept)}", customer, status, amount, "eur", "month"))
        return kept[-1].id

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> None:
        self._at += by


class SDKWorld:
    """The real adapter and the real SDK, with FakeStripe in Stripe's place and no socket between."""

    KEY, CLIENT_ID = "sk_test_platform", "ca_platform"

    def __init__(self, fake: FakeStripe | None = None) -> None:
        self.fake = fake or FakeStripe()
        platform = self.fake.world.platform_of_key(self.KEY)
        self.fake.world.claim(self.KEY, self.CLIENT_ID)
        self.one = self.fake.create_account("Harbour Physio")["id"]
        self.two = self.fake.create_account("Norrland AB", "SE", "sek")["id"]
        for account in (self.one, self.two):
            self.fake.world.connect(platform, account)
        self.slept: list[float] = []
        self.providers: ProviderSource = StripeProviders(
            self.KEY, client_id=self.CLIENT_ID, http_client=self.fake.http_client(), clock=self, sleep=self.slept.append
        )

    def fail(self, account: str, method: str, kind: str) -> None:
        kinds = {"busy": "429", "broken": "500", "broken_after": "500_after"}
        kinds |= {"silent": "cut_before", "silent_after": "cut_after"}
        verb, path = ROUTES[method]
        self.fake.faults.add(kinds[kind], verb, path, account=account, times=MORE_THAN_ALL_TRIES)

    def heal(self) -> None:
        self.fake.faults.clear()

    def count(self, account: str, kind: str) -> int:
        return len(self.fake.world.store(account)[kind])

    def address(self, account: str, customer: str) -> Mapping[str, str | None]:
        address: Mapping[str, str | None] = self.fake.world.store(account)["customer"][customer]["address"]
        return address

    def pay(self, account: str, invoice: RemoteInvoice) -> None:
        self.fake.pay(self._page(account, invoice))

    def decline(self, account: str, invoice: RemoteInvoice) -> None:
        self.fake.pay(self._page(account, invoice), "4000000000000002")

    def disconnect(self, account: str) -> None:
        self.fake.deauthorize(account)

    def subscribe(self, account: str, customer: str, amount: int, status: str) -> str:
        made = self.fake.add_subscription(account, customer, amount=amount, currency="eur", status=status)
        return str(made["id"])

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.fake.clock.now(), UTC)

    def advance(self, by: timedelta) -> None:
        self.fake.clock.advance(int(by.total_seconds()))

    def _page(self, account: str, invoice: RemoteInvoice) -> str:
        url = provider_of(self, account).invoice(invoice.id).hosted_url
        assert url is not None
        return url


def provider_of(world: World, account: str) -> Provider:
    """The provider of one of the world's accounts."""
    return world.providers.for_account(account, livemode=False)


both_worlds = pytest.mark.parametrize("world", [MemoryWorld, SDKWorld], ids=["memory", "sdk"], indirect=True)
