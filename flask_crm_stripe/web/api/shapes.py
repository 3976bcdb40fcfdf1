"""From our values to the objects of the answers. Every amount carries its currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from flask_crm_stripe.core.catalogue import ServiceRow, SyncReport
from flask_crm_stripe.core.connection import Health
from flask_crm_stripe.core.credit_outlook import CreditSums
from flask_crm_stripe.core.foreseen import foreseen
from flask_crm_stripe.model.approvals import Approval
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.connection import Account, ConnectionState
from flask_crm_stripe.model.credits import Credit, CreditStage, Refund
from flask_crm_stripe.model.crm import Contact, SourceRef
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, InvoicePlan, Payment, PlanLine, Problem, VatTotal
from flask_crm_stripe.model.money import to_major
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.web.formats import masked
from flask_crm_stripe.web.sentences import invoice_word

Shape = dict[str, Any]


def money(minor: int, currency: str) -> Shape:
    """An amount."""
    return {"minor": minor, "currency": currency, "decimal": to_major(minor, currency)}


def price(major: Decimal, currency: str) -> Shape:
    """A price of one unit."""
    return {"currency": currency, "decimal": major}


def mode(livemode: bool) -> str:
    """``live`` where real money moves."""
    return "live" if livemode else "test"


def connection(health: Health, livemode: bool, is_copy: bool) -> Shape:
    """The answer to "can money come in"."""
    found = health.connection
    ended = found is not None and found.state is ConnectionState.ENDED
    return {
        "state": health.state,
        "headline": health.headline,
        "detail": health.detail,
        "mode": mode(livemode),
        "account": account(found.account) if found else None,
        "connected_at": found.connected_at if found else None,
        "ended_at": found.ended_at if found and ended else None,
        "last_event_at": health.last_event_at,
        "waiting_events": health.waiting_events,
        "failed_events": health.failed_events,
        "wanted": list(health.diagnosis.wanted),
        "is_copy": is_copy,
    }


def account(found: Account) -> Shape:
    """Stripe's account."""
    return {
        "id": found.id,
        "name": found.name,
        "country": found.country,
        "default_currency": found.default_currency,
        "charges_enabled": found.charges_enabled,
        "payouts_enabled": found.payouts_enabled,
        "requirements": list(found.requirements),
        "requirements_deadline": found.requirements_deadline,
        "upcoming": list(found.upcoming),
        "verifying": list(found.verifying),
        "disabled_reason": found.disabled_reason,
        "capabilities": found.capabilities,
        "currencies": list(found.currencies),
        "tax": found.tax.status,
        "checked_at": found.checked_at,
    }


def service(row: ServiceRow) -> Shape:
    """A service; of one that the CRM no longer has, what we remember."""
    known, entry = row.service, row.entry
    return {
        "ref": known.ref if known else entry.service if entry else "",
        "code": known.code if known else entry.code if entry else "",
        "name": known.name if known else entry.name if entry else "",
        "active": known is not None and known.active,
        "vat_rate": known.vat_rate if known else None,
        "prices": [price(amount, currency) for currency, amount in known.prices] if known else [],
        "state": row.state,
        "reason": row.reason,
        "product_id": entry.product_id if entry else None,
        "synced_at": entry.synced_at if entry else None,
    }


def sync_report(report: SyncReport) -> Shape:
    """What a sync did."""
    failed = [{"service": name, "reason": reason} for name, reason in report.failed]
    return {"done": report.done, "unchanged": report.unchanged, "failed": failed}


def source(ref: SourceRef) -> Shape:
    """Where work comes from."""
    return {"kind": ref.kind, "ref": ref.ref}


def contact(found: Contact, *, personal: bool) -> Shape:
    """Who pays, as the plan has them; the address whole where ``personal`` data may be seen."""
    email = found.email if personal or not found.email else masked(found.email)
    return {"kind": found.ref.kind, "ref": found.ref.ref, "name": found.name, "email": email}


def previewed(plan: InvoicePlan, *, personal: bool) -> Shape:
    """A plan and its digest."""
    return {**plan_shape(plan, personal=personal), "foreseen": foreseen(plan), "seen": digest(plan)}


def plan_shape(plan: InvoicePlan, *, personal: bool) -> Shape:
    """Every figure of an invoice."""
    currency = plan.currency
    return {
        "contact": contact(plan.contact, personal=personal),
        "currency": currency,
        "lines": [line(each, currency) for each in plan.lines],
        "vat_totals": [vat_total(each, currency) for each in plan.vat_totals],
        "subtotal": money(plan.subtotal, currency),
        "discount_percent": plan.discount_percent,
        "discount": money(plan.discount, currency),
        "vat": money(plan.vat, currency),
        "total": money(plan.total, currency),
        "vat_rounding": plan.vat_rounding.value,
        "footer": plan.footer,
        "days_until_due": plan.days_until_due,
        "delivery": plan.delivery.value,
        "order_number": plan.order_number,
        "note": plan.note,
        "deposit_percent": plan.deposit_percent,
    }


