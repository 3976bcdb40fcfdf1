"""From chosen lines to a sent invoice, over the pages: choose, review, send; and everything that may go wrong."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_crm_stripe.errors import Refused, Unreachable
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.crm import ContactRef, Source, SourceRef
from tests.web.page_stage import MARA, SOUTH, VDB, VIEWER, YARD, Form, Stage, line
from tests.web.page_worlds import FOUR, REVIEW, client, page_of, provider, stage

__all__ = ["client", "stage"]

CHOOSE = "/stripe/billables/opportunity/2207"


def reviewed(client: FlaskClient, query: str = FOUR) -> Form:
    """The form of the review page."""
    return page_of(client.get(f"{REVIEW}?{query}")).form("/invoice")


def press(client: FlaskClient, form: Form, send: str = "yes", **typed: str) -> TestResponse:
    """A press of Send, or of Save as draft."""
    return client.post(form.action, data=form.data(send=send, **typed))


def test_ready_lines_of_the_commonest_currency_start_chosen(client: FlaskClient) -> None:
    """The page offers what it would most likely be asked for, and counts it per currency."""
    page = page_of(client.get(CHOOSE))
    form = page.form("/review")
    assert form.method == "get"
    assert form.data() == {"billable": ["b1", "b2", "b3", "b4", "b6"]}
    assert "5 lines, 6,504.70 EUR before VAT" in page.text
    assert "In USD: makes an invoice of its own" in page.text
    assert "agreed rate, catalogue 160.00" in page.text
    assert "Not marked as done yet." in page.text


def test_the_review_shows_every_figure_before_anything_is_sent(stage: Stage, client: FlaskClient) -> None:
    """Lines, discount, VAT per rate with its base, total; the button repeats the total; Stripe heard nothing."""
    calls = len(provider(stage).calls)
    page = page_of(client.get(f"{REVIEW}?{FOUR}&discount_percent=5"))
    for words in (
        "Lines 5,604.70",
        "Invoice discount 5 % −280.24",
        "VAT 21 % on 4,752.37 998.00",
        "VAT 9 % on 572.09 51.49",
        "Total 6,373.95 EUR",
        "Send invoice, 6,373.95 EUR",
        "If sent today, on 6 December 2026.",
        "to crediteuren@ vdbz.example",
    ):
        assert words in page.text
    assert len(provider(stage).calls) == calls


def test_send_makes_one_invoice_and_says_so(stage: Stage, client: FlaskClient) -> None:
    """A POST, a redirect to the invoice, one note; the billables are claimed and marked with its status."""
    answer = press(client, reviewed(client, f"{FOUR}&discount_percent=5"))
    assert answer.status_code == 303
    page = page_of(client.get(answer.location))
    assert "Invoice MEM-0001 was sent to crediteuren@vdbz.example." in page.text
    assert "6,373.95" in page.text
    assert len(provider(stage).invoices) == 1
    choose = page_of(client.get(CHOOSE))
    boxes = [given["value"] for _, given in choose.tags if given.get("name") == "billable"]
    assert boxes == ["b5", "b6", "b7"]
    assert "on MEM-0001" in choose.text


def test_a_second_press_lands_on_the_first_one_s_invoice(stage: Stage, client: FlaskClient) -> None:
    """The same form sent twice, as a double press does it without script: one invoice."""
    form = reviewed(client)
    first, second = press(client, form), press(client, form)
    assert first.location == second.location
    assert len(provider(stage).invoices) == 1


def test_a_draft_is_saved_without_being_sent(stage: Stage, client: FlaskClient) -> None:
    """Save as draft leaves a draft at Stripe, which its page can send."""
    answer = press(client, reviewed(client), send="no")
    page = page_of(client.get(answer.location))
    assert "was saved. Nothing was sent yet." in page.text
    assert "Send invoice" in page.text
    assert [invoice.status for invoice in provider(stage).invoices.values()] == ["draft"]


def test_update_amounts_keeps_the_entries_and_no_token_in_the_address(client: FlaskClient) -> None:
    """A press of Enter or of Update amounts gives the new total, by an address that can be kept."""
    form = reviewed(client)
    assert form.buttons[0][2].endswith("/review")
    answer = client.post(
        form.buttons[0][2], data=form.data(discount_percent="10", note="Hello & bye", order_number="PO 1")
    )
    assert answer.status_code == 303
    assert "csrf" not in answer.location
    assert "seen" not in answer.location
    page = page_of(client.get(answer.location))
    fields = dict(page.form("/invoice").fields)
    assert (fields["discount_percent"], fields["note"], fields["order_number"]) == ("10", "Hello & bye", "PO 1")
    assert "Invoice discount 10 %" in page.text


@pytest.mark.parametrize(
    ("field", "typed", "remedy"),
    [
        ("discount_percent", "1.234", "Write 1234 or 1.2340."),
        ("discount_percent", "5,5", "Write it like 2.5."),
        ("discount_percent", "101", "between 0 and 100 %"),
        ("days_until_due", "-1", "between 0 and 365"),
        ("days_until_due", "2.5", "between 0 and 365"),
        ("order_number", "x" * 141, "at most 140"),
        ("note", "x" * 501, "at most 500"),
    ],
)
def test_a_wrong_entry_is_named_where_it_is_and_nothing_is_made(
    stage: Stage, client: FlaskClient, field: str, typed: str, remedy: str
) -> None:
    """422; a note on top that links to the field; the message below it; the entry as it was typed; no invoice."""
    page = page_of(press(client, reviewed(client), **{field: typed}), 422)
    assert dict(page.form("/invoice").fields)[field] == typed
    wrong = [given for _, given in page.tags if given.get("aria-invalid")]
    assert [given["id"] for given in wrong] == [f"cs-{field}"]
    assert any(given.get("href") == f"#cs-{field}" for _, given in page.tags)
    assert remedy in page.text
    assert "Send invoice" not in page.text
    assert provider(stage).invoices == {}


def test_a_price_that_changed_meanwhile_is_shown_before_anything_is_sent(stage: Stage, client: FlaskClient) -> None:
    """409, the new figures, what the total was; a second look and press sends it."""
    form = reviewed(client, "billable=b1&billable=b2")
    stage.crm.add("north", line("b2", "Senior consulting", "14.5", "150", unit="hour", service="s1"))
    response = press(client, form)
    page = page_of(response, 409)
    assert "The figures changed since you looked." in page.text
    assert "The total was 6,053.03 EUR and is now 6,140.75 EUR." in page.text
    assert provider(stage).invoices == {}
    assert press(client, page.form("/invoice")).status_code == 303
    assert [invoice.total for invoice in provider(stage).invoices.values()] == [614075]


def test_work_that_somebody_else_billed_is_not_billed_twice(stage: Stage, client: FlaskClient) -> None:
    """409 on the list, which marks what is taken; one invoice."""
    form = reviewed(client)
    stage.invoice("b2")
    page = page_of(press(client, form), 409)
    assert "already on an invoice" in page.text
    assert "b2" not in page.form("/review").data()["billable"]
    assert len(provider(stage).invoices) == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "Choose at least one line of work."),
        ("billable=b1&billable=b5", "one currency"),
    ],
)
def test_a_choice_that_makes_no_invoice_goes_back_to_the_list(client: FlaskClient, query: str, words: str) -> None:
    """None, two currencies: the list again, with the reason on top."""
    page = page_of(client.get(f"{REVIEW}?{query}"), 422)
    assert words in page.text
    assert page.form("/review").method == "get"


def test_a_total_of_nothing_is_foreseen(client: FlaskClient) -> None:
    """Before it is sent: nobody will be asked to pay. With something to pay nothing is said."""
    words = "There is nothing to pay: Stripe marks it as paid as soon as it is sent."
    assert words in page_of(client.get(f"{REVIEW}?billable=b1&discount_percent=100")).text
    assert words not in page_of(client.get(f"{REVIEW}?billable=b1")).text


def test_work_that_is_not_done_is_billed_in_advance(stage: Stage, client: FlaskClient) -> None:
    """Chosen without a part, the review says at the field what helps; with one it is a deposit, told as such on both
    pages and on the work's own."""
    page = page_of(client.get(f"{REVIEW}?billable=b7"), 422)
    assert "“Site visit” is not marked as done yet." in page.text
    offered = page_of(client.get(CHOOSE))
    assert "Bill a deposit…" in offered.text
    page = page_of(client.get(f"{REVIEW}?billable=b7&deposit_percent=30"))
    assert "It bills a part of this work in advance" in page.text
    assert "Send invoice, 90.75 EUR" in page.text
    answer = press(client, page.form("/invoice"))
    made = page_of(client.get(answer.location))
    assert "30 % of the work, in advance" in made.text
    assert "Deposit MEM-0001 of 30 %, 90.75 EUR: is taken off the next invoice" in page_of(client.get(CHOOSE)).text


