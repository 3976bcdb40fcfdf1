"""Customers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import stripe
from stripe.params import (
    CustomerCreateParams,
    CustomerListParams,
    CustomerTaxIdCreateParams,
    CustomerUpdateParams,
    CustomerUpdateParamsAddress,
)

from flask_crm_stripe.adapters.stripe.client import AccountCalls
from flask_crm_stripe.adapters.stripe.values import (
    MARKER,
    PAGE,
    Made,
    every,
    made,
    plain,
    seconds_since,
    some,
    thing,
)
from flask_crm_stripe.errors import Refused
from flask_crm_stripe.model.connection import RemoteThing
from flask_crm_stripe.model.invoices import CustomerDraft


class CustomerCalls(AccountCalls):
    """Stripe knows no own ids for customers, so one whose making was not answered is found by our metadata."""

    def create_customer(self, draft: CustomerDraft, key: str) -> Made:
        """A new customer."""
        params: CustomerCreateParams = {"name": draft.name, "metadata": draft.metadata or {}}
        if draft.email:
            params["email"] = draft.email
        if draft.phone:
            params["phone"] = draft.phone
        if draft.locale:
            params["preferred_locales"] = [draft.locale]
        if address := _address(draft):
            params["address"] = address
        if draft.exempt != "none":
            params["tax_exempt"] = cast(Any, draft.exempt)
        return made(self.call(lambda: self.client.v1.customers.create(params, self.options(key))))

    def update_customer(self, customer_id: str, draft: CustomerDraft, key: str) -> Made:
        """Bring a customer up to date. What the contact has no more stays at Stripe, except the address.

        (Only parameters typed ``Literal['']`` can be cleared. E-mail and phone are not, and an empty list of locales is
        dropped from the request.) Parts of an old address that Stripe kept beside the new one take two calls more.
        """
        params = self._update_params(draft)
        answer = self.call(lambda: self.client.v1.customers.update(customer_id, params, self.options(key)))
        if _has_stale_parts(plain(answer).get("address"), draft):
            cleared: CustomerUpdateParams = {"address": ""}
            self.call(lambda: self.client.v1.customers.update(customer_id, cleared, self.options(f"{key}:clear")))
            again = self.options(f"{key}:address")
            answer = self.call(lambda: self.client.v1.customers.update(customer_id, params, again))
        return made(answer)

    def _update_params(self, draft: CustomerDraft) -> CustomerUpdateParams:
        params: CustomerUpdateParams = {
            "name": draft.name,
            "address": _address(draft) or "",
            "metadata": draft.metadata or {},
            "tax_exempt": cast(Any, draft.exempt),
        }
        if draft.email:
            params["email"] = draft.email
        if draft.phone:
            params["phone"] = draft.phone
        if draft.locale:
            params["preferred_locales"] = [draft.locale]
        return params

    def set_vat_number(self, customer_id: str, kind: str, number: str, key: str) -> None:
        """The customer's one VAT number; without a kind none. Two calls and one for each that goes; asking again does
        what is left. A number that Stripe finds malformed is ``Refused`` with ``tax_id_invalid``."""
        listed = self.call(lambda: self.client.v1.customers.tax_ids.list(customer_id, {"limit": PAGE}, self.options()))
        known = [plain(row) for row in listed.data]
        if kind and not any((row["type"], row["value"]) == (kind, number) for row in known):
            params: CustomerTaxIdCreateParams = {"type": cast(Any, kind), "value": number}
            self.call(lambda: self.client.v1.customers.tax_ids.create(customer_id, params, self.options(key)))
        for row in known:
            if (row["type"], row["value"]) != (kind, number):
                self._drop_vat_number(customer_id, row["id"])

    def _drop_vat_number(self, customer_id: str, tax_id: str) -> None:
        try:
            self.call(lambda: self.client.v1.customers.tax_ids.delete(customer_id, tax_id, None, self.options()))
        except Refused as refusal:
            if refusal.stripe_code != "resource_missing":
                raise

    def find_customer(self, marker: str, since: datetime) -> Made | None:
        """The customer made since then whose metadata carries our ``marker``.

        Listed, not searched: Stripe's search may know a new object only an hour later.
        """

        def page(after: str | None) -> stripe.ListObject[stripe.Customer]:
            params: CustomerListParams = {"created": {"gte": seconds_since(since)}, "limit": PAGE}
            if after:
                params["starting_after"] = after
            return self.call(lambda: self.client.v1.customers.list(params, self.options()))

        rows = (row for row in every(page) if (row.get("metadata") or {}).get(MARKER) == marker)
        found = next(rows, None)
        return Made(found["id"]) if found else None

    def list_customers(self, limit: int) -> tuple[RemoteThing, ...]:
        """Customers that the account has, newest first, at most ``limit``."""

        def page(after: str | None, size: int) -> stripe.ListObject[stripe.Customer]:
            params: CustomerListParams = {"limit": size}
            if after:
                params["starting_after"] = after
            return self.call(lambda: self.client.v1.customers.list(params, self.options()))

        return tuple(thing(row) for row in some(page, limit))


def _address(draft: CustomerDraft) -> CustomerUpdateParamsAddress:
    """Only the parts there are: Stripe refuses empty ones."""
    whole: CustomerUpdateParamsAddress = {
        "line1": draft.line1,
        "line2": draft.line2,
        "postal_code": draft.postal_code,
        "city": draft.city,
        "state": draft.state,
        "country": draft.country,
    }
    return cast(CustomerUpdateParamsAddress, {part: value for part, value in whole.items() if value})


def _has_stale_parts(answered: Mapping[str, Any] | None, draft: CustomerDraft) -> bool:
    sent = _address(draft)
    return bool(sent) and any(value and part not in sent for part, value in (answered or {}).items())
