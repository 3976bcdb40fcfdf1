"""Malformed keys stop the start, missing ones do not; missing tables; a finance module that is off; two apps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask
from flask_login import LoginManager, UserMixin, login_user
from werkzeug.test import TestResponse

from flask_crm_stripe import CRMStripe, Maps, SQLAlchemyCRM
from flask_crm_stripe.errors import ConfigurationError
from tests.support.billing_host import NORTH, SOUTH, BillingHost, billing_host, make_billing_host, settings
from tests.support.crm_host import make_host
from tests.web.page_stage import Page

KEYS = ("API_KEY", "CLIENT_ID", "ENCRYPTION_KEYS", "PUBLIC_URL")
RUN = "The billing tables are missing or old. Run: flask crm-stripe upgrade"

MALFORMED = [
    ("API_KEY", "pk_test_123", "Copy it from your Stripe dashboard, Developers, API keys."),
    ("API_KEY", " sk_test_123", "must be one line of text without spaces around it."),
    ("API_KEY", 17, "must be one line of text"),
    ("CLIENT_ID", "acct_123", "must begin with ca_."),
    ("WEBHOOK_SECRETS", "whsec_1", 'must be a JSON list of texts, like ["..."].'),
    ("WEBHOOK_SECRETS", ["sk_test_1"], "must be a list of signing secrets"),
    ("ENCRYPTION_KEYS", ["short"], "must be a list of Fernet keys. Make one with: python -c"),
    ("PUBLIC_URL", "crm.northwind", "must be an address like https://crm.example.com"),
    ("PUBLIC_URL", "http://crm.northwind", "must be an address like https://crm.example.com"),
    ("URL_PREFIX", "stripe/", "must begin with a slash and not end with one"),
    ("TASKS", "later", "must be inline (after the response) or celery."),
    ("API_BASE", "https://evil.example", "is read from the environment only"),
]


@pytest.mark.parametrize(("name", "value", "words"), MALFORMED)
def test_a_malformed_key_stops_the_start(sqlite_url: str, name: str, value: Any, words: str) -> None:
    """One sentence that names the key and says what to do; the value is not repeated, it may be a secret."""
    key = f"CRM_STRIPE_{name}"
    with pytest.raises(ConfigurationError) as caught:
        make_billing_host(sqlite_url, **{key: value})
    assert caught.value.message.startswith(f"{key} ")
    assert words in caught.value.message
    assert (caught.value.field, "\n" in caught.value.message) == (key, False)
    assert str(value) not in caught.value.message.replace("whsec_...", "")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"CRM_STRIPE_API_KEY": "sk_live_1", "CRM_STRIPE_API_BASE": "http://127.0.0.1:1"}, "is a live key"),
        ({"CRM_STRIPE_API_KEY": "sk_live_1", "CRM_STRIPE_PUBLIC_URL": "http://localhost"}, "must begin with https://"),
        ({"CRM_STRIPE_WEBHOOK_SECRETS": '{"a": 1}'}, "must be a list of signing secrets"),
    ],
)
def test_the_environment_is_checked_too(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], words: str
) -> None:
    """Keys from the environment, and keys that do not go together."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    host = make_host(sqlite_url)
    with pytest.raises(ConfigurationError, match=words):
        CRMStripe().init_app(host.app, crm=host.crm, db=host.db)


def test_a_mapping_that_is_wrong_stops_the_start(sqlite_url: str) -> None:
    """An attribute that the model does not have is named, with one that is like it."""
    host = make_host(sqlite_url)
    with pytest.raises(ConfigurationError) as caught:
        CRMStripe().init_app(host.app, crm=one_business(host, name="nmae"), db=host.db)
    assert "nmae" in caught.value.message
    assert "name" in caught.value.message.replace("nmae", "")


@pytest.mark.parametrize("missing", [*KEYS, None])
def test_missing_keys_leave_the_app_running(sqlite_url: str, missing: str | None) -> None:
    """The host's own pages work; ours, the JSON side and the webhook say 503 and name what is missing."""
    names = [f"CRM_STRIPE_{name}" for name in KEYS if missing in (name, None)]
    unset: dict[str, Any] = dict.fromkeys(names)
    with billing_host(sqlite_url, **unset) as host:
        assert host.own_view(lambda: "the host's own").text == "the host's own"
        before, words = host.pictures(), f"{' and '.join(names)} {'is' if missing else 'are'} not set."
        browser = host.browser("ann")
        for path in ("/", "/invoices", "/settings", "/connect/callback?state=x&code=y"):
            answer = browser.get(path)
            assert (path, answer.status_code, words in answer.text) == (path, 503, True)
            assert answer.headers["Retry-After"]
        told = browser.get("/api/v1/connection")
        assert (told.status_code, told.get_json()["code"]) == (503, "setup_missing")
        assert words in told.get_json()["detail"]
        hook = host.app.test_client().post("/stripe/webhooks", data=b"{}")
        assert (hook.status_code, words in hook.text) == (503, True)
        others = host.browser("cas").get("/")
        assert (others.status_code, "Ask an admin of your CRM." in others.text) == (503, True)
        assert "CRM_STRIPE_" not in others.text
        assert host.pictures() == before
        doctor = host.app.test_cli_runner().invoke(args=["crm-stripe", "doctor"])
        assert (doctor.exit_code, words in doctor.output) == (1, True)
        assert host.app.test_cli_runner().invoke(args=["crm-stripe", "upgrade"]).exit_code == 0


