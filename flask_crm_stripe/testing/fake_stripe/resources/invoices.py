"""/v1/invoices: drafts made, changed, read, deleted. Their later states are in invoice_states.py."""

from __future__ import annotations

from typing import Any

from .. import hosted, money, shapes
from ..errors import StripeFault, invalid, unbuilt
from ..paging import matching, page, within
from ..routing import Call, route
from ..state import Obj
from . import common, discounts, drafts
from .customers import check_custom_fields
from .line_items import line_of, rates_of

DAY = 24 * 3600
BUILT = (
    "auto_advance automatic_tax.enabled collection_method custom_fields days_until_due default_tax_rates description "
    "discounts due_date effective_at footer metadata number payment_settings.payment_method_types "
    "rendering.amount_tax_display rendering.pdf shipping_details statement_descriptor"
)
PLAIN = (
    "auto_advance",
    "collection_method",
    "custom_fields",
    "description",
    "effective_at",
    "footer",
    "statement_descriptor",
)
AFTER_DRAFT = frozenset(("metadata", "description", "footer", "custom_fields", "auto_advance", "expand"))
"""What may still change once an invoice is finalised: no money, no dates, no parties."""


@route("POST", "/v1/invoices", "InvoiceCreateParams", f"{BUILT} currency customer pending_invoice_items_behavior")
def create(call: Call) -> Obj:
    """A new draft. It has no lines unless the customer's pending items are to be included."""
    params = call.params
    common.required(params, "customer")
    customer = call.get("customer", params["customer"], "customer")
    account = call.world.accounts[call.account_id]
    currency = money.check_currency(
        params.get("currency") or customer["currency"] or account["default_currency"], "currency"
    )
    now = call.world.now()
    fresh = common.new(
        call,
        "invoice",
        "in",
        currency=currency,
        customer=customer["id"],
        status="draft",
        auto_advance=False,
        account_country=account["country"],
        account_name=account["business_profile"]["name"],
        billing_reason="manual",
        period_start=now,
        period_end=now,
        metadata={},
        discounts=[],
        issuer={"account": None, "type": "self"},
        status_transitions=shapes.nested_blank("invoice", "status_transitions"),
    )
    fresh["lines"]["url"] = f"/v1/invoices/{fresh['id']}/lines"
    invoice = _changed(call, fresh, customer)
    _check_due(invoice, params)
    used = _discounts(call, invoice, customer, creating=True)
    invoice["discounts"] = [each["id"] for each in used]
    discounts.keep(call, used)
    _keep_terms(call, invoice)
    if params.get("pending_invoice_items_behavior") == "include":
        _include_pending(call, invoice)
    return common.keep_new(call, drafts.refreshed(call.world, call.account_id, invoice), "invoice.created")


@route("POST", "/v1/invoices/{id}", "InvoiceUpdateParams", BUILT)
def update(call: Call) -> Obj:
    """Change a draft; of a finalised invoice only words and metadata."""
    before = call.named("invoice")
    if before["status"] != "draft":
        return _reworded(call, before)
    customer = call.store["customer"][before["customer"]]
    after = _changed(call, before, customer)
    _check_due(after, call.params)
    if call.params.get("default_tax_rates") and drafts.has_tax_amounts(call, before):
        raise invalid(
            "You cannot set default tax rates on an invoice whose lines have tax amounts.", "default_tax_rates"
        )
    if "discounts" in call.params:
        used = _discounts(call, before, customer, creating=False)
        discounts.check_no_tax_amounts(call, drafts.has_tax_amounts(call, before), bool(used), "discounts")
        discounts.keep(call, used)
        after["discounts"] = [each["id"] for each in used]
    _keep_terms(call, after)
    return drafts.put_invoice(call, before, after)


