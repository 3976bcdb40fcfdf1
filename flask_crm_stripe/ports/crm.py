"""The host CRM, as billing sees it.

Most hosts declare their models with ``SQLAlchemyCRM``. A host without SQLAlchemy models writes one class with the
methods of ``CRM`` and one with ``for_business`` (the class itself will do: ``for_business`` may be a classmethod).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from flask_crm_stripe.model.crm import Billable, Contact, ContactRef, Service, Source, SourceRef


class CRM(Protocol):
    """The CRM's rows of one business. What belongs to another business does not exist here."""

    def services(self) -> Iterable[Service]:
        """Every service, archived ones too."""
        ...

    def service(self, ref: str) -> Service | None:
        """One service, None where it does not exist (any more)."""
        ...

    def contact(self, ref: ContactRef) -> Contact | None:
        """One contact."""
        ...

    def source(self, ref: SourceRef) -> Source | None:
        """One opportunity, ticket or order."""
        ...

    def billables(self, source: SourceRef) -> Sequence[Billable]:
        """All billables of a source, in the order in which people see them."""
        ...

    def billables_by_ref(self, refs: Sequence[str]) -> Sequence[Billable]:
        """The billables with these refs, in that order; unknown ones and other businesses' are left out."""
        ...

    def set_billing_status(self, refs: Sequence[str], status: str) -> None:
        """Note the invoice's status on billables. Called again with the same status; a CRM may ignore it."""
        ...


@runtime_checkable
class ListsSourcesOfContacts(Protocol):
    """What a CRM may have beside: then the work of a customer's other sources is offered for the same invoice."""

    def sources_of(self, contact: ContactRef) -> Iterable[Source]:
        """The contact's opportunities, tickets and orders, those first that are likeliest to be billed now. Only the
        first few are looked at."""
        ...


@runtime_checkable
class ListsSources(Protocol):
    """What a CRM may have beside: then many invoices at once can be chosen from a list on our own page. Without it the
    host leads there with the refs that were chosen on its own."""

    def sources_to_bill(self) -> Iterable[SourceRef]:
        """Sources with work on which no invoice's status stands, each once, in the order in which people see them.
        Too many do no harm: what cannot be billed is said before anything is made."""
        ...


@runtime_checkable
class CRMSource(Protocol):
    """Gives the CRM of one business."""

    def for_business(self, business: str) -> CRM:
        """The rows of this business, and only those."""
        ...
