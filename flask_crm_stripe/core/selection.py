"""Which work can be on an invoice, and why not. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from flask_crm_stripe.core.figures import Terms, line_figures
from flask_crm_stripe.core.rates import Rate, converted
from flask_crm_stripe.errors import BillableTaken, Conflict, InvalidInput, NotFound, quoted
from flask_crm_stripe.model.crm import RATED, Billable, Contact, Service, Source, VatKind
from flask_crm_stripe.model.invoices import Delivery, Invoice, InvoicePlan, Stage
from flask_crm_stripe.model.money import normalise_currency

READY = "ready"
NOT_READY = "not_ready"
MOST_LINES = 250
"""Stripe's own limit of lines on one invoice (stripe/params/_invoice_item_create_params.py)."""


@dataclass(frozen=True, slots=True)
class BillableRow:
    """A billable as a person sees it. ``state`` is ready, not_ready, or the status of its invoice; ``amount`` is in
    minor units after its own discount; ``reason`` says in words why it cannot be chosen. With ``advance`` it only is
    not done yet: a part of it can be billed in advance."""

    billable: Billable
    code: str
    list_price: Decimal | None
    vat_rate: Decimal | None
    amount: int
    state: str
    reason: str
    invoice: Invoice | None
    selected: bool = False
    vat_kind: VatKind = VatKind.STANDARD
    advance: bool = False


@dataclass(frozen=True, slots=True)
class SourceBilling:
    """A source with its billables. ``currency`` is the commonest among the ready ones, which start selected."""

    source: Source
    contact: Contact | None
    rows: tuple[BillableRow, ...]
    currency: str | None

    @classmethod
    def of(cls, source: Source, contact: Contact | None, rows: Sequence[BillableRow]) -> SourceBilling:
        """With the ready rows of the commonest currency selected."""
        counted = Counter(row.billable.currency for row in rows if row.state == READY)
        currency = counted.most_common(1)[0][0] if counted else None
        chosen = (replace(row, selected=row.state == READY and row.billable.currency == currency) for row in rows)
        return cls(source, contact, tuple(chosen), currency)


def billable_row(
    billable: Billable,
    service: Service | None,
    invoice: Invoice | None,
    contact: Contact | None = None,
    rates: Sequence[Rate] = (),
) -> BillableRow:
    """One row, in the currency of the customer where its price is known in it or there is a rate, with its VAT."""
    billable, listed = in_currency_of(contact, billable, service, rates) if not invoice else (billable, None)
    if listed is None and service:
        listed = dict(service.prices).get(billable.currency)
    rate, kind = vat_of_line(billable, service, contact)
    reason = "" if invoice else obstacle(billable, rate, kind)
    state = (invoice.status or "draft") if invoice else NOT_READY if reason else READY
    return BillableRow(
        billable=billable,
        code=service.code if service else "",
        list_price=listed if listed != billable.unit_price else None,
        vat_rate=rate,
        amount=0 if _unusable(billable) else line_figures(billable)[0],
        state=state,
        reason=reason,
        invoice=invoice,
        vat_kind=kind,
        advance=bool(reason) and not billable.not_ready and not obstacle(replace(billable, ready=True), rate, kind),
    )


def in_currency_of(
    contact: Contact | None, billable: Billable, service: Service | None, rates: Sequence[Rate] = ()
) -> tuple[Billable, Decimal | None]:
    """The billable in its customer's currency, where the service has a price in it and the billable has the service's
    own price and not an agreed one; with that price. Else as it is, unless the business has written a rate down."""
    wanted = contact.currency if contact else None
    prices = dict(service.prices) if service else {}
    if not wanted or wanted == billable.currency:
        return billable, None
    own_price = prices.get(billable.currency) == billable.unit_price and billable.discount_amount is None
    if wanted in prices and own_price:
        return replace(billable, currency=wanted, unit_price=prices[wanted]), prices[wanted]
    return billable if _unusable(billable) else converted(billable, wanted, rates), None


def vat_of_line(billable: Billable, service: Service | None, contact: Contact | None) -> tuple[Decimal | None, VatKind]:
    """The rate and the kind of VAT: the billable's own, else its service's; and the customer's kind, where they have
    one, instead of any rate."""
    rate = billable.vat_rate if billable.vat_rate is not None else service.vat_rate if service else None
    kind = billable.vat_kind or (service.vat_kind if service else None)
    if kind is None:
        kind = VatKind.STANDARD if rate is None or rate > 0 else VatKind.ZERO
    if contact is not None and contact.vat_kind is not None and kind in (*RATED, VatKind.ZERO):
        kind = contact.vat_kind
    return (rate if kind in RATED else Decimal(0)), kind


def obstacle(billable: Billable, rate: Decimal | None, kind: VatKind = VatKind.STANDARD) -> str:
    """Why it cannot be billed, with the remedy; empty where it can."""
    if billable.not_ready or not billable.ready:
        return billable.not_ready or "Not marked as done yet."
    if unusable := _unusable(billable):
        return unusable
    if rate is None:
        return "No VAT rate. Set one in the service."
    if not Decimal(0) <= rate <= Decimal(100):
        return "Its VAT rate is not between 0 and 100 %. Correct it in the CRM."
    if kind not in RATED and billable.vat_included and billable.vat_rate:
        return "Its price contains VAT, and this customer pays none. Give its price without VAT in the CRM."
    return ""


