"""For each entry into billing, a world in which it works, and the request that a person would make there.

An entry without a scene here is one that nobody has thought about: the table can't be made, and its test fails.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from requests.adapters import BaseAdapter

from flask_crm_stripe.core.crediting import Choice
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.errors import Unreachable
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.model.notices import Notice
from flask_crm_stripe.model.runs import ItemState, Outcome, RunState
from flask_crm_stripe.web.billables import figures
from tests.web.page_stage import SOUTH, START, TWO_WEEKS, YARD, Stage, fill_north

ME = Actor("9", "Whoever", ALL_PERMISSIONS, "en_GB", session="login-9")
"""The person whose rights the table is about, with all of them."""

OTHER = Actor("8", "Somebody Else", ALL_PERMISSIONS, "en_GB", session="login-8")
NUMBERS = itertools.count()
SOURCE = "/billables/opportunity/2207"
OPPORTUNITY = {"kind": "opportunity", "ref": "2207"}
JSON_SOURCE = "/api/v1/sources/opportunity/2207"


@dataclass(frozen=True)
class Ask:
    """One request. ``done`` are the statuses of one that was allowed; ``form`` is sent as a form, ``body`` as JSON."""

    path: str
    form: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    key: str = ""
    done: tuple[int, ...] = (200,)


Scene = Callable[[Stage], Ask]


def world() -> Stage:
    """Two businesses, both connected. North has an opportunity to bill, south has nothing."""
    stage = Stage()
    fill_north(stage.crm)
    stage.connect()
    stage.connect(SOUTH, "acct_south", name="Southern Works Ltd")
    stage.tasks.clear()
    stage.app.config["WTF_CSRF_ENABLED"] = False
    return stage


def a_draft(stage: Stage) -> Invoice:
    """Saved and not sent."""
    return stage.invoice("b1", send=False)


def an_open_one(stage: Stage) -> Invoice:
    """Sent and not paid."""
    return stage.invoice("b1")


def a_quiet_one(stage: Stage) -> Invoice:
    """Sent some time ago."""
    invoice = an_open_one(stage)
    stage.clock.wait(minutes=5)
    return invoice


def giving_up(stage: Stage, path: str, ask: bool = False) -> Ask:
    """The form of a deed's page."""
    invoice = an_open_one(stage)
    if ask:
        stage.billing().settings.set_limit("write_off", "eur", 1, "")
    form = {"reason": "A mistake"} | ({"wanted": "ask"} if ask else {})
    return Ask(f"/invoices/{invoice.id}/{path}", form, done=(303,))


def given_up(stage: Stage, path: str, **body: str) -> Ask:
    """The same for programs."""
    return Ask(f"/api/v1/invoices/{an_open_one(stage).id}/{path}", body=body)


def a_paid_one(stage: Stage) -> Invoice:
    """Sent and paid by card."""
    invoice = an_open_one(stage)
    stage.providers.accounts["acct_north"].pay(str(invoice.stripe_id))
    return stage.billing().invoicing.refresh(invoice.id)


def crediting(stage: Stage, path: str, wanted: str = "") -> Ask:
    """The form of the page, with all that is left of the first line."""
    invoice = a_paid_one(stage)
    if wanted == "ask":
        stage.billing().settings.set_limit("refund", "eur", 1, "")
    form = {
        "reason": "A mistake",
        "form_key": f"press-{next(NUMBERS):06}",
        "line": "0",
        "amount_0": "1",
        "wanted": wanted,
    }
    return Ask(f"/invoices/{invoice.id}/{path}", form, done=(200,) if wanted == "look" else (303,))


def credited(stage: Stage, path: str, **body: str) -> Ask:
    """The same for programs."""
    invoice, key = a_paid_one(stage), "" if path.endswith("preview") else f"press-{next(NUMBERS):06}"
    if path == "credit":
        body["seen"] = stage.billing().credits.outlook("refund", invoice.id).seen
    return Ask(f"/api/v1/invoices/{invoice.id}/{path}", body=body or {}, key=key)


