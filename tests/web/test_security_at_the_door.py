"""CSRF whatever the host has, addresses whatever the request says, and headers on every answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.billing_host import NORTH, PUBLIC, BillingHost, billing_host, csrf_protect
from tests.web.page_stage import Page

EVIL = "evil.example"
POISON = {"Host": EVIL, "X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "http", "Forwarded": f"host={EVIL}"}
ORDERS = {
    "host without CSRFProtect": {},
    "CSRFProtect before billing": {"before": csrf_protect},
    "CSRFProtect after billing": {"after": csrf_protect},
}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BillingHost]:
    """A host without CSRFProtect."""
    with billing_host(f"sqlite:///{tmp_path / 'crm.sqlite'}") as host:
        yield host


@pytest.mark.parametrize("order", ORDERS)
def test_tokens_whatever_the_host_has(tmp_path: Path, order: str) -> None:
    """With the host's CSRFProtect before us, after us, or not at all: our forms need and have a token, JSON too, and
    Stripe's events need none."""
    with billing_host(f"sqlite:///{tmp_path / 'crm.sqlite'}", **ORDERS[order]) as host:  # type: ignore[arg-type]
        browser = host.browser("ann")
        for path, body in (("/connect", {}), ("/services/sync", {}), ("/settings", {"days_until_due": "3"})):
            answer = browser.client.post(f"/stripe{path}", data=body, buffered=True)
            assert (path, answer.status_code) == (path, 400)
        assert browser.client.post("/stripe/api/v1/services/sync", json={}).status_code == 400
        assert host.fake.requests == []
        assert host.rows("crm_stripe_consent") == host.rows("crm_stripe_setting") == []

        host.connect(browser, NORTH)
        invoice = browser.bill()
        assert browser.post_json("/services/sync", {}).status_code == 200
        assert {delivery.state for delivery in host.fake.deliver()} == {"delivered"}
        assert {row["state"] for row in host.rows("crm_stripe_event")} == {"applied", "ignored"}
        assert browser.get(f"/invoices/{invoice}").status_code == 200


def test_the_hosts_switch_is_for_tests_only(tmp_path: Path) -> None:
    """WTF_CSRF_ENABLED = False, left behind in production, opens nothing of ours."""
    with billing_host(f"sqlite:///{tmp_path / 'crm.sqlite'}", TESTING=False, WTF_CSRF_ENABLED=False) as host:
        browser = host.browser("ann")
        assert browser.client.post("/stripe/connect").status_code == 400
        host.app.testing = True
        assert browser.client.post("/stripe/connect").status_code == 303


def test_a_poisoned_host_header(host: BillingHost) -> None:
    """Where Stripe sends people back to is CRM_STRIPE_PUBLIC_URL, whatever the request says of itself."""
    browser = host.browser("ann")
    data = {"csrf_token": browser.token()}
    answer = browser.client.post("/stripe/connect", data=data, headers=POISON, base_url=f"http://{EVIL}")
    # The cookie is the real host's: the browser of somebody at another name has none, and gets no further.
    assert answer.status_code == 401
    answer = browser.client.post("/stripe/connect", data=data, headers={**POISON, "Host": "localhost"})
    [back] = parse_qs(urlsplit(answer.headers["Location"]).query)["redirect_uri"]
    assert back == f"{PUBLIC}/stripe/connect/callback"
    with browser.client.session_transaction() as kept:
        cookie = dict(kept)
    at_evil = host.app.test_client()
    with at_evil.session_transaction(base_url=f"http://{EVIL}") as poisoned:
        poisoned.update(cookie)
    answer = at_evil.post("/stripe/connect", data=data, headers=POISON, base_url=f"http://{EVIL}")
    [back] = parse_qs(urlsplit(answer.headers["Location"]).query)["redirect_uri"]
    assert back == f"{PUBLIC}/stripe/connect/callback"


