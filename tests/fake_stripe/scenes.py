"""Scenes that FakeStripe's tests play: two businesses connected to one platform, and an invoice to pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
import stripe

from flask_crm_stripe.testing.fake_stripe import FakeStripe, Switches

KEY = "sk_test_platform"
CLIENT_ID = "ca_platform"
CALLBACK = "https://crm.example/stripe/callback"
TOKEN_URL = "https://connect.stripe.com/oauth/token"
ENDPOINT = "https://crm.example/stripe/webhook"


@dataclass
class Scene:
    """One FakeStripe with two connected businesses and what their CRM received."""

    fake: FakeStripe
    client: stripe.StripeClient
    one: str
    two: str
    secret: str
    received: list[tuple[bytes, dict[str, str]]]

    def events(self) -> list[stripe.Event]:
        """What arrived, signatures verified by the SDK, in order of arrival."""
        return [
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], self.secret)
            for body, headers in self.received
        ]

    def open_invoice(self, account: str, amount: int = 12_100, currency: str = "eur", **params: Any) -> stripe.Invoice:
        """A finalised invoice with one line, to be paid within 14 days."""
        options: Any = {"stripe_account": account}
        customer = self.client.v1.customers.create({"name": "Ada <b>Byron</b>", "email": "ada@example.com"}, options)
        wanted: Any = {
            "customer": customer.id,
            "currency": currency,
            "collection_method": "send_invoice",
            "days_until_due": 14,
            "auto_advance": False,
            **params,
        }
        draft = self.client.v1.invoices.create(wanted, options)
        line: Any = {"amount": amount, "description": "Advice & care"}
        self.client.v1.invoices.add_lines(draft.id, {"lines": [line]}, options)
        return self.client.v1.invoices.finalize_invoice(draft.id, {}, options)


def consent_url(**changes: str | None) -> str:
    """The address of the Connect page, as a CRM makes it; None leaves a parameter out."""
    params = {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "scope": "read_write",
        "redirect_uri": CALLBACK,
        "state": "a-state",
    }
    given = {name: value for name, value in (params | changes).items() if value is not None}
    return f"https://connect.stripe.com/oauth/authorize?{urlencode(given)}"


def answered(location: str) -> dict[str, str]:
    """The parameters of a redirect."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def session(fake: FakeStripe) -> requests.Session:
    """A requests session whose calls to Stripe go to this FakeStripe, without sockets."""
    found = requests.Session()
    fake.mount(found)
    return found


def exchange(fake: FakeStripe, code: str, **changes: str) -> requests.Response:
    """POST a code to /oauth/token as Authlib does."""
    form = {"grant_type": "authorization_code", "code": code, "client_secret": KEY, **changes}
    return session(fake).post(TOKEN_URL, data=form, timeout=5)


def connect(fake: FakeStripe, account: str) -> str:
    """Connect an account the whole way; returns the code that was used."""
    code = answered(fake.authorize(consent_url(), account))["code"]
    assert exchange(fake, code).status_code == 200
    return code


def play(switches: Switches | None = None) -> Scene:
    """A FakeStripe with two connected businesses and one Connect endpoint, nothing delivered yet."""
    fake = FakeStripe(switches=switches)
    one, two = fake.create_account("Harbour Physio"), fake.create_account("Norrland AB", "SE", "sek")
    secret = fake.add_endpoint(ENDPOINT)["secret"]
    received: list[tuple[bytes, dict[str, str]]] = []

    def receive(url: str, body: bytes, headers: dict[str, str]) -> int:
        assert url == ENDPOINT
        received.append((body, headers))
        return 200

    fake.on_delivery(receive)
    for account in (one, two):
        connect(fake, account["id"])
    client = stripe.StripeClient(KEY, http_client=fake.http_client())
    return Scene(fake, client, one["id"], two["id"], secret, received)
