"""Runs of many invoices, on every implementation of the ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.runs import ItemState, Outcome, Run, RunItem, RunState, Tally
from tests.contracts.ledger_worlds import ELSEWHERE, NOW, OUR_ACCOUNT, Ledgers, later

BOOKS = (OUR_ACCOUNT, False)
DONE = Outcome(ItemState.DONE, "i" * 32)


def run(id: str = "a", **changes: object) -> Run:
    """Somebody wants many invoices."""
    terms = {"days_until_due": 14, "note": "木村"}
    wanted = Run(id * 32, OUR_ACCOUNT, False, True, terms, "ines", NOW, RunState.RUNNING)
    return replace(wanted, **changes)  # type: ignore[arg-type]


def item(ref: str, **changes: object) -> RunItem:
    """One source of them."""
    wanted = RunItem(SourceRef("order", ref), f"Order {ref}", (f"{ref}-1", f"{ref}-2"), "eur", 1210, f"seen-{ref}")
    return replace(wanted, **changes)  # type: ignore[arg-type]


def kept(ledgers: Ledgers, *items: RunItem, id: str = "a", **changes: object) -> Run:
    """A run with these items."""
    ledgers.ours.runs.add(run(id, **changes), items)
    return run(id, **changes)


def test_a_run_comes_back_whole(ledgers: Ledgers) -> None:
    """With its items in their order; another business has none of it, and cannot touch it."""
    items = [item("1"), item("2", state=ItemState.FAILED, code="x", reason="Why", seen="", billables=(), total=0)]
    made = kept(ledgers, *items)
    ours, theirs = ledgers.ours.runs, ledgers.theirs.runs
    assert made == run() == ours.get(made.id)
    assert ours.items(made.id) == items
    assert ours.items(made.id, ItemState.FAILED) == items[1:]
    first = ours.items(made.id)[0]
    assert ours.items(made.id, after=first.number) == items[1:]
    assert ours.items(made.id, limit=1) == items[:1]
    assert list(ours.page().rows) == [made]
    assert theirs.get(made.id) is None
    assert (list(theirs.items(made.id)), list(theirs.tally(made.id)), list(theirs.page().rows)) == ([], [], [])
    assert theirs.claim(made.id, "h", NOW, later(9)) is None
    assert not theirs.finish(first.number, "h", DONE)
    assert not theirs.move(made.id, RunState.RUNNING, RunState.STOPPED, NOW)
    assert not theirs.settle(made.id, NOW)
    assert theirs.retry(made.id, ()) == 0
    assert theirs.due(BOOKS, NOW) == []
    assert ours.get(made.id) == made


def test_what_nobody_started_goes(ledgers: Ledgers) -> None:
    """With its items, when it is old; it was in no list, and gave nothing to do. Another business's stays."""
    runs, planned = ledgers.ours.runs, kept(ledgers, item("1"), state=RunState.PLANNED)
    started = kept(ledgers, item("1"), id="b")
    ledgers.theirs.runs.add(run("c", state=RunState.PLANNED), [item("1")])
    assert list(runs.page().rows) == [started]
    assert runs.claim(planned.id, "h", NOW, later(9)) is None
    assert runs.due(BOOKS, NOW) == [started.id]
    assert runs.forget_planned(NOW) == 0
    assert runs.get(planned.id) == planned
    assert runs.forget_planned(later(1)) == 1
    assert (runs.get(planned.id), list(runs.items(planned.id))) == (None, [])
    assert runs.get(started.id) == started
    assert ledgers.theirs.runs.get("c" * 32) is not None


def test_the_newest_runs_come_first(ledgers: Ledgers) -> None:
    """In pages; a damaged cursor is refused."""
    made = [kept(ledgers, item("1"), id=id) for id in "abc"]
    page = ledgers.ours.runs.page(limit=2)
    assert list(page.rows) == [made[2], made[1]]
    assert list(ledgers.ours.runs.page(page.older, 2).rows) == [made[0]]
    with pytest.raises(InvalidInput):
        ledgers.ours.runs.page("garbage")


def test_an_item_is_for_one_worker(ledgers: Ledgers) -> None:
    """In their order, until its lease ends; what waits comes before what was left behind."""
    runs, made = ledgers.ours.runs, kept(ledgers, item("1"), item("2"))
    first = runs.claim(made.id, "one", NOW, later(60))
    assert first is not None
    assert (first.source.ref, first.state) == ("1", ItemState.DOING)
    second = runs.claim(made.id, "two", later(61), later(90))
    assert second is not None
    assert second.source.ref == "2", "the first one's lease has ended, but this one waits"
    assert runs.claim(made.id, "three", later(59), later(90)) is None
    again = runs.claim(made.id, "three", later(61), later(120))
    assert again is not None
    assert (again.number, again.tries, second.tries) == (first.number, 1, 0)
    assert not runs.finish(first.number, "one", DONE), "it is another's by now"
    assert runs.finish(first.number, "three", DONE)
    assert not runs.finish(first.number, "three", DONE), "and it has ended"
    assert [each.state for each in runs.items(made.id)] == [ItemState.DONE, ItemState.DOING]


