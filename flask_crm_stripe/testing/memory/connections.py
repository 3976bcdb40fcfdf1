"""Connections, in memory. Secrets are not kept: nothing here could encrypt them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.errors import AccountTaken, Conflict, NotFound
from flask_crm_stripe.model.connection import (
    REPLACED_WORDS,
    Account,
    AccountChoices,
    Books,
    Connection,
    ConnectionKind,
    ConnectionState,
    Ending,
    Grant,
)
from flask_crm_stripe.model.notices import Notice
from flask_crm_stripe.testing.memory.notices import MemoryNotices
from flask_crm_stripe.testing.memory.state import State

LIVE, PENDING, ENDED = ConnectionState.LIVE, ConnectionState.PENDING, ConnectionState.ENDED
DROPPED = ConnectionState.DROPPED
EVER = (LIVE, ENDED)


@dataclass(frozen=True)
class MemoryConnections:
    """``ports.ledger.ConnectionStore``."""

    business: str
    state: State

    def live(self, livemode: bool) -> Connection | None:
        """The live connection in this mode."""
        return self._newest(livemode, LIVE)

    def latest(self, livemode: bool) -> Connection | None:
        """The newest one that was ever live."""
        return self._newest(livemode, LIVE, ENDED)

    def get(self, connection_id: str) -> Connection | None:
        """One of ours."""
        with self.state.lock:
            found = self._ours(connection_id)
            return dated(self.state, found) if found else None

    def of(self, books: Books) -> Connection | None:
        """The newest one with this account and mode that was ever live."""
        return next((each for each in self.history() if each.books == books), None)

    def history(self) -> list[Connection]:
        """The newest of each account and mode, newest first."""
        with self.state.lock:
            mine = [each for each in self.state.connections.values() if each.business == self.business]
            newest = {each.books: each for each in mine if each.state in EVER}
            order = [each for each in reversed(mine) if newest.get(each.books) is each]
            return [dated(self.state, each) for each in order]

    def add_pending(self, grant: Grant, account: Account, fingerprint: str, actor: str, now: datetime) -> Connection:
        """Remember what came back; older pending ones of this mode are dropped."""
        made = Connection(
            id=uuid.uuid4().hex,
            business=self.business,
            account=account,
            livemode=grant.livemode,
            kind=ConnectionKind.OAUTH,
            state=PENDING,
            fingerprint=fingerprint,
            scope=grant.scope,
            connected_by=actor,
            connected_at=now,
        )
        with self.state.lock:
            for old in self._all(grant.livemode, PENDING):
                self.state.connections[old.id] = replace(old, state=DROPPED)
            self.state.connections[made.id] = made
            return dated(self.state, made)

    def confirm(
        self, connection_id: str, actor: str, now: datetime, change: AccountChoices | None = None
    ) -> Connection:
        """Pending to live, replacing our live one on the same account, or the one that ``change`` names."""
        with self.state.lock:
            found = self._ours(connection_id)
            if found is None:
                raise NotFound("connection")
            if found.state is not PENDING:
                raise Conflict("This connection was confirmed or ended already. Reload the page to see how it stands.")
            self._check_free(found, change)
            for old in self._all(found.livemode, LIVE):
                self.state.connections[old.id] = ended(old, actor, Ending.REPLACED, REPLACED_WORDS, now)
            made = replace(found, state=LIVE, connected_by=actor, connected_at=now, change=change)
            self.state.connections[made.id] = made
            return dated(self.state, made)

    def changed(self, connection_id: str, now: datetime) -> None:
        """All that was chosen is done."""
        with self.state.lock:
            found = self._ours(connection_id)
            if found is not None and found.state in EVER:
                self.state.connections[connection_id] = replace(found, changed_at=now)

    def unfinished_changes(self) -> list[Connection]:
        """Not all that was chosen is done, oldest first."""
        with self.state.lock:
            mine = [each for each in self.state.connections.values() if each.business == self.business]
        return [each for each in mine if each.state in EVER and each.change and each.changed_at is None]

    def drop_pending(self, connection_id: str) -> bool:
        """Nobody wants it: whether it was pending until now."""
        with self.state.lock:
            found = self._ours(connection_id)
            if found is None or found.state is not PENDING:
                return False
            self.state.connections[connection_id] = replace(found, state=DROPPED)
            return True

    def forget_dropped(self, connection_id: str) -> None:
        """It was given back."""
        with self.state.lock:
            found = self._ours(connection_id)
            if found is not None and found.state is DROPPED:
                del self.state.connections[connection_id]

    def leave(self, connection_id: str, actor: str, reason: str) -> None:
        """Who wants to disconnect, and why."""
        self._update(connection_id, leaving_by=actor, leaving_reason=reason)

    def stay(self, connection_id: str) -> None:
        """Nobody wants to disconnect any more."""
        self._update(connection_id, leaving_by=None, leaving_reason=None)

    def end(
        self, connection_id: str, actor: str, ending: Ending, reason: str, now: datetime, notice: Notice
    ) -> Connection | None:
        """Live to ended, the notice kept."""
        with self.state.lock:
            found = self._ours(connection_id)
            if found is None or found.state is not LIVE:
                return None
            self.state.connections[connection_id] = ended(found, actor, ending, reason, now)
            MemoryNotices(self.business, self.state).add(notice)
            return dated(self.state, self.state.connections[connection_id])

    def refresh(self, connection_id: str, account: Account) -> bool:
        """Store what Stripe says about the account, unless what is stored was asked later."""
        with self.state.lock:
            found = self._ours(connection_id)
            if found is None or found.account_id != account.id:
                return False
            before, after = found.account.checked_at, account.checked_at
            if before is not None and after is not None and before > after:
                return False
            self.state.connections[connection_id] = replace(found, account=account)
            return True

    def _update(self, connection_id: str, **values: object) -> None:
        with self.state.lock:
            found = self._ours(connection_id)
            if found is not None and found.state is LIVE:
                self.state.connections[connection_id] = replace(found, **values)  # type: ignore[arg-type]

    def _check_free(self, found: Connection, change: AccountChoices | None) -> None:
        replaced = change.previous if change else None
        if any(old.account_id != found.account_id and old.id != replaced for old in self._all(found.livemode, LIVE)):
            raise Conflict("This business is connected to another Stripe account. Disconnect that one first.")
        owner = live_connection(self.state, found.account_id, found.livemode)
        if owner is not None and owner.business != self.business:
            raise AccountTaken

    def _ours(self, connection_id: str) -> Connection | None:
        found = self.state.connections.get(connection_id)
        return found if found is not None and found.business == self.business else None

    def _all(self, livemode: bool, *states: ConnectionState) -> list[Connection]:
        mine = [each for each in self.state.connections.values() if each.business == self.business]
        return [each for each in mine if each.livemode == livemode and each.state in states]

    def _newest(self, livemode: bool, *states: ConnectionState) -> Connection | None:
        with self.state.lock:
            found = self._all(livemode, *states)
            return dated(self.state, found[-1]) if found else None


def live_connection(state: State, account_id: str, livemode: bool) -> Connection | None:
    """Whose account this is."""
    for each in state.connections.values():
        if (each.account_id, each.livemode, each.state) == (account_id, livemode, LIVE):
            return dated(state, each)
    return None


def is_wanted(state: State, account_id: str, livemode: bool) -> bool:
    """Whether anybody has the account live, or waiting for a word."""
    there = [each for each in state.connections.values() if each.books == (account_id, livemode)]
    return any(each.state in (LIVE, PENDING) for each in there)


def dropped(state: State, livemode: bool, before: datetime) -> list[Connection]:
    """What has to be given back to Stripe; what nobody confirmed in time is dropped now."""
    for each in list(state.connections.values()):
        if each.state is PENDING and each.livemode == livemode and each.connected_at < before:
            state.connections[each.id] = replace(each, state=DROPPED)
    return [each for each in state.connections.values() if each.state is DROPPED and each.livemode == livemode]


def dated(state: State, connection: Connection) -> Connection:
    """With the time of the account's newest event."""
    place = (connection.business, connection.account_id, connection.livemode)
    times = [e.received_at for e in state.events.values() if (e.business, e.account_id, e.livemode) == place]
    return replace(connection, last_event_at=max(times, default=None))


def ended(connection: Connection, actor: str, ending: Ending, reason: str, now: datetime) -> Connection:
    """What becomes of a live one. Whoever wanted to disconnect stands there, whoever noticed that it is done."""
    wanted = connection.leaving_by is not None and ending is Ending.GONE
    return replace(
        connection,
        state=ENDED,
        ending=Ending.DISCONNECTED if wanted else ending,
        ended_at=now,
        ended_by=connection.leaving_by or actor,
        ended_reason=connection.leaving_reason or reason,
    )
