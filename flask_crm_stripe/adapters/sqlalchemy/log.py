"""The access and action log: lines that seal each other, under a key that the vault keeps."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.database import Database, insert_once
from flask_crm_stripe.adapters.sqlalchemy.paging import fetch_page
from flask_crm_stripe.errors import SecretUnreadable
from flask_crm_stripe.model.log import SEEN, LogEntry, LogFilter, Verdict
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.ports.chain import UNSIGNED, Head, Link, broken_line, head_seal, is_sound, line_seal, verdict
from flask_crm_stripe.ports.runtime import Vault

T, HEAD, KEY = tables.log, tables.log_head, tables.log_key
FIELDS = ("at", "actor", "action", "target", "outcome", "reason", "address", "request_id", "seq")
AT_ONCE = 500
# The number comes first: pages are ordered by it.
SELECT = sa.select(T.c.seq, *(T.c[name] for name in FIELDS if name != "seq"), T.c.epoch, T.c.seal)


class _OtherKey(Exception):
    """The head is sealed with another key than ours: all of them are needed."""


@dataclass
class LogKeys:
    """The keys of the chain, by epoch. Where the newest can't be opened any more, a new epoch begins."""

    database: Database
    vault: Vault
    _current: tuple[int, bytes] | None = field(default=None, init=False, repr=False)

    def current(self, now: datetime) -> tuple[int, bytes]:
        """The epoch and key that seal new lines. A key never changes, so each process asks for it once."""
        if self._current is None:
            self._current = self._newest(now)
        return self._current

    def all(self) -> dict[int, bytes]:
        """Every key that can be opened."""
        return {epoch: key for epoch, key in self.every().items() if key is not None}

    def every(self) -> dict[int, bytes | None]:
        """Every epoch; None where its key is lost."""
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(KEY)).all()
        return {row.epoch: self._opened(row.sealed) for row in rows}

    def _newest(self, now: datetime) -> tuple[int, bytes]:
        newest = sa.select(KEY).order_by(KEY.c.epoch.desc()).limit(1)
        epoch = UNSIGNED
        while True:
            with self.database.reading() as connection:
                row = connection.execute(newest).first()
            if row is not None and row.epoch > epoch:
                epoch = row.epoch
                if (key := self._opened(row.sealed)) is not None:
                    return epoch, key
            self._make(epoch + 1, now)

    def _make(self, epoch: int, now: datetime) -> None:
        """Whoever inserts the row first has made the key."""
        sealed = self.vault.seal(secrets.token_bytes(32))
        with self.database.writing() as connection:
            values = {"epoch": epoch, "sealed": sealed, "key_id": self.vault.current, "made_at": now}
            insert_once(connection, KEY, values)

    def _opened(self, sealed: bytes) -> bytes | None:
        try:
            return self.vault.open(sealed)
        except SecretUnreadable:
            return None


