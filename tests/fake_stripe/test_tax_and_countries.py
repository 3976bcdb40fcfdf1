"""Tax settings of an account, and what Stripe says of a country."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from flask_crm_stripe.testing.fake_stripe import FakeStripe, connect, money
from flask_crm_stripe.testing.fake_stripe.resources import country_specs

from . import raw, whole
from .raw import Api

OFFICE = {"address": {"country": "NL", "city": "Utrecht"}}


def settings(api: Api) -> dict[str, Any]:
    """The tax settings as the API answers them."""
    return api.get("/v1/tax/settings")


def test_an_account_starts_pending_without_a_head_office(api: Api, fake: FakeStripe) -> None:
    """The missing field is named; reading changes nothing."""
    found = settings(api)
    assert whole.is_whole(found)
    assert (found["status"], found["head_office"], found["defaults"]["provider"]) == ("pending", None, "stripe")
    assert found["status_details"] == {"pending": {"missing_fields": ["head_office"]}}
    assert not api.events()


def test_a_head_office_makes_it_active_and_is_told(api: Api, other: Api, fake: FakeStripe) -> None:
    """The address has its full shape, the event says what was before, and the other account is still pending."""
    made = fake.update_tax_settings(api.account or "", head_office=OFFICE)
    assert settings(api) == made
    assert whole.is_whole(made)
    assert (made["status"], made["status_details"]) == ("active", {"active": {}})
    assert made["head_office"]["address"]["line1"] is None
    (event,) = api.events("tax.settings.updated")
    assert event["data"]["object"] == made
    before = event["data"]["previous_attributes"]
    assert (before["status"], before["head_office"]) == ("pending", None)
    assert before["status_details"]["pending"] == {"missing_fields": ["head_office"]}
    assert settings(other)["status"] == "pending"
    assert not other.events()


def test_defaults_are_merged_and_what_stays_is_not_told(api: Api, fake: FakeStripe) -> None:
    """One default after the other; setting the same again says nothing."""
    account = api.account or ""
    fake.update_tax_settings(account, defaults={"tax_behavior": "exclusive"})
    made = fake.update_tax_settings(account, defaults={"tax_code": "txcd_10000000"})
    assert (made["defaults"]["tax_behavior"], made["defaults"]["tax_code"]) == ("exclusive", "txcd_10000000")
    assert made["status"] == "pending"
    fake.update_tax_settings(account, defaults={"tax_behavior": "exclusive"})
    fake.update_tax_settings(account)
    assert len(api.events("tax.settings.updated")) == 2


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"colour": "red"}, "colour"),
        ({"status": "active"}, "status"),
        ({"livemode": True}, "livemode"),
        ({"head_office": {"address": {"city": "Utrecht"}}}, "head_office.address.country"),
        ({"head_office": {"city": "Utrecht"}}, "head_office.city"),
        ({"head_office": "Utrecht"}, "head_office"),
        ({"defaults": {"tax_behavior": 7}}, "defaults.tax_behavior"),
    ],
)
def test_settings_that_cannot_be_are_refused(api: Api, fake: FakeStripe, fields: dict[str, Any], word: str) -> None:
    """The field is named, and nothing is kept or told."""
    with pytest.raises(ValueError, match=word):
        fake.update_tax_settings(api.account or "", **fields)
    assert settings(api)["status"] == "pending"
    assert not api.events()


def test_a_head_office_cannot_be_taken_away(api: Api, fake: FakeStripe) -> None:
    """What is set stays set [SDK]; another address takes its place."""
    account = api.account or ""
    fake.update_tax_settings(account, head_office=OFFICE)
    with pytest.raises(ValueError, match="head_office"):
        fake.update_tax_settings(account, head_office=None)
    moved = fake.update_tax_settings(account, head_office={"address": {"country": "DE"}})
    assert (moved["head_office"]["address"]["country"], moved["head_office"]["address"]["city"]) == ("DE", None)
    with pytest.raises(ValueError, match="acct_no"):
        fake.update_tax_settings("acct_no", head_office=OFFICE)


def test_the_sdk_reads_settings_and_countries(api: Api, fake: FakeStripe) -> None:
    """Both through the typed client; setting tax by the API and the list of countries are not built."""
    client = stripe.StripeClient(raw.KEY, http_client=fake.http_client())
    options: stripe.RequestOptions = {"stripe_account": api.account or ""}
    assert client.v1.tax.settings.retrieve(options=options).status == "pending"
    assert client.v1.country_specs.retrieve("JP", options=options).default_currency == "jpy"
    for method, path in (("POST", "/v1/tax/settings"), ("GET", "/v1/country_specs"), ("GET", "/v1/tax/registrations")):
        assert api.no(method, path, status=501)["code"] == "not_built"


@pytest.mark.parametrize("country", connect.COUNTRIES)
def test_each_country_of_the_connect_page_has_its_spec(api: Api, country: str) -> None:
    """Whole, with its own currency first among all that Stripe supports."""
    found = api.get(f"/v1/country_specs/{country}")
    assert whole.is_whole(found)
    assert (found["id"], found["default_currency"]) == (country, country_specs.CURRENCY[country])
    assert found["supported_payment_currencies"][0] == found["default_currency"]
    assert set(found["supported_payment_currencies"]) == money.SUPPORTED
    assert len(found["supported_payment_currencies"]) == len(money.SUPPORTED)
    assert country in found["supported_bank_account_currencies"][found["default_currency"]]
    assert "card" in found["supported_payment_methods"]
    assert found["verification_fields"]["company"]["minimum"]


def test_the_two_lists_of_countries_are_one() -> None:
    """Whoever adds a country to the Connect page gives it a currency."""
    assert connect.COUNTRIES.keys() == country_specs.CURRENCY.keys()
    assert set(country_specs.CURRENCY.values()) == set(connect.CURRENCIES)


@pytest.mark.parametrize("country", ["XX", "nl", "Netherlands", "N"])
def test_a_country_that_is_not_known_is_missing(api: Api, country: str) -> None:
    """404 resource_missing."""
    error = api.no("GET", f"/v1/country_specs/{country}", status=404)
    assert (error["code"], error["param"]) == ("resource_missing", "country")
