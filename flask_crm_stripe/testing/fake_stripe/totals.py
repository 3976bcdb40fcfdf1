"""An invoice's sums from its lines, exactly: line discounts, invoice discounts, then tax on what is left.

The order is Stripe's [SDK Invoice.subtotal and .total]: item discounts are in the subtotal already, invoice discounts
are spread over the discountable lines, tax is on the discounted base.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from . import money
from .state import Obj, World

EXEMPT_REASON = {"exempt": "customer_exempt", "reverse": "reverse_charge"}


@dataclass
class _Line:
    """One line while it is being summed. ``base`` shrinks as discounts are taken."""

    line: Obj
    product: str | None
    rates: list[Obj]
    imposed: list[Obj] | None
    base: int
    before_invoice_discounts: int = 0
    discounts: list[Obj] = field(default_factory=list)


def recomputed(world: World, account_id: str, invoice: Obj) -> Obj:
    """The invoice with every sum, and every line's discounts and taxes, computed anew. Stores nothing."""
    lines = [_line(world, account_id, invoice, each) for each in invoice["lines"]["data"]]
    for each in lines:
        _item_discounts(world, account_id, each)
        each.before_invoice_discounts = each.base
    for discount_id in invoice["discounts"]:
        _invoice_discount(world, account_id, lines, discount_id, invoice["currency"])
    exempt = EXEMPT_REASON.get(invoice["customer_tax_exempt"] or "")
    by_invoice = world.switches.tax_rounding == "invoice"
    taxes = _taxes(lines, [each.base for each in lines], invoice["currency"], exempt, by_invoice)
    early = _taxes(lines, [each.before_invoice_discounts for each in lines], invoice["currency"], exempt, by_invoice)
    data = [
        each.line | {"discount_amounts": each.discounts, "taxes": own} for each, own in zip(lines, taxes, strict=True)
    ]
    return invoice | _sums(lines, taxes, early) | {"lines": invoice["lines"] | {"data": data}}


def _line(world: World, account_id: str, invoice: Obj, line: Obj) -> _Line:
    item_id = line["parent"]["invoice_item_details"]["invoice_item"]
    item = world.store(account_id)["invoiceitem"][item_id]
    note = world.store(account_id)["_item"][item_id]
    details = (line["pricing"] or {}).get("price_details") or {}
    return _Line(
        line,
        details.get("product"),
        item["tax_rates"] or invoice["default_tax_rates"],
        note["tax_amounts"],
        line["amount"],
    )


# -- discounts ---------------------------------------------------------------------------------------------------------


def _coupon(world: World, account_id: str, discount_id: str) -> Obj:
    discount = world.store(account_id)["discount"][discount_id]
    terms: Obj = world.store(account_id)["_terms"][discount["id"]]
    return terms


def _item_discounts(world: World, account_id: str, each: _Line) -> None:
    currency = each.line["currency"]
    for discount_id in each.line["discounts"] if each.line["discountable"] else ():
        amount = _off(_coupon(world, account_id, discount_id), each.base, currency)
        _take(each, discount_id, amount)


def _invoice_discount(world: World, account_id: str, lines: list[_Line], discount_id: str, currency: str) -> None:
    coupon = _coupon(world, account_id, discount_id)
    only = (coupon.get("applies_to") or {}).get("products")
    wanted = [
        each for each in lines if each.line["discountable"] and each.base > 0 and (only is None or each.product in only)
    ]
    whole = sum(each.base for each in wanted)
    total = _off(coupon, whole, currency)
    exact = [Fraction(total * each.base, whole) for each in wanted]
    for each, share in zip(wanted, money.apportion(total, exact, money.step(currency)), strict=True):
        _take(each, discount_id, share)


def _off(coupon: Obj, base: int, currency: str) -> int:
    if base <= 0:
        return 0
    if coupon["amount_off"] is not None:
        return min(base, int(coupon["amount_off"]))
    return money.rounded(Fraction(base) * Fraction(str(coupon["percent_off"])) / 100, currency)


def _take(each: _Line, discount_id: str, amount: int) -> None:
    each.base -= amount
    each.discounts.append({"amount": amount, "discount": discount_id})


# -- taxes -------------------------------------------------------------------------------------------------------------