def test_a_deposit_is_taken_off_or_left(stage: Stage, client: FlaskClient) -> None:
    """The review takes it off by itself and says which; a person can leave it, and both invoices name each other."""
    press(client, reviewed(client, "billable=b1&deposit_percent=50"))
    page = page_of(client.get(f"{REVIEW}?billable=b1"))
    assert "Af: aanbetalingsfactuur MEM-0001 van" in page.text
    left = page_of(client.get(f"{REVIEW}?billable=b1&deduct=no"))
    assert "aanbetalingsfactuur" not in left.text
    answer = press(client, page.form("/invoice"))
    assert page_of(client.get(answer.location)).text.count("Af: aanbetalingsfactuur MEM-0001") == 1
    assert "taken off on another invoice" in page_of(client.get(CHOOSE)).text
    stage.business = SOUTH
    assert "MEM-0001" not in client.get(CHOOSE).text


def test_a_deposit_in_words_that_are_no_number_is_refused_at_its_field(client: FlaskClient) -> None:
    """As typed, with what it should look like."""
    page = page_of(client.get(f"{REVIEW}?billable=b1&deposit_percent=half"), 422)
    assert page.form("/invoice").data()["deposit_percent"] == ["half"]


def test_other_work_of_the_customer_goes_onto_the_same_invoice(stage: Stage, client: FlaskClient) -> None:
    """Offered below, unticked; chosen, it is one invoice that names both."""
    ticket = SourceRef("ticket", "81")
    stage.crm.add("north", Source(ticket, "Printer", "T-81", VDB), line("t1", "Toner", "2", "30", source=ticket))
    page = page_of(client.get(CHOOSE))
    assert "Other work for this customer" in page.text
    assert "Ticket T-81" in page.text
    assert "t1" not in page.form("/review").data()["billable"]
    answer = press(client, reviewed(client, "billable=b1&billable=t1"))
    made = page_of(client.get(answer.location))
    assert "Ticket T-81" in made.text
    assert "Opportunity OP-2207" in made.text
    assert "Other work for this customer" not in page_of(client.get(CHOOSE)).text
    stage.business = SOUTH
    assert "Toner" not in client.get(CHOOSE).text


