"""POST /v1/invoices/{id}/attach_payment: money that came some other way than by the invoice's own payment."""

from __future__ import annotations

from .. import balances, dues, invoice_payments
from ..errors import StripeFault, invalid, unbuilt
from ..routing import Call, route
from ..state import Obj
from . import common


@route("POST", "/v1/invoices/{id}/attach_payment", "InvoiceAttachPaymentParams", "payment_intent payment_record")
def attach_payment(call: Call) -> Obj:
    """Credit a payment that has been made already to an invoice, which may become partly paid, paid or overpaid."""
    common.exclusive(call.params, "payment_intent", "payment_record")
    common.required(call.params, "payment_intent", "payment_record")
    kind = "payment_intent" if "payment_intent" in call.params else "payment_record"
    invoice = call.named("invoice")
    _check_open(call, invoice)
    source = call.get(kind, call.params[kind], kind)
    amount = _intent(source, invoice) if kind == "payment_intent" else _record(source, invoice)
    _check_free(call, kind, source)
    return _credit(call, invoice, kind, source["id"], amount)


def _check_open(call: Call, invoice: Obj) -> None:
    given_up = invoice["status"] == "uncollectible" and call.world.switches.pay_uncollectible == "accept"
    if invoice["status"] != "open" and not given_up:
        raise common.state_refused(
            f"You can only attach payments to open invoices. This invoice is {invoice['status']}.", "invoice_not_open"
        )


def _intent(intent: Obj, invoice: Obj) -> int:
    param = "payment_intent"
    _check_same(intent["currency"], invoice["currency"], "currency", param)
    _check_same(intent["customer"], invoice["customer"], "customer", param)
    if intent["status"] == "canceled":
        raise common.state_refused("A canceled PaymentIntent cannot be attached to an invoice.", param=param)
    if intent["status"] != "succeeded":
        raise unbuilt("attaching a payment intent that has not succeeded")
    return int(intent["amount_received"])


def _record(record: Obj, invoice: Obj) -> int:
    param = "payment_record"
    _check_same(record["amount"]["currency"], invoice["currency"], "currency", param)
    customer = (record["customer_details"] or {}).get("customer")
    _check_same(customer or invoice["customer"], invoice["customer"], "customer", param)
    if record["amount_failed"]["value"] or record["amount_canceled"]["value"]:
        raise common.state_refused("A payment that failed or was canceled pays no invoice.", param=param)
    if not record["amount_guaranteed"]["value"]:
        raise unbuilt("attaching a payment record that is not guaranteed yet")
    return int(record["amount_guaranteed"]["value"])


def _check_same(found: str, wanted: str, what: str, param: str) -> None:
    if found != wanted:
        raise invalid(f"The {what} of the payment must be the same as the invoice's.", param)


def _check_free(call: Call, kind: str, source: Obj) -> None:
    for each in call.store["invoice_payment"].values():
        if each["payment"][kind] == source["id"]:
            raise StripeFault(
                f"{source['id']} is attached to invoice {each['invoice']} already.", param=kind, executed=True
            )


def _credit(call: Call, invoice: Obj, kind: str, source: str, amount: int) -> Obj:
    world, account_id = call.world, call.account_id
    used = min(amount, invoice["amount_remaining"])
    if used < amount and world.switches.overpayment == "refuse":
        raise common.state_refused(
            f"The payment ({amount}) is more than what remains of the invoice ({invoice['amount_remaining']}).",
            param=kind,
        )
    counted = amount if world.switches.overpaid_in_amount_paid else used
    payment = invoice_payments.new(world, invoice, kind, source, counted)
    payment = invoice_payments.paid(world, account_id, payment, counted)
    paid = dues.changed(
        world, account_id, invoice, _sums(invoice, kind, used, counted, amount), collected=kind == "payment_intent"
    )
    world.emit("invoice_payment.paid", payment, account_id)
    if used < amount:
        customer, currency, more = invoice["customer"], invoice["currency"], {"invoice": invoice["id"]}
        balances.move(world, account_id, customer, currency, used - amount, "invoice_overpaid", **more)
    return paid


def _sums(invoice: Obj, kind: str, used: int, counted: int, amount: int) -> Obj:
    sums = {
        "amount_overpaid": invoice["amount_overpaid"] + amount - used,
        "amount_paid": invoice["amount_paid"] + counted,
        "amount_remaining": invoice["amount_remaining"] - used,
    }
    if kind == "payment_record":
        sums["amount_paid_off_stripe"] = (invoice.get("amount_paid_off_stripe") or 0) + counted
    return sums
