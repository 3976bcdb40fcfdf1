"""Declaring the host's models: what is wrong is said at start-up, in one sentence that helps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_crm_stripe.adapters.sqlalchemy.crm import SQLAlchemyCRM
from flask_crm_stripe.adapters.sqlalchemy.host import session_source
from flask_crm_stripe.adapters.sqlalchemy.maps import Maps
from flask_crm_stripe.errors import ConfigurationError
from tests.support.crm_host import Host, billable_maps, contact_maps, running_host, service_maps, source_maps


@pytest.fixture
def host(sqlite_url: str) -> Iterator[Host]:
    """Models to declare."""
    with running_host(sqlite_url) as running:
        yield running


def declared(host: Host, **changes: Any) -> SQLAlchemyCRM:
    """The whole declaration, with parts replaced."""
    parts: dict[str, Any] = {
        "services": service_maps(host.models),
        "contacts": [contact_maps(host.Organization, "organization")],
        "sources": source_maps(host.Order, "order", "id"),
        "billables": billable_maps(host.Billable),
    }
    return SQLAlchemyCRM(**{**parts, **changes})


def service(host: Host, **changes: Any) -> dict[str, Any]:
    """A declaration whose services are mapped with these fields."""
    given = {"ref": "id", "business": "company", "name": "name", **changes}
    return {"services": Maps(host.Service, **given)}


MISTAKES: list[tuple[Any, str]] = [
    (lambda h: service(h, name="nme"), "Service has no attribute “nme” (mapped as name). Did you mean “name”?"),
    (lambda h: service(h, ref="ident"), "Service has no attribute “ident” (mapped as ref)."),
    (lambda h: service(h, business="tenant"), "Service has no attribute “tenant” (mapped as business)."),
    (lambda h: service(h, order_by="position"), "Service has no attribute “position” (mapped as order_by)."),
    (lambda h: service(h, description="xyzzy"), "one of its attributes, or write a function of the row."),
    (
        lambda h: service(h, prizes="prices"),
        "Maps(Service) under services has the unknown field “prizes”. Did you mean",
    ),
    (
        lambda h: service(h, quantum="code"),
        "Known are active, code, description, name, prices, unit, vat_kind, vat_rate.",
    ),
    (lambda h: {"services": Maps(h.Service, ref="id")}, "Maps(Service) under services lacks name: add name= with"),
    (
        lambda h: {"contacts": Maps(h.Person, ref="id", name="name")},
        "lacks its kind: add kind= with a word of your own",
    ),
    (
        lambda h: {"sources": [source_maps(h.Order, "work", "id"), source_maps(h.Ticket, "work", "key")]},
        "Two Maps under sources have kind=“work”",
    ),
    (
        lambda h: {"billables": billable_maps(h.Billable, source=("source_kind", "source_rev"))},
        "Billable has no attribute “source_rev” (mapped as source). Did you mean “source_ref”?",
    ),
    (lambda h: {"billables": billable_maps(h.Billable, source=7)}, "sets source= to 7: write two attribute names"),
    (
        lambda h: {"billables": billable_maps(h.Billable, source={"order": "order_id"})},
        "Billable has no attribute “order_id” (mapped as source).",
    ),
    (
        lambda h: {"billables": billable_maps(h.Billable, status=lambda row: row.status)},
        "sets status= by a function: name an attribute, for billing writes it.",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), MISTAKES)
def test_mistakes_stop_the_app(host: Host, changes: Any, sentence: str) -> None:
    """Each mistake is found when the declaration is made, named by model and attribute, with what to do."""
    with pytest.raises(ConfigurationError) as found:
        declared(host, **changes(host))
    assert sentence in found.value.message


def test_a_good_declaration(host: Host) -> None:
    """A declaration that is right has no problems, at once or on the full check."""
    crm = declared(host)
    crm.require_business()
    assert crm.check_fully() == []
    assert repr(crm.services) == "Maps(Service)"


def test_constants(host: Host) -> None:
    """A value that is neither a name nor a function is a constant."""
    row = host.Service(id=1, company="north", name="First")
    assert Maps(host.Service, ref="id", name="name", vat_rate=21).read(row, "vat_rate") == 21


def test_one_mapping_without_business_is_named(host: Host) -> None:
    """With several businesses every model must say whose its rows are."""
    maps = billable_maps(host.Billable)
    maps.business = None
    with pytest.raises(ConfigurationError, match=r"Maps\(Billable\) under billables lacks business"):
        declared(host, billables=maps).require_business()


def test_the_full_check(host: Host) -> None:
    """What can only be known when all models are there: keys that are no columns, a status that cannot be set."""

    class Base(DeclarativeBase):
        pass

    class Job(Base):
        __tablename__ = "job"
        id: Mapped[int] = mapped_column(primary_key=True)
        _company: Mapped[str] = mapped_column("company")

        @property
        def shown(self) -> str:
            return "7"

        @hybrid_property
        def company(self) -> str:
            return self._company

    def jobs(**changes: Any) -> SQLAlchemyCRM:
        fields = "description quantity unit_price currency".split()
        given = {"ref": "id", "source": ("id", "id"), **dict.fromkeys(fields, "id"), **changes}
        return declared(host, billables=Maps(Job, **given))

    assert jobs(business="company").check_fully() == []
    assert jobs(ref="shown").check_fully() == [
        "Job.shown (mapped as ref) is no column: name a column, for billing filters by it."
    ]
    assert "Job.shown (mapped as source) is no column" in jobs(source={"order": "shown"}).check_fully()[0]
    assert "Job.shown (mapped as status) cannot be set" in jobs(status="shown").check_fully()[0]
    assert "is no model: name a model class in watch=." in jobs(watch=[int]).check_fully()[0]
    crm = jobs(ref="shown")
    with pytest.raises(ConfigurationError, match=r"Job\.shown"):
        crm.connect(session_source(host.db)).for_business("north")


def test_what_is_no_model(host: Host) -> None:
    """A class that SQLAlchemy does not know is named by the full check."""

    class Plain:
        id = 1

    crm = declared(host, services=Maps(Plain, ref="id", name="id"))
    assert "Plain is not a model that SQLAlchemy can use" in crm.check_fully()[0]


EARLY = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, configure_mappers
from flask_crm_stripe.adapters.sqlalchemy.crm import SQLAlchemyCRM
from flask_crm_stripe.adapters.sqlalchemy.maps import Maps
class Base(DeclarativeBase): pass
class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    later: Mapped[list["Later"]] = relationship(back_populates="thing")
fields = dict.fromkeys("description quantity unit_price currency".split(), "id")
crm = SQLAlchemyCRM(
    services=Maps(Thing, ref="id", name="id", watch=[Thing]), contacts=[], sources=[],
    billables=Maps(Thing, ref="id", source=("id", "id"), **fields),
)
class Later(Base):
    __tablename__ = "later"
    id: Mapped[int] = mapped_column(primary_key=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey("thing.id"))
    thing: Mapped[Thing] = relationship(back_populates="later")
configure_mappers()
assert crm.check_fully() == []
"""


def test_declaring_early_does_not_poison_mappers() -> None:
    """A declaration made before all models are imported leaves the host's mappers as they are."""
    subprocess.run([sys.executable, "-c", EARLY], check=True)
