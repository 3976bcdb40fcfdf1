"""All worked invoices. Their figures are Stripe's minor units: 12.34 EUR is 1234, 5 ISK is 500, 1.010 KWD is 1010."""

from __future__ import annotations

from tests.core.worked.credits import CREDITS
from tests.core.worked.currencies import CURRENCIES
from tests.core.worked.discounts import DISCOUNTS
from tests.core.worked.everyday import EVERYDAY
from tests.core.worked.rates import RATES
from tests.core.worked.rows import Case
from tests.core.worked.sourced import SOURCED

CASES: tuple[Case, ...] = (*SOURCED, *RATES, *DISCOUNTS, *CREDITS, *CURRENCIES, *EVERYDAY)
MADE = tuple(case for case in CASES if not case.refused)
"""Those that become invoices at Stripe; the others are refused before Stripe hears of them."""
