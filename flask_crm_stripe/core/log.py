"""Who did what. The log, invoices and connections keep a person's ref only; the name is kept once, and read with it."""

from __future__ import annotations

from flask_crm_stripe.model.business import SYSTEM, Actor
from flask_crm_stripe.model.events import LogEntry
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock


def note(
    ledger: Ledger,
    actor: Actor,
    clock: Clock,
    action: str,
    target: str,
    outcome: str = "done",
    reason: str | None = None,
) -> None:
    """Add a line to the log, and remember what its actor is called. The software itself is nobody to remember."""
    now = clock.now()
    ledger.log.add(LogEntry(now, actor.ref, action, target, outcome, reason))
    if actor.ref != SYSTEM.ref:
        ledger.people.remember(actor.ref, actor.name, now)
