"""How amounts, quantities and days are written on the CRM's pages (Jinja filters)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Flask

from example_app.money import rounded


def amount(value: Decimal, currency: str) -> str:
    """`2,102.50`; as many decimals as the currency has. The code is written beside it by the page."""
    return f"{rounded(value, currency):,f}".replace("-", "\N{MINUS SIGN}")


def plain(value: Decimal) -> str:
    """A number as short as it is exact: `7.25`, `12`, `21`."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity(value: Decimal, unit: str) -> str:
    """`14.5 h`, `2 days`, `12`."""
    words = {"hour": "h", "day": "day" if value == 1 else "days", "piece": ""}
    return f"{plain(value)} {words.get(unit, unit)}".strip()


def day(value: dt.date, full: bool = False) -> str:
    """`12 Nov` in this year, `12 Nov 2025` otherwise or where the full date is wanted."""
    short = not full and value.year == dt.datetime.now(dt.UTC).year
    return f"{value.day} {value:%b}" if short else f"{value.day} {value:%b %Y}"


def moment(value: dt.datetime, timezone: str) -> str:
    """A time that is stored in UTC, as people in a time zone read it."""
    local = value.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone))
    return f"{day(local.date())}, {local:%H:%M}"


def register(app: Flask) -> None:
    """Give the filters to the templates."""
    app.jinja_env.filters.update(amount=amount, plain=plain, quantity=quantity, day=day, moment=moment)
