"""The life of an invoice: draft, lines, finalised, sent, paid, void; and what it says on the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flask_crm_stripe.testing.fake_stripe import FakeStripe, Switches

from . import raw
from .raw import Api

DAY = 24 * 3600


def test_a_draft_has_no_number_and_no_page(api: Api) -> None:
    """Until it is finalised there is nothing to pay and nowhere to pay it."""
    invoice = raw.draft(api, raw.line())
    assert (invoice["status"], invoice["number"], invoice["hosted_invoice_url"]) == ("draft", None, None)
    assert (invoice["auto_advance"], invoice["billing_reason"], invoice["attempted"]) == (False, "manual", False)
    assert (invoice["amount_due"], invoice["amount_remaining"], invoice["amount_paid"]) == (1000, 1000, 0)


def test_finalising_numbers_freezes_and_asks_for_payment(api: Api, fake: FakeStripe) -> None:
    """Number by customer, due date counted from today, a page, a payment to be made; one event after the other."""
    invoice = raw.draft(api, raw.line(), days_until_due=14)
    fake.clock.advance(3 * DAY)
    opened = api.post(f"/v1/invoices/{invoice['id']}/finalize", {"auto_advance": True})
    assert (opened["status"], opened["auto_advance"]) == ("open", True)
    assert opened["number"].endswith("-0001")
    assert opened["due_date"] - opened["status_transitions"]["finalized_at"] == 14 * DAY
    assert opened["hosted_invoice_url"].startswith(f"http://127.0.0.1:12111/i/{api.account}/")
    kinds = [each["type"] for each in api.events()]
    assert kinds[kinds.index("customer.updated") :] == [
        "customer.updated",
        "invoice.finalized",
        "payment_intent.created",
    ]
    again = raw.opened(api, customer=invoice["customer"])
    assert again["number"] == opened["number"][:-1] + "2"


def test_a_draft_follows_its_customer_until_it_is_finalised(api: Api) -> None:
    """Name, mail, address, tax status and tax ids are the customer's, then frozen."""
    invoice = raw.draft(api, raw.line())
    buyer = f"/v1/customers/{invoice['customer']}"
    api.post(buyer, {"name": "Ada Byron", "tax_exempt": "reverse", "address": {"country": "GB", "line1": "1 Way"}})
    api.post(f"{buyer}/tax_ids", {"type": "gb_vat", "value": "GB123456789"})
    opened = api.post(f"/v1/invoices/{invoice['id']}/finalize")
    api.post(buyer, {"name": "Countess of Lovelace", "tax_exempt": "none"})
    found = api.get(f"/v1/invoices/{opened['id']}")
    assert (found["customer_name"], found["customer_tax_exempt"]) == ("Ada Byron", "reverse")
    assert found["customer_tax_ids"] == [{"type": "gb_vat", "value": "GB123456789"}]
    assert found["customer_address"]["line1"] == "1 Way"


def test_an_own_number_is_kept_and_counts_nothing(api: Api) -> None:
    """The caller's number stands; the customer's own sequence does not move."""
    opened = raw.opened(api, number="2026-17")
    assert opened["number"] == "2026-17"
    assert api.get(f"/v1/customers/{opened['customer']}")["next_invoice_sequence"] == 1


def test_sending_says_so_and_a_draft_is_finalised_only_by_the_switch(api: Api) -> None:
    """send on a draft: refused, or under the other reading finalised and sent."""
    opened = raw.opened(api)
    assert api.post(f"/v1/invoices/{opened['id']}/send")["status"] == "open"
    assert [each["data"]["object"]["id"] for each in api.events("invoice.sent")] == [opened["id"]]
    api.fake.world.switches.set("send_finalizes_draft", True)
    assert api.post(f"/v1/invoices/{raw.draft(api, raw.line())['id']}/send")["status"] == "open"


def test_after_finalising_words_may_change_and_money_may_not(api: Api) -> None:
    """Metadata, memo and footer can be corrected; the answer is the changed invoice and one event."""
    opened = raw.opened(api)
    changed = api.post(f"/v1/invoices/{opened['id']}", {"metadata": {"a": "1"}, "footer": "Thanks"})
    assert (changed["metadata"], changed["footer"]) == ({"a": "1"}, "Thanks")
    event = api.events("invoice.updated")[-1]
    assert event["data"]["previous_attributes"] == {"metadata": {"a": None}, "footer": None}
    error = api.no("POST", f"/v1/invoices/{opened['id']}", {"default_tax_rates": ""})
    assert error["code"] == "invoice_not_editable"


def test_nothing_to_collect_is_paid_at_once(api: Api) -> None:
    """A total of 0 finalises to paid, with no payment intent."""
    paid = raw.opened(api, raw.line(0))
    assert (paid["status"], paid["amount_due"], paid["status_transitions"]["paid_at"] is not None) == ("paid", 0, True)
    assert api.get("/v1/payment_intents")["data"] == []
    assert len(api.events("invoice.paid")) == 1


