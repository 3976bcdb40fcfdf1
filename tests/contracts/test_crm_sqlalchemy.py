"""What is particular to a CRM on a host's models: bad rows, few queries, short sessions, locks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy.crm import BusinessRows, SQLAlchemyCRM
from flask_crm_stripe.adapters.sqlalchemy.host import session_source
from flask_crm_stripe.adapters.sqlalchemy.maps import Maps
from flask_crm_stripe.errors import Busy, ConfigurationError, InvalidInput
from flask_crm_stripe.model.crm import Billable, Contact, ContactRef, Service, Source, SourceRef
from tests.support.crm_host import Host, billable_maps, contact_maps, running_host, service_maps

ORDER = SourceRef("order", "1")


@pytest.fixture
def host(database_url: str) -> Iterator[Host]:
    """A host on each database."""
    with running_host(database_url) as running:
        yield running


def connected(host: Host, business: str = "north", **changes: Any) -> BusinessRows:
    """The rows of a business, with parts of the declaration replaced."""
    parts: dict[str, Any] = {
        "services": host.crm.services,
        "contacts": list(host.crm.contacts.values()),
        "sources": list(host.crm.sources.values()),
        "billables": host.crm.billables,
    }
    crm = SQLAlchemyCRM(**{**parts, **changes})
    return crm.connect(session_source(host.db)).for_business(business)


@contextmanager
def statements(host: Host) -> Iterator[list[str]]:
    """The SELECTs that run meanwhile."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    sa.event.listen(host.db.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(host.db.engine, "before_cursor_execute", note)


def billable(number: int, **changes: Any) -> Billable:
    """A billable of the order."""
    given: dict[str, Any] = {
        "description": f"Work {number}", "quantity": Decimal(1), "unit_price": Decimal(10), "currency": "eur", **changes
    }  # fmt: skip
    return Billable(str(number), ORDER, **given)


BAD = [
    ({"unit_price": None}, "unit_price", "The unit price is missing."),
    ({"vat_kind": "luxury"}, "vat_kind", "The kind of VAT is “luxury”: use one of standard, reduced,"),
    ({"discount_amount": -1}, "discount_amount", "The discount amount is below zero."),
    ({"currency": "EURO"}, "currency", "three letters"),
    ({"currency": " "}, "currency", "The currency is missing."),
    ({"vat_rate": 100.5}, "vat_rate", "The VAT rate is above 100 percent."),
    ({"discount_percent": -3}, "discount_percent", "The discount is below zero."),
]


@pytest.mark.parametrize(("changes", "field", "words"), BAD)
def test_a_bad_billable_is_not_ready_and_hides_no_other(
    host: Host, changes: dict[str, Any], field: str, words: str
) -> None:
    """One row with an impossible value is listed as not ready, with the reason; the others are as ever."""
    host.add("north", billable(1), billable(3))
    bad = host.row("north", billable(2))
    for name, value in changes.items():
        setattr(bad, name, value)
    host.db.session.add(bad)
    host.db.session.commit()
    first, second, third = connected(host).billables(ORDER)
    assert (first.ready, third.ready, first.not_ready) == (True, True, "")
    assert second.ready is False
    assert words in second.not_ready
    assert getattr(second, field) in (Decimal(0), "xxx", None)
    assert connected(host).billables_by_ref(["2"]) == [second]


IMPOSSIBLE = ["NaN", "Infinity", Decimal("NaN"), float("inf"), "1e400", "1e-400", "a lot", True, [], "1" * 30]


def test_impossible_numbers(host: Host) -> None:
    """Whatever a host's function answers for a price, the list does not fail and nothing wrong is ready."""
    host.add("north", *(billable(number) for number in range(len(IMPOSSIBLE))))
    crm = connected(host, billables=billable_maps(host.Billable, unit_price=lambda row: IMPOSSIBLE[row.id]))
    found = crm.billables(ORDER)
    assert len(found) == len(IMPOSSIBLE)
    for row in found:
        assert (row.ready, row.unit_price) == (False, Decimal(0)), row
        assert row.not_ready.startswith("The unit price ")


def test_numbers_of_any_sort(host: Host) -> None:
    """Text, floats and exponents become the plain number that people see."""
    given = [0.1 + 0.2, "7.50 ", 1e3, Decimal("1E+2"), 0]
    host.add("north", *(billable(number) for number in range(len(given))))
    found = connected(host, billables=billable_maps(host.Billable, quantity=lambda row: given[row.id])).billables(ORDER)
    assert [str(row.quantity) for row in found] == ["0.3", "7.5", "1000", "100", "0"]
    assert all(row.ready for row in found)


