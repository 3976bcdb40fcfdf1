"""What draft invoices and their lines share: may it be edited, what it mirrors of its customer, storing changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .. import balances, totals
from ..errors import StripeFault, invalid
from ..routing import Call
from ..state import Obj, World
from . import common, discounts
from .line_items import Draft, line_of

MOST_LINES = 250
MIRRORED = ("address", "email", "name", "phone", "shipping", "tax_exempt")


def editable(invoice: Obj) -> None:
    """Refuse what can only be done to a draft."""
    if invoice["status"] != "draft":
        raise common.state_refused(
            f"Invoice {invoice['id']} is no longer editable: it is {invoice['status']}, and only drafts change.",
            "invoice_not_editable",
        )


def refreshed(world: World, account_id: str, invoice: Obj) -> Obj:
    """A draft as it is now: what it mirrors of its customer, its customer's balance, its sums. Stores nothing."""
    if invoice["status"] != "draft":
        return invoice
    store = world.store(account_id)
    customer = store["customer"][invoice["customer"]]
    mirror = {f"customer_{name}": customer[name] for name in MIRRORED}
    numbers = [
        {"type": each["type"], "value": each["value"]}
        for each in store["tax_id"].values()
        if each["customer"] == customer["id"]
    ]
    draft = totals.recomputed(world, account_id, invoice | mirror | {"customer_tax_ids": numbers})
    balance = balances.held(customer, draft["currency"])
    due = max(0, draft["total"] + balance)
    return draft | {"starting_balance": balance, "amount_due": due, "amount_remaining": due}


def put_lines(call: Call, invoice: Obj, drafts: list[Draft], metadata: dict[str, str] | None = None) -> Obj:
    """Check new and changed lines together, then store them, what came along, and the invoice with its new sums."""
    check_together(call, invoice, drafts)
    for each in drafts:
        keep(call, each)
    by_id = {each.line_id: each for each in drafts if each.line_id}
    lines = [
        line_of(call, by_id[line["id"]].item, invoice["id"], line["id"]) if line["id"] in by_id else line
        for line in invoice["lines"]["data"]
    ]
    lines += [line_of(call, each.item, invoice["id"]) for each in drafts if not each.line_id]
    return put_invoice(call, invoice, {"lines": invoice["lines"] | {"data": lines}, "metadata": metadata})


def put_invoice(call: Call, before: Obj, changed: dict[str, Any]) -> Obj:
    """Store a draft with these changes (None is left as it was) and its sums; says ``invoice.updated``."""
    wanted = {name: value for name, value in changed.items() if name != "metadata" or value is not None}
    after = refreshed(call.world, call.account_id, before | wanted)
    previous = common.changes(before, after)
    previous.pop("lines", None)
    call.world.put(call.account_id, after)
    if before != after:
        call.world.emit("invoice.updated", after, call.account_id, previous)
    return after


def keep(call: Call, draft: Draft) -> None:
    """Store an item and everything made with it, and say what was created."""
    for product in draft.products:
        common.keep_new(call, product, "product.created")
    for price in draft.prices:
        call.store["_inline"][price["id"]] = {"object": "_inline", "id": price["id"]}
        common.keep_new(call, price, "price.created")
    for rate in draft.rates:
        common.keep_new(call, rate, "tax_rate.created")
    discounts.keep(call, draft.discounts)
    fresh = draft.item["id"] not in call.store["invoiceitem"]
    call.world.put(call.account_id, draft.item)
    call.world.put(call.account_id, draft.note)
    if fresh:
        call.world.emit("invoiceitem.created", draft.item, call.account_id)


def check_together(call: Call, invoice: Obj, drafts: list[Draft]) -> None:
    """The rules that hold over all lines of an invoice: how many, and never tax rates beside imposed tax amounts."""
    changed = {each.item["id"] for each in drafts}
    kept = [item_of(call, line) for line in invoice["lines"]["data"]]
    kept = [item for item in kept if item["id"] not in changed]
    if len(kept) + len(drafts) > MOST_LINES:
        raise invalid(f"Invoices can have at most {MOST_LINES} line items.", "lines")
    rated = bool(invoice["default_tax_rates"]) or any(item["tax_rates"] for item in kept)
    imposed = any(call.store["_item"][item["id"]]["tax_amounts"] for item in kept)
    for each in drafts:
        has_rates, has_amounts = bool(each.item["tax_rates"]), bool(each.note["tax_amounts"])
        if (has_amounts and (rated or has_rates)) or (imposed and has_rates):
            raise _mixed(common.at(each.path, "tax_amounts" if has_amounts else "tax_rates"))
        rated, imposed = rated or has_rates, imposed or has_amounts
    discounted = (
        bool(invoice["discounts"])
        or any(each.item["discounts"] for each in drafts)
        or any(item["discounts"] for item in kept)
    )
    discounts.check_no_tax_amounts(call, imposed, discounted, common.at(drafts[0].path, "tax_amounts"))


def has_tax_amounts(call: Call, invoice: Obj) -> bool:
    """Whether a line of the invoice has imposed tax amounts."""
    return any(call.store["_item"][item_of(call, line)["id"]]["tax_amounts"] for line in invoice["lines"]["data"])


def item_of(call: Call, line: Obj) -> Obj:
    """The invoice item behind a line."""
    return call.store["invoiceitem"][line["parent"]["invoice_item_details"]["invoice_item"]]


def without(call: Call, lines: Iterable[Obj], gone: Callable[[Obj], bool]) -> tuple[list[Obj], list[Obj]]:
    """The lines that stay and those that go."""
    every = list(lines)
    return [each for each in every if not gone(each)], [each for each in every if gone(each)]


def _mixed(param: str) -> StripeFault:
    return invalid(
        "You cannot set tax amounts if any line item has tax rates or if the invoice has default tax rates "
        "or uses automatic tax.",
        param,
    )