def test_below_the_minimum_the_debt_moves_to_the_next_invoice(api: Api) -> None:
    """0.20 EUR turns paid and is owed on the next invoice; the other reading leaves it open."""
    small = raw.opened(api, raw.line(20))
    assert (small["status"], small["amount_due"], small["ending_balance"]) == ("paid", 0, 20)
    following = raw.opened(api, raw.line(1000), customer=small["customer"])
    assert (following["total"], following["starting_balance"], following["amount_due"]) == (1000, 20, 1020)
    api.fake.world.switches.set("below_minimum", "open")
    assert raw.opened(api, raw.line(20))["status"] == "open"


def test_a_customers_credit_is_used_first(api: Api) -> None:
    """Credit of 3.00 makes 10.00 into 7.00 due; what is left stays with the customer."""
    buyer = raw.customer(api, balance=-300)["id"]
    opened = raw.opened(api, raw.line(1000), customer=buyer)
    assert (opened["total"], opened["amount_due"], opened["ending_balance"]) == (1000, 700, 0)
    assert api.get(f"/v1/customers/{buyer}")["balance"] == 0


def test_a_negative_total_becomes_credit_or_is_refused(api: Api) -> None:
    """By the first reading the customer is owed 5.00; by the other it cannot be finalised."""
    credited = raw.opened(api, {"amount": -500})
    assert (credited["status"], credited["total"], credited["amount_due"]) == ("paid", -500, 0)
    assert api.get(f"/v1/customers/{credited['customer']}")["balance"] == -500
    api.fake.world.switches.set("negative_total", "refuse")
    api.no("POST", f"/v1/invoices/{raw.draft(api, {'amount': -500})['id']}/finalize")


def test_a_finalised_invoice_fixes_the_customers_currency(api: Api) -> None:
    """The first invoice sets it; invoices in other currencies are still possible."""
    first = raw.opened(api)
    assert api.get(f"/v1/customers/{first['customer']}")["currency"] == "eur"
    price = {"currency": "usd", "unit_amount": 700, "product_data": {"name": "x"}}
    assert raw.opened(api, {"price_data": price}, customer=first["customer"], currency="usd")["currency"] == "usd"


def test_void_and_uncollectible(api: Api) -> None:
    """Void cancels the payment; uncollectible can be voided or still be paid."""
    voided = api.post(f"/v1/invoices/{raw.opened(api)['id']}/void")
    assert (voided["status"], voided["status_transitions"]["voided_at"] is not None) == ("void", True)
    assert api.get("/v1/payment_intents")["data"][0]["status"] == "canceled"
    lost = api.post(f"/v1/invoices/{raw.opened(api)['id']}/mark_uncollectible")
    assert lost["status"] == "uncollectible"
    assert api.post(f"/v1/invoices/{lost['id']}/pay", {"paid_out_of_band": True})["status"] == "paid"
    assert {each["type"] for each in api.events("invoice.voided", "invoice.marked_uncollectible")} == {
        "invoice.voided",
        "invoice.marked_uncollectible",
    }


def test_a_draft_can_be_deleted_and_is_gone(api: Api) -> None:
    """With its lines' items; the invoice is resource_missing afterwards."""
    invoice = raw.draft(api, raw.line(), raw.line())["id"]
    assert api.ok("DELETE", f"/v1/invoices/{invoice}") == {"id": invoice, "object": "invoice", "deleted": True}
    api.no("GET", f"/v1/invoices/{invoice}", status=404)
    assert api.get("/v1/invoiceitems")["data"] == []
    assert len(api.events("invoice.deleted")) == 1


def test_paying_a_draft_finalises_it(api: Api) -> None:
    """pay on a draft with a test payment method collects it whole."""
    paid = api.post(f"/v1/invoices/{raw.draft(api, raw.line())['id']}/pay", {"payment_method": "pm_card_visa"})
    assert (paid["status"], paid["amount_paid"], paid["amount_remaining"]) == ("paid", 1000, 0)


def test_metadata_merges(api: Api) -> None:
    """Keys are added and replaced, "" removes one, "" for the whole removes all."""
    path = f"/v1/invoices/{raw.draft(api, metadata={'a': '1', 'b': '2'})['id']}"
    assert api.post(path, {"metadata": {"b": "3", "c": "4"}})["metadata"] == {"a": "1", "b": "3", "c": "4"}
    assert api.post(path, {"metadata": {"b": ""}})["metadata"] == {"a": "1", "c": "4"}
    assert api.post(path, {"metadata": ""})["metadata"] == {}


