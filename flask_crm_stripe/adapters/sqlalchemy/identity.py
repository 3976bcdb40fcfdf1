"""Which database this is: a copy of it, in another place, is another one."""

from __future__ import annotations

import os
from contextlib import nullcontext

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy.database import Database

LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost", None, ""))
IN_MEMORY = frozenset((None, "", ":memory:"))


def identity(database: Database) -> str:
    """A file by its whole path; a PostgreSQL database by its server, its name, and the cluster's own number, which
    even another server under the same address has not. Who logs in does not matter. No password is in it."""
    with database.reading() as connection:
        url = connection.engine.url
        if url.get_backend_name() == "sqlite":
            return f"sqlite:{_path(url)}"
        return "\0".join((url.get_backend_name(), _server(url), url.database or "", _cluster(connection)))


def name_of(database: Database) -> str:
    """What people call the database: the name of its file, or its own."""
    with database.reading() as connection:
        return os.path.basename(connection.engine.url.database or "") or ":memory:"


def _path(url: sa.URL) -> str:
    return ":memory:" if url.database in IN_MEMORY else os.path.realpath(str(url.database))


def _server(url: sa.URL) -> str:
    host = url.host or url.query.get("host")
    return f"{'localhost' if host in LOOPBACK else host}:{url.port or url.query.get('port') or 5432}"


def _cluster(connection: sa.Connection) -> str:
    """Made once with a cluster's files. Where it may not be read, it is never read, so that nothing changes."""
    alone = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
    try:
        # In a transaction of the host's a refusal would spoil what follows.
        with nullcontext() if alone else connection.begin_nested():
            return str(connection.execute(sa.text("SELECT system_identifier FROM pg_control_system()")).scalar_one())
    except sa.exc.ProgrammingError:
        return ""
