"""/v1/credit_notes: an invoice that was finalised is put right, and the money that this sets free goes somewhere."""

from __future__ import annotations

from typing import Any

from .. import balances, credit_pdf, crediting, dues, invoice_payments, money, refunds
from ..errors import invalid, unbuilt
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj
from . import common, credit_lines

SUMS = ("refund_amount", "credit_amount", "out_of_band_amount")
BUILT = (
    "amount credit_amount effective_at email_type invoice lines.amount lines.description lines.invoice_line_item "
    "lines.metadata lines.quantity lines.tax_amounts lines.tax_rates lines.type lines.unit_amount "
    "lines.unit_amount_decimal memo metadata out_of_band_amount reason refund_amount refunds.amount_refunded "
    "refunds.refund refunds.type"
)


@route("POST", "/v1/credit_notes", "CreditNoteCreateParams", BUILT)
def create(call: Call) -> Obj:
    """Issue a credit note: it takes off what remains of the invoice first, the rest goes back to the customer."""
    invoice, note = _planned(call)
    world, account_id, params = call.world, call.account_id, call.params
    if params.get("refund_amount"):
        charge = _charge(call, invoice)
        made = refunds.make(world, account_id, charge, params["refund_amount"])
        note["refunds"].append(_linked(made["id"], made["amount"]))
    if params.get("credit_amount"):
        customer, amount = invoice["customer"], -params["credit_amount"]
        more = {"credit_note": note["id"], "invoice": invoice["id"]}
        moved = balances.move(world, account_id, customer, note["currency"], amount, "credit_note", **more)
        note["customer_balance_transaction"] = moved["id"]
    common.keep_new(call, note, "credit_note.created")
    _adjust(call, invoice, note, 1)
    return note


@route("GET", "/v1/credit_notes/preview", "CreditNotePreviewParams", BUILT)
def preview(call: Call) -> Obj:
    """The credit note that this would be. Nothing is stored, nothing is refunded."""
    return _planned(call)[1]


@route(
    "GET",
    "/v1/credit_notes/preview/lines",
    "CreditNotePreviewLinesListParams",
    f"{BUILT} ending_before limit starting_after",
)
def preview_lines(call: Call) -> Obj:
    """The lines of such a preview, a page at a time; their ids are new each time, so cursors lead nowhere."""
    return page(call, _planned(call)[1]["lines"]["data"], newest_first=False)


@route("POST", "/v1/credit_notes/{id}", "CreditNoteUpdateParams", "memo metadata")
def update(call: Call) -> Obj:
    """Change the words on a credit note."""
    before = call.named("credit_note")
    after = before | common.given(call.params, ("memo",))
    after["metadata"] = common.merged_metadata(before["metadata"], call.params)
    return common.keep_changed(call, before, after, "credit_note.updated")


