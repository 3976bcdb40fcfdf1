"""The webhook endpoints that we made. Their signing secrets are sealed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_once, insert_or_update
from flask_crm_stripe.errors import SecretUnreadable
from flask_crm_stripe.model.business import SYSTEM
from flask_crm_stripe.model.codec import from_plain, to_plain
from flask_crm_stripe.model.endpoints import EndpointHealth, OwnEndpoint, RemoteEndpoint
from flask_crm_stripe.ports.runtime import Vault

T = tables.endpoint
EVERYBODY = "*"
HEALTH = {False: "endpoint.test", True: "endpoint.live"}


@dataclass(frozen=True)
class SqlEndpoints:
    """``ports.ledger.EndpointStore``."""

    database: Database
    vault: Vault

    def all(self, livemode: bool) -> list[OwnEndpoint]:
        """Newest first."""
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(T).where(T.c.livemode == livemode).order_by(T.c.row.desc()))
            return [
                OwnEndpoint(
                    row.endpoint_id, row.livemode, row.url, row.api_version, row.made_by, row.made_at, row.leaving_at
                )
                for row in rows
            ]

    def secrets(self) -> list[str]:
        """What signs our endpoints' deliveries; one that cannot be read any more is left out."""
        with self.database.reading() as connection:
            sealed = list(connection.execute(sa.select(T.c.secret).where(T.c.secret.is_not(None))).scalars())
        found = []
        for each in sealed:
            try:
                found.append(self.vault.open(each).decode())
            except SecretUnreadable:
                continue
        return found

    def add(self, made: RemoteEndpoint, livemode: bool, actor: str, now: datetime) -> None:
        """Remember one that we made, with its secret."""
        values = {
            "endpoint_id": made.id,
            "livemode": livemode,
            "url": made.url,
            "api_version": made.api_version or "",
            "secret": self.vault.seal((made.secret or "").encode()) if made.secret else None,
            "key_id": self.vault.current if made.secret else None,
            "made_by": actor,
            "made_at": now,
        }
        with self.database.writing() as connection:
            insert_once(connection, T, values)

    def note_health(self, livemode: bool, health: EndpointHealth) -> None:
        """What a look at Stripe found."""
        key = HEALTH[livemode]
        values = {"value": json.dumps(to_plain(health)), "saved_by": SYSTEM.ref, "saved_at": health.checked_at}
        with self.database.writing() as connection:
            insert_or_update(connection, tables.setting, {"business": EVERYBODY, "key": key}, values)

    def health(self, livemode: bool) -> EndpointHealth | None:
        """What the last look found."""
        table = tables.setting
        mine = (table.c.business == EVERYBODY, table.c.key == HEALTH[livemode])
        with self.database.reading() as connection:
            found = connection.execute(sa.select(table.c.value).where(*mine)).scalar()
        return from_plain(EndpointHealth, json.loads(found)) if found else None

    def leaving(self, endpoint_id: str, at: datetime) -> None:
        """It is to be deleted then."""
        with self.database.writing() as connection:
            mine = (T.c.endpoint_id == endpoint_id, T.c.leaving_at.is_(None))
            connection.execute(sa.update(T).where(*mine).values(leaving_at=at))

    def drop(self, endpoint_id: str) -> None:
        """It is gone, and with it its secret."""
        with self.database.writing() as connection:
            connection.execute(sa.delete(T).where(T.c.endpoint_id == endpoint_id))
