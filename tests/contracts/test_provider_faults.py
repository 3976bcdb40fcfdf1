"""Contract of ports/provider.py: what a busy, broken or silent Stripe raises, and that nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from flask_crm_stripe.errors import ProviderError, ProviderFailed, RateLimited, Refused, Unreachable
from flask_crm_stripe.model.invoices import InvoiceDraft
from flask_crm_stripe.ports.provider import Provider
from tests.contracts.provider_drafts import CUSTOMER, PRODUCT, draft, line, price
from tests.contracts.provider_worlds import World, both_worlds, provider_of

pytestmark = both_worlds

KINDS: list[tuple[str, type[ProviderError], bool]] = [
    ("busy", RateLimited, False),
    ("broken", ProviderFailed, True),
    ("broken_after", ProviderFailed, True),
    ("silent", Unreachable, True),
    ("silent_after", Unreachable, True),
]
CREATING: dict[str, tuple[str, Callable[[Provider, str], object]]] = {
    "create_customer": ("customer", lambda provider, key: provider.create_customer(CUSTOMER, key)),
    "create_product": ("product", lambda provider, key: provider.create_product(PRODUCT, key)),
    "create_price": ("price", lambda provider, key: provider.create_price(price("100"), key)),
    "create_invoice": ("invoice", lambda provider, key: provider.create_invoice(_draft(provider), key)),
}


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A fresh Stripe with two businesses."""
    made: World = request.param()
    return made


@pytest.mark.parametrize(("kind", "error", "unknown"), KINDS)
@pytest.mark.parametrize("method", CREATING)
def test_each_fault_says_what_is_certain(
    world: World, method: str, kind: str, error: type[ProviderError], unknown: bool
) -> None:
    """Busy is "not done", 5xx and silence are "not certain"; repeated under the same key, or after a 5xx by looking,
    there is exactly one of each."""
    provider = provider_of(world, world.one)
    stored, deed = CREATING[method]
    _prepare(provider, method)
    world.fail(world.one, method, kind)
    with pytest.raises(error) as raised:
        deed(provider, "key")
    assert raised.value.unknown is unknown
    world.heal()
    assert world.count(world.one, stored) == (1 if kind.endswith("_after") else 0)
    if kind != "broken_after":
        deed(provider, "key")
    assert world.count(world.one, stored) == 1
    assert world.count(world.two, stored) == 0


def test_a_saved_failure_is_replayed_for_a_day(world: World) -> None:
    """A 5xx after the work comes again under the same key, although the work is done: only looking helps."""
    provider, since = provider_of(world, world.one), world.now()
    world.fail(world.one, "create_customer", "broken_after")
    for _ in range(2):
        with pytest.raises(ProviderFailed):
            provider.create_customer(CUSTOMER, "key")
        world.heal()
    assert provider.find_customer("link-1", since) is not None
    assert world.count(world.one, "customer") == 1


def test_the_same_key_is_the_same_deed(world: World) -> None:
    """Repeated, each step answers as the first time; other data is refused; for another business it is new."""
    provider = provider_of(world, world.one)
    customer = provider.create_customer(CUSTOMER, "c")
    assert provider.create_customer(CUSTOMER, "c").id == customer.id
    with pytest.raises(Refused) as refusal:
        provider.create_customer(replace(CUSTOMER, name="Another"), "c")
    assert refusal.value.stripe_code == "idempotency_error"
    other = provider_of(world, world.two).create_customer(CUSTOMER, "c")
    assert other.id != customer.id
    invoice = provider.create_invoice(draft(customer.id), "i")
    for _ in range(2):
        filled = provider.add_lines(invoice.id, [line("a", 10_000)], "l")
        assert (filled.total, filled.line_count) == (12_100, 1)
    for _ in range(2):
        assert provider.finalise(invoice.id, "f").status == "open"
    assert len(provider.line_keys(invoice.id)) == 1


def test_keys_end_after_a_day(world: World) -> None:
    """After 24 hours a key protects nobody: the same call makes a second customer."""
    provider = provider_of(world, world.one)
    first = provider.create_customer(CUSTOMER, "c")
    world.advance(timedelta(hours=25))
    assert provider.create_customer(CUSTOMER, "c").id != first.id


def test_lines_whose_answer_was_lost_are_not_added_twice(world: World) -> None:
    """add_lines did its work and the line was cut: its keys show it, and the same key does not add them again."""
    provider = provider_of(world, world.one)
    invoice = provider.create_invoice(_draft(provider), "i")
    world.fail(world.one, "add_lines", "silent_after")
    with pytest.raises(Unreachable):
        provider.add_lines(invoice.id, [line("a", 10_000)], "l")
    world.heal()
    assert list(provider.line_keys(invoice.id)) == ["a"]
    assert provider.add_lines(invoice.id, [line("a", 10_000)], "l").line_count == 1


def test_finalising_whose_answer_was_lost(world: World) -> None:
    """The invoice is open at Stripe; reading shows it, and the same key answers instead of refusing."""
    provider = provider_of(world, world.one)
    invoice = provider.create_invoice(_draft(provider), "i")
    provider.add_lines(invoice.id, [line("a", 10_000)], "l")
    world.fail(world.one, "finalise", "silent_after")
    with pytest.raises(Unreachable):
        provider.finalise(invoice.id, "f")
    world.heal()
    assert provider.invoice(invoice.id).status == "open"
    assert provider.finalise(invoice.id, "f").number == provider.invoice(invoice.id).number


def test_messages_are_for_people(world: World) -> None:
    """What is raised says what is, and what to do, in sentences; it holds no key and no id of Stripe's."""
    provider = provider_of(world, world.one)
    for kind, error, _ in KINDS:
        world.fail(world.one, "account", kind)
        with pytest.raises(error) as raised:
            provider.account()
        world.heal()
        assert raised.value.message.endswith(".")
        assert "sk_test" not in f"{raised.value!r} {raised.value.message}"


def _prepare(provider: Provider, method: str) -> None:
    if method == "create_price":
        provider.create_product(PRODUCT, "product")


def _draft(provider: Provider) -> InvoiceDraft:
    return draft(provider.create_customer(CUSTOMER, "customer").id)
