"""Contract of ports/provider.py: what is done to an invoice that went out, on the twin and on the SDK."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flask_crm_stripe.errors import Refused, Unreachable
from flask_crm_stripe.model.invoices import RemoteInvoice
from flask_crm_stripe.model.payments import RECORDED, collected
from flask_crm_stripe.ports.provider import Provider
from tests.contracts.provider_drafts import open_invoice
from tests.contracts.provider_worlds import MemoryWorld, SDKWorld, World, both_worlds, provider_of

pytestmark = both_worlds

DEEDS: dict[str, Callable[[Provider, str, str], RemoteInvoice]] = {
    "void_invoice": lambda provider, id, key: provider.void_invoice(id, key),
    "write_off_invoice": lambda provider, id, key: provider.write_off_invoice(id, key),
    "settle_invoice": lambda provider, id, key: provider.settle_invoice(id, key),
}
BECOMES = {"void_invoice": "void", "write_off_invoice": "uncollectible", "settle_invoice": "paid"}

each_deed = pytest.mark.parametrize("method", list(DEEDS))


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A fresh Stripe with two businesses."""
    made: World = request.param()
    return made


@each_deed
def test_an_open_invoice_becomes_what_was_wanted(world: World, method: str) -> None:
    """Once: the same key answers the same, another key is refused, and reading shows it."""
    provider = provider_of(world, world.one)
    invoice = open_invoice(provider)
    for _ in range(2):
        done = DEEDS[method](provider, invoice.id, "k")
        assert (done.status, bool(done.request_id)) == (BECOMES[method], True)
    assert provider.invoice(invoice.id).status == BECOMES[method]
    with pytest.raises(Refused):
        DEEDS[method](provider, invoice.id, "another")


@each_deed
def test_one_that_was_written_off_can_be_voided_and_settled(world: World, method: str) -> None:
    """Not written off twice."""
    provider = provider_of(world, world.one)
    invoice = provider.write_off_invoice(open_invoice(provider).id, "w")
    if method == "write_off_invoice":
        with pytest.raises(Refused):
            DEEDS[method](provider, invoice.id, "k")
    else:
        assert DEEDS[method](provider, invoice.id, "k").status == BECOMES[method]


def test_one_that_was_written_off_can_still_be_paid(world: World) -> None:
    """By its customer."""
    provider = provider_of(world, world.one)
    invoice = provider.write_off_invoice(open_invoice(provider).id, "w")
    world.pay(world.one, invoice)
    assert provider.invoice(invoice.id).status == "paid"
    assert collected(provider.payments(invoice.id)) == invoice.total


@pytest.mark.parametrize("listed", [False, True])
def test_what_was_settled_was_not_collected(world: World, listed: bool) -> None:
    """All of it counts as paid, and nothing came in through Stripe, whether or not Stripe lists a payment for it."""
    if isinstance(world, SDKWorld):
        world.fake.world.switches.set("paid_out_of_band", "payment_record" if listed else "no_payment")
    elif isinstance(world, MemoryWorld):
        world.memory.accounts[world.one].lists_settled = listed
    provider = provider_of(world, world.one)
    invoice = open_invoice(provider)
    done = provider.settle_invoice(invoice.id, "k")
    assert (done.status, done.amount_paid, done.amount_remaining) == ("paid", invoice.total, 0)
    assert done.paid_at is not None
    payments = provider.payments(invoice.id)
    assert [(each.method, each.amount) for each in payments] == ([(RECORDED, invoice.total)] if listed else [])
    assert collected(payments) == 0


@each_deed
def test_what_is_paid_or_gone_stays(world: World, method: str) -> None:
    """Refused, for a paid one and for another business's."""
    provider = provider_of(world, world.one)
    invoice = open_invoice(provider)
    with pytest.raises(Refused):
        DEEDS[method](provider_of(world, world.two), invoice.id, "k")
    world.pay(world.one, invoice)
    with pytest.raises(Refused):
        DEEDS[method](provider, invoice.id, "k2")
    assert provider.invoice(invoice.id).status == "paid"


@each_deed
def test_an_answer_that_was_lost_is_found(world: World, method: str) -> None:
    """It was done all the same: reading shows it, and the same key answers instead of refusing."""
    provider = provider_of(world, world.one)
    invoice = open_invoice(provider)
    world.fail(world.one, method, "silent_after")
    with pytest.raises(Unreachable):
        DEEDS[method](provider, invoice.id, "k")
    world.heal()
    assert provider.invoice(invoice.id).status == BECOMES[method]
    assert DEEDS[method](provider, invoice.id, "k").status == BECOMES[method]
