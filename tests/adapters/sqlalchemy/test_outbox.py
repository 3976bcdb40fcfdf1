"""Notes of the host's changes: one for each way to change, none after a rollback, and never in the host's way."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.host import session_source
from flask_crm_stripe.adapters.sqlalchemy.outbox import record_changes
from flask_crm_stripe.model.crm import Contact, ContactRef, Service
from tests.support.crm_host import Host, make_host, running_host

EVERY_SERVICE = ("*", "service", "*")


@dataclass
class Watched:
    """A host whose changes are recorded, with one service in each business."""

    host: Host
    active: bool = True
    where: str | None = None
    commits: list[list[tuple[str, str, str]]] = field(default_factory=list)

    @property
    def session(self) -> Any:
        """The host's scoped session."""
        return self.host.db.session

    def applies(self) -> bool:
        """Whether the current app bills."""
        return self.active

    def committed(self) -> None:
        """Called after a commit that wrote notes."""
        self.commits.append(self.notes())

    def notes(self) -> list[tuple[str, str, str]]:
        """What stands in the outbox, as another connection sees it."""
        with self.host.db.engines[self.where].connect() as connection:
            rows = connection.execute(sa.select(tables.outbox).order_by(tables.outbox.c.id))
            return [(row.business, row.kind, row.ref) for row in rows]

    def empty(self) -> None:
        """Forget what was noted so far."""
        with self.host.db.engine.begin() as connection:
            connection.execute(tables.outbox.delete())
        self.commits.clear()

    def service(self, ref: int = 1) -> Any:
        """A service's row in the host's session."""
        return self.session.get(self.host.Service, ref)

    def update(self, **values: Any) -> sa.Update:
        """A statement that changes all services."""
        return sa.update(self.host.Service).values(**values)


@pytest.fixture
def watched(database_url: str) -> Iterator[Watched]:
    """On each database, with the outbox there and empty."""
    with running_host(database_url) as host:
        tables.metadata.create_all(host.db.engine)
        found = Watched(host)
        record_changes(host.db, host.crm, found.applies, found.committed)
        host.add("north", Service("1", "A", "First", prices=(("eur", Decimal(5)),)))
        host.add("south", Service("2", "B", "Second"), Contact(ContactRef("organization", "1"), "Acme"))
        found.empty()
        yield found


def test_add_change_delete(watched: Watched) -> None:
    """A service that is added, changed or deleted is noted by its own business and ref, once per transaction."""
    host, session = watched.host, watched.session
    host.add("south", Service("7", "C", "Third"))
    watched.service(1).name = "New name"
    session.flush()
    watched.service(1).code = "NEW"
    session.commit()
    session.delete(watched.service(2))
    session.commit()
    assert watched.notes() == [("south", "service", "7"), ("north", "service", "1"), ("south", "service", "2")]
    assert [len(seen) for seen in watched.commits] == [1, 2, 3]


def test_contacts_are_noted_too(watched: Watched) -> None:
    """A contact's change is a note of its own kind."""
    watched.session.get(watched.host.Organization, 1).name = "Acme II"
    watched.session.commit()
    assert watched.notes() == [("south", "contact:organization", "1")]


def test_a_row_that_changes_its_key(watched: Watched) -> None:
    """A service that moves to another business or ref is noted under its old and its new name."""
    watched.service(1).company = "south"
    watched.session.commit()
    assert watched.notes() == [("north", "service", "1"), ("south", "service", "1")]


def test_a_watched_model(watched: Watched) -> None:
    """A price has no business or ref of its own: everything is looked at."""
    watched.session.scalars(sa.select(watched.host.Price)).one().amount = Decimal(6)
    watched.session.commit()
    assert watched.notes() == [EVERY_SERVICE]


BULK: dict[str, Callable[[Watched], object]] = {
    "session.execute(update)": lambda w: w.session.execute(w.update(name="x")),
    "session.execute(insert)": lambda w: w.session.execute(
        sa.insert(w.host.Service).values(id=9, company="north", code="", name="", description="", unit="", active=True)
    ),
    "session.execute(delete)": lambda w: w.session.execute(sa.delete(w.host.Service).where(w.host.Service.id == 2)),
    "query.update": lambda w: w.session.query(w.host.Service).update({"name": "x"}),
    "query.delete": lambda w: w.session.query(w.host.Service).filter_by(id=2).delete(),
    "bulk_update_mappings": lambda w: w.session.bulk_update_mappings(w.host.Service, [{"id": 1, "name": "x"}]),
    "bulk_insert_mappings": lambda w: w.session.bulk_insert_mappings(
        w.host.Service, [{"id": 9, "company": "north", "code": "", "name": "x"}]
    ),
    "bulk_save_objects": lambda w: w.session.bulk_save_objects([w.host.row("north", Service("9", "", "x"))]),
    "session.connection": lambda w: w.session.connection().execute(w.update(name="x")),
    "core table": lambda w: w.session.connection().execute(w.host.Service.__table__.update().values(name="x")),
    "prices": lambda w: w.session.execute(sa.update(w.host.Price).values(amount=Decimal(9))),
    "in a savepoint": lambda w: w.session.begin_nested() and w.session.execute(w.update(name="x")),
}


