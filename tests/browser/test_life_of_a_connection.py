"""The life of a connection, as people see it in their browsers: two businesses, and somebody who may only look.

The CRM is at https://crm.example and Stripe at https://connect.stripe.com, as with a live key; both are this machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.billing_browser import WatchedStripe
from tests.support.billing_host import LINES, NORTH, SOUTH, BillingHost, another_process, billing_host
from tests.support.browser import chromium_program, started
from tests.support.live import served
from tests.support.tls import certificate

CRM, STRIPE = "https://crm.example", "https://connect.stripe.com"
PLATFORM, LIVE_KEY = "acct_1platform", "sk_live_fake0123456789"
WORKS = "Customers can pay you,"


@dataclass
class Whoever:
    """The WSGI app behind a host name; it changes while people have pages open."""

    app: Any

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        answer: Iterable[bytes] = self.app(environ, start_response)
        return answer


@dataclass
class Town:
    """Everything behind the two host names."""

    host: BillingHost
    crm: Whoever
    stripe: Whoever
    chromium: Any
    stack: ExitStack
    opened: list[BrowserContext] = field(default_factory=list)

    def person(self, who: str, width: int = 1280) -> Page:
        """Somebody in a browser of their own, logged in."""
        context = self.chromium.new_context(viewport={"width": width, "height": 900}, ignore_https_errors=True)
        self.opened.append(context)
        page: Page = context.new_page()
        page.goto(f"{CRM}/enter/{who}")
        return page

    def deliver(self) -> None:
        """Stripe's webhooks reach the CRM."""
        self.host.fake.deliver()

    def go_live(self) -> None:
        """The operator sets a live key and starts the CRM again, on the same database."""
        fake = WatchedStripe(livemode=True, base_url=STRIPE, platform_id=PLATFORM)
        names = {NORTH: "North Works B.V.", SOUTH: "South Studio K.K."}
        for business, account in self.host.accounts.items():
            fake.create_account(names[business], id=account)
        keys = {"CRM_STRIPE_API_KEY": LIVE_KEY, "CRM_STRIPE_CLIENT_ID": "ca_live"}
        self.host = self.stack.enter_context(another_process(self.host, self.host.url, fake=fake, **keys))
        fake.add_endpoint(f"{CRM}/stripe/webhooks", self.host.app.config["CRM_STRIPE_WEBHOOK_SECRETS"][0])
        fake.on_delivery(self.host.hook)
        self.crm.app, self.stripe.app = self.host.app, fake.wsgi_app


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Nobody is connected yet."""
    program = chromium_program()
    if program is None:
        pytest.skip("Chromium is not here: apt-get install chromium, or set CRM_STRIPE_TESTS_CHROMIUM to its path")
    files = certificate(tmp_path, "crm.example", "connect.stripe.com")
    tls = str(files[0]), str(files[1])
    fake = WatchedStripe(base_url=STRIPE, platform_id=PLATFORM)
    with ExitStack() as stack:
        host = stack.enter_context(billing_host(f"sqlite:///{tmp_path / 'crm.sqlite'}", fake=fake))
        crm, stripe = Whoever(host.app), Whoever(fake.wsgi_app)
        ports = {
            "crm_example": stack.enter_context(served(crm, tls=tls)).port,
            "connect_stripe_com": stack.enter_context(served(stripe, tls=tls)).port,
        }
        town = Town(host, crm, stripe, stack.enter_context(started(program, **ports)), stack)
        yield town
        for context in town.opened:
            context.close()


def choose_at_stripe(page: Page, account: str) -> None:
    """Stripe's own page: the account, allow, and back to the CRM."""
    expect(page).to_have_url(re.compile(f"^{STRIPE}/oauth/authorize"))
    expect(page.get_by_text("not Stripe").first).to_be_visible()
    page.locator(f"input[value='{account}']").check()
    page.get_by_role("button", name="Connect this account").click()
    expect(page).to_have_url(re.compile(f"^{CRM}/stripe/connect/"))
    expect(page.get_by_text("Nothing is used until you say so here.")).to_be_visible()


def connect(page: Page, account: str) -> None:
    """From Settings to Stripe and back, and the word that this is the account."""
    page.goto(f"{CRM}/stripe/settings")
    page.get_by_role("button", name="Connect with Stripe").click()
    choose_at_stripe(page, account)
    page.get_by_role("button", name=re.compile("^Use this account")).click()
    expect(page.get_by_text("is connected.").first).to_be_visible()


def bill(page: Page, line: str, order: str, button: str) -> None:
    """Review one line of an order and press a button."""
    page.goto(f"{CRM}/stripe/billables/order/{order}/review?billable={line}")
    page.get_by_role("button", name=re.compile(button)).click()
    expect(page.locator("h1")).to_contain_text("nvoice")
    expect(page).to_have_url(re.compile("/invoices/"))


def may_only_look(page: Page) -> None:
    """There is nothing to press that changes anything."""
    for path in ("/", "/settings", "/invoices", "/services"):
        page.goto(f"{CRM}/stripe{path}")
        actions = page.locator("form[method=post]").evaluate_all("forms => forms.map(form => form.action)")
        assert all(action.endswith("/settings/refresh") for action in actions), actions
        expect(page.get_by_role("link", name=re.compile("Disconnect|Change…"))).to_have_count(0)


