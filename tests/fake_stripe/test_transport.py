"""Mounted under the SDK and under requests: what arrives and what comes back is what a socket would carry."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
import stripe
from werkzeug.wrappers import Request, Response

from flask_crm_stripe.testing.fake_stripe import FakeStripe
from flask_crm_stripe.testing.fake_stripe.transport import RequestsAdapter, StripeHTTPClient

from . import scenes


def echo(environ: Any, start_response: Any) -> Any:
    """An app that says what it was asked."""
    request = Request(environ)
    seen = {
        "host": request.host,
        "scheme": request.scheme,
        "method": request.method,
        "path": request.path,
        "query": request.query_string.decode(),
        "body": request.get_data().decode(),
        "type": request.content_type,
        "account": request.headers.get("Stripe-Account"),
        "sender": request.remote_addr,
    }
    response = Response(json.dumps(seen), 202, {"X-Mixed-Case": "Yes"}, mimetype="application/json")
    return response(environ, start_response)


def test_the_sdk_client_sends_everything_and_answers_case_insensitive_headers() -> None:
    """Method, host, path, query, body and headers arrive; headers come back in any case."""
    client = StripeHTTPClient(echo)
    content, status, headers = client.request(
        "post",
        "https://api.stripe.com/v1/customers?limit=1&x=a%20b",
        {"Stripe-Account": "acct_1", "Content-Type": "application/x-www-form-urlencoded"},
        "name=%C3%89va",
    )
    seen = json.loads(content)
    assert status == 202
    assert headers["x-mixed-case"] == headers["X-MIXED-CASE"] == "Yes"
    assert (seen["scheme"], seen["host"], seen["method"], seen["path"]) == (
        "https", "api.stripe.com", "POST", "/v1/customers",
    )  # fmt: skip
    assert (seen["query"], seen["body"], seen["account"]) == ("limit=1&x=a%20b", "name=%C3%89va", "acct_1")
    assert seen["type"] == "application/x-www-form-urlencoded"


def test_retries_never_wait() -> None:
    """Between retries the SDK would sleep; under FakeStripe it does not."""
    assert StripeHTTPClient(echo)._sleep_time_seconds(5) == 0


def test_streaming_gives_a_file() -> None:
    """A streamed answer is read like a file."""
    content, status, _ = StripeHTTPClient(echo).request_stream("get", "https://api.stripe.com/v1/x", {})
    assert status == 202
    assert b"/v1/x" in content.read()


def test_the_requests_adapter_answers_like_a_server() -> None:
    """Status, reason, headers, JSON and streaming work as with a socket."""
    session = requests.Session()
    session.mount("https://connect.stripe.com", RequestsAdapter(echo))
    answer = session.post("https://connect.stripe.com/oauth/token?a=1", data={"code": "ac_1"}, timeout=(1, 2))
    assert (answer.status_code, answer.reason, answer.ok) == (202, "ACCEPTED", True)
    assert answer.json()["body"] == "code=ac_1"
    assert answer.json()["sender"] == "127.0.0.1"
    assert answer.headers["x-mixed-case"] == "Yes"
    assert answer.url == "https://connect.stripe.com/oauth/token?a=1"
    assert list(session.get("https://connect.stripe.com/x", stream=True, timeout=1).iter_lines())


def test_a_mounted_session_reaches_only_fake_stripe() -> None:
    """Stripe's two addresses and the base address are answered by FakeStripe."""
    fake = FakeStripe(base_url="http://127.0.0.1:9")
    session = scenes.session(fake)
    assert session.get("https://api.stripe.com/v1/customers", timeout=1).status_code == 401
    assert session.get("https://connect.stripe.com/oauth/authorize", timeout=1).status_code == 400
    assert "FakeStripe" in session.get("http://127.0.0.1:9/", timeout=1).text


def test_errors_of_the_sdk_carry_request_id_and_headers() -> None:
    """The SDK finds `Request-Id` in what the mounted client answers."""
    client = stripe.StripeClient(scenes.KEY, http_client=FakeStripe().http_client())
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.retrieve("cus_nobody")
    assert str(caught.value.request_id).startswith("req_")
