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
from flask_crm_stripe.adapters.sqlalchemy.notices import add_notice
from flask_crm_stripe.errors import AccountTaken, Conflict, NotFound
from flask_crm_stripe.model.codec import from_plain, to_plain
from flask_crm_stripe.model.connection import (
    REPLACED_WORDS,
    Account,
    AccountChoices,
    Books,
    Connection,
    ConnectionKind,
    ConnectionState,
    Consent,
    Ending,
    Grant,
)
from flask_crm_stripe.model.notices import Notice
from flask_crm_stripe.ports.runtime import Vault

T = tables.connection
LIVE, PENDING, ENDED = ConnectionState.LIVE.value, ConnectionState.PENDING.value, ConnectionState.ENDED.value
DROPPED = ConnectionState.DROPPED.value
EVER = T.c.state.in_((LIVE, ENDED))
EVENT = tables.event
FORGET_AFTER = timedelta(days=7)
GIVEN_UP: dict[str, Any] = {"state": DROPPED, "secrets": None, "key_id": None}
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
        return self._first(T.c.livemode == livemode, EVER)

    def get(self, connection_id: str) -> Connection | None:
        """One of ours."""
        return self._first(T.c.id == connection_id)

    def of(self, books: Books) -> Connection | None:
        """The newest one with this account and mode that was ever live."""
        account_id, livemode = books
        return self._first(T.c.account_id == account_id, T.c.livemode == livemode, EVER)

    def history(self) -> list[Connection]:
        """The newest of each account and mode, newest first."""
        newest = sa.select(sa.func.max(T.c.row)).where(T.c.business == self.business, EVER)
        rows = newest.group_by(T.c.account_id, T.c.livemode)
        with self.database.reading() as connection:
            found = connection.execute(SELECT.where(T.c.row.in_(rows)).order_by(T.c.row.desc())).all()
        return [connection_of(row) for row in found]

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
            "secrets": self.vault.seal(json.dumps(dict(grant.secrets)).encode()) if grant.secrets else None,
            "key_id": self.vault.current if grant.secrets else None,
            "connected_by": actor,
            "connected_at": now,
        }
        with self.database.writing() as connection:
            connection.execute(sa.update(T).where(*self._pending(grant.livemode)).values(**GIVEN_UP))
            connection.execute(sa.insert(T).values(**values))
            return self._need(connection, str(values["id"]))

    def confirm(
        self, connection_id: str, actor: str, now: datetime, change: AccountChoices | None = None
    ) -> Connection:
        """Pending to live, replacing our live one on the same account, or the one that ``change`` names."""
        try:
            with self.database.writing() as connection:
                return self._confirm(connection, connection_id, actor, now, change)
        except IntegrityError:
            # Somebody confirmed at the same moment and the unique index chose; what stands now says why.
            with self.database.reading() as connection:
                self._check_free(connection, self._need(connection, connection_id), change)
            raise Conflict(
                "Somebody else connected at the same moment. Reload the page to see what it is now."
            ) from None

    def changed(self, connection_id: str, now: datetime) -> None:
        """All that was chosen is done."""
        self._update(connection_id, EVER, changed_at=now)

    def unfinished_changes(self) -> list[Connection]:
        """Not all that was chosen is done, oldest first."""
        mine = (T.c.business == self.business, EVER, T.c.change.is_not(None), T.c.changed_at.is_(None))
        with self.database.reading() as connection:
            return [connection_of(row) for row in connection.execute(SELECT.where(*mine).order_by(T.c.row))]

    def drop_pending(self, connection_id: str) -> bool:
        """Nobody wants it: whether it was pending until now."""
        with self.database.writing() as connection:
            mine = (T.c.business == self.business, T.c.id == connection_id, T.c.state == PENDING)
            return connection.execute(sa.update(T).where(*mine).values(**GIVEN_UP)).rowcount == 1

    def forget_dropped(self, connection_id: str) -> None:
        """It was given back."""
        with self.database.writing() as connection:
            mine = (T.c.business == self.business, T.c.id == connection_id, T.c.state == DROPPED)
            connection.execute(sa.delete(T).where(*mine))

    def leave(self, connection_id: str, actor: str, reason: str) -> None:
        """Who wants to disconnect, and why."""
        self._update(connection_id, T.c.state == LIVE, leaving_by=actor, leaving_reason=reason)

    def stay(self, connection_id: str) -> None:
        """Nobody wants to disconnect any more."""
        self._update(connection_id, T.c.state == LIVE, leaving_by=None, leaving_reason=None)

    def end(
        self, connection_id: str, actor: str, ending: Ending, reason: str, now: datetime, notice: Notice
    ) -> Connection | None:
        """Live to ended, secrets erased, the notice kept."""
        with self.database.writing() as connection:
            if not self._end(connection, T.c.id == connection_id, actor, ending, reason, now):
                return None
            add_notice(connection, self.business, notice)
            return self._need(connection, connection_id)

    def refresh(self, connection_id: str, account: Account) -> bool:
        """Store what Stripe says about the account, unless what is stored was asked later."""
        with self.database.writing() as connection:
            mine = (T.c.business == self.business, T.c.id == connection_id, T.c.account_id == account.id)
            row = connection.execute(sa.select(T.c.account).where(*mine).with_for_update()).first()
            if row is None or _is_newer(from_plain(Account, row.account), account):
                return False
            connection.execute(sa.update(T).where(*mine).values(account=to_plain(account)))
            return True

    def _update(self, connection_id: str, condition: Any, **values: Any) -> None:
        with self.database.writing() as connection:
            mine = (T.c.business == self.business, T.c.id == connection_id, condition)
            connection.execute(sa.update(T).where(*mine).values(**values))

    def _confirm(
        self, connection: sa.Connection, connection_id: str, actor: str, now: datetime, change: AccountChoices | None
    ) -> Connection:
        found = self._need(connection, connection_id)
        if found.state is not ConnectionState.PENDING:
            raise Conflict("This connection was confirmed or ended already. Reload the page to see how it stands.")
        self._check_free(connection, found, change)
        # All that may still be live here: the same account, or the one that is replaced.
        self._end(connection, T.c.livemode == found.livemode, actor, Ending.REPLACED, REPLACED_WORDS, now)
        values = {"state": LIVE, "connected_by": actor, "connected_at": now, "change": to_plain(change)}
        result = connection.execute(sa.update(T).where(T.c.id == connection_id, T.c.state == PENDING).values(**values))
        if result.rowcount != 1:
            raise Conflict("This connection was confirmed or dropped at the same moment. Reload the page.")
        return self._need(connection, connection_id)

    def _check_free(self, connection: sa.Connection, found: Connection, change: AccountChoices | None) -> None:
        columns = (T.c.business, T.c.account_id, T.c.id)
        statement = sa.select(*columns).where(T.c.livemode == found.livemode, T.c.state == LIVE)
        ours = connection.execute(statement.where(T.c.business == self.business)).first()
        replaced = change is not None and ours is not None and ours.id == change.previous
        if ours is not None and ours.account_id != found.account_id and not replaced:
            raise Conflict("This business is connected to another Stripe account. Disconnect that one first.")
        owner = connection.execute(statement.where(T.c.account_id == found.account_id)).first()
        if owner is not None and owner.business != self.business:
            raise AccountTaken

    def _end(
        self, connection: sa.Connection, which: Any, actor: str, ending: Ending, reason: str, now: datetime
    ) -> bool:
        """Whoever wanted to disconnect stands there, whoever noticed that it is done."""
        values = {
            "state": ENDED,
            "ending": sa.case((T.c.leaving_by.is_not(None), _leaving(ending)), else_=ending.value),
            "secrets": None,
            "key_id": None,
            "ended_at": now,
            "ended_by": sa.func.coalesce(T.c.leaving_by, actor),
            "ended_reason": sa.func.coalesce(T.c.leaving_reason, reason),
        }
        mine = sa.update(T).where(T.c.business == self.business, T.c.state == LIVE, which)
        return connection.execute(mine.values(**values)).rowcount > 0

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


