"""Stripe, as billing sees it: one account in one mode, in our own words.

Every method makes one call (lists may page). Each raises ``ProviderError`` subclasses; the ones with ``unknown`` set
may have done the work. ``key`` is the Idempotency-Key. ``READS`` names the methods that change nothing at Stripe.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from flask_crm_stripe.model.catalogue import PriceDraft, ProductDraft
from flask_crm_stripe.model.connection import Account, RemoteSubscription, RemoteThing, TaxSettings
from flask_crm_stripe.model.credits import CreditDraft, Refund, RemoteCredit, RemoteLine
from flask_crm_stripe.model.endpoints import RemoteEndpoint
from flask_crm_stripe.model.events import EventsPage
from flask_crm_stripe.model.invoices import CustomerDraft, InvoiceDraft, LineDraft, Payment, RemoteInvoice

READS = frozenset(
    (
        *("account", "tax_settings", "currencies", "platform_account"),
        *("list_subscriptions", "list_customers", "list_products", "list_endpoints", "list_events"),
        *("find_price", "find_customer", "find_invoice", "line_keys", "invoice", "payments", "invoice_of_payment"),
        *("invoice_lines", "preview_credit", "credits", "refunds"),
    )
)
"""A method that is not named here counts as one that changes something: a copy of the database can't call it."""


class Answer(Protocol):
    """What a creating call gives back: the object's id and Stripe's request id."""

    @property
    def id(self) -> str: ...
    @property
    def request_id(self) -> str | None: ...


