"""The hosted invoice page, where a customer sees an invoice and pays it with a test card, and its PDF.

The address is a bearer secret and expires as Stripe's does: 30 days after the due date, 120 days at most. An expired
page says so; asking the API for the invoice again gives a fresh address (`renew`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import flask
from flask import Blueprint, Flask, request
from werkzeug.wrappers import Response

from . import cards, payments
from .errors import StripeFault
from .invoice_view import view
from .pdf import invoice_pdf
from .state import Obj, World

DAY = 86400


def links(world: World, account_id: str, invoice: Obj) -> dict[str, str]:
    """A fresh address for the page and the PDF of an invoice: its `hosted_invoice_url` and `invoice_pdf`."""
    token = f"{'live' if world.livemode else 'test'}_{secrets.token_urlsafe(24)}{world.now():010d}"
    world.hosted[token] = (account_id, invoice["id"])
    url = f"{world.base_url}/i/{account_id}/{token}"
    return {"hosted_invoice_url": f"{url}?s=ap", "invoice_pdf": f"{url}/pdf?s=ap"}


def renew(world: World, account_id: str, invoice: Obj) -> Obj:
    """The invoice with fresh addresses where its own have expired, kept in the world; otherwise as it is."""
    url = invoice["hosted_invoice_url"]
    if not url or not _expired(world, invoice, token_of(url)):
        return invoice
    return world.put(account_id, invoice | links(world, account_id, invoice))


def register(app: Flask, world: World) -> None:
    """Add the pages to the app."""
    pages = Blueprint("hosted", __name__, url_prefix="/i/<account_id>/<token>")

    @pages.get("")
    def page(account_id: str, token: str) -> Any:
        return _shown(world, account_id, token, lambda invoice: _page(world, account_id, invoice))

    @pages.post("")
    def pay(account_id: str, token: str) -> Any:
        return _shown(world, account_id, token, lambda invoice: _pay(world, account_id, invoice))

    @pages.get("/pdf")
    def pdf(account_id: str, token: str) -> Any:
        return _shown(world, account_id, token, lambda invoice: _pdf(world, account_id, invoice))

    app.register_blueprint(pages)


def _shown(world: World, account_id: str, token: str, show: Callable[[Obj], Any]) -> Any:
    with world.lock:
        owner, invoice_id = world.hosted.get(token, ("", ""))
        invoice = world.find(account_id, "invoice", invoice_id) if owner == account_id else None
        if invoice is None:
            return _message("There is no such invoice", "Check the address, or ask who sent it for a new one."), 404
        if _expired(world, invoice, token):
            return _message("This link has expired", "Ask who sent you this invoice for a new link."), 410
        return show(invoice)


def _page(world: World, account_id: str, invoice: Obj, problem: str = "", status: int = 200) -> tuple[str, int]:
    owed = _payable(world, invoice)
    paused = owed and not payments.can_charge(world, account_id)
    shown = view(world, account_id, invoice)
    pdf = flask.url_for("hosted.pdf", account_id=account_id, token=flask.request.view_args["token"])  # type: ignore[index]
    return flask.render_template(
        "fake_stripe/hosted.html", invoice=shown, owed=owed, paused=paused, problem=problem, pdf=pdf
    ), status


def _pay(world: World, account_id: str, invoice: Obj) -> Any:
    if not payments.can_charge(world, account_id):
        return _page(world, account_id, invoice, "Nothing was charged.", 409)
    if not _payable(world, invoice):
        return _page(world, account_id, invoice, "This invoice can no longer be paid; nothing was charged.", 409)
    card = cards.by_number(request.form.get("card", ""))
    if card is None:
        return _page(world, account_id, invoice, cards.REFUSED, 422)
    try:
        payments.charge(world, account_id, invoice, card)
    except StripeFault as declined:
        tried = world.store(account_id)["invoice"][invoice["id"]]
        return _page(world, account_id, tried, f"{declined.message} Nothing was paid; try another card.", 402)
    # Back to the page itself: a reload after paying shows it again and pays nothing.
    return flask.redirect(request.full_path.rstrip("?"), 303)


def _payable(world: World, invoice: Obj) -> bool:
    states = ("open", "uncollectible") if world.switches.pay_uncollectible == "accept" else ("open",)
    return invoice["status"] in states and invoice["amount_remaining"] > 0


def _pdf(world: World, account_id: str, invoice: Obj) -> Response:
    shown = view(world, account_id, invoice)
    name = f"Invoice-{''.join(each for each in shown.number if each.isalnum() or each in '-_')}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(invoice_pdf(shown), 200, headers, mimetype="application/pdf")


def _message(title: str, words: str) -> str:
    return flask.render_template("fake_stripe/message.html", title=title, words=words)


def token_of(url: str) -> str:
    """The bearer token in the address of a hosted page."""
    return url.rpartition("/")[2].partition("?")[0]


def _expired(world: World, invoice: Obj, token: str) -> bool:
    issued = int(token[-10:])
    due = max(invoice["due_date"] or issued, issued)
    return world.now() > min(due + 30 * DAY, issued + 120 * DAY)
