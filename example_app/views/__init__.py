"""The CRM's own pages: a blueprint each, and what all of them share."""

from __future__ import annotations

from flask import Flask, render_template
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from example_app.roles import ROLE_WORDS, may
from example_app.views import auth, company, contacts, services, today, work

ERROR_WORDS = {
    400: (
        "That didn't go through",
        "This form was open for too long, or came from another page. Go back, reload and try again.",
    ),
    403: ("Your role can't do this", "An admin of your company can do it for you or give you the role."),
    404: ("There is no such page", "It may have been removed, or it never existed."),
}
POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'self'; frame-ancestors 'none'; object-src 'none'"


def register(app: Flask) -> None:
    """Add the pages to the application."""
    for module in (auth, today, contacts, work, services, company):
        app.register_blueprint(module.pages)
    app.jinja_env.globals.update(may=may, ROLE_WORDS=ROLE_WORDS, WORK_KINDS=work.KINDS.values())
    for code in ERROR_WORDS:
        app.register_error_handler(code, show_error)
    app.after_request(add_policy)


def show_error(error: HTTPException) -> tuple[str, int]:
    """A page that says what is and what to do."""
    code = error.code or 400
    title, advice = ERROR_WORDS[code]
    return render_template("error.html", title=title, advice=advice), code


def add_policy(response: Response) -> Response:
    """Nothing from elsewhere, nothing inline: a name that looks like markup can't become any."""
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response
