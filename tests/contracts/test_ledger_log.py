"""The action log: paged, filtered, pruned, and proved to be as it was written, on every implementation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.log import LogEntry, LogFilter, Verdict
from tests.contracts.ledger_worlds import Ledgers, later, real

ALL = LogFilter()
LOG, HEAD, KEY = tables.log, tables.log_head, tables.log_key


def log_line(number: int) -> LogEntry:
    """A line of the log."""
    return LogEntry(later(number), "ines", "invoice.send", f"in {number}", "refused", "no right", "127.0.0.1", "req_1")


def test_the_log_is_paged_newest_first_and_both_ways(ledgers: Ledgers) -> None:
    """Walking to the oldest page and back shows each of our lines once, none of theirs."""
    for number in range(7):
        ledgers.ours.log.add(log_line(number))
        ledgers.theirs.log.add(log_line(number + 100))
    first = ledgers.ours.log.page(ALL, limit=3)
    second = ledgers.ours.log.page(ALL, first.older, limit=3)
    third = ledgers.ours.log.page(ALL, second.older, limit=3)
    shown = [line for page in (first, second, third) for line in page.rows]
    assert shown == [replace(log_line(number), seq=number + 1) for number in reversed(range(7))]
    assert (first.newer, third.older) == (None, None)
    assert ledgers.ours.log.page(ALL, third.newer, limit=3) == second
    assert ledgers.ours.log.page(ALL, second.newer, limit=3) == first
    assert ledgers.shared.for_business("third").log.page(ALL).rows == ()


def test_pages_stay_put_when_lines_are_added(ledgers: Ledgers) -> None:
    """A new line appears on the newer side only; the page that is being read does not shift."""
    for number in range(4):
        ledgers.ours.log.add(log_line(number))
        ledgers.theirs.log.add(log_line(number))
    first = ledgers.ours.log.page(ALL, limit=2)
    second = ledgers.ours.log.page(ALL, first.older, limit=2)
    ledgers.ours.log.add(log_line(9))
    assert ledgers.ours.log.page(ALL, first.older, limit=2).rows == second.rows
    back = ledgers.ours.log.page(ALL, second.newer, limit=2)
    assert back.rows == first.rows
    assert [line.target for line in ledgers.ours.log.page(ALL, back.newer, limit=2).rows] == ["in 9"]


@pytest.mark.parametrize("cursor", ["x", "bzEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNA", "eDEy", "é", "b" * 400, "bzFfMA", "'"])
def test_a_damaged_cursor_is_refused_by_name(ledgers: Ledgers, cursor: str) -> None:
    """What comes from the address bar is never part of a statement; the error names the field."""
    ledgers.theirs.log.add(log_line(1))
    with pytest.raises(InvalidInput, match="first page") as caught:
        ledgers.ours.log.page(ALL, cursor)
    assert caught.value.field == "cursor"


def test_a_line_is_numbered_and_comes_back_whole(ledgers: Ledgers) -> None:
    """From 1 in each business; nothing of it is lost, whatever characters it has."""
    odd = LogEntry(later(0.000001), "größe", "a.b", "木村 “x”", "failed", "nö", "2001:db8::1", "req_1 req_2")
    assert ledgers.ours.log.add(odd) == replace(odd, seq=1)
    assert ledgers.ours.log.add(log_line(1)).seq == 2
    assert ledgers.theirs.log.add(log_line(1)).seq == 1
    assert ledgers.ours.log.page(ALL).rows[-1] == replace(odd, seq=1)
    assert ledgers.ours.log.verify().problems == ()


@pytest.mark.parametrize(
    ("chosen", "numbers"),
    [
        (LogFilter(actor="omar"), [2]),
        (LogFilter(action="invoice"), [1, 4]),
        (LogFilter(action="invoice.send"), [1]),
        (LogFilter(action="invo"), []),
        (LogFilter(outcome="refused"), [3]),
        (LogFilter(target="in 2"), [2]),
        (LogFilter(since=later(2), until=later(4)), [2, 3]),
        (LogFilter(actor="ines", outcome="done", action="invoice"), [1, 4]),
        (LogFilter(action="100%"), [5]),
        (ALL, [1, 2, 3, 4, 5]),
    ],
)
def test_lines_are_filtered(ledgers: Ledgers, chosen: LogFilter, numbers: list[int]) -> None:
    """By person, action or its first word, result, thing and time; page and export agree."""
    lines = (
        ("ines", "invoice.send", "done"),
        ("omar", "settings.save", "done"),
        ("ines", "refused.send", "refused"),
        ("ines", "invoice.pdf", "done"),
        ("ines", "100%.x", "done"),
    )
    for number, (actor, action, outcome) in enumerate(lines, 1):
        ledgers.ours.log.add(LogEntry(later(number), actor, action, f"in {number}", outcome))
        ledgers.theirs.log.add(LogEntry(later(number), actor, action, "theirs", outcome))
    assert [line.seq for line in ledgers.ours.log.page(chosen).rows] == numbers[::-1]
    assert [line.seq for line in ledgers.ours.log.every(chosen)] == numbers


def test_everything_is_exported_though_it_is_much(ledgers: Ledgers) -> None:
    """In order, each once; what is added meanwhile does not disturb."""
    for number in range(1203):
        ledgers.ours.log.add(log_line(number))
    exported = ledgers.ours.log.every(ALL)
    first = next(exported)
    ledgers.ours.log.add(log_line(9999))
    assert [first.seq, *(line.seq for line in exported)][:1203] == list(range(1, 1204))


def test_a_look_is_known_by_person_thing_and_time(ledgers: Ledgers) -> None:
    """Only looks count, and only since then."""
    ledgers.ours.log.add(LogEntry(later(10), "ines", "invoice.pdf", "in 1", "seen"))
    ledgers.ours.log.add(LogEntry(later(20), "ines", "invoice.pdf", "in 2", "done"))
    seen = ledgers.ours.log.seen_since
    assert seen("ines", "invoice.pdf", "in 1", later(10))
    assert not seen("ines", "invoice.pdf", "in 1", later(11))
    assert not seen("ines", "invoice.pdf", "in 2", later(0))
    assert not seen("omar", "invoice.pdf", "in 1", later(0))
    assert not ledgers.theirs.log.seen_since("ines", "invoice.pdf", "in 1", later(0))


def test_an_untouched_log_verifies_and_gives_a_checkpoint(ledgers: Ledgers) -> None:
    """An empty one, too; a later check against an earlier checkpoint finds nothing wrong."""
    assert ledgers.ours.log.verify() == Verdict(0)
    for number in range(3):
        ledgers.ours.log.add(log_line(number))
    first = ledgers.ours.log.verify()
    assert (first.checked, first.problems, first.unsigned, first.unknown) == (3, (), 0, 0)
    ledgers.ours.log.add(log_line(4))
    second = ledgers.ours.log.verify(first.checkpoint)
    assert (second.checked, second.problems) == (4, ())
    assert second.checkpoint != first.checkpoint
    for nonsense in ("nonsense", "4", "4:", "x:0123456789abcdef"):
        assert "can't be read" in ledgers.ours.log.verify(nonsense).problems[0]
    ledgers.theirs.log.add(log_line(1))
    assert ledgers.ours.log.verify(ledgers.theirs.log.verify().checkpoint).problems


def test_old_lines_go_from_the_beginning_and_the_rest_still_verifies(ledgers: Ledgers) -> None:
    """Numbers go on; nothing is pruned where nothing is older, and not all of it."""
    for number in range(10):
        ledgers.ours.log.add(log_line(number))
        ledgers.theirs.log.add(log_line(number))
    checkpoint = ledgers.ours.log.verify().checkpoint
    assert ledgers.ours.log.prune(later(0)) == 0
    assert ledgers.ours.log.prune(later(4)) == 4
    assert ledgers.ours.log.prune(later(4)) == 0
    assert [line.seq for line in ledgers.ours.log.every(ALL)] == [5, 6, 7, 8, 9, 10]
    assert ledgers.ours.log.verify(checkpoint).problems == ()
    assert ledgers.ours.log.add(log_line(11)).seq == 11
    assert ledgers.ours.log.verify(checkpoint).checked == 7
    assert ledgers.ours.log.prune(later(6)) == 2
    assert ledgers.ours.log.verify().problems == ()
    sixth = f"6:{'0' * 16}"
    assert "let go" in ledgers.ours.log.verify(sixth).problems[0]
    assert ledgers.theirs.log.verify().checked == 10


# Somebody with the database in hands

Harm = Callable[[sa.Connection], object]


def ours(column: sa.Column[object], value: object) -> sa.ColumnElement[bool]:
    """A condition on our lines only."""
    return sa.and_(LOG.c.business == "ours", column == value)


def change(name: str, value: object) -> Harm:
    """One field of the fourth line is another."""
    return lambda connection: connection.execute(sa.update(LOG).where(ours(LOG.c.seq, 4)).values(**{name: value}))


def remove(*numbers: int) -> Harm:
    """Lines are gone."""

    def harm(connection: sa.Connection) -> None:
        connection.execute(sa.delete(LOG).where(LOG.c.business == "ours", LOG.c.seq.in_(numbers)))

    return harm


def swap(connection: sa.Connection) -> None:
    """The third and the fifth line change places."""
    for before, after in ((3, 1000), (5, 3), (1000, 5)):
        connection.execute(sa.update(LOG).where(ours(LOG.c.seq, before)).values(seq=after))


def insert(connection: sa.Connection) -> None:
    """A line that nobody wrote, at the end."""
    row = connection.execute(sa.select(LOG).where(ours(LOG.c.seq, 8))).one()._asdict()
    connection.execute(sa.insert(LOG).values(**{**row, "row": None, "seq": 9} | {"row": 9999}))


def cut_off_with_its_head(connection: sa.Connection) -> None:
    """The newest lines are gone, and the head was set back to match."""
    line = connection.execute(sa.select(LOG).where(ours(LOG.c.seq, 6))).one()
    remove(7, 8)(connection)
    connection.execute(sa.update(HEAD).where(HEAD.c.business == "ours").values(seq=6, seal=line.seal))


def move_the_beginning(connection: sa.Connection) -> None:
    """The oldest lines are gone, as if they had been pruned."""
    line = connection.execute(sa.select(LOG).where(ours(LOG.c.seq, 2))).one()
    remove(1, 2)(connection)
    connection.execute(sa.update(HEAD).where(HEAD.c.business == "ours").values(base_seq=2, base_seal=line.seal))


def from_another_business(connection: sa.Connection) -> None:
    """A line of theirs in our log, under its own seal."""
    row = connection.execute(sa.select(LOG).where(LOG.c.business == "theirs", LOG.c.seq == 4)).one()._asdict()
    remove(4)(connection)
    connection.execute(sa.insert(LOG).values(**{**row, "row": 9999, "business": "ours"}))


def no_head(connection: sa.Connection) -> None:
    """The row that says where the log ends is gone."""
    connection.execute(sa.delete(HEAD).where(HEAD.c.business == "ours"))


def say_that_it_is_older(connection: sa.Connection) -> None:
    """A line is changed and said to be older than the chain."""
    connection.execute(sa.update(LOG).where(ours(LOG.c.seq, 4)).values(epoch=0, reason="nothing", seal=""))


def say_that_it_is_older_with_its_head(connection: sa.Connection) -> None:
    """The same, and the head allows it."""
    say_that_it_is_older(connection)
    connection.execute(sa.update(HEAD).where(HEAD.c.business == "ours").values(unsigned=10))


def cut_off_under_no_key(connection: sa.Connection) -> None:
    """The newest lines are gone, and the head names a key that there never was."""
    cut_off_with_its_head(connection)
    connection.execute(sa.update(HEAD).where(HEAD.c.business == "ours").values(epoch=-1))


HARMS: dict[str, Harm] = {
    "changed_actor": change("actor", "omar"),
    "changed_action": change("action", "invoice.see"),
    "changed_target": change("target", "in 99"),
    "changed_outcome": change("outcome", "done"),
    "changed_reason": change("reason", "a good one"),
    "dropped_reason": change("reason", None),
    "changed_address": change("address", "127.0.0.2"),
    "changed_request": change("request_id", "req_2"),
    "changed_time": change("at", later(500)),
    "changed_seal": change("seal", "0" * 64),
    "removed_first": remove(1),
    "removed_one": remove(4),
    "removed_last": remove(8),
    "removed_all": remove(*range(1, 9)),
    "reordered": swap,
    "inserted": insert,
    "cut_off": cut_off_with_its_head,
    "beginning": move_the_beginning,
    "foreign": from_another_business,
    "no_head": no_head,
    "older": say_that_it_is_older,
    "older_with_its_head": say_that_it_is_older_with_its_head,
    "unknown_key": change("epoch", 77),
    "unknown_older_key": change("epoch", -3),
    "no_such_head": cut_off_under_no_key,
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_somebody_did_to_the_log_is_found(real_ledgers: Ledgers, harm: str) -> None:
    """Each alone; the other business's log is as it was, and the sentence names the line where there is one."""
    for number in range(8):
        real_ledgers.ours.log.add(log_line(number))
        real_ledgers.theirs.log.add(log_line(number))
    assert real_ledgers.ours.log.verify().problems == ()
    assert real_ledgers.engine is not None
    with real_ledgers.engine.begin() as connection:
        HARMS[harm](connection)
    problems = real_ledgers.ours.log.verify().problems
    assert problems
    if harm.startswith("changed"):
        assert "4" in problems[0]
    if harm != "foreign":
        assert real_ledgers.theirs.log.verify().problems == ()
    for number in (20, 21):
        real_ledgers.ours.log.add(log_line(number))
    assert real_ledgers.ours.log.verify().problems, "nor is it covered up by what is written later"