@pytest.mark.parametrize("way", BULK)
def test_bulk_and_core_through_the_session(watched: Watched, way: str) -> None:
    """However a statement changes services through the host's session, all of them are looked at."""
    BULK[way](watched)
    watched.session.commit()
    assert watched.notes() == [EVERY_SERVICE]
    assert watched.commits == [[EVERY_SERVICE]]


@pytest.mark.parametrize("way", BULK)
def test_a_rollback_leaves_none(watched: Watched, way: str) -> None:
    """The notes are in the host's transaction: gone with it, and nobody is told."""
    BULK[way](watched)
    watched.session.rollback()
    watched.service(1).name = "New name"
    watched.session.flush()
    watched.session.rollback()
    watched.session.commit()
    assert (watched.notes(), watched.commits) == ([], [])


def test_engine_begin(watched: Watched) -> None:
    """A change past every session, by engine.begin(), is noted in that transaction."""
    with watched.host.db.engine.begin() as connection:
        connection.execute(watched.update(name="x"))
    assert watched.notes() == [EVERY_SERVICE]
    assert len(watched.commits) == 1
    with watched.host.db.engine.connect() as connection:
        connection.execute(watched.update(name="y"))
        connection.rollback()
        connection.commit()
    assert watched.notes() == [EVERY_SERVICE]
    assert len(watched.commits) == 1


def test_a_savepoint_rolled_back(watched: Watched) -> None:
    """What a savepoint noted is gone with it, and noted again when it is changed again."""
    session = watched.session
    savepoint = session.begin_nested()
    watched.service(1).name = "First try"
    session.flush()
    savepoint.rollback()
    session.commit()
    assert watched.notes() == []
    savepoint = session.begin_nested()
    watched.service(1).name = "First try"
    session.flush()
    savepoint.rollback()
    watched.service(1).name = "Second try"
    session.commit()
    assert watched.notes() == [("north", "service", "1")]
    assert watched.commits[-1] == [("north", "service", "1")]


def test_after_a_failed_flush(watched: Watched) -> None:
    """A flush that fails does not make the recorder deaf to the statements after it."""
    watched.session.add(watched.host.Service(id=1, company="north", code="", name="twice"))
    with pytest.raises(sa.exc.IntegrityError):
        watched.session.flush()
    watched.session.rollback()
    watched.session.execute(watched.update(name="x"))
    watched.session.commit()
    assert watched.notes() == [EVERY_SERVICE]


def test_what_is_no_change(watched: Watched) -> None:
    """Setting the same value, reading, and changing other models are not noted."""
    service = watched.service(1)
    service.name = str(service.name)
    watched.session.add(watched.host.Worker(name="Kim"))
    watched.session.execute(sa.select(watched.host.Service))
    watched.session.execute(sa.update(watched.host.Worker).values(name="Lee"))
    watched.session.commit()
    assert (watched.notes(), watched.commits) == ([], [])


def test_an_app_that_does_not_bill(watched: Watched) -> None:
    """A second app on the same db, without the extension, writes no notes."""
    watched.active = False
    watched.service(1).name = "x"
    watched.session.commit()
    watched.session.execute(watched.update(name="y"))
    watched.session.commit()
    assert watched.notes() == []


def test_registered_twice(watched: Watched) -> None:
    """Registering again, or a second app's declaration that does not apply, doubles nothing."""
    host = watched.host
    for _ in range(3):
        record_changes(host.db, host.crm, watched.applies, watched.committed, [host.db.engine])
    record_changes(host.db, host.crm, lambda: False)
    watched.service(1).name = "x"
    watched.session.commit()
    watched.session.execute(watched.update(name="y"))
    watched.session.commit()
    assert watched.notes() == [("north", "service", "1"), EVERY_SERVICE]
    assert len(watched.commits) == 2


def test_an_app_that_is_gone(watched: Watched) -> None:
    """A db that outlives its apps, as in a host's tests, keeps none of them alive, and works on for the next one."""
    host, other = watched.host, Watched(watched.host, active=False)
    record_changes(host.db, host.crm, other.applies)
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None
    watched.service(1).name = "x"
    watched.session.commit()
    record_changes(host.db, host.crm, watched.applies, watched.committed)
    assert watched.notes() == [("north", "service", "1")]


def test_a_short_session_of_the_hosts(watched: Watched) -> None:
    """A session from the host's factory outside its registry, as in a task, is watched as well."""
    with session_source(watched.host.db)() as session:
        session.get_one(watched.host.Service, 1).name = "x"
        session.commit()
    assert watched.notes() == [("north", "service", "1")]


