"""The hosted invoice page, its PDF, and what a payment leaves behind: objects, money, events, in Stripe's order."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest
import requests
import stripe
from werkzeug.test import Client, TestResponse

from flask_crm_stripe.testing.fake_stripe import Switches
from flask_crm_stripe.testing.fake_stripe.invoice_view import amount
from flask_crm_stripe.testing.fake_stripe.walks import submit_card

from . import scenes

DECLINED = "4000 0000 0000 0002"
DAY = 86400


@pytest.fixture
def scene() -> scenes.Scene:
    """Two connected businesses."""
    return scenes.play()


def page(scene: scenes.Scene, url: str) -> TestResponse:
    """What a customer's browser gets."""
    return Client(scene.fake.wsgi_app).get(url.removeprefix(scene.fake.world.base_url))


def events(scene: scenes.Scene, account: str) -> list[str]:
    """The types of an account's events, oldest first."""
    return [event["type"] for event in scene.fake.world.store(account)["event"].values()]


def fresh(scene: scenes.Scene, invoice: stripe.Invoice, account: str = "") -> stripe.Invoice:
    """The invoice with its payment down to the charge."""
    expand: Any = {"expand": ["payments.data.payment.payment_intent", "confirmation_secret"]}
    return scene.client.v1.invoices.retrieve(invoice.id, expand, {"stripe_account": account or scene.one})


def charge_of(scene: scenes.Scene, invoice: stripe.Invoice) -> stripe.Charge:
    """The charge that paid it, with its balance transaction."""
    paid = fresh(scene, invoice)
    assert paid.payments is not None
    intent: Any = paid.payments.data[0].payment.payment_intent
    expand: Any = {"expand": ["balance_transaction"]}
    return scene.client.v1.charges.retrieve(intent.latest_charge, expand, {"stripe_account": scene.one})


def test_the_page_shows_the_invoice_and_the_banner(scene: scenes.Scene) -> None:
    """Seller, buyer (as text, not markup), line, amount and due date are there, under the banner."""
    invoice = scene.open_invoice(scene.one)
    text = page(scene, str(invoice.hosted_invoice_url)).text
    for words in ("Harbour Physio", "Ada &lt;b&gt;Byron&lt;/b&gt;", "Advice &amp; care", "121.00 EUR", "due by"):
        assert words in text
    assert "This is FakeStripe on your own machine. It is not Stripe. Never type a real card here." in text
    assert "style=" not in text
    assert "<script" not in text


def test_4242_pays_and_everything_hangs_together(scene: scenes.Scene) -> None:
    """InvoicePayment, PaymentIntent, Charge and balance transaction agree with the invoice."""
    invoice = scene.open_invoice(scene.one)
    assert scene.fake.pay(str(invoice.hosted_invoice_url), "4242 4242 4242 4242")["status"] == "paid"
    paid, charge = fresh(scene, invoice), charge_of(scene, invoice)
    assert (paid.amount_paid, paid.amount_remaining, paid.attempted, paid.attempt_count) == (12100, 0, True, 1)
    assert paid.status_transitions.paid_at is not None
    assert paid.payments is not None
    (payment,) = paid.payments.data
    intent: Any = payment.payment.payment_intent
    assert (payment.status, payment.amount_paid, payment.is_default) == ("paid", 12100, True)
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 12100, "eur")
    assert (charge.status, charge.paid, charge.amount_captured) == ("succeeded", True, 12100)
    assert charge.payment_intent == intent.id
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.card is not None
    assert (charge.payment_method_details.card.last4, charge.payment_method_details.card.brand) == ("4242", "visa")
    booked: Any = charge.balance_transaction
    assert (booked.amount, booked.fee, booked.net, booked.currency) == (12100, 207, 11893, "eur")
    assert booked.source == charge.id


def test_events_of_a_payment_come_in_stripes_order(scene: scenes.Scene) -> None:
    """Finalising makes the PaymentIntent; paying tells charge, intent, invoice, invoice payment, then the booking."""
    invoice = scene.open_invoice(scene.one)
    assert "payment_intent.created" in events(scene, scene.one)
    before = len(events(scene, scene.one))
    scene.fake.pay(str(invoice.hosted_invoice_url))
    assert events(scene, scene.one)[before:] == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
        "charge.updated",
    ]
    assert events(scene, scene.two) == ["account.application.authorized"]


