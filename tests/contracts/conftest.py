"""Fixtures of the ledger's contract suite. Real ledgers come from our migrations, not from the metadata."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.upgrade import upgrade
from flask_crm_stripe.testing.memory_ledger import MemorySharedLedger
from tests.contracts.ledger_worlds import Ledgers, real


@pytest.fixture(scope="session")
def ledger_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our tables, to copy."""
    path = tmp_path_factory.mktemp("ledger") / "template.sqlite"
    engine = sa.create_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def ledger_postgres(postgres: Any) -> Iterator[sa.Engine]:
    """One PostgreSQL database with our tables for all tests of this process; each empties it first."""
    engine = sa.create_engine(postgres.url(postgres.create()), pool_size=10)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_engine(ledger_template: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    """A SQLite file of its own."""
    path = shutil.copy(ledger_template, tmp_path / "ledger.sqlite")
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_engine(ledger_postgres: sa.Engine) -> sa.Engine:
    """The PostgreSQL database, empty."""
    with ledger_postgres.begin() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            connection.execute(table.delete())
    return ledger_postgres


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def ledgers(request: pytest.FixtureRequest) -> Ledgers:
    """Every implementation of the ledger, empty."""
    if request.param == "memory":
        return Ledgers(MemorySharedLedger())
    return real(request.getfixturevalue("sqlite_engine" if request.param == "sqlite" else "postgres_engine"))


@pytest.fixture(params=["sqlite", "postgresql"])
def real_ledgers(request: pytest.FixtureRequest) -> Ledgers:
    """Those with a database."""
    return real(request.getfixturevalue("sqlite_engine" if request.param == "sqlite" else "postgres_engine"))
