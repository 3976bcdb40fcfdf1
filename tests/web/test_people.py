"""People are shown by name wherever something says who did it; their names are kept in one place only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from flask_crm_stripe.model.business import ADMIN, ALL_PERMISSIONS, VIEW, Actor
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.log import LogFilter
from tests.web.api_world import NORTH, SOUTH, World, running_world
from tests.web.page_stage import INES, MARA, Stage
from tests.web.page_stage import SOUTH as SOUTHERN
from tests.web.page_worlds import HOSTILE, client, page_of, stage

__all__ = ["client", "stage"]

READER = Actor("4", "Omar Reader", {VIEW, ADMIN})


@pytest.fixture
def drafted(stage: Stage) -> str:
    """Mara made a draft; whoever looks now is neither she nor Ines, who connected the account."""
    invoice = stage.invoice("b1", send=False, actor=MARA)
    stage.actor = READER
    return invoice.id


def test_the_log_has_names(stage: Stage, client: FlaskClient, drafted: str) -> None:
    """Ines connected, Mara made an invoice; no ref is in sight."""
    page = page_of(client.get("/stripe/log"))
    assert "Mara Lindqvist Made an invoice" in page.text
    assert "Ines Okafor Connected the account" in page.text
    assert not re.search(r"\b2 Made an invoice", page.text)


def test_an_invoice_has_names(stage: Stage, client: FlaskClient, drafted: str) -> None:
    """Its maker, in the details and in what happened; then who deleted it."""
    page = page_of(client.get(f"/stripe/invoices/{drafted}"))
    assert "Made by Mara Lindqvist" in page.text
    assert "Mara Lindqvist made it from one line of work." in page.text
    stage.billing().invoicing.delete_draft(drafted)
    page = page_of(client.get(f"/stripe/invoices/{drafted}"))
    assert "Ines Okafor deleted the draft." in page.text
    assert "Made by Mara Lindqvist" in page.text


def test_the_overview_has_names(stage: Stage, client: FlaskClient) -> None:
    """Under "Lately"."""
    stage.invoice("b1", actor=Actor("2", MARA.name, ALL_PERMISSIONS))
    stage.actor = READER
    assert "Mara Lindqvist sent it by mail" in page_of(client.get("/stripe/")).text


def test_the_account_says_who_connected_and_who_ended_it(stage: Stage, client: FlaskClient) -> None:
    """Also while a wrong default is being corrected."""
    stage.actor = READER
    assert re.search(r"Connected .*? by Ines Okafor", page_of(client.get("/stripe/settings")).text)
    form = page_of(client.get("/stripe/settings")).form("/settings")
    wrong = client.post("/stripe/settings", data=form.data(days_until_due="soon"))
    assert "by Ines Okafor" in page_of(wrong, 422).text
    stage.billing(actor=Actor("2", MARA.name, ALL_PERMISSIONS)).disconnection.carry_out("Another bank")
    assert "by Mara Lindqvist . Another bank" in page_of(client.get("/stripe/settings")).text


def test_whoever_is_forgotten_is_a_ref_everywhere(stage: Stage, client: FlaskClient, drafted: str) -> None:
    """No page has kept the name for itself; what was done still stands."""
    del stage.shared.state.people["north", MARA.ref]
    for path in ("/", "/log", f"/invoices/{drafted}"):
        assert "Mara" not in client.get(f"/stripe{path}").text
    page = page_of(client.get(f"/stripe/invoices/{drafted}"))
    assert "Made by 2" in page.text
    assert "2 made it from one line of work." in page.text
    assert "2 Made an invoice" in page_of(client.get("/stripe/log")).text


def test_somebody_of_another_business_has_another_name(stage: Stage, client: FlaskClient, drafted: str) -> None:
    """The same ref over there is another person, and neither business hears of the other's."""
    stage.billing(SOUTHERN, Actor("2", "Li Wei", ALL_PERMISSIONS)).catalogue.sync()
    assert "Li Wei" not in client.get("/stripe/log").text
    stage.business = SOUTHERN
    page = page_of(client.get("/stripe/log"))
    assert "Li Wei Sent services to Stripe" in page.text
    assert "Mara" not in page.text


