"""Many invoices at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.run_work import BROKEN, CLAIMED_FOR, KILLED, MOST_TRIES, RunWork, form_key
from flask_crm_stripe.core.runs import ALL_BILLED, MOST_SOURCES, NOTHING, WORKERS, wanted_of
from flask_crm_stripe.errors import (
    AccountGone,
    Conflict,
    CopyLocked,
    InvalidInput,
    NotConnected,
    NotFound,
    NotPermitted,
    RateLimited,
    Refused,
    Unreachable,
)
from flask_crm_stripe.model.business import DRAFT, SYSTEM, VIEW, Actor
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.crm import Source, SourceRef
from flask_crm_stripe.model.invoices import Delivery, Stage, Status
from flask_crm_stripe.model.runs import ItemState, Run, RunItem, RunState
from tests.core.samples import ZONEN, billable
from tests.core.world import ELSEWHERE, INES, World

TERMS = Terms(delivery=Delivery.LINK)
DRAFTER = Actor("2", "Omar", (VIEW, DRAFT))
LOOKER = Actor("3", "Ann", (VIEW,))


def orders(world: World, count: int, business: str = "hp", lines: int = 2) -> list[SourceRef]:
    """So many orders, each with work to bill."""
    refs = [SourceRef("order", str(number)) for number in range(count)]
    for ref in refs:
        world.crm.add(business, Source(ref, f"Order {ref.ref}", f"O-{ref.ref}", ZONEN.ref))
        world.crm.add(business, *(billable(f"{ref.ref}-{line}", source=ref) for line in range(lines)))
    return refs


def begin(world: World, refs: list[SourceRef], *, send: bool = True, actor: Actor = INES, terms: Terms = TERMS) -> Run:
    """See them, and start."""
    runs = world.billing("hp", actor).runs
    return runs.start(runs.plan(refs, terms, send=send).id)


def work(world: World, run: Run, business: str = "hp") -> int:
    """One worker's turn."""
    return RunWork(world.platform, timedelta(hours=1)).go_on(business, run.id)


def items(world: World, run: Run, state: ItemState | None = None) -> list[RunItem]:
    """How its items stand."""
    return list(world.billing().ledger.runs.items(run.id, state))


def state_of(world: World, run: Run) -> RunState:
    """How it stands itself."""
    return world.billing().runs.get(run.id).state


def test_each_chosen_source_gets_one_sent_invoice(connected: World) -> None:
    """In the background, made by the one who began it; the other business has none of it, and cannot see the run."""
    refs = orders(connected, 3)
    run = begin(connected, refs)
    assert connected.queue.calls == [
        ("make_invoices", {"business": "hp", "run": run.id, "worker": number}) for number in range(WORKERS)
    ]
    assert connected.billing().ledger.invoices.recent(run.books) == [], "nothing is made yet"
    assert work(connected, run, "kestrel") == 0
    assert work(connected, run) == 3
    assert (work(connected, run), state_of(connected, run)) == (0, RunState.DONE)
    for item in items(connected, run, ItemState.DONE):
        invoice = connected.billing().invoicing.get(item.invoice_id or "")
        assert (invoice.status, invoice.created_by, invoice.total) == (Status.OPEN, INES.ref, item.total)
        assert {line.source for line in invoice.plan.lines} == {item.source}
    assert len(connected.shops["hp"].invoices) == 3
    assert connected.shops["kestrel"].invoices == {}
    assert connected.billing().ledger.people.names([INES.ref]) == {INES.ref: "Ines"}, "the name is kept"
    with pytest.raises(NotFound):
        connected.billing("kestrel").runs.get(run.id)


def test_drafts_by_somebody_who_may_not_send(connected: World) -> None:
    """They stay drafts; to send is refused before anything is looked at."""
    refs = orders(connected, 2)
    with pytest.raises(NotPermitted):
        connected.billing("hp", DRAFTER).runs.plan(refs, TERMS, send=True)
    run = begin(connected, refs, send=False, actor=DRAFTER)
    work(connected, run)
    assert {invoice.status for invoice in connected.shops["hp"].invoices.values()} == {"draft"}
    with pytest.raises(NotPermitted):
        connected.billing("hp", LOOKER).runs.plan(refs, TERMS, send=False)
    sent = begin(connected, orders(connected, 3)[2:])
    for deed in ("stop", "resume", "retry"):
        with pytest.raises(NotPermitted):
            getattr(connected.billing("hp", DRAFTER).runs, deed)(sent.id)


