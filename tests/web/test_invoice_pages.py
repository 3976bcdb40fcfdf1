"""The list of invoices and one invoice: what they show in each state, what can be done, and the live status."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from flask_crm_stripe.errors import RateLimited, Unreachable
from flask_crm_stripe.model.crm import ContactRef, SourceRef
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Problem
from tests.web.page_stage import INES, MARA, VIEWER, Page, Stage, line
from tests.web.page_worlds import client, fresh, interrupted, page_of, provider, stage, stopped

__all__ = ["client", "stage"]


def primary(page: Page) -> list[str]:
    """The addresses of primary buttons: links, or the forms around them."""
    return [given.get("href", "button") for tag, given in page.tags if "btn-primary" in given.get("class", "")]


def test_an_open_invoice_says_what_is_still_to_pay(stage: Stage, client: FlaskClient) -> None:
    """Figures first; lines with their totals; details; links through addresses of our own only."""
    invoice = stage.invoice("b1", "b2", "b3", "b4")
    response = client.get(f"/stripe/invoices/{invoice.id}")
    page = page_of(response)
    assert "Invoice MEM-0001 Open Test mode" in page.text
    assert "Still to pay 6,709.43 EUR Total 6,709.43 Paid 0.00 Due 6 Dec 2026" in page.text
    assert "from Opportunity OP-2207" in page.text
    assert primary(page) == [f"/stripe/invoices/{invoice.id}/pay-page"]
    assert "invoice.example" not in response.text
    assert "Ines Okafor made it from 4 lines of work." in page.text


def test_ids_are_for_support_only(stage: Stage, client: FlaskClient) -> None:
    """Stripe's ids stand inside details, nowhere else."""
    invoice = stage.invoice("b1")
    text = client.get(f"/stripe/invoices/{invoice.id}").text
    outside = re.sub(r"<details class=\"cs-support\">.*?</details>", "", text, flags=re.S)
    assert str(invoice.stripe_id) in text
    assert str(invoice.stripe_id) not in outside


def test_a_paid_invoice_offers_its_pdf(stage: Stage, client: FlaskClient) -> None:
    """Paid: nothing still to pay, the payment with its method, PDF as the action."""
    invoice = stage.invoice("b1")
    provider(stage).pay(str(invoice.stripe_id))
    stage.event("invoice.paid", str(invoice.stripe_id))
    stage.work()
    page = page_of(client.get(f"/stripe/invoices/{invoice.id}"))
    assert "Still to pay 0.00 EUR Total 3,509.00 Paid 3,509.00" in page.text
    assert "Card ending 4242" in page.text
    assert "Succeeded" in page.text
    assert primary(page) == [f"/stripe/invoices/{invoice.id}/pdf"]


def test_a_failed_payment_is_said_on_top(stage: Stage, client: FlaskClient) -> None:
    """What is, why, what helps; the amount that was not taken is struck through."""
    invoice = stage.invoice("b1")
    provider(stage).fail(str(invoice.stripe_id), "The card has expired.")
    stage.event("invoice.payment_failed", str(invoice.stripe_id))
    stage.work()
    response = client.get(f"/stripe/invoices/{invoice.id}")
    assert "The last payment failed. The card has expired." in page_of(response).text
    assert '<s class="cs-struck">3,509.00</s>' in response.text


def test_late_is_counted_in_the_business_s_days(stage: Stage, client: FlaskClient) -> None:
    """Red words beside the status; not late on the due date itself, and not once it is paid."""
    invoice = stage.invoice("b1")
    stage.clock.wait(days=14)
    assert "late" not in page_of(client.get(f"/stripe/invoices/{invoice.id}")).text
    stage.clock.wait(days=10)
    for path in ("/stripe/invoices", f"/stripe/invoices/{invoice.id}"):
        assert "10 days late" in page_of(client.get(path)).text
    provider(stage).pay(str(invoice.stripe_id))
    stage.billing().invoicing.refresh(invoice.id)
    assert "late" not in page_of(client.get("/stripe/invoices")).text


