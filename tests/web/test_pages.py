"""Every page: it is there, for those who may see it, in its own business, in every state of the connection."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from flask_crm_stripe.errors import Refused
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor
from flask_crm_stripe.model.events import EventState, Result
from tests.support.seller import SELLER
from tests.web.page_stage import INES, MARA, NORTH, SOUTH, VIEWER, Form, Stage, fill_north
from tests.web.page_worlds import client, interrupted, page_of, provider, stage, stopped

__all__ = ["client", "stage"]

PAGES = ("/", "/invoices", "/services", "/settings", "/events", "/log", "/billables/opportunity/2207")
FOR_ADMINS = ("/events", "/log")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_one_heading_a_title_and_its_entry(client: FlaskClient, path: str) -> None:
    """One h1, a title with the business's name, one current entry, a language, a skip link that leads somewhere."""
    page = page_of(client.get(f"/stripe{path}"))
    assert sum(tag == "h1" for tag, _ in page.tags) == 1
    assert sum(given.get("aria-current") == "page" for _, given in page.tags) == 1
    assert NORTH.name in page.text
    assert any(given.get("lang") == "en-GB" for tag, given in page.tags if tag == "html")
    assert any(given.get("id") == "cs-content" for _, given in page.tags)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_every_field_and_every_reference(client: FlaskClient, path: str) -> None:
    """Each id is there once, each label and description points at one, each button and field has a name."""
    page = page_of(client.get(f"/stripe{path}"))
    ids = [given["id"] for _, given in page.tags if given.get("id")]
    assert len(ids) == len(set(ids))
    for tag, given in page.tags:
        for attribute in ("for", "aria-labelledby", "aria-describedby"):
            assert set(given.get(attribute, "").split()) <= set(ids), (tag, given)


@pytest.mark.parametrize("path", FOR_ADMINS)
def test_events_and_log_are_for_admins(stage: Stage, client: FlaskClient, path: str) -> None:
    """Others have no entry in the navigation, and a 403 that says who can help."""
    stage.actor = VIEWER
    assert path not in client.get("/stripe/").text
    assert "admin" in page_of(client.get(f"/stripe{path}"), 403).text


@pytest.mark.parametrize("path", PAGES)
def test_pages_of_another_business_hold_nothing_of_ours(stage: Stage, client: FlaskClient, path: str) -> None:
    """The southern business sees its own emptiness, and our opportunity does not exist there."""
    number = stage.invoice("b1").number
    stage.business = SOUTH
    response = client.get(f"/stripe{path}")
    assert response.status_code == (404 if path.startswith("/billables") else 200)
    assert "Van den Berg" not in response.text
    assert str(number) not in response.text
    assert "acct_north" not in response.text


def test_another_business_s_invoice_looks_like_none(stage: Stage, client: FlaskClient) -> None:
    """Page, actions, links, live status: all as for an id that never existed."""
    invoice = stage.invoice("b1")
    stage.business = SOUTH
    page = page_of(client.get("/stripe/"))
    token = page_of(client.get("/stripe/settings")).form("/settings").fields[0][1]
    for path in ("", "/pay-page", "/pdf", "/delete"):
        theirs, none = (client.get(f"/stripe/invoices/{one}{path}") for one in (invoice.id, "0" * 32))
        assert theirs.status_code == none.status_code == 404
        assert theirs.text.replace(invoice.id, "0" * 32) == none.text
    for path in ("/send", "/delete", "/refresh"):
        answer = client.post(f"/stripe/invoices/{invoice.id}{path}", data={"csrf_token": token})
        assert answer.status_code == 404
    assert client.get(f"/stripe/invoices/status?ids={invoice.id}").json == {"invoices": []}
    assert "Nothing needs you" in page.text


def test_the_overview_says_whether_money_can_come_in(stage: Stage, client: FlaskClient) -> None:
    """Healthy is a sentence; nothing needs anybody."""
    page = page_of(client.get("/stripe/"))
    assert "Customers can pay you, and payouts reach your bank." in page.text
    assert "Nothing needs you." in page.text
    assert "Test mode" in page.text


def test_money_is_per_currency_and_counts_lead_to_the_list(stage: Stage, client: FlaskClient) -> None:
    """Euros and dollars stand in rows of their own, with as many invoices as the list then shows."""
    stage.invoice("b1", "b2")
    stage.invoice("b5")
    page = page_of(client.get("/stripe/"))
    assert "EUR 6,053.03 1 invoice" in page.text
    assert "USD 1,452.00 1 invoice" in page.text
    assert "/stripe/invoices?status=open&amp;currency=usd" in client.get("/stripe/").text


