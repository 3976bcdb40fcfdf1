"""The probes of what happens to an invoice once it is final: payments, refunds, credit notes."""

from __future__ import annotations

import stripe
from stripe.params import CreditNoteCreateParamsLine

from tests.live.account import Live
from tests.live.probing import Finding, NotTold, Probe, Refusal, SomethingElse, allowed, attempt
from tests.live.samples import line, taxed


def balance_transaction(live: Live) -> Finding:
    """A card pays, and its charge is looked at right after."""
    charge = _charge(live)
    return Finding("later" if charge.balance_transaction is None else "at_once")


def refund_status(live: Live) -> Finding:
    """A payment by card is refunded."""
    charge = _charge(live)
    made = live.client.v1.refunds.create({"charge": charge.id, "metadata": live.marks})
    return Finding(made.status)


def pay_with_charges_off(live: Live) -> Finding:
    """A test card pays an account that cannot charge yet."""
    if live.client.v1.accounts.retrieve_current().charges_enabled:
        raise NotTold("this account's charges are on: use one that is not activated")
    return allowed(lambda: _paid_by_card(live))


def overpayment(live: Live) -> Finding:
    """15.00 for an invoice of 10.00."""
    customer = live.customer()
    made = _overpaid(live, customer)
    if isinstance(made, Refusal):
        return Finding("refuse", made.words)
    balance = live.balance(customer)
    if (made.status, made.amount_overpaid, balance) != ("paid", 500, -500):
        raise SomethingElse(
            f"1500 for an invoice of 1000: it is {made.status}, {made.amount_overpaid} overpaid, the balance {balance}"
        )
    return Finding("credit_to_balance")


def overpaid_in_amount_paid(live: Live) -> Finding:
    """The same invoice's amount_paid."""
    made = _overpaid(live, live.customer())
    if isinstance(made, Refusal):
        raise NotTold(f'overpayments are refused: "{made.words}"')
    if made.amount_paid not in (1_000, 1_500):
        raise SomethingElse(f"1500 for an invoice of 1000 make an amount_paid of {made.amount_paid}")
    return Finding(made.amount_paid == 1_500)


def pay_uncollectible(live: Live) -> Finding:
    """One uncollectible invoice is paid elsewhere, a payment is attached to another."""
    customer = live.customer()
    first, second = (_given_up(live, customer) for _ in range(2))
    paid = allowed(lambda: live.client.v1.invoices.pay(first, {"paid_out_of_band": True}))
    record = live.reported(customer, 1_000)
    attached = allowed(lambda: live.client.v1.invoices.attach_payment(second, {"payment_record": record.id}))
    if paid.position != attached.position:
        raise SomethingElse(f"on an uncollectible invoice, pay: {paid.position}, attach: {attached.position}")
    return paid


def paid_out_of_band(live: Live) -> Finding:
    """The payments of an invoice that was paid elsewhere."""
    made = _paid_elsewhere(live)
    found = live.client.v1.invoice_payments.list({"invoice": made.id, "status": "paid"}).data
    kinds = [each.payment.type for each in found]
    if kinds not in ([], ["payment_record"]):
        raise SomethingElse(f"an invoice that was paid elsewhere has these payments: {kinds}")
    return Finding("payment_record" if kinds else "no_payment")


def credit_note_on_uncollectible(live: Live) -> Finding:
    """A credit note on an invoice that was given up."""
    invoice = _given_up(live, live.customer())
    return allowed(lambda: _credit(live, invoice, amount=100))


def void_post_payment_credit_note(live: Live) -> Finding:
    """A credit note is issued when its invoice was paid, and voided."""
    made = _paid_elsewhere(live)
    note = _credit(live, made.id, amount=1_000, elsewhere=1_000)
    return allowed(lambda: live.client.v1.credit_notes.void_credit_note(note.id))


