"""Our tables beside the host's own migrations and its `db.create_all()`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.autogenerate import chained, hide_from_migrate, include_name
from flask_crm_stripe.adapters.sqlalchemy.create_all import follow_create_all
from flask_crm_stripe.adapters.sqlalchemy.upgrade import is_current, upgrade

OURS = {tables.VERSION_TABLE, *tables.metadata.tables}


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """A host's database with a table of its own and ours."""
    engine = sa.create_engine(database_url)
    host_metadata().create_all(engine)
    upgrade(engine)
    yield engine
    engine.dispose()


def host_metadata() -> sa.MetaData:
    """The host's models: one table, with an index."""
    metadata = sa.MetaData()
    sa.Table("service", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text, index=True))
    return metadata


def proposals(engine: sa.Engine, **options: Any) -> str:
    """What the host's autogenerate would write."""
    with engine.connect() as connection:
        return str(compare_metadata(MigrationContext.configure(connection, opts=options), host_metadata()))


def test_the_hosts_autogenerate_sees_none_of_our_tables(engine: sa.Engine) -> None:
    """Without the filter it would drop them all; with it, it proposes nothing."""
    assert proposals(engine).count("remove_table") == len(OURS)
    assert proposals(engine, include_name=include_name) == "[]"


def test_a_filter_of_the_hosts_own_is_kept(engine: sa.Engine) -> None:
    """Both must agree; chaining a second time changes nothing."""

    def mine(name: str | None, type_: str, parents: Mapping[Any, str | None]) -> bool:
        return name != "old_table"

    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE old_table (id INTEGER)"))
        connection.execute(sa.text("CREATE TABLE other_table (id INTEGER)"))
    arguments: dict[str, Any] = {"include_name": mine}
    hide_from_migrate(arguments)
    proposed = proposals(engine, **arguments)
    assert "other_table" in proposed
    assert "old_table" not in proposed
    assert "crm_stripe" not in proposed
    assert chained(arguments["include_name"]) is arguments["include_name"]
    assert chained(include_name) is chained(None) is include_name


def test_only_names_with_our_prefix_are_hidden() -> None:
    """Tables of ours and what is inside them; a schema and the host's things are not."""
    assert not include_name("crm_stripe_invoice", "table", {})
    assert not include_name("anything", "index", {"table_name": "crm_stripe_invoice"})
    assert include_name("crm", "table", {})
    assert include_name("crm_stripe_key", "column", {"table_name": "service"})
    assert include_name(None, "schema", {})


# A real Flask-Migrate project: what `flask db init`, `migrate` and `upgrade` do, with our tables made in between.
PROJECT = """
import sys
import sqlalchemy as sa
from pathlib import Path
from flask import Flask
from flask_migrate import Migrate, init, migrate, upgrade
from flask_sqlalchemy import SQLAlchemy
from flask_crm_stripe.adapters.sqlalchemy import upgrade as ours
from flask_crm_stripe.adapters.sqlalchemy.autogenerate import hide_from_migrate

key = sys.argv[1] or None
app, db = Flask("host"), SQLAlchemy()
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + str(Path("main.sqlite").absolute())
if key:
    app.config["SQLALCHEMY_BINDS"] = {key: "sqlite:///" + str(Path("bind.sqlite").absolute())}
db.init_app(app)
db.Table("service", sa.Column("id", sa.Integer, primary_key=True), bind_key=None)
if key:
    db.Table("other", sa.Column("id", sa.Integer, primary_key=True), bind_key=key)
Migrate(app, db)
with app.app_context():
    hide_from_migrate(app.extensions["migrate"].configure_args)
    ours.upgrade(db.engines[key])
    init("migrations", multidb=bool(key))
    migrate("migrations", message="first")
    upgrade("migrations")
    migrate("migrations", message="second")
    assert ours.is_current(db.engines[key])
"""


