"""Who may do what in the CRM, and the guards that pages put in front of themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import abort, redirect, request, url_for
from flask_login import current_user
from sqlalchemy import Select, select
from werkzeug.wrappers import Response

from example_app.extensions import db
from example_app.models import OfCompany, User
from flask_crm_stripe.model.business import ALL_PERMISSIONS

P = ParamSpec("P")
R = TypeVar("R")
Row = TypeVar("Row", bound=OfCompany)

# What each role may do in the CRM's own pages ...
CRM_RIGHTS = {
    "admin": frozenset(("edit_work", "edit_services", "edit_company")),
    "sales": frozenset(("edit_work",)),
    "viewer": frozenset[str](),
}
# ... and in billing: the words are those of flask_crm_stripe.
BILLING_RIGHTS = {
    "admin": ALL_PERMISSIONS,
    "sales": frozenset(("view", "view_personal", "draft", "send")),
    "viewer": frozenset(("view",)),
}
ROLE_WORDS = {"admin": "Admin", "sales": "Sales", "viewer": "Viewer"}


def me() -> User:
    """The person who is logged in."""
    return cast(User, current_user)


def may(right: str) -> bool:
    """Whether the person who is logged in has a right of the CRM's."""
    return bool(current_user.is_authenticated) and right in CRM_RIGHTS[me().role]


def require_login() -> Response | None:
    """Send strangers to the login page; a blueprint registers this in front of its pages."""
    if current_user.is_authenticated:
        return None
    return redirect(url_for("auth.login", next=request.full_path.rstrip("?")))


def requires(right: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Answer 403 unless the person has the right."""

    def guard(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not may(right):
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return guard


def ours(model: type[Row]) -> Select[Row]:
    """A query for rows of the company of the person who is logged in; every page starts from here."""
    return select(model).where(model.company_id == me().company_id)


def ours_or_404(model: type[Row], key: int) -> Row:
    """One row by its key; another company's row looks as if it did not exist."""
    row = db.session.scalar(ours(model).where(model.id == key))
    return row or abort(404)
