"""From billables to a plan, to the last minor unit. Pure functions over integers and Decimals.

The order is the one that Stripe documents: line discounts, then the invoice discount, then VAT on what is left.
Rounding is half-up (away from zero on a tie): once per line for its amount, and for VAT once per rate of the invoice or
once per line, as the business chooses. What rounding leaves over is given to the lines with the largest remainders, so
that parts always add up to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from flask_crm_stripe.model.crm import Billable, Contact, VatKind
from flask_crm_stripe.model.invoices import Delivery, InvoicePlan, PlanLine, Seller, VatRounding, VatTotal
from flask_crm_stripe.model.money import EXACT, WHOLE_UNITS_ONLY, exponent, is_exact, round_to_step, step, to_minor

HUNDRED = Decimal(100)
COUNTED = frozenset(("", "piece", "pieces"))
"""Units that a number alone says: "12 × 38.50", not "12 piece × 38.50"."""

MOST_PLACES = 12
"""Decimals of a quantity at Stripe."""

LARGEST = 999_999_999_999
"""The largest amount at Stripe in minor units (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)."""

KINDS = list(VatKind)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a person chooses for one invoice. A discount is of the whole invoice: in percent, or a sum in major
    units. With a ``deposit_percent`` only that part of the work is billed, in advance; ``deduct`` takes earlier
    deposits for the same work off."""

    days_until_due: int = 14
    discount_percent: Decimal = Decimal(0)
    order_number: str = ""
    note: str = ""
    delivery: Delivery = Delivery.MAIL
    discount_amount: Decimal = Decimal(0)
    deposit_percent: Decimal = Decimal(0)
    deduct: bool = True


@dataclass(frozen=True, slots=True)
class Work:
    """A billable with what the catalogue and the customer add to it."""

    billable: Billable
    vat_rate: Decimal
    code: str = ""
    list_price: Decimal | None = None
    vat_kind: VatKind = VatKind.STANDARD


@dataclass(frozen=True, slots=True)
class Policy:
    """What a business has decided for all its invoices."""

    rounding: VatRounding = VatRounding.RATE
    seller: Seller = field(default_factory=Seller)


def line_figures(billable: Billable) -> tuple[int, int]:
    """(amount after the line's own discount, that discount), each rounded once, in minor units."""
    gross = EXACT.multiply(billable.quantity, billable.unit_price)
    currency = billable.currency
    if billable.discount_amount is not None:
        discount = to_minor(billable.discount_amount, currency)
    else:
        discount = to_minor(EXACT.multiply(gross, billable.discount_percent).scaleb(-2, EXACT), currency)
    return to_minor(gross, currency) - discount, discount


def make_plan(
    contact: Contact,
    work: Sequence[Work],
    terms: Terms,
    currency: str,
    policy: Policy | None = None,
    less: Sequence[PlanLine] = (),
) -> InvoicePlan:
    """The whole invoice, without its footer. All billables are in ``currency``; ``less`` takes deposits off."""
    policy = policy or Policy()
    return whole_plan(contact, [*(_line(item) for item in work), *less], terms, currency, policy)


def whole_plan(contact: Contact, lines: Sequence[PlanLine], terms: Terms, currency: str, policy: Policy) -> InvoicePlan:
    """The invoice of these lines. The invoice discount is taken off what is charged, not off what is credited."""
    subtotal = sum(line.amount for line in lines)
    charged = [max(0, line.amount) for line in lines]
    discount = invoice_discount(sum(charged), terms, currency)
    shares = spread(discount, charged, step(currency))
    lines = [replace(line, share=share, net=line.amount - share) for line, share in zip(lines, shares, strict=True)]
    totals, taxed = _with_vat(lines, currency, policy.rounding)
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
        seller=policy.seller,
        vat_rounding=policy.rounding,
    )


def invoice_discount(charged: int, terms: Terms, currency: str) -> int:
    """The discount on the whole invoice, in minor units; never more than is charged."""
    if terms.discount_amount:
        return min(charged, to_minor(terms.discount_amount, currency))
    return round_to_step(EXACT.multiply(Decimal(charged), terms.discount_percent).scaleb(-2, EXACT), currency)


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
        discount_percent=Decimal(0) if billable.discount_amount is not None else billable.discount_percent,
        vat_kind=work.vat_kind,
        service_from=billable.service_from,
        service_to=billable.service_to,
    )


