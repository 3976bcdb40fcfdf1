"""The host's own session: refused while it has written, let go of where it only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import scoped_session, sessionmaker

from flask_crm_stripe.adapters.sqlalchemy.host import WRITES, HostSession, session_source
from flask_crm_stripe.errors import ConfigurationError, HostTransactionOpen
from flask_crm_stripe.model.crm import Service
from tests.support.crm_host import Host, running_host


@pytest.fixture
def host(database_url: str) -> Iterator[Host]:
    """A host on each database, with one service in each business."""
    with running_host(database_url) as running:
        running.add("north", Service("1", "A", "First"))
        running.add("south", Service("2", "B", "Second"))
        running.db.session.remove()
        yield running


def rename(host: Host) -> sa.Update:
    """A statement that writes."""
    return sa.update(host.Service).values(name="x")


def change_one(host: Host) -> None:
    """A change that is not flushed."""
    host.db.session.get_one(host.Service, 1).name = "x"


def flush_one(host: Host) -> None:
    """A change that is flushed."""
    change_one(host)
    host.db.session.flush()


def in_savepoint(host: Host) -> None:
    """A change within a savepoint."""
    with host.db.session.begin_nested():
        host.db.session.execute(rename(host))


WRITING: dict[str, Callable[[Host], object]] = {
    "new": lambda h: h.db.session.add(h.Worker(name="Kim")),
    "dirty": change_one,
    "deleted": lambda h: h.db.session.delete(h.db.session.get(h.Service, 1)),
    "flushed": flush_one,
    "update": lambda h: h.db.session.execute(rename(h)),
    "text": lambda h: h.db.session.execute(sa.text("/* mine */ UPDATE service SET name = 'x'")),
    "core": lambda h: h.db.session.connection().execute(h.Service.__table__.delete()),
    "driver": lambda h: h.db.session.connection().exec_driver_sql("-- mine\n insert into worker (name) values ('x')"),
    "bulk": lambda h: h.db.session.bulk_insert_mappings(h.Worker, [{"name": "x"}]),
    "savepoint": in_savepoint,
}


@pytest.mark.parametrize("way", WRITING)
def test_uncommitted_writes_are_refused(host: Host, way: str) -> None:
    """Whatever way the host has written and not committed, we refuse in words and touch nothing of it."""
    watch = HostSession(host.db)
    WRITING[way](host)
    with pytest.raises(HostTransactionOpen, match="Commit first"):
        watch.release(host.db.session)
    with pytest.raises(HostTransactionOpen):
        watch.release()
    host.db.session.rollback()
    watch.release()
    WRITING[way](host)
    host.db.session.commit()
    watch.release()


READING: dict[str, Callable[[Host], object]] = {
    "nothing": lambda h: None,
    "orm": lambda h: h.db.session.get(h.Service, 1),
    "same value": lambda h: setattr(h.db.session.get(h.Service, 1), "name", "First"),
    "core": lambda h: h.db.session.execute(sa.select(h.Service.name)),
    "text": lambda h: h.db.session.execute(sa.text("WITH updates AS (SELECT 1) SELECT replace('delete', 'e', 'E')")),
    "savepoint": lambda h: h.db.session.begin_nested().commit(),
}


@pytest.mark.parametrize("way", READING)
def test_a_host_that_only_read_is_released(host: Host, way: str) -> None:
    """A session that only read is given up, and its objects can still be used afterwards."""
    watch = HostSession(host.db)
    service = host.db.session.get_one(host.Service, 2)
    READING[way](host)
    watch.release(host.db.session)
    assert not host.db.session().in_transaction()
    assert service.name == "Second"


def test_nothing_is_idle_in_transaction(pg_url: str) -> None:
    """PostgreSQL itself says so: before the release one connection is idle in transaction, after it none."""
    with running_host(pg_url) as host:
        watch = HostSession(host.db)
        observer = sa.create_engine(pg_url)
        query = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        with observer.connect() as connection:
            host.db.session.execute(sa.select(host.Service))
            assert connection.scalar(query) == 1
            connection.rollback()
            watch.release()
            assert connection.scalar(query) == 0
        observer.dispose()


def test_locks_count_as_writes(pg_url: str) -> None:
    """A host that holds rows FOR UPDATE would lose its locks by a release: it is refused."""
    with running_host(pg_url) as host:
        watch = HostSession(host.db)
        host.db.session.execute(sa.select(host.Service).with_for_update())
        with pytest.raises(HostTransactionOpen):
            watch.release()


def test_short_sessions_are_others(host: Host) -> None:
    """What a short session of ours writes does not count against the host's, and the other way round."""
    watch = HostSession(host.db)
    host.db.session.get(host.Service, 1)
    with session_source(host.db)() as session:
        session.execute(rename(host))
        assert watch.has_writes(session)
        assert not watch.has_writes(host.db.session())
        session.commit()
        assert not watch.has_writes(session)
    watch.release()


def test_sessions_on_one_connection(tmp_path: Any) -> None:
    """In a host's test both sessions may share one connection: our writes still do not count against the host's."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/one.sqlite")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE thing (id INTEGER)")
        factory = sessionmaker(bind=connection, join_transaction_mode="create_savepoint")
        scoped = scoped_session(factory)
        watch = HostSession(scoped)
        scoped.execute(sa.text("SELECT * FROM thing"))
        with session_source(scoped)() as ours:
            ours.execute(sa.text("INSERT INTO thing VALUES (1)"))
            ours.commit()
        watch.release()
        scoped.execute(sa.text("INSERT INTO thing VALUES (2)"))
        with pytest.raises(HostTransactionOpen):
            watch.release()
        scoped.remove()
    engine.dispose()


def test_a_thread_without_a_session(host: Host) -> None:
    """Releasing makes no session where the host had none; a plain factory has none to release."""
    watch = HostSession(host.db)
    watch.release()
    assert not host.db.session.registry.has()
    HostSession(sessionmaker(host.db.engine)).release()


def test_many_factories_one_after_another(host: Host) -> None:
    """A factory made where another one was in memory before it is watched like the first."""
    for _ in range(50):
        factory = sessionmaker(host.db.engine)
        watch = HostSession(factory)
        with factory() as session:
            session.add(host.Worker(name="Kim"))
            session.flush()
            assert watch.has_writes(session)
        del factory, watch, session


def test_factories_that_are_none() -> None:
    """Something that is no session factory is refused at start-up, with what to give instead."""
    with pytest.raises(ConfigurationError, match=r"db= is dict.* give Flask-SQLAlchemy's db"):
        session_source({})


def test_a_session_factory_put_in_later(host: Host) -> None:
    """A host's tests may replace db.session: new short sessions come from the new factory."""
    give = session_source(host.db)
    host.db.session = host.db._make_scoped_session({"info": {"mine": True}})
    assert give().info == {"mine": True}


@pytest.mark.parametrize(
    ("statement", "writes"),
    [
        ("SELECT updated_at FROM delete_log", False),
        ("SAVEPOINT sa_savepoint_1", False),
        ("SHOW lock_timeout", False),
        ("  \n/* a */ -- b\n Insert into t values (1)", True),
        ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a FOR NO KEY UPDATE", True),
        ("SELECT 1 FOR SHARE", True),
        ("TRUNCATE t", True),
    ],
)
def test_what_writes(statement: str, writes: bool) -> None:
    """Statements are told apart by how they begin, and by the locks that they take."""
    assert bool(WRITES.match(statement)) is writes
