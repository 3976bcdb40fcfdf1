"""Crediting an invoice and correcting one: every figure is read on a page of its own before any money moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.credit_outlook import CORRECT, CREDIT, CreditOutlook, CreditSums
from flask_crm_stripe.core.crediting import Choice
from flask_crm_stripe.core.deeds import no_credit
from flask_crm_stripe.core.environment import LONGEST_REASON
from flask_crm_stripe.core.limits import limits_of
from flask_crm_stripe.errors import Conflict, CopyLocked, GateStopped, InvalidInput, ProviderError
from flask_crm_stripe.model.approvals import Approval, ApprovalState
from flask_crm_stripe.model.business import DRAFT, REFUND, VIEW_PERSONAL
from flask_crm_stripe.model.credits import Credit, CreditStage, Refund
from flask_crm_stripe.model.invoices import Difference, Invoice
from flask_crm_stripe.model.money import exponent, to_major
from flask_crm_stripe.ports.credit_records import linked_refunds
from flask_crm_stripe.web.context import calls_stripe, current_billing
from flask_crm_stripe.web.formats import Formats
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.i18n import marked as _
from flask_crm_stripe.web.invoice_facts import compared
from flask_crm_stripe.web.page import away, link, say, tools
from flask_crm_stripe.web.people import telling
from flask_crm_stripe.web.security import form_key

ONE = "/invoices/<invoice_id>"
CREDIT_NOTE = "/credits/<credit_id>"
LOOK, ASK = "look", "ask"


@dataclass(frozen=True, slots=True)
class Words:
    """What a deed is called: on the way to its page, as the page's question, and where a second person is asked."""

    endpoint: str
    path: str
    menu: str
    title: str
    asked: str


WORDS: Mapping[str, Words] = {
    CREDIT: Words(
        "refund_invoice",
        "refund",
        _("Credit it, and give money back…"),
        _("Credit this invoice?"),
        _("Credit %(total)s of an invoice to %(name)s"),
    ),
    CORRECT: Words(
        "correct_invoice",
        "correct",
        _("Correct this invoice…"),
        _("Correct this invoice?"),
        _("Correct an invoice to %(name)s: credit %(total)s, and make a new draft"),
    ),
}


def register(blueprint: Blueprint) -> None:
    """``/invoices/<id>/refund`` and ``/correct``; ``/credits/<id>/pdf`` and ``/continue``."""
    for kind, words in WORDS.items():
        blueprint.add_url_rule(f"{ONE}/{words.path}", words.endpoint, _view(kind), methods=["GET", "POST"])
    blueprint.add_url_rule(f"{CREDIT_NOTE}/pdf", "credit_pdf", credit_pdf)
    blueprint.add_url_rule(f"{CREDIT_NOTE}/continue", "continue_credit", continue_credit, methods=["POST"])


def offered(billing: Billing, found: Invoice) -> list[tuple[str, str]]:
    """What an invoice's menu leads to, as (address, words), by the person's rights and where it stands."""
    if no_credit(found) or not billing.actor.may(REFUND):
        return []
    kinds = [CREDIT, CORRECT] if billing.actor.may(DRAFT) else [CREDIT]
    return [(link(WORDS[kind].endpoint, invoice_id=found.id), WORDS[kind].menu) for kind in kinds]


def waiting(billing: Billing, found: Invoice) -> list[Approval]:
    """What a second person is asked about it."""
    if no_credit(found) or not any(limit.permission == REFUND for limit in limits_of(billing.ledger.settings.all())):
        return []
    latest = [billing.ledger.approvals.latest(kind, f"invoice:{found.id}") for kind in WORDS]
    return [each for each in latest if each is not None and each.state is ApprovalState.WAITING]


