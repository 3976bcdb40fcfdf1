"""`python -m example_app.demo`, as a person starts and stops it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., subprocess.Popen[str]]


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the demo with its data in a folder of the test's own, never in the developer's."""
    with ExitStack() as stack:

        def start_one(port: int, stripe_port: int) -> subprocess.Popen[str]:
            environ = os.environ | {
                "PORT": str(port),
                "FAKE_STRIPE_PORT": str(stripe_port),
                "DATABASE_URL": f"sqlite:///{tmp_path / 'demo.sqlite3'}",
                "CRM_STRIPE_ENCRYPTION_KEYS": json.dumps([Fernet.generate_key().decode()]),
            }
            demo = subprocess.Popen(
                [sys.executable, "-m", "example_app.demo"],
                cwd=ROOT,
                env=environ,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            stack.enter_context(demo)
            stack.callback(demo.kill)
            return demo

        yield start_one


def said(demo: subprocess.Popen[str]) -> str:
    """What the demo prints until it is ready."""
    assert demo.stdout is not None
    lines: list[str] = []
    for line in demo.stdout:
        lines.append(line)
        if "Press Ctrl-C" in line:
            break
    return "".join(lines)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_says_what_to_do_serves_and_stops(start: Start, end: signal.Signals) -> None:
    """It prints addresses, logins and steps; both servers answer; Ctrl-C and SIGTERM end it without an error."""
    port, stripe_port = free_ports()
    demo = start(port, stripe_port)
    text = said(demo)
    for words in (f"http://127.0.0.1:{port}/", "ines@harbourpine.example", "demo", "4242 4242 4242 4242", "Paid"):
        assert words in text
    login = requests.get(f"http://127.0.0.1:{port}/login", timeout=30)
    assert "People of this demo" in login.text
    assert "It is not Stripe" in requests.get(f"http://127.0.0.1:{stripe_port}/", timeout=30).text
    demo.send_signal(end)
    rest, problems = demo.communicate(timeout=30)
    assert (demo.returncode, problems) == (0, "")
    assert "The demo has stopped" in rest


def test_a_taken_port_ends_the_demo_with_one_sentence(start: Start) -> None:
    """No traceback: the sentence names the port and another one to choose; the exit status says that it failed."""
    _, stripe_port = free_ports()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        _, problems = start(port, stripe_port).communicate(timeout=30)
    assert f"Port {port} can't be used" in problems
    assert f"PORT={port + 1} make demo" in problems
    assert "Traceback" not in problems


def test_a_second_demo_does_not_disturb_the_first(start: Start) -> None:
    """The ports are looked at before the database is: the data of the demo that runs stays whole."""
    port, stripe_port = free_ports()
    first = start(port, stripe_port)
    said(first)
    second = start(port, stripe_port)
    second.communicate(timeout=30)
    assert second.returncode == 1
    assert requests.get(f"http://127.0.0.1:{port}/login", timeout=30).status_code == 200
