"""Webhooks: who gets what, signatures, retries on the fake clock, and everything that goes wrong in the wild."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

import pytest
import stripe

from flask_crm_stripe.testing.fake_stripe import FakeStripe
from flask_crm_stripe.testing.fake_stripe.webhooks import RETRY_AFTER

from . import scenes


@pytest.fixture
def scene() -> scenes.Scene:
    """Two connected businesses, with the news of their connection delivered."""
    played = scenes.play()
    played.fake.deliver()
    played.received.clear()
    return played


def customer(scene: scenes.Scene, account: str = "", name: str = "Ada") -> stripe.Customer:
    """Something that makes exactly one event, `customer.created`."""
    return scene.client.v1.customers.create({"name": name}, {"stripe_account": account or scene.one})


def types(scene: scenes.Scene) -> list[str]:
    """The types of what arrived."""
    return [event.type for event in scene.events()]


def names(scene: scenes.Scene) -> list[str]:
    """The names of the customers that arrived."""
    return [json.loads(body)["data"]["object"]["name"] for body, _ in scene.received]


def test_nothing_is_sent_inside_the_request(scene: scenes.Scene) -> None:
    """An event waits until `deliver`, and is then sent once."""
    customer(scene)
    assert scene.received == []
    assert [each.state for each in scene.fake.deliver()] == ["delivered"]
    assert scene.fake.deliver() == []
    assert types(scene) == ["customer.created"]


def test_connect_events_name_their_account_and_are_indented_json(scene: scenes.Scene) -> None:
    """Each business's events carry its account; the body is JSON as Stripe writes it, umlauts as letters."""
    customer(scene, scene.one, "Ådel")
    customer(scene, scene.two)
    scene.fake.deliver()
    assert [event.account for event in scene.events()] == [scene.one, scene.two]
    body, headers = scene.received[0]
    assert body.startswith(b'{\n  "')
    assert "Ådel".encode() in body
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(body)["api_version"] == stripe.api_version


def test_the_signature_is_made_when_sent_in_wall_clock_time(scene: scenes.Scene) -> None:
    """`created` is on the fake clock, `t` is not: a receiver with a tolerance of 300 s accepts it a fake year later."""
    scene.fake.clock.advance(365 * 86400)
    customer(scene)
    scene.fake.deliver()
    body, headers = scene.received[0]
    signed_at = int(headers["Stripe-Signature"].partition(",")[0].removeprefix("t="))
    assert abs(signed_at - time.time()) < 5
    assert json.loads(body)["created"] > time.time() + 364 * 86400
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_other")


def test_an_endpoint_gets_only_what_it_subscribed_to() -> None:
    """Types that are not asked for are not sent, and do not count as pending."""
    fake = FakeStripe()
    fake.add_endpoint(scenes.ENDPOINT, events=["invoice.paid", "customer.deleted"])
    account = fake.create_account("Harbour Physio")["id"]
    scenes.connect(fake, account)
    client = stripe.StripeClient(scenes.KEY, http_client=fake.http_client())
    made = client.v1.customers.create({"name": "Ada"}, {"stripe_account": account})
    client.v1.customers.delete(made.id, options={"stripe_account": account})
    assert [each.event_type for each in fake.webhooks.deliveries] == ["customer.deleted"]
    listed = client.v1.events.list(options={"stripe_account": account}).data
    assert {event.type: event.pending_webhooks for event in listed} == {
        "customer.deleted": 1, "customer.created": 0, "account.application.authorized": 0,
    }  # fmt: skip


def test_an_endpoint_for_the_platform_hears_of_the_platform_only(scene: scenes.Scene) -> None:
    """Without `connect` an endpoint gets the platform's own events, which name no account."""
    own = scene.fake.add_endpoint("https://crm.example/own", "whsec_own", connect=False)
    sent: list[tuple[str, bytes]] = []

    def receive(url: str, body: bytes, headers: dict[str, str]) -> int:
        sent.append((url, body))
        return 200

    scene.fake.on_delivery(receive)
    customer(scene)
    scene.client.v1.customers.create({"name": "The platform's own"})
    scene.fake.deliver()
    assert [url for url, _ in sent] == [scenes.ENDPOINT, own["url"]]
    assert "account" not in json.loads(sent[1][1])


