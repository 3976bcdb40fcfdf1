"""Where a ledger is at home, what makes a copy harmless, and books that never mix, on every implementation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flask_crm_stripe.errors import BillableTaken
from flask_crm_stripe.model.approvals import ApprovalState
from flask_crm_stripe.model.connection import ConnectionState, Consent, Ending
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.events import EventState
from flask_crm_stripe.model.invoices import InvoiceFilter, Stage
from tests.contracts.ledger_worlds import (
    ACME,
    ELSEWHERE,
    HOME,
    NOW,
    OUR_ACCOUNT,
    THEIR_ACCOUNT,
    Ledgers,
    event,
    later,
    make,
    opened,
    plan,
    remote,
)
from tests.contracts.test_ledger_approvals import notice, request
from tests.contracts.test_ledger_connections import connect

OURS = (OUR_ACCOUNT, False)


def test_the_first_environment_is_home_for_everybody(ledgers: Ledgers) -> None:
    """Whoever looks second changes nothing."""
    first = ledgers.shared.installation(HOME, NOW)
    assert ledgers.shared.installation(ELSEWHERE, later(5)) == first
    assert ledgers.ours.homes() == ledgers.theirs.homes() == [HOME]


def test_another_environment_is_home_where_somebody_says_so(ledgers: Ledgers) -> None:
    """For one business, or for all; the first stays one. Live connections know where they are at home now."""
    ledgers.shared.installation(HOME, NOW)
    live, theirs = connect(ledgers.ours), connect(ledgers.theirs, THEIR_ACCOUNT)
    for _ in range(2):
        ledgers.ours.make_home(ELSEWHERE, "ines", later(5))
    assert (list(ledgers.ours.homes()), list(ledgers.theirs.homes())) == ([HOME, ELSEWHERE], [HOME])
    found, others = ledgers.ours.connections.get(live.id), ledgers.theirs.connections.get(theirs.id)
    assert found is not None
    assert others is not None
    assert (found.fingerprint, others.fingerprint) == (ELSEWHERE, "print")
    ledgers.shared.adopt(ELSEWHERE, "system", later(6))
    assert set(ledgers.theirs.homes()) == {HOME, ELSEWHERE}
    others = ledgers.theirs.connections.get(theirs.id)
    assert others is not None
    assert others.fingerprint == ELSEWHERE


def test_the_platform_is_noted_once(ledgers: Ledgers) -> None:
    """A later one does not replace it: a wrong key must not make itself the right one."""
    ledgers.shared.installation(HOME, NOW)
    for platform in ("acct_platform", "acct_other"):
        ledgers.shared.note_platform(platform)
    assert ledgers.shared.installation(HOME, NOW).platform_account == "acct_platform"


def test_businesses_are_those_that_were_ever_connected(ledgers: Ledgers) -> None:
    """A pending connection is none yet; an ended one was."""
    assert list(ledgers.shared.businesses()) == []
    connect(ledgers.theirs, THEIR_ACCOUNT)
    live = connect(ledgers.ours)
    ledgers.ours.connections.end(live.id, "ines", Ending.DISCONNECTED, "moved", NOW, notice())
    assert sorted(ledgers.shared.businesses()) == ["ours", "theirs"]


def test_a_copy_is_made_harmless_all_at_once(ledgers: Ledgers) -> None:
    """No connection, consent, waiting event, request, notice or mail address; another id; at home here. History
    stays."""
    first = ledgers.shared.installation(HOME, NOW)
    ledgers.shared.note_platform("acct_platform")
    live, theirs = connect(ledgers.ours), connect(ledgers.theirs, THEIR_ACCOUNT)
    ledgers.ours.connections.leave(live.id, "ines", "another bank")
    ledgers.shared.start_consent("hash", Consent("ours", "ines", "login", False, later(900)), NOW)
    row = ledgers.ours.events.keep(event(), NOW)
    asked = ledgers.ours.approvals.ask(request())
    ledgers.ours.notices.add(notice())
    ledgers.ours.settings.save({"notify": "ops@example.com", "days_until_due": "30"}, "ines", NOW)
    ledgers.ours.lease("invoice:1", "somebody", NOW, 600)
    invoice = opened(ledgers.ours, make(ledgers.ours, "b1"))
    assert ledgers.shared.neutralise(ELSEWHERE, later(9)) == 2
    for ledger, was in ((ledgers.ours, live), (ledgers.theirs, theirs)):
        ended = ledger.connections.get(was.id)
        assert ended is not None
        assert (ended.state, ended.ending, ended.ended_by) == (ConnectionState.ENDED, Ending.NEUTRALISED, "")
        assert list(ledger.homes()) == [ELSEWHERE]
    now = ledgers.shared.installation(ELSEWHERE, later(9))
    assert (now.platform_account, now.id == first.id) == (None, False)
    assert ledgers.shared.claim_consent("hash", later(9)) is None
    assert ledgers.shared.claim_events(later(9999), 9, later(9999)) == []
    assert row is not None
    stored = ledgers.ours.events.get(row)
    assert stored is not None
    assert stored.state is EventState.IGNORED
    found = ledgers.ours.approvals.get(asked.id)
    assert found is not None
    assert found.state is ApprovalState.WITHDRAWN
    assert ledgers.ours.notices.untold() == []
    assert ledgers.ours.settings.all() == {"days_until_due": "30"}
    assert ledgers.ours.invoices.untold() == []
    assert ledgers.ours.lease("invoice:1", "another", later(9), 60) is not None
    assert ledgers.ours.invoices.get(invoice.id) is not None
    assert ledgers.shared.neutralise(ELSEWHERE, later(10)) == 0


def test_the_same_work_can_be_on_an_invoice_of_each_mode(ledgers: Ledgers) -> None:
    """What was tried out in test mode is free in live mode; in one mode it is on one invoice only."""
    tried = make(ledgers.ours, "b1")
    real, made = ledgers.ours.invoices.plan(
        OUR_ACCOUNT, True, plan("b1"), form_key="for real", send=True, actor="ines", now=NOW
    )
    assert made
    assert ledgers.ours.invoices.of_billables(["b1"], False) == {"b1": tried}
    assert ledgers.ours.invoices.of_billables(["b1"], True) == {"b1": real}
    assert ledgers.ours.invoices.claims(["b1", "b2"]) == [("b1", False, tried.id), ("b1", True, real.id)]
    assert (ledgers.ours.invoices.claims([]), ledgers.theirs.invoices.claims(["b1"])) == ([], [])
    with pytest.raises(BillableTaken):
        ledgers.ours.invoices.plan("acct_new", True, plan("b1"), form_key="third", send=True, actor="ines", now=NOW)
    ledgers.ours.invoices.abandon(real.id, NOW)
    assert ledgers.ours.invoices.claims(["b1"]) == [("b1", False, tried.id)]
    assert ledgers.ours.invoices.of_billables(["b1"], False) == {"b1": tried}
    assert ledgers.theirs.invoices.of_billables(["b1"], True) == {}


def test_work_of_a_mode_is_listed_in_pieces(ledgers: Ledgers) -> None:
    """Every piece once, whichever account it is on; nothing of the other mode or business."""
    for number in range(5):
        make(ledgers.ours, f"b{number}")
    make(ledgers.ours, "b9", account_id="acct_old")
    ledgers.ours.invoices.plan(OUR_ACCOUNT, True, plan("c1"), form_key="live", send=True, actor="ines", now=NOW)
    make(ledgers.theirs, "x1", account_id=THEIR_ACCOUNT)
    found: list[str] = []
    while some := ledgers.ours.invoices.claimed(False, found[-1] if found else "", 2):
        assert len(some) <= 2
        found += some
    assert found == ["b0", "b1", "b2", "b3", "b4", "b9"]
    assert list(ledgers.ours.invoices.claimed(True)) == ["c1"]
    ledgers.ours.invoices.abandon(make(ledgers.ours, "gone").id, NOW)
    assert "gone" not in ledgers.ours.invoices.claimed(False)


def test_lists_and_sums_are_of_one_account_and_mode(ledgers: Ledgers) -> None:
    """Never mixed; without books everything is found, for a search over all."""
    ours = opened(ledgers.ours, make(ledgers.ours, "b1"))
    old = opened(ledgers.ours, make(ledgers.ours, "b2", account_id="acct_old"))
    live, _ = ledgers.ours.invoices.plan(
        OUR_ACCOUNT, True, plan("b3"), form_key="live", send=True, actor="ines", now=NOW
    )
    live = opened(ledgers.ours, live)
    for books, invoice in ((OURS, ours), (("acct_old", False), old), ((OUR_ACCOUNT, True), live)):
        chosen = InvoiceFilter(books=books)
        assert [row.id for row in ledgers.ours.invoices.page(chosen).rows] == [invoice.id]
        assert [row.count for row in ledgers.ours.invoices.outstanding(chosen, NOW)] == [1]
        assert ledgers.ours.invoices.count(chosen) == 1
    assert ledgers.ours.invoices.count(InvoiceFilter()) == 3
    assert ledgers.theirs.invoices.count(InvoiceFilter(books=OURS)) == 0


def test_invoices_that_nobody_asked_about_for_long_are_found(ledgers: Ledgers) -> None:
    """Drafts and open ones of these books, longest first; what is over is not asked about."""
    first, second, paid, other = (make(ledgers.ours, name) for name in ("b1", "b2", "b3", "b4"))
    for seconds, invoice, status in ((30, first, "open"), (10, second, "draft"), (5, paid, "paid")):
        ledgers.ours.invoices.apply(invoice.id, remote(invoice, status), (), later(seconds), ())
    make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT)
    stale = ledgers.ours.invoices.stale
    assert [each.id for each in stale(OURS, later(60))] == [second.id, first.id]
    assert [each.id for each in stale(OURS, later(30))] == [second.id]
    assert [each.id for each in stale(OURS, later(60), 1)] == [second.id]
    assert [each.id for each in stale(OURS, later(60), after=stale(OURS, later(60))[0])] == [first.id]
    assert stale((OUR_ACCOUNT, True), later(60)) == []
    assert other.stage is Stage.PLANNED


def test_customers_of_an_account_are_those_that_were_made(ledgers: Ledgers) -> None:
    """A link without a customer is none yet; other accounts, modes and businesses have their own."""
    customers, beta = ledgers.ours.customers, ContactRef("individual", "8")
    made, waiting = (customers.link(*OURS, contact, NOW) for contact in (ACME, beta))
    customers.linked(made.id, "cus_1", "hash")
    for books in (("acct_old", False), (OUR_ACCOUNT, True)):
        customers.linked(customers.link(*books, ACME, NOW).id, f"cus_{books}", "hash")
    theirs = ledgers.theirs.customers
    theirs.linked(theirs.link(*OURS, ACME, NOW).id, "cus_theirs", "hash")
    assert [(each.contact, each.customer_id) for each in customers.all(OURS)] == [(ACME, "cus_1")]
    assert waiting.customer_id is None


def test_a_person_can_be_forgotten(ledgers: Ledgers) -> None:
    """The name is gone in this business; the lines of the log have never had it."""
    for ledger in (ledgers.ours, ledgers.theirs):
        ledger.people.remember("7", "Mara", NOW)
        ledger.people.remember("8", "Zoë", NOW + timedelta(days=1))
    assert dict(ledgers.ours.people.refs()) == {"7": "Mara", "8": "Zoë"}
    assert ledgers.ours.people.forget("7")
    assert not ledgers.ours.people.forget("7")
    assert dict(ledgers.ours.people.refs()) == {"8": "Zoë"}
    assert ledgers.theirs.people.names(["7"]) == {"7": "Mara"}
