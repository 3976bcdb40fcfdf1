"""Stripe's errors become ours here, and nowhere else: one table, one translation, one context manager.

Shapes are those of stripe-python 16 (``_api_requestor.specific_v1_api_error``). Its ``error.code`` is empty on 401,
403, 409, 429 and 5xx, where only the body has the code; a body that is no JSON gives an APIError with the bare status.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from flask_crm_stripe.errors import AccountGone, ProviderError, ProviderFailed, RateLimited, Refused, Unreachable

GONE = (
    "Stripe no longer lets this CRM act for the connected account: it was disconnected, rejected or closed. "
    "Nothing was changed. Connect Stripe again in Settings."
)
BAD_KEY = (
    "Stripe does not accept this CRM's own key (CRM_STRIPE_API_KEY). Nothing was changed. "
    "Ask whoever runs the CRM to check it."
)
NOT_NOW = "Stripe is busy with other work for this account. Nothing was changed. Try again in a moment."
NO_ANSWER = (
    "Stripe did not answer, so it is not certain yet whether this was done. "
    "Try again: what was done already is found, and not done twice."
)
BROKEN = (
    "Stripe had a problem of its own, so it is not certain yet whether this was done. "
    "Try again in a moment: what was done already is found, and not done twice."
)

# The table: Stripe's code -> (our error, words). A code decides before the HTTP status does.
BY_CODE: dict[str, tuple[type[ProviderError], str]] = {
    "account_invalid": (AccountGone, GONE),
    "account_closed": (AccountGone, GONE),
    "rate_limit": (RateLimited, NOT_NOW),
    "lock_timeout": (RateLimited, NOT_NOW),
    "idempotency_key_in_use": (
        RateLimited,
        "The same request is being worked on at Stripe right now. Try again in a moment.",
    ),
    "idempotency_error": (
        Refused,
        "This step was tried before with other details, and Stripe keeps to the first. Nothing was changed. "
        "Look at the details again and repeat the action.",
    ),
    "api_key_expired": (Refused, BAD_KEY),
    "platform_api_key_expired": (Refused, BAD_KEY),
    "secret_key_required": (Refused, BAD_KEY),
    "testmode_charges_only": (
        Refused,
        "This Stripe account cannot take real payments yet. Complete its activation in the Stripe dashboard first.",
    ),
    "resource_missing": (
        Refused,
        "Something that this needs is not at Stripe any more ({what}). Nothing was changed. "
        "It may have been deleted in the Stripe dashboard.",
    ),
    "resource_already_exists": (
        Refused,
        "At Stripe there is already something with the same id. Nothing was changed.",
    ),
    "email_invalid": (Refused, "Stripe does not accept the e-mail address. Correct it in the CRM and try again."),
    "phone_number_invalid": (Refused, "Stripe does not accept the phone number. Correct it in the CRM and try again."),
    "country_unsupported": (Refused, "Stripe does not know the country. Write its code in the CRM (like NL)."),
    "tax_id_invalid": (Refused, "Stripe does not accept the VAT number. Correct it in the CRM and try again."),
    "amount_too_small": (Refused, "The amount is smaller than Stripe can charge in this currency."),
    "amount_too_large": (Refused, "The amount is larger than Stripe can charge in this currency."),
    "invalid_charge_amount_no_decimal_compatible": (
        Refused,
        "This currency has no smaller unit: amounts must be whole. Round them in the CRM and try again.",
    ),
    "invoice_no_customer_line_items": (Refused, "The invoice has no lines, so there is nothing to send."),
    "invoice_not_editable": (Refused, "The invoice is final at Stripe, so it cannot be changed any more."),
    "product_inactive": (
        Refused,
        "The service is archived at Stripe, so it cannot be invoiced. Make it active in the CRM, or choose another.",
    ),
    "status_transition_invalid": (Refused, "The invoice is in a state at Stripe that does not allow this step."),
    "no_deauth_on_controlled_account": (
        Refused,
        "Stripe does not let this CRM give up its access to the account. "
        "Remove it in the Stripe dashboard instead, under Settings, Installed apps.",
    ),
}  # fmt: skip

BY_STATUS: dict[int, tuple[type[ProviderError], str]] = {
    401: (Refused, BAD_KEY),
    402: (Refused, "The payment was not accepted. {said}"),
    403: (Refused, "This CRM's key may not do that at Stripe. {said} Ask whoever runs the CRM to check its rights."),
    409: (RateLimited, NOT_NOW),
    429: (RateLimited, NOT_NOW),
}
OTHER_4XX = (Refused, "Stripe refused this. {said} Nothing was changed.")
_NO_ACCESS = "does not have access to account"

_SECRET = re.compile(r"\b(?:sk|rk|pk|whsec|ac)_\w+|https?://\S+|[^\s@<>\"'()“”]+@[^\s@<>\"'()“”]+")


@contextmanager
def stripe_errors() -> Iterator[None]:
    """Everything that the SDK raises inside leaves as one of ours.

    The cause is cut off: the SDK's text can hold whole answers of Stripe's, and with them links that open an invoice.
    """
    try:
        yield
    except stripe.StripeError as error:
        raise translate(error) from None


@contextmanager
def sdk_mishaps() -> Iterator[None]:
    """Make a StripeError of the AttributeError that stripe-python 16 dies of when ``error`` in a body is no object.

    Gateways answer {"error": "Bad Gateway"}, and OAuth words that the SDK has no class for end the same way
    (``_api_requestor.handle_error_response``). Any other AttributeError passes: it is a fault of ours.
    """
    try:
        yield
    except AttributeError as error:
        frame = list(traceback.walk_tb(error.__traceback__))[-1][0]
        if frame.f_code.co_name != "specific_v1_api_error":
            raise
        seen = frame.f_locals
        raise stripe.APIError(None, None, seen["rcode"], seen["resp"], seen["rheaders"]) from None


def translate(error: stripe.StripeError) -> ProviderError:
    """Our error for one of the SDK's, with words for people and without secrets."""
    code, param = stripe_code(error), _word(error, "param")
    kind, words = _row(error, code)
    said = f"It says: “{_said(error)}”" if _said(error) else "It gave no reason."
    text = words.format(said=said, what=param or _said(error) or "it has no name")
    return kind(text, request_id=_request_id(error), stripe_code=code, param=param)


