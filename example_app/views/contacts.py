"""Customers: organisations and individuals."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from example_app.extensions import db
from example_app.models import Individual, Organization, Work
from example_app.roles import ours, ours_or_404, require_login
from example_app.views.work import KINDS, Kind

pages = Blueprint("contacts", __name__)
pages.before_request(require_login)


@pages.get("/contacts")
def show_all() -> str:
    """All contacts by name, narrowed by a few letters of the name or the city."""
    sought = request.args.get("q", "").strip()
    rows: list[Organization | Individual] = []
    for model in (Organization, Individual):
        query = ours(model)
        if sought:
            query = query.where(
                model.name.icontains(sought, autoescape=True) | model.city.icontains(sought, autoescape=True)
            )
        rows.extend(db.session.scalars(query))
    rows.sort(key=lambda contact: contact.name.casefold())
    return render_template("contacts.html", contacts=rows, sought=sought)


@pages.get("/organizations/<int:key>")
def organization(key: int) -> str:
    """One organisation with its people and its work."""
    row = ours_or_404(Organization, key)
    return render_template(
        "contact.html", contact=row, kind="organization", email=row.billing_email, work=work_for(row)
    )


@pages.get("/people/<int:key>")
def individual(key: int) -> str:
    """One person."""
    row = ours_or_404(Individual, key)
    return render_template("contact.html", contact=row, kind="individual", email=row.email, work=work_for(row))


def work_for(contact: Organization | Individual) -> list[tuple[Kind, Work]]:
    """What is and was done for a customer, the newest first."""
    found: list[tuple[Kind, Work]] = []
    for kind in KINDS.values():
        column = kind.model.organization_id if isinstance(contact, Organization) else kind.model.individual_id
        found.extend((kind, row) for row in db.session.scalars(ours(kind.model).where(column == contact.id)))
    return sorted(found, key=lambda pair: pair[1].opened_on, reverse=True)
