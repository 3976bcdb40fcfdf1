"""What is done to an invoice of the in-memory Stripe once it went out, as the port asks for it."""

from __future__ import annotations

from flask_crm_stripe.model.connection import Account
from flask_crm_stripe.model.invoices import Payment, RemoteInvoice, Status
from flask_crm_stripe.model.payments import RECORDED
from flask_crm_stripe.ports.runtime import Clock
from flask_crm_stripe.testing.memory_account import MemoryAccount
from flask_crm_stripe.testing.memory_objects import MemoryInvoice, missing

REFUSED = "status_transition_invalid"


class MemoryAfterwards(MemoryAccount):
    """Void, write off, settle. ``lists_settled`` is for tests: whether a settled invoice has a payment that says so."""

    def __init__(self, account: Account, clock: Clock, platform: str) -> None:
        super().__init__(account, clock, platform)
        self.invoices: dict[str, MemoryInvoice] = {}
        self.lists_settled = False

    def void_invoice(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Open or uncollectible to void."""

        def work(request_id: str) -> RemoteInvoice:
            self.void(invoice_id)
            return self._invoice(invoice_id).picture(request_id)

        return self._do("void_invoice", key, (invoice_id,), work)

    def write_off_invoice(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Open to uncollectible."""

        def work(request_id: str) -> RemoteInvoice:
            self.mark_uncollectible(invoice_id)
            return self._invoice(invoice_id).picture(request_id)

        return self._do("write_off_invoice", key, (invoice_id,), work)

    def settle_invoice(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Open or uncollectible to paid, without a payment that Stripe made."""

        def work(request_id: str) -> RemoteInvoice:
            invoice, now = self._invoice(invoice_id), self._clock.now()
            invoice.require(Status.OPEN, Status.UNCOLLECTIBLE, code="invoice_already_paid", deed="paid")
            if self.lists_settled:
                left, currency = invoice.left, invoice.draft.currency
                invoice.payments.append(Payment(self._id("inpay"), RECORDED, left, currency, "succeeded", now))
            invoice.paid, invoice.status, invoice.paid_at = invoice.paid + invoice.left, Status.PAID, now
            return invoice.picture(request_id)

        return self._do("settle_invoice", key, (invoice_id,), work)

    # The same, by the business in Stripe's dashboard

    def void(self, invoice_id: str) -> None:
        """The business voids the invoice in Stripe's dashboard."""
        invoice = self._invoice(invoice_id)
        invoice.require(Status.OPEN, Status.UNCOLLECTIBLE, code=REFUSED, deed="voided")
        invoice.status, invoice.voided_at = Status.VOID, self._clock.now()

    def mark_uncollectible(self, invoice_id: str) -> None:
        """The business gives the money up in Stripe's dashboard."""
        invoice = self._invoice(invoice_id)
        invoice.require(Status.OPEN, code=REFUSED, deed="marked uncollectible")
        invoice.status = Status.UNCOLLECTIBLE

    def _invoice(self, invoice_id: str) -> MemoryInvoice:
        if invoice_id not in self.invoices:
            raise missing("invoice", invoice_id)
        return self.invoices[invoice_id]