def test_unconnected_accounts_are_not_heard_of(scene: scenes.Scene) -> None:
    """After a disconnect the last event is the disconnect itself."""
    scene.fake.deauthorize(scene.one)
    scene.fake.world.emit("customer.created", {"object": "customer", "id": "cus_x"}, scene.one)
    scene.fake.deliver()
    assert types(scene) == ["account.application.deauthorized"]


def test_endpoints_made_and_deleted_by_the_api_are_used(scene: scenes.Scene) -> None:
    """A second endpoint gets the same event id (a rolled secret); once deleted, nothing more."""
    made = scene.client.v1.webhook_endpoints.create(
        {"url": scenes.ENDPOINT, "enabled_events": ["customer.created"], "connect": True}
    )
    customer(scene)
    scene.client.v1.webhook_endpoints.delete(made.id)
    customer(scene)
    deliveries = scene.fake.deliver()
    assert [each.state for each in deliveries] == ["delivered", "dropped", "delivered"]
    assert deliveries[0].event["id"] == deliveries[1].event["id"]


def test_a_disabled_endpoint_gets_nothing_and_a_moved_one_gets_it_at_its_new_address(scene: scenes.Scene) -> None:
    """What was queued before the change goes by the endpoint as it is when it is sent."""
    made = scene.client.v1.webhook_endpoints.create(
        {"url": "https://crm.example/old", "enabled_events": ["customer.created"], "connect": True}
    )
    urls: list[str] = []

    def receive(url: str, body: bytes, headers: dict[str, str]) -> int:
        urls.append(url)
        return 200

    scene.fake.on_delivery(receive)
    customer(scene)
    scene.client.v1.webhook_endpoints.update(made.id, {"url": "https://crm.example/new"})
    scene.fake.deliver()
    customer(scene)
    scene.client.v1.webhook_endpoints.update(made.id, {"disabled": True})
    scene.fake.deliver()
    assert urls == [scenes.ENDPOINT, "https://crm.example/new", scenes.ENDPOINT]


def test_two_endpoints_sign_with_their_own_secrets(scene: scenes.Scene) -> None:
    """Each delivery verifies with its endpoint's secret only."""
    other = scene.fake.add_endpoint(scenes.ENDPOINT, "whsec_second")
    customer(scene)
    scene.fake.deliver()
    for (body, headers), secret in zip(scene.received, (scene.secret, other["secret"]), strict=True):
        assert stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret).type == "customer.created"


@pytest.mark.parametrize("answer", [500, 404, 302, None])
def test_failures_are_tried_again_with_back_off_on_the_fake_clock(scene: scenes.Scene, answer: int | None) -> None:
    """Errors, redirects and no answer at all count as failed; the wait grows; after the last one it is given up."""
    calls: list[str] = []

    def fail(url: str, body: bytes, headers: dict[str, str]) -> int:
        calls.append(headers["Stripe-Signature"])
        if answer is None:
            raise ConnectionRefusedError
        return answer

    scene.fake.on_delivery(fail)
    customer(scene)
    scene.fake.deliver()
    for wait in RETRY_AFTER:
        before = len(calls)
        scene.fake.clock.advance(wait - 2)
        scene.fake.deliver()
        assert len(calls) == before
        scene.fake.clock.advance(2)
        scene.fake.deliver()
        assert len(calls) == before + 1
    scene.fake.clock.advance(10**7)
    assert scene.fake.deliver() == []
    delivery = scene.fake.webhooks.deliveries[-1]
    assert delivery.state == "failed"
    assert [each.status for each in delivery.attempts] == [answer] * 4
    assert list(RETRY_AFTER) == sorted(RETRY_AFTER)


def test_pending_webhooks_counts_down_when_delivered(scene: scenes.Scene) -> None:
    """`pending_webhooks` is what `events.list(delivery_success=)` goes by."""
    customer(scene)
    options: Any = {"stripe_account": scene.one}
    assert scene.client.v1.events.list({"type": "customer.created"}, options).data[0].pending_webhooks == 1
    scene.fake.deliver()
    assert scene.client.v1.events.list({"type": "customer.created"}, options).data[0].pending_webhooks == 0


