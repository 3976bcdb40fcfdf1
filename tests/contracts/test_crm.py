"""The CRM port: one suite on the CRM in memory and on a host's models, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from flask_crm_stripe.adapters.sqlalchemy.host import session_source
from flask_crm_stripe.model.crm import Address, Billable, Contact, ContactRef, Service, Source, SourceRef, VatKind
from flask_crm_stripe.ports.crm import CRM, CRMSource, ListsSources, ListsSourcesOfContacts
from flask_crm_stripe.testing.memory_crm import MemoryCRM
from tests.support.crm_host import Host, running_host

ANNA = ContactRef("individual", "0b7cbd0c-3a43-4a0e-9d29-5d2b6b7a8f10")
ACME = ContactRef("organization", "1")
SOUTHERN = ContactRef("organization", "2")
ORDER, OTHER_ORDER = SourceRef("order", "1"), SourceRef("order", "2")
TICKET = SourceRef("ticket", "T/1 “ä”")

DESIGN = Service(
    "1", "WEB", "Web design", "By the hour", (("eur", Decimal(95)), ("jpy", Decimal(14000))), Decimal(21), "h"
)
RETIRED = Service("2", "OLD", "Retired", active=False)
FOREIGN = Service("3", "WEB", "Southern design", prices=(("usd", Decimal("110.5")),))
NORTH = (
    DESIGN,
    RETIRED,
    Contact(ACME, "Acme <b>B.V.</b>", "pay@acme.example", None, Address(city="Delft", country="NL"), vat_number="NL1",
            vat_kind=VatKind.REVERSE_CHARGE),
    Contact(ANNA, "Anna", None, address=None),
    Source(ORDER, "Website", "O-1", ACME),
    Source(TICKET, "Printer", "T-1", ANNA),
    Billable(
        "1", ORDER, "Design", Decimal("2.5"), Decimal(95), "eur", "h", "1", Decimal(21), False, Decimal(10),
        worked_on="12 Nov", worked_by="Kim",
    ),
    Billable("2", TICKET, "Toner", Decimal(1), Decimal(5000), "jpy", vat_included=True),
    Billable("3", ORDER, "Hosting", Decimal(12), Decimal("0.000001"), "usd", ready=False),
    Billable(
        "6", ORDER, "Goodwill", Decimal(-1), Decimal(20), "eur", vat_rate=Decimal(0), vat_kind=VatKind.EXEMPT,
        discount_amount=Decimal("1.5"), service_from=date(2026, 11, 2), service_to=date(2026, 11, 6),
    ),
)  # fmt: skip
SOUTH = (
    FOREIGN,
    Contact(SOUTHERN, "Southern", "s@south.example"),
    Source(OTHER_ORDER, "Roof", "O-1", SOUTHERN),
    Billable("4", OTHER_ORDER, "Tiles", Decimal(3), Decimal(7), "usd"),
    Billable("5", ORDER, "Written under another business's order", Decimal(1), Decimal(1), "usd"),
)


@dataclass
class Box:
    """An implementation with both businesses' rows, and how to read its billing statuses."""

    crm: CRMSource
    statuses: Callable[[str], Mapping[str, str]]

    @property
    def north(self) -> CRM:
        """The first business."""
        return self.crm.for_business("north")

    @property
    def south(self) -> CRM:
        """The second business."""
        return self.crm.for_business("south")


def statuses_in(host: Host) -> Callable[[str], Mapping[str, str]]:
    """Reads the status column."""

    def read(business: str) -> Mapping[str, str]:
        with session_source(host.db)() as session:
            rows = session.query(host.Billable).filter_by(company=business)
            return {str(row.id): row.status for row in rows if row.status}

    return read


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    """Each implementation in turn."""
    if request.param == "memory":
        crm = MemoryCRM().add("north", *NORTH).add("south", *SOUTH)
        yield Box(crm, crm.statuses)
        return
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "pg_url")
    with running_host(url) as host:
        host.add("north", *NORTH)
        host.add("south", *SOUTH)
        host.db.session.remove()
        yield Box(host.crm.connect(session_source(host.db)), statuses_in(host))


def test_it_is_a_crm_source(box: Box) -> None:
    """What the extension asks of a CRM at start-up holds."""
    assert isinstance(box.crm, CRMSource)


def test_services_of_one_business(box: Box) -> None:
    """All services are there, retired ones too, with prices by currency; another business's are not."""
    assert list(box.north.services()) == [DESIGN, RETIRED]
    assert list(box.south.services()) == [FOREIGN]
    assert list(box.crm.for_business("nobody").services()) == []


def test_one_service(box: Box) -> None:
    """A service is found in its own business only."""
    assert box.north.service("1") == DESIGN
    assert box.south.service("3") == FOREIGN
    assert box.north.service("3") is None
    assert box.south.service("1") is None


GARBAGE = [
    "",
    " ",
    "0",
    "01",
    " 1",
    "1 ",
    "+1",
    "1.0",
    "1e0",
    "１",
    "x",
    "-1",
    "9" * 19,
    "9" * 400,
    "\0",
    "\ud800",
    "1;--",
]


