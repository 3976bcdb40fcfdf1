"""/v1/refunds: money back from a charge, in whole or in parts. What happens to it later is in ../refunds.py."""

from __future__ import annotations

from .. import money, refunds
from ..errors import StripeFault
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj
from . import common

LIST = "charge created ending_before limit payment_intent starting_after"


@route("POST", "/v1/refunds", "RefundCreateParams", "amount charge metadata payment_intent reason")
def create(call: Call) -> Obj:
    """Refund a charge, or what is left of it. The invoice that it paid stays as it is [SDK]."""
    params = call.params
    common.exclusive(params, "charge", "payment_intent")
    common.required(params, "charge", "payment_intent")
    metadata = common.merged_metadata(None, params)
    charge = _charge(call)
    if "amount" in params:
        common.positive(params, "amount")
        money.check_amount(params["amount"], charge["currency"], "amount")
    amount = params.get("amount", refunds.left(charge))
    fields = {"metadata": metadata, "reason": params.get("reason")}
    return refunds.make(call.world, call.account_id, charge, amount, **fields)


@route("POST", "/v1/refunds/{id}", "RefundUpdateParams", "metadata")
def update(call: Call) -> Obj:
    """Change a refund's metadata; nothing else can change."""
    before = call.named("refund")
    after = before | {"metadata": common.merged_metadata(before["metadata"], call.params)}
    return refunds.say_updated(call.world, call.account_id, before, after)


@route("GET", "/v1/refunds/{id}", "RefundRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One refund."""
    return call.named("refund")


@route("GET", "/v1/refunds", "RefundListParams", LIST)
def list_all(call: Call) -> Obj:
    """Refunds, newest first."""
    for name in ("charge", "payment_intent"):
        if name in call.params:
            call.get(name, call.params[name], name)
    return page(call, matching(call.store["refund"].values(), call.params, "charge", "payment_intent"))


def _charge(call: Call) -> Obj:
    if "charge" in call.params:
        return call.get("charge", call.params["charge"], "charge")
    intent = call.get("payment_intent", call.params["payment_intent"], "payment_intent")
    if intent["status"] != "succeeded":
        words = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise StripeFault(words, param="payment_intent", executed=True)
    return call.store["charge"][intent["latest_charge"]]
