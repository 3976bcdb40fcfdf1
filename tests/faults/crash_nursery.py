"""Processes that die where they are told to: one that has imported everything forks a child for each death.

`python -m tests.faults.crash_nursery`, with orders as lines of JSON on its standard input and answers on its output.
To start Python and import the CRM takes a second; a fork takes milliseconds, and dies like any other process.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache

from flask_crm_stripe.errors import BillingError
from tests.faults.crash_points import Points, WatchedLine, watch
from tests.faults.crash_scenes import SCENES
from tests.faults.crash_world import Desk, Play
from tests.support.crm_process import ROOT

KILLED, HANGS_AFTER = 70, 60


@dataclass(frozen=True)
class Order:
    """What a child shall do, where, at which time, and at which point it dies (None: it lives)."""

    scene: str
    play: int
    url: str
    encryption_key: str
    api_base: str
    added: float
    at: int | None = None
    rehearsal: bool = False


@dataclass(frozen=True)
class Fate:
    """The points that a child passed, and how it ended: killed, done, an error's code, or a traceback."""

    passed: list[str]
    end: str


@dataclass(frozen=True)
class Nursery:
    """The other process, seen from the test."""

    process: subprocess.Popen[str]

    def send(self, order: Order) -> Fate:
        """Let a child do it, and wait for its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(order)) + "\n")
        self.process.stdin.flush()
        return Fate(**json.loads(self.process.stdout.readline()))


@contextmanager
def running_nursery() -> Iterator[Nursery]:
    """Until the block ends. It ends by itself where the test process does."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Nursery(process)


@dataclass(frozen=True)
class Cradle:
    """An app on one database, and the points on its way."""

    desk: Desk
    points: Points

    def work(self, order: Order) -> None:
        """What the order says."""
        self.desk.clock.added = order.added
        with self.desk.host.app.app_context():
            desk = self.desk.connected(WatchedLine(self.points), order.api_base)
            SCENES[order.scene].act(Play(desk, order.play))


@cache
def cradle(url: str, encryption_key: str) -> Cradle:
    """Made once, and watched."""
    desk, points = Desk.at(url, encryption_key), Points()
    with desk.host.app.app_context():
        watch(desk.host.db.engine, points)
    return Cradle(desk, points)


def rehearse(order: Order) -> Fate:
    """Carried out here and now: what SQLAlchemy and others make once is there for all children. No connection stays."""
    here = cradle(order.url, order.encryption_key)
    here.points.passed.clear()
    here.work(order)
    with here.desk.host.app.app_context():
        here.desk.host.db.engine.dispose()
    gc.freeze()
    return Fate(here.points.passed, "done")


def carry_out(order: Order) -> Fate:
    """In a child of its own, whose last words come through a pipe."""
    here = cradle(order.url, order.encryption_key)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        live(order, here, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    fate = Fate(**json.loads(said)) if said else Fate([], f"said nothing, exit code {code}")
    return fate if (fate.end == "killed") == (code == KILLED) else Fate(fate.passed, f"{fate.end}, exit code {code}")


def live(order: Order, here: Cradle, pipe: int) -> None:
    """A child's whole life. Nothing is cleaned up at its end, whichever it is."""
    points = here.points

    def leave(end: str, code: int = 0) -> None:
        os.write(pipe, json.dumps(asdict(Fate(points.passed, end))).encode())
        os._exit(code)

    signal.alarm(HANGS_AFTER)
    points.begin(order.at, lambda: leave("killed", KILLED))
    try:
        here.work(order)
        leave("done")
    except BillingError as error:
        leave(error.code)
    except BaseException:
        leave(traceback.format_exc(), 1)


def main() -> None:
    """Carry out orders until nobody gives any more."""
    for line in sys.stdin:
        order = Order(**json.loads(line))
        fate = rehearse(order) if order.rehearsal else carry_out(order)
        sys.stdout.write(json.dumps(asdict(fate)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
