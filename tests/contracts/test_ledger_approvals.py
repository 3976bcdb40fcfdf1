"""Requests for a second person, and notices, on every implementation of the ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.notices import Notice
from tests.contracts.ledger_worlds import NOW, Ledgers, later


def request(id: str = "a", business: str = "ours", **changes: object) -> Approval:
    """Somebody wants to send an invoice."""
    wanted = Approval(
        id=id * 32,
        business=business,
        kind="send",
        subject="invoice:1",
        content="digest",
        permission="send",
        currency="eur",
        amount=10**12,
        reason="Größe “木村”",
        asked_by="ines",
        asked_at=NOW,
        details={"what": "Sending", "contact": "Acme"},
    )
    return replace(wanted, **changes)  # type: ignore[arg-type]


def test_a_request_comes_back_whole(ledgers: Ledgers) -> None:
    """By id, by its thing, and in the lists; another business has none of it."""
    asked = ledgers.ours.approvals.ask(request())
    theirs = ledgers.theirs.approvals.ask(request("b", "theirs"))
    approvals = ledgers.ours.approvals
    assert asked == request() == approvals.get(asked.id) == approvals.latest("send", "invoice:1")
    assert approvals.waiting() == [asked] == list(approvals.page().rows)
    assert approvals.get(theirs.id) is None
    assert approvals.latest("send", "invoice:2") is approvals.latest("refund", "invoice:1") is None
    assert approvals.agreed() == []


def test_the_same_request_is_one(ledgers: Ledgers) -> None:
    """Asked again it is the first; for something else about the same thing it takes its place."""
    first = ledgers.ours.approvals.ask(request())
    assert ledgers.ours.approvals.ask(request("b", reason="Again")) == first
    other = ledgers.ours.approvals.ask(request("c", content="another digest", asked_by="omar", asked_at=later(5)))
    gone = ledgers.ours.approvals.get(first.id)
    assert gone is not None
    assert (gone.state, gone.decided_at) == (ApprovalState.WITHDRAWN, later(5))
    assert ledgers.ours.approvals.waiting() == [other]
    ledgers.theirs.approvals.ask(request("d", "theirs"))
    assert ledgers.ours.approvals.latest("send", "invoice:1") == other


def test_a_request_is_decided_once(ledgers: Ledgers) -> None:
    """From waiting to agreed or refused, from agreed to done; whoever comes second is told so."""
    asked = ledgers.ours.approvals.ask(request())
    assert ledgers.theirs.approvals.decide(asked.id, ApprovalState.AGREED, "li", NOW) is None
    decided = ledgers.ours.approvals.decide(asked.id, ApprovalState.AGREED, "omar", later(9))
    assert decided == replace(asked, state=ApprovalState.AGREED, decided_by="omar", decided_at=later(9))
    assert ledgers.ours.approvals.decide(asked.id, ApprovalState.REFUSED, "pat", later(10), "No") is None
    assert ledgers.ours.approvals.agreed() == [decided]
    ledgers.theirs.approvals.finish(asked.id)
    assert ledgers.ours.approvals.agreed() == [decided]
    for _ in range(2):
        ledgers.ours.approvals.finish(asked.id)
    found = ledgers.ours.approvals.get(asked.id)
    assert found is not None
    assert (found.state, found.decided_by) == (ApprovalState.DONE, "omar")
    again = ledgers.ours.approvals.ask(request("b"))
    refused = ledgers.ours.approvals.decide(again.id, ApprovalState.REFUSED, "omar", later(11), "Too much")
    assert refused is not None
    assert refused.decision == "Too much"
    ledgers.ours.approvals.finish(again.id)
    assert ledgers.ours.approvals.latest("send", "invoice:1") == refused


def test_asked_and_decided_by_many_at_once(ledgers: Ledgers) -> None:
    """One request, and one decision."""
    with ThreadPoolExecutor(6) as many:
        asked = list(many.map(lambda n: ledgers.ours.approvals.ask(request(n)), "abcdef"))
        assert len({each.id for each in asked}) == 1
        decide = ledgers.ours.approvals.decide
        made = list(many.map(lambda n: decide(asked[0].id, ApprovalState.AGREED, n, NOW), "abcdef"))
    assert sum(each is not None for each in made) == 1
    assert ledgers.theirs.approvals.waiting() == []


def test_requests_are_paged_newest_first(ledgers: Ledgers) -> None:
    """Each once."""
    names = "abcdefg"
    for name in names:
        ledgers.ours.approvals.ask(request(name, subject=f"invoice:{name}"))
        ledgers.theirs.approvals.ask(request(name.upper(), "theirs", subject=f"invoice:{name}"))
    first = ledgers.ours.approvals.page(limit=4)
    second = ledgers.ours.approvals.page(first.older, limit=4)
    assert [row.id[0] for row in (*first.rows, *second.rows)] == list(names[::-1])
    assert ledgers.ours.approvals.page(second.newer, limit=4).rows == first.rows
    assert [row.id[0] for row in ledgers.ours.approvals.waiting(2)] == ["a", "b"]
    with pytest.raises(InvalidInput):
        ledgers.ours.approvals.page("nonsense")


def notice(key: str = "1", **changes: object) -> Notice:
    """Something that the admins have to know."""
    return replace(Notice(key, "limits", NOW, {"what": "Größe", "reason": "木村"}), **changes)  # type: ignore[arg-type]


def test_a_notice_is_kept_once_per_key(ledgers: Ledgers) -> None:
    """And comes back whole; the same key elsewhere is another notice."""
    assert ledgers.ours.notices.add(notice())
    assert not ledgers.ours.notices.add(notice(kind="other"))
    assert ledgers.theirs.notices.add(notice())
    (kept,) = ledgers.ours.notices.open()
    assert replace(kept, id=0) == notice()
    assert ledgers.ours.notices.untold() == [kept]
    with ThreadPoolExecutor(4) as many:
        assert sum(many.map(lambda _: ledgers.ours.notices.add(notice("2")), range(4))) == 1


def test_lists_of_notices_are_in_order_and_short(ledgers: Ledgers) -> None:
    """Open ones newest first, untold ones oldest first; one with a place of its own is told and not shown."""
    for key in "abc":
        ledgers.ours.notices.add(notice(key))
        ledgers.theirs.notices.add(notice(key))
    ledgers.ours.notices.add(notice("d", seen_at=NOW))
    assert [each.key for each in ledgers.ours.notices.open()] == ["c", "b", "a"]
    assert [each.key for each in ledgers.ours.notices.open(2)] == ["c", "b"]
    assert [each.key for each in ledgers.ours.notices.untold()] == ["a", "b", "c", "d"]
    assert [each.key for each in ledgers.ours.notices.untold(1)] == ["a"]


def test_a_notice_is_told_once_and_its_mail_begun_once(ledgers: Ledgers) -> None:
    """Two workers meet: one of them mails. What became of the mail stands there."""
    for key in "ab":
        ledgers.ours.notices.add(notice(key, seen_at=NOW))
    one, two = ledgers.ours.notices.untold()
    assert not ledgers.theirs.notices.start_mail(one.id)
    with ThreadPoolExecutor(4) as many:
        assert sum(many.map(lambda _: ledgers.ours.notices.start_mail(one.id), range(4))) == 1
    ledgers.theirs.notices.told(one.id, NOW, "sent")
    ledgers.ours.notices.told(one.id, later(1), "sent")
    ledgers.ours.notices.told(one.id, later(2), "lost", show=True)
    assert ledgers.ours.notices.untold() == [two]
    assert ledgers.ours.notices.open() == []
    ledgers.ours.notices.told(two.id, later(3), "lost", show=True)
    (shown,) = ledgers.ours.notices.open()
    assert (shown.key, shown.mail, shown.told_at, shown.seen_at) == ("b", "lost", later(3), None)


def test_a_notice_is_put_away_for_everybody(ledgers: Ledgers) -> None:
    """By the first who does; another business can't."""
    ledgers.ours.notices.add(notice())
    (kept,) = ledgers.ours.notices.open()
    ledgers.theirs.notices.put_away(kept.id, "li", NOW)
    assert ledgers.ours.notices.open() == [kept]
    ledgers.ours.notices.put_away(kept.id, "omar", later(1))
    assert ledgers.ours.notices.open() == []
    assert ledgers.ours.notices.untold() == [replace(kept, seen_by="omar", seen_at=later(1))]
