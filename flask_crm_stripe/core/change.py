"""Another account takes the place of the one before, or live mode follows test mode: what is mapped, made anew, left.

A person sees it first. What they choose is stored with the connection in the moment in which it becomes live, and
carried out after that; each step may be repeated, so one that was interrupted is simply gone through again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.deposits import CLAIM
from flask_crm_stripe.core.disconnection import Disconnection, Leaving
from flask_crm_stripe.core.invoice_steps import InvoiceSteps
from flask_crm_stripe.errors import AccountGone, BillingError, Conflict, Refused
from flask_crm_stripe.model.catalogue import CatalogueEntry, SyncState
from flask_crm_stripe.model.connection import AccountChoices, Connection, Ending, RemoteThing
from flask_crm_stripe.model.crm import Contact, ContactRef, Service
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, InvoiceFilter, Status
from flask_crm_stripe.ports.crm import CRM
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock

log = logging.getLogger(__name__)
Value = TypeVar("Value")

MOST_THINGS = 2000
AT_ONCE = 200
DEED = "replace the Stripe account"


@dataclass(frozen=True, slots=True)
class Match:
    """Something of ours beside what the new account has already: ``ref`` is a service, or a contact's ``kind:ref``."""

    ref: str
    name: str
    there: RemoteThing


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """What is affected. ``same_mode`` false: live mode follows test mode (or the other way). ``tested`` is how many
    lines of work are on invoices of the other mode, and free in this one."""

    pending: Connection
    previous: Connection
    left: Leaving
    customers: int
    matched_customers: tuple[Match, ...]
    services: int
    matched_services: tuple[Match, ...]
    tested: int

    @property
    def same_mode(self) -> bool:
        """Whether both accounts are in one mode."""
        return self.pending.livemode == self.previous.livemode


