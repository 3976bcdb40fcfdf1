"""Somebody disconnects the CRM at Stripe, or Stripe rejects or closes the account: however it is noticed, one end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.billing_host import LINES, NORTH, SOUTH, BillingHost, Browser, billing_host

ADMINS = "ops@north.example"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BillingHost]:
    """Both connected; the north has an open invoice, a draft, an unsent change, and mails notices."""
    with billing_host(f"sqlite:///{tmp_path}/crm.sqlite") as host:
        north, south = host.connected()
        north.bill(NORTH, LINES[NORTH][0])
        north.bill(NORTH, LINES[NORTH][1], send="no")
        south.bill(SOUTH, LINES[SOUTH][0])
        north.post("/settings/safety/notify", notify=ADMINS)
        host.fake.deliver()
        host.mails.clear()
        yield host


def told_by_event(host: BillingHost, browser: Browser) -> None:
    """Stripe sends account.application.deauthorized."""
    host.fake.deauthorize(host.accounts[NORTH])
    host.fake.deliver()


def found_by_a_person(host: BillingHost, browser: Browser) -> None:
    """The event never comes; somebody asks Stripe how things stand."""
    silently(host)
    answer = browser.press(browser.page("/settings"), "/settings/refresh")
    assert answer.status_code == 409
    assert "Stripe no longer lets this CRM act for the connected account" in answer.text


def found_by_work(host: BillingHost, browser: Browser) -> None:
    """The event never comes; a changed service is to be sent."""
    silently(host)
    with host.app.app_context():
        service = host.host.db.session.get(host.host.Service, 1)
        assert service is not None
        service.name = "Design anew"
        host.host.db.session.commit()
        host.host.db.session.remove()
    assert host.run("work").exit_code == 0


def silently(host: BillingHost) -> None:
    """Disconnected at Stripe, and its event is lost on the way."""
    host.fake.webhooks.drop()
    host.fake.deauthorize(host.accounts[NORTH])
    host.fake.deliver()
    assert {row["state"] for row in host.rows("crm_stripe_connection")} == {"live"}


WAYS: dict[str, Callable[[BillingHost, Browser], None]] = {
    "event": told_by_event,
    "person": found_by_a_person,
    "work": found_by_work,
}


def picture(host: BillingHost) -> dict[str, Any]:
    """All that a disconnection leaves, without times and ids."""
    [row] = [row for row in host.rows("crm_stripe_connection") if row["business"] == NORTH]
    kept = ("state", "ending", "ended_by", "ended_reason", "secrets", "key_id", "leaving_by")
    return {
        "connection": {name: row[name] for name in kept},
        "notices": [row["kind"] for row in host.rows("crm_stripe_notice") if row["business"] == NORTH][-1],
        "mails": [(mail.to, mail.subject, mail.text) for mail in host.mails],
        "log": [
            (row["action"], row["target"], row["outcome"], row["reason"])
            for row in host.rows("crm_stripe_log")
            if row["business"] == NORTH and row["action"] == "disconnect"
        ],
    }


def test_however_it_is_noticed_it_ends_alike(tmp_path: Path) -> None:
    """By its event, by the first refused call of a person, and by the first of the software: one picture."""
    pictures = {}
    for name, way in WAYS.items():
        with billing_host(f"sqlite:///{tmp_path}/{name}.sqlite") as host:
            north, _ = host.connected()
            north.post("/settings/safety/notify", notify=ADMINS)
            host.fake.deliver()
            host.mails.clear()
            way(host, north)
            found = picture(host)
            found["connection"].pop("ended_by")  # Whoever noticed.
            pictures[name] = repr(found).replace(host.accounts[NORTH], "acct")
    assert len(set(pictures.values())) == 1, pictures
    assert "'ending': 'gone'" in pictures["event"]
    assert "'secrets': None" in pictures["event"]
    assert "Stripe is disconnected: North Works B.V." in pictures["event"]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_retried_for_ever_and_all_is_shown_as_of_then(host: BillingHost, way: str) -> None:
    """No request for the account after it; pages say since when; the other business goes on."""
    browser = host.browser("ann")
    WAYS[way](host, browser)
    before = sum(request.account == host.accounts[NORTH] for request in host.fake.requests)
    for _ in range(3):
        assert host.run("work").exit_code == 0
    assert sum(request.account == host.accounts[NORTH] for request in host.fake.requests) == before
    for who in ("ann", "dee"):
        reader = host.browser(who)
        overview = reader.page("/").text
        assert "Stripe was disconnected on Stripe's side." in overview
        assert "What you see is as of then." in overview
        invoices = reader.page("/invoices").text
        assert "Disconnected on" in invoices
        assert len(re.findall(r"\bas of (?!then)", invoices)) == 2
    assert len(host.mails) == 1
    review = browser.review(NORTH, LINES[NORTH][2])
    assert "Connect Stripe to send invoices" in review.text
    assert not any(value == "yes" for form in review.forms for _, value, _ in form.buttons)
    made = browser.post(
        "/billables/order/1/invoice", billable=LINES[NORTH][2], seen="x", form_key="late-press", send="yes"
    )
    assert made.status_code in (409, 422)
    assert len(host.things("invoice")) == 2
    assert "Customers can pay you," in host.browser("sue").page("/").text
    assert host.browser("sue").bill(SOUTH, LINES[SOUTH][1])


@pytest.mark.parametrize("how", ["rejected", "closed"])
def test_a_rejected_or_closed_account_ends_the_same_way(host: BillingHost, how: str) -> None:
    """The words differ, the state and the notice do not."""
    if how == "rejected":
        host.fake.reject_account(host.accounts[NORTH])
    else:
        host.fake.close_account(host.accounts[NORTH])
    host.fake.deliver()
    found = picture(host)
    assert found["connection"]["state"] == "ended"
    assert found["connection"]["ending"] == ("rejected" if how == "rejected" else "gone")
    assert found["connection"]["secrets"] is None
    assert [subject for _, subject, _ in found["mails"]][-1] == "Stripe is disconnected: North Works B.V."
    assert "What you see is as of then." in host.browser("dee").page("/").text


def test_connecting_again_resumes_everything(host: BillingHost) -> None:
    """The change that was not sent, the draft, and what was paid meanwhile."""
    found_by_work(host, host.browser("ann"))
    opened = next(invoice for invoice in host.things("invoice") if invoice["status"] == "open")
    host.fake.pay(opened["hosted_invoice_url"])
    browser = host.browser("ann")
    host.connect(browser)
    for _ in range(2):
        assert host.run("work").exit_code == 0
    assert sorted(row["status"] for row in host.rows("crm_stripe_invoice") if row["business"] == NORTH) == [
        "draft",
        "paid",
    ]
    assert [product["name"] for product in host.things("product") if "crm_service" in product["metadata"]] == [
        "Design anew"
    ]
    draft = next(row["id"] for row in host.rows("crm_stripe_invoice") if row["status"] == "draft")
    assert browser.press(browser.page(f"/invoices/{draft}"), "/send").status_code == 303
    assert sorted(invoice["status"] for invoice in host.things("invoice")) == ["open", "paid"]
