"""What Stripe told us, and what became of it."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.business import ADMIN
from flask_crm_stripe.model.events import EventFilter, EventState, StoredEvent
from flask_crm_stripe.web.context import current_billing, state
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.page import link, say, tools

STATES = tuple(word.value for word in EventState)


def register(blueprint: Blueprint) -> None:
    """``/events``."""
    blueprint.add_url_rule("/events", "events", events)
    blueprint.add_url_rule("/events/<int:event_id>/retry", "retry_event", retry_event, methods=["POST"])


def events() -> str:
    """The inbox, newest first."""
    billing = current_billing
    billing.rights.require(ADMIN, "see the events")
    _, texts = tools(billing)
    given = request.args.get("state", "")
    chosen = given if given in STATES else ""
    counts = billing.ledger.events.counts()
    return render_template(
        "crm_stripe/events.html",
        page=billing.ledger.events.page(EventFilter(chosen), request.args.get("cursor") or None),
        page_url=lambda cursor: link("events", state=chosen, cursor=cursor),
        state=chosen,
        states=STATES,
        last=next(iter(billing.ledger.events.received()), None),
        waiting=counts.get("waiting", 0),
        failed=counts.get("failed", 0),
        ids_of=lambda event: _ids(event, texts),
    )


def retry_event(event_id: int) -> Response:
    """Apply it once more, after this answer."""
    billing = current_billing
    billing.rights.require(ADMIN, "apply events again")
    _, texts = tools(billing)
    event = billing.ledger.events.get(event_id)
    if event is None:
        raise NotFound("event")
    if event.state in (EventState.WAITING, EventState.FAILED):
        billing.environment.require_real("apply events")
        billing.ledger.events.retry([event_id], billing.clock.now())
        billing.log.note("event.retry", event.event_id)
        state().ready().queue.put("apply_events")
        say(
            "success",
            texts.gettext("The event is being applied again."),
            texts.gettext("This page shows the result by itself."),
        )
    else:
        say("success", texts.gettext("The event was applied already."))
    return redirect(link("events"), 303)


def _ids(event: StoredEvent, texts: Texts) -> list[tuple[str, str]]:
    found = (
        (texts.gettext("Event"), event.event_id),
        (texts.gettext("Object"), event.object_id),
        (texts.gettext("Request"), event.request_id),
    )
    return [(label, value) for label, value in found if value]
