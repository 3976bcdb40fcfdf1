"""What Stripe looks at before the work: key, account, version, content type, address; and the log of it all."""

from __future__ import annotations

import base64

import pytest
from werkzeug.test import Client

from flask_crm_stripe.testing.fake_stripe import FakeStripe

from . import raw
from .raw import Api


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("", "You did not provide an API key"),
        ("Bearer sk_live_51abcdef", "takes no live key"),
        ("Bearer rk_live_51abcdef", "takes no live key"),
        ("Bearer pk_test_51abcdef", "Invalid API Key provided"),
        ("Bearer sk_test_", "Invalid API Key provided"),
    ],
)
def test_only_secret_test_keys_are_taken(api: Api, header: str, says: str) -> None:
    """No key, a live key and any other key are answered 401 in words, and the key is not repeated."""
    error = api.no("GET", "/v1/customers", status=401, Authorization=header)
    assert says in error["message"]
    assert "51abcdef" not in error["message"]


def test_the_key_may_be_the_user_of_basic_auth(api: Api) -> None:
    """Basic auth with the key as user and no password works as at Stripe."""
    basic = base64.b64encode(f"{raw.KEY}:".encode()).decode()
    assert api.ok("GET", "/v1/account", Authorization=f"Basic {basic}")["id"] == api.account


def test_a_call_acts_on_the_account_that_it_names(api: Api, other: Api, fake: FakeStripe) -> None:
    """Stripe-Account decides; without it the platform's own account is meant."""
    assert api.get("/v1/account")["business_profile"]["name"] == "Atelier Blau"
    assert other.get("/v1/account")["country"] == "JP"
    platform = Api(fake, None).get("/v1/account")
    assert platform["id"] == fake.world.first_platform().account_id
    assert Api(fake, None).get(f"/v1/accounts/{other.account}")["id"] == other.account


def test_an_account_that_is_not_connected_is_refused(api: Api, other: Api, fake: FakeStripe) -> None:
    """Unknown, never connected and disconnected accounts: 403 account_invalid, by the switch 401."""
    stranger = fake.create_account("Not connected")["id"]
    fake.world.disconnect(fake.world.first_platform(), other.account or "")
    for account in ("acct_unknown", stranger, other.account):
        error = Api(fake, account).no("GET", "/v1/customers", status=403)
        assert error["code"] == "account_invalid"
        assert raw.KEY not in error["message"]
    assert Api(fake, None).no("GET", f"/v1/accounts/{stranger}", status=403)["code"] == "account_invalid"
    fake.world.switches.set("error_for_revoked", 401)
    assert other.no("GET", "/v1/customers", status=401)["code"] == "account_invalid"
    assert api.get("/v1/customers")["data"] == []


def test_another_platform_does_not_reach_the_account(api: Api, fake: FakeStripe) -> None:
    """A second key is a second platform with its own connections."""
    stranger = Api(fake, api.account, key="sk_test_someone_else")
    assert stranger.no("GET", "/v1/customers", status=403)["code"] == "account_invalid"
    assert len(fake.world.platforms) == 2


def test_objects_of_one_business_do_not_exist_for_another(api: Api, other: Api) -> None:
    """The same id asked for through another account is resource_missing."""
    made = raw.customer(api)["id"]
    assert other.no("GET", f"/v1/customers/{made}", status=404)["code"] == "resource_missing"
    refused = other.no("POST", "/v1/invoices", {"customer": made, "currency": "jpy"})
    assert (refused["code"], refused["param"]) == ("resource_missing", "customer")
    assert other.get("/v1/customers")["data"] == []


def test_versions(api: Api) -> None:
    """The pinned version is spoken; an older one is not built; one that cannot be is refused."""
    assert api.ok("GET", "/v1/account", Stripe_Version="2026-10-28.endive")
    assert api.no("GET", "/v1/account", status=501, Stripe_Version="2024-06-20")["code"] == "not_built"
    assert "Invalid Stripe API version" in api.no("GET", "/v1/account", Stripe_Version="yesterday")["message"]


