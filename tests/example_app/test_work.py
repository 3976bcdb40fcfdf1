"""Opportunities, tickets and orders, and the lines of work on them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask

from example_app.extensions import db
from example_app.models import Billable, Opportunity, Order
from tests.example_app.people import INES, JUN, MARA, Person

People = Callable[..., Person]


@pytest.fixture
def key(app: Flask) -> int:
    """The id of the opportunity that the demo's steps name."""
    with app.app_context():
        return db.session.scalars(db.select(Opportunity).filter_by(number="OP-2207")).one().id


def newest_line() -> Billable:
    """The line that was added last."""
    return db.session.scalars(db.select(Billable).order_by(Billable.id.desc()).limit(1)).one()


def test_a_list_is_searched_word_by_word(person: People) -> None:
    """Each word may be in the number, the title or the customer's name; a % is a letter like others."""
    ines = person(INES)
    assert "Yard planning rollout" in ines.read("/opportunities?q=berg+2207")
    assert "Yard planning rollout" not in ines.read("/opportunities?q=berg+2211")
    assert "Nothing matches" in ines.read("/opportunities?q=%25")
    assert "Appointment flow study" in ines.read("/opportunities?q=ALDER")


def test_details_activity_and_customer_are_shown(person: People, key: int) -> None:
    """The tabs tell what it is about and what happened."""
    mara = person(MARA)
    details = mara.read(f"/opportunities/{key}")
    assert "Van den Berg & Zonen Scheepsbouw en Reparatie Groningen B.V." in details
    assert "145.00 an hour" in details
    assert "Twelve handbooks ordered" in mara.read(f"/opportunities/{key}/activity")


def test_a_new_line_takes_price_unit_and_vat_from_the_service(person: People, app: Flask, key: int) -> None:
    """Only work, day and quantity have to be written; the price is the one in the customer's currency."""
    path = f"/opportunities/{key}/billables/add"
    form = {"service": "CO-SR", "work": "Extra round", "worked_on": "2026-11-03", "quantity": "7.25", "done": "y"}
    assert person(MARA).post(path, **form).status_code == 302
    with app.app_context():
        line = newest_line()
        assert (line.quantity, line.unit, line.unit_price, line.currency) == (
            Decimal("7.25"),
            "hour",
            Decimal(160),
            "EUR",
        )
        assert (line.vat_rate, line.discount_percent, line.done) == (Decimal(21), Decimal(0), True)
        assert line.worker is not None
        assert line.worker.email == MARA
        assert line.amount == Decimal(1160)
    assert "Noted work to bill: Extra round" in person(MARA).read(f"/opportunities/{key}/activity")


def test_an_agreed_price_and_a_discount_win_over_the_catalogue(person: People, app: Flask, key: int) -> None:
    """A negotiated rate stays on the line while the service stays linked."""
    form = {"service": "CO-SR", "work": "Agreed", "worked_on": "2026-11-03", "quantity": "2"}
    form |= {"unit_price": "142.50", "discount_percent": "10"}
    assert person(MARA).post(f"/opportunities/{key}/billables/add", **form).status_code == 302
    with app.app_context():
        line = newest_line()
        assert line.service is not None
        assert (line.service.code, line.unit_price, line.amount) == ("CO-SR", Decimal("142.50"), Decimal("256.5"))
        assert line.done is False


def test_a_service_without_a_price_in_the_currency_asks_for_one(person: People, app: Flask) -> None:
    """Training has no price in yen: nothing is guessed, the page asks for the agreed price."""
    with app.app_context():
        yen = db.session.scalars(db.select(Opportunity).filter_by(number="OP-2214")).one().id
    form = {"service": "TR-DAY", "work": "Training", "worked_on": "2026-11-03", "quantity": "1"}
    mara = person(MARA)
    answer = mara.post(f"/opportunities/{yen}/billables/add", **form)
    assert answer.status_code == 422
    assert "TR-DAY has no price in JPY" in answer.text
    assert mara.post(f"/opportunities/{yen}/billables/add", unit_price="190000", **form).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("quantity", "0", "Write a number above 0."),
        ("quantity", "a lot", "Not a valid decimal value."),
        ("discount_percent", "101", "between 0 and 100 %"),
        ("worked_on", "", "Choose the day."),
        ("work", "  ", "Say what was done"),
    ],
)
def test_a_line_that_cannot_be_is_refused(
    person: People, app: Flask, key: int, field: str, value: str, words: str
) -> None:
    """The page says what is wrong at the field, and nothing is stored."""
    form = {"service": "CO-SR", "work": "Odd", "worked_on": "2026-11-03", "quantity": "1"}
    answer = person(MARA).post(f"/opportunities/{key}/billables/add", **form | {field: value})
    assert answer.status_code == 422
    assert words in answer.text
    with app.app_context():
        assert newest_line().work != "Odd"


def test_finished_work_counts_as_work_to_bill(person: People, app: Flask, key: int) -> None:
    """A line that is marked as done joins the sum on the first page."""
    mara = person(MARA)
    with app.app_context():
        line = (
            db.session.scalars(db.select(Billable).filter_by(source_id=key, source_kind="opportunity", done=False))
            .one()
            .id
        )
    assert "5,604.70" in mara.read("/")
    assert mara.post(f"/opportunities/{key}/billables/{line}/done").status_code == 302
    assert "6,148.45" in mara.read("/")


def test_billed_work_leaves_the_first_page(person: People, app: Flask, key: int) -> None:
    """Once billing has set a status on every line, there is nothing left to bill there."""
    with app.app_context():
        for line in db.session.scalars(db.select(Billable).filter_by(source_id=key, source_kind="opportunity")):
            line.billing_status = "open"
        db.session.commit()
    page = person(MARA).read("/")
    assert "5,604.70" not in page
    assert "15,275.13" in page


def test_a_delivered_order_is_done_whether_or_not_it_can_be_billed(person: People, app: Flask) -> None:
    """Nothing is connected here: the order is delivered all the same, and the page says what is left; another company's
    order is not there."""
    with app.app_context():
        order = db.session.scalars(db.select(Order).filter_by(number="1196")).one().id
    mara = person(MARA)
    assert "Mark as delivered, and bill it" in mara.read(f"/orders/{order}/billables")
    assert mara.post(f"/orders/{order}/deliver").status_code == 302
    page = mara.read(f"/orders/{order}/billables")
    assert "It is delivered, and not billed yet." in page
    assert "Mark as delivered" not in page
    assert person(JUN).post(f"/orders/{order}/deliver").status_code == 404
