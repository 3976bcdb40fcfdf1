"""The services page: in step or not and why, the plan before it is sent, and sending it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from flask.testing import FlaskClient

from flask_crm_stripe.errors import Refused
from flask_crm_stripe.model.crm import Service
from tests.web.page_stage import MARA, Stage
from tests.web.page_worlds import client, page_of, provider, stage

__all__ = ["client", "stage"]


def test_the_plan_is_shown_before_anything_is_sent(stage: Stage, client: FlaskClient) -> None:
    """What would be made, with prices as the reader writes them; Stripe has heard nothing."""
    page = page_of(client.get("/stripe/services"))
    assert "To send to Stripe 3 new · 3 prices" in page.text
    assert "A price is made: 1,450.00 EUR" in page.text
    assert "0 of 3 are at Stripe" in page.text
    assert provider(stage).products == {}


def test_sending_brings_them_in_step(stage: Stage, client: FlaskClient) -> None:
    """One press; the note says how many; the second look has nothing to send."""
    form = page_of(client.get("/stripe/services")).form("/sync")
    answer = client.post(form.action, data=form.data())
    page = page_of(client.get(answer.location))
    assert "3 services were sent." in page.text
    assert "3 of 3 are at Stripe" in page.text
    assert "To send" not in page.text
    answer = client.post(form.action, data=form.data())
    assert "Everything is in step. There was nothing to send." in page_of(client.get(answer.location)).text


def test_a_changed_price_names_before_and_after(stage: Stage, client: FlaskClient) -> None:
    """A new price takes over from an old one; a renamed and a deleted service are told apart."""
    stage.billing().catalogue.sync()
    rows = stage.crm.for_business("north")
    workshop, handbook = rows.service("s0"), rows.service("s2")
    assert workshop
    assert handbook
    stage.crm.add("north", replace(workshop, prices=(("eur", Decimal("1500.5")),)))
    stage.crm.remove("north", handbook)
    page = page_of(client.get("/stripe/services"))
    assert "New price: 1,450.00 EUR → 1,500.50 EUR" in page.text
    assert "The old price in EUR is archived" in page.text
    assert "The product is archived; invoices keep it" in page.text


def test_what_stripe_would_not_take_says_why(stage: Stage, client: FlaskClient) -> None:
    """Before it is sent, from our own rules; after it, from Stripe's answer. The others go through."""
    stage.crm.add("north", Service("bad", "BAD", "Below zero", prices=(("eur", Decimal(-1)),)))
    page = page_of(client.get("/stripe/services"))
    assert "BAD · The EUR price is not a number from zero up. Correct it in the CRM. Not at Stripe" in page.text
    provider(stage).fail_next("create_product", Refused("Stripe does not take this name."))
    form = page.form("/sync")
    page = page_of(client.get(client.post(form.action, data=form.data()).location))
    assert "2 services could not be sent." in page.text
    assert "2 services were sent." in page.text
    assert "Stripe does not take this name." in page.text


def test_a_service_that_is_no_longer_offered_is_no_work(stage: Stage, client: FlaskClient) -> None:
    """Never at Stripe and not in use: said, and not counted."""
    stage.crm.add("north", Service("old", "OLD", "Old thing", active=False))
    page = page_of(client.get("/stripe/services"))
    assert "Not in use" in page.text
    assert "0 of 3 are at Stripe" in page.text


def test_who_may_not_send_sees_the_state_only(stage: Stage, client: FlaskClient) -> None:
    """No plan, no button; a POST is refused and nothing reaches Stripe."""
    form = page_of(client.get("/stripe/services")).form("/sync")
    stage.actor = MARA
    assert "To send to Stripe" not in client.get("/stripe/services").text
    assert client.post(form.action, data=form.data()).status_code == 403
    assert provider(stage).products == {}


def test_long_catalogues_have_pages(stage: Stage, client: FlaskClient) -> None:
    """A hundred a page, back and further."""
    stage.crm.add("north", *(Service(f"n{n}", f"N{n:03}", f"Service {n}") for n in range(150)))
    page = page_of(client.get("/stripe/services"))
    assert "1–100 of 153" in page.text
    page = page_of(client.get("/stripe/services?start=100"))
    assert "101–153 of 153" in page.text
    assert "N149" in page.text
    assert client.get("/stripe/services?start=-5&x=1").status_code == 200


def test_an_empty_catalogue_says_how_it_fills(stage: Stage, client: FlaskClient) -> None:
    """No services: a sentence."""
    for service in list(stage.crm.for_business("north").services()):
        stage.crm.remove("north", service)
    assert "The CRM has no services yet." in page_of(client.get("/stripe/services")).text
