"""Whose invoices are looked at: those of the account that is connected now, or of an earlier one. Never both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.model.connection import Books, Connection, ConnectionState
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.web.formats import Formats


@dataclass(frozen=True, slots=True)
class Shelf:
    """An account and mode whose invoices can be looked at; ``key`` stands in addresses."""

    key: str
    connection: Connection

    @property
    def name(self) -> str:
        """What the account is called at Stripe."""
        return self.connection.account.name or self.connection.account_id


@dataclass(frozen=True, slots=True)
class Known:
    """The day up to which something is known. ``ended`` says that it is because the account was disconnected; else it
    is of the other mode, of which nothing is heard now."""

    day: date
    ended: bool


def key_of(books: Books) -> str:
    """``acct_1.live``."""
    account, livemode = books
    return f"{account}.{'live' if livemode else 'test'}"


def shelves(billing: Billing) -> list[Shelf]:
    """Every account and mode of the business, newest first."""
    return [Shelf(key_of(each.books), each) for each in billing.ledger.connections.history()]


def chosen_books(billing: Billing, given: Mapping[str, str]) -> Books:
    """The one that a page was asked for; the current one where it was asked for none that is known. Before there is
    one in this mode, the newest of the other mode: its history is all there is."""
    wanted, latest = given.get("account", ""), billing.connection.latest()
    known = shelves(billing) if wanted or latest is None else []
    for shelf in known:
        if shelf.key == wanted:
            return shelf.connection.books
    return known[0].connection.books if latest is None and known else billing.connection.books()


class AsOf:
    """Up to when what is shown is known: asked once for each account of a page."""

    def __init__(self, billing: Billing, f: Formats) -> None:
        self._billing, self._f = billing, f
        self._known: dict[Books, Known | None] = {}

    def of(self, invoice: Invoice) -> Known | None:
        """Of an invoice; None where news of it still arrives."""
        return self.of_books(invoice.books)

    def of_books(self, books: Books) -> Known | None:
        """Of everything on an account."""
        if books not in self._known:
            self._known[books] = self._find(books)
        return self._known[books]

    def _find(self, books: Books) -> Known | None:
        found = self._billing.ledger.connections.of(books)
        if found is None:
            return None
        if found.state is ConnectionState.ENDED and found.ended_at:
            return Known(self._f.local_day(found.ended_at), ended=True)
        if found.livemode != self._billing.livemode:
            heard = found.last_event_at or found.account.checked_at or found.connected_at
            return Known(self._f.local_day(heard), ended=False)
        return None
