"""What a credit note takes off an invoice, to the last minor unit, and where its money goes. Pure functions.

A line is credited by amount. The VAT of it is computed on everything that was credited so far, and what was credited
before is taken off: so any row of credits adds up to the invoice exactly, whichever way it is cut, and no rate's VAT is
ever credited twice or above what was charged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from flask_crm_stripe.core.figures import spread, vat_of
from flask_crm_stripe.core.gate import REASONS, imposed, kind_at_stripe
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.credits import (
    Credit,
    CreditDraft,
    CreditDraftLine,
    CreditLine,
    CreditPlan,
    Refund,
    RefundLink,
    RemoteCredit,
    RemoteLine,
)
from flask_crm_stripe.model.crm import VatKind
from flask_crm_stripe.model.invoices import Difference, Invoice, InvoicePlan, PlanLine, Status, VatRounding
from flask_crm_stripe.model.money import Money, step

Rate = tuple[Decimal, VatKind, bool]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person wants credited: amounts by the line's key, in minor units; without any all that is left.
    ``elsewhere`` gives back without Stripe what would go back to the card."""

    lines: Mapping[str, int] = field(default_factory=dict)
    elsewhere: bool = False
    frees: bool = False
    corrects: bool = False
    mail: bool = False


@dataclass(frozen=True, slots=True)
class Creditable:
    """A line of the invoice: what it was, and what is left of it to credit. ``net`` is what was charged for it after
    every discount and credit on the invoice."""

    line: PlanLine
    net: int
    vat: int
    base: int
    left: int
    vat_left: int
    base_left: int

    @property
    def rate(self) -> Rate:
        """What its VAT is computed together with."""
        return self.line.vat_rate, self.line.vat_kind, self.line.vat_included


@dataclass(frozen=True, slots=True)
class Paid:
    """Where an invoice stands: what is still to pay, what can go back through Stripe of each payment, the most first,
    and what went back already without a credit note."""

    remaining: int
    refundable: tuple[int, ...] = ()
    alone: tuple[RefundLink, ...] = ()


def creditable(plan: InvoicePlan, credits: Sequence[Credit]) -> list[Creditable]:
    """Every line that something was charged for, in order, with what is left of it. A credit on the invoice itself is
    taken off the other lines of its rate, as Stripe was told; it is no line that can be credited."""
    told = imposed(plan)
    whole = [_whole(line, *told[line.key]) for line in plan.lines if line.net > 0]
    for credit in credits:
        if credit.counts:
            whole = _less(whole, credit.plan.lines, step(plan.currency))
    return [each for each in whole if each.net > 0]


def credit_plan(plan: InvoicePlan, lines: Sequence[Creditable], choice: Choice, paid: Paid, reason: str) -> CreditPlan:
    """The credit note that a choice makes. Raises ``InvalidInput`` naming the field."""
    wanted = dict(choice.lines) or {each.line.key: each.left for each in lines if each.left}
    _check(lines, wanted, plan.currency)
    credited = credit_lines(lines, wanted, plan.currency, plan.vat_rounding)
    made = CreditPlan(plan.currency, credited, reason=reason, frees=choice.frees, corrects=choice.corrects)
    if (choice.frees or choice.corrects) and any(wanted.get(each.line.key, 0) < each.left for each in lines):
        raise InvalidInput("frees", "Work can be billed again only where all of its invoice is credited.")
    return _spent(replace(made, mail=choice.mail), paid, elsewhere=choice.elsewhere)


def credit_lines(
    lines: Sequence[Creditable], wanted: Mapping[str, int], currency: str, rounding: VatRounding
) -> tuple[CreditLine, ...]:
    """The lines of a credit note, with their VAT."""
    vats: dict[str, int] = {}
    for rate in dict.fromkeys(each.rate for each in lines):
        vats |= _vat([each for each in lines if each.rate == rate], wanted, currency, rounding)
    return tuple(_line(each, wanted[each.line.key], vats[each.line.key]) for each in lines if wanted.get(each.line.key))


def draft_of(credit: Credit, invoice: Invoice, lines: Sequence[RemoteLine], installation: str) -> CreditDraft:
    """What Stripe is told, by its own names of lines and rates. Raises ``InvalidInput`` for a line it has not."""
    named, plan = {line.key: line for line in lines if line.key}, credit.plan
    if missing := [line for line in plan.lines if line.key not in named]:
        raise InvalidInput("lines", f"Stripe’s invoice has no line “{missing[0].description}”. Look at it in Stripe.")
    return CreditDraft(
        invoice=invoice.stripe_id or "",
        lines=tuple(
            CreditDraftLine(named[line.key].id, line.amount, line.vat, line.base, named[line.key].tax_rate)
            for line in plan.lines
        ),
        refund=plan.refund,
        elsewhere=plan.elsewhere,
        links=plan.linked,
        mail=plan.mail,
        metadata={"crm_stripe_id": credit.id, "crm_installation": installation, "crm_business": invoice.business},
    )


