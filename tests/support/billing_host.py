"""A CRM that bills, as its makers would write it: made through the public API only, on FakeStripe without sockets.

Two businesses, their people (Flask-Login), an order each with three lines of work; webhooks come in by HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from click.testing import Result
from cryptography.fernet import Fernet
from flask import Flask, redirect
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.test import TestResponse

from flask_crm_stripe import (
    ALL_PERMISSIONS,
    Actor,
    Billable,
    Contact,
    ContactRef,
    CRMStripe,
    Mail,
    Service,
    Source,
    SourceRef,
)
from flask_crm_stripe.state import EXTENSION
from tests.support.billing_browser import LINES, NORTH, ORDER, SOUTH, Browser, WatchedStripe
from tests.support.crm_host import Host, make_host
from tests.support.seller import SELLER

__all__ = ["LINES", "NORTH", "ORDER", "SOUTH", "BillingHost", "Browser", "WatchedStripe", "billing_host"]

PUBLIC = "https://crm.example"
SECRET = "whsec_of_the_host"
RIGHTS = {
    "admin": ALL_PERMISSIONS,
    "sales": frozenset(("view", "draft")),
    "viewer": frozenset(("view",)),
    "outsider": frozenset[str](),
}
PEOPLE = {
    "ann": (NORTH, "admin"),
    "ben": (NORTH, "admin"),
    "cas": (NORTH, "sales"),
    "dee": (NORTH, "viewer"),
    "eli": (NORTH, "outsider"),
    "sue": (SOUTH, "admin"),
}


@dataclass
class BillingHost:
    """The host's app, Stripe, and which account is whose."""

    host: Host
    fake: WatchedStripe
    accounts: dict[str, str]
    prefix: str = "/stripe"
    finance: dict[str, bool] = field(default_factory=dict)
    view: Callable[[], Any] = str
    mails: list[Mail] = field(default_factory=list)

    @property
    def app(self) -> Flask:
        """The host."""
        return self.host.app

    @property
    def url(self) -> str:
        """Where the CRM's database is."""
        return str(self.app.config["SQLALCHEMY_DATABASE_URI"])

    def browser(self, who: str | None = None) -> Browser:
        """A browser of its own, logged in if a name is given."""
        browser = Browser(self.app.test_client(), self.prefix)
        if who:
            browser.log_in(who)
        return browser

    def back_from_stripe(self, browser: Browser, account: str | None = None, allow: bool = True) -> str:
        """Press Connect and walk Stripe's page; the path and query that it sends the browser back to."""
        page = browser.page("/settings")
        url = browser.press(page, "/connect").headers["Location"]
        back = urlsplit(self.fake.authorize(url, account or self.accounts[NORTH], allow))
        return f"{back.path}?{back.query}"

    def connect(self, browser: Browser, business: str = NORTH) -> None:
        """The whole way: allow at Stripe, come back, confirm."""
        answer = browser.get_raw(self.back_from_stripe(browser, self.accounts[business]))
        assert answer.status_code == 303, answer.text
        confirmed = browser.press(browser.follow(answer), answer.headers["Location"])
        assert confirmed.status_code == 303, confirmed.text
        self.name_seller(business)

    def name_seller(self, business: str = NORTH) -> None:
        """What an invoice has to say of the business."""
        with self.app.app_context():
            billing = self.app.extensions[EXTENSION].ready().system(business)
            billing.ledger.settings.save(SELLER, "ann", billing.clock.now())

    def own_view(self, deed: Callable[[], Any], who: str = "ann") -> TestResponse:
        """A view of the host's own, opened by somebody; all work after the response is done when this returns."""
        self.view = deed
        return self.browser(who).get_raw("/own")

    def connected(self) -> tuple[Browser, Browser]:
        """Both businesses connected; a browser of an admin of each."""
        north, south = self.browser("ann"), self.browser("sue")
        self.connect(north, NORTH)
        self.connect(south, SOUTH)
        return north, south

    def things(self, kind: str, business: str = NORTH) -> list[dict[str, Any]]:
        """What Stripe holds of a kind in the account of a business."""
        return list(self.fake.world.store(self.accounts[business])[kind].values())

    def calls(self, path: str) -> int:
        """How many requests Stripe got on a path."""
        return sum(each.path == path for each in self.fake.requests)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What stands in one of our tables, as another connection sees it."""
        with self.app.app_context(), self.host.db.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(f"SELECT * FROM {table}")).mappings()]

    def pictures(self) -> dict[str, Any]:
        """All that a refused request must leave as it was."""
        kept = ("connection", "service", "price", "customer", "invoice", "invoice_line", "payment", "setting", "event")
        ours = {name: self.rows(f"crm_stripe_{name}") for name in kept}
        theirs = {
            account: {kind: deepcopy(things) for kind, things in self.fake.world.store(account).items() if things}
            for account in self.accounts.values()
        }
        return {"ours": ours, "theirs": theirs, "connected": [set(p.connected) for p in self.fake.world.platforms]}

    def run(self, *arguments: str) -> Result:
        """A command, as typed after `flask crm-stripe`."""
        return self.app.test_cli_runner().invoke(args=["crm-stripe", *arguments])

    def hook(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Stripe calls the host."""
        answer = self.app.test_client().post(urlsplit(url).path, data=body, headers=headers, buffered=True)
        return answer.status_code


