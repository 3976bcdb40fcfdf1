"""Money, by Stripe's rules."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_crm_stripe.model import money
from flask_crm_stripe.model.money import Money

CURRENCIES = st.sampled_from(["eur", "jpy", "kwd", "isk", "ugx", "usd", "huf"])
AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=6, allow_nan=False)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.345", "eur", 1235),
        ("12.344", "eur", 1234),
        ("-12.345", "eur", -1235),
        ("100.5", "jpy", 101),
        ("5.124", "kwd", 5120),
        ("5.125", "kwd", 5130),
        ("5", "isk", 500),
        ("5.49", "isk", 500),
        ("7", "ugx", 700),
        ("175", "huf", 17500),
    ],
)
def test_major_amounts_become_stripes_minor_units(amount: str, currency: str, minor: int) -> None:
    """Zero-, two- and three-decimal currencies, and the two that look zero-decimal and are not."""
    assert money.to_minor(Decimal(amount), currency) == minor


@given(AMOUNTS, CURRENCIES)
def test_rounding_is_to_the_step_and_never_further_than_half_of_it(amount: Decimal, currency: str) -> None:
    """Whatever the amount, the result is one that Stripe accepts, and the nearest."""
    minor = money.to_minor(amount, currency)
    assert minor % money.step(currency) == 0
    exact = amount.scaleb(money.exponent(currency))
    assert abs(exact - minor) * 2 <= money.step(currency)


@given(st.integers(min_value=0, max_value=10**12), CURRENCIES)
def test_minor_units_survive_the_way_there_and_back(units: int, currency: str) -> None:
    """Minor to major and back is the same number."""
    minor = units * money.step(currency)
    assert money.to_minor(money.to_major(minor, currency), currency) == minor
    assert money.is_exact(money.to_major(minor, currency), currency)


def test_an_amount_below_the_step_is_not_exact() -> None:
    """Half a cent, a fils and an aurar are told from what can be charged."""
    assert not money.is_exact(Decimal("0.005"), "eur")
    assert not money.is_exact(Decimal("0.001"), "kwd")
    assert not money.is_exact(Decimal("0.5"), "isk")


def test_adding_two_currencies_is_refused() -> None:
    """Amounts add up within a currency only."""
    assert Money(100, "eur") + Money(5, "eur") == Money(105, "eur")
    with pytest.raises(ValueError, match="never added together"):
        Money(100, "eur") + Money(5, "usd")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (637395, "eur", "6373.95 EUR"),
        (640000, "jpy", "640000 JPY"),
        (1180250, "kwd", "1180.250 KWD"),
        (500, "isk", "5 ISK"),
    ],
)
def test_money_reads_with_its_own_decimals(minor: int, currency: str, text: str) -> None:
    """Plain text for messages: the currency's decimals, no thousands marks."""
    assert str(Money(minor, currency)) == text
    assert Money(minor, currency).major == money.to_major(minor, currency)


@pytest.mark.parametrize("code", ["EURO", "", "e1r", "€"])
def test_what_is_no_currency_code_is_refused(code: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(ValueError, match="three letters, like EUR"):
        money.normalise_currency(code)


def test_codes_are_lowercase_as_stripe_writes_them() -> None:
    """Hosts may write them as they like."""
    assert money.normalise_currency(" EUR ") == "eur"
