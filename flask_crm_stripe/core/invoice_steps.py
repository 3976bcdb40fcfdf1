"""The steps from a plan to a sent invoice. Each can be repeated, by anybody, at any later time.

    planned -> create -> created -> fill -> filled -> check -> checked -> finalise -> finalised -> send -> sent

A draft ends at ``checked``, an invoice that only wants a payment link at ``finalised``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_crm_stripe.core.catalogue import Catalogue
from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.credit_news import look
from flask_crm_stripe.core.customers import LOOK_BACK, Customers
from flask_crm_stripe.core.gate import differences, invoice_draft, line_drafts
from flask_crm_stripe.core.history import Cause, entries
from flask_crm_stripe.core.journal import Journal
from flask_crm_stripe.errors import (
    ApprovalNeeded,
    BillingError,
    Busy,
    Conflict,
    GateStopped,
    InvalidInput,
    ProviderError,
    Refused,
    SecretUnreadable,
    Unreachable,
)
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.crm import Contact
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Delivery, Invoice, Payment, Problem, RemoteInvoice, Stage, Status
from flask_crm_stripe.model.journal import Outcome
from flask_crm_stripe.model.payments import without_twins
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.provider import Provider
from flask_crm_stripe.ports.runtime import Clock

LEASE_SECONDS = 180
MISSING = "resource_missing"
FINAL = frozenset((Refused.code, GateStopped.code, InvalidInput.code, SecretUnreadable.code, ApprovalNeeded.code))
"""Only a person can do something about these."""

KEY_LIFETIME = timedelta(hours=23)
"""Stripe forgets idempotency keys after 24 hours; one is kept for the clocks."""

MAIL_UNCERTAIN = (
    "It is not certain whether Stripe mailed this invoice: the program was stopped before the answer came. "
    "Look it up in Stripe, or ask your customer; if you continue, it is mailed (again)."
)


@dataclass(frozen=True)
class InvoiceSteps:
    """Carries invoices forward, one worker at a time for each."""

    ledger: Ledger
    connections: Connections
    catalogue: Catalogue
    customers: Customers
    clock: Clock
    installation: str
    holder: str

    def run(self, invoice: Invoice, actor: Actor) -> Invoice:
        """Take every step that is still missing. Raises ``Busy``, ``GateStopped``, ``ProviderError``; what was done
        stays done and is not done again."""
        if next_step(invoice) is None:
            return invoice
        provider = self.provider(invoice)
        with self.alone(invoice.id):
            work = _Work(self, provider, actor)
            try:
                return work.run(self._again(invoice))
            except ProviderError as error:
                error.invoice_id = invoice.id
                self.interrupted(invoice, error, error.request_id)
                raise
            except (InvalidInput, SecretUnreadable) as error:
                self.interrupted(invoice, error)
                raise

    def can_go_on_alone(self, invoice: Invoice) -> bool:
        """Whether a sweep may continue it without a person: what Stripe refused it will refuse again, and a mail that
        may be out already is not sent a second time."""
        if invoice.problem is not None and invoice.problem.code in FINAL:
            return False
        if next_step(invoice) != "send":
            return next_step(invoice) is not None and invoice.stage is not Stage.STOPPED
        last = self.ledger.journal.last(subject(invoice), "send")
        if last is None or last.outcome in (Outcome.NOT_DONE, Outcome.REFUSED, Outcome.DONE):
            return True  # One that is out for certain is noted, and not sent again.
        return last.outcome is not Outcome.FAILED and self.clock.now() - last.started_at < KEY_LIFETIME

    def wait_for_person(self, invoice: Invoice) -> None:
        """Say why it waits, where nobody has: whoever sent the mail was killed before it could."""
        if invoice.problem is None:
            self.interrupted(invoice, Unreachable(MAIL_UNCERTAIN))

    def delete(self, invoice: Invoice, actor: Actor) -> None:
        """Delete the draft, if Stripe has one, and free its billables. In an account that is no longer connected the
        draft stays: it cannot be reached, and nobody can send it from here."""
        with self.alone(invoice.id):
            if self._is_live(invoice):
                self._delete_at_stripe(invoice)
            now = self.clock.now()
            self.ledger.invoices.abandon(invoice.id, now, [TimelineEntry(now, "deleted", actor.ref)])

    def require_live(self, invoice: Invoice) -> None:
        """Raises ``Conflict`` for an invoice of an account that is not connected now."""
        self.provider(invoice)

    def remote(self, invoice: Invoice) -> RemoteInvoice:
        """The invoice at Stripe, now."""
        if invoice.stripe_id is None:
            raise Conflict("This invoice is not at Stripe yet.")
        return self.provider(invoice).invoice(invoice.stripe_id)

    def refresh(
        self,
        invoice: Invoice,
        cause: Cause | None = None,
        stripe_id: str | None = None,
        known: Sequence[Payment] | None = None,
    ) -> Invoice:
        """Bring our picture up to date with Stripe's; a draft deleted over there frees its billables. ``known`` are the
        payments that we know, where they were looked up already."""
        provider, started = self.provider(invoice), self.begin(invoice)
        wanted = invoice.stripe_id or stripe_id or ""
        cause = cause or Cause(started)
        try:
            remote = provider.invoice(wanted)
        except Refused as error:
            if error.stripe_code != MISSING or invoice.status not in (None, Status.DRAFT):
                raise
            gone = TimelineEntry(started, "deleted", None, {}, cause.event_id, cause.request_id, wanted)
            self.ledger.invoices.abandon(invoice.id, started, [gone])
            return self._again(invoice)
        payments = provider.payments(wanted) if remote.status != Status.DRAFT else ()
        known = self.ledger.invoices.payments(invoice.id) if known is None else known
        payments = without_twins(known, payments)
        news = entries(invoice, remote, known, payments, cause)
        after = self.ledger.invoices.apply(invoice.id, remote, payments, started, news)
        final = remote.status != Status.DRAFT
        if final and look(self.ledger, provider, invoice, remote, payments, cause, started):
            after = None
        return after or self._again(invoice)

    def begin(self, invoice: Invoice) -> datetime:
        """When a fetch begins that may be stored: in an order that holds on all machines."""
        return self.ledger.invoices.start_fetch(invoice.id, self.clock.now())

    def _delete_at_stripe(self, invoice: Invoice) -> None:
        provider = self.provider(invoice)
        stripe_id = invoice.stripe_id or self._made_unseen(invoice, provider)
        if stripe_id:
            provider.delete_draft(stripe_id)

    def _is_live(self, invoice: Invoice) -> bool:
        connection = self.connections.live()
        return connection is not None and connection.books == invoice.books

    def provider(self, invoice: Invoice) -> Provider:
        """Stripe, for this invoice. Raises ``Conflict`` where its account is not the one that is connected now."""
        self.connections.require_live()
        if not self._is_live(invoice):
            raise Conflict("This invoice belongs to a Stripe account that is no longer connected here.")
        return self.connections.provider()

    def _made_unseen(self, invoice: Invoice, provider: Provider) -> str | None:
        tried = self.ledger.journal.last(subject(invoice), "create")
        link = self.ledger.customers.find(invoice.account_id, invoice.livemode, invoice.contact)
        if tried is None or link is None or link.customer_id is None:
            return None
        found = provider.find_invoice(invoice.id, link.customer_id, invoice.created_at - LOOK_BACK)
        return found.id if found else None

    def interrupted(self, invoice: Invoice, error: BillingError, request_id: str | None = None) -> None:
        """Note why it stands still."""
        now = self.clock.now()
        entry = TimelineEntry(now, "interrupted", None, {"why": error.message}, None, request_id)
        self.ledger.invoices.stop(invoice.id, Problem(error.code, error.message), now, [entry])

    @contextmanager
    def alone(self, invoice_id: str) -> Iterator[None]:
        """Nobody else works on this invoice meanwhile. Raises ``Busy``."""
        name = f"invoice:{invoice_id}"
        if self.ledger.lease(name, self.holder, self.clock.now(), LEASE_SECONDS) is None:
            raise Busy("invoice")
        try:
            yield
        finally:
            self.ledger.release(name, self.holder)

    def _again(self, invoice: Invoice) -> Invoice:
        return self.ledger.invoices.get(invoice.id) or invoice


@dataclass
class _Work:
    """One run over one invoice. ``remote`` is Stripe's last answer in this run: the gate needs no call of its own."""

    steps: InvoiceSteps
    provider: Provider
    actor: Actor
    remote: RemoteInvoice | None = None

    def run(self, invoice: Invoice) -> Invoice:
        while (step := next_step(invoice)) is not None:
            invoice = STEPS[step](self, invoice)
        return invoice

    def create(self, invoice: Invoice) -> Invoice:
        customer = self.steps.customers.ensure(self._contact(invoice))
        draft = invoice_draft(invoice.plan, customer, invoice.id, self.steps.installation, invoice.business)
        return self._call(
            invoice,
            "create",
            draft,
            lambda key: self.provider.create_invoice(draft, key),
            lambda: self.provider.find_invoice(invoice.id, customer, invoice.created_at - LOOK_BACK),
            Stage.CREATED,
            [_made(invoice)],
        )

    def fill(self, invoice: Invoice) -> Invoice:
        stripe_id = invoice.stripe_id or ""
        drafts = line_drafts(invoice.plan, self._products(invoice))

        def look() -> RemoteInvoice | None:
            return self.provider.invoice(stripe_id) if self.provider.line_keys(stripe_id) else None

        def do(key: str) -> RemoteInvoice:
            return self.provider.add_lines(stripe_id, drafts, key)

        return self._call(invoice, "fill", drafts, do, look, Stage.FILLED, through_gate=True)

    def check(self, invoice: Invoice) -> Invoice:
        """The gate. Stripe's last answer in this run will do; after a pause the draft is asked for anew."""
        contact = self._contact(invoice)
        if self.remote is None:
            # They may have moved since the draft was made, and a draft shows who they are now.
            self.steps.customers.ensure(contact)
        started = self.steps.begin(invoice)
        self.remote = remote = self.remote or self.provider.invoice(invoice.stripe_id or "")
        found = differences(invoice.plan, remote, contact)
        if found:
            stopped = GateStopped([(each.what, each.ours, each.theirs) for each in found])
            stopped.invoice_id = invoice.id
            what = ", ".join(each.what for each in found)
            entry = TimelineEntry(started, "stopped", None, {"what": what}, None, remote.request_id, remote.id)
            problem = Problem(stopped.code, stopped.message, found)
            self.steps.ledger.invoices.stop(invoice.id, problem, started, [entry])
            raise stopped
        checked = TimelineEntry(started, "checked", None, {}, None, remote.request_id, remote.id)
        return self.steps.ledger.invoices.advance(invoice.id, Stage.CHECKED, None, started, [checked])

    def finalise(self, invoice: Invoice) -> Invoice:
        if self.remote is None:
            invoice = self.check(invoice)  # A draft can be changed at Stripe between our check and this moment.
        stripe_id = invoice.stripe_id or ""

        def look() -> RemoteInvoice | None:
            remote = self.provider.invoice(stripe_id)
            return None if remote.status == Status.DRAFT else remote

        def do(key: str) -> RemoteInvoice:
            return self.provider.finalise(stripe_id, key)

        return self._call(invoice, "finalise", stripe_id, do, look, Stage.FINALISED)

    def send(self, invoice: Invoice) -> Invoice:
        stripe_id = invoice.stripe_id or ""

        def look() -> RemoteInvoice | None:
            """A mail that is out for certain is noted, not sent again. Stripe cannot be asked about any other."""
            last = self.steps.ledger.journal.last(subject(invoice), "send")
            done = last is not None and last.outcome is Outcome.DONE
            return self.provider.invoice(stripe_id) if done else None

        entry = TimelineEntry(self.steps.clock.now(), "sent", self.actor.ref)
        return self._call(
            invoice, "send", stripe_id, lambda key: self.provider.send(stripe_id, key), look, Stage.SENT, [entry]
        )

    def _contact(self, invoice: Invoice) -> Contact:
        """Who is billed was decided; how they are reached, and where they live, is what the CRM says now."""
        contact = self.steps.customers.crm.contact(invoice.contact)
        if contact is None and not invoice.contact_readable:
            raise SecretUnreadable("put the customer back into the CRM")
        return contact or invoice.plan.contact

    def _call(
        self,
        invoice: Invoice,
        name: str,
        request: object,
        do: Callable[[str], RemoteInvoice],
        look: Callable[[], RemoteInvoice | None] | None,
        stage: Stage,
        told: list[TimelineEntry] | None = None,
        *,
        through_gate: bool = False,
    ) -> Invoice:
        started = self.steps.begin(invoice)
        journal = Journal(self.steps.ledger.journal, self.steps.clock, invoice.account_id, invoice.livemode)
        self.remote = remote = journal.call(subject(invoice), name, request, do, look)
        sentences = [_signed(entry, remote) for entry in told or [_done(name, remote, self.steps.clock.now())]]
        if through_gate and not differences(invoice.plan, remote, self._contact(invoice)):
            # Most get through; what is checked in the moment of the answer needs no step, and no look, of its own.
            stage = Stage.CHECKED
            sentences.append(
                TimelineEntry(self.steps.clock.now(), "checked", None, {}, None, remote.request_id, remote.id)
            )
        return self.steps.ledger.invoices.advance(invoice.id, stage, remote, started, sentences)

    def _products(self, invoice: Invoice) -> dict[str, str]:
        """Products of the lines' services. One that Stripe cannot take leaves its lines unlinked, not unbilled."""
        services = dict.fromkeys(line.service for line in invoice.plan.lines if line.service)
        return self.steps.catalogue.products_for(list(services)) if services else {}


