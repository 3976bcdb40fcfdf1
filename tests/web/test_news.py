"""News that does not arrive: the endpoint gone, off, elsewhere, double; Stripe's deliveries lost; no worker running."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.billing_host import LINES, NORTH, PUBLIC, BillingHost, Browser, billing_host
from tests.web.page_stage import Page

HOOK = f"{PUBLIC}/stripe/webhooks"
OLD = "https://old.example/stripe/webhooks"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BillingHost]:
    """Nobody made a webhook endpoint, and no secret was given; both businesses are connected."""
    with billing_host(f"sqlite:///{tmp_path}/crm.sqlite", CRM_STRIPE_WEBHOOK_SECRETS=[]) as host:
        endpoints(host).clear()
        host.connected()
        yield host


def endpoints(host: BillingHost) -> dict[str, dict[str, Any]]:
    """The platform's, as Stripe holds them."""
    world = host.fake.world
    return world.store(world.first_platform().account_id)["webhook_endpoint"]


def own(host: BillingHost) -> dict[str, Any]:
    """The one that billing made last."""
    return next(reversed(endpoints(host).values()))


def settings(browser: Browser) -> Page:
    """The settings page, after billing has looked."""
    return browser.page("/settings")


def told(host: BillingHost, words: str) -> None:
    """``doctor`` says it in one sentence with its remedy and a status that a monitor sees, and so does the page."""
    result = host.run("doctor")
    assert result.exit_code in (1, 2), result.output
    [line] = [line for line in result.output.splitlines() if words in line]
    assert re.search(r"doctor --fix|crm-stripe work|crm-stripe catch-up|Delete the one", line), line
    assert words in settings(host.browser("ann")).text


def test_the_endpoint_is_made_and_hears(host: BillingHost) -> None:
    """Without one the route answers 503 and both say so; one command makes it, with its secret, and events come in."""
    assert host.app.test_client().post("/stripe/webhooks", data=b"{}", buffered=True).status_code == 503
    told(host, "Stripe has no webhook endpoint for")
    assert host.run("doctor", "--fix").exit_code == 0
    assert [each["url"] for each in endpoints(host).values()] == [HOOK]
    browser = host.browser("ann")
    invoice = browser.bill()
    host.fake.pay(host.things("invoice")[0]["hosted_invoice_url"])
    assert {delivery.state for delivery in host.fake.deliver()} == {"delivered"}
    assert "Paid" in browser.page(f"/invoices/{invoice}").text
    assert own(host)["secret"] not in str(host.rows("crm_stripe_endpoint"))
    assert "All is well." in host.run("doctor").output


@pytest.mark.parametrize("by", ["page", "command"])
def test_a_secret_is_rolled_while_events_come(host: BillingHost, by: str) -> None:
    """What was signed with either is taken, each event is applied once, and the first endpoint goes after four days."""
    host.run("doctor", "--fix")
    browser = host.browser("ann")
    browser.bill()
    if by == "page":
        browser.press(settings(browser), "/settings/endpoint/roll")
    else:
        assert host.run("doctor", "--roll").exit_code == 0
    first, second = endpoints(host).values()
    assert first["secret"] != second["secret"]
    assert {delivery.state for delivery in host.fake.deliver()} == {"delivered"}
    host.fake.pay(host.things("invoice")[0]["hosted_invoice_url"])
    deliveries = host.fake.deliver()
    assert {delivery.endpoint for delivery in deliveries} == {first["id"], second["id"]}
    assert {delivery.state for delivery in deliveries} == {"delivered"}
    ids = [row["event_id"] for row in host.rows("crm_stripe_event")]
    assert len(ids) == len(set(ids))
    execute(host, "UPDATE crm_stripe_endpoint SET leaving_at = :then WHERE leaving_at IS NOT NULL", days=-1)
    execute(host, "DELETE FROM crm_stripe_lease")
    host.run("work")
    assert list(endpoints(host)) == [second["id"]]


HARMS: dict[str, tuple[Callable[[dict[str, dict[str, Any]]], object], str]] = {
    "deleted": (lambda there: there.clear(), "Stripe has no webhook endpoint for"),
    "disabled": (lambda there: newest(there).update(status="disabled"), "is switched off at Stripe"),
    "moved": (lambda there: newest(there).update(url=OLD), f"sends to {OLD} instead of"),
    "version": (lambda there: newest(there).update(api_version="2019-05-16"), "another version of Stripe's API"),
    "events": (lambda there: newest(there).update(enabled_events=["invoice.paid"]), "does not listen to all events"),
}