def credit_line_amount(live: Live) -> Finding:
    """5.00 of a line of 10.00 and 2.10 of VAT are credited."""
    made = live.opened(taxed(1_000, 210))
    credited: CreditNoteCreateParamsLine = {"type": "invoice_line_item", "amount": 500}
    note = _credit(live, made.id, lines=[{**credited, "invoice_line_item": made.lines.data[0].id}])
    tax = sum(each.amount for each in note.total_taxes or ())
    found = {(605, 105): "before_tax", (500, 87): "with_tax"}.get((note.total, tax))
    if found is None:
        raise SomethingElse(f"500 of a line of 1000 and 210 of tax credit {note.total}, {tax} of it tax")
    return Finding(found)


def credit_note_amount_tax(live: Live) -> Finding:
    """6.05 of an invoice of 12.10 are credited, 2.10 of which is VAT."""
    made = live.opened(taxed(1_000, 210))
    tax = sum(each.amount for each in _credit(live, made.id, amount=605).total_taxes or ())
    if tax not in (105, 0):
        raise SomethingElse(f"605 of 1210 with 210 of tax credit {tax} of tax")
    return Finding("in_proportion" if tax else "none")


def negative_credit_lines(live: Live) -> Finding:
    """A whole invoice is credited line by line, one of which took something off."""
    made = live.opened(line(1_000), line(-200))
    credited: list[CreditNoteCreateParamsLine] = [
        {"type": "invoice_line_item", "invoice_line_item": each.id, "amount": each.amount} for each in made.lines.data
    ]
    return allowed(lambda: _credit(live, made.id, lines=credited))


OF_MONEY: tuple[Probe, ...] = (
    balance_transaction,
    refund_status,
    pay_with_charges_off,
    overpayment,
    overpaid_in_amount_paid,
    pay_uncollectible,
    paid_out_of_band,
    credit_note_on_uncollectible,
    void_post_payment_credit_note,
    credit_line_amount,
    credit_note_amount_tax,
    negative_credit_lines,
)


def _paid_by_card(live: Live) -> stripe.Invoice:
    customer = live.customer()
    card = live.client.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    made = live.opened(line(), customer=customer)
    return live.client.v1.invoices.pay(made.id, {"payment_method": card.id})


def _charge(live: Live) -> stripe.Charge:
    """A charge that a test card has just paid."""
    paid = attempt(lambda: _paid_by_card(live))
    if isinstance(paid, Refusal):
        raise NotTold(f'this account takes no test payment: "{paid.words}"')
    payment = live.client.v1.invoice_payments.list({"invoice": paid.id, "status": "paid"}).data[0].payment
    intent = live.client.v1.payment_intents.retrieve(str(payment.payment_intent), {"expand": ["latest_charge"]})
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


def _overpaid(live: Live, customer: str) -> stripe.Invoice | Refusal:
    made, record = live.opened(line(), customer=customer), live.reported(customer, 1_500)
    return attempt(lambda: live.client.v1.invoices.attach_payment(made.id, {"payment_record": record.id}))


def _given_up(live: Live, customer: str) -> str:
    made = live.opened(line(), customer=customer)
    return live.client.v1.invoices.mark_uncollectible(made.id).id


def _paid_elsewhere(live: Live) -> stripe.Invoice:
    return live.client.v1.invoices.pay(live.opened(line()).id, {"paid_out_of_band": True})


def _credit(
    live: Live,
    invoice: str,
    *,
    amount: int = 0,
    lines: list[CreditNoteCreateParamsLine] | None = None,
    elsewhere: int = 0,
) -> stripe.CreditNote:
    params: stripe.params.CreditNoteCreateParams = {"invoice": invoice, "email_type": "none", "metadata": live.marks}
    if lines:
        params["lines"] = lines
    else:
        params["amount"] = amount
    if elsewhere:
        params["out_of_band_amount"] = elsewhere
    return live.client.v1.credit_notes.create(params)
