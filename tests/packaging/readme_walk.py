"""Not a test: what test_readme.py runs in the clean environment, beside the README's own ``crm.py``.

It does what the CRM's people, Stripe and a customer do, against a FakeStripe on a port of this machine, and prints what
came of it as JSON. Nothing is imported that the wheel does not bring.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from importlib import import_module
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from flask_crm_stripe.testing import FakeStripe

PAGES = ("/stripe/", "/stripe/settings", "/stripe/services", "/stripe/invoices", "/stripe/events", "/stripe/log")
SECRET = f"whsec_{secrets.token_hex(12)}"


def set_keys(stripe: str) -> None:
    """The keys, and where FakeStripe is."""
    os.environ.update(
        CRM_STRIPE_API_KEY=f"sk_test_{secrets.token_hex(12)}",
        CRM_STRIPE_CLIENT_ID=f"ca_{secrets.token_hex(12)}",
        CRM_STRIPE_WEBHOOK_SECRETS=json.dumps([SECRET]),
        CRM_STRIPE_ENCRYPTION_KEYS=json.dumps([base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()]),
        CRM_STRIPE_PUBLIC_URL="http://127.0.0.1:5999",
        CRM_STRIPE_API_BASE=stripe,
        CRM_STRIPE_CONNECT_BASE=stripe,
    )


def fill(crm: Any) -> None:
    """An organisation, a service, an order, and two pieces of work for it."""
    rows = [
        crm.Organization(id=1, name="Vermeer Bakkerijen", email="finance@vermeer.example"),
        crm.Service(id=1, title="Advice", price=95, vat=21),
        crm.Order(id=1, title="Ovens", customer_id=1),
        crm.Work(id=1, what="Plan", hours=3, rate=95, done=True, order_id=1, service_id=1),
        crm.Work(id=2, what="Visit", hours="1.5", rate=80, done=True, order_id=1, service_id=1),
    ]
    with crm.app.app_context():
        crm.db.create_all()
        crm.db.session.add_all(rows)
        crm.db.session.commit()


class Person:
    """Somebody in a browser who is logged in."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        with self.client.session_transaction() as session:
            session["user"] = "ines"

    def get(self, path: str) -> TestResponse:
        """A page."""
        return self.client.get(path, buffered=True)

    def post(self, path: str, **json_body: object) -> TestResponse:
        """A form, or JSON, with the token that billing's own pages carry."""
        token: Any = self.get("/stripe/api/v1/csrf").json
        headers = {token["header"]: token["csrf_token"], "Idempotency-Key": secrets.token_hex(12)}
        return self.client.post(path, headers=headers, json=json_body or None, buffered=True)

    def fill_in(self, path: str, **fields: str) -> TestResponse:
        """A form of a page."""
        token: Any = self.get("/stripe/api/v1/csrf").json
        return self.client.post(path, headers={token["header"]: token["csrf_token"]}, data=fields, buffered=True)


def connect(person: Person, fake: FakeStripe, account: str) -> int:
    """The button, Stripe's page, back, and "use this account"."""
    back = urlsplit(fake.authorize(person.post("/stripe/connect").location or "", account))
    return person.post(person.get(f"{back.path}?{back.query}").location or "").status_code


def bill(person: Person) -> str:
    """Preview the order's work, make the invoice, and give its id."""
    work: dict[str, Any] = {"billables": ["1", "2"]}
    preview: Any = person.post("/stripe/api/v1/sources/order/1/preview", **work).json
    made: Any = person.post("/stripe/api/v1/sources/order/1/invoices", **work, seen=preview["seen"], send=True).json
    return str(made["id"])


def listen(app: Flask, fake: FakeStripe) -> None:
    """Webhooks reach the app."""

    def receive(url: str, body: bytes, headers: dict[str, str]) -> int:
        return app.test_client().post(urlsplit(url).path, data=body, headers=headers, buffered=True).status_code

    fake.on_delivery(receive)
    fake.add_endpoint("http://127.0.0.1:5999/stripe/webhooks", SECRET)


def walk(crm: Any, fake: FakeStripe, account: str) -> dict[str, object]:
    """From a CRM with some work to a paid invoice; what was seen on the way."""
    person, cli, found = Person(crm.app), crm.app.test_cli_runner(), {}
    found["stranger"] = crm.app.test_client().get("/stripe/").status_code
    found["before"] = cli.invoke(args=["crm-stripe", "doctor"]).stdout
    found["connected"] = connect(person, fake, account)
    found["doctor"] = cli.invoke(args=["crm-stripe", "doctor"]).stdout
    seller = {"seller_address": "Kade 1, 2611 Delft", "seller_vat_number": "NL001234567B01"}
    found["seller"] = person.fill_in("/stripe/settings", **seller).status_code
    invoice = bill(person)
    fake.pay(person.get(f"/stripe/invoices/{invoice}/pay-page").location or "")
    fake.deliver()
    found["invoice"] = person.get(f"/stripe/api/v1/invoices/{invoice}").json
    pages = [*PAGES, "/stripe/billables/order/1", f"/stripe/invoices/{invoice}"]
    found["pages"] = {page: person.get(page).status_code for page in pages}
    found["styled"] = person.get("/stripe/static/crm-stripe.css").status_code
    found["health"] = crm.app.test_client().get("/stripe/health").json
    with crm.app.app_context():
        found["billing"] = [row.billing for row in crm.db.session.query(crm.Work).order_by(crm.Work.id)]
    return found


def main() -> None:
    """Everything, in order."""
    fake = FakeStripe()
    account = fake.create_account("Kleine Werkplaats B.V.")["id"]
    # Not fake.serve(): it delivers by itself, in a thread, and here each step waits for the one before.
    server = make_server("127.0.0.1", 0, fake.wsgi_app, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    set_keys(f"http://127.0.0.1:{server.server_port}")
    crm = import_module("crm")
    fill(crm)
    listen(crm.app, fake)
    json.dump(walk(crm, fake, account), sys.stdout)
    server.shutdown()


if __name__ == "__main__":
    main()