def test_a_line_of_another_source_or_business_is_not_found(stage: Stage, client: FlaskClient) -> None:
    """Refs in the address are looked up in this source of this business only."""
    stage.crm.add("south", line("foreign", "Theirs", "1", "1"))
    other = SourceRef("ticket", "1")
    stage.crm.add("north", line("elsewhere", "Elsewhere", "1", "1", source=other))
    for ref in ("foreign", "elsewhere", "nothing"):
        assert client.get(f"{REVIEW}?billable=b1&billable={ref}").status_code == 404
    stage.business = SOUTH
    assert client.get(f"{REVIEW}?billable=b1").status_code == 404


def test_a_customer_without_mail_gets_a_payment_link(stage: Stage, client: FlaskClient) -> None:
    """Mail is not offered as the start; choosing it all the same names the remedy."""
    contact = stage.billing().crm.contact(VDB)
    assert contact
    stage.crm.add("north", replace(contact, email=None))
    form = reviewed(client)
    assert dict(form.fields)["delivery"] == "link"
    page = page_of(press(client, form, delivery="mail"), 422)
    assert "has no mail address. Add one in the CRM, or make only the payment link." in page.text


def test_a_source_without_contact_says_so(stage: Stage, client: FlaskClient) -> None:
    """There is nobody to bill: the list, with what to do."""
    source = stage.billing().crm.source(YARD)
    assert source
    stage.crm.add("north", replace(source, contact=ContactRef("organization", "gone")))
    assert "has no contact to bill" in page_of(client.get(f"{REVIEW}?billable=b1"), 422).text


@pytest.mark.parametrize("after", [False, True])
def test_stripe_does_not_answer_and_the_invoice_page_goes_on(stage: Stage, client: FlaskClient, after: bool) -> None:
    """The person lands on the invoice, which says what is known; Continue completes it; Stripe holds one."""
    provider(stage).fail_next("create_invoice", Unreachable("Stripe did not answer in time."), after=after)
    answer = press(client, reviewed(client))
    assert answer.status_code == 303
    page = page_of(client.get(answer.location))
    assert "This invoice is not finished. Stripe did not answer in time." in page.text
    form = page.form("/send")
    assert ("", "", "") in form.buttons
    done = client.post(form.action, data=form.data())
    assert "was sent to" in page_of(client.get(done.location)).text
    assert len(provider(stage).invoices) == 1


def test_stripe_refuses_before_there_is_an_invoice(stage: Stage, client: FlaskClient) -> None:
    """The reason is shown, and the work can be billed once it is mended."""
    provider(stage).fail_next("create_customer", Refused("Stripe does not take this address."))
    answer = press(client, reviewed(client))
    assert "Stripe does not take this address." in page_of(client.get(answer.location)).text


def test_a_paused_account_makes_drafts_only(stage: Stage, client: FlaskClient) -> None:
    """Sending is refused in words on the review; nothing was made."""
    form = reviewed(client)
    stage.connect(charges_enabled=False)
    page = page_of(press(client, form), 409)
    assert "Save it as a draft instead." in page.text
    assert press(client, page.form("/invoice"), send="no").status_code == 303