@dataclass(frozen=True, slots=True)
class Shown:
    """What an invoice's page shows of it. ``may`` is whether the person may go on with one, ``pdf`` open one;
    ``corrects_words`` names the invoice that this one corrects."""

    sums: CreditSums
    may: bool
    pdf: bool
    corrects_words: str

    @classmethod
    def of(cls, billing: Billing, found: Invoice, texts: Texts, *, connected: bool) -> Shown:
        """By the person's rights."""
        old = billing.ledger.credits.replaced_by(found.id)
        before = billing.ledger.invoices.get(old.invoice_id) if old else None
        return cls(
            billing.credits.sums(found.id),
            connected and billing.actor.may(REFUND),
            connected and billing.actor.may(VIEW_PERSONAL),
            texts.gettext("It replaces invoice %(number)s.", number=before.number or "") if before else "",
        )

    @property
    def corrects(self) -> bool:
        """Whether there is one that it corrects."""
        return bool(self.corrects_words)

    @property
    def credited(self) -> int:
        """In minor units."""
        return self.sums.credited

    @property
    def refunded(self) -> int:
        """In minor units, without what failed."""
        return self.sums.refunded

    @property
    def lost(self) -> int:
        """What did not get back to the customer."""
        return self.sums.lost

    @property
    def listed(self) -> list[Credit]:
        """Newest first, without those that never came to be."""
        return [each for each in self.sums.credits[::-1] if each.stage is not CreditStage.GIVEN_UP]

    @property
    def alone(self) -> list[Refund]:
        """Refunds that no credit note names, newest first."""
        linked = linked_refunds(self.sums.credits)
        return [each for each in self.sums.refunds[::-1] if each.stripe_id not in linked]

    def of_note(self, credit: Credit) -> list[Refund]:
        """The refunds that a credit note names."""
        named = {refund.refund for refund in credit.links}
        return [each for each in self.sums.refunds if each.stripe_id in named]

    def unfinished(self, credit: Credit) -> bool:
        """Whether something of it is still to do."""
        corrects = credit.counts and credit.plan.corrects and credit.replacement is None
        return credit.stage is CreditStage.PLANNED or corrects


@calls_stripe
def credit_pdf(credit_id: str) -> Response:
    """To the PDF at Stripe."""
    return away(current_billing.credits.pdf(credit_id))


@calls_stripe
def continue_credit(credit_id: str) -> Response:
    """Go on with one that is not finished."""
    billing = current_billing
    _f, texts = tools(billing)
    try:
        done = billing.credits.resume(credit_id)
    except (GateStopped, InvalidInput, Conflict, ProviderError) as error:
        if isinstance(error, CopyLocked):
            raise
        known = billing.ledger.credits.get(credit_id)
        say("warning", texts.gettext("It is not finished."), error.message)
        where = known.invoice_id if known else ""
    else:
        _say_done(done, texts)
        where = _next(done)
    return redirect(link("invoice", invoice_id=where), 303)


def _view(kind: str) -> Callable[[str], str | Response | tuple[str, int]]:
    @calls_stripe
    def view(invoice_id: str) -> str | Response | tuple[str, int]:
        """GET asks, POST does it, asks a second person, or works the figures out."""
        if request.method == "GET":
            return _page(current_billing.credits.outlook(kind, invoice_id), Given())
        return _do(kind, invoice_id)

    return view


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed; ``amounts`` are by the line's key. Nothing yet where it is empty."""

    reason: str = ""
    amounts: Mapping[str, str] | None = None
    key: str = ""


def _do(kind: str, invoice_id: str) -> Response | tuple[str, int] | str:
    billing, form = current_billing, request.form
    f, texts = tools(billing)
    first = billing.credits.outlook(kind, invoice_id)
    given = Given(form.get("reason", ""), _typed(first), form.get("form_key", "")[:64])
    try:
        choice = _choice(kind, first, given.amounts or {}, f)
        if form.get("wanted") == LOOK:
            return _page(billing.credits.outlook(kind, invoice_id, choice), given)
        if form.get("wanted") == ASK:
            billing.credits.ask(kind, invoice_id, choice, given.reason)
            said = texts.gettext("It is done as soon as they agree.")
            say("success", texts.gettext("A second person is asked."), said)
            return redirect(link("invoice", invoice_id=invoice_id), 303)
        done = billing.credits.do(kind, invoice_id, choice, given.reason, form_key=given.key, seen=form.get("seen"))
    except InvalidInput as error:
        wrong = {_place(first, error.field or "reason"): error.message}
        return _page(first, given, wrong), 422
    except GateStopped as error:
        return _page(billing.credits.outlook(kind, invoice_id, choice), given, stopped=error.differences), 409
    except (Conflict, ProviderError) as error:
        if isinstance(error, CopyLocked):
            raise
        unknown = isinstance(error, ProviderError) and error.unknown
        outlook = billing.credits.outlook(kind, invoice_id, choice)
        note = "" if error.message == outlook.why_not else error.message
        return _page(outlook, given, note=note, unknown=unknown), 502 if unknown else 409
    _say_done(done, texts)
    return redirect(link("invoice", invoice_id=_next(done)), 303)


