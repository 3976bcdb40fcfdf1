"""Credit notes and refunds: what an invoice is put right by, and money that goes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import stripe
from stripe.params import (
    CreditNoteCreateParams,
    CreditNoteLineItemListParams,
    CreditNoteListParams,
    CreditNotePreviewParams,
    InvoiceLineItemListParams,
    RefundListParams,
)

from flask_crm_stripe.adapters.stripe.client import AccountCalls
from flask_crm_stripe.adapters.stripe.reading import read_vat
from flask_crm_stripe.adapters.stripe.values import PAGE, every, id_of, moment, plain, request_id
from flask_crm_stripe.adapters.stripe.words import refund_words
from flask_crm_stripe.model.credits import (
    CreditDraft,
    Refund,
    RefundLink,
    RemoteCredit,
    RemoteCreditLine,
    RemoteLine,
)


class CreditCalls(AccountCalls):
    """Making and reading credit notes; reading refunds."""

    def invoice_lines(self, invoice_id: str) -> Sequence[RemoteLine]:
        """Every line of the invoice at Stripe, in Stripe's order."""

        def page(after: str | None) -> stripe.ListObject[stripe.InvoiceLineItem]:
            params: InvoiceLineItemListParams = {"limit": PAGE}
            if after:
                params["starting_after"] = after
            return self.call(lambda: self.client.v1.invoices.line_items.list(invoice_id, params, self.options()))

        return tuple(_line(row) for row in every(page))

    def preview_credit(self, draft: CreditDraft) -> RemoteCredit:
        """What the credit note would be; nothing is made, and no money moves."""
        params: CreditNotePreviewParams = credit_params(draft)
        answer = self.call(lambda: self.client.v1.credit_notes.preview(params, self.options()))
        return read_credit(plain(answer), (), request_id(answer))

    def create_credit(self, draft: CreditDraft, key: str) -> RemoteCredit:
        """Issue a credit note; ``draft.refund`` of it goes back to the card in the same call."""
        params = credit_params(draft)
        answer = self.call(lambda: self.client.v1.credit_notes.create(params, self.options(key)))
        return read_credit(plain(answer), (), request_id(answer))

    def credits(self, invoice_id: str) -> Sequence[RemoteCredit]:
        """Every credit note of the invoice, oldest first. The lines of one that has many are asked for on their own."""

        def page(after: str | None) -> stripe.ListObject[stripe.CreditNote]:
            params: CreditNoteListParams = {"invoice": invoice_id, "limit": PAGE}
            if after:
                params["starting_after"] = after
            return self.call(lambda: self.client.v1.credit_notes.list(params, self.options()))

        return tuple(read_credit(row, self._lines(row)) for row in list(every(page))[::-1])

    def refunds(self, payment_intent: str) -> Sequence[Refund]:
        """Everything that went back of a payment, oldest first, what failed included."""

        def page(after: str | None) -> stripe.ListObject[stripe.Refund]:
            params: RefundListParams = {"payment_intent": payment_intent, "limit": PAGE}
            if after:
                params["starting_after"] = after
            return self.call(lambda: self.client.v1.refunds.list(params, self.options()))

        return tuple(read_refund(row, payment_intent) for row in list(every(page))[::-1])

    def _lines(self, note: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        lines = note.get("lines") or {}
        if not lines.get("has_more"):
            return tuple(lines.get("data") or ())

        def page(after: str | None) -> stripe.ListObject[stripe.CreditNoteLineItem]:
            params: CreditNoteLineItemListParams = {"limit": PAGE}
            if after:
                params["starting_after"] = after
            return self.call(lambda: self.client.v1.credit_notes.line_items.list(note["id"], params, self.options()))

        return tuple(every(page))


def credit_params(draft: CreditDraft) -> CreditNoteCreateParams:
    """Always by amount: a line once credited by quantity can't be credited by amount any more. The VAT is imposed, by
    the rate that Stripe made for the line."""
    params: dict[str, Any] = {
        "invoice": draft.invoice,
        "lines": [
            {"type": "invoice_line_item", "invoice_line_item": line.line, "amount": line.amount}
            | (
                {"tax_amounts": [{"amount": line.vat, "taxable_amount": line.base, "tax_rate": line.tax_rate}]}
                if line.tax_rate
                else {}
            )
            for line in draft.lines
        ],
        "email_type": "credit_note" if draft.mail else "none",
        "metadata": draft.metadata,
    }
    if draft.refund:
        params["refund_amount"] = draft.refund
    if draft.elsewhere:
        params["out_of_band_amount"] = draft.elsewhere
    if draft.links:
        params["refunds"] = [{"refund": link.refund, "amount_refunded": link.amount} for link in draft.links]
    return cast(CreditNoteCreateParams, params)


def read_credit(
    answer: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], request_id: str | None = None
) -> RemoteCredit:
    """The figures as Stripe has them, in minor units. Without ``lines`` those of the answer are read."""
    taxes = answer.get("total_taxes") or ()
    created = moment(answer.get("created"))
    if created is None:
        raise ValueError("A credit note of Stripe's has no time of creation.")
    return RemoteCredit(
        id=answer["id"],
        invoice=id_of(answer.get("invoice")),
        status=answer.get("status") or "",
        currency=answer["currency"],
        total=answer["total"],
        tax=sum(tax["amount"] for tax in taxes),
        before=answer.get("pre_payment_amount") or 0,
        after=answer.get("post_payment_amount") or 0,
        created=created,
        number=answer.get("number"),
        vat=read_vat(taxes),
        lines=tuple(_credit_line(row) for row in lines or (answer.get("lines") or {}).get("data") or ()),
        links=tuple(
            RefundLink(id_of(each.get("refund")), each.get("amount_refunded") or 0)
            for each in answer.get("refunds") or ()
            if id_of(each.get("refund"))
        ),
        elsewhere=answer.get("out_of_band_amount") or 0,
        metadata=dict(answer.get("metadata") or {}),
        pdf_url=answer.get("pdf"),
        request_id=request_id,
    )


def read_refund(row: Mapping[str, Any], payment_intent: str) -> Refund:
    """Money that went back, or was to."""
    at = moment(row.get("created"))
    if at is None:
        raise ValueError("A refund of Stripe's has no time of creation.")
    reason = row.get("failure_reason")
    return Refund(
        stripe_id=row["id"],
        amount=row["amount"],
        currency=row["currency"],
        status=row.get("status") or "",
        at=at,
        payment_intent=id_of(row.get("payment_intent")) or payment_intent,
        reason=refund_words(reason) if reason else None,
    )


def _line(row: Mapping[str, Any]) -> RemoteLine:
    rates = [(tax.get("tax_rate_details") or {}).get("tax_rate") for tax in row.get("taxes") or ()]
    rate = id_of(rates[0]) if rates else ""
    return RemoteLine(row["id"], (row.get("metadata") or {}).get("crm_line", ""), rate or None)


def _credit_line(row: Mapping[str, Any]) -> RemoteCreditLine:
    taxes = row.get("taxes") or ()
    return RemoteCreditLine(
        line=id_of(row.get("invoice_line_item")) or None,
        description=row.get("description") or "",
        amount=row["amount"] - (row.get("discount_amount") or 0),
        vat=sum(tax["amount"] for tax in taxes),
        base=sum(tax.get("taxable_amount") or 0 for tax in taxes),
        included=any(tax.get("tax_behavior") == "inclusive" for tax in taxes),
    )
