"""Products and prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import stripe
from stripe.params import PriceCreateParams, ProductCreateParams, ProductListParams, ProductUpdateParams

from flask_crm_stripe.adapters.stripe.client import AccountCalls
from flask_crm_stripe.adapters.stripe.values import Made, made, plain, plain_number, request_id, some, thing
from flask_crm_stripe.errors import Refused
from flask_crm_stripe.model.catalogue import PriceDraft, ProductDraft
from flask_crm_stripe.model.connection import RemoteThing

MISSING = "resource_missing"
OURS = ("crm_installation", "crm_business", "crm_service")


class CatalogueCalls(AccountCalls):
    """A product's id is ours, so it cannot be made twice; a price never changes, so a new one takes over its key."""

    def create_product(self, draft: ProductDraft, key: str) -> Made:
        """Make the product; where its id exists already with our metadata, update it.

        Raises ``Refused`` (resource_already_exists) where the product there is not this service's.
        """
        params: ProductCreateParams = {
            "id": draft.id,
            "name": draft.name,
            "active": draft.active,
            "metadata": draft.metadata,
        }
        if draft.description:
            params["description"] = draft.description
        if draft.unit_label:
            params["unit_label"] = draft.unit_label
        try:
            return made(self.call(lambda: self.client.v1.products.create(params, self.options(key))))
        except Refused as refusal:
            if refusal.stripe_code != "resource_already_exists":
                raise
        return self._adopt(draft, f"{key}:adopt")

    def update_product(self, draft: ProductDraft, key: str) -> Made:
        """Bring name, description, unit, metadata and active up to date."""
        # "" clears a text at Stripe; leaving it out would keep the old one.
        params: ProductUpdateParams = {
            "name": draft.name,
            "active": draft.active,
            "description": draft.description,
            "unit_label": draft.unit_label,
            "metadata": draft.metadata,
        }
        return made(self.call(lambda: self.client.v1.products.update(draft.id, params, self.options(key))))

    def archive_product(self, product_id: str, key: str) -> Made:
        """active=false; a product that was ever offered is not deleted."""
        params: ProductUpdateParams = {"active": False}
        return made(self.call(lambda: self.client.v1.products.update(product_id, params, self.options(key))))

    def delete_product(self, product_id: str) -> None:
        """Delete a product that never had a price: Stripe refuses any other. Gone already counts as done."""
        try:
            self.call(lambda: self.client.v1.products.delete(product_id, None, self.options()))
        except Refused as refusal:
            if refusal.stripe_code != MISSING:
                raise

    def list_products(self, limit: int) -> tuple[RemoteThing, ...]:
        """Active products that the account has, newest first, at most ``limit``."""

        def page(after: str | None, size: int) -> stripe.ListObject[stripe.Product]:
            params: ProductListParams = {"limit": size, "active": True}
            if after:
                params["starting_after"] = after
            return self.call(lambda: self.client.v1.products.list(params, self.options()))

        return tuple(thing(row) for row in some(page, limit))

    def create_price(self, draft: PriceDraft, key: str) -> Made:
        """A new price that takes over the lookup key. Making it the product's default is a call of its own."""
        params: PriceCreateParams = {
            "product": draft.product_id,
            "currency": draft.currency,
            "lookup_key": draft.lookup_key,
            "transfer_lookup_key": True,
            "metadata": draft.metadata,
        }
        amount = Decimal(draft.amount)
        if amount == amount.to_integral_value():
            params["unit_amount"] = int(amount)
        else:
            params["unit_amount_decimal"] = cast(Decimal, plain_number(amount))
        return made(self.call(lambda: self.client.v1.prices.create(params, self.options(key))))

    def find_price(self, lookup_key: str, amount: str) -> Made | None:
        """The active price under the lookup key, if its amount (minor units, plain decimal) is the one given."""
        answer = self.call(
            lambda: self.client.v1.prices.list({"lookup_keys": [lookup_key], "active": True}, self.options())
        )
        found = next((row for row in map(plain, answer.data) if _amount(row) == Decimal(amount)), None)
        return Made(found["id"], request_id(answer)) if found else None

    def set_default_price(self, product_id: str, price_id: str, key: str) -> Made:
        """Make it the product's default price."""
        params: ProductUpdateParams = {"default_price": price_id}
        return made(self.call(lambda: self.client.v1.products.update(product_id, params, self.options(key))))

    def archive_price(self, price_id: str, key: str) -> Made:
        """active=false; a price is never deleted. Stripe may refuse this while it is the product's default."""
        return made(self.call(lambda: self.client.v1.prices.update(price_id, {"active": False}, self.options(key))))

    def _adopt(self, draft: ProductDraft, key: str) -> Made:
        existing = plain(self.call(lambda: self.client.v1.products.retrieve(draft.id, None, self.options())))
        theirs = existing.get("metadata") or {}
        if any(theirs.get(name) != draft.metadata.get(name) for name in OURS):
            raise Refused(
                f"At Stripe there is already a product {draft.id} that does not belong to this service. Nothing was "
                "changed. Archive or rename it in the Stripe dashboard, or ask whoever runs the CRM.",
                stripe_code="resource_already_exists",
                param="id",
            )
        return self.update_product(draft, key)


def _amount(price: dict[str, Any]) -> Decimal | None:
    exact = price.get("unit_amount_decimal")
    if exact is None:
        exact = price.get("unit_amount")
    return None if exact is None else Decimal(str(exact))
