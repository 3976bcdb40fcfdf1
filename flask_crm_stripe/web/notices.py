"""News for the admins, on the pages until somebody has read it."""

from __future__ import annotations

from flask import Blueprint, redirect
from markupsafe import Markup
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.notices import LOST, RECIPIENTS, words_of
from flask_crm_stripe.model.business import CONNECT
from flask_crm_stripe.model.notices import Notice
from flask_crm_stripe.web.context import current_billing
from flask_crm_stripe.web.page import link, tools
from flask_crm_stripe.web.sentences import isolated

TONES = {"ended": "danger", "connected": "success", "account_well": "success"}
PLACES = {
    "approval_asked": "/approvals/{approval}",
    "approval_decided": "/approvals/{approval}",
    "limits": "/settings/safety",
    "ended": "/settings",
    **dict.fromkeys(RECIPIENTS, "/invoices/{invoice}"),
}


def register(blueprint: Blueprint) -> None:
    """``/notices``."""
    blueprint.add_url_rule("/notices/<int:notice_id>/seen", "put_away", put_away, methods=["POST"])


def place_of(notice: Notice) -> str:
    """The page that a notice is about, below our prefix; the overview, unless there is a better one."""
    return PLACES.get(notice.kind, "/").format(
        approval=notice.params.get("approval", ""), invoice=notice.params.get("invoice", "")
    )


def put_away(notice_id: int) -> Response:
    """Somebody has read it: it is gone for everybody."""
    current_billing.rights.require(CONNECT, "put notices away")
    current_billing.notices.put_away(notice_id)
    return redirect(link("overview"), 303)


def shown(billing: Billing) -> list[dict[str, object]]:
    """What nobody has put away, for those who may connect."""
    return [_shown(billing, notice) for notice in billing.notices.open()]


def _shown(billing: Billing, notice: Notice) -> dict[str, object]:
    f, texts = tools(billing)
    first, text = words_of(notice)
    return {
        "id": notice.id,
        "tone": TONES.get(notice.kind, "warning"),
        "first": isolated(first),
        "text": isolated(text) if text != first else Markup(""),
        "at": f.moment(notice.at),
        "mail": texts.gettext("It is not certain that the mail about it went out.") if notice.mail == LOST else "",
    }
