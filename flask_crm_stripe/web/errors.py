"""Our errors as answers: a page for people, problem details (RFC 9457) for programs. HTTP statuses live here only."""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress

from flask import Blueprint, Response, current_app, g, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, Unauthorized

from flask_crm_stripe import errors
from flask_crm_stripe.model.business import ADMIN, CONNECT
from flask_crm_stripe.web.context import LoginNeeded
from flask_crm_stripe.web.problems import is_api, problem
from flask_crm_stripe.web.security import WrongToken

log = logging.getLogger(__name__)

STATUSES: tuple[tuple[type[errors.BillingError], int], ...] = (
    (WrongToken, 400),
    (errors.InvalidInput, 422),
    (errors.NotPermitted, 403),
    (errors.OwnRequest, 403),
    (errors.NotFound, 404),
    (errors.ConsentFailed, 400),
    (errors.Conflict, 409),
    (errors.NotConnected, 409),
    (errors.GateStopped, 409),
    (errors.SetupMissing, 503),
    (errors.FinanceModuleOff, 503),
    (errors.SecretUnreadable, 503),
    (errors.RateLimited, 503),
    (errors.Unreachable, 503),
    (errors.AccountGone, 409),
    (errors.WrongPlatform, 503),
    (errors.ProviderError, 502),
)

TITLES = {
    400: "That didn't work",
    403: "You may not do this",
    404: "Not here",
    409: "Not now",
    422: "Something needs a look",
    502: "Stripe didn't do it",
    503: "Not right now",
}


def register(blueprint: Blueprint) -> None:
    """Answer for everything that our own views raise. What the host's pages raise is the host's."""
    blueprint.register_error_handler(errors.BillingError, refused)
    blueprint.register_error_handler(LoginNeeded, login_needed)
    blueprint.register_error_handler(HTTPException, http_error)
    blueprint.register_error_handler(Exception, unexpected)


def status_of(error: errors.BillingError) -> int:
    """The HTTP status of one of our errors; 500 for what is the program's own fault."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def refused(error: errors.BillingError) -> ResponseReturnValue:
    """One of our own errors, in its own words."""
    status = status_of(error)
    message = words_for(error)
    if status == 500:
        log.error("%s", error.message)
    if is_api():
        return problem(status, error.code, message, field=error.field, **details(error))
    return page(status, message, remedy(error))


def details(error: errors.BillingError) -> dict[str, object]:
    """What a program can use beside the sentence."""
    names = {"invoice": "invoice_id", "billables": "billables", "changes": "changes"}
    found = {name: getattr(error, attribute, None) for name, attribute in names.items()}
    if isinstance(error, errors.GateStopped):
        found["differences"] = [dict(zip(("what", "ours", "theirs"), each, strict=True)) for each in error.differences]
    return {name: value for name, value in found.items() if value}


def words_for(error: errors.BillingError) -> str:
    """What the person is told. Which key is missing is told to those who may connect, and to programs that ask."""
    actor = g.get("crm_stripe_actor")
    if isinstance(error, errors.SetupMissing) and actor is not None and not actor.may(CONNECT):
        return "Billing is not set up yet. Ask an admin of your CRM."
    return error.message


def remedy(error: errors.BillingError) -> tuple[str, str] | None:
    """(address, words) of the one thing that helps."""
    invoice_id = getattr(error, "invoice_id", None)
    if invoice_id:
        return url_for(".invoice", invoice_id=invoice_id), "Open the invoice"
    if isinstance(error, errors.CopyLocked) and g.crm_stripe_actor.may(ADMIN):
        return url_for(".copy"), "Is this the real one?"
    if isinstance(error, errors.NotConnected | errors.ConsentFailed | errors.AccountTaken | errors.AccountGone):
        return url_for(".settings"), "Go to the connection"
    if isinstance(error, errors.NotFound) and "crm_stripe_billing" in g:
        return url_for(".overview"), "Go to the overview"
    return None


def login_needed(_: LoginNeeded) -> ResponseReturnValue:
    """The host's login page where Flask-Login knows one, else 401."""
    if is_api():
        return problem(401, "login_needed", "Log in to the CRM first.")
    manager = getattr(current_app, "login_manager", None)
    if manager is not None:
        # Without a login_view Flask-Login aborts, and an error that leaves an error handler would end as a 500.
        with suppress(Unauthorized):
            answer: ResponseReturnValue = manager.unauthorized()
            return answer
    return page(401, "Log in to the CRM first.", None)


def http_error(error: HTTPException) -> ResponseReturnValue:
    """What Werkzeug raises; redirects and ready answers pass."""
    if error.response is not None or (error.code or 500) < 400:
        return error
    if is_api():
        return problem(error.code or 500, error.name.lower().replace(" ", "_"), error.description or error.name)
    return page(error.code or 500, error.description or error.name, None)


def unexpected(error: Exception) -> ResponseReturnValue:
    """A fault of ours: logged with a reference that the person can quote. While testing or debugging it is raised."""
    reference = secrets.token_hex(3).upper()
    log.exception("Billing failed; reference %s", reference)
    if current_app.config.get("PROPAGATE_EXCEPTIONS") or (
        current_app.config.get("PROPAGATE_EXCEPTIONS") is None and (current_app.testing or current_app.debug)
    ):
        raise error
    message = "Something went wrong here. What was done so far is kept; look at it before you try again."
    if is_api():
        return problem(500, "internal", message, reference=reference)
    return page(500, message, None, reference)


def page(status: int, message: str, help_: tuple[str, str] | None, reference: str | None = None) -> Response:
    """An error in the same layout as every other page."""
    title = TITLES.get(status, "Something went wrong")
    url, text = help_ or (None, None)
    body = render_template(
        "crm_stripe/error.html",
        title=title,
        message=message,
        status=status,
        reference=reference,
        remedy_url=url,
        remedy_text=text,
    )
    response = Response(body, status)
    if status == 503:
        response.headers["Retry-After"] = "60"
    return response
