"""Stripe's codes for payment methods and declines, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_crm_stripe.model.payments import RECORDED

__all__ = ["RECORDED", "UNKNOWN", "decline_words", "method_words", "refund_words"]
NO_REASON = "The bank gave no reason."

METHODS = {
    "acss_debit": "Pre-authorised debit",
    "ach_credit_transfer": "Bank transfer",
    "ach_debit": "Direct debit",
    "au_becs_debit": "Direct debit",
    "bacs_debit": "Bacs Direct Debit",
    "bancontact": "Bancontact",
    "card_present": "Card in person",
    "cashapp": "Cash App",
    "customer_balance": "Bank transfer",
    "eps": "EPS",
    "giropay": "giropay",
    "ideal": "iDEAL",
    "jp_credit_transfer": "Bank transfer",
    "klarna": "Klarna",
    "link": "Link",
    "p24": "Przelewy24",
    "paypal": "PayPal",
    "sepa_credit_transfer": "Bank transfer",
    "sepa_debit": "SEPA Direct Debit",
    "sofort": "Sofort",
    "swish": "Swish",
    "twint": "TWINT",
    "us_bank_account": "Direct debit",
}
"""What is not here is shown as Stripe writes it, with spaces: new methods appear without a release of ours."""

UNKNOWN = "Payment"

# https://docs.stripe.com/declines/codes and the codes of https://docs.stripe.com/error-codes that a payer can meet.
# Lost and stolen cards are not named, as Stripe asks: whoever reads it may not be the card's owner.
DECLINES = {
    "approve_with_id": "The bank could not approve the payment. Trying again may help.",
    "authentication_required": "The bank wants the customer to confirm the payment.",
    "bank_account_unusable": "The bank account cannot be used for this payment.",
    "call_issuer": "The bank declined the card; the customer can ask their bank why.",
    "card_not_supported": "The card does not support this kind of payment.",
    "card_velocity_exceeded": "The card has reached its limit.",
    "currency_not_supported": "The card does not support this currency.",
    "debit_not_authorized": "The customer did not agree to the direct debit.",
    "duplicate_transaction": "The bank saw the same payment a moment before.",
    "expired_card": "The card has expired.",
    "fraudulent": NO_REASON,
    "incorrect_cvc": "The security code of the card is wrong.",
    "incorrect_number": "The card number is wrong.",
    "incorrect_pin": "The PIN is wrong.",
    "incorrect_zip": "The postal code does not match the card.",
    "insufficient_funds": "There was not enough money in the account.",
    "invalid_account": "The card or its account cannot be used.",
    "invalid_amount": "The bank does not accept this amount.",
    "invalid_cvc": "The security code of the card is wrong.",
    "invalid_expiry_month": "The card's expiry month is wrong.",
    "invalid_expiry_year": "The card's expiry year is wrong.",
    "invalid_number": "The card number is wrong.",
    "invalid_pin": "The PIN is wrong.",
    "issuer_not_available": "The bank could not be reached. Trying again later may help.",
    "payment_intent_authentication_failure": "The customer could not confirm the payment with their bank.",
    "payment_intent_payment_attempt_expired": "The customer did not complete the payment in time.",
    "pin_try_exceeded": "The PIN was tried too often.",
    "processing_error": "The bank could not process the payment. Trying again may help.",
    "reenter_transaction": "The bank could not process the payment. Trying again may help.",
    "transaction_not_allowed": "The card does not allow this payment.",
    "try_again_later": "The bank could not process the payment. Trying again later may help.",
    "withdrawal_count_limit_exceeded": "The customer has reached the limit of the card or account.",
}


# The values of a refund's failure_reason (stripe-python, _refund.py).
REFUNDS = {
    "charge_for_pending_refund_disputed": "The customer disputes the payment with the bank.",
    "declined": "The bank declined it.",
    "expired_or_canceled_card": "The card has expired or was cancelled.",
    "insufficient_funds": "There was not enough money in your balance at Stripe.",
    "lost_or_stolen_card": "The card can’t be used any more.",
    "merchant_request": "It was stopped in Stripe.",
}


def method_words(details: Mapping[str, Any]) -> str:
    """A ``payment_method_details`` or a PaymentMethod: "Card ending 4242", "Bank transfer"."""
    kind = details.get("type") or ""
    more = details.get(kind)
    last4 = more.get("last4") if isinstance(more, Mapping) else None
    words = "Card" if kind == "card" else METHODS.get(kind) or kind.replace("_", " ").capitalize() or UNKNOWN
    return f"{words} ending {last4}" if last4 else words


def refund_words(reason: str) -> str:
    """Why a refund failed."""
    return REFUNDS.get(reason, NO_REASON)


def decline_words(*codes: str | None) -> str:
    """The first code that says something, in words; else that there was no reason given."""
    return next((DECLINES[code] for code in codes if code in DECLINES), NO_REASON)
