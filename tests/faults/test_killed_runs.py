"""Many invoices at once, made by real processes: killed in the middle, and on top of each other."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from bench import processes
from bench.bulk import TERMS, Stage, stage
from flask_crm_stripe.model.crm import SourceRef
from tests.support.postgres import Postgres

RUN = [sys.executable, "-m", "flask", "--app", "bench.webhook_apps:billing", "crm-stripe", "run"]
SOURCES, KILLS, LINES = 24, 3, 2
FIVE_MINUTES_LATER = (
    "UPDATE crm_stripe_run_item SET due_at = due_at - interval '300 seconds' WHERE due_at IS NOT NULL",
    "UPDATE crm_stripe_lease SET expires_at = expires_at - interval '300 seconds'",
)
DONE = "SELECT count(*) FROM crm_stripe_run_item WHERE state = 'done'"
CLAIMS = "SELECT billable, count(*) FROM crm_stripe_invoice_line WHERE released_at IS NULL GROUP BY billable"


@pytest.fixture
def here(postgres: Postgres) -> Iterator[Stage]:
    """PostgreSQL, and a Stripe that takes its time."""
    if not processes.has_redis():
        pytest.skip("Redis is not here: apt-get install redis-server")
    with stage(postgres, LINES, working=False) as made:
        yield made


def orders(first: int, behind: int) -> list[SourceRef]:
    """The numbers of orders, as sources."""
    return [SourceRef("order", str(number)) for number in range(first, behind)]


def started(here: Stage, sources: list[SourceRef]) -> str:
    """A run of these."""
    planned = here.billing.runs.plan(sources, TERMS, send=True)
    return here.billing.runs.start(planned.id).id


def working(here: Stage, run: str, **more: str) -> subprocess.Popen[str]:
    """A process that works on it."""
    given = [f"{key}={value}" for key, value in {**here.environment, **more}.items()]
    command = ["env", *given, *RUN, run, "work", "--business", "bench"]
    return subprocess.Popen(command, cwd=processes.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def done(here: Stage) -> int:
    """How many are made by now."""
    return int(here.database.ask(DONE)[0][0])


def until(here: Stage, wanted: int, process: subprocess.Popen[str]) -> None:
    """So many are made, or the process has ended."""
    deadline = time.monotonic() + 60
    while done(here) < wanted and process.poll() is None:
        assert time.monotonic() < deadline, "it makes no invoices"
        time.sleep(0.02)


def at_stripe(here: Stage) -> list[dict[str, Any]]:
    """Every invoice that Stripe has."""
    accounts = requests.get(f"{here.stripe}/_fake/state", timeout=60).json()
    return [each for account in accounts.values() for each in account["objects"].get("invoice", [])]


def assert_each_once(here: Stage, count: int) -> None:
    """One sent invoice for each order, at Stripe and here, with all its lines and no other's."""
    invoices = at_stripe(here)
    assert Counter(each["status"] for each in invoices) == {"open": count}
    claims = dict(here.database.ask(CLAIMS))
    assert claims == {f"{order}-{line}": 1 for order in range(count) for line in range(LINES)}


def test_killed_in_the_middle_each_source_has_one_sent_invoice(here: Stage) -> None:
    """Again and again, with several invoices under way each time; the leases end, and others go on."""
    run = started(here, orders(0, SOURCES))
    for kill in range(KILLS):
        process = working(here, run, CRM_STRIPE_HANDS="4")
        until(here, done(here) + 2 + kill, process)
        process.kill()
        process.communicate()
        for statement in FIVE_MINUTES_LATER:
            here.database.ask(statement)
    assert done(here) < SOURCES, "something was left to do"
    last = working(here, run)
    output, _ = last.communicate(timeout=120)
    assert last.returncode == 0, output
    assert f"done: {SOURCES} made, 0 need a look, 0 to go" in output
    assert_each_once(here, SOURCES)


def test_overlapping_runs_by_two_processes_of_sixteen_threads(here: Stage) -> None:
    """No work is billed twice, none is lost, nobody waits for ever, and what was too late says so."""
    first, second = started(here, orders(0, 24)), started(here, orders(12, 36))
    both = [working(here, run, CRM_STRIPE_HANDS="16") for run in (first, second)]
    for process in both:
        output, _ = process.communicate(timeout=180)
        assert process.returncode == 0, output
        assert "0 to go" in output
    assert_each_once(here, 36)
    assert done(here) == 36
    reasons = here.database.ask("SELECT DISTINCT code FROM crm_stripe_run_item WHERE state = 'failed'")
    assert {code for (code,) in reasons} == {"billable_taken"}
