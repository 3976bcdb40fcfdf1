"""Several threads at the same thing at the same moment, on every implementation of the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

import pytest

from flask_crm_stripe.errors import AccountTaken, BillableTaken, Conflict, NotFound
from flask_crm_stripe.model.connection import Consent
from flask_crm_stripe.model.events import Intake
from flask_crm_stripe.model.invoices import Invoice, Stage
from flask_crm_stripe.ports.ledger import Ledger
from tests.contracts.ledger_worlds import (
    ACME,
    HOME,
    NOW,
    OUR_ACCOUNT,
    THEIR_ACCOUNT,
    Ledgers,
    account,
    event,
    grant,
    later,
    make,
    payment,
    plan,
    remote,
)
from tests.contracts.test_ledger_connections import connect

Result = TypeVar("Result")
THREADS = 6


def at_once(deed: Callable[[int], Result]) -> list[Result | Exception]:
    """What each of the threads got, all let go at the same moment."""
    gate = threading.Barrier(THREADS)

    def run(number: int) -> Result | Exception:
        gate.wait(timeout=20)
        try:
            return deed(number)
        except (Conflict, AccountTaken) as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_the_same_work_makes_one_invoice(ledgers: Ledgers) -> None:
    """People press Generate for the same billables: one gets an invoice, all others learn its id."""
    theirs = make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    names = [f"b{number}" for number in range(80)]

    def press(number: int) -> Invoice:
        # In two orders, and many: claims that waited for each other in a circle would be a deadlock.
        chosen = names if number % 2 else names[::-1]
        return make(ledgers.ours, *chosen, form_key=f"form {number}")

    results = at_once(press)
    made = [each for each in results if isinstance(each, Invoice)]
    refused = [each for each in results if isinstance(each, BillableTaken)]
    assert (len(made), len(refused)) == (1, THREADS - 1)
    assert {each.invoice_id for each in refused} == {made[0].id}
    assert ledgers.ours.invoices.of_billables(names, False) == dict.fromkeys(names, made[0])
    assert ledgers.theirs.invoices.of_billables(["b1"], False) == {"b1": theirs}


def test_the_same_press_makes_one_invoice(ledgers: Ledgers) -> None:
    """A double press of one button: all get the same invoice, and one of them made it."""
    make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT, form_key="press")

    def press(_: int) -> tuple[Invoice, bool]:
        return ledgers.ours.invoices.plan(
            OUR_ACCOUNT, False, plan("b1"), form_key="press", send=True, actor="ines", now=NOW
        )

    results = [each for each in at_once(press) if isinstance(each, tuple)]
    assert len(results) == THREADS
    assert len({invoice.id for invoice, _ in results}) == 1
    assert [made for _, made in results].count(True) == 1


def test_one_business_gets_the_account(ledgers: Ledgers) -> None:
    """Several businesses confirm the same account: one is live, the others are refused."""
    businesses = [ledgers.shared.for_business(f"business {number}") for number in range(THREADS)]
    pending = [each.connections.add_pending(grant(), account(), "print", "ines", NOW) for each in businesses]
    results = at_once(lambda number: businesses[number].connections.confirm(pending[number].id, "ines", NOW))
    assert sum(isinstance(each, AccountTaken) for each in results) == THREADS - 1
    assert len(ledgers.shared.live_connections()) == 1


def test_a_connection_is_confirmed_once(ledgers: Ledgers) -> None:
    """A double press on "Use this account"."""
    pending = ledgers.ours.connections.add_pending(grant(), account(), "print", "ines", NOW)
    results = at_once(lambda number: ledgers.ours.connections.confirm(pending.id, f"actor {number}", NOW))
    assert sum(isinstance(each, Conflict) for each in results) == THREADS - 1
    live = ledgers.ours.connections.live(False)
    assert live is not None
    assert live in results


def test_a_consent_is_claimed_by_one(ledgers: Ledgers) -> None:
    """A replayed return from Stripe must not reach the exchange, however fast it comes."""
    consent = Consent("ours", "ines", "login", False, later(900))
    ledgers.shared.start_consent("hash", consent, NOW)
    results = at_once(lambda _: ledgers.shared.claim_consent("hash", NOW))
    assert results.count(consent) == 1
    assert results.count(None) == THREADS - 1


def test_an_event_is_stored_by_one(ledgers: Ledgers) -> None:
    """The same delivery to several workers."""
    connect(ledgers.ours)
    results = at_once(lambda _: ledgers.shared.take_in(event(), NOW))
    assert results.count(Intake("ours", None)) == THREADS - 1
    assert len(ledgers.ours.events.page().rows) == 1
    assert ledgers.theirs.events.page().rows == ()


def test_an_event_is_claimed_by_one(ledgers: Ledgers) -> None:
    """However many workers ask at the same moment."""
    rows = [ledgers.ours.events.keep(event(f"evt_{number}"), NOW) for number in range(20)]
    claimed = at_once(lambda _: ledgers.shared.claim_events(NOW, 5, later(60)))
    taken = [each.id for some in claimed if not isinstance(some, Exception) for each in some]
    assert sorted(taken) == sorted(row for row in rows if row)[: 5 * THREADS]


def test_fetches_of_an_invoice_begin_one_after_the_other(ledgers: Ledgers) -> None:
    """Whatever the clocks of the machines say, no two have the same time."""
    invoice = make(ledgers.ours, "b1")
    found = at_once(lambda number: ledgers.ours.invoices.start_fetch(invoice.id, later(-number)))
    times = [time for time in found if not isinstance(time, Exception)]
    assert len(set(times)) == THREADS
    assert ledgers.ours.invoices.start_fetch(invoice.id, later(-99)) > max(times)
    assert ledgers.ours.invoices.start_fetch(invoice.id, later(50)) == later(50)
    picture = ledgers.ours.invoices.apply(invoice.id, remote(invoice, "open"), (), later(60), [])
    assert picture is not None
    assert ledgers.ours.invoices.start_fetch(invoice.id, later(55)) > later(60)
    with pytest.raises(NotFound):
        ledgers.theirs.invoices.start_fetch(invoice.id, NOW)


def test_a_lease_is_taken_by_one(ledgers: Ledgers) -> None:
    """And again after it has run out; the number grows by one each time."""
    for fence in (1, 2, 3):
        results = at_once(take("sweep", ledgers.ours, later(60 * fence)))
        assert results.count(None) == THREADS - 1
        assert results.count(fence) == 1
    assert ledgers.theirs.lease("sweep", "another", NOW, 60) == 1


def take(name: str, ledger: Ledger, at: datetime) -> Callable[[int], int | None]:
    """A thread's try to take the lease."""
    return lambda number: ledger.lease(name, f"thread {number}", at, 60)


