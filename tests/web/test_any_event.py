"""Any JSON that looks like an event, of whatever version or origin: digested, or ignored with a reason. Never a 500."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stripe import WebhookSignature

from flask_crm_stripe.core.event_types import WANTED
from tests.support.billing_host import NORTH, SECRET, BillingHost, billing_host

OLDER = ("2011-01-01", "2019-05-16", "2023-10-16", "2025-03-31.basil", None, "", 7)
LEAVES = st.one_of(
    *(st.none(), st.booleans(), st.integers(-(10**12), 10**20), st.floats(allow_nan=False), st.text(max_size=12)),
    st.sampled_from(["in_1", "pi_1", "cus_1", "acct_1", "invoice", "charge", "2026-01-01", "\0", "\ud83d\ude00"]),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
NAMES = ("id", "object", "type", "account", "livemode", "created", "api_version", "request", "data", "pending_webhooks")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BillingHost]:
    """Connected, with an open invoice and a paid one."""
    with billing_host(f"sqlite:///{tmp_path_factory.mktemp('any')}/crm.sqlite") as host:
        north, _ = host.connected()
        north.bill()
        host.fake.deliver()
        yield host


@pytest.fixture(scope="module")
def recorded(host: BillingHost) -> list[dict[str, Any]]:
    """Events as FakeStripe really sends them."""
    host.fake.pay(host.things("invoice")[0]["hosted_invoice_url"])
    events = list(host.fake.world.store(host.accounts[NORTH])["event"].values())
    host.fake.deliver()
    return [json.loads(json.dumps({**event, "account": host.accounts[NORTH]})) for event in events]


def posted(host: BillingHost, event: object) -> int:
    """Signed as Stripe signs; all work after the answer is done when this returns."""
    body = json.dumps(event)
    header = str(WebhookSignature.generate_signature_header(body, SECRET, timestamp=int(time.time())))
    answer = host.app.test_client().post(
        "/stripe/webhooks", data=body.encode(), headers={"Stripe-Signature": header}, buffered=True
    )
    return answer.status_code


def digested(host: BillingHost, status: int) -> None:
    """Taken or refused; and whatever was taken is done, with a reason where it was ignored."""
    assert status in (200, 400)
    left = [row for row in host.rows("crm_stripe_event") if row["state"] not in ("applied", "ignored")]
    assert [(row["type"], row["reason"]) for row in left if "went wrong here" in (row["reason"] or "")] == []
    ignored = [row for row in host.rows("crm_stripe_event") if row["state"] == "ignored"]
    assert all(row["reason"] for row in ignored)


SLOW_FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=60, suppress_health_check=SLOW_FIXTURES)
@given(event=st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=6)), ANYTHING, max_size=10))
def test_what_looks_a_little_like_an_event(host: BillingHost, event: dict[str, Any]) -> None:
    """Any fields with any values."""
    digested(host, posted(host, event))


@settings(max_examples=120, suppress_health_check=SLOW_FIXTURES)
@given(data=st.data())
def test_recorded_events_with_missing_and_other_fields(
    host: BillingHost, recorded: list[dict[str, Any]], data: st.DataObject
) -> None:
    """A real one of any type and version, from which fields are gone or hold something else, at the top or within."""
    event = json.loads(json.dumps(data.draw(st.sampled_from(recorded))))
    event["id"] = f"evt_{time.monotonic_ns()}"
    event["type"] = data.draw(st.sampled_from([*WANTED, event["type"], "invoice.new_in_2031", "v2.core.event", "x"]))
    event["api_version"] = data.draw(st.sampled_from(OLDER))
    for place in (event, event["data"], event["data"]["object"]):
        for name in data.draw(st.lists(st.sampled_from(sorted(place)), max_size=2)):
            if data.draw(st.booleans()):
                place.pop(name, None)
            elif name != "id" or place is not event:
                place[name] = data.draw(ANYTHING)
        if (
            "data" not in event
            or not isinstance(event["data"], dict)
            or not isinstance(event["data"].get("object"), dict)
        ):
            break
    digested(host, posted(host, event))


def test_shapes_of_long_ago(host: BillingHost, recorded: list[dict[str, Any]]) -> None:
    """A bare request id, a customer without its object, a charge instead of a payment intent, no account: answered."""
    [paid] = [event for event in recorded if event["type"] == "invoice.paid"]
    old = {
        **paid,
        "id": "evt_2012",
        "api_version": "2012-07-09",
        "request": "iar_0aXYZ",
        "data": {"object": {"id": paid["data"]["object"]["id"], "object": "invoice", "lines": {"invoiceitems": []}}},
    }
    assert posted(host, old) == 200
    assert (
        posted(host, {**old, "id": "evt_2013", "type": "charge.refunded", "data": {"object": {"object": "charge"}}})
        == 200
    )
    assert posted(host, {name: value for name, value in old.items() if name != "account"}) == 200
    rows = {row["event_id"]: row for row in host.rows("crm_stripe_event")}
    assert rows["evt_2012"]["state"] == "applied"
    assert rows["evt_2013"]["state"] == "ignored"
