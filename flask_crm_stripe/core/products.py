"""What a service should be at Stripe, and what has to change to get there. Pure functions.

Prices at Stripe never change their amount: a changed one is a new price that takes over the lookup key, becomes the
product's default, and only then is the old one archived. Products are archived, never deleted, so that invoice history
stays whole. https://docs.stripe.com/products-prices/manage-prices
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal

from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.catalogue import CatalogueEntry, Change, PriceDraft, ProductDraft, SyncState
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.crm import Service
from flask_crm_stripe.model.money import exponent, normalise_currency, step

NAME_LIMIT = 250
TEXT_LIMIT = 5000
UNIT_LIMIT = 12
LARGEST_AMOUNT = 999_999_999_999


@dataclass(frozen=True, slots=True)
class Wanted:
    """The target: one product, one price per currency, and which currency is the product's default."""

    product: ProductDraft
    prices: tuple[PriceDraft, ...]
    default_currency: str | None

    def price(self, currency: str) -> PriceDraft:
        """The price in this currency."""
        return next(price for price in self.prices if price.currency == currency)


def wanted(
    service: Service, installation: str, business: str, home_currency: str = "", adopted: str | None = None
) -> Wanted:
    """The service in Stripe's terms; ``adopted`` is a product that the account had before and that a person chose for
    it. Raises ``InvalidInput`` naming the field that Stripe could not take."""
    if service.problem:
        raise InvalidInput("service", service.problem)
    if not service.name.strip():
        raise InvalidInput("name", "The service has no name. Give it one in the CRM.")
    ids = {"crm_installation": installation, "crm_business": business, "crm_service": service.ref}
    product = ProductDraft(
        id=adopted or product_id(installation, business, service.ref),
        name=service.name.strip()[:NAME_LIMIT],
        description=service.description.strip()[:TEXT_LIMIT],
        active=True,
        unit_label=service.unit if len(service.unit) <= UNIT_LIMIT else "",
        metadata={**ids, "crm_code": service.code[:500]},
    )
    prices = tuple(
        PriceDraft(product.id, currency, amount, f"{product.id}_{currency}", ids)
        for currency, amount in sorted(price_amount(*price) for price in service.prices)
    )
    currencies = [price.currency for price in prices]
    default = home_currency if home_currency in currencies else next(iter(currencies), None)
    return Wanted(product, prices, default)


def product_id(installation: str, business: str, service: str) -> str:
    """Ours and deterministic: making the same product twice is impossible."""
    text = "\0".join((installation, business, service))
    return f"crm_{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def price_amount(currency: str, amount: Decimal) -> tuple[str, str]:
    """(currency, minor units as plain decimal text). Raises ``InvalidInput`` for what Stripe would not take."""
    try:
        code = normalise_currency(currency)
    except ValueError as error:
        raise InvalidInput("prices", str(error)) from None
    if not amount.is_finite() or amount < 0:
        raise InvalidInput("prices", f"The {code.upper()} price is not a number from zero up. Correct it in the CRM.")
    minor = amount.scaleb(exponent(code))
    if step(code) > 1 and minor % step(code):
        raise InvalidInput("prices", f"The {code.upper()} price has more decimals than Stripe takes for this currency.")
    if minor != round(minor, 12) or minor > LARGEST_AMOUNT:
        raise InvalidInput("prices", f"The {code.upper()} price is too long or too large for Stripe.")
    return code, plain(minor)


def plain(number: Decimal) -> str:
    """Digits without exponent and without trailing zeros: Stripe reads ``1E+3`` as an error."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def changes(target: Wanted | None, entry: CatalogueEntry | None) -> list[Change]:
    """The steps from what Stripe has to what it should have, in order. ``target`` None: the service is gone."""
    if target is None:
        return _farewell(entry)
    planned = _product_changes(target, entry)
    planned += _price_changes(target, entry)
    return planned


def _farewell(entry: CatalogueEntry | None) -> list[Change]:
    if entry is None or entry.product_id is None or entry.content_hash == "":
        return []
    return [Change(entry.service, entry.name, "archive")]


def _product_changes(target: Wanted, entry: CatalogueEntry | None) -> list[Change]:
    service, name = target.product.metadata["crm_service"], target.product.name
    if entry is None or entry.product_id is None:
        return [Change(service, name, "create")]
    if entry.content_hash == digest(target.product):
        return []
    return [Change(service, name, "update", before=entry.name, after=name)]


def _price_changes(target: Wanted, entry: CatalogueEntry | None) -> list[Change]:
    service, name = target.product.metadata["crm_service"], target.product.name
    known = {price.currency: price for price in entry.prices} if entry else {}
    new, old = [], []
    for price in target.prices:
        before = known.pop(price.currency, None)
        if before is None or before.amount != price.amount:
            new.append(Change(service, name, "price", price.currency, before.amount if before else None, price.amount))
            old += [before] if before else []
    old += known.values() if target.prices else []
    archived = [Change(service, name, "archive_price", price.currency, before=price.price_id) for price in old]
    moved = archived or any(change.currency == target.default_currency for change in new)
    default = [Change(service, name, "default", target.default_currency)] if moved and target.prices else []
    return new + default + archived


def archived_entry(entry: CatalogueEntry) -> CatalogueEntry:
    """The memory of a service that is gone. An empty hash says that Stripe has it archived."""
    return CatalogueEntry(entry.service, entry.name, entry.code, SyncState.ARCHIVED, entry.product_id, "", entry.prices)
