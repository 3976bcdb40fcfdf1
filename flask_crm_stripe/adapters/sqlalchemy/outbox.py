"""Notes of what changed in the CRM, written in the host's own transaction: append-only, and never in its way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from inspect import ismethod
from itertools import product
from typing import Any
from weakref import WeakKeyDictionary, WeakMethod, WeakSet

from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError, UnboundExecutionError
from sqlalchemy.orm import Session, SessionTransaction, class_mapper, sessionmaker

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.crm import SQLAlchemyCRM
from flask_crm_stripe.adapters.sqlalchemy.database import marker
from flask_crm_stripe.adapters.sqlalchemy.host import (
    HostSession,
    factory_of,
    session_of,
    session_source,
)
from flask_crm_stripe.adapters.sqlalchemy.maps import Maps
from flask_crm_stripe.adapters.sqlalchemy.values import text as as_text
from flask_crm_stripe.model.business import DEFAULT_BUSINESS

logger = logging.getLogger("flask_crm_stripe")

EVERYTHING = "*"
FLUSHING = "crm_stripe_flushing"
NOTED = "crm_stripe_noted"
LONGEST_REF = 191
WAIT_LESS = text("SELECT current_setting('lock_timeout'), set_config('lock_timeout', '2s', true)")
WAIT_AS_BEFORE = text("SELECT set_config('lock_timeout', :before, true)")

Note = tuple[str, str, str]  # business, kind ("service" or "contact:<kind>"), ref; "*" is all of them


class Registration:
    """One app's declaration: whose changes are noted, when, where, and who is told after the commit."""

    def __init__(
        self,
        crm: SQLAlchemyCRM,
        applies: Callable[[], bool],
        on_commit: Callable[[], object] | None,
        bind_key: str | None,
    ) -> None:
        self.crm = crm
        # A db outlives its apps in a host's tests: an app that is gone must not be kept here for ever.
        self.condition = WeakMethod(applies) if ismethod(applies) else lambda: applies
        self.on_commit = on_commit
        self.bind_key = bind_key
        self.marker = marker(bind_key)
        self.mapped: list[tuple[str, Maps]] = [
            ("service", crm.services),
            *((f"contact:{maps.kind}", maps) for maps in crm.contacts.values()),
        ]

    @cached_property
    def tables(self) -> Mapping[str, set[str]]:
        """The kinds of note that a table's rows matter to. Asked when a statement runs, so the models are there; it
        configures no mapper all the same."""
        found: dict[str, set[str]] = {}
        for kind, maps in self.mapped:
            for model in maps.watched:
                for mapper in class_mapper(model, configure=False).self_and_descendants:
                    for table in mapper.tables:
                        found.setdefault(getattr(table, "fullname", ""), set()).add(kind)
        return found

    def applies(self) -> bool:
        """Whether the current app bills with this declaration."""
        condition = self.condition()
        return condition is not None and condition()

    def is_like(self, other: Registration) -> bool:
        """Whether the other one would do the same."""
        return (self.crm, self.condition(), self.on_commit, self.bind_key) == (
            other.crm,
            other.condition(),
            other.on_commit,
            other.bind_key,
        )

    def notes(self, row: object) -> Iterator[Note]:
        """What a row that was added, changed or deleted makes worth looking at."""
        for kind, maps in self.mapped:
            if isinstance(row, maps.model):
                owners = _known(row, maps.business) if maps.business else {DEFAULT_BUSINESS}
                yield from ((business, kind, ref) for business, ref in product(owners, _known(row, maps.ref)))
            elif isinstance(row, maps.watch):
                yield EVERYTHING, kind, EVERYTHING


