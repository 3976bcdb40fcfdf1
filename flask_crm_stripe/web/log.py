"""Who did, saw, or was refused what in billing: to filter, and to take along as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC

from flask import Blueprint, Response, render_template, request, stream_with_context
from markupsafe import Markup

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.settings import log_days
from flask_crm_stripe.model.business import ADMIN
from flask_crm_stripe.model.log import OUTCOMES, LogEntry, LogFilter
from flask_crm_stripe.web.context import current_billing
from flask_crm_stripe.web.days import day_of, start_of
from flask_crm_stripe.web.deeds import DEEDS, FAMILIES, deed_words
from flask_crm_stripe.web.formats import Formats
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.page import link, tools
from flask_crm_stripe.web.people import names_of, telling
from flask_crm_stripe.web.sentences import LOG, isolated
from flask_crm_stripe.web.sheets import rows_as_csv

FILTERS = ("actor", "action", "outcome", "target", "since", "until")
HEAD = ("Number", "Time (UTC)", "Person", "Name", "Action", "In words", "About", "Result", "Reason", "From", "Stripe")


def register(blueprint: Blueprint) -> None:
    """``/log``."""
    blueprint.add_url_rule("/log", "log", log)
    blueprint.add_url_rule("/log/export", "export_log", export_log)


def log() -> str:
    """The log, newest first."""
    billing = current_billing
    billing.rights.require(ADMIN, "see the log")
    f, texts = tools(billing)
    chosen = chosen_lines(request.args, f)
    page = billing.ledger.log.page(chosen, request.args.get("cursor") or None)
    billing.log.seen("log.see", "log")
    known = billing.ledger.people.refs()
    return render_template(
        "crm_stripe/log.html",
        page=page,
        page_url=lambda cursor: link("log", **_given(), cursor=cursor),
        export_url=link("export_log", **_given()),
        given={name: request.args.get(name, "") for name in FILTERS},
        filtered=bool(_given()),
        people=sorted(known.items(), key=lambda pair: pair[1].casefold()),
        families=[(word, texts.gettext(words)) for word, words in FAMILIES.items()],
        outcomes=OUTCOMES,
        log_words=lambda entry: log_words(entry, texts),
        kept_days=log_days(billing.settings.all()),
        **telling(billing, [], known),
    )


def export_log() -> Response:
    """The lines that the filter lets through, as CSV."""
    billing = current_billing
    billing.rights.require(ADMIN, "take the log along")
    f, texts = tools(billing)
    billing.log.note("log.export", "log", reason=" ".join(f"{name}={value}" for name, value in _given().items()))
    lines = rows_as_csv(HEAD, exported(billing, chosen_lines(request.args, f), texts))
    answer = Response(stream_with_context(lines), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="billing-log-{f.today:%Y-%m-%d}.csv"'
    return answer


def exported(billing: Billing, chosen: LogFilter, texts: Texts) -> Iterator[list[str]]:
    """Rows of the file, oldest first. Names are those of now."""
    names = {**billing.ledger.people.refs(), **names_of(billing, [])}
    for entry in billing.ledger.log.every(chosen):
        yield [
            str(entry.seq),
            entry.at.astimezone(UTC).isoformat(timespec="seconds"),
            entry.actor,
            names.get(entry.actor, ""),
            entry.action,
            deed_words(entry.action, texts).unescape(),
            entry.target,
            texts.gettext(LOG[entry.outcome].word).unescape(),
            entry.reason or "",
            entry.address or "",
            entry.request_id or "",
        ]


def chosen_lines(given: Mapping[str, str], f: Formats) -> LogFilter:
    """The filter that a page's address describes; what can't be read of it is left out."""
    outcome = given.get("outcome", "")
    return LogFilter(
        actor=given.get("actor", "")[:191],
        action=given.get("action", "")[:64],
        outcome=outcome if outcome in OUTCOMES else "",
        target=given.get("target", "").strip()[:500],
        since=start_of(day_of(given.get("since", "")), f),
        until=start_of(day_of(given.get("until", "")), f, days=1),
    )


def log_words(entry: LogEntry, texts: Texts) -> Markup:
    """The deed, and a link to the invoice where it was about one."""
    deed = deed_words(entry.action, texts)
    if entry.action.startswith("invoice.") and entry.target.isalnum():
        href = link("invoice", invoice_id=entry.target)
        return Markup('<a class="cs-plain" href="{}">{}</a>').format(href, deed)
    return deed if entry.action in DEEDS else Markup("{}: {}").format(deed, isolated(entry.target))


def _given() -> dict[str, str]:
    return {name: request.args[name] for name in FILTERS if request.args.get(name)}
