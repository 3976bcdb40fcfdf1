"""Above the limit a second person agrees, on the pages and by program: asked once, agreed to by another, done once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from tests.support.billing_host import LINES, NORTH, BillingHost, Browser, billing_host, work
from tests.support.together import at_once

REASON = "A large order of a good customer"
ROUNDS = 5


class Pages:
    """The forms of the pages."""

    done = (303,)

    def ask(self, browser: Browser, invoice: str, reason: str = REASON) -> TestResponse:
        """On the invoice's page."""
        return browser.post(f"/invoices/{invoice}/ask", reason=reason)

    def decide(self, browser: Browser, request: str, word: str, **fields: str) -> TestResponse:
        """On the request's page."""
        return browser.post(f"/approvals/{request}/{word}", **fields)

    def send(self, browser: Browser, invoice: str) -> TestResponse:
        """On the invoice's page."""
        return browser.post(f"/invoices/{invoice}/send")

    def said(self, browser: Browser, answer: TestResponse) -> str:
        """What the person reads."""
        return browser.follow(answer).text


class Program:
    """The JSON side."""

    done = (200,)

    def ask(self, browser: Browser, invoice: str, reason: str = REASON) -> TestResponse:
        """For an invoice."""
        return browser.post_json(f"/invoices/{invoice}/approval", {"reason": reason})

    def decide(self, browser: Browser, request: str, word: str, **fields: str) -> TestResponse:
        """About a request."""
        return browser.post_json(f"/approvals/{request}/{word}", fields or None)

    def send(self, browser: Browser, invoice: str) -> TestResponse:
        """An invoice."""
        return browser.post_json(f"/invoices/{invoice}/send", None)

    def said(self, browser: Browser, answer: TestResponse) -> str:
        """What the program reads."""
        return str(answer.get_json().get("detail", answer.text))


Road = Pages | Program


@pytest.fixture(params=[Pages, Program])
def road(request: pytest.FixtureRequest) -> Road:
    """A person's way, and a program's."""
    made: Road = request.param()
    return made


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BillingHost]:
    """Both businesses connected; in the north more than 100 EUR needs a second person."""
    with limited(f"sqlite:///{tmp_path}/crm.sqlite") as host:
        yield host


@contextmanager
def limited(url: str) -> Iterator[BillingHost]:
    """As above, on a database."""
    with billing_host(url) as host:
        north, _ = host.connected()
        limit = {"permission": "send", "currency": "eur", "amount": "100"}
        assert north.post("/settings/safety/limits", **limit).status_code == 303
        host.mails.clear()
        yield host


def a_draft(host: BillingHost, line: int = 0) -> str:
    """Of more than the limit."""
    return host.browser("ann").bill(NORTH, LINES[NORTH][line], send="no")


def asked(host: BillingHost, road: Road, invoice: str) -> str:
    """Ann asks; the request's id."""
    assert road.ask(host.browser("ann"), invoice).status_code in road.done
    return str(host.rows("crm_stripe_approval")[-1]["id"])


def sends(host: BillingHost) -> int:
    """How often Stripe was told to send an invoice."""
    return sum(each.method == "POST" and each.path.endswith("/send") for each in host.fake.requests)


def states(host: BillingHost) -> list[str]:
    """Of the requests, oldest first."""
    return [row["state"] for row in host.rows("crm_stripe_approval")]


def logged(host: BillingHost, business: str = NORTH) -> list[tuple[str, str, str]]:
    """Who did what, and what came of it."""
    rows = [row for row in host.rows("crm_stripe_log") if row["business"] == business]
    return [(row["actor"], row["action"], row["outcome"]) for row in rows]


def test_asked_agreed_and_done_once(host: BillingHost, road: Road) -> None:
    """One person alone can't send it; the second one is asked, agrees, and it is sent once, however often they press.
    Both are told, both stand in the history."""
    ann, ben, invoice = host.browser("ann"), host.browser("ben"), a_draft(host)
    alone = road.send(ann, invoice)
    assert "second person" in road.said(ann, alone)
    assert sends(host) == 0
    request = asked(host, road, invoice)
    assert "Waiting for approval" in ann.page(f"/invoices/{invoice}").text
    assert REASON in ben.page(f"/approvals/{request}").text
    assert road.decide(ben, request, "agree").status_code in road.done
    assert sends(host) == 1
    again = road.decide(ben, request, "agree")
    assert again.status_code == 409
    assert road.send(ann, invoice).status_code in (*road.done, 409)
    assert sends(host) == 1
    assert [each["status"] for each in host.things("invoice")] == ["open"]
    assert states(host) == ["done"]
    assert ("ann", "approval.ask", "done") in logged(host)
    assert ("ben", "approval.agree", "done") in logged(host)
    text = ben.page(f"/invoices/{invoice}").text
    assert "Ann asked a second person to agree that it is sent: A large order of a good customer" in text
    assert "Ben agreed that it is sent." in text
    assert "Ann sent it by mail" in text


