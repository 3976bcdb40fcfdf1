"""What credit notes take off an invoice: shares that add up exactly, a note's sums, and what can still be credited."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from . import invoice_payments, money, refunds
from .state import Obj, World


def share(whole: int, part: int, of: int, before: int, currency: str) -> int:
    """What falls to ``part`` of ``of`` when ``whole`` is spread over it and ``before`` has had its share: all shares
    together are exactly the whole."""
    until, since = (Fraction(whole * end, of) for end in (before + part, before))
    return money.rounded(until, currency) - money.rounded(since, currency)


def issued(world: World, account_id: str, invoice_id: str) -> list[Obj]:
    """The credit notes of an invoice that are not void, oldest first."""
    every = world.store(account_id)["credit_note"].values()
    return [each for each in every if each["invoice"] == invoice_id and each["status"] == "issued"]


def creditable(world: World, account_id: str, invoice: Obj) -> int:
    """How much of an invoice no credit note and no refund by the API has taken yet [SDK create credit note]."""
    notes = issued(world, account_id, invoice["id"])
    refunded = sum(unlinked(world, account_id, each) for each in refunds_of(world, account_id, invoice["id"]))
    return int(invoice["total"] - sum(each["total"] for each in notes) - refunded)


def refunds_of(world: World, account_id: str, invoice_id: str) -> list[Obj]:
    """The refunds, not failed, of the charges that paid an invoice."""
    paid = {charge["id"] for charge in invoice_payments.charges_of(world, account_id, invoice_id)}
    every = world.store(account_id)["refund"].values()
    return [each for each in every if each["charge"] in paid and each["status"] in refunds.LIVING]


def unlinked(world: World, account_id: str, refund: Obj) -> int:
    """How much of a refund belongs to no credit note that is not void."""
    notes = [each for each in world.store(account_id)["credit_note"].values() if each["status"] == "issued"]
    linked = sum(
        each["amount_refunded"] for note in notes for each in note["refunds"] if each["refund"] == refund["id"]
    )
    return int(refund["amount"] - linked)


# -- sums --------------------------------------------------------------------------------------------------------------


def sums(invoice: Obj, lines: list[Obj]) -> Obj:
    """The sums of a credit note with these lines: of the gross first the lines' own discounts, then the invoice's, then
    tax, as on the invoice."""
    late = [_late(invoice, line) for line in lines]
    gross = sum(line["amount"] for line in lines)
    discount = sum(line["discount_amount"] for line in lines)
    subtotal, net = gross - discount + sum(late), gross - discount
    taxes = [tax for line in lines for tax in line["taxes"]]
    total = net + _of(taxes, "exclusive")
    early = sum(_early(line, own, invoice["currency"]) for line, own in zip(lines, late, strict=True))
    return {
        "amount": total,
        "discount_amount": discount,
        "discount_amounts": grouped_discounts(each for line in lines for each in line["discount_amounts"]),
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - early,
        "total": total,
        "total_excluding_tax": net - _of(taxes, "inclusive"),
        "total_taxes": grouped_taxes(taxes),
    }


def total_of(line: Obj) -> int:
    """What one line takes off the invoice, tax and discounts included."""
    return int(line["amount"] - line["discount_amount"] + _of(line["taxes"], "exclusive"))


def grouped_taxes(taxes: Iterable[Obj]) -> list[Obj]:
    """One entry for each rate and reason."""
    groups: dict[tuple[str, str], Obj] = {}
    for tax in taxes:
        group = groups.setdefault(key_of(tax), tax | {"amount": 0, "taxable_amount": 0})
        group["amount"] += tax["amount"]
        group["taxable_amount"] += tax["taxable_amount"]
    return list(groups.values())


def grouped_discounts(parts: Iterable[Obj]) -> list[Obj]:
    """One entry for each discount."""
    groups: dict[str, Obj] = {}
    for part in parts:
        group = groups.setdefault(part["discount"], {"amount": 0, "discount": part["discount"]})
        group["amount"] += part["amount"]
    return list(groups.values())


def key_of(tax: Obj) -> tuple[str, str]:
    """What makes two taxes one: their rate and their reason."""
    return tax["tax_rate_details"]["tax_rate"], tax["taxability_reason"]


def _of(taxes: list[Obj], behaviour: str) -> int:
    return sum(int(tax["amount"]) for tax in taxes if tax["tax_behavior"] == behaviour)


def _late(invoice: Obj, line: Obj) -> int:
    return sum(each["amount"] for each in line["discount_amounts"] if each["discount"] in invoice["discounts"])


def _early(line: Obj, late: int, currency: str) -> int:
    """The inclusive tax of a line before the invoice's discounts."""
    net, inside = line["amount"] - line["discount_amount"], _of(line["taxes"], "inclusive")
    percents = [Fraction(str(rate["percentage"])) for rate in line["tax_rates"] if rate["inclusive"]]
    if not late or not net or not inside:
        return inside
    if percents:
        return sum(money.rounded((net + late) * each / (100 + sum(percents)), currency) for each in percents)
    # A tax amount that was imposed on the line does not follow the discounts, on the invoice either.
    return inside if line["invoice_line_item"] else money.rounded(Fraction(inside * (net + late), net), currency)
