"""What we did ourselves, told with who did it, on every implementation of the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.invoices import Invoice
from tests.contracts.ledger_worlds import THEIR_ACCOUNT, Ledgers, entry, later, make, opened, payment, remote


def voided(ledgers: Ledgers) -> Invoice:
    """An event told that it was voided, and named nobody."""
    ours = opened(ledgers.ours, make(ledgers.ours, "b1"))
    told = replace(entry("voided", later(60)), event_id="evt_1", actor=None)
    applied = ledgers.ours.invoices.apply(ours.id, remote(ours, "void"), [], later(60), [told])
    assert applied is not None
    return applied


def test_a_sentence_that_names_nobody_gives_way_once(ledgers: Ledgers) -> None:
    """It keeps its event; the same again, by the same request, changes nothing; the other business has none of it."""
    ours = voided(ledgers)
    theirs = opened(ledgers.theirs, make(ledgers.theirs, "b1", account_id=THEIR_ACCOUNT))
    wanted = replace(
        entry("voided", later(61)), actor="2", params={"reason": "A mistake"}, event_id=None, request_id="req_7"
    )
    after = ledgers.ours.invoices.sign(ours.id, [wanted])
    assert after.version == ours.version + 1
    assert ledgers.ours.invoices.timeline(ours.id) == [replace(wanted, event_id="evt_1")]
    assert ledgers.ours.invoices.sign(ours.id, [wanted]) == after
    assert ledgers.ours.invoices.timeline(ours.id) == [replace(wanted, event_id="evt_1")]
    assert ledgers.theirs.invoices.timeline(theirs.id) == []
    with pytest.raises(NotFound):
        ledgers.theirs.invoices.sign(ours.id, [wanted])


def test_what_is_new_is_added_with_its_payment(ledgers: Ledgers) -> None:
    """Another kind, or another request of the same kind; the newest that names nobody gives way, and one only."""
    ours = voided(ledgers)
    resent = [replace(entry("resent", later(n)), actor="2", event_id=None, request_id=f"req_{n}") for n in (62, 63)]
    agreed = replace(entry("agreed_void", later(59)), actor="4", event_id=None, request_id=None)
    after = ledgers.ours.invoices.sign(ours.id, [*resent, agreed], [payment("hand_1", at=later(9))])
    assert after.version == ours.version + 1
    assert [each.kind for each in ledgers.ours.invoices.timeline(ours.id)] == [
        "resent",
        "resent",
        "voided",
        "agreed_void",
    ]
    assert [each.stripe_id for each in ledgers.ours.invoices.payments(ours.id)] == ["hand_1"]
    assert ledgers.ours.invoices.sign(ours.id, [agreed], [payment("hand_1", at=later(9))]) == after
    assert ledgers.ours.invoices.untold() == [after]
