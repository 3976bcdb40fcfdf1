"""The lines of a credit note: of the invoice's lines by amount or quantity, of one's own, or from an amount alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .. import crediting, money
from ..errors import StripeFault, invalid, missing
from ..routing import Call
from ..state import Obj
from ..totals import EXEMPT_REASON
from . import common, drafts
from .line_items import MOST_TAX_AMOUNTS, rates_of

OF_CUSTOM = ("description", "tax_rates", "unit_amount", "unit_amount_decimal")
TAX_SUMS = ("amount", "taxable_amount")
OF_INVOICE = ("amount", "invoice_line_item")


@dataclass
class Making:
    """An invoice, the lines of its credit notes so far, and those of the note that is being made."""

    call: Call
    invoice: Obj
    done: list[Obj] = field(default_factory=list)
    lines: list[Obj] = field(default_factory=list)

    @property
    def currency(self) -> str:
        """The currency of the invoice, and so of its credit notes."""
        return str(self.invoice["currency"])

    def credited(self, line_id: str) -> list[Obj]:
        """The credits of one of the invoice's lines so far."""
        return [each for each in (*self.done, *self.lines) if each["invoice_line_item"] == line_id]


def build(call: Call, invoice: Obj) -> list[Obj]:
    """The lines that the request asks for, each with its discounts and taxes. Nothing is stored."""
    params = call.params
    common.exclusive(params, "amount", "lines")
    common.required(params, "amount", "lines")
    notes = crediting.issued(call.world, call.account_id, invoice["id"])
    making = Making(call, invoice, [line for note in notes for line in note["lines"]["data"]])
    if "amount" in params:
        return [_of_amount(making, params["amount"], sum(each["total"] for each in notes))]
    for index, data in enumerate(params["lines"]):
        make = _custom if data["type"] == "custom_line_item" else _of_line
        making.lines.append(make(making, data, f"lines[{index}]"))
    return making.lines


def _new(making: Making, data: Obj, **fields: Any) -> Obj:
    line = making.call.world.blank("credit_note_line_item") | {"id": making.call.world.new_id("cnli")}
    line |= {"metadata": common.merged_metadata(None, data), "type": data["type"]} | fields
    return line | {"discount_amount": sum(each["amount"] for each in line["discount_amounts"])}


# -- a line of the invoice ---------------------------------------------------------------------------------------------


def _of_line(making: Making, data: Obj, path: str) -> Obj:
    _only(data, OF_CUSTOM, "custom_line_item", path)
    common.required(data, "invoice_line_item", prefix=path)
    line = _named(making, data["invoice_line_item"], f"{path}[invoice_line_item]")
    done = making.credited(line["id"])
    part = _part(making, line, done, data, path)
    explicit = bool(data.get("tax_amounts"))
    with_tax = "amount" in data and not explicit and making.call.world.switches.credit_line_amount == "with_tax"
    measure = _total if with_tax else _gross
    whole, before = measure(line), sum(measure(each) for each in done)
    _check_left(making, line, part, whole, before, path)
    deal = _Deal(part, whole, before, making.currency)
    taxes = _imposed(making, line["taxes"], data, path, done) if explicit else deal.taxes(line["taxes"])
    discounts = deal.discounts(line["discount_amounts"])
    return _new(
        making,
        data,
        amount=_gross_for(part, discounts, taxes) if with_tax else part,
        description=line["description"],
        discount_amounts=discounts,
        invoice_line_item=line["id"],
        tax_rates=drafts.item_of(making.call, line)["tax_rates"] or making.invoice["default_tax_rates"],
        taxes=taxes,
        **_counted(line, data.get("quantity")),
    )


def _part(making: Making, line: Obj, done: list[Obj], data: Obj, path: str) -> int:
    """How much of the line is credited, by amount or by quantity; never by one after the other."""
    common.exclusive(data, "amount", "quantity", prefix=path)
    common.required(data, "amount", "quantity", prefix=path)
    _check_manner(line, done, "quantity" in data, path)
    if "quantity" in data:
        return _by_quantity(making, line, done, data["quantity"], path)
    money.check_amount(data["amount"], making.currency, f"{path}[amount]")
    return int(data["amount"])


def _counted(line: Obj, quantity: int | None) -> Obj:
    """Quantity and unit price, where a line is credited by quantity."""
    if quantity is None or line["pricing"] is None:
        return {"quantity": quantity}
    return {"quantity": quantity} | _priced(Decimal(line["pricing"]["unit_amount_decimal"]))


def _priced(unit: Decimal) -> Obj:
    return {"unit_amount": int(unit) if unit == int(unit) else None, "unit_amount_decimal": money.plain(unit)}


