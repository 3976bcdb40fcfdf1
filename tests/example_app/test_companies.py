"""Two companies share the CRM, and neither sees the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from example_app.billing import send
from example_app.extensions import db
from example_app.models import Billable, Company, Individual, Opportunity, Order, Organization, Service, Ticket
from flask_crm_stripe import Mail
from tests.example_app.people import INES, JUN, Person

People = Callable[..., Person]
LISTS = ["/", "/contacts", "/opportunities", "/tickets", "/orders", "/services", "/company"]
MODELS = {
    "/organizations": Organization,
    "/people": Individual,
    "/opportunities": Opportunity,
    "/tickets": Ticket,
    "/orders": Order,
    "/services": Service,
}


def pages_of(company: str) -> Iterator[str]:
    """The address of everything that a company has."""
    for path, model in MODELS.items():
        rows = db.session.scalars(db.select(model).join(Company).where(Company.name == company))
        for row in rows:
            yield f"{path}/{row.id}"
            if path in ("/opportunities", "/tickets", "/orders"):
                yield from (f"{path}/{row.id}/{tab}" for tab in ("activity", "billables", "billables/add"))
            if path == "/services":
                yield f"{path}/{row.id}/delete"


def names_of(company: str) -> set[str]:
    """Every name and title that only this company has."""
    found: dict[str, set[str]] = {}
    for model in (Organization, Individual, Opportunity, Ticket, Order, Service):
        for row in db.session.scalars(db.select(model)):
            found.setdefault(row.company.name, set()).add(row.name if hasattr(row, "name") else row.title)
    mine = found.pop(company)
    return mine.difference(*found.values())


@pytest.mark.parametrize(
    ("email", "own", "other"),
    [
        (INES, "Harbour & Pine Consulting", "Kestrel Studio"),
        (JUN, "Kestrel Studio", "Harbour & Pine Consulting"),
    ],
)
def test_nothing_of_the_other_company_opens(person: People, app: Flask, email: str, own: str, other: str) -> None:
    """Each page of one's own opens; the other company's rows look as if they did not exist."""
    admin = person(email)
    with app.app_context():
        mine, theirs = list(pages_of(own)), list(pages_of(other))
    assert len(mine) > 20
    assert {path: admin.get(path).status_code for path in mine} == dict.fromkeys(mine, 200)
    assert {path: admin.get(path).status_code for path in theirs} == dict.fromkeys(theirs, 404)


@pytest.mark.parametrize("path", LISTS)
def test_no_list_names_the_other_company_or_what_it_has(person: People, app: Flask, path: str) -> None:
    """Lists and the first page show one company, searched or not."""
    with app.app_context():
        foreign = names_of("Kestrel Studio") | {"Kestrel Studio"}
    ines = person(INES)
    for page in (ines.read(path), ines.read(f"{path}?q=e")):
        assert [name for name in foreign if name in page] == []


def test_both_companies_may_have_the_same_customer(person: People) -> None:
    """Kanda Trading is a customer of both: two rows, each with its own mail address."""
    assert "keiri@kanda-trading.example" in person(INES).read("/contacts?q=kanda")
    assert "keiri@kanda-trading.example" not in person(JUN).read("/contacts?q=kanda")
    assert "ap@kanda-trading.example" in person(JUN).read("/contacts?q=kanda")


def test_forms_change_nothing_of_the_other_company(person: People, app: Flask) -> None:
    """Posting to the other company's rows is answered 404, and they stay as they were."""
    jun = person(JUN)
    with app.app_context():
        service = db.session.scalars(db.select(Service).filter_by(code="PW-01")).one().id
        line = db.session.scalars(db.select(Billable).filter_by(done=False)).first()
        assert line is not None
        unfinished, source = line.id, line.source_id
    assert jun.post(f"/services/{service}", code="X", title="Mine now", unit="day").status_code == 404
    assert jun.post(f"/services/{service}/delete").status_code == 404
    assert jun.post(f"/opportunities/{source}/billables/{unfinished}/done").status_code == 404
    with app.app_context():
        assert db.session.get_one(Service, service).title == "Process workshop on site"
        assert db.session.get_one(Billable, unfinished).done is False


def test_a_line_is_not_reached_through_another_source(person: People, app: Flask) -> None:
    """The address of a line names its source, and both have to fit."""
    with app.app_context():
        line = db.session.scalars(db.select(Billable).filter_by(done=False, source_kind="opportunity")).one()
        unfinished, source = line.id, line.source_id
    ines = person(INES)
    assert ines.post(f"/opportunities/{source + 1}/billables/{unfinished}/done").status_code == 404
    assert ines.post(f"/tickets/{source}/billables/{unfinished}/done").status_code == 404


def test_work_is_never_noted_with_a_service_of_the_other_company(person: People, app: Flask) -> None:
    """The choice of services is one's own; another code is refused at the field."""
    with app.app_context():
        own = next(path for path in pages_of("Kestrel Studio") if path.endswith("/billables/add"))
        before = db.session.scalar(db.select(db.func.count()).select_from(Billable))
    answer = person(JUN).post(own, service="PW-01", work="Something", worked_on="2026-11-02", quantity="1")
    assert answer.status_code == 422
    assert "offered any more" in answer.text
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(Billable)) == before


def test_mails_of_billing_are_kept_for_the_company(person: People, app: Flask) -> None:
    """An admin of the company reads what went out; another company's admin does not."""
    with app.app_context():
        send(Mail(("ops@harbourpine.example",), "Stripe is <b>connected</b>", "All\nis well", business="1"))
    assert "Stripe is <b>connected</b>" in person(INES).read("/company")
    assert "&lt;b&gt;" in person(INES).get("/company").text
    assert "ops@harbourpine.example" not in person(JUN).read("/company")
