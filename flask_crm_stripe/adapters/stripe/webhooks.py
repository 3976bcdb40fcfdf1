"""Webhooks: is it Stripe's, is it fresh, and what is it about. Pure functions over the raw bytes.

The SDK's own check takes one secret and accepts any time in the future; and its event objects raise for missing fields.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask_crm_stripe.errors import InvalidInput, SetupMissing
from flask_crm_stripe.model.events import IncomingEvent

TOLERANCE = 300
HEADER = "Stripe-Signature"
_ID = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_TYPE = re.compile(r"[a-z0-9_.]{1,255}")


def verify(body: bytes, header: str | None, secrets: Sequence[str], now: datetime, tolerance: int = TOLERANCE) -> None:
    """Raises ``InvalidInput`` unless one of ``secrets`` signed these bytes within ``tolerance`` seconds of ``now``.

    The scheme is Stripe's (https://docs.stripe.com/webhooks#verify-manually): HMAC-SHA256 of "t.body", in ``v1``; other
    versions are ignored. Raises ``SetupMissing`` without a secret.
    """
    usable = [secret for secret in secrets if secret.strip()]
    if not usable:
        raise SetupMissing(["CRM_STRIPE_WEBHOOK_SECRETS"])
    stamp, signatures = _read_header(header)
    signed = stamp.encode() + b"." + body
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in usable]
    if not any(hmac.compare_digest(ours, theirs) for ours in expected for theirs in signatures):
        raise InvalidInput(HEADER, "The signature fits none of the secrets in CRM_STRIPE_WEBHOOK_SECRETS.")
    age = int(now.timestamp()) - int(stamp)
    if age > tolerance:
        raise InvalidInput(HEADER, f"The event was signed {age} seconds ago; more than {tolerance} are not accepted.")
    if age < -tolerance:
        raise InvalidInput(HEADER, "The event was signed in the future. Check the clock of this server.")


def parse_event(body: bytes) -> IncomingEvent:
    """A snapshot event from its JSON. Raises ``InvalidInput`` that names what is wrong.

    ``account_id`` is "" for an event of the platform's own, which belongs to no business. ``invoice_id`` is found for
    invoices and invoice payments; payment intents and charges do not name their invoice.
    """
    event = _json_object(body)
    if event.get("object") != "event":
        raise InvalidInput("object", "This is not a snapshot event. Make the webhook endpoint with snapshot payloads.")
    about = _mapping(_mapping(event, "data"), "object")
    kind = _text(event, "type", _TYPE)
    return IncomingEvent(
        event_id=_text(event, "id", _ID),
        type=kind,
        account_id=_text(event, "account", _ID, default=""),
        livemode=_livemode(event),
        object_id=_text(about, "id", _ID, default=""),
        object_type=_text(about, "object", _TYPE, default=""),
        created=_created(event),
        api_version=_text(event, "api_version", _ID, default="") or None,
        request_id=_request_id(event.get("request")),
        invoice_id=_invoice_id(kind, about),
        body=body,
        payment_intent=_payment_intent(about),
        customer_id=_customer_id(about),
    )


def _read_header(header: str | None) -> tuple[str, list[bytes]]:
    parts = [part.strip().partition("=") for part in (header or "").split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    signatures = [value.encode("utf-8", "replace") for name, _, value in parts if name == "v1" and value]
    # [0-9], because int() also reads other scripts' digits, signs, spaces and underscores.
    if len(stamps) != 1 or not re.fullmatch(r"[0-9]{1,12}", stamps[0]) or not signatures:
        raise InvalidInput(HEADER, "The signature header is missing or malformed: it is like t=1700000000,v1=….")
    return stamps[0], signatures


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput("body", "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise InvalidInput("body", "The body is not a JSON object.")
    return value


def _mapping(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise InvalidInput(name, f"The event has no “{name}” object.")
    return value


def _text(parent: Mapping[str, Any], name: str, shape: re.Pattern[str], default: str | None = None) -> str:
    """A text of the given shape; ``default`` where it is absent or null. Never one that a database could choke on."""
    value = parent.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise InvalidInput(name, f"The event's “{name}” is missing or malformed.")
    return value


def _livemode(event: Mapping[str, Any]) -> bool:
    value = event.get("livemode")
    if not isinstance(value, bool):
        raise InvalidInput("livemode", "The event does not say whether it is of live mode.")
    return value


def _created(event: Mapping[str, Any]) -> datetime:
    value = event.get("created")
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 253_402_300_800:
        return datetime.fromtimestamp(value, UTC)
    raise InvalidInput("created", "The event's “created” is not a time in Unix seconds.")


def _request_id(request: object) -> str | None:
    """An object since 2017, a bare id before; null where no request caused the event."""
    value = request.get("id") if isinstance(request, dict) else request
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _invoice_id(kind: str, about: Mapping[str, Any]) -> str | None:
    if kind.startswith("invoice."):
        return _text(about, "id", _ID, default="") or None
    if kind.startswith(("invoice_payment.", "credit_note.")):
        invoice = about.get("invoice")
        holder = invoice if isinstance(invoice, dict) else {"id": invoice}
        return _text(holder, "id", _ID, default="") or None
    return None


def _payment_intent(about: Mapping[str, Any]) -> str | None:
    """Which payment intent a charge, refund or dispute is about, or the event itself."""
    if about.get("object") == "payment_intent":
        return _id_of(about.get("id"))
    return _id_of(about.get("payment_intent"))


def _customer_id(about: Mapping[str, Any]) -> str | None:
    """Whose personal data may stand in the body."""
    if about.get("object") == "customer":
        return _id_of(about.get("id"))
    return _id_of(about.get("customer"))


def _id_of(value: object) -> str | None:
    """An id, or that of an expanded object; anything else is none."""
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) and _ID.fullmatch(found) else None
