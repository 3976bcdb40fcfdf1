"""What happens to an invoice after the draft: finalize, send, pay, void, mark uncollectible."""

from __future__ import annotations

from .. import balances, hosted, invoice_payments, money, payments
from ..routing import Call, route
from ..state import Obj
from . import common, drafts
from .invoices import DAY


@route("POST", "/v1/invoices/{id}/finalize", "InvoiceFinalizeInvoiceParams", "auto_advance")
def finalize(call: Call) -> Obj:
    """Turn a draft into an open invoice, or a paid one when there is nothing to collect."""
    invoice = call.named("invoice")
    if invoice["status"] != "draft":
        raise common.state_refused(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.", "invoice_already_finalized"
        )
    return finalized(call, invoice, call.params.get("auto_advance"))


@route("POST", "/v1/invoices/{id}/send", "InvoiceSendInvoiceParams")
def send(call: Call) -> Obj:
    """Mail an open invoice. Test mode sends no mail; ``invoice.sent`` says that it would."""
    invoice = call.named("invoice")
    if invoice["collection_method"] != "send_invoice":
        raise common.state_refused("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if not drafts.refreshed(call.world, call.account_id, invoice)["customer_email"]:
        raise common.state_refused(
            "Missing email. In order to send invoices to the customer, the customer must have a valid email."
        )
    if invoice["status"] == "draft":
        if not call.world.switches.send_finalizes_draft:
            raise common.state_refused(
                "You can only send open invoices. This invoice is a draft: finalize it first.", "invoice_not_open"
            )
        invoice = finalized(call, invoice, None)
    elif invoice["status"] != "open":
        raise common.state_refused(
            f"You can only send open invoices. This invoice is {invoice['status']}.", "invoice_not_open"
        )
    call.world.emit("invoice.sent", invoice, call.account_id)
    return invoice


@route("POST", "/v1/invoices/{id}/pay", "InvoicePayParams", "off_session paid_out_of_band payment_method")
def pay(call: Call) -> Obj:
    """Pay an open invoice now; a draft is finalised first [SDK]."""
    common.exclusive(call.params, "paid_out_of_band", "payment_method")
    invoice = call.named("invoice")
    if invoice["status"] == "paid":
        raise common.state_refused("Invoice is already paid", "invoice_already_paid")
    if invoice["status"] == "void":
        raise common.state_refused("Invoice has been voided and cannot be paid.", "invoice_not_open")
    if invoice["status"] == "draft":
        invoice = finalized(call, invoice, None)
        if invoice["status"] == "paid":
            return invoice
    return payments.pay(call.world, call.account_id, invoice, call.params)


@route("POST", "/v1/invoices/{id}/void", "InvoiceVoidInvoiceParams")
def void(call: Call) -> Obj:
    """Void an open or uncollectible invoice that nothing was paid on; what was still to be collected is cancelled."""
    invoice = call.named("invoice")
    if invoice["status"] not in ("open", "uncollectible"):
        raise common.state_refused(
            f"You can only void open or uncollectible invoices. This invoice is {invoice['status']}.",
            "invoice_not_open",
        )
    if invoice["amount_paid"]:
        raise common.state_refused(
            f"You can't void invoice {invoice['id']}: payments were made on it. Issue a credit note instead."
        )
    invoice_payments.stop(call.world, call.account_id, invoice)
    closed = _closed(call, invoice, "void", "voided_at", "invoice.voided")
    _give_back(call, invoice)
    return closed


@route("POST", "/v1/invoices/{id}/mark_uncollectible", "InvoiceMarkUncollectibleParams")
def mark_uncollectible(call: Call) -> Obj:
    """Give up on an open invoice; it can still be paid."""
    invoice = call.named("invoice")
    if invoice["status"] != "open":
        raise common.state_refused(
            f"You can only mark open invoices uncollectible. This invoice is {invoice['status']}.", "invoice_not_open"
        )
    return _closed(call, invoice, "uncollectible", "marked_uncollectible_at", "invoice.marked_uncollectible")


def finalized(call: Call, invoice: Obj, auto_advance: bool | None) -> Obj:
    """Finalise a draft: number it, freeze it, settle the customer's balance, start or spare the payment."""
    draft = drafts.refreshed(call.world, call.account_id, invoice)
    _check(call, draft)
    customer = call.store["customer"][draft["customer"]]
    amount, balance = _due(call, draft)
    now = call.world.now()
    opened = (
        draft
        | hosted.links(call.world, call.account_id, draft)
        | {
            "status": "open",
            "number": draft["number"] or _next_number(customer),
            "amount_due": amount,
            "amount_remaining": amount,
            "ending_balance": balance,
            "effective_at": draft["effective_at"] or now,
            "auto_advance": draft["auto_advance"] if auto_advance is None else auto_advance,
            "status_transitions": draft["status_transitions"] | {"finalized_at": now},
        }
    )
    terms = call.store["_terms_of"].get(draft["id"])
    if terms:
        opened["due_date"] = now + terms["days"] * DAY
    _bill(call, customer, opened)
    call.world.put(call.account_id, opened)
    call.world.emit("invoice.finalized", opened, call.account_id)
    if not amount:
        return _paid_by_itself(call, opened)
    invoice_payments.start(call.world, call.account_id, opened)
    return call.store["invoice"][opened["id"]]


def _check(call: Call, draft: Obj) -> None:
    switches = call.world.switches
    if not draft["lines"]["data"] and switches.finalize_without_lines == "refuse":
        raise common.state_refused(
            "You can't finalize an invoice without line items.", "invoice_no_customer_line_items"
        )
    if draft["total"] < 0 and switches.negative_total == "refuse":
        raise common.state_refused("You can't finalize an invoice with a negative total.")
    if draft["total"] > switches.maximum_amount:
        raise common.state_refused(
            f"Amount must be no more than {switches.maximum_amount} in the currency's minor "
            f"unit (the total is {draft['total']}).",
            "amount_too_large",
        )
    if draft["due_date"] and draft["due_date"] < call.world.now() and draft["id"] not in call.store["_terms_of"]:
        raise common.state_refused(
            "The due date of this invoice has passed. Set a later one before finalizing.", param="due_date"
        )
    if call.store["customer"][draft["customer"]].get("deleted"):
        raise common.state_refused("The customer of this invoice was deleted.")


def _due(call: Call, draft: Obj) -> tuple[int, int]:
    """What is to be collected, and the customer's balance after it."""
    owed = draft["total"] + draft["starting_balance"]
    small = 0 < owed < money.MINIMUM_CHARGE.get(draft["currency"], 1)
    if small and call.world.switches.below_minimum == "paid_to_balance":
        return 0, owed
    return max(0, owed), min(0, owed)


def _bill(call: Call, before: Obj, invoice: Obj) -> None:
    """Change the customer of a finalised invoice: currency set for good, balance used, number counted."""
    currency, used = invoice["currency"], -invoice["starting_balance"]
    applied = balances.moved(before, currency, used)
    after = balances.moved(applied, currency, invoice["ending_balance"])
    if invoice["number"] == _next_number(before):
        after["next_invoice_sequence"] = before["next_invoice_sequence"] + 1
    common.keep_changed(call, before | {balances.BALANCES: after[balances.BALANCES]}, after, "customer.updated")
    if invoice["ending_balance"] > 0:
        _note(call, applied, invoice, used, "applied_to_invoice")
        _note(call, after, invoice, invoice["ending_balance"], "invoice_too_small")
    else:
        _note(call, after, invoice, used + invoice["ending_balance"], "applied_to_invoice")


def _note(call: Call, customer: Obj, invoice: Obj, amount: int, kind: str) -> None:
    if amount:
        more = {"invoice": invoice["id"]}
        balances.note(call.world, call.account_id, customer, invoice["currency"], amount, kind, **more)


def _next_number(customer: Obj) -> str:
    return f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"


def _give_back(call: Call, invoice: Obj) -> None:
    """By the switch, a voided invoice gives back what it took from the customer's balance."""
    used = invoice["starting_balance"] - (invoice["ending_balance"] or 0)
    customer = call.store["customer"][invoice["customer"]]
    if used and call.world.switches.voided_balance == "returned" and not customer.get("deleted"):
        more = {"invoice": invoice["id"]}
        currency = invoice["currency"]
        balances.move(call.world, call.account_id, customer["id"], currency, used, "unapplied_from_invoice", **more)


def _paid_by_itself(call: Call, invoice: Obj) -> Obj:
    transitions = invoice["status_transitions"] | {"paid_at": call.world.now()}
    paid = invoice | {"status": "paid", "attempted": True, "auto_advance": False, "status_transitions": transitions}
    common.keep_changed(call, invoice, paid, "invoice.updated")
    call.world.emit("invoice.paid", paid, call.account_id)
    call.world.emit("invoice.payment_succeeded", paid, call.account_id)
    return paid


def _closed(call: Call, invoice: Obj, status: str, moment: str, event: str) -> Obj:
    transitions = invoice["status_transitions"] | {moment: call.world.now()}
    closed = invoice | {"status": status, "auto_advance": False, "status_transitions": transitions}
    common.keep_changed(call, invoice, closed, "invoice.updated")
    call.world.emit(event, closed, call.account_id)
    return closed