def test_a_log_that_was_set_back_whole_is_found_by_its_checkpoint(real_ledgers: Ledgers) -> None:
    """Yesterday's tables were put back: they fit together, and only who kept a checkpoint elsewhere can tell."""
    for number in range(5):
        real_ledgers.ours.log.add(log_line(number))
    assert real_ledgers.engine is not None
    with real_ledgers.engine.connect() as connection:
        head = connection.execute(sa.select(HEAD).where(HEAD.c.business == "ours")).one()._asdict()
    real_ledgers.ours.log.add(log_line(6))
    checkpoint = real_ledgers.ours.log.verify().checkpoint
    with real_ledgers.engine.begin() as connection:
        remove(6)(connection)
        connection.execute(sa.update(HEAD).where(HEAD.c.business == "ours").values(**head))
    assert real_ledgers.ours.log.verify().problems == ()
    assert real_ledgers.ours.log.verify(checkpoint).problems


def test_lines_from_before_the_chain_are_counted_apart(real_ledgers: Ledgers) -> None:
    """An installation from before lines were sealed: they are there, and nothing is claimed of them."""
    assert real_ledgers.engine is not None
    with real_ledgers.engine.begin() as connection:
        for number in (1, 2):
            values = {**vars_of(log_line(number)), "seq": number}
            connection.execute(sa.insert(LOG).values(business="ours", epoch=0, seal="", **values))
    assert real_ledgers.ours.log.verify().unsigned == 2
    real_ledgers.ours.log.add(log_line(3))
    verdict = real_ledgers.ours.log.verify()
    assert (verdict.checked, verdict.unsigned, verdict.problems) == (3, 2, ())
    with real_ledgers.engine.begin() as connection:
        remove(2)(connection)
    assert real_ledgers.ours.log.verify().problems