def test_lines_are_changed_and_taken_off(api: Api) -> None:
    """update_lines changes what was sent and sums anew; remove_lines deletes the item or sets it free."""
    invoice = raw.draft(api, raw.line(1000, metadata={"a": "1"}), raw.line(2000), raw.line(500))
    first, second, third = (each["id"] for each in invoice["lines"]["data"])
    path = f"/v1/invoices/{invoice['id']}"
    changes = [
        {"id": first, "quantity": 3, "metadata": {"b": "2"}},
        {"id": second, "amount": 50, "discountable": False},
    ]
    changed = api.post(f"{path}/update_lines", {"lines": changes, "invoice_metadata": {"x": "y"}})
    lines = changed["lines"]["data"]
    assert [each["id"] for each in lines] == [first, second, third]
    assert [each["amount"] for each in lines] == [3000, 50, 500]
    assert (lines[0]["metadata"], changed["total"], changed["metadata"]) == ({"a": "1", "b": "2"}, 3550, {"x": "y"})
    gone = [{"id": first, "behavior": "delete"}, {"id": second, "behavior": "unassign"}]
    left = api.post(f"{path}/remove_lines", {"lines": gone})
    assert (left["total"], [each["id"] for each in left["lines"]["data"]]) == (500, [third])
    free = api.get("/v1/invoiceitems", {"pending": True})["data"]
    assert [each["amount"] for each in free] == [50]
    adopted = api.post(f"{path}/add_lines", {"lines": [{"invoice_item": free[0]["id"]}]})
    assert adopted["total"] == 550
    assert api.post(f"{path}/lines/{third}", {"description": "Travel"})["description"] == "Travel"
    api.no("POST", f"{path}/lines/il_no", {"description": "x"}, status=404)


def test_an_item_can_be_put_on_a_draft_directly(api: Api) -> None:
    """POST /v1/invoiceitems with ``invoice`` adds a line; the invoice's currency is taken where none is said."""
    invoice = raw.draft(api, currency="usd")
    wanted = {"customer": invoice["customer"], "invoice": invoice["id"], "unit_amount_decimal": "-12.5", "quantity": 3}
    item = api.post("/v1/invoiceitems", wanted | {"description": "Credit"})
    assert (item["amount"], item["currency"], item["discountable"]) == (-38, "usd", False)
    line = api.get(f"/v1/invoices/{invoice['id']}")["lines"]["data"][0]
    assert (line["amount"], line["description"]) == (-38, "Credit")
    assert line["parent"]["invoice_item_details"]["invoice_item"] == item["id"]


def test_a_discount_can_be_used_again_on_its_own_invoice(api: Api) -> None:
    """A discount's id works where it already is, and on the invoice's lines."""
    coupon = api.post("/v1/coupons", {"percent_off": 10})["id"]
    invoice = raw.draft(api, raw.line(1000), discounts=[{"coupon": coupon}])
    kept = [{"discount": invoice["discounts"][0]}]
    again = api.post(f"/v1/invoices/{invoice['id']}", {"discounts": kept})
    assert (again["discounts"], again["total"]) == (invoice["discounts"], 900)
    assert api.get(f"/v1/coupons/{coupon}")["times_redeemed"] == 1


def test_a_due_date_replaces_days_until_due(api: Api, fake: FakeStripe) -> None:
    """The last one given holds, also at finalising."""
    invoice = raw.draft(api, raw.line(), days_until_due=5)
    due = fake.clock.now() + 40 * DAY
    assert api.post(f"/v1/invoices/{invoice['id']}", {"due_date": due})["due_date"] == due
    assert api.post(f"/v1/invoices/{invoice['id']}/finalize")["due_date"] == due


def test_tax_amounts_can_be_cleared(api: Api) -> None:
    """ "" takes imposed amounts off, after which rates are possible."""
    invoice = raw.draft(api, raw.line(1000, tax_amounts=[raw.vat(210, 1000)]))
    change = {"id": invoice["lines"]["data"][0]["id"], "tax_amounts": ""}
    cleared = api.post(f"/v1/invoices/{invoice['id']}/update_lines", {"lines": [change]})
    assert (cleared["total"], cleared["lines"]["data"][0]["taxes"]) == (1000, [])
    rate = api.post("/v1/tax_rates", {"display_name": "VAT", "inclusive": False, "percentage": 9})["id"]
    assert api.post(f"/v1/invoices/{invoice['id']}", {"default_tax_rates": [rate]})["total"] == 1090


def test_add_lines_twice_adds_them_twice(api: Api) -> None:
    """Without an idempotency key there is no protection: that is the caller's to know."""
    invoice = raw.draft(api, raw.line())["id"]
    doubled = api.post(f"/v1/invoices/{invoice}/add_lines", {"lines": [raw.line()]})
    assert (len(doubled["lines"]["data"]), doubled["total"]) == (2, 2000)


