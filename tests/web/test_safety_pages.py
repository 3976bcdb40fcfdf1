"""What an admin sets for safety, the log and what it gives out, and a person's mail address seen by those who may."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor
from flask_crm_stripe.model.log import LogFilter
from tests.support.seller import SELLER
from tests.web.page_stage import INES, MARA, SOUTH, VIEWER, Page, Stage
from tests.web.page_worlds import client, page_of, stage

__all__ = ["client", "stage"]

SECOND = Actor("7", "Tove Second", ALL_PERMISSIONS, "en_GB")
MAIL = "crediteuren@vdbz.example"


def limits(stage: Stage) -> dict[str, str]:
    """As they are stored."""
    return {key: value for key, value in stage.billing().settings.all().items() if key.startswith("limit.") and value}


def set_limit(client: FlaskClient, **typed: str) -> Page:
    """Send the form; the page after it."""
    form = page_of(client.get("/stripe/settings/safety")).form("/limits")
    answer = client.post(form.action, data=form.data(**typed))
    return page_of(client.get(answer.location)) if answer.status_code == 303 else page_of(answer, 422)


def test_a_limit_holds_at_once_and_falls_with_a_second_person(stage: Stage, client: FlaskClient) -> None:
    """In the currency's own way of writing; raising it needs a reason and another person, on a page that says what."""
    page = set_limit(client, permission="send", amount="5,000.50", currency="EUR")
    assert "The limit holds from now on." in page.text
    assert "above 5,000.50 EUR" in page.text
    assert limits(stage) == {"limit.send.eur": "500050"}
    missing = set_limit(client, permission="send", amount="9000", currency="eur")
    assert "Write a reason" in missing.text
    page = set_limit(client, permission="send", amount="9000", currency="eur", reason="A larger customer")
    assert "A second person is asked" in page.text
    assert "One request waits" in page.text
    assert limits(stage) == {"limit.send.eur": "500050"}
    stage.actor = SECOND
    listed = page_of(client.get("/stripe/approvals"))
    [href] = [given["href"] for tag, given in listed.tags if tag == "a" and "/approvals/" in given.get("href", "")]
    request = page_of(client.get(href))
    assert "a limit of 9000.00 EUR" in request.text
    assert "A larger customer" in request.text
    answer = client.post(request.form("/agree").action, data=request.form("/agree").data())
    assert "You agreed, and it is done." in page_of(client.get(answer.location)).text
    assert limits(stage) == {"limit.send.eur": "900000"}


def test_a_limit_is_removed_on_its_line(stage: Stage, client: FlaskClient) -> None:
    """For the currency without decimals, too; with a reason, and asked."""
    set_limit(client, permission="refund", amount="20000", currency="jpy")
    assert limits(stage) == {"limit.refund.jpy": "20000"}
    form = page_of(client.get("/stripe/settings/safety")).form("/limits/remove")
    assert client.post(form.action, data=form.data(reason="")).status_code == 422
    assert client.post(form.action, data=form.data(reason="Not needed any more")).status_code == 303
    assert limits(stage) == {"limit.refund.jpy": "20000"}
    assert len(stage.billing().ledger.approvals.waiting()) == 1


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"amount": "many", "currency": "eur"}, "amount"),
        ({"amount": "-1", "currency": "eur"}, "amount"),
        ({"amount": "1.005", "currency": "eur"}, "amount"),
        ({"amount": "9" * 30, "currency": "eur"}, "amount"),
        ({"amount": "1.5", "currency": "jpy"}, "amount"),
        ({"amount": "5", "currency": "euro"}, "currency"),
        ({"amount": "5", "currency": ""}, "currency"),
        ({"amount": "5", "currency": "eur", "permission": "admin"}, "permission"),
    ],
)
def test_a_wrong_limit_is_named(stage: Stage, client: FlaskClient, typed: dict[str, str], field: str) -> None:
    """422, the field is marked and described, what was typed stands there still, and nothing is set."""
    page = set_limit(client, **{"permission": "send", **typed})
    wrong = [given["name"] for _, given in page.tags if given.get("aria-invalid") == "true"]
    assert wrong == [field]
    assert any(given.get("href") == f"#cs-{field}" for _, given in page.tags)
    assert dict(page.form("/limits").fields)["amount"] == typed["amount"]
    assert limits(stage) == {}


