"""Invoices, lines, payments and timeline entries as rows, and rows as values.

Where a customer can be reached is part of a plan, and sealed: it is in no dump of the database.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.errors import SecretUnreadable
from flask_crm_stripe.model.codec import digest, from_plain, to_plain
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, InvoicePlan, Payment, Problem, Stage
from flask_crm_stripe.ports import records
from flask_crm_stripe.ports.runtime import Vault

CHANGING = (
    *("send", "total", "updated_at", "version", "status", "stripe_id", "number", "amount_paid", "amount_remaining"),
    *("due_date", "finalised_at", "sent_at", "paid_at", "voided_at", "fetched_at"),
    "freed",
)
# `told_version` is changed by a statement of its own.
FIXED = (
    *("id", "business", "account_id", "livemode", "contact_name", "currency", "created_by", "created_at"),
    "told_version",
)
PAYMENT = ("stripe_id", "method", "amount", "currency", "status", "at", "reason", "payment_intent", "refunded")
PERSONAL = ("email", "phone", "address")
ENTRY = ("at", "kind", "actor", "params", "event_id", "request_id", "object_id")


def new_invoice(invoice: Invoice, form_key: str, vault: Vault) -> dict[str, Any]:
    """All columns of a new invoice."""
    fixed = {name: getattr(invoice, name) for name in FIXED}
    return (
        fixed
        | changing_columns(invoice)
        | {
            "form_key": form_key,
            "contact_kind": invoice.contact.kind,
            "contact_ref": invoice.contact.ref,
            "plan_digest": digest(invoice.plan),
        }
        | plan_columns(to_plain(invoice.plan), vault)
    )


def plan_columns(plan: dict[str, Any], vault: Vault) -> dict[str, Any]:
    """A plan as it is stored: without what is personal, and that sealed beside it."""
    contact = plan["contact"]
    personal = json.dumps({name: contact[name] for name in PERSONAL}).encode()
    bare = {**plan, "contact": {**contact, **dict.fromkeys(PERSONAL)}}
    return {"plan": bare, "personal": vault.seal(personal), "key_id": vault.current}


def changing_columns(invoice: Invoice) -> dict[str, Any]:
    """The columns that a life of an invoice changes."""
    return {name: getattr(invoice, name) for name in CHANGING} | {
        "stage": invoice.stage.value,
        "problem": to_plain(invoice.problem),
        "search": records.search_text(invoice),
        "unfinished": records.is_unfinished(invoice),
    }


def new_lines(invoice_row: int, invoice: Invoice) -> list[dict[str, Any]]:
    """The lines of a plan, in the order of their billables: two who claim the same ones cannot wait in a circle."""
    rows = [
        {
            "invoice_row": invoice_row,
            "business": invoice.business,
            "livemode": invoice.livemode,
            "position": position,
            "key": line.key,
            "billable": line.billable or None,
            "source_kind": line.source.kind,
            "source_ref": line.source.ref,
            "service_ref": line.service,
            "net": line.net,
        }
        for position, line in enumerate(invoice.plan.lines)
    ]
    return sorted(rows, key=lambda row: (str(row["billable"]), row["position"]))


def invoice_of(row: sa.Row[Any], vault: Vault) -> Invoice:
    """A row as a value. What is personal of it and cannot be read is missing: the rest can be worked with."""
    given, plan, readable = row._mapping, row.plan, True
    if row.personal is not None:
        try:
            plan = {**plan, "contact": {**plan["contact"], **json.loads(vault.open(row.personal))}}
        except SecretUnreadable:
            readable = False
    return Invoice(
        **{name: given[name] for name in (*FIXED, *CHANGING)},
        contact=ContactRef(row.contact_kind, row.contact_ref),
        plan=from_plain(InvoicePlan, plan),
        contact_readable=readable,
        stage=Stage(row.stage),
        problem=from_plain(Problem, row.problem) if row.problem else None,
    )


def payment_columns(payment: Payment) -> dict[str, Any]:
    """What Stripe says of a payment."""
    return {name: getattr(payment, name) for name in PAYMENT}


def payment_of(row: sa.Row[Any]) -> Payment:
    """A row as a value."""
    return Payment(**{name: row._mapping[name] for name in PAYMENT})


def entry_columns(entry: TimelineEntry) -> dict[str, Any]:
    """A timeline entry as columns."""
    return {name: getattr(entry, name) for name in ENTRY}


def entry_of(row: sa.Row[Any]) -> TimelineEntry:
    """A row as a value."""
    return TimelineEntry(**{name: row._mapping[name] for name in ENTRY})


def released(connection: sa.Connection, invoice_row: int, now: datetime) -> None:
    """Let the billables of an invoice go."""
    lines = tables.invoice_line
    mine = (lines.c.invoice_row == invoice_row, lines.c.released_at.is_(None))
    connection.execute(sa.update(lines).where(*mine).values(released_at=now))
