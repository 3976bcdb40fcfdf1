"""Frozen values to JSON and back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

from flask_crm_stripe.model.codec import digest, from_plain, to_plain
from flask_crm_stripe.model.connection import Account
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Delivery, InvoicePlan, Problem
from tests.core.samples import a_plan


def test_a_plan_survives_the_way_through_json() -> None:
    """Decimals, enums, nested tuples and optional values are the same afterwards."""
    plan = a_plan()
    again = from_plain(InvoicePlan, json.loads(json.dumps(to_plain(plan))))
    assert again == plan
    assert again.lines[0].quantity == Decimal("14.5")
    assert again.delivery is Delivery.MAIL


def test_dates_and_missing_values_survive() -> None:
    """Times keep their zone, None stays None, and keys of a newer version are ignored."""
    account = Account("acct_1", "Pine", "NL", "eur", datetime(2026, 1, 2, tzinfo=UTC), True, True, True, ("tos",))
    plain = to_plain(account) | {"new_field": 1}
    assert from_plain(Account, plain) == account
    assert to_plain({"when": date(2026, 1, 2)}) == {"when": "2026-01-02"}


def test_a_mapping_survives() -> None:
    """Keys are text, values go by their hint."""
    entry = TimelineEntry(datetime(2026, 1, 2, tzinfo=UTC), "paid", params={"amount": "1.00 EUR"})
    assert from_plain(TimelineEntry, to_plain(entry)) == entry


def test_a_value_without_differences_survives() -> None:
    """An empty tuple of dataclasses stays a tuple."""
    problem = Problem("gate", "words")
    assert from_plain(Problem, to_plain(problem)) == problem


def test_the_digest_tells_any_change() -> None:
    """Equal values have equal digests; one minor unit changes it."""
    assert digest(a_plan()) == digest(a_plan())
    assert digest(a_plan()) != digest(a_plan(unit_price=Decimal("145.01")))
