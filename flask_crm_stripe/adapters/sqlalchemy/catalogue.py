"""Services on one account and mode, with their prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_or_update
from flask_crm_stripe.model.catalogue import CatalogueEntry, SyncedPrice, SyncState

S, P = tables.service, tables.price


@dataclass(frozen=True)
class SqlCatalogue:
    """``ports.ledger.CatalogueStore``."""

    business: str
    database: Database

    def entries(self, account_id: str, livemode: bool) -> list[CatalogueEntry]:
        """All of them, by name."""
        return self._load(account_id, livemode)

    def entry(self, account_id: str, livemode: bool, service: str) -> CatalogueEntry | None:
        """One of them."""
        found = self._load(account_id, livemode, S.c.service_ref == service)
        return found[0] if found else None

    def products(self, account_id: str, livemode: bool, services: Sequence[str]) -> dict[str, str]:
        """Of those that have one, in one query."""
        mine = (S.c.business == self.business, S.c.account_id == account_id, S.c.livemode == livemode)
        there = (S.c.product_id.is_not(None), S.c.state != SyncState.ARCHIVED.value)
        wanted = sa.select(S.c.service_ref, S.c.product_id).where(*mine, *there, S.c.service_ref.in_(services))
        with self.database.reading() as connection:
            return {row.service_ref: row.product_id for row in connection.execute(wanted)}

    def save(self, account_id: str, livemode: bool, entry: CatalogueEntry) -> None:
        """Insert or replace; prices that are gone from the entry stay as history."""
        with self.database.writing() as connection:
            key = self._key(account_id, livemode, entry.service)
            insert_or_update(connection, S, key, _columns(entry))
            row = connection.execute(sa.select(S.c.row).where(*_equal(key))).scalar_one()
            self._save_prices(connection, row, account_id, livemode, entry.prices)

    def mark_waiting(self, account_id: str, livemode: bool, services: Sequence[tuple[str, str, str]]) -> None:
        """Note services that have something to be told; known ones keep their Stripe ids."""
        with self.database.writing() as connection:
            # In one order, so that two who mark the same services never wait for each other in a circle.
            for ref, code, name in sorted(services):
                key = self._key(account_id, livemode, ref)
                known = sa.update(S).where(*_equal(key)).values(code=code, name=name, state=SyncState.WAITING.value)
                if connection.execute(known).rowcount == 0:
                    entry = CatalogueEntry(ref, name, code, SyncState.WAITING)
                    insert_or_update(connection, S, key, _columns(entry))

    def _key(self, account_id: str, livemode: bool, service: str) -> dict[str, Any]:
        return {"business": self.business, "account_id": account_id, "livemode": livemode, "service_ref": service}

    def _save_prices(
        self, connection: sa.Connection, row: int, account_id: str, livemode: bool, prices: Sequence[SyncedPrice]
    ) -> None:
        current = [price.price_id for price in prices]
        connection.execute(
            sa.update(P).where(P.c.service_row == row, P.c.active, P.c.price_id.not_in(current)).values(active=False)
        )
        for price in prices:
            values = {"currency": price.currency, "amount": price.amount, "active": True}
            place = {"account_id": account_id, "livemode": livemode}
            insert_or_update(connection, P, {"service_row": row, "price_id": price.price_id}, place | values)

    def _load(self, account_id: str, livemode: bool, *conditions: Any) -> list[CatalogueEntry]:
        mine = (S.c.business == self.business, S.c.account_id == account_id, S.c.livemode == livemode, *conditions)
        with self.database.reading() as connection:
            services = connection.execute(sa.select(S).where(*mine).order_by(S.c.name, S.c.row)).all()
            prices = connection.execute(
                sa.select(P).join(S, S.c.row == P.c.service_row).where(*mine, P.c.active).order_by(P.c.currency)
            ).all()
        return [entry_of(row, [price for price in prices if price.service_row == row.row]) for row in services]


def entry_of(row: sa.Row[Any], prices: Sequence[sa.Row[Any]]) -> CatalogueEntry:
    """A service's row and those of its prices as a value."""
    return CatalogueEntry(
        service=row.service_ref,
        name=row.name,
        code=row.code,
        state=SyncState(row.state),
        product_id=row.product_id,
        content_hash=row.content_hash,
        prices=tuple(SyncedPrice(price.currency, price.amount, price.price_id) for price in prices),
        reason=row.reason,
        attempts=row.attempts,
        synced_at=row.synced_at,
        retry_at=row.retry_at,
    )


def _columns(entry: CatalogueEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "code": entry.code,
        "state": entry.state.value,
        "product_id": entry.product_id,
        "content_hash": entry.content_hash,
        "reason": entry.reason,
        "attempts": entry.attempts,
        "synced_at": entry.synced_at,
        "retry_at": entry.retry_at,
    }


def _equal(key: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [S.c[name] == value for name, value in key.items()]
