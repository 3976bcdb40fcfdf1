"""Contract of ports/provider.py: customers are brought up to date."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.errors import Refused
from tests.contracts.provider_drafts import CUSTOMER, draft, line
from tests.contracts.provider_worlds import World, both_worlds, provider_of

pytestmark = both_worlds


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A fresh Stripe with two businesses."""
    made: World = request.param()
    return made


def test_a_customer_gets_an_address_for_mail_and_can_be_sent_to(world: World) -> None:
    """An update reaches Stripe: a customer made without an e-mail address can be mailed after it."""
    provider = provider_of(world, world.one)
    customer = provider.create_customer(replace(CUSTOMER, email=None), "c").id
    updated = provider.update_customer(customer, CUSTOMER, "u")
    assert (updated.id, bool(updated.request_id)) == (customer, True)
    invoice = provider.create_invoice(draft(customer), "i")
    provider.add_lines(invoice.id, [line("a", 10_000)], "l")
    provider.finalise(invoice.id, "f")
    assert provider.send(invoice.id, "s").status == "open"


def test_what_is_empty_now_does_not_break_the_update(world: World) -> None:
    """A contact that lost its address, phone, language and e-mail is still updated; its marker stays."""
    provider, since = provider_of(world, world.one), world.now()
    customer = provider.create_customer(CUSTOMER, "c").id
    bare = replace(CUSTOMER, name="Ada", email=None, locale=None, line1="", postal_code="", city="", country="")
    assert provider.update_customer(customer, bare, "u").id == customer
    found = provider.find_customer("link-1", since)
    assert found is not None
    assert found.id == customer
    assert world.count(world.one, "customer") == 1


def test_a_part_of_the_old_address_does_not_stay(world: World) -> None:
    """A contact that moved to an address without a second line is known at Stripe without one."""
    provider = provider_of(world, world.one)
    customer = provider.create_customer(replace(CUSTOMER, line2="Third floor", state="NH"), "c").id
    provider.update_customer(customer, replace(CUSTOMER, line1="Plein 2"), "u")
    address = world.address(world.one, customer)
    assert {part: value for part, value in address.items() if value} == {
        "line1": "Plein 2",
        "postal_code": "1011 AB",
        "city": "Amsterdam",
        "country": "NL",
    }


def test_a_customer_has_one_vat_number(world: World) -> None:
    """Another takes the place of the first, asking again changes nothing, and none is none."""
    shop = provider_of(world, world.one)
    customer = shop.create_customer(CUSTOMER, "c1").id
    invoice = shop.create_invoice(draft(customer), "i1")

    def numbers() -> tuple[str, ...]:
        buyer = shop.invoice(invoice.id).buyer
        assert buyer is not None
        return buyer.vat_numbers

    for attempt, number in enumerate(("NL123456782B01", "NL123456782B01", "DE811234567")):
        shop.set_vat_number(customer, "eu_vat", number, f"n{attempt}")
        assert numbers() == (number,)
    with pytest.raises(Refused) as refused:
        shop.set_vat_number(customer, "eu_vat", "soon", "n8")
    assert refused.value.stripe_code == "tax_id_invalid"
    shop.set_vat_number(customer, "", "", "n9")
    assert numbers() == ()
