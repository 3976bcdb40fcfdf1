"""Lists, sums and sweeps over invoices, on every implementation of the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.crm import ContactRef, SourceRef
from flask_crm_stripe.model.invoices import Delivery, Difference, Invoice, InvoiceFilter, Outstanding, Problem, Stage
from tests.contracts.ledger_worlds import (
    ACME,
    NOW,
    OPPORTUNITY,
    OUR_ACCOUNT,
    THEIR_ACCOUNT,
    Ledgers,
    entry,
    later,
    make,
    opened,
    remote,
)

ALL = InvoiceFilter()
OURS = (OUR_ACCOUNT, False)
TODAY = date(2026, 11, 20)
TICKET = SourceRef("ticket", "8")
BETA = ContactRef("individual", "7")


@pytest.fixture
def known(ledgers: Ledgers) -> dict[str, Invoice]:
    """Invoices of each kind by name, and one of theirs that looks like them all."""
    ours = ledgers.ours
    late = opened(ours, make(ours, "late", order_number="PO 100%"), due_date=TODAY - timedelta(days=1))
    due = opened(ours, make(ours, "due", name="Größe & Söhne"), due_date=TODAY)
    week = opened(ours, make(ours, "week", currency="usd"), due_date=TODAY + timedelta(days=7))
    far = opened(ours, make(ours, "far", source=TICKET), due_date=TODAY + timedelta(days=8))
    paid = opened(ours, make(ours, "paid", contact=BETA))
    paid = ours.invoices.apply(paid.id, remote(paid, "paid"), [], later(9), []) or paid
    draft = make(ours, "draft")
    draft = ours.invoices.advance(draft.id, Stage.FILLED, remote(draft, "draft"), NOW)
    planned = make(ours, "planned")
    gone = make(ours, "gone", name="Gone")
    ours.invoices.abandon(gone.id, NOW)
    theirs = make(ledgers.theirs, "late", account_id=THEIR_ACCOUNT, order_number="PO 100%")
    opened(ledgers.theirs, theirs, due_date=TODAY - timedelta(days=1))
    return {
        "late": late,
        "due": due,
        "week": week,
        "far": far,
        "paid": paid,
        "draft": draft,
        "planned": planned,
        "gone": gone,
    }


FILTERS = [
    (ALL, "planned draft paid far week due late"),
    (InvoiceFilter(status="open"), "far week due late"),
    (InvoiceFilter(status="draft"), "planned draft"),
    (InvoiceFilter(status="paid"), "paid"),
    (InvoiceFilter(status="void"), ""),
    (InvoiceFilter(due="overdue", today=TODAY), "late"),
    (InvoiceFilter(due="week", today=TODAY), "week due"),
    (InvoiceFilter(currency="usd"), "week"),
    (InvoiceFilter(currency="EUR", status="open"), "far due late"),
    (InvoiceFilter(source=TICKET), "far"),
    (InvoiceFilter(source=OPPORTUNITY, status="open"), "week due late"),
    (InvoiceFilter(contact=BETA), "paid"),
    (InvoiceFilter(contact=ACME, currency="usd"), "week"),
    (InvoiceFilter(text="grösse & SÖHNE"), "due"),
    (InvoiceFilter(text="größe"), "due"),
    (InvoiceFilter(text="100%"), "late"),
    (InvoiceFilter(text="0%_"), ""),
    (InvoiceFilter(text="  "), "planned draft paid far week due late"),
    (InvoiceFilter(text="x\0y"), ""),
    (InvoiceFilter(text="gone"), ""),
]


@pytest.mark.parametrize(("chosen", "names"), FILTERS)
def test_a_list_shows_what_its_filter_says(
    ledgers: Ledgers, known: dict[str, Invoice], chosen: InvoiceFilter, names: str
) -> None:
    """Newest first, ours only, nothing that was given up; the count agrees."""
    wanted = [known[name] for name in names.split()]
    assert list(ledgers.ours.invoices.page(chosen).rows) == wanted
    assert ledgers.ours.invoices.count(chosen) == len(wanted)


def test_a_business_knows_the_currencies_of_its_invoices(ledgers: Ledgers, known: dict[str, Invoice]) -> None:
    """Each once, of this account and mode only."""
    assert known
    assert ledgers.ours.invoices.currencies(OURS) == ["eur", "usd"]
    assert ledgers.ours.invoices.currencies((OUR_ACCOUNT, True)) == []
    assert ledgers.ours.invoices.currencies((THEIR_ACCOUNT, False)) == []


def test_a_number_is_found_by_what_begins_in_it(ledgers: Ledgers, known: dict[str, Invoice]) -> None:
    """Stripe's number, which the invoice got after it was planned: whole, from a part on, without its zeros."""
    number = known["late"].number
    assert number is not None
    last = number.rpartition("-")[2]
    for text in (number, number.lower(), last, f"-{last}", last.lstrip("0"), f"{last} 100%"):
        assert ledgers.ours.invoices.page(InvoiceFilter(text=text)).rows == (known["late"],)
    assert ledgers.ours.invoices.page(InvoiceFilter(text=f"{last} nobody")).rows == ()
    assert ledgers.theirs.invoices.page(InvoiceFilter(text=number)).rows == ()


