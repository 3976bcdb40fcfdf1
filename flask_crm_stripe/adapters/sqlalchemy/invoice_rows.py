"""Invoices, lines, payments and timeline entries as rows, and rows as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.model.codec import digest, from_plain, to_plain
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, InvoicePlan, Payment, Problem, Stage
from flask_crm_stripe.ports import records

CHANGING = (
    *("send", "total", "updated_at", "version", "status", "stripe_id", "number", "amount_paid", "amount_remaining"),
    *("due_date", "finalised_at", "sent_at", "paid_at", "voided_at", "fetched_at"),
)
# `told_version` is changed by a statement of its own.
FIXED = (
    *("id", "business", "account_id", "livemode", "contact_name", "currency", "created_by", "created_at"),
    "told_version",
)
PAYMENT = ("stripe_id", "method", "amount", "currency", "status", "at", "reason", "payment_intent")
ENTRY = ("at", "kind", "actor", "params", "event_id", "request_id", "object_id")


def new_invoice(invoice: Invoice, form_key: str) -> dict[str, Any]:
    """All columns of a new invoice."""
    fixed = {name: getattr(invoice, name) for name in FIXED}
    return (
        fixed
        | changing_columns(invoice)
        | {
            "form_key": form_key,
            "contact_kind": invoice.contact.kind,
            "contact_ref": invoice.contact.ref,
            "plan": to_plain(invoice.plan),
            "plan_digest": digest(invoice.plan),
        }
    )


def changing_columns(invoice: Invoice) -> dict[str, Any]:
    """The columns that a life of an invoice changes."""
    return {name: getattr(invoice, name) for name in CHANGING} | {
        "stage": invoice.stage.value,
        "problem": to_plain(invoice.problem),
        "search": records.search_text(invoice),
        "unfinished": records.is_unfinished(invoice),
    }


def new_lines(invoice_row: int, business: str, plan: InvoicePlan) -> list[dict[str, Any]]:
    """The lines of a plan, in the order of their billables: two who claim the same ones cannot wait in a circle."""
    rows = [
        {
            "invoice_row": invoice_row,
            "business": business,
            "position": position,
            "key": line.key,
            "billable": line.billable or None,
            "source_kind": line.source.kind,
            "source_ref": line.source.ref,
            "service_ref": line.service,
            "net": line.net,
        }
        for position, line in enumerate(plan.lines)
    ]
    return sorted(rows, key=lambda row: (str(row["billable"]), row["position"]))


def invoice_of(row: sa.Row[Any]) -> Invoice:
    """A row as a value."""
    given = row._mapping
    return Invoice(
        **{name: given[name] for name in (*FIXED, *CHANGING)},
        contact=ContactRef(row.contact_kind, row.contact_ref),
        plan=from_plain(InvoicePlan, row.plan),
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
