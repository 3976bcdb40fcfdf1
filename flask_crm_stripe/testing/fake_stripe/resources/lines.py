"""The lines of an invoice: add_lines, update_lines, remove_lines, one line, and reading them all."""

from __future__ import annotations

from typing import Any

from .. import shapes
from ..errors import invalid, missing
from ..paging import page
from ..routing import Call, route
from ..state import Obj
from . import common, drafts, line_items
from .line_items import Draft

FIELDS = (
    "amount description discountable discounts metadata period.start period.end price_data.currency price_data.product "
    "price_data.product_data.description price_data.product_data.images price_data.product_data.metadata "
    "price_data.product_data.name price_data.product_data.tax_code price_data.product_data.unit_label "
    "price_data.tax_behavior price_data.unit_amount price_data.unit_amount_decimal pricing quantity quantity_decimal "
    "tax_amounts.amount tax_amounts.taxable_amount tax_amounts.taxability_reason "
    "tax_amounts.tax_rate_data.country tax_amounts.tax_rate_data.description tax_amounts.tax_rate_data.display_name "
    "tax_amounts.tax_rate_data.inclusive tax_amounts.tax_rate_data.jurisdiction tax_amounts.tax_rate_data.percentage "
    "tax_amounts.tax_rate_data.state tax_amounts.tax_rate_data.tax_type tax_rates"
)
IN_LINES = "invoice_metadata " + " ".join(f"lines.{name}" for name in FIELDS.split())
CLEARED = "lines.discounts lines.tax_amounts lines.metadata"


@route("POST", "/v1/invoices/{id}/add_lines", "InvoiceAddLinesParams", f"{IN_LINES} lines.invoice_item {CLEARED}")
def add_lines(call: Call) -> Obj:
    """Add lines to a draft, at the end, in the order given."""
    invoice = call.named("invoice")
    drafts.editable(invoice)
    made = [_added(call, invoice, data, f"lines[{index}]") for index, data in enumerate(call.params["lines"])]
    return drafts.put_lines(call, invoice, made, _metadata(call, invoice))


@route("POST", "/v1/invoices/{id}/update_lines", "InvoiceUpdateLinesParams", f"{IN_LINES} lines.id {CLEARED}")
def update_lines(call: Call) -> Obj:
    """Change lines of a draft."""
    invoice = call.named("invoice")
    drafts.editable(invoice)
    made = [_updated(call, invoice, data, f"lines[{index}]") for index, data in enumerate(call.params["lines"])]
    return drafts.put_lines(call, invoice, made, _metadata(call, invoice))


@route("POST", "/v1/invoices/{id}/remove_lines", "InvoiceRemoveLinesParams", "invoice_metadata lines.behavior lines.id")
def remove_lines(call: Call) -> Obj:
    """Take lines off a draft; their invoice items are deleted or become pending again."""
    invoice = call.named("invoice")
    drafts.editable(invoice)
    for index, data in enumerate(call.params["lines"]):
        _line(invoice, data["id"], f"lines[{index}][id]")
    how = {data["id"]: data["behavior"] for data in call.params["lines"]}
    metadata = _metadata(call, invoice)
    kept, gone = drafts.without(call, invoice["lines"]["data"], lambda line: line["id"] in how)
    for line in gone:
        item = drafts.item_of(call, line)
        if how[line["id"]] == "delete":
            common.remove(call, item, "invoiceitem.deleted")
        else:
            call.world.put(call.account_id, item | {"invoice": None})
    return drafts.put_invoice(call, invoice, {"lines": invoice["lines"] | {"data": kept}, "metadata": metadata})


@route("POST", "/v1/invoices/{id}/lines/{line}", "InvoiceLineItemUpdateParams", FIELDS)
def update_line(call: Call) -> Obj:
    """Change one line of a draft."""
    invoice = call.named("invoice")
    drafts.editable(invoice)
    if call.ids["line"] not in [line["id"] for line in invoice["lines"]["data"]]:
        raise missing("line_item", call.ids["line"], status=404)
    draft = _updated(call, invoice, {"id": call.ids["line"]} | call.params, "")
    after = drafts.put_lines(call, invoice, [draft])
    return next(line for line in after["lines"]["data"] if line["id"] == call.ids["line"])


@route("GET", "/v1/invoices/{id}/lines", "InvoiceLineItemListParams", "ending_before limit starting_after")
def list_lines(call: Call) -> Obj:
    """All lines, in their order, a page at a time."""
    return page(call, call.named("invoice")["lines"]["data"], newest_first=False)


def _added(call: Call, invoice: Obj, data: dict[str, Any], path: str) -> Draft:
    if "invoice_item" in data:
        return _adopted(call, invoice, data, path)
    common.required(data, "amount", "price_data", "pricing", prefix=path)
    draft = line_items.start(call, invoice["customer"], invoice["currency"], path)
    draft.item["invoice"] = invoice["id"]
    line_items.fill(call, draft, data, within=invoice["discounts"])
    return draft


def _adopted(call: Call, invoice: Obj, data: dict[str, Any], path: str) -> Draft:
    param = f"{path}[invoice_item]"
    item = call.get("invoiceitem", data["invoice_item"], param)
    if item["invoice"] is not None:
        raise common.state_refused(f"The invoice item {item['id']} is already assigned to an invoice.", param=param)
    if (item["customer"], item["currency"]) != (invoice["customer"], invoice["currency"]):
        raise invalid("The invoice item must have the same customer and currency as the invoice.", param)
    draft = Draft(shapes.clone(item) | {"invoice": invoice["id"]}, shapes.clone(call.store["_item"][item["id"]]), path)
    rest = {name: value for name, value in data.items() if name != "invoice_item"}
    line_items.fill(call, draft, rest, within=[*item["discounts"], *invoice["discounts"]])
    return draft


def _updated(call: Call, invoice: Obj, data: dict[str, Any], path: str) -> Draft:
    line = _line(invoice, data["id"], f"{path}[id]" if path else "id")
    item = drafts.item_of(call, line)
    draft = Draft(shapes.clone(item), shapes.clone(call.store["_item"][item["id"]]), path, line_id=line["id"])
    line_items.fill(call, draft, data, within=[*item["discounts"], *invoice["discounts"]])
    return draft


def _line(invoice: Obj, line_id: str, param: str) -> Obj:
    for line in invoice["lines"]["data"]:
        if line["id"] == line_id:
            found: Obj = line
            return found
    raise missing("line_item", line_id, param)


def _metadata(call: Call, invoice: Obj) -> dict[str, str]:
    return common.merged_metadata(invoice["metadata"], call.params, "invoice_metadata")
