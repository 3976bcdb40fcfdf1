"""What a service should be at Stripe, and the steps to get there."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from flask_crm_stripe.core.products import Wanted, archived_entry, changes, plain, price_amount, product_id, wanted
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.catalogue import CatalogueEntry, SyncedPrice, SyncState
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.crm import Service

WORKSHOP = Service(
    "1", "PW-01", "Workshop", "A day", (("eur", Decimal(1450)), ("usd", Decimal(1600))), Decimal(21), "day"
)


def target(service: Service = WORKSHOP, home: str = "eur") -> Wanted:
    """What is wanted of a service."""
    return wanted(service, "install", "hp", home)


def synced(service: Service = WORKSHOP) -> CatalogueEntry:
    """The memory of a service that is in step."""
    want = target(service)
    prices = tuple(SyncedPrice(price.currency, price.amount, f"price_{price.currency}") for price in want.prices)
    return CatalogueEntry("1", "Workshop", "PW-01", SyncState.SYNCED, want.product.id, digest(want.product), prices)


def deeds(found: list) -> list[tuple[str, str | None]]:  # type: ignore[type-arg]
    """(deed, currency) of each change."""
    return [(change.deed, change.currency) for change in found]


def test_a_new_service_is_made_priced_and_given_a_default() -> None:
    """In that order: a price needs its product, a default needs its price."""
    assert deeds(changes(target(), None)) == [("create", None), ("price", "eur"), ("price", "usd"), ("default", "eur")]


def test_a_service_in_step_needs_nothing() -> None:
    """The second run writes nothing."""
    assert changes(target(), synced()) == []


def test_a_new_name_is_one_update() -> None:
    """Prices stay."""
    assert deeds(changes(target(replace(WORKSHOP, name="Big workshop")), synced())) == [("update", None)]


def test_a_changed_default_price_is_replaced_before_the_old_one_is_archived() -> None:
    """Stripe may refuse to archive a price that is the product's default."""
    found = changes(target(replace(WORKSHOP, prices=(("eur", Decimal(1500)), ("usd", Decimal(1600))))), synced())
    assert deeds(found) == [("price", "eur"), ("default", "eur"), ("archive_price", "eur")]
    assert (found[0].before, found[0].after, found[2].before) == ("145000", "150000", "price_eur")


def test_a_currency_given_up_is_archived() -> None:
    """After making sure that another price is the default."""
    found = changes(target(replace(WORKSHOP, prices=(("eur", Decimal(1450)),))), synced())
    assert deeds(found) == [("default", "eur"), ("archive_price", "usd")]


def test_a_service_without_prices_keeps_the_last_ones_at_stripe() -> None:
    """A default price can't be archived, and nobody is sold by it."""
    assert changes(target(replace(WORKSHOP, prices=())), synced()) == []


def test_a_service_that_is_gone_is_archived_once() -> None:
    """Never deleted; and what never was at Stripe needs nothing."""
    assert deeds(changes(None, synced())) == [("archive", None)]
    assert changes(None, archived_entry(synced())) == []
    assert changes(None, None) == []


def test_a_service_that_comes_back_is_brought_back() -> None:
    """The archived product becomes active again, with its prices."""
    assert deeds(changes(target(), archived_entry(synced()))) == [("update", None)]


def test_product_ids_are_ours_and_differ_by_installation_business_and_service() -> None:
    """Two CRMs, or two businesses, on one Stripe account never meet."""
    ids = {
        product_id(*parts)
        for parts in (("a", "b", "c"), ("a", "b", "d"), ("a", "c", "c"), ("b", "b", "c"), ("ab", "", "c"))
    }
    assert len(ids) == 5
    assert all(found.startswith("crm_") and len(found) == 28 for found in ids)


def test_the_default_is_in_the_accounts_own_currency_or_else_the_first() -> None:
    """And there is none without prices."""
    assert target(home="usd").default_currency == "usd"
    assert target(home="jpy").default_currency == "eur"
    assert target(replace(WORKSHOP, prices=())).default_currency is None
    assert target().price("usd").amount == "160000"


@pytest.mark.parametrize(
    ("currency", "amount", "words"),
    [
        ("eur", "-1", "from zero up"),
        ("eur", "NaN", "from zero up"),
        ("isk", "5.5", "more decimals"),
        ("kwd", "1.001", "more decimals"),
        ("eur", "0.000000000000001", "too long"),
        ("eur", "1e12", "too long or too large"),
        ("euro", "1", "three letters"),
    ],
)
def test_a_price_that_stripe_would_refuse_names_the_field(currency: str, amount: str, words: str) -> None:
    """Before anything is sent, in words."""
    with pytest.raises(InvalidInput, match=words) as caught:
        price_amount(currency, Decimal(amount))
    assert caught.value.field == "prices"


def test_a_service_without_a_name_is_refused() -> None:
    """Stripe wants one."""
    with pytest.raises(InvalidInput, match="no name"):
        target(replace(WORKSHOP, name="  "))


def test_a_service_whose_row_is_unusable_is_refused_with_its_own_words() -> None:
    """A typo in one price must not archive the others."""
    with pytest.raises(InvalidInput, match="price is not a number"):
        target(replace(WORKSHOP, prices=(), problem="Its EUR price is not a number."))


def test_a_long_unit_is_left_out() -> None:
    """Stripe's unit_label has twelve characters."""
    assert target(replace(WORKSHOP, unit="a very long unit")).product.unit_label == ""
    assert target().product.unit_label == "day"


@pytest.mark.parametrize(("number", "text"), [("1E+3", "1000"), ("10.500", "10.5"), ("0.00", "0"), ("12", "12")])
def test_numbers_are_written_without_exponent(number: str, text: str) -> None:
    """Stripe reads 1E+3 as an error."""
    assert plain(Decimal(number)) == text