@route("GET", "/v1/credit_notes/{id}", "CreditNoteRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One credit note."""
    return call.named("credit_note")


@route("GET", "/v1/credit_notes", "CreditNoteListParams", "created customer ending_before invoice limit starting_after")
def list_all(call: Call) -> Obj:
    """Credit notes, newest first."""
    for name in ("customer", "invoice"):
        if name in call.params and call.params[name] not in call.store[name]:
            call.get(name, call.params[name], name)
    return page(call, matching(call.store["credit_note"].values(), call.params, "customer", "invoice"))


@route("GET", "/v1/credit_notes/{id}/lines", "CreditNoteLineItemListParams", "ending_before limit starting_after")
def list_lines(call: Call) -> Obj:
    """All lines of a credit note, in their order, a page at a time."""
    return page(call, call.named("credit_note")["lines"]["data"], newest_first=False)


@route("POST", "/v1/credit_notes/{id}/void", "CreditNoteVoidCreditNoteParams")
def void(call: Call) -> Obj:
    """Void a credit note while its invoice is owed. By the switch also one that was issued after payment: credit of the
    customer's is taken back then, refunds are not."""
    note = call.named("credit_note")
    if note["status"] == "void":
        raise common.state_refused(f"Credit note {note['id']} has already been voided.")
    invoice = call.store["invoice"][note["invoice"]]
    after_payment = note["type"] == "post_payment" and call.world.switches.void_post_payment_credit_note == "accept"
    if not after_payment and not (note["type"] == "pre_payment" and invoice["status"] in dues.OWED):
        raise common.state_refused(f"You can't void credit note {note['id']}: its invoice is {invoice['status']}.")
    voided = call.world.put(call.account_id, note | {"status": "void", "voided_at": call.world.now()})
    call.world.emit("credit_note.voided", voided, call.account_id)
    _adjust(call, invoice, note, -1)
    _take_back(call, note)
    return voided


# -- what it is to be --------------------------------------------------------------------------------------------------


def _planned(call: Call) -> tuple[Obj, Obj]:
    """The invoice, and the note as it would be: everything is checked, nothing is stored."""
    params = call.params
    invoice = call.get("invoice", params["invoice"], "invoice")
    _check_state(call, invoice)
    if params.get("effective_at", 0) > call.world.now():
        raise invalid("effective_at cannot be in the future.", "effective_at")
    lines = credit_lines.build(call, invoice)
    sums = crediting.sums(invoice, lines)
    links = _links(call, invoice)
    _check_total(call, invoice, sums["total"], sum(each["amount_refunded"] for each in links))
    before = min(sums["total"], invoice["amount_remaining"]) if invoice["status"] in dues.OWED else 0
    after = sums["total"] - before
    _check_spread(call, invoice, after, links)
    kind = "mixed" if before and after else "pre_payment" if before else "post_payment"
    note = _blank(call, invoice, lines) | sums
    note |= {"post_payment_amount": after, "pre_payment_amount": before, "refunds": links, "type": kind}
    return invoice, note


def _blank(call: Call, invoice: Obj, lines: list[Obj]) -> Obj:
    every = [each for each in call.store["credit_note"].values() if each["invoice"] == invoice["id"]]
    note = common.new(
        call,
        "credit_note",
        "cn",
        currency=invoice["currency"],
        customer=invoice["customer"],
        effective_at=call.params.get("effective_at", call.world.now()),
        invoice=invoice["id"],
        memo=call.params.get("memo"),
        metadata=common.merged_metadata(None, call.params),
        number=f"{invoice['number']}-CN-{len(every) + 1:02d}",
        out_of_band_amount=call.params.get("out_of_band_amount"),
        reason=call.params.get("reason"),
        status="issued",
    )
    note["lines"] |= {"data": lines, "url": f"/v1/credit_notes/{note['id']}/lines"}
    return note | {"pdf": credit_pdf.link(call.world, call.account_id, note)}


def _check_state(call: Call, invoice: Obj) -> None:
    given_up = invoice["status"] == "uncollectible" and call.world.switches.credit_note_on_uncollectible == "accept"
    if invoice["status"] not in ("open", "paid") and not given_up:
        raise common.state_refused(
            f"You can only create credit notes for open or paid invoices. This invoice is {invoice['status']}.",
            param="invoice",
        )


def _check_total(call: Call, invoice: Obj, total: int, linked: int) -> None:
    param = "amount" if "amount" in call.params else "lines"
    if total <= 0:
        raise common.state_refused(f"The total of a credit note must be more than 0 (it is {total}).", param=param)
    left = crediting.creditable(call.world, call.account_id, invoice) + linked
    if total > left:
        raise common.state_refused(
            f"The credit note ({total}) is more than can be credited of invoice {invoice['id']}: {max(0, left)}, after "
            "its other credit notes and refunds.",
            param=param,
        )


# -- where the money goes ----------------------------------------------------------------------------------------------


def _check_spread(call: Call, invoice: Obj, after: int, links: list[Obj]) -> None:
    params = call.params
    common.not_negative(params, *SUMS)
    for name in SUMS:
        money.check_amount(params.get(name, 0), invoice["currency"], name)
    given = sum(params.get(name, 0) for name in SUMS) + sum(each["amount_refunded"] for each in links)
    if given != after:
        raise common.state_refused(
            f"The sum of refunds, customer balance credit and out of band credit ({given}) must equal the post payment "
            f"amount of the credit note ({after})."
        )
    if params.get("credit_amount") and call.store["customer"][invoice["customer"]].get("deleted"):
        raise common.state_refused("The customer of this invoice was deleted.", param="credit_amount")
    if params.get("refund_amount"):
        _charge(call, invoice)


def _charge(call: Call, invoice: Obj) -> Obj:
    """The newest charge of the invoice that so much is left of."""
    amount: int = call.params["refund_amount"]
    for charge in invoice_payments.charges_of(call.world, call.account_id, invoice["id"]):
        if refunds.left(charge) >= amount:
            return charge
    raise common.state_refused(
        f"No charge of invoice {invoice['id']} has {amount} left to refund.", param="refund_amount"
    )


def _links(call: Call, invoice: Obj) -> list[Obj]:
    """The refunds that the request links, each checked."""
    linked: list[Obj] = []
    own = [each["id"] for each in crediting.refunds_of(call.world, call.account_id, invoice["id"])]
    for index, data in enumerate(call.params.get("refunds", [])):
        path = f"refunds[{index}]"
        if data.get("type") == "payment_record_refund":
            raise unbuilt("refunds of payment records")
        common.required(data, "refund", prefix=path)
        refund = call.get("refund", data["refund"], f"{path}[refund]")
        if refund["id"] not in own or refund["id"] in [each["refund"] for each in linked]:
            words = f"Refund {refund['id']} is none of this invoice's that stands, or is named twice."
            raise common.state_refused(words, param=f"{path}[refund]")
        linked.append(_linked(refund["id"], _link_amount(call, refund, data, path)))
    return linked


def _link_amount(call: Call, refund: Obj, data: Obj, path: str) -> int:
    common.positive(data, "amount_refunded", prefix=path)
    free = crediting.unlinked(call.world, call.account_id, refund)
    amount: int = data["amount_refunded"] if "amount_refunded" in data else refund["amount"]
    if amount > free:
        raise common.state_refused(
            f"{free} of refund {refund['id']} is not linked to a credit note yet.", param=f"{path}[amount_refunded]"
        )
    return amount


def _linked(refund_id: str, amount: int) -> Obj:
    return {"amount_refunded": amount, "payment_record_refund": None, "refund": refund_id, "type": "refund"}


def _adjust(call: Call, invoice: Obj, note: Obj, sign: int) -> None:
    """Let the invoice count a note (sign 1), or no longer (-1)."""
    before, after = sign * note["pre_payment_amount"], sign * note["post_payment_amount"]
    fields: dict[str, Any] = {
        "amount_due": invoice["amount_due"] - before,
        "amount_remaining": invoice["amount_remaining"] - before,
        "post_payment_credit_notes_amount": invoice["post_payment_credit_notes_amount"] + after,
        "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] + before,
    }
    dues.changed(call.world, call.account_id, invoice, fields)


def _take_back(call: Call, note: Obj) -> None:
    moved = call.store["customer_balance_transaction"].get(note["customer_balance_transaction"] or "")
    if moved:
        more = {"credit_note": note["id"], "invoice": note["invoice"]}
        customer, currency, amount = note["customer"], note["currency"], -moved["amount"]
        balances.move(call.world, call.account_id, customer, currency, amount, "credit_note", **more)