def test_the_balance_transaction_may_come_a_minute_later() -> None:
    """By the switch, a charge is unbooked at first, and `charge.updated` says when it is booked."""
    scene = scenes.play(Switches(balance_transaction="later"))
    invoice = scene.open_invoice(scene.one)
    scene.fake.pay(str(invoice.hosted_invoice_url))
    assert charge_of(scene, invoice).balance_transaction is None
    scene.fake.clock.advance(59)
    scene.fake.deliver()
    assert charge_of(scene, invoice).balance_transaction is None
    scene.fake.clock.advance(1)
    scene.fake.deliver()
    assert charge_of(scene, invoice).balance_transaction is not None
    assert scene.events()[-1].type == "charge.updated"


def test_money_is_booked_in_the_settlement_currency(scene: scenes.Scene) -> None:
    """A payment in dollars lands in the account's euros, at a rate that is told."""
    invoice = scene.open_invoice(scene.one, 10_000, "usd")
    scene.fake.pay(str(invoice.hosted_invoice_url))
    booked: Any = charge_of(scene, invoice).balance_transaction
    assert (booked.amount, booked.currency, booked.exchange_rate) == (9200, "eur", 0.92)
    assert booked.net == booked.amount - booked.fee


def test_0002_is_declined_and_4242_pays_afterwards(scene: scenes.Scene) -> None:
    """A declined card leaves a failed charge and an open invoice, and says so; another card then pays it."""
    invoice = scene.open_invoice(scene.one)
    before = len(events(scene, scene.one))
    answer = submit_card(scene.fake.wsgi_app, str(invoice.hosted_invoice_url), DECLINED)
    assert answer.status_code == 402
    assert "Your card was declined. Nothing was paid" in answer.text
    assert events(scene, scene.one)[before:] == [
        "charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed",
    ]  # fmt: skip
    tried = fresh(scene, invoice)
    assert (tried.status, tried.amount_paid, tried.attempt_count) == ("open", 0, 1)
    failed = charge_of(scene, invoice)
    assert (failed.status, failed.paid, failed.failure_code) == ("failed", False, "card_declined")
    submit_card(scene.fake.wsgi_app, str(invoice.hosted_invoice_url), DECLINED)
    assert events(scene, scene.one)[before + 4 :] == [
        "charge.failed", "payment_intent.payment_failed", "invoice.payment_failed",
    ]  # fmt: skip
    assert scene.fake.pay(str(invoice.hosted_invoice_url))["status"] == "paid"
    assert fresh(scene, invoice).attempt_count == 1


@pytest.mark.parametrize("number", ["4111111111111111", "hello", "", "4242"])
def test_other_numbers_are_refused_in_words_and_not_kept(scene: scenes.Scene, number: str) -> None:
    """Nothing is charged, and what was typed is neither shown again nor stored."""
    invoice = scene.open_invoice(scene.one)
    answer = submit_card(scene.fake.wsgi_app, str(invoice.hosted_invoice_url), number)
    assert answer.status_code == 422
    assert "This is not a test card." in answer.text
    if len(number) > 4:
        assert number not in answer.text
        assert number not in repr(scene.fake.world)
    assert fresh(scene, invoice).status == "open"


def test_a_paid_invoice_cannot_be_paid_again(scene: scenes.Scene) -> None:
    """The page says Paid and offers no form; a second form post charges nothing."""
    invoice = scene.open_invoice(scene.one)
    scene.fake.pay(str(invoice.hosted_invoice_url))
    text = page(scene, str(invoice.hosted_invoice_url)).text
    assert "Paid on" in text
    assert "<form" not in text
    assert submit_card(scene.fake.wsgi_app, str(invoice.hosted_invoice_url), "4242424242424242").status_code == 409
    assert len(scene.fake.world.store(scene.one)["charge"]) == 1


def test_a_void_invoice_says_so_and_its_payment_is_cancelled(scene: scenes.Scene) -> None:
    """Voiding cancels what was to be collected; the page takes no card any more."""
    invoice = scene.open_invoice(scene.one)
    scene.client.v1.invoices.void_invoice(invoice.id, options={"stripe_account": scene.one})
    text = page(scene, str(invoice.hosted_invoice_url)).text
    assert "This invoice was voided." in text
    assert "<form" not in text
    voided = fresh(scene, invoice)
    assert voided.payments is not None
    payment: Any = voided.payments.data[0]
    assert (payment.status, payment.payment.payment_intent.status) == ("canceled", "canceled")
    assert "payment_intent.canceled" in events(scene, scene.one)


