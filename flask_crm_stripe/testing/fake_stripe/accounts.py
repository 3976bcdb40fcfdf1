"""What happens to an account at Stripe: its owner or Stripe changes it, Stripe rejects it, the business closes it.

A change says `account.updated` with what was there before, and `capability.updated` for every capability whose status
changed. Nothing follows from anything here: flags, requirements and capabilities are what they were set to.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

from . import merging, shapes
from .desk import Desk
from .resources.common import changes
from .state import Obj, World

UNREQUESTED = "unrequested"


def update(world: World, account_id: str, fields: Mapping[str, Any]) -> Obj:
    """Merge these fields into the account and say what changed; nothing is said when nothing did. ValueError for a
    field that cannot be. A capability that is set to None is one that the account no longer asks for."""
    before = living(world, account_id)
    after = merging.merged("account", before, fields, merging.FIXED_ON_ACCOUNT)
    after["capabilities"] = {name: status for name, status in after["capabilities"].items() if status is not None}
    previous = changes(before, after)
    if not previous:
        return before
    world.accounts[account_id] = after
    world.emit("account.updated", after, account_id, previous)
    for name in sorted(before["capabilities"].keys() | after["capabilities"].keys()):
        old, new = (each["capabilities"].get(name, UNREQUESTED) for each in (before, after))
        if old != new:
            world.emit("capability.updated", capability(after, name, new), account_id, {"status": old})
    return after


def reject(world: World, account_id: str, reason: str = "fraud") -> Obj:
    """Stripe ends its business with the account: no charges, no payouts, `rejected.<reason>`. The API goes on answering
    for it. ValueError for a reason that Stripe does not have."""
    reasons = [word.removeprefix("rejected.") for word in _disabled_reasons() if word.startswith("rejected.")]
    if reason not in reasons:
        raise ValueError(f"reason is {reason!r}; it must be one of {', '.join(reasons)}.")
    requirements = {"disabled_reason": f"rejected.{reason}"}
    off = {"charges_enabled": False, "payouts_enabled": False}
    return update(world, account_id, {**off, "requirements": requirements})


def close(desk: Desk, account_id: str) -> None:
    """The business closes its account: every platform hears that it is disconnected, and nothing reaches it any more.
    ValueError for a platform's own account."""
    world = desk.world
    account = living(world, account_id)
    if any(platform.account_id == account_id for platform in world.platforms):
        raise ValueError(f"{account_id} is a platform's own account. Only the account of a business is closed.")
    desk.revoke(account_id)
    world.accounts[account_id] = account | {"charges_enabled": False, "payouts_enabled": False}
    world.closed.add(account_id)


def living(world: World, account_id: str) -> Obj:
    """The account, unless it is closed. ValueError where there is none."""
    account = world.account(account_id)
    if account is None:
        raise ValueError(f"There is no account {account_id!r}.")
    if account_id in world.closed:
        raise ValueError(f"The account {account_id} is closed.")
    return account


def capability(account: Obj, name: str, status: str) -> Obj:
    """The capability of this name in full, with the requirements of its account."""
    due = shapes.nested_blank("capability", "requirements")
    due |= {key: value for key, value in account["requirements"].items() if key in due}
    due["disabled_reason"] = None if status == "active" else _why_disabled(account["requirements"])
    return shapes.blank("capability") | {
        "id": name,
        "account": account["id"],
        "future_requirements": shapes.nested_blank("capability", "future_requirements") | {"alternatives": []},
        "requested": status != UNREQUESTED,
        "requested_at": None if status == UNREQUESTED else account["created"],
        "requirements": due,
        "status": status,
    }


def _why_disabled(requirements: Obj) -> str:
    # A capability has other words than its account for the same things.
    if (requirements["disabled_reason"] or "").startswith("rejected."):
        return "rejected.other"
    return "requirements.fields_needed" if requirements["currently_due"] or requirements["past_due"] else "other"


def _disabled_reasons() -> tuple[str, ...]:
    requirements = next(iter(shapes.options(shapes.declared(shapes.resource_class("account"))["requirements"])))
    literal = next(iter(shapes.options(shapes.declared(requirements)["disabled_reason"])))
    return typing.get_args(literal)
