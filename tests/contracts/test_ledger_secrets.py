"""Stored secrets sealed anew with another key, while others work, killed half-way, and with a key that is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.vault import FernetVault
from flask_crm_stripe.errors import SecretUnreadable
from flask_crm_stripe.model.codec import to_plain
from flask_crm_stripe.model.crm import Address, Contact
from flask_crm_stripe.model.invoices import InvoiceFilter, Stage
from flask_crm_stripe.model.log import LogFilter
from flask_crm_stripe.model.secrets import Resealed, SealedReport
from tests.contracts.ledger_worlds import ACME, THEIR_ACCOUNT, Ledgers, event, later, make, real, remote
from tests.contracts.test_ledger_connections import connect
from tests.contracts.test_ledger_log import log_line

OLD, NEW, STRANGE = (Fernet.generate_key().decode() for _ in range(3))
EVENTS = 5


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> sa.Engine:
    """A database with our tables."""
    found: sa.Engine = request.getfixturevalue("sqlite_engine" if request.param == "sqlite" else "postgres_engine")
    return found


def on(engine: sa.Engine, *keys: str) -> Ledgers:
    """The ledger as a process with these keys sees it."""
    return real(engine, FernetVault(keys))


def filled(engine: sa.Engine) -> Ledgers:
    """Two connections with tokens, some events, and a line of the log: all sealed with the old key."""
    old = on(engine, OLD)
    connect(old.ours)
    connect(old.theirs, THEIR_ACCOUNT)
    for number in range(EVENTS):
        old.ours.events.keep(event(f"evt_{number}"), later(number))
    old.ours.log.add(log_line(1))
    return old


def opened(engine: sa.Engine, keys: Sequence[str]) -> int:
    """How many stored secrets these keys open."""
    vault, count = FernetVault(keys), 0
    with engine.connect() as connection:
        for table, column in ((tables.connection, "secrets"), (tables.event, "body"), (tables.log_key, "sealed")):
            for sealed in connection.execute(sa.select(table.c[column])).scalars():
                vault.open(sealed)
                count += 1
    return count


def test_everything_is_sealed_with_the_first_key(engine: sa.Engine) -> None:
    """Some at a time; then the old key can be taken out."""
    filled(engine)
    both = on(engine, NEW, OLD)
    assert both.shared.sealed() == SealedReport(0, EVENTS + 3, {})
    rounds: list[Resealed] = []
    while not rounds or rounds[-1].more:
        rounds.append(both.shared.reseal(2))
    assert sum(each.done for each in rounds) == EVENTS + 3
    assert max(each.done for each in rounds) <= 2
    assert both.shared.sealed() == SealedReport(EVENTS + 3, 0, {})
    assert opened(engine, [NEW]) == EVENTS + 3
    after = on(engine, NEW)
    assert after.ours.log.verify().problems == ()
    after.ours.log.add(log_line(2))
    assert after.ours.log.verify().unknown == 0


def test_a_rotation_that_was_killed_half_way_goes_on(engine: sa.Engine) -> None:
    """Nothing is unreadable in between, for who has both keys; the next run does the rest and nothing twice."""
    filled(engine)
    both = on(engine, NEW, OLD)
    assert both.shared.reseal(3).done == 2, "the connections; the process is killed here"
    assert opened(engine, [NEW, OLD]) == EVENTS + 3
    done = 0
    while (step := on(engine, NEW, OLD).shared.reseal(3)).more:
        done += step.done
    assert done == EVENTS + 1
    assert opened(engine, [NEW]) == EVENTS + 3


def test_what_was_written_meanwhile_is_not_overwritten(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that somebody changed between our look and our write stays theirs."""
    filled(engine)
    both = on(engine, NEW, OLD)
    vault = FernetVault([NEW, OLD])
    newer = vault.seal(b"newer")
    seal = FernetVault.seal

    def seal_late(self: FernetVault, secret: bytes) -> bytes:
        with engine.begin() as connection:
            connection.execute(sa.update(tables.connection).values(secrets=newer, key_id=vault.current))
        return seal(self, secret)

    monkeypatch.setattr(FernetVault, "seal", seal_late)
    assert both.shared.reseal(10).done == 0
    with engine.connect() as connection:
        assert set(connection.execute(sa.select(tables.connection.c.secrets)).scalars()) == {newer}


