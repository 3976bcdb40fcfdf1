"""The headers of every answer are those of the table in docs/security.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from flask_crm_stripe.core.crediting import Choice
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
from flask_crm_stripe.state import EXTENSION
from tests.support.billing_host import LINES, NORTH, BillingHost, Browser, billing_host

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
ROW = re.compile(r"^\| `([A-Z][\w-]+)` \| (.+) \|$", re.MULTILINE)


def documented() -> dict[str, list[str]]:
    """Each header with its values: the usual one first, then the one of a special case."""
    table = DOCUMENT.read_text().partition("## What every answer carries")[2].partition("## ")[0]
    return {name: re.findall(r"`([^`]+)`", value) for name, value in ROW.findall(table)}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BillingHost]:
    """Both businesses connected, an invoice sent, and one waiting for a second person."""
    with billing_host(f"sqlite:///{tmp_path}/crm.sqlite") as host:
        host.connected()
        yield host


def a_credit(host: BillingHost, invoice: str) -> str:
    """A credit note for one euro of the first line."""
    with host.app.app_context():
        billing = (
            host.app.extensions[EXTENSION].ready().billing(Business(NORTH, NORTH), Actor("ann", "Ann", ALL_PERMISSIONS))
        )
        choice = Choice({LINES[NORTH][0]: 100})
        return str(billing.credits.do("refund", invoice, choice, "One euro too much", form_key="headers").id)


def pages(host: BillingHost, browser: Browser) -> list[str]:
    """An address for every rule that can be looked at, from the app itself."""
    sent, draft = browser.bill(NORTH, LINES[NORTH][0]), browser.bill(NORTH, LINES[NORTH][1], send="no")
    browser.post("/settings/safety/limits", permission="send", currency="eur", amount="1")
    browser.post(f"/invoices/{draft}/ask", reason="A large order")
    [request] = host.rows("crm_stripe_approval")
    host.fake.deliver()
    known = {"invoice_id": sent, "approval_id": request["id"], "source": "order", "ref": "1", "connection_id": "0" * 32}
    planned = browser.post("/runs", source="order:1", send="no").headers["Location"]
    known |= {"run_id": planned.rpartition("/")[2], "credit_id": a_credit(host, sent)}
    known |= {"kind": "order", "anything": "nothing", "event_id": str(host.rows("crm_stripe_event")[0]["row"])}
    found = []
    for rule in host.app.url_map.iter_rules():
        if not rule.endpoint.startswith("crm_stripe") or "GET" not in (rule.methods or ()):
            continue
        file = "crm-stripe.css" if rule.endpoint == "crm_stripe.static" else "bootstrap5/css/bootstrap.min.css"
        values = {**known, "filename": file}
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: values[match[1]], rule.rule)  # noqa: B023
        found.append(path.replace(f"/invoices/{sent}/delete", f"/invoices/{draft}/delete"))
    return found


def check(answer: TestResponse, path: str) -> None:
    """Every header of the table, with its usual value or the one of its special case."""
    table = documented()
    away, file = "Location" in answer.headers and "//" in answer.headers["Location"], "/static/" in path
    file = file or "/assets/" in path
    for name, (usual, *special) in table.items():
        wanted = usual
        if (name == "Referrer-Policy" and away and "/connect" not in path) or (name == "Cache-Control" and file):
            wanted = special[0]
        assert answer.headers.get(name) == wanted, (path, name)


def test_every_answer_has_the_headers_of_the_table(host: BillingHost) -> None:
    """Pages, JSON, files, redirects to payment pages; found, refused, unknown, and for nobody in particular."""
    ann = host.browser("ann")
    paths = pages(host, ann)
    statuses = set()
    for who in ("ann", "dee", "eli", "sue", None):
        browser = host.browser(who)
        for path in paths:
            answer = browser.get_raw(path)
            statuses.add(answer.status_code)
            check(answer, path)
    assert len(paths) > 30
    assert statuses >= {200, 303, 401, 403, 404}


def test_posts_and_webhooks_have_them_too(host: BillingHost) -> None:
    """What is refused for its token, its body or its signature, and what leads to Stripe."""
    ann = host.browser("ann")
    connecting = ann.post("/connect")
    assert connecting.status_code == 303
    check(connecting, "/connect")
    for answer, status in (
        (ann.client.post("/stripe/settings", data={}), 400),
        (ann.post_json("/services/sync", {"refs": 1}), 422),
        (ann.client.post("/stripe/webhooks", data=b"{}"), 400),
        (ann.client.post("/stripe/settings"), 400),
    ):
        assert answer.status_code == status
        check(answer, "/x")


def test_an_error_page_has_them(host: BillingHost) -> None:
    """When the database is broken under us."""
    host.app.config["PROPAGATE_EXCEPTIONS"] = False
    with host.app.app_context(), host.host.db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE crm_stripe_invoice RENAME TO broken")
    answer = host.browser("ann").get("/invoices")
    assert answer.status_code == 500
    check(answer, "/invoices")


def test_the_table_is_as_strict_as_it_looks() -> None:
    """No inline script or style, nothing from elsewhere but a form to Connect, no frame, no sniffing."""
    table = documented()
    assert len(table) == 8
    policy = dict(part.split(" ", 1) for part in table["Content-Security-Policy"][0].split("; "))
    assert policy.pop("form-action") == "'self' https://connect.stripe.com"
    assert policy.pop("img-src") == "'self' data:"
    assert policy.pop("default-src") == policy.pop("frame-ancestors") == policy.pop("base-uri") == "'none'"
    assert set(policy.values()) == {"'self'"}
