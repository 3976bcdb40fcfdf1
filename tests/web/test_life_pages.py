"""The pages of a connection's life: letting go, another account, test to live, a copy; and what they say before."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from flask import render_template_string
from flask.testing import FlaskClient

from flask_crm_stripe.errors import CopyLocked, Unreachable
from flask_crm_stripe.model.connection import RemoteSubscription
from flask_crm_stripe.model.crm import Service
from flask_crm_stripe.model.invoices import CustomerDraft
from flask_crm_stripe.model.log import LogFilter
from tests.web.page_stage import INES, MARA, NORTH, SOUTH, VDB, VIEWER, Stage, fill_north
from tests.web.page_worlds import client, page_of, provider, stage

__all__ = ["client", "stage"]

ELSEWHERE = "other.database.key"


def in_the_crm(stage: Stage) -> None:
    """The work to bill, in a page of the CRM's own."""
    macro = '{% from "crm_stripe/embed.html" import billables_tab %}{{ billables_tab("opportunity", 2207) }}'
    stage.app.add_url_rule("/host", "host", lambda: render_template_string(macro))


def subscribed(stage: Stage, status: str = "active", interval: str = "month") -> None:
    """The customer of the newest invoice has a subscription that somebody made at Stripe."""
    shop = provider(stage)
    [customer] = shop.customers
    shop.subscriptions.append(RemoteSubscription("sub_1", customer, status, 2500, "eur", interval))
    shop.subscriptions.append(RemoteSubscription("sub_2", "cus_of_somebody_else", "active", 990000, "eur", "month"))


def test_what_is_open_is_listed_with_what_happens_to_it(stage: Stage, client: FlaskClient) -> None:
    """Open invoices with their sum, drafts, what is not finished, subscriptions of our own customers, what waits."""
    stage.invoice("b1")
    stage.invoice("b3", send=False)
    interrupted_id = interrupted_one(stage)
    subscribed(stage)
    stage.crm.add("north", Service("s9", "NEW", "New", prices=(("eur", Decimal(5)),), vat_rate=Decimal(21)))
    stage.billing().catalogue.note()
    text = page_of(client.get("/stripe/disconnect")).text
    assert "One open invoice: 3,509.00 EUR" in text
    assert "2 drafts" in text
    assert "One invoice is not finished" in text
    assert "One subscription of your customers" in text
    assert "25.00 EUR a month" in text.replace("\xa0", " ")
    assert "9,900.00" not in text
    assert "One service is not sent any more" in text
    assert interrupted_id in client.get("/stripe/disconnect").text


def interrupted_one(stage: Stage) -> str:
    """Of lines of its own."""
    provider(stage).fail_next("finalise", Unreachable("Stripe did not answer in time."), after=True)
    with pytest.raises(Unreachable) as error:
        stage.invoice("b2")
    return str(error.value.invoice_id)


@pytest.mark.parametrize("interval", ["day", "week", "month", "year", "fortnight"])
def test_a_subscription_is_in_words(stage: Stage, client: FlaskClient, interval: str) -> None:
    """Whatever Stripe calls how often."""
    stage.invoice("b1")
    subscribed(stage, "past_due", interval)
    text = page_of(client.get("/stripe/disconnect")).text.replace("\xa0", " ")
    assert (f"25.00 EUR a {interval}" in text) == (interval != "fortnight")
    assert "25.00 EUR" in text


def test_subscriptions_that_stripe_does_not_tell_are_said_to_be_unknown(stage: Stage, client: FlaskClient) -> None:
    """Nothing is hidden: those that there are go on."""
    stage.invoice("b1")
    provider(stage).fail_next("list_subscriptions", Unreachable("No answer."))
    assert "Subscriptions: not known" in page_of(client.get("/stripe/disconnect")).text


