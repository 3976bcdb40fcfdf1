"""Our own migrations, beside the host's: how far a database is, and bringing it up to date.

A whole run is one transaction under one lock: processes that start together wait for each other, and a kill leaves the
database as it was.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from flask_crm_stripe.adapters.sqlalchemy.tables import VERSION_TABLE
from flask_crm_stripe.errors import ConfigurationError

SUPPORTED = ("postgresql", "sqlite")
MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x63726D5F73747270  # "crm_strp": any number that nobody else uses
PATIENCE_MS = 60_000

# Alembic's `context` and `op` are one per process.
_one_at_a_time = threading.Lock()


def upgrade(engine: sa.Engine) -> None:
    """Bring our tables up to date; nothing happens where they are.

    Raises ``ConfigurationError`` where the database is of a kind that we do not use, or newer than this package.
    """
    with locked(engine) as connection:
        try:
            command.upgrade(configuration(connection), "head")
        except CommandError as error:
            raise ConfigurationError(
                f"The billing tables are newer than this package: {error}. Install the newer package again."
            ) from error


def current(engine: sa.Engine) -> str | None:
    """The revision of our tables; None where there are none."""
    with engine.connect() as connection:
        return revision_of(connection)


def head() -> str:
    """The revision that this package wants."""
    revision = _scripts().get_current_head()
    assert revision is not None, "the package is built without its migrations"  # noqa: S101
    return revision


def is_current(engine: sa.Engine) -> bool:
    """Whether our tables are what this package wants."""
    return current(engine) == head()


def revision_of(connection: sa.Connection) -> str | None:
    """The revision of our tables as seen by a connection."""
    return _context(connection).get_current_revision()


def stamp_head(connection: sa.Connection) -> None:
    """Note that our tables are up to date, because somebody just made them from the metadata."""
    _context(connection).stamp(_scripts(), head())


def configuration(connection: sa.Connection) -> Config:
    """Alembic's configuration of our migrations, on an open connection. Also for writing new revisions."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def locked(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that no other upgrade of this database shares its time with."""
    if engine.dialect.name not in SUPPORTED:
        raise ConfigurationError(
            f"Billing keeps its memory in PostgreSQL or SQLite, and this database is {engine.dialect.name}. "
            "Give it a database of its own with CRM_STRIPE_BIND."
        )
    with _one_at_a_time, engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            yield from _locked_sqlite(connection)
        else:
            yield from _locked_postgresql(connection)


def _locked_postgresql(connection: sa.Connection) -> Iterator[sa.Connection]:
    # In a stricter isolation the snapshot is taken before the lock is ours: the tables of who was first stay unseen.
    connection = connection.execution_options(isolation_level="READ COMMITTED")
    with connection.begin():
        take_lock(connection)
        yield connection


def take_lock(connection: sa.Connection) -> None:
    """Wait for other upgrades, until the end of this transaction. SQLite has its own lock for all writers."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


def _locked_sqlite(connection: sa.Connection) -> Iterator[sa.Connection]:
    with connection.begin():
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            _begin_writing(connection)
            yield connection
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience}")


def _begin_writing(connection: sa.Connection) -> None:
    if connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
        # The host begins transactions itself, without the lock: a first write, of nothing, waits for it.
        connection.exec_driver_sql("CREATE TABLE crm_stripe_lock (held INTEGER)")
        connection.exec_driver_sql("DROP TABLE crm_stripe_lock")
    else:
        # Python's driver begins none before CREATE TABLE: each statement would be on its own.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _context(connection: sa.Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))