class Provider(Protocol):
    """One connected account."""

    def account(self) -> Account:
        """What the account is and can do now."""
        ...

    def tax_settings(self) -> TaxSettings:
        """Whether Stripe Tax is set up on the account."""
        ...

    def currencies(self, country: str) -> tuple[str, ...]:
        """What customers of an account in this country can pay in, lowercase."""
        ...

    def platform_account(self) -> str:
        """The account that our own key belongs to: the platform's, not the connected one."""
        ...

    def list_subscriptions(self, limit: int) -> Sequence[RemoteSubscription]:
        """Subscriptions of the account that are not over, newest first, at most ``limit``."""
        ...

    def list_customers(self, limit: int) -> Sequence[RemoteThing]:
        """Customers that the account has, newest first, at most ``limit``."""
        ...

    def list_products(self, limit: int) -> Sequence[RemoteThing]:
        """Active products that the account has, newest first, at most ``limit``."""
        ...

    def invoice_of_payment(self, payment_intent: str) -> str | None:
        """The invoice that a payment intent pays; None where it pays none."""
        ...

    @property
    def api_version(self) -> str:
        """The version of Stripe's API that we speak, and that events have to come in."""
        ...

    def list_endpoints(self) -> Sequence[RemoteEndpoint]:
        """Every webhook endpoint of the platform in this mode."""
        ...

    def create_endpoint(self, url: str, events: Sequence[str], installation: str, key: str) -> RemoteEndpoint:
        """A new endpoint of the platform's for events of connected accounts, with its secret, which is told once."""
        ...

    def update_endpoint(self, endpoint_id: str, url: str, events: Sequence[str]) -> RemoteEndpoint:
        """Bring its address and events up to date, and switch it on."""
        ...

    def delete_endpoint(self, endpoint_id: str) -> None:
        """Nothing more is delivered to it; gone already counts as done."""
        ...

    def list_events(self, types: Sequence[str], since: datetime, after: str | None = None) -> EventsPage:
        """One page of the account's events of at most 20 types, newest first; Stripe keeps 30 days. One request."""
        ...

    def deauthorise(self) -> None:
        """Revoke our access. Already revoked counts as done."""
        ...

    def delete_product(self, product_id: str) -> None:
        """Delete a product that never had a price; gone already counts as done."""
        ...

    def create_product(self, draft: ProductDraft, key: str) -> Answer:
        """Make the product under our id; where it exists already with our metadata it is updated instead."""
        ...

    def update_product(self, draft: ProductDraft, key: str) -> Answer:
        """Bring name, description, unit, metadata and active up to date."""
        ...

    def archive_product(self, product_id: str, key: str) -> Answer:
        """active=false; a product is never deleted."""
        ...

    def create_price(self, draft: PriceDraft, key: str) -> Answer:
        """A new price that takes over the lookup key."""
        ...

    def find_price(self, lookup_key: str, amount: str) -> Answer | None:
        """The active price under the lookup key, if its amount (minor units, plain decimal) is the one given."""
        ...

    def set_default_price(self, product_id: str, price_id: str, key: str) -> Answer:
        """Make it the product's default price."""
        ...

    def archive_price(self, price_id: str, key: str) -> Answer:
        """active=false; a price is never deleted."""
        ...

    def create_customer(self, draft: CustomerDraft, key: str) -> Answer:
        """A new customer."""
        ...

    def update_customer(self, customer_id: str, draft: CustomerDraft, key: str) -> Answer:
        """Bring a customer up to date."""
        ...

    def set_vat_number(self, customer_id: str, kind: str, number: str, key: str) -> None:
        """The customer's one VAT number, of a kind that Stripe names; without a kind none. Asking again does what is
        left. ``Refused`` with ``tax_id_invalid`` for a malformed one."""
        ...

    def find_customer(self, marker: str, since: datetime) -> Answer | None:
        """The customer made since then whose metadata carries our ``marker`` under ``crm_stripe_id``."""
        ...

    def create_invoice(self, draft: InvoiceDraft, key: str) -> RemoteInvoice:
        """An empty draft: no pending items, no inherited discount, no automatic advance."""
        ...

    def find_invoice(self, marker: str, customer: str, since: datetime) -> RemoteInvoice | None:
        """The customer's invoice made since then whose metadata carries our ``marker`` under ``crm_stripe_id``."""
        ...

    def add_lines(self, invoice_id: str, lines: Sequence[LineDraft], key: str) -> RemoteInvoice:
        """Add all lines to a draft, in order."""
        ...

    def line_keys(self, invoice_id: str) -> Sequence[str]:
        """The ``crm_line`` metadata of every line at Stripe, in Stripe's order."""
        ...

    def finalise(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Draft to open (or paid, where nothing is due)."""
        ...

    def send(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Let Stripe mail an open invoice."""
        ...

    def void_invoice(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Open or uncollectible to void: nothing is owed any more, for good."""
        ...

    def write_off_invoice(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Open to uncollectible. The customer can still pay."""
        ...

    def settle_invoice(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Open or uncollectible to paid, with money that Stripe never saw: all of what remains."""
        ...

    def invoice_lines(self, invoice_id: str) -> Sequence[RemoteLine]:
        """Every line of the invoice at Stripe, in Stripe's order."""
        ...

    def preview_credit(self, draft: CreditDraft) -> RemoteCredit:
        """What the credit note would be; nothing is made, and no money moves."""
        ...

    def create_credit(self, draft: CreditDraft, key: str) -> RemoteCredit:
        """Issue a credit note; ``draft.refund`` of it goes back to the card in the same call."""
        ...

    def credits(self, invoice_id: str) -> Sequence[RemoteCredit]:
        """Every credit note of the invoice, oldest first, void ones included."""
        ...

    def refunds(self, payment_intent: str) -> Sequence[Refund]:
        """Everything that went back of a payment, oldest first, what failed included."""
        ...

    def delete_draft(self, invoice_id: str) -> None:
        """Delete a draft; gone already counts as done."""
        ...

    def invoice(self, invoice_id: str) -> RemoteInvoice:
        """The invoice as it is now."""
        ...

    def payments(self, invoice_id: str) -> Sequence[Payment]:
        """Every attempt to pay the invoice, oldest first."""
        ...


class ProviderSource(Protocol):
    """Gives the provider of one account and mode."""

    def for_account(self, account_id: str, *, livemode: bool, trace: list[str] | None = None) -> Provider:
        """Raises ``ConfigurationError`` where our key is of the other mode. ``trace`` is given the id of every request
        that is made."""
        ...
