"""Work becomes an invoice: chosen, previewed, made, checked against ours to the minor unit, and sent.

Making one is a row of steps, each written down before its call. Whatever stops it, the next run goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask_crm_stripe.core.approvals import Approvals, Wish
from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.deposits import Deposit, check_stands
from flask_crm_stripe.core.drafting import Drafting
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.invoice_steps import InvoiceSteps, next_step
from flask_crm_stripe.core.legal import lacking
from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.core.news import News
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.core.selection import BillableRow, SourceBilling, check_repeat
from flask_crm_stripe.errors import BillingError, Conflict, InvalidInput, NotFound, PlanChanged
from flask_crm_stripe.model.approvals import Approval
from flask_crm_stripe.model.business import DRAFT, SEND, VIEW, VIEW_PERSONAL, Actor
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, InvoicePlan, Stage, Status
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.ports.crm import CRM
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock

__all__ = ["BillableRow", "Invoicing", "SourceBilling", "Terms"]


@dataclass(frozen=True)
class Invoicing:
    """The invoices of the business."""

    rights: Rights
    log: ActionLog
    ledger: Ledger
    crm: CRM
    drafting: Drafting
    connections: Connections
    steps: InvoiceSteps
    news: News
    approvals: Approvals
    clock: Clock

    def source(self, ref: SourceRef) -> SourceBilling:
        """What can be billed of an opportunity, ticket or order. Raises ``NotFound``."""
        return self.drafting.source(ref)

    def preview(self, ref: SourceRef, billables: Sequence[str], terms: Terms) -> InvoicePlan:
        """The invoice that these billables make; nothing reaches Stripe. Raises ``InvalidInput``, ``BillableTaken``."""
        return self.drafting.preview(ref, billables, terms)

    def others(self, billing: SourceBilling) -> list[SourceBilling]:
        """Other sources of the same customer with work that could be on the same invoice, where the CRM lists them."""
        return self.drafting.others(billing)

    def deposits(self, sources: Sequence[SourceRef]) -> tuple[Deposit, ...]:
        """The deposits for the work of these sources that stand, oldest first."""
        return self.drafting.deposits(sources)

    def plan(self, billing: SourceBilling, billables: Sequence[str], terms: Terms) -> InvoicePlan:
        """The same, of a source that was read a moment ago."""
        return self.drafting.plan(billing, billables, terms)

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
        self.connections.environment.require_real("make invoices")
        if not form_key:
            raise InvalidInput("form_key", "The form has lost its key. Reload the page and try again.")
        invoice, action = self.ledger.invoices.by_form_key(form_key), "invoice.make_again"
        if invoice is not None:
            check_repeat(invoice, billables)
        else:
            plan = self._as_seen(ref, billables, terms, seen)
            if send:
                self._may_send(plan, charges=connection.account.charges_enabled)
            invoice, made = self.ledger.invoices.plan(
                connection.account_id,
                connection.livemode,
                plan,
                form_key=form_key,
                send=send,
                actor=self.rights.actor.ref,
                now=self.clock.now(),
            )
            action = "invoice.make" if made else action
        self._may_go_on(invoice)
        return self._run(invoice, action)

    def send(self, invoice_id: str) -> Invoice:
        """Bring a draft, or an invoice that was interrupted or stopped, to its end. Raises ``ApprovalNeeded`` above
        the limit, unless a second person has agreed to exactly this one."""
        self.rights.require(SEND, "send invoices", invoice_id)
        self.connections.require_live()
        self.connections.environment.require_real("send invoices")
        invoice = self.get(invoice_id)
        if invoice.status in (Status.PAID, Status.VOID, Status.UNCOLLECTIBLE) or invoice.stage is Stage.ABANDONED:
            raise Conflict("This invoice is finished, so it can't be sent.")
        self.steps.require_live(invoice)
        if next_step(invoice) is not None or not invoice.send:
            if not invoice.send and (missing := lacking(invoice.plan)):
                raise Conflict(f"{missing} Then delete this draft and make it again, so that it is on the invoice.")
            check_stands(self.ledger, invoice.plan)
            self._require_agreed(invoice)
        if not invoice.send:
            invoice = self.ledger.invoices.want_sent(invoice_id, self.rights.actor.ref, self.clock.now())
        return self._run(invoice, "invoice.send")

    def resume(self, invoice_id: str) -> Invoice:
        """Go on with an interrupted invoice, as far as its maker wanted: one that shall be sent needs that right."""
        self._may_make(send=False)
        self.connections.environment.require_real("make invoices")
        invoice = self.get(invoice_id)
        self._may_go_on(invoice)
        return self._run(invoice, "invoice.resume")

    def delete_draft(self, invoice_id: str) -> None:
        """Delete the draft at Stripe and free its billables. A finalised invoice is never deleted."""
        self.rights.require(DRAFT, "delete drafts", invoice_id)
        self.connections.require_live()
        self.connections.environment.require_real("delete drafts")
        invoice = self.get(invoice_id)
        if invoice.status not in (None, Status.DRAFT) or invoice.stage is Stage.ABANDONED:
            raise Conflict("Only drafts can be deleted. A finalised invoice keeps its number for ever.")
        with self.log.deed("invoice.delete", invoice_id):
            self.steps.delete(invoice, self.rights.actor)
        self.approvals.drop("send", _subject(invoice), "The draft was deleted.")
        self.news.tell(self.get(invoice_id))

    def wish(self, invoice_id: str) -> Wish:
        """What sending this invoice would be now, for a second person to agree to. Raises ``NotFound``."""
        return self._wish(self.get(invoice_id))

    def ask_to_send(self, invoice_id: str, reason: str) -> Approval:
        """Ask a second person to agree that this draft is sent. Raises ``Conflict`` where nobody has to."""
        self.rights.require(SEND, "send invoices", invoice_id)
        self.connections.environment.require_real("send invoices")
        invoice = self.get(invoice_id)
        if invoice.stage is Stage.ABANDONED or invoice.status not in (None, Status.DRAFT) or invoice.send:
            raise Conflict("Only a draft can wait for a second person. Reload the page to see how it stands.")
        self.steps.require_live(invoice)
        if self.approvals.limit(SEND, Money(invoice.total, invoice.currency)) is None:
            raise Conflict("This invoice is below the limit: you can send it yourself.")
        return self.approvals.ask(self._wish(invoice), reason, {"contact": invoice.contact_name})

    def send_agreed(self, invoice_id: str, approval: Approval) -> Callable[[], object]:
        """A second person has agreed: it shall be sent, for the one who asked. What is given back does it.

        Raises ``Conflict`` where it is no draft any more.
        """
        now = self.clock.now()
        self.steps.require_live(self.get(invoice_id))
        asked = TimelineEntry(approval.asked_at, "asked", approval.asked_by, {"reason": approval.reason})
        agreed = TimelineEntry(approval.decided_at or now, "agreed", approval.decided_by)
        invoice = self.ledger.invoices.want_sent(invoice_id, approval.asked_by, now, (asked, agreed))
        return lambda: self._run(invoice, "invoice.send", Actor(approval.asked_by, ""))

    def refresh(self, invoice_id: str) -> Invoice:
        """Ask Stripe how the invoice stands now."""
        self.rights.require(VIEW, "see invoices")
        self.connections.require_live()
        invoice = self.get(invoice_id)
        return self.news.tell_or_later(self.steps.refresh(invoice)) if invoice.stripe_id else invoice

    def get(self, invoice_id: str) -> Invoice:
        """One invoice of this business. Raises ``NotFound``."""
        self.rights.require(VIEW, "see invoices")
        invoice = self.ledger.invoices.get(invoice_id)
        if invoice is None:
            raise NotFound("invoice")
        return invoice

    def payment_page(self, invoice_id: str) -> str:
        """The address where the customer pays, asked from Stripe now. It is a bearer secret: never store or log it."""
        self.rights.require(SEND, "open the customer's payment page", invoice_id)
        url = self.steps.remote(self.get(invoice_id)).hosted_url
        self.log.seen("invoice.payment_page", invoice_id)
        if url is None:
            raise Conflict("This invoice has no payment page: it is still a draft.")
        return url

    def pdf(self, invoice_id: str) -> str:
        """The address of the PDF, asked from Stripe now. Where the customer lives stands in it."""
        self.rights.require(VIEW_PERSONAL, "open the PDF, for the customer's address stands in it", invoice_id)
        url = self.steps.remote(self.get(invoice_id)).pdf_url
        self.log.seen("invoice.pdf", invoice_id)
        if url is None:
            raise Conflict("This invoice has no PDF yet: it is still a draft.")
        return url

    def _run(self, invoice: Invoice, action: str, actor: Actor | None = None) -> Invoice:
        with self.log.deed(action, invoice.id):
            done = self.steps.run(invoice, actor or self.rights.actor)
        return self.news.tell_or_later(done)

    def _as_seen(self, ref: SourceRef, billables: Sequence[str], terms: Terms, seen: str) -> InvoicePlan:
        plan = self.preview(ref, billables, terms)
        if digest(plan) != seen:
            raise PlanChanged
        return plan

    def _may_send(self, plan: InvoicePlan, *, charges: bool) -> None:
        if missing := lacking(plan):
            raise InvalidInput("seller", missing)
        if not charges:
            raise Conflict("Customers can't pay you at the moment, so nothing was sent. Save it as a draft instead.")
        self.approvals.require(SEND, Money(plan.total, plan.currency))

    def _wish(self, invoice: Invoice) -> Wish:
        """The plan, and who the customer is now: what the CRM says of them may have changed since."""
        try:
            contact = self.crm.contact(invoice.contact)
        except BillingError:
            contact = None
        content = digest([invoice.plan, contact])
        amount = Money(invoice.total, invoice.currency)
        return Wish("send", _subject(invoice), content, SEND, amount, f"Sending an invoice of {amount}")

    def _require_agreed(self, invoice: Invoice) -> None:
        self.approvals.require(SEND, Money(invoice.total, invoice.currency), self._wish(invoice))

    def _may_go_on(self, invoice: Invoice) -> None:
        """What is to be sent needs the right to, and above the limit a second person who agreed to exactly this: the
        customer may be reached elsewhere by now. A deposit that it takes off has to stand."""
        if next_step(invoice) is not None:
            check_stands(self.ledger, invoice.plan)
            if invoice.send:
                self.rights.require(SEND, "send invoices")
                self._require_agreed(invoice)

    def _may_make(self, send: bool) -> None:
        self.rights.require(DRAFT, "make invoices")
        if send:
            self.rights.require(SEND, "send invoices")


def _subject(invoice: Invoice) -> str:
    return f"invoice:{invoice.id}"
