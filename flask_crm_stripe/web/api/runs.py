"""Many invoices at once, for programs: plan, look, start, and ask how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import url_for

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.model.business import DRAFT
from flask_crm_stripe.model.codec import from_plain, to_plain
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.invoices import Delivery
from flask_crm_stripe.model.runs import ItemState, Run, RunItem, Tally
from flask_crm_stripe.web.api import given, run_answers, shapes
from flask_crm_stripe.web.api.operations import Given, Operation, Reply
from flask_crm_stripe.web.context import calls_stripe
from flask_crm_stripe.web.terms import form_of_settings

RUN = "/runs/<run_id>"
ROWS = 100
Shape = dict[str, Any]


def plan(billing: Billing, asked: Given) -> Reply:
    """What would come of it, kept to be started."""
    billing.rights.require(DRAFT, "make invoices")
    body = asked.body
    sources = [SourceRef(each["kind"], each["ref"]) for each in body["sources"]]
    planned = billing.runs.plan(sources, _terms(billing, body.get("terms", {})), send=body["send"])
    where = url_for(".api_run", run_id=planned.id, _external=False)
    return Reply(_told(billing, planned), 201, {"Location": where})


def run(billing: Billing, asked: Given) -> Reply:
    """How far it is."""
    query = asked.query
    found = billing.runs.get(asked.path["run_id"])
    state = ItemState(query["state"]) if "state" in query else None
    return Reply(_told(billing, found, state, query["limit"], query["after"]))


@calls_stripe
def start(billing: Billing, asked: Given) -> Reply:
    """Begin what was planned."""
    return Reply(_told(billing, billing.runs.start(asked.path["run_id"])))


def stop(billing: Billing, asked: Given) -> Reply:
    """After those that are being made."""
    return Reply(_told(billing, billing.runs.stop(asked.path["run_id"])))


@calls_stripe
def resume(billing: Billing, asked: Given) -> Reply:
    """Go on."""
    return Reply(_told(billing, billing.runs.resume(asked.path["run_id"])))


@calls_stripe
def retry(billing: Billing, asked: Given) -> Reply:
    """Those that failed, once more."""
    billing.runs.retry(asked.path["run_id"])
    return Reply(_told(billing, billing.runs.get(asked.path["run_id"])))


def _terms(billing: Billing, wanted: Any) -> Terms:
    """As given, else as in the business's settings."""
    start = form_of_settings(billing.ledger.settings.all())
    chosen = {"days_until_due": int(start["days_until_due"]), "note": start["note"], **wanted}
    chosen["delivery"] = Delivery(wanted.get("delivery", start["delivery"]))
    return from_plain(Terms, to_plain(chosen))


def _told(billing: Billing, found: Run, state: ItemState | None = None, limit: int = ROWS, after: int = 0) -> Shape:
    items = billing.ledger.runs.items(found.id, state, limit, after)
    return {
        "id": found.id,
        "state": found.state.value,
        "send": found.send,
        "created_by": found.created_by,
        "created_at": found.created_at,
        "ended_at": found.ended_at,
        "sums": [_sum(each) for each in billing.ledger.runs.tally(found.id)],
        "items": [_item(each) for each in items],
        "next": items[-1].number if len(items) == limit else None,
    }


def _sum(each: Tally) -> Shape:
    amount = shapes.money(each.total, each.currency) if each.currency else None
    return {"state": each.state.value, "count": each.count, "amount": amount}


def _item(item: RunItem) -> Shape:
    return {
        "source": {"kind": item.source.kind, "ref": item.source.ref},
        "title": item.title,
        "state": item.state.value,
        "lines": len(item.billables),
        "amount": shapes.money(item.total, item.currency) if item.currency else None,
        "invoice": item.invoice_id,
        "code": item.code or None,
        "reason": item.reason or None,
    }


def _deed(name: str, view: Callable[[Billing, Given], Reply], summary: str, description: str = "") -> Operation:
    path = f"{RUN}/{name}"
    told = {200: run_answers.Run}
    return Operation(f"{name}_run", "POST", path, view, summary, told, description, refusals=(404, 409))


OPERATIONS = (
    Operation(
        "plan_run",
        "POST",
        "/runs",
        plan,
        "What many invoices at once would be: one for each source",
        {201: run_answers.Run},
        "Nothing reaches Stripe. Look at `sums` and at the failed items, then start it.",
        body=given.NewRun,
        refusals=(409,),
    ),
    Operation(
        "run",
        "GET",
        RUN,
        run,
        "How far a run is",
        {200: run_answers.Run},
        query=given.RunQuery,
        refusals=(404,),
    ),
    _deed("start", start, "Start a planned run", "Once: again it answers how far the run is."),
    _deed("stop", stop, "Stop a run after what is being made"),
    _deed("resume", resume, "Go on with a stopped run"),
    _deed("retry", retry, "Try the failed items again", "Not those whose figures have to be seen anew."),
)
