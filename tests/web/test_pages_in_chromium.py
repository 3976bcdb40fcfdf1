"""The pages in a real browser: nothing runs over, every text can be read, scripts add what they promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.live import LiveServer
from tests.web.page_stage import Stage
from tests.web.page_worlds import HOSTILE, REVIEW, hostile, provider, stage, stopped

__all__ = ["stage"]

Open = Callable[..., Any]
Serve = Callable[[Any], LiveServer]
WIDTHS = (1280, 830, 700, 390, 320)

# Every text against what lies behind it; colours are asked from the browser, mixed where they are see-through.
CONTRAST = """() => {
  const box = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (colour, under) => {
    box.clearRect(0, 0, 1, 1);
    if (under) { box.fillStyle = `rgb(${under.join()})`; box.fillRect(0, 0, 1, 1); }
    box.fillStyle = colour; box.fillRect(0, 0, 1, 1);
    return [...box.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const chain = [];
    for (let one = element; one; one = one.parentElement) chain.unshift(getComputedStyle(one).backgroundColor);
    return chain.reduce((under, colour) => parse(colour, under), [255, 255, 255]);
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest(".cs-hidden")) continue;
    if (element.closest("[aria-disabled], :disabled, option, script")) continue;
    const under = ground(element), text = parse(getComputedStyle(element).color, under);
    const [a, b] = [light(text), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)} ${walker.currentNode.textContent.trim().slice(0, 40)}`);
  }
  return bad;
}"""


@pytest.fixture
def site(stage: Stage, live_server: Serve, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A business with invoices in many states and names that test every corner; the addresses of its pages."""
    hostile(stage, "".join(HOSTILE))
    paid, late = stage.invoice("b3"), stage.invoice("b5")
    provider(stage).pay(str(paid.stripe_id))
    provider(stage).fail(str(late.stripe_id), "The card has expired.")
    for invoice in (paid, late):
        stage.event("invoice.updated", str(invoice.stripe_id))
    stage.work()
    stage.clock.wait(days=20)
    draft = stage.invoice("b6", send=False)
    halted = stopped(stage, monkeypatch)
    paths = ["/", "/invoices", "/invoices?status=open&text=x", "/services", "/settings", "/events", "/log",
             "/billables/opportunity/2207", "/billables/opportunity/666", "/invoices/nothing", "/disconnect",
             f"/invoices/{paid.id}", f"/invoices/{late.id}", f"/invoices/{halted}", f"/invoices/{draft.id}/delete",
             REVIEW.removeprefix("/stripe") + "?billable=b4&discount_percent=5"]  # fmt: skip
    base = live_server(stage.app).url
    return [f"{base}/stripe{path}" for path in paths]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_runs_over_and_every_text_can_be_read(site: list[str], open_page: Open, scheme: str) -> None:
    """At five widths no page scrolls sideways; at each scheme no text is below 4.5 to 1."""
    page = open_page(complains=True, color_scheme=scheme, reduced_motion="reduce")
    wrong = []
    for url in site:
        page.goto(url)
        wrong += [f"{url} {what}" for what in page.evaluate(CONTRAST)]
        for width in WIDTHS if scheme == "light" else ():
            page.set_viewport_size({"width": width, "height": 900})
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            wrong += [f"{url} runs over by {over} at {width}"] if over > 0 else []
        page.set_viewport_size({"width": 1280, "height": 900})
    assert not wrong


def test_choosing_lines_counts_them_per_currency(stage: Stage, live_server: Serve, open_page: Open) -> None:
    """The bar follows the boxes; two currencies can't be reviewed together; all and none by the box on top."""
    page = open_page()
    page.goto(f"{live_server(stage.app).url}/stripe/billables/opportunity/2207")
    bar, button = page.locator("[data-cs-count]"), page.get_by_role("button", name="Review invoice")
    assert bar.inner_text() == "5 lines, 6,504.70\u00a0EUR"
    page.get_by_label("Kick-off meeting").uncheck()
    assert bar.inner_text() == "4 lines, 5,604.70\u00a0EUR"
    page.get_by_label("Planning software licence, 1 year").check()
    assert bar.inner_text() == "5 lines, 5,604.70\u00a0EUR + 1,200.00\u00a0USD"
    assert button.is_disabled()
    every = page.get_by_label("All lines")
    every.check()
    every.uncheck()
    assert bar.inner_text() == "No line chosen"
    page.get_by_label("Training handbook, printed").check()
    button.click()
    assert page.get_by_role("button", name="Send invoice, 453.22 EUR").is_visible()


def test_paid_appears_on_a_page_that_was_left_open(stage: Stage, live_server: Serve, open_page: Open) -> None:
    """Without a reload the status, figures, payments, history and the action change, and a sentence is announced."""
    invoice = stage.invoice("b1")
    page = open_page()
    page.goto(f"{live_server(stage.app).url}/stripe/invoices/{invoice.id}")
    page.evaluate("window.sameDocument = true")
    provider(stage).pay(str(invoice.stripe_id))
    stage.event("invoice.paid", str(invoice.stripe_id))
    stage.work()
    page.locator(".cs-title .cs-pill-success").wait_for(timeout=20_000)
    assert page.locator("[data-cs-polite]").inner_text() == "MEM-0001 is now Paid."
    assert page.get_by_text("Card ending 4242").first.is_visible()
    assert page.get_by_text("came in (Card ending 4242)").is_visible()
    assert page.get_by_role("link", name="Download PDF").is_visible()
    assert page.evaluate("window.sameDocument")


def test_the_list_follows_too_and_stops_when_the_login_ends(stage: Stage, live_server: Serve, open_page: Open) -> None:
    """A row's status changes in place; after a log-out the page says that it no longer follows."""
    invoice = stage.invoice("b1")
    page = open_page(complains=True)
    page.goto(f"{live_server(stage.app).url}/stripe/invoices")
    provider(stage).void(str(invoice.stripe_id))
    stage.billing().invoicing.refresh(invoice.id)
    page.locator("tbody .cs-pill", has_text="Void").wait_for(timeout=20_000)
    stage.actor = None
    page.get_by_text("Updates stopped.").wait_for(timeout=20_000)


def test_a_double_press_sends_once(stage: Stage, live_server: Serve, open_page: Open) -> None:
    """The button says that it is at work, and the second press goes nowhere."""
    page = open_page()
    page.goto(f"{live_server(stage.app).url}{REVIEW}?billable=b1")
    page.get_by_role("button", name="Send invoice").dblclick()
    page.get_by_role("heading", name="Invoice MEM-0001").wait_for()
    assert len(provider(stage).invoices) == 1


def test_everything_is_reached_by_keyboard_in_reading_order(stage: Stage, live_server: Serve, open_page: Open) -> None:
    """Tab goes from the skip link over navigation and the primary action on; focus is seen; Escape closes a menu."""
    invoice = stage.invoice("b1")
    page = open_page(reduced_motion="reduce")
    page.goto(f"{live_server(stage.app).url}/stripe/invoices/{invoice.id}")
    seen = []
    for _ in range(10):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim()"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px", seen[-1]
    assert seen[:7] == ["To the content", "Overview", "Invoices", "Services", "Settings", "Events", "Log"]
    assert seen[7].startswith("Van den Berg")
    assert seen[9] == "Open payment page"
    page.get_by_text("More", exact=True).press("Enter")
    assert page.get_by_role("button", name="Ask Stripe now").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("button", name="Ask Stripe now").is_visible()


def test_without_script_all_of_it_works(stage: Stage, live_server: Serve, open_page: Open) -> None:
    """Choose, review, change the discount, send: links and forms alone."""
    page = open_page(java_script_enabled=False)
    page.goto(f"{live_server(stage.app).url}/stripe/billables/opportunity/2207")
    page.get_by_label("Kick-off meeting").uncheck()
    page.get_by_role("button", name="Review invoice").click()
    page.get_by_label("Invoice discount (optional)").fill("5")
    page.get_by_role("button", name="Update amounts").click()
    page.get_by_role("button", name="Send invoice, 6,373.95 EUR").click()
    assert page.get_by_text("Invoice MEM-0001 was sent").is_visible()
    page.goto(page.url)
    assert page.get_by_text("Invoice MEM-0001 was sent to").count() == 0
