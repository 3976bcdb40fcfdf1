"""A FakeStripe in live mode: everything says so, and no key that could be real is ever taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from werkzeug.test import Client

from flask_crm_stripe.testing.fake_stripe import FakeStripe

from . import raw, requests_table, scenes
from .requests_table import VALID

KEY = "sk_live_fake_platform"
OF_TEST_MODE = {"POST /v1/payment_methods/{id}/attach"}
"""It saves ready-made cards, which live mode has none of."""


@pytest.fixture
def live() -> raw.Api:
    """A business connected to a platform in live mode."""
    return raw.connected(livemode=True)[0]


def modes(value: Any) -> Iterator[bool]:
    """Every `livemode` at any depth."""
    if isinstance(value, dict):
        yield from (inner for name, inner in value.items() if name == "livemode")
        for inner in value.values():
            yield from modes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from modes(inner)


@pytest.mark.parametrize("name", sorted(VALID.keys() - OF_TEST_MODE))
def test_every_endpoint_answers_objects_of_live_mode(name: str) -> None:
    """Whatever an endpoint answers, and whatever is kept and told by events then, is of live mode at every depth."""
    here, (template, params) = requests_table.stage(livemode=True), VALID[name]
    body = here.api.ok(name.split()[0], requests_table.address(here, template), params(here))
    assert set(modes(body)) <= {True}
    found = list(modes(list(here.api.fake.world.store(here.api.account or "").values())))
    assert len(found) > 50
    assert all(found)


def test_the_default_is_test_mode_throughout() -> None:
    """Nothing of a FakeStripe that was not asked for live mode says that it is live."""
    found = list(modes(Client(requests_table.stage().api.fake.wsgi_app).get("/_fake/state").json))
    assert len(found) > 50
    assert not any(found)


def test_hosted_pages_have_live_addresses_and_say_that_they_are_not_stripe(live: raw.Api) -> None:
    """`live_...` where test mode has `test_...`; page, consent page and dashboard say what they are."""
    invoice = raw.opened(live)
    token = invoice["hosted_invoice_url"].rpartition("/")[2]
    assert token.startswith("live_")
    assert raw.opened(raw.connected()[0])["hosted_invoice_url"].rpartition("/")[2].startswith("test_")
    browser = Client(live.fake.wsgi_app)
    consent = scenes.consent_url().removeprefix("https://connect.stripe.com")
    for path in (invoice["hosted_invoice_url"].removeprefix("http://127.0.0.1:12111"), consent, "/"):
        text = browser.get(path).text
        assert "It is not Stripe. Never type a real card here. It plays live mode; no money moves." in text
    assert "live mode" not in Client(FakeStripe().wsgi_app).get("/").text
    assert live.fake.pay(invoice["hosted_invoice_url"])["status"] == "paid"


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("", "You did not provide an API key"),
        ("Bearer sk_test_51abcdef", "Invalid API Key provided: sk_test_"),
        ("Bearer rk_test_51abcdef", "Invalid API Key provided"),
        ("Bearer pk_live_fake51abcdef", "takes no real live key"),
        ("Bearer sk_live_51abcdef", "takes no real live key"),
        ("Bearer rk_live_51abcdef", "takes no real live key"),
        ("Bearer sk_live_fak51abcdef", "takes no real live key"),
        ("Bearer xsk_live_fake51abcdef", "takes no real live key"),
        ("Bearer sk_live_fake-51abcdef", "takes no real live key"),
        ("Bearer rubbish", "Invalid API Key provided"),
    ],
)
def test_only_fake_live_keys_are_taken(live: raw.Api, header: str, says: str) -> None:
    """A test key gets Stripe's 401, whatever could be a real live key a warning; neither is repeated or kept."""
    error = live.no("GET", "/v1/customers", status=401, Authorization=header)
    assert says in error["message"]
    assert "51abcdef" not in error["message"]
    assert "51abcdef" not in repr(live.fake.requests)
    assert {key for platform in live.fake.world.platforms for key in platform.keys} == {raw.LIVE_KEY}


@pytest.mark.parametrize("key", ["sk_live_fake_platform", "sk_live_fake", "sk_live_51abc"])
def test_a_fake_stripe_in_test_mode_takes_no_live_key(api: raw.Api, key: str) -> None:
    """The default is test mode, where every live key is refused, a fake one too."""
    assert "takes no live key" in api.no("GET", "/v1/customers", status=401, Authorization=f"Bearer {key}")["message"]
    answer = scenes.exchange(api.fake, "ac_x", client_secret=key)
    assert answer.status_code == 401
    assert "takes no live key" in answer.json()["error"]["message"]


def live_url(**changes: str | None) -> str:
    """The address of the consent page."""
    return scenes.consent_url(**changes)


def test_connecting_gives_live_tokens() -> None:
    """The exchange answers livemode true and tokens of live mode, for a key of live mode only."""
    fake = FakeStripe(livemode=True)
    account = fake.create_account("Harbour Physio")["id"]
    code = scenes.answered(fake.authorize(live_url(), account))["code"]
    for key in ("sk_test_platform", "sk_live_51abcdef"):
        assert scenes.exchange(fake, code, client_secret=key).status_code == 401
    token = scenes.exchange(fake, code, client_secret=KEY).json()
    assert (token["livemode"], token["stripe_user_id"]) == (True, account)
    assert token["access_token"].startswith("sk_live_")
    assert token["stripe_publishable_key"].startswith("pk_live_")
    client = stripe.StripeClient(KEY, http_client=fake.http_client())
    assert client.v1.customers.create({"name": "Ada"}, {"stripe_account": account}).livemode is True
    assert fake.livemode is True
    assert FakeStripe().livemode is False


