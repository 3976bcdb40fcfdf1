"""Sums of an invoice: by hand where a rule is meant, by property where everything must add up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_crm_stripe.testing.fake_stripe import Switches, money

from . import raw
from .raw import Api


def rate(api: Api, percentage: str | int = 21, **more: Any) -> str:
    """A tax rate."""
    wanted = {"display_name": "VAT", "inclusive": False, "percentage": percentage} | more
    return str(api.post("/v1/tax_rates", wanted)["id"])


def coupon(api: Api, **terms: Any) -> list[dict[str, str]]:
    """A ``discounts`` parameter with a new coupon."""
    return [{"coupon": api.post("/v1/coupons", terms)["id"]}]


def taxes(invoice: dict[str, Any]) -> list[int]:
    """The tax amounts of an invoice."""
    return [each["amount"] for each in invoice["total_taxes"]]


def test_quantity_times_price_is_rounded_half_up_per_line(api: Api) -> None:
    """2.5 times 12.345 is 30.8625: 3086 cents; and -0.5 cent goes away from zero."""
    invoice = raw.draft(
        api,
        {
            "price_data": {"currency": "eur", "unit_amount_decimal": "1234.5", "product_data": {"name": "x"}},
            "quantity_decimal": "2.5",
        },
    )
    line = invoice["lines"]["data"][0]
    assert (line["amount"], line["quantity"], line["quantity_decimal"]) == (3086, 2, "2.5")
    assert line["pricing"]["unit_amount_decimal"] == "1234.5"
    assert money.rounded(Decimal("-0.5"), "eur") == -1


def test_exclusive_tax_is_added(api: Api) -> None:
    """21 % on 100.00: total 121.00, 100.00 without tax."""
    invoice = raw.draft(api, raw.line(10_000), default_tax_rates=[rate(api)])
    assert (invoice["subtotal"], invoice["total"], invoice["total_excluding_tax"]) == (10_000, 12_100, 10_000)
    assert taxes(invoice) == [2100]
    assert invoice["lines"]["data"][0]["taxes"][0]["taxable_amount"] == 10_000


def test_inclusive_tax_is_taken_out(api: Api) -> None:
    """21 % in 121.00: total stays 121.00, 100.00 without tax."""
    invoice = raw.draft(api, raw.line(12_100), default_tax_rates=[rate(api, inclusive=True)])
    assert (invoice["total"], invoice["total_excluding_tax"], invoice["subtotal_excluding_tax"]) == (
        12_100,
        10_000,
        10_000,
    )
    assert invoice["total_taxes"][0]["tax_behavior"] == "inclusive"


@pytest.mark.parametrize(("rounding", "expected"), [("line", 9), ("invoice", 8)])
def test_rounding_per_line_and_per_invoice_differ(rounding: str, expected: int) -> None:
    """Three lines of 0.50 at 5 %: 0.03 each, or 0.08 for all; the lines' taxes add up either way."""
    api, _ = raw.connected(Switches(tax_rounding=rounding))
    invoice = raw.draft(api, *[raw.line(50)] * 3, default_tax_rates=[rate(api, 5)])
    assert taxes(invoice) == [expected]
    assert sum(each["taxes"][0]["amount"] for each in invoice["lines"]["data"]) == expected


def test_a_lines_own_rates_replace_the_invoices(api: Api) -> None:
    """9 % on one line, 21 % on the rest."""
    low = rate(api, 9)
    invoice = raw.draft(api, raw.line(1000, tax_rates=[low]), raw.line(1000), default_tax_rates=[rate(api)])
    assert sorted(taxes(invoice)) == [90, 210]


def test_imposed_tax_amounts_stand_as_given(api: Api) -> None:
    """Stripe adds up what the client says, right or wrong, and archives a tax rate for it."""
    invoice = raw.draft(api, raw.line(1000, tax_amounts=[raw.vat(211, 1000, taxability_reason="standard_rated")]))
    assert invoice["total"] == 1211
    tax = invoice["lines"]["data"][0]["taxes"][0]
    assert (tax["amount"], tax["taxability_reason"], tax["type"]) == (211, "standard_rated", "tax_rate_details")
    made = api.get(f"/v1/tax_rates/{tax['tax_rate_details']['tax_rate']}")
    assert (made["active"], made["percentage"], made["country"]) == (False, 21, "NL")


@pytest.mark.parametrize(("exempt", "reason"), [("reverse", "reverse_charge"), ("exempt", "customer_exempt")])
def test_exempt_customers_pay_no_tax_by_rates(api: Api, exempt: str, reason: str) -> None:
    """The rate is shown with 0 and the reason."""
    buyer = raw.customer(api, tax_exempt=exempt)["id"]
    invoice = raw.draft(api, raw.line(1000), customer=buyer, default_tax_rates=[rate(api)])
    assert (invoice["total"], invoice["total_taxes"][0]["taxability_reason"]) == (1000, reason)


def test_line_discounts_come_before_invoice_discounts_and_tax_is_last(api: Api) -> None:
    """200.00 less 10 % of the line less 20.00 of the invoice: tax on 160.00."""
    ten, twenty = coupon(api, percent_off=10), coupon(api, amount_off=2000, currency="eur")
    invoice = raw.draft(api, raw.line(20_000, discounts=ten), discounts=twenty, default_tax_rates=[rate(api)])
    assert (invoice["subtotal"], invoice["total_excluding_tax"], invoice["total"]) == (18_000, 16_000, 19_360)
    assert [each["amount"] for each in invoice["total_discount_amounts"]] == [2000, 2000]


