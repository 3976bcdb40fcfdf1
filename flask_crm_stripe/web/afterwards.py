"""What can be done to an invoice that went out: each deed is read on a page of its own before it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from flask_crm_stripe.core.afterwards import Outlook
from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.deeds import DEEDS, PAID_ELSEWHERE, UNCOLLECTIBLE, VOID, at_stake, no_mail
from flask_crm_stripe.errors import Conflict, CopyLocked, InvalidInput, ProviderError
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.business import SEND, WRITE_OFF
from flask_crm_stripe.model.invoices import Invoice, Status
from flask_crm_stripe.web import credits
from flask_crm_stripe.web.context import calls_stripe, current_billing
from flask_crm_stripe.web.i18n import marked as _
from flask_crm_stripe.web.page import link, say, tools
from flask_crm_stripe.web.people import telling

ONE = "/invoices/<invoice_id>"
STILL_OWED = (Status.OPEN, Status.UNCOLLECTIBLE)


@dataclass(frozen=True, slots=True)
class Words:
    """What a deed is called: on the way to its page, as the page's question, on the button, and once it is done."""

    endpoint: str
    path: str
    menu: str
    title: str
    button: str
    busy: str
    done: str
    then: str
    asked: str


WORDS: Mapping[str, Words] = {
    PAID_ELSEWHERE: Words(
        "paid_elsewhere",
        "paid-elsewhere",
        _("Record a payment made elsewhere…"),
        _("Record that this invoice was paid elsewhere?"),
        _("Record the payment"),
        _("Recording…"),
        _("Invoice %(number)s is recorded as paid."),
        _("Nothing was charged."),
        _("Record that %(total)s was paid elsewhere by %(name)s"),
    ),
    UNCOLLECTIBLE: Words(
        "mark_uncollectible",
        "uncollectible",
        _("Mark as uncollectible…"),
        _("Mark this invoice as uncollectible?"),
        _("Mark as uncollectible"),
        _("Writing off…"),
        _("Invoice %(number)s is written off as uncollectible."),
        _("It can still be paid."),
        _("Write off an invoice of %(total)s to %(name)s"),
    ),
    VOID: Words(
        "void_invoice",
        "void",
        _("Void the invoice…"),
        _("Void this invoice?"),
        _("Void invoice"),
        _("Voiding…"),
        _("Invoice %(number)s was voided."),
        _("Its work can be billed again."),
        _("Void an invoice of %(total)s to %(name)s"),
    ),
}


def register(blueprint: Blueprint) -> None:
    """``/invoices/<id>/void`` and the others, and ``/invoices/<id>/resend``."""
    blueprint.add_url_rule(f"{ONE}/resend", "resend_invoice", resend_invoice, methods=["POST"])
    for kind, words in WORDS.items():
        view = _view(kind)
        blueprint.add_url_rule(f"{ONE}/{words.path}", words.endpoint, view, methods=["GET", "POST"])


@dataclass(frozen=True, slots=True)
class After:
    """What an invoice's page offers: mailing it again, and the deeds as (address, words). ``doubt`` is whether the last
    mail may be out or not, ``waiting`` are the requests for a second person."""

    resend: bool
    doubt: bool
    deeds: list[tuple[str, str]]
    waiting: list[Approval]
    credits: list[tuple[str, str]]

    @classmethod
    def of(cls, billing: Billing, found: Invoice, *, connected: bool) -> After:
        """By the person's rights, and where the invoice stands."""
        owed = found.status in STILL_OWED
        mailable = connected and found.status == Status.OPEN and billing.actor.may(SEND) and not no_mail(found)
        doubt = mailable and billing.afterwards.mail_in_doubt(found)
        offered = connected and owed and billing.actor.may(WRITE_OFF)
        kinds = [kind for kind in WORDS if offered and DEEDS[kind].status != found.status]
        return cls(
            resend=mailable and not doubt,
            doubt=doubt,
            deeds=[(link(WORDS[kind].endpoint, invoice_id=found.id), WORDS[kind].menu) for kind in kinds],
            waiting=[*(_waiting(billing, found) if owed else []), *credits.waiting(billing, found)],
            credits=credits.offered(billing, found) if connected else [],
        )

    @property
    def people(self) -> list[str | None]:
        """Who is named."""
        return [each.asked_by for each in self.waiting]


