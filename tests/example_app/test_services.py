"""The catalogue's pages."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from example_app.extensions import db
from example_app.models import Billable, Service
from tests.example_app.people import INES, JUN, Person

People = Callable[..., Person]
FORM = {"code": "PW-01", "title": "Process workshop on site", "unit": "day", "vat_rate": "21", "active": "y"}


def service(code: str) -> Service:
    """One service by its code."""
    return db.session.scalars(db.select(Service).filter_by(code=code)).one()


def prices(code: str) -> dict[str, Decimal]:
    """The list prices of a service."""
    return {price.currency: price.amount for price in service(code).prices}


def test_the_form_shows_what_is_stored(person: People) -> None:
    """Opening the form and saving it changes nothing: every field carries its value."""
    page = person(INES).read("/services/1")
    for value in ("PW-01", "Process workshop on site", "1450", "235000", "21"):
        assert f'value="{value}"' in page
    assert "checked" in page


def test_title_and_price_change(person: People, app: Flask) -> None:
    """A changed title and price are stored; a price that is left empty is gone, a new one is there."""
    form = FORM | {"title": "Workshop", "price_eur": "1500.50", "price_gbp": "1300", "price_jpy": "240000"}
    form["price_usd"] = ""
    assert person(INES).post("/services/1", **form).status_code == 302
    with app.app_context():
        assert service("PW-01").title == "Workshop"
        assert prices("PW-01") == {"EUR": Decimal("1500.50"), "GBP": Decimal(1300), "JPY": Decimal(240000)}


def test_a_new_service_belongs_to_the_own_company(person: People, app: Flask) -> None:
    """It is in the own catalogue, in capitals, and not in the other company's, which may use the same code."""
    for email in (INES, JUN):
        answer = person(email).post("/services/new", code="qk-1", title="Quick check", unit="hour", price_eur="95")
        assert answer.status_code == 302
    with app.app_context():
        found = db.session.scalars(db.select(Service).filter_by(code="QK-1")).all()
        assert [row.company.name for row in found] == ["Harbour & Pine Consulting", "Kestrel Studio"]
        assert found[0].vat_rate is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": " "}, "Every service needs a title."),
        ({"code": "co-sr"}, "Senior consulting has this code already."),
        ({"code": "PW 01"}, "Use letters, digits and hyphens"),
        ({"vat_rate": "121"}, "A VAT rate lies between 0 and 100 %."),
        ({"price_eur": "-1"}, "A price can't be below 0."),
        ({"price_eur": "NaN"}, "A price can't be below 0."),
        ({"price_eur": "cheap"}, "Not a valid decimal value."),
        ({"price_jpy": "0.5"}, "Prices in yen are whole numbers."),
        ({"unit": "fortnight"}, "Choose one of these units."),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(person: People, app: Flask, change: dict[str, str], words: str) -> None:
    """The page says what is wrong, keeps what was written, and stores nothing."""
    form: dict[str, Any] = FORM | {"price_eur": "1450"} | change
    answer = person(INES).post("/services/1", **form)
    assert answer.status_code == 422
    assert words in answer.text.replace("&#39;", "'")
    with app.app_context():
        assert prices("PW-01")["EUR"] == Decimal(1450)
        assert service("PW-01").title == "Process workshop on site"


def test_deleting_a_service_keeps_the_work(person: People, app: Flask) -> None:
    """The question names what happens; afterwards lines are as they were, without the link."""
    ines = person(INES)
    assert "stays as it is" in ines.read("/services/1/delete")
    assert ines.post("/services/1/delete").status_code == 302
    assert "Process workshop on site" not in ines.read("/services").replace("Process workshop on site was deleted", "")
    with app.app_context():
        lines = db.session.scalars(db.select(Billable).filter_by(work="Process workshop on site")).all()
        assert [(line.service_id, line.unit_price) for line in lines] == [(None, Decimal(1450))]