def test_the_life_of_a_connection(town: Town) -> None:
    """Connect; requirements, charges off and on; disconnect with open things; as of then; the same account again;
    another account; test to live. In two businesses at once, with a third person who may only view."""
    ann, sue, dee = town.person("ann"), town.person("sue"), town.person("dee", width=390)
    north, south = town.host.accounts[NORTH], town.host.accounts[SOUTH]
    connecting(town, ann, sue, dee)
    readiness(town, ann, sue, dee)
    disconnecting(town, ann, sue, dee)
    the_same_account_again(town, ann, dee)
    another_account(town, ann, sue, dee)
    going_live(town, ann, sue, dee, north)
    assert {row["account_id"] for row in town.host.rows("crm_stripe_connection") if row["business"] == SOUTH} == {south}


def connecting(town: Town, ann: Page, sue: Page, dee: Page) -> None:
    """Both businesses at once; the viewer is told whom to ask before, and sees it after."""
    dee.goto(f"{CRM}/stripe/")
    expect(dee.get_by_text("Ask an admin to connect Stripe.")).to_be_visible()
    may_only_look(dee)
    connect(ann, town.host.accounts[NORTH])
    connect(sue, town.host.accounts[SOUTH])
    for business in (NORTH, SOUTH):
        town.host.name_seller(business)
    for page in (ann, sue, dee):
        page.goto(f"{CRM}/stripe/")
        expect(page.get_by_text(WORKS)).to_be_visible()
    may_only_look(dee)


def readiness(town: Town, ann: Page, sue: Page, dee: Page) -> None:
    """Requirement due, charges off, on again: by events, in words, and only where it is so."""
    account = town.host.accounts[NORTH]
    due = int(town.host.fake.clock.now()) + 7 * 86400
    wanted = {"currently_due": ["individual.verification.document"], "current_deadline": due}
    town.host.fake.update_account(account, requirements=wanted)
    town.deliver()
    until = re.compile("Stripe needs an identity document by .* Until then all works.")
    for page in (ann, dee):
        page.goto(f"{CRM}/stripe/settings")
        expect(page.get_by_text(until)).to_be_visible()
    past = {"past_due": ["individual.verification.document"], "disabled_reason": "requirements.past_due"}
    town.host.fake.update_account(account, charges_enabled=False, requirements=past)
    town.deliver()
    for page in (ann, dee):
        page.goto(f"{CRM}/stripe/")
        expect(page.get_by_text("Customers can't pay you at the moment.")).to_be_visible()
        expect(page.get_by_text("Stripe asks for an identity document first.")).to_be_visible()
    ann.goto(f"{CRM}/stripe/settings")
    expect(ann.get_by_role("link", name="Give it to Stripe")).to_have_attribute("rel", "noopener noreferrer")
    bill(ann, LINES[NORTH][0], "1", "^Save as draft")
    sue.goto(f"{CRM}/stripe/")
    expect(sue.get_by_text(WORKS)).to_be_visible()
    nothing: dict[str, object] = {
        "past_due": [],
        "currently_due": [],
        "disabled_reason": None,
        "current_deadline": None,
    }
    town.host.fake.update_account(account, charges_enabled=True, requirements=nothing)
    town.deliver()
    ann.goto(f"{CRM}/stripe/")
    expect(ann.get_by_text(WORKS)).to_be_visible()
    ann.goto(f"{CRM}/stripe/settings")
    ann.get_by_role("button", name="Test connection").click()
    expect(ann.get_by_text("The connection works.")).to_be_visible()


def disconnecting(town: Town, ann: Page, sue: Page, dee: Page) -> None:
    """What is open is listed; something changes meanwhile; then it is done, and all is readable as of then."""
    bill(ann, LINES[NORTH][1], "1", "^Send invoice")
    bill(sue, LINES[SOUTH][0], "2", "^Send invoice")
    customer = town.host.things("customer")[0]["id"]
    town.host.fake.add_subscription(town.host.accounts[NORTH], customer, amount=4900, currency="eur")
    town.deliver()
    ann.goto(f"{CRM}/stripe/disconnect")
    for words in ("One open invoice: 272.25 EUR", "One draft", "One subscription of your customers"):
        expect(ann.get_by_text(words)).to_be_visible()
    bill(town.person("ben"), LINES[NORTH][2], "1", "^Send invoice")
    ann.get_by_label("Reason, for your own records").fill("We try another bank")
    ann.get_by_role("button", name="Disconnect Stripe").click()
    expect(ann.get_by_text("Something changed since you looked.")).to_be_visible()
    expect(ann.get_by_text("2 open invoices: 544.50 EUR")).to_be_visible()
    ann.get_by_role("button", name="Disconnect Stripe").click()
    expect(ann.get_by_text("What you see here stays readable.")).to_be_visible()
    for page in (ann, dee):
        page.goto(f"{CRM}/stripe/")
        expect(page.get_by_text("Stripe is disconnected.").first).to_be_visible()
        expect(page.get_by_text("We try another bank").first).to_be_visible()
        page.goto(f"{CRM}/stripe/invoices")
        expect(page.get_by_text(re.compile("^Disconnected on"))).to_be_visible()
        expect(page.get_by_text(re.compile("^as of"))).to_have_count(3)
    ann.goto(f"{CRM}/stripe/settings")
    expect(ann.get_by_role("button", name="Connect with Stripe")).to_be_visible()
    dee.goto(f"{CRM}/stripe/services")
    expect(dee.get_by_text("Stripe is not connected.")).to_be_visible()
    sue.goto(f"{CRM}/stripe/billables/order/2")
    expect(sue.get_by_role("button", name="Review invoice")).to_be_visible()


