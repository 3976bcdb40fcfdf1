"""/v1/invoiceitems: items that wait for an invoice, or go onto a draft one by one."""

from __future__ import annotations

from .. import money, shapes
from ..errors import invalid
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj
from . import common, drafts, line_items
from .line_items import Draft

FIELDS = (
    "amount description discountable discounts metadata period.start period.end price_data pricing quantity "
    "quantity_decimal tax_behavior tax_rates unit_amount_decimal"
)


@route("POST", "/v1/invoiceitems", "InvoiceItemCreateParams", f"{FIELDS} currency customer invoice")
def create(call: Call) -> Obj:
    """A new item, pending or on a draft. Inline prices need a product that exists [SDK InvoiceItemCreateParams]."""
    params = call.params
    common.required(params, "customer")
    common.required(params, *line_items.SPELLINGS)
    customer = call.get("customer", params["customer"], "customer")
    invoice = _draft_invoice(call, customer)
    draft = line_items.start(call, customer["id"], currency_of(call, customer, invoice), "")
    draft.item["invoice"] = invoice["id"] if invoice else None
    line_items.fill(call, draft, params, within=invoice["discounts"] if invoice else [])
    if invoice is None:
        drafts.keep(call, draft)
    else:
        drafts.put_lines(call, invoice, [draft])
    return draft.item


@route("POST", "/v1/invoiceitems/{id}", "InvoiceItemUpdateParams", FIELDS)
def update(call: Call) -> Obj:
    """Change an item that is pending or on a draft."""
    before = call.named("invoiceitem")
    invoice = _invoice_of(call, before)
    draft = Draft(
        shapes.clone(before), shapes.clone(call.store["_item"][before["id"]]), "", line_id=_line_id(invoice, before)
    )
    line_items.fill(call, draft, call.params, within=before["discounts"])
    if invoice is None:
        drafts.keep(call, draft)
    else:
        drafts.put_lines(call, invoice, [draft])
    return draft.item


@route("GET", "/v1/invoiceitems/{id}", "InvoiceItemRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One item."""
    return call.named("invoiceitem")


@route(
    "GET",
    "/v1/invoiceitems",
    "InvoiceItemListParams",
    "created customer ending_before invoice limit pending starting_after",
)
def list_all(call: Call) -> Obj:
    """Items, newest first; ``pending`` are those without an invoice."""
    pending = call.params.get("pending")
    found = [
        each for each in call.store["invoiceitem"].values() if pending is None or (each["invoice"] is None) == pending
    ]
    return page(call, matching(found, call.params, "customer", "invoice"))


@route("DELETE", "/v1/invoiceitems/{id}", "InvoiceItemDeleteParams")
def delete(call: Call) -> Obj:
    """Delete an item that is pending or on a draft."""
    item = call.named("invoiceitem")
    invoice = _invoice_of(call, item)
    answer = common.remove(call, item, "invoiceitem.deleted")
    if invoice is not None:
        kept = [
            line
            for line in invoice["lines"]["data"]
            if line["parent"]["invoice_item_details"]["invoice_item"] != item["id"]
        ]
        drafts.put_invoice(call, invoice, {"lines": invoice["lines"] | {"data": kept}})
    return answer


def currency_of(call: Call, customer: Obj, invoice: Obj | None) -> str:
    """The currency given, else the invoice's, else what an inline price says, else the customer's or the account's."""
    inline = call.params.get("price_data", {}).get("currency")
    fallback = customer["currency"] or call.world.accounts[call.account_id]["default_currency"]
    wanted = call.params.get("currency") or (invoice or {}).get("currency") or inline or fallback
    currency = money.check_currency(wanted, "currency")
    if invoice and currency != invoice["currency"]:
        raise invalid(
            f"The currency of the item ({currency}) must match the invoice's ({invoice['currency']}).", "currency"
        )
    return currency


def _draft_invoice(call: Call, customer: Obj) -> Obj | None:
    if "invoice" not in call.params:
        return None
    invoice = call.get("invoice", call.params["invoice"], "invoice")
    if invoice["customer"] != customer["id"]:
        raise invalid("The invoice does not belong to this customer.", "invoice")
    drafts.editable(invoice)
    return invoice


def _invoice_of(call: Call, item: Obj) -> Obj | None:
    if item["invoice"] is None:
        return None
    invoice = call.store["invoice"][item["invoice"]]
    drafts.editable(invoice)
    return invoice


def _line_id(invoice: Obj | None, item: Obj) -> str | None:
    for line in invoice["lines"]["data"] if invoice else ():
        if line["parent"]["invoice_item_details"]["invoice_item"] == item["id"]:
            return str(line["id"])
    return None