def test_whoever_asked_does_not_agree(host: BillingHost, road: Road) -> None:
    """With all rights, and on another browser: refused, said why, and in the log. Nobody else's word is used up."""
    invoice = a_draft(host)
    request = asked(host, road, invoice)
    for word in ("agree", "refuse"):
        own = road.decide(host.browser("ann"), request, word, **({"reason": "No more"} if word == "refuse" else {}))
        assert own.status_code == 403
        assert "yourself" in own.text
    assert ("ann", "approval.own", "refused") in logged(host)
    assert sends(host) == 0
    assert states(host) == ["waiting"]
    assert not [form for form in host.browser("ann").page(f"/approvals/{request}").forms if "agree" in form.action]
    assert road.decide(host.browser("ben"), request, "agree").status_code in road.done
    assert sends(host) == 1


def test_asked_twice_is_one_request(database_url: str, road: Road) -> None:
    """By the same person and by two, at the same moment: one request, and the others hear of it once."""
    with limited(database_url) as host:
        for number in range(ROUNDS):
            invoice = a_draft_of_two(host, number)
            people = [host.browser(who) for who in ("ann", "ann", "ben")]
            answers = at_once(*(partial(road.ask, person, invoice) for person in people))
            assert {answer.status_code for answer in answers} <= set(road.done)
            rows = [row for row in host.rows("crm_stripe_approval") if row["subject"] == f"invoice:{invoice}"]
            assert [row["state"] for row in rows] == ["waiting"]
            notices = [row for row in host.rows("crm_stripe_notice") if row["kind"] == "approval_asked"]
            assert len(notices) == number + 1


def a_draft_of_two(host: BillingHost, number: int) -> str:
    """Drafts of lines of their own."""
    with host.app.app_context():
        host.host.add(NORTH, work(NORTH, str(100 + number)))
    return host.browser("ann").bill(NORTH, str(100 + number), send="no")


def test_agreed_twice_at_once_is_done_once(database_url: str, road: Road) -> None:
    """Two people who may agree press at the same moment, one of them twice."""
    with limited(database_url) as host:
        with host.app.app_context():
            host.host.db.session.add(host.host.User(id="fay", company=NORTH, role="admin"))
            host.host.db.session.commit()
        for number in range(ROUNDS):
            request = asked(host, road, a_draft_of_two(host, number))
            people = [host.browser(who) for who in ("ben", "fay", "ben")]
            answers = at_once(*(partial(road.decide, person, request, "agree") for person in people))
            assert sorted(answer.status_code for answer in answers) == [*road.done, 409, 409]
            assert sends(host) == number + 1
        assert set(states(host)) == {"done"}


@pytest.mark.parametrize("change", ["mail", "name", "limit"])
def test_what_is_agreed_to_is_what_was_asked(host: BillingHost, road: Road, change: str) -> None:
    """Where the invoice would go to has changed since: nothing is sent, the request is void, and it can be asked for
    again. A limit that changed meanwhile changes nothing about it."""
    invoice = a_draft(host)
    request = asked(host, road, invoice)
    if change == "limit":
        host.browser("ann").post("/settings/safety/limits", permission="send", currency="eur", amount="50")
    else:
        with host.app.app_context():
            payer = host.host.db.session.get(host.host.Organization, 1)
            assert payer is not None
            payer.email, payer.name = ("thief@evil.example", payer.name) if change == "mail" else (payer.email, "Thief")
            host.host.db.session.commit()
    ben = host.browser("ben")
    if change == "limit":
        assert road.decide(ben, request, "agree").status_code in road.done
        assert sends(host) == 1
        return
    assert "has changed since" in ben.page(f"/approvals/{request}").text
    answer = road.decide(ben, request, "agree")
    assert answer.status_code == 409
    assert "has changed since" in answer.text
    assert sends(host) == 0
    assert states(host) == ["withdrawn"]
    again = asked(host, road, invoice)
    assert again != request
    assert road.decide(ben, again, "agree").status_code in road.done
    assert sends(host) == 1


