"""Newer pictures from Stripe applied to invoices, on every implementation of the ledger."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from flask_crm_stripe.model.invoices import Difference, Invoice, Problem, Stage
from tests.contracts.ledger_worlds import (
    THEIR_ACCOUNT,
    Ledgers,
    entry,
    later,
    make,
    opened,
    payment,
    remote,
)

ALLOWED = {
    "draft": {"draft", "open", "paid", "void", "uncollectible", "deleted", "new_word"},
    "open": {"open", "paid", "void", "uncollectible", "deleted", "new_word"},
    "uncollectible": {"uncollectible", "paid", "void", "deleted", "new_word"},
    "paid": {"paid"},
    "void": {"void"},
    "deleted": {"deleted"},
    "new_word": {"new_word", "open", "paid", "void", "uncollectible", "deleted"},
}


def two(ledgers: Ledgers) -> tuple[Invoice, Invoice]:
    """An open invoice of ours, and one of theirs that must not notice."""
    theirs = opened(ledgers.theirs, make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT))
    return opened(ledgers.ours, make(ledgers.ours, "b1")), theirs


def test_a_newer_picture_is_stored_with_its_payments_and_sentences(ledgers: Ledgers) -> None:
    """All in one; the version grows, and the host is to be told."""
    ours, theirs = two(ledgers)
    ledgers.ours.invoices.told(ours.id, ours.version)
    failed, paid = payment("pi_1", "failed", later(5), reason="insufficient_funds"), payment("pi_2", at=later(9))
    result = ledgers.ours.invoices.apply(
        ours.id, remote(ours, "paid"), [failed, paid], later(10), [entry("paid", later(9))]
    )
    assert result is not None
    assert (result.status, result.amount_paid, result.amount_remaining) == ("paid", 1210, 0)
    assert (result.paid_at, result.version, result.fetched_at) == (later(60), ours.version + 1, later(10))
    assert ledgers.ours.invoices.get(ours.id) == result
    assert ledgers.ours.invoices.payments(ours.id) == [paid, failed]
    assert ledgers.ours.invoices.timeline(ours.id) == [entry("paid", later(9))]
    assert ledgers.ours.invoices.untold() == [result]
    assert ledgers.theirs.invoices.get(theirs.id) == theirs
    assert ledgers.theirs.invoices.payments(theirs.id) == []


def test_an_older_picture_is_refused(ledgers: Ledgers) -> None:
    """What was fetched before, or at the same moment, says nothing: events come late and in any order."""
    ours, theirs = two(ledgers)
    paid = ledgers.ours.invoices.apply(ours.id, remote(ours, "paid"), [payment()], later(10), [])
    for seconds in (9, 10):
        stale = remote(ours, "paid", amount_paid=1)
        assert ledgers.ours.invoices.apply(ours.id, stale, [payment("pi_9")], later(seconds), [entry("x")]) is None
    assert ledgers.ours.invoices.get(ours.id) == paid
    assert ledgers.ours.invoices.payments(ours.id) == [payment()]
    assert ledgers.ours.invoices.timeline(ours.id) == []
    assert ledgers.theirs.invoices.get(theirs.id) == theirs


def test_the_same_picture_again_is_no_news(ledgers: Ledgers) -> None:
    """No version, no sentence; but it counts as fetched, so that what is older than it stays out."""
    ours, theirs = two(ledgers)
    paid = ledgers.ours.invoices.apply(ours.id, remote(ours, "paid"), [payment()], later(10), [entry("paid")])
    assert paid is not None
    again = ledgers.ours.invoices.apply(ours.id, remote(ours, "paid"), [payment()], later(20), [entry("paid")])
    assert again is None
    assert ledgers.ours.invoices.get(ours.id) == replace(paid, fetched_at=later(20), updated_at=later(20))
    assert len(ledgers.ours.invoices.timeline(ours.id)) == 1
    between = remote(ours, "paid", amount_paid=1)
    assert ledgers.ours.invoices.apply(ours.id, between, [], later(15), []) is None
    assert ledgers.theirs.invoices.get(theirs.id) == theirs


def test_a_changed_payment_alone_is_news(ledgers: Ledgers) -> None:
    """A failed attempt leaves the invoice open, and people want to know."""
    ours, theirs = two(ledgers)
    first = ledgers.ours.invoices.apply(ours.id, remote(ours), [payment(status="pending")], later(10), [])
    second = ledgers.ours.invoices.apply(
        ours.id, remote(ours), [payment(status="failed", reason="declined")], later(20), [entry("payment_failed")]
    )
    assert first is not None
    assert second is not None
    assert (first.version, second.version) == (ours.version + 1, ours.version + 2)
    assert ledgers.ours.invoices.payments(ours.id) == [payment(status="failed", reason="declined")]
    assert ledgers.ours.invoices.apply(ours.id, remote(ours), [], later(30), []) is None
    assert len(ledgers.ours.invoices.payments(ours.id)) == 1
    assert ledgers.theirs.invoices.get(theirs.id) == theirs


@pytest.mark.parametrize(("before", "after"), list(itertools.product(ALLOWED, ALLOWED)))
def test_a_status_never_goes_back(ledgers: Ledgers, before: str, after: str) -> None:
    """Every pair of statuses: paid and void are final, nothing finalised is a draft again, words unknown to us pass."""
    ours, theirs = make(ledgers.ours, "b1"), make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    known = ledgers.ours.invoices.advance(ours.id, Stage.FILLED, remote(ours, before), later(1))
    news = remote(ours, after, number="HP-NEW", amount_paid=7)
    result = ledgers.ours.invoices.apply(ours.id, news, [], later(2), [])
    stored = ledgers.ours.invoices.get(ours.id)
    assert stored is not None
    if after in ALLOWED[before]:
        assert result == stored
        assert (stored.status, stored.number, stored.amount_paid) == (after, "HP-NEW", 7)
    else:
        assert (result, stored) == (None, known)
    assert ledgers.theirs.invoices.get(theirs.id) == theirs


@pytest.mark.parametrize("status", ["void", "deleted"])
def test_work_of_a_void_or_deleted_invoice_becomes_free(ledgers: Ledgers, status: str) -> None:
    """It may be invoiced again; a later picture of the dead invoice does not take it back."""
    ours, theirs = two(ledgers)
    dead = ledgers.ours.invoices.apply(ours.id, remote(ours, status), [], later(10), [])
    assert dead is not None
    assert ledgers.ours.invoices.of_billables(["b1"], False) == {}
    second = make(ledgers.ours, "b1", form_key="second")
    ledgers.ours.invoices.apply(ours.id, remote(ours, status, number="HP-X"), [], later(20), [])
    assert ledgers.ours.invoices.of_billables(["b1"], False) == {"b1": second}
    assert ledgers.theirs.invoices.of_billables(["b1"], False) == {"b1": theirs}


def test_work_of_an_uncollectible_invoice_stays_taken(ledgers: Ledgers) -> None:
    """The debt exists; it may still be paid."""
    ours, theirs = two(ledgers)
    result = ledgers.ours.invoices.apply(ours.id, remote(ours, "uncollectible"), [], later(10), [])
    assert result is not None
    assert ledgers.ours.invoices.of_billables(["b1"], False) == {"b1": result}
    assert ledgers.theirs.invoices.of_billables(["b1"], False) == {"b1": theirs}


def test_somebody_may_finalise_a_draft_at_stripe(ledgers: Ledgers) -> None:
    """Our stage follows, so that we do not try it again; one that our check stopped stays stopped."""
    drafts = [make(ledgers.ours, name) for name in ("b1", "b2")]
    theirs = make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    for draft in drafts:
        ledgers.ours.invoices.advance(draft.id, Stage.FILLED, remote(draft, "draft"), later(1))
    gate = Problem("gate_stopped", "VAT differs.", (Difference("VAT", "1", "2"),))
    ledgers.ours.invoices.stop(drafts[1].id, gate, later(2))
    results = [ledgers.ours.invoices.apply(draft.id, remote(draft), [], later(3), []) for draft in drafts]
    assert [(each.stage, each.problem) for each in results if each] == [(Stage.FINALISED, None), (Stage.STOPPED, gate)]
    assert ledgers.theirs.invoices.get(theirs.id) == theirs


def test_a_picture_of_another_stripe_invoice_is_refused(ledgers: Ledgers) -> None:
    """One record, one invoice at Stripe."""
    ours, theirs = two(ledgers)
    assert ledgers.ours.invoices.apply(ours.id, remote(ours, "paid", id="in_other"), [], later(10), []) is None
    assert ledgers.ours.invoices.get(ours.id) == ours
    assert ledgers.theirs.invoices.get(theirs.id) == theirs


def test_an_abandoned_record_comes_back_only_if_the_customer_owes(ledgers: Ledgers) -> None:
    """A late picture of the deleted draft changes nothing; one that is finalised all the same must be seen."""
    ours, theirs = make(ledgers.ours, "b1"), make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    ledgers.ours.invoices.advance(ours.id, Stage.CREATED, remote(ours, "draft"), later(1))
    ledgers.ours.invoices.abandon(ours.id, later(2))
    assert ledgers.ours.invoices.apply(ours.id, remote(ours, "draft"), [], later(3), []) is None
    result = ledgers.ours.invoices.apply(ours.id, remote(ours, "open"), [], later(4), [])
    assert result is not None
    assert (result.stage, result.status) == (Stage.FINALISED, "open")
    assert ledgers.theirs.invoices.get(theirs.id) == theirs