def test_needs_attention_puts_the_urgent_first(
    stage: Stage, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at the check, a failed payment, overdue: in this order, and the first one has the primary button."""
    late = stage.invoice("b3")
    provider(stage).fail(str(late.stripe_id), "The card has expired.")
    stage.event("invoice.payment_failed", str(late.stripe_id))
    stage.work()
    stage.clock.wait(days=20)
    stopped(stage, monkeypatch)
    text = page_of(client.get("/stripe/")).text
    wanted = ("An invoice was stopped before sending", "A payment failed: 453.22 EUR", "One invoice is overdue")
    places = [text.index(words) for words in wanted]
    assert places == sorted(places)
    assert client.get("/stripe/").text.count("btn-primary") == 1


@pytest.mark.parametrize("path", ["/", "/settings"])
@pytest.mark.parametrize("actor", [INES, MARA])
def test_not_connected_offers_to_connect_or_says_whom_to_ask(path: str, actor: Actor) -> None:
    """Those who may connect get the button, the others one quiet sentence; reading works for both."""
    stage = Stage()
    fill_north(stage.crm)
    stage.actor = actor
    text = stage.client().get(f"/stripe{path}").text
    assert ("Connect with Stripe" in text) == actor.may("connect")
    assert ("Ask an admin to connect Stripe" in text) != actor.may("connect")
    assert stage.client().get("/stripe/invoices").status_code == 200


def test_a_problem_at_the_account_is_the_first_thing_said(stage: Stage, client: FlaskClient) -> None:
    """What is, why, and what to do, in the same words on the overview and in the settings."""
    stage.connect(charges_enabled=False, requirements=("individual.verification.document",))
    for path in ("/", "/settings"):
        text = page_of(client.get(f"/stripe{path}")).text
        assert "Customers can't pay you at the moment." in text
        assert "Give it to Stripe" in text
        assert "individual.verification" not in text
    assert "Payments: off" in text


def test_disconnected_keeps_everything_readable_as_of_then(stage: Stage, client: FlaskClient) -> None:
    """The list and the invoice say of when they are, and offer nothing that Stripe would have to do."""
    invoice = stage.invoice("b1")
    stage.billing().disconnection.carry_out("Moved to another bank")
    text = page_of(client.get("/stripe/invoices")).text
    assert "Disconnected on 22 November 2026. What you see is as of then." in text
    page = page_of(client.get(f"/stripe/invoices/{invoice.id}"))
    assert "as of 22 Nov" in page.text
    assert not [given for tag, given in page.tags if "btn-primary" in given.get("class", "")]
    settings = page_of(client.get("/stripe/settings"))
    assert "Moved to another bank" in settings.text
    assert "Connect with Stripe" in settings.text


def test_pages_refuse_while_the_finance_module_is_off(stage: Stage, client: FlaskClient) -> None:
    """A 503 in the same layout says which module."""
    stage.finance = False
    assert "finance module" in page_of(client.get("/stripe/"), 503).text


def test_the_log_names_deeds_in_words(stage: Stage, client: FlaskClient) -> None:
    """Who connected and who made an invoice, with a link to it."""
    invoice = stage.invoice("b1")
    page = page_of(client.get("/stripe/log"))
    assert "Connected the account" in page.text
    assert "Made an invoice" in page.text
    assert any(given.get("href") == f"/stripe/invoices/{invoice.id}" for _, given in page.tags)


def test_an_event_that_failed_can_be_applied_again(stage: Stage, client: FlaskClient) -> None:
    """The reason stands on the page; the button puts it back in line and the work is done after the answer."""
    invoice = stage.invoice("b1")
    provider(stage).pay(str(invoice.stripe_id))
    stage.event("invoice.paid", str(invoice.stripe_id))
    page = page_of(client.get("/stripe/events"))
    assert "invoice.paid" in page.text
    form = retry_form(stage, client)
    answer = client.post(form.action, data=form.data())
    assert answer.status_code == 303
    assert "is being applied again" in page_of(client.get(answer.location)).text
    stage.work()
    assert "Applied" in page_of(client.get("/stripe/events?state=applied")).text
    assert "Nothing matches." in page_of(client.get("/stripe/events?state=failed")).text


def test_a_retry_of_another_business_s_event_is_not_found(stage: Stage, client: FlaskClient) -> None:
    """Events are looked up in their own business."""
    stage.event("invoice.paid", "in_1")
    form = retry_form(stage, client)
    many = page_of(client.get("/stripe/events")).form("/events/retry")
    [event] = stage.billing().ledger.events.page().rows
    stage.business = SOUTH
    assert client.get(f"/stripe/events/{event.id}").status_code == 404
    assert client.post(form.action, data=form.data()).status_code == 404
    answer = client.post(many.action, data=many.data(event=str(event.id)))
    assert "No event was chosen." in page_of(client.get(answer.location)).text


def retry_form(stage: Stage, client: FlaskClient) -> Form:
    """The button on the newest event's own page."""
    event = stage.billing().ledger.events.page().rows[0]
    return page_of(client.get(f"/stripe/events/{event.id}")).form("/retry")


def test_several_events_are_applied_again_at_once(stage: Stage, client: FlaskClient) -> None:
    """Those that were ticked, and no others."""
    invoice = stage.invoice("b1")
    for kind in ("invoice.sent", "invoice.updated", "invoice.finalized"):
        stage.event(kind, str(invoice.stripe_id))
    stage.work()
    *rest, oldest = stage.billing().ledger.events.page().rows
    form = page_of(client.get("/stripe/events")).form("/events/retry")
    answer = client.post(form.action, data=form.data() | {"event": [str(each.id) for each in rest]})
    assert "2 events are being applied again." in page_of(client.get(answer.location)).text
    states = {each.id: each.state for each in stage.billing().ledger.events.page().rows}
    assert [states[each.id] for each in rest] == [EventState.WAITING] * 2
    assert states[oldest.id] is EventState.APPLIED


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("state=applied", 1),
        ("type=invoice.sent", 1),
        ("about=in_none", 0),
        ("since=2999-01-01", 0),
        ("until=9999-12-31", 2),
        ("state=nonsense&since=never&until=%00", 2),
    ],
)
def test_events_are_found_by_what_is_known_of_them(stage: Stage, client: FlaskClient, query: str, shown: int) -> None:
    """What can't be read of an address is left out; nothing that matches is said as such."""
    invoice = stage.invoice("b1")
    stage.event("invoice.updated", str(invoice.stripe_id))
    stage.work()
    stage.event("invoice.sent", "in_1")
    page = page_of(client.get(f"/stripe/events?{query}"))
    assert page.text.count("Details for support") == shown
    assert ("Nothing matches." in page.text) == (shown == 0)