@calls_stripe
def resend_invoice(invoice_id: str) -> Response:
    """Mail it once more; where nobody knows if the last mail went out, on purpose only."""
    billing = current_billing
    _f, texts = tools(billing)
    try:
        done = billing.afterwards.resend(invoice_id, anyway=request.form.get("only") == "anyway")
    except ProviderError as error:
        first = texts.gettext("We don’t know whether the mail went out.") if error.unknown else ""
        say("danger", first or texts.gettext("No mail was sent."), error.message)
    except Conflict as error:
        say("warning", texts.gettext("No mail was sent."), error.message)
    else:
        say("success", texts.gettext("Invoice %(number)s was sent again by mail.", number=done.number or ""))
    return redirect(link("invoice", invoice_id=invoice_id), 303)


def _view(kind: str) -> Callable[[str], str | Response | tuple[str, int]]:
    @calls_stripe
    def view(invoice_id: str) -> str | Response | tuple[str, int]:
        """GET asks, POST does it, or asks a second person."""
        if request.method == "GET":
            return _page(current_billing.afterwards.outlook(kind, invoice_id))
        return _do(kind, invoice_id)

    return view


def _do(kind: str, invoice_id: str) -> Response | tuple[str, int]:
    billing, given = current_billing, request.form
    _f, texts = tools(billing)
    reason = given.get("reason", "")
    try:
        if given.get("wanted") == "ask":
            billing.afterwards.ask(kind, invoice_id, reason)
            say(
                "success",
                texts.gettext("A second person is asked."),
                texts.gettext("It is done as soon as they agree."),
            )
        else:
            done = billing.afterwards.do(kind, invoice_id, reason, given.get("seen"))
            words = WORDS[kind]
            say("success", texts.gettext(words.done, number=done.number or ""), texts.gettext(words.then))
    except InvalidInput as error:
        return _page(billing.afterwards.outlook(kind, invoice_id), {"reason": error.message}, reason), 422
    except (Conflict, ProviderError) as error:
        return _again(kind, invoice_id, reason, error)
    return redirect(link("invoice", invoice_id=invoice_id), 303)


def _again(kind: str, invoice_id: str, reason: str, error: Conflict | ProviderError) -> tuple[str, int]:
    """The page once more, with what was typed, and why nothing is done, or not known to be."""
    if isinstance(error, CopyLocked):
        raise error
    outlook = current_billing.afterwards.outlook(kind, invoice_id)
    unknown = isinstance(error, ProviderError) and error.unknown
    note = "" if error.message == outlook.why_not else error.message
    return _page(outlook, {}, reason, note=note, unknown=unknown), 502 if unknown else 409


def _page(
    outlook: Outlook, wrong: Mapping[str, str] | None = None, reason: str = "", *, note: str = "", unknown: bool = False
) -> str:
    billing = current_billing
    f, _texts = tools(billing)
    limit, granted = outlook.limit, outlook.granted
    named = [outlook.latest.asked_by, outlook.latest.decided_by] if outlook.latest else []
    return render_template(
        "crm_stripe/afterwards.html",
        kind=outlook.deed.kind,
        words=WORDS[outlook.deed.kind],
        outlook=outlook,
        invoice=outlook.invoice,
        longest=outlook.deed.longest,
        above=limit is not None and granted is None,
        limit_words=f.sum_of(limit.amount, limit.currency) if limit and limit.currency != "*" else "",
        reason=granted.reason if granted and not reason else reason,
        wrong=wrong or {},
        note=note,
        unknown=unknown,
        **telling(billing, named),
    )


def _waiting(billing: Billing, found: Invoice) -> list[Approval]:
    if billing.approvals.limit(WRITE_OFF, at_stake(found)) is None:
        return []
    latest = [billing.ledger.approvals.latest(kind, f"invoice:{found.id}") for kind in DEEDS]
    return [each for each in latest if each is not None and each.state is ApprovalState.WAITING]