def test_what_would_come_out_is_seen_before(connected: World) -> None:
    """How many, how much per currency, and which ones not, with the reason in words."""
    refs = orders(connected, 2)
    dollars, empty, busy, billed = (SourceRef("order", name) for name in ("usd", "empty", "busy", "billed"))
    for ref in (dollars, empty, busy, billed):
        connected.crm.add("hp", Source(ref, f"Order {ref.ref}", "", ZONEN.ref))
    connected.crm.add("hp", billable("d1", source=dollars, currency="usd"), billable("b1", source=billed))
    connected.crm.add("hp", billable("n1", source=busy, ready=False))
    invoicing = connected.billing().invoicing
    plan = invoicing.preview(billed, ["b1"], TERMS)
    invoicing.generate(billed, ["b1"], TERMS, seen=digest(plan), form_key="x", send=True)
    unknown = SourceRef("order", "none")
    run = connected.billing().runs.plan([*refs, dollars, empty, busy, billed, unknown, refs[0]], TERMS, send=True)
    assert run.state is RunState.PLANNED
    assert [item.source for item in items(connected, run, ItemState.WAITING)] == [*refs, dollars], "each once"
    sums = {each.currency: each.total for each in connected.billing().runs.tally(run.id) if each.state == "waiting"}
    assert sums == {"eur": 2 * 508805, "usd": 254403}
    reasons = {item.source.ref: item.reason for item in items(connected, run, ItemState.FAILED)}
    assert reasons["empty"] == NOTHING
    assert reasons["busy"] == f"{NOTHING} Not marked as done yet."
    assert reasons["billed"] == ALL_BILLED
    assert "no such" in reasons["none"]


def test_too_few_and_too_many(connected: World) -> None:
    """Are refused with a sentence; so is a run that would make nothing."""
    runs = connected.billing().runs
    for wrong in ([], [SourceRef("order", str(number)) for number in range(MOST_SOURCES + 1)]):
        with pytest.raises(InvalidInput):
            runs.plan(wrong, TERMS, send=True)
    with pytest.raises(InvalidInput, match="None of these"):
        begin(connected, [SourceRef("order", "none")])


def test_what_changed_since_it_was_seen_is_not_made(connected: World) -> None:
    """That one fails, and has to be looked at again."""
    refs, runs = orders(connected, 2), connected.billing().runs
    run = begin(connected, refs)
    connected.crm.add("hp", billable("0-0", source=refs[0], unit_price=Decimal(1)))
    work(connected, run)
    [failed] = items(connected, run, ItemState.FAILED)
    assert (failed.source, failed.code, failed.invoice_id) == (refs[0], "plan_changed", None)
    with pytest.raises(Conflict):
        runs.retry(run.id)
    assert len(connected.shops["hp"].invoices) == 1


def test_work_that_came_later_stays_for_later(connected: World) -> None:
    """The invoice has the lines that were seen."""
    refs = orders(connected, 1)
    run = begin(connected, refs)
    connected.crm.add("hp", billable("new", source=refs[0]))
    work(connected, run)
    [done] = items(connected, run, ItemState.DONE)
    invoice = connected.billing().invoicing.get(done.invoice_id or "")
    assert [line.billable for line in invoice.plan.lines] == ["0-0", "0-1"]


