"""The operations on the pages' own use cases: same rights, same rules, same words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import url_for
from flask_wtf.csrf import generate_csrf

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.errors import Conflict, InvalidInput, NotFound
from flask_crm_stripe.model.business import DRAFT, SYNC, VIEW_PERSONAL
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.invoices import Delivery, Invoice, InvoiceFilter
from flask_crm_stripe.web.api import shapes
from flask_crm_stripe.web.api.operations import KEY_HEADER, Given, Reply
from flask_crm_stripe.web.books import chosen_books
from flask_crm_stripe.web.context import calls_stripe
from flask_crm_stripe.web.page import contact_of, source_of, tools
from flask_crm_stripe.web.people import names_of
from flask_crm_stripe.web.security import CSRF_HEADERS
from flask_crm_stripe.web.sentences import sentence
from flask_crm_stripe.web.terms import FIELDS, form_of_settings


class KeyReused(Conflict):
    """One Idempotency-Key for two different invoices."""

    code = "key_reused"

    def __init__(self, invoice_id: str) -> None:
        self.invoice_id = invoice_id
        super().__init__(
            "This Idempotency-Key made another invoice before, so nothing was made. Use a new key for a new invoice.",
            field=KEY_HEADER,
        )


def csrf(billing: Billing, given: Given) -> Reply:
    """The token of this login."""
    return Reply({"csrf_token": generate_csrf(), "header": CSRF_HEADERS[0]})


def connection(billing: Billing, given: Given) -> Reply:
    """Whether money can come in, from what we last heard."""
    health = billing.connection.health()
    return Reply(shapes.connection(health, billing.livemode, billing.environment.is_copy))


def services(billing: Billing, given: Given) -> Reply:
    """Every service."""
    return Reply({"services": [shapes.service(row) for row in billing.catalogue.rows()]})


@calls_stripe
def sync_services(billing: Billing, given: Given) -> Reply:
    """Bring services in step. One that is not of this business is not there, and then nothing is sent."""
    refs = given.body.get("refs")
    billing.rights.require(SYNC, "send services to Stripe")
    if refs is not None:
        known = {shapes.service(row)["ref"] for row in billing.catalogue.rows()}
        if not known.issuperset(refs):
            raise NotFound("service")
    return Reply(shapes.sync_report(billing.catalogue.sync(refs)))


def preview(billing: Billing, given: Given) -> Reply:
    """Every figure, before anything is sent."""
    where = _where(given)
    with _paths():
        plan = billing.invoicing.preview(where, given.body["billables"], _terms(billing, where, given.body))
    return Reply(shapes.previewed(plan, personal=_personal(billing)))


@calls_stripe
def make_invoice(billing: Billing, given: Given) -> Reply:
    """Make what was previewed. A repeat lands on what its key made, and goes on where that was interrupted."""
    billing.rights.require(DRAFT, "make invoices")
    where, body = _where(given), given.body
    earlier = billing.ledger.invoices.by_form_key(given.key)
    if earlier is not None and not _same(earlier, where, body):
        raise KeyReused(earlier.id)
    with _paths():
        made = billing.invoicing.generate(
            where,
            body["billables"],
            _terms(billing, where, body),
            seen=body["seen"],
            form_key=given.key,
            send=body["send"],
        )
    return told(billing, made, 200 if earlier else 201)


def invoices(billing: Billing, given: Given) -> Reply:
    """A page of the list."""
    asked = given.query
    f, _ = tools(billing)
    chosen = InvoiceFilter(
        text=asked.get("text", ""),
        status=asked.get("status", ""),
        due=asked.get("due", ""),
        currency=asked.get("currency", "").lower(),
        source=source_of(asked.get("source", "")),
        contact=contact_of(asked.get("contact", "")),
        today=f.today,
        books=chosen_books(billing, asked),
    )
    page = billing.ledger.invoices.page(chosen, asked.get("cursor"), asked["limit"])
    if _personal(billing) and page.rows:
        billing.log.seen("invoices.see_personal", "invoices")
    return Reply(shapes.invoices(page, personal=_personal(billing)))


def invoice(billing: Billing, given: Given) -> Reply:
    """One invoice, as we last heard."""
    return told(billing, billing.invoicing.get(given.path["invoice_id"]))


@calls_stripe
def send_invoice(billing: Billing, given: Given) -> Reply:
    """Bring a draft, or one that stands still, to its end."""
    return told(billing, billing.invoicing.send(given.path["invoice_id"]))


def approvals(billing: Billing, given: Given) -> Reply:
    """Every request."""
    return Reply(shapes.approvals(billing.ledger.approvals.page(given.query.get("cursor"))))


def approval(billing: Billing, given: Given) -> Reply:
    """One request."""
    return Reply(shapes.approval(billing.approvals.get(given.path["approval_id"])))


@calls_stripe
def agree(billing: Billing, given: Given) -> Reply:
    """Agree, and have it done."""
    billing.second_person.agree(given.path["approval_id"])
    return approval(billing, given)


def refuse(billing: Billing, given: Given) -> Reply:
    """Say no, and why."""
    return Reply(shapes.approval(billing.approvals.refuse(given.path["approval_id"], given.body["reason"])))


def withdraw(billing: Billing, given: Given) -> Reply:
    """Take one's own request back."""
    return Reply(shapes.approval(billing.approvals.withdraw(given.path["approval_id"])))


