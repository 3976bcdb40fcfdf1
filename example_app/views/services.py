"""The catalogue: what the company sells. Billing keeps Stripe in step with it."""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import func
from werkzeug.wrappers import Response

from example_app.extensions import db
from example_app.forms import CURRENCIES, ServiceForm, posted
from example_app.models import Service, ServicePrice
from example_app.roles import me, ours, ours_or_404, require_login, requires

pages = Blueprint("services", __name__, url_prefix="/services")
pages.before_request(require_login)


@pages.get("")
def show_all() -> str:
    """The catalogue by code."""
    services = db.session.scalars(ours(Service).order_by(Service.active.desc(), Service.code)).all()
    return render_template("services.html", services=services)


@pages.route("/new", methods=["GET", "POST"])
@requires("edit_services")
def new() -> str | Response | tuple[str, int]:
    """Offer something new."""
    form = ServiceForm(posted())
    if request.method == "GET":
        return render_template("service.html", form=form, service=None)
    if form.validate() and code_is_free(form, None):
        service = Service(company_id=me().company_id)
        fill(service, form)
        db.session.add(service)
        db.session.commit()
        flash(f"{service.title} was added.")
        return redirect(url_for(".show_all"))
    return render_template("service.html", form=form, service=None), 422


@pages.route("/<int:key>", methods=["GET", "POST"])
@requires("edit_services")
def edit(key: int) -> str | Response | tuple[str, int]:
    """Change a service."""
    service = ours_or_404(Service, key)
    form = ServiceForm(posted(), obj=service, data=prices_of(service))
    if request.method == "GET":
        return render_template("service.html", form=form, service=service)
    if form.validate() and code_is_free(form, service):
        fill(service, form)
        db.session.commit()
        flash(f"{service.title} was saved.")
        return redirect(url_for(".show_all"))
    return render_template("service.html", form=form, service=service), 422


@pages.route("/<int:key>/delete", methods=["GET", "POST"])
@requires("edit_services")
def delete(key: int) -> str | Response:
    """Ask first, then remove a service. Work that was noted with it stays, without the link."""
    service = ours_or_404(Service, key)
    if request.method == "GET":
        return render_template("service_delete.html", service=service)
    db.session.delete(service)
    db.session.commit()
    flash(f"{service.title} was deleted.")
    return redirect(url_for(".show_all"))


def prices_of(service: Service) -> dict[str, Decimal]:
    """The list prices under the names of the form's fields."""
    return {f"price_{price.currency.lower()}": price.amount for price in service.prices}


def code_is_free(form: ServiceForm, service: Service | None) -> bool:
    """Whether no other service of the company has the code; says so at the field if one has."""
    code = (form.code.data or "").strip().upper()
    other = db.session.scalar(ours(Service).where(func.upper(Service.code) == code))
    if other is None or other is service:
        return True
    form.code.errors = [f"{other.title} has this code already."]
    return False


def fill(service: Service, form: ServiceForm) -> None:
    """Put what the form says into the service, and its prices row by row."""
    service.code = (form.code.data or "").strip().upper()
    service.title = (form.title.data or "").strip()
    service.summary = (form.summary.data or "").strip()
    service.unit = form.unit.data or ""
    service.vat_rate = form.vat_rate.data
    service.active = form.active.data
    known = {price.currency: price for price in service.prices}
    for currency in CURRENCIES:
        amount = form[f"price_{currency.lower()}"].data
        if amount is None and currency in known:
            service.prices.remove(known[currency])
        elif amount is not None and currency in known:
            known[currency].amount = amount
        elif amount is not None:
            service.prices.append(ServicePrice(currency=currency, amount=amount))
