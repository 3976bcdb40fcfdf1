"""Services and customers, on every implementation of the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.catalogue import CatalogueEntry, SyncedPrice, SyncState
from flask_crm_stripe.model.crm import ContactRef
from tests.contracts.ledger_worlds import ACME, NOW, OUR_ACCOUNT, THEIR_ACCOUNT, Ledgers, later

EUR, USD = SyncedPrice("eur", "14500", "price_eur"), SyncedPrice("usd", "160.5", "price_usd")
CONSULTING = CatalogueEntry(
    "12", "Consulting", "CON", SyncState.SYNCED, "crm_1", "hash", (EUR, USD), "why", 2, NOW, later(60)
)


def test_an_entry_comes_back_as_it_was_saved(ledgers: Ledgers) -> None:
    """Every field, prices by currency, on its own account and mode, for its own business."""
    ledgers.ours.catalogue.save(OUR_ACCOUNT, False, CONSULTING)
    ledgers.theirs.catalogue.save(THEIR_ACCOUNT, False, replace(CONSULTING, name="Theirs"))
    assert ledgers.ours.catalogue.entry(OUR_ACCOUNT, False, "12") == CONSULTING
    assert ledgers.ours.catalogue.entries(OUR_ACCOUNT, False) == [CONSULTING]
    assert ledgers.ours.catalogue.entry(OUR_ACCOUNT, True, "12") is None
    assert ledgers.ours.catalogue.entries(THEIR_ACCOUNT, False) == []
    assert ledgers.theirs.catalogue.entry(OUR_ACCOUNT, False, "12") is None


def test_saving_again_replaces_the_entry_and_its_prices(ledgers: Ledgers) -> None:
    """A new price takes the place of the old one in its currency; one may also come back, and all may go."""
    dearer = replace(EUR, amount="15000", price_id="price_eur_2")
    ledgers.ours.catalogue.save(OUR_ACCOUNT, False, CONSULTING)
    changed = replace(CONSULTING, name="Senior consulting", prices=(dearer,), reason=None, retry_at=None, attempts=0)
    for entry in (changed, replace(changed, prices=(EUR, USD)), replace(changed, prices=())):
        ledgers.ours.catalogue.save(OUR_ACCOUNT, False, entry)
        assert ledgers.ours.catalogue.entries(OUR_ACCOUNT, False) == [entry]


def test_entries_come_by_name(ledgers: Ledgers) -> None:
    """The order in which people look for them."""
    for ref, name in (("1", "Workshop"), ("2", "Audit"), ("3", "Hosting")):
        ledgers.ours.catalogue.save(OUR_ACCOUNT, False, CatalogueEntry(ref, name, "", SyncState.WAITING))
    assert [entry.name for entry in ledgers.ours.catalogue.entries(OUR_ACCOUNT, False)] == [
        "Audit",
        "Hosting",
        "Workshop",
    ]


def test_marking_waiting_keeps_what_stripe_has(ledgers: Ledgers) -> None:
    """A known service waits with its ids and prices; an unknown one gets a row; the other business's does not wait."""
    ledgers.ours.catalogue.save(OUR_ACCOUNT, False, CONSULTING)
    ledgers.theirs.catalogue.save(OUR_ACCOUNT, False, CONSULTING)
    ledgers.ours.catalogue.mark_waiting(OUR_ACCOUNT, False, [("12", "CON2", "Renamed"), ("13", "NEW", "Audit")])
    ledgers.ours.catalogue.mark_waiting(OUR_ACCOUNT, False, [])
    assert ledgers.ours.catalogue.entries(OUR_ACCOUNT, False) == [
        CatalogueEntry("13", "Audit", "NEW", SyncState.WAITING),
        replace(CONSULTING, name="Renamed", code="CON2", state=SyncState.WAITING),
    ]
    assert ledgers.theirs.catalogue.entries(OUR_ACCOUNT, False) == [CONSULTING]


def test_products_are_found_by_their_services(ledgers: Ledgers) -> None:
    """Of this business, account and mode; one that is archived, or never reached Stripe, has none."""
    catalogue = ledgers.ours.catalogue
    catalogue.save(OUR_ACCOUNT, False, replace(CONSULTING, service="1", product_id="prod_1"))
    catalogue.save(OUR_ACCOUNT, False, replace(CONSULTING, service="2", product_id="prod_2", state=SyncState.ARCHIVED))
    catalogue.save(OUR_ACCOUNT, False, replace(CONSULTING, service="3", product_id=None, state=SyncState.WAITING))
    catalogue.save(OUR_ACCOUNT, True, replace(CONSULTING, service="4", product_id="prod_4"))
    catalogue.save(OUR_ACCOUNT, False, replace(CONSULTING, service="5", product_id="prod_5", state=SyncState.FAILED))
    assert catalogue.products(OUR_ACCOUNT, False, ["1", "2", "3", "4", "none"]) == {"1": "prod_1"}
    assert catalogue.products(OUR_ACCOUNT, False, ["5", "1"]) == {"1": "prod_1", "5": "prod_5"}
    assert ledgers.theirs.catalogue.products(OUR_ACCOUNT, False, ["1"]) == {}


def test_a_contact_has_one_link_per_account_and_mode(ledgers: Ledgers) -> None:
    """Asking twice gives the same; another account, mode, business or kind of contact has its own."""
    first = ledgers.ours.customers.link(OUR_ACCOUNT, False, ACME, NOW)
    assert (first.contact, first.customer_id, first.created_at) == (ACME, None, NOW)
    assert ledgers.ours.customers.link(OUR_ACCOUNT, False, ACME, later(5)) == first
    assert ledgers.ours.customers.find(OUR_ACCOUNT, False, ACME) == first
    others = [
        ledgers.ours.customers.link(THEIR_ACCOUNT, False, ACME, NOW),
        ledgers.ours.customers.link(OUR_ACCOUNT, True, ACME, NOW),
        ledgers.ours.customers.link(OUR_ACCOUNT, False, ContactRef("individual", ACME.ref), NOW),
        ledgers.theirs.customers.link(OUR_ACCOUNT, False, ACME, NOW),
    ]
    assert len({link.id for link in [first, *others]}) == 5
    assert ledgers.ours.customers.find(OUR_ACCOUNT, False, ContactRef("organization", "unknown")) is None


def test_a_linked_customer_is_found_from_both_sides(ledgers: Ledgers) -> None:
    """From the contact and from Stripe's id, in its own business, account and mode."""
    link = ledgers.ours.customers.link(OUR_ACCOUNT, False, ACME, NOW)
    ledgers.ours.customers.linked(link.id, "cus_1", "hash-1")
    known = replace(link, customer_id="cus_1", content_hash="hash-1")
    assert ledgers.ours.customers.link(OUR_ACCOUNT, False, ACME, later(5)) == known
    assert ledgers.ours.customers.contact_of(OUR_ACCOUNT, False, "cus_1") == ACME
    assert ledgers.ours.customers.contact_of(OUR_ACCOUNT, True, "cus_1") is None
    assert ledgers.theirs.customers.contact_of(OUR_ACCOUNT, False, "cus_1") is None


def test_another_business_cannot_touch_a_link(ledgers: Ledgers) -> None:
    """Its id looks like none at all."""
    link = ledgers.ours.customers.link(OUR_ACCOUNT, False, ACME, NOW)
    with pytest.raises(NotFound):
        ledgers.theirs.customers.linked(link.id, "cus_stolen", "")
    assert ledgers.ours.customers.find(OUR_ACCOUNT, False, ACME) == link