def test_what_became_of_an_item_is_kept(ledgers: Ledgers) -> None:
    """Its invoice, also where it waits again, not before a time; how often; why it failed."""
    runs, made = ledgers.ours.runs, kept(ledgers, item("1"))
    taken = runs.claim(made.id, "h", NOW, later(60))
    assert taken is not None
    assert runs.finish(taken.number, "h", Outcome(ItemState.WAITING, "i" * 32, "busy", "Wait", later(30)))
    assert runs.claim(made.id, "h", later(29), later(60)) is None
    assert runs.due(BOOKS, later(29)) == []
    assert runs.due(BOOKS, later(30)) == [made.id]
    taken = runs.claim(made.id, "h", later(30), later(60))
    assert taken is not None
    assert (taken.invoice_id, taken.tries, taken.code) == ("i" * 32, 1, "busy")
    assert runs.finish(taken.number, "h", Outcome(ItemState.FAILED, None, "refused", "No"))
    [left] = runs.items(made.id)
    assert (left.invoice_id, left.tries, left.code, left.reason) == ("i" * 32, 2, "refused", "No")


def test_a_run_is_done_when_its_items_have_ended(ledgers: Ledgers) -> None:
    """Once; one that has only ended items is due, so that somebody says so."""
    runs, made = ledgers.ours.runs, kept(ledgers, item("1"))
    assert not runs.settle(made.id, NOW)
    taken = runs.claim(made.id, "h", NOW, later(60))
    assert taken is not None
    assert not runs.settle(made.id, NOW)
    assert runs.due(BOOKS, NOW) == []
    assert runs.finish(taken.number, "h", DONE)
    assert runs.due(BOOKS, NOW) == [made.id]
    assert runs.due((OUR_ACCOUNT, True), NOW) == runs.due(("acct_other", False), NOW) == []
    assert runs.settle(made.id, later(5))
    assert not runs.settle(made.id, later(6))
    assert runs.get(made.id) == run(state=RunState.DONE, ended_at=later(5))
    assert runs.due(BOOKS, NOW) == []


def test_a_stopped_run_gives_nothing_until_it_goes_on(ledgers: Ledgers) -> None:
    """What is being done is finished; each way is gone once."""
    runs, made = ledgers.ours.runs, kept(ledgers, item("1"), item("2"))
    taken = runs.claim(made.id, "h", NOW, later(60))
    assert taken is not None
    assert runs.move(made.id, RunState.RUNNING, RunState.STOPPED, later(1))
    assert not runs.move(made.id, RunState.RUNNING, RunState.STOPPED, later(2))
    assert runs.get(made.id) == run(state=RunState.STOPPED, ended_at=later(1))
    assert runs.claim(made.id, "h", later(2), later(60)) is None
    assert runs.due(BOOKS, later(2)) == []
    assert runs.finish(taken.number, "h", DONE)
    assert not runs.settle(made.id, later(3))
    assert runs.move(made.id, RunState.STOPPED, RunState.RUNNING, later(4))
    assert runs.get(made.id) == run()
    assert runs.claim(made.id, "h", later(5), later(60)) is not None


def test_failed_items_wait_again(ledgers: Ledgers) -> None:
    """Those whose figures were seen, and not those that failed for a reason that needs another look."""
    unseen = item("3", state=ItemState.FAILED, code="invalid_input", seen="")
    changed = item("4", state=ItemState.FAILED, code="plan_changed")
    refused = item("5", state=ItemState.FAILED, code="refused", tries=3)
    runs, made = ledgers.ours.runs, kept(ledgers, unseen, changed, refused)
    assert runs.settle(made.id, NOW)
    assert runs.retry(made.id, ["plan_changed"]) == 1
    assert runs.get(made.id) == run()
    again = runs.claim(made.id, "h", NOW, later(60))
    assert again is not None
    assert (again.source.ref, again.again, again.tries) == ("5", True, 0)
    assert runs.claim(made.id, "h", NOW, later(60)) is None
    assert runs.retry(made.id, ["plan_changed"]) == 0


def test_a_tally_adds_up_per_state_and_currency(ledgers: Ledgers) -> None:
    """Never across currencies."""
    failed = item("4", state=ItemState.FAILED, total=5)
    made = kept(ledgers, item("1"), item("2"), item("3", currency="usd", total=10**12), failed)
    assert sorted(ledgers.ours.runs.tally(made.id), key=lambda each: (each.state, each.currency)) == [
        Tally(ItemState.FAILED, "eur", 1, 5),
        Tally(ItemState.WAITING, "eur", 2, 2420),
        Tally(ItemState.WAITING, "usd", 1, 10**12),
    ]


def test_a_neutralised_copy_runs_nothing(ledgers: Ledgers) -> None:
    """What waits in the original is not done in the copy."""
    made = kept(ledgers, item("1"))
    done = kept(ledgers, id="b")
    ledgers.ours.runs.settle(done.id, NOW)
    ledgers.shared.neutralise(ELSEWHERE, later(1))
    assert ledgers.ours.runs.get(made.id) == run(state=RunState.STOPPED, ended_at=later(1))
    assert ledgers.ours.runs.get(done.id) == run("b", state=RunState.DONE, ended_at=NOW)


def test_sixteen_workers_take_each_item_once(real_ledgers: Ledgers) -> None:
    """All at once, in their own connections; no item twice and none left."""
    runs = real_ledgers.ours.runs
    made = kept(real_ledgers, *(item(str(number)) for number in range(48)))

    def work(worker: int) -> list[int]:
        taken = []
        while (found := runs.claim(made.id, f"h{worker}", NOW, later(60))) is not None:
            taken.append(found.number)
            assert runs.finish(found.number, f"h{worker}", DONE)
        return taken

    with ThreadPoolExecutor(16) as pool:
        numbers = [number for taken in pool.map(work, range(16)) for number in taken]
    assert sorted(numbers) == [each.number for each in runs.items(made.id)]
    assert runs.settle(made.id, NOW)