def the_same_account_again(town: Town, ann: Page, dee: Page) -> None:
    """All goes on where it stopped: what was paid meanwhile is seen, the draft can be sent."""
    paid = next(invoice for invoice in town.host.things("invoice") if invoice["status"] == "open")
    town.host.fake.pay(paid["hosted_invoice_url"])
    town.deliver()
    connect(ann, town.host.accounts[NORTH])
    assert town.host.run("work").exit_code == 0
    for page in (ann, dee):
        page.goto(f"{CRM}/stripe/invoices")
        expect(page.get_by_text(re.compile("^Disconnected on"))).to_have_count(0)
        expect(page.locator(".cs-pill", has_text="Paid")).to_have_count(1)
    ann.goto(f"{CRM}/stripe/invoices?status=draft")
    ann.get_by_role("link", name="Draft", exact=True).click()
    expect(ann.get_by_role("button", name="Send invoice")).to_be_visible()


def another_account(town: Town, ann: Page, sue: Page, dee: Page) -> None:
    """The wizard says what is affected; the work of the draft is free; the histories stay apart."""
    account = town.host.fake.create_account("North Holding B.V.")["id"]
    ann.goto(f"{CRM}/stripe/settings")
    ann.get_by_role("button", name="Use another account…").click()
    choose_at_stripe(ann, account)
    expect(ann.locator("h1")).to_have_text("Replace the Stripe account of north?")
    for words in ("One open invoice: 272.25 EUR", "One draft", "One subscription of your customers"):
        expect(ann.get_by_text(words)).to_be_visible()
    expect(ann.get_by_text("0 of 1 found in the new account").first).to_be_visible()
    dee.goto(f"{CRM}/stripe/")
    expect(dee.get_by_text(WORKS)).to_be_visible()
    ann.get_by_role("button", name="Use North Holding B.V. from now on").click()
    expect(ann.get_by_text("North Holding B.V. is connected.")).to_be_visible()
    bill(ann, LINES[NORTH][0], "1", "^Send invoice")
    for page in (ann, dee):
        page.goto(f"{CRM}/stripe/invoices")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("link", name="North Works B.V.").click()
        expect(page.locator("tbody tr")).to_have_count(2)
        expect(page.get_by_text(re.compile("^Disconnected on"))).to_be_visible()
    assert [invoice["status"] for invoice in town.host.fake.world.store(account)["invoice"].values()] == ["open"]
    sue.goto(f"{CRM}/stripe/")
    expect(sue.get_by_text(WORKS)).to_be_visible()


def going_live(town: Town, ann: Page, sue: Page, dee: Page, account: str) -> None:
    """Another key, the same database: test invoices stay readable, their work can be billed for real money."""
    town.go_live()
    for page in (ann, sue):
        page.goto(f"{CRM}/stripe/")
        expect(page.get_by_text("This is a copy.")).to_have_count(0)
        expect(page.get_by_text("Stripe is not connected yet.")).to_be_visible()
        page.goto(f"{CRM}/stripe/invoices")
        expect(page.get_by_text("This is of another mode than the CRM works in now.")).to_be_visible()
    ann.goto(f"{CRM}/stripe/settings")
    ann.get_by_role("button", name="Connect with Stripe").click()
    choose_at_stripe(ann, account)
    expect(ann.locator("h1")).to_have_text("Go live with this account?")
    expect(ann.get_by_text("3 lines of work are on invoices of test mode.")).to_be_visible()
    ann.get_by_role("button", name="Use North Works B.V. from now on").click()
    expect(ann.get_by_text("North Works B.V. is connected.")).to_be_visible()
    bill(ann, LINES[NORTH][1], "1", "^Send invoice")
    expect(ann.get_by_text("Test mode")).to_have_count(0)
    [invoice] = town.host.things("invoice")
    assert invoice["livemode"] is True
    town.host.fake.pay(invoice["hosted_invoice_url"])
    town.deliver()
    for page in (ann, dee):
        page.goto(f"{CRM}/stripe/invoices")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator(".cs-pill", has_text="Paid")).to_have_count(1)
    may_only_look(dee)
    sue.goto(f"{CRM}/stripe/invoices")
    expect(sue.locator("tbody tr")).to_have_count(1)
    expect(sue.get_by_text("This is of another mode than the CRM works in now.")).to_be_visible()
