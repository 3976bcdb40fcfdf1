"""Credit notes: where their money goes, what the invoice is afterwards, and how much can be credited."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import Client

from flask_crm_stripe.testing.fake_stripe import Switches

from . import raw
from .test_attaching import attach
from .test_refunds import charge_of, paid


def credit(api: raw.Api, invoice: dict[str, Any], amount: int, **more: Any) -> dict[str, Any]:
    """A credit note of an amount alone."""
    return api.post("/v1/credit_notes", {"invoice": invoice["id"], "amount": amount, **more})


def refused(api: raw.Api, invoice: dict[str, Any], amount: int, **more: Any) -> dict[str, Any]:
    """The refusal of one."""
    return api.no("POST", "/v1/credit_notes", {"invoice": invoice["id"], "amount": amount, **more})


def fresh(api: raw.Api, invoice: dict[str, Any]) -> dict[str, Any]:
    """The invoice as it is now."""
    return api.get(f"/v1/invoices/{invoice['id']}")


def told(api: raw.Api, since: int) -> list[str]:
    """The types of the events after so many."""
    return [each["type"] for each in api.events()[since:]]


def test_an_open_invoice_owes_less(api: raw.Api) -> None:
    """A note takes off what is due and remains; the default payment asks for the rest, and the page shows it."""
    invoice = raw.opened(api, raw.line(1_000))
    before = len(api.events())
    note = credit(api, invoice, 300, memo="As agreed", reason="order_change", metadata={"crm": "1"})
    assert (note["pre_payment_amount"], note["post_payment_amount"], note["type"]) == (300, 0, "pre_payment")
    assert (note["number"], note["memo"], note["status"]) == (f"{invoice['number']}-CN-01", "As agreed", "issued")
    after = fresh(api, invoice)
    assert (after["status"], after["total"], after["amount_due"], after["amount_remaining"]) == (
        "open",
        1_000,
        700,
        700,
    )
    assert (after["pre_payment_credit_notes_amount"], after["post_payment_credit_notes_amount"]) == (300, 0)
    assert told(api, before) == ["credit_note.created", "invoice.updated"]
    assert api.events()[-1]["data"]["previous_attributes"] == {
        "amount_due": 1_000,
        "amount_remaining": 1_000,
        "pre_payment_credit_notes_amount": 0,
    }
    assert "Credit notes" in Client(api.fake.wsgi_app).get(after["hosted_invoice_url"].removeprefix(url(api))).text
    assert (
        "Applied balance" not in Client(api.fake.wsgi_app).get(after["hosted_invoice_url"].removeprefix(url(api))).text
    )
    assert credit(api, invoice, 100)["number"] == f"{invoice['number']}-CN-02"
    assert api.fake.pay(invoice["hosted_invoice_url"])["amount_paid"] == 600
    assert api.get("/v1/charges")["data"][0]["amount"] == 600


def url(api: raw.Api) -> str:
    """Where the pages are."""
    return api.fake.world.base_url


def test_an_invoice_credited_whole_is_paid(api: raw.Api) -> None:
    """At nothing remaining it becomes paid without a payment, and what was still asked is cancelled."""
    invoice = raw.opened(api, raw.line(1_000))
    before = len(api.events())
    credit(api, invoice, 1_000)
    after = fresh(api, invoice)
    assert (after["status"], after["amount_paid"], after["amount_due"], after["attempted"]) == ("paid", 0, 0, False)
    assert after["status_transitions"]["paid_at"] is not None
    assert told(api, before) == ["credit_note.created", "payment_intent.canceled", "invoice.updated", "invoice.paid"]


def test_a_paid_invoice_gives_its_money_back_three_ways(api: raw.Api) -> None:
    """Refund, balance and outside Stripe together are what is credited; each is made and told."""
    invoice = paid(api, 1_000)
    before = len(api.events())
    note = credit(api, invoice, 600, refund_amount=300, credit_amount=200, out_of_band_amount=100)
    assert (note["type"], note["post_payment_amount"], note["out_of_band_amount"]) == ("post_payment", 600, 100)
    (link,) = note["refunds"]
    refund = api.get(f"/v1/refunds/{link['refund']}")
    assert (refund["amount"], refund["charge"]) == (300, charge_of(api, invoice)["id"])
    assert link == {"amount_refunded": 300, "payment_record_refund": None, "refund": refund["id"], "type": "refund"}
    moved = api.get(f"/v1/customers/{invoice['customer']}/balance_transactions")["data"][0]
    assert (moved["id"], moved["amount"], moved["type"], moved["credit_note"]) == (
        note["customer_balance_transaction"],
        -200,
        "credit_note",
        note["id"],
    )
    assert api.get(f"/v1/customers/{invoice['customer']}")["balance"] == -200
    after = fresh(api, invoice)
    assert (after["status"], after["amount_due"], after["amount_paid"]) == ("paid", 1_000, 1_000)
    assert (after["pre_payment_credit_notes_amount"], after["post_payment_credit_notes_amount"]) == (0, 600)
    assert told(api, before) == [
        "refund.created",
        "charge.refunded",
        "customer.updated",
        "credit_note.created",
        "invoice.updated",
    ]


def test_a_partly_paid_invoice_gets_a_mixed_note(api: raw.Api) -> None:
    """What remains is taken off first; only the rest goes back, and the invoice is paid."""
    invoice = raw.opened(api, raw.line(1_000))
    attach(api, invoice, 400)
    assert "must equal" in refused(api, invoice, 800)["message"]
    note = credit(api, invoice, 800, credit_amount=200)
    assert (note["type"], note["pre_payment_amount"], note["post_payment_amount"]) == ("mixed", 600, 200)
    after = fresh(api, invoice)
    assert (after["status"], after["amount_due"], after["amount_paid"], after["amount_remaining"]) == (
        "paid",
        400,
        400,
        0,
    )


@pytest.mark.parametrize(
    "spread",
    [{}, {"refund_amount": 499}, {"credit_amount": 501}, {"refund_amount": 500, "out_of_band_amount": 1}],
)
def test_every_cent_goes_somewhere(spread: dict[str, int], api: raw.Api) -> None:
    """Too little and too much are refused, and nothing was refunded or credited on the way."""
    invoice = paid(api, 1_000)
    assert "must equal" in refused(api, invoice, 500, **spread)["message"]
    assert api.get("/v1/refunds")["data"] == []
    assert api.get(f"/v1/customers/{invoice['customer']}")["balance"] == 0
    assert fresh(api, invoice)["post_payment_credit_notes_amount"] == 0


def test_no_more_than_the_invoice_is_credited(api: raw.Api) -> None:
    """Notes on an open invoice and notes after payment count together, to the cent; void ones do not."""
    invoice = raw.opened(api, raw.line(1_000))
    assert refused(api, invoice, 1_001)["param"] == "amount"
    gone = credit(api, invoice, 500)
    api.post(f"/v1/credit_notes/{gone['id']}/void")
    credit(api, invoice, 400)
    api.fake.pay(invoice["hosted_invoice_url"])
    assert refused(api, invoice, 601, credit_amount=601)["param"] == "amount"
    credit(api, invoice, 600, refund_amount=600)
    assert "0, after" in refused(api, invoice, 1, credit_amount=1)["message"]


def test_refunds_made_before_take_from_what_can_be_credited(api: raw.Api) -> None:
    """Unless the note links them: then they pay for it; a linked part cannot be linked again."""
    invoice = paid(api, 1_000)
    refund = api.post("/v1/refunds", {"charge": charge_of(api, invoice)["id"], "amount": 400})["id"]
    assert "600, after" in refused(api, invoice, 700, credit_amount=700)["message"]
    note = credit(api, invoice, 700, credit_amount=450, refunds=[{"refund": refund, "amount_refunded": 250}])
    assert note["refunds"][0]["amount_refunded"] == 250
    links = [{"refund": refund, "amount_refunded": 151}]
    assert refused(api, invoice, 151, refunds=links)["param"] == "refunds[0][amount_refunded]"
    assert refused(api, invoice, 151, credit_amount=151)["param"] == "amount"
    credit(api, invoice, 300, credit_amount=150, refunds=[{"refund": refund, "amount_refunded": 150}])
    assert api.get(f"/v1/charges/{charge_of(api, invoice)['id']}")["amount_refunded"] == 400


def test_only_refunds_of_the_invoice_can_be_linked(api: raw.Api) -> None:
    """Those of another invoice, failed ones and the same twice are refused."""
    invoice, other = paid(api, 1_000), paid(api, 1_000)
    mine, failed, foreign = (
        api.post("/v1/refunds", {"charge": charge_of(api, each)["id"], "amount": 100})["id"]
        for each in (invoice, invoice, other)
    )
    api.fake.fail_refund(api.account or "", failed)
    for links in ([foreign], [failed], [mine, mine]):
        named = [{"refund": each, "amount_refunded": 50} for each in links]
        error = refused(api, invoice, 100, refunds=named)
        assert error["param"] == f"refunds[{len(links) - 1}][refund]"
    whole = credit(api, invoice, 100, refunds=[{"refund": mine}])
    assert whole["refunds"][0]["amount_refunded"] == 100


def test_money_that_came_from_elsewhere_cannot_be_refunded_by_stripe(api: raw.Api) -> None:
    """Without a charge `refund_amount` is refused; with two the newest that has enough left is refunded."""
    elsewhere = raw.opened(api, raw.line(1_000))
    attach(api, elsewhere, 1_000)
    assert refused(api, elsewhere, 100, refund_amount=100)["param"] == "refund_amount"
    invoice = raw.opened(api, raw.line(1_000))
    intents = [
        api.fake.take_payment(api.account or "", invoice["customer"], amount=amount, currency="eur")
        for amount in (700, 300)
    ]
    for intent in intents:
        api.post(f"/v1/invoices/{invoice['id']}/attach_payment", {"payment_intent": intent["id"]})
    for amount, charge in ((300, 1), (700, 0)):
        link = credit(api, invoice, amount, refund_amount=amount)["refunds"][0]
        assert api.get(f"/v1/refunds/{link['refund']}")["charge"] == intents[charge]["latest_charge"]


def test_a_failed_refund_leaves_the_note_as_it_is(api: raw.Api) -> None:
    """The charge has its money again; what was credited stays credited."""
    invoice = paid(api, 1_000)
    note = credit(api, invoice, 1_000, refund_amount=1_000)
    api.fake.fail_refund(api.account or "", note["refunds"][0]["refund"])
    assert api.get(f"/v1/credit_notes/{note['id']}") == note
    assert fresh(api, invoice)["post_payment_credit_notes_amount"] == 1_000
    assert api.get(f"/v1/charges/{charge_of(api, invoice)['id']}")["amount_refunded"] == 0


def test_a_voided_note_owes_the_invoice_again(api: raw.Api) -> None:
    """While it is open the invoice owes what the note took off; voiding twice is refused."""
    invoice = raw.opened(api, raw.line(1_000))
    note = credit(api, invoice, 300)
    before = len(api.events())
    voided = api.post(f"/v1/credit_notes/{note['id']}/void")
    assert (voided["status"], voided["voided_at"] is not None) == ("void", True)
    assert fresh(api, invoice) == invoice
    assert told(api, before) == ["credit_note.voided", "invoice.updated"]
    (asked,) = api.get("/v1/invoice_payments", {"invoice": invoice["id"]})["data"]
    assert asked["amount_requested"] == 1_000
    api.no("POST", f"/v1/credit_notes/{note['id']}/void")
    assert credit(api, invoice, 5)["number"].endswith("-CN-02")


@pytest.mark.parametrize("position", ["refuse", "accept"])
def test_voiding_after_payment(position: str) -> None:
    """By the switch: refused, or the customer's credit is taken back; one that made its invoice paid stays."""
    api, _ = raw.connected(Switches(void_post_payment_credit_note=position))
    invoice = paid(api, 1_000)
    note = credit(api, invoice, 400, credit_amount=400)
    assert api.call("POST", f"/v1/credit_notes/{note['id']}/void").status == (400 if position == "refuse" else 200)
    balance = api.get(f"/v1/customers/{invoice['customer']}")["balance"]
    credited = fresh(api, invoice)["post_payment_credit_notes_amount"]
    assert (balance, credited) == ((-400, 400) if position == "refuse" else (0, 0))
    whole = raw.opened(api)
    settling = credit(api, whole, 1_000)
    assert "is paid" in api.no("POST", f"/v1/credit_notes/{settling['id']}/void")["message"]


