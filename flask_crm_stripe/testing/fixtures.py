"""pytest fixtures for a CRM that bills: ``pytest_plugins = ["flask_crm_stripe.testing.fixtures"]``.

A test gives ``fake_stripe`` to the extension and walks the rest by hand, as people and Stripe would:

    def test_an_invoice_is_paid(fake_stripe, crm_stripe_settings, connect_stripe, deliver_stripe_events):
        app = create_app(crm_stripe_settings, transport=fake_stripe)    # init_app(..., transport=transport)
        client = logged_in(app)
        connect_stripe(client)
        ...
        fake_stripe.pay(address_of_the_payment_page)
        deliver_stripe_events(app)

Nothing opens a socket, except ``fake_stripe_server``.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_crm_stripe.config import Config
from flask_crm_stripe.state import EXTENSION
from flask_crm_stripe.testing.fake_stripe import FakeStripe
from flask_crm_stripe.testing.fake_stripe.serving import RunningServer
from flask_crm_stripe.testing.memory_crm import MemoryCRM

Settings = Mapping[str, str | list[str]]
SELLER = {"seller_address": "Havenkade 12, 2611 Delft, Netherlands", "seller_vat_number": "NL001234567B01"}


class Connect(Protocol):
    """Connects the business of whoever is logged in in ``client``; gives the id of the Stripe account."""

    def __call__(self, client: FlaskClient, account: str | None = None) -> str:
        """``account`` is one of FakeStripe's ids; without it a new account is made."""
        ...


@pytest.fixture
def fake_stripe() -> FakeStripe:
    """A Stripe of this test's own, without sockets: ``init_app(..., transport=fake_stripe)``."""
    return FakeStripe()


@pytest.fixture
def fake_stripe_server(fake_stripe: FakeStripe) -> Iterator[RunningServer]:
    """The same FakeStripe on a free port of this machine, for browsers and other processes: ``.url``."""
    with fake_stripe.serve() as server:
        yield server


@pytest.fixture
def crm_stripe_settings() -> Settings:
    """Every key that billing needs, for ``app.config``: of test mode, made for this test."""
    return {
        "CRM_STRIPE_API_KEY": f"sk_test_{secrets.token_hex(12)}",
        "CRM_STRIPE_CLIENT_ID": f"ca_{secrets.token_hex(12)}",
        "CRM_STRIPE_WEBHOOK_SECRETS": [f"whsec_{secrets.token_hex(12)}"],
        "CRM_STRIPE_ENCRYPTION_KEYS": [base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()],
        "CRM_STRIPE_PUBLIC_URL": "https://crm.example",
    }


@pytest.fixture
def memory_crm() -> MemoryCRM:
    """A CRM of values, for ``init_app(..., crm=memory_crm)``: ``memory_crm.add("default", Service(...), ...)``."""
    return MemoryCRM()


@pytest.fixture
def connect_stripe(fake_stripe: FakeStripe) -> Connect:
    """Connect a business the way a person does: the button, Stripe's page, back, and "use this account"; and write an
    address and a VAT number into its settings, for its invoices."""

    def connect(client: FlaskClient, account: str | None = None) -> str:
        _listen(fake_stripe, client.application)
        chosen = account or str(fake_stripe.create_account("A business", "NL", "eur")["id"])
        to_stripe = _redirected(_post(client, f"{_config(client.application).url_prefix}/connect"))
        back = urlsplit(fake_stripe.authorize(to_stripe, chosen))
        confirm = _redirected(client.get(f"{back.path}?{back.query}"))
        _redirected(_post(client, confirm))
        # Nothing is sent before an invoice can say who sells; a person without the right leaves it to the test.
        _post(client, f"{_config(client.application).url_prefix}/settings", SELLER)
        return chosen

    return connect


@pytest.fixture
def deliver_stripe_events(fake_stripe: FakeStripe) -> Callable[[Flask], int]:
    """Bring the app every event that waits, signed with its own secret, until none is left; says how many."""

    def deliver(app: Flask) -> int:
        _listen(fake_stripe, app)
        fake_stripe.on_delivery(lambda url, body, headers: _receive(app, url, body, headers))
        return len(fake_stripe.deliver())

    return deliver


def _listen(fake: FakeStripe, app: Flask) -> None:
    """Make the app's webhook endpoint at FakeStripe, once: events from before it reach nobody, as at Stripe."""
    config = _config(app)
    address = f"{config.public_url}{config.url_prefix}/webhooks"
    kept = fake.world.store(fake.world.first_platform().account_id)["webhook_endpoint"]
    if all(endpoint["url"] != address for endpoint in kept.values()):
        fake.add_endpoint(address, config.webhook_secrets[0])


def _config(app: Flask) -> Config:
    config: Config = app.extensions[EXTENSION].config
    return config


def _receive(app: Flask, url: str, body: bytes, headers: Mapping[str, str]) -> int:
    # Buffered, so that the work after the response is done when this returns.
    return app.test_client().post(urlsplit(url).path, data=body, headers=dict(headers), buffered=True).status_code


def _post(client: FlaskClient, path: str, data: Mapping[str, str] | None = None) -> TestResponse:
    prefix = _config(client.application).url_prefix
    token = client.get(f"{prefix}/api/v1/csrf").get_json()
    headers = {token["header"]: token["csrf_token"]} if token and "csrf_token" in token else {}
    return client.post(path, headers=headers, data=data, buffered=True)


def _redirected(answer: TestResponse) -> str:
    """Where the answer leads. Fails the test, with what the page says, where it leads nowhere."""
    if answer.status_code not in (302, 303):
        pytest.fail(f"{answer.request.method} {answer.request.path} answered {answer.status}: {answer.text}")
    return answer.headers["Location"]