@pytest.mark.parametrize(
    ("part", "typed", "field", "words"),
    [
        ("/notify", {"notify": "ops@example.com nobody"}, "notify", "“nobody” is no mail address"),
        ("/notify", {"notify": "a@b.example\r\nBcc:x@y.example"}, "notify", "is no mail address"),
        ("/notify", {"notify": " ".join(f"p{n}@example.com" for n in range(11))}, "notify", "at most 10"),
        ("/safety/log", {"log_days": "10", "log_reason": "Because"}, "log_days", "90"),
        ("/safety/log", {"log_days": "9" * 5000, "log_reason": "Because"}, "log_days", "90"),
        ("/safety/log", {"log_days": "365", "log_reason": ""}, "log_reason", "reason"),
    ],
)
def test_wrong_settings_are_named(
    stage: Stage, client: FlaskClient, part: str, typed: dict[str, str], field: str, words: str
) -> None:
    """The same for the other two forms of the page."""
    form = page_of(client.get("/stripe/settings/safety")).form(part)
    page = page_of(client.post(form.action, data=form.data(**typed)), 422)
    assert words in page.text
    assert [given["name"] for _, given in page.tags if given.get("aria-invalid") == "true"] == [field]
    assert stage.billing().settings.all() == SELLER


def test_where_mails_go_and_how_long_the_log_is_kept(stage: Stage, client: FlaskClient) -> None:
    """Saved and said; the log's page says how long, and whoever may connect hears that it is shorter."""
    form = page_of(client.get("/stripe/settings/safety")).form("/notify")
    client.post(form.action, data=form.data(notify="ops@example.com,\n ops@example.com it@example.com"))
    assert stage.billing().settings.all()["notify"] == "ops@example.com, it@example.com"
    form = page_of(client.get("/stripe/settings/safety")).form("/safety/log")
    client.post(form.action, data=form.data(log_days="365", log_reason="Our policy"))
    assert "Lines are kept for 365 days." in page_of(client.get("/stripe/log")).text
    notice = page_of(client.get("/stripe/"))
    assert "The log is kept for 365 days from now on: Our policy" in notice.text
    client.post(notice.form("/seen").action, data=notice.form("/seen").data())
    assert "Our policy" not in client.get("/stripe/").text


@pytest.fixture
def lines(stage: Stage) -> None:
    """Several people did things, on several days, in both businesses; one was refused."""
    stage.invoice("b1", actor=Actor("2", "=HYPERLINK(1)", ALL_PERMISSIONS))
    stage.clock.wait(days=3)
    stage.actor = VIEWER
    stage.client().get("/stripe/log")
    stage.actor = INES
    stage.clock.wait(days=3)
    stage.billing().settings.save_notify("ops@example.com")
    stage.billing(SOUTH, Actor("66", "Southern Admin", ALL_PERMISSIONS)).settings.save_notify("south@example.com")


@pytest.mark.usefixtures("lines")
@pytest.mark.parametrize(
    ("query", "there", "not_there"),
    [
        ("actor=3", "Tried without the right", "Changed where notices"),
        ("action=settings", "Changed where notices", "Made an invoice"),
        ("action=invoice", "Made an invoice", "Connected the account"),
        ("action=refused", "Tried without the right", "Made an invoice"),
        ("outcome=refused", "Tried without the right", "Changed where notices"),
        ("outcome=nonsense", "Changed where notices", "Southern"),
        ("since=2026-11-27", "Changed where notices", "Made an invoice"),
        ("until=2026-11-23", "Made an invoice", "Changed where notices"),
        ("since=2026-11-25&until=2026-11-26", "Tried without the right", "Made an invoice"),
        ("since=soon&until=9999-12-31", "Made an invoice", "Southern"),
        ("since=0001-01-01", "Made an invoice", "Southern"),
        ("target=settings", "Changed where notices", "Made an invoice"),
        ("target=no-such-thing", "Nothing matches.", "Made an invoice"),
    ],
)
def test_the_log_is_filtered_and_taken_along(
    stage: Stage, client: FlaskClient, query: str, there: str, not_there: str
) -> None:
    """By person, deed, result, day and thing, on the page and in the file; what is no filter is left out."""
    table = page_of(client.get(f"/stripe/log?{query}")).text.partition("Times in")[0].rpartition("Filter")[2]
    assert there in table
    assert not_there not in table
    answer = client.get(f"/stripe/log/export?{query}")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="billing-log-')
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    text = "\n".join(" ".join(row) for row in rows[1:])
    assert (there in text) or (there == "Nothing matches." and len(rows) == 1)
    assert not_there not in text