def test_a_ref_that_is_none_finds_nothing(box: Box) -> None:
    """Whatever a visitor puts into an address is not found: no error, and no second spelling of a ref."""
    for ref in GARBAGE:
        for crm in (box.north, box.south, box.crm.for_business(ref)):
            assert crm.service(ref) is None, ref
            assert [crm.contact(ContactRef(kind, ref)) for kind in ("organization", "individual", ref)] == [None] * 3
            assert [crm.source(SourceRef(kind, ref)) for kind in ("order", "ticket", ref)] == [None] * 3
            assert list(crm.billables(SourceRef("order", ref))) == []
        box.north.set_billing_status([ref], "paid")
    assert list(box.north.billables_by_ref([*GARBAGE, "1"])) == [NORTH[6]]
    assert box.statuses("north") == {}


def test_a_uuid_has_one_spelling(box: Box) -> None:
    """A contact's UUID in capitals or without dashes is another ref, so that nobody gets two customers."""
    for ref in (ANNA.ref.upper(), ANNA.ref.replace("-", ""), "{" + ANNA.ref + "}"):
        assert box.north.contact(ContactRef("individual", ref)) is None


def test_contacts(box: Box) -> None:
    """Both kinds of contact come back whole, in their own business only; names are data."""
    assert box.north.contact(ACME) == NORTH[2]
    assert box.north.contact(ANNA) == NORTH[3]
    assert box.south.contact(SOUTHERN) == SOUTH[1]
    assert [box.south.contact(ACME), box.south.contact(ANNA), box.north.contact(SOUTHERN)] == [None] * 3
    assert box.north.contact(ContactRef("alien", "1")) is None


def test_sources(box: Box) -> None:
    """Sources say who pays, and are found in their own business only."""
    assert box.north.source(ORDER) == NORTH[4]
    assert box.north.source(TICKET) == NORTH[5]
    assert box.south.source(ORDER) is None
    assert box.north.source(OTHER_ORDER) is None
    assert box.north.source(SourceRef("ticket", "1")) is None


def test_sources_of_a_contact(box: Box) -> None:
    """Those of the contact, of every kind, in their own business only."""
    north, south = box.north, box.south
    assert isinstance(north, ListsSourcesOfContacts)
    assert isinstance(south, ListsSourcesOfContacts)
    for contact in (ACME, ANNA, SOUTHERN):
        wanted = {row.ref for row in NORTH if isinstance(row, Source) and row.contact == contact}
        assert {source.ref for source in north.sources_of(contact)} == wanted
    assert list(south.sources_of(ACME)) == []
    assert [source.ref for source in south.sources_of(SOUTHERN)] == [OTHER_ORDER]
    assert list(north.sources_of(ContactRef("alien", "1"))) == []


def test_billables_of_a_source(box: Box) -> None:
    """A source has its own billables, ready or not, exact to the last digit, and never another business's."""
    assert list(box.north.billables(ORDER)) == [NORTH[6], NORTH[8], NORTH[9]]
    assert list(box.north.billables(TICKET)) == [NORTH[7]]
    assert list(box.south.billables(OTHER_ORDER)) == [SOUTH[3]]
    assert list(box.north.billables(OTHER_ORDER)) == []
    assert list(box.north.billables(SourceRef("ticket", "nothing"))) == []
    assert "5" not in [billable.ref for billable in box.north.billables(ORDER)]


def test_billables_by_ref(box: Box) -> None:
    """They come in the order asked, each once; unknown ones and another business's are left out."""
    found = box.north.billables_by_ref(["3", "4", "1", "99", "3", "5"])
    assert [billable.ref for billable in found] == ["3", "1"]
    assert list(box.north.billables_by_ref([])) == []
    assert [billable.ref for billable in box.south.billables_by_ref(["1", "4"])] == ["4"]


def test_billing_status(box: Box) -> None:
    """A status reaches the named billables of this business; telling it twice changes nothing."""
    for _ in range(2):
        box.north.set_billing_status(["1", "3", "4", "77"], "open")
    assert box.statuses("north") == {"1": "open", "3": "open"}
    assert box.statuses("south") == {}
    box.north.set_billing_status(["3"], "paid")
    box.north.set_billing_status([], "void")
    assert box.statuses("north") == {"1": "open", "3": "paid"}


def test_sources_with_work_that_no_invoice_has(box: Box) -> None:
    """Each once, and no other business's; what has a status is billed."""
    assert isinstance(box.north, ListsSources)
    assert isinstance(box.south, ListsSources)
    assert sorted(box.north.sources_to_bill()) == [ORDER, TICKET]
    assert OTHER_ORDER in box.south.sources_to_bill()
    box.north.set_billing_status(["2"], "open")
    assert list(box.north.sources_to_bill()) == [ORDER]
    box.north.set_billing_status(["2"], "")
    box.north.set_billing_status(["1"], "draft")
    assert sorted(box.north.sources_to_bill()) == [ORDER, TICKET], "another line of the order is not billed"
