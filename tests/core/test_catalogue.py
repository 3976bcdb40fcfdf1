"""Services at Stripe."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from flask_crm_stripe.errors import NotConnected, NotFound, NotPermitted, ProviderFailed, Unreachable
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.catalogue import CatalogueEntry, SyncState
from flask_crm_stripe.model.crm import Service
from tests.core.world import CONSULTING, World

WORKSHOP = Service(
    "1", "PW-01", "Workshop", "A day", (("eur", Decimal(1450)), ("usd", Decimal(1600))), Decimal(21), "day"
)
VIEWER = Actor("9", "Pieter", ["view"])


def entry(world: World, ref: str = "1", business: str = "hp") -> CatalogueEntry | None:
    """What is remembered of a service."""
    return world.billing(business).ledger.catalogue.entry(f"acct_{business}", False, ref)


def test_a_sync_makes_products_and_prices_of_this_business_only(connected: World) -> None:
    """The default price is in the account's own currency; the other account hears nothing."""
    connected.crm.add("hp", WORKSHOP)
    report = connected.billing().catalogue.sync()
    assert (report.done, report.failed) == (2, ())
    shop = connected.shops["hp"]
    assert sorted(product.draft.name for product in shop.products.values()) == ["Senior consulting", "Workshop"]
    assert sorted((price.draft.currency, price.draft.amount) for price in shop.prices.values()) == [
        ("eur", "145000"),
        ("eur", "16000"),
        ("usd", "160000"),
    ]
    assert connected.shops["kestrel"].products == {}
    assert connected.heard.names().count("service_synced") == 2


def test_a_second_sync_calls_nobody(connected: World) -> None:
    """Nothing changed, nothing is written."""
    connected.billing().catalogue.sync()
    before = len(connected.shops["hp"].calls)
    report = connected.billing().catalogue.sync()
    assert (report.done, report.unchanged) == (0, 1)
    assert len(connected.shops["hp"].calls) == before


def test_a_changed_price_is_a_new_price(connected: World) -> None:
    """The old one is archived after the default has moved."""
    connected.billing().catalogue.sync()
    connected.crm.add("hp", replace(CONSULTING, prices=(("eur", Decimal(170)),)))
    assert [change.deed for change in connected.billing().catalogue.plan()] == ["price", "default", "archive_price"]
    connected.billing().catalogue.sync(["2"])
    prices = connected.shops["hp"].prices.values()
    assert sorted((price.draft.amount, price.active) for price in prices) == [("16000", False), ("17000", True)]


def test_a_deleted_service_is_archived_and_comes_back(connected: World) -> None:
    """Never deleted, so that history stays whole."""
    catalogue = connected.billing().catalogue
    catalogue.sync()
    connected.crm.remove("hp", CONSULTING)
    assert [change.deed for change in catalogue.plan()] == ["archive"]
    catalogue.sync()
    (product,) = connected.shops["hp"].products.values()
    assert not product.active
    (row,) = catalogue.rows()
    assert (row.service, row.state) == (None, "archived")
    assert catalogue.sync().done == 0
    connected.crm.add("hp", CONSULTING)
    catalogue.sync()
    assert product.active
    assert catalogue.rows()[0].state == "synced"


def test_a_service_that_stripe_never_saw_is_settled_without_a_call(connected: World) -> None:
    """It waited, and was deleted meanwhile."""
    connected.billing().catalogue.note()
    connected.crm.remove("hp", CONSULTING)
    connected.billing().catalogue.sync_waiting()
    found = entry(connected, "2")
    assert found is not None
    assert found.state is SyncState.ARCHIVED
    assert connected.shops["hp"].calls[-1].method != "archive_product"


def test_a_bad_price_is_said_and_stops_no_other(connected: World) -> None:
    """Before Stripe is asked; it is not tried again by itself."""
    connected.crm.add("hp", replace(WORKSHOP, prices=(("isk", Decimal("5.5")),)))
    catalogue = connected.billing().catalogue
    assert "refused" in [change.deed for change in catalogue.plan()]
    report = catalogue.sync()
    assert report.done == 1
    ((name, reason),) = report.failed
    assert name == "Workshop"
    assert "more decimals" in reason
    failed = entry(connected)
    assert failed is not None
    assert (failed.state, failed.retry_at) == (SyncState.FAILED, None)
    assert catalogue.sync_waiting().failed == ()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("error", [Unreachable("No answer."), ProviderFailed("Broken.")])
