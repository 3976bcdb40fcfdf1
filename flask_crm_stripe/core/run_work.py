"""Working on a run: item after item, in several threads and processes at once, until nothing of it waits.

An item is claimed under a lease. Its invoice has the item's own form key, so whoever comes to the item later, after a
crash, finds what was made and goes on with that.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from flask_crm_stripe.core.billing import Billing, Platform
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.invoice_steps import LEASE_SECONDS, MAIL_UNCERTAIN, next_step
from flask_crm_stripe.core.runs import Wanted, wanted_of
from flask_crm_stripe.errors import (
    AccountGone,
    BillingError,
    Busy,
    NotConnected,
    ProviderFailed,
    RateLimited,
    Unreachable,
)
from flask_crm_stripe.model.business import DRAFT, SEND, SYSTEM, VIEW, Actor
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.model.runs import ItemState, Outcome, Run, RunItem
from flask_crm_stripe.ports.runtime import nobody_waits

log = logging.getLogger(__name__)

CLAIMED_FOR = timedelta(seconds=LEASE_SECONDS + 20)
"""Longer than the lease on the invoice itself: who takes an item over finds that free."""

SLICE = timedelta(seconds=20)

TEMPORARY = (Unreachable, ProviderFailed, RateLimited, Busy, NotConnected, AccountGone)
MOST_TRIES = 6
FIRST_WAIT = timedelta(seconds=5)
BROKEN = "Something went wrong here; the CRM's own log says what."
KILLED = "Whoever worked on it was stopped each time before it was done. Try it by itself."


@dataclass(frozen=True)
class RunWork:
    """What a worker does for a run; after ``patience`` it lets others have a turn."""

    platform: Platform
    patience: timedelta = SLICE

    def go_on(self, business: str, run_id: str) -> int:
        """Work on it for a while, with all hands. Says how many items were tried. Safe at any time, and in several
        processes at once."""
        billing = self.platform.system(business)
        run = billing.ledger.runs.get(run_id)
        live = billing.connection.live()
        if run is None or billing.environment.is_copy or live is None or live.books != run.books:
            return 0  # It waits, until somebody says that this is the real one, or connects again.
        done: list[int] = []
        with nobody_waits():
            until = self.platform.clock.now() + self.patience
            self.platform.hands.together(partial(self._hand, business, run, until, done))
        now = self.platform.clock.now()
        if not billing.ledger.runs.settle(run_id, now) and run_id in billing.ledger.runs.due(run.books, now):
            billing.runs.call_workers(run_id)
        return len(done)

    def _hand(self, business: str, run: Run, until: datetime, done: list[int]) -> None:
        """One thread: its own capabilities, and one item after the other."""
        wanted = wanted_of(run)
        billing = self._for(business, run, wanted)
        runs, clock = billing.ledger.runs, self.platform.clock
        while (now := clock.now()) < until:
            holder = secrets.token_hex(8)
            item = runs.claim(run.id, holder, now, now + CLAIMED_FOR)
            if item is None:
                return
            with nobody_waits():
                outcome = _do(billing, run, item, wanted.terms)
            runs.finish(item.number, holder, outcome)
            done.append(item.number)

    def _for(self, business: str, run: Run, wanted: Wanted) -> Billing:
        """In the hands of the one who began it, with the rights that were checked then."""
        name = self.platform.system(business).ledger.people.names([run.created_by]).get(run.created_by, "")
        rights = (VIEW, DRAFT, SEND) if run.send else (VIEW, DRAFT)
        actor = SYSTEM if run.created_by == SYSTEM.ref else Actor(run.created_by, name, rights)
        return self.platform.billing(wanted.business, actor)


def _do(billing: Billing, run: Run, item: RunItem, terms: Terms) -> Outcome:
    """Make the invoice, or go on with it."""
    invoicing, key, known = billing.invoicing, form_key(run, item), None
    try:
        if item.tries or item.again:
            known = billing.ledger.invoices.by_form_key(key)
        if (stands := _stands_still(billing, item, known)) is not None:
            return stands
        with billing.connection.held():
            made = invoicing.generate(item.source, item.billables, terms, seen=item.seen, form_key=key, send=run.send)
        return Outcome(ItemState.DONE, made.id)
    except BillingError as error:
        return _failed(billing, item, error, _id_of(billing, key))
    except Exception:
        log.exception("Item %s of run %s failed", item.number, run.id)
        return Outcome(ItemState.FAILED, _id_of(billing, key), "internal", BROKEN)


def _stands_still(billing: Billing, item: RunItem, invoice: Invoice | None) -> Outcome | None:
    """Where only a person can go on: a mail that may be out is not sent a second time from here."""
    made = invoice.id if invoice else None
    if item.tries >= MOST_TRIES:
        return Outcome(ItemState.FAILED, made, Busy.code, KILLED)
    if invoice is None or next_step(invoice) != "send":
        return None
    if billing.invoicing.steps.can_go_on_alone(replace(invoice, problem=None)):
        return None
    billing.invoicing.steps.wait_for_person(invoice)
    return Outcome(ItemState.FAILED, made, Unreachable.code, MAIL_UNCERTAIN)


def _failed(billing: Billing, item: RunItem, error: BillingError, made: str | None) -> Outcome:
    if isinstance(error, TEMPORARY) and item.tries + 1 < MOST_TRIES:
        later = billing.clock.now() + FIRST_WAIT * 2**item.tries
        return Outcome(ItemState.WAITING, made, error.code, error.message, later)
    return Outcome(ItemState.FAILED, made, error.code, error.message)


def _id_of(billing: Billing, key: str) -> str | None:
    found = billing.ledger.invoices.by_form_key(key)
    return found.id if found else None


def form_key(run: Run, item: RunItem) -> str:
    """The item's own: the same each time."""
    text = "\0".join((run.id, item.source.kind, item.source.ref))
    return f"run-{hashlib.sha256(text.encode()).hexdigest()[:40]}"
