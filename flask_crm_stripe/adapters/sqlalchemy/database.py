"""Short transactions in the host's own database, routed like the host routes its models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from flask_crm_stripe.adapters.sqlalchemy import tables

DRIVERS = ("psycopg", "psycopg2")
Sessions = Callable[[], Session]


def marker(bind_key: str | None) -> sa.Table:
    """A table of ours under the host's bind key, for asking a session which engine our tables live on.

    Flask-SQLAlchemy finds an engine by ``metadata.info["bind_key"]`` of a table, but not for a Core select, and two
    apps of one process may have different keys: so each app has a marker, and all share the tables themselves.
    """
    info = {} if bind_key is None else {"bind_key": bind_key}
    return tables.installation.to_metadata(sa.MetaData(info=info))


@dataclass(frozen=True, slots=True)
class Driver:
    """A cursor of the database's own driver, and how its statements are written."""

    dialect: sa.Dialect
    cursor: Any


@dataclass(frozen=True)
class Database:
    """Gives transactions. ``sessions`` is the host's factory (``db.session.session_factory`` or any sessionmaker)."""

    sessions: Sessions
    bind_key: str | None = None
    _marker: sa.Table = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_marker", marker(self.bind_key))

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that only reads. On PostgreSQL, where each statement has a view of its own anyway, it is none:
        to begin and to end one would be two more round trips."""
        with self.sessions() as session:
            bind = session.get_bind(clause=self._marker)
            if isinstance(bind, sa.Engine) and bind.dialect.name == "postgresql":
                with bind.connect() as connection:
                    yield connection.execution_options(isolation_level="AUTOCOMMIT")
            else:
                with session.begin():
                    yield session.connection(bind_arguments={"clause": self._marker})

    @contextmanager
    def at_once(self) -> Iterator[sa.Connection]:
        """Every statement is a transaction of its own: one round trip to a server where others need three."""
        with self.sessions() as session:
            bind = session.get_bind(clause=self._marker)
            if isinstance(bind, sa.Engine):
                with bind.connect() as connection:
                    yield connection.execution_options(isolation_level="AUTOCOMMIT")
            else:  # A host's test has put everything into a transaction of its own.
                with session.begin():
                    yield session.connection(bind_arguments={"clause": self._marker})

    @contextmanager
    def driver(self) -> Iterator[Driver | None]:
        """The driver itself, every statement a transaction of its own: what SQLAlchemy does around a statement costs as
        much again as the statement. None where SQLAlchemy is needed, or the driver is another than we know."""
        with self.sessions() as session:
            bind = session.get_bind(clause=self._marker)
        if not isinstance(bind, sa.Engine) or bind.dialect.driver not in DRIVERS or bind.get_execution_options():
            yield None  # A host's test has a transaction of its own; options may name another schema.
            return
        held = bind.raw_connection()
        try:
            own: Any = held.driver_connection
            own.autocommit = True
            with own.cursor() as cursor:
                yield Driver(bind.dialect, cursor)
            own.autocommit = False
        except BaseException:
            held.invalidate()  # It may be broken, and SQLAlchemy would not know.
            raise
        finally:
            held.close()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that reads and writes; on SQLite it has the write lock from its first moment.

        A SQLite transaction that has read cannot wait for the lock any more ("database is locked", at once): an
        update of nothing takes it first, whichever way the host begins its transactions.
        """
        with self.sessions() as session, session.begin():
            connection = session.connection(bind_arguments={"clause": self._marker})
            if connection.dialect.name == "sqlite":
                connection.execute(sa.update(tables.lease).values(fence=0).where(sa.false()))
            yield connection


def insert_once(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless a unique index has one like it: True where it is new. Waits for whoever is inserting it."""
    build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = build(table).values(**values).on_conflict_do_nothing().inline()
    # Without the option an INSERT's count is lost with psycopg.
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def insert_or_update(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Insert a row, or replace the values of the one with this key (the columns of a unique index)."""
    build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = build(table).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=dict(values)))