def test_invoices_are_paged_within_their_filter(ledgers: Ledgers, known: dict[str, Invoice]) -> None:
    """To the oldest and back, in steps of two."""
    chosen = InvoiceFilter(status="open")
    first = ledgers.ours.invoices.page(chosen, limit=2)
    second = ledgers.ours.invoices.page(chosen, first.older, limit=2)
    assert [*first.rows, *second.rows] == [known[name] for name in ("far", "week", "due", "late")]
    assert (first.newer, second.older) == (None, None)
    assert ledgers.ours.invoices.page(chosen, second.newer, limit=2) == first
    with pytest.raises(InvalidInput):
        ledgers.ours.invoices.page(chosen, "'; drop table")


def test_a_count_stops_where_it_costs(ledgers: Ledgers, known: dict[str, Invoice]) -> None:
    """One more than asked stands for "more than"."""
    assert ledgers.ours.invoices.count(ALL, at_most=7) == 7
    assert ledgers.ours.invoices.count(ALL, at_most=6) == 7
    assert ledgers.ours.invoices.count(ALL, at_most=2) == 3
    assert ledgers.theirs.invoices.count(ALL) == 1


def test_what_is_owed_is_summed_per_currency(ledgers: Ledgers, known: dict[str, Invoice]) -> None:
    """Open, of that overdue, and paid since then; currencies are never added; drafts owe nothing."""
    chosen = InvoiceFilter(today=TODAY)
    assert ledgers.ours.invoices.outstanding(chosen, later(60)) == [
        Outstanding("eur", 3630, 3, 1210, 1, 1210, 1),
        Outstanding("usd", 1210, 1, 0, 0, 0, 0),
    ]
    assert ledgers.ours.invoices.outstanding(InvoiceFilter(status="paid"), later(61)) == []
    assert ledgers.ours.invoices.outstanding(InvoiceFilter(currency="usd"), NOW) == [Outstanding("usd", 1210, 1)]
    assert ledgers.theirs.invoices.outstanding(chosen, NOW) == [Outstanding("eur", 1210, 1, 1210, 1)]
    assert ledgers.shared.for_business("third").invoices.outstanding(chosen, NOW) == []


def test_large_amounts_are_exact(ledgers: Ledgers) -> None:
    """Beyond 32 bits and beyond what a float can count."""
    for name in ("b1", "b2"):
        opened(ledgers.ours, make(ledgers.ours, name), amount_remaining=4_503_599_627_370_497)
    opened(ledgers.theirs, make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT))
    assert ledgers.ours.invoices.outstanding(ALL, NOW) == [Outstanding("eur", 9_007_199_254_740_994, 2)]


