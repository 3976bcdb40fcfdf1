"""Which environment this is: a host, a database, a key; nothing can be read out of it."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker

from flask_crm_stripe.adapters.environment import fingerprint, host_of
from flask_crm_stripe.adapters.sqlalchemy.database import Database
from flask_crm_stripe.adapters.sqlalchemy.identity import identity, name_of
from flask_crm_stripe.core.environment import differing

PUBLIC = "https://crm.example.com/crm"


def test_each_part_is_told_apart_and_tells_nothing() -> None:
    """One thing changed changes one part; neither a name nor a key stands in it."""
    here = fingerprint("web-1", "sqlite:/data/crm.sqlite", "sk_test_canary")
    for part, other in (
        ("host", fingerprint("web-2", "sqlite:/data/crm.sqlite", "sk_test_canary")),
        ("database", fingerprint("web-1", "sqlite:/data/copy.sqlite", "sk_test_canary")),
        ("key", fingerprint("web-1", "sqlite:/data/crm.sqlite", "sk_test_other")),
    ):
        assert differing(other, [here]) == (part,)
    for secret in ("web-1", "crm.sqlite", "canary"):
        assert secret not in here
    assert len(here) == 3 * 16 + 2


@pytest.mark.parametrize(
    ("machine", "named", "known"),
    [
        ("web-1", "", "web-1"),
        ("web-1.internal", "production", "production"),
        ("9f8e7d6c5b4a", "", ""),
        ("9f8e7d6c5b4a", "production", "production"),
        ("crm-web-7d9f8b6c5d-x2k9p", "", ""),
        ("crm-web-7d9f8b6c5d-x2k9p", "production", "production"),
        ("abcdef", "", "abcdef"),
    ],
)
def test_a_container_is_known_by_the_public_address(
    monkeypatch: pytest.MonkeyPatch, machine: str, named: str, known: str
) -> None:
    """Its own name is another one each time it starts. The public address counts beside any name."""
    monkeypatch.setattr(socket, "gethostname", lambda: machine)
    assert host_of(named, PUBLIC) == f"{known}\0crm.example.com"
    assert host_of(named, "https://staging.example.com") != host_of(named, PUBLIC)


Find = Callable[[str | sa.URL], Database]


@pytest.fixture
def database() -> Iterator[Find]:
    """Our side of engines; all are given back in the end."""
    engines: list[sa.Engine] = []

    def find(url: str | sa.URL) -> Database:
        engines.append(sa.create_engine(url))
        return Database(sessionmaker(engines[-1]))

    yield find
    for engine in engines:
        engine.dispose()


def test_a_file_is_known_by_where_it_is(tmp_path: Path, database: Find) -> None:
    """A copy beside it is another database, a link to it is not; one in memory is itself."""
    one, two, link = tmp_path / "crm.sqlite", tmp_path / "copy.sqlite", tmp_path / "link.sqlite"
    one.touch()
    shutil.copy(one, two)
    link.symlink_to(one)
    assert identity(database(f"sqlite:///{one}")) == f"sqlite:{os.path.realpath(one)}"
    assert identity(database(f"sqlite:///{one}")) == identity(database(f"sqlite:///{link}"))
    assert identity(database(f"sqlite:///{one}")) != identity(database(f"sqlite:///{two}"))
    assert identity(database("sqlite://")) == "sqlite::memory:"
    assert name_of(database(f"sqlite:///{one}")) == "crm.sqlite"
    assert name_of(database("sqlite://")) == ":memory:"


def test_a_postgresql_database_is_known_by_server_name_and_cluster(pg_url: str, database: Find) -> None:
    """Whoever logs in, and however the driver is called; another database of the cluster is another one."""
    here = identity(database(pg_url))
    url = sa.make_url(pg_url)
    with database(pg_url).reading() as connection:
        number = connection.execute(sa.text("SELECT system_identifier FROM pg_control_system()")).scalar_one()
    assert str(number) in here
    assert url.database is not None
    assert url.database in here
    assert identity(database(url.set(database="postgres"))) != here
    assert name_of(database(pg_url)) == url.database


def test_who_may_not_read_the_cluster_number_goes_without_it(pg_url: str, database: Find) -> None:
    """The rest still tells one database from another, and nothing is left broken."""
    name = sa.make_url(pg_url).database
    with database(pg_url).reading() as connection:
        shadow = "CREATE FUNCTION public.pg_control_system() RETURNS TABLE (other int) AS 'SELECT 1' LANGUAGE sql"
        connection.execute(sa.text(shadow))
        connection.execute(sa.text(f"ALTER DATABASE {name} SET search_path = public, pg_catalog"))
    found = identity(database(pg_url))
    assert found.endswith("\0")
    assert str(name) in found
