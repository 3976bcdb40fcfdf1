"""Many invoices at once: choose the sources, see what would come of them, start it, and watch it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from flask import Blueprint, make_response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.runs import LOOK_AGAIN, wanted_of
from flask_crm_stripe.errors import Conflict, CopyLocked, InvalidInput
from flask_crm_stripe.model.business import DRAFT, SEND
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.runs import OPEN, ItemState, Run, RunItem, RunState, Tally
from flask_crm_stripe.ports.crm import ListsSources
from flask_crm_stripe.web.context import calls_stripe, current_billing
from flask_crm_stripe.web.page import link, say, source_of, tools
from flask_crm_stripe.web.people import telling
from flask_crm_stripe.web.terms import form_of_settings, read_terms

Answer = str | Response | tuple[str, int]
RUN = "/runs/<run_id>"
ROWS = 100
MOST_LISTED = 500
UNPROCESSABLE = 422


def register(blueprint: Blueprint) -> None:
    """``/runs`` and below."""
    blueprint.add_url_rule("/runs", "runs", runs)
    blueprint.add_url_rule("/runs", "plan_run", plan_run, methods=["POST"])
    blueprint.add_url_rule("/runs/new", "new_run", new_run)
    blueprint.add_url_rule(RUN, "run", run)
    blueprint.add_url_rule(f"{RUN}/start", "start_run", start_run, methods=["POST"])
    blueprint.add_url_rule(f"{RUN}/stop", "stop_run", stop_run, methods=["POST"])
    blueprint.add_url_rule(f"{RUN}/resume", "resume_run", resume_run, methods=["POST"])
    blueprint.add_url_rule(f"{RUN}/retry", "retry_run", retry_run, methods=["POST"])


def runs() -> str:
    """Those that were started, newest first."""
    billing = current_billing
    page = billing.ledger.runs.page(request.args.get("cursor") or None)
    return render_template(
        "crm_stripe/runs.html",
        page=page,
        page_url=lambda cursor: link("runs", cursor=cursor),
        counts={each.id: counts(billing.ledger.runs.tally(each.id)) for each in page.rows},
        person=telling(billing, [each.created_by for each in page.rows])["person"],
    )


def new_run(problem: str = "") -> str:
    """Choose the work: from the CRM's list, where it has one, or as it was chosen elsewhere in the CRM."""
    billing = current_billing
    billing.rights.require(DRAFT, "make invoices")
    given = request.values.getlist("source")
    listed = list(billing.crm.sources_to_bill()) if isinstance(billing.crm, ListsSources) else []
    found = {f"{ref.kind}:{ref.ref}": billing.crm.source(ref) for ref in listed[:MOST_LISTED]}
    rows = {key: source for key, source in found.items() if source is not None}
    others = [text for text in dict.fromkeys(given) if text.strip() and text not in rows]
    return render_template(
        "crm_stripe/run_new.html",
        rows=rows,
        others=others,
        chosen=set(given),
        more=len(listed) > MOST_LISTED,
        problem=problem,
        form=form_of_settings(billing.ledger.settings.all()),
    )


def plan_run() -> Answer:
    """See what would come of it, on the run's own page."""
    billing = current_billing
    billing.rights.require(DRAFT, "make invoices")
    f, _ = tools(billing)
    form = form_of_settings(billing.ledger.settings.all()) | {"delivery": request.form.get("delivery", "mail")}
    terms, _wrong = read_terms(form, f)
    try:
        sources = [_source(text) for text in request.form.getlist("source") if text.strip()]
        planned = billing.runs.plan(sources, terms, send=request.form.get("send") == "yes")
    except InvalidInput as error:
        return new_run(error.message), UNPROCESSABLE
    return redirect(link("run", run_id=planned.id), 303)


