"""Every text field of the CRM, and of Stripe, is filled with what nobody should type: all pages, mails and exports of
billing stay whole."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask

from example_app import create_app
from example_app.extensions import Model, db
from example_app.models import Billable, SentMail
from flask_crm_stripe.testing.fake_stripe import FakeStripe
from tests.example_app.people import INES, MARA, Person
from tests.support.live import served

TEXTS = {
    "scripts": '<script>alert(1)</script><img src=x onerror="alert(2)">\'"><svg/onload=alert(3)> javascript:alert(4)',
    "formulas": '=HYPERLINK("http://evil.example","A1")&cmd|\' /C calc\'!A0',
    "newlines": "one\r\nBcc: thief@evil.example\n\nSet-Cookie: a=b\u2028two\x0bthree",
    "right to left": "\u202eشركة النخيل\u202c \u2067للتجارة\u2069 ‮txt.exe",
    "endless": "x" * 10_000,
    "format": "{{ 7*7 }} {% raw %} %(actor)s %s {0} ${x} <!-- \x00 -->".replace("\x00", ""),
}
# What the CRM itself compares with: where it is, who logs in, what its own states are.
KEPT = {
    *("company.timezone", "company.locale", "users.email", "users.role", "users.locale", "users.password_hash"),
    *("billable.source_kind", "billable.billing_status", "activity.source_kind"),
}
PLURALS = {"opportunity": "opportunities", "ticket": "tickets", "order": "orders"}
CODES = {"currency", "language", "country", "vat_number", "billing_email", "email"}
"""What billing reads as a code: with rubbish in it nothing can be billed, and that is said."""


class Whole(HTMLParser):
    """Fails where a tag is closed that was not open, or the other way round."""

    VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())

    def __init__(self, text: str, where: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.where = where
        self.feed(text)
        assert self.open == [], (where, self.open)
        assert text.count("</html>") == 1, where

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opened; and nothing of it runs."""
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"], (self.where, tag, attrs)
        given = dict(attrs)
        for name in ("href", "src", "action", "formaction"):
            assert re.match(r"^(/|#|https?://|data:|$)", given.get(name) or ""), (self.where, given)
        assert tag not in ("svg", "iframe", "object", "embed") or self.where.startswith("/"), self.where
        assert tag != "script" or given.get("src"), self.where
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Closed."""
        if tag not in self.VOID:
            assert self.open, (self.where, tag)
            assert self.open.pop() == tag, (self.where, tag)


@pytest.fixture
def fake() -> FakeStripe:
    """A FakeStripe in this process."""
    return FakeStripe()


@pytest.fixture
def northlight(fake: FakeStripe, seeded_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The CRM with its demo data, whose Stripe is FakeStripe."""
    file = tmp_path / "northlight.sqlite3"
    file.write_bytes(seeded_file.read_bytes())
    keys = {
        "CRM_STRIPE_API_KEY": "sk_test_northlight",
        "CRM_STRIPE_CLIENT_ID": "ca_northlight",
        "CRM_STRIPE_WEBHOOK_SECRETS": json.dumps(["whsec_northlight"]),
        "CRM_STRIPE_ENCRYPTION_KEYS": json.dumps([Fernet.generate_key().decode()]),
        "CRM_STRIPE_PUBLIC_URL": "http://127.0.0.1:5000",
    }
    with served(fake.wsgi_app) as server:
        for name, value in {**keys, "CRM_STRIPE_API_BASE": server.url, "CRM_STRIPE_CONNECT_BASE": server.url}.items():
            monkeypatch.setenv(name, value)
        app = create_app({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{file}", "TESTING": True})
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def text_columns(codes: bool) -> list[sa.Column[str]]:
    """Every text field of the CRM's tables, without what it compares with; with or without codes."""
    return [
        column
        for table in Model.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.String)
        and f"{table.name}.{column.name}" not in KEPT
        and (column.name in CODES) <= codes
        and table.name != "sent_mail"
    ]


def fill(app: Flask, text: str, codes: bool) -> int:
    """Write it into all of them. What has to be unique gets a number behind it."""
    filled = 0
    with app.app_context(), db.engine.begin() as connection:
        for column in text_columns(codes):
            table = column.table
            unique = column.name in ("code", "currency") or column.unique
            for row in connection.execute(sa.select(table.c.id)).scalars().all():
                value = f"{text}{row}" if unique else text
                connection.execute(sa.update(table).where(table.c.id == row).values({column: value}))
                filled += 1
    return filled


def addresses(app: Flask, person: Person, invoices: list[str]) -> list[str]:
    """Every page of billing that can be looked at, and the CRM's own with billing in them."""
    with app.app_context():
        rows = db.session.scalars(db.select(Billable).where(Billable.company_id == 1))
        sources = sorted({(row.source_kind, row.source_id) for row in rows})
    billing = ["", "settings", "settings/safety", "services", "invoices", "events", "log", "approvals", "disconnect"]
    found = [f"/stripe/{path}" for path in billing]
    for kind, key in sources[:6]:
        found += [f"/stripe/billables/{kind}/{key}", f"/{PLURALS[kind]}/{key}/billables"]
    found += [f"/stripe/invoices/{invoice}" for invoice in invoices]
    found += [f"/stripe/invoices?text={'%3Cscript%3E'}", "/company", "/contacts", "/organizations/1", "/people/1"]
    return found


def connect(app: Flask, fake: FakeStripe, person: Person, name: str) -> None:
    """An account that somebody at Stripe gave this name."""
    account = fake.create_account(name, "NL", "eur")["id"]
    answer = person.post("/stripe/connect")
    back = urlsplit(fake.authorize(answer.location, account))
    confirm = person.get(f"{back.path}?{back.query}").location
    Whole(person.get(confirm).text, confirm)
    assert person.post(confirm).status_code == 303


def bill(person: Person, app: Flask) -> list[str]:
    """What can be billed is; what can't says why. The ids of the invoices."""
    made = []
    with app.app_context():
        rows = db.session.scalars(db.select(Billable).where(Billable.done, Billable.company_id == 1)).all()
        lines = {(row.source_kind, row.source_id): row.id for row in rows}
    for number, ((kind, key), line) in enumerate(sorted(lines.items())[:4]):
        review = person.client.get(f"/stripe/billables/{kind}/{key}/review?billable={line}")
        assert review.status_code < 500, review.text
        Whole(review.text, f"review of {kind} {key}")
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', review.text))
        data = {**form, "billable": str(line), "days_until_due": "14", "delivery": "link", "note": "=1+1"}
        data |= {"send": "no" if number else "yes"}
        answer = person.client.post(f"/stripe/billables/{kind}/{key}/invoice", data=data)
        assert answer.status_code < 500, answer.text
        if answer.status_code == 303:
            made.append(answer.location.rpartition("/")[2])
        else:
            Whole(answer.text, f"{kind} {key}")
    return made


@pytest.mark.parametrize("codes", [False, True], ids=["texts", "texts and codes"])
@pytest.mark.parametrize("kind", TEXTS)
def test_pages_mails_and_exports_stay_whole(northlight: Flask, fake: FakeStripe, kind: str, codes: bool) -> None:
    """Every page answers, every tag is closed, nothing runs; mails have one subject and no header more; the exports
    have the columns that they should, and no cell that calculates."""
    text = TEXTS[kind]
    assert fill(northlight, text, codes) > 300
    ines = Person(northlight, INES)
    connect(northlight, fake, ines, text)
    ines.post("/stripe/services/sync")
    ines.post("/stripe/settings/safety/limits", permission="send", currency="eur", amount="1", reason=text)
    ines.post("/stripe/settings/safety/notify", notify=text)
    ines.post("/stripe/settings/safety/notify", notify="office@harbourpine.example")
    invoices = bill(ines, northlight)
    assert invoices or codes, "the texts themselves keep nothing from being billed"
    for invoice in invoices:
        ines.post(f"/stripe/invoices/{invoice}/ask", reason=text[:400])
    for path in addresses(northlight, ines, invoices):
        answer = ines.get(path)
        assert answer.status_code == 200 or (codes and answer.status_code == 422), (path, answer.status, answer.text)
        if answer.status_code == 422:
            assert "Correct it in the CRM" in answer.text
            assert "x" * 100 not in answer.text.partition("Something needs a look</h1>")[2], (
                "quoted, and not to its end"
            )
        Whole(answer.text, path)
    Whole(Person(northlight, MARA).get("/stripe/").text, "another person's")
    form = dict(re.findall(r'name="(seen)" value="([^"]*)"', ines.get("/stripe/disconnect").text))
    assert ines.post("/stripe/disconnect", **form, reason=text[:400]).status_code in (303, 409)
    check_mails(northlight)
    check_exports(northlight, ines)


def check_mails(app: Flask) -> None:
    """One line of subject, addresses without a break, a text that ends with the way to the page."""
    with app.app_context():
        mails = db.session.scalars(db.select(SentMail)).all()
        assert mails
        for mail in mails:
            assert not re.search(r"[\r\n\x00-\x1f\u2028\u2029\u202a-\u202e\u2066-\u2069]", mail.subject), mail.subject
            assert len(mail.subject) <= 150
            assert mail.to == "office@harbourpine.example"
            assert re.search(r"\n\nhttp://127\.0\.0\.1:5000/stripe/\S*\n$", mail.text), mail.text
            assert "\nBcc:" not in mail.text


def check_exports(app: Flask, person: Person) -> None:
    """CSV with as many cells in each row as in the head, JSON with a line for each."""
    exported = person.client.get("/stripe/log/export")
    rows = list(csv.reader(io.StringIO(exported.get_data(as_text=True).removeprefix("\ufeff"))))
    assert len(rows) > 5
    assert {len(row) for row in rows} == {len(rows[0])}
    assert all(not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "|")) for row in rows[1:] for cell in row)
    printed = app.test_cli_runner().invoke(args=["crm-stripe", "export-log", "--business", "1"])
    lines = [json.loads(line) for line in printed.output.split("\n") if line]
    assert len(lines) >= len(rows) - 1
