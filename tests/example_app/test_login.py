"""Logging in and out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.example_app.people import INES, JUN, MARA, Person

People = Callable[..., Person]


@pytest.mark.parametrize("path", ["/", "/contacts", "/opportunities", "/orders/1/billables", "/services", "/company"])
def test_a_stranger_is_asked_to_log_in_first(person: People, path: str) -> None:
    """Every page sends a stranger to the login page, and remembers where they wanted to go."""
    answer = person().get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=")


def test_after_login_the_person_is_where_they_wanted_to_be(person: People) -> None:
    """The page that was asked for before the login opens after it."""
    stranger = person()
    asked = stranger.get("/opportunities?q=yard").location
    assert stranger.log_in(INES, target=asked).location == "/opportunities?q=yard"
    assert "Yard planning rollout" in stranger.read("/opportunities?q=yard")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"]
)
def test_nobody_is_sent_to_another_host(person: People, target: str) -> None:
    """A link with a foreign `next` ends on the CRM's first page."""
    stranger = person()
    form = {"csrf_token": stranger.token(), "email": INES, "password": "demo"}
    answer = stranger.client.post("/login", query_string={"next": target}, data=form)
    assert (answer.status_code, answer.location) == (302, "/")


@pytest.mark.parametrize(("email", "password"), [(INES, "wrong"), ("nobody@harbourpine.example", "demo"), (INES, "")])
def test_a_wrong_address_and_a_wrong_password_look_the_same(person: People, email: str, password: str) -> None:
    """Neither logs in, and the page doesn't say which of them was wrong."""
    stranger = person()
    answer = stranger.log_in(email, password)
    assert answer.status_code == 422
    assert stranger.get("/").status_code == 302
    if password:
        assert "The address or the password is not right" in answer.text


def test_the_address_may_be_written_in_capitals(person: People) -> None:
    """People write their address as they like."""
    assert person().log_in(INES.upper()).status_code == 302


def test_logging_out_ends_the_session(person: People) -> None:
    """After logging out the pages are closed again."""
    ines = person(INES)
    assert ines.post("/logout").location == "/login"
    assert ines.get("/").status_code == 302


def test_two_browsers_are_two_people(person: People) -> None:
    """What one person sees follows from their own login, in whatever order pages are opened."""
    ines, jun = person(INES), person(JUN)
    assert "Harbour & Pine Consulting" in ines.read("/")
    assert "Kestrel Studio" in jun.read("/")
    assert "Kestrel Studio" not in ines.read("/")


@pytest.mark.parametrize("path", ["/logout", "/login", "/company/finance", "/services/1/delete"])
def test_a_form_without_token_is_refused(person: People, path: str) -> None:
    """The CRM's own CSRF protection stands in front of every form."""
    ines = person(INES)
    answer = ines.client.post(path, data={"email": MARA, "password": "demo"})
    assert answer.status_code == 400
    assert "reload and try again" in answer.text
    assert "Process workshop on site" in ines.read("/services")
