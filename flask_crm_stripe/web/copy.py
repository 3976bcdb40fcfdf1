"""Is this the real one, or a copy? What is locked in a copy, and an admin's word that this is none."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.business import ADMIN
from flask_crm_stripe.web.context import current_billing
from flask_crm_stripe.web.page import link, say, tools


def register(blueprint: Blueprint) -> None:
    """``/copy``."""
    blueprint.add_url_rule("/copy", "copy", copy)
    blueprint.add_url_rule("/copy", "confirm_real", confirm_real, methods=["POST"])


def copy() -> str:
    """The question."""
    current_billing.rights.require(ADMIN, "say that this is the real one")
    return _page({}, "")


def confirm_real() -> Response | tuple[str, int]:
    """The answer that it is the real one."""
    reason = request.form.get("reason", "")
    try:
        current_billing.confirm_real(reason)
    except InvalidInput as error:
        return _page({"reason": error.message}, reason), 422
    _, texts = tools(current_billing)
    say("success", texts.gettext("This is the real one."), texts.gettext("All works here as usual from now on."))
    return redirect(link("overview"), 303)


def _page(wrong: Mapping[str, str], reason: str) -> str:
    billing = current_billing
    _, texts = tools(billing)
    words = {
        "host": texts.gettext("the host name, or the public address of the CRM"),
        "database": texts.gettext("the database, or the place where it lies"),
        "key": texts.gettext("the platform’s Stripe key"),
    }
    return render_template(
        "crm_stripe/copy.html",
        differences=[words[part] for part in billing.environment.differences()],
        only_host=billing.environment.differences() == ("host",),
        wrong=wrong,
        reason=reason,
    )