def stripe_code(error: stripe.StripeError) -> str | None:
    """Stripe's code, wherever it stands: OAuth's is the bare ``error``, an idempotency error has only a type."""
    code = getattr(error, "code", None) or _word(error, "code")
    if code is None and isinstance(error.json_body, dict) and isinstance(error.json_body.get("error"), str):
        code = error.json_body["error"][:100]
    if code is None and isinstance(error, stripe.IdempotencyError):
        return "idempotency_error"
    return str(code) if code else None


def _row(error: stripe.StripeError, code: str | None) -> tuple[type[ProviderError], str]:
    if isinstance(error, stripe.APIConnectionError):
        return Unreachable, NO_ANSWER
    status = error.http_status
    if status is None or status < 400 or status >= 500:
        return ProviderFailed, BROKEN
    if code in BY_CODE:
        return BY_CODE[code]
    if status in (401, 403) and _NO_ACCESS in (error.user_message or ""):
        return AccountGone, GONE
    return BY_STATUS.get(status, OTHER_4XX)


def _said(error: stripe.StripeError) -> str:
    """Stripe's own message, without what looks like a key, a link or a mail address, and not endless.

    An answer that is no JSON has no message of Stripe's: the SDK then quotes all of it, which nobody should read.
    """
    message = _word(error, "message") or ""
    return _SECRET.sub("…", message).strip()[:300]


def _word(error: stripe.StripeError, name: str) -> str | None:
    """A text of the error's JSON body. OAuth's bodies have a bare word where others have an object."""
    body: Any = error.json_body
    inner = body.get("error") if isinstance(body, dict) else None
    value = inner.get(name) if isinstance(inner, dict) else None
    return value if isinstance(value, str) else None


def _request_id(error: stripe.StripeError) -> str | None:
    headers = error.headers or {}
    return next((value for name, value in headers.items() if name.lower() == "request-id"), None)
