"""A host's app as a host makes it, on FakeStripe, with two businesses; and a program that calls the JSON side.

Every answer that the program gets is held against the OpenAPI document of the app itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from flask import session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_crm_stripe.extension import CRMStripe
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor
from flask_crm_stripe.model.crm import Billable, Contact, ContactRef, Service, Source, SourceRef
from flask_crm_stripe.state import EXTENSION
from flask_crm_stripe.testing.fake_stripe import FakeStripe
from tests.support.crm_host import Host, make_host
from tests.support.seller import SELLER
from tests.web.json_shape import complaints, resolved

ROOT = "/stripe/api/v1"
SECRET = "whsec_for_the_json_side"
PUBLIC = "https://crm.example"
NORTH, SOUTH = "north", "south"
RIGHTS = {
    "admin": ALL_PERMISSIONS,
    "sales": frozenset(("view", "draft")),
    "viewer": frozenset(("view",)),
    "stranger": frozenset[str](),
}
ORDER = {NORTH: "7", SOUTH: "8"}


@dataclass
class World:
    """The host, Stripe, and the businesses' accounts."""

    host: Host
    fake: FakeStripe
    accounts: dict[str, str]
    finance: dict[str, bool] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict, repr=False)

    def caller(self, business: str = NORTH, role: str = "admin") -> Caller:
        """A program in a browser of its own, logged in."""
        client = self.host.app.test_client()
        with client.session_transaction() as kept:
            kept.update(user=role, business=business)
        return Caller(client, self.document)

    def read_document(self) -> None:
        """What the answers are held against."""
        self.document = self.caller().client.get(f"{ROOT}/openapi.json").get_json()

    def connect(self, business: str) -> None:
        """A person connects the business's account on the pages."""
        caller = self.caller(business)
        url = caller.press("/stripe/connect").headers["Location"]
        back = urlsplit(self.fake.authorize(url, self.accounts[business]))
        where = caller.client.get(f"{back.path}?{back.query}").headers["Location"]
        assert caller.press(where).status_code == 303
        with self.host.app.app_context():
            billing = self.host.app.extensions[EXTENSION].ready().system(business)
            billing.ledger.settings.save(SELLER, "ann", billing.clock.now())

    def order(self, business: str, *refs: int) -> str:
        """More work in the business's order; its path on the JSON side."""
        with self.host.app.app_context():
            self.host.add(business, *(work(business, str(ref)) for ref in refs))
        return f"/sources/order/{ORDER[business]}"

    def change(self, model: str, key: int, **values: Any) -> None:
        """The host changes a row of its own."""
        with self.host.app.app_context():
            row = self.host.db.session.get(self.host.models[model], key)
            for name, value in values.items():
                setattr(row, name, value)
            self.host.db.session.commit()

    def requests(self, method: str, path: str) -> int:
        """How many requests of this kind Stripe got and did."""
        return sum((each.method, each.path, each.status) == (method, path, 200) for each in self.fake.requests)