def a_credit(stage: Stage, unfinished: bool = False) -> str:
    """A credit note: at Stripe, or begun while Stripe was silent."""
    invoice, credits = a_paid_one(stage), stage.billing().credits
    if unfinished:
        stage.providers.accounts["acct_north"].fail_next("create_credit", Unreachable("No answer."))
    with suppress(Unreachable):
        credits.do("refund", invoice.id, Choice(), "A mistake", form_key="press-1")
    return credits.sums(invoice.id).credits[0].id


def asking_to_give_up(stage: Stage) -> Ask:
    """Above the limit."""
    invoice = an_open_one(stage)
    stage.billing().settings.set_limit("write_off", "eur", 1, "")
    return Ask(f"/api/v1/invoices/{invoice.id}/approval", body={"reason": "A mistake", "deed": "void"})


def a_run(stage: Stage, state: RunState = RunState.PLANNED, *, send: bool = False) -> str:
    """Of one source, in some state."""
    billing = stage.billing()
    planned = billing.runs.plan([SourceRef("opportunity", "2207")], Terms(), send=send)
    billing.ledger.runs.move(planned.id, RunState.PLANNED, state, stage.clock.now())
    return planned.id


def a_failed_run(stage: Stage) -> str:
    """What it tried was refused."""
    run, runs, now = a_run(stage, RunState.RUNNING), stage.billing().ledger.runs, stage.clock.now()
    item = runs.claim(run, "h", now, now)
    assert item is not None
    runs.finish(item.number, "h", Outcome(ItemState.FAILED, None, "stripe_refused", "No."))
    runs.settle(run, now)
    return run


def a_pending(stage: Stage) -> str:
    """An account that somebody came back from Stripe with."""
    stage.billing().disconnection.carry_out("For a scene")
    account = stage.providers.add_account("acct_new").account()
    return stage.pending(account).id


def a_request(stage: Stage, actor: Actor = OTHER) -> str:
    """A request of somebody's to send a draft above the limit."""
    draft = a_draft(stage)
    stage.billing().settings.set_limit("send", "eur", 1, "")
    return stage.billing(actor=actor).invoicing.ask_to_send(draft.id, "A large order").id


def an_event(stage: Stage) -> int:
    """One that could not be applied."""
    invoice = an_open_one(stage)
    stage.event("invoice.paid", str(invoice.stripe_id))
    stage.providers.accounts["acct_north"].fail_next("invoice", Unreachable("No answer."), times=9)
    stage.work()
    row = stage.billing().ledger.events.page().rows[0]
    stage.tasks.clear()
    return row.id


def a_notice(stage: Stage) -> int:
    """One that nobody has put away."""
    ledger = stage.billing().ledger
    ledger.notices.add(Notice("limits:1", "limits", START, {"what": "x", "reason": "y"}))
    return ledger.notices.open()[0].id


class TokenEndpoint(BaseAdapter):
    """Stripe's token endpoint, for one account."""

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        """The account."""
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 200, request, str(request.url)
        answer.headers["Content-Type"] = "application/json"
        answer._content = json.dumps(
            {"stripe_user_id": "acct_north", "livemode": False, "scope": "read_write", "token_type": "bearer"}
        ).encode()
        return answer

    def close(self) -> None:
        """Nothing is open."""


def coming_back(stage: Stage) -> Ask:
    """From Stripe's page, with the consent that this very person began."""
    state = stage.billing(actor=ME).connection.begin()
    kept = stage.app.extensions["crm_stripe"]
    stage.app.extensions["crm_stripe"] = replace(
        kept, send_http=lambda session: session.mount("https://", TokenEndpoint())
    )
    return Ask(f"/connect/callback?state={state}&code=ac_1", done=(303,))


def disconnecting(stage: Stage) -> Ask:
    """With what was seen."""
    return Ask(
        "/disconnect", {"seen": stage.billing().disconnection.preview().seen(), "reason": "Why not"}, done=(303,)
    )