def line(found: PlanLine, currency: str) -> Shape:
    """A line with all that leads to its amount."""
    return {
        "key": found.key,
        "billable": "" if found.deducts else found.billable,
        "source": source(found.source),
        "service": found.service,
        "code": found.code,
        "description": found.description,
        "quantity": found.quantity,
        "unit": found.unit,
        "unit_price": price(found.unit_price, currency),
        "list_price": None if found.list_price is None else price(found.list_price, currency),
        "discount_percent": found.discount_percent,
        "discount": money(found.discount, currency),
        "amount": money(found.amount, currency),
        "share": money(found.share, currency),
        "net": money(found.net, currency),
        "vat_rate": found.vat_rate,
        "vat_kind": found.vat_kind.value,
        "vat_included": found.vat_included,
        "vat": money(found.vat, currency),
        "service_from": found.service_from,
        "service_to": found.service_to,
        "deducts": found.deducts,
    }


def vat_total(found: VatTotal, currency: str) -> Shape:
    """VAT of one rate."""
    base, vat = money(found.base, currency), money(found.vat, currency)
    return {"rate": found.rate, "kind": found.kind.value, "included": found.included, "base": base, "vat": vat}


def invoices(page: Page[Invoice], *, personal: bool) -> Shape:
    """A page of them."""
    rows = [invoice_row(each, personal=personal) for each in page.rows]
    return {"invoices": rows, "newer": page.newer, "older": page.older}


def invoice_row(found: Invoice, *, personal: bool) -> Shape:
    """An invoice in a list."""
    return {
        "id": found.id,
        "number": found.number,
        "status": invoice_word(found),
        "stage": found.stage.value,
        "version": found.version,
        "mode": mode(found.livemode),
        "account_id": found.account_id,
        "stripe_id": found.stripe_id,
        "contact": contact(found.plan.contact, personal=personal),
        "sources": [source(each) for each in found.plan.sources],
        "currency": found.currency,
        "total": money(found.total, found.currency),
        "amount_paid": money(found.amount_paid, found.currency),
        "amount_remaining": money(found.amount_remaining, found.currency),
        "due_date": found.due_date,
        "problem": problem(found.problem) if found.problem else None,
        **moments(found),
    }


def moments(found: Invoice) -> Shape:
    """When what happened."""
    names = ("created_at", "updated_at", "finalised_at", "sent_at", "paid_at", "voided_at")
    return {name: getattr(found, name) for name in names}


def problem(found: Problem) -> Shape:
    """Why it stands still."""
    differences = [{"what": each.what, "ours": each.ours, "theirs": each.theirs} for each in found.differences]
    return {"code": found.code, "message": found.message, "differences": differences}


def invoice(
    found: Invoice, payments: Sequence[Payment], sums: CreditSums, timeline: Sequence[Shape], *, personal: bool
) -> Shape:
    """An invoice with everything; ``timeline`` is what happened, in the shape of ``happened``."""
    return {
        **invoice_row(found, personal=personal),
        "plan": plan_shape(found.plan, personal=personal),
        "payments": [payment(each) for each in payments],
        "credited": money(sums.credited, found.currency),
        "refunded": money(sums.refunded, found.currency),
        "not_arrived": money(sums.lost, found.currency),
        "credit_notes": [credit_note(each) for each in sums.credits if each.stage is not CreditStage.GIVEN_UP],
        "refunds": [refund(each) for each in sums.refunds],
        "timeline": list(timeline),
    }


def credit_note(found: Credit) -> Shape:
    """A credit note."""
    currency, names = found.plan.currency, ("id", "number", "stripe_id", "created_by", "issued_at", "replacement")
    return {name: getattr(found, name) for name in names} | {
        "status": found.stage.value,
        "total": money(found.total, currency),
        "vat": money(found.vat, currency),
        "reason": found.plan.reason,
        "frees": found.plan.frees,
        "problem": found.problem,
    }


def refund(found: Refund) -> Shape:
    """Money that went back."""
    names = ("stripe_id", "status", "at", "reason", "payment_intent")
    return {name: getattr(found, name) for name in names} | {"amount": money(found.amount, found.currency)}


def payment(found: Payment) -> Shape:
    """An attempt to pay."""
    return {
        "stripe_id": found.stripe_id,
        "payment_intent": found.payment_intent,
        "method": found.method,
        "amount": money(found.amount, found.currency),
        "refunded": money(found.refunded, found.currency),
        "status": found.status,
        "at": found.at,
        "reason": found.reason,
    }


def approvals(page: Page[Approval]) -> Shape:
    """A page of requests."""
    return {"approvals": [approval(each) for each in page.rows], "newer": page.newer, "older": page.older}


def approval(found: Approval) -> Shape:
    """A request for a second person."""
    kind, _, key = found.subject.partition(":")
    return {
        "id": found.id,
        "kind": found.kind,
        "state": found.state.value,
        "invoice": key if kind == "invoice" else None,
        "permission": found.permission,
        "amount": money(found.amount, found.currency) if kind == "invoice" else None,
        "what": found.details.get("what", found.kind),
        "reason": found.reason,
        "asked_by": found.asked_by,
        "asked_at": found.asked_at,
        "decided_by": found.decided_by or None,
        "decided_at": found.decided_at,
        "decision": found.decision or None,
    }


def happened(entry: TimelineEntry, words: Markup, names: Mapping[str, str]) -> Shape:
    """An entry of the history. The sentence is plain text here: markup is for our own pages."""
    return {
        "at": entry.at,
        "kind": entry.kind,
        "text": words.striptags(),
        "actor": entry.actor,
        "actor_name": names.get(entry.actor or "") or None,
        "params": dict(entry.params),
        "event_id": entry.event_id,
        "request_id": entry.request_id,
    }