@dataclass
class Caller:
    """Sends JSON and holds the answers against the document."""

    client: FlaskClient
    document: dict[str, Any] = field(repr=False)
    token: str = ""

    def press(self, path: str) -> TestResponse:
        """A button of a page."""
        return self.client.post(path, headers={"X-CSRFToken": self.csrf()}, buffered=True)

    def csrf(self) -> str:
        """The token of this login, asked for once."""
        if not self.token:
            self.token = self.client.get(f"{ROOT}/csrf").get_json()["csrf_token"]
        return self.token

    def get(self, path: str, status: int = 200) -> Any:
        """GET, and what it answers."""
        return self.checked("GET", path, self.client.get(ROOT + path), status)

    def post(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        """POST with the token, and what it answers. Headers are named with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        more: dict[str, Any] = {} if body is None else {"json": body}
        answer = self.client.post(ROOT + path, headers={"X-CSRFToken": self.csrf(), **named}, buffered=True, **more)
        return self.checked("POST", path, answer, status)

    def checked(self, method: str, path: str, answer: TestResponse, status: int) -> Any:
        """The body of an answer that has this status and is as documented."""
        assert answer.status_code == status, (answer.status_code, answer.text)
        return self.as_documented(method, path, answer)

    def as_documented(self, method: str, path: str, answer: TestResponse) -> Any:
        """The body of an answer whose status, type and shape the document has."""
        template = self.template(path, method)
        documented = self.document["paths"][template][method.lower()]["responses"][str(answer.status_code)]
        if "$ref" in documented:
            documented = resolved(documented["$ref"], self.document)
        [(media, content)] = documented["content"].items()
        assert answer.mimetype == media
        found = list(complaints(answer.get_json(force=True), content["schema"], self.document))
        assert not found, found
        return answer.get_json(force=True)

    def template(self, path: str, method: str) -> str:
        """The path of the document that a path is one of; the most literal one."""
        plain = path.partition("?")[0]
        fitting = [
            template
            for template, methods in self.document["paths"].items()
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]*", template), plain) and method.lower() in methods
        ]
        return min(fitting, key=lambda template: template.count("{"))

    def previewed(self, path: str, *billables: str, **terms: Any) -> Any:
        """A preview of billables of a source."""
        return self.post(f"{path}/preview", {"billables": list(billables), "terms": terms})

    def made(self, path: str, *billables: str, key: str, send: bool = True, status: int = 201, **terms: Any) -> Any:
        """An invoice of billables of a source, as previewed just now."""
        seen = self.previewed(path, *billables, **terms)["seen"]
        body = {"billables": list(billables), "terms": terms, "seen": seen, "send": send}
        return self.post(f"{path}/invoices", body, status, Idempotency_Key=key)


@contextmanager
def running_world(folder: Path) -> Iterator[World]:
    """The whole of it, on a database of its own."""
    fake = FakeStripe()
    host = make_host(f"sqlite:///{folder / 'crm.db'}", SECRET_KEY="json", TESTING=True, **keys())
    extension = CRMStripe()
    accounts = {NORTH: fake.create_account("North Works")["id"], SOUTH: fake.create_account("South Studio")["id"]}
    world = World(host, fake, accounts)
    extension.actor_loader(actor)
    extension.business_loader(lambda: session.get("business"))
    extension.finance_module(lambda business: world.finance.get(business, True))
    extension.init_app(host.app, crm=host.crm, db=host.db, transport=fake)
    with host.app.app_context():
        host.db.create_all()
        fill(host)
        done = host.app.test_cli_runner().invoke(args=["crm-stripe", "upgrade"])
        assert done.exit_code == 0, (done.output, done.exception)
    fake.add_endpoint(f"{PUBLIC}/stripe/webhooks", SECRET)
    fake.on_delivery(lambda url, body, headers: hook(host, url, body, headers))
    world.read_document()
    # No app context is open meanwhile: all requests would share its `g`.
    yield world
    with host.app.app_context():
        for engine in host.db.engines.values():
            engine.dispose()


def keys() -> dict[str, Any]:
    """The host's configuration."""
    return {
        "CRM_STRIPE_API_KEY": "sk_test_json",
        "CRM_STRIPE_CLIENT_ID": "ca_json",
        "CRM_STRIPE_WEBHOOK_SECRETS": [SECRET],
        "CRM_STRIPE_ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
        "CRM_STRIPE_PUBLIC_URL": PUBLIC,
    }


def actor() -> Actor | None:
    """Who is logged in."""
    role = session.get("user")
    return Actor(role, role.title(), RIGHTS[role]) if role else None


def hook(host: Host, url: str, body: bytes, headers: Any) -> int:
    """Stripe calls the host."""
    answer = host.app.test_client().post(urlsplit(url).path, data=body, headers=headers, buffered=True)
    return answer.status_code


def fill(host: Host) -> None:
    """Each business has a service, a customer, and an order with two lines of work."""
    for number, business in enumerate((NORTH, SOUTH), 1):
        currency = "eur" if business == NORTH else "jpy"
        payer = ContactRef("organization", str(number))
        host.add(
            business,
            Service(
                str(number), f"S{number}", f"Design {number}", prices=((currency, Decimal(95)),), vat_rate=Decimal(21)
            ),
            Contact(payer, f"Payer {number} B.V.", email=f"payer{number}@example.com"),
            Source(SourceRef("order", ORDER[business]), f"Order of {business}", contact=payer),
            *(work(business, f"{number}{line}") for line in (1, 2)),
        )


def work(business: str, ref: str) -> Billable:
    """2.5 hours of work."""
    return Billable(
        ref,
        SourceRef("order", ORDER[business]),
        f"Work {ref}",
        Decimal("2.5"),
        Decimal("90"),
        "eur" if business == NORTH else "jpy",
        unit="hour",
        service="1" if business == NORTH else "2",
        vat_rate=Decimal(21),
    )
