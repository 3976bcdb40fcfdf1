"""Life after sending: mail it again, void it, write it off, record that it was paid elsewhere.

Each deed is one call, written down before it. A lost answer or a process that died never does it twice: the same button
looks at Stripe first, and completes what was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_crm_stripe.core.approvals import CHANGED, GRANTED, Approvals, Wish
from flask_crm_stripe.core.deeds import (
    BEGUN,
    DEEDS,
    VOID,
    Deed,
    at_stake,
    by_hand,
    can_repeat,
    content_of,
    in_doubt,
    just_sent,
    no_mail,
    state_of,
)
from flask_crm_stripe.core.deposits import TAKEN_OFF, taken_by
from flask_crm_stripe.core.history import Cause, entries, fresh
from flask_crm_stripe.core.invoice_steps import InvoiceSteps, subject
from flask_crm_stripe.core.journal import Journal
from flask_crm_stripe.core.limits import Limit
from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.core.news import News
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.errors import BillingError, Conflict, NotFound, Refused
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.business import SEND, VIEW, WRITE_OFF
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, Payment, RemoteInvoice, Stage
from flask_crm_stripe.model.journal import Step
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock

RESEND = "resend"
IN_DOUBT = (
    "We don’t know whether the last mail went out, and Stripe can’t be asked. Send it again if it is fine that the "
    "customer may get it twice."
)
OVERTAKEN = "The invoice has changed since this was asked for."


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a deed would be now. ``why_not`` is empty where it can be done, ``limit`` the one that it is above.
    ``granted`` is what a second person agreed to, and ``waiting`` what one is asked."""

    invoice: Invoice
    deed: Deed
    amount: Money
    state: str
    why_not: str
    limit: Limit | None
    latest: Approval | None
    granted: Approval | None
    waiting: Approval | None


