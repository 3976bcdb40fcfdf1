"""Years of one business's invoices and events, written by the database itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.orm import sessionmaker

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.sqlalchemy.ledger import SqlSharedLedger
from flask_crm_stripe.adapters.sqlalchemy.upgrade import upgrade
from flask_crm_stripe.adapters.vault import FernetVault
from flask_crm_stripe.model.connection import Account, Books, Grant
from flask_crm_stripe.model.crm import Contact, ContactRef, SourceRef
from flask_crm_stripe.model.events import IncomingEvent
from flask_crm_stripe.model.invoices import Delivery, InvoicePlan, PlanLine, VatTotal
from flask_crm_stripe.ports.ledger import Ledger

BUSINESS, BOOKS = "old", ("acct_old", False)
NOW = datetime.now(UTC)

# `g` counts to `n`. Of a hundred invoices 84 are paid, 8 open, 3 void, 3 given up, 2 drafts; the newest are of today.
INVOICE = {
    "id": "'i' || g",
    "form_key": "'form' || g",
    "contact_ref": "(g % (n / 50))::text",
    "contact_name": "'Payer ' || g % (n / 50)",
    "search": "'old-' || g || ' payer ' || g % (n / 50)",
    "stage": "'sent'",
    "unfinished": "false",
    "status": "CASE WHEN g % 100 < 84 THEN 'paid' WHEN g % 100 < 92 THEN 'open' WHEN g % 100 < 95 THEN 'void' "
    "WHEN g % 100 < 98 THEN 'uncollectible' ELSE 'draft' END",
    "stripe_id": "'in_' || g",
    "number": "'OLD-' || g",
    "amount_paid": "CASE WHEN g % 100 < 84 THEN 1210 ELSE 0 END",
    "amount_remaining": "CASE WHEN g % 100 < 84 THEN 0 ELSE 1210 END",
    "due_date": "(now() - (n - g) * {step})::date + 14",
    "created_at": "now() - (n - g) * {step}",
    "updated_at": "now() - (n - g) * {step}",
    "finalised_at": "now() - (n - g) * {step}",
    "paid_at": "CASE WHEN g % 100 < 84 THEN now() - (n - g) * {step} END",
    "fetched_at": "now()",
    "version": "3",
    "told_version": "3",
}
LINE = {"invoice_row": "i.row", "key": "'line' || i.id", "billable": "'b' || i.id", "source_ref": "(i.row / 30)::text"}
PAYMENT = {
    "business": "i.business",
    "account_id": "i.account_id",
    "livemode": "i.livemode",
    "invoice_row": "i.row",
    "stripe_id": "'ch_' || i.id",
    "method": "'Card ending 4242'",
    "amount": "1210",
    "currency": "'eur'",
    "status": "'succeeded'",
    "at": "i.paid_at",
    "payment_intent": "'pi_' || i.id",
}
TIMELINE = {
    **{name: PAYMENT[name] for name in ("business", "account_id", "livemode", "invoice_row")},
    "at": "i.created_at",
    "kind": "kind",
    "params": "'{{}}'",
    "event_id": "'evt_' || i.id || kind",
    "object_id": "i.stripe_id",
}
# Every five of an invoice are together; fifty failed.
EVENT = {
    "event_id": "'evt_' || g",
    "type": "(ARRAY['invoice.created', 'invoice.finalized', 'invoice.updated', 'payment_intent.succeeded', "
    "'invoice.paid'])[1 + g % 5]",
    "object_id": "'in_' || g / 5",
    "invoice_id": "'in_' || g / 5",
    "customer_id": "'cus_' || g % 2000",
    "created": "now() - (n - g) * {step} / 5",
    "received_at": "now() - (n - g) * {step} / 5",
    "state": "CASE WHEN g % (n / 50) = 0 THEN 'failed' WHEN g % 4 = 0 THEN 'ignored' ELSE 'applied' END",
    "attempts": "1",
    "applied_at": "now()",
    "retry_at": "NULL",
}


@dataclass(frozen=True)
class Memory:
    """A database of ours with a connected business in it."""

    engine: sa.Engine
    shared: SqlSharedLedger
    key: str

    @property
    def ledger(self) -> Ledger:
        """The business's own."""
        return self.shared.for_business(BUSINESS)

    def run(self, *statements: str) -> None:
        """One after the other."""
        with self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))


