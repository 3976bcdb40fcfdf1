"""Short ways to credit notes and refunds of the unit ring's first business."""

from __future__ import annotations

import itertools
from dataclasses import replace

from flask_crm_stripe.core.credit_outlook import CREDIT, CreditSums
from flask_crm_stripe.core.crediting import Choice
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor
from flask_crm_stripe.model.credits import Credit
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.testing.memory_provider import MemoryProvider
from tests.core.world import World

MARA = Actor("2", "Mara", ALL_PERMISSIONS, session="login-2")
WHY = "Half of it was a mistake"
PRESSES = itertools.count(1)
LINE = 2102_50
"""Of each of the two lines, before VAT."""


def shop(world: World) -> MemoryProvider:
    """The first business's account."""
    return world.shops["hp"]


def pay(world: World, invoice: Invoice, amount: int | None = None) -> Invoice:
    """The customer pays, and we know it."""
    shop(world).pay(invoice.stripe_id or "", amount)
    return world.billing().invoicing.refresh(invoice.id)


def credit(
    world: World,
    invoice: Invoice,
    choice: Choice | None = None,
    *,
    kind: str = CREDIT,
    actor: Actor = MARA,
    form_key: str = "",
    seen: str | None = None,
) -> Credit:
    """By a person of the first business; each time another press, unless the key says otherwise."""
    key = form_key or f"credit-{next(PRESSES)}"
    return world.billing(actor=actor).credits.do(kind, invoice.id, choice or Choice(), WHY, form_key=key, seen=seen)


def sums(world: World, invoice: Invoice) -> CreditSums:
    """What was credited and went back."""
    return world.billing().credits.sums(invoice.id)


def again(world: World, invoice: Invoice) -> Invoice:
    """As it is now."""
    return world.billing().invoicing.get(invoice.id)


def told(world: World, invoice: Invoice, kind: str) -> list[TimelineEntry]:
    """The sentences of a kind."""
    return [entry for entry in world.billing().ledger.invoices.timeline(invoice.id) if entry.kind == kind]


def asked(world: World, method: str) -> int:
    """How often Stripe was asked."""
    return sum(call.method == method for call in shop(world).calls)


def deliver(world: World, invoice: Invoice, kind: str, number: int = 1) -> None:
    """Stripe tells of it, and it is applied."""
    event = world.event(invoice, kind, number)
    if not kind.startswith(("invoice.", "credit_note.")):
        event = replace(event, invoice_id=None, object_id=f"re_{number}", payment_intent=f"pi_{invoice.stripe_id}")
    world.inbox.receive(event)
    world.clock.advance(minutes=1)
    world.upkeep.round()