def _personal(billing: Billing) -> bool:
    return billing.actor.may(VIEW_PERSONAL)


def told(billing: Billing, found: Invoice, status: int = 200) -> Reply:
    """An invoice, with its history in sentences."""
    f, texts = tools(billing)
    personal = _personal(billing)
    email = found.plan.contact.email
    if personal and email:
        billing.log.seen("invoice.see_personal", found.id)
    timeline = billing.ledger.invoices.timeline(found.id)
    names = names_of(billing, [entry.actor for entry in timeline])
    happened = [
        shapes.happened(each, sentence(each, email, texts, f, names, personal=personal), names) for each in timeline
    ]
    payments, sums = billing.ledger.invoices.payments(found.id), billing.credits.sums(found.id)
    value = shapes.invoice(found, payments, sums, happened, personal=personal)
    headers = {"Location": url_for(".api_invoice", invoice_id=found.id, _external=False)} if status == 201 else {}
    return Reply(value, status, headers)


def _where(given: Given) -> SourceRef:
    return SourceRef(given.path["kind"], given.path["ref"])


def _terms(billing: Billing, where: SourceRef, body: Any) -> Terms:
    """As given; else as in the business's settings, without a mail where there is nobody to write to."""
    start = form_of_settings(billing.ledger.settings.all())
    given = body.get("terms", {})
    delivery = given.get("delivery")
    if delivery is None:
        contact = billing.invoicing.source(where).contact
        delivery = Delivery.LINK if contact and not contact.email else start["delivery"]
    days = given.get("days_until_due", int(start["days_until_due"]))
    chosen = ("discount_percent", "discount_amount", "order_number", "deposit_percent", "deduct")
    rest = {name: given[name] for name in chosen if name in given}
    return Terms(days_until_due=days, note=given.get("note", start["note"]), delivery=Delivery(delivery), **rest)


def _same(earlier: Invoice, where: SourceRef, body: Any) -> bool:
    """Whether a repeat asks for what its key made. A draft that was sent since is still the same."""
    plan = earlier.plan
    same_work = plan.chosen == set(body["billables"]) and where in plan.sources
    return same_work and digest(plan) == body["seen"] and (earlier.send or not body["send"])


@contextmanager
def _paths() -> Iterator[None]:
    """The use cases name a field of the terms; here it has a path."""
    try:
        yield
    except InvalidInput as error:
        if error.field in (*FIELDS, "discount_amount"):
            raise InvalidInput(f"terms.{error.field}", error.message) from None
        raise