def test_an_invoice_discount_is_spread_over_discountable_lines(api: Api) -> None:
    """10.00 over lines of 10, 20 and a credit of -5: to the cent, and none to the credit."""
    ten = coupon(api, amount_off=1000, currency="eur")
    invoice = raw.draft(api, raw.line(1000), raw.line(2000), {"amount": -500}, discounts=ten)
    shares = [sum(d["amount"] for d in each["discount_amounts"]) for each in invoice["lines"]["data"]]
    assert shares == [333, 667, 0]
    assert (invoice["subtotal"], invoice["total"]) == (2500, 1500)


def test_a_discount_takes_no_more_than_there_is(api: Api) -> None:
    """A coupon of 50.00 on 10.00 leaves 0."""
    invoice = raw.draft(api, raw.line(1000), discounts=coupon(api, amount_off=5000, currency="eur"))
    assert (invoice["total"], invoice["total_discount_amounts"][0]["amount"]) == (0, 1000)


def test_a_coupon_for_some_products_leaves_others_alone(api: Api) -> None:
    """``applies_to`` is respected."""
    audit = api.post("/v1/products", {"name": "Audit"})["id"]
    half = coupon(api, percent_off=50, applies_to={"products": [audit]})
    mine = {"price_data": {"currency": "eur", "unit_amount": 1000, "product": audit}}
    assert raw.draft(api, mine, raw.line(1000), discounts=half)["total"] == 1500


@pytest.mark.parametrize(
    ("currency", "exponent", "step"),
    [("eur", 2, 1), ("jpy", 0, 1), ("isk", 2, 100), ("ugx", 2, 100), ("kwd", 3, 10), ("huf", 2, 1), ("clp", 0, 1)],
)
def test_stripes_currency_table(currency: str, exponent: int, step: int) -> None:
    """ISK and UGX have two decimals ending in 00, three-decimal ones end in 0, whatever ISO says."""
    assert (money.exponent(currency), money.step(currency)) == (exponent, step)


def test_products_that_fall_between_steps_are_rounded_to_the_step(api: Api) -> None:
    """Half of 5 ISK is 2.50, charged as 3; half of 0.115 KWD is 0.0575, charged as 0.060."""
    for currency, unit, amount in (("isk", 500, 300), ("kwd", 110, 60)):
        price = {"currency": currency, "unit_amount": unit, "product_data": {"name": "x"}}
        invoice = raw.draft(api, {"price_data": price, "quantity_decimal": "0.5"}, currency=currency)
        assert invoice["total"] == amount


@cache
def shared(rounding: str) -> tuple[Api, dict[str, str]]:
    """One business for all examples, with its rates and coupons."""
    api, _ = raw.connected(Switches(tax_rounding=rounding))
    made = {str(percent): rate(api, percent) for percent in (0, 9, 21, "5.5")}
    made["coupon"] = api.post("/v1/coupons", {"percent_off": "12.5"})["id"]
    made["customer"] = raw.customer(api)["id"]
    return api, made


LINES = st.lists(
    st.tuples(
        st.decimals("0", "9999.999", places=3),
        st.decimals("0", "99.99", places=2),
        st.sampled_from(["0", "9", "21", "5.5"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40)
@given(rounding=st.sampled_from(["line", "invoice"]), lines=LINES, discounted=st.booleans())
def test_everything_adds_up(rounding: str, lines: list[tuple[Decimal, Decimal, str, bool]], discounted: bool) -> None:
    """Lines, discounts, taxes and totals agree with each other, and with sums made another way."""
    api, made = shared(rounding)
    coupons = [{"coupon": made["coupon"]}]
    wanted = [
        {
            "price_data": {"currency": "eur", "unit_amount_decimal": unit, "product_data": {"name": "x"}},
            "quantity_decimal": quantity,
            "tax_rates": [made[percent]],
            **({"discounts": coupons} if off else {}),
        }
        for unit, quantity, percent, off in lines
    ]
    more: dict[str, Any] = {"discounts": coupons} if discounted else {"discounts": ""}
    invoice = raw.draft(api, *wanted, customer=made["customer"], **more)
    data = invoice["lines"]["data"]
    for line, (unit, quantity, _, _) in zip(data, lines, strict=True):
        assert line["amount"] == int((unit * quantity).quantize(Decimal(1), ROUND_HALF_UP))
    net = [line["amount"] - sum(d["amount"] for d in line["discount_amounts"]) for line in data]
    tax = [line["taxes"][0]["amount"] for line in data]
    assert invoice["total"] == sum(net) + sum(tax)
    assert invoice["total_excluding_tax"] == sum(net)
    assert sum(taxes(invoice)) == sum(tax)
    assert all(value >= 0 for value in net)
    for percent in {percent for _, _, percent, _ in lines}:
        mine = [i for i, each in enumerate(lines) if each[2] == percent]
        exact = sum(Fraction(net[i]) * Fraction(percent) / 100 for i in mine)
        slack = Fraction(1, 2) * (len(mine) if rounding == "line" else 1)
        assert abs(sum(tax[i] for i in mine) - exact) <= slack


@given(
    total=st.integers(-10_000, 10_000),
    weights=st.lists(st.integers(1, 999), min_size=1, max_size=8),
    grain=st.sampled_from([1, 10, 100]),
)
def test_apportioning_is_exact_and_fair(total: int, weights: list[int], grain: int) -> None:
    """The parts sum to the whole, are multiples of the step, and none is a step or more away from its share."""
    total *= grain
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = money.apportion(total, exact, grain)
    assert sum(parts) == total
    assert all(part % grain == 0 and abs(part - share) < grain for part, share in zip(parts, exact, strict=True))