@pytest.mark.parametrize(("actor", "words"), [(MARA, "Save as draft"), (VIEWER, "")])
def test_rights_decide_what_the_page_offers(stage: Stage, client: FlaskClient, actor: Actor, words: str) -> None:
    """Who may only draft gets no Send; who may only look gets the list without boxes, and a 403 beyond it."""
    form = reviewed(client)
    stage.actor = actor
    text = client.get(f"{REVIEW}?{FOUR}").text
    assert "Send invoice," not in text
    assert words in text
    if actor is VIEWER:
        choose = page_of(client.get(CHOOSE))
        assert not [given for tag, given in choose.tags if given.get("type") == "checkbox"]
        assert "You can see the work but not make invoices." in choose.text
        assert client.get(f"{REVIEW}?{FOUR}").status_code == 403
    assert press(client, form).status_code == 403
    assert provider(stage).invoices == {}


def test_not_connected_shows_the_work_and_the_way(stage: Stage, client: FlaskClient) -> None:
    """Where the button was stands how to get it back."""
    stage.billing().disconnection.carry_out("For a test")
    page = page_of(client.get(CHOOSE))
    assert "Connect Stripe to send invoices" in page.text
    assert "Review invoice" not in page.text
    stage.actor = MARA
    assert "Ask an admin to connect Stripe." in page_of(client.get(CHOOSE)).text
    assert "Save as draft" not in client.get(f"{REVIEW}?billable=b1").text


def test_nothing_to_bill_is_said_in_a_sentence(stage: Stage, client: FlaskClient) -> None:
    """An empty source, and one where all is invoiced."""
    empty = SourceRef("ticket", "9")
    source = stage.billing().crm.source(YARD)
    assert source
    stage.crm.add("north", replace(source, ref=empty))
    assert "No work to bill yet." in page_of(client.get("/stripe/billables/ticket/9")).text
    stage.crm.add("north", line("t1", "One", "1", "10", source=empty))
    stage.invoice("t1", source=empty)
    assert "Everything that is ready is on an invoice." in page_of(client.get("/stripe/billables/ticket/9")).text


@pytest.mark.parametrize(
    ("currency", "price", "shown"),
    [("jpy", "640000", "640,000 JPY"), ("kwd", "1.25", "1.250 KWD"), ("isk", "500", "500 ISK")],
)
def test_amounts_have_their_currency_s_decimals(
    stage: Stage, client: FlaskClient, currency: str, price: str, shown: str
) -> None:
    """No yen with cents, dinars with three, krónur whole: on the button that names the total."""
    stage.crm.add("north", line("odd", "Odd", "1", price, currency=currency, vat="0"))
    assert f"Send invoice, {shown}" in page_of(client.get(f"{REVIEW}?billable=odd")).text
    assert Decimal(price) > 0


def test_only_a_payment_link_sends_no_mail_and_says_so(stage: Stage, client: FlaskClient) -> None:
    """Final, payable, and nobody was written to."""
    answer = press(client, reviewed(client), delivery="link")
    text = page_of(client.get(answer.location)).text
    assert "Invoice MEM-0001 is ready to be paid. No mail was sent" in text
    assert [invoice.mails for invoice in provider(stage).invoices.values()] == [0]


def test_own_words_are_sent_as_typed_and_own_figures_looked_at_again(stage: Stage, client: FlaskClient) -> None:
    """Due date, note and order number need no second look; a discount does, for the button named another total."""
    page = page_of(press(client, reviewed(client), discount_percent="5"), 409)
    assert "The total was 6,709.43 EUR and is now 6,373.95 EUR." in page.text
    assert provider(stage).invoices == {}
    answer = press(client, page.form("/invoice"), note="Thanks", order_number="PO 7", days_until_due="30")
    text = page_of(client.get(answer.location)).text
    assert "PO 7" in text
    assert "Terms 30 days" in text
    assert "Thanks" in text


def test_words_that_changed_meanwhile_are_looked_at_again_too(stage: Stage, client: FlaskClient) -> None:
    """The total is the same, the line's text is not: still a second look."""
    form = reviewed(client, "billable=b1")
    stage.crm.add("north", line("b1", "Another workshop", "2", "1450", unit="day", service="s0"))
    page = page_of(press(client, form), 409)
    assert "The total is the same, but something else of the invoice is not." in page.text
    assert "Another workshop" in page.text


def test_an_unknown_source_is_not_found(client: FlaskClient) -> None:
    """Neither its list nor its review."""
    for path in ("", "/review?billable=b1"):
        assert client.get(f"/stripe/billables/opportunity/none{path}").status_code == 404
