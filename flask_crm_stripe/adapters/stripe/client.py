"""The one Stripe client of an installation, and how a call goes through it.

One client means one pool of connections: the SDK keeps a session per (client, thread), so a client per business would
dial again for every call. The account travels with each call as ``Stripe-Account``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import requests
import stripe
from stripe import RequestOptions, StripeClient, StripeResponse

from flask_crm_stripe.adapters.stripe.retries import Retries
from flask_crm_stripe.errors import ProviderError
from flask_crm_stripe.ports.runtime import Clock

Answered = TypeVar("Answered")

CONNECT_TIMEOUT = 3.05
READ_TIMEOUT = 20.0

_BODIES = ("message='API response body'", "message='Post details'")


def make_client(
    api_key: str,
    *,
    client_id: str | None = None,
    api_base: str | None = None,
    connect_base: str | None = None,
    http_client: stripe.HTTPClient | None = None,
) -> StripeClient:
    """A client with our time-outs (in seconds: 3.05 to connect, 20 to read) and without retries of the SDK's own.

    ``api_base`` and ``connect_base`` are other hosts than Stripe's (FakeStripe, a proxy).
    """
    # Per process, the SDK has no finer switch: it sends the host name and timings of earlier calls.
    stripe.enable_telemetry = False
    _keep_bodies_out_of_logs()
    bases = {"api": api_base, "connect": connect_base}
    return StripeClient(
        api_key,
        client_id=client_id,
        max_network_retries=0,
        http_client=http_client or straight_client(),
        base_addresses={name: base.rstrip("/") for name, base in bases.items() if base},  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class AccountCalls:
    """Calls for one account in one mode. The capabilities (customers, invoicing, ...) are built on this.

    ``trace`` is given Stripe's id of every request.
    """

    client: StripeClient = field(repr=False)
    account_id: str
    livemode: bool
    clock: Clock = field(repr=False)
    retries: Retries = field(repr=False)
    trace: list[str] = field(default_factory=list, repr=False)

    def options(self, key: str | None = None) -> RequestOptions:
        """What goes with a call beside its parameters: the account, and an Idempotency-Key where it changes things."""
        if key is None:
            return {"stripe_account": self.account_id}
        return {"stripe_account": self.account_id, "idempotency_key": key}

    def call(self, work: Callable[[], Answered]) -> Answered:
        """Do one call; raises our own errors (``adapters.stripe.errors``) after the retries that are safe."""
        try:
            answer = self.retries(work)
        except ProviderError as error:
            self._traced(error.request_id)
            raise
        response = answer if isinstance(answer, StripeResponse) else getattr(answer, "last_response", None)
        self._traced(getattr(response, "request_id", None))
        return answer

    def raw(self, method: str, path: str, params: Mapping[str, Any], key: str | None = None) -> StripeResponse:
        """One call whose answer is left as it came. To make the SDK's objects of an invoice, only to take them apart
        again, costs more than all the rest that we do with it."""
        options = self.options(key)
        answer = self.call(lambda: self.client.raw_request(method, path, **params, **options))
        return cast(StripeResponse, answer)

    def _traced(self, request_id: str | None) -> None:
        if request_id:
            self.trace.append(request_id)


class StraightSession(requests.Session):
    """Follows no redirect: Stripe sends none, and a key must not travel to where somebody else points."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere."""
        return None


class StraightClient(stripe.RequestsClient):
    """The SDK's transport, without redirects."""

    def request(  # type: ignore[override]  # as the SDK's own
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One request, in this thread's own session."""
        if getattr(self._thread_local, "session", None) is None:
            self._thread_local.session = StraightSession()
        return super().request(method, url, headers, post_data)


def straight_client() -> StraightClient:
    """With our time-outs."""
    return StraightClient(timeout=(CONNECT_TIMEOUT, READ_TIMEOUT))


class _NoBodies(logging.Filter):
    """At DEBUG the SDK logs every body, and with it hosted invoice addresses, which are bearer secrets, and names."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not any(marker in str(record.msg) for marker in _BODIES)


_no_bodies = _NoBodies()


def _keep_bodies_out_of_logs() -> None:
    logging.getLogger("stripe").addFilter(_no_bodies)
