"""From finished work to an invoice: choose lines, review what will be sent, send it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.deposits import Deposit
from flask_crm_stripe.core.environment import check_reason
from flask_crm_stripe.core.foreseen import foreseen
from flask_crm_stripe.core.legal import lacking
from flask_crm_stripe.core.selection import SourceBilling
from flask_crm_stripe.errors import (
    BillableTaken,
    BillingError,
    Conflict,
    GateStopped,
    InvalidInput,
    PlanChanged,
    ProviderError,
)
from flask_crm_stripe.model.business import DRAFT, SEND
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.invoices import Delivery, Invoice, InvoicePlan
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.web.choice import choice_values, deposit_words
from flask_crm_stripe.web.context import calls_stripe, current_billing
from flask_crm_stripe.web.invoice import mail_words
from flask_crm_stripe.web.page import link, say, tools
from flask_crm_stripe.web.sentences import isolated
from flask_crm_stripe.web.terms import FIELDS, form_of, form_of_settings, read_terms

Answer = str | Response | tuple[str, int]
UNPROCESSABLE, CONFLICT, BAD_GATEWAY = 422, 409, 502
REASON = "reason"


def register(blueprint: Blueprint) -> None:
    """``/billables/<source>/<ref>`` and below."""
    blueprint.add_url_rule("/billables/<source>/<ref>", "billables", billables)
    blueprint.add_url_rule("/billables/<source>/<ref>/review", "review", review, methods=["GET", "POST"])
    blueprint.add_url_rule("/billables/<source>/<ref>/invoice", "generate", generate, methods=["POST"])


def billables(source: str, ref: str) -> Answer:
    """The lines of a source, to choose from."""
    return _choose(current_billing, SourceRef(source, ref))


def review(source: str, ref: str) -> Answer:
    """What will be sent, before anything is. A POST ("Update amounts") leads to the same page by its address, so that
    no token stands in it."""
    current_billing.rights.require(DRAFT, "make invoices", f"{source}:{ref}")
    if request.method == "POST":
        chosen: dict[str, object] = {name: request.form[name] for name in FIELDS if name in request.form}
        refs = request.form.getlist("billable")
        return redirect(link("review", source=source, ref=ref, billable=refs, **chosen), 303)
    return _Review.of(SourceRef(source, ref), request.args.getlist("billable"), request.args).answer()


@calls_stripe
def generate(source: str, ref: str) -> Answer:
    """Make the invoice that was reviewed, and send it if the person pressed Send."""
    current_billing.rights.require(DRAFT, "make invoices", f"{source}:{ref}")
    given = request.form
    reviewed = _Review.of(SourceRef(source, ref), given.getlist("billable"), given)
    if reviewed.wrong:
        return reviewed.answer()
    send, ask = given.get("send") == "yes", given.get("send") == "ask"
    try:
        if ask:
            current_billing.rights.require(SEND, "send invoices")
            check_reason(given.get(REASON, ""))
        invoice = current_billing.invoicing.generate(
            reviewed.where,
            reviewed.chosen,
            reviewed.terms,
            seen=reviewed.seen(),
            form_key=given.get("form_key", "")[:64],
            send=send,
        )
    except BillingError as error:
        return _not_made(reviewed, error)
    if ask:
        return _asked(invoice, given.get(REASON, ""))
    _say_made(current_billing, invoice)
    return redirect(link("invoice", invoice_id=invoice.id), 303)


def figures(plan: InvoicePlan) -> str:
    """A fingerprint of all that is not the person's own choice of words and terms."""
    return digest(replace(plan, days_until_due=0, delivery=Delivery.MAIL, order_number="", note=""))


def _not_made(reviewed: _Review, error: BillingError) -> Answer:
    """Where the person goes on: the invoice, where it exists and waits; the review, where entries or figures are to be
    looked at again. Everything else is an error page."""
    if (made := getattr(error, "invoice_id", None)) and not isinstance(error, BillableTaken):
        return redirect(link("invoice", invoice_id=made), 303)
    if isinstance(error, InvalidInput | Conflict | GateStopped | ProviderError):
        return reviewed.answer(error)
    raise error


def _asked(invoice: Invoice, reason: str) -> Answer:
    billing = current_billing
    _, texts = tools(billing)
    try:
        billing.invoicing.ask_to_send(invoice.id, reason)
    except Conflict as error:
        say("warning", texts.gettext("A draft was saved; nobody was asked."), error.message)
    else:
        first = texts.gettext("A draft was saved, and a second person is asked.")
        say("success", first, texts.gettext("It is sent as soon as somebody else agrees."))
    return redirect(link("invoice", invoice_id=invoice.id), 303)


def _say_made(billing: Billing, invoice: Invoice) -> None:
    _, texts = tools(billing)
    values = {
        "number": invoice.number or "",
        "name": isolated(invoice.contact_name),
        "email": isolated(mail_words(billing, invoice)),
    }
    if invoice.sent_at:
        say("success", texts.gettext("Invoice %(number)s was sent to %(email)s.", **values))
    elif invoice.number:
        first = texts.gettext("Invoice %(number)s is ready to be paid.", **values)
        say("success", first, texts.gettext("No mail was sent: give the payment page to the customer yourself."))
    else:
        first = texts.gettext("A draft for %(name)s was saved.", **values)
        say("success", first, texts.gettext("Nothing was sent yet."))


