"""A second person agrees: asked on the invoice's page, looked at and decided here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.deeds import DEEDS
from flask_crm_stripe.errors import GateStopped, InvalidInput, NotFound, ProviderError
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.business import APPROVE, VIEW
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.web import credits
from flask_crm_stripe.web.afterwards import WORDS
from flask_crm_stripe.web.context import calls_stripe, current_billing
from flask_crm_stripe.web.formats import Formats
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.page import link, say, tools
from flask_crm_stripe.web.people import telling
from flask_crm_stripe.web.sentences import isolated

ONE = "/approvals/<approval_id>"


def register(blueprint: Blueprint) -> None:
    """``/approvals`` and below; ``/invoices/<id>/ask``."""
    blueprint.add_url_rule("/approvals", "approvals", approvals)
    blueprint.add_url_rule(ONE, "approval", approval)
    blueprint.add_url_rule(f"{ONE}/agree", "agree", agree, methods=["POST"])
    blueprint.add_url_rule(f"{ONE}/refuse", "refuse_approval", refuse, methods=["POST"])
    blueprint.add_url_rule(f"{ONE}/withdraw", "withdraw_approval", withdraw, methods=["POST"])
    blueprint.add_url_rule("/invoices/<invoice_id>/ask", "ask_to_send", ask_to_send, methods=["POST"])


def approvals() -> str:
    """Every request, newest first."""
    billing = current_billing
    billing.rights.require(VIEW, "see requests")
    f, texts = tools(billing)
    page = billing.ledger.approvals.page(request.args.get("cursor") or None)
    return render_template(
        "crm_stripe/approvals.html",
        page=page,
        page_url=lambda cursor: link("approvals", cursor=cursor),
        what=lambda found: what(found, f, texts),
        **telling(billing, [ref for row in page.rows for ref in (row.asked_by, row.decided_by)]),
    )


def approval(approval_id: str) -> str:
    """One request, with all that it is about, as it was asked for."""
    return _page(current_billing, current_billing.approvals.get(approval_id), {})


@calls_stripe
def agree(approval_id: str) -> Response:
    """A second person agrees, and it is done."""
    billing = current_billing
    _, texts = tools(billing)
    try:
        billing.second_person.agree(approval_id)
    except (GateStopped, ProviderError) as error:
        say("warning", texts.gettext("You agreed; it is not done yet."), error.message)
    else:
        say("success", texts.gettext("You agreed, and it is done."))
    return _to_subject(billing, billing.approvals.get(approval_id))


def refuse(approval_id: str) -> Response | tuple[str, int]:
    """A second person says no."""
    billing, reason = current_billing, request.form.get("reason", "")
    return _decide(approval_id, lambda: billing.approvals.refuse(approval_id, reason), reason)


def withdraw(approval_id: str) -> Response | tuple[str, int]:
    """The one who asked takes it back."""
    billing = current_billing
    return _decide(approval_id, lambda: billing.approvals.withdraw(approval_id))


def ask_to_send(invoice_id: str) -> Response:
    """Ask a second person to agree that a draft is sent."""
    billing = current_billing
    _, texts = tools(billing)
    try:
        billing.invoicing.ask_to_send(invoice_id, request.form.get("reason", ""))
    except InvalidInput as error:
        say("danger", texts.gettext("Nobody was asked."), error.message)
    else:
        first = texts.gettext("A second person is asked.")
        say("success", first, texts.gettext("It is sent as soon as somebody else agrees."))
    return redirect(link("invoice", invoice_id=invoice_id), 303)


def what(found: Approval, f: Formats, texts: Texts) -> Markup:
    """What is asked for, in a few words."""
    total, name = f.sum_of(found.amount, found.currency), isolated(found.details.get("contact", ""))
    if found.kind in DEEDS:
        return texts.gettext(WORDS[found.kind].asked, total=total, name=name)
    if found.kind in credits.WORDS:
        return texts.gettext(credits.WORDS[found.kind].asked, total=total, name=name)
    if found.kind != "send":
        return isolated(found.details.get("what", found.kind))
    return texts.gettext("Send an invoice of %(total)s to %(name)s", total=total, name=name)


def _decide(approval_id: str, deed: Callable[[], Approval], reason: str = "") -> Response | tuple[str, int]:
    billing = current_billing
    _, texts = tools(billing)
    try:
        found = deed()
    except InvalidInput as error:
        wrong = {error.field or "reason": error.message}
        return _page(billing, billing.approvals.get(approval_id), wrong, reason), 422
    word = {
        ApprovalState.REFUSED: texts.gettext("You refused it."),
        ApprovalState.WITHDRAWN: texts.gettext("Withdrawn."),
    }
    say("success", word[found.state], texts.gettext("Nothing was sent."))
    return _to_subject(billing, found)


def _page(billing: Billing, found: Approval, wrong: Mapping[str, str], reason: str = "") -> str:
    f, texts = tools(billing)
    invoice = _invoice(billing, found)
    waiting, mine = found.state is ApprovalState.WAITING, found.asked_by == billing.actor.ref
    return render_template(
        "crm_stripe/approval.html",
        approval=found,
        what=what(found, f, texts),
        invoice=invoice,
        still_same=not waiting or invoice is None or billing.second_person.content(found) == found.content,
        sends=found.kind == "send",
        credited=billing.credits.asked(found) if waiting and found.kind in credits.WORDS else None,
        may_decide=waiting and not mine and billing.actor.may(APPROVE),
        may_withdraw=waiting and mine,
        wrong=wrong,
        reason=reason,
        **telling(billing, [found.asked_by, found.decided_by]),
    )


def _invoice(billing: Billing, found: Approval) -> Invoice | None:
    kind, _, key = found.subject.partition(":")
    try:
        return billing.invoicing.get(key) if kind == "invoice" else None
    except NotFound:
        return None


def _to_subject(billing: Billing, found: Approval) -> Response:
    kind, _, key = found.subject.partition(":")
    if kind == "invoice":
        return redirect(link("invoice", invoice_id=key), 303)
    return redirect(link("approvals"), 303)
