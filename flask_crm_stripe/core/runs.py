"""Many invoices at once: one for each chosen source, seen first, then made in the background.

A run is kept with an item per source. Whoever works on it (``core/run_work.py``) takes one item after the other.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.invoicing import Invoicing
from flask_crm_stripe.core.legal import lacking
from flask_crm_stripe.core.selection import READY, SourceBilling
from flask_crm_stripe.errors import (
    ApprovalNeeded,
    BillingError,
    Conflict,
    InvalidInput,
    NotFound,
    PlanChanged,
)
from flask_crm_stripe.model.business import DRAFT, SEND, VIEW, Business
from flask_crm_stripe.model.codec import digest, from_plain, to_plain
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.invoices import InvoicePlan
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.model.runs import ItemState, Run, RunItem, RunState, Tally
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock, Queue

TASK = "make_invoices"
WORKERS = 2
"""Messages per run: so many workers share it, each with several threads. More than two processors' worth of our own
work never fits into what Stripe takes."""

MOST_SOURCES = 5000
LOOK_AGAIN = (PlanChanged.code, ApprovalNeeded.code)
"""A person has to look at the figures again, or another person at the invoice: to try again would change nothing."""

NOTHING = "Nothing of it is ready to be billed."
ALL_BILLED = "All its work is on invoices already."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What all invoices of a run have in common: the terms, and the seller as the host's loader gave it, for in the
    background there is no request to ask."""

    terms: Terms
    business: Business


