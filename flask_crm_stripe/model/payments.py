"""Money that Stripe never saw: how such a payment is named, and told from what Stripe collected itself."""

from __future__ import annotations

from collections.abc import Sequence

from flask_crm_stripe.model.invoices import Payment

RECORDED = "Recorded outside Stripe"
"""Stripe lists a payment that was made elsewhere, and does not say how."""

BY_HAND = "Recorded by hand"
"""Somebody recorded it here, in words that are kept as its reason."""


def collected(payments: Sequence[Payment]) -> int:
    """What came in through Stripe, in minor units, whether or not it went back later."""
    return sum(each.amount for each in payments if by_stripe(each))


def refundable(payments: Sequence[Payment]) -> list[int]:
    """How much of each payment can go back through Stripe, in minor units, the most first."""
    left = (each.amount - each.refunded for each in payments if by_stripe(each) and each.payment_intent)
    return sorted((amount for amount in left if amount > 0), reverse=True)


def by_stripe(payment: Payment) -> bool:
    """Whether the money came in through Stripe."""
    return payment.status in ("succeeded", "refunded") and payment.method not in (RECORDED, BY_HAND)


def without_twins(known: Sequence[Payment], listed: Sequence[Payment]) -> Sequence[Payment]:
    """What Stripe lists, without what was recorded here by hand: the words of who recorded it are kept."""
    if all(each.method != BY_HAND for each in known):
        return listed
    return [each for each in listed if each.method != RECORDED]
