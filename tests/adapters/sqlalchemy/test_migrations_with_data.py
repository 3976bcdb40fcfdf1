"""Tables that are full of an older version's rows come through every migration, up and down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.orm import sessionmaker

from flask_crm_stripe.adapters.sqlalchemy.ledger import SqlSharedLedger
from flask_crm_stripe.adapters.sqlalchemy.upgrade import configuration, is_current, locked, upgrade
from flask_crm_stripe.model.connection import ConnectionState
from flask_crm_stripe.model.invoices import InvoiceFilter
from flask_crm_stripe.model.log import LogFilter
from tests.contracts.ledger_worlds import HOME, NOW, ReversingVault

OLD_PRINT = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def old(database_url: str) -> Iterator[sa.Engine]:
    """A database as the first version left it, with rows of two businesses in every table."""
    engine = sa.create_engine(database_url)
    with locked(engine) as connection:
        command.upgrade(configuration(connection), "0001")
    with engine.begin() as connection:
        fill(connection)
    yield engine
    engine.dispose()


def fill(connection: sa.Connection) -> None:
    """One row for each business and table at least; required columns get a value of their kind."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    first = [metadata.tables[name] for name in ("crm_stripe_connection", "crm_stripe_invoice", "crm_stripe_service")]
    others = [table for table in metadata.sorted_tables if table.name.startswith("crm_stripe_") and table not in first]
    for table in (*first, *others):
        if table.name in ("crm_stripe_version", "crm_stripe_alembic_version"):
            continue
        for number, business in enumerate(("ours", "theirs", "ours"), 1):
            if table.name != "crm_stripe_installation" or number == 1:
                connection.execute(table.insert().values(**values(table, number, business)))


def values(table: sa.Table, number: int, business: str) -> dict[str, Any]:
    """A row that its table takes."""
    own: dict[str, Any] = {
        "business": business,
        "state": "applied" if table.name == "crm_stripe_event" else "ended" if number == 3 else "live",
        "livemode": number == 2,
        "account_id": f"acct_{number}",
        "fingerprint": OLD_PRINT,
        "status": "open",
        "stage": "sent",
        "invoice_row": number,
        "service_row": number,
        "billable": f"b{number}",
        "slot": 1,
        "kind": "oauth",
    }
    found: dict[str, Any] = {}
    for column in table.columns:
        if column.name in own:
            found[column.name] = own[column.name]
        elif column.name == "row" or (column.nullable and column.name not in ("secrets",)):
            continue
        else:
            found[column.name] = value(column, number)
    return found


def value(column: sa.Column[Any], number: int) -> object:
    """Something of the column's kind; its foreign key, where it has one."""
    if column.foreign_keys:
        return number
    kind = column.type
    if isinstance(kind, sa.JSON):
        return {}
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.LargeBinary):
        return b"sealed:" + bytes([number])
    if isinstance(kind, sa.DateTime):
        return datetime(2026, 1, number, tzinfo=UTC) if getattr(kind, "timezone", False) else datetime(2026, 1, number)  # noqa: DTZ001
    if isinstance(kind, sa.Date):
        return datetime(2026, 1, number, tzinfo=UTC).date()
    if isinstance(kind, sa.Integer | sa.Numeric):
        return number
    return f"{column.name} {number}"[: getattr(kind, "length", None) or 99]


def rows(engine: sa.Engine, name: str) -> list[dict[str, Any]]:
    """What a table holds, oldest first."""
    with engine.connect() as connection:
        return [
            dict(row) for row in connection.execute(sa.text(f"SELECT * FROM crm_stripe_{name} ORDER BY 1")).mappings()
        ]


def test_nothing_is_lost_on_the_way_up(old: sa.Engine) -> None:
    """Every table has the rows that it had, each with all that it said."""
    names = [name.removeprefix("crm_stripe_") for name in sa.inspect(old).get_table_names() if "version" not in name]
    before = {name: rows(old, name) for name in names}
    assert all(before.values())
    upgrade(old)
    for name, kept in before.items():
        after = rows(old, name)
        assert [{key: row[key] for key in kept[0]} for row in after] == kept, name


def test_what_is_new_is_filled_from_what_is_there(old: sa.Engine) -> None:
    """Lines of the log are numbered per business, claims know their mode, and all of it can be used at once."""
    upgrade(old)
    assert [(row["business"], row["seq"], row["epoch"]) for row in rows(old, "log")] == [
        ("ours", 1, 0),
        ("theirs", 1, 0),
        ("ours", 2, 0),
    ]
    assert [bool(row["livemode"]) for row in rows(old, "invoice_line")] == [False, True, False]
    shared = SqlSharedLedger(sessionmaker(old), ReversingVault())
    ours = shared.for_business("ours")
    shared.installation(HOME, NOW)
    assert ours.homes() == [HOME]
    verdict = ours.log.verify()
    assert (verdict.checked, verdict.unsigned, verdict.problems) == (2, 2, ())
    assert len(ours.log.page(LogFilter()).rows) == 2
    assert shared.sealed().older > 0
    connections = [row["state"] for row in rows(old, "connection")]
    assert connections == ["live", "live", "ended"]
    assert ours.invoices.count(InvoiceFilter()) == 2
    assert ours.invoices.of_billables(["b1", "b2", "b3"], True) == {}


def test_mail_addresses_leave_the_timelines(old: sa.Engine) -> None:
    """They stand on the invoice; what else an entry says stays."""
    timeline = sa.table("crm_stripe_timeline", sa.column("kind"), sa.column("params", sa.JSON))
    said = {"email": "ada@secret.example", "lines": "2"}
    with old.begin() as connection:
        connection.execute(sa.update(timeline).values(kind="sent", params=said))
    upgrade(old)
    with old.connect() as connection:
        assert list(connection.execute(sa.select(timeline.c.params)).scalars()) == [{"lines": "2"}] * 3


def test_an_older_ended_connection_counts_as_disconnected(old: sa.Engine) -> None:
    """How it ended was not kept then."""
    upgrade(old)
    with old.begin() as connection:
        connection.execute(sa.text("UPDATE crm_stripe_connection SET account = :a"), {"a": ACCOUNT})
    ours = SqlSharedLedger(sessionmaker(old), ReversingVault()).for_business("ours")
    ended = ours.connections.of(("acct_3", False))
    assert ended is not None
    assert (ended.state, ended.ending) == (ConnectionState.ENDED, None)
    live = ours.connections.live(False)
    assert live is not None
    assert (live.account.currencies, live.account.tax.status, live.account.capabilities) == ((), "", {})


ACCOUNT = (
    '{"id": "acct_1", "name": "One", "country": "NL", "default_currency": "eur", "created": null, '
    '"charges_enabled": true, "payouts_enabled": true, "details_submitted": true, "requirements": [], '
    '"requirements_deadline": null, "disabled_reason": null, "email": null, "checked_at": null}'
)


def test_a_downgrade_gives_the_older_tables_back(old: sa.Engine) -> None:
    """With their rows; then up again."""
    kept = {name: rows(old, name) for name in ("connection", "invoice", "invoice_line", "log", "event")}
    upgrade(old)
    with locked(old) as connection:
        command.downgrade(configuration(connection), "0001")
    for name, before in kept.items():
        assert rows(old, name) == before, name
    upgrade(old)
    assert is_current(old)