def test_an_event_says_what_it_changed_and_what_it_said(stage: Stage, client: FlaskClient) -> None:
    """Its body as it was received, without links that open the invoice to anybody, and without personal data for
    those who may not see any."""
    invoice = stage.invoice("b1")
    provider(stage).pay(str(invoice.stripe_id))
    body = {"data": {"object": {"customer_email": "ada@example.com", "total": 5, "hosted_invoice_url": "https://pay"}}}
    stage.event("invoice.paid", str(invoice.stripe_id), body=json.dumps(body).encode())
    stage.work()
    [event] = stage.billing().ledger.events.page().rows
    page = page_of(client.get(f"/stripe/events/{event.id}"))
    assert "Open became Paid" in page.text
    assert '"customer_email": "ada@example.com"' in page.text
    assert "https://pay" not in page.text
    assert "Saw what an event said" in page_of(client.get("/stripe/log")).text
    stage.actor = replace(INES, permissions=ALL_PERMISSIONS - {"view_personal"})
    hidden = page_of(client.get(f"/stripe/events/{event.id}")).text
    assert "ada@example.com" not in hidden
    assert '"total": 5' in hidden
    assert "Personal data is hidden" in hidden
    stage.shared.state.bodies.clear()
    assert "It was erased" in page_of(client.get(f"/stripe/events/{event.id}")).text


def test_defaults_for_new_invoices_are_kept_and_used(stage: Stage, client: FlaskClient) -> None:
    """What an admin saves is what the next review starts with."""
    form = page_of(client.get("/stripe/settings")).form("/settings")
    data = form.data(days_until_due="30", delivery="link", note="Thank you")
    answer = client.post("/stripe/settings", data=data)
    assert answer.status_code == 303
    assert "were saved" in page_of(client.get(answer.location)).text
    review = page_of(client.get("/stripe/billables/opportunity/2207/review?billable=b1"))
    fields = dict(review.form("/invoice").fields)
    assert (fields["days_until_due"], fields["delivery"], fields["note"]) == ("30", "link", "Thank you")


