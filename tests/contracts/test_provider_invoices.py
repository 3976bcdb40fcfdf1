"""Contract of ports/provider.py: invoices and customers, on the twin and on the SDK."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from flask_crm_stripe.errors import Refused
from flask_crm_stripe.model.invoices import RemoteBuyer, RemoteVat
from tests.contracts.provider_drafts import CUSTOMER, PRODUCT, draft, line, open_invoice, price
from tests.contracts.provider_worlds import World, both_worlds, provider_of

pytestmark = both_worlds


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A fresh Stripe with two businesses."""
    made: World = request.param()
    return made


def test_an_invoice_goes_from_empty_draft_to_open(world: World) -> None:
    """Create, fill and finalise give the figures of our lines, and only the last gives number, due date and page."""
    provider = provider_of(world, world.one)
    customer = provider.create_customer(CUSTOMER, "c").id
    empty = provider.create_invoice(draft(customer), "i")
    assert (empty.status, empty.total, empty.line_count, empty.currency) == ("draft", 0, 0, "eur")
    assert (empty.customer, empty.number, empty.hosted_url) == (customer, None, None)
    assert empty.metadata == {"crm_stripe_id": "inv-1", "crm_installation": "i1", "crm_business": "b1"}
    filled = provider.add_lines(empty.id, [line("a", 10_000), line("b", 2_500, "1.5", rate="0")], "l")
    assert (filled.subtotal, filled.tax, filled.total, filled.line_count) == (13_750, 2_100, 15_850, 2)
    final = provider.finalise(empty.id, "f")
    assert (final.status, final.total, final.amount_remaining, final.amount_paid) == ("open", 15_850, 15_850, 0)
    assert final.number
    assert final.hosted_url
    assert final.pdf_url
    assert final.due_date == (world.now() + timedelta(days=14)).date()
    assert final.request_id


def test_vat_is_ours_to_the_minor_unit(world: World) -> None:
    """VAT that no rate gives (rounded over the whole invoice) arrives as it was sent, exclusive and included alike."""
    provider = provider_of(world, world.one)
    invoice = open_invoice(
        provider, line("a", 333, vat=71), line("b", 1_210, included=True), line("c", 1_000, rate="5.5", vat=54)
    )
    assert (invoice.subtotal, invoice.tax, invoice.total) == (2_543, 71 + 210 + 54, 2_543 + 71 + 54)


def test_lines_of_the_catalogue_and_more_than_an_answer_shows(world: World) -> None:
    """120 lines, some with a product: counted or left open, never counted wrong; their keys come back in our order."""
    provider = provider_of(world, world.one)
    provider.create_product(PRODUCT, "p")
    customer = provider.create_customer(CUSTOMER, "c").id
    invoice = provider.create_invoice(draft(customer), "i")
    lines = [line(f"k{n:03d}", 100, product=PRODUCT.id if n % 3 == 0 else None) for n in range(120)]
    filled = provider.add_lines(invoice.id, lines, "l")
    assert filled.line_count in (None, 120)
    assert filled.subtotal == 12_000
    assert list(provider.line_keys(invoice.id)) == [f"k{n:03d}" for n in range(120)]
    found = provider.find_invoice("inv-1", customer, world.now() - timedelta(minutes=1))
    assert found is not None
    assert found.line_count in (None, 120)


def test_a_provider_that_did_not_make_the_invoice_can_fill_it(world: World) -> None:
    """Another process goes on where one died: each line names its currency."""
    first = provider_of(world, world.one)
    customer = first.create_customer(CUSTOMER, "c").id
    invoice = first.create_invoice(draft(customer, "jpy"), "i")
    filled = provider_of(world, world.one).add_lines(invoice.id, [line("a", 5_000, rate="10", currency="jpy")], "l")
    assert (filled.currency, filled.total) == ("jpy", 5_500)