@pytest.mark.parametrize(("position", "status"), [("accept", "paid"), ("refuse", "uncollectible")])
def test_an_uncollectible_invoice_can_be_paid_unless_switched_off(position: str, status: str) -> None:
    """Both behaviours are there, on the page and in the API."""
    scene = scenes.play(Switches(pay_uncollectible=position))
    invoice, other = scene.open_invoice(scene.one), scene.open_invoice(scene.one)
    options: Any = {"stripe_account": scene.one}
    for each in (invoice, other):
        scene.client.v1.invoices.mark_uncollectible(each.id, options=options)
    assert "marked as uncollectible" in page(scene, str(invoice.hosted_invoice_url)).text
    assert scene.fake.pay(str(invoice.hosted_invoice_url))["status"] == status
    refusal = pytest.raises(stripe.InvalidRequestError, match="uncollectible")
    with refusal if position == "refuse" else nullcontext():
        scene.client.v1.invoices.pay(other.id, {"payment_method": "pm_card_visa"}, options)
    assert fresh(scene, other).status == status


def test_links_belong_to_one_account_and_unknown_ones_are_404(scene: scenes.Scene) -> None:
    """Another account in the address, or another token, finds nothing."""
    url = str(scene.open_invoice(scene.one).hosted_invoice_url)
    assert page(scene, url).status_code == 200
    assert page(scene, url.replace(scene.one, scene.two)).status_code == 404
    assert page(scene, re.sub(r"test_....", "test_AAAA", url)).status_code == 404
    assert page(scene, re.sub(r"test_....", "test_AAAA", url).replace("?", "/pdf?")).status_code == 404


def test_links_expire_and_asking_the_api_gives_a_fresh_one(scene: scenes.Scene) -> None:
    """30 days after the due date the old address says so, while the invoice's new one works."""
    invoice = scene.open_invoice(scene.one)
    scene.fake.clock.advance((14 + 30) * DAY - 60)
    assert page(scene, str(invoice.hosted_invoice_url)).status_code == 200
    scene.fake.clock.advance(120)
    expired = page(scene, str(invoice.hosted_invoice_url))
    assert (expired.status_code, "This link has expired" in expired.text) == (410, True)
    renewed = fresh(scene, invoice).hosted_invoice_url
    assert renewed != invoice.hosted_invoice_url
    assert page(scene, str(renewed)).status_code == 200


def test_a_link_lives_120_days_at_most(scene: scenes.Scene) -> None:
    """However late the due date."""
    invoice = scene.open_invoice(scene.one, days_until_due=300)
    scene.fake.clock.advance(120 * DAY - 60)
    assert page(scene, str(invoice.hosted_invoice_url)).status_code == 200
    scene.fake.clock.advance(120)
    assert page(scene, str(invoice.hosted_invoice_url)).status_code == 410