def memory(url: str) -> Memory:
    """A new one."""
    engine = sa.create_engine(url)
    upgrade(engine)
    key = Fernet.generate_key().decode()
    made = Memory(engine, SqlSharedLedger(sessionmaker(engine), FernetVault([key])), key)
    made.shared.installation("bench.1.1", NOW)
    account = Account(BOOKS[0], "Old & Sons", "NL", "eur", NOW, True, True, True)
    pending = made.ledger.connections.add_pending(Grant(*BOOKS, "read_write"), account, "bench.1.1", "ines", NOW)
    made.ledger.connections.confirm(pending.id, "ines", NOW)
    return made


def fill(made: Memory, invoices: int, events: int) -> None:
    """One invoice and one event by our own code, and from them all the others."""
    made.ledger.invoices.plan(*BOOKS, _plan(), form_key="first", send=True, actor="ines", now=NOW)
    made.shared.take_in(event("evt_first", BOOKS), NOW)
    # Four years, whatever the number.
    step = f"interval '{4 * 365 * 86400 / invoices:.3f} seconds'"
    count = f"(SELECT {invoices} AS n) AS of, generate_series(1, {invoices}) AS g"
    made.run(_copies(tables.invoice, INVOICE, "form_key = 'first'", count, step))
    made.run(
        _copies(
            tables.invoice_line, LINE, "t.billable = 'first'", f"{tables.invoice} AS i", step, "i.form_key != 'first'"
        )
    )
    made.run(_rows(tables.payment, PAYMENT, f"{tables.invoice} AS i WHERE i.status = 'paid'"))
    kinds = "unnest(ARRAY['made', 'finalised', 'paid']) AS kind"
    made.run(_rows(tables.timeline, TIMELINE, f"{tables.invoice} AS i, {kinds} WHERE i.form_key != 'first'"))
    count = f"(SELECT {events} AS n) AS of, generate_series(1, {events}) AS g"
    made.run(_copies(tables.event, EVENT, "t.event_id = 'evt_first'", count, step))
    made.run(f"DELETE FROM {tables.event} WHERE event_id = 'evt_first'", "VACUUM ANALYZE")


def event(event_id: str, books: Books) -> IncomingEvent:
    """One that comes in, with a body of usual size."""
    account_id, livemode = books
    return IncomingEvent(
        event_id, "invoice.paid", account_id, livemode, "in_1", "invoice", NOW, "2026-10-28", None, "in_1", b"x" * 5000,
        "pi_1", "cus_1",
    )  # fmt: skip


def _copies(
    table: sa.Table, changes: Mapping[str, str], original: str, times: str, step: str, where: str = "true"
) -> str:
    names = [column.name for column in table.c if column.name != "row"]
    # A sealed body as long as five kilobytes make it would only take long to write.
    shorter = {"body": "substr(t.body, 1, 300)"} if table is tables.event else {}
    values = {**{name: f't."{name}"' for name in names}, **shorter, **changes}
    chosen = ", ".join(values[name] for name in names).format(step=step)
    return (
        f"INSERT INTO {table} ({_list(names)}) SELECT {chosen} FROM {table} AS t, {times} WHERE {original} AND {where}"
    )


def _rows(table: sa.Table, values: Mapping[str, str], source: str) -> str:
    chosen = ", ".join(values.values()).format(step="")
    return f"INSERT INTO {table} ({_list(list(values))}) SELECT {chosen} FROM {source}"


def _list(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _plan() -> InvoicePlan:
    line = PlanLine(
        "line1", "first", SourceRef("order", "1"), "Work", Decimal("2.5"), Decimal(4), 1000, 1000, 210, Decimal(21)
    )
    contact = Contact(ContactRef("organization", "1"), "Payer 1", "payer@bench.example")
    totals: Any = (VatTotal(Decimal(21), False, 1000, 210),)
    return InvoicePlan(contact, "eur", (line,), totals, 1000, 0, Decimal(0), 1210, 14, Delivery.MAIL)
