"""Giving money back and putting a sent invoice right: a credit note that keeps the VAT right, and the refund with it.

A credit note is decided here to the minor unit, stored, held against Stripe's preview, and then made by one call, which
gives the money back as well. Whatever stops it, the same button looks at Stripe first, and completes what was done.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.core.approvals import CHANGED, Approvals, Wish
from flask_crm_stripe.core.credit_outlook import (
    CORRECT,
    CREDIT,
    CreditOutlook,
    CreditSums,
    choice_of,
    content_of,
    invoice_of,
    kept,
    kind_of,
    possible,
    wanted_of,
    whole,
    why_not,
)
from flask_crm_stripe.core.crediting import (
    Choice,
    Creditable,
    Paid,
    alone,
    credit_differences,
    credit_plan,
    creditable,
    draft_of,
    not_arrived,
    still_to_pay,
)
from flask_crm_stripe.core.deposits import TAKEN_OFF, taken_by
from flask_crm_stripe.core.environment import check_reason
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.history import Cause
from flask_crm_stripe.core.invoice_steps import InvoiceSteps, next_step, subject
from flask_crm_stripe.core.invoicing import Invoicing
from flask_crm_stripe.core.journal import LOOK_FIRST, Journal
from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.core.news import News
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.errors import (
    BillingError,
    Conflict,
    GateStopped,
    InvalidInput,
    NotFound,
    PlanChanged,
    ProviderError,
    Unreachable,
)
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.business import DRAFT, REFUND, SYSTEM, VIEW, VIEW_PERSONAL, Actor
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.credits import Credit, CreditPlan, CreditStage, RemoteCredit
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.model.money import Money, to_major
from flask_crm_stripe.model.payments import refundable
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.provider import Provider
from flask_crm_stripe.ports.runtime import Clock

log = logging.getLogger(__name__)

RIGHTS = {CREDIT: "give money back", CORRECT: "correct invoices"}
WHAT = {CREDIT: "Crediting", CORRECT: "Correcting an invoice by crediting"}
DONE_UNSEEN = (
    "The credit note is made at Stripe, and Stripe did not say how the invoice stands now. Continue in a moment: "
    "nothing is done twice."
)
NOTHING_MOVED = "Nothing was credited and no money moved."


@dataclass(frozen=True)
class Credits:
    """The credit notes and refunds of the business."""

    rights: Rights
    log: ActionLog
    ledger: Ledger
    steps: InvoiceSteps
    news: News
    approvals: Approvals
    invoicing: Invoicing
    clock: Clock

    def sums(self, invoice_id: str) -> CreditSums:
        """What was credited of an invoice, and what went back. Raises ``NotPermitted``."""
        self.rights.require(VIEW, "see invoices")
        known, back = self.ledger.credits.of_invoice(invoice_id), self.ledger.credits.refunds(invoice_id)
        return CreditSums(
            tuple(known),
            tuple(back),
            sum(each.total for each in known if each.counts),
            sum(each.amount for each in back if not each.failed),
            not_arrived(known, back),
        )

    def outlook(self, kind: str, invoice_id: str, choice: Choice | None = None, reason: str = "") -> CreditOutlook:
        """What crediting it would be now, and what stands in its way. Raises ``NotFound``."""
        invoice = self._get(kind, invoice_id)
        chosen = whole(kind, choice or Choice())
        known = self.ledger.credits.of_invoice(invoice.id)
        lines, paid, plan, wrong = self._lines(invoice), self._paid(invoice), None, dict[str, str]()
        closed = why_not(kind, invoice, lines) or (TAKEN_OFF if taken_by(self.ledger, invoice) else "")
        if not closed:
            try:
                plan = credit_plan(invoice.plan, lines, chosen, paid, reason)
            except InvalidInput as error:
                wrong[error.field or "lines"] = error.message
        latest = self.ledger.approvals.latest(kind, subject(invoice))
        return CreditOutlook(
            kind,
            invoice,
            chosen,
            tuple(lines),
            paid,
            plan,
            wrong,
            closed,
            self.approvals.limit(REFUND, Money(plan.total, plan.currency)) if plan else None,
            latest if latest is not None and latest.state is ApprovalState.WAITING else None,
            next((each for each in known if each.stage is CreditStage.PLANNED), None),
        )

    def do(
        self, kind: str, invoice_id: str, choice: Choice, reason: str, *, form_key: str, seen: str | None = None
    ) -> Credit:
        """Credit it, and give back what goes back. ``form_key`` is one press of a button: the same key again completes
        what it began. ``seen`` is the digest of what the person saw, where they saw something.

        Raises ``InvalidInput``; ``Conflict`` where it can't be done; ``PlanChanged``; ``ApprovalNeeded`` above the
        limit; ``GateStopped`` where Stripe would credit something else; and ``ProviderError``: with ``unknown`` it may
        have been done, and the same again completes it.
        """
        invoice, words = self._real(kind, invoice_id), check_reason(reason)
        if not form_key:
            raise InvalidInput("form_key", "The form has lost its key. Reload the page and try again.")
        wanted = wanted_of(kind, choice, words)
        with self.steps.alone(invoice.id):
            credit = self.ledger.credits.by_form_key(form_key)
            if credit is not None and (credit.invoice_id, credit.wanted) != (invoice.id, wanted):
                raise Conflict("This form has begun another credit note already. Load the page again.")
            if credit is None or credit.stage is CreditStage.GIVEN_UP:
                invoice = self.news.tell_or_later(self.steps.refresh(invoice))
                outlook = self.outlook(kind, invoice_id, choice, words)
                plan = possible(outlook)
                if seen is not None and seen != outlook.seen:
                    raise PlanChanged
                self.approvals.require(REFUND, Money(plan.total, plan.currency))
                credit = self._begin(invoice, plan, form_key, wanted, self.rights.actor.ref)
            return self._carry_out(kind, invoice, credit)

    def ask(self, kind: str, invoice_id: str, choice: Choice, reason: str) -> Approval:
        """Ask a second person to agree to it. Raises ``Conflict`` where nobody has to, or it can't be done."""
        invoice, words = self._real(kind, invoice_id), check_reason(reason)
        outlook = self.outlook(kind, invoice_id, choice, words)
        plan = possible(outlook)
        content = content_of(kind, invoice, outlook.lines, plan)
        amount = Money(plan.total, plan.currency)
        if self.approvals.limit(REFUND, amount) is None:
            raise Conflict("This is below the limit: you can do it yourself.")
        wish = Wish(kind, subject(invoice), content, REFUND, amount, f"{WHAT[kind]} {amount}")
        return self.approvals.ask(wish, words, {"contact": invoice.contact_name, "choice": kept(choice)})

    def content(self, approval: Approval) -> str:
        """A digest of what would be done now, for a second person to agree to; empty where it can't be done. Raises
        ``NotFound``."""
        try:
            return self._agreed(approval)[1]
        except InvalidInput:
            return ""

    def asked(self, approval: Approval) -> CreditPlan | None:
        """What a second person is asked to agree to, as it would be now; None where it can't be done any more."""
        try:
            return self._agreed(approval)[0]
        except (InvalidInput, NotFound):
            return None

    def do_agreed(self, approval: Approval) -> None:
        """A second person has agreed: it is done, for the one who asked. Raises ``Conflict`` where something changed
        since; anything else leaves it to be done later."""
        invoice, form_key = self._found(invoice_of(approval)), f"approval:{approval.id}"
        self.steps.require_live(invoice)
        with self.steps.alone(invoice.id):
            credit = self.ledger.credits.by_form_key(form_key)
            if credit is None or credit.stage is CreditStage.GIVEN_UP:
                invoice = self.steps.refresh(invoice)
                if taken_by(self.ledger, invoice):
                    raise Conflict(TAKEN_OFF)
                try:
                    plan, content = self._agreed(approval)
                except InvalidInput:
                    raise Conflict(CHANGED) from None
                if content != approval.content:
                    raise Conflict(CHANGED)
                wanted = wanted_of(approval.kind, choice_of(approval), approval.reason)
                credit = self._begin(invoice, plan, form_key, wanted, approval.asked_by)
                at = approval.decided_at or self.clock.now()
                told = TimelineEntry(at, f"agreed_{approval.kind}", approval.decided_by)
                self.ledger.invoices.sign(invoice.id, [told])
            self._carry_out(approval.kind, invoice, credit)

    def resume(self, credit_id: str) -> Credit:
        """Go on with one that is not finished. Raises as ``do``, and ``NotFound``."""
        self.rights.require(REFUND, RIGHTS[CREDIT], credit_id)
        credit = self._credit(credit_id)
        invoice = self._real(kind_of(credit), credit.invoice_id)
        with self.steps.alone(invoice.id):
            return self._carry_out(kind_of(credit), invoice, self._credit(credit_id))

    def carry_on(self, before: datetime) -> int:
        """Go on with what was begun before then and is not finished, because a process died or Stripe gave no answer.
        Says how many."""
        connection = self.steps.connections.live()
        waiting = self.ledger.credits.unfinished(connection.books, before) if connection else ()
        for credit in waiting:
            try:
                self.resume(credit.id)
            except BillingError as error:  # It keeps no other one waiting, and is tried again in the next round.
                log.warning("The credit note %s is not finished yet: %s", credit.id, error.code)
        return len(waiting)

    def pdf(self, credit_id: str) -> str:
        """The address of a credit note's PDF, asked from Stripe now. Where the customer lives stands in it."""
        self.rights.require(VIEW_PERSONAL, "open the PDF, for the customer's address stands in it", credit_id)
        credit = self._credit(credit_id)
        invoice = self._found(credit.invoice_id)
        notes = self.steps.provider(invoice).credits(invoice.stripe_id or "")
        self.log.seen("credit.pdf", credit_id)
        url = next((note.pdf_url for note in notes if note.id == credit.stripe_id), None)
        if url is None:
            raise Conflict("This credit note has no PDF: it is not at Stripe.")
        return url

    # How it is done

    def _begin(self, invoice: Invoice, plan: CreditPlan, form_key: str, wanted: str, actor: str) -> Credit:
        return self.ledger.credits.plan(
            invoice.id, plan, form_key=form_key, wanted=wanted, actor=actor, now=self.clock.now()
        )

    def _carry_out(self, kind: str, invoice: Invoice, credit: Credit) -> Credit:
        with self.log.deed(f"invoice.{kind}", invoice.id, credit.plan.reason):
            if credit.stage is CreditStage.PLANNED:
                credit = self._issue(invoice, credit)
            credit = self._replace(self._found(invoice.id), credit)
        self.news.tell_or_later(self._found(invoice.id))
        return credit

    def _issue(self, invoice: Invoice, credit: Credit) -> Credit:
        """One call, and a look at what came of it, which is stored as one. What certainly was not done is given up, and
        can begin anew."""
        provider, started = self.steps.provider(invoice), self.steps.begin(invoice)
        try:
            made = self._call(provider, invoice, credit)
        except BillingError as error:
            if not (isinstance(error, ProviderError) and error.unknown):
                self.ledger.credits.give_up(credit.id, error.message)
            raise
        try:
            self.steps.refresh(self._found(invoice.id), Cause(started, None, made.request_id, money_back=True))
        except ProviderError as error:  # Until it is known how the invoice stands now, it is not finished.
            raise Unreachable(DONE_UNSEEN, request_id=error.request_id) from error
        return self._credit(credit.id)

    def _call(self, provider: Provider, invoice: Invoice, credit: Credit) -> RemoteCredit:
        where = f"credit:{credit.id}"

        def look() -> RemoteCredit | None:
            notes = provider.credits(invoice.stripe_id or "")
            return next((note for note in notes if note.metadata.get("crm_stripe_id") == credit.id), None)

        last = self.ledger.journal.last(where, "credit", invoice.books)
        draft = draft_of(credit, invoice, provider.invoice_lines(invoice.stripe_id or ""), self.steps.installation)
        if last is None or last.outcome not in LOOK_FIRST or look() is None:
            found = credit_differences(credit.plan, provider.preview_credit(draft))
            if found:
                raise GateStopped([(each.what, each.ours, each.theirs) for each in found], NOTHING_MOVED)
        journal = Journal(self.ledger.journal, self.clock, invoice.account_id, invoice.livemode)
        return journal.call(where, "credit", draft, lambda key: provider.create_credit(draft, key), look)

    def _replace(self, invoice: Invoice, credit: Credit) -> Credit:
        """The second step of a correction: a new draft of the same work."""
        if not credit.plan.corrects or not credit.counts:
            return credit
        form_key, problem = f"correct:{credit.id}", ""
        if credit.replacement:
            draft = self.ledger.invoices.get(credit.replacement)
            if draft is not None and not draft.send and next_step(draft) is not None:
                with suppress(BillingError):  # It says itself why it stands still.
                    self._new_draft(invoice, form_key, credit.created_by)
            return credit
        try:
            self._new_draft(invoice, form_key, credit.created_by)
        except BillingError as error:
            problem = error.message  # Where there is a draft by now, it says itself why it stands still.
        made = self.ledger.invoices.by_form_key(form_key)
        if made is None:
            return self.ledger.credits.replace(credit.id, None, problem)
        now, actor = self.clock.now(), credit.created_by
        old = TimelineEntry(now, "corrected", actor, {"number": credit.number or "", "new": made.id})
        new = TimelineEntry(now, "corrects", actor, {"number": invoice.number or "", "old": invoice.id})
        return self.ledger.credits.replace(credit.id, made.id, None, (old, new))

    def _new_draft(self, invoice: Invoice, form_key: str, actor: str | None) -> None:
        """In the name of who wanted it: whoever agreed to it, or goes on with it, need not make invoices."""
        maker = Actor(actor or SYSTEM.ref, "", (VIEW, DRAFT))
        plan, source, business = invoice.plan, invoice.plan.sources[0], self.invoicing.drafting.business
        if self.rights.actor == SYSTEM:  # It knows the business by its ref only; the invoice knows who sells.
            seller = plan.seller
            business = replace(business, name=seller.name, address=seller.address, vat_number=seller.vat_number)
        rights = Rights(replace(self.log, actor=maker))
        drafting = replace(self.invoicing.drafting, rights=rights, business=business)
        invoicing, work = replace(self.invoicing, rights=rights, drafting=drafting), plan.covers or plan.billables
        percent = plan.discount_percent
        amount = to_major(plan.discount, plan.currency) if plan.discount and not percent else Terms().discount_amount
        terms = Terms(
            *(plan.days_until_due, percent, plan.order_number, plan.note, plan.delivery, amount, plan.deposit_percent),
            deduct=any(line.deducts for line in plan.lines),
        )
        begun = self.ledger.invoices.by_form_key(form_key)
        seen = "" if begun else digest(invoicing.preview(source, work, terms))
        invoicing.generate(source, work, terms, seen=seen, form_key=form_key, send=False)

    # What is known

    def _agreed(self, approval: Approval) -> tuple[CreditPlan, str]:
        invoice, chosen = self._found(invoice_of(approval)), whole(approval.kind, choice_of(approval))
        lines = self._lines(invoice)
        plan = credit_plan(invoice.plan, lines, chosen, self._paid(invoice), approval.reason)
        return plan, content_of(approval.kind, invoice, lines, plan)

    def _lines(self, invoice: Invoice) -> list[Creditable]:
        return creditable(invoice.plan, self.ledger.credits.of_invoice(invoice.id))

    def _paid(self, invoice: Invoice) -> Paid:
        known, back = self.ledger.credits.of_invoice(invoice.id), self.ledger.credits.refunds(invoice.id)
        left = refundable(self.ledger.invoices.payments(invoice.id))
        return Paid(still_to_pay(invoice), tuple(left), alone(known, back))

    def _credit(self, credit_id: str) -> Credit:
        found = self.ledger.credits.get(credit_id)
        if found is None:
            raise NotFound("credit note")
        return found

    def _real(self, kind: str, invoice_id: str) -> Invoice:
        invoice = self._get(kind, invoice_id)
        self.steps.connections.environment.require_real(RIGHTS[kind])
        self.steps.require_live(invoice)
        return invoice

    def _get(self, kind: str, invoice_id: str) -> Invoice:
        self.rights.require(REFUND, RIGHTS[kind], invoice_id)
        if kind == CORRECT:
            self.rights.require(DRAFT, "make invoices", invoice_id)
        self.rights.require(VIEW, "see invoices")
        return self._found(invoice_id)

    def _found(self, invoice_id: str) -> Invoice:
        found = self.ledger.invoices.get(invoice_id)
        if found is None:
            raise NotFound("invoice")
        return found