@pytest.mark.parametrize(("action", "status"), [("", "draft"), ("void", "void")])
def test_what_cannot_be_credited(action: str, status: str, api: raw.Api) -> None:
    """A draft and a void invoice get no credit note."""
    invoice = raw.opened(api) if action else raw.draft(api, raw.line())
    if action:
        api.post(f"/v1/invoices/{invoice['id']}/{action}")
    error = refused(api, invoice, 100)
    assert (error["param"], status in error["message"]) == ("invoice", True)


@pytest.mark.parametrize("position", ["accept", "refuse"])
def test_an_uncollectible_invoice(position: str) -> None:
    """By the switch it can be credited, and is paid when nothing remains."""
    api, _ = raw.connected(Switches(credit_note_on_uncollectible=position))
    invoice = raw.opened(api)
    api.post(f"/v1/invoices/{invoice['id']}/mark_uncollectible")
    if position == "refuse":
        assert refused(api, invoice, 100)["param"] == "invoice"
    else:
        credit(api, invoice, 1_000)
        assert fresh(api, invoice)["status"] == "paid"


def test_a_balance_that_paid_comes_back_as_credit(api: raw.Api) -> None:
    """What the customer's balance covered is no charge: crediting the whole invoice leaves that part to be spread."""
    buyer = raw.customer(api, balance=-300)["id"]
    invoice = raw.opened(api, raw.line(1_000), customer=buyer)
    note = credit(api, invoice, 1_000, credit_amount=300)
    assert (note["pre_payment_amount"], note["post_payment_amount"], note["type"]) == (700, 300, "mixed")
    assert api.get(f"/v1/customers/{buyer}")["balance"] == -300
    assert fresh(api, invoice)["status"] == "paid"


