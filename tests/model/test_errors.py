"""Errors that quote what somebody typed."""

from __future__ import annotations

import pytest

from flask_crm_stripe.errors import LONGEST_QUOTE, quoted


@pytest.mark.parametrize(("text", "shown"), [("NL", "“NL”"), ("x" * 80, f"“{'x' * 80}”"), ("x" * 81, f"“{'x' * 79}…”")])
def test_a_quote_is_not_endless(text: str, shown: str) -> None:
    """Up to a length it is whole, and then it is cut and says so."""
    assert quoted(text) == shown
    assert len(quoted(text * 1000)) <= LONGEST_QUOTE + 2
