"""GET /v1/country_specs/{country}."""

from __future__ import annotations

from .. import money, shapes
from ..connect import COUNTRIES
from ..errors import missing
from ..routing import Call, route
from ..state import Obj

CURRENCY = {
    "NL": "eur", "BE": "eur", "DE": "eur", "FR": "eur", "GB": "gbp", "IE": "eur", "IS": "isk", "JP": "jpy", "US": "usd",
}  # fmt: skip
"""The currency of each country that FakeStripe knows."""

COMPANY = ("company.address.city", "company.address.line1", "company.address.postal_code", "company.name")
INDIVIDUAL = ("individual.dob.day", "individual.dob.month", "individual.dob.year", "individual.first_name")
EVERYBODY = ("business_type", "external_account", "tos_acceptance.date", "tos_acceptance.ip")


@route("GET", "/v1/country_specs/{country}", "CountrySpecRetrieveParams")
def retrieve(call: Call) -> Obj:
    """What an account in this country can do; the countries are those of the Connect page."""
    country = call.ids["country"]
    if country not in CURRENCY:
        raise missing("country", country, "country", 404)
    own = CURRENCY[country]
    spec = shapes.blank("country_spec") | {
        "id": country,
        "default_currency": own,
        "supported_bank_account_currencies": {own: [each for each in COUNTRIES if CURRENCY[each] == own]},
        "supported_payment_currencies": [own, *sorted(money.SUPPORTED - {own})],
        "supported_payment_methods": ["ach", "card", "stripe"] if country == "US" else ["card", "stripe"],
        "supported_transfer_countries": [country, *sorted(COUNTRIES.keys() - {country})],
    }
    spec["verification_fields"] = {
        "company": {"additional": ["company.verification.document"], "minimum": sorted(EVERYBODY + COMPANY)},
        "individual": {"additional": ["individual.verification.document"], "minimum": sorted(EVERYBODY + INDIVIDUAL)},
    }
    return spec
