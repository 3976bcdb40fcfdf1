"""The tax settings of an account: pending until it says where its head office is. Its owner sets them at Stripe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import accounts, merging
from .resources.common import changes
from .state import Obj, World

KIND = "tax.settings"
FIXED = frozenset(("object", "livemode", "status", "status_details"))
"""What follows from the rest."""


def settings(world: World, account_id: str) -> Obj:
    """The settings as they are: the stored object, or a fresh one that is not stored."""
    return world.store(account_id)[KIND].get(KIND) or _fresh(world)


def update(world: World, account_id: str, fields: Mapping[str, Any]) -> Obj:
    """Merge `defaults` and `head_office`, and say `tax.settings.updated` if something changed. ValueError for what
    cannot be; a head office that is set cannot be taken away [SDK]."""
    accounts.living(world, account_id)
    before = settings(world, account_id)
    after = _judged(merging.merged(KIND, before, fields, FIXED))
    previous = changes(before, after)
    if previous:
        world.store(account_id)[KIND][KIND] = after
        world.emit("tax.settings.updated", after, account_id, previous)
    return after


def _fresh(world: World) -> Obj:
    shape = world.blank(KIND)
    shape["defaults"] |= {"provider": "stripe"}
    return _judged(shape)


def _judged(shape: Obj) -> Obj:
    # Only the entry of the status that holds is there, as in Stripe's own examples.
    office = shape["head_office"]
    if office is None:
        return shape | {"status": "pending", "status_details": {"pending": {"missing_fields": ["head_office"]}}}
    if not office["address"]["country"]:
        raise ValueError("head_office.address.country is missing.")
    return shape | {"status": "active", "status_details": {"active": {}}}
