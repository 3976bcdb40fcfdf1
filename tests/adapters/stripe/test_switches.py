"""Where nobody outside Stripe can be sure, the adapter is right under both behaviours."""

from __future__ import annotations

import pytest

from flask_crm_stripe.errors import AccountGone, Refused
from flask_crm_stripe.testing.fake_stripe import FakeStripe, Switches
from flask_crm_stripe.testing.fake_stripe.switches import CHOICES
from tests.contracts.provider_drafts import CUSTOMER, PRODUCT, draft, line, price
from tests.contracts.provider_worlds import SDKWorld, provider_of

POSITIONS = [(name, choice) for name, choices in CHOICES.items() for choice in choices] + [("lines_in_response", 1)]


@pytest.mark.parametrize(("switch", "position"), POSITIONS)
def test_the_whole_way_under_each_position(switch: str, position: object) -> None:
    """From product to payment, the figures and states are the same whatever Stripe turns out to do."""
    switches = Switches()
    switches.set(switch, position)
    world = SDKWorld(FakeStripe(switches=switches))
    provider = provider_of(world, world.one)
    provider.create_product(PRODUCT, "p")
    provider.create_price(price("10000"), "pr")
    customer = provider.create_customer(CUSTOMER, "c").id
    invoice = provider.create_invoice(draft(customer), "i")
    lines = [line("a", 10_000, product=PRODUCT.id), line("b", 333, vat=71), line("c", 1_210, included=True)]
    filled = provider.add_lines(invoice.id, lines, "l")
    assert (filled.subtotal, filled.tax, filled.total) == (11_543, 2_381, 13_714)
    assert filled.line_count in (None, 3), "counted, or left open where the answer is cut"
    assert provider.finalise(invoice.id, "f").status == "open"
    assert provider.send(invoice.id, "s").status == "open"
    world.pay(world.one, filled)
    assert provider.invoice(invoice.id).status == "paid"
    (payment,) = provider.payments(invoice.id)
    assert (payment.status, payment.amount) == ("succeeded", 13_714)
    world.disconnect(world.one)
    with pytest.raises(AccountGone):
        provider.account()


@pytest.mark.parametrize("position", CHOICES["archive_default_price"])
def test_archiving_the_default_price(position: str) -> None:
    """Refused in words or done: both leave the other prices alone."""
    switches = Switches()
    switches.set("archive_default_price", position)
    world = SDKWorld(FakeStripe(switches=switches))
    provider = provider_of(world, world.one)
    provider.create_product(PRODUCT, "p")
    made = provider.create_price(price("10000"), "pr")
    provider.set_default_price(PRODUCT.id, made.id, "d")
    if position == "refuse":
        with pytest.raises(Refused):
            provider.archive_price(made.id, "a")
    else:
        assert provider.archive_price(made.id, "a").id == made.id
    found = provider.find_price(price("1").lookup_key, "10000")
    assert (found is not None) is (position == "refuse")