Prepare = Callable[[Flask], object]


@contextmanager
def billing_host(
    url: str,
    *,
    before: Prepare | None = None,
    after: Prepare | None = None,
    fake: WatchedStripe | None = None,
    mounted: bool = True,
    **config: Any,
) -> Iterator[BillingHost]:
    """The host on a database of its own. ``before`` and ``after`` register something before or after the extension.
    Not ``mounted``: billing finds ``fake`` where the environment says.

    No app context is open meanwhile: all requests would share its ``g``.
    """
    made = make_billing_host(url, before=before, after=after, fake=fake, mounted=mounted, **config)
    with opened(made):
        with made.app.app_context():
            made.host.db.create_all()
            fill_host(made.host)
            made.host.db.session.remove()
        yield made


@contextmanager
def opened(made: BillingHost) -> Iterator[BillingHost]:
    """Give its connections back in the end."""
    with made.app.app_context():
        for engine in made.host.db.engines.values():
            in_a_hurry(engine)
    try:
        yield made
    finally:
        with made.app.app_context():
            made.host.db.session.remove()
            for engine in made.host.db.engines.values():
                engine.dispose()


@contextmanager
def another_process(
    original: BillingHost, url: str, *, fake: WatchedStripe | None = None, **config: Any
) -> Iterator[BillingHost]:
    """The same CRM with the same keys on a database that is there already: the original's, or a copy of it. ``config``
    says what is different, ``fake`` whether it is another Stripe. Stripe's events go to the original."""
    ours = {key: value for key, value in original.app.config.items() if key.startswith("CRM_STRIPE_")}
    made = make_billing_host(url, fake=fake or original.fake, accounts=original.accounts, **{**ours, **config})
    with opened(made):
        yield made


class CompiledOnce(BytecodeCache):
    """Templates as they were compiled for the first app of this process: each app would do it again."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Jinja compares the source itself."""
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self.kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledOnce()