@dataclass(frozen=True)
class _Deal:
    """So much of a whole, after so much before it; what else there is follows in proportion."""

    part: int
    whole: int
    before: int
    currency: str

    def share(self, amount: int) -> int:
        """The part of an amount."""
        return crediting.share(amount, self.part, self.whole, self.before, self.currency)

    def taxes(self, taxes: list[Obj]) -> list[Obj]:
        """The part of each tax."""
        return [tax | {name: self.share(tax[name]) for name in TAX_SUMS} for tax in taxes]

    def discounts(self, discounts: list[Obj]) -> list[Obj]:
        """The part of each discount."""
        return [each | {"amount": self.share(each["amount"])} for each in discounts]


def _gross(line: Obj) -> int:
    return int(line["amount"])


def _total(line: Obj) -> int:
    return crediting.total_of(line | {"discount_amount": sum(each["amount"] for each in line["discount_amounts"])})


def _gross_for(total: int, discounts: list[Obj], taxes: list[Obj]) -> int:
    """What is credited before discounts and tax, where this is the total after them."""
    exclusive = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    return int(total - exclusive + sum(each["amount"] for each in discounts))


def _named(making: Making, line_id: str, param: str) -> Obj:
    for line in making.invoice["lines"]["data"]:
        if line["id"] == line_id:
            found: Obj = line
            return found
    raise missing("line_item", line_id, param)


def _check_manner(line: Obj, done: list[Obj], by_quantity: bool, path: str) -> None:
    if any((each["quantity"] is not None) != by_quantity for each in done):
        manner, before = ("quantity", "amount") if by_quantity else ("amount", "quantity")
        raise common.state_refused(
            f"You can't credit line {line['id']} by {manner}: it was credited by {before} before.",
            param=f"{path}[{manner}]",
        )


def _by_quantity(making: Making, line: Obj, done: list[Obj], quantity: int, path: str) -> int:
    common.positive({"quantity": quantity}, "quantity", prefix=path)
    whole = Decimal(line["quantity_decimal"])
    before = sum(each["quantity"] for each in done)
    if before + quantity > whole:
        raise common.state_refused(
            f"You can't credit {quantity} of line {line['id']}: {money.plain(whole - before)} are left.",
            param=f"{path}[quantity]",
        )
    until, since = (Fraction(line["amount"]) * end / Fraction(whole) for end in (before + quantity, before))
    return money.rounded(until, making.currency) - money.rounded(since, making.currency)


def _check_left(making: Making, line: Obj, part: int, whole: int, before: int, path: str) -> None:
    if whole < 0 and making.call.world.switches.negative_credit_lines == "refuse":
        param = f"{path}[invoice_line_item]"
        raise common.state_refused("You can't credit a line whose amount is negative.", param=param)
    sign = -1 if whole < 0 else 1
    if not 0 < part * sign <= (whole - before) * sign:
        raise common.state_refused(
            f"You can't credit {part} of line {line['id']}, of which {whole - before} is left.",
            param=f"{path}[amount]",
        )


# -- a line of one's own -----------------------------------------------------------------------------------------------


def _custom(making: Making, data: Obj, path: str) -> Obj:
    _only(data, OF_INVOICE, "invoice_line_item", path)
    for name in ("description", "quantity"):
        common.required(data, name, prefix=path)
    common.exclusive(data, "unit_amount", "unit_amount_decimal", prefix=path)
    common.required(data, "unit_amount", "unit_amount_decimal", prefix=path)
    common.exclusive(data, "tax_rates", "tax_amounts", prefix=path)
    common.positive(data, "quantity", prefix=path)
    common.not_negative(data, "unit_amount", "unit_amount_decimal", prefix=path)
    unit = Decimal(data["unit_amount"] if "unit_amount" in data else data["unit_amount_decimal"])
    money.check_places(unit, f"{path}[unit_amount_decimal]")
    amount = money.times(unit, data["quantity"], making.currency)
    money.check_amount(amount, making.currency, f"{path}[unit_amount]")
    rates = rates_of(making.call, data.get("tax_rates"), f"{path}[tax_rates]")
    taxes = _rated(making, amount, rates)
    if data.get("tax_amounts"):
        every = [tax for line in making.invoice["lines"]["data"] for tax in line["taxes"]]
        taxes = _imposed(making, crediting.grouped_taxes(every), data, path, [*making.done, *making.lines])
    return _new(
        making,
        data,
        amount=amount,
        description=data["description"],
        quantity=data["quantity"],
        tax_rates=rates,
        taxes=taxes,
        **_priced(unit),
    )


