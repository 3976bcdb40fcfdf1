"""The list of invoices: filtered, newest first, with what is still to pay; and their live status."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime

from flask import Blueprint, jsonify, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.invoices import Invoice, InvoiceFilter, Status
from flask_crm_stripe.web import invoice
from flask_crm_stripe.web.books import AsOf, chosen_books, key_of, shelves
from flask_crm_stripe.web.context import current_billing
from flask_crm_stripe.web.formats import Formats
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.invoice_facts import SourceNames, days_late, owed, problem_words
from flask_crm_stripe.web.page import contact_of, link, source_kind, source_of, tools
from flask_crm_stripe.web.sentences import INVOICE, invoice_word, isolated, look_of

STATUSES = tuple(status.value for status in Status)
AT_MOST = 1000
MOST_LIVE = 100
FUTURE = datetime.max.replace(tzinfo=UTC)


def register(blueprint: Blueprint) -> None:
    """``/invoices``, ``/invoices/status``, and all that is below one invoice."""
    blueprint.add_url_rule("/invoices", "invoices", invoices)
    blueprint.add_url_rule("/invoices/status", "invoice_status", invoice_status)
    invoice.register(blueprint)


def invoices() -> str:
    """The list."""
    billing = current_billing
    f, texts = tools(billing)
    books = chosen_books(billing, request.args)
    chosen = _filter(f.today, books)
    page = billing.ledger.invoices.page(chosen, request.args.get("cursor") or None)
    chips = _chips(chosen, texts)
    names = SourceNames(billing)
    everything, known = InvoiceFilter(today=f.today, books=books), AsOf(billing, f)
    outstanding = [row for row in billing.ledger.invoices.outstanding(chosen, FUTURE) if row.count]
    return render_template(
        "crm_stripe/invoices.html",
        page=page,
        page_url=lambda cursor: link("invoices", **_given(), cursor=cursor),
        any=bool(page.rows or chips or request.args.get("cursor")),
        chosen=chosen,
        chips=chips,
        found_words=_found(billing, chosen, everything, texts) if chips else "",
        statuses=STATUSES,
        dues=(("overdue", texts.gettext("Overdue")), ("week", texts.gettext("Next 7 days"))),
        currencies=currencies(billing, chosen),
        outstanding=outstanding,
        as_of=known.of_books(books),
        shelves=accounts if len(accounts := shelves(billing)) > 1 else [],
        account=key_of(books),
        livemode=books[1],
        owed=owed,
        days_late=lambda row: days_late(row, f),
        source_words=names.of,
        problem_words=lambda row: problem_words(row, texts),
    )


def invoice_status() -> Response:
    """The statuses of the invoices on an open page. Nothing new costs one look at versions, and answers 304."""
    billing = current_billing
    f, texts = tools(billing)
    ids = [one for one in request.args.get("ids", "").split(",") if one][:MOST_LIVE]
    versions = billing.ledger.invoices.versions(ids)
    tag = hashlib.sha256(repr((sorted(versions.items()), str(f.locale), f.today)).encode()).hexdigest()[:24]
    if tag in request.if_none_match:
        answer = Response(status=304)
    else:
        found = [known for one in versions if (known := billing.ledger.invoices.get(one))]
        answer = jsonify(invoices=[live(one, f, texts) for one in found])
    answer.set_etag(tag)
    return answer


def live(found: Invoice, f: Formats, texts: Texts) -> dict[str, object]:
    """What an open page swaps in place."""
    look = look_of("invoice", invoice_word(found))
    word = texts.gettext(look.word)
    name = found.number or texts.gettext("The draft for %(name)s", name=isolated(found.contact_name))
    sentence = texts.gettext("%(name)s is now %(word)s.", name=name, word=word)
    return {
        "id": found.id,
        "version": found.version,
        "status": found.status,
        "word": word.unescape(),
        "tone": look.tone,
        "hollow": look.hollow,
        "number": found.number,
        "remaining": f.money(found.amount_remaining, found.currency),
        "sentence": sentence.striptags(),
    }


def currencies(billing: Billing, chosen: InvoiceFilter) -> list[str]:
    """Currencies to filter by: those of the account's invoices, and the one that is chosen."""
    known = billing.ledger.invoices.currencies(chosen.books) if chosen.books else ()
    return sorted({*known, *({chosen.currency} if chosen.currency else ())})


def _given() -> dict[str, str]:
    return {name: value for name, value in request.args.items() if name != "cursor" and value}


def _filter(today: date, books: Books) -> InvoiceFilter:
    given = request.args
    status, due = given.get("status", ""), given.get("due", "")
    return InvoiceFilter(
        text=given.get("text", "").strip()[:200],
        status=status if status in STATUSES else "",
        due=due if due in ("overdue", "week") else "",
        currency=given.get("currency", "").lower()[:3],
        source=source_of(given.get("source", "")),
        contact=contact_of(given.get("contact", "")),
        today=today,
        books=books,
    )


def _chips(chosen: InvoiceFilter, texts: Texts) -> list[dict[str, object]]:
    words = {
        "text": chosen.text and f"“{chosen.text}”",
        "status": chosen.status and texts.gettext(INVOICE[chosen.status].word),
        "due": {"overdue": texts.gettext("Overdue"), "week": texts.gettext("Due in the next 7 days")}.get(chosen.due),
        "currency": chosen.currency.upper(),
        "source": chosen.source and f"{source_kind(chosen.source.kind)} {chosen.source.ref}",
        "contact": chosen.contact and texts.gettext("One customer"),
    }
    given = _given()
    return [
        {"text": text, "url": link("invoices", **{key: value for key, value in given.items() if key != name})}
        for name, text in words.items()
        if text
    ]


def _found(billing: Billing, chosen: InvoiceFilter, everything: InvoiceFilter, texts: Texts) -> Markup:
    def words(filtered: InvoiceFilter) -> str:
        count = billing.ledger.invoices.count(filtered, AT_MOST)
        return texts.gettext("more than %(number)s", number=f"{AT_MOST:,}") if count > AT_MOST else str(count)

    return texts.gettext("%(some)s of %(all)s invoices", some=words(chosen), all=words(everything))
