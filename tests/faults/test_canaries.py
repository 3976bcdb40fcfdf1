"""Secrets planted as canaries: after a whole run, at DEBUG, with errors forced, they are found nowhere in clear.

Where a customer is reached is personal, and not secret to everybody: it stands in the CRM's own tables, goes to Stripe,
and is shown to people who may see it. It is looked for in everything else.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from celery import Celery
from cryptography.fernet import Fernet
from flask import Response

from flask_crm_stripe import signals
from flask_crm_stripe.adapters.stripe import retries
from tests.support.billing_host import SOUTH, BillingHost, Browser, WatchedStripe, billing_host
from tests.support.live import served

CUSTOMER = {"mail": "canary.of.the.customer@secret.example", "city": "Canaryville-on-Sea"}
API_KEY = "sk_test_canaryOfTheApiKey"
SIGNING = ("whsec_canaryOfTheSecret", "whsec_canaryOfTheNextSecret")
LOGGERS = ("", "flask_crm_stripe", "stripe", "urllib3", "requests", "authlib", "sqlalchemy.engine", "sqlalchemy.pool",
           "alembic", "host", "flask_migrate")  # fmt: skip


@dataclass
class Run:
    """What came of a run: the planted secrets by name, and every place where none may be. ``sent`` is what a worker got
    to read, ``exports`` what was taken along."""

    host: BillingHost
    secrets: dict[str, str]
    log: io.StringIO
    quiet: io.StringIO
    queue: Celery | None = None
    answers: list[tuple[str, str]] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)

    def plant(self, name: str, value: str) -> None:
        """One more secret."""
        assert len(value) > 12, name
        self.secrets[name] = value

    def plant_consent(self, name: str, back: str) -> None:
        """What Stripe sends the browser back with."""
        for part in ("state", "code"):
            self.plant(f"{name} {part}", parse_qs(urlsplit(back).query)[part][0])

    def found_in(self, text: str) -> list[str]:
        """Which secrets stand in a text; a token in an address counts by itself."""
        return [name for name, value in self.secrets.items() if value in text]

    def persons_in(self, text: str) -> list[str]:
        """Which ways to reach the customer stand in a text."""
        return [part for part in CUSTOMER.values() if part in text]

    def messages(self) -> list[str]:
        """What went through the broker."""
        if self.queue is None:
            return []
        found = []
        with self.queue.connection_for_read() as connection, connection.SimpleQueue("celery") as waiting:
            while waiting.qsize():
                message = waiting.get(block=False)
                found.append(f"{message.headers} {message.properties} {message.body!r}")
                message.ack()
        return found

    def keep(self, response: Response) -> Response:
        """Every answer of the app. A redirect is meant to carry the address that it leads to; nothing else is."""
        headers = "\n".join(f"{name}: {value}" for name, value in response.headers if name != "Location")
        body = "" if 300 <= response.status_code < 400 or response.is_streamed else response.get_data(as_text=True)
        self.answers.append((f"{response.status_code}", f"{headers}\n{body}"))
        return response


@contextmanager
def all_logs() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Every logger that takes part, at DEBUG, with tracebacks; and the same without SQLAlchemy's, which tells every row
    of the CRM's own tables that it reads."""
    text, quiet = io.StringIO(), io.StringIO()
    handlers = [logging.StreamHandler(text), logging.StreamHandler(quiet)]
    for handler in handlers:
        # Over sockets that logger is FakeStripe's own server, which is no part of the host.
        handler.addFilter(lambda record: record.name != "werkzeug")
    handlers[1].addFilter(lambda record: not record.name.startswith("sqlalchemy"))
    before = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    for handler in handlers:
        logging.getLogger().addHandler(handler)
    try:
        yield text, quiet
    finally:
        for handler in handlers:
            logging.getLogger().removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


WAYS = ("mounted, sqlite_url, inline", "mounted, pg_url, celery", "over sockets, sqlite_url, inline")