@dataclass(frozen=True)
class Afterwards:
    """What is done to the invoices of the business once they went out."""

    rights: Rights
    log: ActionLog
    ledger: Ledger
    steps: InvoiceSteps
    news: News
    approvals: Approvals
    clock: Clock

    def outlook(self, kind: str, invoice_id: str) -> Outlook:
        """What the deed would be now, and what stands in its way. Raises ``NotFound``."""
        deed, invoice = DEEDS[kind], self._get(invoice_id, DEEDS[kind].right)
        amount, latest = at_stake(invoice), self.ledger.approvals.latest(kind, subject(invoice))
        state = latest.state if latest else None
        same = latest is not None and content_of(deed, invoice, latest.reason) == latest.content
        return Outlook(
            invoice,
            deed,
            amount,
            state_of(invoice),
            self._why_not(deed, invoice),
            self.approvals.limit(WRITE_OFF, amount),
            latest,
            latest if same and state in GRANTED else None,
            latest if same and state is ApprovalState.WAITING else None,
        )

    def do(self, kind: str, invoice_id: str, reason: str, seen: str | None = None) -> Invoice:
        """Do it. ``seen`` is the state that the person saw, where they saw one.

        Raises ``Conflict`` where it can't be done (any more), ``ApprovalNeeded`` above the limit, and
        ``ProviderError``: with ``unknown`` it may have been done, and the same again completes it.
        """
        deed, invoice = DEEDS[kind], self._real(invoice_id, DEEDS[kind].right)
        words = deed.words(reason)
        with self.steps.alone(invoice.id):
            invoice = self._again(invoice)
            if self._is_told(deed, invoice):
                return invoice
            if not self._is_unsigned(deed, invoice):
                self._check(deed, invoice, seen)
                self._require_agreed(deed, invoice, words)
            return self._carry_out(deed, invoice, words, self.rights.actor.ref)

    def ask(self, kind: str, invoice_id: str, reason: str) -> Approval:
        """Ask a second person to agree to it. Raises ``Conflict`` where nobody has to."""
        deed, invoice = DEEDS[kind], self._real(invoice_id, DEEDS[kind].right)
        words = deed.words(reason)
        self._check(deed, invoice)
        if self.approvals.limit(WRITE_OFF, at_stake(invoice)) is None:
            raise Conflict("This invoice is below the limit: you can do it yourself.")
        return self.approvals.ask(_wish(deed, invoice, words), words, {"contact": invoice.contact_name})

    def content(self, approval: Approval) -> str:
        """A digest of what would be done now, for a second person to agree to. Raises ``NotFound``."""
        return content_of(DEEDS[approval.kind], self._found(_invoice_id(approval)), approval.reason)

    def do_agreed(self, approval: Approval) -> None:
        """A second person has agreed: it is done, for the one who asked. Raises ``Conflict`` where it can't be done any
        more, or something changed since; anything else leaves it to be done later."""
        deed, invoice = DEEDS[approval.kind], self._found(_invoice_id(approval))
        self.steps.require_live(invoice)
        with self.steps.alone(invoice.id):
            invoice = self._again(invoice)
            if self._is_told(deed, invoice):
                return
            same = content_of(deed, invoice, approval.reason) == approval.content
            if not same and not self._is_unsigned(deed, invoice):
                raise Conflict(CHANGED)
            at, by = approval.decided_at or self.clock.now(), approval.decided_by
            agreed = TimelineEntry(at, f"agreed_{deed.kind}", by)
            self._carry_out(deed, invoice, approval.reason, approval.asked_by, agreed)

    def resend(self, invoice_id: str, *, anyway: bool = False) -> Invoice:
        """Let Stripe mail an open invoice once more. A second press within a minute is the same wish.

        Raises ``Conflict`` where the last mail may have gone out and Stripe would not know it again, unless a person
        wants it ``anyway``.
        """
        invoice = self._real(invoice_id, "send invoices", SEND)
        with self.steps.alone(invoice.id):
            invoice, now = self._again(invoice), self.clock.now()
            if why_not := no_mail(invoice):
                raise Conflict(why_not)
            if any(just_sent(last, now) for last in (self._last(invoice, RESEND), self._last(invoice, "send"))):
                return invoice
            last = self._last(invoice, RESEND)
            if in_doubt(last) and not can_repeat(last, now) and not anyway:
                raise Conflict(IN_DOUBT)
            with self.log.deed("invoice.resend", invoice.id):
                return self._mail(invoice)

    def mail_in_doubt(self, invoice: Invoice) -> bool:
        """Whether nobody knows if the last repeated mail went out, and it can be sent once more."""
        return not no_mail(invoice) and in_doubt(self._last(invoice, RESEND))

    def _mail(self, invoice: Invoice) -> Invoice:
        provider, stripe_id, started = self.steps.provider(invoice), invoice.stripe_id or "", self.steps.begin(invoice)
        remote = self._journal(invoice).call(
            subject(invoice), RESEND, stripe_id, lambda key: provider.send(stripe_id, key)
        )
        told = TimelineEntry(started, "resent", self.rights.actor.ref, {}, None, remote.request_id, stripe_id)
        self.ledger.invoices.sign(invoice.id, [told])
        return self.news.tell_or_later(self.ledger.invoices.advance(invoice.id, Stage.SENT, remote, started))

    def _carry_out(
        self, deed: Deed, invoice: Invoice, words: str, actor: str, agreed: TimelineEntry | None = None
    ) -> Invoice:
        known = self.ledger.invoices.payments(invoice.id)
        with self.log.deed(f"invoice.{deed.kind}", invoice.id, words):
            try:
                remote, started = self._call(deed, invoice)
            except Refused as error:
                raise self._refused(deed, invoice, error) from error
            after = self._store(deed, invoice, remote, started, words, actor, known, agreed)
        for kind in DEEDS:
            self.approvals.drop(kind, subject(invoice), OVERTAKEN)
        heard = invoice.told_version >= invoice.version
        news = fresh(known, self.ledger.invoices.payments(invoice.id)) if heard else None
        return self.news.tell_or_later(after, news)

    def _call(self, deed: Deed, invoice: Invoice) -> tuple[RemoteInvoice, datetime]:
        """What Stripe answers, and when that began to be asked."""
        provider, stripe_id, started = self.steps.provider(invoice), invoice.stripe_id or "", self.steps.begin(invoice)

        def look() -> RemoteInvoice | None:
            found = provider.invoice(stripe_id)
            return found if deed.done(found, lambda: provider.payments(stripe_id)) else None

        def do(key: str) -> RemoteInvoice:
            return deed.call(provider, stripe_id, key)

        return self._journal(invoice).call(subject(invoice), deed.kind, stripe_id, do, look), started

    def _store(
        self,
        deed: Deed,
        invoice: Invoice,
        remote: RemoteInvoice,
        started: datetime,
        words: str,
        actor: str,
        known: Sequence[Payment],
        agreed: TimelineEntry | None,
    ) -> Invoice:
        """Our picture, with a sentence that says who did it and why, whether or not an event was faster."""
        paid = by_hand(deed, remote, known, words, started)
        about = {"words": words}
        if paid:
            about["amount"] = str(Money(paid[0].amount, remote.currency))
        at = remote.voided_at or remote.paid_at or started
        ours = TimelineEntry(at, deed.told, actor, about, None, remote.request_id, remote.id)
        before, cause = [agreed] if agreed else [], Cause(started, None, remote.request_id, ours)
        told = entries(invoice, remote, known, paid, cause)
        after = self.ledger.invoices.apply(invoice.id, remote, paid, started, [*before, *told])
        if after is not None and told:
            return after
        return self.ledger.invoices.sign(invoice.id, [*before, ours], paid)

    def _refused(self, deed: Deed, invoice: Invoice, error: Refused) -> BillingError:
        """Why Stripe refused it, in our words where its state says so, and our picture as it is now."""
        try:
            after = self.news.tell_or_later(self.steps.refresh(invoice))
        except BillingError:
            return error
        why_not = deed.why_not(after)
        return Conflict(f"Stripe did not do it. {why_not}") if why_not else error

    def _check(self, deed: Deed, invoice: Invoice, seen: str | None = None) -> None:
        if why_not := self._why_not(deed, invoice):
            raise Conflict(why_not)
        if seen is not None and seen != state_of(invoice):
            raise Conflict("The invoice changed since you looked. Nothing was done; look at it again.")

    def _why_not(self, deed: Deed, invoice: Invoice) -> str:
        if why_not := deed.why_not(invoice):
            return why_not
        return TAKEN_OFF if deed.kind == VOID and taken_by(self.ledger, invoice) else ""

    def _require_agreed(self, deed: Deed, invoice: Invoice, words: str) -> None:
        self.approvals.require(WRITE_OFF, at_stake(invoice), _wish(deed, invoice, words))

    def _is_told(self, deed: Deed, invoice: Invoice) -> bool:
        """Whether it is done, and the timeline says by whom."""
        timeline = self.ledger.invoices.timeline(invoice.id)
        named = any(entry.kind == deed.told and entry.actor for entry in timeline)
        return invoice.status == deed.status and named

    def _is_unsigned(self, deed: Deed, invoice: Invoice) -> bool:
        """Whether it seems to be done by us: we called, what came of it was not stored, and an event told it."""
        last = self._last(invoice, deed.kind)
        return invoice.status == deed.status and last is not None and last.outcome in BEGUN

    def _last(self, invoice: Invoice, name: str) -> Step | None:
        return self.ledger.journal.last(subject(invoice), name, invoice.books)

    def _journal(self, invoice: Invoice) -> Journal:
        return Journal(self.ledger.journal, self.clock, invoice.account_id, invoice.livemode)

    def _real(self, invoice_id: str, right: str, permission: str = WRITE_OFF) -> Invoice:
        """An invoice that something may be done to, in the real one, at the account that is connected."""
        invoice = self._get(invoice_id, right, permission)
        self.steps.connections.environment.require_real(right)
        self.steps.require_live(invoice)
        return invoice

    def _get(self, invoice_id: str, right: str, permission: str = WRITE_OFF) -> Invoice:
        self.rights.require(permission, right, invoice_id)
        self.rights.require(VIEW, "see invoices")
        return self._found(invoice_id)

    def _found(self, invoice_id: str) -> Invoice:
        found = self.ledger.invoices.get(invoice_id)
        if found is None:
            raise NotFound("invoice")
        return found

    def _again(self, invoice: Invoice) -> Invoice:
        return self._found(invoice.id)


def _wish(deed: Deed, invoice: Invoice, words: str) -> Wish:
    amount = at_stake(invoice)
    content = content_of(deed, invoice, words)
    return Wish(deed.kind, subject(invoice), content, WRITE_OFF, amount, f"{deed.what} {amount}")


def _invoice_id(approval: Approval) -> str:
    return approval.subject.partition(":")[2]