def test_a_lost_key_is_said_and_hinders_nothing_else(engine: sa.Engine) -> None:
    """What is lost is counted by what it is; new secrets are sealed, the log begins another chapter."""
    filled(engine)
    without = on(engine, STRANGE)
    assert without.shared.sealed() == SealedReport(0, 0, {"connection": 2, "event": EVENTS, "log": 1})
    assert without.shared.reseal(10) == Resealed(0, False)
    assert without.ours.events.keep(event("evt_new"), later(99)) is not None
    without.ours.log.add(log_line(2))
    assert without.ours.log.verify().unknown == 1
    assert [line.seq for line in without.ours.log.every(LogFilter())] == [1, 2]
    assert without.ours.connections.live(False) is not None
    assert without.shared.sealed().current == 2


def test_rows_from_before_keys_had_names_are_sealed_anew_too(engine: sa.Engine) -> None:
    """Those that no key opens are named so, and not tried for ever."""
    filled(engine)
    with engine.begin() as connection:
        for table in (tables.connection, tables.event):
            connection.execute(sa.update(table).values(key_id=None))
        first = sa.select(sa.func.min(tables.event.c.row)).scalar_subquery()
        connection.execute(sa.update(tables.event).where(tables.event.c.row == first).values(body=b"damaged"))
    both = on(engine, NEW, OLD)
    assert both.shared.sealed().older == EVENTS + 3
    rounds = 0
    while both.shared.reseal(100).more:
        rounds += 1
        assert rounds < 10
    assert both.shared.sealed() == SealedReport(EVENTS + 2, 0, {"event": 1})
    with pytest.raises(SecretUnreadable):
        opened(engine, [NEW, OLD])


REACHED = Address("Secret Street 7", "", "9712 AB", "Groningen", "", "NL")


def reachable() -> Contact:
    """A customer with everything by which one can be reached."""
    return Contact(ACME, "Acme", "ada@secret.example", "+31 20 123 45 67", REACHED, vat_number="NL123456782B01")


def everything(engine: sa.Engine) -> str:
    """Every value of every row of ours."""
    with engine.connect() as connection:
        rows = [row for table in tables.metadata.sorted_tables for row in connection.execute(sa.select(table))]
    return "\n".join(str(value) for row in rows for value in row)


def test_where_a_customer_is_reached_is_in_no_dump(engine: sa.Engine) -> None:
    """Sealed, and there again for who has the key, in lists too; its name is what invoices are found by."""
    ledger = on(engine, OLD).ours
    made = make(ledger, "b1", contact=reachable())
    assert ledger.invoices.get(made.id) == made
    assert made.plan.contact == reachable()
    assert ledger.invoices.page(InvoiceFilter()).rows == (made,)
    text = everything(engine)
    assert "Acme" in text
    for secret in ("secret.example", "Secret Street", "9712", "123 45 67"):
        assert secret not in text, secret


def test_an_invoice_without_its_key_is_readable_but_for_that(engine: sa.Engine) -> None:
    """It says so, and everything else of it is there; it goes its way, and its figures are in every sum."""
    made = make(on(engine, OLD).ours, "b1", contact=reachable())
    without = on(engine, STRANGE)
    found = without.ours.invoices.get(made.id)
    assert found is not None
    assert not found.contact_readable
    assert found.plan.contact == Contact(ACME, "Acme", vat_number="NL123456782B01")
    assert found == replace(made, plan=replace(made.plan, contact=found.plan.contact), contact_readable=False)
    stepped = without.ours.invoices.advance(made.id, Stage.CREATED, remote(made, "draft"), later(1))
    assert (stepped.status, stepped.contact_readable) == ("draft", False)
    assert without.shared.sealed().lost == {"invoice": 1}
    back = on(engine, STRANGE, OLD).ours.invoices.get(made.id)
    assert back is not None
    assert back.plan == made.plan


def test_invoices_of_before_are_sealed_by_the_next_rotation(engine: sa.Engine) -> None:
    """They count as older ones, can be read meanwhile, and are in no dump afterwards."""
    ledgers = on(engine, OLD)
    made = [make(ledgers.ours, f"b{number}", form_key=f"f{number}", contact=reachable()) for number in range(3)]
    with engine.begin() as connection:
        bare = {"plan": to_plain(made[0].plan), "personal": None, "key_id": None}
        connection.execute(sa.update(tables.invoice).values(**bare))
    assert "secret.example" in everything(engine)
    found = ledgers.ours.invoices.get(made[0].id)
    assert found is not None
    assert found.plan == made[0].plan
    assert ledgers.shared.sealed() == SealedReport(0, 3, {})
    assert [ledgers.shared.reseal(2) for _ in range(3)] == [Resealed(2, True), Resealed(1, True), Resealed(0, False)]
    assert ledgers.shared.sealed() == SealedReport(3, 0, {})
    assert "secret.example" not in everything(engine)
    assert ledgers.ours.invoices.get(made[0].id) == found
