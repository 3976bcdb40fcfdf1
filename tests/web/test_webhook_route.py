"""Where Stripe's events come in: what is not signed, fresh and ours is refused or left alone, and nothing changes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from stripe import WebhookSignature
from werkzeug.test import TestResponse

from tests.support.billing_host import NORTH, PUBLIC, SECRET, SOUTH, BillingHost, billing_host

SECOND = "whsec_rolled_in"
URL = "/stripe/webhooks"
NO_FIT = "The signature fits none of the secrets in CRM_STRIPE_WEBHOOK_SECRETS."
MALFORMED = "The signature header is missing or malformed"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BillingHost]:
    """Both businesses connected, with an open invoice in the north whose events were never delivered."""
    url = f"sqlite:///{tmp_path_factory.mktemp('hooks')}/crm.sqlite"
    with billing_host(url, CRM_STRIPE_WEBHOOK_SECRETS=[SECRET, SECOND]) as host:
        north, _ = host.connected()
        north.bill()
        host.fake.webhooks.hold()
        yield host


def event(host: BillingHost, **changed: Any) -> bytes:
    """That the open invoice is paid, as Stripe would say it. It is not: figures never come from the body."""
    [invoice] = host.things("invoice")
    told = {
        "id": f"evt_{time.monotonic_ns()}",
        "object": "event",
        "type": "invoice.paid",
        "account": host.accounts[NORTH],
        "livemode": False,
        "created": int(time.time()),
        "api_version": "2026-10-28.endive",
        "data": {"object": {**invoice, "status": "paid", "amount_paid": invoice["total"]}},
        **changed,
    }
    return json.dumps(told).encode()


def signature(body: bytes, secret: str = SECRET, late: int = 0) -> str:
    """Stripe's header for a body; ``late`` is how many seconds ago it was signed."""
    return str(WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=int(time.time()) - late))


def post(host: BillingHost, body: bytes, header: str | None, **more: Any) -> TestResponse:
    """Stripe, or somebody who would like to be."""
    headers = {"Stripe-Signature": header} if header is not None else {}
    return host.app.test_client().post(URL, data=body, headers=headers, buffered=True, **more)


def unchanged(host: BillingHost, answer: TestResponse, status: int, words: str, before: dict[str, Any]) -> None:
    """The answer is this, and nothing of ours or of Stripe's has changed, nor was Stripe asked."""
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert host.pictures() == before


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (lambda body: None, MALFORMED),
        (lambda body: "", MALFORMED),
        (lambda body: "t=1,v0=abc", MALFORMED),
        (lambda body: signature(body).replace("v1=", "v0="), MALFORMED),
        (lambda body: f"t={int(time.time())},v1={'0' * 64}", NO_FIT),
        (lambda body: signature(body, "whsec_of_somebody_else"), NO_FIT),
        (lambda body: signature(body + b" "), NO_FIT),
        (lambda body: signature(body, late=301), "more than 300 are not accepted"),
        (lambda body: signature(body, late=86400 * 30), "more than 300 are not accepted"),
        (
            lambda body: signature(body, late=-302),
            "The event was signed in the future. Check the clock of this server.",
        ),
        (lambda body: signature(body).replace("t=", "t=9"), NO_FIT),
    ],
)
def test_what_stripe_did_not_sign_now(host: BillingHost, header: Any, words: str) -> None:
    """No signature, a forged one, another secret's, another body's, one of too long ago, one of the future: 400."""
    before, body = host.pictures(), event(host)
    unchanged(host, post(host, body, header(body)), 400, words, before)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"no json", b'{"object": "event"}', b'{"object":"v2.core.event"}'])
def test_what_is_signed_and_no_event(host: BillingHost, body: bytes) -> None:
    """A signature alone is not enough: 400, and no traceback."""
    before = host.pictures()
    unchanged(host, post(host, body, signature(body)), 400, "", before)


def test_what_is_too_large(host: BillingHost) -> None:
    """413 before a byte is read or a signature computed."""
    before, body = host.pictures(), b" " * 1_000_001
    unchanged(host, post(host, body, signature(b"")), 413, "The body is too large", before)


def test_other_methods(host: BillingHost) -> None:
    """There is nothing to read here."""
    client = host.app.test_client()
    assert [client.open(URL, method=method).status_code for method in ("GET", "PUT", "DELETE")] == [405] * 3


@pytest.mark.parametrize(
    "changed",
    [
        {"account": "acct_1FnobodyOfOurs"},
        {"account": None},
        {"livemode": True},
    ],
)
def test_what_is_about_no_account_of_ours(host: BillingHost, changed: dict[str, Any]) -> None:
    """An unknown account, the platform's own, or the other mode: answered, so that Stripe stops, and kept nowhere."""
    before, body = host.pictures(), event(host, **changed)
    unchanged(host, post(host, body, signature(body)), 200, "foreign", before)


def test_an_event_of_another_business(host: BillingHost) -> None:
    """An event in the south about the north's invoice touches neither; the body is not believed."""
    before, body = host.pictures(), event(host, account=host.accounts[SOUTH])
    assert post(host, body, signature(body)).status_code == 200
    after = host.pictures()
    assert {row["business"] for row in after["ours"]["event"]} - {
        row["business"] for row in before["ours"]["event"]
    } <= {SOUTH}
    for kept in ("invoice", "invoice_line", "payment", "connection"):
        assert after["ours"][kept] == before["ours"][kept]
    assert after["theirs"] == before["theirs"]


@pytest.mark.parametrize("secret", [SECRET, SECOND])
def test_a_good_one_is_taken_once(host: BillingHost, secret: str) -> None:
    """Each of the secrets is good; the same event again is known; and Paid in the body alone makes nobody rich."""
    body = event(host)
    count = len(host.rows("crm_stripe_event"))
    assert post(host, body, signature(body, secret, late=250)).text == "stored\n"
    assert post(host, body, signature(body, secret)).text == "known\n"
    assert len(host.rows("crm_stripe_event")) == count + 1
    [invoice] = host.rows("crm_stripe_invoice")
    assert (invoice["status"], invoice["amount_paid"]) == ("open", 0)


def test_stripes_own_deliveries(host: BillingHost) -> None:
    """The control: what FakeStripe signs is taken, and a real payment is seen on the page."""
    [invoice] = host.things("invoice")
    host.fake.pay(invoice["hosted_invoice_url"])
    host.fake.webhooks.release()
    assert {delivery.state for delivery in host.fake.deliver()} == {"delivered"}
    [ours] = host.rows("crm_stripe_invoice")
    assert (ours["status"], ours["amount_paid"]) == ("paid", invoice["total"])
    assert host.fake.webhooks.deliveries[0].url == f"{PUBLIC}{URL}"
