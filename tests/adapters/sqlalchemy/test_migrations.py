"""Our own migrations: equal to the tables, safe from several processes and from a kill."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, cast

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.autogenerate import only_ours
from flask_crm_stripe.adapters.sqlalchemy.upgrade import configuration, current, head, is_current, locked, upgrade
from flask_crm_stripe.errors import ConfigurationError

# A process with an engine of its own: says when it is ready, starts when it is told.
AT_ONCE = """
import sys
import sqlalchemy as sa
from flask_crm_stripe.adapters.sqlalchemy.upgrade import upgrade

engine = sa.create_engine(sys.argv[1], **({"isolation_level": sys.argv[2]} if sys.argv[2] else {}))
print("ready", flush=True)
sys.stdin.readline()
upgrade(engine)
"""

# A process that kills itself, as `kill -9` does, right before the n-th statement that holds a text.
KILLED = """
import os, signal, sys
import sqlalchemy as sa
from flask_crm_stripe.adapters.sqlalchemy.upgrade import upgrade

url, text, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
engine = sa.create_engine(url)

@sa.event.listens_for(engine, "before_cursor_execute")
def count(connection, cursor, statement, *rest):
    global left
    if text in statement:
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

upgrade(engine)
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """A new, empty database."""
    engine = sa.create_engine(database_url)
    yield engine
    engine.dispose()


def tables_in(engine: sa.Engine) -> set[str]:
    """Every table that is there."""
    return set(sa.inspect(engine).get_table_names())


OURS = {tables.VERSION_TABLE, *tables.metadata.tables}


def test_an_upgrade_makes_all_tables_once(engine: sa.Engine) -> None:
    """From nothing to the newest revision; again changes nothing."""
    assert (current(engine), is_current(engine)) == (None, False)
    upgrade(engine)
    assert (current(engine), is_current(engine)) == (head(), True)
    assert tables_in(engine) == OURS
    with engine.begin() as connection:
        connection.execute(tables.installation.insert().values(slot=1, id="kept"))
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(sa.select(tables.installation.c.id)).scalars().all() == ["kept"]


# SQLite's indexes over expressions cannot be compared; we have none there.
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_the_migrations_equal_the_tables(engine: sa.Engine) -> None:
    """Alembic finds no difference in tables, columns, types, constraints and indexes."""
    upgrade(engine)
    with engine.connect() as connection:
        options = {"version_table": tables.VERSION_TABLE, "include_name": only_ours, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata) == []


def indexes_in(engine: sa.Engine) -> dict[str, Any]:
    """Indexes and unique constraints with all that the database tells of them, also what Alembic does not compare."""
    inspector = sa.inspect(engine)
    by_name: dict[str, Any] = {}
    for table in tables.metadata.tables:
        found = [*inspector.get_indexes(table), *inspector.get_unique_constraints(table)]
        by_name |= {f"{table}.{each['name']}": plain(each) for each in found}
    return by_name


def plain(reflected: Any) -> dict[str, str]:
    """What was reflected as text; SQLite's conditions are SQL expressions."""
    options = {key: str(value) for key, value in reflected.get("dialect_options", {}).items()}
    return {key: str(value) for key, value in reflected.items() if key != "dialect_options"} | options


def test_partial_indexes_have_the_same_conditions(engine: sa.Engine) -> None:
    """Those decide races, and Alembic does not look at their WHERE."""
    upgrade(engine)
    migrated = indexes_in(engine)
    with engine.begin() as connection:
        tables.metadata.drop_all(connection)
        tables.metadata.create_all(connection)
    assert indexes_in(engine) == migrated
    assert "live" in str(migrated)


def test_a_downgrade_leaves_nothing(engine: sa.Engine) -> None:
    """Down to nothing, and up again."""
    upgrade(engine)
    with locked(engine) as connection:
        command.downgrade(configuration(connection), "base")
    assert tables_in(engine) == {tables.VERSION_TABLE}
    upgrade(engine)
    assert is_current(engine)


def test_four_processes_upgrade_at_once(engine: sa.Engine, database_url: str) -> None:
    """All succeed, whatever isolation the host's engine has: one does the work, the others wait and find it done."""
    start, pipe = [sys.executable, "-c", AT_ONCE, database_url], subprocess.PIPE
    started = [
        subprocess.Popen([*start, isolation], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for isolation in ("", "SERIALIZABLE", "", "SERIALIZABLE")
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    results = [(process.communicate(timeout=60)[1], process.returncode) for process in started]
    assert results == [("", 0)] * 4
    assert is_current(engine)
    assert tables_in(engine) == OURS


KILLS = [("CREATE TABLE crm_stripe", 1), ("CREATE TABLE crm_stripe", 9), ("INDEX", 12), ("INSERT INTO crm_stripe", 1)]


@pytest.mark.parametrize(("text", "number"), KILLS, ids=["first table", "in between", "an index", "the version"])
def test_a_killed_upgrade_leaves_nothing_and_can_be_run_again(
    engine: sa.Engine, database_url: str, text: str, number: int
) -> None:
    """Killed at the first statement, half-way or at the last: the database is as it was."""
    killed = subprocess.run([sys.executable, "-c", KILLED, database_url, text, str(number)], check=False, timeout=60)
    assert killed.returncode == -9
    assert tables_in(engine) == set()
    upgrade(engine)
    assert is_current(engine)
    assert tables_in(engine) == OURS


def test_a_host_that_begins_sqlite_transactions_itself(sqlite_url: str) -> None:
    """The engine's own BEGIN is no obstacle, and a failing upgrade still leaves nothing."""
    engine = sa.create_engine(sqlite_url)
    sa.event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))

    def break_down(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "crm_stripe_outbox" in statement:
            raise RuntimeError("the disk is full")

    sa.event.listen(engine, "before_cursor_execute", break_down)
    with pytest.raises(RuntimeError):
        upgrade(engine)
    assert tables_in(engine) == set()
    sa.event.remove(engine, "before_cursor_execute", break_down)
    upgrade(engine)
    assert tables_in(engine) == OURS
    engine.dispose()


def test_the_hosts_patience_with_locks_is_given_back(sqlite_url: str) -> None:
    """The connection goes back to the host's pool with the time-out that it came with."""
    engine = sa.create_engine(sqlite_url, connect_args={"timeout": 7}, pool_size=1, max_overflow=0)
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 7000
    engine.dispose()


def test_tables_newer_than_the_package_are_refused_in_words(engine: sa.Engine) -> None:
    """Somebody went back to an older package: say so, change nothing."""
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE crm_stripe_version SET version_num = 'later'"))
    assert not is_current(engine)
    with pytest.raises(ConfigurationError, match="newer package"):
        upgrade(engine)
    assert current(engine) == "later"


def test_another_kind_of_database_is_refused_in_words() -> None:
    """Its unique indexes could not decide what ours decide."""
    engine = cast(sa.Engine, sa.create_mock_engine("mysql://", lambda *rest: None))
    with pytest.raises(ConfigurationError, match=r"mysql.*CRM_STRIPE_BIND"):
        upgrade(engine)
