"""Contacts linked to Stripe customers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_once
from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.invoices import LinkedCustomer

T = tables.customer


@dataclass(frozen=True)
class SqlCustomers:
    """``ports.ledger.CustomerStore``."""

    business: str
    database: Database

    def link(self, account_id: str, livemode: bool, contact: ContactRef, now: datetime) -> LinkedCustomer:
        """The link of this contact, made where there is none."""
        if (known := self.find(account_id, livemode, contact)) is not None:
            return known
        key = self._key(account_id, livemode, contact)
        with self.database.writing() as connection:
            insert_once(connection, T, dict(key, id=uuid.uuid4().hex, content_hash="", created_at=now))
            return _link_of(connection.execute(_select(key)).one())

    def find(self, account_id: str, livemode: bool, contact: ContactRef) -> LinkedCustomer | None:
        """The link of this contact, if there is one."""
        with self.database.reading() as connection:
            row = connection.execute(_select(self._key(account_id, livemode, contact))).first()
        return _link_of(row) if row is not None else None

    def linked(self, link_id: str, customer_id: str, content_hash: str) -> None:
        """Note the customer and what it was told. Raises ``NotFound``."""
        with self.database.writing() as connection:
            mine = (T.c.business == self.business, T.c.id == link_id)
            values = {"customer_id": customer_id, "content_hash": content_hash}
            if connection.execute(sa.update(T).where(*mine).values(**values)).rowcount != 1:
                raise NotFound("customer")

    def all(self, books: Books) -> list[LinkedCustomer]:
        """Every contact that has a customer there."""
        account_id, livemode = books
        mine = (T.c.business == self.business, T.c.account_id == account_id, T.c.livemode == livemode)
        linked = sa.select(T).where(*mine, T.c.customer_id.is_not(None)).order_by(T.c.row)
        with self.database.reading() as connection:
            return [_link_of(row) for row in connection.execute(linked)]

    def every(self, contact: ContactRef) -> list[str]:
        """Its customers on every account."""
        mine = (T.c.business == self.business, T.c.contact_kind == contact.kind, T.c.contact_ref == contact.ref)
        with self.database.reading() as connection:
            found = sa.select(T.c.customer_id).where(*mine, T.c.customer_id.is_not(None)).order_by(T.c.row)
            return list(connection.execute(found).scalars())

    def contact_of(self, account_id: str, livemode: bool, customer_id: str) -> ContactRef | None:
        """Whose customer this is."""
        mine = (T.c.account_id == account_id, T.c.livemode == livemode, T.c.business == self.business)
        with self.database.reading() as connection:
            row = connection.execute(sa.select(T).where(*mine, T.c.customer_id == customer_id)).first()
        return ContactRef(row.contact_kind, row.contact_ref) if row is not None else None

    def _key(self, account_id: str, livemode: bool, contact: ContactRef) -> dict[str, Any]:
        return {
            "business": self.business,
            "account_id": account_id,
            "livemode": livemode,
            "contact_kind": contact.kind,
            "contact_ref": contact.ref,
        }


def _select(key: dict[str, Any]) -> sa.Select[Any]:
    return sa.select(T).where(*(T.c[name] == value for name, value in key.items()))


def _link_of(row: sa.Row[Any]) -> LinkedCustomer:
    contact = ContactRef(row.contact_kind, row.contact_ref)
    return LinkedCustomer(row.id, contact, row.customer_id, row.content_hash, row.created_at)