def test_the_pdf_is_a_pdf_with_the_right_figures(scene: scenes.Scene) -> None:
    """Every object is where its table says, and number, line and total are in the text."""
    invoice = scene.open_invoice(scene.one)
    answer = page(scene, str(invoice.invoice_pdf))
    data = answer.data
    assert answer.mimetype == "application/pdf"
    assert f"Invoice-{invoice.number}.pdf" in answer.headers["Content-Disposition"]
    table = int(data.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    offsets = [int(found) for found in re.findall(rb"(\d{10}) 00000 n", data[table:])]
    assert len(offsets) == 5
    for number, at in enumerate(offsets, start=1):
        assert data[at:].startswith(b"%d 0 obj" % number)
    for words in (f"Invoice {invoice.number}", "Advice & care", "Amount due   121.00 EUR", "Ada <b>Byron</b>"):
        assert words.encode() in data


def rich_invoice(scene: scenes.Scene) -> stripe.Invoice:
    """VAT of two rates, a discount, a quantity of hours, a price below a cent, a balance, and all the words."""
    client, options = scene.client.v1, {"stripe_account": scene.one}
    one: Any = options
    address: Any = {"line1": "Boompjes 40", "postal_code": "3011 XB", "city": "Rotterdam", "country": "NL"}
    buyer: Any = {"name": "Rijnmond B.V.", "email": "a@example.com", "address": address, "tax_exempt": "reverse"}
    customer = client.customers.create(buyer | {"tax_exempt": "none"}, one)
    rates = [
        client.tax_rates.create({"display_name": "BTW", "percentage": rate, "inclusive": inclusive}, one).id
        for rate, inclusive in ((21.0, False), (9.0, True))
    ]
    product = client.products.create({"name": "Advice"}, one)
    coupon = client.coupons.create({"percent_off": 10, "duration": "once"}, one)
    wanted: Any = {
        "customer": customer.id,
        "currency": "eur",
        "collection_method": "send_invoice",
        "days_until_due": 14,
        "description": "Project Quay",
        "footer": "KvK 12345678 (Rotterdam)",
        "custom_fields": [{"name": "Your reference", "value": "PO-7781"}],
        "discounts": [{"coupon": coupon.id}],
    }
    draft = client.invoices.create(wanted, one)
    lines: Any = [
        {"description": "Hours", "quantity_decimal": "7.5", "tax_rates": [rates[0]],
         "price_data": {"currency": "eur", "product": product.id, "unit_amount_decimal": "9500"}},
        {"description": "Messages", "quantity": 1000, "tax_rates": [rates[1]],
         "price_data": {"currency": "eur", "product": product.id, "unit_amount_decimal": "1.25"}},
    ]  # fmt: skip
    client.invoices.add_lines(draft.id, {"lines": lines}, one)
    return client.invoices.finalize_invoice(draft.id, {}, one)


def test_page_and_pdf_show_prices_tax_discount_and_words(scene: scenes.Scene) -> None:
    """Quantity, unit price (below a cent too), VAT per rate with its base, discount, memo, footer and reference."""
    invoice = rich_invoice(scene)
    text, data = page(scene, str(invoice.hosted_invoice_url)).text, page(scene, str(invoice.invoice_pdf)).data
    discount = amount(-sum(each.amount for each in invoice.total_discount_amounts or []), "eur")
    for words in ("7.5", "95.00", "0.0125", "712.50 EUR", "12.50 EUR", "Project Quay", "PO-7781", "3011 XB Rotterdam"):
        assert words in text
        assert words.encode() in data
    assert discount in text
    assert amount(invoice.total, "eur") in text
    for tax in invoice.total_taxes or []:
        assert f"on {amount(tax.taxable_amount or 0, 'eur')}" in text
        assert amount(tax.amount, "eur") in text
    assert "BTW 21%" in text
    assert "BTW 9%" in text
    assert "(included)" in text
    assert b"KvK 12345678 \\(Rotterdam\\)" in data


def test_own_tax_amounts_and_reverse_charge_are_shown(scene: scenes.Scene) -> None:
    """Amounts that the CRM imposes appear with their rate; a reverse-charge customer is told so."""
    options: Any = {"stripe_account": scene.one}
    client = scene.client.v1
    buyer: Any = {"name": "Zweite GmbH", "email": "z@example.com", "tax_exempt": "reverse"}
    customer = client.customers.create(buyer, options)
    draft = client.invoices.create(
        {"customer": customer.id, "currency": "eur", "collection_method": "send_invoice", "days_until_due": 7}, options
    )
    rate: Any = {"display_name": "VAT", "percentage": 0, "inclusive": False}
    tax: Any = {"amount": 0, "taxable_amount": 10_000, "tax_rate_data": rate, "taxability_reason": "reverse_charge"}
    line: Any = {"amount": 10_000, "description": "Advice", "tax_amounts": [tax]}
    client.invoices.add_lines(draft.id, {"lines": [line]}, options)
    invoice = client.invoices.finalize_invoice(draft.id, {}, options)
    text = page(scene, str(invoice.hosted_invoice_url)).text
    assert "VAT 0% on 100.00 EUR" in text
    assert "Reverse charge" in text
    assert b"Reverse charge" in page(scene, str(invoice.invoice_pdf)).data


def test_a_customers_balance_is_shown_as_applied(scene: scenes.Scene) -> None:
    """What a balance takes off is a row of its own, and the form asks for the rest."""
    first = scene.open_invoice(scene.one, 20)
    assert first.status == "paid"
    options: Any = {"stripe_account": scene.one}
    draft = scene.client.v1.invoices.create(
        {"customer": str(first.customer), "currency": "eur", "collection_method": "send_invoice", "days_until_due": 7},
        options,
    )
    lines: Any = [{"amount": 1000, "description": "Advice"}]
    scene.client.v1.invoices.add_lines(draft.id, {"lines": lines}, options)
    invoice = scene.client.v1.invoices.finalize_invoice(draft.id, {}, options)
    text = page(scene, str(invoice.hosted_invoice_url)).text
    assert "Applied balance" in text
    assert "Pay 10.20 EUR" in text


def test_a_long_invoice_has_all_its_lines_on_page_and_pdf(scene: scenes.Scene) -> None:
    """The API cuts at ten lines; what the customer reads does not, and the PDF grows pages."""
    options: Any = {"stripe_account": scene.one}
    customer = scene.client.v1.customers.create({"name": "Ada", "email": "a@example.com"}, options)
    draft = scene.client.v1.invoices.create(
        {"customer": customer.id, "currency": "eur", "collection_method": "send_invoice", "days_until_due": 7}, options
    )
    lines: Any = [{"amount": 100 + number, "description": f"Line-{number:03d}."} for number in range(70)]
    scene.client.v1.invoices.add_lines(draft.id, {"lines": lines}, options)
    invoice = scene.client.v1.invoices.finalize_invoice(draft.id, {}, options)
    text, data = page(scene, str(invoice.hosted_invoice_url)).text, page(scene, str(invoice.invoice_pdf)).data
    for number in range(70):
        assert f"Line-{number:03d}." in text
        assert f"Line-{number:03d}.".encode() in data
    assert b"/Count 2" in data


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (123450, "eur", "1,234.50 EUR"),
        (500, "jpy", "500 JPY"),
        (5000, "isk", "50.00 ISK"),
        (5120, "kwd", "5.120 KWD"),
        (-100, "eur", "\N{MINUS SIGN}1.00 EUR"),
        (0, "usd", "0.00 USD"),
    ],
)
def test_amounts_follow_stripes_currency_table(minor: int, currency: str, words: str) -> None:
    """Zero, two and three decimals; ISK is sent with two."""
    assert amount(minor, currency) == words