def test_a_receiver_that_raises_is_shown_to_the_test_and_tried_again(scene: scenes.Scene) -> None:
    """The error of a mounted receiver reaches the test; the delivery is not lost."""

    def broken(url: str, body: bytes, headers: dict[str, str]) -> int:
        raise ZeroDivisionError

    scene.fake.on_delivery(broken)
    customer(scene)
    with pytest.raises(ZeroDivisionError):
        scene.fake.deliver()
    delivery = scene.fake.webhooks.deliveries[-1]
    assert (delivery.state, len(delivery.attempts)) == ("pending", 1)


def test_what_a_receiver_does_is_delivered_too(scene: scenes.Scene) -> None:
    """A receiver may call Stripe back; the events of that follow in the same `deliver`."""
    seen: list[str] = []

    def receive(url: str, body: bytes, headers: dict[str, str]) -> int:
        seen.append(json.loads(body)["type"])
        if seen == ["customer.created"]:
            found = json.loads(body)["data"]["object"]["id"]
            scene.client.v1.customers.update(found, {"name": "Grace"}, {"stripe_account": scene.one})
        return 200

    scene.fake.on_delivery(receive)
    customer(scene)
    scene.fake.deliver()
    assert seen == ["customer.created", "customer.updated"]


def test_hold_and_release(scene: scenes.Scene) -> None:
    """While held nothing is sent; nothing is lost either."""
    scene.fake.webhooks.hold()
    customer(scene)
    assert scene.fake.deliver() == []
    scene.fake.webhooks.release()
    scene.fake.deliver()
    assert types(scene) == ["customer.created"]


def test_duplicate_sends_the_same_event_twice(scene: scenes.Scene) -> None:
    """The same event id arrives twice; the one after it once."""
    scene.fake.webhooks.duplicate()
    customer(scene)
    customer(scene)
    scene.fake.deliver()
    ids = [event.id for event in scene.events()]
    assert len(ids) == 3
    assert len(set(ids)) == 2


def test_drop_loses_an_event_for_good(scene: scenes.Scene) -> None:
    """A dropped delivery never comes, and the event stays pending for a back-fill to find."""
    scene.fake.webhooks.drop()
    customer(scene, name="lost")
    customer(scene, name="kept")
    scene.fake.deliver()
    scene.fake.clock.advance(10**6)
    scene.fake.deliver()
    assert names(scene) == ["kept"]
    missed = scene.client.v1.events.list({"delivery_success": False}, {"stripe_account": scene.one}).data
    assert [event.type for event in missed] == ["customer.created"]


def test_reorder_turns_the_queue_round(scene: scenes.Scene) -> None:
    """What waits arrives last first."""
    for name in ("a", "b", "c"):
        customer(scene, name=name)
    assert scene.fake.webhooks.reorder() == 3
    scene.fake.deliver()
    assert names(scene) == ["c", "b", "a"]


def test_resend_signs_afresh(scene: scenes.Scene) -> None:
    """An event that was delivered long ago can be sent again; an unknown id is a KeyError."""
    customer(scene)
    scene.fake.deliver()
    (again,) = scene.fake.webhooks.resend(scene.events()[0].id)
    scene.fake.deliver()
    assert again.state == "delivered"
    assert len({event.id for event in scene.events()}) == 1
    with pytest.raises(KeyError):
        scene.fake.webhooks.resend("evt_unknown")


@pytest.fixture
def receiver() -> Iterator[tuple[str, Queue[tuple[bytes, str]]]]:
    """A real HTTP server that keeps what is posted to it."""
    posted: Queue[tuple[bytes, str]] = Queue()

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.put((body, self.headers["Stripe-Signature"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keep)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhook", posted
    server.shutdown()
    thread.join()
    server.server_close()


def test_served_mode_delivers_by_itself_over_http(receiver: tuple[str, Queue[tuple[bytes, str]]]) -> None:
    """A customer created over sockets becomes a signed webhook at a real receiver, nobody calling `deliver`."""
    url, posted = receiver
    fake = FakeStripe()
    account = fake.create_account("Harbour Physio")["id"]
    endpoint = fake.add_endpoint(url, events=["customer.created"])
    scenes.connect(fake, account)
    with fake.serve() as server:
        client = stripe.StripeClient(scenes.KEY, base_addresses={"api": server.url})
        client.v1.customers.create({"name": "Ada"}, {"stripe_account": account})
        body, signature = posted.get(timeout=20)
    event = stripe.Webhook.construct_event(body, signature, endpoint["secret"])
    assert (event.type, event.account) == ("customer.created", account)
