"""What an admin sets for the company: the finance module, and who works here, and what was mailed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from example_app.extensions import db
from example_app.models import SentMail, User
from example_app.roles import me, ours, require_login, requires

pages = Blueprint("company", __name__, url_prefix="/company")
pages.before_request(require_login)


@pages.get("")
@requires("edit_company")
def show() -> str:
    """The company's own data and people."""
    people = db.session.scalars(ours(User).order_by(User.name)).all()
    mails = db.session.scalars(ours(SentMail).order_by(SentMail.id.desc()).limit(20)).all()
    return render_template("company.html", company=me().company, people=people, mails=mails)


@pages.post("/finance")
@requires("edit_company")
def switch_finance() -> Response:
    """Switch the finance module on or off; billing asks for it at every request."""
    company = me().company
    company.finance_enabled = request.form.get("finance") == "on"
    db.session.commit()
    flash(f"The finance module is {'on' if company.finance_enabled else 'off'} now.")
    return redirect(url_for(".show"))