def test_fractions_travel_without_an_exponent(world: World) -> None:
    """A quantity in any Decimal form arrives: 1E+1 as ten, 0.25 as a quarter."""
    provider = provider_of(world, world.one)
    invoice = open_invoice(provider, line("a", 100, "1E+1", rate="0"), line("b", 4_000, "0.25", rate="0"))
    assert invoice.total == 2_000


def test_what_a_draft_refuses_and_what_only_a_draft_allows(world: World) -> None:
    """A final invoice takes no lines, is not finalised twice and never deleted; a draft is not mailed."""
    provider = provider_of(world, world.one)
    customer = provider.create_customer(CUSTOMER, "c").id
    invoice = provider.create_invoice(draft(customer), "i")
    provider.add_lines(invoice.id, [line("a", 10_000)], "l")
    with pytest.raises(Refused):
        provider.send(invoice.id, "s1")
    provider.finalise(invoice.id, "f")
    deeds: tuple[Callable[[], object], ...] = (
        lambda: provider.add_lines(invoice.id, [line("b", 1)], "l2"),
        lambda: provider.finalise(invoice.id, "f2"),
        lambda: provider.delete_draft(invoice.id),
    )
    for deed in deeds:
        with pytest.raises(Refused) as refusal:
            deed()
        assert not refusal.value.unknown
    assert provider.invoice(invoice.id).total == 12_100


def test_sending_needs_an_address(world: World) -> None:
    """An open invoice is mailed; one of a customer without an e-mail address is refused, and stays open."""
    provider = provider_of(world, world.one)
    assert provider.send(open_invoice(provider).id, "s").status == "open"
    nameless = provider.create_customer(replace(CUSTOMER, email=None), "c2").id
    invoice = provider.create_invoice(draft(nameless, marker="inv-2"), "i2")
    provider.add_lines(invoice.id, [line("a", 10_000)], "l2")
    provider.finalise(invoice.id, "f2")
    with pytest.raises(Refused):
        provider.send(invoice.id, "s2")
    assert provider.invoice(invoice.id).status == "open"


def test_a_draft_is_deleted_once_and_twice(world: World) -> None:
    """Deleting what is gone already counts as done, and the invoice is then unknown."""
    provider = provider_of(world, world.one)
    customer = provider.create_customer(CUSTOMER, "c").id
    invoice = provider.create_invoice(draft(customer), "i")
    provider.delete_draft(invoice.id)
    provider.delete_draft(invoice.id)
    with pytest.raises(Refused) as refusal:
        provider.invoice(invoice.id)
    assert refusal.value.stripe_code == "resource_missing"


def test_made_things_are_found_again_by_our_marker(world: World) -> None:
    """Customer and invoice are found by metadata and time; another marker, customer or business finds nothing."""
    provider, since = provider_of(world, world.one), world.now()
    customer = provider.create_customer(CUSTOMER, "c")
    invoice = provider.create_invoice(draft(customer.id), "i")
    found = provider.find_customer("link-1", since)
    assert found is not None
    assert found.id == customer.id
    again = provider.find_invoice("inv-1", customer.id, since)
    assert again is not None
    assert (again.id, again.status) == (invoice.id, "draft")
    assert provider.find_customer("link-2", since) is None
    assert provider.find_invoice("inv-2", customer.id, since) is None
    assert provider.find_customer("link-1", world.now() + timedelta(days=1)) is None
    assert provider_of(world, world.two).find_customer("link-1", since) is None


def test_a_customer_among_many_is_found(world: World) -> None:
    """Looking goes on behind the first page of a hundred."""
    provider, since = provider_of(world, world.one), world.now()
    wanted = provider.create_customer(CUSTOMER, "first")
    for number in range(101):
        provider.create_customer(replace(CUSTOMER, name=f"Other {number}", metadata=None), f"other-{number}")
    found = provider.find_customer("link-1", since)
    assert found is not None
    assert found.id == wanted.id


