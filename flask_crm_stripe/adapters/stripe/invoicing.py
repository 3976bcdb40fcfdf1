"""Invoices: create, fill, finalise, send, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

import stripe
from stripe.params import (
    InvoiceAddLinesParams,
    InvoiceCreateParams,
    InvoiceFinalizeInvoiceParams,
    InvoiceLineItemListParams,
    InvoiceListParams,
)

from flask_crm_stripe.adapters.stripe.client import AccountCalls
from flask_crm_stripe.adapters.stripe.lines import line_params
from flask_crm_stripe.adapters.stripe.reading import ORDER_NUMBER, read_invoice
from flask_crm_stripe.adapters.stripe.values import MARKER, PAGE, every, seconds_since
from flask_crm_stripe.errors import Refused
from flask_crm_stripe.model.invoices import InvoiceDraft, LineDraft, RemoteInvoice

CUSTOM_FIELD_LIMIT = 140


@dataclass(frozen=True)
class InvoicingCalls(AccountCalls):
    """The steps of an invoice, each one call with a key of its own."""

    def create_invoice(self, draft: InvoiceDraft, key: str) -> RemoteInvoice:
        """An empty draft: no pending items, no inherited discount, no automatic advance."""
        params: InvoiceCreateParams = {
            "customer": draft.customer,
            "currency": draft.currency,
            "collection_method": "send_invoice",
            "days_until_due": draft.days_until_due,
            "auto_advance": False,
            "pending_invoice_items_behavior": "exclude",
            "discounts": "",  # Left out, or as an empty list, the customer's own discount would be inherited.
            "metadata": draft.metadata,
        }
        if draft.description:
            params["description"] = draft.description
        if draft.footer:
            params["footer"] = draft.footer
        if draft.order_number:
            number = draft.order_number[:CUSTOM_FIELD_LIMIT]
            params["custom_fields"] = [{"name": ORDER_NUMBER, "value": number}]
        return self._step("post", "/v1/invoices", params, key)

    def find_invoice(self, marker: str, customer: str, since: datetime) -> RemoteInvoice | None:
        """The customer's invoice made since then whose metadata carries our ``marker``."""

        def page(after: str | None) -> stripe.ListObject[stripe.Invoice]:
            params: InvoiceListParams = {
                "customer": customer,
                "created": {"gte": seconds_since(since)},
                "limit": PAGE,
            }
            if after:
                params["starting_after"] = after
            return self.call(lambda: self.client.v1.invoices.list(params, self.options()))

        rows = (row for row in every(page) if (row.get("metadata") or {}).get(MARKER) == marker)
        found = next(rows, None)
        return read_invoice(found, None) if found else None

    def add_lines(self, invoice_id: str, lines: Sequence[LineDraft], key: str) -> RemoteInvoice:
        """Add all lines to a draft, in order (at most 250, Stripe's own limit for an invoice)."""
        params: InvoiceAddLinesParams = {"lines": [line_params(line) for line in lines]}
        return self._step("post", f"{_path(invoice_id)}/add_lines", params, key)

    def line_keys(self, invoice_id: str) -> Sequence[str]:
        """The ``crm_line`` metadata of every line at Stripe ("" where it has none), in Stripe's order."""

        def page(after: str | None) -> stripe.ListObject[stripe.InvoiceLineItem]:
            params: InvoiceLineItemListParams = {"limit": PAGE}
            if after:
                params["starting_after"] = after
            return self.call(lambda: self.client.v1.invoices.line_items.list(invoice_id, params, self.options()))

        return tuple((row.get("metadata") or {}).get("crm_line", "") for row in every(page))

    def finalise(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Draft to open (or paid, where nothing is due). Nothing advances by itself afterwards either."""
        params: InvoiceFinalizeInvoiceParams = {"auto_advance": False}
        return self._step("post", f"{_path(invoice_id)}/finalize", params, key)

    def send(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Let Stripe mail an open invoice."""
        return self._step("post", f"{_path(invoice_id)}/send", {}, key)

    def delete_draft(self, invoice_id: str) -> None:
        """Delete a draft; gone already counts as done."""
        try:
            self.call(lambda: self.client.v1.invoices.delete(invoice_id, None, self.options()))
        except Refused as refusal:
            if refusal.stripe_code != "resource_missing":
                raise

    def invoice(self, invoice_id: str) -> RemoteInvoice:
        """The invoice as it is now."""
        return self._step("get", _path(invoice_id), {})

    def _step(self, method: str, path: str, params: Mapping[str, Any], key: str | None = None) -> RemoteInvoice:
        answer = self.raw(method, path, params, key)
        return read_invoice(cast(Mapping[str, Any], answer.data), answer.request_id)


def _path(invoice_id: str) -> str:
    return f"/v1/invoices/{quote(invoice_id, safe='')}"