def test_a_preview_does_nothing(api: raw.Api) -> None:
    """It has the note's sums and its next number; no refund, no balance, no note, no event comes of it."""
    invoice = paid(api, 1_000)
    wanted = {"invoice": invoice["id"], "amount": 600, "refund_amount": 400, "credit_amount": 200}
    events = len(api.events())
    shown = api.get("/v1/credit_notes/preview", wanted)
    lines = api.get("/v1/credit_notes/preview/lines", wanted)
    assert [each["amount"] for each in lines["data"]] == [600]
    assert (len(api.events()), api.get("/v1/credit_notes")["data"], api.get("/v1/refunds")["data"]) == (events, [], [])
    assert fresh(api, invoice) == invoice
    made = api.post("/v1/credit_notes", wanted)
    for name in ("total", "subtotal", "total_taxes", "number", "post_payment_amount", "type"):
        assert shown[name] == made[name]
    assert api.no("GET", "/v1/credit_notes/preview", wanted | {"amount": 5_000})["param"] == "amount"


def test_notes_are_found_by_invoice_and_customer(api: raw.Api, other: raw.Api) -> None:
    """Newest first; another business finds none of them."""
    first, second = raw.opened(api), raw.opened(api)
    notes = [credit(api, each, 10)["id"] for each in (first, second, first)]
    assert ids(api, invoice=first["id"]) == [notes[2], notes[0]]
    assert ids(api, customer=second["customer"]) == [notes[1]]
    assert other.get("/v1/credit_notes")["data"] == []
    assert other.no("GET", f"/v1/credit_notes/{notes[0]}", status=404)["code"] == "resource_missing"
    assert other.no("POST", f"/v1/credit_notes/{notes[0]}/void", status=404)["code"] == "resource_missing"
    assert other.no("POST", "/v1/credit_notes", {"invoice": first["id"], "amount": 1})["param"] == "invoice"