def test_a_request_that_is_refused_or_withdrawn(host: BillingHost, road: Road) -> None:
    """Nothing is sent; why stands on the page; afterwards it can't be agreed to, and can be asked for again."""
    ann, ben, invoice = host.browser("ann"), host.browser("ben"), a_draft(host)
    refused = asked(host, road, invoice)
    short = road.decide(ben, refused, "refuse", reason="x")
    assert short.status_code == 422
    assert road.decide(ben, refused, "refuse", reason="Not this month").status_code in road.done
    assert "Not this month" in ann.page(f"/invoices/{invoice}").text
    withdrawn = asked(host, road, invoice)
    assert road.decide(ben, withdrawn, "withdraw").status_code == 409
    assert road.decide(ann, withdrawn, "withdraw").status_code in road.done
    for request in (refused, withdrawn):
        assert road.decide(ben, request, "agree").status_code == 409
    assert states(host) == ["refused", "withdrawn"]
    assert sends(host) == 0


def test_another_business_sees_and_decides_nothing(host: BillingHost, road: Road) -> None:
    """Not there, for an admin of the other business; and their own limit is none."""
    request = asked(host, road, a_draft(host))
    sue = host.browser("sue")
    assert sue.get(f"/approvals/{request}").status_code == 404
    for word, fields in (("agree", {}), ("refuse", {"reason": "No more"}), ("withdraw", {})):
        assert road.decide(sue, request, word, **fields).status_code == 404
    assert request not in sue.page("/approvals").text
    assert states(host) == ["waiting"]


def test_a_viewer_asks_nobody_and_decides_nothing(host: BillingHost, road: Road) -> None:
    """Each needs its own right; what was refused is in the log."""
    invoice = a_draft(host)
    request = asked(host, road, invoice)
    for who in ("cas", "dee"):
        browser = host.browser(who)
        assert road.ask(browser, invoice).status_code == 403
        assert road.decide(browser, request, "agree").status_code == 403
    assert ("dee", "refused.approve", "refused") in logged(host)
    assert states(host) == ["waiting"]


def test_both_hear_of_it(host: BillingHost) -> None:
    """Whoever is named for notices hears that somebody asked, and what was decided; nothing in it is personal."""
    ann, ben = host.browser("ann"), host.browser("ben")
    ann.post("/settings/safety/notify", notify="office@north.example")
    request = asked(host, Pages(), a_draft(host))
    ben.post(f"/approvals/{request}/agree")
    kinds = [row["kind"] for row in host.rows("crm_stripe_notice")]
    assert kinds[-2:] == ["approval_asked", "approval_decided"]
    mails = [mail for mail in host.mails if "office@north.example" in mail.to]
    assert any(f"https://crm.example/stripe/approvals/{request}" in mail.text for mail in mails)
    assert all("payer@north.example" not in mail.text for mail in mails)


def test_the_review_says_so_before_anything_is_made(host: BillingHost) -> None:
    """Above the limit there is a button to ask, with a reason, in place of the one that sends; a small invoice has the
    usual ones."""
    ann = host.browser("ann")
    large = ann.review(NORTH, LINES[NORTH][0])
    assert {value for name, value, _ in large.form("/invoice").buttons if name == "send"} == {"ask", "no"}
    refused = ann.press(large, "/invoice", send="ask", reason="")
    assert refused.status_code == 422
    made = ann.press(large, "/invoice", send="ask", reason=REASON)
    assert made.status_code == 303
    assert states(host) == ["waiting"]
    assert sends(host) == 0
    assert ann.press(large, "/invoice", send="ask", reason=REASON).status_code == 303
    assert states(host) == ["waiting"]
    forced = ann.press(ann.review(NORTH, LINES[NORTH][1]), "/invoice", send="yes")
    assert forced.status_code in (403, 409, 422)
    assert sends(host) == 0


def test_a_limit_in_the_database_that_cannot_be_read_lets_nothing_through(host: BillingHost) -> None:
    """Somebody damaged it: then every amount needs a second person."""
    with host.app.app_context(), host.host.db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE crm_stripe_setting SET value = 'none' WHERE key LIKE 'limit.%'"))
    invoice = a_draft(host)
    assert "second person" in host.browser("ann").follow(host.browser("ann").post(f"/invoices/{invoice}/send")).text
    assert sends(host) == 0
