"""All capabilities of one business, for one actor; and the platform that opens them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from flask_crm_stripe.core.catalogue import Catalogue
from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.customers import Customers
from flask_crm_stripe.core.invoice_steps import InvoiceSteps
from flask_crm_stripe.core.invoicing import Invoicing
from flask_crm_stripe.core.news import News
from flask_crm_stripe.model.business import SYSTEM, Actor, Business
from flask_crm_stripe.ports.crm import CRM, CRMSource
from flask_crm_stripe.ports.ledger import Ledger, SharedLedger
from flask_crm_stripe.ports.provider import ProviderSource
from flask_crm_stripe.ports.runtime import Clock, Publisher, Queue


@dataclass(frozen=True)
class Billing:
    """What one actor can do in one business. Pages that only read ask ``ledger`` directly."""

    business: Business
    actor: Actor
    ledger: Ledger
    crm: CRM
    livemode: bool
    clock: Clock
    installation: str
    holder: str
    connection: Connections
    catalogue: Catalogue
    customers: Customers
    invoicing: Invoicing


@dataclass(frozen=True)
class Platform:
    """Everything that is the same for all businesses of an app. ``fingerprint`` names the environment."""

    shared: SharedLedger
    crm: CRMSource
    providers: ProviderSource
    publisher: Publisher
    queue: Queue
    clock: Clock
    livemode: bool
    fingerprint: str

    def billing(self, business: Business, actor: Actor) -> Billing:
        """The capabilities of this business in this actor's hands."""
        ledger, crm = self.shared.for_business(business.ref), self.crm.for_business(business.ref)
        installation, holder = self.shared.installation(), secrets.token_hex(8)
        connections = Connections(
            actor,
            ledger,
            self.shared,
            self.providers,
            self.publisher,
            self.queue,
            self.clock,
            self.livemode,
            self.fingerprint,
        )
        catalogue = Catalogue(actor, ledger, crm, connections, self.publisher, self.clock, installation, holder)
        customers = Customers(ledger, crm, connections, self.clock, installation)
        steps = InvoiceSteps(ledger, connections, catalogue, customers, self.clock, installation, holder)
        invoicing = Invoicing(
            actor, ledger, crm, connections, catalogue, steps, News(ledger, crm, self.publisher), self.clock
        )
        return Billing(
            business,
            actor,
            ledger,
            crm,
            self.livemode,
            self.clock,
            installation,
            holder,
            connections,
            catalogue,
            customers,
            invoicing,
        )

    def system(self, business: str) -> Billing:
        """The business in the hands of the software itself: webhooks and tasks."""
        return self.billing(Business(business, business), SYSTEM)