def newest(there: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The endpoint that was made last."""
    return next(reversed(there.values()))


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("by", ["page", "command"])
def test_what_became_of_the_endpoint_is_said_and_mended(host: BillingHost, harm: str, by: str) -> None:
    """Whatever somebody did in Stripe's dashboard."""
    host.run("doctor", "--fix")
    deed, words = HARMS[harm]
    deed(endpoints(host))
    told(host, words)
    if by == "page":
        browser = host.browser("ann")
        browser.press(settings(browser), "/settings/endpoint")
    else:
        host.run("doctor", "--fix")
    assert "All is well." in host.run("doctor").output
    assert words not in settings(host.browser("ann")).text


def test_two_for_one_address_are_said_and_do_no_harm(host: BillingHost) -> None:
    """The other was made by hand: it is not touched, and the sentence says where to delete it."""
    host.run("doctor", "--fix")
    host.fake.add_endpoint(HOOK, own(host)["secret"])
    told(host, "several webhook endpoints for")
    host.run("doctor", "--fix")
    assert len(endpoints(host)) == 2
    host.browser("ann").bill()
    host.fake.deliver()
    ids = [row["event_id"] for row in host.rows("crm_stripe_event")]
    assert len(ids) == len(set(ids))


def test_days_of_lost_deliveries_are_caught_up_with(host: BillingHost) -> None:
    """The endpoint was down, and Stripe gave up: everything is found in its list, applied once, and a second run does
    nothing; the requests are printed."""
    host.run("doctor", "--fix")
    browser = host.browser("ann")
    invoices = [browser.bill(NORTH, line) for line in LINES[NORTH][:2]]
    for stripes in host.things("invoice"):
        host.fake.pay(stripes["hosted_invoice_url"])
    host.fake.webhooks.drop(1000)
    host.fake.deliver()
    assert host.rows("crm_stripe_event") == []
    before = len(host.fake.requests)
    result = host.run("catch-up", "--business", NORTH)
    found = re.search(r"north: (\d+) events had not come; (\d+) requests to Stripe.", result.output)
    assert found, result.output
    assert int(found[2]) == sum(each.path == "/v1/events" for each in host.fake.requests[before:])
    assert int(found[1]) == len(host.rows("crm_stripe_event")) > 5
    assert {row["state"] for row in host.rows("crm_stripe_event")} == {"applied"}
    for invoice in invoices:
        assert "Paid" in browser.page(f"/invoices/{invoice}").text
    signals = sum(row["kind"] == "paid" for row in host.rows("crm_stripe_timeline"))
    again = host.run("catch-up", "--business", NORTH)
    assert "north: 0 events had not come" in again.output
    assert sum(row["kind"] == "paid" for row in host.rows("crm_stripe_timeline")) == signals == 2


def test_no_worker_is_said(host: BillingHost) -> None:
    """Events wait for longer than anything should: how many, since when, and what to start."""
    host.run("doctor", "--fix")
    host.browser("ann").bill()
    host.fake.deliver()
    then = datetime.now(UTC) - timedelta(minutes=30)
    execute(host, "UPDATE crm_stripe_event SET state = 'waiting', received_at = :then, retry_at = :far", then=then)
    told(host, "no worker seems to be running")


def test_strays_are_told_to_the_operator(host: BillingHost) -> None:
    """An account that was disconnected goes on telling: answered, counted, not kept."""
    host.run("doctor", "--fix")
    browser = host.browser("ann")
    browser.bill()
    host.fake.deliver()
    kept = len(host.rows("crm_stripe_event"))
    execute(host, "UPDATE crm_stripe_connection SET state = 'ended', ended_at = :then WHERE business = 'north'", days=0)
    host.fake.pay(host.things("invoice")[0]["hosted_invoice_url"])
    assert {delivery.state for delivery in host.fake.deliver()} == {"delivered"}
    assert len(host.rows("crm_stripe_event")) == kept
    assert re.search(rf"\d+ events came for {host.accounts[NORTH]}, which is not connected", host.run("doctor").output)
    assert "events came since the account was disconnected" in browser.page("/events").text


def execute(host: BillingHost, statement: str, days: float = 0, then: datetime | None = None) -> None:
    """Somebody, or time, does something in the database."""
    moment = (then or datetime.now(UTC) + timedelta(days=days)).replace(tzinfo=None)
    values = {"then": moment, "far": moment + timedelta(days=365)}
    used = {name: value for name, value in values.items() if f":{name}" in statement}
    with host.app.app_context(), host.host.db.engine.begin() as connection:
        connection.execute(sa.text(statement), used)
