"""What the ledger leaves in a database, and how it gets there: sealed, in UTC, in the right bind, at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import sessionmaker

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.intake import unpacked
from flask_crm_stripe.adapters.sqlalchemy.invoice_rows import new_lines
from flask_crm_stripe.adapters.sqlalchemy.ledger import SqlLedger, SqlSharedLedger
from flask_crm_stripe.adapters.sqlalchemy.upgrade import upgrade
from flask_crm_stripe.adapters.vault import FernetVault
from flask_crm_stripe.errors import BillableTaken, NotFound
from flask_crm_stripe.model.connection import Ending
from flask_crm_stripe.model.invoices import Stage
from flask_crm_stripe.model.notices import Notice
from tests.contracts.ledger_worlds import (
    HOME,
    NOW,
    OUR_ACCOUNT,
    THEIR_ACCOUNT,
    ReversingVault,
    account,
    event,
    grant,
    later,
    make,
    plan,
    remote,
)
from tests.core.records import an_invoice

CANARY = "canary-of-a-secret"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """A new database with our tables."""
    engine = sa.create_engine(database_url, connect_args={"timeout": 30} if "sqlite" in database_url else {})
    upgrade(engine)
    yield engine
    engine.dispose()


def dump(engine: sa.Engine) -> str:
    """Every value of every table as text, bytes decoded."""
    shown: list[str] = []
    with engine.connect() as connection:
        for table in tables.metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                shown += [bytes(v).decode("latin-1") if isinstance(v, bytes | memoryview) else str(v) for v in row]
    return "\n".join(shown)


def test_no_secret_stands_in_the_database(engine: sa.Engine) -> None:
    """Tokens, event bodies, the payment page: sealed or not kept at all; tokens are erased with the connection."""
    vault = FernetVault([Fernet.generate_key().decode()])
    shared = SqlSharedLedger(sessionmaker(engine), vault)
    pendings = {}
    for business, id in (("ours", OUR_ACCOUNT), ("theirs", THEIR_ACCOUNT)):
        ledger = shared.for_business(business)
        token = f"{CANARY} of {business}"
        pendings[business] = ledger.connections.add_pending(
            grant(id, access_token=token), account(id), "print", "ines", NOW
        )
        ledger.connections.confirm(pendings[business].id, "ines", NOW)
        body = json.dumps({"secret": CANARY}).encode()
        ledger.events.keep(event("evt_1", id, body=body), NOW)
        invoice = make(ledger, "b1", account_id=id)
        picture = remote(invoice, hosted_url=f"https://pay/{CANARY}", pdf_url=f"https://pdf/{CANARY}")
        ledger.invoices.advance(invoice.id, Stage.SENT, picture, NOW)
    text = dump(engine)
    assert "Harbour & Pine" in text
    assert CANARY not in text
    assert [unpacked(vault.open(sealed)) for sealed in column(engine, tables.event.c.body)] == [body, body]
    told = Notice("ended", "ended", NOW)
    connections = shared.for_business("ours").connections
    assert connections.end(pendings["ours"].id, "ines", Ending.DISCONNECTED, "moved", NOW, told) is not None
    ours, theirs = column(engine, tables.connection.c.secrets)
    assert ours is None
    assert json.loads(vault.open(theirs)) == {"access_token": f"{CANARY} of theirs"}


def column(engine: sa.Engine, chosen: sa.Column[Any]) -> list[Any]:
    """All values of a column, oldest row first."""
    with engine.connect() as connection:
        return list(connection.execute(sa.select(chosen).order_by(chosen.table.c.row)).scalars())


def test_times_are_utc_whatever_zone_they_came_in(engine: sa.Engine) -> None:
    """A time in another zone comes back as the same moment in UTC; one without a zone is refused."""
    ours, theirs = ledgers_on(engine)
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    step = ours.journal.start("invoice:1", "create", 1, "key", "hash", tokyo)
    stored = ours.journal.last("invoice:1", "create")
    assert stored is not None
    assert stored.started_at == step.started_at == NOW
    assert stored.started_at.tzinfo is UTC
    with pytest.raises(sa.exc.StatementError, match="no time zone"):
        theirs.journal.start("invoice:1", "create", 1, "key", "hash", datetime(2026, 1, 1))  # noqa: DTZ001
    assert theirs.journal.steps("invoice:1") == []


def test_a_database_session_in_another_zone_changes_no_moment(pg_url: str) -> None:
    """PostgreSQL answers in the zone of its session; we give back UTC."""
    engine = sa.create_engine(pg_url, connect_args={"options": "-c timezone=Asia/Tokyo"})
    upgrade(engine)
    ours, theirs = ledgers_on(engine)
    invoice = make(ours, "b1")
    theirs_invoice = make(theirs, "b1", account_id=THEIR_ACCOUNT, at=later(1))
    assert ours.invoices.get(invoice.id) == invoice
    stored = theirs.invoices.get(theirs_invoice.id)
    assert stored is not None
    assert stored.created_at.isoformat() == later(1).isoformat()
    engine.dispose()


def ledgers_on(engine: sa.Engine) -> tuple[SqlLedger, SqlLedger]:
    """Two businesses on an engine."""
    shared = SqlSharedLedger(sessionmaker(engine), ReversingVault())
    return shared.for_business("ours"), shared.for_business("theirs")


def test_no_connection_is_kept(engine: sa.Engine) -> None:
    """After each call, a refused one too, nothing is checked out: no transaction is open while Stripe is asked."""
    ours, theirs = ledgers_on(engine)
    pool = engine.pool
    assert isinstance(pool, sa.QueuePool)
    invoice = make(ours, "b1")
    deeds: list[Callable[[], object]] = [
        lambda: make(ours, "b1", form_key="again"),
        lambda: theirs.invoices.stop(invoice.id, None, NOW),  # type: ignore[arg-type]
        lambda: ours.invoices.page(None),  # type: ignore[arg-type]
    ]
    for deed in deeds:
        with pytest.raises((BillableTaken, NotFound, AttributeError)):
            deed()
        assert pool.checkedout() == 0
    assert ours.invoices.get(invoice.id) == invoice
    assert pool.checkedout() == 0


def test_billables_are_claimed_in_one_order() -> None:
    """Two people who choose the same work in different orders never wait for each other in a circle."""
    made = [
        replace(an_invoice(business=business), plan=plan(*refs))
        for business, refs in (("ours", ("b3", "b1", "b2")), ("theirs", ("b2", "b3")))
    ]
    lines = [line for number, invoice in enumerate(made, 1) for line in new_lines(number, invoice)]
    claimed = [(line["business"], line["billable"], line["position"]) for line in lines]
    assert claimed[:3] == [("ours", "b1", 1), ("ours", "b2", 2), ("ours", "b3", 0)]
    assert claimed[3:] == [("theirs", "b2", 0), ("theirs", "b3", 1)]


def by_hand(engine: sa.Engine) -> None:
    """As SQLAlchemy's manual advises for SQLite: the driver begins nothing, the engine's event does."""
    sa.event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))


def test_work_in_a_hosts_outer_transaction_goes_with_it(engine: sa.Engine, database_url: str) -> None:
    """A host's test binds its factory to one connection and rolls back at the end: ours is rolled back too."""
    host = sa.create_engine(database_url)
    if host.dialect.name == "sqlite":
        by_hand(host)
    with host.connect() as connection:
        outer = connection.begin()
        factory = sessionmaker(bind=connection, join_transaction_mode="create_savepoint")
        shared = SqlSharedLedger(factory, ReversingVault())
        invoice = make(shared.for_business("ours"), "b1")
        make(shared.for_business("theirs"), "b1", account_id=THEIR_ACCOUNT)
        assert shared.for_business("ours").invoices.get(invoice.id) == invoice
        outer.rollback()
    host.dispose()
    assert column(engine, tables.invoice.c.id) == []