def test_what_changed_since_the_look_is_looked_at_again(stage: Stage, client: FlaskClient) -> None:
    """Somebody sends an invoice meanwhile: nothing is disconnected, and the reason stands there still."""
    form = page_of(client.get("/stripe/disconnect")).form("/disconnect")
    stage.invoice("b1")
    page = page_of(client.post(form.action, data=form.data(reason="Another bank")), 409)
    assert "Something changed since you looked." in page.text
    assert "One open invoice" in page.text
    assert stage.billing().connection.live() is not None
    form = page.form("/disconnect")
    assert form.data()["reason"] == ["Another bank"]
    assert client.post(form.action, data=form.data()).status_code == 303
    assert stage.billing().connection.live() is None


def test_disconnecting_needs_a_reason_and_stripe(stage: Stage, client: FlaskClient) -> None:
    """422 without one; where Stripe does not answer, the page says so and all is as before."""
    form = page_of(client.get("/stripe/disconnect")).form("/disconnect")
    page = page_of(client.post(form.action, data=form.data(reason=" ")), 422)
    assert [given["name"] for _, given in page.tags if given.get("aria-invalid") == "true"] == ["reason"]
    provider(stage).fail_next("deauthorise", Unreachable("Stripe did not answer in time."))
    assert client.post(form.action, data=form.data(reason="Another bank")).status_code in (502, 503, 504)
    assert stage.billing().connection.live() is not None


def test_no_new_invoice_is_said_where_the_button_was(stage: Stage, client: FlaskClient) -> None:
    """On the work to bill, its review, a draft and in the CRM's own page; with the way back for whoever may connect."""
    in_the_crm(stage)
    draft = stage.invoice("b2", send=False)
    form = page_of(client.get("/stripe/billables/opportunity/2207/review?billable=b1")).form("/invoice")
    stage.billing().disconnection.carry_out("Another bank")
    for path in ("/billables/opportunity/2207", f"/invoices/{draft.id}"):
        page = page_of(client.get(f"/stripe{path}"))
        assert not [given for tag, given in page.tags if tag == "button" and "btn-primary" in given.get("class", "")]
    work = page_of(client.get("/stripe/billables/opportunity/2207"))
    assert "not connected" in work.text or "Connect Stripe" in work.text
    assert client.post(form.action, data=form.data(send="yes")).status_code == 409
    assert "Review invoice" not in client.get("/host").text
    stage.actor = MARA
    assert "/connect" not in client.get("/host").text


def offered(stage: Stage) -> str:
    """Somebody came back from Stripe with another account, which knows the customer and a product already."""
    shop = stage.providers.add_account("acct_new", "The new account")
    shop.create_customer(CustomerDraft("Van den Berg", "crediteuren@vdbz.example", None, None), "k")
    return stage.pending(shop.account()).id


def test_the_wizard_shows_what_is_affected_and_does_what_was_chosen(stage: Stage, client: FlaskClient) -> None:
    """What stays, what is found again and what is made anew; a customer that was unticked is not used."""
    stage.invoice("b1")
    stage.invoice("b3", send=False)
    page = page_of(client.get(f"/stripe/connect/{offered(stage)}"))
    assert "Replace the Stripe account of Harbour & Pine Consulting?" in page.text
    assert "One open invoice" in page.text
    assert "1 of 1 found in the new account" in page.text
    [form] = [form for form in page.forms if form.data().get("previous")]
    assert form.data()["customer"][0].endswith(f" {VDB.kind}:{VDB.ref}")
    answer = client.post(form.action, data={**form.data(), "customer": []})
    assert answer.status_code == 303
    assert "The new account is connected." in page_of(client.get(answer.location)).text
    connection = stage.billing().connection.require_live()
    assert connection.account_id == "acct_new"
    assert stage.billing().ledger.customers.all(connection.books) == []
    made = stage.invoice("b3")
    assert made.account_id == "acct_new"
    assert len(stage.providers.accounts["acct_new"].customers) == 2


def test_the_wizard_is_looked_at_again_where_something_else_is_replaced(stage: Stage, client: FlaskClient) -> None:
    """409 with the same page, and nothing was changed."""
    [form] = [f for f in page_of(client.get(f"/stripe/connect/{offered(stage)}")).forms if f.data().get("previous")]
    page = page_of(client.post(form.action, data=form.data(previous="0" * 32)), 409)
    assert "Nothing was changed." in page.text
    assert stage.billing().connection.require_live().account_id == "acct_north"