@pytest.mark.usefixtures("lines")
def test_the_file_has_names_of_now_and_no_formula(stage: Stage, client: FlaskClient) -> None:
    """A name that a spreadsheet would calculate is text; whoever took the file along is in the log with the filter;
    a person who was forgotten is a ref."""
    answer = client.get("/stripe/log/export?action=invoice")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert rows
    assert all(not value.lstrip().startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    assert any("'=HYPERLINK(1)" in row.values() for row in rows)
    last = stage.billing().ledger.log.page(LogFilter()).rows[0]
    assert (last.action, last.actor, last.reason) == ("log.export", INES.ref, "action=invoice")
    stage.billing().ledger.people.forget("2")
    assert "HYPERLINK" not in client.get("/stripe/log/export").get_data(as_text=True)


@pytest.mark.usefixtures("lines")
def test_a_log_without_words_of_its_own_shows_itself(stage: Stage, client: FlaskClient) -> None:
    """A line of an older version, or of a CRM's own use case."""
    stage.billing().log.note("credit_note.make", "cn_1")
    stage.billing().log.note("refused.write_off", "invoice 7")
    text = page_of(client.get("/stripe/log")).text
    assert "credit note, make: cn_1" in text
    assert "Tried without the right “write_off”" in text


@pytest.mark.parametrize("path", ["/settings/safety", "/log/export", "/copy"])
def test_safety_is_for_admins(stage: Stage, client: FlaskClient, path: str) -> None:
    """A 403 that says whom to ask, and nothing of it; it is in the log."""
    stage.actor = MARA
    page_of(client.get(f"/stripe{path}"), 403)
    last = stage.billing().ledger.log.page(LogFilter()).rows[0]
    assert (last.actor, last.action, last.outcome) == (MARA.ref, "refused.admin", "refused")


def test_a_mail_address_is_for_those_who_may_see_it(stage: Stage, client: FlaskClient) -> None:
    """Others see the first letter and the domain, on every page and in JSON, and no PDF; whoever looks at the whole one
    is in the log, once a day."""
    invoice = stage.invoice("b1")
    pages = (f"/invoices/{invoice.id}", "/billables/opportunity/2207/review?billable=b2", "/invoices", "/log", "/")
    looker = replace(INES, ref="12", permissions=ALL_PERMISSIONS - {"view_personal"})
    stage.actor = looker
    for path in pages:
        assert MAIL not in client.get(f"/stripe{path}").get_data(as_text=True), path
    assert "c…@vdbz.example" in page_of(client.get(f"/stripe/invoices/{invoice.id}")).text.replace(" ", "")
    for path in (f"/api/v1/invoices/{invoice.id}", "/api/v1/invoices"):
        assert MAIL not in client.get(f"/stripe{path}").get_data(as_text=True)
    assert client.get(f"/stripe/invoices/{invoice.id}/pdf").status_code == 403
    stage.actor = replace(INES, ref="13")
    for _ in range(3):
        assert MAIL in client.get(f"/stripe{pages[0]}").get_data(as_text=True)
    stage.clock.wait(days=1)
    client.get(f"/stripe{pages[0]}")
    seen = [(row.actor, row.action) for row in stage.billing().ledger.log.every(LogFilter(action="invoice"))]
    assert seen.count(("13", "invoice.see_personal")) == 2
    assert ("12", "invoice.see_personal") not in seen
    assert ("12", "refused.view_personal") in [
        (row.actor, row.action) for row in stage.billing().ledger.log.every(LogFilter(outcome="refused"))
    ]


def test_a_day_is_a_day_of_the_business(stage: Stage, client: FlaskClient) -> None:
    """23:31 UTC on the 22nd is the 23rd in Amsterdam."""
    stage.clock.wait(hours=2)
    assert stage.clock.now().day == 22
    stage.billing().settings.save_notify("ops@example.com")
    assert "Changed where notices" in page_of(client.get("/stripe/log?since=2026-11-23&until=2026-11-23")).text
    assert (
        "Nothing matches." in page_of(client.get("/stripe/log?since=2026-11-22&until=2026-11-22&action=settings")).text
    )