@dataclass(frozen=True)
class Runs:
    """The runs of the business, in a person's hands."""

    ledger: Ledger
    invoicing: Invoicing
    queue: Queue
    clock: Clock

    def plan(self, sources: Sequence[SourceRef], terms: Terms, *, send: bool) -> Run:
        """What would come of these: kept, to be seen and started. Nothing reaches Stripe. One invoice each, of the
        ready work in its commonest currency. Raises ``NotPermitted``, ``NotConnected``, ``InvalidInput``."""
        self._may(send)
        connection = self.invoicing.connections.require_live()
        wanted = list(dict.fromkeys(sources))
        if not wanted:
            raise InvalidInput("sources", "Choose at least one source of work.")
        if len(wanted) > MOST_SOURCES:
            raise InvalidInput("sources", f"A run has at most {MOST_SOURCES} sources. Choose fewer.")
        run = Run(
            uuid.uuid4().hex,
            connection.account_id,
            connection.livemode,
            send,
            to_plain(Wanted(terms, self.invoicing.drafting.business)),
            self.invoicing.rights.actor.ref,
            self.clock.now(),
        )
        self.ledger.runs.add(run, [self._planned(ref, terms, send=send) for ref in wanted])
        return run

    def start(self, run_id: str) -> Run:
        """Begin what was planned and seen. Once: pressed again it is the same run, as far as it has come.

        Raises ``NotConnected``, ``InvalidInput`` where none of them makes an invoice, and ``Conflict`` where customers
        cannot pay, or another account is connected by now.
        """
        run = self._mine(run_id)
        connection = self.invoicing.connections.require_live()
        self.invoicing.connections.environment.require_real("make invoices")
        if run.state is not RunState.PLANNED:
            return run
        if connection.books != run.books:
            raise Conflict("Another Stripe account is connected by now. Choose the work again.")
        if run.send and not connection.account.charges_enabled:
            raise Conflict("Customers can't pay you at the moment, so nothing was sent. Make drafts instead.")
        count = sum(each.count for each in self.tally(run.id) if each.state is ItemState.WAITING)
        if not count:
            raise InvalidInput("sources", "None of these makes an invoice. The list says why.")
        with self.invoicing.log.deed("run.start", f"run:{run.id}", f"{count} invoices"):
            started = self.ledger.runs.move(run.id, RunState.PLANNED, RunState.RUNNING, self.clock.now())
        if started:
            self.call_workers(run.id)
        return self.get(run.id)

    def start_if_any(self, run: Run) -> Run:
        """The same, where it makes an invoice at all; else it stays as it is, and its list says why."""
        waits = any(each.state is ItemState.WAITING for each in self.tally(run.id))
        return self.start(run.id) if waits else run

    def get(self, run_id: str) -> Run:
        """One run of this business. Raises ``NotFound``."""
        self.invoicing.rights.require(VIEW, "see invoices")
        found = self.ledger.runs.get(run_id)
        if found is None:
            raise NotFound("run")
        return found

    def tally(self, run_id: str) -> Sequence[Tally]:
        """How far it is. Raises ``NotFound``."""
        return self.ledger.runs.tally(self.get(run_id).id)

    def stop(self, run_id: str) -> Run:
        """After what is being done now. Raises ``Conflict`` where it does not run."""
        return self._move(run_id, RunState.RUNNING, RunState.STOPPED, "run.stop")

    def resume(self, run_id: str) -> Run:
        """Go on with one that was stopped. Raises ``Conflict`` where it was not."""
        self.invoicing.connections.environment.require_real("make invoices")
        run = self._move(run_id, RunState.STOPPED, RunState.RUNNING, "run.resume")
        self.call_workers(run.id)
        return run

    def retry(self, run_id: str) -> int:
        """Try those again that failed, where the figures were seen and nobody has to look at them anew. Says how many.
        Raises ``Conflict`` where there are none."""
        run = self._mine(run_id)
        self.invoicing.connections.environment.require_real("make invoices")
        with self.invoicing.log.deed("run.retry", f"run:{run.id}"):
            count = self.ledger.runs.retry(run.id, LOOK_AGAIN)
            if not count:
                raise Conflict("Nothing of this run can simply be tried again. Review these sources once more.")
        self.call_workers(run.id)
        return count

    def call_workers(self, run_id: str) -> None:
        """Somebody shall work on it."""
        for number in range(WORKERS):
            self.queue.put(TASK, business=self.ledger.business, run=run_id, worker=number)

    def _move(self, run_id: str, before: RunState, after: RunState, action: str) -> Run:
        run = self._mine(run_id)
        with self.invoicing.log.deed(action, f"run:{run.id}"):
            if not self.ledger.runs.move(run.id, before, after, self.clock.now()):
                raise Conflict("This run is not where it was when you looked. Reload the page to see how it stands.")
        return self.get(run_id)

    def _mine(self, run_id: str) -> Run:
        run = self.get(run_id)
        self._may(run.send, f"run:{run.id}")
        return run

    def _may(self, send: bool, target: str = "") -> None:
        self.invoicing.rights.require(DRAFT, "make invoices", target)
        if send:
            self.invoicing.rights.require(SEND, "send invoices", target)

    def _planned(self, ref: SourceRef, terms: Terms, *, send: bool) -> RunItem:
        title, plan = ref.ref, None
        chosen: list[str] = []
        try:
            billing = self.invoicing.source(ref)
            title = billing.source.title
            chosen = [row.billable.ref for row in billing.rows if row.selected]
            _check_some(billing)
            plan = self.invoicing.plan(billing, chosen, terms)
            self._may_be_made(plan, send=send)
        except BillingError as error:
            failed = RunItem(ref, title, chosen, state=ItemState.FAILED, code=error.code, reason=error.message)
            return failed if plan is None else _with_figures(failed, plan)
        return _with_figures(RunItem(ref, title, chosen, seen=digest(plan)), plan)

    def _may_be_made(self, plan: InvoicePlan, *, send: bool) -> None:
        if not send:
            return
        if missing := lacking(plan):
            raise InvalidInput("seller", missing)
        self.invoicing.approvals.require(SEND, Money(plan.total, plan.currency))


def wanted_of(run: Run) -> Wanted:
    """What was wanted when it began."""
    return from_plain(Wanted, run.terms)


def _check_some(billing: SourceBilling) -> None:
    """Raises ``InvalidInput`` where nothing can be chosen, with the first reason that there is."""
    if any(row.state == READY for row in billing.rows):
        return
    reason = next((row.reason for row in billing.rows if row.reason), "")
    billed = bool(billing.rows) and all(row.invoice for row in billing.rows)
    raise InvalidInput("billables", ALL_BILLED if billed else f"{NOTHING} {reason}".strip())


def _with_figures(item: RunItem, plan: InvoicePlan) -> RunItem:
    return replace(item, currency=plan.currency, total=plan.total)
