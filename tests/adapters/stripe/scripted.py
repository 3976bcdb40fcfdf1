"""A transport under the SDK that answers from a script: for answers that FakeStripe has no way to give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import stripe
from requests.structures import CaseInsensitiveDict

from flask_crm_stripe.adapters.stripe.provider import StripeProvider, StripeProviders

KEY = "sk_test_canary51"
Answer = tuple[int, Any, dict[str, str]]


class ScriptedTransport(stripe.HTTPClient):
    """Gives ``answers`` in order, the last one for ever: (status, body, headers), or an exception to raise."""

    name = "scripted"

    def __init__(self, *answers: Answer | Exception) -> None:
        super().__init__()
        self._answers = list(answers)
        self.requests: list[tuple[str, str, dict[str, str], Mapping[str, str]]] = []

    def request(  # type: ignore[override]  # the SDK's annotation says str, its own clients return bytes
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """The next answer."""
        form = dict(parse_qsl(post_data or urlsplit(url).query, keep_blank_values=True))
        self.requests.append((method, urlsplit(url).path, form, dict(headers or {})))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, body, answered = answer
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return content, status, CaseInsensitiveDict(answered)

    def close(self) -> None:
        """Nothing to close."""


def refusal(status: int, headers: dict[str, str] | None = None, **error: Any) -> Answer:
    """An error answer in Stripe's shape."""
    return status, {"error": error}, {"Request-Id": "req_1", **(headers or {})}


def ok(body: dict[str, Any]) -> Answer:
    """An answer that went well."""
    return 200, body, {"Request-Id": "req_2"}


def cut(should_retry: bool = True) -> stripe.APIConnectionError:
    """A line that was cut."""
    return stripe.APIConnectionError("cut", should_retry=should_retry)  # type: ignore[no-untyped-call]


def scripted(*answers: Answer | Exception) -> tuple[StripeProvider, ScriptedTransport, list[float]]:
    """A provider over a script, with the transport and the seconds that it would have slept."""
    transport, slept = ScriptedTransport(*answers), []  # type: ScriptedTransport, list[float]
    providers = StripeProviders(KEY, client_id="ca_1", http_client=transport, sleep=slept.append)
    return providers.for_account("acct_1", livemode=False), transport, slept


CUSTOMER = {"id": "cus_1", "object": "customer"}