STEPS: dict[str, Callable[[_Work, Invoice], Invoice]] = {
    "create": _Work.create,
    "fill": _Work.fill,
    "check": _Work.check,
    "finalise": _Work.finalise,
    "send": _Work.send,
}

NEXT = {
    Stage.PLANNED: "create",
    Stage.CREATED: "fill",
    Stage.FILLED: "check",
    Stage.STOPPED: "check",
    Stage.CHECKED: "finalise",
    Stage.FINALISED: "send",
}


def next_step(invoice: Invoice) -> str | None:
    """What is still to do, as far as its maker wanted to go; None where all is done."""
    step = NEXT.get(invoice.stage)
    if step == "finalise" and not invoice.send:
        return None
    mailed = invoice.send and invoice.plan.delivery is Delivery.MAIL and invoice.status == Status.OPEN
    return None if step == "send" and not mailed else step


def subject(invoice: Invoice) -> str:
    """How the journal names it."""
    return f"invoice:{invoice.id}"


def _made(invoice: Invoice) -> TimelineEntry:
    sources = {f"{source.kind}:{source.ref}" for source in invoice.plan.sources}
    words = {"lines": str(len(invoice.plan.chosen)), "source": ", ".join(sorted(sources))}
    return TimelineEntry(invoice.created_at, "made", invoice.created_by, words)


def _done(name: str, remote: RemoteInvoice, now: datetime) -> TimelineEntry:
    kind = {"fill": "lines_added", "finalise": "finalised"}[name]
    return TimelineEntry(now, kind, None, {"number": remote.number or ""})


def _signed(entry: TimelineEntry, remote: RemoteInvoice) -> TimelineEntry:
    return TimelineEntry(entry.at, entry.kind, entry.actor, entry.params, entry.event_id, remote.request_id, remote.id)
