"""Stripe's currencies, one by one, and money in words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from flask_crm_stripe.model.money import Money, exponent, is_exact, normalise_currency, round_to_step, step, to_minor
from flask_crm_stripe.testing.fake_stripe import money as theirs

# https://docs.stripe.com/currencies: zero-decimal currencies, special cases, three-decimal currencies.
WITHOUT_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
WITH_THREE = "BHD JOD KWD OMR TND"


def test_every_currency_has_stripes_decimals_and_step() -> None:
    """By Stripe's list, and as FakeStripe has it from a reading of its own."""
    for code in WITHOUT_DECIMALS.lower().split():
        assert (exponent(code), step(code)) == (0, 1), code
    for code in WITH_THREE.lower().split():
        assert (exponent(code), step(code)) == (3, 10), code
    for code in ("isk", "ugx"):
        assert (exponent(code), step(code)) == (2, 100), code
    for code in ("eur", "usd", "gbp", "huf", "twd", "sek"):
        assert (exponent(code), step(code)) == (2, 1), code
    for code in sorted(theirs.SUPPORTED):
        assert (exponent(code), step(code)) == (theirs.exponent(code), theirs.step(code)), code


@pytest.mark.parametrize(
    ("minor", "currency", "rounded"),
    [
        ("0.5", "eur", 1),
        ("-0.5", "eur", -1),
        ("0.4999999999999999999999999999999999999999", "eur", 0),
        ("5", "kwd", 10),
        ("4.999", "kwd", 0),
        ("-15", "kwd", -20),
        ("50", "isk", 100),
        ("49.99", "isk", 0),
        ("-150", "ugx", -200),
    ],
)
def test_a_tie_goes_away_from_zero_to_the_step(minor: str, currency: str, rounded: int) -> None:
    """However many digits it has."""
    assert round_to_step(Decimal(minor), currency) == rounded


def test_long_amounts_are_rounded_once() -> None:
    """Thirty digits and more stay exact on the way."""
    assert to_minor(Decimal("123456789012345678901234567890.00499999999999999999999"), "eur") == (
        12345678901234567890123456789000
    )
    assert not is_exact(Decimal("1234567890123456789012345678.0000001"), "eur")
    assert is_exact(Decimal("1234567890123456789012345678.01"), "eur")


def test_messages_say_what_is_wrong() -> None:
    """And how to write it."""
    with pytest.raises(ValueError, match=r"^Amounts in eur and usd are never added together\.$"):
        Money(1, "eur") + Money(1, "usd")
    with pytest.raises(ValueError, match=r"^“EURO” is not a currency code: write three letters, like EUR\.$"):
        normalise_currency("EURO")
    for wrong in ("eu", "xeur", "eurx", "e u", "12€"):
        with pytest.raises(ValueError, match="is not a currency code"):
            normalise_currency(wrong)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(-1, "eur", "-0.01 EUR"), (0, "jpy", "0 JPY"), (-10, "kwd", "-0.010 KWD"), (12300, "ugx", "123 UGX")],
)
def test_money_in_words(minor: int, currency: str, text: str) -> None:
    """Small and negative amounts keep their zeros."""
    assert str(Money(minor, currency)) == text


def test_amounts_of_money_have_an_order() -> None:
    """By amount; and they are values that can be in sets."""
    assert sorted([Money(2, "eur"), Money(1, "eur")]) == [Money(1, "eur"), Money(2, "eur")]
    assert len({Money(1, "eur"), Money(1, "eur")}) == 1