@pytest.fixture(params=WAYS)
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A host in production mode, on each database, with FakeStripe mounted and over real sockets, with its own work for
    later and with a broker."""
    how, database, tasks = request.param.split(", ")
    url = request.getfixturevalue(database)
    encryption = [Fernet.generate_key().decode() for _ in range(2)]
    config: dict[str, Any] = {
        "TESTING": False,
        "SECRET_KEY": "canary-of-the-hosts-own-secret-key",
        "CRM_STRIPE_API_KEY": API_KEY,
        "CRM_STRIPE_WEBHOOK_SECRETS": list(SIGNING),
        "CRM_STRIPE_ENCRYPTION_KEYS": encryption,
        "CRM_STRIPE_TASKS": tasks,
    }
    queue = Celery("host", broker="memory://", set_as_current=True) if tasks == "celery" else None
    with all_logs() as (log, quiet), served_or_mounted(how, url, monkeypatch, config) as host:
        found = Run(host, {}, log, quiet, queue)
        with host.app.app_context():
            for payer in host.host.db.session.scalars(sa.select(host.host.Organization)):
                payer.email, payer.city = CUSTOMER["mail"], CUSTOMER["city"]
            host.host.db.session.commit()
        found.plant("api key", API_KEY)
        found.plant("host's secret key", config["SECRET_KEY"])
        for number, secret in enumerate((*SIGNING, *encryption)):
            found.plant(f"configured {number}", secret)
        host.app.after_request(found.keep)
        found.messages()
        yield found
    if queue is not None:
        queue.close()


@contextmanager
def served_or_mounted(
    how: str, url: str, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> Iterator[BillingHost]:
    """The host; over sockets, the environment tells it where Stripe is."""
    if how == "mounted":
        with billing_host(url, **config) as host:
            yield host
        return
    fake = WatchedStripe()
    with served(fake.wsgi_app) as server:
        monkeypatch.setenv("CRM_STRIPE_API_BASE", server.url)
        monkeypatch.setenv("CRM_STRIPE_CONNECT_BASE", server.url)
        with billing_host(url, fake=fake, mounted=False, **config) as host:
            yield host


def test_found_nowhere(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect, sync, invoice, pay, and everything going wrong as well: not in the database, the logs, or an answer."""
    host = run.host
    heard: list[object] = []
    for told in signals.BY_NAME.values():
        told.connect(lambda sender, **payload: heard.append(repr(payload)), sender=host.app, weak=False)
    monkeypatch.setattr(retries, "FIRST_WAIT", 0)
    browser = whole_run(run)
    everything_goes_wrong(run, browser)
    take_along(run, browser)
    messages = run.messages()
    assert bool(messages) == (run.queue is not None)

    assert {f"{answer[:1]}xx" for answer, _ in run.answers} == {"2xx", "3xx", "4xx", "5xx"}
    for status, text in run.answers:
        assert run.found_in(text) == [], (status, text)
        assert status < "500" or run.persons_in(text) == [], (status, text)
    for text in (*map(str, heard), *messages, *run.exports):
        assert run.found_in(text) == [], text
        assert run.persons_in(text) == [], text
    assert run.found_in(repr(host.app.extensions["crm_stripe"])) == []
    assert len(heard) > 3
    logged = run.log.getvalue()
    assert run.found_in(logged) == [], [line for line in logged.splitlines() if run.found_in(line)]
    quiet = run.quiet.getvalue()
    assert run.persons_in(quiet) == [], [line for line in quiet.splitlines() if run.persons_in(line)]
    assert "Request to Stripe api" in quiet
    for word in (
        "INSERT INTO crm_stripe_connection",
        "Request to Stripe api",
        "Traceback",
        "Billing failed; reference",
    ):
        assert word in logged, f"{word}: what should be searched is not there"
    stored = dump(host)
    assert run.found_in(stored) == [], [line for line in stored.splitlines() if run.found_in(line)]
    ours = dump(host, "crm_stripe_")
    assert run.persons_in(ours) == [], [line for line in ours.splitlines() if run.persons_in(line)]
    assert run.persons_in(stored) == list(CUSTOMER.values()), "the control: the CRM's own tables have it"
    for control in (logged, stored, ours):
        assert host.accounts[SOUTH] in control, "the control: what is no secret is found"


