"""What people do with billing, in scenes that a fault can strike at any call; a run of each finds its calls.

Every scene brings rows of its own, so that many can be played on one host, and says what Stripe must hold in the end.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from flask_crm_stripe import Billable, Contact, ContactRef, Service, Source, SourceRef
from flask_crm_stripe.testing.fake_stripe.records import RequestRecord
from tests.support.billing_host import NORTH, BillingHost, Browser, billing_host
from tests.web.page_stage import Page

NUMBERS = count(1000)
ID = re.compile(r"(?<=/)(?:crm_(?:test_)?[0-9a-f]{24}|[a-z]+_1F\w{10,})(?=/|$)")
HITS = 3
"""Our own client tries twice more where it is safe: what a person notices lasts for three requests."""


@dataclass(frozen=True)
class Call:
    """The n-th request (from 0) of a scene to a path."""

    method: str
    path: str
    n: int

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.n}"


@dataclass
class Scene:
    """One play of it. ``start`` sends nothing to Stripe that a fault may strike; ``act`` is what the person does."""

    host: BillingHost
    browser: Browser
    number: int = field(default_factory=lambda: next(NUMBERS))
    over: bool = False
    button: ClassVar[str] = "/services/sync"

    def start(self) -> None:
        """Rows of the host, before the person comes."""

    def act(self) -> Page:
        """What the person sees after pressing the button."""
        raise AssertionError("each scene has its own")

    def again(self, page: Page) -> Page:
        """What the person sees after doing what the page says."""
        return self.act()

    def unfinished(self, page: Page) -> bool:
        """Whether the page has the button with which it goes on."""
        return any(form.action.endswith(self.button) for form in page.forms)

    def end(self) -> None:
        """All is as it must be, and nothing is left to strike others."""
        self.check()
        self.host.fake.faults.clear()
        self.over = True

    def check(self) -> None:
        """What must be so in the end."""
        raise AssertionError("each scene has its own")

    def rows(self, *values: Service | Contact | Source | Billable) -> None:
        """The host saves rows, in a script of its own."""
        with self.host.app.app_context():
            self.host.host.add(NORTH, *values)

    def service(self, *prices: tuple[str, str]) -> Service:
        """A service of this play."""
        given = tuple((currency, Decimal(amount)) for currency, amount in prices)
        return Service(
            str(self.number), f"F{self.number}", f"Service {self.number}", prices=given, vat_rate=Decimal(21)
        )

    def marked(self, kind: str, name: str, value: str) -> list[dict[str, Any]]:
        """What Stripe holds of a kind with this in its metadata."""
        return [each for each in self.host.things(kind) if each["metadata"].get(name) == value]

    def product(self) -> dict[str, Any]:
        """The one product of this play's service."""
        [product] = self.marked("product", "crm_service", str(self.number))
        return product

    def active_prices(self) -> dict[str, int]:
        """By currency; each at most once."""
        prices = [price for price in self.marked("price", "crm_service", str(self.number)) if price["active"]]
        assert len({price["currency"] for price in prices}) == len(prices), prices
        return {price["currency"]: price["unit_amount"] for price in prices}


class SendNew(Scene):
    """A new service is sent to Stripe."""

    def start(self) -> None:
        self.rows(self.service(("eur", "50"), ("usd", "60.5")))

    def act(self) -> Page:
        services = self.browser.page("/services")
        return self.browser.follow(self.browser.press(services, self.button))

    def check(self) -> None:
        product = self.product()
        assert product["active"]
        assert self.active_prices() == {"eur": 5000, "usd": 6050}
        default = self.host.fake.world.find(self.host.accounts[NORTH], "price", product["default_price"])
        assert default is not None
        assert default["currency"] == "eur"
        self.in_step("synced")

    def in_step(self, state: str) -> None:
        """The page has nothing left to send."""
        page = self.browser.page("/services")
        assert not self.unfinished(page), page.text
        [entry] = [row for row in self.host.rows("crm_stripe_service") if row["service_ref"] == str(self.number)]
        assert entry["state"] == state


