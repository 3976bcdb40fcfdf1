"""The page at `/`: accounts, invoices, requests, events and deliveries, per account, names as text."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from flask_crm_stripe.testing.fake_stripe import FakeStripe

from . import scenes

BANNER = "This is FakeStripe on your own machine. It is not Stripe. Never type a real card here."


@pytest.fixture
def scene() -> scenes.Scene:
    """One open invoice at the first business, a customer at the second, everything delivered."""
    played = scenes.play()
    played.open_invoice(played.one)
    played.client.v1.customers.create({"name": "<img src=x>"}, {"stripe_account": played.two})
    played.fake.deliver()
    return played


def page(fake: FakeStripe, path: str = "/", **headers: str) -> TestResponse:
    """The dashboard as a browser gets it."""
    return Client(fake.wsgi_app).get(path, headers=headers)


def test_an_empty_fake_stripe_has_a_page() -> None:
    """Nothing there yet is said so."""
    answer = page(FakeStripe())
    assert answer.status_code == 200
    assert answer.text.count("None yet") == 5
    assert BANNER in answer.text


def test_everything_is_listed_with_links_to_the_hosted_pages(scene: scenes.Scene) -> None:
    """Accounts, the invoice with its link, requests with bodies, events and deliveries are on the page."""
    text = page(scene.fake).text
    (invoice,) = scene.fake.world.store(scene.one)["invoice"].values()
    for words in (
        "Harbour Physio", "Norrland AB", invoice["hosted_invoice_url"], invoice["number"], "121.00 EUR",
        "POST /v1/customers", "POST /oauth/token", "invoice.finalized", scenes.ENDPOINT, "answered 200",
    ):  # fmt: skip
        assert words in text


def test_the_page_can_be_narrowed_to_one_account(scene: scenes.Scene) -> None:
    """With an account chosen the other's invoice, requests, events and deliveries are gone."""
    text = page(scene.fake, f"/?account={scene.two}").text
    assert "invoice.finalized" not in text
    assert "121.00 EUR" not in text
    assert "customer.created" in text


def test_the_log_address_of_an_error_leads_to_its_request(scene: scenes.Scene) -> None:
    """`/?request=req_...`, which errors carry, shows that request and no other."""
    wanted, other = scene.fake.requests[-1], scene.fake.requests[-2]
    text = page(scene.fake, f"/?request={wanted.request_id}").text
    requests_part = text.partition('id="requests"')[2].partition('id="events"')[0]
    assert wanted.request_id in requests_part
    assert other.request_id not in requests_part


def test_names_are_text_and_secrets_are_hidden(scene: scenes.Scene) -> None:
    """Names that look like markup are shown as typed; signing secrets, client secrets and keys are nowhere."""
    made: Any = {"url": "https://crm.example/2", "enabled_events": ["*"], "connect": True}
    secret = scene.client.v1.webhook_endpoints.create(made).secret
    text = page(scene.fake).text
    intent = next(iter(scene.fake.world.store(scene.one)["payment_intent"].values()))
    assert "<img" not in text
    assert "&lt;img" in text
    for hidden in (scene.secret, str(secret), intent["client_secret"], scenes.KEY):
        assert hidden not in text


def test_pages_carry_a_content_security_policy_without_inline_code(scene: scenes.Scene) -> None:
    """Only our own style sheet is allowed, it is there, and the page needs nothing else."""
    answer = page(scene.fake)
    assert "style-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "style=" not in answer.text
    assert "<script" not in answer.text
    with page(scene.fake, "/static/fake_stripe.css") as sheet:
        assert sheet.mimetype == "text/css"


def test_the_dashboard_is_for_this_machine_only(scene: scenes.Scene) -> None:
    """Under another name it is refused, since it shows everything."""
    assert page(scene.fake, Host="evil.example").status_code == 403
    assert page(scene.fake, Host="127.0.0.1:12111").status_code == 200
