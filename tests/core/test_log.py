"""Who did what, and what these people are called."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flask_crm_stripe.core.log import clean, fitting
from flask_crm_stripe.errors import NotPermitted, Refused
from flask_crm_stripe.model.business import ALL_PERMISSIONS, SYSTEM, Actor
from flask_crm_stripe.model.log import DONE, FAILED, REFUSED, SEEN, LogEntry, LogFilter
from tests.core.world import World

MARA = Actor("2", "Mara Lindqvist", ALL_PERMISSIONS, session="login-2")


def lines(world: World, business: str = "hp") -> list[tuple[str, str, str]]:
    """Actor, action and target, oldest first."""
    return [(line.actor, line.action, line.target) for line in reversed(log(world, business))]


def log(world: World, business: str = "hp") -> tuple[LogEntry, ...]:
    """The log, newest first."""
    return world.billing(business).ledger.log.page(LogFilter()).rows


def test_a_line_says_who_did_what_and_the_name_is_kept_apart(world: World) -> None:
    """The line has the ref; the name is found by it, in this business only."""
    ledger, mara = world.billing().ledger, world.billing(actor=MARA).log
    mara.note("settings.save", "settings")
    mara.note("connect.return", "stripe", REFUSED, "unknown")
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
    world.billing(actor=SYSTEM).log.note("disconnect", "acct_hp")
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
    mara.disconnection.carry_out("Another bank")
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


def test_a_line_says_from_where_and_with_which_requests_at_stripe(connected: World) -> None:
    """The address of whoever asked, and the ids that Stripe's support wants, each once and whole."""
    afar = Actor("2", "Mara", ALL_PERMISSIONS, session="login-2", address="203.0.113.9")
    connected.billing(actor=afar).catalogue.sync()
    line = log(connected)[0]
    assert (line.action, line.address) == ("services.sync", "203.0.113.9")
    assert line.request_id is not None
    ids = line.request_id.split()
    assert len(ids) == len(set(ids)) > 1
    assert all(each.startswith("req_hp") for each in ids)


def test_requests_fill_no_more_than_their_room() -> None:
    """A line has room for so many ids; none is cut in two, and none stands twice."""
    many = [f"req_{number:020d}" for number in range(40)]
    kept = fitting([*many, *many]) or ""
    assert kept.split() == many[: len(kept.split())]
    assert 200 < len(kept) < 255
    assert fitting([]) is None


def test_what_somebody_else_wrote_can_neither_break_a_line_nor_hide_in_it() -> None:
    """No new lines, no change of direction, nothing a database can't hold, and not endless."""
    assert clean("a\r\nb\u2028c\x00d\u202ee\x7f\ud800f", 100) == "a b c d e f"
    assert clean("x" * 600, 500) == "x" * 500


def test_a_look_at_something_secret_is_noted_once_a_day(connected: World) -> None:
    """Not with each reload; another person's look is another's."""
    invoice, mara = connected.generate(), connected.billing(actor=MARA)
    before = len(log(connected))
    for _ in range(3):
        mara.invoicing.payment_page(invoice.id)
    mara.invoicing.pdf(invoice.id)
    connected.billing().invoicing.payment_page(invoice.id)
    connected.clock.advance(hours=25)
    mara.invoicing.payment_page(invoice.id)
    seen = [(line.actor, line.action, line.outcome) for line in log(connected)[: len(log(connected)) - before]]
    assert seen == [
        ("2", "invoice.payment_page", SEEN),
        ("1", "invoice.payment_page", SEEN),
        ("2", "invoice.pdf", SEEN),
        ("2", "invoice.payment_page", SEEN),
    ]


def test_a_deed_is_noted_however_it_ends(world: World) -> None:
    """Done, refused, failed at Stripe with the request's id, or broken by a fault of ours."""
    deeds = world.billing(actor=MARA).log

    def act(error: Exception | None) -> None:
        with deeds.deed("services.sync", "services") as deed:
            if error is None:
                deed.target, deed.reason = "one", "because"
                return
            raise error

    act(None)
    errors = (NotPermitted("sync", "do it"), Refused("No.", request_id="req_9"), ZeroDivisionError())
    for error in errors:
        with pytest.raises(type(error)):
            act(error)
    found = [(line.target, line.outcome, line.reason, line.request_id) for line in reversed(log(world))]
    assert found == [
        ("one", DONE, "because", None),
        ("services", REFUSED, "not_permitted", None),
        ("services", FAILED, "stripe_refused", "req_9"),
        ("services", FAILED, "internal", None),
    ]


def test_a_missing_right_is_noted_with_what_was_tried(connected: World) -> None:
    """Who was refused what, and when; nothing else is."""
    invoice = connected.generate(refs=("11",), send=False)
    viewer = connected.billing(actor=Actor("9", "Pieter", ["view"], address="198.51.100.7"))
    with pytest.raises(NotPermitted):
        viewer.invoicing.send(invoice.id)
    line = log(connected)[0]
    assert (line.actor, line.action, line.target, line.outcome) == ("9", "refused.send", invoice.id, REFUSED)
    assert (line.reason, line.address) == ("send invoices", "198.51.100.7")
    assert connected.clock.now() - line.at < timedelta(minutes=1)


def test_the_log_is_found_whole_again(connected: World) -> None:
    """After all of this the chain verifies, and says up to where."""
    connected.generate()
    verdict = connected.billing().ledger.log.verify()
    assert verdict.problems == ()
    assert verdict.checked == len(log(connected)) > 3
    assert connected.billing().ledger.log.verify(verdict.checkpoint).problems == ()