def test_void_and_uncollectible_offer_nothing(stage: Stage, client: FlaskClient) -> None:
    """A void invoice owes nothing and its total is struck; an uncollectible one still shows what was owed."""
    void, lost = stage.invoice("b1"), stage.invoice("b2")
    provider(stage).void(str(void.stripe_id))
    provider(stage).mark_uncollectible(str(lost.stripe_id))
    for invoice in (void, lost):
        stage.billing().invoicing.refresh(invoice.id)
    page = page_of(client.get(f"/stripe/invoices/{void.id}"))
    assert "Void" in page.text
    assert "Still to pay — nothing is owed" in page.text
    assert primary(page) == []
    page = page_of(client.get(f"/stripe/invoices/{lost.id}"))
    assert "Uncollectible" in page.text
    assert "Still to pay 2,544.03 EUR" in page.text
    assert primary(page) == []


def test_an_invoice_stopped_at_the_check_is_compared_side_by_side(
    stage: Stage, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours, Stripe's, the difference; compare again or delete, and no way to ignore it."""
    invoice_id = stopped(stage, monkeypatch)
    page = page_of(client.get(f"/stripe/invoices/{invoice_id}"))
    assert "Stopped at the check." in page.text
    assert "VAT 1,050.53 EUR 1,050.54 EUR +0.01 EUR" in page.text
    assert "Total 6,053.03 EUR 6,053.04 EUR +0.01 EUR" in page.text
    assert "Compare again" in page.text
    form = page.form("/send")
    answer = client.post(form.action, data=form.data())
    assert "Stopped at the check." in page_of(client.get(answer.location)).text
    assert [invoice.status for invoice in provider(stage).invoices.values()] == ["draft"]


@pytest.mark.parametrize("at", ["create_customer", "create_invoice", "add_lines", "finalise", "send"])
def test_an_interrupted_invoice_is_continued_to_its_end(stage: Stage, client: FlaskClient, at: str) -> None:
    """Wherever the line was cut: one button, and Stripe holds one invoice, sent once."""
    invoice_id = interrupted(stage, at)
    page = page_of(client.get(f"/stripe/invoices/{invoice_id}"))
    assert "This invoice is not finished. Stripe did not answer in time." in page.text
    assert "Continue" in page.text
    form = page.form("/send")
    assert dict(form.fields)["only"] == "continue"
    answer = client.post(form.action, data=form.data())
    page = page_of(client.get(answer.location))
    assert "Invoice MEM-0001 was sent" in page.text
    assert "not finished" not in page.text
    assert len(provider(stage).invoices) == 1


def test_continuing_a_draft_does_not_send_it(stage: Stage, client: FlaskClient) -> None:
    """Its maker wanted a draft; who goes on with it gets a draft."""
    provider(stage).fail_next("add_lines", Unreachable("Stripe did not answer in time."))
    with pytest.raises(Unreachable):
        stage.invoice("b1", send=False)
    [invoice] = stage.billing().ledger.invoices.unfinished(("acct_north", False), stage.clock.now())
    stage.actor = MARA
    form = page_of(client.get(f"/stripe/invoices/{invoice.id}")).form("/send")
    answer = client.post(form.action, data=form.data())
    assert "The draft is complete. Nothing was sent yet." in page_of(client.get(answer.location)).text
    assert [made.status for made in provider(stage).invoices.values()] == ["draft"]


def test_who_may_not_send_is_offered_no_send(stage: Stage, client: FlaskClient) -> None:
    """Neither Continue of an invoice that goes out, nor Send, nor the customer's page; a POST is refused."""
    invoice_id = interrupted(stage)
    form = page_of(client.get(f"/stripe/invoices/{invoice_id}")).form("/send")
    stage.actor = MARA
    page = page_of(client.get(f"/stripe/invoices/{invoice_id}"))
    assert primary(page) == []
    assert "Somebody with the right to send can continue it." in page.text
    assert client.post(form.action, data=form.data()).status_code == 403


def test_a_draft_is_sent_from_its_page(stage: Stage, client: FlaskClient) -> None:
    """Send, redirect, one note."""
    invoice = stage.invoice("b1", send=False)
    form = page_of(client.get(f"/stripe/invoices/{invoice.id}")).form("/send")
    answer = client.post(form.action, data=form.data())
    assert "was sent to crediteuren@vdbz.example" in page_of(client.get(answer.location)).text
    assert fresh(stage, invoice).status == "open"


def test_stripe_s_refusal_to_send_is_shown_on_the_invoice(stage: Stage, client: FlaskClient) -> None:
    """Nothing is lost: the page says so, and Continue is there."""
    invoice = stage.invoice("b1", send=False)
    provider(stage).fail_next("finalise", RateLimited("Stripe is busy."), times=9)
    form = page_of(client.get(f"/stripe/invoices/{invoice.id}")).form("/send")
    answer = client.post(form.action, data=form.data())
    page = page_of(client.get(answer.location))
    assert "Stripe is busy." in page.text
    assert "Continue" in page.text


def test_deleting_a_draft_is_asked_first_and_frees_its_work(stage: Stage, client: FlaskClient) -> None:
    """A page of its own with names and amounts; the button repeats the verb; then the work can be billed again."""
    invoice = stage.invoice("b1", send=False)
    page = page_of(client.get(f"/stripe/invoices/{invoice.id}/delete"))
    assert "Delete this draft?" in page.text
    assert "3,509.00 EUR" in page.text
    assert "Keep it" in page.text
    form = page.form("/delete")
    answer = client.post(form.action, data=form.data())
    assert answer.location.endswith("/invoices")
    assert "was deleted" in page_of(client.get(answer.location)).text
    assert provider(stage).invoices == {}
    again = page_of(client.get("/stripe/billables/opportunity/2207"))
    assert "b1" in again.form("/review").data()["billable"]
    gone = page_of(client.get(f"/stripe/invoices/{invoice.id}"))
    assert "Ines Okafor deleted the draft. Its work can be billed again." in gone.text
    assert primary(gone) == []


def test_a_draft_that_was_sent_meanwhile_is_not_deleted(stage: Stage, client: FlaskClient) -> None:
    """The POST looks again; the invoice's page says why."""
    invoice = stage.invoice("b1", send=False)
    form = page_of(client.get(f"/stripe/invoices/{invoice.id}/delete")).form("/delete")
    stage.billing().invoicing.send(invoice.id)
    answer = client.post(form.action, data=form.data())
    page = page_of(client.get(answer.location))
    assert "The draft was not deleted. Only drafts can be deleted." in page.text
    assert fresh(stage, invoice).status == "open"
    assert client.get(f"/stripe/invoices/{invoice.id}/delete").status_code == 303


def test_the_payment_page_and_pdf_are_asked_for_when_clicked(stage: Stage, client: FlaskClient) -> None:
    """A redirect with no referrer, for those who may; a draft has neither, in words."""
    invoice = stage.invoice("b1")
    for path, end in (("pay-page", ""), ("pdf", "/pdf")):
        answer = client.get(f"/stripe/invoices/{invoice.id}/{path}")
        assert (answer.status_code, answer.location) == (303, f"https://invoice.example/i/{invoice.stripe_id}{end}")
    stage.actor = VIEWER
    assert client.get(f"/stripe/invoices/{invoice.id}/pay-page").status_code == 403
    stage.actor = INES
    draft = stage.invoice("b2", send=False)
    assert "still a draft" in page_of(client.get(f"/stripe/invoices/{draft.id}/pdf"), 409).text


def test_asking_stripe_now_brings_the_news(stage: Stage, client: FlaskClient) -> None:
    """Ask Stripe now, and the page shows what was missed; no answer is said in words."""
    invoice = stage.invoice("b1")
    provider(stage).pay(str(invoice.stripe_id))
    form = page_of(client.get(f"/stripe/invoices/{invoice.id}")).form("/refresh")
    answer = client.post(form.action, data=form.data())
    assert "Paid 3,509.00" in page_of(client.get(answer.location)).text
    provider(stage).fail_next("invoice", Unreachable("Stripe isn't answering right now."), times=9)
    answer = client.post(form.action, data=form.data())
    assert "Nothing was changed. Stripe isn't answering right now." in page_of(client.get(answer.location)).text


def test_the_list_is_filtered_by_its_address(stage: Stage, client: FlaskClient) -> None:
    """Text, status, due, currency: chips say what is active, the count of how many, and Clear."""
    for ref in ("b1", "b2", "b5"):
        stage.invoice(ref)
    stage.invoice("b3", send=False)
    page = page_of(client.get("/stripe/invoices?currency=usd&status=open"))
    assert "1 of 4 invoices" in page.text
    assert "MEM-0003" in page.text
    assert "MEM-0001" not in page.text
    hrefs = [given["href"] for tag, given in page.tags if given.get("class") == "cs-chip"]
    assert hrefs == ["/stripe/invoices?currency=usd", "/stripe/invoices?status=open"]
    assert "Draft" in page_of(client.get("/stripe/invoices?status=draft")).text
    assert "Nothing matches. Clear filters" in page_of(client.get("/stripe/invoices?due=overdue")).text
    assert "Nothing matches." in page_of(client.get("/stripe/invoices?text=%25")).text
    assert "MEM-0002" in page_of(client.get("/stripe/invoices?text=MEM-0002&status=nonsense")).text


def test_an_empty_list_says_how_it_fills(client: FlaskClient) -> None:
    """No filters, no table: a sentence."""
    page = page_of(client.get("/stripe/invoices"))
    assert "No invoices yet. Open finished work in the CRM" in page.text
    assert "Filter" not in page.text


def test_paging_goes_back_and_forth_and_keeps_the_filter(stage: Stage, client: FlaskClient) -> None:
    """25 a page, each invoice on exactly one, the filter in every address."""
    source = SourceRef("order", "1")
    known = stage.billing().crm.source(SourceRef("opportunity", "2207"))
    assert known
    stage.crm.add("north", type(known)(source, "Many", "1", ContactRef("organization", "vdb")))
    for number in range(30):
        stage.crm.add("north", line(f"m{number}", f"Line {number}", "1", "10", source=source))
        stage.invoice(f"m{number}", source=source)
    seen: list[str] = []
    url: str | None = "/stripe/invoices?status=open"
    while url:
        page = page_of(client.get(url))
        seen += re.findall(r"MEM-\d{4}", page.text)
        url = next((given["href"] for _, given in page.tags if given.get("rel") == "next"), None)
        assert url is None or "status=open" in url
    assert len(seen) == len(set(seen)) == 30
    back = next(given["href"] for _, given in page.tags if given.get("rel") == "prev")
    assert "MEM-0030" in page_of(client.get(back)).text
    assert client.get("/stripe/invoices?cursor=nonsense").status_code == 422


def test_live_status_answers_304_until_something_changes(stage: Stage, client: FlaskClient) -> None:
    """The tag is of the versions; a payment makes a new one, with the words that the page swaps in."""
    invoice = stage.invoice("b1")
    url = f"/stripe/invoices/status?ids={invoice.id},{'0' * 32}"
    first = client.get(url)
    assert [one["word"] for one in first.json["invoices"]] == ["Open"]  # type: ignore[index]
    tag = first.headers["ETag"]
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 304
    provider(stage).pay(str(invoice.stripe_id))
    stage.event("invoice.paid", str(invoice.stripe_id))
    stage.work()
    second = client.get(url, headers={"If-None-Match": tag})
    assert second.status_code == 200
    [news] = second.json["invoices"]  # type: ignore[index]
    assert news["sentence"] == "MEM-0001 is now Paid."
    assert (news["tone"], news["hollow"], news["remaining"]) == ("success", False, "0.00")
    assert news["version"] > first.json["invoices"][0]["version"]  # type: ignore[index]


def test_live_status_is_closed_to_strangers(stage: Stage, client: FlaskClient) -> None:
    """Without a login it is 401 (the script then stops asking), without ids it is empty."""
    assert client.get("/stripe/invoices/status").json == {"invoices": []}
    stage.actor = None
    assert client.get("/stripe/invoices/status?ids=1").status_code == 401


def test_the_timeline_shows_what_an_older_version_wrote(stage: Stage, client: FlaskClient) -> None:
    """An unknown kind is a plain sentence."""
    invoice = stage.invoice("b1")
    entry = TimelineEntry(stage.clock.now(), "moon_phase", None, {"what": "<b>"})
    ledger = stage.billing().ledger
    ledger.invoices.stop(invoice.id, Problem("stripe_refused", "For a test."), stage.clock.now(), [entry])
    assert "Moon phase." in page_of(client.get(f"/stripe/invoices/{invoice.id}")).text