def a_copy(stage: Stage) -> Ask:
    """Looked at from somewhere else."""
    stage.here = "other.database.key"
    return Ask("/copy")


def confirming(stage: Stage) -> Ask:
    """It is the real one."""
    return replace(a_copy(stage), form={"reason": "It moved"}, done=(303,))


def reviewed(stage: Stage, send: str) -> Ask:
    """The form of the review page, as it stands there."""
    plan = stage.billing().invoicing.preview(YARD, ["b1"], TWO_WEEKS)
    form = {"billable": "b1", "days_until_due": "14", "delivery": "mail", "note": "", "seen": figures(plan)}
    form |= {"seen_total": str(plan.total), "form_key": f"press-{next(NUMBERS):06}", "send": send, "reason": "Because"}
    return Ask(f"{SOURCE}/invoice", form, done=(303,))


def asking_from_the_review(stage: Stage) -> Ask:
    """Above the limit."""
    stage.billing().settings.set_limit("send", "eur", 1, "")
    return reviewed(stage, "ask")


def made_by_json(stage: Stage, send: bool) -> Ask:
    """With the digest of the preview."""
    seen = digest(stage.billing().invoicing.preview(YARD, ["b1"], TWO_WEEKS))
    body = {"billables": ["b1"], "seen": seen, "send": send}
    return Ask(f"{JSON_SOURCE}/invoices", body=body, key=f"press-{next(NUMBERS):06}", done=(201,))


def asking(stage: Stage, path: str, done: int) -> Ask:
    """For a second person, about a draft."""
    draft = a_draft(stage)
    stage.billing().settings.set_limit("send", "eur", 1, "")
    given = {"reason": "A large order"}
    where = path.format(draft.id)
    return Ask(where, body=given) if "api" in path else Ask(where, given, done=(done,))


def a_limit(stage: Stage) -> Ask:
    """One that holds, to be taken away."""
    stage.billing().settings.set_limit("send", "eur", 1, "")
    return Ask(
        "/settings/safety/limits/remove", {"permission": "send", "currency": "eur", "reason": "Why"}, done=(303,)
    )