@dataclass(frozen=True)
class AccountChange:
    """Planning a change of accounts, and carrying it out."""

    connections: Connections
    disconnection: Disconnection
    ledger: Ledger
    crm: CRM
    steps: InvoiceSteps
    clock: Clock

    def previous(self, pending: Connection) -> Connection | None:
        """The connection whose place it takes: the newest of this mode, or before there was one in this mode the
        newest of the other. None for a first account, and for one that is connected again."""
        latest = self.connections.latest() or self.ledger.connections.latest(not pending.livemode)
        return None if latest is None or latest.books == pending.books else latest

    def plan(self, connection_id: str) -> ChangePlan | None:
        """What happens to what there is; None where nothing is replaced. Raises ``NotFound``."""
        pending = self.connections.pending(connection_id)
        previous = self.previous(pending)
        if previous is None:
            return None
        links = self.ledger.customers.all(previous.books)
        services = [service for service in self.crm.services() if service.active]
        tested = 0 if previous.livemode == pending.livemode else len(self._tested(previous.livemode))
        return ChangePlan(
            pending,
            previous,
            self.disconnection.left(previous),
            len(links),
            self._customers(pending, previous),
            len(services),
            self._services(pending),
            tested,
        )

    def carry_out(self, connection_id: str, choices: AccountChoices) -> Connection:
        """The account becomes the business's, as it was chosen, in the same moment in which the one before ends. Raises
        ``Conflict`` where another would be replaced than the person saw, ``AccountTaken``."""
        pending = self.connections.pending(connection_id)
        self.connections.environment.require_real(DEED)
        previous = self.previous(pending)
        if previous is None or previous.id != choices.previous:
            raise Conflict("The account that this one replaces is another by now. Look at what is affected again.")
        self.connections.log.note("connect.change", f"{previous.account_id} {pending.account_id}")
        connection = self.connections.confirm(connection_id, self._offered(pending, previous, choices))
        try:
            self.complete(connection)
        except BillingError as error:
            log.warning("A change of accounts is not complete yet (%s); the next round goes on with it", error.code)
        return connection

    def complete(self, connection: Connection) -> None:
        """All that was chosen and is not done yet, also where the connection is over by now. Repeating it changes
        nothing. Raises ``ProviderError`` and ``Busy`` where some of it has to wait."""
        choices = connection.change
        if choices is None or connection.changed_at is not None:
            return
        previous = self.ledger.connections.get(choices.previous)
        for contact, customer in choices.customers.items():
            self._adopt_customer(connection, contact, customer)
        for service, product in choices.products.items():
            self._adopt_product(connection, service, product)
        if previous is not None and choices.free_drafts:
            self._free_drafts(previous)
        if previous is not None and connection.livemode and not previous.livemode:
            self._clear_statuses()
        if previous is not None and previous.livemode == connection.livemode and previous.ending is Ending.REPLACED:
            self._give_back(previous)
        self.ledger.connections.changed(connection.id, self.clock.now())

    def complete_all(self) -> int:
        """All that was chosen in any change of accounts and is not done yet: how many changes there were."""
        waiting = self.ledger.connections.unfinished_changes()
        for connection in waiting:
            if connection.livemode == self.connections.livemode:
                self.complete(connection)
        return len(waiting)

    def _give_back(self, previous: Connection) -> None:
        """The right to act for the account before, which nobody here uses any more; unless somebody has it, or may want
        it, by now. Last of all: what Stripe does not answer is asked again, what it refuses the admins hear."""
        if self.connections.shared.is_wanted(*previous.books):
            return
        try:
            self.connections.pending_provider(previous.account_id).deauthorise()
        except AccountGone:
            return
        except Refused as error:
            now, name = self.clock.now(), previous.account.name or previous.account_id
            words = {"account": name, "account_id": previous.account_id, "reason": error.message}
            self.connections.notices.add("not_given_back", previous.id, now, **words)
            self.connections.notices.tell()

    def _customers(self, pending: Connection, previous: Connection) -> tuple[Match, ...]:
        links = self.ledger.customers.all(previous.books)
        contacts = [contact for link in links if (contact := self.crm.contact(link.contact)) is not None]
        if not contacts:
            return ()
        provider = self.connections.pending_provider(pending.account_id)
        return match_customers(contacts, provider.list_customers(MOST_THINGS))

    def _services(self, pending: Connection) -> tuple[Match, ...]:
        services = [service for service in self.crm.services() if service.active]
        if not services:
            return ()
        provider = self.connections.pending_provider(pending.account_id)
        return match_services(services, provider.list_products(MOST_THINGS), self.ledger.business)

    def _offered(self, pending: Connection, previous: Connection, choices: AccountChoices) -> AccountChoices:
        """Only what is still a match: the choice comes back from a form, and things change at Stripe meanwhile."""
        customers = self._customers(pending, previous) if choices.customers else ()
        services = self._services(pending) if choices.products else ()
        return replace(
            choices, customers=_both(customers, choices.customers), products=_both(services, choices.products)
        )

    def _adopt_customer(self, connection: Connection, contact: str, customer: str) -> None:
        kind, _, key = contact.partition(":")
        link = self.ledger.customers.link(*connection.books, ContactRef(kind, key), self.clock.now())
        if link.customer_id is None:
            # Without a hash of what it was told, the first use brings it up to date.
            self.ledger.customers.linked(link.id, customer, "")

    def _adopt_product(self, connection: Connection, service: str, product: str) -> None:
        known = self.ledger.catalogue.entry(*connection.books, service)
        if known is None or known.product_id is None:
            found = self.crm.service(service)
            name, code = (found.name, found.code) if found else (service, "")
            entry = CatalogueEntry(service, name, code, SyncState.WAITING, product_id=product)
            self.ledger.catalogue.save(*connection.books, entry)

    def _free_drafts(self, previous: Connection) -> None:
        """Their work can be billed again, unless the customer has the invoice already: Stripe is asked while we still
        may. The drafts themselves stay at the old account."""
        chosen, cursor = InvoiceFilter(status=Status.DRAFT, books=previous.books), None
        drafts: list[Invoice] = []
        while True:
            page = self.ledger.invoices.page(chosen, cursor, AT_ONCE)
            drafts += page.rows
            if (cursor := page.older) is None:
                break
        for invoice in drafts:
            self._free_draft(previous, invoice)

    def _free_draft(self, previous: Connection, invoice: Invoice) -> None:
        """Nobody else works on it meanwhile. Raises ``Busy``."""
        with self.steps.alone(invoice.id):
            found = self.ledger.invoices.get(invoice.id)
            if found is None or found.status != Status.DRAFT or not self._is_draft(previous, found):
                return
            now = self.clock.now()
            left = TimelineEntry(now, "left_behind", self.connections.rights.actor.ref)
            self.ledger.invoices.abandon(invoice.id, now, [left])

    def _is_draft(self, previous: Connection, invoice: Invoice) -> bool:
        """What Stripe says, which is stored where it is news. Where it can't be asked any more, a draft that was to be
        sent may have been sent."""
        started = self.ledger.invoices.start_fetch(invoice.id, self.clock.now())
        try:
            remote = self.connections.pending_provider(previous.account_id).invoice(invoice.stripe_id or "")
        except (AccountGone, Refused):
            return not invoice.send
        if remote.status != Status.DRAFT:
            self.ledger.invoices.apply(invoice.id, remote, (), started, [])
        return remote.status == Status.DRAFT

    def _clear_statuses(self) -> None:
        """Work that was only tried out is not billed. What has been billed by now keeps its status."""
        refs = self._tested(False)
        for start in range(0, len(refs), AT_ONCE):
            some = refs[start : start + AT_ONCE]
            billed = self.ledger.invoices.of_billables(some, True)
            self.crm.set_billing_status([ref for ref in some if ref not in billed], "")

    def _tested(self, livemode: bool) -> list[str]:
        """Work that is on invoices of a mode."""
        found: list[str] = []
        while some := self.ledger.invoices.claimed(livemode, found[-1] if found else ""):
            found += some
        return [ref for ref in found if not ref.startswith(CLAIM)]


