"""The demo, as `make demo` starts it, in a process of its own; and a person in front of it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


@dataclass(frozen=True)
class Demo:
    """Where it listens, and what it printed."""

    crm: str
    stripe: str
    printed: str

    @property
    def password(self) -> str:
        """The password that the steps name."""
        found = re.search(r"Password\s+(\S+)", self.printed)
        assert found, self.printed
        return found[1]


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(params=["sqlite_url", "pg_url"])
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    """The CRM and FakeStripe on SQLite and on PostgreSQL; where a test asks for it, distributed."""
    if request.param == "distributed":
        with running("example_app.distributed") as demo:
            yield demo
        return
    with running("example_app.demo", DATABASE_URL=request.getfixturevalue(request.param)) as demo:
        yield demo


@contextmanager
def running(module: str, **more: str) -> Iterator[Demo]:
    """A demo as its command starts it, until the block ends; it may complain of nothing."""
    crm, stripe = free_port(), free_port()
    environ = os.environ | {"PORT": str(crm), "FAKE_STRIPE_PORT": str(stripe), **more}
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Demo(f"http://127.0.0.1:{crm}", f"http://127.0.0.1:{stripe}", read_steps(process))
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in said, said
    assert "failed" not in said, said


def read_steps(process: subprocess.Popen[str]) -> str:
    """What the demo prints until it is ready. A demo that hangs is ended."""
    assert process.stdout
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    watchdog.cancel()
    printed = "".join(lines)
    assert "Ctrl-C" in printed, printed
    return printed


@pytest.fixture
def log_in(demo: Demo, open_page: Callable[..., Any]) -> Callable[..., Any]:
    """A page with somebody logged in to the CRM."""

    def as_(mail: str, width: int = 1280) -> Any:
        page = open_page(width=width, reduced_motion="reduce")
        page.goto(demo.crm)
        page.get_by_label("Mail").or_(page.get_by_label("E-mail")).or_(page.locator("[name=email]")).first.fill(mail)
        page.locator("[type=password]").fill(demo.password)
        page.get_by_role("button", name=re.compile("Log in")).first.click()
        return page

    return as_