def credit_differences(plan: CreditPlan, remote: RemoteCredit) -> tuple[Difference, ...]:
    """All figures of Stripe's preview that are not ours, to the minor unit."""
    pairs: list[tuple[str, int, int]] = [
        ("Total", plan.total, remote.total),
        ("VAT", plan.vat, remote.tax),
        ("Taken off what is still to pay", plan.before, remote.before),
        ("Given back", plan.after, remote.after),
    ]
    ours: dict[tuple[str, bool], tuple[int, int]] = {}
    for line in plan.lines:
        key = (REASONS[kind_at_stripe(line.vat_kind, line.vat_rate)], line.vat_included)
        vat, base = ours.get(key, (0, 0))
        ours[key] = (vat + line.vat, base + line.base)
    theirs = {(each.reason, each.included): (each.amount, each.base) for each in remote.vat}
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key, (0, 0)), theirs.get(key, (0, 0))
        words = f"{key[0].replace('_', ' ')}{', included' if key[1] else ''}"
        pairs += [(f"VAT, {words}", mine[0], other[0]), (f"VAT is on, {words}", mine[1], other[1])]
    found = [("Currency", plan.currency.upper(), remote.currency.upper())]
    found += [(what, str(Money(a, plan.currency)), str(Money(b, remote.currency))) for what, a, b in pairs]
    return tuple(Difference(what, mine, other) for what, mine, other in found if mine != other)


def plan_seen(plan: InvoicePlan, remote: RemoteCredit, keys: Mapping[str, str]) -> CreditPlan:
    """What a credit note that was made in Stripe takes off, by our own lines where it names them."""
    known = {line.key: line for line in plan.lines}
    lines = []
    for each in remote.lines:
        own = known.get(keys.get(each.line or "", ""))
        made = CreditLine(
            own.key if own else "", own.description if own else each.description, each.amount, each.vat, each.base
        )
        if own:
            made = replace(made, vat_rate=own.vat_rate, vat_kind=own.vat_kind)
        lines.append(replace(made, vat_included=own.vat_included if own else each.included))
    back = sum(link.amount for link in remote.links)
    return CreditPlan(remote.currency, tuple(lines), remote.before, back, remote.elsewhere)


def alone(credits: Sequence[Credit], refunds: Sequence[Refund]) -> tuple[RefundLink, ...]:
    """What went back without a credit note, and not to make good for a refund that failed."""
    found, lost = list[RefundLink](), _lost(credits, refunds)
    for link in _unlinked(credits, refunds):
        good = min(link.amount, lost)
        lost -= good
        found.append(replace(link, amount=link.amount - good))
    return tuple(link for link in found if link.amount)


def not_arrived(credits: Sequence[Credit], refunds: Sequence[Refund]) -> int:
    """What credit notes say went back and did not, because a refund failed and nothing took its place. In minor
    units."""
    return max(0, _lost(credits, refunds) - sum(link.amount for link in _unlinked(credits, refunds)))


def _lost(credits: Sequence[Credit], refunds: Sequence[Refund]) -> int:
    failed = {each.stripe_id for each in refunds if each.failed}
    links = [link for credit in credits if credit.counts for link in credit.links]
    return sum(link.amount for link in links if link.refund in failed)


def _unlinked(credits: Sequence[Credit], refunds: Sequence[Refund]) -> list[RefundLink]:
    """Of each refund that stands what no credit note names."""
    linked: dict[str, int] = {}
    for link in (link for credit in credits if credit.counts for link in credit.links):
        linked[link.refund] = linked.get(link.refund, 0) + link.amount
    left = [
        RefundLink(each.stripe_id, each.amount - linked.get(each.stripe_id, 0)) for each in refunds if not each.failed
    ]
    return [link for link in left if link.amount > 0]


def still_to_pay(invoice: Invoice) -> int:
    """What a credit note takes off first."""
    return invoice.amount_remaining if invoice.status in (Status.OPEN, Status.UNCOLLECTIBLE) else 0


def _whole(line: PlanLine, vat: int, base: int) -> Creditable:
    net = base + vat if line.vat_included else base
    return Creditable(line, net, vat, base, net, vat, base)


