"""Stripe in memory, behind the port ``ports/provider.py``: for unit tests of use cases.

``MemoryProviders`` gives a provider per account. Each keeps what it was told, honours idempotency keys as Stripe does
(24 hours, other data under the same key refused, a 5xx saved and replayed), records every call, and fails on demand:

    stripe = MemoryProviders(clock)
    shop = stripe.add_account("acct_1")
    shop.fail_next("create_invoice", Unreachable("No answer."), after=True)   # done, and the answer lost
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from flask_crm_stripe.errors import ConfigurationError, Refused
from flask_crm_stripe.model.catalogue import PriceDraft, ProductDraft
from flask_crm_stripe.model.connection import Account, RemoteThing
from flask_crm_stripe.model.endpoints import RemoteEndpoint
from flask_crm_stripe.model.invoices import CustomerDraft, InvoiceDraft, LineDraft, Payment, RemoteInvoice, Status
from flask_crm_stripe.ports.runtime import Clock
from flask_crm_stripe.testing.memory_credits import MemoryCrediting
from flask_crm_stripe.testing.memory_objects import (
    MemoryCustomer,
    MemoryInvoice,
    MemoryPrice,
    MemoryProduct,
    check_lines,
    missing,
)

OURS = ("crm_installation", "crm_business", "crm_service")


@dataclass(frozen=True, slots=True)
class MemoryAnswer:
    """An id and the request's id."""

    id: str
    request_id: str | None


