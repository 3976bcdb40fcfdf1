"""Our memory of one business, and the few things asked before the business is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from flask_crm_stripe.adapters.sqlalchemy import connections, environments, events, feed, intake, secrets, tables
from flask_crm_stripe.adapters.sqlalchemy.approvals import SqlApprovals
from flask_crm_stripe.adapters.sqlalchemy.catalogue import SqlCatalogue
from flask_crm_stripe.adapters.sqlalchemy.connections import SqlConnections
from flask_crm_stripe.adapters.sqlalchemy.credits import SqlCredits
from flask_crm_stripe.adapters.sqlalchemy.customers import SqlCustomers
from flask_crm_stripe.adapters.sqlalchemy.database import Database, Sessions
from flask_crm_stripe.adapters.sqlalchemy.endpoints import SqlEndpoints
from flask_crm_stripe.adapters.sqlalchemy.events import SqlEvents
from flask_crm_stripe.adapters.sqlalchemy.invoices import SqlInvoices
from flask_crm_stripe.adapters.sqlalchemy.journal import SqlJournal
from flask_crm_stripe.adapters.sqlalchemy.log import LogKeys, SqlLog
from flask_crm_stripe.adapters.sqlalchemy.notices import SqlNotices
from flask_crm_stripe.adapters.sqlalchemy.people import SqlPeople
from flask_crm_stripe.adapters.sqlalchemy.runs import SqlRuns
from flask_crm_stripe.adapters.sqlalchemy.settings import SqlSettings
from flask_crm_stripe.model.catalogue import OutboxEntry
from flask_crm_stripe.model.connection import Connection, Consent, Installation
from flask_crm_stripe.model.events import IncomingEvent, Intake, Result, StoredEvent, Strays
from flask_crm_stripe.model.secrets import Resealed, SealedReport
from flask_crm_stripe.ports.runtime import Vault


@dataclass(frozen=True)
class SqlLedger:
    """``ports.ledger.Ledger``."""

    business: str
    database: Database
    vault: Vault
    log_keys: LogKeys
    connections: SqlConnections = field(init=False)
    catalogue: SqlCatalogue = field(init=False)
    customers: SqlCustomers = field(init=False)
    invoices: SqlInvoices = field(init=False)
    credits: SqlCredits = field(init=False)
    journal: SqlJournal = field(init=False)
    log: SqlLog = field(init=False)
    people: SqlPeople = field(init=False)
    approvals: SqlApprovals = field(init=False)
    notices: SqlNotices = field(init=False)
    settings: SqlSettings = field(init=False)
    events: SqlEvents = field(init=False)
    runs: SqlRuns = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "connections", SqlConnections(self.business, self.database, self.vault))
        object.__setattr__(self, "invoices", SqlInvoices(self.business, self.database, self.vault))
        object.__setattr__(self, "credits", SqlCredits(self.business, self.database, self.vault))
        object.__setattr__(self, "events", SqlEvents(self.business, self.database, self.vault))
        stores = {"catalogue": SqlCatalogue, "customers": SqlCustomers, "journal": SqlJournal}
        stores |= {"people": SqlPeople, "settings": SqlSettings}
        stores |= {"approvals": SqlApprovals, "notices": SqlNotices, "runs": SqlRuns}
        object.__setattr__(self, "log", SqlLog(self.business, self.database, self.log_keys))
        for name, store in stores.items():
            object.__setattr__(self, name, store(self.business, self.database))

    def lease(self, name: str, holder: str, now: datetime, seconds: int) -> int | None:
        """Take a lease, or make ours last longer: its number, None while another holds it.

        The number grows each time the lease changes hands or has run out; ``holder`` names one piece of work.
        """
        table, until = tables.lease, now + timedelta(seconds=seconds)
        ours_still = sa.and_(table.c.holder == holder, table.c.expires_at > now)
        new = {"business": self.business, "name": name, "holder": holder, "fence": 1, "expires_at": until}
        fence = table.c.fence + sa.case((ours_still, 0), else_=1)
        with self.database.at_once() as connection:
            build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            taken = (
                build(table)
                .values(**new)
                .on_conflict_do_update(
                    index_elements=["business", "name"],
                    set_={"holder": holder, "expires_at": until, "fence": fence},
                    where=ours_still | (table.c.expires_at <= now),
                )
            )
            return connection.execute(taken.returning(table.c.fence)).scalar()

    def release(self, name: str, holder: str) -> None:
        """Give it back, if it is still ours. The row stays, so that its number goes on growing."""
        table = tables.lease
        ours = (table.c.business == self.business, table.c.name == name, table.c.holder == holder)
        with self.database.at_once() as connection:
            connection.execute(sa.update(table).where(*ours).values(holder="", expires_at=LONG_AGO))

    def homes(self) -> list[str]:
        """Environments in which this business is the real one."""
        return environments.homes(self.database, self.business)

    def make_home(self, fingerprint: str, actor: str, now: datetime) -> None:
        """This environment is the real one for this business."""
        environments.make_home(self.database, self.business, fingerprint, actor, now)


LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class SqlSharedLedger:
    """``ports.ledger.SharedLedger``. ``bind_key`` names the host's bind that holds our tables."""

    sessions: Sessions
    vault: Vault
    bind_key: str | None = None
    database: Database = field(init=False)
    log_keys: LogKeys = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "database", Database(self.sessions, self.bind_key))
        object.__setattr__(self, "log_keys", LogKeys(self.database, self.vault))

    def for_business(self, business: str) -> SqlLedger:
        """The ledger of one business."""
        return SqlLedger(business, self.database, self.vault, self.log_keys)

    def installation(self, fingerprint: str, now: datetime) -> Installation:
        """This database, made known once."""
        return environments.installation(self.database, fingerprint, now)

    def note_platform(self, account_id: str) -> None:
        """Remember the platform's account, once."""
        environments.note_platform(self.database, account_id)

    def adopt(self, fingerprint: str, actor: str, now: datetime) -> None:
        """This environment is the real one for every business."""
        environments.make_home(self.database, environments.EVERYBODY, fingerprint, actor, now)

    def neutralise(self, fingerprint: str, now: datetime) -> int:
        """Turn a copy into a harmless database."""
        return environments.neutralise(self.database, fingerprint, now)

    def businesses(self) -> list[str]:
        """Every business that ever had a connection."""
        return environments.businesses(self.database)

    def sealed(self) -> SealedReport:
        """How many secrets there are by key."""
        return secrets.report(self.database, self.vault)

    def reseal(self, limit: int) -> Resealed:
        """Seal some more secrets with the first key."""
        return secrets.reseal(self.database, self.vault, limit)

    def start_consent(self, state_hash: str, consent: Consent, now: datetime) -> None:
        """Remember a started flow under the digest of its secret."""
        connections.start_consent(self.database, state_hash, consent, now)

    def claim_consent(self, state_hash: str, now: datetime) -> Consent | None:
        """The consent, once."""
        return connections.claim_consent(self.database, state_hash, now)

    def live_connection(self, account_id: str, livemode: bool) -> Connection | None:
        """Whose account this is."""
        return connections.live_connection(self.database, account_id, livemode)

    def live_connections(self) -> list[Connection]:
        """Every live connection."""
        return connections.live_connections(self.database)

    def is_wanted(self, account_id: str, livemode: bool) -> bool:
        """Whether any business has the account, or may."""
        return connections.is_wanted(self.database, account_id, livemode)

    def dropped(self, livemode: bool, before: datetime) -> list[Connection]:
        """What has to be given back to Stripe."""
        return connections.dropped(self.database, livemode, before)

    def take_in(
        self, event: IncomingEvent, now: datetime, due: datetime | None = None, unneeded: str | None = None
    ) -> Intake:
        """Keep an event of a connected account, once."""
        return intake.take_in(self.database, self.vault, intake.Arrival(event, now, due or now, unneeded))

    def count_stray(self, event: IncomingEvent, now: datetime) -> None:
        """One more of an account that is not connected."""
        feed.count_stray(self.database, event, now)

    def all_strays(self) -> list[Strays]:
        """Of every account, the newest first."""
        return feed.all_strays(self.database)

    def claim_events(
        self, now: datetime, limit: int, until: datetime, soon: datetime | None = None
    ) -> list[StoredEvent]:
        """Waiting events whose time has come, for the caller alone."""
        return events.claim_events(self.database, now, limit, until, soon)

    def event(self, row_id: int) -> StoredEvent | None:
        """One event, of whichever business."""
        return events.one_event(self.database, tables.event.c.row == row_id)

    def finish_events(self, row_ids: Sequence[int], result: Result, now: datetime) -> None:
        """Note the result of an attempt."""
        events.finish_events(self.database, row_ids, result, now)

    def postpone_events(self, row_ids: Sequence[int], until: datetime) -> None:
        """They wait on."""
        events.postpone_events(self.database, row_ids, until)

    @property
    def endpoints(self) -> SqlEndpoints:
        """The webhook endpoints that we made."""
        return SqlEndpoints(self.database, self.vault)

    def outbox(self, limit: int = 500, after: int = 0) -> list[OutboxEntry]:
        """Notes not drained yet, oldest first."""
        table = tables.outbox
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(table).where(table.c.id > after).order_by(table.c.id).limit(limit))
            return [OutboxEntry(row.id, row.business, row.kind, row.ref) for row in rows]

    def clear_outbox(self, ids: Sequence[int]) -> None:
        """Forget notes that are drained."""
        with self.database.writing() as connection:
            connection.execute(sa.delete(tables.outbox).where(tables.outbox.c.id.in_(ids)))
