"""A stage for pages: the whole web side on an in-memory CRM, ledger and Stripe, with two businesses."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from flask_crm_stripe import web
from flask_crm_stripe.config import Config
from flask_crm_stripe.core.billing import Billing, Platform
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.upkeep import Upkeep
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.connection import Account, Connection, Grant
from flask_crm_stripe.model.crm import Address, Billable, Contact, ContactRef, Service, Source, SourceRef
from flask_crm_stripe.model.events import IncomingEvent
from flask_crm_stripe.model.invoices import Delivery, Invoice
from flask_crm_stripe.state import State
from flask_crm_stripe.tasks import Worker
from flask_crm_stripe.testing.memory_crm import MemoryCRM
from flask_crm_stripe.testing.memory_ledger import MemorySharedLedger
from flask_crm_stripe.testing.memory_provider import MemoryProvider, MemoryProviders
from tests.core.world import HERE, Mailbox
from tests.support.seller import SELLER

NORTH = Business("north", "Harbour & Pine Consulting", "Europe/Amsterdam", "en_GB")
SOUTH = Business("south", "Southern Works", "UTC", "en_GB")
INES = Actor("1", "Ines Okafor", ALL_PERMISSIONS, "en_GB")
MARA = Actor("2", "Mara Lindqvist", {"view", "draft"}, "en_GB")
VIEWER = Actor("3", "Sam Viewer", {"view"}, "en_GB")
VDB = ContactRef("organization", "vdb")
YARD = SourceRef("opportunity", "2207")
START = datetime(2026, 11, 22, 21, 31, tzinfo=UTC)
ROLLOUT = "Senior consulting, yard planning rollout phase 2"
TWO_WEEKS = Terms(days_until_due=14, delivery=Delivery.MAIL)


class TestClock:
    """A clock that tests move."""

    __test__ = False

    def __init__(self, now: datetime = START) -> None:
        self.at = now

    def now(self) -> datetime:
        """The moment that was set, a little later each time: no two rows are of one moment."""
        self.at += timedelta(milliseconds=1)
        return self.at

    def wait(self, **spans: float) -> None:
        """Let time pass."""
        self.at += timedelta(**spans)


@dataclass
class Heard:
    """What the host was told."""

    news: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def publish(self, signal: str, **payload: object) -> None:
        """Keep it."""
        self.news.append((signal, payload))


class Stage:
    """The app, the worlds behind it, and who is looking."""

    def __init__(self, livemode: bool = False) -> None:
        self.clock, self.crm, self.shared, self.heard = TestClock(), MemoryCRM(), MemorySharedLedger(), Heard()
        self.providers = MemoryProviders(self.clock, livemode)
        self.business: Business | None = NORTH
        self.actor: Actor | None = INES
        self.finance = True
        self.tasks: list[tuple[str, dict[str, str | int]]] = []
        self.here, self.mailbox = HERE, Mailbox()
        self.platform = Platform(
            shared=self.shared,
            crm=self.crm,
            providers=self.providers,
            publisher=self.heard,
            mailer=self.mailbox,
            queue=self,
            clock=self.clock,
            livemode=livemode,
            fingerprint=lambda: self.here,
            address=lambda _: "https://crm.example/stripe",
        )
        self.inbox = Inbox(self.shared, self.platform.system, self, self.clock)
        self.worker = Worker(self.platform, self.inbox, Upkeep(self.platform, self.inbox))
        self.config = Config(
            api_key="sk_test_stage",
            client_id="ca_stage",
            webhook_secrets=("whsec_stage",),
            encryption_keys=("unused",),
            public_url="https://crm.example",
        )
        self.app = self._app()

    def _app(self) -> Flask:
        app = Flask(__name__)
        app.config.update(SECRET_KEY="stage", TESTING=True)
        app.extensions["crm_stripe"] = State(
            config=self.config,
            platform=self.platform,
            inbox=self.inbox,
            upkeep=self.worker.upkeep,
            tables_ready=lambda: True,
            load_business=lambda: self.business,
            load_actor=lambda: self.actor,
            finance_enabled=lambda _: self.finance,
            release_host_session=lambda: None,
            read_event=_no_event,
            send_http=lambda _: None,
            housekeep=lambda: None,
            upgrade=lambda: None,
            check_mapping=list,
            database_name=lambda: "crm.sqlite",
        )
        for blueprint in web.blueprints():
            app.register_blueprint(blueprint, url_prefix="/stripe")
        return app

    @property
    def settles(self) -> timedelta:
        """Not at all."""
        return timedelta()

    def put(self, task: str, **arguments: str | int) -> None:
        """The queue: what would run later."""
        self.tasks.append((task, arguments))

    def work(self) -> None:
        """Run what waits."""
        while self.tasks:
            task, arguments = self.tasks.pop(0)
            self.worker.run(task, arguments)

    def client(self) -> FlaskClient:
        """A browser of its own."""
        return self.app.test_client()

    def billing(self, business: Business = NORTH, actor: Actor = INES) -> Billing:
        """The use cases, past the web."""
        return self.platform.billing(business, actor)

    def connect(self, business: Business = NORTH, account_id: str = "acct_north", **changed: Any) -> MemoryProvider:
        """Connect an account; ``changed`` fields of it differ from one that is all right."""
        provider = self.providers.add_account(account_id, "Harbour & Pine Consulting B.V.")
        account = replace(provider.account(), created=START - timedelta(days=900), **changed)
        provider.change_account(account)
        pending = self.pending(account, business)
        self.billing(business).connection.confirm(pending.id)
        self.shared.for_business(business.ref).settings.save(SELLER, INES.ref, self.clock.now())
        return provider

    def pending(self, account: Account, business: Business = NORTH) -> Connection:
        """An account that waits for a person's word."""
        grant = Grant(account.id, self.platform.livemode, "read_write")
        return self.shared.for_business(business.ref).connections.add_pending(
            grant, account, self.here, INES.ref, self.clock.now()
        )

    def invoice(
        self, *refs: str, source: SourceRef = YARD, terms: Terms = TWO_WEEKS, send: bool = True, actor: Actor = INES
    ) -> Invoice:
        """Make one from billables."""
        invoicing = self.billing(actor=actor).invoicing
        seen = digest(invoicing.preview(source, refs, terms))
        key = f"key-{next(KEYS)}"
        return invoicing.generate(source, refs, terms, seen=seen, form_key=key, send=send)

    def event(self, kind: str, object_id: str, account_id: str = "acct_north", **changed: Any) -> None:
        """An event of Stripe's about an invoice comes in."""
        event = IncomingEvent(
            event_id=f"evt_{next(KEYS)}",
            type=kind,
            account_id=account_id,
            livemode=self.platform.livemode,
            object_id=object_id,
            object_type="invoice",
            created=self.clock.now(),
            api_version="2026-01-01",
            request_id=None,
            invoice_id=object_id,
            body=b"{}",
        )
        self.inbox.receive(replace(event, **changed))