def _with_vat(
    lines: Sequence[PlanLine], currency: str, rounding: VatRounding
) -> tuple[tuple[VatTotal, ...], tuple[PlanLine, ...]]:
    """The VAT of each line, and of each rate over all its lines."""
    taxed, totals = list(lines), list[VatTotal]()
    for rate, kind, included in _rates(lines):
        places = [i for i, line in enumerate(lines) if _rate_of(line) == (rate, kind, included)]
        computed = [i for i in places if not lines[i].deducts]
        nets = [lines[i].net for i in computed]
        for i, part in zip(computed, vat_parts(nets, rate, currency, rounding, included=included), strict=True):
            taxed[i] = replace(lines[i], vat=part)
        net, vat = sum(lines[i].net for i in places), sum(taxed[i].vat for i in places)
        totals.append(VatTotal(rate, included, net - vat if included else net, vat, kind))
    return tuple(totals), tuple(taxed)


def vat_parts(nets: Sequence[int], rate: Decimal, currency: str, rounding: VatRounding, *, included: bool) -> list[int]:
    """The VAT of each line of one rate. Rounded once for all of them, a credit has what is right for it alone, and the
    others share what is left, so that all of it adds up."""
    alone = [vat_of(net, rate, currency, included=included) for net in nets]
    if rounding is VatRounding.LINE:
        return alone
    charged = [max(0, net) for net in nets]
    credited = sum(part for part, net in zip(alone, nets, strict=True) if net < 0)
    whole = vat_of(sum(nets), rate, currency, included=included)
    if not any(charged):
        return [-part for part in spread(-whole, [-net for net in nets], step(currency))]
    shares = spread(whole - credited, charged, step(currency))
    return [part if net < 0 else share for net, part, share in zip(nets, alone, shares, strict=True)]


def _rate_of(line: PlanLine) -> tuple[Decimal, VatKind, bool]:
    return line.vat_rate, line.vat_kind, line.vat_included


def _rates(lines: Iterable[PlanLine]) -> list[tuple[Decimal, VatKind, bool]]:
    return sorted({_rate_of(line) for line in lines}, key=lambda each: (-each[0], KINDS.index(each[1]), each[2]))


def vat_of(amount: int, rate: Decimal, currency: str, *, included: bool) -> int:
    """VAT on (or in, where included) an amount, half-up."""
    divisor = HUNDRED + rate if included else HUNDRED
    return round_to_step(EXACT.divide(EXACT.multiply(Decimal(amount), rate), divisor), currency)


def shown_as_product(line: PlanLine, currency: str) -> tuple[Decimal, int] | None:
    """(quantity, unit amount in minor units) where the customer can be shown quantity x price and it is exact."""
    if line.discount or line.share or not is_exact(line.unit_price, currency):
        return None
    unit_amount = int(line.unit_price.scaleb(exponent(currency)))
    exact = line.quantity * unit_amount == line.net and line.quantity == round(line.quantity, MOST_PLACES)
    return (line.quantity, unit_amount) if exact and line.quantity > 0 and 0 <= unit_amount <= LARGEST else None


def sum_in_words(line: PlanLine, plan: InvoicePlan) -> str:
    """How the line's amount comes about, for a line that is sent as one sum: ``12 × 38.50 EUR, 10 % off``; empty where
    the sum is all there is to say."""
    if line.deducts:
        return ""
    unit = "" if line.unit in COUNTED else f" {line.unit}"
    parts = [f"{_digits(line.quantity)}{unit} × {_price(line.unit_price, plan.currency)}"]
    if line.discount:
        parts.append(f"{_off(line.discount_percent, line.discount, plan.currency)} off")
    if line.share:
        parts.append(f"invoice discount {_off(plan.discount_percent, line.share, plan.currency)}")
    return ", ".join(parts)


def _off(percent: Decimal, amount: int, currency: str) -> str:
    return f"{_digits(percent)} %" if percent else _price(Decimal(amount).scaleb(-exponent(currency)), currency)


def _digits(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _price(price: Decimal, currency: str) -> str:
    fewest = 0 if currency in WHOLE_UNITS_ONLY else exponent(currency)
    places = max(fewest, -int(EXACT.normalize(price).as_tuple().exponent))
    return f"{price:.{places}f} {currency.upper()}"
