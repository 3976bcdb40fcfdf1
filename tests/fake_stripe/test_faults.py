"""Faults: 429, 500 before and after the work, cut lines, delays, N times, matched by verb, path and account."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import stripe

from flask_crm_stripe.testing.fake_stripe import FakeStripe
from flask_crm_stripe.testing.fake_stripe.faults import BadFault

from . import scenes


@pytest.fixture
def scene() -> scenes.Scene:
    """Two connected businesses."""
    return scenes.play()


def create(scene: scenes.Scene, key: str = "k1", account: str = "", **options: Any) -> stripe.Customer:
    """Create a customer under an idempotency key."""
    wanted: Any = {"stripe_account": account or scene.one, "idempotency_key": key, **options}
    return scene.client.v1.customers.create({"name": "Ada"}, wanted)


def customers(scene: scenes.Scene, account: str = "") -> int:
    """How many customers the account holds."""
    return len(scene.fake.world.store(account or scene.one)["customer"])


def test_429_has_stripes_shape_and_does_nothing(scene: scenes.Scene) -> None:
    """A rate limit is a RateLimitError with the reason in its header, and the retry under the same key works."""
    scene.fake.faults.add("429", "POST", "/v1/customers")
    with pytest.raises(stripe.RateLimitError) as caught:
        create(scene)
    assert caught.value.error is not None
    assert caught.value.error.code == "rate_limit"
    assert caught.value.headers is not None
    assert caught.value.headers["stripe-rate-limited-reason"] == "endpoint-rate"
    assert customers(scene) == 0
    assert create(scene).name == "Ada"


def test_a_lock_timeout_is_retried_by_the_sdk_itself(scene: scenes.Scene) -> None:
    """`stripe-should-retry: true` makes the SDK try again although plain 429s are not retried."""
    scene.fake.faults.add("lock_timeout", "POST", "/v1/customers")
    create(scene, max_network_retries=1)
    scene.fake.faults.add("429", "POST", "/v1/customers")
    with pytest.raises(stripe.RateLimitError):
        create(scene, "k2", max_network_retries=1)


def test_500_before_the_work_leaves_nothing_and_is_not_saved(scene: scenes.Scene) -> None:
    """The same key executes afterwards."""
    scene.fake.faults.add("500", "POST", "/v1/customers")
    with pytest.raises(stripe.APIError):
        create(scene)
    assert customers(scene) == 0
    create(scene)
    assert customers(scene) == 1


def test_500_after_the_work_is_saved_for_24_hours(scene: scenes.Scene) -> None:
    """The work is done once, the 500 is replayed under its key, and after a day the key runs again."""
    scene.fake.faults.add("500_after", "POST", "/v1/customers")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            create(scene)
        assert caught.value.http_status == 500
    assert customers(scene) == 1
    assert scene.fake.requests[-1].replayed
    scene.fake.clock.advance(24 * 3600)
    create(scene)
    assert customers(scene) == 2


def test_500_after_does_not_hide_a_refusal(scene: scenes.Scene) -> None:
    """A request that is wrong is told so, whatever fault is set."""
    scene.fake.faults.add("500_after", "POST", "/v1/customers")
    wrong: Any = {"nonsense": "x"}
    with pytest.raises(stripe.InvalidRequestError):
        scene.client.v1.customers.create(wrong, {"stripe_account": scene.one})


def test_500_after_reaches_the_token_exchange() -> None:
    """Outside the API too: the connection is made, and the client hears 500."""
    fake = FakeStripe()
    account = fake.create_account("Harbour Physio")["id"]
    code = scenes.answered(fake.authorize(scenes.consent_url(), account))["code"]
    fake.faults.add("500_after", "POST", "/oauth/token")
    assert scenes.exchange(fake, code).status_code == 500
    assert account in fake.world.platforms[0].connected


@pytest.mark.parametrize(("kind", "held"), [("cut_before", 0), ("cut_after", 1)])
def test_a_cut_line_says_nothing_of_whether_the_work_was_done(scene: scenes.Scene, kind: str, held: int) -> None:
    """The client sees the same error; the same key then leads to exactly one customer."""
    scene.fake.faults.add(kind, "POST", "/v1/customers")
    with pytest.raises(stripe.APIConnectionError) as caught:
        create(scene)
    assert caught.value.should_retry
    assert customers(scene) == held
    create(scene)
    assert customers(scene) == 1


def test_the_sdks_own_retry_gets_through_a_cut(scene: scenes.Scene) -> None:
    """With retries on, the SDK sends the same key again and one customer is there."""
    scene.fake.faults.add("cut_after", "POST", "/v1/customers")
    scene.client.v1.customers.create({"name": "Ada"}, {"stripe_account": scene.one, "max_network_retries": 2})
    assert customers(scene) == 1


@pytest.mark.parametrize(
    ("kind", "error"), [("cut_before", requests.ConnectionError), ("cut_after", requests.ConnectionError)]
)
def test_a_cut_exchange_is_requests_own_error(kind: str, error: type[Exception]) -> None:
    """Authlib's session sees what a broken network gives it."""
    fake = FakeStripe()
    code = scenes.answered(fake.authorize(scenes.consent_url(), fake.create_account("A")["id"]))["code"]
    fake.faults.add(kind, "POST", "/oauth/token")
    with pytest.raises(error):
        scenes.exchange(fake, code)
    assert fake.connect.codes[code].used is (kind == "cut_after")


