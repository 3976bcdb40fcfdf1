"""Stripe's currency table and exact sums. FakeStripe's own, so that it can catch a mistake in anybody else's."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from .errors import StripeFault, invalid

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
WHOLE_UNITS_OF_TWO = frozenset(("isk", "ugx"))
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
TWO_DECIMAL = frozenset(
    """usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop
    crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd
    kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr
    pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd xcg
    yer zar zmw""".split()
)
SUPPORTED = ZERO_DECIMAL | WHOLE_UNITS_OF_TWO | THREE_DECIMAL | TWO_DECIMAL

MINIMUM_CHARGE = {
    "usd": 50,
    "eur": 50,
    "gbp": 30,
    "jpy": 50,
    "czk": 1500,
    "huf": 17500,
    "chf": 50,
    "aud": 50,
    "cad": 50,
    "dkk": 250,
    "nok": 300,
    "sek": 300,
    "pln": 200,
    "sgd": 50,
    "hkd": 400,
    "mxn": 1000,
    "nzd": 50,
    "brl": 50,
    "bgn": 100,
    "ron": 200,
    "inr": 50,
    "myr": 200,
    "thb": 1000,
    "aed": 200,
}
"""Stripe's minimum charge where the settlement currency is the same. Others count as 1 minor unit here."""

MAX_AMOUNT = 999_999_999_999
"""Twelve digits, the most that any card takes."""


def exponent(currency: str) -> int:
    """How many decimals Stripe's minor unit of this currency has."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """The smallest difference between two amounts, in minor units: 100 for ISK and UGX, 10 for three-decimal ones."""
    if currency in WHOLE_UNITS_OF_TWO:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


def check_currency(currency: str, param: str) -> str:
    """The code in lowercase; a 400 when Stripe does not support it."""
    if currency.lower() not in SUPPORTED:
        raise invalid(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: {', '.join(sorted(SUPPORTED))}",
            param,
        )
    return currency.lower()


def check_amount(amount: int | Decimal, currency: str, param: str) -> None:
    """Refuse a fixed amount that is off the currency's step or above the maximum."""
    if amount % step(currency):
        raise StripeFault(_off_step(currency), param=param, code="invalid_charge_amount_no_decimal_compatible")
    if not -MAX_AMOUNT <= amount <= MAX_AMOUNT:
        raise invalid(
            f"Amount must be no more than {MAX_AMOUNT} in the currency's minor unit (it is {amount}).",
            param,
            "amount_too_large",
        )


def check_places(value: Decimal, param: str) -> None:
    """Refuse more than 12 decimal places."""
    places = -int(value.as_tuple().exponent)
    if places > 12:
        raise invalid(f"Invalid decimal: {value:f}; must contain at maximum 12 decimal places.", param)


def rounded(exact: Fraction | Decimal, currency: str) -> int:
    """Half away from zero, to the currency's step."""
    value, grain = Fraction(exact), step(currency)
    sign = -1 if value < 0 else 1
    return sign * int(abs(value) / grain + Fraction(1, 2)) * grain


def times(unit: Decimal | int, quantity: Decimal | int, currency: str) -> int:
    """Unit price times quantity as an amount that can be charged."""
    return rounded(Fraction(unit) * Fraction(quantity), currency)


def apportion(total: int, exact: Sequence[Fraction], grain: int = 1) -> list[int]:
    """Whole multiples of ``grain`` near the ``exact`` shares that sum to ``total``; the largest remainders get more."""
    parts: list[int] = [each // grain for each in exact]
    order = sorted(range(len(parts)), key=lambda i: Fraction(parts[i]) - exact[i] / grain)
    for index in order[: total // grain - sum(parts)]:
        parts[index] += 1
    return [part * grain for part in parts]


def plain(value: Decimal | int) -> str:
    """A decimal as Stripe writes it: no exponent, no trailing zeros."""
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _off_step(currency: str) -> str:
    ending = "00" if step(currency) == 100 else "0"
    return (
        f"Invalid amount: {currency.upper()} amounts are sent in {exponent(currency)}-decimal form and must end in "
        f"{ending}."
    )
