"""Programs that a measurement starts. They end with it, in whatever way it ends; see tests/support/keeper.py."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.support import servers

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
# Writes the program's number into the first argument, then becomes the program.
NUMBERED = 'echo $$ > "$0"; exec "$@"'


@dataclass(frozen=True)
class Program:
    """A program that runs."""

    pid: int

    def cpu_seconds(self) -> float:
        """CPU time that it and all that it started have used so far."""
        return sum(_cpu(pid) for pid in (self.pid, *descendants(self.pid)))

    def kill(self) -> None:
        """As a machine that runs out of memory would."""
        os.kill(self.pid, signal.SIGKILL)


@contextmanager
def running(
    name: str, command: Sequence[str], environment: Mapping[str, str], ready: Callable[[Path], bool]
) -> Iterator[Program]:
    """Run a command until the block ends. ``ready`` is asked with the program's own folder until it says yes."""
    folder = servers.private_folder(f"crm-stripe-{name}-", None)
    number = folder / "number"
    settings = [f"{key}={value}" for key, value in {"PYTHONPATH": str(ROOT), **environment}.items()]
    whole = ["sh", "-c", NUMBERED, str(number), "env", f"BENCH_FOLDER={folder}", *settings, *command]
    said = folder.with_suffix(".log")  # beside the folder, which is gone when a program that failed is
    try:
        with servers.kept(whole, folder, lambda: number.exists() and ready(folder), stdout=said, seconds=120):
            yield Program(int(number.read_text()))
    finally:
        said.unlink(missing_ok=True)


@contextmanager
def gunicorn(app: str, port: int, environment: Mapping[str, str]) -> Iterator[Program]:
    """An app of ``bench.webhook_apps`` behind two processes of four threads."""
    sizes = [
        "--workers",
        "2",
        "--threads",
        "4",
        "--worker-class",
        "gthread",
        "--keep-alive",
        "30",
        "--log-level",
        "error",
    ]
    command = [sys.executable, "-m", "gunicorn", *sizes, "--bind", f"127.0.0.1:{port}", f"bench.webhook_apps:{app}()"]
    with running("web", command, environment, lambda folder: len(list(folder.glob("web-*"))) >= 2) as program:
        yield program


@contextmanager
def celery_worker(environment: Mapping[str, str]) -> Iterator[Program]:
    """One Celery worker."""
    command = [sys.executable, "-m", "bench.webhook_apps"]
    with running("worker", command, environment, lambda folder: (folder / "ready").exists()) as program:
        yield program


@contextmanager
def redis_server() -> Iterator[str]:
    """A Redis that keeps nothing: its address."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with running("redis", command, {}, lambda _: _pong(url)):
        yield url


def has_redis() -> bool:
    """Whether there is a Redis to start."""
    return shutil.which("redis-server") is not None


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def descendants(pid: int) -> list[int]:
    """The processes that it started, and that those started."""
    parents = {}
    for each in Path("/proc").glob("[0-9]*"):
        if stat := _stat(int(each.name)):
            parents[int(each.name)] = int(stat[1])
    found, level = list[int](), [pid]
    while level:
        level = [child for child, parent in parents.items() if parent in level]
        found += level
    return found


def _cpu(pid: int) -> float:
    # utime, stime, and those of children that have ended.
    return sum(int(each) for each in _stat(pid)[11:15]) / TICKS


def _stat(pid: int) -> list[str]:
    try:
        # The name, in brackets, may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _pong(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False
