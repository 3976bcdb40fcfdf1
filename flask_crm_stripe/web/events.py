"""What Stripe told us, what became of it, and what it said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.endpoints import MENDABLE
from flask_crm_stripe.core.event_types import WANTED
from flask_crm_stripe.errors import NotFound, SecretUnreadable
from flask_crm_stripe.model.business import ADMIN, VIEW_PERSONAL
from flask_crm_stripe.model.events import EventFilter, EventState, StoredEvent
from flask_crm_stripe.web.context import current_billing, state
from flask_crm_stripe.web.days import day_of, start_of
from flask_crm_stripe.web.formats import Formats
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.page import link, say, tools
from flask_crm_stripe.web.sentences import look_of

STATES = tuple(word.value for word in EventState)
FILTERS = ("state", "type", "about", "since", "until")
ON_A_PAGE, MOST_AT_ONCE = 25, 100
PERSONAL = frozenset(
    (
        *("name", "email", "receipt_email", "customer_email", "customer_name", "phone", "customer_phone"),
        *("line1", "line2", "city", "postal_code", "state", "individual_name", "ip_address", "ip", "last4"),
        *("fingerprint", "value", "hosted_invoice_url", "invoice_pdf", "receipt_url", "client_secret"),
    )
)
"""Fields of Stripe's in which a person's data stands, or a link with which anybody can see it."""

BEARER = frozenset(("hosted_invoice_url", "invoice_pdf", "receipt_url", "client_secret"))
HIDDEN = "…"


def register(blueprint: Blueprint) -> None:
    """``/events``."""
    blueprint.add_url_rule("/events", "events", events)
    blueprint.add_url_rule("/events/<int:event_id>", "event", event)
    blueprint.add_url_rule("/events/<int:event_id>/retry", "retry_event", retry_event, methods=["POST"])
    blueprint.add_url_rule("/events/retry", "retry_events", retry_events, methods=["POST"])


def events() -> str:
    """The inbox, newest first."""
    billing = current_billing
    billing.rights.require(ADMIN, "see the events")
    f, texts = tools(billing)
    stored = billing.ledger.events
    counts, given = stored.counts(), _given()
    latest = billing.connection.latest()
    return render_template(
        "crm_stripe/events.html",
        page=stored.page(chosen_events(request.args, f), request.args.get("cursor") or None, ON_A_PAGE),
        page_url=lambda cursor: link("events", **given, cursor=cursor),
        given={name: request.args.get(name, "") for name in FILTERS},
        filtered=bool(given),
        states=STATES,
        types=WANTED,
        last=next(iter(stored.received()), None),
        waiting=counts.get("waiting", 0),
        failed=counts.get("failed", 0),
        troubles=billing.feed.troubles(),
        mendable=MENDABLE,
        strays=stored.strays(latest.books) if latest and latest.ended_at else None,
        ids_of=lambda event: _ids(event, texts),
        changed=lambda event: changed(event, texts),
    )


def event(event_id: int) -> str:
    """One event: what it is about, what it changed, and its body as it was received."""
    billing = current_billing
    billing.rights.require(ADMIN, "see the events")
    _, texts = tools(billing)
    found = billing.ledger.events.get(event_id)
    if found is None:
        raise NotFound("event")
    body, why = _body(billing, event_id, texts)
    return render_template(
        "crm_stripe/event.html",
        event=found,
        body=body,
        why_no_body=why,
        hidden=not billing.actor.may(VIEW_PERSONAL),
        ids_of=lambda event: _ids(event, texts),
        changed=lambda event: changed(event, texts),
    )


def retry_event(event_id: int) -> Response:
    """Apply it once more, after this answer."""
    return _retry([event_id])


def retry_events() -> Response:
    """Apply the chosen ones once more, after this answer."""
    return _retry([int(each) for each in request.form.getlist("event")[:MOST_AT_ONCE] if each.isdecimal()])


def _retry(chosen: Sequence[int]) -> Response:
    billing = current_billing
    billing.rights.require(ADMIN, "apply events again")
    _, texts = tools(billing)
    rows = [found for each in chosen if (found := billing.ledger.events.get(each)) is not None]
    if not rows and request.endpoint and request.endpoint.endswith("retry_event"):
        raise NotFound("event")
    if not rows:
        say("warning", texts.gettext("No event was chosen."), texts.gettext("Tick those that are to be applied again."))
        return redirect(link("events"), 303)
    billing.environment.require_real("apply events")
    billing.ledger.events.retry([row.id for row in rows], billing.clock.now())
    for row in rows:
        billing.log.note("event.retry", row.event_id)
    state().ready().queue.put("apply_events")
    say(
        "success",
        texts.ngettext("The event is being applied again.", "%(number)s events are being applied again.", len(rows)),
        texts.gettext("This page shows the result by itself."),
    )
    return redirect(link("events"), 303)


def chosen_events(given: Mapping[str, str], f: Formats) -> EventFilter:
    """The filter that a page's address describes; what can't be read of it is left out."""
    word = given.get("state", "")
    return EventFilter(
        state=word if word in STATES else "",
        type=given.get("type", "").strip()[:255],
        text=given.get("about", "").strip()[:255],
        since=start_of(day_of(given.get("since", "")), f),
        until=start_of(day_of(given.get("until", "")), f, days=1),
    )


def changed(event: StoredEvent, texts: Texts) -> Markup | None:
    """What it made another than before, as a sentence with a link."""
    words = (event.changed or "").split()
    if len(words) != 4:
        return None
    _, invoice_id, before, after = words
    known = {"before": _status(before, texts), "after": _status(after, texts)}
    if before == after:
        sentence = texts.gettext("The invoice was brought up to date")
    else:
        sentence = texts.gettext("%(before)s became %(after)s", **known)
    return Markup('<a class="cs-plain" href="{}">{}</a>').format(link("invoice", invoice_id=invoice_id), sentence)


def masked(value: Any, hide: frozenset[str]) -> Any:
    """The value without what stands in the fields that are hidden."""
    if isinstance(value, dict):
        return {
            key: HIDDEN if key in hide and isinstance(item, str) and item else masked(item, hide)
            for key, item in value.items()
        }
    return [masked(item, hide) for item in value] if isinstance(value, list) else value


def _body(billing: Billing, event_id: int, texts: Texts) -> tuple[str, str]:
    """As people read it, or why there is none. Links with which anybody could see an invoice are never shown."""
    try:
        body = billing.ledger.events.body(event_id)
    except SecretUnreadable:
        return "", texts.gettext("It can't be read any more: the key that it was stored with is lost.")
    if body is None:
        return "", texts.gettext("It was erased: it is kept for as long as it is set, or its contact was forgotten.")
    personal = billing.actor.may(VIEW_PERSONAL)
    if personal:
        billing.log.seen("event.see_personal", str(event_id))
    try:
        shown = masked(json.loads(body), BEARER if personal else PERSONAL)
    except (ValueError, RecursionError):
        return "", texts.gettext("It can't be shown.")
    return json.dumps(shown, indent=2, ensure_ascii=False), ""


def _status(word: str, texts: Texts) -> Markup:
    return texts.gettext("Nothing") if word == "none" else texts.gettext(look_of("invoice", word).word)


def _given() -> dict[str, str]:
    return {name: request.args[name] for name in FILTERS if request.args.get(name)}


def _ids(event: StoredEvent, texts: Texts) -> list[tuple[str, str]]:
    found = (
        (texts.gettext("Event"), event.event_id),
        (texts.gettext("Object"), event.object_id),
        (texts.gettext("Request"), event.request_id),
    )
    return [(label, value) for label, value in found if value]
