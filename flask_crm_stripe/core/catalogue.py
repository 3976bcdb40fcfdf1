"""Services as Stripe products and prices: planned first, then sent, one service at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.journal import Journal
from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.core.products import Wanted, changes, wanted
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.core.service_sync import ServiceSync
from flask_crm_stripe.errors import BillingError, Busy, InvalidInput, NotFound, ProviderError
from flask_crm_stripe.model.business import SYNC, VIEW
from flask_crm_stripe.model.catalogue import CatalogueEntry, Change, SyncState
from flask_crm_stripe.model.connection import Connection
from flask_crm_stripe.model.crm import Service
from flask_crm_stripe.ports.crm import CRM
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock, Publisher

LEASE_SECONDS = 120
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service beside what Stripe has of it. ``state`` is a SyncState or ``new``; ``reason`` is in words."""

    service: Service | None
    entry: CatalogueEntry | None
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did; ``failed`` are (service name, reason in words)."""

    done: int
    unchanged: int
    failed: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Catalogue:
    """The services of the business at Stripe."""

    rights: Rights
    log: ActionLog
    ledger: Ledger
    crm: CRM
    connections: Connections
    publisher: Publisher
    clock: Clock
    installation: str
    holder: str

    def rows(self) -> list[ServiceRow]:
        """Every service of the CRM, and what Stripe still has of deleted ones."""
        self.rights.require(VIEW, "see the services")
        connection = self.connections.latest()
        known = self._known(connection) if connection else {}
        rows = [service_row(service, known.pop(service.ref, None)) for service in self.crm.services()]
        return rows + [service_row(None, entry) for entry in known.values()]

    def plan(self) -> list[Change]:
        """What a sync would do now, before anything is sent. A service that Stripe would refuse has the deed
        ``refused``, and the reason under ``after``."""
        self.rights.require(SYNC, "send services to Stripe")
        connection = self.connections.require_live()
        known = self._known(connection)
        planned: list[Change] = []
        for service in self.crm.services():
            planned += self._plan_one(connection, service, known.pop(service.ref, None))
        for entry in known.values():
            planned += changes(None, entry)
        return planned

    def note(self, refs: Sequence[str] | None = None) -> list[str]:
        """Remember which of these services (None: all) Stripe has to be told about, before it is told."""
        connection = self.connections.require_live()
        known = self._known(connection)
        services = {service.ref: service for service in self._services(refs)}
        asked = refs if refs is not None else [*services, *known]
        behind = []
        for ref in dict.fromkeys(asked):
            service, entry = services.get(ref), known.get(ref)
            if self._plan_one(connection, service, entry):
                behind.append((ref, *_label(ref, service, entry)))
        self.ledger.catalogue.mark_waiting(connection.account_id, connection.livemode, behind)
        return [ref for ref, _, _ in behind]

    def sync(self, refs: Sequence[str] | None = None) -> SyncReport:
        """Bring services (None: all) in step. One that fails is noted with its reason and stops no other.

        Raises ``NotConnected``, ``NotPermitted``, and ``NotFound`` for a ref that is not this business's.
        """
        self.rights.require(SYNC, "send services to Stripe")
        connection = self.connections.require_live()
        known = self._known(connection)
        if any(ref not in known and self.crm.service(ref) is None for ref in refs or ()):
            raise NotFound("service")
        self.connections.environment.require_real("send services to Stripe")
        with self.log.deed("services.sync", "services"):
            behind = self.note(refs)
            asked = len(dict.fromkeys(refs)) if refs is not None else len(self._known(connection))
            return self._sync(connection, behind, max(0, asked - len(behind)))

    def sync_waiting(self) -> SyncReport:
        """Bring in step what waits and what may be tried again by now."""
        connection = self.connections.require_live()
        now = self.clock.now()
        due = [entry.service for entry in self._known(connection).values() if is_due(entry, now)]
        return self._sync(connection, due, 0)

    def products_for(self, refs: Sequence[str]) -> dict[str, str]:
        """The products of services, made at Stripe where they are not there yet. A service that is gone, or that Stripe
        cannot take, has none."""
        connection = self.connections.require_live()
        known = self.ledger.catalogue.products(connection.account_id, connection.livemode, refs)
        found: dict[str, str] = {}
        for ref in refs:
            service = self.crm.service(ref)
            if service is not None and service.active:
                with suppress(InvalidInput):
                    found[ref] = known.get(ref) or self._made(connection, service)
        return {ref: product for ref, product in found.items() if product}

    def _made(self, connection: Connection, service: Service) -> str:
        ref = service.ref
        try:
            return self._sync_one(connection, ref).product_id or ""
        except Busy:
            return self._product_now(connection, service)

    def _product_now(self, connection: Connection, service: Service) -> str:
        """While another worker syncs the service: its product only. The id is ours and both use the same key, so they
        make one product between them."""
        product = self._wanted(connection, service, None).product
        journal = Journal(self.ledger.journal, self.clock, connection.account_id, connection.livemode)
        provider = self.connections.provider()
        return journal.call(
            f"service:{service.ref}", "create", product, lambda key: provider.create_product(product, key)
        ).id

    def _sync(self, connection: Connection, refs: Iterable[str], unchanged: int) -> SyncReport:
        done, failed = 0, []
        for ref in refs:
            try:
                self._sync_one(connection, ref)
                done += 1
            except BillingError as error:
                entry = self.ledger.catalogue.entry(connection.account_id, connection.livemode, ref)
                failed.append((entry.name if entry else ref, error.message))
        return SyncReport(done, unchanged, tuple(failed))

    def _sync_one(self, connection: Connection, ref: str) -> CatalogueEntry:
        lease = f"service:{connection.account_id}:{ref}"
        if self.ledger.lease(lease, self.holder, self.clock.now(), LEASE_SECONDS) is None:
            raise Busy("service")
        service = self.crm.service(ref)
        entry = self.ledger.catalogue.entry(connection.account_id, connection.livemode, ref)
        code, name = _label(ref, service, entry)
        entry = entry or CatalogueEntry(ref, name, code, SyncState.WAITING)
        try:
            result = self._carry_out(connection, service, entry)
            if self._plan_one(connection, self.crm.service(ref), result):  # It changed while we were at it.
                self.ledger.catalogue.mark_waiting(connection.account_id, connection.livemode, [(ref, code, name)])
        except BillingError as error:
            self._failed(connection, ref, entry, error)
            raise
        finally:
            self.ledger.release(lease, self.holder)
        self.publisher.publish("service_synced", business=self.ledger.business, entry=result)
        return result

    def _carry_out(self, connection: Connection, service: Service | None, entry: CatalogueEntry) -> CatalogueEntry:
        target = self._wanted(connection, service, entry) if service is not None and service.active else None
        journal = Journal(self.ledger.journal, self.clock, connection.account_id, connection.livemode)
        work = ServiceSync(
            self.connections.provider(),
            journal,
            lambda saved: self.ledger.catalogue.save(connection.account_id, connection.livemode, saved),
        )
        if target is None and entry.product_id is None:
            entry = replace(entry, state=SyncState.ARCHIVED)
        return work.run(changes(target, entry), target, entry, self.clock.now())

    def _failed(self, connection: Connection, ref: str, before: CatalogueEntry, error: BillingError) -> None:
        entry = self.ledger.catalogue.entry(connection.account_id, connection.livemode, ref) or before
        wait = min(LONGEST_WAIT, timedelta(minutes=2 ** min(entry.attempts, 10)))
        failed = replace(
            entry,
            state=SyncState.FAILED,
            reason=error.message,
            attempts=entry.attempts + 1,
            retry_at=self.clock.now() + wait if isinstance(error, ProviderError | Busy) else None,
        )
        self.ledger.catalogue.save(connection.account_id, connection.livemode, failed)

    def _plan_one(self, connection: Connection, service: Service | None, entry: CatalogueEntry | None) -> list[Change]:
        if service is None or not service.active:
            return changes(None, entry)
        try:
            return changes(self._wanted(connection, service, entry), entry)
        except InvalidInput as error:
            return [Change(service.ref, service.name, "refused", after=error.message)]

    def _wanted(self, connection: Connection, service: Service, entry: CatalogueEntry | None) -> Wanted:
        home, adopted = connection.account.default_currency, entry.product_id if entry else None
        return wanted(service, self.installation, self.ledger.business, home, adopted)

    def _known(self, connection: Connection) -> dict[str, CatalogueEntry]:
        entries = self.ledger.catalogue.entries(connection.account_id, connection.livemode)
        return {entry.service: entry for entry in entries}

    def _services(self, refs: Sequence[str] | None) -> list[Service]:
        if refs is None:
            return list(self.crm.services())
        return [service for ref in refs if (service := self.crm.service(ref)) is not None]


def service_row(service: Service | None, entry: CatalogueEntry | None) -> ServiceRow:
    """What the services page shows of one service."""
    state = str(entry.state) if entry else "new"
    return ServiceRow(service, entry, state, entry.reason if entry else None)


def is_due(entry: CatalogueEntry, now: datetime) -> bool:
    """Whether a sweep should try this service now."""
    if entry.state is SyncState.FAILED:
        return entry.retry_at is not None and entry.retry_at <= now
    return entry.state is SyncState.WAITING


def _label(ref: str, service: Service | None, entry: CatalogueEntry | None) -> tuple[str, str]:
    known = service or entry
    return (known.code, known.name) if known else ("", ref)