def _rated(making: Making, amount: int, rates: list[Obj]) -> list[Obj]:
    exempt = EXEMPT_REASON.get(making.invoice["customer_tax_exempt"] or "")
    percents = [Fraction(str(rate["percentage"])) for rate in rates]
    inside = sum((p for p, rate in zip(percents, rates, strict=True) if rate["inclusive"]), Fraction(0))
    taxable = Fraction(amount) if exempt else Fraction(amount) * 100 / (100 + inside)
    return [
        {
            "amount": 0 if exempt else money.rounded(taxable * percent / 100, making.currency),
            "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
            "tax_rate_details": {"tax_rate": rate["id"]},
            "taxability_reason": exempt or ("standard_rated" if percent else "zero_rated"),
            "taxable_amount": round(taxable),
            "type": "tax_rate_details",
        }
        for percent, rate in zip(percents, rates, strict=True)
    ]


# -- an amount alone ---------------------------------------------------------------------------------------------------


def _of_amount(making: Making, amount: int, before: int) -> Obj:
    """One line for the whole: discounts and taxes are those of the invoice in proportion, or by the switch none."""
    common.positive({"amount": amount}, "amount")
    money.check_amount(amount, making.currency, "amount")
    invoice = making.invoice
    taxes, discounts = [], []
    if invoice["total"] > 0 and making.call.world.switches.credit_note_amount_tax == "in_proportion":
        deal = _Deal(amount, invoice["total"], before, making.currency)
        left = {crediting.key_of(tax): tax for tax in _left(invoice["total_taxes"], making.done)}
        taxes = [
            tax | {name: min(tax[name], left[crediting.key_of(tax)][name]) for name in TAX_SUMS}
            for tax in deal.taxes(invoice["total_taxes"])
        ]
        discounts = deal.discounts(invoice["total_discount_amounts"])
    gross = _gross_for(amount, discounts, taxes)
    return _new(
        making,
        {"type": "custom_line_item"},
        amount=gross,
        description=f"Credit on invoice {invoice['number']}",
        discount_amounts=discounts,
        quantity=1,
        taxes=taxes,
        unit_amount=gross,
        unit_amount_decimal=str(gross),
    )


# -- taxes -------------------------------------------------------------------------------------------------------------


def _imposed(making: Making, taxes: list[Obj], data: Obj, path: str, done: list[Obj]) -> list[Obj]:
    """The given tax amounts: each by a rate that Stripe made for the invoice, and no more than is left of that tax."""
    given, path = data["tax_amounts"], f"{path}[tax_amounts]"
    if len(given) > MOST_TAX_AMOUNTS:
        raise invalid(f"You can set at most {MOST_TAX_AMOUNTS} tax amounts.", path)
    left = {tax["tax_rate_details"]["tax_rate"]: tax for tax in _left(taxes, done)}
    made: list[Obj] = []
    for index, each in enumerate(given):
        own, where = left.pop(each["tax_rate"], None), f"{path}[{index}]"
        if own is None or each["tax_rate"] not in _made_by_stripe(making):
            raise _not_own(each["tax_rate"], f"{where}[tax_rate]")
        for name in TAX_SUMS:
            money.check_amount(each[name], making.currency, f"{where}[{name}]")
            sign = -1 if own[name] < 0 else 1
            if not 0 <= each[name] * sign <= own[name] * sign:
                raise common.state_refused(f"{own[name]} is left of this tax to credit.", param=f"{where}[{name}]")
        made.append(own | {name: each[name] for name in TAX_SUMS})
    return made


def _left(taxes: list[Obj], done: list[Obj]) -> list[Obj]:
    """What credits so far have left of these taxes."""
    every = crediting.grouped_taxes(tax for line in done for tax in line["taxes"])
    credited = {crediting.key_of(tax): tax for tax in every}
    nothing = dict.fromkeys(TAX_SUMS, 0)
    return [
        tax | {name: tax[name] - credited.get(crediting.key_of(tax), nothing)[name] for name in TAX_SUMS}
        for tax in taxes
    ]


def _made_by_stripe(making: Making) -> set[str]:
    notes = [
        making.call.store["_item"][drafts.item_of(making.call, line)["id"]] for line in making.invoice["lines"]["data"]
    ]
    return {tax["tax_rate"] for note in notes for tax in note["tax_amounts"] or ()}


def _not_own(rate: str, param: str) -> StripeFault:
    return common.state_refused(
        f"The tax rate {rate} cannot be used here: it must be one that was automatically created for this line, once.",
        param=param,
    )


def _only(data: Obj, names: tuple[str, ...], kind: str, path: str) -> None:
    for name in names:
        if name in data:
            raise invalid(f"`{name}` is only valid when the type is `{kind}`.", f"{path}[{name}]")
