"""Work becomes an invoice: chosen, previewed, made, checked against ours to the minor unit, and sent.

Making one is a row of steps, each written down before its call. Whatever stops it, the next run goes on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask_crm_stripe.core.catalogue import Catalogue
from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.figures import Terms, Work, make_plan
from flask_crm_stripe.core.invoice_steps import InvoiceSteps, next_step
from flask_crm_stripe.core.log import note
from flask_crm_stripe.core.news import News
from flask_crm_stripe.core.rights import require
from flask_crm_stripe.core.selection import (
    BillableRow,
    SourceBilling,
    billable_row,
    check_choice,
    check_repeat,
    check_terms,
)
from flask_crm_stripe.errors import Conflict, InvalidInput, NotFound, PlanChanged
from flask_crm_stripe.model.business import DRAFT, SEND, VIEW, Actor
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.crm import Billable, Contact, Service, Source, SourceRef
from flask_crm_stripe.model.invoices import Invoice, InvoicePlan, Stage, Status
from flask_crm_stripe.ports.crm import CRM
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock

log = logging.getLogger(__name__)

__all__ = ["BillableRow", "Invoicing", "SourceBilling", "Terms"]


@dataclass(frozen=True)
class Invoicing:
    """The invoices of the business."""

    actor: Actor
    ledger: Ledger
    crm: CRM
    connections: Connections
    catalogue: Catalogue
    steps: InvoiceSteps
    news: News
    clock: Clock

    def source(self, ref: SourceRef) -> SourceBilling:
        """What can be billed of an opportunity, ticket or order. Raises ``NotFound``."""
        require(self.actor, VIEW, "see work to bill")
        source = self._source(ref)
        billables = self.crm.billables(ref)
        invoices = self.ledger.invoices.of_billables([billable.ref for billable in billables])
        services = self._services(billables)
        rows = [billable_row(b, services.get(b.service or ""), invoices.get(b.ref)) for b in billables]
        contact = self.crm.contact(source.contact) if source.contact else None
        return SourceBilling.of(source, contact, rows)

    def preview(self, ref: SourceRef, billables: Sequence[str], terms: Terms) -> InvoicePlan:
        """The invoice that these billables make; nothing reaches Stripe. Raises ``InvalidInput``, ``BillableTaken``."""
        require(self.actor, DRAFT, "make invoices")
        billing = self.source(ref)
        rows = check_choice(billing, billables)
        contact = self._payer(billing.source, billing.contact)
        check_terms(terms, contact)
        work = [Work(row.billable, row.vat_rate or Decimal(0), row.code, row.list_price) for row in rows]
        return make_plan(contact, work, terms, rows[0].billable.currency)

    def generate(
        self, ref: SourceRef, billables: Sequence[str], terms: Terms, *, seen: str, form_key: str, send: bool
    ) -> Invoice:
        """Make the invoice that was previewed. ``seen`` is the digest of that preview, ``form_key`` one press of a
        button: the same key again gives the same invoice.

        Raises ``PlanChanged``, ``BillableTaken``, ``NotConnected``, ``GateStopped``, and ``ProviderError`` with
        ``invoice_id``: that invoice is kept, and continuing it completes it.
        """
        self._may_make(send)
        connection = self.connections.require_live()
        if not form_key:
            raise InvalidInput("form_key", "The form has lost its key. Reload the page and try again.")
        invoice, made = self.ledger.invoices.by_form_key(form_key), False
        if invoice is not None:
            check_repeat(invoice, billables)
        else:
            plan = self.preview(ref, billables, terms)
            if digest(plan) != seen:
                raise PlanChanged
            if send and not connection.account.charges_enabled:
                raise Conflict(
                    "Customers can't pay you at the moment, so nothing was sent. Save it as a draft instead."
                )
            invoice, made = self.ledger.invoices.plan(
                connection.account_id,
                connection.livemode,
                plan,
                form_key=form_key,
                send=send,
                actor=self.actor.ref,
                now=self.clock.now(),
            )
        self._may_go_on(invoice)
        self._log("invoice.make" if made else "invoice.make_again", invoice.id)
        return self._run(invoice)

    def send(self, invoice_id: str) -> Invoice:
        """Bring a draft, or an invoice that was interrupted or stopped, to its end."""
        require(self.actor, SEND, "send invoices")
        self.connections.require_live()
        invoice = self.get(invoice_id)
        if invoice.status in (Status.PAID, Status.VOID, Status.UNCOLLECTIBLE) or invoice.stage is Stage.ABANDONED:
            raise Conflict("This invoice is finished, so it can't be sent.")
        self._log("invoice.send", invoice_id)
        if not invoice.send:
            invoice = self.ledger.invoices.want_sent(invoice_id, self.actor.ref, self.clock.now())
        return self._run(invoice)

    def resume(self, invoice_id: str) -> Invoice:
        """Go on with an interrupted invoice, as far as its maker wanted: one that shall be sent needs that right."""
        self._may_make(send=False)
        invoice = self.get(invoice_id)
        self._may_go_on(invoice)
        self._log("invoice.resume", invoice_id)
        return self._run(invoice)

    def delete_draft(self, invoice_id: str) -> None:
        """Delete the draft at Stripe and free its billables. A finalised invoice is never deleted."""
        require(self.actor, DRAFT, "delete drafts")
        self.connections.require_live()
        invoice = self.get(invoice_id)
        if invoice.status not in (None, Status.DRAFT) or invoice.stage is Stage.ABANDONED:
            raise Conflict("Only drafts can be deleted. A finalised invoice keeps its number for ever.")
        self._log("invoice.delete", invoice_id)
        self.steps.delete(invoice, self.actor)
        self.news.tell(self.get(invoice_id))

    def refresh(self, invoice_id: str) -> Invoice:
        """Ask Stripe how the invoice stands now."""
        require(self.actor, VIEW, "see invoices")
        self.connections.require_live()
        invoice = self.get(invoice_id)
        return self._tell(self.steps.refresh(invoice)) if invoice.stripe_id else invoice

    def get(self, invoice_id: str) -> Invoice:
        """One invoice of this business. Raises ``NotFound``."""
        require(self.actor, VIEW, "see invoices")
        invoice = self.ledger.invoices.get(invoice_id)
        if invoice is None:
            raise NotFound("invoice")
        return invoice

    def payment_page(self, invoice_id: str) -> str:
        """The address where the customer pays, asked from Stripe now. It is a bearer secret: never store or log it."""
        require(self.actor, SEND, "open the customer's payment page")
        url = self.steps.remote(self.get(invoice_id)).hosted_url
        if url is None:
            raise Conflict("This invoice has no payment page: it is still a draft.")
        return url

    def pdf(self, invoice_id: str) -> str:
        """The address of the PDF, asked from Stripe now."""
        require(self.actor, VIEW, "see invoices")
        url = self.steps.remote(self.get(invoice_id)).pdf_url
        if url is None:
            raise Conflict("This invoice has no PDF yet: it is still a draft.")
        return url

    def _run(self, invoice: Invoice) -> Invoice:
        return self._tell(self.steps.run(invoice, self.actor))

    def _tell(self, invoice: Invoice) -> Invoice:
        """What was done at Stripe is done, whether or not the host can be told now: the next round tells it again."""
        try:
            self.news.tell(invoice)
        except Exception:
            log.exception("The CRM could not be told of invoice %s; it will be told again", invoice.id)
        return invoice

    def _may_go_on(self, invoice: Invoice) -> None:
        if invoice.send and next_step(invoice) is not None:
            require(self.actor, SEND, "send invoices")

    def _may_make(self, send: bool) -> None:
        require(self.actor, DRAFT, "make invoices")
        if send:
            require(self.actor, SEND, "send invoices")

    def _source(self, ref: SourceRef) -> Source:
        source = self.crm.source(ref)
        if source is None:
            raise NotFound(ref.kind or "source")
        return source

    def _payer(self, source: Source, contact: Contact | None) -> Contact:
        if contact is None:
            raise InvalidInput("contact", f"“{source.title}” has no contact to bill. Choose one in the CRM.")
        return contact

    def _services(self, billables: Sequence[Billable]) -> dict[str, Service]:
        refs = dict.fromkeys(billable.service for billable in billables if billable.service)
        return {ref: service for ref in refs if (service := self.crm.service(ref)) is not None}

    def _log(self, action: str, target: str) -> None:
        note(self.ledger, self.actor, self.clock, action, target)
