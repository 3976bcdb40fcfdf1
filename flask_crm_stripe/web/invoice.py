"""One invoice: what it is, why it is in its status, what happened to it, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.deposits import taken_by
from flask_crm_stripe.core.invoice_steps import next_step
from flask_crm_stripe.errors import Busy, Conflict, GateStopped, ProviderError
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.business import APPROVE, DRAFT, SEND, VIEW_PERSONAL
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, Payment, Stage, Status
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.web.afterwards import After
from flask_crm_stripe.web.approvals import what
from flask_crm_stripe.web.books import AsOf
from flask_crm_stripe.web.context import calls_stripe, current_billing
from flask_crm_stripe.web.credits import Shown
from flask_crm_stripe.web.formats import Formats, masked
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.invoice_facts import SourceNames, compared, days_late, owed
from flask_crm_stripe.web.page import away, link, say, tools
from flask_crm_stripe.web.people import telling
from flask_crm_stripe.web.sentences import isolated

ONE = "/invoices/<invoice_id>"


def register(blueprint: Blueprint) -> None:
    """``/invoices/<id>`` and below."""
    blueprint.add_url_rule(ONE, "invoice", invoice)
    blueprint.add_url_rule(f"{ONE}/send", "send_invoice", send_invoice, methods=["POST"])
    blueprint.add_url_rule(f"{ONE}/delete", "delete_draft", delete_draft, methods=["GET", "POST"])
    blueprint.add_url_rule(f"{ONE}/refresh", "refresh_invoice", refresh_invoice, methods=["POST"])
    blueprint.add_url_rule(f"{ONE}/pay-page", "payment_page", payment_page)
    blueprint.add_url_rule(f"{ONE}/pdf", "invoice_pdf", invoice_pdf)


def invoice(invoice_id: str) -> str:
    """The page."""
    billing = current_billing
    f, texts = tools(billing)
    found = billing.invoicing.get(invoice_id)
    rights = Rights.of(billing, found)
    second = Second.of(billing, found, f)
    after = After.of(billing, found, connected=rights.connected)
    if found.plan.contact.email and billing.actor.may(VIEW_PERSONAL):
        billing.log.seen("invoice.see_personal", found.id)
    timeline, payments = billing.ledger.invoices.timeline(found.id), billing.ledger.invoices.payments(found.id)
    return render_template(
        "crm_stripe/invoice.html",
        invoice=found,
        late=days_late(found, f),
        owed=owed(found),
        as_of=AsOf(billing, f).of(found),
        taken_by=taken_by(billing.ledger, found),
        sources=_sources(billing, found),
        payments=payments,
        timeline=timeline,
        failed=last_failure(found, payments),
        ids_of=lambda entry: ids_of(entry, texts),
        compared=[compared(difference, f) for difference in found.problem.differences] if found.problem else [],
        problem_text=found.problem.message if found.problem else "",
        primary="" if second and not second.granted else primary(found, rights),
        second=second,
        after=after,
        credits=Shown.of(billing, found, texts, connected=rights.connected),
        asked=lambda request: what(request, f, texts),
        links=_links(found, rights, texts),
        connected=rights.connected,
        can_continue=rights.continue_,
        can_delete=rights.delete,
        working=found.problem is None and next_step(found) is not None,
        **telling(billing, [found.created_by, *people_of(second), *after.people, *(entry.actor for entry in timeline)]),
    )


@calls_stripe
def send_invoice(invoice_id: str) -> Response:
    """Send a draft; or go on with one that stopped, as far as its maker wanted."""
    billing = current_billing
    drafted = request.form.get("only") == "continue" and not billing.invoicing.get(invoice_id).send
    wanted = billing.invoicing.resume if drafted else billing.invoicing.send
    done = _done(invoice_id, lambda: wanted(invoice_id))
    if done is not None:
        _say_how_it_stands(billing, done)
    return redirect(link("invoice", invoice_id=invoice_id), 303)


@calls_stripe
def refresh_invoice(invoice_id: str) -> Response:
    """Ask Stripe how it stands now."""
    billing = current_billing
    _, texts = tools(billing)
    if _done(invoice_id, lambda: billing.invoicing.refresh(invoice_id)) is not None:
        say("success", texts.gettext("Stripe was asked."), texts.gettext("This is how the invoice stands now."))
    return redirect(link("invoice", invoice_id=invoice_id), 303)


@calls_stripe
def delete_draft(invoice_id: str) -> str | Response:
    """GET asks, POST deletes. A draft that was sent meanwhile is not deleted; its page says so."""
    billing = current_billing
    billing.rights.require(DRAFT, "delete drafts", invoice_id)
    found = billing.invoicing.get(invoice_id)
    _, texts = tools(billing)
    if request.method == "GET" and Rights.of(billing, found).delete:
        return render_template("crm_stripe/delete_draft.html", invoice=found)
    try:
        billing.invoicing.delete_draft(invoice_id) if request.method == "POST" else _refuse(found)
    except (Conflict, ProviderError) as error:
        say("danger", texts.gettext("The draft was not deleted."), error.message)
        return redirect(link("invoice", invoice_id=invoice_id), 303)
    name = isolated(found.contact_name)
    first = texts.gettext("The draft for %(name)s was deleted.", name=name)
    say("success", first, texts.gettext("Its work can be billed again."))
    return redirect(link("invoices"), 303)


@calls_stripe
def payment_page(invoice_id: str) -> Response:
    """To the page where the customer pays. Its address is asked from Stripe now and kept nowhere."""
    return away(current_billing.invoicing.payment_page(invoice_id))


@calls_stripe
def invoice_pdf(invoice_id: str) -> Response:
    """To the PDF at Stripe."""
    return away(current_billing.invoicing.pdf(invoice_id))


@dataclass(frozen=True, slots=True)
class Rights:
    """What the person can do with an invoice now."""

    connected: bool
    send: bool
    continue_: bool
    delete: bool
    pdf: bool

    @classmethod
    def of(cls, billing: Billing, found: Invoice) -> Rights:
        """By the person's permissions, the connection, and where the invoice stands."""
        live = billing.connection.live()
        connected = live is not None and (live.account_id, live.livemode) == (found.account_id, found.livemode)
        draft = found.status in (None, Status.DRAFT) and found.stage is not Stage.ABANDONED
        may_send, may_draft = billing.actor.may(SEND), billing.actor.may(DRAFT)
        return cls(
            connected=connected,
            send=connected and may_send,
            continue_=connected and may_draft and (may_send or not found.send) and next_step(found) is not None,
            delete=connected and draft and may_draft,
            pdf=connected and billing.actor.may(VIEW_PERSONAL),
        )


