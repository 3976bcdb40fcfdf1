"""Deposits: a part of some work is billed in advance, and taken off the invoice of the work itself.

Directive 2006/112/EC: VAT on a payment on account is due at once (article 65), it has an invoice of its own (article
220, 4 and 5), and what was charged then is not charged again. So a deposit has a line for each rate of VAT, and the
invoice of the work takes each of them off, with exactly the VAT that it had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from flask_crm_stripe.core.crediting import Creditable, creditable
from flask_crm_stripe.core.figures import Policy, Terms, whole_plan
from flask_crm_stripe.errors import Conflict, InvalidInput
from flask_crm_stripe.model.credits import Credit
from flask_crm_stripe.model.crm import Source
from flask_crm_stripe.model.invoices import Invoice, InvoicePlan, PlanLine, Stage, Status, VatTotal
from flask_crm_stripe.model.money import EXACT, round_to_step, to_major
from flask_crm_stripe.ports.ledger import Ledger

DEPOSIT = {
    "da": "Acontobetaling {percent} %: {work}",
    "de": "Anzahlung {percent} %: {work}",
    "en": "Deposit of {percent} %: {work}",
    "es": "Anticipo del {percent} %: {work}",
    "fr": "Acompte de {percent} % : {work}",
    "it": "Acconto del {percent} %: {work}",
    "nl": "Aanbetaling van {percent} %: {work}",
    "pl": "Zaliczka {percent} %: {work}",
    "pt": "Adiantamento de {percent} %: {work}",
    "sv": "Förskott {percent} %: {work}",
}
DEDUCTED = {
    "da": "Fradrag af acontofaktura {number} af {day}",
    "de": "Abzüglich Anzahlungsrechnung {number} vom {day}",
    "en": "Less deposit invoice {number} of {day}",
    "es": "Menos factura de anticipo {number} de {day}",
    "fr": "Acompte à déduire, facture {number} du {day}",
    "it": "Detrazione fattura di acconto {number} del {day}",
    "nl": "Af: aanbetalingsfactuur {number} van {day}",
    "pl": "Potrącenie faktury zaliczkowej {number} z {day}",
    "pt": "Dedução da fatura de adiantamento {number} de {day}",
    "sv": "Avgår förskottsfaktura {number} av {day}",
}
TAKEN_OFF = "Another invoice takes this deposit off, so it must stand. Void or delete that one first."
CLAIM = "deposit:"
"""Begins what a line that takes a deposit off lays claim to: the database lets one live invoice have it."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit for some work, what no credit note has taken off it, and the live invoice that takes it off; None
    while none does."""

    invoice: Invoice
    left: tuple[Creditable, ...]
    taken_by: str | None = None

    @property
    def waits(self) -> bool:
        """Whether it can be taken off: it has its number, something of it is left, and no invoice did so yet."""
        return self.invoice.number is not None and self.taken_by is None and any(line.left for line in self.left)


def deposits_of(
    invoices: Iterable[Invoice], claims: Iterable[tuple[str, bool, str]], credits: Mapping[str, Sequence[Credit]]
) -> tuple[Deposit, ...]:
    """The deposits among them that stand, oldest first. ``claims`` are (claim, live mode, invoice), ``credits`` the
    credit notes by invoice."""
    taken = {(claim, livemode): by for claim, livemode, by in claims}
    found = [invoice for invoice in invoices if is_deposit(invoice) and stands(invoice)]
    found.sort(key=lambda invoice: (invoice.created_at, invoice.id))
    return tuple(
        Deposit(each, tuple(creditable(each.plan, credits[each.id])), taken.get((claim_of(each), each.livemode)))
        for each in found
    )


def is_deposit(invoice: Invoice) -> bool:
    """Whether it bills a part of some work in advance."""
    return invoice.plan.deposit_percent > 0


def stands(invoice: Invoice) -> bool:
    """Whether its customer owes it, or has paid it, or will be asked to."""
    return invoice.status != Status.VOID and invoice.stage is not Stage.ABANDONED


def claim_of(deposit: Invoice, place: int = 0) -> str:
    """What taking off this line of a deposit lays claim to."""
    return f"{CLAIM}{deposit.id}:{place}"


def taken_by(ledger: Ledger, invoice: Invoice) -> str | None:
    """The live invoice that takes this deposit off; None where none does, or it is no deposit."""
    if not is_deposit(invoice):
        return None
    claims = ledger.invoices.claims([claim_of(invoice)])
    return next((by for _, livemode, by in claims if livemode == invoice.livemode), None)


def check_stands(ledger: Ledger, plan: InvoicePlan) -> None:
    """What a plan takes off has to be owed or paid. Raises ``Conflict`` where one of these deposits is gone by now."""
    ids = dict.fromkeys(line.billable.split(":")[1] for line in plan.lines if line.deducts)
    found = (ledger.invoices.get(invoice_id) for invoice_id in ids)
    if any(deposit is None or not stands(deposit) for deposit in found):
        raise Conflict("The deposit that it takes off was voided. Delete this draft and make it again.")


def deposit_plan(whole: InvoicePlan, source: Source, terms: Terms, policy: Policy) -> InvoicePlan:
    """The deposit on an invoice that would be ``whole``. Raises ``InvalidInput`` where it comes to nothing."""
    percent = terms.deposit_percent
    words = DEPOSIT.get(_language(whole), DEPOSIT["en"])
    said = words.format(percent=f"{percent.normalize():f}", work=source.number or source.title)
    lines = [
        _deposit_line(place, part, total, source, said)
        for place, total in enumerate(whole.vat_totals)
        if (part := round_to_step(EXACT.multiply(_charged(total), percent).scaleb(-2, EXACT), whole.currency))
    ]
    lines = [replace(line, unit_price=to_major(line.amount, whole.currency)) for line in lines]
    if not lines:
        raise InvalidInput("deposit_percent", "That part of these lines comes to nothing. Write a larger one.")
    alone = replace(terms, discount_percent=Decimal(0), discount_amount=Decimal(0))
    plan = whole_plan(whole.contact, lines, alone, whole.currency, policy)
    return replace(plan, deposit_percent=percent, covers=tuple(line.billable for line in whole.lines))


def _charged(total: VatTotal) -> Decimal:
    """What lines of this rate add up to, as their prices are: with VAT or without."""
    return Decimal(total.base + total.vat if total.included else total.base)


def _deposit_line(place: int, amount: int, total: VatTotal, source: Source, said: str) -> PlanLine:
    return PlanLine(
        key=f"deposit-{place}",
        billable="",
        source=source.ref,
        description=said,
        quantity=Decimal(1),
        unit_price=Decimal(0),
        amount=amount,
        net=amount,
        vat=0,
        vat_rate=total.rate,
        vat_included=total.included,
        vat_kind=total.kind,
    )


def deductions(deposits: Sequence[Deposit], plan: InvoicePlan) -> list[PlanLine]:
    """The lines that take these deposits off an invoice. Raises ``InvalidInput`` for one that is not sent yet."""
    ours = [deposit for deposit in deposits if deposit.invoice.currency == plan.currency]
    if unsent := [deposit for deposit in ours if deposit.invoice.number is None]:
        percent = f"{unsent[0].invoice.plan.deposit_percent.normalize():f} %"
        raise InvalidInput(
            "deduct",
            f"The deposit of {percent} is not sent yet, so it can’t be taken off. Send it or delete it first, or leave "
            "deposits for a later invoice.",
        )
    words = DEDUCTED.get(_language(plan), DEDUCTED["en"])
    return [line for deposit in ours if deposit.waits for line in _deducted(deposit, words)]


def _deducted(deposit: Deposit, words: str) -> list[PlanLine]:
    invoice = deposit.invoice
    day = (invoice.finalised_at or invoice.created_at).date()
    said = words.format(number=invoice.number, day=date.isoformat(day))
    return [
        replace(
            each.line,
            key=f"{invoice.id}-{place}",
            billable=claim_of(invoice, place),
            description=said,
            unit_price=to_major(-each.left, invoice.currency),
            amount=-each.left,
            net=-each.left,
            vat=-each.vat_left,
            deducts=invoice.number or "",
        )
        for place, each in enumerate(line for line in deposit.left if line.left)
    ]


def _language(plan: InvoicePlan) -> str:
    return (plan.contact.language or "en").partition("-")[0].lower()
