"""What each role may do, in the CRM and in billing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from example_app import billing
from example_app.extensions import db
from example_app.models import Company, User
from example_app.roles import BILLING_RIGHTS, CRM_RIGHTS
from flask_crm_stripe.model.business import ALL_PERMISSIONS
from tests.example_app.people import INES, MARA, PIETER, Person

People = Callable[..., Person]
ADMIN_ONLY = ["/services/new", "/services/1", "/services/1/delete", "/company"]
NOTES_WORK = ["/opportunities/1/billables/add"]


@pytest.mark.parametrize("path", ADMIN_ONLY + NOTES_WORK)
def test_an_admin_may_open_everything(person: People, path: str) -> None:
    """No page of the CRM is closed to an admin."""
    person(INES).read(path)


@pytest.mark.parametrize(
    ("email", "path"),
    [*((MARA, path) for path in ADMIN_ONLY), *((PIETER, path) for path in ADMIN_ONLY + NOTES_WORK)],
)
def test_others_are_told_who_can(person: People, email: str, path: str) -> None:
    """A page that the role doesn't have says so, and whom to ask; posting to it is refused as well."""
    somebody = person(email)
    answer = somebody.get(path)
    assert answer.status_code == 403
    assert "An admin of your company" in answer.text
    assert somebody.post(path if path != "/company" else "/company/finance").status_code == 403


def test_sales_may_note_work(person: People) -> None:
    """Sales people note what there is to bill."""
    assert "Save the line" in person(MARA).read("/opportunities/1/billables/add")


@pytest.mark.parametrize("path", ["/", "/contacts", "/services", "/opportunities/1", "/opportunities/1/activity"])
def test_a_viewer_sees_no_button_that_would_be_refused(person: People, path: str) -> None:
    """Actions that the role never has are absent; the only form is the one that logs out (or searches)."""
    page = person(PIETER).read(path)
    assert page.count('method="post"') == page.count('action="/logout"')
    assert "Add a service" not in page
    assert "Note more work" not in page


def test_the_roles_of_the_crm_and_of_billing_are_the_same() -> None:
    """Each role has its rights in both, and billing's words are the extension's own."""
    assert set(CRM_RIGHTS) == set(BILLING_RIGHTS) == {"admin", "sales", "viewer"}
    assert BILLING_RIGHTS["admin"] == ALL_PERMISSIONS
    assert BILLING_RIGHTS["viewer"] < BILLING_RIGHTS["sales"] < ALL_PERMISSIONS
    assert {"draft", "send"} <= BILLING_RIGHTS["sales"]
    assert not {"connect", "refund", "write_off"} & BILLING_RIGHTS["sales"]


def test_an_admin_switches_the_finance_module(person: People, app: Flask) -> None:
    """The switch changes the own company only, and billing is told so at the next question."""
    ines = person(INES)
    ines.post("/company/finance", finance="off")
    assert "Switch it on" in ines.read("/company")
    with app.app_context():
        states = {row.name: billing.finance_is_on(str(row.id)) for row in db.session.scalars(db.select(Company))}
    assert states == {"Harbour & Pine Consulting": False, "Kestrel Studio": True}
    ines.post("/company/finance", finance="on")
    assert "Switch it off" in ines.read("/company")


def test_a_user_who_is_gone_is_logged_out(person: People, app: Flask) -> None:
    """A session outlives nobody: once the user is deleted it opens nothing."""
    pieter = person(PIETER)
    with app.app_context():
        db.session.delete(db.session.scalars(db.select(User).filter_by(email=PIETER)).one())
        db.session.commit()
    assert pieter.get("/").status_code == 302
