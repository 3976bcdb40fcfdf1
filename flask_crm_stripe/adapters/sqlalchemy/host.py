"""The host's own session: has it written, and may it let go of its transaction while Stripe is asked?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, ref

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session, SessionTransaction, scoped_session, sessionmaker

from flask_crm_stripe.errors import ConfigurationError, HostTransactionOpen

WROTE = "crm_stripe_wrote"
COMMENTS = r"\s*(?:/\*.*?\*/\s*|--[^\n]*\n\s*)*"
VERBS = "insert|update|delete|merge|replace|truncate|create|alter|drop|copy|lock|call|do|refresh|grant|revoke|comment"
# SELECT ... FOR UPDATE counts: letting go of it would let go of the host's locks.
WRITES = re.compile(
    rf"{COMMENTS}(?:(?:{VERBS})\b|with\b.*\b(?:insert\s+into|update\s+\S|delete\s+from|merge\s+into)\b"
    r"|(?:select|with)\b.*\bfor\s+(?:no\s+key\s+|key\s+)?(?:update|share)\b)",
    re.IGNORECASE | re.DOTALL,
)

_sessions_of: WeakKeyDictionary[Connection, list[ref[Session]]] = WeakKeyDictionary()
# Not event.contains(): SQLAlchemy remembers a factory's listeners by id() for good, and ids come again.
_watched_factories: WeakSet[sessionmaker[Any]] = WeakSet()
_watched_engines: WeakSet[Engine] = WeakSet()


def factory_of(db: Any) -> sessionmaker[Any]:
    """The session factory behind Flask-SQLAlchemy's ``db``, a scoped session, or the factory itself."""
    found = getattr(db, "session", db)
    found = getattr(found, "session_factory", found)
    if not isinstance(found, sessionmaker):
        raise ConfigurationError(
            f"db= is {type(db).__name__}, in which billing finds no session factory: "
            f"give Flask-SQLAlchemy's db, a scoped_session or a sessionmaker."
        )
    return found


def session_source(db: Any) -> Callable[[], Session]:
    """Gives short sessions of the host's own kind, with its binds, outside its scoped registry.

    The factory is looked up each time: a host's tests may put another one into ``db.session``.
    """
    factory_of(db)
    return lambda: factory_of(db)()


def session_of(connection: Connection) -> Session | None:
    """The session whose transaction this connection is in. The last one that began: several may share a connection
    in a host's tests, one inside the other."""
    began = _sessions_of.get(connection, [])
    while began:
        session = began[-1]()
        if session is not None and session.in_transaction():
            return session
        began.pop()
    return None


class HostSession:
    """Watches the sessions of a host's factory; one per ``db`` is enough, several do no harm."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self.attach()

    def attach(self, engines: Iterable[Engine] = ()) -> None:
        """Listen, also to a session factory or engines that were not there before. Cheap when nothing is new."""
        factory = factory_of(self._db)
        if factory not in _watched_factories:
            _watched_factories.add(factory)
            event.listen(factory, "after_begin", _began)
            event.listen(factory, "after_flush", _flushed)
        for engine in engines:
            _watch_engine(engine)

    def has_writes(self, session: Session) -> bool:
        """Whether the session holds changes that are not committed, flushed or not, ORM or not, or row locks."""
        if session.new or session.deleted or any(session.is_modified(row) for row in session.dirty):
            return True
        wrote = session.info.get(WROTE)
        transaction = session.get_transaction()
        return transaction is not None and wrote is not None and wrote() is transaction

    def release(self, scoped: scoped_session[Any] | None = None) -> None:
        """End the transaction of the host's scoped session (``db.session``): none is open while Stripe is asked.

        Raises ``HostTransactionOpen`` where it has written and not committed.
        """
        chosen = scoped if scoped is not None else getattr(self._db, "session", self._db)
        if not isinstance(chosen, scoped_session) or not chosen.registry.has():
            return
        session: Session = chosen()
        if self.has_writes(session):
            raise HostTransactionOpen
        if session.in_transaction():
            session.rollback()


def _began(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    began = _sessions_of.setdefault(connection, [])
    if not began or began[-1]() is not session:
        began.append(ref(session))
    _watch_engine(connection.engine)


def _watch_engine(engine: Engine) -> None:
    if engine not in _watched_engines:
        _watched_engines.add(engine)
        event.listen(engine, "after_cursor_execute", _executed)


def _flushed(session: Session, context: object) -> None:
    _note_write(session)


def _executed(
    connection: Connection, cursor: object, statement: str, parameters: object, context: object, many: bool
) -> None:
    # The cheaper question first: this is asked for every statement of the host's.
    if (session := session_of(connection)) is not None and WRITES.match(statement):
        _note_write(session)


def _note_write(session: Session) -> None:
    """Tied to the transaction, so it is forgotten with it."""
    if (transaction := session.get_transaction()) is not None:
        session.info[WROTE] = ref(transaction)
