"""Letting go of the Stripe account: first what is open and what happens to each of it, then the deed."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.disconnection import SHOWN, Leaving, Subscription
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.web.context import calls_stripe, current_billing
from flask_crm_stripe.web.page import link, say, tools
from flask_crm_stripe.web.sentences import isolated


def register(blueprint: Blueprint) -> None:
    """``/disconnect``."""
    blueprint.add_url_rule("/disconnect", "disconnect", disconnect, methods=["GET"])
    blueprint.add_url_rule("/disconnect", "disconnect_now", disconnect_now, methods=["POST"])


@calls_stripe
def disconnect() -> str:
    """What disconnecting means, before it happens."""
    return _page(current_billing.disconnection.preview(), {}, "")


@calls_stripe
def disconnect_now() -> Response | tuple[str, int]:
    """Revoke at Stripe and end the connection here; where something changed since the look, there is another look."""
    billing, reason = current_billing, request.form.get("reason", "")
    _, texts = tools(billing)
    found = billing.disconnection.preview()
    if request.form.get("seen") != found.seen():
        return _page(found, {}, reason, changed=True), 409
    try:
        billing.disconnection.carry_out(reason)
    except InvalidInput as error:
        return _page(found, {"reason": error.message}, reason), 422
    say("success", texts.gettext("Stripe is disconnected."), texts.gettext("What you see here stays readable."))
    return redirect(link("settings"), 303)


def _page(found: Leaving, wrong: Mapping[str, str], reason: str, *, changed: bool = False) -> str:
    return render_template(
        "crm_stripe/disconnect.html",
        connection=found.connection,
        wrong=wrong,
        reason=reason,
        changed=changed,
        **left_values(current_billing, found),
    )


def left_values(billing: Billing, found: Leaving) -> dict[str, object]:
    """What a page needs to list what is open on an account."""
    f, texts = tools(billing)
    return {
        "left": found,
        "most": SHOWN,
        "row_words": lambda invoice: _row(
            invoice, f.sum_of(_amount(invoice), invoice.currency), texts.gettext("Draft")
        ),
        "sums": " + ".join(f.sum_of(row.amount, row.currency) for row in found.outstanding),
        "subscription_words": lambda each: _each_time(billing, each),
    }


def _amount(invoice: Invoice) -> int:
    return invoice.amount_remaining if invoice.number else invoice.total


def _row(invoice: Invoice, amount: str, draft: Markup) -> Markup:
    href = link("invoice", invoice_id=invoice.id)
    name = invoice.number or draft
    return Markup('<a class="cs-plain" href="{}">{}</a> · {} · {}').format(
        href, name, isolated(invoice.contact_name), amount
    )


def _each_time(billing: Billing, found: Subscription) -> Markup:
    f, texts = tools(billing)
    each = found.at_stripe
    amount = f.sum_of(each.amount, each.currency) if each.currency else ""
    every = {
        "day": texts.gettext("%(amount)s a day", amount=amount),
        "week": texts.gettext("%(amount)s a week", amount=amount),
        "month": texts.gettext("%(amount)s a month", amount=amount),
        "year": texts.gettext("%(amount)s a year", amount=amount),
    }
    return Markup("{} · {}").format(isolated(found.contact_name), every.get(each.interval, amount))
