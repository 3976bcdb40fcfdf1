"""What our tables are made of: a MetaData of their own, and the columns and indexes that they share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

PREFIX = "crm_stripe_"
VERSION_TABLE = "crm_stripe_version"

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_N_name)s_fk",
        "ix": "%(table_name)s_%(column_0_N_name)s_ix",
        "uq": "%(table_name)s_%(column_0_N_name)s_uq",
    }
)


class Moment(sa.TypeDecorator[datetime]):
    """An aware point in time, kept in UTC; SQLite has no zones, so it is given and gives back naive UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse what has no zone: it could mean any hour."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: use datetime.now(timezone.utc).")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Always UTC, whatever zone the database's session has."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


REF = sa.String(191)
STRIPE_ID = sa.String(255)
WORD = sa.String(64)
OUR_ID = sa.String(32)
DIGEST = sa.String(64)
KEY_ID = sa.String(16)
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PLAIN = sa.JSON(none_as_null=True)


def table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """A table with our prefix."""
    # SQLite gives the number of a deleted last row to the next one: a second drain of the outbox would then delete a
    # note that nobody has read.
    return sa.Table(PREFIX + name, metadata, *parts, sqlite_autoincrement=True)


def row(name: str = "row") -> sa.Column[Any]:
    """The number that the database gives."""
    return sa.Column(name, NUMBER, primary_key=True)


def want(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    """A column that always has a value."""
    return sa.Column(name, kind, nullable=False, **options)


def may(name: str, kind: Any) -> sa.Column[Any]:
    """A column that may have none."""
    return sa.Column(name, kind, nullable=True)


def business() -> sa.Column[Any]:
    """Whose row it is."""
    return want("business", REF)


def account() -> tuple[sa.Column[Any], sa.Column[Any]]:
    """Where a Stripe id belongs."""
    return want("account_id", STRIPE_ID), want("livemode", sa.Boolean)


def only_where(name: str, condition: str, *columns: str) -> sa.Index:
    """At most one row of those that meet the condition."""
    where = sa.text(condition)
    return sa.Index(PREFIX + name, *columns, unique=True, postgresql_where=where, sqlite_where=where)


def index_where(name: str, condition: str, *columns: str) -> sa.Index:
    """An index over the rows that meet the condition."""
    where = sa.text(condition)
    return sa.Index(PREFIX + name, *columns, postgresql_where=where, sqlite_where=where)