def ids(api: raw.Api, **params: str) -> list[str]:
    """The ids of the credit notes that a list finds."""
    return [each["id"] for each in api.get("/v1/credit_notes", params)["data"]]


def test_the_words_on_a_note_change(api: raw.Api) -> None:
    """Memo and metadata only, told with what was there; the same again is no news."""
    note = credit(api, raw.opened(api), 10, memo="Sorry")["id"]
    for _ in range(2):
        assert (
            api.post(f"/v1/credit_notes/{note}", {"memo": "Very sorry", "metadata": {"a": "1"}})["memo"] == "Very sorry"
        )
    (event,) = api.events("credit_note.updated")
    assert event["data"]["previous_attributes"] == {"memo": "Sorry", "metadata": {"a": None}}


def test_a_note_has_a_pdf(api: raw.Api, other: raw.Api) -> None:
    """Its figures are in it; a preview's address and another business's lead nowhere."""
    invoice = raw.opened(api, customer=raw.customer(api, name="Ada (sister) Lovelace")["id"])
    note = credit(api, invoice, 250, memo="As agreed")
    browser, path = Client(api.fake.wsgi_app), note["pdf"].removeprefix(url(api))
    answer = browser.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    for words in (b"not a real credit note", note["number"].encode(), b"2.50 EUR", b"As agreed"):
        assert words in answer.data
    api.post(f"/v1/credit_notes/{note['id']}/void")
    assert b"(Void)" in browser.get(path).data
    preview = api.get("/v1/credit_notes/preview", {"invoice": invoice["id"], "amount": 5})["pdf"]
    assert browser.get(preview.removeprefix(url(api))).status_code == 404
    assert browser.get(path.replace(str(api.account), str(other.account))).status_code == 404