def _choose(billing: Billing, where: SourceRef, problem: str = "") -> str:
    values = choice_values(billing, where)
    return render_template("crm_stripe/billables.html", **values, problem=problem, level=2)


@dataclass
class _Review:
    """One look at what would be made: the entries as typed, the terms they give, and what is wrong with them."""

    billing: Billing
    source: SourceBilling
    where: SourceRef
    chosen: Sequence[str]
    given: Mapping[str, str]

    def __post_init__(self) -> None:
        defaults = form_of_settings(self.billing.ledger.settings.all())
        if self.source.contact and not self.source.contact.email:
            defaults["delivery"] = Delivery.LINK.value
        self.form = form_of(self.given, defaults)
        f, self.texts = tools(self.billing)
        self.f = f
        self.terms, self.wrong = read_terms(self.form, f)

    @classmethod
    def of(cls, where: SourceRef, chosen: Sequence[str], given: Mapping[str, str]) -> _Review:
        """The source is asked once for the page."""
        billing = current_billing
        return cls(billing, billing.invoicing.source(where), where, chosen, given)

    def seen(self) -> str:
        """The digest of what is to be made, where its figures are those that the page showed; else empty, and the
        use case refuses. The person's own note, terms and delivery may differ from what stood there."""
        try:
            plan = self.billing.invoicing.preview(self.where, self.chosen, self.terms)
        except BillingError:
            return ""
        return digest(plan) if figures(plan) == self.given.get("seen") else ""

    def answer(self, error: BillingError | None = None) -> Answer:
        """The page; with the lines to choose from instead, where it is the choice that is wrong."""
        try:
            plan = self._plan(error)
        except BillableTaken:
            words = self.texts.gettext("Some of this work is already on an invoice. It is marked below.")
            return _choose(self.billing, self.where, words), CONFLICT
        except InvalidInput as found:
            return _choose(self.billing, self.where, found.message), UNPROCESSABLE
        return self._page(plan, error), self._status(error)

    def _plan(self, error: BillingError | None) -> InvoicePlan | None:
        if isinstance(error, BillableTaken):
            raise error
        try:
            if isinstance(error, InvalidInput) and error.field not in (REASON, "seller"):
                raise error
            plan = None if self.wrong else self.billing.invoicing.preview(self.where, self.chosen, self.terms)
        except InvalidInput as found:
            field = "discount_percent" if found.field == "discount_amount" else found.field
            if field not in FIELDS:
                raise
            self.wrong[field] = found.message
            return None
        if isinstance(error, InvalidInput) and error.field == REASON:
            self.wrong[REASON] = error.message
        return plan

    def _status(self, error: BillingError | None) -> int:
        if self.wrong or isinstance(error, InvalidInput):
            return UNPROCESSABLE
        return CONFLICT if isinstance(error, Conflict) else BAD_GATEWAY if error else 200

    def _page(self, plan: InvoicePlan | None, error: BillingError | None) -> str:
        return render_template(
            "crm_stripe/review.html",
            billing=self.source,
            billables=self.chosen,
            plan=plan,
            form=self.form,
            wrong=self.wrong,
            seen=figures(plan) if plan else "",
            due_day=None
            if "days_until_due" in self.wrong
            else self.f.today + timedelta(days=self.terms.days_until_due),
            changed=self._changes(plan) if plan and isinstance(error, PlanChanged) else None,
            problem=error.message if error and not isinstance(error, PlanChanged | InvalidInput) else "",
            connected=self.billing.connection.live() is not None,
            above=self._above(plan) if plan else "",
            lacking=lacking(plan) if plan else "",
            foreseen=foreseen(plan) if plan else "",
            deposits=[deposit_words(each, self.f, self.texts) for each in self._deposits(plan)],
            reason=self.given.get(REASON, ""),
        )

    def _deposits(self, plan: InvoicePlan | None) -> list[Deposit]:
        """Those that this invoice takes off, or could."""
        if plan is None or plan.deposit_percent:
            return []
        numbers = {line.deducts for line in plan.lines}
        found = self.billing.invoicing.deposits(plan.sources)
        return [each for each in found if each.taken_by is None or each.invoice.number in numbers]

    def _above(self, plan: InvoicePlan) -> str:
        """Why a second person is needed; empty where nobody is."""
        limit = self.billing.approvals.limit(SEND, Money(plan.total, plan.currency))
        if limit is None:
            return ""
        if limit.currency != plan.currency:
            return self.texts.gettext("In this currency a second person always agrees.")
        amount = self.f.sum_of(limit.amount, limit.currency)
        return self.texts.gettext("Above %(limit)s a second person agrees.", limit=amount)

    def _changes(self, plan: InvoicePlan) -> str:
        before = self.given.get("seen_total", "")
        if not before.isdecimal() or int(before) == plan.total or len(before) > 15:
            return self.texts.gettext("The total is the same, but something else of the invoice is not.")
        was, now = (self.f.sum_of(total, plan.currency) for total in (int(before), plan.total))
        return self.texts.gettext("The total was %(was)s and is now %(now)s.", was=was, now=now)
