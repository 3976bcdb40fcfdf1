"""Our memory without a database, for tests: the same answers as the real one, proved by one contract suite."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask_crm_stripe.errors import Conflict
from flask_crm_stripe.model.catalogue import OutboxEntry
from flask_crm_stripe.model.connection import Connection, ConnectionState, Consent, Installation
from flask_crm_stripe.model.events import IncomingEvent, Intake, Result, StoredEvent, Strays
from flask_crm_stripe.model.secrets import Resealed, SealedReport
from flask_crm_stripe.testing.memory import connections, environments, events
from flask_crm_stripe.testing.memory.catalogue import MemoryCatalogue, MemoryCustomers
from flask_crm_stripe.testing.memory.connections import MemoryConnections
from flask_crm_stripe.testing.memory.credits import MemoryCredits
from flask_crm_stripe.testing.memory.events import MemoryEndpoints, MemoryEvents
from flask_crm_stripe.testing.memory.invoices import MemoryInvoices
from flask_crm_stripe.testing.memory.journal import MemoryJournal, MemorySettings
from flask_crm_stripe.testing.memory.log import MemoryLog, MemoryPeople
from flask_crm_stripe.testing.memory.notices import MemoryApprovals, MemoryNotices
from flask_crm_stripe.testing.memory.runs import MemoryRuns
from flask_crm_stripe.testing.memory.state import Lease, State


class MemoryLedger:
    """``ports.ledger.Ledger``, made by ``MemorySharedLedger.for_business``."""

    def __init__(self, business: str, state: State) -> None:
        self.business = business
        self.state = state
        self.connections = MemoryConnections(business, state)
        self.catalogue = MemoryCatalogue(business, state)
        self.customers = MemoryCustomers(business, state)
        self.invoices = MemoryInvoices(business, state)
        self.credits = MemoryCredits(business, state)
        self.journal = MemoryJournal(business, state)
        self.log = MemoryLog(business, state)
        self.people = MemoryPeople(business, state)
        self.approvals = MemoryApprovals(business, state)
        self.notices = MemoryNotices(business, state)
        self.settings = MemorySettings(business, state)
        self.events = MemoryEvents(business, state)
        self.runs = MemoryRuns(business, state)

    def lease(self, name: str, holder: str, now: datetime, seconds: int) -> int | None:
        """Take a lease, or make ours last longer: its number, None while another holds it."""
        with self.state.lock:
            key, until = (self.business, name), now + timedelta(seconds=seconds)
            known = self.state.leases.get(key)
            free = known is None or known.expires_at <= now
            if known is not None and not free and known.holder != holder:
                return None
            fence = (known.fence if known else 0) + (1 if free else 0)
            self.state.leases[key] = Lease(holder, fence, until)
            return fence

    def release(self, name: str, holder: str) -> None:
        """Give it back, if it is still ours."""
        with self.state.lock:
            known = self.state.leases.get((self.business, name))
            if known is not None and known.holder == holder:
                known.expires_at = LONG_AGO

    def homes(self) -> list[str]:
        """Environments in which this business is the real one."""
        return environments.homes(self.state, self.business)

    def make_home(self, fingerprint: str, actor: str, now: datetime) -> None:
        """This environment is the real one for this business."""
        environments.make_home(self.state, self.business, fingerprint)


LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass
class MemorySharedLedger:
    """``ports.ledger.SharedLedger``. Safe to use from several threads."""

    state: State = field(default_factory=State)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def for_business(self, business: str) -> MemoryLedger:
        """The ledger of one business."""
        return MemoryLedger(business, self.state)

    def installation(self, fingerprint: str, now: datetime) -> Installation:
        """This ledger, made known once."""
        return environments.installation(self.state, self.id, fingerprint)

    def note_platform(self, account_id: str) -> None:
        """Remember the platform's account, once."""
        environments.note_platform(self.state, account_id)

    def adopt(self, fingerprint: str, actor: str, now: datetime) -> None:
        """This environment is the real one for every business."""
        environments.make_home(self.state, environments.EVERYBODY, fingerprint)

    def neutralise(self, fingerprint: str, now: datetime) -> int:
        """Turn a copy into a harmless ledger."""
        return environments.neutralise(self.state, fingerprint, now)

    def businesses(self) -> list[str]:
        """Every business that ever had a connection."""
        with self.state.lock:
            ever = [c.business for c in self.state.connections.values() if c.state in connections.EVER]
        return sorted(set(ever))

    def sealed(self) -> SealedReport:
        """Nothing here is sealed."""
        return SealedReport()

    def reseal(self, limit: int) -> Resealed:
        """Nothing here is sealed."""
        return Resealed(0, False)

    def start_consent(self, state_hash: str, consent: Consent, now: datetime) -> None:
        """Remember a started flow under the digest of its secret."""
        with self.state.lock:
            if state_hash in self.state.consents:
                raise Conflict("This sign-in was started already. Please start again.")
            self.state.consents[state_hash] = consent

    def claim_consent(self, state_hash: str, now: datetime) -> Consent | None:
        """The consent, once."""
        with self.state.lock:
            found = self.state.consents.get(state_hash)
            if found is None or state_hash in self.state.claimed or found.expires_at <= now:
                return None
            self.state.claimed.add(state_hash)
            return found

    def live_connection(self, account_id: str, livemode: bool) -> Connection | None:
        """Whose account this is."""
        with self.state.lock:
            return connections.live_connection(self.state, account_id, livemode)

    def live_connections(self) -> list[Connection]:
        """Every live connection."""
        with self.state.lock:
            live = [each for each in self.state.connections.values() if each.state is ConnectionState.LIVE]
            return [connections.dated(self.state, each) for each in live]

    def is_wanted(self, account_id: str, livemode: bool) -> bool:
        """Whether any business has the account, or may."""
        with self.state.lock:
            return connections.is_wanted(self.state, account_id, livemode)

    def dropped(self, livemode: bool, before: datetime) -> list[Connection]:
        """What has to be given back to Stripe."""
        with self.state.lock:
            return connections.dropped(self.state, livemode, before)

    def take_in(
        self, event: IncomingEvent, now: datetime, due: datetime | None = None, unneeded: str | None = None
    ) -> Intake:
        """Keep an event of a connected account, once."""
        return events.take_in(self.state, event, now, due, unneeded)

    def count_stray(self, event: IncomingEvent, now: datetime) -> None:
        """One more of an account that is not connected."""
        events.count_stray(self.state, event, now)

    def all_strays(self) -> list[Strays]:
        """Of every account, the newest first."""
        return sorted(self.state.strays.values(), key=lambda each: each.last_at, reverse=True)

    def claim_events(
        self, now: datetime, limit: int, until: datetime, soon: datetime | None = None
    ) -> list[StoredEvent]:
        """Waiting events whose time has come, for the caller alone."""
        return events.claim_events(self.state, now, limit, until, soon)

    def event(self, row_id: int) -> StoredEvent | None:
        """One event, of whichever business."""
        with self.state.lock:
            return self.state.events.get(row_id)

    def finish_events(self, row_ids: Sequence[int], result: Result, now: datetime) -> None:
        """Note the result of an attempt."""
        events.finish_events(self.state, row_ids, result, now)

    def postpone_events(self, row_ids: Sequence[int], until: datetime) -> None:
        """They wait on."""
        events.postpone_events(self.state, row_ids, until)

    @property
    def endpoints(self) -> MemoryEndpoints:
        """The webhook endpoints that we made."""
        return MemoryEndpoints(self.state)

    def note(self, business: str, kind: str, ref: str) -> None:
        """Put a note into the outbox, as the host's session does with the real one."""
        with self.state.lock:
            self.state.outbox.append(OutboxEntry(self.state.number(), business, kind, ref))

    def outbox(self, limit: int = 500, after: int = 0) -> list[OutboxEntry]:
        """Notes not drained yet, oldest first."""
        with self.state.lock:
            return [note for note in self.state.outbox if note.id > after][:limit]

    def clear_outbox(self, ids: Sequence[int]) -> None:
        """Forget notes that are drained."""
        with self.state.lock:
            self.state.outbox = [note for note in self.state.outbox if note.id not in set(ids)]
