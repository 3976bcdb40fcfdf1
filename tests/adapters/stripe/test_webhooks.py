"""Webhooks: every reason to refuse one, and what is read from one that is Stripe's."""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from flask_crm_stripe.adapters.stripe.webhooks import parse_event, verify
from flask_crm_stripe.errors import InvalidInput, SetupMissing

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OLD, NEW = "whsec_old", "whsec_new"
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "account": "acct_1",
    "api_version": "2026-10-28.endive",
    "created": 1_793_610_000,
    "livemode": False,
    "type": "invoice.paid",
    "request": {"id": "req_1", "idempotency_key": "k"},
    "data": {"object": {"id": "in_1", "object": "invoice", "total": 12_100}},
}
BODY = json.dumps(EVENT, indent=2).encode()


def sign(body: bytes = BODY, secret: str = NEW, at: datetime = NOW, scheme: str = "v1") -> str:
    """The header as Stripe's own library makes it."""
    header: str = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(at.timestamp()))
    return header.replace("v1=", f"{scheme}=")


def test_any_configured_secret_will_do() -> None:
    """While a secret is rolled, events signed with the old and with the new one are both accepted."""
    for secret in (OLD, NEW):
        verify(BODY, sign(secret=secret), [NEW, OLD], NOW)
    verify(BODY, f"{sign(secret=OLD)},{sign(secret='whsec_third').partition(',')[2]}", [OLD], NOW)


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_within_the_tolerance(seconds: int) -> None:
    """Five minutes to either side are accepted."""
    verify(BODY, sign(at=NOW + timedelta(seconds=seconds)), [NEW], NOW)


