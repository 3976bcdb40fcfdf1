"""Exchange rates that somebody wrote down: the only way that one currency becomes another."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.rates import MOST, RATES, Rate, converted, rates_of
from flask_crm_stripe.errors import InvalidInput
from tests.core.samples import YARD, ZONEN, billable
from tests.core.world import CONSULTING, World

ECB = "USD EUR 0.9213 ECB, 27 November 2026"
RATE = Rate("usd", "eur", Decimal("0.9213"), "ECB, 27 November 2026")


def test_a_rate_is_two_currencies_a_figure_and_whose_it_is() -> None:
    """One on each line, blanks and empty lines are nothing."""
    assert rates_of("") == ()
    assert rates_of(f"\n  {ECB}  \n\n eur   jpy 160 Bank\n") == (RATE, Rate("eur", "jpy", Decimal(160), "Bank"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("USD EUR", "Line 1: write two currencies"),
        ("USD EUR 0.92", "Line 1: write two currencies"),
        ("USD EUR 0,92 ECB", "Line 1: write two currencies"),
        (f"{ECB}\nDOLLAR EUR 1 ECB", "Line 2: write two currencies"),
        ("USD USD 1 ECB", "two different currencies"),
        ("USD EUR 0.0 ECB", "above 0"),
        (f"{ECB}\n\nusd eur 0.93 Bank", "Line 3: there is a rate from USD to EUR already"),
        ("x" * 2001, "at most 2000 characters"),
        (
            "\n".join(f"{chr(97 + n // 26)}{chr(97 + n % 26)}x EUR 1 me" for n in range(MOST + 1)),
            f"at most {MOST} rates",
        ),
    ],
)
def test_what_is_no_rate_is_named_by_its_line(text: str, words: str) -> None:
    """With what to write instead."""
    with pytest.raises(InvalidInput) as caught:
        rates_of(text)
    assert words in caught.value.message
    assert caught.value.field == RATES


def test_a_converted_line_says_what_it_was() -> None:
    """Price and discount by the rate, to the twelfth decimal; everything else stays."""
    line = billable(currency="usd", unit_price=Decimal("0.333333333333"), discount_amount=Decimal("1.50"))
    found = converted(line, "eur", [Rate("gbp", "eur", Decimal(2), "no"), RATE])
    assert (found.currency, found.unit_price, found.discount_amount) == (
        "eur",
        Decimal("0.307100000000"),
        Decimal("1.38195"),
    )
    assert found.description == "Senior consulting (0.333333333333 USD at 0.9213, ECB, 27 November 2026)"
    assert (
        replace(
            found,
            currency="usd",
            unit_price=line.unit_price,
            description=line.description,
            discount_amount=line.discount_amount,
        )
        == line
    )
    assert len(converted(billable(currency="usd", description="D" * 600), "eur", [RATE]).description) == 400


def test_without_a_rate_nothing_is_converted() -> None:
    """Neither the other way round nor over a third currency."""
    line = billable(currency="usd")
    assert converted(line, "eur", ()) is line
    assert converted(line, "eur", [Rate("eur", "usd", Decimal(1), "no")]) is line


@pytest.fixture
def world(connected: World) -> World:
    """The customer pays in euro; some work is in dollars, at a price of its own."""
    connected.crm.add(
        "hp",
        replace(ZONEN, currency="eur"),
        billable("21", currency="usd", unit_price=Decimal(100), quantity=Decimal(2)),
    )
    return connected


def test_work_in_another_currency_is_billed_in_the_customers_where_there_is_a_rate(world: World) -> None:
    """With the rate on the line, on one invoice with the rest; the other business has its own rates, or none."""
    world.billing().settings.save_defaults({RATES: ECB})
    made = world.generate(refs=("11", "21"))
    assert [(line.net, line.description) for line in made.plan.lines] == [
        (210250, "Senior consulting"),
        (18426, "Senior consulting (100 USD at 0.9213, ECB, 27 November 2026)"),
    ]
    rows = world.billing("kestrel").invoicing.source(YARD).rows
    assert {row.billable.currency for row in rows} == {"eur"}


def test_without_one_it_stays_in_its_own(world: World) -> None:
    """And makes an invoice of its own."""
    assert world.billing().invoicing.preview(YARD, ["21"], Terms()).currency == "usd"
    with pytest.raises(InvalidInput, match="one currency"):
        world.billing().invoicing.preview(YARD, ["11", "21"], Terms())


def test_the_services_own_price_comes_first(world: World) -> None:
    """In the customer's currency it has one, and nobody agreed on another: no rate is used."""
    world.billing().settings.save_defaults({RATES: ECB})
    world.crm.add("hp", replace(CONSULTING, prices=(("eur", Decimal(160)), ("usd", Decimal(100)))))
    [line] = world.billing().invoicing.preview(YARD, ["21"], Terms()).lines
    assert (line.unit_price, line.description) == (Decimal(160), "Senior consulting")


def test_what_cannot_be_used_is_not_converted(world: World) -> None:
    """Its row says why, as ever."""
    world.billing().settings.save_defaults({RATES: ECB})
    world.crm.add("hp", billable("22", currency="usd", unit_price=Decimal("NaN")))
    row = next(row for row in world.billing().invoicing.source(YARD).rows if row.billable.ref == "22")
    assert (row.state, row.billable.currency) == ("not_ready", "usd")


def test_rates_that_nobody_could_read_are_not_kept(world: World) -> None:
    """By the use case, whatever page asks."""
    with pytest.raises(InvalidInput):
        world.billing().settings.save_defaults({RATES: "one to one"})
    assert RATES not in world.billing().settings.all()
