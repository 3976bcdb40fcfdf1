"""What can only be read: payment intents, charges, invoice payments, balance transactions."""

from __future__ import annotations

from typing import Any

from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj

PAGED = "created ending_before limit starting_after"


@route("GET", "/v1/payment_intents/{id}", "PaymentIntentRetrieveParams")
def payment_intent(call: Call) -> Obj:
    """One payment intent."""
    return call.named("payment_intent")


@route("GET", "/v1/payment_intents", "PaymentIntentListParams", f"{PAGED} customer")
def payment_intents(call: Call) -> Obj:
    """Payment intents, newest first."""
    return page(call, matching(call.store["payment_intent"].values(), call.params, "customer"))


@route("GET", "/v1/charges/{id}", "ChargeRetrieveParams")
def charge(call: Call) -> Obj:
    """One charge."""
    return call.named("charge")


@route("GET", "/v1/charges", "ChargeListParams", f"{PAGED} customer payment_intent")
def charges(call: Call) -> Obj:
    """Charges, newest first."""
    return page(call, matching(call.store["charge"].values(), call.params, "customer", "payment_intent"))


@route("GET", "/v1/invoice_payments/{id}", "InvoicePaymentRetrieveParams")
def invoice_payment(call: Call) -> Obj:
    """One invoice payment."""
    return call.named("invoice_payment")


@route("GET", "/v1/invoice_payments", "InvoicePaymentListParams", f"{PAGED} invoice payment status")
def invoice_payments(call: Call) -> Obj:
    """Invoice payments; the only way from a payment to its invoice."""
    if "invoice" in call.params:
        call.get("invoice", call.params["invoice"], "invoice")
    found = matching(call.store["invoice_payment"].values(), call.params, "invoice", "status")
    return page(call, [each for each in found if _paid_by(each["payment"], call.params.get("payment", {}))])


@route("GET", "/v1/balance_transactions/{id}", "BalanceTransactionRetrieveParams")
def balance_transaction(call: Call) -> Obj:
    """One movement of the account's balance."""
    return call.named("balance_transaction")


@route("GET", "/v1/balance_transactions", "BalanceTransactionListParams", f"{PAGED} currency source type")
def balance_transactions(call: Call) -> Obj:
    """Movements of the account's balance, newest first."""
    return page(call, matching(call.store["balance_transaction"].values(), call.params, "currency", "source", "type"))


def _paid_by(payment: Obj, wanted: dict[str, Any]) -> bool:
    return all(payment.get(name) == value for name, value in wanted.items())