def test_a_contact_gets_one_link(ledgers: Ledgers) -> None:
    """First use by several at once: one customer will be made at Stripe."""
    results = at_once(lambda _: ledgers.ours.customers.link(OUR_ACCOUNT, False, ACME, NOW))
    assert len({each.id for each in results if not isinstance(each, Exception)}) == 1


def test_marking_services_in_any_order_never_stands_still(ledgers: Ledgers) -> None:
    """Two sweeps over the same services wait for each other, not in a circle."""
    services = [(str(number), "", f"Service {number}") for number in range(8)]

    def mark(number: int) -> None:
        names = services if number % 2 else services[::-1]
        ledgers.ours.catalogue.mark_waiting(OUR_ACCOUNT, False, names)

    assert at_once(mark) == [None] * THREADS
    assert len(ledgers.ours.catalogue.entries(OUR_ACCOUNT, False)) == 8


def test_pictures_that_race_leave_the_newest(ledgers: Ledgers) -> None:
    """Six workers apply six fetches of the same invoice: what was fetched last stands, each payment once."""
    invoice = make(ledgers.ours, "b1")
    ledgers.ours.invoices.advance(invoice.id, Stage.SENT, remote(invoice), NOW)

    def apply(number: int) -> Invoice | None:
        picture = remote(invoice, "paid", amount_paid=number)
        return ledgers.ours.invoices.apply(invoice.id, picture, [payment()], later(number + 1), [])

    results = at_once(apply)
    stored = ledgers.ours.invoices.get(invoice.id)
    assert stored is not None
    assert (stored.amount_paid, stored.fetched_at) == (THREADS - 1, later(THREADS))
    assert stored.version == 2 + sum(result is not None for result in results)
    assert ledgers.ours.invoices.payments(invoice.id) == [payment()]


def test_the_installation_is_one(ledgers: Ledgers) -> None:
    """Workers that start together agree on the id."""
    assert len(set(map(str, at_once(lambda _: ledgers.shared.installation(HOME, NOW))))) == 1
