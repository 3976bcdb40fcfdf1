"""Stripe fails at each call of connecting, declining, disconnecting: people are told, starting again completes it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from flask_crm_stripe.adapters.stripe import retries
from tests.faults.scenes import Call, calls_of, strike
from tests.support.billing_host import NORTH, BillingHost, Browser, billing_host
from tests.web.page_stage import Page

SERVICE = ("POST /v1/prices 0", "POST /v1/prices 1", "POST /v1/products/* 0")
KINDS = ("429", "500", "500_after", "cut_before", "cut_after", "delay")
REFUSED = "Stripe did not accept this sign-in. Nothing was connected. Please start again."
UNANSWERED = "Stripe did not answer while the account was being connected. Nothing was connected. Please start again"
BUSY = "Stripe is busy with other work for this account. Nothing was changed. Try again in a moment."
BROKEN = "Stripe had a problem of its own"
NO_ANSWER = "Stripe did not answer"
TOLD = {
    "429": BUSY,
    "500": BROKEN,
    "500_after": BROKEN,
    "cut_before": NO_ANSWER,
    "cut_after": NO_ANSWER,
    "delay": NO_ANSWER,
}


def come_back(host: BillingHost, browser: Browser) -> Page:
    """Allow at Stripe and come back from there."""
    return browser.follow(browser.get_raw(host.back_from_stripe(browser)))


def decline(host: BillingHost, browser: Browser) -> Page:
    """Come back, and say that it is not this account."""
    [path] = [form.action for form in come_back(host, browser).forms if form.action.endswith("/decline")]
    return say_no(browser, path)


def say_no(browser: Browser, path: str) -> Page:
    """Press “Not this one”."""
    return browser.follow(browser.client.post(path, data={"csrf_token": browser.token()}, buffered=True))


def disconnect(host: BillingHost, browser: Browser) -> Page:
    """Let go of a live connection."""
    form = browser.page("/disconnect").form("/disconnect")
    return browser.follow(browser.send(form, reason="We move to another bank"))


@cache
def clean_calls() -> dict[str, list[Call]]:
    """What is asked of Stripe where nothing goes wrong: coming back; declining after it; disconnecting."""
    with tempfile.TemporaryDirectory() as folder, billing_host(f"sqlite:///{Path(folder) / 'clean.sqlite'}") as host:
        browser, asked = host.browser("ann"), recorder(host)
        [path] = [form.action for form in come_back(host, browser).forms if form.action.endswith("/decline")]
        found = {"connect": asked()}
        say_no(browser, path)
        found["decline"] = asked()
        host.connect(browser)
        asked()
        test_it(browser)
        found["test"] = asked()
        other, action = come_back_with_another(host, browser)
        asked()
        browser.send(other.form(action))
        found["change"] = asked()
        disconnect(host, browser)
        return {**found, "disconnect": asked()}


def recorder(host: BillingHost) -> Callable[[], list[Call]]:
    """Gives what was asked of Stripe since the last look."""
    seen = [len(host.fake.requests)]

    def asked() -> list[Call]:
        since, seen[0] = seen[0], len(host.fake.requests)
        return calls_of(host.fake.requests[since:])

    return asked


def test_it(browser: Browser) -> Page:
    """Press “Test connection”."""
    return browser.follow(browser.press(browser.page("/settings"), "/settings/test"))


test_it.__test__ = False  # type: ignore[attr-defined]


def come_back_with_another(host: BillingHost, browser: Browser) -> tuple[Page, str]:
    """Choose another account at Stripe: the wizard, and where its form goes."""
    account = host.fake.create_account("Another B.V.")["id"]
    page = browser.follow(browser.get_raw(host.back_from_stripe(browser, account)))
    [action] = [form.action for form in page.forms if any(name == "previous" for name, _ in form.fields)]
    return page, action


NEEDED = ("POST /oauth/token 0", "GET /v1/account 0")
"""Without these there is nothing to confirm. What else is asked while connecting is good to know."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each call of a clean run."""
    if "call" in metafunc.fixturenames:
        deed = metafunc.function.__name__.rpartition("_")[2]
        needed = [call for call in clean_calls()["connect"] if str(call) in NEEDED]
        wanted = {"connect": needed, "anyway": [call for call in clean_calls()["connect"] if call not in needed]}
        metafunc.parametrize("call", (clean_calls() | wanted)[deed], ids=str)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BillingHost]:
    """A host of its own; our client's own retries wait for nothing."""
    monkeypatch.setattr(retries, "FIRST_WAIT", 0)
    with billing_host(f"sqlite:///{tmp_path / 'crm.sqlite'}") as host:
        yield host