class SendChanged(SendNew):
    """A service has another name and other prices by now."""

    def start(self) -> None:
        super().start()
        super().act()
        with self.host.app.app_context():
            row = self.host.host.db.session.get_one(self.host.host.Service, self.number)
            row.name = f"Better service {self.number}"
            for price in list(row.prices):
                if price.currency == "usd":
                    row.prices.remove(price)
                else:
                    price.amount = Decimal(55)
            self.host.host.db.session.commit()

    def check(self) -> None:
        assert self.product()["name"] == f"Better service {self.number}"
        assert self.active_prices() == {"eur": 5500}
        self.in_step("synced")


class SendDeleted(SendNew):
    """A service is deleted in the CRM."""

    def start(self) -> None:
        super().start()
        super().act()
        with self.host.app.app_context():
            session = self.host.host.db.session
            session.delete(session.get_one(self.host.host.Service, self.number))
            session.commit()

    def check(self) -> None:
        assert not self.product()["active"]
        self.in_step("archived")


class MakeInvoice(Scene):
    """An invoice for a customer and with a service that Stripe does not know yet."""

    button = "/send"

    def start(self) -> None:
        payer = ContactRef("organization", str(self.number))
        source = SourceRef("order", str(self.number))
        lines = [
            Billable(
                f"{self.number}{n}",
                source,
                f"Line {n}",
                Decimal(n),
                Decimal("10.01"),
                "eur",
                vat_rate=Decimal(21),
                service=str(self.number) if n == 1 else None,
            )
            for n in (1, 2, 3)
        ]
        self.rows(
            self.service(("eur", "50")),
            Contact(payer, f"Payer {self.number}", email=f"payer{self.number}@example.com"),
            Source(source, f"Order {self.number}", contact=payer),
            *lines,
        )
        query = "&".join(f"billable={line.ref}" for line in lines)
        self.form = self.browser.page(f"/billables/order/{self.number}/review?{query}").form("/invoice")

    def act(self) -> Page:
        return self.browser.follow(self.browser.send(self.form, send="yes"))

    def again(self, page: Page) -> Page:
        return self.browser.follow(self.browser.press(page, self.button))

    def check(self) -> None:
        [customer] = self.marked("customer", "crm_contact", f"organization:{self.number}")
        [invoice] = self.marked("invoice", "crm_sources", f"order:{self.number}")
        assert invoice["customer"] == customer["id"]
        assert [line["metadata"]["crm_billable"] for line in invoice["lines"]["data"]] == [
            f"{self.number}{n}" for n in (1, 2, 3)
        ]
        assert (invoice["status"], invoice["total"]) == ("open", 1001 + 2002 + 3003 + 210 + 420 + 631)
        assert self.product()["active"]
        [ours] = [row for row in self.host.rows("crm_stripe_invoice") if row["stripe_id"] == invoice["id"]]
        assert (ours["stage"], ours["status"]) == ("sent", "open")


SCENES: dict[str, type[Scene]] = {
    "send a new service": SendNew,
    "send a changed service": SendChanged,
    "send a deleted service": SendDeleted,
    "make an invoice": MakeInvoice,
}


def calls_of(requests: list[RequestRecord]) -> list[Call]:
    """Requests as calls that the next run makes too: ids differ from run to run."""
    seen: Counter[tuple[str, str]] = Counter()
    calls = []
    for each in requests:
        path = ID.sub("*", each.path)
        calls.append(Call(each.method, path, seen[each.method, path]))
        seen[each.method, path] += 1
    return calls


@cache
def clean_calls() -> dict[str, list[Call]]:
    """The calls of every scene, from a run in which nothing goes wrong."""
    with tempfile.TemporaryDirectory() as folder, billing_host(f"sqlite:///{Path(folder) / 'clean.sqlite'}") as host:
        browser, _ = host.connected()
        return {name: clean_run(kind(host, browser)) for name, kind in SCENES.items()}


def clean_run(scene: Scene) -> list[Call]:
    """Play it without faults."""
    scene.start()
    before = len(scene.host.fake.requests)
    scene.act()
    scene.end()
    return calls_of(scene.host.fake.requests[before:])


def strike(host: BillingHost, kind: str, call: Call, times: int = HITS) -> Callable[[], int]:
    """Let a call go wrong. What is returned tells how many requests were struck."""
    fault = host.fake.faults.add(kind, call.method, call.path, times=times, skip=call.n, seconds=1000)
    return lambda: fault.hits
