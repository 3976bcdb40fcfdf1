"""What holds for every page of the CRM."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from example_app.extensions import db
from example_app.models import Opportunity, Organization
from tests.example_app.people import INES, MARA, PIETER, Person

People = Callable[..., Person]
EVERYBODYS = [
    "/",
    "/contacts",
    "/organizations/1",
    "/people/4",
    "/opportunities",
    "/opportunities/1",
    "/opportunities/1/activity",
    "/opportunities/1/billables",
    "/tickets",
    "/tickets/1",
    "/tickets/1/billables",
    "/orders",
    "/orders/1",
    "/orders/1/billables",
    "/services",
]
ADMINS = ["/services/new", "/services/1", "/services/1/delete", "/company", "/opportunities/1/billables/add"]
MARKUP = '<b>Bold</b> & "quoted" <script>alert(1)</script>'


@pytest.mark.parametrize("email", [INES, MARA, PIETER])
def test_every_page_opens_for_every_role(person: People, email: str) -> None:
    """Whoever is logged in finds every page that is theirs."""
    somebody = person(email)
    assert {path: somebody.get(path).status_code for path in EVERYBODYS} == dict.fromkeys(EVERYBODYS, 200)


@pytest.mark.parametrize("path", [*EVERYBODYS, *ADMINS, "/login", "/nowhere"])
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(person: People, path: str) -> None:
    """The policy forbids both, and no page needs them: no style or handler in a tag, no script or address of others."""
    answer = (person() if path == "/login" else person(INES)).get(path)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", answer.text)
    links = re.findall(r'(?:src|href|action)="([^"]*)"', answer.text)
    assert links
    assert [link for link in links if not link.startswith(("/", "#", "?")) and link] == []


@pytest.mark.parametrize("path", [*EVERYBODYS, *ADMINS, "/login"])
def test_each_page_has_one_heading_and_a_title(person: People, path: str) -> None:
    """A screen reader hears where it is."""
    page = (person() if path == "/login" else person(INES)).read(path)
    assert page.count("<h1") == 1
    title = re.search(r"<title>(.+?)</title>", page)
    assert title
    assert title[1].endswith("Northlight")


def test_names_are_never_markup(person: People, app: Flask) -> None:
    """A customer or a title that looks like markup is shown as the text that it is."""
    with app.app_context():
        db.session.get_one(Organization, 1).name = MARKUP
        db.session.get_one(Opportunity, 1).title = MARKUP
        db.session.commit()
    ines = person(INES)
    for path in (
        "/",
        "/contacts",
        "/organizations/1",
        "/opportunities",
        "/opportunities/1",
        "/opportunities/1/billables",
    ):
        text = ines.get(path).text
        assert "&lt;b&gt;Bold&lt;/b&gt;" in text
        assert "<b>Bold" not in text
        assert "<script>alert" not in text


def test_the_side_bar_leads_into_billing_and_marks_where_one_is(person: People) -> None:
    """One entry is marked as the current one, and Billing is among the entries of every role."""
    for email in (INES, MARA, PIETER):
        page = person(email).read("/opportunities/1")
        assert 'href="/stripe/"' in page
        assert set(re.findall(r'href="([^"]+)" aria-current="page"', page)) == {"/opportunities", "/opportunities/1"}


def test_a_page_that_is_not_there_says_so_in_the_layout(person: People) -> None:
    """Not found is a page of the CRM, with its side bar for people who are logged in."""
    answer = person(INES).get("/nowhere")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert "nl-side" in answer.text
    assert "nl-side" not in person().get("/nowhere").text


def test_the_finance_module_off_is_said_on_the_billables_tab(person: People) -> None:
    """Instead of billing's panel there is a sentence; an admin gets the way to the switch, others don't."""
    ines, mara = person(INES), person(MARA)
    ines.post("/company/finance", finance="off")
    assert "Switch it on" in ines.read("/opportunities/1/billables")
    page = mara.read("/opportunities/1/billables")
    assert "The finance module is off" in page
    assert "Switch it on" not in page