def test_the_clean_run_is_the_whole_of_it() -> None:
    """One exchange and one look at the account to connect, with what is good to know of it; one revocation to decline
    and to disconnect."""
    assert {name: [str(call) for call in calls] for name, calls in clean_calls().items()} == {
        "connect": [*NEEDED, "GET /v1/tax/settings 0", "GET /v1/country_specs/NL 0", "GET /v1/account 1"],
        "decline": ["POST /oauth/deauthorize 0"],
        "test": ["POST /v1/products 0", "DELETE /v1/products/* 0"],
        "change": ["POST /oauth/deauthorize 0", "POST /v1/products 0", *SERVICE],
        "disconnect": ["POST /oauth/deauthorize 0"],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_connect(host: BillingHost, call: Call, kind: str) -> None:
    """Told what happened and where to go on; the exchange ran once; starting again connects, on the one account."""
    browser = host.browser("ann")
    struck = strike(host, kind, call)
    back = host.back_from_stripe(browser)
    answer = browser.get_raw(back)
    assert struck() > 0
    assert answer.status_code == 400
    page = Page(answer.text)
    assert (REFUSED if kind == "429" and call.path == "/oauth/token" else UNANSWERED) in page.text
    assert ("a", {"class": "btn btn-primary", "href": "/stripe/settings"}) in page.tags
    assert host.calls("/oauth/token") == 1, "the exchange is never repeated"
    host.fake.faults.clear()
    assert "This sign-in has expired or was used already. Please start again." in browser.get_raw(back).text
    assert host.calls("/oauth/token") == 1, "coming back twice exchanges nothing"
    assert host.rows("crm_stripe_connection") == []
    finish(host, browser)


@pytest.mark.parametrize("kind", KINDS)
def test_connecting_anyway(host: BillingHost, call: Call, kind: str) -> None:
    """Stripe does not tell how tax stands, which currencies there are, or whose key this is: the account is connected
    all the same, and asking again later tells."""
    browser = host.browser("ann")
    struck = strike(host, kind, call)
    host.connect(browser)
    assert struck() > 0
    host.fake.faults.clear()
    browser.press(browser.page("/settings"), "/settings/refresh")
    page = browser.page("/settings")
    assert "Stripe Tax: not set up" in page.text
    assert "currencies" in page.text
    assert host.rows("crm_stripe_installation")[0]["platform_account"]
    browser.bill()
    assert [invoice["status"] for invoice in host.things("invoice")] == ["open"]


def finish(host: BillingHost, browser: Browser) -> None:
    """Start again; then there is one live connection, and it works."""
    host.connect(browser)
    [row] = host.rows("crm_stripe_connection")
    assert (row["account_id"], row["state"], row["business"]) == (host.accounts[NORTH], "live", NORTH)
    browser.bill()
    assert [invoice["status"] for invoice in host.things("invoice")] == ["open"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_decline(host: BillingHost, call: Call, kind: str) -> None:
    """It is over here at once; the right to the account is given back as soon as Stripe answers."""
    browser = host.browser("ann")
    [path] = [form.action for form in come_back(host, browser).forms if form.action.endswith("/decline")]
    strike(host, kind, call)
    assert "Nothing was connected." in say_no(browser, path).text
    host.fake.faults.clear()
    assert host.run("work").exit_code == 0
    assert host.rows("crm_stripe_connection") == []
    gone(host)


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_disconnect(host: BillingHost, call: Call, kind: str) -> None:
    """The connection stays until Stripe says that it is over; once more ends it, also where Stripe had done it."""
    browser, _ = host.connected()
    strike(host, kind, call)
    assert TOLD[kind] in disconnect(host, browser).text
    assert [row["state"] for row in host.rows("crm_stripe_connection")] == ["live", "live"]
    host.fake.faults.clear()
    assert "Stripe is disconnected." in disconnect(host, browser).text
    states = {row["business"]: row["state"] for row in host.rows("crm_stripe_connection")}
    assert states == {NORTH: "ended", "south": "live"}
    gone(host)


def gone(host: BillingHost) -> None:
    """Stripe lets nobody act for the account any more."""
    assert not any(host.accounts[NORTH] in platform.connected for platform in host.fake.world.platforms)


@pytest.mark.parametrize("kind", ["429", "500_after", "cut_after"])
def test_services_that_could_not_be_sent_after_connecting(host: BillingHost, kind: str) -> None:
    """Connecting stands, the services page says what is missing and why, and its button completes it."""
    browser = host.browser("ann")
    fault = host.fake.faults.add(kind, "POST", "/v1/products", times=3)
    host.connect(browser)
    assert fault.hits > 0
    page = browser.page("/services")
    assert TOLD[kind] in page.text
    host.fake.faults.clear()
    assert "One service was sent to Stripe." in browser.follow(browser.press(page, "/services/sync")).text
    assert [product["name"] for product in host.things("product")] == ["Design north"]
    assert sorted(price["currency"] for price in host.things("price") if price["active"]) == ["eur", "usd"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_test(host: BillingHost, call: Call, kind: str) -> None:
    """Said in words; whatever Stripe made of it is taken back by the next one, and by the next round of upkeep."""
    browser = host.browser("ann")
    host.connect(browser)
    before = [product["id"] for product in host.things("product")]
    struck = strike(host, kind, call)
    page = test_it(browser)
    assert struck() > 0
    assert "The test failed." in page.text
    assert TOLD[kind] in page.text
    host.fake.faults.clear()
    assert host.run("work").exit_code == 0
    assert [product["id"] for product in host.things("product")] == before
    assert "The connection works." in test_it(browser).text
    assert [product["id"] for product in host.things("product")] == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_change(host: BillingHost, call: Call, kind: str) -> None:
    """The new account is in place, its services come, and the old one is given back in the end."""
    browser = host.browser("ann")
    host.connect(browser)
    page, action = come_back_with_another(host, browser)
    struck = strike(host, kind, call)
    assert browser.send(page.form(action)).status_code == 303
    assert struck() > 0
    host.fake.faults.clear()
    for _ in range(2):
        assert host.run("work").exit_code == 0
    rows = {row["account_id"]: row for row in host.rows("crm_stripe_connection")}
    assert rows[host.accounts[NORTH]]["ending"] == "replaced"
    [new] = [row for row in rows.values() if row["state"] == "live"]
    assert new["changed_at"] is not None
    gone(host)
    if call.path.startswith(("/v1/products", "/v1/prices")):
        form = browser.page("/services")
        browser.press(form, "/services/sync") if any(f.action.endswith("/sync") for f in form.forms) else None
    kept = host.fake.world.store(new["account_id"])["product"].values()
    assert [product["name"] for product in kept] == ["Design north"]