def test_what_happened_lately_comes_with_its_invoice(ledgers: Ledgers) -> None:
    """By the time of the thing itself, over all invoices of the business."""
    first, second = make(ledgers.ours, "b1"), make(ledgers.ours, "b2")
    theirs = make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    third = ledgers.ours.invoices.advance(second.id, Stage.CREATED, None, NOW, [entry("c", later(3))])
    fourth = ledgers.ours.invoices.advance(first.id, Stage.CREATED, None, NOW, [entry("a", NOW), entry("b", later(5))])
    ledgers.theirs.invoices.advance(theirs.id, Stage.CREATED, None, NOW, [entry("x", later(9))])
    assert ledgers.ours.invoices.recent(OURS, 2) == [(fourth, entry("b", later(5))), (third, entry("c", later(3)))]
    assert len(ledgers.ours.invoices.recent(OURS)) == 3
    assert ledgers.shared.for_business("third").invoices.recent(OURS) == []


STOPPED = Problem("gate_stopped", "VAT differs.", (Difference("VAT", "1", "2"),))


def test_unfinished_invoices_are_found_for_the_sweep(ledgers: Ledgers) -> None:
    """Those that did not get where their maker wanted, untouched since then, the longest waiting first."""
    ours = ledgers.ours

    def stage(name: str, stage: Stage, status: str = "open", **changes: object) -> Invoice:
        invoice = make(ours, name, **changes)  # type: ignore[arg-type]
        return ours.invoices.advance(invoice.id, stage, remote(invoice, status), NOW)

    planned = make(ours, "planned", at=later(-5))
    half = stage("half", Stage.FILLED, "draft", at=later(-9))
    unsent = stage("unsent", Stage.FINALISED)
    stage("sent", Stage.SENT)
    stage("link", Stage.FINALISED, delivery=Delivery.LINK)
    stage("kept", Stage.CHECKED, "draft", send=False)
    stage("paid", Stage.FINALISED, "paid")
    ours.invoices.stop(stage("stopped", Stage.FILLED, "draft").id, STOPPED, NOW)
    ours.invoices.abandon(make(ours, "gone").id, NOW)
    make(ledgers.theirs, "planned", account_id=THEIR_ACCOUNT)
    first, *rest = ours.invoices.unfinished(OURS, later(1))
    assert (first, {each.id for each in rest}) == (planned, {half.id, unsent.id})
    assert ours.invoices.unfinished(OURS, later(1), limit=1) == [planned]
    assert ours.invoices.unfinished(OURS, later(1), after=planned) == rest
    assert ours.invoices.unfinished(OURS, later(1), after=rest[0]) == rest[1:]
    assert ours.invoices.unfinished(OURS, NOW) == [planned]
    assert [each.business for each in ledgers.theirs.invoices.unfinished((THEIR_ACCOUNT, False), later(1))] == [
        "theirs"
    ]


def test_the_host_is_owed_each_newest_version(ledgers: Ledgers) -> None:
    """Until it is told of that one or a later; being told of an older one again changes nothing."""
    ours, theirs = make(ledgers.ours, "b1"), make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    assert ledgers.ours.invoices.untold() == [], "Stripe knows nothing of it, so there is nothing to tell"
    changed = opened(ledgers.ours, ours)
    ledgers.ours.invoices.told(ours.id, ours.version)
    assert ledgers.ours.invoices.untold() == [replace(changed, told_version=1)]
    ledgers.ours.invoices.told(ours.id, changed.version)
    ledgers.ours.invoices.told(ours.id, ours.version)
    assert ledgers.ours.invoices.untold() == []
    assert ledgers.ours.invoices.get(ours.id) == replace(changed, told_version=2)
    theirs = opened(ledgers.theirs, theirs)
    assert ledgers.theirs.invoices.untold() == [theirs]
    assert ledgers.theirs.invoices.untold(after=theirs) == []
    ledgers.ours.invoices.abandon(make(ledgers.ours, "b2").id, NOW)
    assert [each.stage for each in ledgers.ours.invoices.untold()] == [Stage.ABANDONED]


def test_versions_are_answered_for_our_ids_only(ledgers: Ledgers) -> None:
    """A live page asks for what it shows; another business's id is as unknown as any other."""
    ours, theirs = opened(ledgers.ours, make(ledgers.ours, "b1")), make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    assert ledgers.ours.invoices.versions([ours.id, theirs.id, "nothing"]) == {ours.id: 2}
    assert ledgers.ours.invoices.versions([]) == {}
