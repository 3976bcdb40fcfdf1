"""The first page after logging in: what there is to bill, to answer and to win."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from example_app.extensions import db
from example_app.models import Activity, Billable, Opportunity, Ticket, Work
from example_app.roles import me, ours, require_login
from example_app.views.work import KINDS, Kind

pages = Blueprint("today", __name__)
pages.before_request(require_login)


@dataclass(frozen=True, slots=True)
class ToBill:
    """Finished work of one source that is on no invoice yet; an amount before VAT for each currency."""

    kind: Kind
    work: Work
    lines: int
    amounts: list[tuple[str, Decimal]]


@pages.get("/")
def show() -> str | Response:
    """Today's work at a glance."""
    tickets = ours(Ticket).where(Ticket.status.not_in(("Done", "Closed"))).order_by(Ticket.opened_on)
    closing = (
        ours(Opportunity).where(Opportunity.status.in_(("Proposal", "Negotiation"))).order_by(Opportunity.expected_on)
    )
    return render_template(
        "today.html",
        today=me().company.today(),
        to_bill=work_to_bill(),
        tickets=db.session.scalars(tickets.limit(6)).all(),
        closing=db.session.scalars(closing.limit(6)).all(),
        lately=db.session.scalars(ours(Activity).order_by(Activity.at.desc(), Activity.id.desc()).limit(8)).all(),
        kinds=KINDS_BY_NAME,
    )


KINDS_BY_NAME = {kind.name: kind for kind in KINDS.values()}


def work_to_bill() -> list[ToBill]:
    """Sources with finished work, the oldest work first."""
    waiting = (
        ours(Billable).where(Billable.done, Billable.billing_status.in_(("", "ready"))).order_by(Billable.worked_on)
    )
    by_source: dict[tuple[str, int], list[Billable]] = defaultdict(list)
    for line in db.session.scalars(waiting):
        by_source[line.source_kind, line.source_id].append(line)
    found = []
    for (name, key), lines in by_source.items():
        kind = KINDS_BY_NAME[name]
        if work := db.session.scalar(ours(kind.model).where(kind.model.id == key)):
            found.append(ToBill(kind, work, len(lines), totals(lines)))
    return found


def totals(lines: list[Billable]) -> list[tuple[str, Decimal]]:
    """What the lines come to before VAT, for each currency on its own."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.currency] += line.amount
    return sorted(sums.items())
