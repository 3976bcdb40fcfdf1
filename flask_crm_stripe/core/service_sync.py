"""The calls that bring one service in step: one handler per deed of the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.core.journal import Journal
from flask_crm_stripe.core.products import Wanted, archived_entry
from flask_crm_stripe.model.catalogue import CatalogueEntry, Change, ProductDraft, SyncedPrice, SyncState
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.ports.provider import Provider


@dataclass(frozen=True)
class ServiceSync:
    """Carries out a plan for one service. Nothing is remembered before all prices are in step: every call can be
    repeated, and a repeated one finds what the first one did."""

    provider: Provider
    journal: Journal
    save: Callable[[CatalogueEntry], None]

    def run(self, planned: list[Change], target: Wanted | None, entry: CatalogueEntry, now: datetime) -> CatalogueEntry:
        """The entry after all changes are done at Stripe. Raises ``ProviderError``."""
        for change in planned:
            if change.deed == "archive_price":
                self._archive_price(change)
            else:
                entry = HANDLERS[change.deed](self, change, target, entry)
        if target is not None:
            currencies = {price.currency for price in target.prices}
            kept = tuple(price for price in entry.prices if price.currency in currencies)
            entry = replace(entry, state=SyncState.SYNCED, prices=kept)
        entry = replace(entry, reason=None, attempts=0, retry_at=None, synced_at=now)
        self.save(entry)
        return entry

    def _create(self, change: Change, target: Wanted, entry: CatalogueEntry) -> CatalogueEntry:
        answer = self.journal.call(
            f"service:{change.service}",
            "create",
            target.product,
            lambda key: self.provider.create_product(target.product, key),
        )
        return self._product_saved(target.product, answer.id, entry)

    def _update(self, change: Change, target: Wanted, entry: CatalogueEntry) -> CatalogueEntry:
        answer = self.journal.call(
            f"service:{change.service}",
            "update",
            target.product,
            lambda key: self.provider.update_product(target.product, key),
        )
        return self._product_saved(target.product, answer.id, entry)

    def _archive(self, change: Change, _target: Wanted | None, entry: CatalogueEntry) -> CatalogueEntry:
        product = ProductDraft(entry.product_id or "", entry.name, "", active=False, unit_label="", metadata={})
        self.journal.call(
            f"service:{change.service}", "archive", product, lambda key: self.provider.archive_product(product.id, key)
        )
        return archived_entry(entry)

    def _price(self, change: Change, target: Wanted, entry: CatalogueEntry) -> CatalogueEntry:
        draft = target.price(change.currency or "")
        answer = self.journal.call(
            f"service:{change.service}",
            f"price_{draft.currency}",
            draft,
            lambda key: self.provider.create_price(draft, key),
            lambda: self.provider.find_price(draft.lookup_key, draft.amount),
        )
        others = tuple(price for price in entry.prices if price.currency != draft.currency)
        return replace(entry, prices=(*others, SyncedPrice(draft.currency, draft.amount, answer.id)))

    def _default(self, change: Change, target: Wanted, entry: CatalogueEntry) -> CatalogueEntry:
        price = next(price for price in entry.prices if price.currency == change.currency)
        self.journal.call(
            f"service:{change.service}",
            "default",
            price,
            lambda key: self.provider.set_default_price(target.product.id, price.price_id, key),
        )
        return entry

    def _archive_price(self, change: Change) -> None:
        price_id = change.before or ""
        self.journal.call(
            f"service:{change.service}",
            "archive_price",
            price_id,
            lambda key: self.provider.archive_price(price_id, key),
        )

    def _product_saved(self, product: ProductDraft, product_id: str, entry: CatalogueEntry) -> CatalogueEntry:
        code = product.metadata["crm_code"]
        entry = replace(entry, product_id=product_id, content_hash=digest(product), name=product.name, code=code)
        self.save(replace(entry, state=SyncState.WAITING))
        return entry


HANDLERS: dict[str, Callable[..., CatalogueEntry]] = {
    "create": ServiceSync._create,
    "update": ServiceSync._update,
    "archive": ServiceSync._archive,
    "price": ServiceSync._price,
    "default": ServiceSync._default,
}