@pytest.mark.parametrize(
    ("field", "typed"), [("days_until_due", "soon"), ("days_until_due", "400"), ("note", "x" * 501)]
)
def test_a_wrong_default_is_named_and_kept_as_typed(client: FlaskClient, field: str, typed: str) -> None:
    """422, one note with a link to the field, the message below it, and nothing saved."""
    form = page_of(client.get("/stripe/settings")).form("/settings")
    page = page_of(client.post("/stripe/settings", data=form.data(**{field: typed})), 422)
    assert dict(page.form("/settings").fields)[field] == typed
    assert any(given.get("href") == f"#cs-{field}" for _, given in page.tags)
    wrong = [given for _, given in page.tags if given.get("aria-invalid") == "true"]
    assert [given["name"] for given in wrong] == [field]
    assert f"cs-{field}-wrong" in wrong[0]["aria-describedby"]
    assert dict(page_of(client.get("/stripe/settings")).form("/settings").fields)[field] != typed


def test_settings_are_changed_by_admins_only(stage: Stage, client: FlaskClient) -> None:
    """Others read the defaults; a POST of theirs is refused."""
    form = page_of(client.get("/stripe/settings")).form("/settings")
    stage.actor = MARA
    assert "Save these defaults" not in client.get("/stripe/settings").text
    assert client.post("/stripe/settings", data=form.data(days_until_due="1")).status_code == 403
    assert stage.billing().ledger.settings.all() == SELLER


def test_failed_news_and_services_need_attention(stage: Stage, client: FlaskClient) -> None:
    """Both stand on the overview and in the settings with the way to them; events only for those who see them."""
    provider(stage).fail_next("create_product", Refused("Stripe does not take this name."))
    stage.billing().catalogue.sync()
    stage.event("invoice.paid", "in_gone")
    [event] = stage.billing().ledger.events.page().rows
    stage.shared.finish_events([event.id], Result(EventState.FAILED, "It could not be found."), stage.clock.now())
    overview, settings = (page_of(client.get(f"/stripe{path}")).text for path in ("/", "/settings"))
    assert "A message from Stripe could not be applied" in overview
    assert "A service is not at Stripe Stripe does not take this name." in overview
    assert "News from Stripe: failing One message could not be applied." in settings
    assert "Services: 2 of 3 at Stripe Some could not be sent." in settings
    assert "One failed." in page_of(client.get("/stripe/events")).text
    stage.actor = VIEWER
    assert "A message from Stripe" not in page_of(client.get("/stripe/")).text


def test_an_unfinished_invoice_needs_attention(stage: Stage, client: FlaskClient) -> None:
    """Whether it is still a draft or was made final before the line was cut: one row each, no sums of two kinds."""
    interrupted(stage, "send")
    text = page_of(client.get("/stripe/")).text
    assert "An invoice is not finished" in text
    assert text.count("An invoice is not finished") == 1


def test_everything_in_step_is_said_quietly(stage: Stage, client: FlaskClient) -> None:
    """Services at Stripe, news arriving: dots and sentences, no bold."""
    stage.billing().catalogue.sync()
    stage.event("invoice.paid", "in_1")
    text = page_of(client.get("/stripe/settings")).text
    assert "Services: 3 of 3 at Stripe In step with your catalogue." in text
    assert "News from Stripe: arriving Last one 1 second ago." in text


def test_an_event_that_was_applied_can_be_applied_again(stage: Stage, client: FlaskClient) -> None:
    """It asks Stripe once more and changes nothing."""
    invoice = stage.invoice("b1")
    stage.event("invoice.updated", str(invoice.stripe_id))
    form = retry_form(stage, client)
    stage.work()
    before = stage.billing().invoicing.get(invoice.id)
    assert client.post(form.action, data=form.data()).status_code == 303
    stage.work()
    assert stage.billing().invoicing.get(invoice.id).version == before.version
    [event] = stage.billing().ledger.events.page().rows
    assert event.state is EventState.APPLIED


def test_exchange_rates_are_kept_or_named_by_their_line(stage: Stage, client: FlaskClient) -> None:
    """As typed where they can't be read; nothing else of the form is kept then. Absent they stay."""
    form = page_of(client.get("/stripe/settings")).form("/settings")
    answer = client.post(form.action, data=form.data(exchange_rates="USD EUR", note="New"))
    page = page_of(answer, 422)
    assert "Line 1: write two currencies" in page.text
    assert page.form("/settings").data()["exchange_rates"] == ["USD EUR"]
    assert stage.billing().settings.all().get("note", "") == ""
    kept = "USD EUR 0.9213 ECB, 27 November 2026"
    assert client.post(form.action, data=form.data(exchange_rates=kept)).status_code == 303
    client.post(form.action, data={"csrf_token": form.data()["csrf_token"], "days_until_due": "7"})
    assert stage.billing().settings.all()["exchange_rates"] == kept
