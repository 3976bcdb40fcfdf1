"""What is said before an invoice goes out that nobody, or hardly anybody, has to pay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.core.foreseen import foreseen
from tests.core.samples import a_plan


@pytest.mark.parametrize(
    ("total", "currency", "words"),
    [
        (0, "eur", "nothing to pay"),
        (49, "eur", "nothing below 0.50 EUR"),
        (50, "eur", ""),
        (29, "gbp", "nothing below 0.30 GBP"),
        (17499, "huf", "nothing below 175.00 HUF"),
        (49, "jpy", "nothing below 50 JPY"),
        (50, "jpy", ""),
        (1, "kwd", ""),
        (0, "kwd", "nothing to pay"),
    ],
)
def test_little_and_nothing_are_foreseen(total: int, currency: str, words: str) -> None:
    """Nothing is said of what is paid as usual, and of minimums that Stripe does not name."""
    said = foreseen(replace(a_plan(), total=total, currency=currency))
    assert (words in said) if words else said == ""