def test_bytes_that_are_no_text_are_signed_as_they_are() -> None:
    """The signature is over the raw bytes, whatever they are."""
    body = b"\xff\x00{}"
    stamp = str(int(NOW.timestamp()))
    digest = hmac.new(NEW.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    verify(body, f"t={stamp},v1={digest}", [NEW], NOW)


REFUSED: dict[str, str | None] = {
    "no header": None,
    "empty": "",
    "nonsense": "hello",
    "no time": sign().partition(",")[2],
    "two times": f"t=1,{sign()}",
    "time is no number": sign().replace("t=", "t=x"),
    "other digits": "t=١٢٣,v1=00",
    "signed time": sign().replace("t=", "t=+"),
    "time with a gap": sign().replace("t=", "t= "),
    "no signature": sign().partition(",")[0],
    "empty signature": f"{sign().partition(',')[0]},v1=",
    "only an old scheme": sign(scheme="v0"),
    "other secret": sign(secret="whsec_forged"),
    "other body": sign(body=BODY.replace(b"in_1", b"in_2")),
    "signature is no ASCII": f"{sign().partition(',')[0]},v1=é€\udcff",
    "stale": sign(at=NOW - timedelta(seconds=301)),
    "from the future": sign(at=NOW + timedelta(seconds=301)),
    "time changed after signing": sign().replace(f"t={int(NOW.timestamp())}", f"t={int(NOW.timestamp()) + 1}"),
}


@pytest.mark.parametrize("header", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(header: str | None) -> None:
    """Missing, malformed, forged, stale and future signatures: InvalidInput that names the header, no secret shown."""
    with pytest.raises(InvalidInput) as refusal:
        verify(BODY, header, [NEW, OLD], NOW)
    assert refusal.value.field == "Stripe-Signature"
    assert NEW not in refusal.value.message
    assert refusal.value.message.endswith((".", "…."))


@pytest.mark.parametrize("secrets", [[], [""], ["  "]])
def test_without_a_secret_nothing_is_accepted(secrets: list[str]) -> None:
    """No secret, or an empty one, never means "everything is fine"."""
    stamp = str(int(NOW.timestamp()))
    empty = hmac.new(b"", stamp.encode() + b"." + BODY, hashlib.sha256).hexdigest()
    with pytest.raises(SetupMissing) as refusal:
        verify(BODY, f"t={stamp},v1={empty}", secrets, NOW)
    assert refusal.value.keys == ("CRM_STRIPE_WEBHOOK_SECRETS",)


@given(body=st.binary(max_size=200), secret=st.text("abc_", min_size=1, max_size=20), flip=st.integers(0, 1599))
def test_one_changed_bit_is_noticed(body: bytes, secret: str, flip: int) -> None:
    """Whatever was signed, the same signature does not hold for anything else."""
    stamp = str(int(NOW.timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    header = f"t={stamp},v1={digest}"
    verify(body, header, [secret], NOW)
    place = flip % (len(body) * 8) if body else 0
    changed = bytearray(body or b"\x00")
    changed[place // 8] ^= 1 << (place % 8)
    if bytes(changed) != body:
        with pytest.raises(InvalidInput):
            verify(bytes(changed), header, [secret], NOW)


def event(**changes: Any) -> bytes:
    """The event with other values; None leaves a field out."""
    merged = {**EVENT, **changes}
    return json.dumps({name: value for name, value in merged.items() if value is not None}).encode()


def about(kind: str, **thing: Any) -> bytes:
    """An event of this type about this object."""
    return event(type=kind, data={"object": thing})


def test_an_invoice_event_is_read_whole() -> None:
    """All that routing and storing need; the raw bytes stay with it and out of its repr."""
    incoming = parse_event(BODY)
    assert (incoming.event_id, incoming.type, incoming.account_id, incoming.livemode) == (
        "evt_1",
        "invoice.paid",
        "acct_1",
        False,
    )
    assert (incoming.object_id, incoming.object_type, incoming.invoice_id) == ("in_1", "invoice", "in_1")
    assert incoming.created == datetime.fromtimestamp(1_793_610_000, UTC)
    assert (incoming.api_version, incoming.request_id) == ("2026-10-28.endive", "req_1")
    assert incoming.body == BODY
    assert "12100" not in repr(incoming)


RELATED: list[tuple[bytes, str | None]] = [
    (about("invoice.upcoming", object="invoice"), None),
    (about("invoice_payment.paid", id="inpay_1", object="invoice_payment", invoice="in_7"), "in_7"),
    (about("invoice_payment.paid", id="inpay_1", object="invoice_payment", invoice={"id": "in_8"}), "in_8"),
    (about("invoice_payment.paid", id="inpay_1", object="invoice_payment"), None),
    (about("payment_intent.succeeded", id="pi_1", object="payment_intent", invoice="in_9"), None),
    (about("charge.failed", id="ch_1", object="charge", invoice="in_9"), None),
    (about("account.updated", id="acct_1", object="account"), None),
]


@pytest.mark.parametrize(("body", "invoice"), RELATED)
def test_the_invoice_it_is_about(body: bytes, invoice: str | None) -> None:
    """Invoices and their payments name their invoice; payment intents and charges have not done so since 2025."""
    assert parse_event(body).invoice_id == invoice


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"account": None}, {"account_id": ""}),
        ({"request": None}, {"request_id": None}),
        ({"request": "req_old"}, {"request_id": "req_old"}),
        ({"request": {"id": None}}, {"request_id": None}),
        ({"request": 7}, {"request_id": None}),
        ({"api_version": None}, {"api_version": None}),
        ({"livemode": True}, {"livemode": True}),
        ({"type": "brand.new_thing"}, {"type": "brand.new_thing", "invoice_id": None}),
    ],
)
def test_what_may_be_missing_or_new(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    """Events of the platform, without a request, of other versions and of new types are read all the same."""
    incoming = parse_event(event(**changes))
    assert {name: getattr(incoming, name) for name in expected} == expected


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"hello",
    "no text": b"\xff\xfe\xfd",
    "a list": b"[]",
    "null": b"null",
    "very deep": b'{"a":' * 100_000,
    "thin event": event(object="v2.core.event"),
    "no object": event(object=None),
    "no id": event(id=None),
    "id is a number": event(id=7),
    "id with a null character": event(id="evt_\x00"),
    "id with markup": event(id="<script>"),
    "endless id": event(id="e" * 256),
    "no type": event(type=None),
    "type with spaces": event(type="invoice paid"),
    "account is a list": event(account=["acct_1"]),
    "no livemode": event(livemode=None),
    "livemode is a word": event(livemode="false"),
    "no created": event(created=None),
    "created is true": event(created=True),
    "created is endless": event(created=10**30),
    "created is negative": event(created=-1),
    "created is text": event(created="1"),
    "no data": event(data=None),
    "data without object": event(data={}),
    "object is text": event(data={"object": "in_1"}),
    "object id is a dict": about("invoice.paid", id={"a": 1}, object="invoice"),
    "payment of a malformed invoice": about("invoice_payment.paid", id="inpay_1", invoice=["in_1"]),
    "version is a number": event(api_version=7),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_is_refused_in_words(body: bytes) -> None:
    """InvalidInput with the field's name, never another exception."""
    with pytest.raises(InvalidInput) as refusal:
        parse_event(body)
    assert refusal.value.field


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(EVENT)), inner, max_size=5),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    """No JSON whatever makes anything but an event or InvalidInput."""
    body = json.dumps({**EVENT, **value} if isinstance(value, dict) else value).encode()
    with suppress(InvalidInput):
        assert parse_event(body).body == body