@pytest.mark.parametrize("method", ["create_product", "create_price", "set_default_price"])
def test_a_failure_at_any_call_is_finished_by_the_next_run(
    connected: World, method: str, error: Exception, after: bool
) -> None:
    """Done or not done when the line broke: one product, one price, and the entry says so meanwhile."""
    connected.shops["hp"].fail_next(method, error, after=after)  # type: ignore[arg-type]
    catalogue = connected.billing().catalogue
    assert len(catalogue.sync().failed) == 1
    failed = entry(connected, "2")
    assert failed is not None
    assert failed.state is SyncState.FAILED
    assert failed.retry_at is not None
    assert catalogue.sync_waiting().done == 0, "not before its time"
    connected.clock.advance(hours=2)
    assert catalogue.sync_waiting().done == 1
    shop = connected.shops["hp"]
    assert (len(shop.products), len(shop.prices)) == (1, 1)
    settled = entry(connected, "2")
    assert settled is not None
    assert (settled.state, settled.reason, settled.attempts) == (SyncState.SYNCED, None, 0)


def test_a_failed_archive_of_an_old_price_is_made_up_for(connected: World) -> None:
    """Nothing is remembered as done before all of it is."""
    catalogue = connected.billing().catalogue
    catalogue.sync()
    connected.crm.add("hp", replace(CONSULTING, prices=(("eur", Decimal(170)),)))
    connected.shops["hp"].fail_next("archive_price", Unreachable("No answer."))
    assert catalogue.sync().failed
    assert catalogue.sync().done == 1
    assert sorted(price.active for price in connected.shops["hp"].prices.values()) == [False, True]


def test_one_service_is_synced_by_one_worker_at_a_time(connected: World) -> None:
    """The second is told, and tries again later."""
    ledger = connected.billing().ledger
    ledger.lease("service:acct_hp:2", "somebody", connected.clock.now(), 60)
    assert "right now" in connected.billing().catalogue.sync().failed[0][1]


def test_an_invoice_does_not_wait_for_a_running_sync(connected: World) -> None:
    """Right after connecting everything is being synced: the invoice gets its product, and there is only one."""
    ledger = connected.billing().ledger
    ledger.lease("service:acct_hp:2", "somebody", connected.clock.now(), 60)
    invoice = connected.generate()
    (at_stripe,) = connected.shops["hp"].invoices.values()
    (product,) = connected.shops["hp"].products
    assert [line.product_id for line in at_stripe.lines] == [product, product]
    ledger.release("service:acct_hp:2", "somebody")
    connected.billing().catalogue.sync()
    assert invoice.status == "open"
    assert list(connected.shops["hp"].products) == [product]


def test_a_change_during_a_sync_is_not_lost(connected: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host saved another price while Stripe was being told the first: it waits for the next round."""
    shop, create = connected.shops["hp"], connected.shops["hp"].create_price

    def meanwhile(*given: object) -> object:
        connected.crm.add("hp", replace(CONSULTING, prices=(("eur", Decimal(180)),)))
        return create(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(shop, "create_price", meanwhile)
        connected.billing().catalogue.sync()
    assert connected.billing().catalogue.rows()[0].state == "waiting"
    connected.billing().catalogue.sync_waiting()
    assert sorted(price.draft.amount for price in shop.prices.values() if price.active) == ["18000"]


def test_the_product_of_a_service_is_made_when_an_invoice_needs_it(connected: World) -> None:
    """Once; a service that is gone has none."""
    catalogue = connected.billing().catalogue
    made = catalogue.products_for(["2"])
    assert list(made.values()) == list(connected.shops["hp"].products)
    before = len(connected.shops["hp"].calls)
    assert catalogue.products_for(["2", "gone"]) == made
    connected.crm.add("hp", replace(CONSULTING, active=False))
    assert catalogue.products_for(["2"]) == {}
    assert len(connected.shops["hp"].calls) == before


def test_noting_marks_what_is_behind_before_anything_is_sent(connected: World) -> None:
    """What process death must not lose is in our tables."""
    catalogue = connected.billing().catalogue
    assert catalogue.note(["2", "unknown"]) == ["2"]
    waiting = entry(connected, "2")
    assert waiting is not None
    assert waiting.state is SyncState.WAITING
    assert catalogue.rows()[0].state == "waiting"
    catalogue.sync_waiting()
    assert catalogue.note() == []


def test_a_service_that_does_not_exist_is_not_synced(connected: World) -> None:
    """Nor is another business's: it looks the same."""
    connected.crm.add("kestrel", WORKSHOP)
    for ref in ("1", "99"):
        with pytest.raises(NotFound):
            connected.billing().catalogue.sync([ref])
    assert connected.shops["hp"].products == {}


def test_rows_of_an_unconnected_business_are_all_new(world: World) -> None:
    """Reading needs no connection; syncing does."""
    assert [row.state for row in world.billing().catalogue.rows()] == ["new"]
    with pytest.raises(NotConnected):
        world.billing().catalogue.sync()


def test_a_viewer_sees_but_does_not_sync(connected: World) -> None:
    """Each use case asks for itself."""
    catalogue = connected.billing(actor=VIEWER).catalogue
    assert catalogue.rows()
    for deed in (catalogue.sync, catalogue.plan):
        with pytest.raises(NotPermitted):
            deed()
