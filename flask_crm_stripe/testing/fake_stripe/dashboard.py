"""`/`: what this FakeStripe holds and what happened, for people: accounts, invoices, requests, events, deliveries.

The buttons of an account post to `/accounts/<account_id>/<deed>` (see deeds.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import flask
from flask import Blueprint, Flask, request
from werkzeug.wrappers import Response

from . import deeds, loopback
from .control import without_secrets
from .desk import Desk
from .invoice_view import STATES, amount
from .state import Obj, World
from .webhooks import Courier

MOST = 30
CSP = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
OWN_FORMS = f"{CSP}; form-action 'self'"
"""For the dashboard. The consent page's form must lead on to the CRM's address, which browsers count as its action."""


def register(app: Flask, world: World, courier: Courier, desk: Desk) -> None:
    """Add the page to the app, and to every page the headers of a careful one."""
    pages = Blueprint("dashboard", __name__)

    @pages.get("/")
    def dashboard() -> Response:
        loopback.require(request)
        with world.lock:
            page = _page(world, courier, request.args.get("account", ""), request.args.get("request", ""))
        return Response(page, headers={"Content-Security-Policy": OWN_FORMS}, mimetype="text/html")

    @pages.post("/accounts/<account_id>/<deed>")
    def do(account_id: str, deed: str) -> Response:
        loopback.require(request)
        with world.lock:
            deeds.do(desk, account_id, deed)
        return flask.redirect(flask.url_for("dashboard.dashboard", account=account_id), 303)

    app.register_blueprint(pages)
    app.after_request(_careful)


def _careful(response: Response) -> Any:
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def _page(world: World, courier: Courier, account: str, request_id: str) -> str:
    chosen = account if account in world.accounts else ""
    names = {key: _name(world, key) for key in world.accounts}
    return flask.render_template(
        "fake_stripe/dashboard.html",
        names=names,
        chosen=chosen,
        request_id=request_id,
        now=moment(world.now()),
        most=MOST,
        accounts=[_account(world, key) for key in world.accounts],
        invoices=list(islice(_invoices(world, chosen), MOST)),
        requests=list(islice(_requests(world, chosen, request_id), MOST)),
        events=list(islice(_events(world, chosen), MOST)),
        deliveries=list(islice(_deliveries(courier, chosen), MOST)),
        names_of=names,
        held=courier.held,
    )


def moment(seconds: int) -> str:
    """A Unix time as the page shows it, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def _name(world: World, account_id: str) -> str:
    name = world.accounts[account_id]["business_profile"]["name"] or account_id
    return f"{name} (the platform)" if any(each.account_id == account_id for each in world.platforms) else str(name)


def _account(world: World, account_id: str) -> dict[str, Any]:
    account = world.accounts[account_id]
    return {
        "id": account_id,
        "name": _name(world, account_id),
        "country": account["country"],
        "currency": (account["default_currency"] or "").upper(),
        "connected": any(account_id in each.connected for each in world.platforms),
        "platform": any(account_id == each.account_id for each in world.platforms),
        "closed": account_id in world.closed,
        "news": deeds.news(account),
        "deeds": deeds.offered(world, account_id),
        "invoices": len(world.store(account_id)["invoice"]),
    }


def _invoices(world: World, chosen: str) -> Iterator[dict[str, Any]]:
    found = [
        (account_id, invoice)
        for account_id in world.accounts
        if chosen in ("", account_id)
        for invoice in world.store(account_id)["invoice"].values()
    ]
    for account_id, invoice in sorted(found, key=lambda each: -each[1]["created"]):
        words, css = STATES.get(invoice["status"], (invoice["status"].capitalize(), ""))
        yield {
            "account": account_id,
            "number": invoice["number"] or "Draft",
            "customer": invoice["customer_name"] or invoice["customer_email"] or invoice["customer"],
            "total": amount(invoice["total"], invoice["currency"]),
            "state": words,
            "css": css,
            "url": invoice["hosted_invoice_url"],
        }


def _requests(world: World, chosen: str, request_id: str) -> Iterator[dict[str, Any]]:
    for record in reversed(world.requests):
        if chosen not in ("", record.account) or request_id not in ("", record.request_id):
            continue
        yield {
            "record": record,
            "at": moment(record.at),
            "open": record.request_id == request_id,
            "params": body(record.params),
            "response": body(record.response) if record.response else "",
        }


def _events(world: World, chosen: str) -> Iterator[dict[str, Any]]:
    found: Iterable[tuple[str, Obj]] = (
        (account_id, event)
        for account_id in world.accounts
        if chosen in ("", account_id)
        for event in reversed(world.store(account_id)["event"].values())
    )
    for account_id, event in sorted(found, key=lambda each: -each[1]["created"]):
        yield {
            "account": account_id,
            "event": event,
            "at": moment(event["created"]),
            "about": event["data"]["object"].get("id", ""),
            "body": body(event),
        }


def _deliveries(courier: Courier, chosen: str) -> Iterator[dict[str, Any]]:
    for delivery in reversed(courier.deliveries):
        if chosen in ("", delivery.account):
            yield {
                "delivery": delivery,
                "at": moment(delivery.attempts[-1].at if delivery.attempts else delivery.next_at),
                "next": moment(delivery.next_at),
                "attempts": [
                    {"at": moment(each.at), "words": f"answered {each.status}" if each.status else each.error}
                    for each in delivery.attempts
                ],
            }


def body(value: Any) -> str:
    """Indented JSON without secrets."""
    return json.dumps(without_secrets(value), indent=2, ensure_ascii=False)
