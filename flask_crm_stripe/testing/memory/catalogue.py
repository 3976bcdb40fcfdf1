"""Services and customers, in memory."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.catalogue import CatalogueEntry, SyncState
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.invoices import LinkedCustomer
from flask_crm_stripe.testing.memory.state import Customer, State


@dataclass(frozen=True)
class MemoryCatalogue:
    """``ports.ledger.CatalogueStore``."""

    business: str
    state: State

    def entries(self, account_id: str, livemode: bool) -> list[CatalogueEntry]:
        """All of them, by name."""
        with self.state.lock:
            place = (self.business, account_id, livemode)
            found = [entry for key, entry in self.state.services.items() if key[:3] == place]
        return sorted(found, key=lambda entry: entry.name)

    def entry(self, account_id: str, livemode: bool, service: str) -> CatalogueEntry | None:
        """One of them."""
        with self.state.lock:
            return self.state.services.get((self.business, account_id, livemode, service))

    def products(self, account_id: str, livemode: bool, services: Sequence[str]) -> dict[str, str]:
        """Of those that have one."""
        entries = [entry for entry in self.entries(account_id, livemode) if entry.service in services]
        there = [entry for entry in entries if entry.state is not SyncState.ARCHIVED]
        return {entry.service: entry.product_id for entry in there if entry.product_id is not None}

    def save(self, account_id: str, livemode: bool, entry: CatalogueEntry) -> None:
        """Insert or replace."""
        prices = tuple(sorted(entry.prices, key=lambda price: price.currency))
        with self.state.lock:
            place = (self.business, account_id, livemode, entry.service)
            self.state.services[place] = replace(entry, prices=prices)

    def mark_waiting(self, account_id: str, livemode: bool, services: Sequence[tuple[str, str, str]]) -> None:
        """Note services that have something to be told; known ones keep their Stripe ids."""
        with self.state.lock:
            for ref, code, name in services:
                known = self.entry(account_id, livemode, ref) or CatalogueEntry(ref, name, code, SyncState.WAITING)
                waiting = replace(known, name=name, code=code, state=SyncState.WAITING)
                self.save(account_id, livemode, waiting)


@dataclass(frozen=True)
class MemoryCustomers:
    """``ports.ledger.CustomerStore``."""

    business: str
    state: State

    def link(self, account_id: str, livemode: bool, contact: ContactRef, now: datetime) -> LinkedCustomer:
        """The link of this contact, made where there is none."""
        with self.state.lock:
            found = self.find(account_id, livemode, contact)
            if found is not None:
                return found
            made = LinkedCustomer(uuid.uuid4().hex, contact, None, "", now)
            self.state.customers.append(Customer(self.business, account_id, livemode, contact, made))
            return made

    def find(self, account_id: str, livemode: bool, contact: ContactRef) -> LinkedCustomer | None:
        """The link of this contact, if there is one."""
        with self.state.lock:
            here = self._here(account_id, livemode)
            return next((each.link for each in here if each.contact == contact), None)

    def linked(self, link_id: str, customer_id: str, content_hash: str) -> None:
        """Note the customer and what it was told. Raises ``NotFound``."""
        with self.state.lock:
            for each in self.state.customers:
                if each.business == self.business and each.link.id == link_id:
                    each.link = replace(each.link, customer_id=customer_id, content_hash=content_hash)
                    return
        raise NotFound("customer")

    def all(self, books: Books) -> list[LinkedCustomer]:
        """Every contact that has a customer there."""
        with self.state.lock:
            return [each.link for each in self._here(*books) if each.link.customer_id is not None]

    def every(self, contact: ContactRef) -> list[str]:
        """Its customers on every account."""
        with self.state.lock:
            mine = [c for c in self.state.customers if (c.business, c.contact) == (self.business, contact)]
            return [each.link.customer_id for each in mine if each.link.customer_id is not None]

    def contact_of(self, account_id: str, livemode: bool, customer_id: str) -> ContactRef | None:
        """Whose customer this is."""
        with self.state.lock:
            here = self._here(account_id, livemode)
            return next((each.contact for each in here if each.link.customer_id == customer_id), None)

    def _here(self, account_id: str, livemode: bool) -> list[Customer]:
        place = (self.business, account_id, livemode)
        return [each for each in self.state.customers if (each.business, each.account_id, each.livemode) == place]
