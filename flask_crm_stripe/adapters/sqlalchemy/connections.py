"""Connections and consents."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_once
from flask_crm_stripe.errors import AccountTaken, Conflict, NotFound
from flask_crm_stripe.model.codec import from_plain, to_plain
from flask_crm_stripe.model.connection import (
    Account,
    Connection,
    ConnectionKind,
    ConnectionState,
    Consent,
    Grant,
)
from flask_crm_stripe.ports.runtime import Vault

T = tables.connection
LIVE, PENDING, ENDED = ConnectionState.LIVE.value, ConnectionState.PENDING.value, ConnectionState.ENDED.value
EVENT = tables.event
FORGET_AFTER = timedelta(days=7)
LAST_EVENT = (
    sa.select(sa.func.max(EVENT.c.received_at))
    .where(EVENT.c.business == T.c.business, EVENT.c.account_id == T.c.account_id, EVENT.c.livemode == T.c.livemode)
    .scalar_subquery()
    .label("last_event_at")
)
SELECT = sa.select(T, LAST_EVENT)


@dataclass(frozen=True)
class SqlConnections:
    """``ports.ledger.ConnectionStore``."""

    business: str
    database: Database
    vault: Vault

    def live(self, livemode: bool) -> Connection | None:
        """The live connection in this mode."""
        return self._first(T.c.livemode == livemode, T.c.state == LIVE)

    def latest(self, livemode: bool) -> Connection | None:
        """The newest one that was ever live."""
        return self._first(T.c.livemode == livemode, T.c.state != PENDING)

    def get(self, connection_id: str) -> Connection | None:
        """One of ours."""
        return self._first(T.c.id == connection_id)

    def add_pending(self, grant: Grant, account: Account, fingerprint: str, actor: str, now: datetime) -> Connection:
        """Remember what came back; older pending ones of this mode are dropped."""
        values = {
            "id": uuid.uuid4().hex,
            "business": self.business,
            "account_id": account.id,
            "livemode": grant.livemode,
            "kind": ConnectionKind.OAUTH.value,
            "state": PENDING,
            "fingerprint": fingerprint,
            "scope": grant.scope,
            "account": to_plain(account),
            "secrets": self.vault.seal(json.dumps(grant.secrets).encode()) if grant.secrets else None,
            "connected_by": actor,
            "connected_at": now,
        }
        with self.database.writing() as connection:
            connection.execute(sa.delete(T).where(*self._pending(grant.livemode)))
            connection.execute(sa.insert(T).values(**values))
            return self._need(connection, str(values["id"]))

    def confirm(self, connection_id: str, actor: str, now: datetime) -> Connection:
        """Pending to live, replacing our live one on the same account."""
        try:
            with self.database.writing() as connection:
                return self._confirm(connection, connection_id, actor, now)
        except IntegrityError:
            # Somebody confirmed at the same moment and the unique index chose; what stands now says why.
            with self.database.reading() as connection:
                self._check_free(connection, self._need(connection, connection_id))
            raise Conflict(
                "Somebody else connected at the same moment. Reload the page to see what it is now."
            ) from None

    def drop_pending(self, connection_id: str) -> None:
        """Forget one that nobody confirmed."""
        with self.database.writing() as connection:
            connection.execute(
                sa.delete(T).where(T.c.business == self.business, T.c.id == connection_id, T.c.state == PENDING)
            )

    def end(self, connection_id: str, actor: str, reason: str, now: datetime) -> None:
        """Live to ended, secrets erased."""
        with self.database.writing() as connection:
            self._end(connection, T.c.id == connection_id, actor, reason, now)

    def refresh(self, connection_id: str, account: Account) -> None:
        """Store what Stripe now says about the account."""
        with self.database.writing() as connection:
            connection.execute(
                sa.update(T)
                .where(T.c.business == self.business, T.c.id == connection_id, T.c.account_id == account.id)
                .values(account=to_plain(account))
            )

    def _confirm(self, connection: sa.Connection, connection_id: str, actor: str, now: datetime) -> Connection:
        found = self._need(connection, connection_id)
        if found.state is not ConnectionState.PENDING:
            raise Conflict("This connection was confirmed or ended already. Reload the page to see how it stands.")
        self._check_free(connection, found)
        same = sa.and_(T.c.livemode == found.livemode, T.c.account_id == found.account_id)
        self._end(connection, same, actor, "replaced", now)
        result = connection.execute(
            sa.update(T)
            .where(T.c.id == connection_id, T.c.state == PENDING)
            .values(state=LIVE, connected_by=actor, connected_at=now)
        )
        if result.rowcount != 1:
            raise Conflict("This connection was confirmed or dropped at the same moment. Reload the page.")
        return self._need(connection, connection_id)

    def _check_free(self, connection: sa.Connection, found: Connection) -> None:
        statement = sa.select(T.c.business, T.c.account_id).where(T.c.livemode == found.livemode, T.c.state == LIVE)
        ours = connection.execute(statement.where(T.c.business == self.business)).first()
        if ours is not None and ours.account_id != found.account_id:
            raise Conflict("This business is connected to another Stripe account. Disconnect that one first.")
        owner = connection.execute(statement.where(T.c.account_id == found.account_id)).first()
        if owner is not None and owner.business != self.business:
            raise AccountTaken

    def _end(self, connection: sa.Connection, which: Any, actor: str, reason: str, now: datetime) -> None:
        connection.execute(
            sa.update(T)
            .where(T.c.business == self.business, T.c.state == LIVE, which)
            .values(state=ENDED, secrets=None, ended_at=now, ended_by=actor, ended_reason=reason)
        )

    def _pending(self, livemode: bool) -> tuple[Any, ...]:
        return T.c.business == self.business, T.c.livemode == livemode, T.c.state == PENDING

    def _need(self, connection: sa.Connection, connection_id: str) -> Connection:
        row = connection.execute(SELECT.where(T.c.business == self.business, T.c.id == connection_id)).first()
        if row is None:
            raise NotFound("connection")
        return connection_of(row)

    def _first(self, *conditions: Any) -> Connection | None:
        with self.database.reading() as connection:
            statement = SELECT.where(T.c.business == self.business, *conditions).order_by(T.c.row.desc()).limit(1)
            row = connection.execute(statement).first()
        return connection_of(row) if row is not None else None


def live_connection(database: Database, account_id: str, livemode: bool) -> Connection | None:
    """Whose account this is."""
    with database.reading() as connection:
        where = (T.c.account_id == account_id, T.c.livemode == livemode, T.c.state == LIVE)
        row = connection.execute(SELECT.where(*where)).first()
    return connection_of(row) if row is not None else None


def live_connections(database: Database) -> list[Connection]:
    """Every live connection, of all businesses."""
    with database.reading() as connection:
        rows = connection.execute(SELECT.where(T.c.state == LIVE).order_by(T.c.row)).all()
    return [connection_of(row) for row in rows]


def start_consent(database: Database, state_hash: str, consent: Consent, now: datetime) -> None:
    """Remember a started flow under the digest of its secret."""
    with database.writing() as connection:
        connection.execute(sa.delete(tables.consent).where(tables.consent.c.expires_at < now - FORGET_AFTER))
        values = dict(to_plain(consent), state_hash=state_hash, started_at=now, expires_at=consent.expires_at)
        if not insert_once(connection, tables.consent, values):
            raise Conflict("This sign-in was started already. Please start again.")


def claim_consent(database: Database, state_hash: str, now: datetime) -> Consent | None:
    """The consent, to the first who asks in time."""
    table = tables.consent
    mine = (table.c.state_hash == state_hash, table.c.claimed_at.is_(None), table.c.expires_at > now)
    with database.writing() as connection:
        if connection.execute(sa.update(table).where(*mine).values(claimed_at=now)).rowcount != 1:
            return None
        row = connection.execute(sa.select(table).where(table.c.state_hash == state_hash)).one()
    return Consent(row.business, row.actor, row.session, row.livemode, row.expires_at)


def connection_of(row: sa.Row[Any]) -> Connection:
    """A row as a value."""
    return Connection(
        id=row.id,
        business=row.business,
        account=from_plain(Account, row.account),
        livemode=row.livemode,
        kind=ConnectionKind(row.kind),
        state=ConnectionState(row.state),
        fingerprint=row.fingerprint,
        scope=row.scope,
        connected_by=row.connected_by,
        connected_at=row.connected_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        ended_reason=row.ended_reason,
        last_event_at=row.last_event_at,
    )
