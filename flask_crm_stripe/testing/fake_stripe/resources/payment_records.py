"""/v1/payment_records: payments that were made elsewhere, reported so that invoices can be paid with them."""

from __future__ import annotations

from typing import Any

from .. import money, shapes
from ..errors import invalid
from ..paging import page, within
from ..routing import Call, route
from ..state import Obj
from . import common

OUTCOMES = ("guaranteed", "failed", "canceled")
LIST = "created_after created_before ending_before limit starting_after"
BUILT = (
    "amount_requested canceled customer_details customer_presence description failed guaranteed initiated_at metadata "
    "outcome payment_method_details.billing_details payment_method_details.custom payment_method_details.type "
    "processor_details shipping_details"
)


@route("POST", "/v1/payment_records/report_payment", "PaymentRecordReportPaymentParams", BUILT)
def report_payment(call: Call) -> Obj:
    """Report a payment that Stripe had no part in, with how it ended, if it has."""
    params = call.params
    currency, value = _amount(params["amount_requested"])
    outcome = _outcome(call, params)
    sums = {name: {"currency": currency, "value": 0} for name in _sums()}
    sums |= {name: {"currency": currency, "value": value} for name in ("amount", "amount_requested")}
    if outcome:
        sums[f"amount_{outcome}"] = {"currency": currency, "value": value}
    record = common.new(
        call,
        "payment_record",
        "pr",
        customer_details=_customer(call, params.get("customer_details")),
        customer_presence=params.get("customer_presence"),
        description=params.get("description"),
        latest_payment_attempt_record=call.world.new_id("par"),
        metadata=common.merged_metadata(None, params),
        payment_method_details=_method(params["payment_method_details"]),
        processor_details=_processor(params.get("processor_details")),
        reported_by="self",
        shipping_details=_shipping(params.get("shipping_details")),
        **sums,
    )
    return call.world.put(call.account_id, record)


@route("GET", "/v1/payment_records/{id}", "PaymentRecordRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One payment record."""
    return call.named("payment_record")


@route("GET", "/v1/payment_records", "PaymentRecordListParams", LIST)
def list_all(call: Call) -> Obj:
    """Payment records, newest first."""
    after, before = call.params.get("created_after"), call.params.get("created_before")
    bounds = {name: at for name, at in (("gt", after), ("lt", before)) if at is not None}
    return page(call, [each for each in call.store["payment_record"].values() if within(each["created"], bounds)])


def _sums() -> list[str]:
    return [name for name in shapes.declared(shapes.resource_class("payment_record")) if name.startswith("amount")]


def _amount(given: Obj) -> tuple[str, int]:
    currency = money.check_currency(given["currency"], "amount_requested[currency]")
    common.positive(given, "value", prefix="amount_requested")
    money.check_amount(given["value"], currency, "amount_requested[value]")
    return currency, given["value"]


def _outcome(call: Call, params: dict[str, Any]) -> str | None:
    """The outcome; the details of it must be there, and those of no other. None of it can lie ahead."""
    outcome: str | None = params.get("outcome")
    for name in OUTCOMES:
        if name == outcome:
            common.required(params, name)
        elif name in params:
            raise invalid(f"You can only pass `{name}` if the outcome is `{name}`.", name)
    times = {"initiated_at": params["initiated_at"]}
    if outcome:
        times |= {f"{outcome}[{name}]": at for name, at in params[outcome].items()}
    for param, at in times.items():
        if at > call.world.now():
            raise invalid("This payment cannot have happened in the future.", param)
    return outcome


def _customer(call: Call, given: Obj | None) -> Obj | None:
    if given is None:
        return None
    if "customer" in given:
        call.get("customer", given["customer"], "customer_details[customer]")
    return shapes.nested_blank("payment_record", "customer_details") | given


def _method(given: Obj) -> Obj:
    path = "payment_method_details"
    common.required(given, "custom", prefix=path)
    custom = shapes.nested_blank("payment_record", path, "custom") | given["custom"]
    billing = shapes.nested_blank("payment_record", path, "billing_details")
    address = shapes.nested_blank("payment_record", path, "billing_details", "address")
    asked = given.get("billing_details", {})
    billing |= asked | {"address": address | asked.get("address", {})}
    return {"billing_details": billing, "custom": custom, "payment_method": None, "type": "custom"}


def _processor(given: Obj | None) -> Obj:
    return shapes.nested_blank("payment_record", "processor_details") | (given or {})


def _shipping(given: Obj | None) -> Obj | None:
    if given is None:
        return None
    address = shapes.nested_blank("payment_record", "shipping_details", "address") | given.get("address", {})
    return shapes.nested_blank("payment_record", "shipping_details") | given | {"address": address}
