"""Contract of ports/provider.py: the account, products and prices, on the twin and on the SDK."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from flask_crm_stripe.errors import AccountGone, ConfigurationError, Refused
from flask_crm_stripe.ports.provider import Answer
from tests.contracts.provider_drafts import CUSTOMER, PRODUCT, draft, line, open_invoice, price
from tests.contracts.provider_worlds import World, both_worlds, provider_of

pytestmark = both_worlds


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A fresh Stripe with two businesses."""
    made: World = request.param()
    return made


def test_the_account_is_described(world: World) -> None:
    """Name, country, currency and readiness of the connected account, as of now."""
    account = provider_of(world, world.one).account()
    assert (account.id, account.name, account.country, account.default_currency) == (
        world.one,
        "Harbour Physio",
        "NL",
        "eur",
    )
    assert account.charges_enabled
    assert account.details_submitted
    assert account.requirements == ()
    assert account.checked_at == world.now()
    assert provider_of(world, world.two).account().name == "Norrland AB"


def test_a_key_of_the_other_mode_is_not_used(world: World) -> None:
    """Test and live mode are never mixed: the account of the other mode is refused before any call."""
    with pytest.raises(ConfigurationError) as refusal:
        world.providers.for_account(world.one, livemode=True)
    assert "CRM_STRIPE_API_KEY" in refusal.value.message


def test_letting_go_of_an_account(world: World) -> None:
    """After deauthorise every call says that the account is gone; a second time counts as done; others stay."""
    provider = provider_of(world, world.one)
    provider.deauthorise()
    provider.deauthorise()
    with pytest.raises(AccountGone):
        provider.account()
    with pytest.raises(AccountGone):
        provider.create_customer(CUSTOMER, "c")
    assert provider_of(world, world.two).account().charges_enabled


def test_an_account_that_left_by_itself(world: World) -> None:
    """Disconnected in Stripe's dashboard: calls say so, and deauthorise counts as done."""
    world.disconnect(world.one)
    provider = provider_of(world, world.one)
    with pytest.raises(AccountGone) as gone:
        provider.account()
    assert not gone.value.unknown
    provider.deauthorise()


def test_a_product_is_made_once(world: World) -> None:
    """The same product under two keys is one product, brought up to date; another business has its own."""
    one, two = provider_of(world, world.one), provider_of(world, world.two)
    assert one.create_product(PRODUCT, "p1").id == PRODUCT.id
    again = one.create_product(replace(PRODUCT, name="Good advice", description="", unit_label=""), "p2")
    assert again.id == PRODUCT.id
    assert again.request_id
    two.create_product(PRODUCT, "p1")
    assert (world.count(world.one, "product"), world.count(world.two, "product")) == (1, 1)


def test_a_foreign_product_is_not_adopted(world: World) -> None:
    """A product under our id that carries another service's metadata is left alone."""
    provider = provider_of(world, world.one)
    provider.create_product(replace(PRODUCT, metadata={**PRODUCT.metadata, "crm_service": "other"}), "p1")
    with pytest.raises(Refused) as refusal:
        provider.create_product(PRODUCT, "p2")
    assert refusal.value.stripe_code == "resource_already_exists"


def test_updating_what_is_not_there_is_refused(world: World) -> None:
    """An unknown product, price or customer is a plain refusal."""
    provider = provider_of(world, world.one)
    deeds: tuple[Callable[[], object], ...] = (
        lambda: provider.update_product(PRODUCT, "k1"),
        lambda: provider.archive_product(PRODUCT.id, "k2"),
        lambda: provider.create_price(price("100"), "k3"),
        lambda: provider.archive_price("price_none", "k4"),
        lambda: provider.update_customer("cus_none", CUSTOMER, "k5"),
        lambda: provider.create_invoice(draft("cus_none"), "k6"),
    )
    for deed in deeds:
        with pytest.raises(Refused) as refusal:
            deed()
        assert refusal.value.stripe_code == "resource_missing"


def test_a_new_price_takes_over(world: World) -> None:
    """A changed amount is a new price: it takes the lookup key, becomes the default, and the old one is archived."""
    provider = provider_of(world, world.one)
    provider.create_product(PRODUCT, "p")
    old = provider.create_price(price("10000"), "pr1")
    provider.set_default_price(PRODUCT.id, old.id, "d1")
    assert _found(provider.find_price(price("1").lookup_key, "10000")) == old.id
    new = provider.create_price(price("12000"), "pr2")
    assert provider.find_price(price("1").lookup_key, "10000") is None
    assert _found(provider.find_price(price("1").lookup_key, "12000")) == new.id
    with pytest.raises(Refused):
        provider.archive_price(old.id, "a1")
    assert provider.set_default_price(PRODUCT.id, new.id, "d2").id == PRODUCT.id
    assert provider.archive_price(old.id, "a2").id == old.id
    assert world.count(world.one, "price") == 2


def test_prices_below_the_minor_unit_and_in_several_currencies(world: World) -> None:
    """Amounts of fractions of a cent are kept exactly; each currency has its own price and key."""
    provider = provider_of(world, world.one)
    provider.create_product(PRODUCT, "p")
    euro = provider.create_price(price("0.125"), "e")
    yen = provider.create_price(price("5000", "jpy"), "y")
    assert _found(provider.find_price(price("1").lookup_key, "0.1250")) == euro.id
    assert _found(provider.find_price(price("1", "jpy").lookup_key, "5000")) == yen.id
    assert provider_of(world, world.two).find_price(price("1").lookup_key, "0.125") is None


def test_payments_tell_how_it_was_paid(world: World) -> None:
    """Nobody has tried: none. A card pays: one attempt with words, amount and currency; the invoice is paid."""
    provider = provider_of(world, world.one)
    invoice = open_invoice(provider, line("a", 10_000))
    assert provider.payments(invoice.id) == ()
    world.pay(world.one, invoice)
    (payment,) = provider.payments(invoice.id)
    assert (payment.method, payment.amount, payment.currency) == ("Card ending 4242", 12_100, "eur")
    assert (payment.status, payment.reason) == ("succeeded", None)
    assert payment.payment_intent
    paid = provider.invoice(invoice.id)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 12_100, 0)
    assert paid.paid_at is not None


def test_payments_tell_why_it_failed(world: World) -> None:
    """A declined card is an attempt with the bank's reason in words; the invoice stays open."""
    provider = provider_of(world, world.one)
    invoice = open_invoice(provider, line("a", 10_000))
    world.decline(world.one, invoice)
    (payment,) = provider.payments(invoice.id)
    assert (payment.method, payment.status) == ("Card ending 0002", "failed")
    assert payment.reason == "The bank gave no reason."
    assert provider.invoice(invoice.id).status == "open"


def _found(answer: Answer | None) -> str:
    assert answer is not None
    return answer.id
