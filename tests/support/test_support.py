"""The test infrastructure itself: what the other tests rely on without saying so."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import sqlalchemy as sa
from flask import Flask, g

from tests.support import readme
from tests.support.guards import NetworkBlockedError, guarded_lookup, is_loopback, reaching, refuse_other_machines
from tests.support.live import LiveServer
from tests.support.postgres import Postgres, copy_of, installed_binaries, running_postgres

ROOT = Path(__file__).resolve().parents[2]


def who_app() -> Flask:
    """An app that remembers on `g` who was asked for first, like a login extension does."""
    app = Flask("who")

    @app.get("/<name>")
    def who(name: str) -> str:
        if not hasattr(g, "name"):
            g.name = name
        return str(g.name)

    return app


@pytest.fixture
def app() -> Flask:
    """Under this name pytest-flask would push a request context of its own."""
    return who_app()


def test_clients_do_not_share_g(app: Flask) -> None:
    """Three clients in one test are three people, although pytest-flask is there and the fixture is called `app`."""
    assert [app.test_client().get(f"/{name}").text for name in ("alice", "bob", "nobody")] == ["alice", "bob", "nobody"]


def test_other_machines_are_refused() -> None:
    """Neither a connection nor a look-up leaves this machine, and the refusal cannot pass for a network error."""
    with pytest.raises(NetworkBlockedError, match="FakeStripe"):
        requests.get("https://api.stripe.com/v1/account", timeout=5)
    with pytest.raises(NetworkBlockedError), socket.socket() as sock:
        sock.connect(("192.0.2.1", 443))
    assert not issubclass(NetworkBlockedError, OSError)


def test_one_host_can_be_let_through_for_a_while() -> None:
    """Under the addresses that are looked up meanwhile; another name is not even looked up, and nothing lasts."""
    address = "192.0.2.1"
    look_up = guarded_lookup(lambda host, port: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))])
    with reaching("stripe.example"):
        with pytest.raises(NetworkBlockedError):
            refuse_other_machines(address)
        assert look_up("stripe.example", 443)
        refuse_other_machines(address)
        with pytest.raises(NetworkBlockedError):
            look_up("other.example", 443)
        with pytest.raises(NetworkBlockedError):
            refuse_other_machines("192.0.2.2")
    for host in ("stripe.example", address):
        with pytest.raises(NetworkBlockedError):
            refuse_other_machines(host)


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        *((host, True) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost", b"localhost")),
        *((host, False) for host in ("10.0.0.1", "0.0.0.0", "localhost.example.com", "127.0.0.1.nip.io")),
    ],
)
def test_what_counts_as_this_machine(host: object, ours: bool) -> None:
    """Names that only begin like ours are other machines."""
    assert is_loopback(host) is ours


def test_warnings_are_errors() -> None:
    """A warning that nobody expected fails the test."""
    with pytest.raises(DeprecationWarning):
        warnings.warn("old", DeprecationWarning, stacklevel=1)


def test_live_server_serves_two_apps(live_server: Callable[[Any], LiveServer]) -> None:
    """Two apps in one test have a port each, and errors in one are answered."""
    urls = [live_server(who_app()).url for _ in range(2)]
    assert len(set(urls)) == 2
    assert [requests.get(f"{url}/{number}", timeout=5).text for number, url in enumerate(urls)] == ["0", "1"]


def test_database_is_new_and_empty(database_url: str) -> None:
    """A test's database holds nothing of another test's, on SQLite and on PostgreSQL."""
    engine = sa.create_engine(database_url)
    assert sa.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE mine (id INTEGER PRIMARY KEY)"))
    engine.dispose()


def test_postgres_is_18_and_copies_templates(postgres: Postgres) -> None:
    """The server is PostgreSQL 18, and a database made from a template has its tables."""
    template = postgres.create()
    with psycopg.connect(dbname=template, user="postgres", host=str(postgres.folder)) as connection:
        connection.execute("CREATE TABLE made_before (id int)")
        assert connection.info.server_version // 10_000 == 18
    copy = postgres.create(template)
    with psycopg.connect(dbname=copy, user="postgres", host=str(postgres.folder)) as connection:
        assert connection.execute("SELECT count(*) FROM made_before").fetchone() == (0,)
    postgres.drop(copy)
    postgres.drop(template)


def test_postgres_runs_from_a_clone_that_others_cannot_enter(tmp_path: Path) -> None:
    """Under /root, say, the other user that PostgreSQL wants cannot reach the environment; it runs all the same."""
    binaries = installed_binaries()
    assert binaries is not None
    private = copy_of(binaries, tmp_path / "private")
    (tmp_path / "private").chmod(0o700)
    with running_postgres(private) as server:
        assert server.create().startswith("test_")


STARTER = """
import sys, time
from pathlib import Path
from tests.support.postgres import installed_binaries, running_postgres
with running_postgres(installed_binaries()) as server:
    print(server.folder, (server.folder / "data" / "postmaster.pid").read_text().split()[0], flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_no_server_outlives_its_test_process(blow: signal.Signals) -> None:
    """A test process killed with -9 leaves no PostgreSQL and no folder behind."""
    starter = subprocess.Popen([sys.executable, "-c", STARTER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout:
        folder, pid = starter.stdout.readline().split()
        os.kill(int(pid), 0)
        starter.send_signal(blow)
        starter.wait()
    deadline = time.monotonic() + 20
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(folder).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


SKIPPING = """
import pytest
def test_a(): pytest.skip("no Chromium")
def test_b(): pass
@pytest.mark.xfail(reason="meant")
def test_c(): assert False
"""


@pytest.mark.parametrize("required", [False, True])
def test_nothing_is_skipped_where_all_must_run(tmp_path: Path, required: bool) -> None:
    """With CRM_STRIPE_TESTS_REQUIRE_ALL the skip of a test or of a module is a failure that gives its reason."""
    (tmp_path / "test_one.py").write_text(SKIPPING)
    (tmp_path / "test_whole.py").write_text('import pytest\npytest.importorskip("no_such_library")\n')
    environment = {**os.environ, "CRM_STRIPE_TESTS_REQUIRE_ALL": "1" if required else ""}
    options = ["-c", f"{ROOT}/pyproject.toml", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "--continue-on-collection-errors", *options, str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "no Chromium" in run.stdout
    assert "no_such_library" in run.stdout
    assert run.stdout.count("nothing may be skipped") >= (2 if required else 0)
    ended = "1 failed, 1 passed, 1 xfailed, 1 error" if required else "1 passed, 2 skipped, 1 xfailed"
    assert ended in run.stdout
    assert run.returncode == int(required)


def test_readme_blocks_are_found_by_name() -> None:
    """A marked block gives its lines and no others; a missing or doubled mark is an error that says so."""
    one = "<!-- runs: one -->\n```python\na = 1\n\nb = 2\n```\ntext\n```\nother\n```\n"
    text = f"{one}<!-- runs: two -->\n\n```sh\nls\n```\n"
    assert readme.names(text) == ["one", "two"]
    assert readme.block("one", text) == "a = 1\n\nb = 2\n"
    assert readme.block("two", text) == "ls\n"
    with pytest.raises(LookupError, match="0 blocks marked `<!-- runs: three -->`"):
        readme.block("three", text)
    with pytest.raises(LookupError, match="2 blocks"):
        readme.block("one", one + text)


def test_pages_open_at_both_widths(open_page: Callable[..., Any], live_server: Callable[[Any], LiveServer]) -> None:
    """Chromium shows a page of ours in two profiles, at 1280 and at 390 wide."""
    url = live_server(who_app()).url
    for width in (1280, 390):
        page = open_page(width=width)
        page.goto(f"{url}/alice")
        assert page.text_content("body") == "alice"
        assert page.evaluate("innerWidth") == width


def test_the_browser_reaches_this_machine_only(open_page: Callable[..., Any]) -> None:
    """A page that loads something from elsewhere would fail here, not on a reader's machine."""
    page = open_page(complains=True)
    with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("https://js.stripe.com/v3/")