def test_pending_items_wait_for_an_invoice(api: Api, other: Api) -> None:
    """Items of this customer and currency come along when they are to be included, newest first; others stay."""
    buyer, stranger = raw.customer(api)["id"], raw.customer(api)["id"]
    for amount, whose, currency in (
        (100, buyer, "eur"),
        (200, buyer, "eur"),
        (300, buyer, "usd"),
        (400, stranger, "eur"),
    ):
        api.post("/v1/invoiceitems", {"customer": whose, "amount": amount, "currency": currency})
    empty = raw.draft(api, customer=buyer)
    assert empty["lines"]["data"] == []
    full = raw.draft(api, customer=buyer, pending_invoice_items_behavior="include")
    assert [each["amount"] for each in full["lines"]["data"]] == [200, 100]
    assert len(api.get("/v1/invoiceitems", {"pending": True})["data"]) == 2
    item = api.get("/v1/invoiceitems", {"invoice": full["id"]})["data"][0]["id"]
    api.post(f"/v1/invoiceitems/{item}", {"amount": 250})
    assert api.get(f"/v1/invoices/{full['id']}")["total"] == 350
    api.ok("DELETE", f"/v1/invoiceitems/{item}")
    assert api.get(f"/v1/invoices/{full['id']}")["total"] == 100
    assert other.get("/v1/invoiceitems")["data"] == []


@pytest.mark.parametrize(
    ("switch", "refused", "accepted"),
    [
        ("negative_tax_amounts", "refuse", "accept"),
        ("tax_amounts_with_discounts", "refuse", "accept"),
        ("archived_product_on_line", "refuse", "accept"),
        ("finalize_without_lines", "refuse", "accept"),
        ("archive_default_price", "refuse", "accept"),
        ("bad_tax_id", "fails_create", "accepted"),
    ],
)
def test_uncertain_refusals_have_both_behaviours(switch: str, refused: str, accepted: str) -> None:
    """Each switch refuses in one position and lets through in the other."""
    for position, status in ((refused, 400), (accepted, 200)):
        switches = Switches()
        switches.set(switch, position)
        api, _ = raw.connected(switches)
        method, path, params = UNCERTAIN[switch](api)
        assert api.call(method, path, params).status == status, (switch, position)


def _archived(api: Api) -> tuple[str, str, dict[str, object]]:
    product = api.post("/v1/products", {"name": "Old", "active": False})["id"]
    line = {"price_data": {"currency": "eur", "unit_amount": 5, "product": product}}
    return "POST", f"/v1/invoices/{raw.draft(api)['id']}/add_lines", {"lines": [line]}


def _discounted(api: Api) -> tuple[str, str, dict[str, object]]:
    coupon = [{"coupon": api.post("/v1/coupons", {"percent_off": 10})["id"]}]
    line = raw.line(tax_amounts=[raw.vat(21, 100)])
    return "POST", f"/v1/invoices/{raw.draft(api, discounts=coupon)['id']}/add_lines", {"lines": [line]}


def _negative(api: Api) -> tuple[str, str, dict[str, object]]:
    line = {"amount": -100, "tax_amounts": [raw.vat(-21, -100)]}
    return "POST", f"/v1/invoices/{raw.draft(api)['id']}/add_lines", {"lines": [line]}


def _default_price(api: Api) -> tuple[str, str, dict[str, object]]:
    data = {"name": "x", "default_price_data": {"currency": "eur", "unit_amount": 5}}
    return "POST", f"/v1/prices/{api.post('/v1/products', data)['default_price']}", {"active": False}


UNCERTAIN: dict[str, Callable[[Api], tuple[str, str, dict[str, object]]]] = {
    "negative_tax_amounts": _negative,
    "tax_amounts_with_discounts": _discounted,
    "archived_product_on_line": _archived,
    "finalize_without_lines": lambda api: ("POST", f"/v1/invoices/{raw.draft(api)['id']}/finalize", {}),
    "archive_default_price": _default_price,
    "bad_tax_id": lambda api: ("POST", "/v1/customers", {"tax_id_data": [{"type": "eu_vat", "value": "nonsense"}]}),
}


def test_switches_refuse_what_they_have_not(fake: FakeStripe) -> None:
    """An unknown switch or position is refused with the possible ones."""
    switches = fake.world.switches
    for name, value, says in (
        ("send_finalises", True, "send_finalizes_draft"),
        ("tax_rounding", "both", "'line', 'invoice'"),
        ("error_for_revoked", True, "403, 401"),
        ("lines_in_response", 0, "from 1 to 100"),
    ):
        with pytest.raises(ValueError, match=says):
            switches.set(name, value)
    with pytest.raises(ValueError, match="tax_rounding"):
        Switches(tax_rounding="x")