def test_no_page_repeats_a_poisoned_host(host: BillingHost) -> None:
    """No page, redirect or error has an address of another host in it."""
    host.connect(host.browser("ann"), NORTH)
    browser = host.browser("ann")
    invoice = browser.bill()
    with browser.client.session_transaction() as kept:
        cookie = dict(kept)
    at_evil = host.app.test_client()
    with at_evil.session_transaction(base_url=f"http://{EVIL}") as poisoned:
        poisoned.update(cookie)
    paths = ("/", "/settings", "/services", f"/invoices/{invoice}", "/invoices", "/events", "/log", "/nothing",
             "/billables/order/1", "/api/v1/invoices", "/api/v1/openapi.json", "/disconnect")  # fmt: skip
    for path in paths:
        answer = at_evil.get(f"/stripe{path}", headers=POISON, base_url=f"http://{EVIL}", buffered=True)
        assert (path, answer.status_code) == (path, 404 if path == "/nothing" else 200)
        assert EVIL not in answer.text
        assert EVIL not in str(answer.headers)


@pytest.mark.parametrize("name", ["next", "url", "return_to", "redirect", "continue"])
@pytest.mark.parametrize("target", [f"https://{EVIL}/", f"//{EVIL}", f"/\\{EVIL}", "javascript:alert(1)"])
def test_no_parameter_leads_away(host: BillingHost, name: str, target: str) -> None:
    """We take no `next`: whatever is given, redirects stay here, and no link goes there."""
    browser = host.browser("ann")
    query = {name: target}
    for path in ("/settings", "/services", "/disconnect", "/connect/callback"):
        answer = browser.client.get(f"/stripe{path}", query_string=query)
        assert EVIL not in str(answer.headers.get("Location", ""))
        assert not any(target in values.get("href", "") for _, values in Page(answer.text).tags)
    saved = browser.post("/settings", days_until_due="7", delivery="mail", **query)
    assert saved.headers["Location"] == "/stripe/settings"


def test_headers_on_every_answer(host: BillingHost) -> None:
    """Pages, errors, JSON and redirects alike."""
    browser = host.browser("ann")
    answers = [
        *(browser.get(path) for path in ("/", "/settings", "/invoices/none", "/api/v1/connection", "/api/v1/nothing")),
        browser.post("/connect"),
        host.browser().get("/"),
    ]
    for answer in answers:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer")


@pytest.mark.parametrize("start", ["javascript:alert(1)/", f"//{EVIL}/", "/stripe/", "data:text/html,/", "\thttps:/"])
def test_what_is_no_web_address_is_not_gone_to(host: BillingHost, start: str) -> None:
    """Whatever stands where the address of Stripe's payment page should: nobody is sent there."""
    host.connect(host.browser("ann"), NORTH)
    browser = host.browser("ann")
    invoice = browser.bill()
    [stripes] = host.things("invoice")
    for name in ("hosted_invoice_url", "invoice_pdf"):
        stripes[name] = f"{start}{stripes['hosted_invoice_url'].rpartition('/')[2]}"
    for path in ("pay-page", "pdf"):
        answer = browser.get(f"/invoices/{invoice}/{path}")
        assert answer.status_code == 409
        assert "Location" not in answer.headers
        assert "javascript" not in answer.text


def test_a_bearer_address_is_not_passed_on(host: BillingHost) -> None:
    """To the payment page and the PDF without a referrer; the address stands on no page of ours."""
    host.connect(host.browser("ann"), NORTH)
    browser = host.browser("ann")
    invoice = browser.bill()
    [stripes] = host.things("invoice")
    for path, url in (("pay-page", stripes["hosted_invoice_url"]), ("pdf", stripes["invoice_pdf"])):
        answer = browser.get(f"/invoices/{invoice}/{path}")
        assert (answer.status_code, answer.headers["Location"]) == (303, url)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        for page in ("/", "/invoices", f"/invoices/{invoice}", "/log", "/events", f"/api/v1/invoices/{invoice}"):
            assert url not in browser.get(page).text