def run(run_id: str) -> Response:
    """How far it is. The open page asks again and again; where nothing is new, 304 says so."""
    billing = current_billing
    found, tally = billing.runs.get(run_id), billing.runs.tally(run_id)
    f, _ = tools(billing)
    state = repr(
        (found.state, [(each.state, each.currency, each.count) for each in tally], str(f.locale), billing.actor)
    )
    tag = hashlib.sha256(state.encode()).hexdigest()[:24]
    if tag in request.if_none_match:
        answer = Response(status=304)
    else:
        answer = make_response(render_template("crm_stripe/run.html", **_values(billing, found, tally)))
    answer.set_etag(tag)
    return answer


@calls_stripe
def start_run(run_id: str) -> Response:
    """Begin what was seen."""
    return _done(run_id, lambda billing: billing.runs.start(run_id))


def stop_run(run_id: str) -> Response:
    """After those that are being made."""
    return _done(run_id, lambda billing: billing.runs.stop(run_id))


@calls_stripe
def resume_run(run_id: str) -> Response:
    """Go on."""
    return _done(run_id, lambda billing: billing.runs.resume(run_id))


@calls_stripe
def retry_run(run_id: str) -> Response:
    """Try those again that failed."""
    return _done(run_id, lambda billing: billing.runs.retry(run_id))


def counts(tally: Sequence[Tally]) -> dict[str, int]:
    """How many in each state; those that wait and those that are being made are to go."""
    found = {"done": 0, "failed": 0, "left": 0}
    for each in tally:
        found["left" if each.state in OPEN else each.state.value] += each.count
    return found


def _done(run_id: str, deed: Callable[[Billing], object]) -> Response:
    billing = current_billing
    _, texts = tools(billing)
    try:
        deed(billing)
    except CopyLocked:
        raise
    except (Conflict, InvalidInput) as error:
        say("danger", texts.gettext("Nothing was changed."), error.message)
    return redirect(link("run", run_id=run_id), 303)


def _source(text: str) -> SourceRef:
    found = source_of(text.strip())
    if found is None:
        raise InvalidInput("sources", "Write each source as its kind and its key, like order:17.")
    return found


def _values(billing: Billing, found: Run, tally: Sequence[Tally]) -> dict[str, object]:
    store, count, planned = billing.ledger.runs, counts(tally), found.state is RunState.PLANNED
    failed = store.items(found.id, ItemState.FAILED, ROWS)
    shown = store.items(found.id, ItemState.WAITING if planned else ItemState.DONE, ROWS)
    again = [each for each in failed if not _simply_again(each)]
    return {
        "run": found,
        "planned": planned,
        "count": count,
        "all": sum(count.values()),
        "totals": _totals(billing, tally),
        "failed": failed,
        "shown": shown,
        "more": max(0, count["left" if planned else "done"] - len(shown)),
        "allowed": billing.actor.may(DRAFT) and (not found.send or billing.actor.may(SEND)),
        "can_retry": any(_simply_again(each) for each in failed),
        "review_url": link("new_run", source=[_key(each) for each in again]) if again else "",
        "item_url": _item_url,
        "terms": wanted_of(found).terms,
        "person": telling(billing, [found.created_by])["person"],
        "connected": billing.connection.live() is not None,
    }


def _simply_again(item: RunItem) -> bool:
    """Whether it may be tried again as it is; else somebody has to look at the figures."""
    return bool(item.seen) and item.code not in LOOK_AGAIN


def _totals(billing: Billing, tally: Sequence[Tally]) -> Markup:
    f, _ = tools(billing)
    sums: dict[str, int] = {}
    for each in tally:
        if each.state is not ItemState.FAILED:
            sums[each.currency] = sums.get(each.currency, 0) + each.total
    return Markup(" + ").join(f.sum_of(total, currency) for currency, total in sums.items())


def _key(item: RunItem) -> str:
    return f"{item.source.kind}:{item.source.ref}"


def _item_url(item: RunItem) -> str:
    if item.invoice_id:
        return link("invoice", invoice_id=item.invoice_id)
    return link("billables", source=item.source.kind, ref=item.source.ref)
