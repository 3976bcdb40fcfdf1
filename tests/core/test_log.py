"""Who did what, and what these people are called."""

from __future__ import annotations

from flask_crm_stripe.core.log import note
from flask_crm_stripe.model.business import ALL_PERMISSIONS, SYSTEM, Actor
from flask_crm_stripe.model.events import LogEntry
from tests.core.world import World

MARA = Actor("2", "Mara Lindqvist", ALL_PERMISSIONS, session="login-2")


def lines(world: World, business: str = "hp") -> list[tuple[str, str, str]]:
    """Actor, action and target, oldest first."""
    return [(line.actor, line.action, line.target) for line in reversed(log(world, business))]


def log(world: World, business: str = "hp") -> tuple[LogEntry, ...]:
    """The log, newest first."""
    return world.billing(business).ledger.log.page().rows


def test_a_line_says_who_did_what_and_the_name_is_kept_apart(world: World) -> None:
    """The line has the ref; the name is found by it, in this business only."""
    ledger = world.billing().ledger
    note(ledger, MARA, world.clock, "settings.save", "settings")
    note(ledger, MARA, world.clock, "connect.return", "stripe", "refused", "unknown")
    newest, oldest = log(world)
    assert (oldest.actor, oldest.action, oldest.target) == ("2", "settings.save", "settings")
    assert (oldest.outcome, oldest.reason) == ("done", None)
    assert (newest.outcome, newest.reason) == ("refused", "unknown")
    assert MARA.name not in repr(log(world))
    assert ledger.people.names(["2"]) == {"2": "Mara Lindqvist"}
    assert world.billing("kestrel").ledger.people.names(["2"]) == {}
    assert log(world, "kestrel") == ()


def test_the_software_is_nobody_to_remember(world: World) -> None:
    """Its lines are there; its name is not a person's."""
    ledger = world.billing().ledger
    note(ledger, SYSTEM, world.clock, "disconnect", "acct_hp")
    assert lines(world) == [("system", "disconnect", "acct_hp")]
    assert ledger.people.names([SYSTEM.ref]) == {}


def test_every_deed_leaves_a_line_and_a_name(connected: World) -> None:
    """Connecting, syncing, making, repeating, going on, sending, deleting, disconnecting; the other log is silent."""
    before, elsewhere = len(log(connected)), log(connected, "kestrel")
    mara = connected.billing(actor=MARA)
    mara.catalogue.sync()
    kept = connected.generate(refs=("11",), send=False)
    mara.invoicing.resume(kept.id)
    mara.invoicing.send(kept.id)
    dropped = connected.generate(refs=("12",), form_key="press-2", send=False)
    mara.invoicing.delete_draft(dropped.id)
    mara.connection.disconnect("Another bank")
    mara.connection.begin()
    assert lines(connected)[before:] == [
        ("2", "services.sync", "services"),
        ("1", "invoice.make", kept.id),
        ("2", "invoice.resume", kept.id),
        ("2", "invoice.send", kept.id),
        ("1", "invoice.make", dropped.id),
        ("2", "invoice.delete", dropped.id),
        ("2", "disconnect", "acct_hp"),
        ("2", "connect.start", "stripe"),
    ]
    assert mara.ledger.people.names(["1", "2"]) == {"1": "Ines", "2": "Mara Lindqvist"}
    assert log(connected, "kestrel") == elsewhere


def test_a_history_holds_refs_and_no_names(connected: World) -> None:
    """Who made, sent or deleted an invoice can be forgotten in one place."""
    sent = connected.generate(refs=("11",))
    dropped = connected.generate(refs=("12",), form_key="press-2", send=False)
    connected.billing(actor=MARA).invoicing.delete_draft(dropped.id)
    invoices = connected.billing().ledger.invoices
    told = [entry for invoice in (sent, dropped) for entry in invoices.timeline(invoice.id)]
    assert {(entry.kind, entry.actor) for entry in told if entry.actor} == {
        ("made", "1"), ("sent", "1"), ("deleted", "2"),
    }  # fmt: skip
    assert not any(name in value for entry in told for value in entry.params.values() for name in ("Ines", "Mara"))
