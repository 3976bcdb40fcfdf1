"""The pages and operations of what is done to an invoice that went out."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from flask_crm_stripe.errors import ProviderFailed, Unreachable
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor
from flask_crm_stripe.model.invoices import Invoice
from tests.web.page_stage import MARA, SOUTH, VIEWER, Page, Stage
from tests.web.page_worlds import HOSTILE, client, fresh, page_of, provider, stage

__all__ = ["client", "stage"]

PATHS = {"void": "void", "uncollectible": "uncollectible", "paid-elsewhere": "paid"}
CALLS = {"void": "void_invoice", "uncollectible": "write_off_invoice", "paid-elsewhere": "settle_invoice"}
MENU = {"void": "Void the invoice…", "uncollectible": "Mark as uncollectible…", "paid-elsewhere": "Record a payment"}
WHY = "The order was a mistake"
BEN = Actor("8", "Ben Second", ALL_PERMISSIONS, "en_GB")

each_path = pytest.mark.parametrize("path", list(PATHS))


@pytest.fixture
def sent(stage: Stage) -> Invoice:
    """An open invoice, sent some time ago."""
    made = stage.invoice("b1")
    stage.clock.wait(minutes=10)
    return made


def at(invoice: Invoice, path: str = "") -> str:
    """The address of its page, or of a deed."""
    return f"/stripe/invoices/{invoice.id}{'/' if path else ''}{path}"


def links(page: Page) -> list[str]:
    """Where the page leads to."""
    return [given["href"] for tag, given in page.tags if tag == "a" and "href" in given]


def pressed(client: FlaskClient, invoice: Invoice, path: str, status: int = 303, reason: str = WHY) -> Page:
    """The page of a deed, read and sent; what is seen then."""
    form = page_of(client.get(at(invoice, path))).form(f"/{path}")
    answer = client.post(form.action, data=form.data(reason=reason))
    assert answer.status_code == status, answer.text
    return page_of(client.get(answer.location)) if status == 303 else Page(answer.text)


@each_path
def test_a_deed_is_read_done_and_told(stage: Stage, client: FlaskClient, sent: Invoice, path: str) -> None:
    """From the menu to a page that says what will happen, and back to the invoice with one sentence."""
    first = page_of(client.get(at(sent)))
    assert at(sent, path) in links(first)
    assert MENU[path] in first.text
    question = page_of(client.get(at(sent, path)))
    assert "3,509.00" in question.text
    done = pressed(client, sent, path)
    assert fresh(stage, sent).status == PATHS[path]
    assert done.text.count(WHY) == (2 if path == "paid-elsewhere" else 1)
    assert "Ines Okafor" in done.text
    assert str(sent.number) in done.text
    assert ("Recorded by hand" in done.text) == (path == "paid-elsewhere")


@each_path
def test_a_reason_is_needed_and_what_was_typed_is_kept(client: FlaskClient, sent: Invoice, path: str) -> None:
    """422, with the words beside the field."""
    page = pressed(client, sent, path, 422, " x ")
    assert [given["name"] for _, given in page.tags if given.get("aria-invalid") == "true"] == ["reason"]
    assert page.form(f"/{path}").data()["reason"] == [" x "]


@pytest.mark.parametrize("words", HOSTILE)
@each_path
def test_any_words_are_words(client: FlaskClient, sent: Invoice, path: str, words: str) -> None:
    """Escaped on every page that shows them."""
    page = pressed(client, sent, path, reason=words)
    assert "<script>alert" not in client.get(at(sent)).text
    assert not [given for tag, given in page.tags if "onerror" in given]


@each_path
def test_an_answer_that_was_lost_leaves_the_button_where_it_was(
    stage: Stage, client: FlaskClient, sent: Invoice, path: str
) -> None:
    """It is said to be uncertain; the same button completes it, once."""
    provider(stage).fail_next(CALLS[path], Unreachable("Stripe did not answer."), after=True)
    page = pressed(client, sent, path, 502)
    assert "It is not certain whether this was done." in page.text
    form = page.form(f"/{path}")
    assert form.data()["reason"] == [WHY]
    answer = client.post(form.action, data=form.data())
    assert answer.status_code == 303
    assert fresh(stage, sent).status == PATHS[path]
    assert sum(call.method == CALLS[path] for call in provider(stage).calls) == 1


@each_path
def test_what_changed_meanwhile_is_shown(stage: Stage, client: FlaskClient, sent: Invoice, path: str) -> None:
    """Paid at Stripe, or in part: 409 with the reason, and no button where it can't be done any more."""
    form = page_of(client.get(at(sent, path))).form(f"/{path}")
    provider(stage).pay(sent.stripe_id or "", 100)
    stage.billing().invoicing.refresh(sent.id)
    part = page_of(client.post(form.action, data=form.data(reason=WHY)), 409)
    assert "Credit it instead" in part.text if path == "void" else "changed since you looked" in part.text
    provider(stage).pay(sent.stripe_id or "")
    stage.billing().invoicing.refresh(sent.id)
    paid = page_of(client.post(form.action, data=form.data(reason=WHY)), 409)
    assert "It is paid." in paid.text
    assert not [form for form in paid.forms if form.action.endswith(path)]
    assert not [href for href in links(page_of(client.get(at(sent)))) if href.endswith(path)]


