"""An invoice worked out from the rules alone, in exact fractions. It uses nothing of the product.

1. An amount is rounded once, half away from zero, to what the currency can charge (https://docs.stripe.com/currencies:
   minor units; ISK and UGX have two decimals that are 00, KWD has three that end in 0, JPY has none).
2. A line is quantity × price, less its own discount; each of the two is rounded.
3. The invoice discount is of what is charged: credits are not discounted. It is spread in proportion to the amounts;
   each line has its whole steps, and what is left goes to the lines with the largest remainders, the first on a tie.
4. VAT is on what is then left. Per rate: rounded once for all lines of a rate. Of its lines a credit has what is right
   for it alone, and the charges share the rest as in 3. Per line: rounded on each. What an earlier invoice charged
   comes off as it was charged there, VAT and all.
5. VAT inside a price is part of it: rate / (100 + rate). Other VAT is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor

from tests.core.worked.rows import Case, Figures, Rate, Row, number

DECIMALS = {"jpy": 0, "kwd": 3}
STEP = {"kwd": 10, "isk": 100, "ugx": 100}


def nearest(exact: Fraction, step: int) -> int:
    """Half away from zero, to whole steps."""
    steps = floor(abs(exact) / step + Fraction(1, 2))
    return steps * step if exact > 0 else -steps * step


def portions(whole: int, weights: Sequence[int], step: int) -> list[int]:
    """``whole`` in proportion to ``weights``, by the largest remainder."""
    if not sum(weights):
        return [0 for _ in weights]
    ideal = [Fraction(whole * weight, sum(weights) * step) for weight in weights]
    steps = [floor(each) for each in ideal]
    places = sorted(range(len(weights)), key=lambda place: (steps[place] - ideal[place], place))
    for place in places[: whole // step - sum(steps)]:
        steps[place] += 1
    return [each * step for each in steps]


def work_out(case: Case) -> Figures:
    """Every figure of the invoice."""
    unit, step = 10 ** DECIMALS.get(case.currency, 2), STEP.get(case.currency, 1)
    amounts = [_amount(row, unit, step) for row in case.rows]
    charged = [max(amount, 0) for amount in amounts]
    if case.percent_off:
        discount = nearest(sum(charged) * number(case.percent_off) / 100, step)
    else:
        discount = min(nearest(number(case.sum_off) * unit, step), sum(charged))
    shares = portions(discount, charged, step)
    nets = [amount - share for amount, share in zip(amounts, shares, strict=True)]
    taxes = _taxes(case, nets, step)
    rates, added = {}, 0
    for rate in dict.fromkeys(row.rate for row in case.rows):
        mine = [place for place, row in enumerate(case.rows) if row.rate == rate]
        net, tax = sum(nets[place] for place in mine), sum(taxes[place] for place in mine)
        rates[rate.words] = (net - tax if rate.inside else net, tax)
        added += 0 if rate.inside else tax
    lines = tuple(zip(amounts, shares, taxes, strict=True))
    return Figures(lines, rates, sum(amounts), discount, sum(amounts) - discount + added)


def _amount(row: Row, unit: int, step: int) -> int:
    if row.deducts:
        return row.figures[0]
    gross = number(row.quantity) * number(row.price) * unit
    off = gross * number(row.percent_off) / 100 if row.percent_off else number(row.sum_off) * unit
    return nearest(gross, step) - nearest(off, step)


def _taxes(case: Case, nets: Sequence[int], step: int) -> list[int]:
    rows = list(zip(case.rows, nets, strict=True))
    taxes = [row.figures[2] if row.deducts else nearest(_part(row.rate) * net, step) for row, net in rows]
    if case.rounding == "line":
        return taxes
    for rate in dict.fromkeys(row.rate for row in case.rows):
        mine = [place for place, row in enumerate(case.rows) if row.rate == rate and not row.deducts]
        whole = nearest(_part(rate) * sum(nets[place] for place in mine), step)
        shared = [place for place in mine if nets[place] > 0]
        sign = 1
        if shared:
            whole -= sum(taxes[place] for place in mine if nets[place] < 0)
        else:
            shared, sign = mine, -1
        sizes = [abs(nets[place]) for place in shared]
        for place, tax in zip(shared, portions(sign * whole, sizes, step), strict=True):
            taxes[place] = sign * tax
    return taxes


def _part(rate: Rate) -> Fraction:
    percent = Fraction(rate.percent)
    return percent / (100 + percent) if rate.inside else percent / 100