def without_our_tables(host: BillingHost) -> None:
    """As before the first upgrade."""
    with host.app.app_context(), host.host.db.engine.begin() as connection:
        names = sa.inspect(connection).get_table_names()
        for name in sorted((name for name in names if name.startswith("crm_stripe_")), reverse=True):
            connection.execute(sa.text(f'DROP TABLE "{name}"' + cascade(connection)))


def cascade(connection: sa.Connection) -> str:
    """PostgreSQL drops what refers to it too."""
    return " CASCADE" if connection.dialect.name == "postgresql" else ""


def test_missing_tables_say_what_to_run(database_url: str) -> None:
    """503 with the command on pages, in JSON and for Stripe, which tries again; after the command all works."""
    with billing_host(database_url) as host:
        without_our_tables(host)
        browser = host.browser("ann")
        hook = host.app.test_client().post("/stripe/webhooks", data=b"{}")
        for answer in (browser.get("/"), browser.get("/invoices"), browser.get("/api/v1/invoices"), hook):
            assert (answer.status_code, RUN in answer.text) == (503, True), answer.text
        assert host.own_view(lambda: "the host's own").text == "the host's own"
        done = host.app.test_cli_runner().invoke(args=["crm-stripe", "upgrade"])
        assert (done.exit_code, done.output) == (0, "Billing's tables are up to date.\n")
        host.connect(browser)
        browser.bill()


def test_the_hosts_own_tests(database_url: str) -> None:
    """`create_all` and `drop_all` around each of the host's tests bring our tables along, as often as it likes."""
    with billing_host(database_url) as host:
        browser = host.browser("ann")
        host.connect(browser)
        with host.app.app_context():
            host.host.db.drop_all()
            assert sa.inspect(host.host.db.engine).get_table_names() == []
            host.host.db.create_all()
            host.host.db.session.add(host.host.User(id="ann", company=NORTH, role="admin"))
            host.host.db.session.commit()
        assert host.rows("crm_stripe_connection") == []
        host.connect(browser)
        assert len(host.rows("crm_stripe_connection")) == 1


def test_a_host_in_memory() -> None:
    """Many hosts test on SQLite in memory, where all sessions share one connection: the whole run works there."""
    with billing_host("sqlite://") as host:
        north, south = host.connected()
        north.bill()
        south.bill(SOUTH, "21")
        host.fake.pay(host.things("invoice")[0]["hosted_invoice_url"])
        assert {delivery.state for delivery in host.fake.deliver()} == {"delivered"}
        assert [row["status"] for row in host.rows("crm_stripe_invoice")] == ["paid", "open"]
        assert {row["status"] for row in host.rows("billable") if row["company"] == NORTH} == {"paid"}


@pytest.fixture
def off(sqlite_url: str) -> Iterator[BillingHost]:
    """Both connected; the finance module of the north is switched off."""
    with billing_host(sqlite_url) as host:
        host.connected()[0].bill()
        host.finance[NORTH] = False
        yield host


def test_the_finance_module_is_off(off: BillingHost) -> None:
    """503 in words on pages and in JSON, to look and to act, in that business only; switched on, all is there."""
    before, requests = off.pictures(), len(off.fake.requests)
    north, south = off.browser("ann"), off.browser("sue")
    words = "Billing needs the finance module, which is off for this business."
    answers: list[TestResponse] = [
        *(north.get(path) for path in ("/", "/invoices", "/services", "/api/v1/invoices")),
        north.client.post("/stripe/services/sync", buffered=True),
        north.client.post("/stripe/api/v1/services/sync", json={}, buffered=True),
    ]
    for answer in answers:
        assert (answer.status_code, words in (answer.get_json(silent=True) or {"detail": answer.text})["detail"]) == (
            503,
            True,
        )
    assert off.pictures() == before
    assert len(off.fake.requests) == requests
    assert south.get("/").status_code == 200
    off.finance[NORTH] = True
    assert north.get("/invoices").status_code == 200


def test_events_come_in_all_the_same(off: BillingHost) -> None:
    """Money that arrives meanwhile is not lost: Stripe's news are stored and applied."""
    [invoice] = off.things("invoice")
    off.fake.pay(invoice["hosted_invoice_url"])
    assert {delivery.state for delivery in off.fake.deliver()} == {"delivered"}
    assert [row["status"] for row in off.rows("crm_stripe_invoice")] == ["paid"]