def vars_of(line: LogEntry) -> dict[str, object]:
    """A line's fields, without its number."""
    return {name: getattr(line, name) for name in LogEntry.__dataclass_fields__ if name != "seq"}


def test_a_lost_key_begins_another_chapter(real_ledgers: Ledgers) -> None:
    """Old lines can't be proved any more, new ones can; the log goes on without a gap."""
    real_ledgers.ours.log.add(log_line(1))
    assert real_ledgers.engine is not None
    with real_ledgers.engine.begin() as connection:
        connection.execute(sa.update(KEY).values(sealed=b"lost"))
    again = real(real_ledgers.engine, Opening())
    again.ours.log.add(log_line(2))
    verdict = again.ours.log.verify()
    assert (verdict.checked, verdict.unknown, verdict.problems) == (2, 1, ())
    with real_ledgers.engine.begin() as connection:
        connection.execute(sa.update(LOG).where(ours(LOG.c.seq, 2)).values(actor="omar"))
    assert again.ours.log.verify().problems


class Opening:
    """Opens what it has sealed, and nothing else."""

    current, known = "opening", ("opening",)

    def seal(self, secret: bytes) -> bytes:
        """Mark it."""
        return b"sealed:" + secret

    def open(self, sealed: bytes) -> bytes:
        """Raises ``SecretUnreadable``."""
        from flask_crm_stripe.errors import SecretUnreadable

        if not sealed.startswith(b"sealed:"):
            raise SecretUnreadable
        return sealed.removeprefix(b"sealed:")


def test_the_moment_of_a_line_is_sealed_as_it_is_read_back(ledgers: Ledgers) -> None:
    """In whichever zone it was written, to the microsecond."""
    at = datetime.fromisoformat("2026-11-20T23:59:59.999999+13:00")
    ledgers.ours.log.add(replace(log_line(1), at=at))
    assert ledgers.ours.log.verify().problems == ()
    assert next(iter(ledgers.ours.log.every(ALL))).at == at
