"""Telling the host: the status on its billables, and signals. At least once; the key in a payload never changes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from flask_crm_stripe.core.environment import Environment
from flask_crm_stripe.core.notices import Notices
from flask_crm_stripe.model.invoices import Invoice, Payment, Stage
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.ports.crm import CRM
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Publisher

log = logging.getLogger(__name__)

SIGNALS = {"succeeded": "payment_succeeded", "failed": "payment_failed"}
MAILS = {"succeeded": "paid", "failed": "failed"}


@dataclass(frozen=True)
class News:
    """What the host is told of an invoice."""

    ledger: Ledger
    crm: CRM
    publisher: Publisher
    environment: Environment
    notices: Notices

    def tell(self, invoice: Invoice, payments: Sequence[Payment] | None = None) -> None:
        """Tell the newest version, unless it was told. ``payments`` are the ones to announce (None: all known, after
        a crash between storing and telling). A copy tells nobody: its host would write to real people."""
        if invoice.told_version >= invoice.version or status_word(invoice) is None or self.environment.is_copy:
            return
        self.crm.set_billing_status(self._still_its_own(invoice), status_word(invoice) or "")
        key = f"{invoice.id}:{invoice.version}"
        name = "invoice_created" if invoice.told_version == 0 else "invoice_status_changed"
        self.publisher.publish(name, business=self.ledger.business, invoice=invoice, key=key)
        known = self.ledger.invoices.payments(invoice.id) if payments is None else payments
        for payment in known:
            if signal := SIGNALS.get(payment.status):
                key = f"{payment.stripe_id}:{payment.status}"
                self.publisher.publish(signal, business=self.ledger.business, invoice=invoice, payment=payment, key=key)
                self.notices.about_invoice(MAILS[payment.status], invoice, key)
        self._warn(invoice)
        self.ledger.invoices.told(invoice.id, invoice.version)

    def _warn(self, invoice: Invoice) -> None:
        """The admins hear of money that did not get back to the customer, once."""
        for refund in self.ledger.credits.refunds(invoice.id):
            if refund.failed:
                words = {"number": invoice.number or invoice.id[:8], "invoice": invoice.id}
                words |= {"amount": str(Money(refund.amount, refund.currency)), "reason": refund.reason or ""}
                self.notices.add("refund_failed", refund.stripe_id, self.notices.clock.now(), **words)

    def tell_or_later(self, invoice: Invoice, payments: Sequence[Payment] | None = None) -> Invoice:
        """What was done at Stripe is done, whether or not the host can be told now: the next round tells it again."""
        try:
            self.tell(invoice, payments)
        except Exception:
            log.exception("The CRM could not be told of invoice %s; it will be told again", invoice.id)
        return invoice

    def _still_its_own(self, invoice: Invoice) -> list[str]:
        """Its work, without what is on another invoice by now: that one's status stands there. What was only tried out
        says nothing of work that was really billed."""
        refs = invoice.plan.billables
        others = {
            ref
            for ref, livemode, id in self.ledger.invoices.claims(refs)
            if id != invoice.id and (livemode or not invoice.livemode)
        }
        return [ref for ref in refs if ref not in others]


def status_word(invoice: Invoice) -> str | None:
    """What stands on the billable: Stripe's status, empty once the invoice is gone or was credited in full to bill its
    work again, None while Stripe has nothing."""
    return "" if invoice.stage is Stage.ABANDONED or invoice.freed else invoice.status
