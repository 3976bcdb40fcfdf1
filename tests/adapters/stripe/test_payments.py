"""Payments read from Stripe's InvoicePayments: methods, reasons and states in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from flask_crm_stripe.adapters.stripe.payments import read_payment
from flask_crm_stripe.adapters.stripe.words import DECLINES, METHODS, NO_REASON, decline_words, method_words
from tests.contracts.provider_drafts import open_invoice
from tests.contracts.provider_worlds import SDKWorld, provider_of

CARD = {"type": "card", "card": {"brand": "visa", "last4": "4242"}}
CHARGE: dict[str, Any] = {"id": "ch_1", "status": "succeeded", "created": 200, "payment_method_details": CARD}


def row(status: str = "paid", **changes: Any) -> dict[str, Any]:
    """An InvoicePayment of 121.00 EUR, paid by a payment intent with a card charge unless changed."""
    intent: dict[str, Any] = {"id": "pi_1", "status": "succeeded", "latest_charge": CHARGE, "last_payment_error": None}
    payment = {"type": "payment_intent", "payment_intent": {**intent, **changes.pop("intent", {})}}
    return {
        "id": "inpay_1",
        "status": status,
        "created": 100,
        "currency": "eur",
        "amount_requested": 12_100,
        "amount_paid": 12_100 if status == "paid" else None,
        "status_transitions": {"paid_at": 300 if status == "paid" else None},
        "payment": payment,
        **changes,
    }


def at(seconds: int) -> datetime:
    """A moment."""
    return datetime.fromtimestamp(seconds, UTC)


def test_a_card_that_paid() -> None:
    """The charge's id, the card's last digits, the moment it was paid."""
    payment = read_payment(row())
    assert payment is not None
    assert (payment.stripe_id, payment.payment_intent, payment.method) == ("ch_1", "pi_1", "Card ending 4242")
    assert (payment.status, payment.amount, payment.at, payment.reason) == ("succeeded", 12_100, at(300), None)


def test_a_part_that_was_paid() -> None:
    """The amount is what came in, not what was asked."""
    payment = read_payment(row(amount_paid=5_000))
    assert payment is not None
    assert payment.amount == 5_000


def test_a_refunded_charge() -> None:
    """All of it went back: refunded."""
    payment = read_payment(row(intent={"latest_charge": {**CHARGE, "refunded": True}}))
    assert payment is not None
    assert payment.status == "refunded"


def test_a_charge_without_an_intent_and_money_from_elsewhere() -> None:
    """Old charges and payments recorded outside Stripe are payments too."""
    charge = read_payment(row(payment={"type": "charge", "charge": CHARGE}))
    record = read_payment(row(payment={"type": "payment_record", "payment_record": "pyr_1"}))
    assert charge is not None
    assert record is not None
    assert (charge.stripe_id, charge.payment_intent, charge.method) == ("ch_1", None, "Card ending 4242")
    assert (record.stripe_id, record.method) == ("inpay_1", "Recorded outside Stripe")


def test_what_was_not_expanded_is_still_a_payment() -> None:
    """Where Stripe gives only ids, the method is unknown and the rest stands."""
    payment = read_payment(row(payment={"type": "payment_intent", "payment_intent": "pi_1"}))
    assert payment is not None
    assert (payment.stripe_id, payment.payment_intent, payment.method) == ("pi_1", "pi_1", "Payment")


def failed(error: dict[str, Any], charge: Any = None) -> dict[str, Any]:
    """An open InvoicePayment whose last attempt failed."""
    return row(
        "open",
        intent={"status": "requires_payment_method", "latest_charge": charge, "last_payment_error": error},
    )


def test_a_declined_card_is_its_own_attempt() -> None:
    """The failed charge's id and moment: a later success on the same intent is another payment."""
    charge = {**CHARGE, "id": "ch_0", "status": "failed"}
    payment = read_payment(failed({"code": "card_declined", "decline_code": "insufficient_funds"}, charge))
    assert payment is not None
    assert (payment.stripe_id, payment.status, payment.at) == ("ch_0", "failed", at(200))
    assert (payment.amount, payment.reason) == (12_100, "There was not enough money in the account.")


def test_a_failure_without_a_charge() -> None:
    """Failed before the bank was asked: the method comes from the error, the id from the intent."""
    error = {"code": "payment_intent_authentication_failure", "payment_method": {"id": "pm_1", **CARD}}
    payment = read_payment(failed(error))
    assert payment is not None
    assert (payment.stripe_id, payment.method, payment.at) == ("pi_1", "Card ending 4242", at(100))
    assert payment.reason == "The customer could not confirm the payment with their bank."
    named = read_payment(failed({**error, "charge": "ch_9"}))
    assert named is not None
    assert named.stripe_id == "ch_9"


def test_money_on_its_way() -> None:
    """A direct debit that is processing is pending."""
    debit = {"type": "sepa_debit", "sepa_debit": {"last4": "3000"}}
    charge = {**CHARGE, "status": "pending", "payment_method_details": debit}
    payment = read_payment(row("open", intent={"status": "processing", "latest_charge": charge}))
    assert payment is not None
    assert (payment.status, payment.method) == ("pending", "SEPA Direct Debit ending 3000")


@pytest.mark.parametrize("status", ["open", "canceled"])
def test_nobody_has_tried_yet(status: str) -> None:
    """The payment that Stripe prepares with each invoice is no attempt."""
    assert read_payment(row(status, intent={"status": "requires_payment_method", "latest_charge": None})) is None


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"type": "customer_balance", "customer_balance": {}}, "Bank transfer"),
        ({"type": "ideal", "ideal": {"bank": "ing"}}, "iDEAL"),
        ({"type": "card", "card": None}, "Card"),
        ({"type": "moon_pay", "moon_pay": {}}, "Moon pay"),
        ({"type": "moon_pay"}, "Moon pay"),
        ({}, "Payment"),
    ],
)
def test_methods_in_words(details: dict[str, Any], words: str) -> None:
    """Known methods by their names, new ones as Stripe writes them."""
    assert method_words(details) == words


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (("expired_card",), "The card has expired."),
        ((None, "expired_card"), "The card has expired."),
        (("from_2031", "expired_card"), "The card has expired."),
        (("generic_decline", "card_declined"), NO_REASON),
        (("lost_card",), NO_REASON),
        (("stolen_card", "card_declined"), NO_REASON),
        ((), NO_REASON),
    ],
)
def test_declines_in_words(codes: tuple[str | None, ...], words: str) -> None:
    """The code that says most wins; lost and stolen cards are not named; what is unknown has no reason."""
    assert decline_words(*codes) == words


def test_all_words_are_words() -> None:
    """Declines are sentences, methods are names; none is a code."""
    assert all(words.endswith(".") and "_" not in words for words in DECLINES.values())
    assert all(words and "_" not in words for words in METHODS.values())


def test_a_declined_card_and_then_a_good_one() -> None:
    """Against FakeStripe: after the decline one failed attempt, after the payment the successful one."""
    world = SDKWorld()
    provider = provider_of(world, world.one)
    invoice = open_invoice(provider)
    world.decline(world.one, invoice)
    (before,) = provider.payments(invoice.id)
    world.pay(world.one, invoice)
    after = provider.payments(invoice.id)
    assert (before.status, before.method) == ("failed", "Card ending 0002")
    assert [(payment.status, payment.method) for payment in after] == [("succeeded", "Card ending 4242")]
    assert before.stripe_id != after[0].stripe_id
