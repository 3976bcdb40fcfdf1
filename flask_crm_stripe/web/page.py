"""What every page of ours knows: the reader's texts and formats, the entries of the navigation, and notes to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, redirect, request, session, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.errors import Conflict
from flask_crm_stripe.model.business import ADMIN, VIEW_PERSONAL, Actor, Business
from flask_crm_stripe.model.crm import ContactRef, SourceRef
from flask_crm_stripe.web.formats import Formats, formats_for, mail, masked
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.i18n import marked as _
from flask_crm_stripe.web.security import csrf_field, form_key
from flask_crm_stripe.web.sentences import invoice_word, isolated, look_of

NAME = "crm_stripe"
NOTES = "crm_stripe_notes"
NOBODY = Actor("", "")
NO_BUSINESS = Business("", "")
LONGEST_NOTE = 400
MOST_NOTES = 3


@dataclass(frozen=True, slots=True)
class Note:
    """One line on top of a page after a POST. ``tone`` is success, warning or danger."""

    tone: str
    first: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the navigation. ``endpoints`` are the pages on which it is the current one."""

    endpoint: str
    text: str
    endpoints: frozenset[str] = frozenset()
    permission: str | None = None


OF_INVOICES = (
    *("invoice", "delete_draft", "void_invoice", "mark_uncollectible", "paid_elsewhere"),
    *("billables", "review", "generate", "approvals", "approval", "refuse_approval"),
    *("runs", "run", "new_run", "plan_run"),
)
OF_CONNECTION = ("connect_callback", "connect_confirm", "connect_confirm_now", "disconnect", "disconnect_now")
OF_SAFETY = ("safety", "save_notify", "save_limit", "save_log_days")
ENTRIES = (
    Entry("overview", _("Overview"), frozenset(("copy", "confirm_real"))),
    Entry("invoices", _("Invoices"), frozenset(OF_INVOICES)),
    Entry("services", _("Services")),
    Entry("settings", _("Settings"), frozenset(("save_settings", *OF_CONNECTION, *OF_SAFETY))),
    Entry("events", _("Events"), frozenset(("event",)), permission=ADMIN),
    Entry("log", _("Log"), permission=ADMIN),
)


def register(blueprint: Blueprint) -> None:
    """Let every template of the blueprint know."""
    blueprint.context_processor(page_values)


def page_values() -> dict[str, object]:
    """For our own pages: notes that a POST left behind are shown, once."""
    return {**shared_values(), "notes": take_notes, "csrf_field": csrf_field, "form_key": form_key}


def shared_values() -> dict[str, object]:
    """For our pages and for what stands in the host's."""
    billing: Billing | None = g.get("crm_stripe_billing")
    actor: Actor = billing.actor if billing else g.get("crm_stripe_actor") or NOBODY
    business = billing.business if billing else NO_BUSINESS
    f = formats(billing, actor)
    texts = Texts(f.locale)
    return {
        "_": texts.gettext,
        "ngettext": texts.ngettext,
        "f": f,
        "lang": str(f.locale).replace("_", "-"),
        "actor": actor,
        "business": business,
        "is_copy": billing is not None and billing.environment.is_copy,
        "entries": entries(actor, texts) if billing else [],
        "link": link,
        "bootstrap_css": bootstrap_css(),
        "look_of": look_of,
        "invoice_word": invoice_word,
        "isolated": isolated,
        "mail": lambda address: mail(address if actor.may(VIEW_PERSONAL) else masked(address)),
        "safe_url": safe_url,
        "country_name": lambda code: f.locale.territories.get(code, code),
        "source_kind": source_kind,
    }


def formats(billing: Billing | None, actor: Actor) -> Formats:
    """How the person who looks reads figures."""
    now = billing.clock.now() if billing else datetime.now(UTC)
    return formats_for(actor, billing.business if billing else NO_BUSINESS, now)


def tools(billing: Billing) -> tuple[Formats, Texts]:
    """Formats and texts for a view of ours."""
    found = formats(billing, billing.actor)
    return found, Texts(found.locale)


def entries(actor: Actor, texts: Texts) -> list[dict[str, object]]:
    """The navigation of a person: pages that they may see."""
    here = (request.endpoint or "").rpartition(".")[2] if request.blueprint == blueprint_name() else ""
    return [
        {
            "url": link(entry.endpoint),
            "text": texts.gettext(entry.text),
            "current": here == entry.endpoint or here in entry.endpoints,
        }
        for entry in ENTRIES
        if entry.permission is None or actor.may(entry.permission)
    ]


def link(endpoint: str, **values: object) -> str:
    """The address of one of our pages, from our own pages and from the host's, nested or not."""
    given = {name: value for name, value in values.items() if value not in (None, "")}
    return url_for(f"{blueprint_name()}.{endpoint}", _external=False, **given)  # type: ignore[arg-type]


def blueprint_name() -> str:
    """Our blueprint's name where this request runs, with the names of those that it is nested in."""
    if request.blueprint and request.blueprint.rpartition(".")[2] == NAME:
        return request.blueprint
    return next(name for name in current_app.blueprints if name.rpartition(".")[2] == NAME)


def bootstrap_css() -> str:
    """Bootstrap's style sheet, served by ourselves."""
    return url_for("crm_stripe_assets.static", filename="bootstrap5/css/bootstrap.min.css", _external=False)


def safe_url(url: str | None) -> bool:
    """Whether an address from the CRM may become a link: a path here, or http(s). Never ``javascript:``."""
    if not url or url != url.strip() or any(ord(letter) <= 32 or letter == "\\" for letter in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme or parts.netloc:
        return parts.scheme in ("http", "https") and bool(parts.netloc)
    return url.startswith("/")


def source_kind(kind: str) -> str:
    """``Opportunity``: the CRM's own word."""
    return kind.replace("_", " ").capitalize()


def parsed_ref(text: str) -> tuple[str, str] | None:
    """``organization:17`` as kind and ref."""
    kind, found, ref = text.partition(":")
    return (kind, ref) if found and kind and ref else None


def contact_of(text: str) -> ContactRef | None:
    """A contact from the address of a page."""
    return ContactRef(*pair) if (pair := parsed_ref(text)) else None


def source_of(text: str) -> SourceRef | None:
    """A source from the address of a page."""
    return SourceRef(*pair) if (pair := parsed_ref(text)) else None


def say(tone: str, first: str, text: str = "") -> None:
    """Leave a note for the page that the redirect leads to. Words only: they are escaped when they are shown."""
    note = [tone, _plain(first)[:LONGEST_NOTE], _plain(text)[:LONGEST_NOTE]]
    session[NOTES] = [*session.get(NOTES, []), note][-MOST_NOTES:]


def take_notes() -> list[Note]:
    """The notes that wait, once: a page takes them when it shows them."""
    return [Note(*note) for note in session.pop(NOTES, [])]


def _plain(words: str) -> str:
    return words.striptags() if isinstance(words, Markup) else words


def away(url: str) -> Response:
    """To Stripe. Anything but a plain web address is refused, whoever put it there."""
    if not safe_url(url) or url.startswith("/"):
        raise Conflict("Stripe gave no address that can be opened. Try again in a moment.")
    answer = redirect(url, 303)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
