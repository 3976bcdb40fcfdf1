"""The error table: each shape that Stripe's answers have becomes one of ours, with words for people and no secret."""

from __future__ import annotations

import pytest
import stripe

from flask_crm_stripe.adapters.stripe.errors import BY_CODE, BY_STATUS, translate
from flask_crm_stripe.adapters.stripe.provider import StripeProviders
from flask_crm_stripe.errors import (
    AccountGone,
    ProviderError,
    ProviderFailed,
    RateLimited,
    Refused,
    SetupMissing,
    Unreachable,
)
from tests.adapters.stripe.scripted import KEY, Answer, ScriptedTransport, cut, ok, refusal, scripted

NO_ACCESS = f"The provided key '{KEY}' does not have access to account 'acct_1'."
SHAPES: list[tuple[str, Answer, type[ProviderError], str | None]] = [
    ("rate limit", refusal(429, code="rate_limit", message="Slow"), RateLimited, "rate_limit"),
    ("rate limit, old shape", refusal(400, code="rate_limit", message="Slow"), RateLimited, "rate_limit"),
    ("lock", refusal(429, code="lock_timeout", message="Locked"), RateLimited, "lock_timeout"),
    ("429 from a proxy", (429, b"<html>busy</html>", {}), RateLimited, None),
    ("key in use", refusal(409, code="idempotency_key_in_use", message="Wait"), RateLimited, "idempotency_key_in_use"),
    ("bare conflict", refusal(409, message="Conflict"), RateLimited, None),
    ("key used otherwise", refusal(400, type="idempotency_error", message="Keys"), Refused, "idempotency_error"),
    ("wrong key", refusal(401, message=f"Invalid API Key provided: {KEY}"), Refused, None),
    ("revoked, 403", refusal(403, code="account_invalid", message=NO_ACCESS), AccountGone, "account_invalid"),
    ("revoked, 401", refusal(401, code="account_invalid", message=NO_ACCESS), AccountGone, "account_invalid"),
    ("revoked, no code", refusal(403, message=NO_ACCESS), AccountGone, None),
    ("no right", refusal(403, message="The key lacks rak_customer_write."), Refused, None),
    ("card", refusal(402, code="card_declined", message="Declined.", type="card_error"), Refused, "card_declined"),
    ("bad input", refusal(400, code="email_invalid", param="email", message="Invalid email"), Refused, "email_invalid"),
    ("unknown id", refusal(404, code="resource_missing", param="id", message="No such x"), Refused, "resource_missing"),
    ("unknown code", refusal(400, code="from_2031", message="New"), Refused, "from_2031"),
    ("no message", refusal(400), Refused, None),
    ("broken", refusal(500, message="Oh", type="api_error"), ProviderFailed, None),
    ("broken with a code we know", refusal(503, code="lock_timeout", message="Oh"), ProviderFailed, "lock_timeout"),
    ("gateway page", (502, b"<html>bad gateway</html>", {}), ProviderFailed, None),
    ("not built", refusal(501, type="fake_stripe_error", code="not_built", message="No"), ProviderFailed, "not_built"),
    ("unreadable success", (200, b"<html>hello</html>", {}), ProviderFailed, None),
    ("error that is a list", (400, b'{"error": []}', {}), Refused, None),
    ("error that is a word", (502, b'{"error": "Bad Gateway"}', {}), ProviderFailed, "Bad Gateway"),
    ("busy in a word", (429, b'{"error": "slow down"}', {}), RateLimited, "slow down"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "error", "code"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_each_shape_becomes_one_of_ours(answer: Answer, error: type[ProviderError], code: str | None) -> None:
    """The kind, Stripe's code, whether it is certain, and a message that is a sentence without a secret."""
    provider, _, _ = scripted(answer)
    with pytest.raises(ProviderError) as raised:
        provider.account()
    ours = raised.value
    assert type(ours) is error
    assert ours.stripe_code == code
    assert ours.unknown is (error is ProviderFailed)
    assert ours.message[0].isupper()
    assert ours.message.endswith((".", "”", "?"))
    shown = f"{ours.message} {ours!r} {ours.args} {ours.__cause__!r}"
    assert KEY not in shown
    assert "<html>" not in shown
    assert ours.__suppress_context__


def test_the_request_id_and_the_field_are_kept() -> None:
    """Support needs the request id, a form needs the field."""
    provider, _, _ = scripted(refusal(400, code="email_invalid", param="email", message="Invalid"))
    with pytest.raises(Refused) as raised:
        provider.account()
    assert (raised.value.request_id, raised.value.param) == ("req_1", "email")


def test_no_answer_is_not_certain() -> None:
    """A cut line leaves it open whether the work was done."""
    provider, _, _ = scripted(cut(should_retry=False))
    with pytest.raises(Unreachable) as raised:
        provider.account()
    assert raised.value.unknown


def test_stripes_own_words_are_shown_without_secrets() -> None:
    """What Stripe says is passed on where no words of ours fit; keys, codes, links and mail addresses in it are not."""
    said = f"Key {KEY}, secret whsec_abc, “ada@b.example” and https://invoice.stripe.com/i/acct_1/live_x are wrong."
    provider, _, _ = scripted(refusal(400, message=said))
    with pytest.raises(Refused) as raised:
        provider.account()
    assert raised.value.message == (
        "Stripe refused this. It says: “Key …, secret …, “…” and … are wrong.” Nothing was changed."
    )


def test_a_long_message_is_cut() -> None:
    """Stripe's words never fill a page."""
    provider, _, _ = scripted(refusal(400, message="x" * 5_000))
    with pytest.raises(Refused) as raised:
        provider.account()
    assert len(raised.value.message) < 400


@pytest.mark.parametrize("row", [*BY_CODE.values(), *BY_STATUS.values()], ids=[*BY_CODE, *map(str, BY_STATUS)])
def test_every_row_of_the_table_makes_a_sentence(row: tuple[type[ProviderError], str]) -> None:
    """Each entry fills its blanks and ends as a sentence does."""
    kind, words = row
    filled = words.format(said="It gave no reason.", what="customer")
    assert issubclass(kind, ProviderError)
    assert "{" not in filled
    assert filled.endswith((".", "customer)."))


@pytest.mark.parametrize(
    "error",
    [stripe.StripeError("plain"), stripe.AuthenticationError("no key"), stripe.APIError("local")],
)
def test_an_error_of_the_sdk_itself_is_not_called_done(error: stripe.StripeError) -> None:
    """The SDK raises some errors without any answer: what happened is not certain."""
    assert isinstance(translate(error), ProviderFailed)


OAUTH: list[tuple[str, Answer, type[Exception] | None]] = [
    ("not connected", (401, {"error": "invalid_client", "error_description": "Not connected"}, {}), None),
    ("gone", refusal(403, code="account_invalid", message=NO_ACCESS), None),
    ("bad request", (400, {"error": "invalid_request", "error_description": "No"}, {}), Refused),
    ("controlled", (400, {"error": "no_deauth_on_controlled_account", "error_description": "No"}, {}), Refused),
    ("broken", (500, {"error": {"message": "Oh"}}, {}), ProviderFailed),
    ("busy", refusal(429, code="rate_limit", message="Slow"), RateLimited),
]


@pytest.mark.parametrize(("answer", "error"), [row[1:] for row in OAUTH], ids=[row[0] for row in OAUTH])
def test_letting_go_understands_oauths_odd_errors(answer: Answer, error: type[Exception] | None) -> None:
    """Not connected any more counts as done; what the SDK trips over is a refusal in words."""
    provider, transport, _ = scripted(answer)
    if error is None:
        provider.deauthorise()
    else:
        with pytest.raises(error):
            provider.deauthorise()
    _, path, form, headers = transport.requests[0]
    assert (path, form) == ("/oauth/deauthorize", {"stripe_user_id": "acct_1", "client_id": "ca_1"})
    assert "Stripe-Account" not in headers


def test_letting_go_needs_the_client_id() -> None:
    """Without CRM_STRIPE_CLIENT_ID the error names it, and nothing is sent."""
    transport = ScriptedTransport(ok({}))
    provider = StripeProviders(KEY, http_client=transport).for_account("acct_1", livemode=False)
    with pytest.raises(SetupMissing) as raised:
        provider.deauthorise()
    assert raised.value.keys == ("CRM_STRIPE_CLIENT_ID",)
    assert transport.requests == []
