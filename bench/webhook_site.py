"""What events need on their way, started together: Redis and Stripe, and a PostgreSQL database for each run."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis
import requests
from psycopg import sql

from bench import processes, webhook_apps
from bench.webhook_world import Manifest
from flask_crm_stripe.state import EXTENSION
from tests.support.postgres import Postgres

TEMPLATE = "world"
PATIENCE = 180.0
WAITING = "SELECT 1 FROM crm_stripe_event WHERE state = 'waiting' LIMIT 1"


@dataclass(frozen=True)
class Database:
    """A database of a run."""

    url: str

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection without transactions."""
        return psycopg.connect(self.url.replace("postgresql+psycopg:", "postgresql:"), autocommit=True)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows, by one statement."""
        with self.connect() as connection:
            cursor = connection.execute(sql.SQL(statement))
            return cursor.fetchall() if cursor.description else []

    def wait_until_all_are_applied(self) -> None:
        """Until no event waits; raises TimeoutError when that takes too long."""
        deadline = time.monotonic() + PATIENCE
        with self.connect() as connection:
            while connection.execute(WAITING).fetchone():
                if time.monotonic() > deadline:
                    raise TimeoutError("Events wait, and nobody applies them.")
                time.sleep(0.02)

    def lost(self, acknowledged: set[str], table: str = "crm_stripe_event", column: str = "event_id") -> int:
        """How many acknowledged events are not there exactly once."""
        found = dict(self.ask(f"SELECT {column}, count(*) FROM {table} GROUP BY {column}"))
        return sum(found.get(each) != 1 for each in acknowledged)

    def wrong(self, invoices: dict[str, tuple[str, int]]) -> int:
        """How many invoices are not as Stripe has them."""
        rows = self.ask("SELECT stripe_id, status, amount_paid FROM crm_stripe_invoice")
        ours = {stripe_id: (status, paid) for stripe_id, status, paid in rows}
        return sum(ours.get(stripe_id) != ended for stripe_id, ended in invoices.items())


@dataclass(frozen=True)
class Site:
    """What runs."""

    postgres: Postgres
    broker: str
    stripe: str
    manifest: Manifest
    programs: dict[str, processes.Program]

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The CRM's database as it was before the first event, and at home where it is."""
        name = self.postgres.create(TEMPLATE)
        database = Database(self.postgres.url(name))
        app, _ = webhook_apps.crm(database.url, **webhook_apps.SETTINGS)
        with app.app_context():
            platform = app.extensions[EXTENSION].ready()
            platform.shared.adopt(platform.fingerprint(), "bench", platform.clock.now())
            app.extensions["sqlalchemy"].session.remove()
            app.extensions["sqlalchemy"].engine.dispose()
        try:
            yield database
        finally:
            self.postgres.drop(name)

    def environment(self, database: Database, **more: str) -> dict[str, str]:
        """What the programs of a run are given."""
        # What is measured is us: this Stripe has no limits.
        limits = {"CRM_STRIPE_ALL_REQUESTS": "10000", "CRM_STRIPE_ENDPOINT_REQUESTS": "10000"}
        bases = {"CRM_STRIPE_API_BASE": self.stripe, "CRM_STRIPE_CONNECT_BASE": self.stripe, **limits}
        return webhook_apps.environment(database.url, self.broker, **bases, **more)

    def asked(self) -> int:
        """How many requests Stripe has had."""
        return len(requests.get(f"{self.stripe}/_fake/requests", timeout=60).json())

    def empty_redis(self) -> None:
        """Forget every message."""
        with redis.Redis.from_url(self.broker) as client:
            client.flushall()


@contextmanager
def site(postgres: Postgres, invoices: int, events: int, **more: str) -> Iterator[Site]:
    """Redis and a Stripe to whose invoices all has happened; the CRM's database, which has not heard of it."""
    url = f"http://127.0.0.1:{processes.free_port()}"
    postgres.create(name=TEMPLATE)
    try:
        with tempfile.TemporaryDirectory() as folder, processes.redis_server() as broker:
            written = Path(folder, "world.json")
            arguments = [str(written), url.rpartition(":")[2], str(invoices), str(events)]
            command = [sys.executable, "-m", "bench.webhook_world", *arguments]
            environment = webhook_apps.environment(postgres.url(TEMPLATE), broker, **more)
            with processes.running("stripe", command, environment, lambda _: written.exists()) as program:
                server = int((postgres.folder / "data" / "postmaster.pid").read_text().split()[0])
                programs = {"stripe": program, "database": processes.Program(server)}
                yield Site(postgres, broker, url, Manifest.read(written), programs)
    finally:
        postgres.drop(TEMPLATE)
