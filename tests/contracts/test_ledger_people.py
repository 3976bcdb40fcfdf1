"""Names of people, on every implementation of the ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from tests.contracts.ledger_worlds import NOW, Ledgers, later


def test_a_name_is_known_by_its_ref(ledgers: Ledgers) -> None:
    """Those that are asked for and known; the others are missing, and nobody is nobody."""
    people = ledgers.ours.people
    people.remember("1", "Ines Okafor", NOW)
    people.remember("2", "Mara Lindqvist", NOW)
    people.remember("3", "", NOW)
    assert people.names(["2", "1", "2", "9"]) == {"1": "Ines Okafor", "2": "Mara Lindqvist"}
    assert people.names(["3"]) == {"3": ""}
    assert people.names(["9"]) == people.names([]) == {}


def test_a_new_name_replaces_the_old_one(ledgers: Ledgers) -> None:
    """People marry; everything they ever did carries the name that they have now."""
    ledgers.ours.people.remember("2", "Mara Lindqvist", NOW)
    ledgers.ours.people.remember("2", "Mara Größe 木村", later(1))
    assert ledgers.ours.people.names(["2"]) == {"2": "Mara Größe 木村"}


def test_each_business_has_its_own_people(ledgers: Ledgers) -> None:
    """The same ref is somebody else over there, and nobody in a third one."""
    ledgers.ours.people.remember("2", "Mara Lindqvist", NOW)
    ledgers.theirs.people.remember("2", "Li Wei", NOW)
    ledgers.theirs.people.remember("3", "Omar", NOW)
    assert ledgers.ours.people.names(["2", "3"]) == {"2": "Mara Lindqvist"}
    assert ledgers.theirs.people.names(["2", "3"]) == {"2": "Li Wei", "3": "Omar"}
    assert ledgers.shared.for_business("third").people.names(["2", "3"]) == {}


def test_a_known_name_is_only_read(real_ledgers: Ledgers) -> None:
    """It is remembered with each deed: one look, no write, no lock."""
    real_ledgers.ours.people.remember("2", "Mara Lindqvist", NOW)
    real_ledgers.theirs.people.remember("2", "Li Wei", NOW)
    asked: list[str] = []
    engine = real_ledgers.engine
    assert engine is not None
    sa.event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2].split()[0]))
    real_ledgers.ours.people.remember("2", "Mara Lindqvist", later(60))
    assert asked == ["SELECT"]
    real_ledgers.ours.people.remember("2", "Mara Berg", later(61))
    assert asked[1] == "SELECT"
    assert asked[-1] == "INSERT"
    with engine.connect() as connection:
        kept = connection.execute(sa.select(tables.person.c.business, tables.person.c.seen_at)).all()
    assert sorted(map(tuple, kept)) == [("ours", later(61)), ("theirs", NOW)]


def test_two_workers_remember_one_person_once(real_ledgers: Ledgers) -> None:
    """Whoever comes second finds the row; neither fails."""
    with ThreadPoolExecutor(2) as both:
        names = [f"Mara {number}" for number in range(20)]
        list(both.map(lambda name: real_ledgers.ours.people.remember("2", name, NOW), names))
    real_ledgers.theirs.people.remember("2", "Li Wei", NOW)
    assert real_ledgers.ours.people.names(["2"])["2"] in names
    assert real_ledgers.engine is not None
    with real_ledgers.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.person)).scalar_one() == 2