@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.parametrize("prepare", [by_hand, lambda engine: None], ids=["host begins", "driver begins"])
def test_sqlite_writers_wait_for_each_other(
    sqlite_url: str, journal: str, prepare: Callable[[sa.Engine], None]
) -> None:
    """However the host begins its transactions: several threads read and write, and none finds the database locked."""
    engine = sa.create_engine(sqlite_url, connect_args={"timeout": 30})
    prepare(engine)
    upgrade(engine)
    with engine.connect() as connection:
        connection.connection.driver_connection.execute(f"PRAGMA journal_mode = {journal}")  # type: ignore[union-attr]
    ours, theirs = ledgers_on(engine)

    def work(number: int) -> None:
        for turn in range(5):
            ledger, id = (ours, OUR_ACCOUNT) if number % 2 else (theirs, THEIR_ACCOUNT)
            invoice = make(ledger, f"b{number}-{turn}", account_id=id)
            ledger.invoices.advance(invoice.id, Stage.SENT, remote(invoice), NOW)
            ledger.lease("sweep", str(number), later(turn), 1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(column(engine, tables.invoice.c.row)) == 20
    engine.dispose()


def host_with_binds(tmp_path: Path, key: str | None) -> tuple[Flask, SQLAlchemy]:
    """A Flask-SQLAlchemy host with a default database and two binds, our tables under one of them."""
    app, db = Flask("host"), SQLAlchemy()
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/main.sqlite"
    app.config["SQLALCHEMY_BINDS"] = {name: f"sqlite:///{tmp_path}/{name}.sqlite" for name in ("first", "second")}
    db.init_app(app)
    with app.app_context():
        upgrade(db.engines[key])
    return app, db


def test_two_apps_with_different_binds_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Reads and writes go to the bind that each app names, through the host's own factory; the rest stays empty."""
    ids = {}
    hosts = {key: host_with_binds(tmp_path, key) for key in ("first", "second")}
    for key, (app, db) in hosts.items():
        with app.app_context():
            shared = SqlSharedLedger(db.session.session_factory, ReversingVault(), key)
            ids[key] = shared.installation(HOME, NOW)
            make(shared.for_business("ours"), "b1")
            make(shared.for_business("theirs"), "b1", account_id=THEIR_ACCOUNT)
    assert ids["first"] != ids["second"]
    for key, (app, db) in hosts.items():
        with app.app_context():
            shared = SqlSharedLedger(db.session.session_factory, ReversingVault(), key)
            assert shared.installation(HOME, NOW) == ids[key]
            assert len(shared.for_business("ours").invoices.unfinished((OUR_ACCOUNT, False), later(1))) == 1
            assert sa.inspect(db.engine).get_table_names() == []
            for engine in db.engines.values():
                engine.dispose()