def test_what_is_not_built_and_what_does_not_exist(api: Api) -> None:
    """501 for what the SDK could call or send, 404 for what nobody could."""
    for method, path in (
        ("POST", "/v1/payouts"),
        ("GET", "/v1/invoices/search"),
        ("POST", "/v1/invoices/create_preview"),
    ):
        assert api.no(method, path, status=501)["code"] == "not_built"
    params = {"customer": raw.customer(api)["id"], "automatic_tax": {"enabled": True}}
    assert "automatic tax" in api.no("POST", "/v1/invoices", params, status=501)["message"]
    for path, sent in (
        ("/v1/invoices", {"customer": params["customer"], "discounts": [{"promotion_code": "promo_1"}]}),
        ("/v1/prices", {"product_data": {"name": "x"}, "currency": "eur", "billing_scheme": "tiered"}),
        (
            "/v1/prices",
            {
                "product_data": {"name": "x"},
                "currency": "eur",
                "unit_amount": 5,
                "recurring": {"interval": "month", "usage_type": "metered"},
            },
        ),
        ("/v1/webhook_endpoints", {"url": "https://a.example", "enabled_events": ["*"], "api_version": "2024-06-20"}),
    ):
        assert api.no("POST", path, sent, status=501)["code"] == "not_built"
    unbuilt = api.no("POST", "/v1/customers", {"test_clock": "clock_1"}, status=501)
    assert "test_clock" in unbuilt["message"]
    assert "Unrecognized request URL" in api.no("GET", "/v1/nonsense", status=404)["message"]
    assert "Unrecognized request URL" in api.no("POST", "/v1", status=404)["message"]


def test_bodies_that_are_no_form(api: Api, fake: FakeStripe) -> None:
    """JSON and multipart are refused; Stripe's v1 wants forms."""
    headers = {"Authorization": f"Bearer {raw.KEY}", "Stripe-Account": api.account or ""}
    for kind in ("application/json", "multipart/form-data; boundary=x"):
        answer = Client(fake.wsgi_app).post("/v1/customers", data="{}", headers=headers, content_type=kind)
        assert answer.status_code == 400
    broken = Client(fake.wsgi_app).post(
        "/v1/customers", data=b"name=\xff", headers=headers, content_type="application/x-www-form-urlencoded"
    )
    assert broken.status_code == 400


def test_every_request_is_logged_without_its_key(api: Api, fake: FakeStripe) -> None:
    """Method, path, params, account, idempotency key, status and error are kept; the key never is."""
    made = api.call("POST", "/v1/customers", {"name": "Ada", "metadata": {"a": "1"}}, Idempotency_Key="k1")
    api.no("GET", "/v1/customers/cus_no", status=404)
    first, second = fake.requests
    assert made.headers["Request-Id"] == first.request_id
    assert first.params == {"name": "Ada", "metadata": {"a": "1"}}
    assert (first.method, first.path, first.account, first.idempotency_key) == (
        "POST",
        "/v1/customers",
        api.account,
        "k1",
    )
    assert (second.status, second.error) == (404, "No such customer: 'cus_no'")
    assert raw.KEY not in repr(fake.requests)


def test_a_fault_of_our_own_is_said_to_be_ours(api: Api, fake: FakeStripe, caplog: pytest.LogCaptureFixture) -> None:
    """What FakeStripe cannot do by mistake is a 500 api_error that blames FakeStripe, and a traceback in the log."""
    fake.world.store(api.account or "")["invoice"]["in_broken"] = {"id": "in_broken", "object": "invoice"}
    error = api.no("GET", "/v1/invoices/in_broken", status=500)
    assert (error["type"], "FakeStripe itself" in error["message"]) == ("api_error", True)
    assert "KeyError" in caplog.text


def test_an_event_names_the_request_that_caused_it(api: Api, fake: FakeStripe) -> None:
    """``request`` of an event holds the request's id and idempotency key."""
    api.call("POST", "/v1/customers", {"name": "Ada"}, Idempotency_Key="k1")
    assert api.events()[0]["request"] == {"id": fake.requests[0].request_id, "idempotency_key": "k1"}


def test_a_refusal_has_stripes_shape(api: Api) -> None:
    """type, message, code, param, doc_url and request_log_url, and nothing of null."""
    error = api.no("POST", "/v1/products", {"description": "x"})
    assert error["message"] == "Missing required param: name."
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "parameter_missing", "name")
    assert error["doc_url"].endswith("/parameter-missing")
    assert "/?request=req_" in error["request_log_url"]


def test_the_clock_only_moves_forward(fake: FakeStripe) -> None:
    """advance adds seconds, and refuses to take any away."""
    before = fake.clock.now()
    assert fake.clock.advance(3600) >= before + 3600
    with pytest.raises(ValueError, match="only moves forward"):
        fake.clock.advance(-1)


def test_key_and_client_id_become_a_pair_when_first_seen_together(fake: FakeStripe) -> None:
    """Any key goes with any client id once; after that a pair is a pair."""
    world = fake.world
    assert world.claim(raw.KEY, "ca_one")
    assert world.claim("sk_test_two", "ca_two")
    assert world.claim(raw.KEY, "ca_one")
    assert not world.claim(raw.KEY, "ca_two")
    assert not world.claim("sk_test_two", "ca_one")
    assert world.platform_of_client("ca_two") is world.platform_of_key("sk_test_two")
