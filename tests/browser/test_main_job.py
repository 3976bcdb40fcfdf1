"""The main job, as a person does it: from nothing to a paid invoice, following the printed steps."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Demo

INES = "ines@harbourpine.example"
JUN = "jun@kestrel.example"
SECONDS = 1000


def connect(page: Page, demo: Demo, account: str) -> None:
    """From the billing page to Stripe's and back, and the word that this is the account."""
    page.goto(f"{demo.crm}/stripe/settings")
    page.get_by_role("button", name="Connect with Stripe").click()
    expect(page.get_by_text("not Stripe").first).to_be_visible()
    page.get_by_text(account).first.click()
    page.get_by_role("button", name=re.compile("Connect")).first.click()
    expect(page.get_by_text("Nothing is used until you say so")).to_be_visible()
    page.get_by_role("button", name=re.compile("Use this account")).click()
    expect(page.get_by_text("is connected.").first).to_be_visible()


def no_sideways_scroll(page: Page) -> None:
    """Nothing on the page is wider than the window."""
    page.wait_for_load_state("load")
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{page.url} scrolls sideways by {wider} px"


def services_are_synced(page: Page, demo: Demo) -> None:
    """The sync runs after the answer: the page is asked again until nothing waits."""
    page.goto(f"{demo.crm}/stripe/services")
    waiting = page.locator(".cs-pill", has_text="Waiting")
    deadline = time.monotonic() + 90
    while waiting.count() and time.monotonic() < deadline:
        page.wait_for_timeout(500)
        page.reload()
    expect(waiting).to_have_count(0)
    expect(page.locator(".cs-pill", has_text="In step")).to_have_count(8)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_stranger_sees_an_invoice_paid(demo: Demo, log_in: Callable[..., Any], width: int) -> None:
    """Log in, connect, services synced, choose work, review, send, pay by card; Paid appears on the page left open."""
    the_main_job(demo, log_in, width)


def the_main_job(demo: Demo, log_in: Callable[..., Any], width: int) -> None:
    """The printed steps, one after the other."""
    page = log_in(INES, width)
    connect(page, demo, "Harbour & Pine Consulting B.V.")
    no_sideways_scroll(page)
    services_are_synced(page, demo)
    no_sideways_scroll(page)

    page.goto(f"{demo.crm}/opportunities")
    page.get_by_role("link", name=re.compile("Yard planning rollout")).first.click()
    page.get_by_role("link", name="Billables").first.click()
    expect(page.get_by_text("4 lines, 5,604.70 EUR")).to_be_visible()
    no_sideways_scroll(page)
    page.get_by_role("button", name="Review invoice").click()
    expect(page.get_by_text("Nothing has been sent to Stripe yet")).to_be_visible()
    page.get_by_label(re.compile("Invoice discount")).fill("5")
    page.get_by_text("Update amounts").click()
    no_sideways_scroll(page)
    page.get_by_role("button", name="Send invoice, 6,373.95 EUR").click()

    expect(page.get_by_text("was sent to").first).to_be_visible()
    expect(page.locator("h1")).to_contain_text("Invoice")
    expect(page.locator(".cs-pill").first).to_have_text("Open")
    no_sideways_scroll(page)
    pay(page, "4000 0000 0000 0002", "declined")
    expect(page.get_by_text("Nothing was taken").first).to_be_visible(timeout=60 * SECONDS)
    pay(page, "4242 4242 4242 4242", "aid")

    expect(page.locator(".cs-pill").first).to_have_text("Paid", timeout=60 * SECONDS)
    expect(page.get_by_text("came in").first).to_be_visible(timeout=10 * SECONDS)
    page.reload()
    body = page.locator("main")
    for sentence in (
        "made it from 4 lines",
        "same as ours to the cent",
        "sent it by mail to",
        "Nothing was taken",
        "came in",
    ):
        expect(body).to_contain_text(sentence)
    expect(body.locator("table", has_text="Card ending 4242")).to_contain_text("Succeeded")
    no_sideways_scroll(page)

    page.goto(f"{demo.crm}/opportunities/1/billables")
    expect(page.locator(".cs-pill", has_text="Paid")).to_have_count(4)
    page.goto(f"{demo.crm}/stripe/invoices")
    expect(page.locator(".cs-pill", has_text="Paid")).to_have_count(1)
    no_sideways_scroll(page)


def pay(page: Page, card: str, then: str) -> None:
    """Open the customer's page in a window of its own and type a card."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=re.compile("ayment page")).first.click()
    hosted = opened.value
    hosted.get_by_label(re.compile("card number", re.IGNORECASE)).fill(card)
    hosted.get_by_role("button", name=re.compile("Pay")).click()
    expect(hosted.get_by_text(re.compile(then)).first).to_be_visible()
    hosted.close()


def test_two_businesses_never_see_each_other(demo: Demo, log_in: Callable[..., Any]) -> None:
    """Kestrel connects too, sees none of Harbour & Pine's invoices, and can't open one by its address."""
    ines, jun = log_in(INES), log_in(JUN)
    connect(ines, demo, "Harbour & Pine Consulting B.V.")
    connect(jun, demo, "Kestrel Studio K.K.")
    ines.goto(f"{demo.crm}/stripe/billables/opportunity/1")
    ines.get_by_role("button", name="Review invoice").click()
    ines.get_by_role("button", name=re.compile("Save as draft")).click()
    expect(ines).to_have_url(re.compile("/stripe/invoices/"))
    address = ines.url
    jun.goto(f"{demo.crm}/stripe/invoices")
    expect(jun.locator("main")).not_to_contain_text("Van den Berg")
    assert jun.request.get(address).status == 404
    assert ines.request.get(address).status == 200
