"""Records of connections, invoices and payments for the unit ring."""

from __future__ import annotations

from datetime import UTC, datetime

from flask_crm_stripe.model.connection import Account, Connection, ConnectionKind, ConnectionState
from flask_crm_stripe.model.invoices import Invoice, Payment, Stage
from tests.core.samples import ZONEN, a_plan

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def an_invoice(**given: object) -> Invoice:
    """A draft that Stripe has."""
    values: dict[str, object] = {
        "id": "a" * 32,
        "business": "hp",
        "account_id": "acct_1",
        "livemode": False,
        "contact": ZONEN.ref,
        "contact_name": ZONEN.name,
        "currency": "eur",
        "plan": a_plan(),
        "stage": Stage.CHECKED,
        "send": True,
        "total": a_plan().total,
        "created_by": "1",
        "created_at": NOON,
        "updated_at": NOON,
        "status": "draft",
        "stripe_id": "in_1",
    }
    return Invoice(**(values | given))  # type: ignore[arg-type]


def a_connection(**given: object) -> Connection:
    """Live, with an account that is well."""
    account = Account("acct_1", "One", "NL", "eur", NOON, True, True, True, checked_at=NOON)
    values: dict[str, object] = {
        "id": "c" * 32,
        "business": "hp",
        "account": account,
        "livemode": False,
        "kind": ConnectionKind.OAUTH,
        "state": ConnectionState.LIVE,
        "fingerprint": "host.database.key",
        "scope": "read_write",
        "connected_by": "1",
        "connected_at": NOON,
    }
    return Connection(**(values | given))  # type: ignore[arg-type]


def a_payment(**given: object) -> Payment:
    """A card that paid."""
    values: dict[str, object] = {
        "stripe_id": "ch_1",
        "method": "Card ending 4242",
        "amount": a_plan().total,
        "currency": "eur",
        "status": "succeeded",
        "at": NOON,
        "payment_intent": "pi_1",
    }
    return Payment(**(values | given))  # type: ignore[arg-type]