def _taxes(
    lines: list[_Line], bases: list[int], currency: str, exempt: str | None, by_invoice: bool
) -> list[list[Obj]]:
    """Each line's taxes on its base; ``by_invoice`` rounds each rate once for the whole invoice and shares that out."""
    exact = [_exact(each, base, exempt) for each, base in zip(lines, bases, strict=True)]
    amounts = [[money.rounded(tax.amount, currency) for tax in taxes] for taxes in exact]
    if by_invoice:
        _round_by_rate(exact, amounts, currency)
    return [
        [
            *(_echo(tax) for tax in each.imposed or ()),
            *(tax.as_dict(amount) for tax, amount in zip(taxes, own, strict=True)),
        ]
        for each, taxes, own in zip(lines, exact, amounts, strict=True)
    ]


@dataclass
class _Tax:
    """One rate on one line, before rounding."""

    rate: Obj
    amount: Fraction
    taxable: Fraction
    reason: str | None

    def as_dict(self, amount: int) -> Obj:
        """Stripe's shape of a tax on a line."""
        reason = self.reason or ("standard_rated" if self.rate["percentage"] else "zero_rated")
        return _tax(amount, self.rate["inclusive"], self.rate["id"], reason, round(self.taxable))


def _exact(each: _Line, base: int, exempt: str | None) -> list[_Tax]:
    if each.imposed is not None:
        return []
    percents = [Fraction(str(rate["percentage"])) for rate in each.rates]
    inside = sum((p for p, rate in zip(percents, each.rates, strict=True) if rate["inclusive"]), Fraction(0))
    taxable = Fraction(base) if exempt else Fraction(base) * 100 / (100 + inside)
    zero = Fraction(0)
    return [
        _Tax(rate, zero if exempt else taxable * percent / 100, zero if exempt else taxable, exempt)
        for rate, percent in zip(each.rates, percents, strict=True)
    ]


def _round_by_rate(exact: list[list[_Tax]], amounts: list[list[int]], currency: str) -> None:
    places = [(row, column) for row, taxes in enumerate(exact) for column in range(len(taxes))]
    for rate_id in {exact[row][column].rate["id"] for row, column in places}:
        mine = [(row, column) for row, column in places if exact[row][column].rate["id"] == rate_id]
        shares = [exact[row][column].amount for row, column in mine]
        total = money.rounded(sum(shares, Fraction(0)), currency)
        for (row, column), part in zip(mine, money.apportion(total, shares, money.step(currency)), strict=True):
            amounts[row][column] = part


def _echo(given: Obj) -> Obj:
    return _tax(
        given["amount"], given["inclusive"], given["tax_rate"], given["taxability_reason"], given["taxable_amount"]
    )


def _tax(amount: int, inclusive: bool, rate_id: str, reason: str, taxable: int) -> Obj:
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": rate_id},
        "taxability_reason": reason,
        "taxable_amount": taxable,
        "type": "tax_rate_details",
    }


# -- sums --------------------------------------------------------------------------------------------------------------


def _sums(lines: list[_Line], taxes: list[list[Obj]], early: list[list[Obj]]) -> Obj:
    net = sum(each.base for each in lines)
    subtotal = sum(each.before_invoice_discounts for each in lines)
    flat = [tax for own in taxes for tax in own]
    early_flat = [tax for own in early for tax in own]
    return {
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - _of(early_flat, "inclusive"),
        "total": net + _of(flat, "exclusive"),
        "total_excluding_tax": net - _of(flat, "inclusive"),
        "total_discount_amounts": _grouped([d for each in lines for d in each.discounts], lambda d: d["discount"]),
        "total_taxes": _grouped(flat, lambda tax: (tax["tax_rate_details"]["tax_rate"], tax["taxability_reason"])),
    }


def _of(taxes: list[Obj], behaviour: str) -> int:
    return sum(int(tax["amount"]) for tax in taxes if tax["tax_behavior"] == behaviour)


def _grouped(parts: list[Obj], key: Callable[[Obj], Any]) -> list[Obj]:
    groups: dict[Any, Obj] = {}
    for part in parts:
        group = groups.get(key(part))
        if group is None:
            groups[key(part)] = dict(part)
            continue
        for name in ("amount", "taxable_amount"):
            if name in part:
                group[name] += part[name]
    return list(groups.values())


def unit_times(unit: str, quantity: str, currency: str) -> int:
    """A line's amount from its unit price and quantity (both decimals in words)."""
    return money.times(Decimal(unit), Decimal(quantity), currency)
