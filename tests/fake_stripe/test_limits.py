"""How much FakeStripe takes, where somebody asks it to be as strict as Stripe."""

from __future__ import annotations

import time
from typing import Any

import pytest
from werkzeug.test import Client

from flask_crm_stripe.testing.fake_stripe import FakeStripe
from flask_crm_stripe.testing.fake_stripe.limits import BadLimit, Limits


class Watch:
    """Time that somebody moves."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def watch() -> Watch:
    """Stands still."""
    return Watch()


def asked(limits: Limits, count: int, endpoint: str = "POST /v1/invoices", account: str = "acct_1") -> list[bool]:
    """So many requests at this moment: which are taken."""
    return [limits.refuse(account, endpoint) is None for _ in range(count)]


def test_no_second_has_more_than_the_limit(watch: Watch) -> None:
    """Whenever it begins: what is refused does not count, and room comes back as the earliest grow old."""
    limits = Limits(endpoint=3, now=watch)
    assert asked(limits, 2) == [True, True]
    watch.time += 0.6
    assert asked(limits, 3) == [True, False, False]
    watch.time += 0.4
    assert asked(limits, 3) == [True, True, False]
    watch.time += 0.6
    assert asked(limits, 2) == [True, False]


def test_each_endpoint_and_each_account_has_its_own(watch: Watch) -> None:
    """And all endpoints of an account together have one; or all accounts, where Stripe should count that way."""
    limits = Limits(total=4, endpoint=2, now=watch)
    assert asked(limits, 3) == [True, True, False]
    assert asked(limits, 3, "GET /v1/invoices/{id}") == [True, True, False]
    assert asked(limits, 1, "GET /v1/events") == [False]
    refused = limits.refuse("acct_1", "GET /v1/events")
    assert refused is not None
    assert dict(refused.headers)["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert asked(limits, 2, account="acct_2") == [True, True]
    limits.set(per_platform=True)
    assert asked(limits, 2) == [True, True]
    assert asked(limits, 1, account="acct_2") == [False]


def test_off_until_it_is_asked_for(watch: Watch) -> None:
    """Nothing is counted."""
    assert all(asked(Limits(now=watch), 500))


def test_a_refusal_is_as_stripes(watch: Watch) -> None:
    """429 with the reason, logged, and no work is done; the path's ids do not make another endpoint."""
    fake = FakeStripe()
    fake.limits.now = watch
    fake.limits.set(endpoint=1)
    client, headers = Client(fake.wsgi_app), {"Authorization": "Bearer sk_test_bench"}
    assert client.get("/v1/customers/cus_1", headers=headers).status_code == 404
    answer: Any = client.get("/v1/customers/cus_2", headers=headers)
    assert (answer.status_code, answer.headers["Stripe-Rate-Limited-Reason"]) == (429, "endpoint-rate")
    assert answer.json["error"]["code"] == "rate_limit"
    assert [(each.status, each.path) for each in fake.requests] == [
        (404, "/v1/customers/cus_1"),
        (429, "/v1/customers/cus_2"),
    ]
    assert client.post("/v1/customers", headers=headers).status_code == 200
    assert client.get("/v1/unknown", headers=headers).status_code == 404


def test_an_answer_takes_its_time() -> None:
    """Not on the pages, and the work is part of it."""
    fake = FakeStripe()
    fake.limits.set(seconds=0.05)
    client, began = Client(fake.wsgi_app), time.monotonic()
    assert client.get("/_fake/clock").status_code == 200
    assert client.get("/v1/account", headers={"Authorization": "Bearer sk_test_bench"}).status_code == 200
    assert time.monotonic() - began >= 0.05


def test_limits_are_set_over_http() -> None:
    """And a wrong one changes nothing."""
    fake = FakeStripe()
    client = Client(fake.wsgi_app)
    wanted = {"total": 100, "endpoint": 25, "seconds": 0.15, "per_platform": False}
    assert client.post("/_fake/limits", json=wanted).json == wanted == client.get("/_fake/limits").json
    for wrong in ({"total": 0}, {"endpoint": "25"}, {"seconds": -1}, {"per_platform": 1}, {"burst": 3, "total": None}):
        assert client.post("/_fake/limits", json=wrong).status_code == 400
    assert client.get("/_fake/limits").json == wanted
    with pytest.raises(BadLimit):
        fake.limits.set(seconds=True)