def test_the_pay_endpoint_takes_ready_made_cards(scene: scenes.Scene) -> None:
    """pm_card_visa pays; the declined one is a CardError with codes, replayed under its key; others do not exist."""
    first, second = scene.open_invoice(scene.one), scene.open_invoice(scene.two)
    one: Any = {"stripe_account": scene.one}
    assert scene.client.v1.invoices.pay(first.id, {"payment_method": "pm_card_visa"}, one).status == "paid"
    two: Any = {"stripe_account": scene.two, "idempotency_key": "k"}
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            scene.client.v1.invoices.pay(second.id, {"payment_method": "pm_card_visa_chargeDeclined"}, two)
        assert caught.value.error is not None
        assert (caught.value.code, caught.value.error.decline_code) == ("card_declined", "generic_decline")
    assert len(scene.fake.world.store(scene.two)["charge"]) == 1
    with pytest.raises(stripe.InvalidRequestError, match="No such PaymentMethod"):
        scene.client.v1.invoices.pay(second.id, {"payment_method": "pm_x"}, {"stripe_account": scene.two})
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        scene.client.v1.invoices.pay(second.id, {}, {"stripe_account": scene.two})


def test_paid_out_of_band_settles_without_a_charge(scene: scenes.Scene) -> None:
    """The invoice is paid, nothing was charged, the payment that was open is cancelled, invoice.paid is told."""
    invoice = scene.open_invoice(scene.one)
    options: Any = {"stripe_account": scene.one}
    paid = scene.client.v1.invoices.pay(
        invoice.id, {"paid_out_of_band": True, "expand": ["amount_paid_off_stripe"]}, options
    )
    assert (paid.status, paid.amount_remaining, paid.amount_paid_off_stripe) == ("paid", 0, 12100)
    assert not scene.fake.world.store(scene.one)["charge"]
    told = events(scene, scene.one)
    assert "invoice.paid" in told
    assert "invoice.payment_succeeded" not in told
    assert "payment_intent.canceled" in told


def test_events_carry_the_change_and_no_key_for_a_customers_own_deed(scene: scenes.Scene) -> None:
    """`invoice.updated` says what was before; what a customer does on the page belongs to no API request."""
    invoice = scene.open_invoice(scene.one)
    scene.fake.pay(str(invoice.hosted_invoice_url))
    stored = scene.fake.world.store(scene.one)["event"].values()
    updated = [event for event in stored if event["type"] == "invoice.updated"][-1]
    assert updated["data"]["previous_attributes"]["status"] == "open"
    assert updated["data"]["previous_attributes"]["amount_remaining"] == 12100
    assert updated["data"]["object"]["status"] == "paid"
    assert updated["request"] == {"id": None, "idempotency_key": None}


def test_eight_people_paying_at_once_pay_once(scene: scenes.Scene) -> None:
    """Over real sockets, from eight threads: one charge, one success, seven told that it was paid already."""
    with scene.fake.serve() as server:
        url = str(scene.open_invoice(scene.one).hosted_invoice_url)
        assert url.startswith(server.url)
        with ThreadPoolExecutor(8) as people:
            form = {"card": "4242424242424242"}
            asked = [people.submit(requests.post, url, data=form, timeout=30, allow_redirects=False) for _ in range(8)]
            answers = sorted(each.result().status_code for each in asked)
    assert answers == [303] + [409] * 7
    assert len(scene.fake.world.store(scene.one)["charge"]) == 1
