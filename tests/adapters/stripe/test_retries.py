"""Which calls are made again: few, short, with the same key, and never where it could do harm."""

from __future__ import annotations

import pytest
import requests
import stripe

from flask_crm_stripe.errors import ProviderError, ProviderFailed, RateLimited, Refused, Unreachable
from flask_crm_stripe.model.invoices import CustomerDraft
from tests.adapters.stripe.scripted import CUSTOMER, Answer, cut, ok, refusal, scripted

DRAFT = CustomerDraft("Ada", None, None, None)
BUSY = refusal(429, code="rate_limit", message="Slow")
AGAIN = {"Stripe-Should-Retry": "true"}
NOT_AGAIN = {"Stripe-Should-Retry": "false"}


def read_timeout() -> stripe.APIConnectionError:
    """What the SDK raises when the answer did not come in time."""
    error = cut()
    error.__cause__ = requests.ReadTimeout("read timed out")
    return error


@pytest.mark.parametrize(
    "first",
    [BUSY, refusal(409, message="Lock"), cut(), refusal(500, AGAIN, message="Oh")],
    ids="429 409 cut told".split(),
)
def test_a_passing_trouble_is_overcome_with_the_same_key(first: Answer | Exception) -> None:
    """The second try has the same Idempotency-Key and account, and its answer is the answer."""
    provider, transport, slept = scripted(first, ok(CUSTOMER))
    assert provider.create_customer(DRAFT, "key-1").id == "cus_1"
    assert [headers["Idempotency-Key"] for *_, headers in transport.requests] == ["key-1", "key-1"]
    assert [headers["Stripe-Account"] for *_, headers in transport.requests] == ["acct_1", "acct_1"]
    assert len(slept) == 1


COUNTS: list[tuple[str, Answer | Exception, type[ProviderError], int]] = [
    ("busy for long", BUSY, RateLimited, 3),
    ("line down", cut(), Unreachable, 3),
    ("silence", read_timeout(), Unreachable, 2),
    ("not worth it", cut(should_retry=False), Unreachable, 1),
    ("busy, told not to", refusal(429, NOT_AGAIN, message="No"), RateLimited, 1),
    ("broken", refusal(500, message="Oh"), ProviderFailed, 1),
    ("broken, told to", refusal(503, AGAIN, message="Oh"), ProviderFailed, 3),
    ("refused", refusal(400, message="No"), Refused, 1),
    ("refused by the bank", refusal(402, code="card_declined", message="No"), Refused, 1),
    ("unreadable", (200, b"?", {}), ProviderFailed, 1),
]


@pytest.mark.parametrize(("answer", "error", "tries"), [row[1:] for row in COUNTS], ids=[row[0] for row in COUNTS])
def test_how_often_each_trouble_is_tried(answer: Answer | Exception, error: type[ProviderError], tries: int) -> None:
    """Two extra tries at most, one after silence, none where it can't help; waits are short and grow."""
    provider, transport, slept = scripted(answer)
    with pytest.raises(error):
        provider.create_customer(DRAFT, "key-1")
    assert len(transport.requests) == tries
    assert len(slept) == tries - 1
    assert all(0.25 <= seconds <= 2.25 for seconds in slept)
    assert slept == sorted(slept)


def test_silence_and_then_busy_is_not_called_not_done() -> None:
    """The first try stayed without an answer and may have done it: a 429 after it must not hide that."""
    provider, _, _ = scripted(cut(), BUSY)
    with pytest.raises(Unreachable) as raised:
        provider.create_customer(DRAFT, "key-1")
    assert raised.value.unknown


def test_silence_and_then_a_refusal_is_a_refusal() -> None:
    """Under the same key a refusal is the truth: had the first try been done, its answer would have come back."""
    provider, _, _ = scripted(cut(), refusal(400, code="email_invalid", message="No"))
    with pytest.raises(Refused):
        provider.create_customer(DRAFT, "key-1")


def test_the_sdk_does_not_retry_beside_us() -> None:
    """One try of ours is one request: the SDK's own retries are off."""
    provider, transport, _ = scripted(refusal(500, message="Oh"))
    with pytest.raises(ProviderFailed):
        provider.account()
    assert len(transport.requests) == 1


def test_a_fault_of_our_own_is_not_retried_or_hidden() -> None:
    """What is no error of the SDK's comes out as it is, after one try."""
    provider, transport, _ = scripted(ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError):
        provider.account()
    assert len(transport.requests) == 1