def _less(lines: Sequence[Creditable], credited: Sequence[CreditLine], unit: int) -> list[Creditable]:
    """What is left after a credit note. What it took off no line of ours is taken off all of them, by what is left."""
    left = list(lines)
    for each in credited:
        own = [each.amount if line.line.key == each.key else 0 for line in left]
        if any(own):
            shares = own, [each.vat if share else 0 for share in own], [each.base if share else 0 for share in own]
        else:
            shares = (
                _shares(each.amount, [line.left for line in left], unit),
                _shares(each.vat, [line.vat_left for line in left], unit),
                _shares(each.base or each.amount, [line.base_left for line in left], unit),
            )
        left = [
            replace(
                line,
                left=max(0, line.left - amount),
                vat_left=max(0, line.vat_left - vat),
                base_left=max(0, line.base_left - base),
            )
            for line, amount, vat, base in zip(left, *shares, strict=True)
        ]
    return left


def _shares(amount: int, weights: Sequence[int], unit: int) -> list[int]:
    return spread(min(amount, sum(weights)) // unit * unit, weights, unit)


def _check(lines: Sequence[Creditable], wanted: Mapping[str, int], currency: str) -> None:
    known = {each.line.key: each for each in lines}
    if not any(wanted.values()):
        raise InvalidInput("lines", "Choose at least one line that something is left of.")
    for key, amount in wanted.items():
        if key not in known:
            raise InvalidInput("lines", "One of these lines is not on the invoice, or can’t be credited.")
        place, left = f"lines.{key}", known[key].left
        if amount < 0 or amount % step(currency):
            raise InvalidInput(place, "Write an amount that the currency has, from 0 up.")
        if amount > left:
            raise InvalidInput(place, f"At most {Money(left, currency)} of this line is left to credit.")


def _vat(
    lines: Sequence[Creditable], wanted: Mapping[str, int], currency: str, rounding: VatRounding
) -> dict[str, int]:
    """The VAT of each line of one rate that is credited. What takes the last of a line takes the last of its VAT."""
    chosen = [each for each in lines if wanted.get(each.line.key)]
    amounts = [wanted[each.line.key] for each in chosen]
    full = [amount == each.left for each, amount in zip(chosen, amounts, strict=True)]
    low = [each.vat_left if last else 0 for each, last in zip(chosen, full, strict=True)]
    high = [each.vat_left for each in chosen]
    if rounding is VatRounding.LINE:
        due = [_due([each], amount, currency) for each, amount in zip(chosen, amounts, strict=True)]
        parts = [max(a, min(b, vat)) for a, b, vat in zip(low, high, due, strict=True)]
    else:
        parts = within(_due(lines, sum(amounts), currency), amounts, low, high, step(currency))
    return {each.line.key: part for each, part in zip(chosen, parts, strict=True)}


def _due(lines: Sequence[Creditable], amount: int, currency: str) -> int:
    """The VAT of what is credited of these lines with ``amount``, without that of what was credited before."""
    whole, left = sum(each.net for each in lines), sum(each.left for each in lines)
    rate, _kind, included = lines[0].rate
    until = whole - left + amount
    so_far = sum(each.vat for each in lines) if until == whole else vat_of(until, rate, currency, included=included)
    return so_far - sum(each.vat - each.vat_left for each in lines)


def within(target: int, weights: Sequence[int], low: Sequence[int], high: Sequence[int], unit: int) -> list[int]:
    """Parts of ``target`` in proportion to ``weights``, each between its bounds, all multiples of ``unit``; as near to
    it as the bounds allow. No weight is 0."""
    parts = list(low)
    rest = min(max(target, sum(low)), sum(high)) - sum(low)
    while rest:
        room = [weight if part < most else 0 for weight, part, most in zip(weights, parts, high, strict=True)]
        given = [
            min(share, most - part) for share, part, most in zip(spread(rest, room, unit), parts, high, strict=True)
        ]
        parts = [part + more for part, more in zip(parts, given, strict=True)]
        rest -= sum(given)
    return parts


def _line(each: Creditable, amount: int, vat: int) -> CreditLine:
    line = each.line
    base = min(amount - vat if line.vat_included else amount, each.base_left)
    return CreditLine(line.key, line.description, amount, vat, base, line.vat_rate, line.vat_kind, line.vat_included)


def _spent(plan: CreditPlan, paid: Paid, *, elsewhere: bool) -> CreditPlan:
    """Where the money goes: off what is still to pay, to refunds that were made already, to the card, elsewhere."""
    before = min(plan.total, paid.remaining)
    rest, linked = plan.total - before, list[RefundLink]()
    for link in paid.alone:
        amount = min(link.amount, rest)
        if amount:
            linked.append(RefundLink(link.refund, amount))
            rest -= amount
    refund = 0 if elsewhere else min(rest, sum(paid.refundable))
    if refund > max(paid.refundable, default=0):
        most = Money(paid.refundable[0], plan.currency)
        raise InvalidInput(
            "lines",
            f"It was paid in several payments, and at most {most} can go back to one of them. Credit it in parts.",
        )
    return replace(plan, before=before, linked=tuple(linked), refund=refund, elsewhere=rest - refund)
