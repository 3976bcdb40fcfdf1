"""A business lets go of its Stripe account: first it sees what is open, and what happens to each of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.environment import check_reason
from flask_crm_stripe.errors import AccountGone, Conflict, ProviderError, Unreachable
from flask_crm_stripe.model.business import CONNECT
from flask_crm_stripe.model.catalogue import SyncState
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.connection import Books, Connection, Ending, RemoteSubscription
from flask_crm_stripe.model.invoices import Invoice, InvoiceFilter, Outstanding, Status
from flask_crm_stripe.model.log import FAILED
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock

SHOWN = 20
MOST_SUBSCRIPTIONS = 200
DEED = "disconnect the Stripe account"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription of one of our customers that goes on at Stripe."""

    contact_name: str
    at_stripe: RemoteSubscription


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is open on an account. ``subscriptions`` is None where Stripe did not tell; ``open_rows``, ``draft_rows``
    and ``unfinished`` are the newest of each, at most SHOWN."""

    connection: Connection
    outstanding: tuple[Outstanding, ...]
    open_count: int
    open_rows: tuple[Invoice, ...]
    draft_count: int
    draft_rows: tuple[Invoice, ...]
    unfinished: tuple[Invoice, ...]
    waiting_services: int
    waiting_events: int
    waiting_approvals: int
    subscriptions: tuple[Subscription, ...] | None

    def seen(self) -> str:
        """A digest of what a person is shown: if it is another when they press the button, they look again."""
        subscriptions = None if self.subscriptions is None else [each.at_stripe.id for each in self.subscriptions]
        counts = [self.open_count, self.draft_count, self.waiting_services, self.waiting_approvals]
        sums = [(row.currency, row.amount) for row in self.outstanding]
        return digest([self.connection.id, counts, sums, [each.id for each in self.unfinished], subscriptions])


@dataclass(frozen=True)
class Disconnection:
    """Looking at what is open, and disconnecting."""

    connections: Connections
    ledger: Ledger
    clock: Clock

    def preview(self) -> Leaving:
        """What is open now. Raises ``NotConnected``."""
        self.connections.rights.require(CONNECT, DEED)
        return self.left(self.connections.require_live())

    def left(self, connection: Connection) -> Leaving:
        """What is open on the account of a connection, live or not."""
        asked = self._subscriptions(connection) if connection == self.connections.live() else None
        return leaving(self.ledger, connection, asked, self._unfinished(connection.books))

    def carry_out(self, reason: str) -> None:
        """Revoke at Stripe, erase what is secret, keep the history. Already revoked at Stripe is as good.

        Who wants it and why is noted before Stripe is asked. Raises ``InvalidInput`` without a reason, and
        ``ProviderError`` where Stripe did not do it, or did not answer: then it can be tried again.
        """
        self.connections.rights.require(CONNECT, DEED)
        reason, connection = check_reason(reason), self.connections.require_live()
        self.connections.environment.require_real(DEED)
        log = self.connections.log
        since = len(log.trace)
        self.ledger.connections.leave(connection.id, log.actor.ref, reason)
        try:
            self.connections.provider().deauthorise()
        except AccountGone:
            return  # The line has ended it.
        except ProviderError as error:
            if not error.unknown:
                self.ledger.connections.stay(connection.id)
            log.note("disconnect", connection.account_id, FAILED, error.code, since)
            raise
        self.connections.end(connection, Ending.DISCONNECTED, reason)

    def _unfinished(self, books: Books) -> Sequence[Invoice]:
        return self.ledger.invoices.unfinished(books, self.clock.now(), SHOWN)

    def _subscriptions(self, connection: Connection) -> tuple[Subscription, ...] | None:
        """Those of customers that were made here: what others the account has, this CRM never saw anyway."""
        known = {link.customer_id: link.contact for link in self.ledger.customers.all(connection.books)}
        if not known:
            return ()
        try:
            found = self.connections.provider().list_subscriptions(MOST_SUBSCRIPTIONS)
        except AccountGone as error:
            raise Conflict("Stripe has ended this connection already. Reload the page.") from error
        except (Unreachable, ProviderError):
            return None
        names = self._names([each.customer for each in found if each.customer in known])
        return tuple(Subscription(names[each.customer], each) for each in found if each.customer in names)

    def _names(self, customers: Sequence[str]) -> dict[str, str]:
        links = {link.customer_id: link.contact for link in self.ledger.customers.all(self.connections.books())}
        found = {}
        for customer in dict.fromkeys(customers):
            newest = self.ledger.invoices.page(InvoiceFilter(contact=links[customer]), None, 1).rows
            found[customer] = newest[0].contact_name if newest else f"{links[customer].kind} {links[customer].ref}"
        return found


def leaving(
    ledger: Ledger,
    connection: Connection,
    subscriptions: tuple[Subscription, ...] | None,
    unfinished: Sequence[Invoice],
) -> Leaving:
    """What is open on the account of a connection."""
    books = connection.books
    is_open, is_draft = (InvoiceFilter(status=word, books=books) for word in (Status.OPEN, Status.DRAFT))
    entries = ledger.catalogue.entries(*books)
    sums = ledger.invoices.outstanding(is_open, connection.connected_at)
    return Leaving(
        connection,
        tuple(row for row in sums if row.count),
        sum(row.count for row in sums),
        ledger.invoices.page(is_open, None, SHOWN).rows,
        ledger.invoices.count(is_draft),
        ledger.invoices.page(is_draft, None, SHOWN).rows,
        tuple(unfinished),
        sum(entry.state in (SyncState.WAITING, SyncState.FAILED) for entry in entries),
        ledger.events.counts().get("waiting", 0),
        len(ledger.approvals.waiting()),
        subscriptions,
    )
