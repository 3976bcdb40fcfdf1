"""The buttons on the dashboard: what people who try the demo let happen to an account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import flask

from . import accounts, refunds
from .desk import Desk
from .state import Obj, World

DOCUMENT = "individual.verification.document"
WEEK = 7 * 24 * 3600


@dataclass(frozen=True)
class Deed:
    """One button: its words, what it does to the account, and whether it ends something."""

    words: str
    act: Callable[[Desk, str], Any]
    ends: bool = False


def _ask(desk: Desk, account_id: str) -> None:
    due = {"currently_due": [DOCUMENT], "current_deadline": desk.world.now() + WEEK}
    accounts.update(desk.world, account_id, {"requirements": due})


def _pause(desk: Desk, account_id: str) -> None:
    late = {"currently_due": [DOCUMENT], "past_due": [DOCUMENT], "current_deadline": None}
    due = late | {"disabled_reason": "requirements.past_due"}
    accounts.update(desk.world, account_id, {"charges_enabled": False, "requirements": due})


def _heal(desk: Desk, account_id: str) -> None:
    lists = ("alternatives", "currently_due", "errors", "eventually_due", "past_due", "pending_verification")
    due: Obj = {"current_deadline": None, "disabled_reason": None} | {name: [] for name in lists}
    on = {"charges_enabled": True, "payouts_enabled": True}
    accounts.update(desk.world, account_id, {**on, "requirements": due})


def _disconnect(desk: Desk, account_id: str) -> None:
    desk.revoke(account_id)


def _reject(desk: Desk, account_id: str) -> None:
    accounts.reject(desk.world, account_id)


def _fail_refund(desk: Desk, account_id: str) -> None:
    refund = refunds.latest_living(desk.world, account_id)
    if refund:
        refunds.fail(desk.world, account_id, refund["id"])


DEEDS = {
    "document": Deed("Ask for a document, due in a week", _ask),
    "pause": Deed("Pause payments", _pause),
    "well": Deed("All is well again", _heal),
    "disconnect": Deed("Disconnect the CRM", _disconnect, ends=True),
    "reject": Deed("Reject the account", _reject, ends=True),
    "fail_refund": Deed("Let the newest refund fail", _fail_refund, ends=True),
}
"""By their name in the address."""


def do(desk: Desk, account_id: str, name: str) -> None:
    """Let it happen. 404 for an account or a button that is not there, 409 for one that this account has not now."""
    deed = DEEDS.get(name)
    if deed is None or account_id not in desk.world.accounts:
        flask.abort(404)
    if name not in offered(desk.world, account_id):
        flask.abort(409, "This cannot happen to the account now. Go back and load the page again.")
    deed.act(desk, account_id)


def offered(world: World, account_id: str) -> dict[str, Deed]:
    """The buttons of an account: none for a platform's own or a closed one, Disconnect only where connected, the one
    for refunds only where one can fail."""
    if account_id in world.closed or any(each.account_id == account_id for each in world.platforms):
        return {}
    connected = any(account_id in each.connected for each in world.platforms)
    possible = {"disconnect": connected, "fail_refund": refunds.latest_living(world, account_id) is not None}
    return {name: deed for name, deed in DEEDS.items() if possible.get(name, True)}


def news(account: Obj) -> list[str]:
    """What is not as it should be with an account, a line for each thing."""
    needs = account["requirements"]
    deadline = needs["current_deadline"]
    day = f" by {datetime.fromtimestamp(deadline, UTC):%Y-%m-%d}" if deadline else ""
    late = list(needs["past_due"])
    flags = (("charges_enabled", "Payments are off."), ("payouts_enabled", "Payouts are off."))
    return [
        *(words for name, words in flags if not account[name]),
        *(f"Past due: {each}" for each in late),
        *(f"Due{day}: {each}" for each in needs["currently_due"] if each not in late),
        *([f"Reason: {needs['disabled_reason']}"] if needs["disabled_reason"] else []),
    ]
