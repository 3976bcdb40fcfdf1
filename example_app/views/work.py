"""Opportunities, tickets and orders: three lists of the same shape, each entry with Details, Activity and Billables."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import Select, or_
from werkzeug.wrappers import Response

from example_app.extensions import crm_stripe, db
from example_app.forms import WorkForm, posted
from example_app.models import Activity, Billable, Individual, Opportunity, Order, Organization, Service, Ticket, Work
from example_app.roles import me, ours, ours_or_404, require_login, requires
from flask_crm_stripe.errors import BillingError

DELIVERED = "Delivered"
pages = Blueprint("work", __name__)
pages.before_request(require_login)
ANY = "/<any(opportunities, tickets, orders):plural>"
ONE = f"{ANY}/<int:key>"


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the three kinds of work: its name in billing, its model, its words."""

    name: str
    plural: str
    model: type[Opportunity] | type[Ticket] | type[Order]
    closed: tuple[str, ...]

    @property
    def label(self) -> str:
        """The heading of the list."""
        return self.plural.capitalize()


KINDS = {
    "opportunities": Kind("opportunity", "opportunities", Opportunity, ("Lost",)),
    "tickets": Kind("ticket", "tickets", Ticket, ("Closed",)),
    "orders": Kind("order", "orders", Order, ("Cancelled",)),
}


@pages.get(ANY)
def show_all(plural: str) -> str:
    """The list, newest first, narrowed by number, title or customer."""
    kind = KINDS[plural]
    sought = request.args.get("q", "").strip()
    query = ours(kind.model).outerjoin(kind.model.organization).outerjoin(kind.model.individual)
    for word in sought.split():
        columns = (kind.model.number, kind.model.title, kind.model.status, Organization.name, Individual.name)
        query = query.where(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    rows = db.session.scalars(query.order_by(kind.model.opened_on.desc(), kind.model.id.desc())).all()
    return render_template("work_list.html", kind=kind, rows=rows, sought=sought)


@pages.get(ONE)
def details(plural: str, key: int) -> str:
    """What it is about."""
    kind = KINDS[plural]
    return render_template("work_details.html", kind=kind, work=ours_or_404(kind.model, key), tab="details")


@pages.get(f"{ONE}/activity")
def activity(plural: str, key: int) -> str:
    """What happened, newest first."""
    kind = KINDS[plural]
    work = ours_or_404(kind.model, key)
    query = ours(Activity).where(Activity.source_kind == kind.name, Activity.source_id == key)
    entries = db.session.scalars(query.order_by(Activity.at.desc(), Activity.id.desc())).all()
    return render_template("work_activity.html", kind=kind, work=work, tab="activity", entries=entries)


@pages.get(f"{ONE}/billables")
def billables(plural: str, key: int) -> str:
    """The work to be charged. The panel comes from billing; below it stands the work that isn't finished."""
    kind = KINDS[plural]
    work = ours_or_404(kind.model, key)
    unfinished = db.session.scalars(lines_of(kind, key).where(Billable.done.is_(False))).all()
    return render_template("work_billables.html", kind=kind, work=work, tab="billables", unfinished=unfinished)


@pages.route(f"{ONE}/billables/add", methods=["GET", "POST"])
@requires("edit_work")
def add_line(plural: str, key: int) -> str | Response | tuple[str, int]:
    """Note a line of work; price, unit and VAT come from the service unless a price was agreed."""
    kind = KINDS[plural]
    work = ours_or_404(kind.model, key)
    offered = db.session.scalars(ours(Service).where(Service.active).order_by(Service.code)).all()
    form = WorkForm(posted(), worked_on=me().company.today())
    services = {service.code: f"{service.code} {service.title}" for service in offered}
    shown = {"kind": kind, "work": work, "form": form, "services": services}
    if request.method == "GET":
        return render_template("work_line.html", **shown)
    if form.validate() and (line := line_from(form, kind, work)):
        db.session.add(line)
        note(kind, work, f"Noted work to bill: {line.work}")
        db.session.commit()
        flash("The line was added.")
        return redirect(url_for(".billables", plural=plural, key=key))
    return render_template("work_line.html", **shown), 422


@pages.post(f"{ONE}/billables/<int:line>/done")
@requires("edit_work")
def finish_line(plural: str, key: int, line: int) -> Response:
    """Say that a line of work is done, so that it can be billed."""
    kind = KINDS[plural]
    work = ours_or_404(kind.model, key)
    row = db.session.scalar(lines_of(kind, key).where(Billable.id == line)) or abort(404)
    row.done = True
    note(kind, work, f"Finished: {row.work}")
    db.session.commit()
    flash(f"“{row.work}” is ready to bill.")
    return redirect(url_for(".billables", plural=plural, key=key))


@pages.post("/orders/<int:key>/deliver")
@requires("edit_work")
def deliver(key: int) -> Response:
    """An order went out: all of it is done, and billing makes and sends its invoice by itself."""
    kind = KINDS["orders"]
    order = ours_or_404(Order, key)
    if order.status != DELIVERED:
        order.status = DELIVERED
        for line in db.session.scalars(lines_of(kind, key)):
            line.done = True
        note(kind, order, "Delivered")
    db.session.commit()
    try:
        crm_stripe.bill(kind.name, key)
    except BillingError as error:
        flash(f"It is delivered, and not billed yet. {error.message}")
    else:
        flash("It is delivered, and its invoice is on its way.")
    return redirect(url_for(".billables", plural=kind.plural, key=key))


def lines_of(kind: Kind, key: int) -> Select[Billable]:
    """The lines of work of one source."""
    return ours(Billable).where(Billable.source_kind == kind.name, Billable.source_id == key).order_by(Billable.id)


def line_from(form: WorkForm, kind: Kind, work: Work) -> Billable | None:
    """The line that the form describes; None, with a word at the field, where no price is known."""
    service = db.session.scalar(ours(Service).where(Service.active, Service.code == form.service.data))
    if service is None:
        form.service.errors = ["This service isn't offered any more: choose another one."]
        return None
    currency = work.contact.currency if work.contact else me().company.currency
    unit_price = form.unit_price.data if form.unit_price.data is not None else service.price_in(currency)
    if unit_price is None:
        form.unit_price.errors = [f"{service.code} has no price in {currency} in the catalogue: write the agreed one."]
        return None
    return Billable(
        company_id=work.company_id,
        source_kind=kind.name,
        source_id=work.id,
        service=service,
        work=(form.work.data or "").strip(),
        worked_on=form.worked_on.data,
        worker=me(),
        quantity=form.quantity.data,
        unit=service.unit,
        unit_price=unit_price,
        currency=currency,
        vat_rate=service.vat_rate,
        discount_percent=form.discount_percent.data or Decimal(0),
        done=form.done.data,
    )


def note(kind: Kind, work: Work, text: str) -> None:
    """Add a sentence to the activity of a source; the caller commits."""
    at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    entry = Activity(
        company_id=work.company_id,
        source_kind=kind.name,
        source_id=work.id,
        source_number=work.number,
        at=at,
        who=me().name,
        text=text,
    )
    db.session.add(entry)