def test_a_delay_beyond_the_clients_patience_is_a_timeout_and_the_work_is_done(scene: scenes.Scene) -> None:
    """Nobody waits: where the client would have given up, it is told so at once, and Stripe finished anyway."""
    scene.fake.faults.add("delay", "POST", "/v1/customers", seconds=81)
    with pytest.raises(stripe.APIConnectionError, match="within 80"):
        create(scene)
    assert customers(scene) == 1
    code = scenes.answered(scene.fake.authorize(scenes.consent_url(), scene.two))["code"]
    scene.fake.faults.add("delay", "POST", "/oauth/token", seconds=6)
    with pytest.raises(requests.ReadTimeout):
        scenes.exchange(scene.fake, code)


def test_a_short_delay_only_takes_time(scene: scenes.Scene) -> None:
    """Within the client's patience the answer comes."""
    scene.fake.faults.add("delay", "POST", "/v1/customers", seconds=0.01)
    assert create(scene).name == "Ada"


def test_a_fault_hits_n_times_after_letting_some_through(scene: scenes.Scene) -> None:
    """`skip` lets the first matching requests pass, `times` counts what is hit."""
    scene.fake.faults.add("429", "POST", "/v1/customers", skip=1, times=2)
    outcomes = []
    for number in range(4):
        try:
            create(scene, f"k{number}")
            outcomes.append("done")
        except stripe.RateLimitError:
            outcomes.append("limited")
    assert outcomes == ["done", "limited", "limited", "done"]
    assert scene.fake.faults.listed() == []


def test_a_fault_matches_verb_path_and_account_only(scene: scenes.Scene) -> None:
    """Another verb, another path and another account go through untouched."""
    scene.fake.faults.add("429", "POST", "/v1/cust*", account=scene.two, times=9)
    create(scene)
    assert scene.client.v1.customers.list(options={"stripe_account": scene.two}).data == []
    scene.client.v1.products.create({"name": "Advice"}, {"stripe_account": scene.two})
    with pytest.raises(stripe.RateLimitError):
        create(scene, account=scene.two)
    assert scene.fake.faults.clear() == 1
    create(scene, account=scene.two)


def test_spoiled_requests_are_in_the_log(scene: scenes.Scene) -> None:
    """What never reached the API is logged too, with why."""
    scene.fake.faults.add("cut_before", "POST", "/v1/customers")
    with pytest.raises(stripe.APIConnectionError):
        create(scene, "key-of-the-cut")
    last = scene.fake.requests[-1]
    assert (last.method, last.path, last.status, last.account) == ("POST", "/v1/customers", 0, scene.one)
    assert last.idempotency_key == "key-of-the-cut"
    assert last.error == "A fault was set here: cut_before."


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"kind": "418"}, "kind"), ({"kind": "429", "times": 0}, "times"), ({"kind": "delay"}, "seconds")],
)
def test_an_impossible_fault_is_refused_in_words(fields: dict[str, Any], name: str) -> None:
    """The message names the field."""
    with pytest.raises(BadFault, match=name):
        FakeStripe().faults.add(**fields)


def test_controls_are_never_spoiled(scene: scenes.Scene) -> None:
    """A fault on everything can still be lifted."""
    scene.fake.faults.add("cut_before", times=99)
    assert scenes.session(scene.fake).delete("http://127.0.0.1:12111/_fake/faults", timeout=5).json() == {"lifted": 1}


def test_served_cuts_close_the_socket_and_limits_arrive(scene: scenes.Scene) -> None:
    """Over real sockets the same faults reach requests' own client."""
    with scene.fake.serve() as server:
        client = stripe.StripeClient(scenes.KEY, base_addresses={"api": server.url})
        scene.fake.faults.add("cut_after", "POST", "/v1/customers")
        scene.fake.faults.add("429", "GET", "/v1/customers")
        with pytest.raises(stripe.APIConnectionError):
            client.v1.customers.create({"name": "Ada"}, {"stripe_account": scene.one})
        with pytest.raises(stripe.RateLimitError):
            client.v1.customers.list(options={"stripe_account": scene.one})
        assert len(client.v1.customers.list(options={"stripe_account": scene.one}).data) == 1
