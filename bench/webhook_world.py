"""The world that events are about: invoices of a CRM on a FakeStripe, and all that happened to them there since.

`python -m bench.webhook_world FILE PORT INVOICES EVENTS` fills the database with invoices that the CRM made and sent,
lets customers pay, fail to pay and get their money back behind its back, writes the events and how every invoice ended
into the file, and then serves Stripe until it is told to stop.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from bench.events_load import Letter
from bench.webhook_apps import DATABASE, SETTINGS, crm
from flask_crm_stripe.core.billing import Billing, Platform
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.notices import RECIPIENTS
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.connection import Grant
from flask_crm_stripe.model.crm import Address, Billable, Contact, ContactRef, Source, SourceRef
from flask_crm_stripe.state import EXTENSION, State
from flask_crm_stripe.testing import FakeStripe, MemoryCRM
from tests.support.seller import SELLER

ACCOUNTS = 3
NOTIFY = "BENCH_NOTIFY"
"""An address for mails of what happens to invoices, where some shall be sent."""

PAYER, ORDER = ContactRef("organization", "1"), SourceRef("order", "1")
TERMS = Terms()
NOT_SENT = (
    *("charge.updated", "customer.created", "customer.updated", "invoiceitem.created", "payment_intent.created"),
    *("price.created", "product.created", "tax_rate.created"),
)

"""The endpoint is set to all other types."""

DECLINED, ACCEPTED = "4000000000000002", "4242424242424242"
STORIES = {
    ("make", "subscription", "note", "pay", "subscription"): 6,
    ("make", "subscription", "decline", "pay", "subscription"): 2,
    ("make", "pay", "note", "subscription", "refund"): 1,
    ("make", "note", "subscription", "void"): 1,
}
"""What happens to an invoice, one after the other, and how often that is the story."""


@dataclass(frozen=True)
class Manifest:
    """What the file says: events in the order of time, the number of the invoice that each came with, and status and
    amount paid of every invoice in the end."""

    letters: list[Letter]
    stories: dict[str, int]
    invoices: dict[str, tuple[str, int]]

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """From the file."""
        given = json.loads(path.read_text())
        letters = [Letter(each["id"], each["body"].encode()) for each in given["events"]]
        stories = {each["id"]: each["story"] for each in given["events"]}
        return cls(letters, stories, {key: (status, paid) for key, (status, paid) in given["invoices"].items()})


@dataclass
class Bill:
    """An invoice of the story."""

    number: int
    billing: Billing
    account: str
    subscription: str
    stripe_id: str = ""


@dataclass(frozen=True)
class Told:
    """An event, and the number of the invoice that it came with."""

    event: dict[str, Any]
    story: int


@dataclass
class World:
    """FakeStripe, and a CRM on it whose webhooks nobody delivers."""

    fake: FakeStripe
    crm: MemoryCRM
    platform: Platform
    story: int = 0
    events: list[Told] = field(default_factory=list)
    http: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.fake.mount(self.http)

    def business(self, number: int) -> tuple[Billing, str, str]:
        """A business with a payer and an order, connected; a customer of its own subscribes to something there."""
        account = self.fake.create_account(f"Bench {number}", "NL", "eur")["id"]
        with self.fake.world.lock:
            self.fake.world.connect(self.fake.world.platform_of_key(SETTINGS["CRM_STRIPE_API_KEY"]), account)
        ref = f"business{number}"
        billing = self.platform.billing(Business(ref, ref), Actor("1", "Ines", ALL_PERMISSIONS))
        billing.connection.confirm(billing.connection.accept(Grant(account, False, "read_write")).id)
        payer = Contact(PAYER, f"Payer {number}", "payer@bench.example", address=Address(city="Delft", country="NL"))
        billing.ledger.settings.save(SELLER, "1", billing.clock.now())
        self.crm.add(ref, payer, Source(ORDER, "Works", "O-1", PAYER))
        if address := os.environ.get(NOTIFY):
            wanted = {RECIPIENTS[kind]: address for kind in ("paid", "failed")}
            billing.ledger.settings.save(wanted, "1", billing.clock.now())
        customer = self._post(account, "customers", {"name": "Subscriber", "email": "subscriber@bench.example"})
        made = self.fake.add_subscription(account, customer["id"], amount=900, currency="eur")
        return billing, account, made["id"]

    def hear(self, event: dict[str, Any], account: str) -> None:
        """Something happened at Stripe."""
        if event["type"] not in NOT_SENT:
            self.events.append(Told(event | {"account": account}, self.story))

    def happen(self, deed: str, bill: Bill) -> None:
        """One step of a story."""
        self.story = bill.number
        DEEDS[deed](self, bill)

    def make(self, bill: Bill) -> None:
        """The CRM makes an invoice and sends it."""
        ref = str(bill.number)
        work = Billable(
            ref, ORDER, f"Work {ref}", Decimal("1.5"), Decimal(80 + bill.number), "eur", vat_rate=Decimal(21)
        )
        self.crm.add(bill.billing.business.ref, work)
        invoicing = bill.billing.invoicing
        seen = digest(invoicing.preview(ORDER, [ref], TERMS))
        made = invoicing.generate(ORDER, [ref], TERMS, seen=seen, form_key=ref, send=True)
        bill.stripe_id = made.stripe_id or ""

    def pay(self, bill: Bill) -> None:
        """The customer pays with a card that is good."""
        self.fake.pay(self._invoice(bill)["hosted_invoice_url"], ACCEPTED)

    def decline(self, bill: Bill) -> None:
        """The customer tries a card that is not."""
        self.fake.pay(self._invoice(bill)["hosted_invoice_url"], DECLINED)

    def refund(self, bill: Bill) -> None:
        """The business gives the money back, in Stripe's dashboard."""
        world = self.fake.world
        with world.lock:
            charges = world.store(bill.account)["charge"].values()
            mine = f"Payment for Invoice {self._invoice(bill)['number']}"
            taken = next(each for each in charges if each["description"] == mine and each["paid"])
            back = world.put(bill.account, taken | {"amount_refunded": taken["amount"], "refunded": True})
            world.emit("charge.refunded", back, bill.account, {"amount_refunded": 0, "refunded": False})

    def void(self, bill: Bill) -> None:
        """The business voids it, in Stripe's dashboard."""
        self._post(bill.account, f"invoices/{bill.stripe_id}/void")

    def note(self, bill: Bill) -> None:
        """Another program of the business's writes something on it."""
        count = len(self._invoice(bill)["metadata"])
        words = {f"metadata[note{count}]": f"Seen by the bookkeeper ({count})"}
        self._post(bill.account, f"invoices/{bill.stripe_id}", words)

    def subscription(self, bill: Bill) -> None:
        """A subscription that billing has nothing to do with changes."""
        world = self.fake.world
        with world.lock:
            known = world.store(bill.account)["subscription"][bill.subscription]
            after = world.put(bill.account, known | {"description": f"Change {len(self.events)}"})
            world.emit("customer.subscription.updated", after, bill.account, {"description": known["description"]})

    def _invoice(self, bill: Bill) -> dict[str, Any]:
        found: dict[str, Any] = self.fake.world.store(bill.account)["invoice"][bill.stripe_id]
        return found

    def _post(self, account: str, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        headers = {"Stripe-Account": account, "Authorization": f"Bearer {SETTINGS['CRM_STRIPE_API_KEY']}"}
        answer = self.http.post(f"https://api.stripe.com/v1/{path}", data=params or {}, headers=headers, timeout=30)
        answer.raise_for_status()
        made: dict[str, Any] = answer.json()
        return made


DEEDS: dict[str, Callable[[World, Bill], None]] = {
    "make": World.make,
    "pay": World.pay,
    "decline": World.decline,
    "refund": World.refund,
    "void": World.void,
    "note": World.note,
    "subscription": World.subscription,
}


def tell(world: World, invoices: int, events: int, seed: int = 1) -> list[Told]:
    """Let the stories happen, one beside the other, until there are exactly so many events, in the order of time."""
    chance, plan, bills = random.Random(seed), list[tuple[float, int, str]](), list[Bill]()
    businesses = [world.business(number) for number in range(ACCOUNTS)]
    world.fake.world.sinks.append(world.hear)
    for number in range(invoices):
        bills.append(Bill(number, *businesses[number % ACCOUNTS]))
        [story], at = chance.choices(list(STORIES), list(STORIES.values())), float(number)
        for deed in story:
            plan.append((at, number, deed))
            at += chance.uniform(1, invoices / 10)
    for _, number, deed in sorted(plan):
        world.happen(deed, bills[number])
    told = len(world.events)
    if told > events:
        raise ValueError(f"{invoices} invoices have {told} events, not {events}: give more events or fewer invoices.")
    for number in range(events - told):
        world.happen("subscription" if number % 2 else "note", bills[number % len(bills)])
    # What came in only to fill up happened at any time.
    ordered = world.events[:told]
    for late in world.events[told:events]:
        ordered.insert(chance.randrange(len(ordered)), late)
    return ordered


def write(world: World, events: list[Told], path: Path) -> None:
    """The file, all at once: who waits for it never sees half of it."""
    letters = [
        {"id": told.event["id"], "story": told.story, "body": json.dumps(told.event, indent=2, ensure_ascii=False)}
        for told in events
    ]
    ended = {
        invoice["id"]: (invoice["status"], invoice["amount_paid"])
        for account in world.fake.world.accounts
        for invoice in world.fake.world.store(account)["invoice"].values()
    }
    half = path.with_suffix(".half")
    half.write_text(json.dumps({"events": letters, "invoices": ended}))
    half.rename(path)


def main(path: str, port: str, invoices: str, events: str) -> None:
    """Make the world, write down what happened in it, and serve its Stripe."""
    fake, rows = FakeStripe(), MemoryCRM()
    app, _ = crm(os.environ[DATABASE], rows, fake, CRM_STRIPE_TASKS="inline")
    with app.app_context():
        state: State = app.extensions[EXTENSION]
        state.upgrade()
        world = World(fake, rows, state.ready())
        happened = tell(world, int(invoices), int(events))
        app.extensions["sqlalchemy"].session.remove()
        app.extensions["sqlalchemy"].engine.dispose()
    with fake.serve(port=int(port)):
        write(world, happened, Path(path))
        signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    main(*sys.argv[1:])
