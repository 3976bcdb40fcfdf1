"""What a newer picture of an invoice means, in sentences."""

from __future__ import annotations

import pytest

from flask_crm_stripe.core.history import Cause, entries, fresh
from tests.core.records import NOON, a_payment, an_invoice
from tests.core.samples import a_plan, answer_to

CAUSE = Cause(NOON, "evt_1", "req_9")


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("draft", "open", "finalised"),
        ("open", "paid", "paid"),
        ("open", "void", "voided"),
        ("open", "uncollectible", "uncollectible"),
        ("open", "some_new_word", "changed"),
    ],
)
def test_a_new_status_is_one_sentence(before: str, after: str, kind: str) -> None:
    """With the event and request that brought it; Stripe's own time where it gives one."""
    found = entries(an_invoice(status=before), answer_to(a_plan(), status=after), [], [], CAUSE)
    assert [(entry.kind, entry.event_id, entry.request_id, entry.at) for entry in found] == [
        (kind, "evt_1", "req_9", NOON)
    ]


def test_nothing_new_is_no_sentence() -> None:
    """The same picture again, and the first picture of a draft, are not news."""
    assert entries(an_invoice(status="open"), answer_to(a_plan(), status="open"), [], [], CAUSE) == []
    assert entries(an_invoice(status=None), answer_to(a_plan()), [], [], CAUSE) == []


def test_paid_names_amount_and_methods() -> None:
    """Each method once; failed attempts are no methods."""
    payments = [
        a_payment(),
        a_payment(stripe_id="ch_2"),
        a_payment(stripe_id="ch_3", status="failed", method="Card ending 0002"),
    ]
    remote = answer_to(a_plan(), status="paid", amount_paid=254403)
    found = entries(an_invoice(status="open"), remote, payments, payments, CAUSE)
    assert found[0].params["amount"] == "2544.03 EUR"
    assert found[0].params["method"] == "Card ending 4242"


def test_a_failed_attempt_is_told_once() -> None:
    """With its reason, and never again when it is known."""
    failed = a_payment(status="failed", reason="The bank declined.")
    remote = answer_to(a_plan(), status="open")
    (entry,) = entries(an_invoice(status="open"), remote, [], [failed], CAUSE)
    assert (entry.kind, entry.params["reason"], entry.object_id) == ("payment_failed", "The bank declined.", "pi_1")
    assert entries(an_invoice(status="open"), remote, [failed], [failed], CAUSE) == []


def test_a_payment_that_changes_is_fresh() -> None:
    """Pending, then succeeded."""
    assert fresh([a_payment(status="pending")], [a_payment()]) == [a_payment()]
    assert fresh([a_payment()], [a_payment()]) == []
