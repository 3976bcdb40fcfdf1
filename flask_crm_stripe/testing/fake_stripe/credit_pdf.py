"""The PDF of a credit note, at an address that is a bearer secret like an invoice's."""

from __future__ import annotations

import secrets

import flask
from flask import Blueprint, Flask
from werkzeug.wrappers import Response

from .invoice_view import amount, day
from .pdf import text_pdf
from .state import Obj, World


def link(world: World, account_id: str, note: Obj) -> str:
    """A fresh address for the PDF of a credit note. One of a note that is never stored leads nowhere."""
    token = f"{'live' if world.livemode else 'test'}_{secrets.token_urlsafe(24)}"
    world.hosted[token] = (account_id, note["id"])
    return f"{world.base_url}/credit_notes/{account_id}/{token}/pdf?s=ap"


def register(app: Flask, world: World) -> None:
    """Add the page to the app."""
    pages = Blueprint("credit_notes", __name__, url_prefix="/credit_notes/<account_id>/<token>")

    @pages.get("/pdf")
    def pdf(account_id: str, token: str) -> Response:
        with world.lock:
            owner, note_id = world.hosted.get(token, ("", ""))
            note = world.find(account_id, "credit_note", note_id) if owner == account_id else None
            if note is None:
                flask.abort(404)
            name = f"{''.join(each for each in note['number'] if each.isalnum() or each in '-_')}.pdf"
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return Response(text_pdf(_rows(world, account_id, note)), 200, headers, mimetype="application/pdf")

    app.register_blueprint(pages)


def _rows(world: World, account_id: str, note: Obj) -> list[str]:
    currency = note["currency"]
    invoice = world.store(account_id)["invoice"][note["invoice"]]
    lines = [f"{line['description'] or ''}   {amount(line['amount'], currency)}" for line in note["lines"]["data"]]
    names = (("Subtotal", "subtotal"), ("Total without tax", "total_excluding_tax"), ("Total", "total"))
    return [
        "FakeStripe: this is not a real credit note",
        "",
        f"Credit note {note['number']} on invoice {invoice['number']}",
        f"From {invoice['account_name']}",
        f"To {invoice['customer_name'] or invoice['customer_email'] or ''}",
        f"Date {day(note['effective_at'])}",
        *(["Void"] if note["status"] == "void" else []),
        "",
        *lines,
        "",
        *(f"{words}   {amount(note[name], currency)}" for words, name in names),
        "",
        note["memo"] or "",
    ]
