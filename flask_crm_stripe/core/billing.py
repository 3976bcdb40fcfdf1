"""All capabilities of one business, for one actor; and the platform that opens them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from flask_crm_stripe.core.afterwards import Afterwards
from flask_crm_stripe.core.approvals import Approvals
from flask_crm_stripe.core.catalogue import Catalogue
from flask_crm_stripe.core.change import AccountChange
from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.credits import Credits
from flask_crm_stripe.core.customers import Customers
from flask_crm_stripe.core.disconnection import Disconnection
from flask_crm_stripe.core.drafting import Drafting
from flask_crm_stripe.core.endpoints import Endpoints
from flask_crm_stripe.core.environment import Environment
from flask_crm_stripe.core.feed import Feed
from flask_crm_stripe.core.invoice_steps import InvoiceSteps
from flask_crm_stripe.core.invoicing import Invoicing
from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.core.news import News
from flask_crm_stripe.core.notices import Notices
from flask_crm_stripe.core.probe import Probe
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.core.runs import Runs
from flask_crm_stripe.core.second_person import SecondPerson
from flask_crm_stripe.core.settings import Settings
from flask_crm_stripe.model.business import SYSTEM, Actor, Business
from flask_crm_stripe.model.notices import Notice
from flask_crm_stripe.ports.crm import CRM, CRMSource
from flask_crm_stripe.ports.ledger import Ledger, SharedLedger
from flask_crm_stripe.ports.provider import ProviderSource
from flask_crm_stripe.ports.runtime import Clock, Hands, Mailer, OneHand, Publisher, Queue

EVERYBODY = "*"
"""Stands for every business where something is of all of them."""


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
    rights: Rights
    log: ActionLog
    environment: Environment
    notices: Notices
    connection: Connections
    disconnection: Disconnection
    change: AccountChange
    probe: Probe
    catalogue: Catalogue
    customers: Customers
    invoicing: Invoicing
    afterwards: Afterwards
    credits: Credits
    approvals: Approvals
    settings: Settings
    second_person: SecondPerson
    endpoints: Endpoints
    feed: Feed
    runs: Runs

    def confirm_real(self, reason: str) -> None:
        """An admin says that this is the real one, and the others hear of it: safety is given up. Raises ``Conflict``
        where it is known to be, ``InvalidInput`` without a reason."""
        self.environment.confirm(reason)
        now = self.clock.now()
        self.notices.add("real_one", f"{now:%Y%m%d%H%M%S%f}", now, reason=reason.strip(), by=self.actor.ref)
        self.notices.tell()


@dataclass(frozen=True)
class Platform:
    """Everything that is the same for all businesses of an app. ``fingerprint`` names the environment; it is asked
    for when it is needed, for the database has to be there. ``address`` is where a notice's page is, from outside."""

    shared: SharedLedger
    crm: CRMSource
    providers: ProviderSource
    publisher: Publisher
    mailer: Mailer
    queue: Queue
    clock: Clock
    livemode: bool
    fingerprint: Callable[[], str]
    address: Callable[[Notice], str] = lambda _: ""
    translator: Callable[[str], Callable[[str], str]] = lambda _: str
    webhook_url: str = ""
    secrets_given: bool = True
    hands: Hands = field(default_factory=OneHand)

    def billing(self, business: Business, actor: Actor) -> Billing:
        """The capabilities of this business in this actor's hands."""
        shared, clock, here = self.shared, self.clock, self.fingerprint()
        ledger, crm = shared.for_business(business.ref), self.crm.for_business(business.ref)
        installation, holder = shared.installation(here, clock.now()), secrets.token_hex(8)
        log = ActionLog(actor, ledger, clock)
        rights = Rights(log)
        environment = Environment(ledger, rights, log, clock, here)
        notices = Notices(ledger, self.publisher, self.mailer, environment, log, clock, self.address, self.translator)
        connections = Connections(
            ledger,
            shared,
            self.providers,
            self.queue,
            clock,
            self.livemode,
            environment,
            rights,
            log,
            notices,
            installation,
        )
        catalogue = Catalogue(rights, log, ledger, crm, connections, self.publisher, clock, installation.id, holder)
        customers = Customers(ledger, crm, connections, clock, installation.id)
        steps = InvoiceSteps(ledger, connections, catalogue, customers, clock, installation.id, holder)
        approvals = Approvals(ledger, rights, log, notices, clock)
        news = News(ledger, crm, self.publisher, environment, notices)
        drafting = Drafting(business, rights, ledger, crm, connections)
        invoicing = Invoicing(rights, log, ledger, crm, drafting, connections, steps, news, approvals, clock)
        afterwards = Afterwards(rights, log, ledger, steps, news, approvals, clock)
        credits = Credits(rights, log, ledger, steps, news, approvals, invoicing, clock)
        disconnection = Disconnection(connections, ledger, clock)
        settings = Settings(ledger, rights, log, approvals, notices, clock)
        endpoints = self._endpoints(environment, rights, log, installation.id)
        return Billing(
            business=business,
            actor=actor,
            ledger=ledger,
            crm=crm,
            livemode=self.livemode,
            clock=clock,
            installation=installation.id,
            holder=holder,
            rights=rights,
            log=log,
            environment=environment,
            notices=notices,
            connection=connections,
            disconnection=disconnection,
            change=AccountChange(connections, disconnection, ledger, crm, steps, clock),
            probe=Probe(connections, ledger, crm, clock),
            catalogue=catalogue,
            customers=customers,
            invoicing=invoicing,
            afterwards=afterwards,
            credits=credits,
            approvals=approvals,
            settings=settings,
            second_person=SecondPerson(approvals, invoicing, afterwards, credits, settings),
            endpoints=endpoints,
            feed=Feed(ledger, connections, endpoints, rights, log, clock, self.queue),
            runs=Runs(ledger, invoicing, self.queue, clock),
        )

    def endpoints(self) -> Endpoints:
        """The webhook endpoint of all businesses, in the hands of the software itself: no CRM is asked for one."""
        ledger, here = self.shared.for_business(EVERYBODY), self.fingerprint()
        installation = self.shared.installation(here, self.clock.now())
        log = ActionLog(SYSTEM, ledger, self.clock)
        rights = Rights(log)
        return self._endpoints(Environment(ledger, rights, log, self.clock, here), rights, log, installation.id)

    def _endpoints(self, environment: Environment, rights: Rights, log: ActionLog, installation: str) -> Endpoints:
        return Endpoints(
            self.shared.endpoints,
            lambda: self.providers.for_account("", livemode=self.livemode, trace=log.trace),
            environment,
            rights,
            log,
            self.clock,
            self.webhook_url,
            self.livemode,
            installation,
            self.secrets_given,
        )

    def system(self, business: str) -> Billing:
        """The business in the hands of the software itself: webhooks and tasks."""
        return self.billing(Business(business, business), SYSTEM)