@pytest.mark.parametrize("key", ["", "billing"])
def test_a_flask_migrate_project_proposes_nothing_for_our_tables(tmp_path: Path, key: str) -> None:
    """In one database and in several: the first migration holds the host's tables alone, a second is not needed."""
    done = subprocess.run(
        [sys.executable, "-c", PROJECT, key], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    written = list((tmp_path / "migrations" / "versions").glob("*.py"))
    assert [path.name.rpartition("_")[2] for path in written] == ["first.py"]
    text = written[0].read_text()
    assert "'service'" in text
    assert "crm_stripe" not in text


class Host:
    """A Flask-SQLAlchemy host with a model in its default database and one in a bind."""

    def __init__(self, tmp_path: Path) -> None:
        self.app, self.db = Flask("host"), SQLAlchemy()
        self.app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/main.sqlite"
        self.app.config["SQLALCHEMY_BINDS"] = {"billing": f"sqlite:///{tmp_path}/billing.sqlite"}
        self.db.init_app(self.app)
        self.services = self.db.Table("service", sa.Column("id", sa.Integer, primary_key=True))
        self.db.Table("contact", sa.Column("id", sa.Integer, primary_key=True))
        self.db.Table("other", sa.Column("id", sa.Integer, primary_key=True), bind_key="billing")

    def tables(self, key: str | None = None) -> set[str]:
        """What is in a database."""
        return set(sa.inspect(self.db.engines[key]).get_table_names())


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """The host, in its app context."""
    host = Host(tmp_path)
    with host.app.app_context():
        yield host
        for engine in host.db.engines.values():
            engine.dispose()


def test_create_all_and_drop_all_take_our_tables_along(host: Host) -> None:
    """Made with the host's own and noted as up to date, gone with them, as often as a host's tests like."""
    follow_create_all(host.db.metadata)
    follow_create_all(host.db.metadata)
    for _ in range(2):
        host.db.create_all()
        host.db.create_all()
        assert host.tables() == OURS | {"service", "contact"}
        assert host.tables("billing") == {"other"}
        assert is_current(host.db.engine)
        host.db.drop_all()
        assert host.tables() == set()


def test_with_a_bind_our_tables_go_there_only(host: Host) -> None:
    """`create_all` goes through the binds one by one; ours come with theirs."""
    follow_create_all(host.db.metadatas["billing"])
    host.db.create_all(bind_key=None)
    assert host.tables("billing") == set()
    host.db.create_all()
    assert host.tables() == {"service", "contact"}
    assert host.tables("billing") == OURS | {"other"}
    assert is_current(host.db.engines["billing"])
    host.db.drop_all(bind_key=None)
    assert host.tables("billing") == OURS | {"other"}


def test_some_of_the_hosts_tables_leave_ours_alone(host: Host) -> None:
    """Only when all are there do ours come, only when all go do ours go: a host that drops one keeps its invoices."""
    follow_create_all(host.db.metadata)
    host.db.metadata.create_all(host.db.engine, tables=[host.services])
    assert host.tables() == {"service"}
    host.db.create_all()
    host.db.metadata.drop_all(host.db.engine, tables=[host.services])
    assert host.tables() == OURS | {"contact"}


def test_tables_made_by_migrations_are_left_to_them(host: Host) -> None:
    """`create_all` after our `upgrade` changes nothing, even where they are of an older version."""
    follow_create_all(host.db.metadata)
    upgrade(host.db.engine)
    with host.db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE crm_stripe_version SET version_num = 'older'"))
        tables.outbox.drop(connection)
    host.db.create_all()
    assert host.tables() == {"service", "contact"} | OURS - {tables.outbox.name}
    assert not is_current(host.db.engine)


def test_an_app_that_does_not_bill_gets_no_tables(host: Host) -> None:
    """Two apps may share one `db`: each time it is asked whether this one bills."""
    bills = [False]
    follow_create_all(host.db.metadata, wanted=lambda: bills[0])
    host.db.create_all()
    assert host.tables() == {"service", "contact"}
    bills[0] = True
    host.db.create_all()
    assert host.tables() == OURS | {"service", "contact"}
    bills[0] = False
    host.db.drop_all()
    assert host.tables() == OURS


def test_create_all_on_postgresql(pg_url: str) -> None:
    """The same there, inside the host's own transaction."""
    metadata, engine = host_metadata(), sa.create_engine(pg_url)
    follow_create_all(metadata)
    with engine.begin() as connection:
        metadata.create_all(connection)
    assert set(sa.inspect(engine).get_table_names()) == OURS | {"service"}
    assert is_current(engine)
    metadata.drop_all(engine)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()
