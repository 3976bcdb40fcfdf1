"""A host with many orders, each with work to bill; its own database costs nothing, so that billing is measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from flask_crm_stripe.model.crm import Address, Billable, Contact, ContactRef, Service, Source, SourceRef

CONTACTS, SERVICES = 50, 5


class Orders:
    """Order 17 has the lines 17-0, 17-1, ...; every fiftieth order is the same customer's."""

    def __init__(self, lines: int) -> None:
        self._lines = lines

    def for_business(self, business: str) -> Orders:
        """The same for each."""
        return self

    def services(self) -> Iterable[Service]:
        """Some."""
        return [self._service(number) for number in range(SERVICES)]

    def service(self, ref: str) -> Service | None:
        """One of them."""
        return self._service(int(ref))

    def contact(self, ref: ContactRef) -> Contact | None:
        """Who pays."""
        where = Address("Kade 1", "", "9711 AA", "Groningen", "", "NL")
        return Contact(ref, f"Customer {ref.ref}", f"pay{ref.ref}@customers.example", address=where)

    def source(self, ref: SourceRef) -> Source | None:
        """An order."""
        payer = ContactRef("organization", str(int(ref.ref) % CONTACTS))
        return Source(ref, f"Order {ref.ref}", f"O-{ref.ref}", payer)

    def billables(self, source: SourceRef) -> Sequence[Billable]:
        """Its lines."""
        return [self._line(source, number) for number in range(self._lines)]

    def billables_by_ref(self, refs: Sequence[str]) -> Sequence[Billable]:
        """The same by ref."""
        pairs = [ref.split("-") for ref in refs]
        return [self._line(SourceRef("order", order), int(number)) for order, number in pairs]

    def set_billing_status(self, refs: Sequence[str], status: str) -> None:
        """Nobody looks."""

    def _service(self, number: int) -> Service:
        return Service(str(number), f"S-{number}", f"Service {number}", "", (("eur", Decimal(100)),), Decimal(21), "h")

    def _line(self, source: SourceRef, number: int) -> Billable:
        words, service = f"Work {source.ref}-{number}", str(number % SERVICES)
        price = Decimal(80 + number)
        return Billable(f"{source.ref}-{number}", source, words, Decimal("1.5"), price, "eur", "h", service)
