"""Asking Stripe no more often than it allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import stripe

from flask_crm_stripe.adapters.stripe.pacing import MARGIN, Limits, PacedClient, endpoint_of
from flask_crm_stripe.ports.runtime import nobody_waits
from flask_crm_stripe.testing.fake_stripe.limits import Limits as Door
from flask_crm_stripe.testing.memory.pace import MemoryPace

BASE = "https://api.stripe.com"


class Watched(stripe.HTTPClient):
    """A transport that asks a door, at a time that goes on only while somebody waits."""

    name = "watched"

    def __init__(self, **limits: Any) -> None:
        super().__init__()
        self.time, self.closed = 1000.0, False
        self.door = Door(**limits, now=lambda: self.time)
        self.sent: list[tuple[float, str]] = []
        self.refused = 0

    def request(  # type: ignore[override]
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        account = (headers or {}).get("Stripe-Account", "")
        self.refused += self.door.refuse(account, f"{method} {url}") is not None
        self.sent.append((self.time, url))
        return b"{}", 200, {}

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def close(self) -> None:
        self.closed = True


def paced(inner: Watched, limits: Limits) -> PacedClient:
    """In front of it."""
    return PacedClient(inner, MemoryPace(now=lambda: inner.time), limits, inner.sleep)


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("post", "/v1/invoices", "POST /v1/invoices"),
        ("get", "/v1/invoices/in_1", "GET /v1/invoices/{id}"),
        ("post", "/v1/invoices/in_1/add_lines", "POST /v1/invoices/{id}/add_lines"),
        ("get", "/v1/invoices/in_1/lines/il_1", "GET /v1/invoices/{id}/lines/{id}"),
        ("get", "/v1/invoices/search", "GET /v1/invoices/{id}"),
    ],
)
def test_an_endpoint_is_a_verb_and_a_path_without_ids(method: str, path: str, endpoint: str) -> None:
    """Each step of an invoice is one of its own."""
    assert endpoint_of(method, path) == endpoint


def test_one_endpoint_is_asked_evenly_and_as_often_as_it_may() -> None:
    """No second has more than 25, and 250 take hardly longer than ten seconds."""
    inner = Watched(endpoint=25)
    client = paced(inner, Limits(100, 25))
    with nobody_waits():
        for _ in range(250):
            client.request("post", f"{BASE}/v1/invoices", {"Stripe-Account": "acct_1"})
    assert inner.refused == 0
    steps = [later - sooner for (sooner, _), (later, _) in zip(inner.sent, inner.sent[1:], strict=False)]
    assert max(steps) == pytest.approx(min(steps)) == pytest.approx(1 / (25 * MARGIN))


def test_all_endpoints_together_are_asked_no_more_often_than_they_may() -> None:
    """Ten endpoints share what the account has in all."""
    inner = Watched(total=100, endpoint=25)
    client = paced(inner, Limits(100, 25))
    with nobody_waits():
        for number in range(500):
            client.request("get", f"{BASE}/v1/thing{number % 10}", {"Stripe-Account": "acct_1"})
    assert inner.refused == 0
    assert inner.time - 1000 == pytest.approx(499 / (100 * MARGIN), rel=0.01)


def test_each_account_has_its_own_turns() -> None:
    """Two are as fast as one; unless the limits are the platform's."""
    for per_platform, longest in ((False, 4.4), (True, 8.6)):
        inner = Watched(endpoint=25, per_platform=per_platform)
        client = paced(inner, Limits(100, 25, per_platform))
        with nobody_waits():
            for number in range(100):
                for account in ("acct_1", "acct_2"):
                    # Both wait at the same time: what one has waited, the other has.
                    client.request("get", f"{BASE}/v1/events?page={number}", {"Stripe-Account": account})
        assert inner.refused == 0
        assert inner.time - 1000 < longest


def test_a_person_does_not_stand_in_the_line() -> None:
    """Where a second's worth of work is waiting already, a click goes at once; and no second has too many."""
    inner = Watched(endpoint=25)
    pace = MemoryPace(now=lambda: inner.time)
    waits: list[float] = []
    client = PacedClient(inner, pace, Limits(100, 25), waits.append)
    for _ in range(24):
        pace.take("acct_1 POST /v1/invoices", 25 * MARGIN)
    client.request("post", f"{BASE}/v1/invoices", {"Stripe-Account": "acct_1"})
    assert sum(waits) == 0
    client.request("post", f"{BASE}/v1/invoices", {"Stripe-Account": "acct_1"})
    assert 0 < max(waits) <= 1.0, "a second one, at the same moment, waits a little"
    with nobody_waits():
        client.request("post", f"{BASE}/v1/invoices", {"Stripe-Account": "acct_1"})
    assert max(waits) > 1.0


def test_who_wakes_too_late_takes_another_turn() -> None:
    """A machine that stood still for a second lets no burst go after it; a person who waits has waited enough."""
    inner = Watched(endpoint=25)
    pace = MemoryPace(now=lambda: inner.time)
    asleep = iter([0.0, 1.0, 0.0, 0.0, 1.0])

    def sleep(seconds: float) -> None:
        inner.time += seconds + next(asleep)

    client = PacedClient(inner, pace, Limits(1000, 25), sleep, lambda: inner.time)
    client.request("post", f"{BASE}/v1/invoices", {})
    with nobody_waits():
        client.request("post", f"{BASE}/v1/invoices", {})
        client.request("post", f"{BASE}/v1/invoices", {})
    assert [round(at - 1000, 3) for at, _ in inner.sent] == [0.0, 0.043, 1.085]


def test_what_is_no_api_waits_for_nothing() -> None:
    """Signing in at Stripe has limits of its own. The transport is what it was, and is closed with us."""
    inner = Watched(endpoint=1)
    client = paced(inner, Limits(1, 1))
    for _ in range(3):
        client.request("post", "https://connect.stripe.com/oauth/token", None)
    assert inner.time == 1000.0
    assert client.name == "watched"
    client.close()
    assert inner.closed
