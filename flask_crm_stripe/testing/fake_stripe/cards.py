"""The test cards that FakeStripe knows. Any other number is refused in words, and never kept or shown again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """Why a card is refused, in Stripe's codes and words."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True)
class Card:
    """A test card, by its number on the hosted page and by its payment method id in the API."""

    number: str
    payment_method: str
    brand: str
    decline: Decline | None = None

    @property
    def last4(self) -> str:
        """The last four digits, which is all that Stripe shows."""
        return self.number[-4:]


CARDS = (
    Card("4242424242424242", "pm_card_visa", "visa"),
    Card("5555555555554444", "pm_card_mastercard", "mastercard"),
    Card(
        "4000000000000002",
        "pm_card_visa_chargeDeclined",
        "visa",
        Decline("card_declined", "generic_decline", "Your card was declined."),
    ),
    Card(
        "4000000000009995",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "visa",
        Decline("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    ),
)

SAVED = "_saved_card"
"""FakeStripe's own note on a payment method: which of these cards it is."""

REFUSED = (
    "This is not a test card. FakeStripe takes 4242 4242 4242 4242, which pays, and 4000 0000 0000 0002, which is "
    "declined. Nothing that you typed was kept. Never type a real card here."
)


def by_number(typed: str) -> Card | None:
    """The test card with this number, spaces and hyphens aside, or None."""
    digits = typed.replace(" ", "").replace("-", "")
    return next((card for card in CARDS if card.number == digits), None)


def by_payment_method(payment_method: str) -> Card | None:
    """The test card behind one of Stripe's ready-made ids such as `pm_card_visa`, or None."""
    return next((card for card in CARDS if card.payment_method == payment_method), None)