def _unusable(billable: Billable) -> str:
    try:
        normalise_currency(billable.currency)
    except ValueError as error:
        return str(error)
    numbers = (
        billable.quantity,
        billable.unit_price,
        billable.discount_percent,
        billable.discount_amount or Decimal(0),
    )
    if not all(number.is_finite() for number in numbers) or max(map(abs, numbers)) > 10**12:
        return "Its quantity, price or discount is not a usable number. Correct it in the CRM."
    if not 0 <= billable.discount_percent <= 100:
        return "Its discount is not between 0 and 100 %. Correct it in the CRM."
    if (off := billable.discount_amount) is not None and not 0 <= off <= abs(billable.quantity * billable.unit_price):
        return "Its discount is below zero or more than the line itself. Correct it in the CRM."
    if billable.quantity * billable.unit_price < 0 and (billable.discount_percent or billable.discount_amount):
        return "It is a credit with a discount. Take the discount off in the CRM."
    return ""


def check_choice(billing: SourceBilling, refs: Sequence[str], *, advance: bool = False) -> list[BillableRow]:
    """The chosen rows, in the source's own order; in ``advance`` work counts that is not done yet. Raises
    ``InvalidInput``, ``NotFound``, ``BillableTaken``."""
    wanted = set(refs)
    rows = [row for row in billing.rows if row.billable.ref in wanted]
    if not wanted:
        raise InvalidInput("billables", "Choose at least one line of work.")
    if len(rows) != len(wanted):
        raise NotFound("line of work")
    if len(rows) > MOST_LINES:
        raise InvalidInput("billables", f"An invoice has at most {MOST_LINES} lines. Choose fewer.")
    if taken := [row for row in rows if row.invoice]:
        raise BillableTaken([row.billable.ref for row in taken], taken[0].invoice.id if taken[0].invoice else None)
    if blocked := [row for row in rows if row.state != READY and not (advance and row.advance)]:
        first = blocked[0]
        if all(row.advance for row in blocked):
            raise InvalidInput(
                "deposit_percent",
                f"{quoted(first.billable.description)} is not marked as done yet. Write which part of these lines is "
                "billed in advance, or choose only what is done.",
            )
        raise InvalidInput("billables", f"{quoted(first.billable.description)} can't be billed: {first.reason}")
    if len(currencies := sorted({row.billable.currency.upper() for row in rows})) > 1:
        raise InvalidInput(
            "billables", f"An invoice has one currency, and these lines are in {' and '.join(currencies)}. Choose one."
        )
    return rows


def check_terms(terms: Terms, contact: Contact) -> None:
    """Raises ``InvalidInput`` naming the field."""
    if not 0 <= terms.days_until_due <= 365:
        raise InvalidInput("days_until_due", "Choose between 0 and 365 days.")
    if not terms.discount_percent.is_finite() or not 0 <= terms.discount_percent <= 100:
        raise InvalidInput("discount_percent", "Write a discount between 0 and 100 %.")
    if not terms.discount_amount.is_finite() or not 0 <= terms.discount_amount <= 10**12:
        raise InvalidInput("discount_amount", "Write a discount that is not below zero.")
    if terms.discount_amount and terms.discount_percent:
        raise InvalidInput("discount_amount", "Give the discount in percent or as a sum, not both.")
    if not terms.deposit_percent.is_finite() or not 0 <= terms.deposit_percent <= 100:
        raise InvalidInput("deposit_percent", "Write a part between 0 and 100 %.")
    if len(terms.order_number) > 140:
        raise InvalidInput("order_number", "An order number has at most 140 characters.")
    if len(terms.note) > 500:
        raise InvalidInput("note", "A note has at most 500 characters.")
    if terms.delivery is Delivery.MAIL and not contact.email:
        raise InvalidInput(
            "delivery", f"{contact.name} has no mail address. Add one in the CRM, or make only the payment link."
        )


def check_plan(plan: InvoicePlan) -> None:
    """Raises ``InvalidInput`` for what Stripe would make something else of: nothing below zero is ever an invoice."""
    if plan.total < 0:
        raise InvalidInput(
            "billables", "These lines come to less than nothing. Choose more of them: an invoice is never below zero."
        )
    for total in plan.vat_totals:
        if total.base < 0 or total.vat < 0:
            rate = f"{total.rate.normalize():f} %"
            raise InvalidInput(
                "billables",
                f"The lines with {rate} VAT come to less than nothing. Choose more of them, or fewer credits.",
            )


def check_repeat(invoice: Invoice, billables: Sequence[str]) -> None:
    """A second press of the same button. Raises ``Conflict`` where its first invoice is gone or is about other work."""
    if invoice.stage is Stage.ABANDONED:
        raise Conflict("The draft that this form made was deleted. Start again from the work.")
    if invoice.plan.chosen != set(billables):
        raise Conflict("This form has made an invoice of other lines already. Start again from the work.")