def in_a_hurry(engine: sa.Engine) -> None:
    """A SQLite file of a test has to survive no power cut; waiting for the disk took a third of the time."""

    def connected(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", connected)


def make_billing_host(
    url: str,
    *,
    before: Prepare | None = None,
    after: Prepare | None = None,
    fake: WatchedStripe | None = None,
    mounted: bool = True,
    accounts: dict[str, str] | None = None,
    **config: Any,
) -> BillingHost:
    """The host's `create_app`. With ``accounts`` Stripe knows it already."""
    fake = fake or WatchedStripe()
    host = make_host(url, **{"SECRET_KEY": "of-the-host", "TESTING": True, **settings(), **config})
    host.models["User"] = user_model(host)
    for app in (host.app, fake.app):
        app.jinja_options = {**app.jinja_options, "bytecode_cache": COMPILED}
    prefix = host.app.config.get("CRM_STRIPE_URL_PREFIX", "/stripe")
    public = host.app.config["CRM_STRIPE_PUBLIC_URL"] or PUBLIC
    known = accounts or {
        NORTH: fake.create_account("North Works B.V.")["id"],
        SOUTH: fake.create_account("South Studio K.K.", "JP", "jpy")["id"],
    }
    made = BillingHost(host, fake, known, prefix)
    logins(made)
    if before:
        before(host.app)
    extension(made).init_app(host.app, crm=host.crm, db=host.db, transport=fake if mounted else None)
    if after:
        after(host.app)
    if accounts is None:
        secret = (host.app.config["CRM_STRIPE_WEBHOOK_SECRETS"] or [SECRET])[0]
        fake.add_endpoint(f"{public}{prefix}/webhooks", secret)
        fake.on_delivery(made.hook)
    return made


def settings() -> dict[str, Any]:
    """Every key that billing needs."""
    return {
        "CRM_STRIPE_API_KEY": "sk_test_billinghost",
        "CRM_STRIPE_CLIENT_ID": "ca_billinghost",
        "CRM_STRIPE_WEBHOOK_SECRETS": [SECRET],
        "CRM_STRIPE_ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
        "CRM_STRIPE_PUBLIC_URL": PUBLIC,
    }


def extension(made: BillingHost) -> CRMStripe:
    """The extension with this host's loaders."""
    crm_stripe = CRMStripe()

    @crm_stripe.business_loader
    def business() -> str | None:
        return current_user.company if current_user.is_authenticated else None

    @crm_stripe.actor_loader
    def actor() -> Actor | None:
        if not current_user.is_authenticated:
            return None
        return Actor(current_user.id, current_user.id.title(), RIGHTS[current_user.role])

    @crm_stripe.finance_module
    def finance(business: str) -> bool:
        return made.finance.get(business, True)

    @crm_stripe.mailer
    def send(mail: Mail) -> None:
        made.mails.append(mail)

    return crm_stripe


def user_model(host: Host) -> Any:
    """Who can log in, in the host's own database: each request reads from it."""

    class User(UserMixin, host.db.Model):  # type: ignore[name-defined]
        id: Mapped[str] = mapped_column(primary_key=True)
        company: Mapped[str]
        role: Mapped[str]
        seen: Mapped[int] = mapped_column(default=0)

    return User


def logins(made: BillingHost) -> None:
    """Flask-Login, and the host's own pages."""
    host, manager, app, db = made.host, LoginManager(made.app), made.app, made.host.db

    @manager.user_loader
    def load(key: str) -> Any:
        return db.session.get(host.User, key)

    @app.get("/enter/<who>")
    def enter(who: str) -> Any:
        login_user(db.session.get(host.User, who))
        return redirect("/")

    @app.get("/leave")
    def leave() -> Any:
        logout_user()
        return redirect("/")

    @app.get("/own")
    def own() -> Any:
        return made.view()


def csrf_protect(app: Flask) -> None:
    """The host's own CSRF protection, over every view."""
    CSRFProtect(app)


def migrate(host: Host) -> Prepare:
    """The host's own migrations."""
    return lambda app: Migrate(app, host.db)


def fill_host(host: Host) -> None:
    """People, and for each business a service, a customer, and an order with three lines of work."""
    host.db.session.add_all([host.User(id=who, company=company, role=role) for who, (company, role) in PEOPLE.items()])
    for number, business in enumerate((NORTH, SOUTH), 1):
        prices = (("eur", Decimal(95)), ("usd", Decimal("104.5"))) if business == NORTH else (("jpy", Decimal(9500)),)
        payer = ContactRef("organization", str(number))
        host.add(
            business,
            Service(str(number), f"S{number}", f"Design {business}", prices=prices, vat_rate=Decimal(21)),
            Contact(payer, f"Payer of {business}", email=f"payer@{business}.example"),
            Source(SourceRef("order", ORDER[business]), f"Order of {business}", contact=payer),
            *(work(business, line) for line in LINES[business]),
        )


def work(business: str, ref: str) -> Billable:
    """Two and a half hours of work; the first line is of the service."""
    first = ref == LINES[business][0]
    return Billable(
        ref,
        SourceRef("order", ORDER[business]),
        f"Work {ref}",
        Decimal("2.5"),
        Decimal(90),
        "eur" if business == NORTH else "jpy",
        unit="hour",
        service=ORDER[business] if first else None,
        vat_rate=Decimal(21),
    )
