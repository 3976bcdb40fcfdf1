"""The Connect pages: consent, exchange, second use, disconnection, in Stripe's shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe
from authlib.integrations.requests_client import OAuth2Session
from werkzeug.test import Client

from flask_crm_stripe.testing.fake_stripe import FakeStripe, Switches

from . import scenes


@pytest.fixture
def fake() -> FakeStripe:
    """A FakeStripe with nothing in it."""
    return FakeStripe()


def code_for(fake: FakeStripe, account: dict[str, Any]) -> str:
    """A fresh code for this account."""
    return scenes.answered(fake.authorize(scenes.consent_url(), account["id"]))["code"]


def page(fake: FakeStripe, url: str) -> Any:
    """What the Connect page answers."""
    return Client(fake.wsgi_app).get(url.removeprefix("https://connect.stripe.com"))


def error_of(response: Any) -> str:
    """The OAuth word of a refusal."""
    return str(response.json()["error"])


def test_consent_sends_code_scope_and_state_back(fake: FakeStripe) -> None:
    """Allowing redirects to the CRM with a code, the scope and the state untouched."""
    account = fake.create_account("Harbour Physio")
    location = fake.authorize(scenes.consent_url(state="käse & 1=2"), account["id"])
    answer = scenes.answered(location)
    assert location.startswith(scenes.CALLBACK + "?")
    assert answer["code"].startswith("ac_")
    assert (answer["scope"], answer["state"]) == ("read_write", "käse & 1=2")


def test_denying_sends_access_denied_back_and_connects_nothing(fake: FakeStripe) -> None:
    """Denying is the one refusal that redirects; with no state asked, none is answered."""
    account = fake.create_account("Harbour Physio")
    answer = scenes.answered(fake.authorize(scenes.consent_url(state=None), account["id"], allow=False))
    assert answer == {"error": "access_denied", "error_description": "The user denied your request"}
    assert not any(platform.connected for platform in fake.world.platforms)


def test_the_page_lists_accounts_but_no_platform_and_escapes_names(fake: FakeStripe) -> None:
    """Names are shown as text, and a platform cannot be connected to itself."""
    fake.create_account("<script>alert(1)</script>")
    scenes.connect(fake, fake.create_account("Other")["id"])
    text = page(fake, scenes.consent_url()).text
    assert "&lt;script&gt;" in text
    assert "<script>" not in text
    assert f'value="{fake.world.platforms[0].account_id}"' not in text
    assert "It is not Stripe. Never type a real card here." in text


def test_a_new_account_can_be_made_on_the_page(fake: FakeStripe) -> None:
    """The person may make an account with name, country and currency, and that one is connected."""
    browser = Client(fake.wsgi_app)
    path = scenes.consent_url().removeprefix("https://connect.stripe.com")
    form = {"decision": "allow", "account": "new", "name": "Kirkja ehf.", "country": "IS", "currency": "isk"}
    code = scenes.answered(browser.post(path, data=form).headers["Location"])["code"]
    made = fake.world.accounts[scenes.exchange(fake, code).json()["stripe_user_id"]]
    assert (made["business_profile"]["name"], made["country"], made["default_currency"]) == ("Kirkja ehf.", "IS", "isk")


@pytest.mark.parametrize("form", [{"account": "acct_nobody"}, {"account": "new", "name": " "}, {}])
def test_an_impossible_choice_shows_the_page_again(fake: FakeStripe, form: dict[str, str]) -> None:
    """A choice that does not exist redirects nowhere and makes nothing."""
    path = scenes.consent_url().removeprefix("https://connect.stripe.com")
    answer = Client(fake.wsgi_app).post(path, data={"decision": "allow", **form})
    assert answer.status_code == 200
    assert "Choose an account" in answer.text
    assert not fake.connect.codes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": "nonsense"}, "No application matches"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "read_only"}, "invalid_scope"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "javascript:alert(1)"}, "invalid_request"),
        ({"redirect_uri": "/relative"}, "invalid_request"),
    ],
)
def test_wrong_addresses_are_answered_as_json_without_redirect(
    fake: FakeStripe, changes: dict[str, Any], words: str
) -> None:
    """As at Stripe, only a denial comes back to the CRM; every other mistake ends on Stripe's page."""
    answer = page(fake, scenes.consent_url(**changes))
    assert answer.status_code == 400
    assert words in answer.text
    assert json.loads(answer.text)["error"]