class Recorder:
    """The listeners of one session factory, whatever number of apps share it."""

    def __init__(self, db: Any, factory: sessionmaker[Any]) -> None:
        self._host = HostSession(db)
        self._sessions = session_source(db)
        self._registrations: list[Registration] = []
        self._engines: WeakSet[Engine] = WeakSet()
        self._failing: WeakSet[Engine] = WeakSet()
        self._outside: WeakKeyDictionary[Connection, _Noted] = WeakKeyDictionary()
        event.listen(factory, "after_begin", self._began)
        event.listen(factory, "before_flush", self._flushing)
        event.listen(factory, "after_flush", self._flushed)
        event.listen(factory, "after_soft_rollback", self._rolled_back)
        event.listen(factory, "after_commit", self._committed)

    def register(self, new: Registration) -> None:
        """Add a declaration, once; forget those whose app is gone."""
        self._registrations = [known for known in self._registrations if known.condition() is not None]
        if not any(known.is_like(new) for known in self._registrations):
            self._registrations.append(new)

    def attach(self, engines: Iterable[Engine]) -> None:
        """Listen to these engines; others follow when a session first uses them."""
        self._host.attach(engines)
        for engine in engines:
            self._watch(engine)

    def _watch(self, engine: Engine) -> None:
        if engine not in self._engines:
            self._engines.add(engine)
            event.listen(engine, "after_execute", self._executed)
            event.listen(engine, "commit", self._committing)
            event.listen(engine, "rollback", self._rolling_back)

    def _applying(self) -> Registration | None:
        return next((known for known in self._registrations if known.applies()), None)

    # Sessions

    def _began(self, session: Session, transaction: SessionTransaction, connection: Connection) -> None:
        self._watch(connection.engine)

    def _flushing(self, session: Session, context: object, instances: object) -> None:
        session.info[FLUSHING] = True

    def _flushed(self, session: Session, context: object) -> None:
        session.info.pop(FLUSHING, None)
        with _never_in_the_way():
            changed = [*session.new, *session.deleted, *(row for row in session.dirty if session.is_modified(row))]
            if changed and (registration := self._applying()) is not None:
                notes = {note for row in changed for note in registration.notes(row)}
                self._write_in_session(session, registration, notes)

    def _rolled_back(self, session: Session, previous: SessionTransaction) -> None:
        """A savepoint's notes are gone with it; what is written again is written twice rather than never."""
        session.info.pop(FLUSHING, None)
        if previous.parent is None:
            session.info.pop(NOTED, None)
        elif NOTED in session.info:
            session.info[NOTED].notes.clear()

    def _committed(self, session: Session) -> None:
        if not session.in_nested_transaction() and (noted := session.info.pop(NOTED, None)) is not None:
            _tell(noted.registration)

    # Statements that no flush made

    def _executed(self, connection: Connection, statement: object, *_: object) -> None:
        """``session.execute(update())``, ``session.bulk_...``, ``connection.execute()``: which rows is unknown."""
        if not getattr(statement, "is_dml", False):
            return
        with _never_in_the_way():
            session = session_of(connection)
            if session is not None and session.info.get(FLUSHING):
                return
            table = getattr(getattr(statement, "table", None), "fullname", "")
            for registration in self._registrations:
                if (kinds := registration.tables.get(table)) and registration.applies():
                    self._write(connection, session, registration, {(EVERYTHING, kind, EVERYTHING) for kind in kinds})
                    return

    def _committing(self, connection: Connection) -> None:
        if (noted := self._outside.pop(connection, None)) is not None:
            with _never_in_the_way():
                self._write_elsewhere(noted)
            _tell(noted.registration)

    def _rolling_back(self, connection: Connection) -> None:
        self._outside.pop(connection, None)

    # Writing

    def _write(
        self, connection: Connection, session: Session | None, registration: Registration, notes: set[Note]
    ) -> None:
        if session is not None:
            self._write_in_session(session, registration, notes)
        elif self._keeps_outbox(connection, registration):
            if self._insert(connection, notes):
                self._outside.setdefault(connection, _Noted(registration))
        else:
            self._outside.setdefault(connection, _Noted(registration)).notes |= notes

    def _keeps_outbox(self, connection: Connection, registration: Registration) -> bool:
        with self._sessions() as session:
            try:
                bind = session.get_bind(clause=registration.marker)
            except UnboundExecutionError:
                return True
            return bind.engine.pool is connection.engine.pool

    def _write_elsewhere(self, noted: _Noted) -> None:
        """The outbox is in another database than the rows: written when their transaction is about to commit."""
        if noted.notes:
            with self._sessions() as session:
                self._insert(_connection_for_notes(session, noted.registration), noted.notes)
                session.commit()

    def _write_in_session(self, session: Session, registration: Registration, notes: set[Note]) -> None:
        noted = session.info.get(NOTED)
        fresh = notes - noted.notes if noted is not None else notes
        if fresh and self._insert(_connection_for_notes(session, registration), fresh):
            noted = session.info.setdefault(NOTED, _Noted(registration))
            noted.notes |= fresh

    def _insert(self, connection: Connection, notes: set[Note]) -> bool:
        try:
            _insert(connection, sorted(notes), cautious=connection.engine in self._failing)
        except _NoTable:
            return False
        except SQLAlchemyError as error:
            if connection.engine not in self._failing:
                self._failing.add(connection.engine)
                logger.warning(
                    "A change of the CRM's services or contacts could not be noted for billing (%s). Nothing of the "
                    "CRM is lost; Stripe hears of it with the next full sync. Run `flask crm-stripe upgrade`.",
                    getattr(error, "orig", None) or error,
                )
            return False
        self._failing.discard(connection.engine)
        return True