def _say_done(done: Credit, texts: Texts) -> None:
    number = done.number or ""
    if done.stage is not CreditStage.ISSUED:
        say("warning", texts.gettext("Credit note %(number)s is void.", number=number))
    elif done.problem:
        say("warning", texts.gettext("Credit note %(number)s was issued; there is no new draft yet.", number=number))
    elif done.replacement:
        first = texts.gettext("Credit note %(number)s was issued, and this is the new draft.", number=number)
        say("success", first, texts.gettext("Change its work in the CRM, or send it."))
    elif done.plan.refund:
        first = texts.gettext("Credit note %(number)s was issued.", number=number)
        say("success", first, texts.gettext("The money is on its way back to the card."))
    else:
        say("success", texts.gettext("Credit note %(number)s was issued.", number=number))


def _next(done: Credit) -> str:
    return done.replacement or done.invoice_id


def _typed(outlook: CreditOutlook) -> dict[str, str]:
    """What stands in the fields of the lines that are chosen."""
    form = request.form
    chosen = set(form.getlist("line"))
    return {
        each.line.key: form.get(f"amount_{place}", "")
        for place, each in enumerate(outlook.lines)
        if str(place) in chosen
    }


def _choice(kind: str, outlook: CreditOutlook, typed: Mapping[str, str], f: Formats) -> Choice:
    """Raises ``InvalidInput``."""
    form, currency = request.form, outlook.invoice.currency
    lines: dict[str, int] = {}
    if kind == CREDIT:
        if outlook.lines and not typed:
            raise InvalidInput("lines", "Choose at least one line.")
        lines = {key: _amount(text, key, currency, f) for key, text in typed.items()}
        lines = {} if _is_all(outlook, typed) else lines
    return Choice(
        lines,
        elsewhere=form.get("back") == "elsewhere",
        frees=form.get("frees") == "yes",
        mail=form.get("mail") == "yes",
    )


def _is_all(outlook: CreditOutlook, typed: Mapping[str, str]) -> bool:
    """Whether all that was left when the page was made is chosen: a second press finds less, and is the same wish."""
    shown = {each.line.key: request.form.get(f"full_{place}", "") for place, each in enumerate(outlook.lines)}
    return {key: text for key, text in shown.items() if text} == typed


def _amount(text: str, key: str, currency: str, f: Formats) -> int:
    place = f"lines.{key}"
    minor = f.read_number(text, place).scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise InvalidInput(place, "Write an amount that the currency has.")
    return int(minor)


def _place(outlook: CreditOutlook, field: str) -> str:
    """The form's name of a field."""
    keys = [f"lines.{each.line.key}" for each in outlook.lines]
    return f"amount_{keys.index(field)}" if field in keys else field


def _page(
    outlook: CreditOutlook,
    given: Given,
    wrong: Mapping[str, str] | None = None,
    *,
    note: str = "",
    unknown: bool = False,
    stopped: Sequence[tuple[str, str, str]] = (),
) -> str:
    billing, form = current_billing, request.form
    f, _texts = tools(billing)
    limit = outlook.limit
    shown = {
        each.line.key: f.number(to_major(each.left, outlook.invoice.currency), exponent(outlook.invoice.currency))
        for each in outlook.lines
        if each.left
    }
    waiting = outlook.waiting
    return render_template(
        "crm_stripe/credit.html",
        kind=outlook.kind,
        words=WORDS[outlook.kind],
        outlook=outlook,
        plan=outlook.plan,
        invoice=outlook.invoice,
        amounts=shown if given.amounts is None else given.amounts,
        full=shown,
        elsewhere=form.get("back") == "elsewhere",
        frees=form.get("frees") == "yes",
        mails=form.get("mail") == "yes",
        longest=LONGEST_REASON,
        above=limit is not None,
        limit_words=f.sum_of(limit.amount, limit.currency) if limit and limit.currency != "*" else "",
        reason=given.reason,
        key=given.key or form_key(),
        wrong={**{_place(outlook, field): words for field, words in outlook.wrong.items()}, **(wrong or {})},
        note=note,
        unknown=unknown,
        compared=[compared(Difference(*each), f) for each in stopped],
        **telling(billing, [waiting.asked_by if waiting else None]),
    )
