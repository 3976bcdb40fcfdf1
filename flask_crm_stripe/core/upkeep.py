"""What has to be done although nobody is looking: drain the outbox, go on with what stopped, tell what was not told,
keep what we know of accounts fresh, and let old log lines go.

In a copy of the database nothing of it is done: what waits there is the original's work.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask_crm_stripe.core.billing import Billing, Platform
from flask_crm_stripe.core.environment import differing
from flask_crm_stripe.core.settings import log_days
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.errors import BillingError, ProviderFailed, RateLimited, Unreachable
from flask_crm_stripe.model.business import SYSTEM
from flask_crm_stripe.model.catalogue import OutboxEntry
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.invoices import Invoice

log = logging.getLogger(__name__)

EVERYTHING = "*"
TEMPORARY = (Unreachable, ProviderFailed, RateLimited)
LEFT_ALONE = timedelta(minutes=3)
"""An invoice that nobody has touched for so long was interrupted; a running one is younger than its lease."""

ACCOUNT_FRESH_FOR = timedelta(days=1)
HOUSEKEEPING_EVERY = 3600
"""Seconds between two looks at what grows old: lines of the log, what we know of an account."""

KEY_ASKED_EVERY = 60


@dataclass(frozen=True, slots=True)
class Done:
    """What one round did."""

    events: int
    notes: int
    services: int
    invoices: int
    told: int


@dataclass(frozen=True)
class Upkeep:
    """One round of it is safe at any time, and from several processes at once."""

    platform: Platform
    inbox: Inbox

    def round(self) -> Done:
        """Everything that is due now."""
        self.recognise_key()
        events, notes = self.inbox.sweep(), self.drain()
        services = invoices = told = 0
        for business in self._connected():
            billing = self.platform.system(business)
            if billing.environment.is_copy:
                continue
            for work in (_complete_change, _carry_on, self._keep_fresh):
                self._safely(billing, work)
            services += self._safely(billing, _sync)
            invoices += self._safely(billing, self._resume)
            told += self._safely(billing, self._tell)
        for business in self.platform.shared.businesses():
            # Also where nothing is connected any more: the admins are to hear of it.
            self._safely(self.platform.system(business), _tell_notices)
        return Done(events, notes, services, invoices, told)

    def recognise_key(self) -> bool:
        """Where only the platform's key is another than at home, Stripe can say whether it is the same platform's: then
        the key was rolled, and this is no copy. Says whether it was so. Asked once a minute at most."""
        platform, here, now = self.platform, self.platform.fingerprint(), self.platform.clock.now()
        known = platform.shared.installation(here, now).platform_account
        everybody = platform.shared.for_business(EVERYTHING)
        if known is None or differing(here, everybody.homes()) != ("key",):
            return False
        if everybody.lease("platform-key", secrets.token_hex(8), now, KEY_ASKED_EVERY) is None:
            return False
        try:
            ours = platform.providers.for_account("", livemode=platform.livemode).platform_account()
        except BillingError as error:
            log.warning("Stripe could not be asked whose key this is: %s", error.code)
            return False
        if ours == known:
            platform.shared.adopt(here, SYSTEM.ref, now)
        return ours == known

    def _safely(self, billing: Billing, work: Callable[[Billing], int]) -> int:
        """One business's trouble, or one kind of work's, keeps nothing else waiting."""
        try:
            return work(billing)
        except Exception:
            log.exception("Upkeep of business %s failed; the next round tries again", billing.business.ref)
            return 0

    def drain(self) -> int:
        """Turn the host's notes into work that waits, then clear them; what fails stays noted. Says how many."""
        done, last = 0, 0
        while notes := self.platform.shared.outbox(after=last):
            last = notes[-1].id
            done += self._drain(notes)
        return done

    def _drain(self, notes: Sequence[OutboxEntry]) -> int:
        kept: set[int] = set()
        for business in self._connected():
            mine = [note for note in notes if note.business in (business, EVERYTHING)]
            billing = self.platform.system(business) if mine else None
            if billing is not None and billing.environment.is_copy:
                kept |= {note.id for note in mine}
            elif billing is not None:
                kept |= self._follow(billing, mine)
        done = [note.id for note in notes if note.id not in kept]
        self.platform.shared.clear_outbox(done)
        return len(done)

    def sync_noted(self) -> None:
        """After the host saved: drain, and bring in step what now waits."""
        self.drain()
        for business in self._connected():
            billing = self.platform.system(business)
            if not billing.environment.is_copy:
                billing.catalogue.sync_waiting()

    def _follow(self, billing: Billing, notes: Sequence[OutboxEntry]) -> set[int]:
        """The ids of notes that could not be followed."""
        services = [note.ref for note in notes if note.kind == "service"]
        if services:
            billing.catalogue.note(None if EVERYTHING in services else list(dict.fromkeys(services)))
        return {note.id for note in notes if note.kind.startswith("contact:") and not self._contact(billing, note)}

    def _contact(self, billing: Billing, note: OutboxEntry) -> bool:
        _, _, kind = note.kind.partition(":")
        if note.ref == EVERYTHING:
            return True
        try:
            billing.customers.follow(ContactRef(kind, note.ref))
        except BillingError as error:
            log.warning("A contact could not be brought up to date at Stripe: %s", error.code)
            return not isinstance(error, TEMPORARY)
        return True

    def _resume(self, billing: Billing) -> int:
        count, books = 0, billing.connection.books()
        for invoice in billing.ledger.invoices.unfinished(books, self.platform.clock.now() - LEFT_ALONE):
            if not billing.invoicing.steps.can_go_on_alone(invoice):
                continue
            try:
                billing.invoicing.resume(invoice.id)
                count += 1
            except BillingError as error:
                log.warning("Invoice %s could not be resumed: %s", invoice.id, error.code)
        return count

    def _tell(self, billing: Billing) -> int:
        count = 0
        for invoice in billing.ledger.invoices.untold():
            try:
                billing.invoicing.news.tell(invoice)
                count += 1
            except Exception:
                log.exception("The CRM could not be told of invoice %s; it will be told again", invoice.id)
        return count

    def _keep_fresh(self, billing: Billing) -> int:
        """What may have changed while we heard nothing: invoices since the account was connected (again), the account
        once a day. Old lines of the log go."""
        connection, now = billing.connection.require_live(), self.platform.clock.now()
        stale = billing.ledger.invoices.stale(connection.books, connection.connected_at)
        for invoice in stale:
            self._look_again(billing, invoice)
        if billing.ledger.lease("housekeeping", billing.holder, now, HOUSEKEEPING_EVERY) is None:
            return len(stale)
        billing.probe.clean()
        days = log_days(billing.settings.all())
        if days is not None and (gone := billing.ledger.log.prune(now - timedelta(days=days))):
            billing.log.note("log.prune", str(gone))
        checked = connection.account.checked_at
        if checked is None or now - checked > ACCOUNT_FRESH_FOR:
            billing.connection.refresh()
        return len(stale)

    def _look_again(self, billing: Billing, invoice: Invoice) -> None:
        """How it stands now; where Stripe does not tell, once an hour, and no other invoice waits for it."""
        now = self.platform.clock.now()
        if billing.ledger.lease(f"look:{invoice.id}", billing.holder, now, HOUSEKEEPING_EVERY) is None:
            return
        try:
            billing.invoicing.refresh(invoice.id)
        except BillingError as error:
            log.warning("Stripe could not be asked about invoice %s: %s", invoice.id, error.code)

    def _connected(self) -> Iterable[str]:
        connections = self.platform.shared.live_connections()
        mine = [each.business for each in connections if each.livemode == self.platform.livemode]
        return list(dict.fromkeys(mine))


def _sync(billing: Billing) -> int:
    return billing.catalogue.sync_waiting().done


def _complete_change(billing: Billing) -> int:
    connection = billing.connection.require_live()
    billing.change.complete(connection)
    billing.connection.announce(connection)
    return 1


def _carry_on(billing: Billing) -> int:
    return billing.second_person.carry_on()


def _tell_notices(billing: Billing) -> int:
    return billing.notices.tell()