@dataclass(frozen=True)
class SqlLog:
    """``ports.safety.LogStore``."""

    business: str
    database: Database
    keys: LogKeys

    def add(self, entry: LogEntry) -> LogEntry:
        """One more line. The head's row is the lock: whoever holds it has the newest line."""
        epoch, key = self.keys.current(entry.at)
        try:
            return self._add(entry, epoch, key, None)
        except _OtherKey:
            return self._add(entry, epoch, key, self.keys.every())

    def page(self, chosen: LogFilter, cursor: str | None = None, limit: int = 50) -> Page[LogEntry]:
        """Newest first."""
        with self.database.reading() as connection:
            return fetch_page(connection, self._chosen(chosen), T.c.seq, cursor, limit, entry_of)

    def every(self, chosen: LogFilter) -> Iterator[LogEntry]:
        """All that match, oldest first."""
        for row in self._rows(self._chosen(chosen)):
            yield entry_of(row)

    def seen_since(self, actor: str, action: str, target: str, since: datetime) -> bool:
        """Whether this person's look at this thing is noted already."""
        mine = (T.c.business == self.business, T.c.actor == actor, T.c.at >= since, T.c.outcome == SEEN)
        found = sa.select(T.c.seq).where(*mine, T.c.action == action, T.c.target == target).limit(1)
        with self.database.reading() as connection:
            return connection.execute(found).first() is not None

    def verify(self, checkpoint: str = "") -> Verdict:
        """Check every line."""
        with self.database.reading() as connection:
            row = connection.execute(sa.select(HEAD).where(HEAD.c.business == self.business)).first()
        head = _head_of(row) if row is not None else self._unsigned()
        # Lines that are added meanwhile are left for the next time.
        mine = SELECT.where(T.c.business == self.business)
        links = (Link(entry_of(each), each.epoch, each.seal) for each in self._rows(mine, self._newest(head)))
        every = self.keys.every()
        keys = {epoch: key for epoch, key in every.items() if key is not None}
        return verdict(self.business, head, row.own_seal if row else "", links, keys, every, checkpoint)

    def prune(self, before: datetime) -> int:
        """Remove old lines from the beginning."""
        with self.database.reading() as connection:
            mine = (T.c.business == self.business, T.c.at >= before)
            kept = connection.execute(sa.select(sa.func.min(T.c.seq)).where(*mine)).scalar()
        if kept is None or kept <= 1:
            return 0
        epoch, key = self.keys.current(before)
        every = self.keys.every()
        with self.database.writing() as connection:
            head = self._head(connection, epoch, key, every, before)
            last = connection.execute(self._line(kept - 1)).first()
            if last is None:
                return 0
            gone = sa.delete(T).where(T.c.business == self.business, T.c.seq < kept)
            count = connection.execute(gone).rowcount
            pruned = replace(head, base_seq=kept - 1, base_seal=last.seal, epoch=epoch)
            self._move_head(connection, pruned, key)
        return count

    def _unsigned(self) -> Head:
        """Before the first sealed line: only those that are older than the chain may be there."""
        with self.database.reading() as connection:
            last = connection.execute(self._older()).scalar() or 0
        return Head(seq=last, unsigned=last)

    def _older(self) -> sa.Select[Any]:
        return sa.select(sa.func.max(T.c.seq)).where(T.c.business == self.business, T.c.epoch == UNSIGNED)

    def _newest(self, head: Head) -> int:
        """The last line to check: all of them where no head says, for then none may be there."""
        with self.database.reading() as connection:
            mine = sa.select(sa.func.max(T.c.seq)).where(T.c.business == self.business)
            there: int = connection.execute(mine).scalar() or 0
        if there <= head.seq:
            return there
        with self.database.reading() as connection:
            now = sa.select(HEAD.c.seq).where(HEAD.c.business == self.business)
            return head.seq if (connection.execute(now).scalar() or 0) >= there else there

    def _add(self, entry: LogEntry, epoch: int, key: bytes, every: Mapping[int, bytes | None] | None) -> LogEntry:
        with self.database.writing() as connection:
            head = self._head(connection, epoch, key, every, entry.at)
            head, added = self._append(connection, head, entry, epoch, key)
            self._move_head(connection, head, key)
        return added

    def _append(
        self, connection: sa.Connection, head: Head, entry: LogEntry, epoch: int, key: bytes
    ) -> tuple[Head, LogEntry]:
        added = replace(entry, seq=head.seq + 1)
        seal = line_seal(key, head.seal, self.business, added)
        values = {name: getattr(added, name) for name in FIELDS}
        connection.execute(sa.insert(T).values(business=self.business, epoch=epoch, seal=seal, **values))
        return replace(head, seq=added.seq, seal=seal, epoch=epoch), added

    def _head(
        self, connection: sa.Connection, epoch: int, key: bytes, every: Mapping[int, bytes | None] | None, now: datetime
    ) -> Head:
        """The head, locked. Where it is not the one that was sealed, a line says so before anything else is added."""
        mine = sa.select(HEAD).where(HEAD.c.business == self.business).with_for_update()
        row = connection.execute(mine).first()
        if row is None:
            row = self._first_head(connection, epoch, key, mine)
        if every is None and row.epoch != epoch:
            raise _OtherKey
        every = every or {epoch: key}
        head, keys = _head_of(row), {epoch: key for epoch, key in every.items() if key is not None}
        newest = SELECT.where(T.c.business == self.business).order_by(T.c.seq.desc()).limit(1)
        last = connection.execute(newest).first()
        beyond = last is not None and last.seq > head.seq
        if is_sound(self.business, head, row.own_seal, keys, every) and not beyond:
            return head
        # Behind the newest line that there is, whatever the head says: a number is given once.
        if last is not None:
            head = replace(head, seq=last.seq, seal=last.seal)
        return self._append(connection, head, broken_line(now), epoch, key)[0]

    def _first_head(self, connection: sa.Connection, epoch: int, key: bytes, mine: sa.Select[Any]) -> sa.Row[Any]:
        """Behind lines that are older than the chain. Where there are others, somebody took the head away."""
        unsigned: int = connection.execute(self._older()).scalar() or 0
        first = Head(seq=unsigned, epoch=epoch, unsigned=unsigned)
        values = {"business": self.business, **_columns(first, self.business, key)}
        sealed = sa.select(T.c.seq).where(T.c.business == self.business, T.c.epoch != UNSIGNED).limit(1)
        if connection.execute(sealed).first() is not None:
            values["own_seal"] = ""
        insert_once(connection, HEAD, values)
        return connection.execute(mine).one()

    def _move_head(self, connection: sa.Connection, head: Head, key: bytes) -> None:
        mine = sa.update(HEAD).where(HEAD.c.business == self.business)
        connection.execute(mine.values(**_columns(head, self.business, key)))

    def _line(self, seq: int) -> sa.Select[Any]:
        return SELECT.where(T.c.business == self.business, T.c.seq == seq)

    def _chosen(self, chosen: LogFilter) -> sa.Select[Any]:
        return SELECT.where(T.c.business == self.business, *_conditions(chosen))

    def _rows(self, statement: sa.Select[Any], last: int | None = None) -> Iterator[sa.Row[Any]]:
        """By number, some at a time: no transaction is open while they are used."""
        after = 0
        while rows := self._some(statement, after, last):
            yield from rows
            after = rows[-1].seq

    def _some(self, statement: sa.Select[Any], after: int, last: int | None) -> Sequence[sa.Row[Any]]:
        chosen = statement.where(T.c.seq > after)
        if last is not None:
            chosen = chosen.where(T.c.seq <= last)
        with self.database.reading() as connection:
            return connection.execute(chosen.order_by(T.c.seq).limit(AT_ONCE)).all()


def entry_of(row: sa.Row[Any]) -> LogEntry:
    """A row as a value."""
    return LogEntry(**{name: row._mapping[name] for name in FIELDS})


def _conditions(chosen: LogFilter) -> list[Any]:
    found: list[Any] = [
        T.c[name] == value for name in ("actor", "outcome", "target") if (value := getattr(chosen, name))
    ]
    if chosen.action:
        found.append((T.c.action == chosen.action) | T.c.action.startswith(f"{chosen.action}.", autoescape=True))
    if chosen.since:
        found.append(T.c.at >= chosen.since)
    if chosen.until:
        found.append(T.c.at < chosen.until)
    return found


def _head_of(row: sa.Row[Any]) -> Head:
    return Head(row.seq, row.seal, row.epoch, row.base_seq, row.base_seal, row.unsigned)


def _columns(head: Head, business: str, key: bytes) -> dict[str, Any]:
    return {**asdict(head), "own_seal": head_seal(key, business, head)}