class MemoryProvider(MemoryCrediting):
    """One account. The dicts and lists are there for tests to look at; change them through methods only."""

    def __init__(self, account: Account, clock: Clock, platform: str = "acct_platform") -> None:
        super().__init__(account, clock, platform)
        self.products: dict[str, MemoryProduct] = {}
        self.prices: dict[str, MemoryPrice] = {}
        self.customers: dict[str, MemoryCustomer] = {}
        self.skew = 0
        """For tests: how many minor units the next answer to ``add_lines`` is wrong by."""

    # Catalogue

    def create_product(self, draft: ProductDraft, key: str) -> MemoryAnswer:
        """Make the product under our id; where it exists already with our metadata it is updated instead."""

        def work(request_id: str) -> MemoryAnswer:
            existing = self.products.get(draft.id)
            if existing is None:
                self.products[draft.id] = MemoryProduct(draft, draft.active)
            elif any(existing.draft.metadata.get(name) != draft.metadata.get(name) for name in OURS):
                raise Refused("The id belongs to another product.", stripe_code="resource_already_exists", param="id")
            else:
                existing.draft, existing.active = draft, draft.active
            return MemoryAnswer(draft.id, request_id)

        return self._do("create_product", key, (draft,), work)

    def update_product(self, draft: ProductDraft, key: str) -> MemoryAnswer:
        """Bring name, description, unit, metadata and active up to date."""

        def work(request_id: str) -> MemoryAnswer:
            product = self._product(draft.id)
            merged = {**product.draft.metadata, **draft.metadata}
            product.draft, product.active = replace(draft, metadata=merged), draft.active
            return MemoryAnswer(draft.id, request_id)

        return self._do("update_product", key, (draft,), work)

    def archive_product(self, product_id: str, key: str) -> MemoryAnswer:
        """active=false; a product that was ever offered is not deleted."""

        def work(request_id: str) -> MemoryAnswer:
            self._product(product_id).active = False
            return MemoryAnswer(product_id, request_id)

        return self._do("archive_product", key, (product_id,), work)

    def delete_product(self, product_id: str) -> None:
        """Delete a product that never had a price; gone already counts as done."""

        def work(_: str) -> None:
            if any(price.draft.product_id == product_id for price in self.prices.values()):
                raise Refused("A product with prices can't be deleted.", param="id")
            self.products.pop(product_id, None)

        self._do("delete_product", None, (product_id,), work)

    def list_products(self, limit: int) -> Sequence[RemoteThing]:
        """Active products that the account has, newest first, at most ``limit``."""
        active = [product.draft for product in self.products.values() if product.active]
        things = [RemoteThing(draft.id, draft.name, metadata=dict(draft.metadata)) for draft in active]
        return self._do("list_products", None, (limit,), lambda _: tuple(things[::-1][:limit]))

    def create_price(self, draft: PriceDraft, key: str) -> MemoryAnswer:
        """A new price that takes over the lookup key."""

        def work(request_id: str) -> MemoryAnswer:
            self._product(draft.product_id, "product")
            for price in self.prices.values():
                if price.lookup_key == draft.lookup_key:
                    price.lookup_key = None
            price = MemoryPrice(self._id("price"), draft, draft.lookup_key)
            self.prices[price.id] = price
            return MemoryAnswer(price.id, request_id)

        return self._do("create_price", key, (draft,), work)

    def find_price(self, lookup_key: str, amount: str) -> MemoryAnswer | None:
        """The active price under the lookup key, if its amount (minor units, plain decimal) is the one given."""

        def work(request_id: str) -> MemoryAnswer | None:
            for price in self.prices.values():
                same = Decimal(price.draft.amount) == Decimal(amount)
                if price.lookup_key == lookup_key and price.active and same:
                    return MemoryAnswer(price.id, request_id)
            return None

        return self._do("find_price", None, (lookup_key, amount), work)

    def set_default_price(self, product_id: str, price_id: str, key: str) -> MemoryAnswer:
        """Make it the product's default price."""

        def work(request_id: str) -> MemoryAnswer:
            product, price = self._product(product_id), self._price(price_id, "default_price")
            if price.draft.product_id != product_id:
                raise Refused("The price is another product's.", param="default_price")
            product.default_price = price_id
            return MemoryAnswer(product_id, request_id)

        return self._do("set_default_price", key, (product_id, price_id), work)

    def archive_price(self, price_id: str, key: str) -> MemoryAnswer:
        """active=false; a price is never deleted, and refused while it is its product's default."""

        def work(request_id: str) -> MemoryAnswer:
            price = self._price(price_id)
            if self.products[price.draft.product_id].default_price == price_id:
                raise Refused("The price is its product's default, so it can't be archived.", param="active")
            price.active = False
            return MemoryAnswer(price_id, request_id)

        return self._do("archive_price", key, (price_id,), work)

    # Customers

    def create_customer(self, draft: CustomerDraft, key: str) -> MemoryAnswer:
        """A new customer."""

        def work(request_id: str) -> MemoryAnswer:
            customer = MemoryCustomer(self._id("cus"), draft, self._clock.now())
            self.customers[customer.id] = customer
            return MemoryAnswer(customer.id, request_id)

        return self._do("create_customer", key, (draft,), work)

    def update_customer(self, customer_id: str, draft: CustomerDraft, key: str) -> MemoryAnswer:
        """Bring a customer up to date; e-mail, phone and language cannot be cleared at Stripe."""

        def work(request_id: str) -> MemoryAnswer:
            if customer_id not in self.customers:
                raise missing("customer", customer_id)
            old = self.customers[customer_id].draft
            kept = {name: getattr(draft, name) or getattr(old, name) for name in ("email", "phone", "locale")}
            self.customers[customer_id].draft = replace(draft, **kept)
            return MemoryAnswer(customer_id, request_id)

        return self._do("update_customer", key, (customer_id, draft), work)

    def set_vat_number(self, customer_id: str, kind: str, number: str, key: str) -> None:
        """The customer's one VAT number; a malformed one is refused."""

        def work(_: str) -> None:
            if kind == "eu_vat" and not re.fullmatch(r"[A-Z]{2}[0-9A-Z+*]{2,12}", number):
                raise Refused("Invalid value for eu_vat.", stripe_code="tax_id_invalid", param="value")
            self.customers[customer_id].vat_number = number if kind else ""

        self._do("set_vat_number", key, (customer_id, kind, number), work)

    def find_customer(self, marker: str, since: datetime) -> MemoryAnswer | None:
        """The customer made since then whose metadata carries our ``marker`` under ``crm_stripe_id``."""

        def work(request_id: str) -> MemoryAnswer | None:
            for customer in self.customers.values():
                if (customer.draft.metadata or {}).get("crm_stripe_id") == marker and customer.created >= since:
                    return MemoryAnswer(customer.id, request_id)
            return None

        return self._do("find_customer", None, (marker, since), work)

    def list_customers(self, limit: int) -> Sequence[RemoteThing]:
        """Customers that the account has, newest first, at most ``limit``."""
        things = [
            RemoteThing(one.id, one.draft.name, one.draft.email or "", dict(one.draft.metadata or {}))
            for one in self.customers.values()
        ]
        return self._do("list_customers", None, (limit,), lambda _: tuple(things[::-1][:limit]))

    # Invoices

    def create_invoice(self, draft: InvoiceDraft, key: str) -> RemoteInvoice:
        """An empty draft."""

        def work(request_id: str) -> RemoteInvoice:
            if draft.customer not in self.customers:
                raise missing("customer", draft.customer, "customer")
            invoice = MemoryInvoice(self._id("in"), draft, self._clock.now())
            invoice.customer = self.customers[draft.customer]
            self.invoices[invoice.id] = invoice
            return invoice.picture(request_id)

        return self._do("create_invoice", key, (draft,), work)

    def find_invoice(self, marker: str, customer: str, since: datetime) -> RemoteInvoice | None:
        """The customer's invoice made since then whose metadata carries our ``marker`` under ``crm_stripe_id``."""

        def work(request_id: str) -> RemoteInvoice | None:
            for invoice in self.invoices.values():
                ours = invoice.draft.metadata.get("crm_stripe_id") == marker and invoice.draft.customer == customer
                if ours and invoice.created >= since:
                    return invoice.picture(request_id)
            return None

        return self._do("find_invoice", None, (marker, customer, since), work)

    def add_lines(self, invoice_id: str, lines: Sequence[LineDraft], key: str) -> RemoteInvoice:
        """Add all lines to a draft, in order."""

        def work(request_id: str) -> RemoteInvoice:
            invoice = self._invoice(invoice_id)
            invoice.require(Status.DRAFT, code="invoice_not_editable", deed="changed")
            check_lines(lines, self.products)
            invoice.lines.extend(lines)
            skew, self.skew = self.skew, 0
            picture = invoice.picture(request_id)
            return replace(picture, total=picture.total + skew)

        return self._do("add_lines", key, (invoice_id, tuple(lines)), work)

    def line_keys(self, invoice_id: str) -> Sequence[str]:
        """The ``crm_line`` metadata of every line, in order."""
        return self._do(
            "line_keys",
            None,
            (invoice_id,),
            lambda _: tuple(line.metadata.get("crm_line", "") for line in self._invoice(invoice_id).lines),
        )

    def finalise(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Draft to open (or paid, where nothing is due)."""

        def work(request_id: str) -> RemoteInvoice:
            invoice = self._invoice(invoice_id)
            invoice.finalise(f"MEM-{len(self._numbers()) + 1:04d}", self._clock.now())
            return invoice.picture(request_id)

        return self._do("finalise", key, (invoice_id,), work)

    def send(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Let Stripe mail an open invoice; refused for a draft, and for a customer without an address."""

        def work(request_id: str) -> RemoteInvoice:
            invoice = self._invoice(invoice_id)
            invoice.require(Status.OPEN, Status.PAID, code="status_transition_invalid", deed="sent")
            if not self.customers[invoice.draft.customer].draft.email:
                raise Refused("The customer has no e-mail address, so the invoice can't be sent.")
            invoice.mails += 1
            return invoice.picture(request_id)

        return self._do("send", key, (invoice_id,), work)

    def delete_draft(self, invoice_id: str) -> None:
        """Delete a draft; gone already counts as done."""

        def work(_: str) -> None:
            if invoice_id in self.invoices:
                self.invoices[invoice_id].require(Status.DRAFT, code="invoice_not_editable", deed="deleted")
                del self.invoices[invoice_id]

        self._do("delete_draft", None, (invoice_id,), work)

    def invoice(self, invoice_id: str) -> RemoteInvoice:
        """The invoice as it is now."""
        return self._do("invoice", None, (invoice_id,), lambda request: self._invoice(invoice_id).picture(request))

    def payments(self, invoice_id: str) -> Sequence[Payment]:
        """Every attempt to pay the invoice, oldest first."""
        return self._do("payments", None, (invoice_id,), lambda _: tuple(self._invoice(invoice_id).payments))

    def invoice_of_payment(self, payment_intent: str) -> str | None:
        """The invoice that a payment intent pays."""

        def work(_: str) -> str | None:
            paid = [(p.payment_intent, i.id) for i in self.invoices.values() for p in i.payments]
            return next((id for intent, id in paid if intent == payment_intent), None)

        return self._do("invoice_of_payment", None, (payment_intent,), work)

    # What others do to an invoice: the customer, and the business in Stripe's dashboard

    def pay(self, invoice_id: str, amount: int | None = None, method: str = "Card ending 4242") -> Payment:
        """The customer pays, all that is open unless ``amount`` (minor units) says otherwise."""
        invoice = self._invoice(invoice_id)
        payment = self._attempt(invoice, method, "succeeded", amount)
        invoice.settle(payment)
        return payment

    def fail(self, invoice_id: str, reason: str = "The bank gave no reason.") -> Payment:
        """The customer tries to pay and the bank declines."""
        invoice = self._invoice(invoice_id)
        payment = self._attempt(invoice, "Card ending 0002", "failed", None, reason)
        invoice.payments.append(payment)
        return payment

    def _attempt(
        self, invoice: MemoryInvoice, method: str, status: str, amount: int | None, reason: str | None = None
    ) -> Payment:
        owed = invoice.left if amount is None else amount
        at, charge, intent = self._clock.now(), self._id("ch"), f"pi_{invoice.id}"
        return Payment(charge, method, owed, invoice.draft.currency, status, at, reason, intent)

    def _numbers(self) -> list[str]:
        return [invoice.number for invoice in self.invoices.values() if invoice.number]

    def _product(self, product_id: str, param: str = "id") -> MemoryProduct:
        if product_id not in self.products:
            raise missing("product", product_id, param)
        return self.products[product_id]

    def _price(self, price_id: str, param: str = "id") -> MemoryPrice:
        if price_id not in self.prices:
            raise missing("price", price_id, param)
        return self.prices[price_id]


@dataclass
class MemoryProviders:
    """Gives the provider of each account; all are of one mode, as one platform key is."""

    clock: Clock
    livemode: bool = False
    accounts: dict[str, MemoryProvider] = field(default_factory=dict)
    platform: str = "acct_platform"
    endpoints: dict[str, RemoteEndpoint] = field(default_factory=dict)

    def add_account(self, account_id: str, name: str = "A business", currency: str = "eur") -> MemoryProvider:
        """A connected account that can charge."""
        account = Account(
            id=account_id,
            name=name,
            country="NL",
            default_currency=currency,
            created=self.clock.now(),
            charges_enabled=True,
            payouts_enabled=True,
            details_submitted=True,
        )
        self.accounts[account_id] = MemoryProvider(account, self.clock, self.platform)
        return self.accounts[account_id]

    def for_account(self, account_id: str, *, livemode: bool, trace: list[str] | None = None) -> MemoryProvider:
        """Raises ``ConfigurationError`` for the other mode. An account nobody added is one that we may not act for."""
        if livemode is not self.livemode:
            raise ConfigurationError("CRM_STRIPE_API_KEY is of the other mode than this Stripe connection.")
        if account_id not in self.accounts:
            self.add_account(account_id).connected = False
        provider = self.accounts[account_id]
        provider.trace = [] if trace is None else trace
        provider.endpoints = self.endpoints
        return provider