PAGES: dict[tuple[str, str], list[tuple[str, Scene]]] = {
    ("overview", "GET"): [("", lambda s: Ask("/"))],
    ("settings", "GET"): [("", lambda s: Ask("/settings"))],
    ("save_settings", "POST"): [
        ("", lambda s: Ask("/settings", {"days_until_due": "7", "delivery": "mail"}, done=(303,)))
    ],
    ("refresh_connection", "POST"): [("", lambda s: Ask("/settings/refresh", done=(303,)))],
    ("test_connection", "POST"): [("", lambda s: Ask("/settings/test", done=(303,)))],
    ("safety", "GET"): [("", lambda s: Ask("/settings/safety"))],
    ("save_limit", "POST"): [
        (
            "",
            lambda s: Ask(
                "/settings/safety/limits", {"permission": "send", "currency": "eur", "amount": "9"}, done=(303,)
            ),
        )
    ],
    ("remove_limit", "POST"): [("", a_limit)],
    ("save_notify", "POST"): [("", lambda s: Ask("/settings/safety/notify", {"notify": "a@b.example"}, done=(303,)))],
    ("mend_endpoint", "POST"): [("", lambda s: Ask("/settings/endpoint", done=(303,)))],
    ("roll_endpoint", "POST"): [("", lambda s: Ask("/settings/endpoint/roll", done=(303,)))],
    ("save_event_days", "POST"): [("", lambda s: Ask("/settings/safety/events", {"event_days": "30"}, done=(303,)))],
    ("save_log_days", "POST"): [("", lambda s: Ask("/settings/safety/log", {"log_days": ""}, done=(303,)))],
    ("connect", "POST"): [("", lambda s: Ask("/connect", done=(303,)))],
    ("connect_callback", "GET"): [("", coming_back)],
    ("connect_confirm", "GET"): [("", lambda s: Ask(f"/connect/{a_pending(s)}"))],
    ("connect_confirm_now", "POST"): [("", lambda s: Ask(f"/connect/{a_pending(s)}", done=(303,)))],
    ("connect_decline", "POST"): [("", lambda s: Ask(f"/connect/{a_pending(s)}/decline", done=(303,)))],
    ("disconnect", "GET"): [("", lambda s: Ask("/disconnect"))],
    ("disconnect_now", "POST"): [("", disconnecting)],
    ("copy", "GET"): [("", a_copy)],
    ("confirm_real", "POST"): [("", confirming)],
    ("put_away", "POST"): [("", lambda s: Ask(f"/notices/{a_notice(s)}/seen", done=(303,)))],
    ("services", "GET"): [("", lambda s: Ask("/services"))],
    ("sync_services", "POST"): [("", lambda s: Ask("/services/sync", done=(303,)))],
    ("billables", "GET"): [("", lambda s: Ask(SOURCE))],
    ("review", "GET"): [("", lambda s: Ask(f"{SOURCE}/review?billable=b1"))],
    ("review", "POST"): [("", lambda s: Ask(f"{SOURCE}/review", {"billable": "b1"}, done=(303,)))],
    ("generate", "POST"): [
        ("save a draft", lambda s: reviewed(s, "no")),
        ("send", lambda s: reviewed(s, "yes")),
        ("ask a second person", asking_from_the_review),
    ],
    ("invoices", "GET"): [("", lambda s: Ask("/invoices"))],
    ("invoice_status", "GET"): [("", lambda s: Ask(f"/invoices/status?ids={an_open_one(s).id}"))],
    ("invoice", "GET"): [("", lambda s: Ask(f"/invoices/{an_open_one(s).id}"))],
    ("send_invoice", "POST"): [("", lambda s: Ask(f"/invoices/{a_draft(s).id}/send", done=(303,)))],
    ("delete_draft", "GET"): [("", lambda s: Ask(f"/invoices/{a_draft(s).id}/delete"))],
    ("delete_draft", "POST"): [("", lambda s: Ask(f"/invoices/{a_draft(s).id}/delete", done=(303,)))],
    ("resend_invoice", "POST"): [("", lambda s: Ask(f"/invoices/{a_quiet_one(s).id}/resend", done=(303,)))],
    ("void_invoice", "GET"): [("", lambda s: Ask(f"/invoices/{an_open_one(s).id}/void"))],
    ("void_invoice", "POST"): [
        ("", lambda s: giving_up(s, "void")),
        ("ask a second person", lambda s: giving_up(s, "void", ask=True)),
    ],
    ("mark_uncollectible", "GET"): [("", lambda s: Ask(f"/invoices/{an_open_one(s).id}/uncollectible"))],
    ("mark_uncollectible", "POST"): [("", lambda s: giving_up(s, "uncollectible"))],
    ("paid_elsewhere", "GET"): [("", lambda s: Ask(f"/invoices/{an_open_one(s).id}/paid-elsewhere"))],
    ("paid_elsewhere", "POST"): [("", lambda s: giving_up(s, "paid-elsewhere"))],
    ("refund_invoice", "GET"): [("", lambda s: Ask(f"/invoices/{a_paid_one(s).id}/refund"))],
    ("refund_invoice", "POST"): [
        ("", lambda s: crediting(s, "refund")),
        ("work it out", lambda s: crediting(s, "refund", "look")),
        ("ask a second person", lambda s: crediting(s, "refund", "ask")),
    ],
    ("correct_invoice", "GET"): [("", lambda s: Ask(f"/invoices/{a_paid_one(s).id}/correct"))],
    ("correct_invoice", "POST"): [("", lambda s: crediting(s, "correct"))],
    ("credit_pdf", "GET"): [("", lambda s: Ask(f"/credits/{a_credit(s)}/pdf", done=(303,)))],
    ("continue_credit", "POST"): [("", lambda s: Ask(f"/credits/{a_credit(s, True)}/continue", done=(303,)))],
    ("refresh_invoice", "POST"): [("", lambda s: Ask(f"/invoices/{an_open_one(s).id}/refresh", done=(303,)))],
    ("payment_page", "GET"): [("", lambda s: Ask(f"/invoices/{an_open_one(s).id}/pay-page", done=(303,)))],
    ("invoice_pdf", "GET"): [("", lambda s: Ask(f"/invoices/{an_open_one(s).id}/pdf", done=(303,)))],
    ("ask_to_send", "POST"): [("", lambda s: asking(s, "/invoices/{}/ask", 303))],
    ("runs", "GET"): [("", lambda s: Ask("/runs"))],
    ("new_run", "GET"): [("", lambda s: Ask("/runs/new"))],
    ("plan_run", "POST"): [
        ("drafts", lambda s: Ask("/runs", {"source": "opportunity:2207", "send": "no"}, done=(303,))),
        ("send", lambda s: Ask("/runs", {"source": "opportunity:2207", "send": "yes"}, done=(303,))),
    ],
    ("run", "GET"): [("", lambda s: Ask(f"/runs/{a_run(s)}"))],
    ("start_run", "POST"): [
        ("drafts", lambda s: Ask(f"/runs/{a_run(s)}/start", done=(303,))),
        ("send", lambda s: Ask(f"/runs/{a_run(s, send=True)}/start", done=(303,))),
    ],
    ("stop_run", "POST"): [("", lambda s: Ask(f"/runs/{a_run(s, RunState.RUNNING)}/stop", done=(303,)))],
    ("resume_run", "POST"): [("", lambda s: Ask(f"/runs/{a_run(s, RunState.STOPPED)}/resume", done=(303,)))],
    ("retry_run", "POST"): [("", lambda s: Ask(f"/runs/{a_failed_run(s)}/retry", done=(303,)))],
    ("approvals", "GET"): [("", lambda s: Ask("/approvals"))],
    ("approval", "GET"): [("", lambda s: Ask(f"/approvals/{a_request(s)}"))],
    ("agree", "POST"): [("", lambda s: Ask(f"/approvals/{a_request(s)}/agree", done=(303,)))],
    ("refuse_approval", "POST"): [
        ("", lambda s: Ask(f"/approvals/{a_request(s)}/refuse", {"reason": "Too much"}, done=(303,)))
    ],
    ("withdraw_approval", "POST"): [
        ("one's own", lambda s: Ask(f"/approvals/{a_request(s, ME)}/withdraw", done=(303,))),
    ],
    ("events", "GET"): [("", lambda s: Ask("/events"))],
    ("retry_event", "POST"): [("", lambda s: Ask(f"/events/{an_event(s)}/retry", done=(303,)))],
    ("event", "GET"): [("", lambda s: Ask(f"/events/{an_event(s)}"))],
    ("retry_events", "POST"): [("", lambda s: Ask("/events/retry", {"event": str(an_event(s))}, done=(303,)))],
    ("log", "GET"): [("", lambda s: Ask("/log"))],
    ("export_log", "GET"): [("", lambda s: Ask("/log/export"))],
    ("health", "GET"): [("", lambda s: Ask("/health"))],
    ("static", "GET"): [("", lambda s: Ask("/static/crm-stripe.css"))],
}
JSON: dict[tuple[str, str], list[tuple[str, Scene]]] = {
    ("csrf", "GET"): [("", lambda s: Ask("/api/v1/csrf"))],
    ("connection", "GET"): [("", lambda s: Ask("/api/v1/connection"))],
    ("services", "GET"): [("", lambda s: Ask("/api/v1/services"))],
    ("sync_services", "POST"): [("", lambda s: Ask("/api/v1/services/sync", body={"refs": ["s1"]}))],
    ("preview", "POST"): [("", lambda s: Ask(f"{JSON_SOURCE}/preview", body={"billables": ["b1"]}))],
    ("make_invoice", "POST"): [
        ("a draft", lambda s: made_by_json(s, False)),
        ("send", lambda s: made_by_json(s, True)),
    ],
    ("invoices", "GET"): [("", lambda s: Ask("/api/v1/invoices"))],
    ("invoice", "GET"): [("", lambda s: Ask(f"/api/v1/invoices/{an_open_one(s).id}"))],
    ("send_invoice", "POST"): [("", lambda s: Ask(f"/api/v1/invoices/{a_draft(s).id}/send", body=""))],
    ("resend_invoice", "POST"): [("", lambda s: Ask(f"/api/v1/invoices/{a_quiet_one(s).id}/resend", body=""))],
    ("void_invoice", "POST"): [("", lambda s: given_up(s, "void", reason="A mistake"))],
    ("mark_uncollectible", "POST"): [("", lambda s: given_up(s, "uncollectible", reason="A mistake"))],
    ("paid_elsewhere", "POST"): [("", lambda s: given_up(s, "paid-elsewhere", how="In cash, today"))],
    ("preview_credit", "POST"): [("", lambda s: credited(s, "credit/preview"))],
    ("credit_invoice", "POST"): [("", lambda s: credited(s, "credit", reason="A mistake"))],
    ("correct_invoice", "POST"): [("", lambda s: credited(s, "correct", reason="A mistake"))],
    ("continue_credit", "POST"): [("", lambda s: Ask(f"/api/v1/credits/{a_credit(s, True)}/continue", body=""))],
    ("ask_to_send", "POST"): [
        ("send a draft", lambda s: asking(s, "/api/v1/invoices/{}/approval", 200)),
        ("give something up", asking_to_give_up),
    ],
    ("plan_run", "POST"): [
        ("drafts", lambda s: Ask("/api/v1/runs", body={"sources": [OPPORTUNITY], "send": False}, done=(201,))),
        ("send", lambda s: Ask("/api/v1/runs", body={"sources": [OPPORTUNITY], "send": True}, done=(201,))),
    ],
    ("run", "GET"): [("", lambda s: Ask(f"/api/v1/runs/{a_run(s)}"))],
    ("start_run", "POST"): [
        ("drafts", lambda s: Ask(f"/api/v1/runs/{a_run(s)}/start", body="")),
        ("send", lambda s: Ask(f"/api/v1/runs/{a_run(s, send=True)}/start", body="")),
    ],
    ("stop_run", "POST"): [("", lambda s: Ask(f"/api/v1/runs/{a_run(s, RunState.RUNNING)}/stop", body=""))],
    ("resume_run", "POST"): [("", lambda s: Ask(f"/api/v1/runs/{a_run(s, RunState.STOPPED)}/resume", body=""))],
    ("retry_run", "POST"): [("", lambda s: Ask(f"/api/v1/runs/{a_failed_run(s)}/retry", body=""))],
    ("approvals", "GET"): [("", lambda s: Ask("/api/v1/approvals"))],
    ("approval", "GET"): [("", lambda s: Ask(f"/api/v1/approvals/{a_request(s)}"))],
    ("agree", "POST"): [("", lambda s: Ask(f"/api/v1/approvals/{a_request(s)}/agree", body=""))],
    ("refuse", "POST"): [("", lambda s: Ask(f"/api/v1/approvals/{a_request(s)}/refuse", body={"reason": "Too much"}))],
    ("withdraw", "POST"): [("one's own", lambda s: Ask(f"/api/v1/approvals/{a_request(s, ME)}/withdraw", body=""))],
    ("openapi", "GET"): [("", lambda s: Ask("/api/v1/openapi.json"))],
    ("no_method", "*"): [("", lambda s: Ask("/api/v1/connection", body="", done=(405,)))],
    ("nothing", "*"): [("", lambda s: Ask("/api/v1/nothing-of-this-kind"))],
}
"""An address of the JSON side that is none, and a method that it does not have, are answered like any other."""
