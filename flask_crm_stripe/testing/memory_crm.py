"""A CRM in memory, for tests: the same port as a host's own, filled with values.

crm = MemoryCRM()
crm.add("north", Service("web", "WEB", "Web design", prices=(("eur", Decimal(95)),)))
crm.for_business("north").service("web")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from flask_crm_stripe.model.crm import Billable, Contact, ContactRef, Service, Source, SourceRef

Row = Service | Contact | Source | Billable


class MemoryCRM:
    """Every business's rows. A row added again under the same ref replaces the first."""

    def __init__(self) -> None:
        self._rows: dict[str, MemoryRows] = {}

    def add(self, business: str, *rows: Row) -> Self:
        """Put rows into a business."""
        for row in rows:
            self.for_business(business).put(row)
        return self

    def remove(self, business: str, *rows: Row) -> Self:
        """Take rows out again."""
        for row in rows:
            self.for_business(business).take_out(row)
        return self

    def statuses(self, business: str) -> Mapping[str, str]:
        """The billing status of each billable that was given one."""
        return dict(self.for_business(business).told)

    def for_business(self, business: str) -> MemoryRows:
        """The rows of this business, and only those."""
        return self._rows.setdefault(business, MemoryRows())


@dataclass
class MemoryRows:
    """The CRM port for one business."""

    kept_services: dict[str, Service] = field(default_factory=dict)
    kept_contacts: dict[ContactRef, Contact] = field(default_factory=dict)
    kept_sources: dict[SourceRef, Source] = field(default_factory=dict)
    kept_billables: dict[str, Billable] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)

    def put(self, row: Row) -> None:
        """Add or replace a row."""
        match row:
            case Service():
                self.kept_services[row.ref] = row
            case Contact():
                self.kept_contacts[row.ref] = row
            case Source():
                self.kept_sources[row.ref] = row
            case Billable():
                self.kept_billables[row.ref] = row

    def take_out(self, row: Row) -> None:
        """Delete a row, by its ref."""
        match row:
            case Service():
                self.kept_services.pop(row.ref, None)
            case Contact():
                self.kept_contacts.pop(row.ref, None)
            case Source():
                self.kept_sources.pop(row.ref, None)
            case Billable():
                self.kept_billables.pop(row.ref, None)

    def services(self) -> Iterable[Service]:
        """Every service, inactive ones too."""
        return tuple(self.kept_services.values())

    def service(self, ref: str) -> Service | None:
        """One service."""
        return self.kept_services.get(ref)

    def contact(self, ref: ContactRef) -> Contact | None:
        """One contact."""
        return self.kept_contacts.get(ref)

    def source(self, ref: SourceRef) -> Source | None:
        """One opportunity, ticket or order."""
        return self.kept_sources.get(ref)

    def billables(self, source: SourceRef) -> Sequence[Billable]:
        """All billables of a source, in the order in which they were added."""
        return [billable for billable in self.kept_billables.values() if billable.source == source]

    def sources_of(self, contact: ContactRef) -> Sequence[Source]:
        """The sources of a contact, the newest first."""
        return [source for source in reversed(self.kept_sources.values()) if source.contact == contact]

    def sources_to_bill(self) -> Sequence[SourceRef]:
        """Sources of billables without a status, in the order in which they were added."""
        open_ones = [each for each in self.kept_billables.values() if not self.told.get(each.ref)]
        return list(dict.fromkeys(each.source for each in open_ones if each.source in self.kept_sources))

    def billables_by_ref(self, refs: Sequence[str]) -> Sequence[Billable]:
        """The billables with these refs, in that order, each once."""
        return [self.kept_billables[ref] for ref in dict.fromkeys(refs) if ref in self.kept_billables]

    def set_billing_status(self, refs: Sequence[str], status: str) -> None:
        """Remember the status of billables that are there."""
        self.told.update({ref: status for ref in refs if ref in self.kept_billables})
