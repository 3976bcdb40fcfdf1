"""Attempts to pay an invoice.

An invoice's payments hang on InvoicePayment objects: the only way from an invoice to its payment intents and charges
since API version 2025-03-31 (basil).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import stripe
from stripe.params import InvoicePaymentListParams

from flask_crm_stripe.adapters.stripe.client import AccountCalls
from flask_crm_stripe.adapters.stripe.values import PAGE, every, id_of, moment, plain
from flask_crm_stripe.adapters.stripe.words import RECORDED, UNKNOWN, decline_words, method_words
from flask_crm_stripe.model.invoices import Payment

# Four levels, the deepest that Stripe expands in a list.
EXPAND = ["data.payment.payment_intent.latest_charge", "data.payment.charge"]


class PaymentCalls(AccountCalls):
    """Reading payments."""

    def payments(self, invoice_id: str) -> Sequence[Payment]:
        """Every attempt to pay the invoice that Stripe still tells of, oldest first.

        Stripe tells the latest failure of a payment intent, and forgets it when a later attempt succeeds.
        """

        def page(after: str | None) -> stripe.ListObject[stripe.InvoicePayment]:
            params: InvoicePaymentListParams = {"invoice": invoice_id, "limit": PAGE, "expand": EXPAND}
            if after:
                params["starting_after"] = after
            return self.call(lambda: self.client.v1.invoice_payments.list(params, self.options()))

        read = (read_payment(row) for row in every(page))
        return tuple(sorted((payment for payment in read if payment), key=lambda payment: payment.at))

    def invoice_of_payment(self, payment_intent: str) -> str | None:
        """The invoice that a payment intent pays: it does not say so itself."""
        params: InvoicePaymentListParams = {
            "payment": {"type": "payment_intent", "payment_intent": payment_intent},
            "limit": 1,
        }
        answer = plain(self.call(lambda: self.client.v1.invoice_payments.list(params, self.options())))
        return next((id_of(row.get("invoice")) or None for row in answer.get("data") or ()), None)


def read_payment(row: Mapping[str, Any]) -> Payment | None:
    """One InvoicePayment as an attempt, None where nobody has tried to pay yet."""
    payment = row.get("payment") or {}
    intent = _object(payment.get("payment_intent"))
    charge = _object(intent.get("latest_charge")) or _object(payment.get("charge"))
    if row.get("status") == "paid":
        return _succeeded(row, payment, charge)
    if error := _object(intent.get("last_payment_error")):
        return _failed(row, payment, charge, error)
    if intent.get("status") == "processing" or charge.get("status") == "pending":
        return _attempt(row, payment, charge, status="pending", at=charge.get("created"))
    return None


def _succeeded(row: Mapping[str, Any], payment: Mapping[str, Any], charge: Mapping[str, Any]) -> Payment:
    at = (row.get("status_transitions") or {}).get("paid_at")
    status = "refunded" if charge.get("refunded") else "succeeded"
    return _attempt(row, payment, charge, status=status, at=at or charge.get("created"))


def _failed(
    row: Mapping[str, Any], payment: Mapping[str, Any], charge: Mapping[str, Any], error: Mapping[str, Any]
) -> Payment:
    # The failed charge is its own attempt: a later success on the same payment intent has another charge.
    failed = charge if charge.get("status") == "failed" else {"id": id_of(error.get("charge"))}
    details = failed.get("payment_method_details") or error.get("payment_method")
    reason = decline_words(error.get("decline_code"), error.get("code"))
    tried = {**failed, "payment_method_details": details}
    return _attempt(row, payment, tried, status="failed", at=failed.get("created"), reason=reason)


def _attempt(
    row: Mapping[str, Any],
    payment: Mapping[str, Any],
    charge: Mapping[str, Any],
    *,
    status: str,
    at: object,
    reason: str | None = None,
) -> Payment:
    intent = id_of(payment.get("payment_intent")) or None
    paid = row.get("amount_paid")
    return Payment(
        stripe_id=id_of(charge) or intent or row["id"],
        method=_method(payment, charge),
        amount=row["amount_requested"] if paid is None else paid,
        currency=row["currency"],
        status=status,
        at=_at(at, row),
        reason=reason,
        payment_intent=intent,
        refunded=charge.get("amount_refunded") or 0,
    )


def _method(payment: Mapping[str, Any], charge: Mapping[str, Any]) -> str:
    if details := _object(charge.get("payment_method_details")):
        return method_words(details)
    return RECORDED if payment.get("type") == "payment_record" else UNKNOWN


def _at(seconds: object, row: Mapping[str, Any]) -> datetime:
    at = moment(seconds) or moment(row["created"])
    if at is None:
        raise ValueError("An invoice payment of Stripe's has no time of creation.")
    return at


def _object(value: object) -> Mapping[str, Any]:
    """An expanded object; nothing for an id or null."""
    return value if isinstance(value, Mapping) else {}
