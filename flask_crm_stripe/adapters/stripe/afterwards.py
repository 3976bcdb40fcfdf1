"""What is done to an invoice that went out: void it, write it off, settle it with money that Stripe never saw."""

from __future__ import annotations

from flask_crm_stripe.adapters.stripe.client import AccountCalls
from flask_crm_stripe.adapters.stripe.reading import read_invoice
from flask_crm_stripe.adapters.stripe.values import plain, request_id
from flask_crm_stripe.model.invoices import RemoteInvoice


class AfterwardsCalls(AccountCalls):
    """Each one call with a key of its own."""

    def void_invoice(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Open or uncollectible to void: nothing is owed any more, for good."""
        answer = self.call(lambda: self.client.v1.invoices.void_invoice(invoice_id, None, self.options(key)))
        return read_invoice(plain(answer), request_id(answer))

    def write_off_invoice(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Open to uncollectible. The customer can still pay."""
        answer = self.call(lambda: self.client.v1.invoices.mark_uncollectible(invoice_id, None, self.options(key)))
        return read_invoice(plain(answer), request_id(answer))

    def settle_invoice(self, invoice_id: str, key: str) -> RemoteInvoice:
        """Open or uncollectible to paid, with money that Stripe never saw: all of what remains. Nothing is charged."""
        answer = self.call(
            lambda: self.client.v1.invoices.pay(invoice_id, {"paid_out_of_band": True}, self.options(key))
        )
        return read_invoice(plain(answer), request_id(answer))
