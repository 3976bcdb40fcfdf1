"""The JSON side, under ``/api/v1/``: for a CRM with a front end of its own. Errors are problem details (RFC 9457)."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request
from flask.typing import RouteCallable
from werkzeug.exceptions import NotFound

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.web import openapi
from flask_crm_stripe.web.api import afterwards, answers, credits, given, runs, views
from flask_crm_stripe.web.api.operations import Given, Operation, Reply
from flask_crm_stripe.web.problems import API, problem

ROOT = "/api/v1"
SOURCE = "/sources/<kind>/<ref>"
INVOICE = "/invoices/<invoice_id>"
APPROVAL = "/approvals/<approval_id>"
METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE"))


def document(billing: Billing, _: Given) -> Reply:
    """The OpenAPI document of what is registered here."""
    root = request.script_root + request.path.removesuffix("/openapi.json")
    cookie = str(current_app.config["SESSION_COOKIE_NAME"])
    return Reply(openapi.document(OPERATIONS, root, cookie))


OPERATIONS = (
    Operation("csrf", "GET", "/csrf", views.csrf, "The token that a POST has to carry", {200: answers.Token}),
    Operation(
        "connection", "GET", "/connection", views.connection, "Whether money can come in", {200: answers.Connection}
    ),
    Operation(
        "services",
        "GET",
        "/services",
        views.services,
        "Services, and how they stand at Stripe",
        {200: answers.Services},
    ),
    Operation(
        "sync_services",
        "POST",
        "/services/sync",
        views.sync_services,
        "Send services to Stripe",
        {200: answers.SyncReport},
        "All of them where no body, or no refs, are given. One that fails stops no other.",
        body=given.Sync,
        body_needed=False,
        refusals=(404, 409),
    ),
    Operation(
        "preview",
        "POST",
        f"{SOURCE}/preview",
        views.preview,
        "Every figure of an invoice, before anything is sent",
        {200: answers.Previewed},
        body=given.Preview,
        refusals=(404, 409),
    ),
    Operation(
        "make_invoice",
        "POST",
        f"{SOURCE}/invoices",
        views.make_invoice,
        "Make the invoice that was previewed",
        {201: answers.Invoice, 200: answers.Invoice},
        "The same Idempotency-Key again gives the same invoice (200), and goes on where the making of it was "
        "interrupted: after an error with `invoice`, repeat the request.",
        body=given.NewInvoice,
        keyed=True,
        refusals=(404, 409, 502),
    ),
    Operation(
        "invoices",
        "GET",
        "/invoices",
        views.invoices,
        "Invoices, newest first",
        {200: answers.Invoices},
        query=given.InvoiceQuery,
    ),
    Operation(
        "invoice",
        "GET",
        "/invoices/<invoice_id>",
        views.invoice,
        "One invoice",
        {200: answers.Invoice},
        refusals=(404,),
    ),
    Operation(
        "send_invoice",
        "POST",
        f"{INVOICE}/send",
        views.send_invoice,
        "Send a draft, or go on with an invoice that stands still",
        {200: answers.Invoice},
        refusals=(404, 409, 502),
    ),
    Operation(
        "ask_to_send",
        "POST",
        f"{INVOICE}/approval",
        credits.ask,
        "Ask a second person to agree that a draft above the limit is sent, or something given up",
        {200: answers.Approval},
        "`deed` says what is asked for; `lines` and the flags belong to refund and correct. Asking again for exactly "
        "the same gives the same request.",
        body=credits.Wanted,
        refusals=(404, 409),
    ),
    *afterwards.OPERATIONS,
    *credits.OPERATIONS,
    *runs.OPERATIONS,
    Operation(
        "approvals",
        "GET",
        "/approvals",
        views.approvals,
        "Requests for a second person, newest first",
        {200: answers.Approvals},
        query=given.ApprovalQuery,
    ),
    Operation("approval", "GET", APPROVAL, views.approval, "One request", {200: answers.Approval}, refusals=(404,)),
    Operation(
        "agree",
        "POST",
        f"{APPROVAL}/agree",
        views.agree,
        "Agree to somebody else's request, and have it done",
        {200: answers.Approval},
        "Where what was asked for has changed since, 409 and the request is withdrawn.",
        refusals=(404, 409, 502),
    ),
    Operation(
        "refuse",
        "POST",
        f"{APPROVAL}/refuse",
        views.refuse,
        "Refuse somebody else's request",
        {200: answers.Approval},
        body=given.Reason,
        refusals=(404, 409),
    ),
    Operation(
        "withdraw",
        "POST",
        f"{APPROVAL}/withdraw",
        views.withdraw,
        "Take one's own request back",
        {200: answers.Approval},
        refusals=(404, 409),
    ),
    Operation("openapi", "GET", "/openapi.json", document, "This document", {200: answers.Document}),
)


def register(blueprint: Blueprint) -> None:
    """Every operation; and an answer in JSON, too, for what is none."""
    paths: dict[str, set[str]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, set()).add(operation.method)
        blueprint.add_url_rule(
            ROOT + operation.path, API + operation.name, _view(operation), methods=[operation.method]
        )
    for number, (path, methods) in enumerate(paths.items()):
        blueprint.add_url_rule(ROOT + path, f"{API}no_method_{number}", _no_method(methods), methods=METHODS - methods)
    blueprint.add_url_rule(f"{ROOT}/<path:anything>", f"{API}nothing", nothing, methods=METHODS)


def nothing(anything: str) -> Response:
    """404."""
    raise NotFound("There is nothing at this address. GET openapi.json says what there is.")


def _view(operation: Operation) -> RouteCallable:
    def view(**path: str) -> Response:
        return operation(**path)

    return view


def _no_method(methods: set[str]) -> RouteCallable:
    allowed = ", ".join(sorted(methods))

    def view(**path: str) -> Response:
        answer = problem(405, "method_not_allowed", f"Here is only {allowed}.")
        answer.headers["Allow"] = allowed
        return answer

    return view
