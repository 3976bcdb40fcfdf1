"""The lines of credit notes: by amount, by quantity, of one's own; taxes and discounts to the cent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_crm_stripe.testing.fake_stripe import Switches, crediting

from . import raw

SUMS = ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax")


def of_line(line: dict[str, Any], **how: Any) -> dict[str, Any]:
    """A credit of one of the invoice's lines."""
    return {"type": "invoice_line_item", "invoice_line_item": line["id"], **how}


def own(**more: Any) -> dict[str, Any]:
    """A line of one's own."""
    return {"type": "custom_line_item", "description": "Goodwill", "quantity": 1, "unit_amount": 100, **more}


def credit(api: raw.Api, invoice: dict[str, Any], *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A credit note with these lines on an open invoice."""
    return api.post("/v1/credit_notes", {"invoice": invoice["id"], "lines": list(lines), **more})


def refused(api: raw.Api, invoice: dict[str, Any], *lines: dict[str, Any]) -> dict[str, Any]:
    """The refusal of one."""
    return api.no("POST", "/v1/credit_notes", {"invoice": invoice["id"], "lines": list(lines)})


def rate(api: raw.Api, percentage: str = "21", inclusive: bool = False) -> str:
    """A tax rate that the business made."""
    wanted = {"display_name": "VAT", "inclusive": inclusive, "percentage": percentage}
    return str(api.post("/v1/tax_rates", wanted)["id"])


def taxes(note: dict[str, Any]) -> list[tuple[int, int]]:
    """Amount and base of each tax of a note."""
    return [(each["amount"], each["taxable_amount"]) for each in note["total_taxes"]]


def stripes_rate(invoice: dict[str, Any], line: int = 0) -> str:
    """The tax rate that Stripe made for a line with a tax amount of its own."""
    return str(invoice["lines"]["data"][line]["taxes"][0]["tax_rate_details"]["tax_rate"])


def test_a_line_by_amount_brings_its_tax(api: raw.Api) -> None:
    """A third of a line credits a third of its VAT; all thirds together credit exactly all of it."""
    invoice = raw.opened(api, raw.line(1_000, tax_rates=[rate(api)]), raw.line(500))
    line = invoice["lines"]["data"][0]
    notes = [credit(api, invoice, of_line(line, amount=amount)) for amount in (333, 333, 334)]
    assert [taxes(each) for each in notes] == [[(70, 333)], [(70, 333)], [(70, 334)]]
    assert [each["total"] for each in notes] == [403, 403, 404]
    assert sum(each["total"] for each in notes) == 1_210
    made = notes[0]["lines"]["data"][0]
    assert (made["quantity"], made["unit_amount"], made["description"]) == (None, None, line["description"])
    assert made["tax_rates"][0]["percentage"] == 21
    assert refused(api, invoice, of_line(line, amount=1))["param"] == "lines[0][amount]"


def test_a_line_by_quantity(api: raw.Api) -> None:
    """Quantity times the unit price, never above what is left; the price is told, whole or in decimals."""
    price = {"currency": "eur", "unit_amount_decimal": "33.35", "product_data": {"name": "Page"}}
    invoice = raw.opened(api, {"price_data": price, "quantity": 3}, raw.line(400, quantity=2))
    pages, hours = invoice["lines"]["data"]
    assert pages["amount"] == 100
    notes = [credit(api, invoice, of_line(pages, quantity=1)) for _ in range(3)]
    assert [each["total"] for each in notes] == [33, 34, 33]
    assert refused(api, invoice, of_line(pages, quantity=1))["param"] == "lines[0][quantity]"
    made = notes[0]["lines"]["data"][0]
    assert (made["quantity"], made["unit_amount"], made["unit_amount_decimal"]) == (1, None, "33.35")
    made = credit(api, invoice, of_line(hours, quantity=2))["lines"]["data"][0]
    assert (made["amount"], made["unit_amount"], made["unit_amount_decimal"]) == (800, 400, "400")


@pytest.mark.parametrize(("first", "then"), [("amount", "quantity"), ("quantity", "amount")])
def test_a_line_is_credited_in_one_manner(first: str, then: str, api: raw.Api) -> None:
    """By quantity after by amount, and the other way round, is refused; a voided credit does not count."""
    invoice = raw.opened(api, raw.line(400, quantity=2))
    line = invoice["lines"]["data"][0]
    note = credit(api, invoice, of_line(line, **{first: 1}))
    assert refused(api, invoice, of_line(line, **{then: 1}))["param"] == f"lines[0][{then}]"
    api.post(f"/v1/credit_notes/{note['id']}/void")
    credit(api, invoice, of_line(line, **{then: 1}))
    twice = [of_line(line, **{then: 1}), of_line(line, **{first: 1})]
    assert refused(api, invoice, *twice)["param"] == f"lines[1][{first}]"


def test_imposed_taxes_are_credited_by_stripes_own_rates(api: raw.Api) -> None:
    """With the rate that Stripe made for the line the CRM says how much VAT is credited, to the cent."""
    invoice = raw.opened(
        api,
        {"amount": 1_000, "tax_amounts": [raw.vat(211, 1_000)]},
        {"amount": 500, "tax_amounts": [raw.vat(45, 500, "9")]},
    )
    first, second = invoice["lines"]["data"]
    given = [{"amount": 106, "taxable_amount": 500, "tax_rate": stripes_rate(invoice)}]
    note = credit(api, invoice, of_line(first, amount=500, tax_amounts=given))
    assert (note["total"], note["total_excluding_tax"], taxes(note)) == (606, 500, [(106, 500)])
    assert note["total_taxes"][0]["tax_rate_details"] == {"tax_rate": stripes_rate(invoice)}
    rest = credit(api, invoice, of_line(first, amount=500), of_line(second, amount=500))
    assert taxes(rest) == [(105, 500), (45, 500)]
    assert note["total"] + rest["total"] == invoice["total"]


def test_a_tax_rate_must_be_the_lines_own(api: raw.Api) -> None:
    """Another line's, the business's own, one given twice and more tax than is left are refused by name."""
    invoice = raw.opened(
        api,
        {"amount": 1_000, "tax_amounts": [raw.vat(210, 1_000)]},
        {"amount": 500, "tax_amounts": [raw.vat(105, 500)]},
    )
    rated = raw.opened(api, raw.line(1_000, tax_rates=[rate(api)]))

    def tax(rate_id: str, amount: int = 21, taxable: int = 100) -> dict[str, Any]:
        return {"amount": amount, "taxable_amount": taxable, "tax_rate": rate_id}

    mine, foreign = stripes_rate(invoice), stripes_rate(invoice, 1)
    for bill, wrong, param in (
        (invoice, [tax(foreign)], "[0][tax_rate]"),
        (invoice, [tax("txr_no")], "[0][tax_rate]"),
        (rated, [tax(stripes_rate(rated))], "[0][tax_rate]"),
        (invoice, [tax(mine), tax(mine)], "[1][tax_rate]"),
        (invoice, [tax(mine, amount=211)], "[0][amount]"),
        (invoice, [tax(mine, amount=-1)], "[0][amount]"),
        (invoice, [tax(mine, taxable=1_001)], "[0][taxable_amount]"),
        (invoice, [tax(mine)] * 21, ""),
    ):
        error = refused(api, bill, of_line(bill["lines"]["data"][0], amount=100, tax_amounts=wrong))
        assert error["param"] == f"lines[0][tax_amounts]{param}"
    assert api.get("/v1/credit_notes")["data"] == []


def test_a_line_of_ones_own(api: raw.Api) -> None:
    """Quantity times its price, taxed by rates of the business, exclusive or inclusive, or by Stripe's own."""
    invoice = raw.opened(api, {"amount": 10_000, "tax_amounts": [raw.vat(2_100, 10_000)]})
    note = credit(api, invoice, own(quantity=3, unit_amount=333, tax_rates=[rate(api)]))
    assert (note["subtotal"], note["total"], taxes(note)) == (999, 1_209, [(210, 999)])
    inside = credit(api, invoice, own(unit_amount=1_210, tax_rates=[rate(api, inclusive=True)]))
    assert [inside[name] for name in SUMS] == [1_210, 1_000, 1_210, 1_000]
    given = [{"amount": 21, "taxable_amount": 100, "tax_rate": stripes_rate(invoice)}]
    assert credit(api, invoice, own(tax_amounts=given))["total"] == 121
    fine = {name: value for name, value in own(quantity=7).items() if name != "unit_amount"}
    made = credit(api, invoice, fine | {"unit_amount_decimal": "0.5"})
    assert (made["total"], made["lines"]["data"][0]["unit_amount_decimal"]) == (4, "0.5")


def test_nobody_pays_tax_who_is_exempt(api: raw.Api) -> None:
    """A reverse charge stays one on the note: the rate is told, and no tax."""
    buyer = raw.customer(api, tax_exempt="reverse")["id"]
    invoice = raw.opened(api, raw.line(1_000, tax_rates=[rate(api)]), customer=buyer)
    note = credit(api, invoice, of_line(invoice["lines"]["data"][0], amount=500), own(tax_rates=[rate(api)]))
    assert (note["total"], [each["taxability_reason"] for each in note["total_taxes"]]) == (600, ["reverse_charge"] * 2)
    assert [each["amount"] for each in note["total_taxes"]] == [0, 0]


def test_discounts_are_credited_in_proportion(api: raw.Api) -> None:
    """Half of a line that has its own discount and one of the invoice: half of both, and tax on what is left."""
    coupons = [api.post("/v1/coupons", {"percent_off": percent})["id"] for percent in (10, 50)]
    line = raw.line(1_000, discounts=[{"coupon": coupons[0]}], tax_rates=[rate(api)])
    invoice = raw.opened(api, line, discounts=[{"coupon": coupons[1]}])
    assert (invoice["subtotal"], invoice["total"]) == (900, 545)
    note = credit(api, invoice, of_line(invoice["lines"]["data"][0], amount=500))
    assert [note[name] for name in SUMS] == [450, 450, 273, 225]
    assert (note["discount_amount"], [each["amount"] for each in note["discount_amounts"]]) == (275, [50, 225])
    rest = credit(api, invoice, of_line(invoice["lines"]["data"][0], amount=500))
    assert all(note[name] + rest[name] == invoice[name] for name in SUMS)


@pytest.mark.parametrize("inclusive", [False, True])
def test_a_whole_credit_has_the_sums_of_the_invoice(inclusive: bool, api: raw.Api) -> None:
    """By its lines or by its total alone, what credits all of an invoice has its subtotal, tax and discount."""
    coupon = api.post("/v1/coupons", {"percent_off": "7.5"})["id"]
    lines = [
        raw.line(1_999, tax_rates=[rate(api, "21", inclusive)]),
        raw.line(333, tax_rates=[rate(api, "9", inclusive)], discounts=[{"coupon": coupon}]),
    ]
    for by_lines in (True, False):
        invoice = raw.opened(api, *lines, discounts=[{"coupon": coupon}])
        whole = [of_line(each, amount=each["amount"]) for each in invoice["lines"]["data"]]
        wanted = {"lines": whole} if by_lines else {"amount": invoice["total"]}
        note = api.post("/v1/credit_notes", {"invoice": invoice["id"], **wanted})
        names = SUMS if by_lines else ("subtotal", "total", "total_excluding_tax")
        assert {name: note[name] for name in names} == {name: invoice[name] for name in names}
        assert note["total_taxes"] == invoice["total_taxes"]
        assert note["discount_amount"] == sum(each["amount"] for each in invoice["total_discount_amounts"])
        assert api.get(f"/v1/invoices/{invoice['id']}")["status"] == "paid"


def test_an_amount_alone_is_shared_among_the_taxes(api: raw.Api) -> None:
    """Three notes of uneven amounts: each of two rates gets its part, and together they are the invoice's."""
    invoice = raw.opened(api, raw.line(1_000, tax_rates=[rate(api)]), raw.line(777, tax_rates=[rate(api, "9")]))
    assert invoice["total"] == 2_057
    notes = [
        api.post("/v1/credit_notes", {"invoice": invoice["id"], "amount": amount}) for amount in (1_000, 57, 1_000)
    ]
    for index, tax in enumerate(invoice["total_taxes"]):
        assert sum(taxes(each)[index][0] for each in notes) == tax["amount"]
    assert sum(each["subtotal"] for each in notes) == invoice["subtotal"]
    for note in notes:
        (line,) = note["lines"]["data"]
        assert (line["amount"], line["type"]) == (note["subtotal"], "custom_line_item")
        assert note["total"] == note["total_excluding_tax"] + sum(each["amount"] for each in note["total_taxes"])


def test_an_amount_alone_may_have_no_tax() -> None:
    """By the switch nothing of the invoice's VAT is credited with it."""
    api, _ = raw.connected(Switches(credit_note_amount_tax="none"))
    invoice = raw.opened(api, raw.line(1_000, tax_rates=[rate(api)]))
    note = api.post("/v1/credit_notes", {"invoice": invoice["id"], "amount": 121})
    assert ([note[name] for name in SUMS], note["total_taxes"]) == ([121] * 4, [])


def test_the_amount_of_a_line_may_include_its_tax() -> None:
    """By the switch it is what the customer gets back; with tax amounts given it is before tax all the same."""
    api, _ = raw.connected(Switches(credit_line_amount="with_tax"))
    invoice = raw.opened(api, raw.line(1_000, tax_rates=[rate(api)]))
    line = invoice["lines"]["data"][0]
    notes = [credit(api, invoice, of_line(line, amount=amount)) for amount in (605, 605)]
    assert [[each[name] for name in SUMS] for each in notes] == [[500, 500, 605, 500]] * 2
    assert refused(api, invoice, of_line(line, amount=1))["param"] == "lines[0][amount]"
    imposed = raw.opened(api, {"amount": 1_000, "tax_amounts": [raw.vat(210, 1_000)]})
    given = [{"amount": 21, "taxable_amount": 100, "tax_rate": stripes_rate(imposed)}]
    note = credit(api, imposed, of_line(imposed["lines"]["data"][0], amount=100, tax_amounts=given))
    assert (note["subtotal"], note["total"]) == (100, 121)


@pytest.mark.parametrize("position", ["refuse", "accept"])
def test_a_line_below_zero(position: str) -> None:
    """By the switch a discount line can be credited too, and then the whole invoice by its lines."""
    api, _ = raw.connected(Switches(negative_credit_lines=position))
    invoice = raw.opened(api, raw.line(1_000, tax_rates=[rate(api)]), {"amount": -200, "tax_rates": [rate(api)]})
    lines = [of_line(each, amount=each["amount"]) for each in invoice["lines"]["data"]]
    if position == "refuse":
        assert refused(api, invoice, *lines)["param"] == "lines[1][invoice_line_item]"
    else:
        assert refused(api, invoice, lines[1])["param"] == "lines"
        assert credit(api, invoice, *lines)["total"] == invoice["total"] == 968


def test_yen_and_kronur(other: raw.Api) -> None:
    """Currencies without decimals and with steps are credited in whole steps."""
    yen = {"currency": "jpy", "unit_amount": 999, "product_data": {"name": "x"}}
    invoice = raw.opened(other, {"price_data": yen, "tax_rates": [rate(other, "10")]}, currency="jpy")
    note = credit(other, invoice, of_line(invoice["lines"]["data"][0], amount=333))
    assert (note["currency"], note["total"], taxes(note)) == ("jpy", 366, [(33, 333)])
    invoice = raw.opened(other, {"amount": 10_000, "tax_rates": [rate(other, "24")]}, currency="isk")
    line = invoice["lines"]["data"][0]
    assert refused(other, invoice, of_line(line, amount=50))["param"] == "lines[0][amount]"
    assert taxes(credit(other, invoice, of_line(line, amount=3_300)))[0][0] == 800


def test_many_lines_are_read_a_page_at_a_time(api: raw.Api) -> None:
    """A note in an answer carries the first lines only; all of them are listed in their order."""
    invoice = raw.opened(api, *[raw.line(100 + number) for number in range(12)])
    every = api.get(f"/v1/invoices/{invoice['id']}/lines", {"limit": 100})["data"]
    note = credit(api, invoice, *[of_line(each, quantity=1) for each in every])
    assert (len(note["lines"]["data"]), note["lines"]["has_more"]) == (10, True)
    listed = api.get(f"/v1/credit_notes/{note['id']}/lines", {"limit": 100})["data"]
    assert [each["invoice_line_item"] for each in listed] == [each["id"] for each in every]


@settings(max_examples=200, deadline=None)
@given(
    whole=st.integers(-10_000, 10_000),
    parts=st.lists(st.integers(1, 5_000), min_size=1, max_size=8),
    currency=st.sampled_from(["eur", "jpy", "isk"]),
)
def test_shares_add_up_to_the_whole(whole: int, parts: list[int], currency: str) -> None:
    """However a whole is dealt out, the shares together are it, and each is near its exact part."""
    step = 100 if currency == "isk" else 1
    whole -= whole % step
    of, before, shares = sum(parts), 0, []
    for part in parts:
        shares.append(crediting.share(whole, part, of, before, currency))
        before += part
    assert sum(shares) == whole
    assert all(abs(share - whole * part / of) <= step for share, part in zip(shares, parts, strict=True))