def test_one_business_does_not_exist_for_the_other(world: World) -> None:
    """Invoices and customers of one account are unknown to the other, whatever is asked."""
    one, two = provider_of(world, world.one), provider_of(world, world.two)
    invoice = open_invoice(one)
    deeds: tuple[Callable[[], object], ...] = (
        lambda: two.invoice(invoice.id),
        lambda: two.add_lines(invoice.id, [line("a", 1)], "k"),
        lambda: two.finalise(invoice.id, "f"),
        lambda: two.create_invoice(draft(invoice.customer), "i"),
    )
    for deed in deeds:
        with pytest.raises(Refused) as refusal:
            deed()
        assert refusal.value.stripe_code == "resource_missing"
    assert world.count(world.two, "invoice") == 0


def test_nothing_to_pay_is_paid(world: World) -> None:
    """An invoice of nothing is paid as soon as it is final."""
    invoice = open_invoice(provider_of(world, world.one), line("a", 0, rate="0"))
    assert (invoice.status, invoice.total, invoice.amount_remaining) == ("paid", 0, 0)
    assert invoice.paid_at is not None


def test_an_archived_product_is_not_invoiced(world: World) -> None:
    """A line of an archived product is refused, and the draft stays as it was."""
    provider = provider_of(world, world.one)
    provider.create_product(PRODUCT, "p")
    provider.create_price(price("10000"), "pr")
    provider.archive_product(PRODUCT.id, "a")
    customer = provider.create_customer(CUSTOMER, "c").id
    invoice = provider.create_invoice(draft(customer), "i")
    with pytest.raises(Refused):
        provider.add_lines(invoice.id, [line("a", 10_000, product=PRODUCT.id)], "l")
    assert provider.invoice(invoice.id).line_count == 0


@pytest.mark.parametrize(("currency", "unit"), [("jpy", 1_000), ("isk", 50_000), ("kwd", 12_340), ("usd", 9_999)])
def test_currencies_in_stripes_own_units(world: World, currency: str, unit: int) -> None:
    """Amounts go as Stripe counts them: yen whole, krónur ending 00, dinars ending 0."""
    work = line("a", unit, rate="0", currency=currency)
    invoice = open_invoice(provider_of(world, world.one), work, currency=currency)
    assert (invoice.currency, invoice.total) == (currency, unit)


def test_credits_reasons_and_what_is_frozen(world: World) -> None:
    """A sum below zero, a line with a period, the seller's footer, the customer as they are billed: read back alike."""
    shop = provider_of(world, world.one)
    wanted = replace(CUSTOMER, exempt="reverse", vat_number="NL123456782B01", vat_type="eu_vat")
    customer = shop.create_customer(wanted, "c1").id
    shop.set_vat_number(customer, wanted.vat_type, wanted.vat_number, "n1")
    made = shop.create_invoice(replace(draft(customer), footer="Harbour, Delft. VAT NL1"), "i1")
    week = (date(2026, 11, 2), date(2026, 11, 6))
    charge = replace(line("a", 10_000, rate="0"), reason="reverse_charge", vat_base=8_000, period=week)
    credit = replace(line("b", -2_000, rate="0"), reason="reverse_charge", vat_base=0)
    free = replace(line("c", 0, rate="0"), reason="reverse_charge")
    filled = shop.add_lines(made.id, [charge, credit, free], "l1")
    assert (filled.subtotal, filled.total, filled.tax, filled.line_count) == (8_000, 8_000, 0, 3)
    assert filled.vat == (RemoteVat("reverse_charge", False, 0, 8_000),)
    where = ("Kade 1", "1011 AB", "Amsterdam", "NL")
    assert filled.buyer == RemoteBuyer("Ada Byron", where, ("NL123456782B01",), "reverse")
    told = (filled.footer, filled.description, filled.order_number, filled.discount)
    assert told == ("Harbour, Delft. VAT NL1", "Thank you", "PO-77", 0)
    final = shop.finalise(made.id, "f1")
    shop.update_customer(customer, replace(CUSTOMER, name="Somebody else"), "u1")
    assert shop.invoice(made.id).buyer == final.buyer == filled.buyer