def test_a_second_press_starts_no_second_run(connected: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also at the same moment, and where the first one has made its invoices: workers are called once."""
    runs = connected.billing().runs
    planned = runs.plan(orders(connected, 2), TERMS, send=True)
    assert work(connected, planned) == 0, "nobody has started it"
    assert runs.start(planned.id).state is RunState.RUNNING
    connected.queue.calls.clear()
    with monkeypatch.context() as patched:
        patched.setattr(type(runs), "_mine", lambda *_: planned)
        runs.start(planned.id)
    work(connected, planned)
    assert runs.start(planned.id).state is RunState.DONE
    assert connected.queue.calls == []
    assert len(connected.shops["hp"].invoices) == 2


def test_nothing_starts_where_nothing_may_go_out(connected: World, world: World) -> None:
    """In a copy, without a connection, on another account, or where customers cannot pay; drafts may be made."""
    refs = orders(connected, 1)
    account = connected.billing().connection.require_live().account
    connected.shops["hp"].change_account(replace(account, charges_enabled=False))
    connected.billing().connection.refresh()
    with pytest.raises(Conflict):
        begin(connected, refs)
    begin(connected, refs, send=False)
    connected.here = ELSEWHERE
    with pytest.raises(CopyLocked):
        begin(connected, refs)
    connected.here = "host.database.key"
    planned = connected.billing().runs.plan(refs, TERMS, send=False)
    connected.shops["hp"].fail_next("account", AccountGone("Gone."))
    with pytest.raises(AccountGone):
        connected.billing().connection.refresh()
    connected.stripe.add_account("acct_other")
    connected.connect("hp", "acct_other")
    with pytest.raises(Conflict):
        connected.billing().runs.start(planned.id)
    other = World()
    with pytest.raises(NotConnected):
        begin(other, orders(other, 1))


def test_a_seller_without_an_address_is_said_before(connected: World) -> None:
    """What an invoice has to say of the business is missing: none is made to be sent."""
    connected.billing().ledger.settings.save({"seller_address": ""}, "1", connected.clock.now())
    run = connected.billing().runs.plan(orders(connected, 1), TERMS, send=True)
    assert [item.code for item in items(connected, run)] == ["invalid_input"]
    begin(connected, orders(connected, 1), send=False)


def test_above_the_limit_a_second_person_is_needed(connected: World) -> None:
    """It is listed with its amount, not made and not sent, and trying again does not change that."""
    refs = orders(connected, 2)
    connected.crm.add("hp", billable("big", source=refs[1], unit_price=Decimal(10**6)))
    connected.billing().ledger.settings.save({"limit.send.eur": "1000000"}, "1", connected.clock.now())
    run = begin(connected, refs)
    work(connected, run)
    [above] = items(connected, run, ItemState.FAILED)
    assert (above.source, above.code, above.invoice_id) == (refs[1], "approval_needed", None)
    assert above.total > 1000000
    with pytest.raises(Conflict):
        connected.billing().runs.retry(run.id)
    assert len(connected.shops["hp"].invoices) == 1


def test_stopped_it_makes_no_more_until_it_goes_on(connected: World) -> None:
    """Each way once."""
    run, runs = begin(connected, orders(connected, 2)), connected.billing().runs
    assert runs.stop(run.id).state is RunState.STOPPED
    with pytest.raises(Conflict):
        runs.stop(run.id)
    assert work(connected, run) == 0
    connected.queue.calls.clear()
    assert runs.resume(run.id).state is RunState.RUNNING
    assert len(connected.queue.calls) == WORKERS
    with pytest.raises(Conflict):
        runs.resume(run.id)
    assert work(connected, run) == 2
    assert sum(each.count for each in runs.tally(run.id)) == 2


def test_what_failed_is_tried_again(connected: World) -> None:
    """The same invoice goes on: none is made twice."""
    run, shop = begin(connected, orders(connected, 2)), connected.shops["hp"]
    shop.fail_next("add_lines", Refused("No such product."))
    work(connected, run)
    [failed] = items(connected, run, ItemState.FAILED)
    assert (failed.code, failed.reason) == ("stripe_refused", "No such product.")
    assert failed.invoice_id is not None
    assert state_of(connected, run) is RunState.DONE
    assert connected.billing().runs.retry(run.id) == 1
    work(connected, run)
    assert [item.state for item in items(connected, run)] == [ItemState.DONE] * 2
    assert len(shop.invoices) == 2


def test_a_busy_moment_is_waited_out(connected: World) -> None:
    """Some seconds, each time longer; then it counts as failed."""
    run, shop = begin(connected, orders(connected, 1)), connected.shops["hp"]
    shop.fail_next("finalise", RateLimited("Later."))
    assert work(connected, run) == 1
    [waiting] = items(connected, run)
    assert (waiting.state, waiting.code, waiting.tries) == (ItemState.WAITING, "stripe_rate_limited", 1)
    assert waiting.invoice_id is not None
    now = connected.clock.now()
    assert connected.billing().ledger.runs.due(run.books, now - timedelta(seconds=5)) == []
    connected.clock.advance(seconds=30)
    assert work(connected, run) == 1
    assert state_of(connected, run) is RunState.DONE
    second = begin(connected, orders(connected, 2)[1:])
    for _ in range(MOST_TRIES):
        shop.fail_next("finalise", RateLimited("Later."))
        connected.clock.advance(hours=1)
        work(connected, second)
    [failed] = items(connected, second)
    assert (failed.state, failed.tries) == (ItemState.FAILED, MOST_TRIES)


def test_a_killed_worker_leaves_nothing_undone(connected: World) -> None:
    """When its lease has ended another one takes the item, and goes on with the invoice that there is."""
    run, runs = begin(connected, orders(connected, 1)), connected.billing().ledger.runs
    now = connected.clock.now()
    taken = runs.claim(run.id, "killed", now, now + CLAIMED_FOR)
    assert taken is not None
    connected.shops["hp"].fail_next("add_lines", Unreachable("Cut."))
    with pytest.raises(Unreachable):
        connected.billing().invoicing.generate(
            taken.source, taken.billables, TERMS, seen=taken.seen, form_key=form_key(run, taken), send=True
        )
    assert work(connected, run) == 0
    connected.clock.advance(seconds=CLAIMED_FOR.total_seconds())
    assert work(connected, run) == 1
    assert [item.state for item in items(connected, run)] == [ItemState.DONE]
    assert len(connected.shops["hp"].invoices) == 1


def test_one_that_kills_each_worker_is_given_up(connected: World) -> None:
    """It keeps no worker for ever."""
    run, runs = begin(connected, orders(connected, 1)), connected.billing().ledger.runs
    for _ in range(MOST_TRIES):
        now = connected.clock.now()
        assert runs.claim(run.id, "killed", now, now + CLAIMED_FOR) is not None
        connected.clock.advance(seconds=CLAIMED_FOR.total_seconds() + 1)
    work(connected, run)
    [failed] = items(connected, run)
    assert (failed.state, failed.reason) == (ItemState.FAILED, KILLED)


def test_a_mail_that_may_be_out_is_not_sent_twice(connected: World) -> None:
    """A person looks after it; one that is certain not to be out goes."""
    terms, runs = Terms(), connected.billing().runs
    run = begin(connected, orders(connected, 1), terms=terms)
    shop = connected.shops["hp"]
    shop.fail_next("send", Unreachable("Cut."))
    work(connected, run)
    connected.clock.advance(hours=24)
    work(connected, run)
    [failed] = items(connected, run)
    assert failed.state is ItemState.FAILED
    assert "not certain" in failed.reason
    assert connected.billing().invoicing.get(failed.invoice_id or "").problem is not None
    assert runs.retry(run.id) == 1
    work(connected, run)
    assert items(connected, run)[0].state is ItemState.FAILED
    shop.fail_next("send", RateLimited("Later."))
    more = orders(connected, 2)[1:]
    second = begin(connected, more, terms=terms)
    work(connected, second)
    connected.clock.advance(minutes=1)
    work(connected, second)
    assert items(connected, second)[0].state is ItemState.DONE


def test_what_breaks_here_is_noted(connected: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next item is made all the same."""
    run = begin(connected, orders(connected, 2))
    plain, broken = type(connected.billing().invoicing).generate, ["0"]

    def generate(self: object, source: SourceRef, *args: object, **kwargs: object) -> object:
        if source.ref in broken:
            raise RuntimeError("Bug.")
        return plain(self, source, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(type(connected.billing().invoicing), "generate", generate)
    work(connected, run)
    [failed] = items(connected, run, ItemState.FAILED)
    assert (failed.code, failed.reason) == ("internal", BROKEN)
    assert len(connected.shops["hp"].invoices) == 1


def test_a_worker_lets_others_have_a_turn(connected: World) -> None:
    """After its time it calls for the next one; a round of upkeep calls for those that nobody works on."""
    run = begin(connected, orders(connected, 2))
    connected.queue.calls.clear()
    assert RunWork(connected.platform, timedelta(seconds=5)).go_on("hp", run.id) == 1
    assert len(connected.queue.calls) == WORKERS
    connected.queue.calls.clear()
    assert connected.upkeep.round().runs == 1
    assert [call for call in connected.queue.calls if call[0] == "make_invoices"]


def test_nothing_is_made_in_a_copy_or_for_another_account(connected: World) -> None:
    """It waits where it is."""
    run = begin(connected, orders(connected, 1))
    connected.here = ELSEWHERE
    assert work(connected, run) == 0
    connected.here = "host.database.key"
    assert work(connected, replace(run, id="unknown")) == 0
    shop = connected.shops["hp"]
    shop.fail_next("create_invoice", AccountGone("Gone."))
    assert work(connected, run) == 1
    connected.clock.advance(hours=1)
    assert work(connected, run) == 0, "nothing is connected"
    connected.stripe.add_account("acct_other")
    connected.connect("hp", "acct_other")
    assert work(connected, run) == 0, "another account is"
    assert items(connected, run)[0].state is ItemState.WAITING


def test_the_operator_can_start_one(connected: World) -> None:
    """From the command line, in the hands of the software itself."""
    run = begin(connected, orders(connected, 1), actor=SYSTEM)
    work(connected, run)
    [done] = items(connected, run)
    assert connected.billing().invoicing.get(done.invoice_id or "").stage is Stage.FINALISED
    assert wanted_of(run).terms == TERMS
    assert connected.billing().ledger.people.names([SYSTEM.ref]) == {}


def test_what_makes_no_invoice_is_not_started(connected: World) -> None:
    """Begun by the host itself there is nobody to tell: it stays planned, with its reason; else it starts."""
    runs, [source] = connected.billing(actor=SYSTEM).runs, orders(connected, 1)
    started = runs.start_if_any(runs.plan([source], TERMS, send=True))
    assert started.state is RunState.RUNNING
    work(connected, started)
    again = runs.start_if_any(runs.plan([source], TERMS, send=True))
    assert again.state is RunState.PLANNED
    assert [item.reason for item in items(connected, again)] == ["All its work is on invoices already."]
