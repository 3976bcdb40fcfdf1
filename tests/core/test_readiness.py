"""Can money come in, and if not, what is to be done: one answer, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flask_crm_stripe.core.readiness import DISCONNECTED, NONE, diagnose, in_words, listed
from flask_crm_stripe.model.connection import Account, Connection, ConnectionState, Ending
from tests.core.records import a_connection

FOURTH = datetime(2026, 12, 4, tzinfo=UTC)


def connection(**changes: object) -> Connection:
    """A live connection whose account differs from one that is well."""
    live = a_connection()
    return replace(live, account=replace(live.account, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({}, "ok", "payouts reach your bank"),
        ({"payouts_enabled": False}, "warning", "Stripe paused it"),
        ({"payouts_enabled": False, "requirements": ("external_account",)}, "warning", "a bank account for payouts"),
        (
            {"charges_enabled": False, "requirements": ("tos_acceptance.date",)},
            "problem",
            "agreement to Stripe's terms",
        ),
        ({"charges_enabled": False, "details_submitted": False}, "problem", "not set up completely"),
        ({"charges_enabled": False, "verifying": ("individual.address",)}, "problem", "looking at what you gave"),
        ({"charges_enabled": False, "disabled_reason": "under_review"}, "problem", "while it looks at the account"),
        ({"charges_enabled": False, "disabled_reason": "something.new"}, "problem", "Stripe paused it. Your Stripe"),
        ({"requirements": ("company.tax_id",)}, "warning", "the tax number of the business soon"),
        (
            {"requirements": ("individual.verification.document",), "requirements_deadline": FOURTH},
            "warning",
            "Stripe needs an identity document by 4 December 2026. Until then all works.",
        ),
    ],
)
def test_health_is_one_answer_in_words(changes: dict[str, object], state: str, words: str) -> None:
    """What is, why, and what to do; what still works is said where something doesn't."""
    found = diagnose(connection(**changes))
    assert found.state == state
    assert words in found.detail
    assert bool(found.works) == (state == "problem" or "payouts_enabled" in changes)


def test_no_connection_has_an_answer_too() -> None:
    """Before the first one."""
    assert diagnose(None).state == NONE


@pytest.mark.parametrize("ending", [*Ending, None])
def test_every_ending_is_disconnected_and_says_which(ending: Ending | None) -> None:
    """Whoever ended it: the same state, the same remedy, a sentence of its own."""
    ended = replace(a_connection(), state=ConnectionState.ENDED, ending=ending, ended_at=FOURTH)
    found = diagnose(ended)
    assert found.state == DISCONNECTED
    assert "as of then" in found.detail
    assert found.headline.startswith("Stripe")


def test_endings_from_stripes_side_are_told_apart_from_ones_own() -> None:
    """Gone, rejected and neutralised each have their own words."""
    base = replace(a_connection(), state=ConnectionState.ENDED)
    words = {ending: diagnose(replace(base, ending=ending)).headline for ending in Ending}
    assert len(set(words.values())) == 4
    assert words[Ending.DISCONNECTED] == words[Ending.REPLACED]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["individual.verification.document"], ("an identity document",)),
        (["person_1AbC.first_name", "person_1AbC.last_name"], ("a person's name",)),
        (["person_1AbC.dob.day", "person_1AbC.dob.month"], ("a date of birth",)),
        (["representative.address.line1"], ("a home address",)),
        (["company.address.city"], ("the address of the business",)),
        (["external_account", "tos_acceptance.ip"], ("a bank account for payouts", "agreement to Stripe's terms")),
        (["business_profile.mcc"], ("what the business does",)),
        (["owners.first_name"], ("a person's name",)),
        (["owners"], ("who owns the business",)),
        (["something.nobody.knows"], ("more details",)),
        (["something.new", "external_account"], ("a bank account for payouts",)),
        (["company.something_new"], ("more details",)),
        ([], ()),
    ],
)
def test_stripes_names_become_words(names: list[str], words: tuple[str, ...]) -> None:
    """Each thing once; a name that is not in the table is said only where nothing else is."""
    assert in_words(names) == words


def test_things_are_listed_as_people_do() -> None:
    """One, two, three."""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_only_a_reason_that_begins_with_rejected_is_for_good() -> None:
    """All others can be put right."""
    account = Account("acct_1", "One", "NL", "eur", None, False, False, True)
    assert replace(account, disabled_reason="rejected.fraud").rejected
    assert not replace(account, disabled_reason="requirements.past_due").rejected
    assert not account.rejected
