"""What belongs to another business, and what a person may not do: refused in words on pages and in JSON."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from tests.support.billing_host import LINES, NORTH, SOUTH, BillingHost, Browser, billing_host
from tests.web.page_stage import Page

SECRETS_OF_NORTH = ("Payer of north", "Order of north", "payer@north.example", "Design north")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BillingHost]:
    """Both businesses connected; the north has an invoice of its first line and a draft of its second."""
    with billing_host(f"sqlite:///{tmp_path_factory.mktemp('refusals')}/crm.sqlite") as host:
        north, _ = host.connected()
        north.bill(NORTH, "11")
        north.bill(NORTH, "12", send="no")
        host.fake.deliver()
        yield host


def ids(host: BillingHost) -> dict[str, str]:
    """The north's own: its invoice, its draft, an event, an ended consent's connection."""
    invoices = {row["status"]: row["id"] for row in host.rows("crm_stripe_invoice")}
    event = next(row["row"] for row in host.rows("crm_stripe_event") if row["business"] == NORTH)
    connection = next(row["id"] for row in host.rows("crm_stripe_connection") if row["business"] == NORTH)
    return {"open": invoices["open"], "draft": invoices["draft"], "event": str(event), "connection": connection}


OTHERS = [
    ("GET", "/invoices/{open}"),
    ("GET", "/invoices/{open}/pay-page"),
    ("GET", "/invoices/{open}/pdf"),
    ("POST", "/invoices/{open}/send"),
    ("POST", "/invoices/{open}/refresh"),
    ("GET", "/invoices/{draft}/delete"),
    ("POST", "/invoices/{draft}/delete"),
    ("POST", "/invoices/{draft}/send"),
    ("POST", "/events/{event}/retry"),
    ("GET", "/connect/{connection}"),
    ("POST", "/connect/{connection}"),
    ("POST", "/connect/{connection}/decline"),
    ("GET", "/billables/order/1"),
    ("GET", "/billables/order/1/review?billable=13"),
    ("GET", "/api/v1/invoices/{open}"),
    ("POST", "/api/v1/invoices/{draft}/send"),
    ("POST", "/api/v1/sources/order/1/preview"),
    ("POST", "/api/v1/sources/order/1/invoices"),
]


def asked(browser: Browser, method: str, path: str) -> TestResponse:
    """The request, with everything that a good one has."""
    if method == "GET":
        return browser.get(path)
    if path.startswith("/api/v1"):
        body = {"billables": ["13"], "seen": "x", "send": True} if path.endswith("/invoices") else {"billables": ["13"]}
        sent = None if path.endswith("/send") else {} if path.endswith("/sync") else body
        return browser.post_json(path.removeprefix("/api/v1"), sent, Idempotency_Key="reaching-over")
    return browser.post(path, billable="13", seen="x", form_key="reaching-over", send="yes")


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_anothers_things_are_not_there(host: BillingHost, method: str, path: str) -> None:
    """By id, on pages and in JSON, to look and to act: 404 as for what never was, and not a word of it."""
    south, before, requests = host.browser("sue"), host.pictures(), len(host.fake.requests)
    answer = asked(south, method, path.format(**ids(host)))
    never = asked(south, method, path.format(open="f" * 32, draft="f" * 32, event="999999", connection="f" * 32))
    assert answer.status_code == never.status_code == 404, answer.text
    assert "There is no such" in answer.text
    assert not any(word in answer.text for word in SECRETS_OF_NORTH)
    assert host.pictures() == before
    assert len(host.fake.requests) == requests, "Stripe was asked"


def test_anothers_billables_in_ones_own_order(host: BillingHost) -> None:
    """A line of another business's work, slipped into a form of one's own."""
    south, before = host.browser("sue"), host.pictures()
    form = south.review(SOUTH, *LINES[SOUTH]).form("/invoice")
    data = {**form.data(send="yes"), "billable": [LINES[SOUTH][0], "13"]}
    answer = south.client.post(form.action, data=data, buffered=True)
    assert answer.status_code in (404, 422), answer.text
    assert "Work 13" not in answer.text
    assert south.get("/billables/order/2/review?billable=21&billable=13").status_code in (404, 422)
    assert host.pictures() == before


def test_anothers_services_are_not_synced(host: BillingHost) -> None:
    """Named by ref in JSON, they are no services at all."""
    south, requests = host.browser("sue"), len(host.fake.requests)
    before = host.pictures()
    answer = south.post_json("/services/sync", {"refs": ["1"]})
    assert answer.status_code in (200, 404)
    assert not any(word in answer.text for word in SECRETS_OF_NORTH)
    assert host.pictures() == before
    assert len(host.fake.requests) == requests


@pytest.mark.parametrize("path", ["/", "/invoices", "/services", "/settings", "/events", "/log"])
def test_lists_hold_ones_own(host: BillingHost, path: str) -> None:
    """Nothing of the north stands on a page of the south; and each page of the north shows that there is something."""
    assert not any(word in host.browser("sue").page(path).text for word in SECRETS_OF_NORTH)
    answer = host.browser("sue").get("/api/v1/invoices")
    assert answer.get_json()["invoices"] == []


def test_statuses_of_anothers_invoices(host: BillingHost) -> None:
    """The small JSON of an open page leaves out what is not there."""
    path = "/invoices/status?ids={open},{draft}".format(**ids(host))
    assert host.browser("sue").get(path).get_json() == {"invoices": []}
    assert len(host.browser("ann").get(path).get_json()["invoices"]) == 2


UNPERMITTED = [
    ("dee", "POST", "/connect", "connect a Stripe account"),
    ("dee", "GET", "/connect/{connection}", "connect a Stripe account"),
    ("cas", "POST", "/disconnect", "disconnect the Stripe account"),
    ("dee", "POST", "/services/sync", "send services to Stripe"),
    ("dee", "GET", "/billables/order/1/review?billable=13", "make invoices"),
    ("dee", "POST", "/billables/order/1/review", "make invoices"),
    ("dee", "POST", "/billables/order/1/invoice", "make invoices"),
    ("cas", "POST", "/invoices/{draft}/send", "send invoices"),
    ("dee", "POST", "/invoices/{draft}/delete", "delete drafts"),
    ("cas", "GET", "/invoices/{open}/pay-page", "open the customer"),
    ("cas", "POST", "/settings", "change the settings"),
    ("cas", "GET", "/events", "see"),
    ("cas", "POST", "/events/{event}/retry", "apply events again"),
    ("cas", "GET", "/log", "see"),
    ("dee", "POST", "/api/v1/services/sync", "send services to Stripe"),
    ("dee", "POST", "/api/v1/sources/order/1/preview", "make invoices"),
    ("dee", "POST", "/api/v1/sources/order/1/invoices", "make invoices"),
    ("cas", "POST", "/api/v1/sources/order/1/invoices", "send invoices"),
    ("cas", "POST", "/api/v1/invoices/{draft}/send", "send invoices"),
]


@pytest.mark.parametrize(("who", "method", "path", "deed"), UNPERMITTED)
def test_what_a_role_may_not(host: BillingHost, who: str, method: str, path: str, deed: str) -> None:
    """403 in words that name the deed and the right that an admin can give."""
    before, requests = host.pictures(), len(host.fake.requests)
    browser = host.browser(who)
    given = path.format(**ids(host))
    answer = browser.post(given, reason="a reason", send="yes", billable="13") if path == "/disconnect" else asked(
        browser, method, given
    )  # fmt: skip
    assert answer.status_code == 403, answer.text
    words = answer.get_json()["detail"] if path.startswith("/api") else Page(answer.text).text
    assert f"You may not {deed}" in words
    assert "An admin of your CRM can give you the right" in words
    assert host.pictures() == before
    assert len(host.fake.requests) == requests


def test_sales_may_not_send_through_the_form(host: BillingHost) -> None:
    """The button is not on the page, and sending the form as if it were is refused; a draft is allowed."""
    sales, before = host.browser("cas"), host.pictures()
    form = sales.review(NORTH, "13").form("/invoice")
    assert [value for name, value, _ in form.buttons if name == "send"] == ["no"]
    answer = sales.send(form, send="yes")
    assert answer.status_code == 403
    assert "You may not send invoices." in Page(answer.text).text
    assert host.pictures() == before


def rules(host: BillingHost) -> list[tuple[str, str]]:
    """Every address of ours that people and programs use, with every method it has."""
    values = {
        "source": "order",
        "kind": "order",
        "ref": "1",
        "event_id": 1,
        "notice_id": 1,
        "anything": "what",
        **ids(host),
    }
    found = []
    with host.app.test_request_context():
        for rule in host.app.url_map.iter_rules():
            if not rule.endpoint.startswith("crm_stripe.") or rule.endpoint.rpartition(".")[2] in ("static", "health"):
                continue
            given = {name: values.get(name, values["open"]) for name in rule.arguments}
            _, path = rule.build(given) or ("", "")
            found += [(method, path) for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}]
    assert len(found) > 40
    return sorted(found)


def test_strangers_get_nothing(host: BillingHost) -> None:
    """Every address, with every method: 401 without a login. New ones are covered by themselves."""
    before, stranger = host.pictures(), host.browser()
    for method, path in rules(host):
        answer = stranger.client.open(path, method=method, buffered=True)
        assert (method, path, answer.status_code) == (method, path, 401)
        assert not any(word in answer.text for word in SECRETS_OF_NORTH)
    assert host.pictures() == before


def test_people_without_the_right_to_view_get_nothing(host: BillingHost) -> None:
    """Every address again, for somebody who is logged in and may nothing: 403 in words."""
    before, outsider = host.pictures(), host.browser("eli")
    for method, path in rules(host):
        answer = outsider.client.open(path, method=method, buffered=True)
        assert (method, path, answer.status_code) == (method, path, 403)
        assert "You may not use billing." in answer.text
        assert not any(word in answer.text for word in SECRETS_OF_NORTH)
    assert host.pictures() == before


def test_forms_without_a_token(host: BillingHost) -> None:
    """Every address that takes a POST: 400 in words without a token, and with another session's; nothing is changed."""
    before, browser, other = host.pictures(), host.browser("ann"), host.browser("ben").token()
    for method, path in rules(host):
        if method == "GET":
            continue
        for token in ("", other, "x" * 90):
            data = {"csrf_token": token, "reason": "a good reason", "billable": "13"}
            answer = browser.client.open(path, method=method, data=data, buffered=True)
            assert (method, path, answer.status_code) == (method, path, 400)
            assert "Nothing was changed. Reload and try again." in answer.text
    assert host.pictures() == before