def test_a_registered_redirect_address_must_match_exactly(fake: FakeStripe) -> None:
    """With addresses registered, another one is refused and the first is the default."""
    fake.connect.redirect_uris[scenes.CLIENT_ID] = [scenes.CALLBACK]
    account = fake.create_account("Harbour Physio")
    assert "invalid_redirect_uri" in page(fake, scenes.consent_url(redirect_uri=scenes.CALLBACK + "/x")).text
    assert fake.authorize(scenes.consent_url(redirect_uri=None), account["id"]).startswith(scenes.CALLBACK)


def test_exchange_connects_and_answers_stripes_fields(fake: FakeStripe) -> None:
    """The token answer names the account, and only then may the platform act for it."""
    account = fake.create_account("Harbour Physio")
    code = code_for(fake, account)
    client = stripe.StripeClient(scenes.KEY, http_client=fake.http_client())
    with pytest.raises(stripe.PermissionError):
        client.v1.accounts.retrieve_current(options={"stripe_account": account["id"]})
    answer = scenes.exchange(fake, code).json()
    assert answer["stripe_user_id"] == account["id"]
    assert (answer["scope"], answer["livemode"], answer["token_type"]) == ("read_write", False, "bearer")
    assert set(answer) >= {"access_token", "refresh_token", "stripe_publishable_key"}
    assert client.v1.accounts.retrieve_current(options={"stripe_account": account["id"]}).id == account["id"]


def test_the_deprecated_fields_can_be_absent() -> None:
    """By the switch, a token answer has none of the fields that Stripe calls deprecated."""
    fake = FakeStripe(switches=Switches(token_fields="absent"))
    code = code_for(fake, fake.create_account("Harbour Physio"))
    assert set(scenes.exchange(fake, code).json()) == {"stripe_user_id", "scope", "livemode", "token_type"}


def test_authlib_exchanges_a_code_through_the_mounted_session(fake: FakeStripe) -> None:
    """Authlib's own client, with client_secret_post, gets the extra fields untouched."""
    account = fake.create_account("Harbour Physio")
    oauth = OAuth2Session(scenes.CLIENT_ID, scenes.KEY, token_endpoint_auth_method="client_secret_post")
    fake.mount(oauth)
    token = oauth.fetch_token(scenes.TOKEN_URL, code=code_for(fake, account), grant_type="authorization_code")
    assert token["stripe_user_id"] == account["id"]


def test_a_second_use_revokes_the_connection_and_says_so_to_the_endpoint(fake: FakeStripe) -> None:
    """Consuming a code twice answers invalid_grant, ends the connection, and sends account.application.deauthorized."""
    account = fake.create_account("Harbour Physio")
    other = fake.create_account("Norrland AB")
    fake.add_endpoint(scenes.ENDPOINT)
    scenes.connect(fake, other["id"])
    code = scenes.connect(fake, account["id"])
    answer = scenes.exchange(fake, code)
    assert (answer.status_code, error_of(answer)) == (400, "invalid_grant")
    assert fake.world.platforms[0].connected == {other["id"]}
    last = fake.webhooks.deliveries[-1]
    assert (last.event_type, last.account) == ("account.application.deauthorized", account["id"])
    assert last.event["data"]["object"]["id"] == scenes.CLIENT_ID


def test_a_code_expires_after_five_minutes_on_the_fake_clock(fake: FakeStripe) -> None:
    """At 300 seconds a code still works, a second later it does not."""
    account = fake.create_account("Harbour Physio")
    early, late = code_for(fake, account), code_for(fake, account)
    fake.clock.advance(300)
    assert scenes.exchange(fake, early).status_code == 200
    fake.clock.advance(2)
    assert error_of(scenes.exchange(fake, late)) == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"code": "ac_unknown"}, 400, "invalid_grant"),
        ({"code": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "rt_unknown"}, 400, "invalid_grant"),
    ],
)
def test_oauth_refusals_have_oauths_shape(fake: FakeStripe, changes: dict[str, str], status: int, error: str) -> None:
    """`error` is a word here, with a sentence beside it."""
    answer = scenes.exchange(fake, **({"code": "ac_unknown"} | changes))
    assert (answer.status_code, error_of(answer)) == (status, error)
    assert answer.json()["error_description"]


@pytest.mark.parametrize("key", ["", "sk_live_51Nothing0Real00", "pk_test_x", "rubbish"])
def test_key_refusals_have_the_apis_shape(fake: FakeStripe, key: str) -> None:
    """A missing or wrong key is answered 401 with an object as `error`, and the key is not repeated."""
    answer = scenes.exchange(fake, "ac_x", client_secret=key)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert not key or key not in answer.text


