"""How amounts, quantities and days are written."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from example_app.billing import worked_on
from example_app.models import Billable
from example_app.words import amount, day, moment, plain, quantity


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("2102.5", "EUR", "2,102.50"),
        ("9493.125", "EUR", "9,493.13"),
        ("-46.2", "EUR", "\N{MINUS SIGN}46.20"),
        ("188500.5", "JPY", "188,501"),
        ("0", "USD", "0.00"),
    ],
)
def test_amounts_are_rounded_half_up_to_what_the_currency_has(value: str, currency: str, text: str) -> None:
    """Two decimals, none for the yen; the sum of lines is the sum that an invoice shows."""
    assert amount(Decimal(value), currency) == text


def test_a_line_is_rounded_as_on_an_invoice() -> None:
    """62.25 h at 152.50 is 9,493.125: the cent is rounded up on each line, before lines are added."""
    line = Billable(
        quantity=Decimal("62.25"), unit_price=Decimal("152.50"), discount_percent=Decimal(0), currency="EUR"
    )
    assert line.amount == Decimal("9493.13")


def test_quantities_are_as_short_as_they_are_exact() -> None:
    """Hours and days have their word, pieces have none, and 100 stays 100."""
    assert [quantity(Decimal("14.5000"), "hour"), quantity(Decimal(1), "day"), quantity(Decimal(2), "day")] == [
        *("14.5 h", "1 day", "2 days"),
    ]
    assert (quantity(Decimal("12.00"), "piece"), plain(Decimal(100)), plain(Decimal("9.5"))) == ("12", "100", "9.5")


def test_days_name_the_year_where_it_is_another() -> None:
    """This year's days are short; a time is the one that people in the company's zone read."""
    now = dt.datetime.now(dt.UTC)
    assert day(now.date().replace(month=11, day=2)) == "2 Nov"
    assert day(now.date().replace(month=11, day=2), full=True) == f"2 Nov {now.year}"
    assert day(dt.date(2019, 5, 31)) == "31 May 2019"
    assert moment(dt.datetime(2019, 5, 31, 22, 30), "Asia/Tokyo") == "1 Jun 2019, 07:30"  # noqa: DTZ001 - as it is stored


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (dt.date(2019, 11, 12), None, "12 Nov 2019"),
        (dt.date(2019, 11, 12), dt.date(2019, 11, 13), "12–13 Nov 2019"),
        (dt.date(2019, 10, 29), dt.date(2019, 11, 2), "29 Oct 2019 – 2 Nov 2019"),
    ],
)
def test_the_time_of_work_is_told_to_billing_in_words(first: dt.date, last: dt.date | None, text: str) -> None:
    """A day, some days of one month, or a span over months."""
    assert worked_on(Billable(worked_on=first, worked_until=last)) == text
