"""The demo's data."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from flask import Flask

from example_app.extensions import Model, db
from example_app.models import Activity, Billable, Opportunity, Order, Organization, ServicePrice, Ticket, User, Work
from example_app.seed import seed


def everything() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of the CRM."""
    return {
        name: [tuple(row) for row in db.session.execute(table.select().order_by(*table.primary_key))]
        for name, table in Model.metadata.tables.items()
    }


def test_seeding_twice_changes_nothing(app: Flask) -> None:
    """The second run, also on another day, finds both businesses and leaves them alone."""
    with app.app_context():
        before = everything()
        assert len(before["billable"]) > 20
        seed()
        seed(dt.date(2031, 1, 1))
        assert everything() == before


def test_a_missing_business_is_added_without_touching_the_other(app: Flask) -> None:
    """Seeding looks at each business on its own."""
    with app.app_context():
        db.drop_all()
        db.create_all()
        seed(dt.date(2026, 11, 20))
        assert [user.role for user in db.session.scalars(db.select(User).order_by(User.id))] == [
            *("admin", "sales", "viewer"),
            *("admin", "sales", "viewer"),
        ]
        yard = db.session.scalars(db.select(Opportunity).filter_by(number="OP-2207")).one()
        assert yard.opened_on == dt.date(2026, 10, 12)


def test_passwords_are_stored_as_hashes(app: Flask) -> None:
    """No password lies in the database, and no two hashes are alike."""
    with app.app_context():
        users = db.session.scalars(db.select(User)).all()
        assert all(user.knows_password("demo") and not user.knows_password("Demo") for user in users)
        assert len({user.password_hash for user in users}) == len(users)
        assert not any("demo" in user.password_hash for user in users)


def lines() -> Sequence[Billable]:
    """Every line of work."""
    return db.session.scalars(db.select(Billable)).all()


def test_the_lines_show_what_billing_has_to_cope_with(app: Flask) -> None:
    """Three currencies and more, parts of hours, agreed rates, discounts, two VAT rates, work that isn't done."""
    with app.app_context():
        found = lines()
        assert {"EUR", "USD", "JPY"} <= {line.currency for line in found}
        assert {Decimal(21), Decimal(9)} <= {line.vat_rate for line in found}
        assert Decimal("7.25") in {line.quantity for line in found}
        assert any(line.discount_percent for line in found)
        assert Counter(line.done for line in found)[False] >= 1
        assert any(line.service and line.unit_price != line.service.price_in(line.currency) for line in found)
        assert {line.source_kind for line in found} == {"opportunity", "ticket", "order"}
        several = {line.currency for line in found if line.source_kind == "opportunity" and line.source_id == 1}
        assert len(several) == 2


def test_some_work_has_nothing_to_bill(app: Flask) -> None:
    """An empty Billables tab can be seen in each kind of work."""
    with app.app_context():
        billed = {(line.source_kind, line.source_id) for line in lines()}
        for name, model in {"opportunity": Opportunity, "ticket": Ticket, "order": Order}.items():
            assert any((name, row.id) not in billed for row in db.session.scalars(db.select(model)))


def source_of(row: Billable | Activity) -> Work:
    """The opportunity, ticket or order that a row names."""
    models: dict[str, type[Model]] = {"opportunity": Opportunity, "ticket": Ticket, "order": Order}
    found = db.session.get_one(models[row.source_kind], row.source_id)
    assert isinstance(found, Work)
    return found


def test_everything_refers_to_its_own_business(app: Flask) -> None:
    """A line, its source, its service, its customer and its worker belong to one business."""
    with app.app_context():
        for line in lines():
            source = source_of(line)
            related = [source, source.owner, source.contact, line.service, line.worker]
            assert {row.company_id for row in related if row is not None} == {line.company_id}
            assert source.contact is not None
        for entry in db.session.scalars(db.select(Activity)):
            assert source_of(entry).number == entry.source_number


def test_one_customer_has_no_mail_address_and_yen_have_no_decimals(app: Flask) -> None:
    """Both are things that billing has to say something about, or to get right."""
    with app.app_context():
        assert db.session.scalars(db.select(Organization).filter_by(billing_email="")).all()
        assert all(
            price.amount % 1 == 0 for price in db.session.scalars(db.select(ServicePrice).filter_by(currency="JPY"))
        )
