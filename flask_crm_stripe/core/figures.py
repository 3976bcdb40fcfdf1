"""From billables to a plan, to the last minor unit. Pure functions over integers and Decimals.

The order is the one that Stripe documents: line discounts, then the invoice discount, then VAT on what is left.
Rounding is half-up, once per line for its amount, once per VAT rate for its VAT (as EU Directive 2006/112/EC leaves
to the seller; per rate over the whole invoice is what the totals on the document show); what rounding leaves over is
given to the lines with the largest remainders, so that parts always add up to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from flask_crm_stripe.model.crm import Billable, Contact
from flask_crm_stripe.model.invoices import Delivery, InvoicePlan, PlanLine, VatTotal
from flask_crm_stripe.model.money import exponent, is_exact, round_to_step, step, to_minor

HUNDRED = Decimal(100)
COUNTED = frozenset(("", "piece", "pieces"))
"""Units that a number alone says: "12 × 38.50", not "12 piece × 38.50"."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a person chooses for one invoice. ``discount_percent`` is of the whole invoice."""

    days_until_due: int = 14
    discount_percent: Decimal = Decimal(0)
    order_number: str = ""
    note: str = ""
    delivery: Delivery = Delivery.MAIL


@dataclass(frozen=True, slots=True)
class Work:
    """A billable with what the catalogue adds to it."""

    billable: Billable
    vat_rate: Decimal
    code: str = ""
    list_price: Decimal | None = None


def line_figures(billable: Billable) -> tuple[int, int]:
    """(amount after the line's own discount, that discount), each rounded once, in minor units."""
    gross = billable.quantity * billable.unit_price
    currency = billable.currency
    discount = to_minor(gross * billable.discount_percent / HUNDRED, currency)
    return to_minor(gross, currency) - discount, discount


def make_plan(contact: Contact, work: Sequence[Work], terms: Terms, currency: str) -> InvoicePlan:
    """The whole invoice. All billables are in ``currency``; none of their amounts is below zero."""
    lines = [_line(item) for item in work]
    subtotal = sum(line.amount for line in lines)
    discount = round_to_step(subtotal * terms.discount_percent / HUNDRED, currency)
    shares = spread(discount, [line.amount for line in lines], step(currency))
    lines = [replace(line, share=share, net=line.amount - share) for line, share in zip(lines, shares, strict=True)]
    totals, taxed = _with_vat(lines, currency)
    added = sum(total.vat for total in totals if not total.included)
    return InvoicePlan(
        contact=contact,
        currency=currency,
        lines=taxed,
        vat_totals=totals,
        subtotal=subtotal,
        discount=discount,
        discount_percent=terms.discount_percent,
        total=subtotal - discount + added,
        days_until_due=terms.days_until_due,
        delivery=terms.delivery,
        order_number=terms.order_number,
        note=terms.note,
    )


def spread(amount: int, weights: Sequence[int], unit: int = 1) -> list[int]:
    """Parts of ``amount`` in proportion to ``weights``, each a multiple of ``unit``, that add up to it exactly.

    ``amount`` is a multiple of ``unit``; no weight is negative. What flooring leaves over goes to the largest
    remainders, the earlier line first on a tie; a part never exceeds its weight while ``amount`` fits in them all.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    exact = [(amount * weight, whole * unit) for weight in weights]
    parts = [numerator // denominator for numerator, denominator in exact]
    missing = amount // unit - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(exact[i][0] % exact[i][1]), i))
    for i in by_remainder[:missing]:
        parts[i] += 1
    return [part * unit for part in parts]


def _line(work: Work) -> PlanLine:
    billable = work.billable
    amount, discount = line_figures(billable)
    return PlanLine(
        key=billable.ref,
        billable=billable.ref,
        source=billable.source,
        description=billable.description,
        quantity=billable.quantity,
        unit_price=billable.unit_price,
        amount=amount,
        net=amount,
        vat=0,
        vat_rate=work.vat_rate,
        vat_included=billable.vat_included,
        unit=billable.unit,
        code=work.code,
        service=billable.service,
        list_price=work.list_price,
        discount=discount,
        discount_percent=billable.discount_percent,
    )


def _with_vat(lines: Sequence[PlanLine], currency: str) -> tuple[tuple[VatTotal, ...], tuple[PlanLine, ...]]:
    """VAT per rate over all its lines, then given to the lines."""
    taxed = list(lines)
    totals = []
    for rate, included in _rates(lines):
        places = [i for i, line in enumerate(lines) if (line.vat_rate, line.vat_included) == (rate, included)]
        nets = [lines[i].net for i in places]
        vat = vat_of(sum(nets), rate, currency, included=included)
        for i, part in zip(places, spread(vat, nets, step(currency)), strict=True):
            taxed[i] = replace(lines[i], vat=part)
        totals.append(VatTotal(rate, included, sum(nets) - vat if included else sum(nets), vat))
    return tuple(totals), tuple(taxed)


def _rates(lines: Iterable[PlanLine]) -> list[tuple[Decimal, bool]]:
    return sorted({(line.vat_rate, line.vat_included) for line in lines}, key=lambda pair: (-pair[0], pair[1]))


def vat_of(amount: int, rate: Decimal, currency: str, *, included: bool) -> int:
    """VAT on (or in, where included) an amount, half-up."""
    divisor = HUNDRED + rate if included else HUNDRED
    return round_to_step(amount * rate / divisor, currency)


def shown_as_product(line: PlanLine, currency: str) -> tuple[Decimal, int] | None:
    """(quantity, unit amount in minor units) where the customer can be shown quantity x price and it is exact."""
    if line.discount or line.share or not is_exact(line.unit_price, currency):
        return None
    unit_amount = int(line.unit_price.scaleb(exponent(currency)))
    exact = line.quantity * unit_amount == line.net and line.quantity == round(line.quantity, 12)
    return (line.quantity, unit_amount) if exact and line.quantity > 0 else None


def sum_in_words(line: PlanLine, currency: str, invoice_discount: Decimal) -> str:
    """How the line's amount comes about, for a line that is sent as one sum: ``12 × 38.50 EUR, 10 % off``."""
    unit = "" if line.unit in COUNTED else f" {line.unit}"
    parts = [f"{_digits(line.quantity)}{unit} × {_price(line.unit_price, currency)}"]
    if line.discount:
        parts.append(f"{_digits(line.discount_percent)} % off")
    if line.share:
        parts.append(f"invoice discount {_digits(invoice_discount)} %")
    return ", ".join(parts)


def _digits(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _price(price: Decimal, currency: str) -> str:
    places = max(exponent(currency), -int(price.normalize().as_tuple().exponent))
    return f"{price:.{places}f} {currency.upper()}"