def test_two_apps_in_one_process(tmp_path: Path) -> None:
    """Other prefixes, keys, secrets, databases and Stripes, used in turns: each has its own and knows nothing of the
    other's."""
    second: dict[str, Any] = {
        "CRM_STRIPE_URL_PREFIX": "/money/bills",
        "CRM_STRIPE_API_KEY": "sk_test_ofTheSecond",
        "CRM_STRIPE_CLIENT_ID": "ca_ofTheSecond",
        "CRM_STRIPE_WEBHOOK_SECRETS": ["whsec_ofTheSecond"],
        "CRM_STRIPE_ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
        "CRM_STRIPE_PUBLIC_URL": "https://second.example",
    }
    with (
        billing_host(f"sqlite:///{tmp_path / 'one.sqlite'}") as one,
        billing_host(f"sqlite:///{tmp_path / 'two.sqlite'}", **second) as two,
    ):
        a, b = one.browser("ann"), two.browser("ann")
        one.connect(a)
        assert two.rows("crm_stripe_connection") == []
        assert "Stripe is not connected" in Page(b.get("/services").text).text
        two.connect(b)
        first, other = a.bill(), b.bill(NORTH, "11")
        assert (a.get(f"/invoices/{other}").status_code, b.get(f"/invoices/{first}").status_code) == (404, 404)
        assert [len(each.things("invoice")) for each in (one, two)] == [1, 1]
        assert a.client.get("/money/bills/").status_code == b.client.get("/stripe/").status_code == 404
        for host in (one, two):
            host.fake.pay(host.things("invoice")[0]["hosted_invoice_url"])
        crossed = crossed_deliveries(one, two)
        assert crossed == {400}, "signed with the other's secret"
        for host in (one, two):
            assert {delivery.state for delivery in host.fake.deliver()} == {"delivered"}
            assert [row["status"] for row in host.rows("crm_stripe_invoice")] == ["paid"]
        assert not re.search(r"/stripe/\w", b.page(f"/invoices/{other}").text)
        with two.app.app_context():
            two.host.db.session.get_one(two.host.Service, 1).name = "Of the second"
            two.host.db.session.commit()
        assert "Of the second" not in str(one.rows("service"))
        assert len(one.rows("crm_stripe_outbox")) < len(two.rows("crm_stripe_outbox"))


def crossed_deliveries(one: BillingHost, two: BillingHost) -> set[int]:
    """What the second app answers to the first's events. They stay undelivered."""
    statuses: set[int] = set()

    def astray(_url: str, body: bytes, headers: dict[str, str]) -> int:
        answer = two.app.test_client().post("/money/bills/webhooks", data=body, headers=headers, buffered=True)
        statuses.add(answer.status_code)
        return answer.status_code

    one.fake.on_delivery(astray)
    one.fake.deliver()
    one.fake.on_delivery(one.hook)
    one.fake.clock.advance(601)
    return statuses


ADMINS: list[tuple[Any, int]] = [
    (True, 200),
    (lambda self: True, 200),
    (False, 403),
    (lambda self: False, 403),
    ("yes", 403),
    (1, 403),
    (None, 403),
]


@pytest.mark.parametrize(("is_admin", "status"), ADMINS)
def test_without_loaders_flask_logins_admins_count(sqlite_url: str, is_admin: Any, status: int) -> None:
    """Someone whose `is_admin` is True, or a call that returns True. A method by itself, and what is merely truthy, is
    no right to move money."""
    host = make_host(sqlite_url, SECRET_KEY="x", TESTING=True, **settings())
    user = type("User", (UserMixin,), {"id": "7", "name": "Kim", "is_admin": is_admin})()
    LoginManager(host.app).user_loader(lambda _: user)
    host.app.add_url_rule("/enter", view_func=lambda: str(login_user(user)))
    CRMStripe().init_app(host.app, crm=one_business(host), db=host.db)
    with host.app.app_context():
        host.db.create_all()
    client = host.app.test_client()
    assert client.get("/stripe/").status_code == 401
    client.get("/enter")
    assert client.get("/stripe/").status_code == status
    dispose(host.app, host.db)


def one_business(host: Any, name: str = "name") -> SQLAlchemyCRM:
    """A CRM of one business says nothing of businesses."""
    return SQLAlchemyCRM(
        services=Maps(host.Service, ref="id", name=name),
        contacts=[Maps(host.Organization, ref="id", kind="organization", name="name")],
        sources=[Maps(host.Order, ref="id", kind="order", title="title")],
        billables=Maps(
            host.Billable,
            ref="id",
            source=("source_kind", "source_ref"),
            description="description",
            quantity="quantity",
            unit_price="unit_price",
            currency="currency",
        ),
    )


def dispose(app: Flask, db: Any) -> None:
    """Close what is open."""
    with app.app_context():
        db.engine.dispose()
