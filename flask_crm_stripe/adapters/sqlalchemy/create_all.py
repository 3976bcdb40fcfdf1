"""Our tables come and go with the host's ``db.create_all()`` and ``db.drop_all()``, as a host's tests expect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.upgrade import SUPPORTED, revision_of, stamp_head, take_lock

FOLLOWED = "crm_stripe_follows"


def follow_create_all(host_metadata: sa.MetaData, wanted: Callable[[], bool] = lambda: True) -> None:
    """Create and drop our tables after and before the host's, and note that they are up to date.

    ``host_metadata`` is the one of our bind (``db.metadatas[key]``): Flask-SQLAlchemy's ``create_all`` goes through the
    binds one by one, and the event comes with the engine of its own. ``wanted`` is asked each time, for a ``db`` that
    several apps share. Calling it again for the same metadata changes nothing.

    Creating or dropping only some of the host's tables leaves ours alone. Tables of an older version are left to
    ``upgrade``.
    """
    if host_metadata.info.get(FOLLOWED):
        return
    host_metadata.info[FOLLOWED] = True

    def created(target: sa.MetaData, connection: sa.Connection, **_: Any) -> None:
        if _possible(connection) and wanted() and _existing(target, connection) == _all(target):
            create(connection)

    def dropping(target: sa.MetaData, connection: sa.Connection, **options: Any) -> None:
        if _possible(connection) and wanted() and _existing(target, connection) <= _names(options.get("tables") or ()):
            drop(connection)

    event.listen(host_metadata, "after_create", created)
    event.listen(host_metadata, "before_drop", dropping)


def create(connection: sa.Connection) -> None:
    """Make our tables from the metadata, unless migrations made them."""
    take_lock(connection)
    if revision_of(connection) is None:
        tables.metadata.create_all(connection)
        stamp_head(connection)


def drop(connection: sa.Connection) -> None:
    """Remove our tables, and the note of their version."""
    tables.metadata.drop_all(connection)
    connection.execute(sa.schema.DropTable(sa.Table(tables.VERSION_TABLE, sa.MetaData()), if_exists=True))


def _possible(connection: sa.Connection) -> bool:
    return connection.dialect.name in SUPPORTED


Name = tuple[str | None, str]


def _names(given: Iterable[sa.Table]) -> set[Name]:
    return {(table.schema, table.name) for table in given}


def _all(target: sa.MetaData) -> set[Name]:
    return _names(target.tables.values())


def _existing(target: sa.MetaData, connection: sa.Connection) -> set[Name]:
    by_schema: dict[str | None, set[str]] = defaultdict(set)
    for schema, name in _all(target):
        by_schema[schema].add(name)
    inspector = sa.inspect(connection)
    return {(schema, name) for schema, names in by_schema.items() for name in names & _there(inspector, schema)}


def _there(inspector: sa.Inspector, schema: str | None) -> set[str]:
    return set(inspector.get_table_names(schema=schema))
