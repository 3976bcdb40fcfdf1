"""/v1/customers/{id}/balance_transactions: what a customer has in credit or owes beside its invoices."""

from __future__ import annotations

from .. import balances, money
from ..errors import invalid, missing
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj
from . import common, customers

PATH = "/v1/customers/{id}/balance_transactions"
LIST = "created ending_before invoice limit starting_after"


@route("POST", PATH, "CustomerBalanceTransactionCreateParams", "amount currency description metadata")
def create(call: Call) -> Obj:
    """Change a customer's balance: below 0 is a credit for the customer, above 0 what it owes more."""
    customer, params = customers.alive(call), call.params
    currency = money.check_currency(params["currency"], "currency")
    money.check_amount(params["amount"], currency, "amount")
    if not params["amount"]:
        raise invalid("This value must not be 0.", "amount", "parameter_invalid_integer")
    more = {"description": params.get("description"), "metadata": common.merged_metadata(None, params)}
    amount = params["amount"]
    return balances.move(call.world, call.account_id, customer["id"], currency, amount, "adjustment", **more)


@route("GET", PATH, "CustomerBalanceTransactionListParams", LIST)
def list_all(call: Call) -> Obj:
    """A customer's balance transactions, newest first."""
    customer = customers.alive(call)
    if "invoice" in call.params:
        call.get("invoice", call.params["invoice"], "invoice")
    every = call.store["customer_balance_transaction"].values()
    mine = [each for each in every if each["customer"] == customer["id"]]
    return page(call, matching(mine, call.params, "invoice"))


@route("GET", PATH + "/{transaction}", "CustomerBalanceTransactionRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One balance transaction of the customer."""
    customer = customers.alive(call)
    found = call.store["customer_balance_transaction"].get(call.ids["transaction"])
    if found is None or found["customer"] != customer["id"]:
        raise missing("customer_balance_transaction", call.ids["transaction"], status=404)
    return found
