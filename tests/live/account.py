"""An account in Stripe's test mode that the suite may fill: who we are there, what we made there, and tidying up."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import stripe
from stripe.params import InvoiceAddLinesParamsLine

from flask_crm_stripe.adapters.stripe.client import StraightClient
from flask_crm_stripe.adapters.stripe.provider import StripeProviders
from tests.support.guards import is_loopback
from tests.support.stripe_key import ACCOUNT, API_BASE, KEY

TIMEOUT = (5.0, 80.0)
STRIPE = "api.stripe.com"
MARK = "flask_crm_stripe_tests"
"""In the metadata of all that the suite makes, with the run that made it."""


@dataclass(frozen=True)
class Settings:
    """Where the suite runs: at Stripe, or at a FakeStripe on this machine."""

    key: str = field(repr=False)
    account: str = ""
    api_base: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Settings:
        """From the environment's variables. ValueError, without the key in it, for what must not be used."""
        key, account, base = (given.get(name, "") for name in (KEY, ACCOUNT, API_BASE))
        if "_live_" in key:
            raise ValueError(f"{KEY} is a key of live mode. Nothing was sent. Give one that begins with sk_test_.")
        if not re.fullmatch(r"(sk|rk)_test_\w+", key, re.ASCII):
            raise ValueError(f"{KEY} is no secret key of test mode. Nothing was sent. One begins with sk_test_.")
        if account and not re.fullmatch(r"acct_\w+", account, re.ASCII):
            raise ValueError(f"{ACCOUNT} is no account's id. One begins with acct_.")
        if base and not _on_this_machine(base):
            raise ValueError(f"{API_BASE} is for a FakeStripe on this machine. Leave it out for Stripe itself.")
        return cls(key, account, base)


def _on_this_machine(base: str) -> bool:
    host = urlsplit(base).hostname
    return base.startswith("http://") and bool(host) and is_loopback(host)


class Live:
    """One account, asked by the SDK (``client``, and ``platform`` for the key's own) or by our adapter (``provider``).

    ``account`` is empty for the key's own. ``transport`` stands in the place of HTTP.
    """

    def __init__(self, settings: Settings, transport: stripe.HTTPClient | None = None) -> None:
        self.run = uuid4().hex[:12]
        self.marks = {MARK: self.run}
        self.account = settings.account
        self.client = _client(settings, settings.account, transport)
        self.platform = _client(settings, "", transport) if settings.account else self.client
        providers = StripeProviders(settings.key, api_base=settings.api_base or None, http_client=transport)
        self.provider = providers.for_account(settings.account, livemode=False)
        self._made = list[tuple[stripe.StripeClient, str, str]]()

    def keep(self, kind: str, made: str, client: stripe.StripeClient | None = None) -> str:
        """Remember what is to be put away: a customer, a product, a coupon or a tax rate, by its id."""
        self._made.append((client or self.client, kind, made))
        return made

    def customer(self) -> str:
        """A new customer."""
        made = self.client.v1.customers.create(
            {"name": "Test of flask_crm_stripe", "email": "test@example.com", "metadata": self.marks}
        )
        return self.keep("customer", made.id)

    def product(self) -> str:
        """A new product with an id of our own, as the adapter makes them."""
        made = self.client.v1.products.create({"id": f"crm_{uuid4().hex[:24]}", "name": "Work", "metadata": self.marks})
        return self.keep("product", made.id)

    def draft(self, *lines: InvoiceAddLinesParamsLine, customer: str = "", **more: Any) -> stripe.Invoice:
        """A draft in EUR with these lines, to be sent, as the adapter makes them."""
        params: Any = {
            "customer": customer or self.customer(),
            "currency": "eur",
            "collection_method": "send_invoice",
            "days_until_due": 14,
            "auto_advance": False,
            "pending_invoice_items_behavior": "exclude",
            "discounts": "",
            "metadata": self.marks,
            **more,
        }
        made = self.client.v1.invoices.create(params)
        return self.client.v1.invoices.add_lines(made.id, {"lines": list(lines)}) if lines else made

    def opened(self, *lines: InvoiceAddLinesParamsLine, customer: str = "") -> stripe.Invoice:
        """A finalised invoice."""
        made = self.draft(*lines, customer=customer)
        return self.client.v1.invoices.finalize_invoice(made.id, {"auto_advance": False})

    def reported(self, customer: str, amount: int) -> stripe.PaymentRecord:
        """A payment by bank that has arrived. (A while ago: Stripe refuses the future, and clocks differ.)"""
        then = int(time.time()) - 600
        return self.client.v1.payment_records.report_payment(
            {
                "amount_requested": {"currency": "eur", "value": amount},
                "initiated_at": then,
                "outcome": "guaranteed",
                "guaranteed": {"guaranteed_at": then},
                "payment_method_details": {"type": "custom", "custom": {"display_name": "Bank transfer"}},
                "processor_details": {"type": "custom", "custom": {"payment_reference": self.run}},
                "customer_details": {"customer": customer},
                "metadata": self.marks,
            }
        )

    def balance(self, customer: str) -> int:
        """What a customer owes beside its invoices; below zero it is the customer's."""
        return int(self.client.v1.customers.retrieve(customer).balance or 0)

    def tidy(self) -> None:
        """Delete drafts, void what is open, delete customers and coupons, archive the rest. What Stripe will not have
        put away stays: it is marked."""
        while self._made:
            client, kind, made = self._made.pop()
            with contextlib.suppress(stripe.InvalidRequestError):
                _put_away(client, kind, made)


def _client(settings: Settings, account: str, transport: stripe.HTTPClient | None) -> stripe.StripeClient:
    return stripe.StripeClient(
        settings.key,
        stripe_account=account or None,
        max_network_retries=2,
        http_client=transport or StraightClient(timeout=TIMEOUT),
        base_addresses={"api": settings.api_base} if settings.api_base else {},
    )


def _put_away(client: stripe.StripeClient, kind: str, made: str) -> None:
    if kind == "customer":
        for invoice in client.v1.invoices.list({"customer": made, "limit": 100}).auto_paging_iter():
            _close(client, invoice)
        client.v1.customers.delete(made)
    elif kind == "product":
        client.v1.products.update(made, {"active": False})
    elif kind == "coupon":
        client.v1.coupons.delete(made)
    else:
        client.v1.tax_rates.update(made, {"active": False})


def _close(client: stripe.StripeClient, invoice: stripe.Invoice) -> None:
    with contextlib.suppress(stripe.InvalidRequestError):
        if invoice.status == "draft":
            client.v1.invoices.delete(invoice.id)
        elif invoice.status in ("open", "uncollectible"):
            client.v1.invoices.void_invoice(invoice.id)
