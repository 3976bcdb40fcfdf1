"""Log in and out."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from sqlalchemy import func, select
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.wrappers import Response

from example_app.extensions import db
from example_app.forms import LoginForm, posted
from example_app.models import User

pages = Blueprint("auth", __name__)
NOBODY = generate_password_hash("nobody", "pbkdf2:sha256:1000")


@pages.route("/login", methods=["GET", "POST"])
def login() -> str | Response | tuple[str, int]:
    """Ask who is there, then go where the person wanted to."""
    if current_user.is_authenticated:
        return redirect(url_for("today.show"))
    form = LoginForm(posted())
    if request.method == "GET":
        return render_template("login.html", form=form)
    user = form.validate() and find(form.email.data or "", form.password.data or "")
    if not user:
        return render_template("login.html", form=form, wrong=not form.errors), 422
    session.clear()  # what an earlier visitor of this browser left behind ends here
    login_user(user)
    return redirect(own_page(request.args.get("next", "")) or url_for("today.show"))


@pages.post("/logout")
def logout() -> Response:
    """End the session."""
    logout_user()
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("auth.login"))


def find(email: str, password: str) -> User | None:
    """The person with this address and password. An unknown address takes as long as a wrong password."""
    user = db.session.scalar(select(User).where(func.lower(User.email) == email.strip().lower()))
    if user is None:
        check_password_hash(NOBODY, password)
        return None
    return user if user.knows_password(password) else None


def own_page(target: str) -> str | None:
    """The address if it is a path of this CRM; never another host."""
    if target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable():
        return target
    return None