def test_basic_auth_with_the_client_id_as_user_is_refused(fake: FakeStripe) -> None:
    """Authlib's default (client_secret_basic) puts the client id where Stripe reads the key."""
    code = code_for(fake, fake.create_account("Harbour Physio"))
    form = {"grant_type": "authorization_code", "code": code}
    answer = scenes.session(fake).post(scenes.TOKEN_URL, data=form, auth=(scenes.CLIENT_ID, scenes.KEY), timeout=5)
    assert answer.status_code == 401
    assert scenes.session(fake).post(scenes.TOKEN_URL, data=form, auth=(scenes.KEY, ""), timeout=5).ok


def test_another_platforms_code_is_refused_and_stays_usable(fake: FakeStripe) -> None:
    """A code belongs to the client id it was made for; somebody else's key cannot spend it."""
    account = fake.create_account("Harbour Physio")
    scenes.connect(fake, account["id"])
    other = scenes.consent_url(client_id="ca_other")
    code = scenes.answered(fake.authorize(other, account["id"]))["code"]
    assert error_of(scenes.exchange(fake, code)) == "invalid_grant"
    assert scenes.exchange(fake, code, client_secret="sk_test_other").status_code == 200


def test_refresh_gives_a_new_token_while_connected(fake: FakeStripe) -> None:
    """The refresh token works for a connection that stands and for no other."""
    account = fake.create_account("Harbour Physio")
    token = scenes.exchange(fake, code_for(fake, account)).json()
    again = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    assert scenes.exchange(fake, "", **again).json()["stripe_user_id"] == account["id"]
    fake.deauthorize(account["id"])
    assert error_of(scenes.exchange(fake, "", **again)) == "invalid_grant"


def test_deauthorize_ends_the_connection_once(fake: FakeStripe) -> None:
    """The first call answers the account, the second invalid_client, and the API refuses the account from then on."""
    scene = scenes.play()
    client = stripe.StripeClient(scenes.KEY, client_id=scenes.CLIENT_ID, http_client=scene.fake.http_client())
    client.oauth.deauthorize({"stripe_user_id": scene.one})
    with pytest.raises(stripe.oauth_error.InvalidClientError):
        client.oauth.deauthorize({"stripe_user_id": scene.one})
    with pytest.raises(stripe.PermissionError):
        client.v1.customers.list(options={"stripe_account": scene.one})
    assert client.v1.customers.list(options={"stripe_account": scene.two}).data == []


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"stripe_user_id": "acct_x"}, "invalid_request"),
        ({"client_id": "ca_platform"}, "invalid_request"),
        ({"client_id": "rubbish", "stripe_user_id": "acct_x"}, "invalid_client"),
        ({"client_id": "ca_another", "stripe_user_id": "acct_x"}, "invalid_client"),
        ({"client_id": "ca_platform", "stripe_user_id": "acct_x"}, "invalid_client"),
    ],
)
def test_deauthorize_refuses_what_is_not_connected(form: dict[str, str], error: str) -> None:
    """Missing fields, a client id of somebody else and an unknown account each have Stripe's word."""
    url = "https://connect.stripe.com/oauth/deauthorize"
    answer = scenes.session(scenes.play().fake).post(url, data=form, auth=(scenes.KEY, ""), timeout=5)
    assert error_of(answer) == error


def test_requests_are_logged_without_secrets(fake: FakeStripe) -> None:
    """The exchange is in the log with its outcome, and neither key nor code is."""
    code = scenes.connect(fake, fake.create_account("Harbour Physio")["id"])
    scenes.exchange(fake, code)
    first, second = [each for each in fake.requests if each.path == "/oauth/token"]
    assert (first.status, second.status, second.error) == (200, 400, "invalid_grant")
    assert code not in repr(first)
    assert scenes.KEY not in repr(first)


def test_the_helpers_say_what_they_could_not_do(fake: FakeStripe) -> None:
    """A test that walks into a page that is not there is told so."""
    account = fake.create_account("Harbour Physio")["id"]
    with pytest.raises(ValueError, match="does not offer acct_nobody"):
        fake.authorize(scenes.consent_url(), "acct_nobody")
    with pytest.raises(ValueError, match="No application matches"):
        fake.authorize(scenes.consent_url(client_id="x"), account)
    fake.faults.add("500", "POST", "/oauth/authorize")
    with pytest.raises(ValueError, match="answered 500"):
        fake.authorize(scenes.consent_url(), account)
    with pytest.raises(ValueError, match="404"):
        fake.pay(f"http://127.0.0.1:12111/i/{account}/test_nothing")
