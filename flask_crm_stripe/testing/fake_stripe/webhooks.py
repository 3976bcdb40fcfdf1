"""Webhook deliveries: who gets which event, signed when it is sent, tried again with back-off, told in a log.

At least once and in no promised order, as Stripe's. `hold`, `drop`, `duplicate`, `reorder` and `resend` bring about
by hand what happens to deliveries in the wild. Nothing is sent inside the request that caused an event: `deliver`
sends what is due, called by a test in mounted mode and by `Postman` in served mode.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import requests
from stripe import WebhookSignature

from . import refunds, settlement
from .deliveries import Attempt, Delivery, Send, post
from .state import API_VERSION, Obj, World

RETRY_AFTER = (600, 3600, 3 * 3600)
"""Seconds on FakeStripe's clock before each further attempt: a sandbox gets three over a few hours [DOC webhooks]."""

MOST_AT_ONCE = 10_000


class Courier:
    """Queues a delivery for each endpoint that wants an event, and sends what is due."""

    def __init__(self, world: World, send: Send | None = None) -> None:
        self.world = world
        self.send: Send = send or post
        self.deliveries: list[Delivery] = []
        self._waiting: list[Delivery] = []
        self.wake = threading.Event()
        self.held = False
        self._to_drop = 0
        self._to_double = 0
        world.sinks.append(self.enqueue)

    # -- queueing ------------------------------------------------------------------------------------------------------

    def enqueue(self, event: Obj, account_id: str) -> None:
        """Queue this event for every endpoint that subscribed to it."""
        wanted = list(self._endpoints(event, account_id))
        event["pending_webhooks"] = len(wanted)
        for endpoint in wanted:
            self._queue(event, account_id, endpoint["id"], endpoint["url"])

    def _queue(self, event: Obj, account_id: str, endpoint_id: str, url: str) -> Delivery:
        delivery = Delivery(self.world.new_id("whd"), event, account_id, endpoint_id, url, self.world.now())
        self.deliveries.append(delivery)
        self._waiting.append(delivery)
        self.wake.set()
        return delivery

    def _endpoints(self, event: Obj, account_id: str) -> Iterator[Obj]:
        for platform in self.world.platforms:
            own = platform.account_id == account_id
            if not own and account_id not in platform.connected:
                continue
            for endpoint in self.world.store(platform.account_id)["webhook_endpoint"].values():
                if endpoint["status"] == "enabled" and is_connect(endpoint) != own and wants(endpoint, event["type"]):
                    yield endpoint

    # -- sending -------------------------------------------------------------------------------------------------------

    def deliver(self) -> list[Delivery]:
        """Send everything that is due now, and what that brings about; returns the deliveries that were tried."""
        self.wake.clear()
        settlement.catch_up(self.world)
        refunds.catch_up(self.world)
        tried: list[Delivery] = []
        while len(tried) < MOST_AT_ONCE and (delivery := self._next()) is not None:
            self._attempt(delivery)
            tried.append(delivery)
        return tried

    def _next(self) -> Delivery | None:
        """The next delivery that is due, claimed: until its attempt is over nobody else sends it."""
        with self.world.lock:
            now = self.world.now()
            while not self.held:
                due = next((each for each in self._waiting if each.next_at <= now), None)
                if due is None:
                    return None
                self._waiting.remove(due)
                if not self._to_drop:
                    return self._claimed(due)
                self._to_drop -= 1
                due.state = "dropped"
        return None

    def _claimed(self, delivery: Delivery) -> Delivery:
        if self._to_double:
            self._to_double -= 1
            self._queue(delivery.event, delivery.account, delivery.endpoint, delivery.url)
        delivery.state = "sending"
        return delivery

    def _attempt(self, delivery: Delivery) -> None:
        # Not under the lock: the receiver calls us back.
        with self.world.lock:
            letter = self._letter(delivery)
        if letter is None:
            delivery.state = "dropped"
            return
        now = self.world.now()
        attempt = Attempt(now, None, "The receiver raised an error.")
        try:
            attempt = Attempt(now, self.send(delivery.url, *letter))
        except (requests.RequestException, OSError) as error:
            attempt = Attempt(now, None, type(error).__name__)
        finally:
            # Also when a mounted receiver raises: the test sees its error, and the delivery will be tried again.
            with self.world.lock:
                self._file(delivery, attempt)

    def _file(self, delivery: Delivery, attempt: Attempt) -> None:
        delivery.attempts.append(attempt)
        if attempt.succeeded:
            delivery.state = "delivered"
            delivery.event["pending_webhooks"] = max(0, delivery.event["pending_webhooks"] - 1)
        elif len(delivery.attempts) > len(RETRY_AFTER):
            delivery.state = "failed"
        else:
            delivery.state = "pending"
            delivery.next_at = self.world.now() + RETRY_AFTER[len(delivery.attempts) - 1]
            self._waiting.append(delivery)

    def _letter(self, delivery: Delivery) -> tuple[bytes, dict[str, str]] | None:
        endpoint = self._endpoint(delivery.endpoint)
        if endpoint is None or endpoint["status"] != "enabled":
            return None
        delivery.url = endpoint["url"]
        event = delivery.event | {"api_version": endpoint["api_version"] or API_VERSION}
        if is_connect(endpoint):
            event["account"] = delivery.account
        payload = json.dumps(event, indent=2, ensure_ascii=False)
        # The SDK signs with the wall clock, as a receiver will check it; `created` is on FakeStripe's own clock.
        signature = WebhookSignature.generate_signature_header(payload, endpoint["secret"])
        return payload.encode(), {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": str(signature),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }

    def _endpoint(self, endpoint_id: str) -> Obj | None:
        for platform in self.world.platforms:
            found = self.world.find(platform.account_id, "webhook_endpoint", endpoint_id)
            if found is not None:
                return found
        return None

    # -- controls ------------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Send nothing until `release`."""
        self.held = True

    def release(self) -> None:
        """Go on sending."""
        self.held = False
        self.wake.set()

    def drop(self, times: int = 1) -> None:
        """Lose the next deliveries for good, as if every attempt had failed."""
        self._to_drop += times

    def duplicate(self, times: int = 1) -> None:
        """Send each of the next deliveries twice."""
        self._to_double += times

    def reorder(self) -> int:
        """Turn the order of what is waiting round; returns how many are waiting."""
        with self.world.lock:
            self._waiting.reverse()
            return len(self._waiting)

    def resend(self, event_id: str) -> list[Delivery]:
        """Queue an event once more for every endpoint that wants it now. KeyError where there is no such event."""
        with self.world.lock:
            event, account_id = self._event(event_id)
            wanted = list(self._endpoints(event, account_id))
            return [self._queue(event, account_id, each["id"], each["url"]) for each in wanted]

    def _event(self, event_id: str) -> tuple[Obj, str]:
        for account_id in self.world.accounts:
            event = self.world.find(account_id, "event", event_id)
            if event is not None:
                return event, account_id
        raise KeyError(event_id)


def is_connect(endpoint: Obj) -> bool:
    """Whether an endpoint hears of connected accounts (and not of the platform's own)."""
    return endpoint["application"] is not None


def wants(endpoint: Obj, event_type: str) -> bool:
    """Whether an endpoint subscribed to this type of event."""
    return "*" in endpoint["enabled_events"] or event_type in endpoint["enabled_events"]
