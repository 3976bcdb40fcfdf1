"""What Stripe says of a connected account, told whole."""

from __future__ import annotations

from flask_crm_stripe.model.connection import TaxSettings
from tests.contracts.provider_worlds import SDKWorld, provider_of


def test_requirements_capabilities_and_reasons_are_told() -> None:
    """What it wants now (past due first), later, and is looking at; why it is paused, and until when."""
    world = SDKWorld()
    deadline = int(world.now().timestamp()) + 1000
    world.fake.update_account(
        world.one,
        charges_enabled=False,
        capabilities={"card_payments": "active", "sepa_debit_payments": "pending"},
        requirements={
            "currently_due": ["external_account", "individual.verification.document"],
            "past_due": ["individual.verification.document"],
            "eventually_due": ["company.tax_id"],
            "pending_verification": ["individual.address.line1"],
            "disabled_reason": "requirements.past_due",
            "current_deadline": deadline,
        },
    )
    account = provider_of(world, world.one).account()
    assert account.requirements == ("individual.verification.document", "external_account")
    assert (account.upcoming, account.verifying) == (("company.tax_id",), ("individual.address.line1",))
    assert account.disabled_reason == "requirements.past_due"
    assert account.requirements_deadline is not None
    assert int(account.requirements_deadline.timestamp()) == deadline
    assert account.capabilities["sepa_debit_payments"] == "pending"
    assert provider_of(world, world.two).account().charges_enabled


def test_stripe_tax_says_what_is_missing() -> None:
    """Until a head office is given it is pending."""
    world = SDKWorld()
    waiting = provider_of(world, world.one).tax_settings()
    assert waiting.status == "pending"
    assert waiting.missing
    office = {"address": {"line1": "Kade 1", "city": "Amsterdam", "postal_code": "1011 AB", "country": "NL"}}
    world.fake.update_tax_settings(world.one, head_office=office, defaults={"tax_behavior": "exclusive"})
    assert provider_of(world, world.one).tax_settings() == TaxSettings("active")
    assert provider_of(world, world.two).tax_settings().status == "pending"