def save_everything(watched: Watched) -> list[Any]:
    """Save in three ways, and read what the host then has."""
    watched.service(1).name = "by flush"
    watched.session.commit()
    watched.session.execute(sa.update(watched.host.Service).where(watched.host.Service.id == 2).values(name="by bulk"))
    watched.session.add(watched.host.Worker(name="in the same transaction"))
    watched.session.commit()
    with watched.host.db.engine.begin() as connection:
        connection.execute(sa.update(watched.host.Service).values(code="by core"))
    query = sa.select(watched.host.Service.name, watched.host.Service.code).order_by(watched.host.Service.id)
    saved = [tuple(row) for row in watched.session.execute(query)]
    assert watched.session.query(watched.host.Worker).count() == 1
    return saved


def test_a_missing_outbox_never_fails_the_save(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """Without our tables every save of the host's works as ever; the log says once what to do."""
    tables.metadata.drop_all(watched.host.db.engine)
    with caplog.at_level(logging.WARNING):
        saved = save_everything(watched)
    assert saved == [("by flush", "by core"), ("by bulk", "by core")]
    complaints = [record for record in caplog.records if "flask crm-stripe upgrade" in record.getMessage()]
    assert len(complaints) == 1
    tables.metadata.create_all(watched.host.db.engine)
    watched.session.rollback()
    watched.service(1).name = "again"
    watched.session.commit()
    assert watched.notes() == [("north", "service", "1")]


def test_an_outbox_of_another_shape(watched: Watched) -> None:
    """A table that we cannot write to is no reason to fail a save either."""
    tables.metadata.drop_all(watched.host.db.engine)
    with watched.host.db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE crm_stripe_outbox (id INTEGER PRIMARY KEY)")
    assert len(save_everything(watched)) == 2


def test_a_locked_outbox_does_not_block_the_save(pg_url: str) -> None:
    """While a migration holds the outbox, the host's save waits two seconds at most, and its own timeout stays."""
    with running_host(pg_url) as host:
        tables.metadata.create_all(host.db.engine)
        watched = Watched(host)
        record_changes(host.db, host.crm, watched.applies, watched.committed)
        host.add("north", Service("1", "A", "First"))
        watched.empty()
        with host.db.engine.begin() as migration:
            migration.exec_driver_sql("LOCK TABLE crm_stripe_outbox")
            watched.session.execute(sa.text("SET LOCAL lock_timeout = '41s'"))
            watched.service(1).name = "x"
            watched.session.flush()
            assert watched.session.scalar(sa.text("SHOW lock_timeout")) == "41s"
            watched.session.commit()
        watched.session.execute(sa.text("SET LOCAL lock_timeout = '41s'"))
        watched.service(1).name = "y"
        watched.session.flush()
        assert watched.session.scalar(sa.text("SHOW lock_timeout")) == "41s"
        watched.session.commit()
        assert watched.notes() == [("north", "service", "1")]


@pytest.mark.parametrize("fails", ["applies", "on_commit"])
def test_an_error_of_ours_is_logged(watched: Watched, fails: str, caplog: pytest.LogCaptureFixture) -> None:
    """A recorder that breaks in itself leaves the host's save alone, and a traceback in the log."""

    def breaks() -> bool:
        raise ZeroDivisionError

    watched.active = False
    applies, on_commit = (breaks, None) if fails == "applies" else (lambda: True, breaks)
    record_changes(watched.host.db, watched.host.crm, applies, on_commit)
    assert len(save_everything(watched)) == 2
    assert "ZeroDivisionError" in caplog.text


def test_an_outbox_in_another_database(tmp_path: Any) -> None:
    """With our tables under a bind of their own the notes go there, for each way to change; a rollback leaves none."""
    binds = {"billing": f"sqlite:///{tmp_path}/billing.sqlite"}
    host = make_host(f"sqlite:///{tmp_path}/crm.sqlite", SQLALCHEMY_BINDS=binds)
    with host.app.app_context():
        host.db.create_all()
        billing = host.db.engines["billing"]
        tables.metadata.create_all(billing)
        watched = Watched(host, where="billing")
        record_changes(host.db, host.crm, watched.applies, watched.committed, [host.db.engine], "billing")
        host.add("north", Service("1", "A", "First"))
        watched.session.execute(watched.update(name="x"))
        watched.session.commit()
        with host.db.engine.begin() as connection:
            connection.execute(watched.update(name="y"))
        assert watched.notes() == [("north", "service", "1"), EVERY_SERVICE, EVERY_SERVICE]
        assert len(watched.commits) == 3
        watched.service(1).name = "z"
        watched.session.flush()
        watched.session.rollback()
        with host.db.engine.connect() as connection:
            connection.execute(watched.update(name="z"))
            connection.rollback()
            connection.commit()
        assert len(watched.notes()) == 3
        watched.session.remove()
        billing.dispose()
        host.db.engine.dispose()


def test_autocommit_engines(pg_url: str) -> None:
    """A host that commits each statement by itself has its changes noted too."""
    with running_host(pg_url) as host:
        tables.metadata.create_all(host.db.engine)
        watched = Watched(host)
        record_changes(host.db, host.crm, watched.applies, watched.committed, [host.db.engine])
        host.add("north", Service("1", "A", "First"))
        watched.empty()
        with host.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(watched.update(name="x"))
        assert watched.notes() == [EVERY_SERVICE]
