"""Real processes are killed while events come in and are applied, and Redis forgets everything once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from bench import processes, webhook_apps
from bench.events_load import Letter, Sender, arrivals, requests_to
from bench.webhook_site import WAITING, Database, Site, site
from bench.webhook_world import NOTIFY, Manifest
from tests.support.postgres import Postgres

INVOICES, EVENTS, KILLS = 40, 600, 4
WORK = [sys.executable, "-m", "flask", "--app", "bench.webhook_apps:billing", "crm-stripe", "work"]
A_MINUTE_LATER = (
    "UPDATE crm_stripe_event SET retry_at = retry_at - interval '61 seconds' WHERE state = 'waiting'",
    "UPDATE crm_stripe_lease SET expires_at = expires_at - interval '61 seconds'",
)


@pytest.fixture
def here(postgres: Postgres) -> Iterator[Site]:
    """PostgreSQL, Redis, and a Stripe that knows how everything ended."""
    if not processes.has_redis():
        pytest.skip("Redis is not here: apt-get install redis-server")
    with site(postgres, INVOICES, EVENTS, **{NOTIFY: "books@bench.example"}) as made:
        yield made


def test_nothing_is_lost_or_wrong_when_workers_are_killed_and_redis_forgets(here: Site, tmp_path: Path) -> None:
    """Events are stored once, invoices are as Stripe has them, the CRM hears everything, and no mail comes twice."""
    letters = arrivals(one_by_one(here.manifest), twice=0.1, window=5)
    with here.database() as database:
        environment = here.environment(database, **{webhook_apps.HEARD: str(tmp_path / "heard")})
        acknowledged = deliver_and_kill(here, database, environment, letters)
        assert acknowledged == {letter.event_id for letter in letters}
        assert database.ask(WAITING), "there was something left behind"
        for statement in A_MINUTE_LATER:
            database.ask(statement)
        work = subprocess.run(
            ["env", *(f"{key}={value}" for key, value in environment.items()), *WORK],
            cwd=processes.ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert work.returncode == 0, work.stderr
        assert (database.lost(acknowledged), database.wrong(here.manifest.invoices)) == (0, 0)
        assert set(database.ask("SELECT DISTINCT state FROM crm_stripe_event")) == {("applied",), ("ignored",)}
        assert_told(database, (tmp_path / "heard").read_text().splitlines())


def one_by_one(manifest: Manifest) -> list[Letter]:
    """One invoice after the other, and of every second one no events of its payment: what was lost of an invoice that a
    killed worker had in its hands, no other event mends."""
    stories = manifest.stories
    wanted = [
        letter
        for letter in manifest.letters
        if stories[letter.event_id] % 2 or json.loads(letter.body)["type"].startswith(("invoice", "customer"))
    ]
    return sorted(wanted, key=lambda letter: stories[letter.event_id])


def deliver_and_kill(
    here: Site, database: Database, environment: dict[str, str], letters: Sequence[Letter]
) -> set[str]:
    """Send everything in some lots. When a Celery worker has begun with the greater part of one, and the rest comes in,
    it is killed, and a web process too; once Redis forgets. What fails is sent again. Says what was acknowledged."""
    port, acknowledged = processes.free_port(), set[str]()
    url = f"http://127.0.0.1:{port}{webhook_apps.HOOK}"
    with processes.gunicorn("billing", port, environment) as web:
        for number in range(KILLS):
            lot = letters[number * len(letters) // KILLS : (number + 1) * len(letters) // KILLS]
            most, rest = lot[: len(lot) * 3 // 4], lot[len(lot) * 3 // 4 :]
            before, sender, done = Sender(url, again=True), Sender(url, again=True), applied(database)
            with sending(before, url, most):
                pass
            with processes.celery_worker(environment) as worker, sending(sender, url, rest):
                until_so_many(partial(answers, sender), 3)
                processes.Program(processes.descendants(web.pid)[number % 2]).kill()
                if number == KILLS // 2:
                    here.empty_redis()
                until_so_many(partial(applied, database), done + 1)
                worker.kill()
            acknowledged |= before.sent.acknowledged | sender.sent.acknowledged
    return acknowledged


@contextmanager
def sending(sender: Sender, url: str, letters: Sequence[Letter]) -> Iterator[None]:
    """Stripe delivers meanwhile; when the block ends, all is delivered."""
    with ThreadPoolExecutor(1) as thread:
        delivered = thread.submit(sender.send, requests_to(url, letters, webhook_apps.SECRET))
        yield
        delivered.result()


def answers(sender: Sender) -> int:
    """How many deliveries are over by now."""
    return len(sender.sent.answers)


def applied(database: Database) -> int:
    """How many events are applied by now."""
    [(count,)] = database.ask("SELECT count(*) FROM crm_stripe_event WHERE state = 'applied'")
    return int(count)


def until_so_many(count: Callable[[], int], wanted: int, seconds: float = 30) -> None:
    """Ask again and again."""
    deadline = time.monotonic() + seconds
    while count() < wanted:
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def assert_told(database: Database, heard: list[str]) -> None:
    """The newest of each invoice, each payment and each notice at least once; each mail at most once."""
    notices = database.ask("SELECT key FROM crm_stripe_notice WHERE kind IN ('paid', 'failed')")
    wanted = {
        *(
            f"invoice_status_changed {key}"
            for [key] in database.ask("SELECT id || ':' || version FROM crm_stripe_invoice")
        ),
        *(
            f"payment_{status} {key}:{status}"
            for key, status in database.ask("SELECT stripe_id, status FROM crm_stripe_payment")
            if status in ("succeeded", "failed")
        ),
        *(f"notice_raised {key}" for [key] in notices),
    }
    assert wanted - set(heard) == set()
    mails = Counter(line for line in heard if line.startswith("mail "))
    assert mails
    assert set(mails.values()) == {1}
    payments = [line for line in wanted if line.startswith("payment_")]
    assert len(payments) == len(notices), "and each payment is a notice"