@route("GET", "/v1/invoices/{id}", "InvoiceRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One invoice; of a draft what its customer is now, of an open one an address of its page that works."""
    invoice = call.named("invoice")
    if invoice["status"] == "draft":
        return call.world.put(call.account_id, drafts.refreshed(call.world, call.account_id, invoice))
    return hosted.renew(call.world, call.account_id, invoice)


@route(
    "GET",
    "/v1/invoices",
    "InvoiceListParams",
    "collection_method created customer due_date ending_before limit starting_after status",
)
def list_all(call: Call) -> Obj:
    """Invoices, newest first."""
    if "customer" in call.params and call.params["customer"] not in call.store["customer"]:
        call.get("customer", call.params["customer"], "customer")
    found = matching(call.store["invoice"].values(), call.params, "collection_method", "customer", "status")
    shown = page(call, [each for each in found if within(each["due_date"], call.params.get("due_date"))])
    return shown | {"data": [drafts.refreshed(call.world, call.account_id, each) for each in shown["data"]]}


@route("DELETE", "/v1/invoices/{id}", "InvoiceDeleteParams")
def delete(call: Call) -> Obj:
    """Delete a draft with its lines. A finalised invoice can only be voided."""
    invoice = call.named("invoice")
    if invoice["status"] != "draft":
        raise common.state_refused(
            f"You can only delete draft invoices. Invoice {invoice['id']} is {invoice['status']}; void it instead.",
            "invoice_not_editable",
        )
    for line in invoice["lines"]["data"]:
        common.remove(call, drafts.item_of(call, line), "invoiceitem.deleted")
    return common.remove(call, invoice, "invoice.deleted")


# -- the fields of a draft ---------------------------------------------------------------------------------------------


def _changed(call: Call, before: Obj, customer: Obj) -> Obj:
    params = call.params
    _check(call, before)
    after = shapes.clone(before) | common.given(params, PLAIN)
    after["metadata"] = common.merged_metadata(before["metadata"], params)
    if "number" in params:
        after["number"] = _own_number(call, before)
    if "default_tax_rates" in params:
        after["default_tax_rates"] = rates_of(call, params["default_tax_rates"], "default_tax_rates")
    if "days_until_due" in params:
        after["due_date"] = call.world.now() + params["days_until_due"] * DAY
    elif params.get("due_date"):
        after["due_date"] = params["due_date"]
    if "payment_settings" in params:
        after["payment_settings"] = after["payment_settings"] | common.given(
            params["payment_settings"], ("payment_method_types",)
        )
    if "rendering" in params:
        blank = shapes.nested_blank("invoice", "rendering")
        after["rendering"] = (after["rendering"] or blank) | common.given(
            params["rendering"], ("amount_tax_display", "pdf")
        )
    if params.get("shipping_details"):
        given = params["shipping_details"]
        after["shipping_details"] = shapes.nested_blank("invoice", "shipping_details") | {
            "name": given["name"],
            "phone": given.get("phone") or None,
            "address": common.address(given["address"], "shipping_details[address]"),
        }
    return after


def _check(call: Call, before: Obj) -> None:
    params = call.params
    if params.get("automatic_tax", {}).get("enabled"):
        raise unbuilt("automatic tax")
    check_custom_fields(params.get("custom_fields"), "custom_fields")
    common.at_most(params, "statement_descriptor", 22)
    if params.get("effective_at") and params["effective_at"] > call.world.now():
        raise invalid("effective_at cannot be in the future.", "effective_at")
    if params.get("due_date") and params["due_date"] <= call.world.now():
        raise invalid("due_date must be in the future.", "due_date")
    common.not_negative(params, "days_until_due")
    common.exclusive(params, "due_date", "days_until_due")


def _keep_terms(call: Call, invoice: Obj) -> None:
    """Remember days_until_due: the due date is counted anew from the day of finalising."""
    if "days_until_due" in call.params:
        call.store["_terms_of"][invoice["id"]] = {"days": call.params["days_until_due"]}
    elif call.params.get("due_date"):
        call.store["_terms_of"].pop(invoice["id"], None)


def _check_due(invoice: Obj, params: dict[str, Any]) -> None:
    by_mail = invoice["collection_method"] == "send_invoice"
    given = [name for name in ("days_until_due", "due_date") if params.get(name)]
    if given and not by_mail:
        raise invalid(f"You can only set {given[0]} if collection_method is `send_invoice`.", given[0])
    if by_mail and invoice["due_date"] is None:
        raise invalid(
            "If collection_method is `send_invoice`, you must specify `days_until_due` or `due_date`.",
            "days_until_due",
            "parameter_missing",
        )


def _own_number(call: Call, before: Obj) -> str | None:
    number: str = call.params["number"]
    taken = any(each["number"] == number and each["id"] != before["id"] for each in call.store["invoice"].values())
    if number and taken:
        raise StripeFault(
            f"The invoice number {number} is already used by another invoice of this account.",
            param="number",
            executed=True,
        )
    common.at_most(call.params, "number", 26)
    return number or None


def _discounts(call: Call, invoice: Obj, customer: Obj, *, creating: bool) -> list[Obj]:
    """The discounts given; on creation, when none are given, the customer's own is inherited [SDK]."""
    if "discounts" not in call.params:
        inherited = customer["discount"] if creating else None
        coupon = call.store["coupon"].get(inherited["source"]["coupon"]) if inherited else None
        return [discounts.of_coupon(call, coupon, invoice=invoice["id"], customer=customer["id"])] if coupon else []
    return discounts.build(
        call,
        call.params["discounts"],
        invoice["currency"],
        "discounts",
        invoice["discounts"],
        invoice=invoice["id"],
        customer=customer["id"],
    )


def _include_pending(call: Call, invoice: Obj) -> None:
    """Put the customer's pending items in this currency on the draft, newest first [SDK Invoice.lines]."""
    pending = [
        each
        for each in call.store["invoiceitem"].values()
        if each["invoice"] is None
        and (each["customer"], each["currency"]) == (invoice["customer"], invoice["currency"])
    ]
    for item in reversed(pending[-drafts.MOST_LINES :]):
        call.world.put(call.account_id, item | {"invoice": invoice["id"]})
        invoice["lines"]["data"].append(line_of(call, item, invoice["id"]))


def _reworded(call: Call, before: Obj) -> Obj:
    forbidden = [name for name in call.params if name not in AFTER_DRAFT]
    if forbidden:
        raise common.state_refused(
            f"Finalized invoices can't be updated in this way: {forbidden[0]} of invoice {before['id']} cannot change "
            f"any more (it is {before['status']}).",
            "invoice_not_editable",
            forbidden[0],
        )
    check_custom_fields(call.params.get("custom_fields"), "custom_fields")
    after = shapes.clone(before) | common.given(call.params, ("description", "footer", "custom_fields", "auto_advance"))
    after["metadata"] = common.merged_metadata(before["metadata"], call.params)
    return common.keep_changed(call, before, after, "invoice.updated")