def test_nobody_is_billing_itself(stage: Stage, client: FlaskClient) -> None:
    """What the software did by itself is said in its own name, also of a mail."""
    invoice = stage.invoice("b1", send=False)
    entry = TimelineEntry(stage.clock.now(), "sent", "system")
    stage.billing().ledger.invoices.abandon(invoice.id, stage.clock.now(), [entry])
    assert (
        "Billing sent it by mail to crediteuren@vdbz.example"
        in page_of(client.get(f"/stripe/invoices/{invoice.id}")).text
    )
    stage.platform.system("north").catalogue.sync()
    assert "Billing Sent services to Stripe" in page_of(client.get("/stripe/log")).text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_data(stage: Stage, client: FlaskClient, name: str) -> None:
    """Whatever somebody is called, it is words between other words."""
    invoice = stage.invoice("b1", send=False, actor=Actor("2", name, ALL_PERMISSIONS))
    stage.actor = READER
    for path in ("/", "/log", f"/invoices/{invoice.id}"):
        response = client.get(f"/stripe{path}")
        page = page_of(response)
        assert not any(tag == "img" or "onerror" in given for tag, given in page.tags)
        assert "alert(1)</script>" not in response.text
        assert path == "/" or " ".join(name.split()) in page.text


def test_settings_and_retries_are_logged(stage: Stage, client: FlaskClient) -> None:
    """With the person who did it; a wrong form leaves no line."""
    stage.actor = Actor("2", MARA.name, ALL_PERMISSIONS)
    form = page_of(client.get("/stripe/settings")).form("/settings")
    assert client.post(form.action, data=form.data(days_until_due="soon")).status_code == 422
    assert client.post(form.action, data=form.data(days_until_due="30")).status_code == 303
    invoice = stage.invoice("b1")
    stage.event("invoice.paid", str(invoice.stripe_id))
    [event] = stage.billing().ledger.events.page().rows
    form = page_of(client.get(f"/stripe/events/{event.id}")).form("/retry")
    assert client.post(form.action, data=form.data()).status_code == 303
    stage.work()
    stage.actor = INES
    page = page_of(client.get("/stripe/log"))
    assert page.text.count("Mara Lindqvist 127.0.0.1 Changed the settings") == 1
    assert page.text.count("Mara Lindqvist 127.0.0.1 Applied an event again") == 1
    south = stage.billing(SOUTHERN).ledger.log.page(LogFilter()).rows
    assert not {line.action for line in south} & {"settings.save", "event.retry"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two businesses on a real database, connected."""
    with running_world(tmp_path) as found:
        for business in (NORTH, SOUTH):
            found.connect(business)
        yield found


def test_json_has_names_beside_refs(world: World) -> None:
    """In the words and as a field; an entry that nobody made has neither."""
    made = world.caller(role="sales").made(world.order(NORTH), "11", key="by-sales", send=False)
    timeline = world.caller().get(f"/invoices/{made['id']}")["timeline"]
    told = {entry["kind"]: entry for entry in timeline}
    assert (told["made"]["actor"], told["made"]["actor_name"]) == ("sales", "Sales")
    assert told["made"]["text"] == "Sales made it from one line of work."
    assert (told["checked"]["actor"], told["checked"]["actor_name"]) == (None, None)


def test_a_page_asks_once_for_all_its_names(world: World) -> None:
    """However many lines it has, and whoever wrote them."""
    path = world.order(NORTH, 13, 14)
    for number, role in enumerate(("sales", "admin", "sales", "admin")):
        made = world.caller(role=role).made(path, str(11 + number), key=f"press-number-{number}", send=False)
    asked: list[str] = []
    with world.host.app.app_context():
        for engine in world.host.db.engines.values():
            sa.event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    reader = world.caller(role="admin").client
    for page in ("/log", f"/invoices/{made['id']}"):
        reader.get(f"/stripe{page}")  # The first look at something personal is noted, with the name.
    for page in ("/", "/log", "/settings", f"/invoices/{made['id']}"):
        asked.clear()
        assert reader.get(f"/stripe{page}").status_code == 200
        assert sum("crm_stripe_person" in statement for statement in asked) <= 1, page
    asked.clear()
    assert "Sales" in reader.get("/stripe/log").text
    assert sum("crm_stripe_person" in statement for statement in asked) == 1