KEYS = itertools.count(1)


def _no_event(_body: bytes, _header: str | None) -> IncomingEvent:
    raise AssertionError("these tests send no webhooks over HTTP")


def fill_north(crm: MemoryCRM) -> None:
    """The opportunity of the pictures."""
    consulting = Service("s1", "CO-SR", "Senior consulting", prices=(("eur", Decimal(160)),), vat_rate=Decimal(21))
    crm.add(
        "north",
        Service("s0", "PW-01", "Process workshop", prices=(("eur", Decimal(1450)),), vat_rate=Decimal(21), unit="day"),
        consulting,
        Service("s2", "TR-HB", "Training handbook", prices=(("eur", Decimal("38.5")),), vat_rate=Decimal(9)),
        Contact(
            VDB,
            "Van den Berg & Zonen Scheepsbouw en Reparatie Groningen B.V.",
            email="crediteuren@vdbz.example",
            address=Address("Kade 1", "", "9712 AB", "Groningen", "", "NL"),
            language="nl",
            currency="eur",
            vat_number="NL8123.45.678.B01",
            url="/organizations/7",
        ),
        Source(YARD, "Yard planning rollout, phase 2", "OP-2207", VDB, "/opportunities/2207/billables"),
        line("b1", "Process workshop on site", "2", "1450", unit="day", service="s0", when="12–13 Nov", who=MARA.name),
        line("b2", ROLLOUT, "14.5", "145", unit="hour", service="s1", when="1–20 Nov"),
        line("b3", "Training handbook, printed", "12", "38.5", service="s2", vat="9", discount="10"),
        line("b4", "Train tickets Rotterdam–Groningen, at cost", "1", "186.4", vat="9", when="12 Nov"),
        line("b5", "Planning software licence, 1 year", "1", "1200", currency="usd"),
        line("b6", "Kick-off meeting", "1", "900"),
        line("b7", "Site visit", "1", "250", ready=False),
    )  # fmt: skip


def line(
    ref: str, words: str, quantity: str, price: str, *, vat: str | None = "21", currency: str = "eur", unit: str = "",
    service: str | None = None, discount: str = "0", when: str = "", who: str = "", ready: bool = True,
    source: SourceRef = YARD,
) -> Billable:  # fmt: skip
    """A billable in few words."""
    return Billable(
        ref=ref,
        source=source,
        description=words,
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        currency=currency,
        unit=unit,
        service=service,
        vat_rate=Decimal(vat) if vat is not None else None,
        discount_percent=Decimal(discount),
        ready=ready,
        worked_on=when,
        worked_by=who,
    )


@dataclass
class Form:
    """A form of a page: where it goes, how, what its fields hold, and its buttons."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)

    def data(self, **changed: str) -> dict[str, list[str]]:
        """What a browser would send, with some fields typed anew."""
        found: dict[str, list[str]] = {}
        for name, value in self.fields:
            found.setdefault(name, []).append(value)
        return {**found, **{name: [value] for name, value in changed.items()}}


class Page(HTMLParser):
    """What a page holds: forms as a browser sees them, and every tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._inside: list[str] = []
        self.feed(html)

    @property
    def text(self) -> str:
        """All words, in order, with single spaces."""
        return " ".join(" ".join(self.words).split())

    def form(self, part: str) -> Form:
        """The form whose address ends like this."""
        return next(form for form in self.forms if form.action.endswith(part))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect tags, forms and fields."""
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        elif self.forms and tag == "input" and given.get("name"):
            off = given.get("type") in ("checkbox", "radio") and "checked" not in given
            if not off:
                self.forms[-1].fields.append((given["name"], given.get("value", "")))
        elif self.forms and tag == "textarea":
            self._inside.append(given["name"])
        elif self.forms and tag == "button":
            self.forms[-1].buttons.append((given.get("name", ""), given.get("value", ""), given.get("formaction", "")))

    def handle_endtag(self, tag: str) -> None:
        """A text area that was never written in has no words."""
        if tag == "textarea" and self._inside:
            name = self._inside.pop()
            if not any(known == name for known, _ in self.forms[-1].fields):
                self.forms[-1].fields.append((name, ""))

    def handle_data(self, data: str) -> None:
        """Words; those of a text area are its value."""
        if self._inside:
            self.forms[-1].fields.append((self._inside[-1], data))
        self.words.append(data)
