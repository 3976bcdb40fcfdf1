"""The account of the in-memory Stripe: what it is and can do, and what else it has that nobody here made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flask_crm_stripe.model.connection import Account, RemoteSubscription, TaxSettings
from flask_crm_stripe.ports.runtime import Clock
from flask_crm_stripe.testing.memory_news import MemoryNews

PAID_IN = {"NL": ("chf", "eur", "gbp", "sek", "usd"), "SE": ("eur", "sek")}


class MemoryAccount(MemoryNews):
    """Readiness, and letting go. ``platform`` is the account of the platform's own key."""

    def __init__(self, account: Account, clock: Clock, platform: str) -> None:
        super().__init__(clock, account.id)
        self.platform = platform
        self.endpoints = {}
        self.events = []
        self.subscriptions: list[RemoteSubscription] = []
        """For tests: subscriptions that somebody made at Stripe, oldest first."""
        self.tax = TaxSettings("active")
        self._account = account

    def account(self) -> Account:
        """What the account is and can do now."""
        return self._do("account", None, (), lambda _: replace(self._account, checked_at=self._clock.now()))

    def change_account(self, account: Account) -> None:
        """For tests: Stripe tells something else about the account from now on."""
        self._account = account

    def tax_settings(self) -> TaxSettings:
        """Whether Stripe Tax is set up on the account."""
        return self._do("tax_settings", None, (), lambda _: self.tax)

    def currencies(self, country: str) -> tuple[str, ...]:
        """What customers of an account in this country can pay in, lowercase."""
        return self._do("currencies", None, (country,), lambda _: PAID_IN.get(country, ("usd",)))

    def platform_account(self) -> str:
        """The account that our own key belongs to. It does not matter whether we may act for this one."""
        was, self.connected = self.connected, True
        try:
            return self._do("platform_account", None, (), lambda _: self.platform)
        finally:
            self.connected = was

    def list_subscriptions(self, limit: int) -> Sequence[RemoteSubscription]:
        """Subscriptions of the account that are not over, newest first, at most ``limit``."""
        going = [each for each in self.subscriptions if each.status not in ("canceled", "incomplete_expired")]
        return self._do("list_subscriptions", None, (limit,), lambda _: tuple(going[::-1][:limit]))

    def deauthorise(self) -> None:
        """Revoke our access. Already revoked counts as done."""
        if self.connected:
            self._do("deauthorise", None, (), lambda _: setattr(self, "connected", False))