class _Noted:
    """What an open transaction has noted already; past sessions, what it still has to note elsewhere."""

    def __init__(self, registration: Registration) -> None:
        self.registration = registration
        self.notes: set[Note] = set()


class _NoTable(Exception):
    """The outbox is still not there: said once already."""


@contextmanager
def _never_in_the_way() -> Iterator[None]:
    """Whatever goes wrong in here is ours: it is logged, and the host's save goes on."""
    try:
        yield
    except Exception:
        logger.exception("A change of the CRM could not be noted for billing")


_recorders: WeakKeyDictionary[sessionmaker[Any], Recorder] = WeakKeyDictionary()


def record_changes(
    db: Any,
    crm: SQLAlchemyCRM,
    applies: Callable[[], bool],
    on_commit: Callable[[], object] | None = None,
    engines: Iterable[Engine] = (),
    bind_key: str | None = None,
) -> None:
    """Note in ``crm_stripe_outbox`` what changes in the CRM's services and contacts, in the same transaction.

    ``applies`` says whether the current app bills with this declaration: a ``db`` may be shared by several apps.
    ``on_commit`` is called after a commit that wrote notes. ``bind_key`` says where our tables are. Call this again
    whenever there may be new engines: what is known already costs nothing. Changes by SQL text, and those that the
    database makes by itself, are seen by nobody.
    """
    factory = factory_of(db)
    recorder = _recorders.get(factory)
    if recorder is None:
        recorder = _recorders[factory] = Recorder(db, factory)
    recorder.register(Registration(crm, applies, on_commit, bind_key))
    recorder.attach(engines)


def _connection_for_notes(session: Session, registration: Registration) -> Connection:
    """Where the outbox is, in the session's own transaction. A session that knows only models keeps it beside them."""
    try:
        return session.connection(bind_arguments={"clause": registration.marker})
    except UnboundExecutionError:
        mapper = class_mapper(registration.crm.services.model)
        return session.connection(bind_arguments={"mapper": mapper})


def _insert(connection: Connection, notes: Iterable[Note], cautious: bool) -> None:
    rows = [{"business": business, "kind": kind, "ref": ref} for business, kind, ref in notes]
    if connection.dialect.name == "sqlite" or _commits_each_statement(connection):
        _insert_rows(connection, rows, cautious)
        return
    # A failed statement would spoil the host's transaction on PostgreSQL.
    with connection.begin_nested():
        before = connection.execute(WAIT_LESS).scalar() if connection.dialect.name == "postgresql" else None
        _insert_rows(connection, rows, cautious)
        if before is not None:
            connection.execute(WAIT_AS_BEFORE, {"before": before})


def _insert_rows(connection: Connection, rows: list[dict[str, str]], cautious: bool) -> None:
    if cautious and not inspect(connection).has_table(tables.outbox.name):
        raise _NoTable
    connection.execute(tables.outbox.insert(), rows)


def _commits_each_statement(connection: Connection) -> bool:
    return getattr(connection.connection.dbapi_connection, "autocommit", False) is True


def _known(row: object, attribute: str) -> set[str]:
    """Every value that an attribute has and had, as far as it is loaded; ``*`` where nothing is."""
    state = inspect(row)
    if state is None or attribute not in state.attrs:
        return {EVERYTHING}
    found = {as_text(value) for value in state.attrs[attribute].history.sum() if value is not None}
    return {value if len(value) <= LONGEST_REF else EVERYTHING for value in found} or {EVERYTHING}


def _tell(registration: Registration) -> None:
    if registration.on_commit is not None:
        with _never_in_the_way():
            registration.on_commit()