def test_values_that_the_wizard_did_not_offer_are_nothing(stage: Stage, client: FlaskClient) -> None:
    """Made up by hand: pairs without an id, customers that are not there."""
    stage.invoice("b1")
    [form] = [f for f in page_of(client.get(f"/stripe/connect/{offered(stage)}")).forms if f.data().get("previous")]
    data = {**form.data(), "customer": ["cus_x", "", "cus_evil organization:vdb"], "product": ["prod_evil s1"]}
    assert client.post(form.action, data=data).status_code == 303
    connection = stage.billing().connection.require_live()
    assert stage.billing().ledger.customers.all(connection.books) == []
    assert stage.invoice("b3").account_id == "acct_new"


def live(stage: Stage) -> Stage:
    """The platform's key is of live mode from now on."""
    made = Stage(livemode=True)
    made.shared, made.crm = stage.shared, stage.crm
    made.clock.at = stage.clock.at
    platform = replace(made.platform, shared=stage.shared, crm=stage.crm)
    made.app.extensions["crm_stripe"] = replace(made.app.extensions["crm_stripe"], platform=platform)
    made.platform = platform
    return made


def test_going_live_keeps_what_was_tried_out_apart(stage: Stage) -> None:
    """Before an account is connected the history of test mode is shown as of then; afterwards it is a choice of the
    list, and in no sum."""
    tried = stage.invoice("b1")
    after = live(stage)
    client = after.client()
    listed = page_of(client.get("/stripe/invoices"))
    assert str(tried.number) in listed.text
    assert "of another mode than the CRM works in now" in listed.text
    shop = after.providers.add_account("acct_north", "Harbour & Pine Consulting B.V.")
    pending = after.pending(shop.account())
    page = page_of(client.get(f"/stripe/connect/{pending.id}"))
    assert "Go live with this account?" in page.text
    assert "It can be billed again: what was tried out there is not owed by anybody." in page.text
    [form] = [form for form in page.forms if form.data().get("previous")]
    assert client.post(form.action, data=form.data()).status_code == 303
    listed = page_of(client.get("/stripe/invoices"))
    assert str(tried.number) not in listed.text
    [other] = [given["href"] for tag, given in listed.tags if given.get("href", "").endswith(".test")]
    assert str(tried.number) in page_of(client.get(other)).text
    assert "3,509.00" not in page_of(client.get("/stripe/")).text
    assert "as of" in page_of(client.get(f"/stripe/invoices/{tried.id}")).text


def test_a_copy_says_so_on_every_page(stage: Stage, client: FlaskClient) -> None:
    """Also in the CRM's own, and to people who can do nothing about it; what would write says why not, with the way to
    say that it is the real one for an admin only."""
    in_the_crm(stage)
    form = page_of(client.get("/stripe/billables/opportunity/2207/review?billable=b1")).form("/invoice")
    stage.here = ELSEWHERE
    for path in ("", "invoices", "services", "settings", "events", "log", "billables/opportunity/2207", "approvals"):
        assert "This is a copy." in page_of(client.get(f"/stripe/{path}")).text, path
    assert "This is a copy." in client.get("/host").text
    answer = client.post(form.action, data=form.data(send="yes"))
    assert answer.status_code == 409
    assert "/stripe/copy" in answer.text
    stage.actor = VIEWER
    assert "This is a copy." in page_of(client.get("/stripe/")).text
    assert "/stripe/copy" not in client.get("/stripe/").text
    assert "/stripe/copy" not in client.get("/host").text


