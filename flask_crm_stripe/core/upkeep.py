"""What has to be done although nobody is looking: drain the outbox, go on with what stopped, tell what was not told,
keep what we know of accounts fresh, and let old log lines go.

In a copy of the database nothing of it is done: what waits there is the original's work.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from flask_crm_stripe.core.billing import EVERYBODY, Billing, Platform
from flask_crm_stripe.core.environment import differing
from flask_crm_stripe.core.settings import log_days
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.errors import ApprovalNeeded, BillingError, ProviderFailed, RateLimited, Unreachable
from flask_crm_stripe.model.business import SYSTEM
from flask_crm_stripe.model.catalogue import OutboxEntry
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.invoices import Invoice

log = logging.getLogger(__name__)

EVERYTHING = EVERYBODY
TEMPORARY = (Unreachable, ProviderFailed, RateLimited)
LEFT_ALONE = timedelta(minutes=3)
"""An invoice that nobody has touched for so long was interrupted; a running one is younger than its lease."""

ACCOUNT_FRESH_FOR = timedelta(days=1)
HOUSEKEEPING_EVERY = 3600
"""Seconds between two looks at what grows old: lines of the log, what we know of an account."""

UNDECIDED_FOR = timedelta(days=1)
"""An account that came back from Stripe, and that nobody has said yes or no to for so long, is given back. A
run of invoices that nobody has started goes."""

KEY_ASKED_EVERY = 60
CATCH_UP_SECONDS = 600
ENDPOINT_EVERY = 6 * 3600
LAST_ROUND = "upkeep.at"
DOWNTIME = timedelta(minutes=15)
"""After so long without a round everything was down, or nobody was there to do one."""


@dataclass(frozen=True, slots=True)
class Done:
    """What one round did."""

    events: int
    notes: int
    services: int
    invoices: int
    told: int
    runs: int


@dataclass(frozen=True)
class Upkeep:
    """One round of it is safe at any time, and from several processes at once."""

    platform: Platform
    inbox: Inbox

    def round(self) -> Done:
        """Everything that is due now."""
        self.recognise_key()
        after_downtime = self._was_down()
        events, notes = _safely("events", self.inbox.sweep), _safely("notes", self.drain)
        services = invoices = told = runs = 0
        for business in self._connected():
            for work in (_carry_on, self._keep_fresh, partial(self._catch_up, after_downtime)):
                self._for(business, work)
            services += self._for(business, _sync)
            invoices += self._for(business, self._credit) + self._for(business, self._resume)
            told += self._for(business, self._tell)
            runs += self._for(business, _call_workers)
        for business in self.platform.shared.businesses():
            # Also where nothing is connected any more: what was chosen is done, and the admins hear of it.
            self._for(business, _complete_changes)
            self._for(business, _tell_notices)
        _safely("accounts that nobody wanted", self._give_back)
        _safely("the webhook endpoint", self._look_at_endpoint)
        return Done(events, notes, services, invoices, told, runs)

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

    def _for(self, business: str, work: Callable[[Billing], int]) -> int:
        """Some work for one business; none in a copy."""

        def carefully() -> int:
            billing = self.platform.system(business)
            return 0 if billing.environment.is_copy else work(billing)

        return _safely(f"business {business}", carefully)

    def _was_down(self) -> bool:
        """Whether nobody has looked after anything for a while: then news may have been lost."""
        settings, now = self.platform.shared.for_business(EVERYTHING).settings, self.platform.clock.now()
        last = settings.all().get(LAST_ROUND)
        settings.save({LAST_ROUND: now.isoformat()}, SYSTEM.ref, now)
        return last is not None and now - datetime.fromisoformat(last) > DOWNTIME

    def _catch_up(self, after_downtime: bool, billing: Billing) -> int:
        """What never came, where it is time to look; one worker at a time."""
        if not billing.feed.is_due(after_downtime=after_downtime):
            return 0
        now = self.platform.clock.now()
        if billing.ledger.lease("catch-up", billing.holder, now, CATCH_UP_SECONDS) is None:
            return 0
        try:
            found = billing.feed.catch_up()
        finally:
            billing.ledger.release("catch-up", billing.holder)
        log.info("Caught up with business %s: %s found, %s requests", billing.business.ref, found.found, found.requests)
        return found.found

    def _look_at_endpoint(self) -> int:
        """How events come, a few times a day; and endpoints that others have replaced go."""
        endpoints, everybody = self.platform.endpoints(), self.platform.shared.for_business(EVERYTHING)
        if endpoints.environment.is_copy or not self._connected():
            return 0
        if everybody.lease("endpoint", secrets.token_hex(8), self.platform.clock.now(), ENDPOINT_EVERY) is None:
            return 0
        gone = endpoints.retire()
        endpoints.look()
        return gone

    def _give_back(self) -> int:
        """Accounts that came back from Stripe and that nobody wanted here."""
        platform, done = self.platform, 0
        for dropped in platform.shared.dropped(platform.livemode, platform.clock.now() - UNDECIDED_FOR):
            billing = platform.system(dropped.business)
            if billing.environment.is_copy:
                continue
            try:
                billing.connection.give_back(dropped)
                done += 1
            except BillingError as error:
                log.warning("An account could not be given back to Stripe: %s", error.code)
        return done

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
            if mine and not _safely(f"notes of business {business}", partial(self._follow, business, mine, kept)):
                kept |= {note.id for note in mine}
        done = [note.id for note in notes if note.id not in kept]
        self.platform.shared.clear_outbox(done)
        return len(done)

    def sync_noted(self) -> None:
        """After the host saved: drain, and bring in step what now waits."""
        self.drain()
        for business in self._connected():
            self._for(business, _sync)

    def _follow(self, business: str, notes: Sequence[OutboxEntry], kept: set[int]) -> int:
        """Adds the ids of notes that could not be followed to ``kept``. 0 where none could."""
        billing = self.platform.system(business)
        if billing.environment.is_copy:
            return 0
        services = [note.ref for note in notes if note.kind == "service"]
        if services:
            billing.catalogue.note(None if EVERYTHING in services else list(dict.fromkeys(services)))
        contacts = [note for note in notes if note.kind.startswith("contact:")]
        kept |= {note.id for note in contacts if not self._contact(billing, note)}
        return 1

    def _contact(self, billing: Billing, note: OutboxEntry) -> bool:
        _, _, kind = note.kind.partition(":")
        if note.ref == EVERYTHING:
            return True
        try:
            billing.customers.follow(ContactRef(kind, note.ref))
        except BillingError as error:
            log.warning("A contact could not be brought up to date at Stripe: %s", error.code)
            return not isinstance(error, TEMPORARY)
        except Exception:
            log.exception("The CRM could not tell a contact; the next round asks again")
            return False
        return True

    def _resume(self, billing: Billing) -> int:
        count, books = 0, billing.connection.books()
        before = self.platform.clock.now() - LEFT_ALONE
        for invoice in _every(lambda after: billing.ledger.invoices.unfinished(books, before, after=after)):
            if not billing.invoicing.steps.can_go_on_alone(invoice):
                billing.invoicing.steps.wait_for_person(invoice)
                continue
            try:
                billing.invoicing.resume(invoice.id)
                count += 1
            except BillingError as error:
                log.warning("Invoice %s could not be resumed: %s", invoice.id, error.code)
                if isinstance(error, ApprovalNeeded):
                    billing.invoicing.steps.interrupted(invoice, error)
        return count

    def _credit(self, billing: Billing) -> int:
        return billing.credits.carry_on(self.platform.clock.now() - LEFT_ALONE)

    def _tell(self, billing: Billing) -> int:
        count = 0
        for invoice in _every(lambda after: billing.ledger.invoices.untold(after=after)):
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
        count, before = 0, connection.connected_at
        for invoice in _every(lambda after: billing.ledger.invoices.stale(connection.books, before, after=after)):
            self._look_again(billing, invoice)
            count += 1
        if billing.ledger.lease("housekeeping", billing.holder, now, HOUSEKEEPING_EVERY) is None:
            return count
        billing.probe.clean()
        billing.feed.prune()
        billing.ledger.runs.forget_planned(now - UNDECIDED_FOR)
        days = log_days(billing.settings.all())
        if days is not None and (gone := billing.ledger.log.prune(now - timedelta(days=days))):
            billing.log.note("log.prune", str(gone))
        checked = connection.account.checked_at
        if checked is None or now - checked > ACCOUNT_FRESH_FOR:
            billing.connection.refresh()
        return count

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


def _safely(what: str, work: Callable[[], int]) -> int:
    """One business's trouble, or one kind of work's, keeps nothing else waiting."""
    try:
        return work()
    except Exception:
        log.exception("Upkeep of %s failed; the next round tries again", what)
        return 0


def _every(page: Callable[[Invoice | None], Sequence[Invoice]]) -> Iterator[Invoice]:
    """All pages: those that can't be helped stand in front of no others."""
    last = None
    while rows := page(last):
        yield from rows
        last = rows[-1]


def _sync(billing: Billing) -> int:
    return billing.catalogue.sync_waiting().done


def _complete_changes(billing: Billing) -> int:
    if (connection := billing.connection.live()) is not None:
        billing.connection.announce(connection)
    return billing.change.complete_all()


def _call_workers(billing: Billing) -> int:
    """Runs that wait, or whose workers are gone."""
    due = billing.ledger.runs.due(billing.connection.books(), billing.clock.now())
    for run_id in due:
        billing.runs.call_workers(run_id)
    return len(due)


def _carry_on(billing: Billing) -> int:
    return billing.second_person.carry_on()


def _tell_notices(billing: Billing) -> int:
    return billing.notices.tell()
