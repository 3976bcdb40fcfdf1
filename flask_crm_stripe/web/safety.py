"""What keeps a business safe, as an admin sets it: limits for a second person, who is told, how long the log stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from flask import Blueprint, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from flask_crm_stripe.core.limits import EVERY_OTHER, LIMITED, Limit, limits_of
from flask_crm_stripe.core.notices import ADDRESSES, RECIPIENTS
from flask_crm_stripe.core.settings import EVENT_DAYS, LOG_DAYS, event_days
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.approvals import Approval
from flask_crm_stripe.model.business import ADMIN
from flask_crm_stripe.model.money import exponent, normalise_currency
from flask_crm_stripe.web.context import current_billing
from flask_crm_stripe.web.formats import Formats
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.i18n import marked as _
from flask_crm_stripe.web.page import link, say, tools

MAILED = {
    "paid": _("When an invoice is paid"),
    "failed": _("When a payment fails"),
    "overdue": _("When an invoice is overdue"),
    "disputed": _("When a payment is disputed"),
}
PERMISSIONS = {"send": _("Send"), "refund": _("Refund"), "write_off": _("Write off")}


def register(blueprint: Blueprint) -> None:
    """``/settings/safety``."""
    blueprint.add_url_rule("/settings/safety", "safety", safety)
    blueprint.add_url_rule("/settings/safety/limits", "save_limit", save_limit, methods=["POST"])
    blueprint.add_url_rule("/settings/safety/limits/remove", "remove_limit", remove_limit, methods=["POST"])
    blueprint.add_url_rule("/settings/safety/notify", "save_notify", save_notify, methods=["POST"])
    blueprint.add_url_rule("/settings/safety/events", "save_event_days", save_event_days, methods=["POST"])
    blueprint.add_url_rule("/settings/safety/log", "save_log_days", save_log_days, methods=["POST"])


def safety() -> str:
    """The page."""
    current_billing.rights.require(ADMIN, "change the settings")
    return _page({}, {})


def save_limit() -> Response | tuple[str, int]:
    """Above this amount a second person agrees."""
    billing, given = current_billing, request.form
    f, _texts = tools(billing)

    def save() -> Approval | None:
        billing.rights.require(ADMIN, "change the limits")
        currency = given.get("currency", "").strip()
        amount = 0 if currency == EVERY_OTHER else read_amount(given.get("amount", ""), currency, f)
        return billing.settings.set_limit(given.get("permission", ""), currency, amount, given.get("reason", ""))

    return _saved(lambda: _say_limit(save()))


def remove_limit() -> Response | tuple[str, int]:
    """One person is enough again, once a second person agrees."""
    billing, given = current_billing, request.form
    permission, currency = given.get("permission", ""), given.get("currency", "")
    return _saved(lambda: _say_limit(billing.settings.remove_limit(permission, currency, given.get("reason", ""))))


def save_notify() -> Response | tuple[str, int]:
    """Where notices are mailed to."""
    billing = current_billing
    _, texts = tools(billing)

    def save() -> None:
        given = {kind: request.form[field] for kind, field in RECIPIENTS.items() if field in request.form}
        billing.settings.save_notify(request.form.get(ADDRESSES, ""), **given)
        say("success", texts.gettext("Saved where notices are mailed to."))

    return _saved(save)


def save_event_days() -> Response | tuple[str, int]:
    """How long the bodies of events are kept."""
    billing = current_billing
    _, texts = tools(billing)

    def save() -> None:
        billing.settings.save_event_days(request.form.get(EVENT_DAYS, ""))
        say("success", texts.gettext("Saved how long events are kept."))

    return _saved(save)


def save_log_days() -> Response | tuple[str, int]:
    """How long the log is kept."""
    billing, given = current_billing, request.form
    _, texts = tools(billing)

    def save() -> None:
        try:
            billing.settings.save_log_days(given.get(LOG_DAYS, ""), given.get("log_reason", ""))
        except InvalidInput as error:
            # Two forms of this page ask for a reason.
            raise InvalidInput("log_reason" if error.field == "reason" else LOG_DAYS, error.message) from None
        say("success", texts.gettext("Saved how long the log is kept."))

    return _saved(save)


def read_amount(text: str, currency: str, f: Formats) -> int:
    """An amount as the reader writes it, in minor units. Raises ``InvalidInput``."""
    try:
        power = exponent(normalise_currency(currency))
    except ValueError as error:
        raise InvalidInput("currency", str(error)) from None
    minor = f.read_number(text, "amount", f.number(Decimal(5000), 2)).scaleb(power)
    if minor != minor.to_integral_value() or minor < 0:
        raise InvalidInput("amount", "Write an amount from 0 up that can be paid in this currency.")
    return int(minor)


def _saved(save: Callable[[], None]) -> Response | tuple[str, int]:
    try:
        save()
    except InvalidInput as error:
        return _page({error.field or "reason": error.message}, request.form), 422
    return redirect(link("safety"), 303)


def _say_limit(asked: Approval | None) -> None:
    _, texts = tools(current_billing)
    if asked is None:
        say("success", texts.gettext("The limit holds from now on."))
    else:
        first = texts.gettext("A second person is asked, for this lets more through than before.")
        say("success", first, texts.gettext("Until somebody else agrees, the old limit holds."))


def _page(wrong: Mapping[str, str], given: Mapping[str, str]) -> str:
    billing = current_billing
    f, texts = tools(billing)
    saved = billing.settings.all()
    return render_template(
        "crm_stripe/safety.html",
        limits=[(limit, limit_words(limit, f, texts)) for limit in limits_of(saved)],
        permissions=[(word, texts.gettext(PERMISSIONS[word])) for word in LIMITED],
        every_other=EVERY_OTHER,
        notify=given.get(ADDRESSES, saved.get(ADDRESSES, "")),
        recipients=[
            (field, texts.gettext(MAILED[kind]), given.get(field, saved.get(field, "")))
            for kind, field in RECIPIENTS.items()
        ],
        log_days=given.get(LOG_DAYS, saved.get(LOG_DAYS, "")),
        event_days=given.get(EVENT_DAYS, str(event_days(saved))),
        waiting=len(billing.ledger.approvals.waiting()),
        given=given,
        wrong=wrong,
    )


def limit_words(limit: Limit, f: Formats, texts: Texts) -> Markup:
    """A limit in a sentence."""
    deed = texts.gettext(PERMISSIONS[limit.permission])
    if limit.currency == EVERY_OTHER:
        return texts.gettext("%(deed)s: always, in every other currency", deed=deed)
    amount = f.sum_of(limit.amount, limit.currency)
    return texts.gettext("%(deed)s: above %(amount)s", deed=deed, amount=amount)
