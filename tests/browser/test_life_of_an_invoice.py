"""The life of invoices, as the people concerned see it: in advance and in the end, credited, corrected, given up, paid
elsewhere, and many at once. Each is read back as sentences."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Demo
from tests.browser.test_main_job import INES, SECONDS, connect, no_sideways_scroll, pay

on_sqlite = pytest.mark.parametrize("demo", ["sqlite_url"], indirect=True)


@pytest.fixture
def page(demo: Demo, log_in: Callable[..., Any]) -> Page:
    """Somebody who may everything, connected."""
    found: Page = log_in(INES, 1280)
    connect(found, demo, "Harbour & Pine Consulting B.V.")
    return found


def choose(page: Page, demo: Demo, source: str) -> None:
    """The work of a source."""
    page.goto(f"{demo.crm}/stripe/billables/{source}")


def send(page: Page) -> str:
    """From the review to the invoice that was sent; its address."""
    page.get_by_role("button", name=re.compile("^Send invoice")).click()
    expect(page.get_by_text(re.compile("was sent to|is ready to be paid")).first).to_be_visible()
    return page.url


def bill(page: Page, demo: Demo, source: str) -> str:
    """All that is ready of a source, sent."""
    choose(page, demo, source)
    page.get_by_role("button", name="Review invoice").click()
    page.get_by_label("Only make the payment link").check()
    return send(page)


def deed(page: Page, url: str, path: str, reason: str, button: str) -> None:
    """The page of a deed, read, with a reason, and done."""
    page.goto(f"{url}/{path}")
    no_sideways_scroll(page)
    page.get_by_label(re.compile("^(Reason|How)")).fill(reason)
    page.get_by_role("button", name=re.compile(button)).click()
    expect(page).to_have_url(re.compile(r"/stripe/invoices/\w+$"))


def told(page: Page, *sentences: str) -> None:
    """The timeline says these."""
    for sentence in sentences:
        expect(page.locator(".cs-history")).to_contain_text(sentence)


@on_sqlite
def test_a_deposit_then_the_invoice_then_a_part_of_it_back(demo: Demo, page: Page) -> None:
    """A quote is billed in part before all of it is done; the invoice takes that off; a line is credited to the card;
    what is wrong is corrected by a credit note and a new draft."""
    choose(page, demo, "opportunity/1")
    page.get_by_role("checkbox", name=re.compile("hand-over to the night shift")).check()
    page.get_by_role("button", name="Bill a deposit…").click()
    expect(page.get_by_text("It bills a part of this work in advance")).to_be_visible()
    no_sideways_scroll(page)
    send(page)
    told(page, "made it from 5 lines of work", "sent it by mail")
    deposit = page.locator("h1").inner_text().split()[-1]
    pay(page, "4242 4242 4242 4242", "aid")
    expect(page.locator(".cs-pill").first).to_have_text("Paid", timeout=60 * SECONDS)

    choose(page, demo, "opportunity/1")
    expect(page.get_by_text("is taken off the next invoice")).to_be_visible()
    page.get_by_role("button", name="Review invoice").click()
    expect(page.locator("main")).to_contain_text(f"Af: aanbetalingsfactuur {deposit}")
    final = send(page)
    pay(page, "4242 4242 4242 4242", "aid")
    expect(page.locator(".cs-pill").first).to_have_text("Paid", timeout=60 * SECONDS)

    page.goto(f"{final}/refund")
    for box in page.get_by_role("checkbox", name=re.compile("handbook|tickets|consulting")).all():
        box.uncheck()
    page.get_by_role("textbox", name=re.compile("Process workshop")).fill("100.00")
    page.get_by_role("button", name="Work it out again").click()
    no_sideways_scroll(page)
    page.get_by_label(re.compile("^Reason")).fill("One hour was cancelled")
    page.get_by_role("button", name="Credit 121.00 EUR, and refund 121.00 EUR").click()
    told(page, "credited 121.00 EUR with credit note", "“One hour was cancelled”", "Back to the card: 121.00 EUR")
    deed(page, final, "correct", "The wrong department", "^Correct it")
    told(page, "made it to correct invoice", "which is credited in full")
    page.goto(final)
    told(page, "corrected it: credit note", "“The wrong department”")
    no_sideways_scroll(page)


@on_sqlite
def test_given_up_paid_elsewhere_and_mailed_again(demo: Demo, page: Page) -> None:
    """Each with its reason, in one sentence, with the name of who did it; the work of a void one is free again."""
    void, lost, elsewhere = (bill(page, demo, source) for source in ("opportunity/2", "order/1", "order/2"))
    deed(page, void, "void", "Ordered twice", "^Void")
    expect(page.locator(".cs-pill").first).to_have_text("Void")
    told(page, "Ines Okafor", "“Ordered twice”")
    choose(page, demo, "opportunity/2")
    expect(page.get_by_role("button", name="Review invoice")).to_be_visible()
    deed(page, lost, "uncollectible", "They are bankrupt", "^Mark")
    expect(page.locator(".cs-pill").first).to_have_text("Uncollectible")
    told(page, "“They are bankrupt”")
    deed(page, elsewhere, "paid-elsewhere", "In cash on 27 November", "^Record")
    expect(page.locator(".cs-pill").first).to_have_text("Paid")
    told(page, "In cash on 27 November")


@on_sqlite
def test_many_at_once(demo: Demo, page: Page) -> None:
    """Chosen, seen, started; the page that is left open says how far it is, and each has one invoice."""
    page.goto(f"{demo.crm}/stripe/runs/new")
    no_sideways_scroll(page)
    for name in ("berth allocation", "first look", "Surveyor"):
        page.get_by_role("checkbox", name=re.compile(name)).check()
    page.get_by_role("button", name="See what would be sent").click()
    expect(page.get_by_text("3 invoices will be sent")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Send 3 invoices")).click()
    expect(page.get_by_text("3 made")).to_be_visible(timeout=90 * SECONDS)
    expect(page.get_by_text("Finished")).to_be_visible(timeout=30 * SECONDS)
    no_sideways_scroll(page)
    page.goto(f"{demo.crm}/stripe/invoices")
    expect(page.locator(".cs-pill", has_text="Open")).to_have_count(3)


@on_sqlite
def test_an_order_is_invoiced_by_itself(demo: Demo, page: Page) -> None:
    """Delivered in the CRM, its invoice is made and sent without anybody asking billing for it."""
    page.goto(f"{demo.crm}/orders")
    page.get_by_role("link", name=re.compile("Chart plotter stand, second lot")).first.click()
    page.get_by_role("link", name="Billables").first.click()
    page.get_by_role("link", name="Note more work").click()
    page.get_by_label("Service").select_option("CO-SR")
    page.get_by_label("What was done").fill("Chart plotter stands")
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Save the line").click()
    page.get_by_role("button", name="Mark as delivered, and bill it").click()
    expect(page.get_by_text("It is delivered, and its invoice is on its way.")).to_be_visible()
    page.goto(f"{demo.crm}/stripe/runs")
    page.locator("main table a").first.click()
    expect(page.get_by_text("1 made")).to_be_visible(timeout=60 * SECONDS)
    page.goto(f"{demo.crm}/stripe/invoices")
    page.locator("main table a").first.click()
    told(page, "from one line of work", "sent it by mail")