def test_an_admin_says_that_it_is_the_real_one(stage: Stage, client: FlaskClient) -> None:
    """With a reason, after reading what is another than at home; the others hear of it; the other business is locked
    as before."""
    stage.here = ELSEWHERE
    page = page_of(client.get("/stripe/copy"))
    assert "the host name, or the public address of the CRM" in page.text
    short = page_of(client.post("/stripe/copy", data=page.form("/copy").data(reason="x")), 422)
    assert [given["name"] for _, given in short.tags if given.get("aria-invalid") == "true"] == ["reason"]
    answer = client.post("/stripe/copy", data=page.form("/copy").data(reason="We moved to another machine"))
    told = page_of(client.get(answer.location))
    assert "This is the real one." in told.text
    assert "Somebody said that this is the real one, not a copy: We moved to another machine" in told.text
    assert stage.invoice("b1").number
    with pytest.raises(CopyLocked):
        stage.billing(SOUTH).catalogue.sync()
    assert stage.billing().ledger.log.page(LogFilter(action="copy.confirm")).rows[0].reason


def test_a_rolled_key_of_the_same_platform_is_no_copy(stage: Stage, client: FlaskClient) -> None:
    """Only the key is another than at home: the page asks Stripe whose it is, and all goes on; where it is another
    platform's, it stays a copy, and Stripe is asked once a minute at most."""
    stage.billing().connection.refresh()
    host, database, _ = stage.here.split(".")
    stage.here = f"{host}.{database}.another"
    assert "This is a copy" not in page_of(client.get("/stripe/")).text
    assert stage.invoice("b1").number
    for shop in stage.providers.accounts.values():
        shop.platform = "acct_another_platform"
    stage.providers.platform = "acct_another_platform"
    stage.clock.wait(minutes=2)
    stage.here = f"{host}.{database}.third"
    for _ in range(3):
        assert "This is a copy" in page_of(client.get("/stripe/")).text


def test_requests_and_failed_payments_need_attention(stage: Stage, client: FlaskClient) -> None:
    """On the overview, for those whose they are to decide; a payment that failed with the bank's reason."""
    stage.billing().settings.set_limit("send", "eur", 10_000, "")
    draft = stage.invoice("b3", send=False)
    invoicing = stage.billing(actor=replace(INES, ref="20", name="Abel")).invoicing
    request = invoicing.ask_to_send(draft.id, "A large order")
    page = page_of(client.get("/stripe/"))
    assert "A request waits for your agreement" in page.text
    assert any(given.get("href") == f"/stripe/approvals/{request.id}" for _, given in page.tags)
    stage.actor = MARA
    assert "waits for your agreement" not in page_of(client.get("/stripe/")).text
    stage.actor = INES
    second = stage.invoice("b4", send=False)
    invoicing.ask_to_send(second.id, "Another one")
    assert "2 requests wait for your agreement" in page_of(client.get("/stripe/")).text
    stage.billing().second_person.agree(request.id)
    stripe_id = str(stage.billing().invoicing.get(draft.id).stripe_id)
    provider(stage).fail(stripe_id, "Your card has insufficient funds.")
    stage.event("invoice.payment_failed", stripe_id)
    stage.work()
    text = page_of(client.get("/stripe/")).text
    assert "A payment failed" in text
    assert "Your card has insufficient funds." in text


def test_a_connection_is_tested_from_the_settings(stage: Stage, client: FlaskClient) -> None:
    """One service goes there and back; what goes wrong is said in words, and nothing is left behind."""
    form = page_of(client.get("/stripe/settings")).form("/test")
    before = dict(provider(stage).products)
    answer = client.post(form.action, data=form.data())
    assert "works" in page_of(client.get(answer.location)).text
    assert provider(stage).products == before
    provider(stage).fail_next("create_product", Unreachable("Stripe did not answer in time."))
    answer = client.post(form.action, data=form.data())
    shown = page_of(client.get(answer.location)) if answer.status_code == 303 else page_of(answer, 504)
    assert "did not answer" in shown.text
    assert provider(stage).products == before


def test_a_business_that_never_connected_has_empty_pages(client: FlaskClient) -> None:
    """No shelf, no choice of accounts, no as-of."""
    empty = Stage()
    fill_north(empty.crm)
    for path in ("", "invoices", "approvals", "settings", "log"):
        page = page_of(empty.client().get(f"/stripe/{path}"))
        assert "as of" not in page.text
        assert NORTH.name in page.text