def is_wanted(database: Database, account_id: str, livemode: bool) -> bool:
    """Whether anybody has the account live, or waiting for a word."""
    where = (T.c.account_id == account_id, T.c.livemode == livemode, T.c.state.in_((LIVE, PENDING)))
    with database.reading() as connection:
        return connection.execute(sa.select(T.c.row).where(*where).limit(1)).first() is not None


def dropped(database: Database, livemode: bool, before: datetime) -> list[Connection]:
    """What has to be given back to Stripe; what nobody confirmed in time is dropped now."""
    with database.writing() as connection:
        late = (T.c.state == PENDING, T.c.livemode == livemode, T.c.connected_at < before)
        connection.execute(sa.update(T).where(*late).values(**GIVEN_UP))
        rows = connection.execute(SELECT.where(T.c.state == DROPPED, T.c.livemode == livemode).order_by(T.c.row))
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
        ending=Ending(row.ending) if row.ending else None,
        last_event_at=row.last_event_at,
        leaving_by=row.leaving_by,
        leaving_reason=row.leaving_reason,
        change=from_plain(AccountChoices, row.change) if row.change else None,
        changed_at=row.changed_at,
    )


def _leaving(ending: Ending) -> str:
    """Gone after somebody wanted to go is what they wanted; one that is replaced is replaced."""
    return (Ending.DISCONNECTED if ending is Ending.GONE else ending).value


def _is_newer(stored: Account, given: Account) -> bool:
    return stored.checked_at is not None and given.checked_at is not None and stored.checked_at > given.checked_at