def test_events_are_live_and_say_so_when_delivered() -> None:
    """A webhook of live mode has `livemode` true, in the event and in its object."""
    fake = FakeStripe(livemode=True)
    account = fake.create_account("Harbour Physio")["id"]
    endpoint = fake.add_endpoint(scenes.ENDPOINT)
    heard: list[stripe.Event] = []

    def receive(url: str, body: bytes, headers: dict[str, str]) -> int:
        heard.append(stripe.Webhook.construct_event(body, headers["Stripe-Signature"], endpoint["secret"]))
        return 200

    fake.on_delivery(receive)
    code = scenes.answered(fake.authorize(live_url(), account))["code"]
    scenes.exchange(fake, code, client_secret=KEY)
    client = stripe.StripeClient(KEY, http_client=fake.http_client())
    client.v1.customers.create({"name": "Ada"}, {"stripe_account": account})
    fake.deliver()
    assert [(each.type, each.livemode) for each in heard] == [
        ("account.application.authorized", True),
        ("customer.created", True),
    ]
    assert heard[1].data.object["livemode"] is True


def test_one_account_in_both_modes_has_one_id_and_nothing_in_common() -> None:
    """The id is the same in both; what is made in one mode does not exist in the other."""
    test, live = FakeStripe(), FakeStripe(livemode=True)
    account = test.create_account("Harbour Physio")["id"]
    assert live.create_account("Harbour Physio", id=account)["id"] == account
    apis = [raw.Api(test, account, raw.KEY), raw.Api(live, account, raw.LIVE_KEY)]
    for each in apis:
        each.fake.world.connect(each.fake.world.platform_of_key(each.key), account)
    made = raw.customer(apis[0])["id"]
    assert apis[1].no("GET", f"/v1/customers/{made}", status=404)["code"] == "resource_missing"
    assert apis[1].get("/v1/customers")["data"] == []
    live.close_account(account)
    assert apis[0].get(f"/v1/customers/{made}")["id"] == made


@pytest.mark.parametrize(
    "wanted", ["", "acct_", "cus_1", "acct_a b", "acct_1\n", "ACCT_1", "acct_a_b", "acct_é", "acct_" + "a" * 251]
)
def test_a_malformed_account_id_is_refused(wanted: str) -> None:
    """acct_, then letters and digits, as all of Stripe's; nothing is made."""
    fake = FakeStripe()
    with pytest.raises(ValueError, match="no id of an account"):
        fake.create_account("A", id=wanted)
    assert not fake.world.accounts


def test_an_account_id_that_is_taken_is_refused() -> None:
    """The first keeps it, with its name."""
    fake = FakeStripe()
    fake.create_account("First", id="acct_1")
    with pytest.raises(ValueError, match="already"):
        fake.create_account("Second", id="acct_1")
    assert fake.world.accounts["acct_1"]["business_profile"]["name"] == "First"


def test_redirect_addresses_must_use_https_in_live_mode() -> None:
    """In live mode Stripe leads back over https only; test mode takes http."""
    url = live_url(redirect_uri="http://127.0.0.1:5000/stripe/callback").removeprefix("https://connect.stripe.com")
    assert Client(FakeStripe().wsgi_app).get(url).status_code == 200
    refused = Client(FakeStripe(livemode=True).wsgi_app).get(url)
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_redirect_uri")  # type: ignore[index]


def test_webhook_endpoints_must_use_https_in_live_mode(live: raw.Api) -> None:
    """A new one and a changed one; test mode takes http."""
    platform, test = raw.Api(live.fake, None, raw.LIVE_KEY), raw.Api(FakeStripe(), None)
    wanted = {"url": "http://127.0.0.1:5000/hook", "enabled_events": ["*"]}
    assert platform.no("POST", "/v1/webhook_endpoints", wanted)["code"] == "url_invalid"
    assert test.post("/v1/webhook_endpoints", wanted)["livemode"] is False
    made = platform.post("/v1/webhook_endpoints", wanted | {"url": "https://a.example/hook"})
    error = platform.no("POST", f"/v1/webhook_endpoints/{made['id']}", {"url": wanted["url"]})
    assert (error["param"], error["code"]) == ("url", "url_invalid")
    for _ in range(15):
        platform.post("/v1/webhook_endpoints", wanted | {"url": "https://a.example/hook"})
    full = platform.no("POST", "/v1/webhook_endpoints", wanted | {"url": "https://a.example/hook"})
    assert "maximum of 16 live" in full["message"]


def test_ready_made_test_cards_do_not_exist_in_live_mode(live: raw.Api) -> None:
    """pm_card_visa is an object of test mode; nothing is charged."""
    invoice = raw.opened(live)["id"]
    error = live.no("POST", f"/v1/invoices/{invoice}/pay", {"payment_method": "pm_card_visa"})
    assert (error["code"], error["param"]) == ("resource_missing", "payment_method")
    assert "a similar object exists in test mode" in error["message"]
    assert live.get(f"/v1/invoices/{invoice}")["status"] == "open"
    unknown = live.no("POST", f"/v1/invoices/{invoice}/pay", {"payment_method": "pm_x"})
    assert "similar object" not in unknown["message"]