@each_path
def test_above_the_limit_a_second_person_agrees(stage: Stage, client: FlaskClient, sent: Invoice, path: str) -> None:
    """The same page asks; the request is in words, and agreeing does it in the asker's name."""
    stage.billing().settings.set_limit("write_off", "eur", 100_00, "")
    question = page_of(client.get(at(sent, path)))
    assert "Above 100.00 EUR a second person agrees." in question.text.replace("\xa0", " ")
    form = question.form(f"/{path}")
    assert client.post(form.action, data=form.data(reason=WHY, wanted="")).status_code == 409
    answer = client.post(form.action, data=form.data(reason=WHY, wanted="ask"))
    assert answer.status_code == 303
    asked = page_of(client.get(answer.location))
    assert "Waiting for approval since" in asked.text
    assert "Waiting for approval since" in page_of(client.get(at(sent, path))).text
    [request] = stage.billing().ledger.approvals.waiting()
    assert "3,509.00 EUR" in page_of(client.get("/stripe/approvals")).text.replace("\xa0", " ")
    stage.actor = BEN
    page = page_of(client.get(f"/stripe/approvals/{request.id}"))
    assert WHY in page.text
    agreed = client.post(f"/stripe/approvals/{request.id}/agree", data=page.form("/agree").data())
    done = page_of(client.get(agreed.location))
    assert fresh(stage, sent).status == PATHS[path]
    assert "Ben Second agreed that it" in done.text
    assert done.text.count(WHY) == (2 if path == "paid-elsewhere" else 1)


def test_a_refusal_is_shown_where_it_can_be_asked_again(stage: Stage, client: FlaskClient, sent: Invoice) -> None:
    """With who refused it and why; what was agreed to and not done yet needs no second question."""
    stage.billing().settings.set_limit("write_off", "eur", 100_00, "")
    asked = stage.billing().afterwards.ask("void", sent.id, WHY)
    stage.billing(actor=BEN).approvals.refuse(asked.id, "Call them first")
    assert "Call them first" in page_of(client.get(at(sent, "void"))).text
    again = stage.billing().afterwards.ask("void", sent.id, WHY)
    provider(stage).fail_next("void_invoice", ProviderFailed("Stripe had a problem."))
    with pytest.raises(ProviderFailed):
        stage.billing(actor=BEN).second_person.agree(again.id)
    page = page_of(client.get(at(sent, "void")))
    assert "Ben Second agreed to this." in page.text
    assert page.form("/void").data()["reason"] == [WHY]
    pressed(client, sent, "void")
    assert fresh(stage, sent).status == "void"


@each_path
def test_who_may_not_is_offered_nothing(stage: Stage, client: FlaskClient, sent: Invoice, path: str) -> None:
    """Neither in the menu nor at the address; another business's invoice is not there."""
    for actor in (VIEWER, MARA):
        stage.actor = actor
        page = page_of(client.get(at(sent)))
        assert not [href for href in links(page) if href.endswith(path)]
        assert not [form for form in page.forms if form.action.endswith("/resend")]
        assert client.get(at(sent, path)).status_code == 403
        assert client.post(at(sent, path), data={"reason": WHY}).status_code in (400, 403)
    stage.actor, stage.business = BEN, SOUTH
    assert client.get(at(sent, path)).status_code == 404
    assert fresh_in_north(stage, sent) == "open"


def fresh_in_north(stage: Stage, invoice: Invoice) -> str | None:
    """Its status, whoever looks."""
    found = stage.platform.system("north").ledger.invoices.get(invoice.id)
    return found.status if found else None


def test_a_mail_is_sent_again_once(stage: Stage, client: FlaskClient, sent: Invoice) -> None:
    """From the menu; the second press within a minute sends none."""
    form = page_of(client.get(at(sent))).form("/resend")
    for _ in range(2):
        answer = client.post(form.action, data=form.data())
    assert "was sent again by mail" in page_of(client.get(answer.location)).text
    assert provider(stage).invoices[sent.stripe_id or ""].mails == 2
    text = page_of(client.get(at(sent))).text
    assert text.count("Ines Okafor sent it again by mail to crediteuren@vdbz.example") == 1


def test_a_mail_that_nobody_knows_of_is_said_to_be(stage: Stage, client: FlaskClient, sent: Invoice) -> None:
    """The page says so, and it is sent again on purpose."""
    form = page_of(client.get(at(sent))).form("/resend")
    provider(stage).fail_next("send", ProviderFailed("Stripe had a problem."), after=True)
    page = page_of(client.get(client.post(form.action, data=form.data()).location))
    assert "We don’t know whether the mail went out." in page.text
    assert "We don’t know whether the last mail went out." in page.text
    refused = page_of(client.get(client.post(form.action, data=form.data()).location))
    assert "No mail was sent." in refused.text
    on_purpose = refused.form("/resend")
    assert on_purpose.data()["only"] == ["anyway"]
    client.post(on_purpose.action, data=on_purpose.data())
    assert provider(stage).invoices[sent.stripe_id or ""].mails == 3
    assert "We don’t know" not in page_of(client.get(at(sent))).text