def whole_run(run: Run) -> Browser:
    """Connect, sync, invoice, pay. The secrets that come up on the way are planted too."""
    host, browser = run.host, run.host.browser("ann")
    failing_returns(run)
    host.connect(host.browser("sue"), SOUTH)
    back = host.back_from_stripe(browser)
    run.plant_consent("good", back)
    answer = browser.get_raw(back)
    browser.press(browser.follow(answer), answer.headers["Location"])
    host.name_seller()
    for number, grant in enumerate(grant for grant in host.fake.grants if "access_token" in grant):
        for name in ("access_token", "refresh_token"):
            run.plant(f"{name} {number}", grant[name])
    assert all(row["secrets"] for row in host.rows("crm_stripe_connection")), "the tokens are kept, sealed"

    browser.post("/services/sync")
    invoice = browser.bill()
    [stripes] = host.things("invoice")
    run.plant("hosted page", stripes["hosted_invoice_url"].partition("?")[0].rpartition("/")[2])
    for path in ("pay-page", "pdf"):
        assert browser.get(f"/invoices/{invoice}/{path}").status_code == 303
    host.fake.pay(stripes["hosted_invoice_url"], "4000000000000002")
    host.fake.pay(stripes["hosted_invoice_url"])
    host.fake.deliver()
    host.run("work")
    assert browser.get(f"/api/v1/invoices/{invoice}").get_json()["status"] == "paid"
    for path in ("/", "/invoices", f"/invoices/{invoice}", "/services", "/settings", "/events", "/log", "/disconnect"):
        browser.page(path)
    for path in ("/invoices", "/connection", "/services", "/openapi.json"):
        assert browser.get(f"/api/v1{path}").status_code == 200
    return browser


def failing_returns(run: Run) -> None:
    """The exchange and the look at the account fail in each way; a code is refused, which Stripe repeats in words."""
    host, south = run.host, run.host.browser("sue")
    for path in ("/oauth/token", "/v1/account"):
        for kind in ("429", "500", "500_after", "cut_before", "cut_after"):
            back = host.back_from_stripe(south, host.accounts[SOUTH])
            run.plant_consent(f"{path} {kind}", back)
            host.fake.faults.add(kind, path=path, times=3)
            assert south.get_raw(back).status_code == 400
            host.fake.faults.clear()
    back = host.back_from_stripe(south, host.accounts[SOUTH])
    run.plant_consent("too late", back)
    host.fake.clock.advance(600)
    assert south.get_raw(back).status_code == 400


def everything_goes_wrong(run: Run, browser: Browser) -> None:
    """Stripe fails in each way, deliveries and returns are forged, the database is broken under us."""
    host, south = run.host, run.host.browser("sue")
    form = south.review(SOUTH, "21").form("/invoice")
    for kind in ("429", "500", "500_after", "cut_before", "cut_after"):
        host.fake.faults.add(kind, times=3)
        south.follow(south.send(form, send="yes"))
        south.post("/settings/refresh")
        host.fake.faults.clear()
    replay, code = (run.secrets[f"good {name}"] for name in ("state", "code"))
    browser.get_raw(f"/stripe/connect/callback?state={replay}&code={code}")
    host.app.test_client().post("/stripe/webhooks", data=b"{}", headers={"Stripe-Signature": "t=1,v1=0"})
    with host.app.app_context(), host.host.db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE crm_stripe_invoice RENAME TO broken"))
    assert browser.get("/invoices").status_code == 500
    assert browser.get("/api/v1/invoices").status_code == 500
    with host.app.app_context(), host.host.db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE broken RENAME TO crm_stripe_invoice"))
        connection.execute(sa.text("ALTER TABLE crm_stripe_connection RENAME TO broken"))
    assert browser.post_json("/services/sync", {}).status_code == 500
    with host.app.app_context(), host.host.db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE broken RENAME TO crm_stripe_connection"))


def take_along(run: Run, browser: Browser) -> None:
    """The log as CSV and as JSON, and what the commands print."""
    exported = browser.get("/log/export")
    assert exported.status_code == 200
    run.exports.append(exported.get_data(as_text=True))
    for command in ("export-log --business north", "verify-log", "doctor", "rotate-keys", "work"):
        run.exports.append(run.host.run(*command.split()).output)
    assert all(run.exports)


def dump(host: BillingHost, prefix: str = "") -> str:
    """Every value of every table, and on SQLite the file as it lies on the disk, freed pages too; with a prefix the
    tables that begin so."""
    with host.app.app_context():
        engine = host.host.db.engine
        with engine.connect() as connection:
            names = [name for name in sa.inspect(engine).get_table_names() if name.startswith(prefix)]
            rows = [row for name in names for row in connection.execute(sa.text(f'SELECT * FROM "{name}"'))]
        file = Path(engine.url.database or "") if engine.dialect.name == "sqlite" and not prefix else None
    values = "\n".join(readable(value) for row in rows for value in row)
    return values + (file.read_bytes().decode("latin-1") if file else "")


def readable(value: object) -> str:
    """Bytes as they are."""
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)