def test_a_function_that_stumbles(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """A host's function that raises for one row spoils that row only, and its traceback is in the log."""
    host.add("north", billable(1), billable(2))

    def stumbles(row: Any) -> str:
        if row.id == 1:
            raise KeyError("worker")
        return "Kim"

    first, second = connected(host, billables=billable_maps(host.Billable, worked_by=stumbles)).billables(ORDER)
    assert (first.ready, first.not_ready) == (False, "The worked by cannot be read.")
    assert (second.ready, second.worked_by) == (True, "Kim")
    assert "KeyError" in caplog.text


BAD_PRICES: list[object] = [
    [("eur", None), ("jpy", -1)], {"EURO": 1}, [("eur", 1), ("EUR", 2)], "eur", 7, [("eur",)], {"eur": "x"}, ["ab"]
]  # fmt: skip


def test_a_bad_price_is_the_services_problem(host: Host) -> None:
    """A service with a price that cannot be used says so, instead of being told to Stripe without prices."""
    host.add("north", *(Service(str(number), "", f"Service {number}") for number in range(len(BAD_PRICES) + 1)))
    prices = [*BAD_PRICES, {"EUR": "12.50", "usd": None}]
    maps = Maps(host.Service, ref="id", business="company", name="name", prices=lambda row: prices[row.id])
    *bad, good = connected(host, services=maps).services()
    assert all(service.problem.startswith("The prices ") and service.prices == () for service in bad), bad
    assert (good.problem, good.prices) == ("", (("eur", Decimal("12.5")),))


def test_a_bad_contact_is_refused_in_words(host: Host) -> None:
    """A country's name instead of its code is refused, naming the contact, the field and what to write."""
    host.add("north", Contact(ContactRef("organization", "1"), "Acme"))
    maps = contact_maps(host.Organization, "organization")
    maps.fields = {**maps.fields, "address": lambda row: {"city": "Delft", "country": "Netherlands"}}
    with pytest.raises(
        InvalidInput, match=r"Contact “Acme” .* “Netherlands”: write its two-letter code, like NL"
    ) as found:
        connected(host, contacts=maps).contact(ContactRef("organization", "1"))
    assert found.value.field == "address"


def test_a_hundred_billables_take_a_handful_of_queries(host: Host) -> None:
    """However many rows a source has, relationships that the host's functions follow are loaded together."""
    host.add("north", *(billable(n, worked_by=f"Worker {n}" if n % 3 else "") for n in range(1, 101)))
    host.db.session.remove()
    with statements(host) as seen:
        found = connected(host).billables(ORDER)
    assert [row.worked_by for row in found] == [f"Worker {n}" if n % 3 else "" for n in range(1, 101)]
    assert len(seen) <= 4, seen


def test_a_hundred_services_take_a_handful_of_queries(host: Host) -> None:
    """The same with the prices of services, which are rows of their own."""
    host.add("north", *(Service(str(n), f"S{n}", f"Service {n}", prices=(("eur", Decimal(n)),)) for n in range(1, 101)))
    host.db.session.remove()
    with statements(host) as seen:
        found = list(connected(host).services())
    assert [service.prices for service in found] == [(("eur", Decimal(n)),) for n in range(1, 101)]
    assert len(seen) <= 4, seen


def test_many_refs(host: Host) -> None:
    """A thousand refs at once are no problem for the database."""
    host.add("north", billable(1), billable(1200))
    found = connected(host).billables_by_ref([str(n) for n in range(1300, 0, -1)])
    assert [row.ref for row in found] == ["1200", "1"]


@pytest.mark.parametrize(
    "source",
    [
        lambda row: (row.source_kind, row.source_ref),
        lambda row: SourceRef(row.source_kind, row.source_ref),
        {"order": "source_ref", "ticket": "service_id"},
    ],
)
def test_ways_to_say_the_source(host: Host, source: object) -> None:
    """A pair, a SourceRef or one attribute per kind find the same billables."""
    host.add("north", billable(1), Billable("2", SourceRef("order", "2"), "Other", Decimal(1), Decimal(1), "eur"))
    host.add("south", billable(3))
    crm = connected(host, billables=billable_maps(host.Billable, source=source))
    assert [row.ref for row in crm.billables(ORDER)] == ["1"]
    assert crm.billables(SourceRef("train", "1")) == []


def test_a_billable_of_nothing(host: Host) -> None:
    """A billable that points nowhere is not ready, and says so."""
    host.add("north", billable(1))
    crm = connected(host, billables=billable_maps(host.Billable, source=lambda row: None))
    (found,) = crm.billables_by_ref(["1"])
    assert (found.ready, found.not_ready) == (False, "It belongs to no opportunity, ticket or order.")


def test_people_see_their_own_order(host: Host) -> None:
    """With order_by the rows come in the order in which people see them."""
    host.add("north", billable(1, worked_on="b"), billable(2, worked_on="a"), billable(3, worked_on="b"))
    maps = billable_maps(host.Billable)
    maps.order_by = "worked_on"
    assert [row.ref for row in connected(host, billables=maps).billables(ORDER)] == ["2", "1", "3"]


def test_two_apps_share_a_declaration(tmp_path: Any, database_url: str) -> None:
    """One declaration of models, connected to two databases, reads each through its own sessions."""
    with running_host(database_url) as first:
        first.add("north", Service("1", "A", "First"))
        other = sa.create_engine(f"sqlite:///{tmp_path}/other.sqlite")
        first.db.metadata.create_all(other)
        sessions = sa.orm.sessionmaker(other)
        with sessions.begin() as session:
            session.add(first.row("north", Service("1", "B", "Second")))
        here = first.crm.connect(session_source(first.db)).for_business("north")
        there = first.crm.connect(session_source(sessions)).for_business("north")
        assert [here.service("1").name, there.service("1").name] == ["First", "Second"]  # type: ignore[union-attr]
        other.dispose()


def test_without_businesses(host: Host) -> None:
    """A CRM of one business maps no business: the default business sees all, any other is refused in words."""
    host.add("north", Service("1", "A", "First"))
    maps = service_maps(host.models)
    maps.business = None
    assert [service.ref for service in connected(host, "default", services=maps).services()] == ["1"]
    with pytest.raises(ConfigurationError, match=r"Maps\(Service\) under services lacks business.* add business="):
        connected(host, "north", services=maps)


def test_no_session_stays_open(host: Host) -> None:
    """After every method, also one that raises, each connection is back in the pool."""
    host.add("north", billable(1), Source(ORDER, "Website"), Contact(ContactRef("organization", "1"), "Acme"))
    host.db.session.remove()
    crm = connected(host)
    crm.billables(ORDER)
    crm.source(ORDER)
    crm.set_billing_status(["1"], "open")
    assert host.db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_row_that_the_host_holds(pg_url: str) -> None:
    """A billable that the host's own session of this thread holds does not hang us: Busy after a few seconds."""
    with running_host(pg_url) as host:
        host.add("north", billable(1))
        host.db.session.execute(sa.update(host.Billable).values(description="held"))
        with pytest.raises(Busy):
            connected(host).set_billing_status(["1"], "open")
        host.db.session.rollback()
        connected(host).set_billing_status(["1"], "open")
        assert host.db.session.get(host.Billable, 1).status == "open"  # type: ignore[union-attr]


def test_a_locked_sqlite(tmp_path: Any) -> None:
    """On SQLite the same is Busy too."""
    with running_host(f"sqlite:///{tmp_path}/crm.sqlite?timeout=0.1") as host:
        host.add("north", billable(1))
        host.db.session.execute(sa.update(host.Billable).values(description="held"))
        with pytest.raises(Busy):
            connected(host).set_billing_status(["1"], "open")
        host.db.session.rollback()


def test_a_database_that_is_away_is_no_empty_crm(host: Host) -> None:
    """Errors of the database are not taken for "not found"."""
    crm = connected(host)
    host.db.drop_all()
    with pytest.raises(sa.exc.DBAPIError):
        crm.service("1")
    with pytest.raises(sa.exc.DBAPIError):
        crm.set_billing_status(["1"], "open")


def test_persons_by_uuid_on_each_database(host: Host) -> None:
    """A UUID key is found by its text."""
    key = uuid.uuid4()
    host.add("south", Contact(ContactRef("individual", str(key)), "Bo"))
    found = connected(host, "south").contact(ContactRef("individual", str(key)))
    assert found is not None
    assert found.ref.ref == str(key)
    assert connected(host, "north").contact(found.ref) is None