@dataclass(frozen=True, slots=True)
class Second:
    """A draft above the limit of sending. ``latest`` is the newest request about it; ``limit`` is in words."""

    limit: str
    latest: Approval | None
    granted: bool
    waiting: bool
    mine: bool
    may_ask: bool
    may_decide: bool

    @classmethod
    def of(cls, billing: Billing, found: Invoice, f: Formats) -> Second | None:
        """None where nobody has to agree."""
        if found.send or found.status not in (None, Status.DRAFT) or found.stage is Stage.ABANDONED:
            return None
        limit = billing.approvals.limit(SEND, Money(found.total, found.currency))
        if limit is None:
            return None
        wish = billing.invoicing.wish(found.id)
        latest = billing.ledger.approvals.latest(wish.kind, wish.subject)
        waiting = latest is not None and latest.state is ApprovalState.WAITING
        return cls(
            limit=f.sum_of(limit.amount, limit.currency) if limit.currency == found.currency else "",
            latest=latest,
            granted=billing.approvals.granted(wish),
            waiting=waiting,
            mine=latest is not None and latest.asked_by == billing.actor.ref,
            may_ask=billing.actor.may(SEND) and not waiting,
            may_decide=billing.actor.may(APPROVE) and waiting,
        )


def people_of(second: Second | None) -> list[str | None]:
    """Who is named where a second person is wanted."""
    return [second.latest.asked_by, second.latest.decided_by] if second and second.latest else []


def primary(found: Invoice, rights: Rights) -> str:
    """The one action of the page: continue, send, page (the customer's), pdf, or none."""
    if found.problem and found.problem.differences:
        return ""
    if found.problem and rights.continue_:
        return "continue"
    if found.status == Status.DRAFT and rights.send and next_step(found) is None:
        return "send"
    if found.status == Status.OPEN and rights.send:
        return "page"
    return "pdf" if found.status == Status.PAID and rights.pdf else ""


def last_failure(found: Invoice, payments: Sequence[Payment]) -> Payment | None:
    """The newest payment, where it failed and money is still owed."""
    newest = payments[0] if payments and found.status == Status.OPEN else None
    return newest if newest and newest.status == "failed" else None


def ids_of(entry: TimelineEntry, texts: Texts) -> list[tuple[str, str]]:
    """What Stripe's support asks for."""
    named = ((texts.gettext("Event"), entry.event_id), (texts.gettext("Request"), entry.request_id))
    return [(label, value) for label, value in (*named, (texts.gettext("Object"), entry.object_id)) if value]


def _done(invoice_id: str, deed: Callable[[], Invoice]) -> Invoice | None:
    """The invoice after the deed; None, with a note where its own page does not say why, where it was stopped."""
    _, texts = tools(current_billing)
    try:
        return deed()
    except (GateStopped, ProviderError) as error:
        found = current_billing.invoicing.get(invoice_id)
        if found.problem is None:
            say("danger", texts.gettext("Nothing was changed."), error.message)
    except (Busy, Conflict) as error:
        say("warning", texts.gettext("Nothing was changed."), error.message)
    return None


def _say_how_it_stands(billing: Billing, done: Invoice) -> None:
    _, texts = tools(billing)
    number = done.number or ""
    if done.sent_at:
        email = isolated(mail_words(billing, done))
        say("success", texts.gettext("Invoice %(number)s was sent to %(email)s.", number=number, email=email))
    elif done.number:
        say("success", texts.gettext("Invoice %(number)s is ready to be paid.", number=number))
    else:
        say("success", texts.gettext("The draft is complete."), texts.gettext("Nothing was sent yet."))


def mail_words(billing: Billing, found: Invoice) -> str:
    """Where it went, as far as the person may know."""
    email = found.plan.contact.email or ""
    return email if billing.actor.may(VIEW_PERSONAL) or not email else masked(email)


def _refuse(found: Invoice) -> None:
    raise Conflict("Only drafts can be deleted, while Stripe is connected.")


def _sources(billing: Billing, found: Invoice) -> list[dict[str, object]]:
    names = SourceNames(billing)
    known = ((ref, billing.crm.source(ref)) for ref in found.plan.sources)
    return [{"words": names.one(ref), "url": source.url if source else None} for ref, source in known]


def _links(found: Invoice, rights: Rights, texts: Texts) -> list[tuple[str, Markup]]:
    if not rights.connected or found.status in (None, Status.DRAFT):
        return []
    links = [(link("invoice_pdf", invoice_id=found.id), texts.gettext("PDF"))] if rights.pdf else []
    if rights.send:
        page = (link("payment_page", invoice_id=found.id), texts.gettext("Payment page the customer sees"))
        links.insert(0, page)
    return links
