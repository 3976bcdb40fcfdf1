"""What Stripe makes of an invoice that nobody, or hardly anybody, has to pay. Pure functions."""

from __future__ import annotations

from flask_crm_stripe.model.invoices import InvoicePlan
from flask_crm_stripe.model.money import Money

MINIMUM = {
    **dict.fromkeys(("aud", "brl", "cad", "chf", "eur", "inr", "nzd", "sgd", "usd"), 50),
    **{"aed": 200, "bgn": 100, "czk": 1500, "dkk": 250, "gbp": 30, "hkd": 400, "huf": 17500, "jpy": 50, "mxn": 1000},
    **{"myr": 200, "nok": 300, "pln": 200, "ron": 200, "sek": 300, "thb": 1000},
}
"""The least that Stripe charges, in minor units, where the account is paid out in the same currency
(https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)."""


def foreseen(plan: InvoicePlan) -> str:
    """What is to be known before such an invoice is sent; empty where it is paid as any other."""
    if plan.total == 0:
        return "There is nothing to pay: Stripe marks it as paid as soon as it is sent."
    least = MINIMUM.get(plan.currency, 0)
    if plan.total < least:
        return (
            f"Stripe charges nothing below {Money(least, plan.currency)}: it may mark this invoice as paid, and add "
            "what is owed to the customer’s next one."
        )
    return ""