def match_customers(contacts: Iterable[Contact], there: Sequence[RemoteThing]) -> tuple[Match, ...]:
    """Contacts that the account knows already, by mail address. Where two have the same address, on either side, none
    is matched: the wrong customer would be billed."""
    by_mail = _unique((thing.email.casefold(), thing) for thing in there)
    ours = _unique(((contact.email or "").casefold(), contact) for contact in contacts)
    found = [(contact, by_mail[mail]) for mail, contact in ours.items() if mail and mail in by_mail]
    return tuple(Match(f"{contact.ref.kind}:{contact.ref.ref}", contact.name, thing) for contact, thing in found)


def match_services(services: Iterable[Service], there: Sequence[RemoteThing], business: str) -> tuple[Match, ...]:
    """Services that the account has as products already: made by a CRM for this very service, or of the same name."""
    marked = _unique((thing.metadata["crm_service"], thing) for thing in there if _is_marked(thing, business))
    named = _unique((thing.name.casefold(), thing) for thing in there)
    ours = _unique((service.name.casefold(), service) for service in services)
    found = []
    for name, service in ours.items():
        thing = marked.get(service.ref) or named.get(name)
        if thing is not None:
            found.append(Match(service.ref, service.name, thing))
    return tuple(found)


def _both(offered: Iterable[Match], chosen: Mapping[str, str]) -> dict[str, str]:
    """What was offered and chosen."""
    return {match.ref: match.there.id for match in offered if chosen.get(match.ref) == match.there.id}


def _is_marked(thing: RemoteThing, business: str) -> bool:
    return thing.metadata.get("crm_business") == business and "crm_service" in thing.metadata


def _unique(pairs: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    twice: set[str] = set()
    for key, value in pairs:
        twice |= {key} & found.keys()
        found[key] = value
    return {key: value for key, value in found.items() if key not in twice}
