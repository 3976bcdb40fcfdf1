"""A CRM with something to do at every way in, whose database is then copied; and what a person, program, command or
task does at each way that may change something."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from werkzeug.test import TestResponse

from flask_crm_stripe import Service
from flask_crm_stripe.cli import commands
from flask_crm_stripe.errors import BillingError
from flask_crm_stripe.model.runs import ItemState, Outcome, RunState
from flask_crm_stripe.ports.provider import READS, Provider
from flask_crm_stripe.state import EXTENSION
from flask_crm_stripe.tasks import TASKS, Worker
from tests.support.billing_host import NORTH, BillingHost, Browser, WatchedStripe, another_process, billing_host, work
from tests.web.page_stage import Form

STRIPES = ("accounts", "closed", "platforms", "answers", "hosted", "_stores")
KEYS = itertools.count(10**8)
SOURCE = "/sources/order/1"


@dataclass
class Original:
    """The real one, as it was copied: Stripe at that moment, the database, and the ids of what waits there."""

    fake: WatchedStripe
    host: BillingHost
    stripe: Mapping[str, Any] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)

    @contextmanager
    def started(self, url: str, **config: Any) -> Iterator[Process]:
        """The CRM on a database; Stripe is as it was when the copy was made."""
        for name, kept in deepcopy(self.stripe).items():
            setattr(self.fake.world, name, kept)
        self.fake.requests.clear()
        with another_process(self.host, url, **config) as host:
            yield Process(host, self)


@dataclass
class Process:
    """A process on the original database or on a copy, and somebody with every right at it."""

    host: BillingHost
    original: Original

    def browser(self, who: str = "ann") -> Browser:
        """Logged in, with what the browser had at the original: a copy's cookies have the same key."""
        browser = self.host.browser(who)
        if who == "ann":
            browser.client.set_cookie("session", self.original.ids["cookie"])
        return browser

    def id(self, name: str) -> str:
        """Of something that waits in the original."""
        return self.original.ids[name]

    def worker(self) -> Worker:
        """The one behind the queue."""
        state = self.host.app.extensions[EXTENSION]
        return Worker(state.ready(), state.inbox, state.upkeep)


def an_original(url: str) -> Original:
    """Made by hand as its people would, on FakeStripe; nothing is open any more when this returns."""
    with billing_host(url) as host:
        original = Original(host.fake, host)
        fill(original)
    return original


def fill(original: Original) -> None:
    """Something waits at each way in."""
    host, ids = original.host, original.ids
    ann, _ = host.connected()
    with host.app.app_context():
        host.host.add(NORTH, *(work(NORTH, str(line)) for line in range(31, 51)))
    ids["interrupted"] = interrupted(host, ann)
    ids["draft"] = ann.bill(NORTH, "31", send="no")
    ids["unwanted"] = ann.bill(NORTH, "32", send="no")
    ids["paid"] = ann.bill(NORTH, "33")
    ids["event"] = failed_event(host)
    ids["open"] = ann.bill(NORTH, "41")
    ids |= {name: ann.bill(NORTH, number) for name, number in (("settled", "42"), ("lost", "43"), ("wrong", "44"))}
    ids["quiet"] = ann.bill(NORTH, "45", delivery="link")
    ids |= {name: ann.bill(NORTH, number) for name, number in (("part", "46"), ("corrected", "47"), ("json", "48"))}
    ids |= {name: ann.bill(NORTH, number) for name, number in (("stuck", "49"), ("mistaken", "50"))}
    ids["credit"] = interrupted_credit(host, ann, ids["stuck"])
    ids["credit_seen"] = ann.post_json(f"/invoices/{ids['json']}/credit/preview", {}).get_json()["seen"]
    set_limit(ann)
    ids["asked"] = ann.bill(NORTH, "34", "35", send="no")
    ids["large"] = ann.bill(NORTH, "36", "37", send="no")
    answer = ann.post(f"/invoices/{ids['asked']}/ask", reason="A large order")
    assert answer.status_code == 303, answer.text
    [request] = host.rows("crm_stripe_approval")
    ids["approval"] = request["id"]
    ids["notice"] = str(host.rows("crm_stripe_notice")[0]["row"])
    original.forms = {"invoice": ann.review(NORTH, "38").form("/invoice")}
    ids["seen"] = ann.post_json(f"{SOURCE}/preview", {"billables": ["40"]}).get_json()["seen"]
    ids["pending"] = come_back(host, ann)
    ids["callback"] = host.back_from_stripe(ann, host.fake.create_account("Another again")["id"])
    original.forms["confirm"] = ann.page(f"/connect/{ids['pending']}").form(f"/connect/{ids['pending']}")
    original.forms |= {"disconnect": ann.page("/disconnect").form("/disconnect")}
    ids |= runs(host, ann)
    ids["cookie"] = str(ann.client.get_cookie("session").value)  # type: ignore[union-attr]
    with host.app.app_context():
        host.host.add(NORTH, Service("9", "S9", "New", prices=(("eur", Decimal(10)),), vat_rate=Decimal(21)))
    original.stripe = {name: deepcopy(getattr(host.fake.world, name)) for name in STRIPES}


def runs(host: BillingHost, ann: Browser) -> dict[str, str]:
    """One in each state, of the same work: whichever is first makes an invoice of it."""
    found = {}
    for name in ("planned", "moving", "stopped", "failed"):
        answer = ann.post("/runs", source="order:1", send="no", delivery="link")
        found[name] = str(answer.headers["Location"]).rpartition("/")[2]
    with host.app.app_context():
        store = host.app.extensions[EXTENSION].ready().system(NORTH).ledger.runs
        now = datetime.now(UTC)
        for name in ("moving", "failed"):
            store.move(found[name], RunState.PLANNED, RunState.RUNNING, now)
        store.move(found["stopped"], RunState.PLANNED, RunState.STOPPED, now)
        item = store.claim(found["failed"], "h", now, now)
        store.finish(item.number, "h", Outcome(ItemState.FAILED, None, "stripe_refused", "No."))
        store.settle(found["failed"], now)
    return found


def interrupted(host: BillingHost, ann: Browser) -> str:
    """An invoice that Stripe did not answer about."""
    host.fake.faults.add(method="POST", path="/v1/invoices/*/finalize", kind="cut_before", times=3)
    made = ann.bill(NORTH, "11")
    host.fake.faults.clear()
    return made


def interrupted_credit(host: BillingHost, ann: Browser, invoice_id: str) -> str:
    """A credit note that Stripe did not answer about."""
    host.fake.faults.add(method="POST", path="/v1/credit_notes", kind="cut_before", times=3)
    page = ann.post(f"/invoices/{invoice_id}/refund", line="0", amount_0="1", reason="A mistake", form_key="press-1")
    assert page.status_code == 502, page.text
    host.fake.faults.clear()
    return str(host.rows("crm_stripe_credit_note")[0]["id"])


def failed_event(host: BillingHost) -> str:
    """The id of an event that could not be applied: a paid invoice, which is read again at Stripe."""
    host.fake.deliver()
    host.fake.pay(an_open_one(host)["hosted_invoice_url"])
    host.fake.faults.add(method="GET", path="/v1/invoices/*", kind="cut_before", times=100)
    host.fake.deliver()
    host.fake.faults.clear()
    return str(next(row["row"] for row in host.rows("crm_stripe_event") if row["state"] == "waiting"))


def an_open_one(host: BillingHost) -> dict[str, Any]:
    """An invoice at Stripe that waits for its customer."""
    return next(each for each in host.things("invoice") if each["status"] == "open")


def set_limit(ann: Browser) -> None:
    """One line of work can be sent by one person, two can't."""
    assert ann.post("/settings/safety/limits", permission="send", currency="eur", amount="500").status_code == 303


def come_back(host: BillingHost, ann: Browser) -> str:
    """With another account, and nothing is said yet about which one to go on with."""
    answer = ann.get_raw(host.back_from_stripe(ann, host.fake.create_account("Another one")["id"]))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"].rpartition("/")[2])


Deed = Callable[[Process], str]


@dataclass(frozen=True)
class Way:
    """What is done at one way in, and what is read in the end; ``sends`` is whether the real one changes something at
    Stripe by it."""

    deed: Deed
    sends: bool = False


def read(browser: Browser, answer: TestResponse) -> str:
    """What the person reads in the end; nobody follows to Stripe's own pages."""
    ours = answer.status_code == 303 and answer.headers["Location"].startswith("/")
    return browser.follow(answer).text if ours else answer.text


def form(path: str, sends: bool = False, who: str = "ann", **fields: str) -> Way:
    """A form with fields of one's own; names in braces are ids."""

    def deed(process: Process) -> str:
        browser, ids = process.browser(who), process.original.ids
        given = {name: value.format(**ids) for name, value in fields.items()}
        return read(browser, browser.post(path.format(**ids), **given))

    return Way(deed, sends)


def kept_form(name: str, sends: bool, **changed: str) -> Way:
    """A form as it stood on a page of the original."""

    def deed(process: Process) -> str:
        browser = process.browser()
        return read(browser, browser.send(process.original.forms[name], csrf_token=browser.token(), **changed))

    return Way(deed, sends)


def program(path: str, body: Any, sends: bool = False, who: str = "ann") -> Way:
    """A call of the JSON side; an id by its name."""

    def deed(process: Process) -> str:
        ids = process.original.ids
        given = {key: ids[value[1:]] if str(value)[:1] == "$" else value for key, value in (body or {}).items()}
        browser = process.browser(who)
        answer = browser.post_json(path.format(**ids), given or None, Idempotency_Key=f"press-{next(KEYS)}")
        return str(answer.get_json()["detail"]) if answer.status_code >= 400 else answer.text

    return Way(deed, sends)


def command(*arguments: str, sends: bool = False) -> Way:
    """Typed after ``flask crm-stripe``."""
    return Way(
        lambda process: process.host.run(*(each.format(**process.original.ids) for each in arguments)).output, sends
    )


def task(name: str, sends: bool = False, **arguments: str) -> Way:
    """As a worker runs it."""

    def deed(process: Process) -> str:
        given = {
            key: int(process.id("event")) if key == "row_id" else value.format(**process.original.ids)
            for key, value in arguments.items()
        }
        with process.host.app.app_context():
            try:
                process.worker().run(name, given)
            except BillingError as error:
                return str(error)
        return "done"

    return Way(deed, sends)


def came_back(process: Process) -> str:
    """From Stripe, where the person had gone from the original."""
    browser = process.browser()
    return read(browser, browser.get_raw(process.id("callback")))


def delivered(process: Process) -> str:
    """Stripe calls this process; the event is one that leads to a question to Stripe."""
    fake = process.original.fake
    fake.pay(an_open_one(process.host)["hosted_invoice_url"])
    fake.on_delivery(process.host.hook)
    return str(fake.deliver())


IN_NORTH = ("--business", NORTH)
WAYS: dict[str, Way] = {
    "POST /approvals/<approval_id>/agree": form("/approvals/{approval}/agree", True, "ben"),
    "POST /approvals/<approval_id>/refuse": form("/approvals/{approval}/refuse", who="ben", reason="Too much"),
    "POST /approvals/<approval_id>/withdraw": form("/approvals/{approval}/withdraw"),
    "POST /billables/<source>/<ref>/invoice": kept_form("invoice", True, send="yes"),
    "POST /billables/<source>/<ref>/review": form("/billables/order/1/review", billable="39"),
    "POST /connect": form("/connect"),
    "POST /connect/<connection_id>": kept_form("confirm", True),
    "POST /connect/<connection_id>/decline": form("/connect/{pending}/decline", True),
    "GET /connect/callback": Way(came_back, True),
    "POST /copy": form("/copy", reason=""),
    "POST /disconnect": kept_form("disconnect", True, reason="We stop"),
    "POST /events/<int:event_id>/retry": form("/events/{event}/retry"),
    "POST /events/retry": form("/events/retry", event="{event}"),
    "POST /invoices/<invoice_id>/ask": form("/invoices/{large}/ask", reason="A large order"),
    "POST /credits/<credit_id>/continue": form("/credits/{credit}/continue", True),
    "POST /invoices/<invoice_id>/correct": form(
        "/invoices/{corrected}/correct", True, reason="A mistake", form_key="press-2"
    ),
    "POST /invoices/<invoice_id>/refund": form(
        "/invoices/{part}/refund", True, line="0", amount_0="1", reason="A mistake", form_key="press-3"
    ),
    "POST /invoices/<invoice_id>/delete": form("/invoices/{unwanted}/delete", True),
    "POST /invoices/<invoice_id>/paid-elsewhere": form("/invoices/{settled}/paid-elsewhere", True, reason="In cash"),
    "POST /invoices/<invoice_id>/resend": form("/invoices/{quiet}/resend", True),
    "POST /invoices/<invoice_id>/uncollectible": form("/invoices/{lost}/uncollectible", True, reason="A mistake"),
    "POST /invoices/<invoice_id>/void": form("/invoices/{wrong}/void", True, reason="A mistake"),
    "POST /invoices/<invoice_id>/refresh": form("/invoices/{open}/refresh"),
    "POST /invoices/<invoice_id>/send": form("/invoices/{draft}/send", True),
    "POST /notices/<int:notice_id>/seen": form("/notices/{notice}/seen"),
    "POST /runs": form("/runs", source="order:1", send="no"),
    "POST /runs/<run_id>/start": form("/runs/{planned}/start", True),
    "POST /runs/<run_id>/stop": form("/runs/{moving}/stop"),
    "POST /runs/<run_id>/resume": form("/runs/{stopped}/resume", True),
    "POST /runs/<run_id>/retry": form("/runs/{failed}/retry", True),
    "POST /services/sync": form("/services/sync", True),
    "POST /settings": form("/settings", days_until_due="30", delivery="link"),
    "POST /settings/endpoint": form("/settings/endpoint", True),
    "POST /settings/endpoint/roll": form("/settings/endpoint/roll", True),
    "POST /settings/refresh": form("/settings/refresh"),
    "POST /settings/safety/events": form("/settings/safety/events", event_days="30"),
    "POST /settings/safety/limits": form(
        "/settings/safety/limits", permission="send", currency="usd", amount="9", reason="Why"
    ),
    "POST /settings/safety/limits/remove": form(
        "/settings/safety/limits/remove", permission="send", currency="eur", reason="Why"
    ),
    "POST /settings/safety/log": form("/settings/safety/log", log_days="4000", reason="Why"),
    "POST /settings/safety/notify": form("/settings/safety/notify", notify="ann@north.example"),
    "POST /settings/test": form("/settings/test", True),
    "POST /api/v1/approvals/<approval_id>/agree": program("/approvals/{approval}/agree", None, True, "ben"),
    "POST /api/v1/approvals/<approval_id>/refuse": program(
        "/approvals/{approval}/refuse", {"reason": "Too much"}, who="ben"
    ),
    "POST /api/v1/approvals/<approval_id>/withdraw": program("/approvals/{approval}/withdraw", None),
    "POST /api/v1/invoices/<invoice_id>/approval": program("/invoices/{large}/approval", {"reason": "Large"}),
    "POST /api/v1/credits/<credit_id>/continue": program("/credits/{credit}/continue", None, True),
    "POST /api/v1/invoices/<invoice_id>/correct": program(
        "/invoices/{mistaken}/correct", {"reason": "A mistake"}, True
    ),
    "POST /api/v1/invoices/<invoice_id>/credit": program(
        "/invoices/{json}/credit", {"reason": "A mistake", "seen": "$credit_seen"}, True
    ),
    "POST /api/v1/invoices/<invoice_id>/credit/preview": program("/invoices/{json}/credit/preview", None),
    "POST /api/v1/invoices/<invoice_id>/paid-elsewhere": program(
        "/invoices/{settled}/paid-elsewhere", {"how": "In cash"}, True
    ),
    "POST /api/v1/invoices/<invoice_id>/resend": program("/invoices/{quiet}/resend", None, True),
    "POST /api/v1/invoices/<invoice_id>/uncollectible": program(
        "/invoices/{lost}/uncollectible", {"reason": "A mistake"}, True
    ),
    "POST /api/v1/invoices/<invoice_id>/void": program("/invoices/{wrong}/void", {"reason": "A mistake"}, True),
    "POST /api/v1/invoices/<invoice_id>/send": program("/invoices/{draft}/send", None, True),
    "POST /api/v1/runs": program("/runs", {"sources": [{"kind": "order", "ref": "1"}], "send": False}),
    "POST /api/v1/runs/<run_id>/start": program("/runs/{planned}/start", None, True),
    "POST /api/v1/runs/<run_id>/stop": program("/runs/{moving}/stop", None),
    "POST /api/v1/runs/<run_id>/resume": program("/runs/{stopped}/resume", None, True),
    "POST /api/v1/runs/<run_id>/retry": program("/runs/{failed}/retry", None, True),
    "POST /api/v1/services/sync": program("/services/sync", {"refs": ["9"]}, True),
    "POST /api/v1/sources/<kind>/<ref>/invoices": program(
        f"{SOURCE}/invoices", {"billables": ["40"], "seen": "$seen", "send": True}, True
    ),
    "POST /api/v1/sources/<kind>/<ref>/preview": program(f"{SOURCE}/preview", {"billables": ["40"]}),
    "POST /webhooks": Way(delivered),
    "flask crm-stripe catch-up": command("catch-up"),
    "flask crm-stripe clear-limits": command("clear-limits", "--reason", "Nobody is left", *IN_NORTH),
    "flask crm-stripe doctor": command("doctor"),
    "flask crm-stripe export-log": command("export-log", *IN_NORTH),
    "flask crm-stripe fake-stripe": command("fake-stripe", "--help"),
    "flask crm-stripe forget": command("forget", "organization:1", *IN_NORTH),
    "flask crm-stripe forget-person": command("forget-person", "ann", *IN_NORTH),
    "flask crm-stripe invoice": command("invoice", "{open}", *IN_NORTH),
    "flask crm-stripe invoice-many": command("invoice-many", "order:1", "--draft", "--yes", *IN_NORTH, sends=True),
    "flask crm-stripe run": command("run", "{moving}", "work", *IN_NORTH, sends=True),
    "flask crm-stripe replay": command("replay", "{event}", *IN_NORTH),
    "flask crm-stripe resume": command("resume", "{interrupted}", *IN_NORTH, sends=True),
    "flask crm-stripe rotate-keys": command("rotate-keys"),
    "flask crm-stripe sync-services": command("sync-services", *IN_NORTH, sends=True),
    "flask crm-stripe upgrade": command("upgrade"),
    "flask crm-stripe verify-log": command("verify-log"),
    "flask crm-stripe work": command("work", sends=True),
    "task apply_events": task("apply_events"),
    "task keep_up": task("keep_up", sends=True),
    "task make_invoices": task("make_invoices", sends=True, business=NORTH, run="{moving}"),
    "task sync_noted": task("sync_noted", sends=True),
    "task sync_services": task("sync_services", sends=True, business=NORTH),
}
TESTED_ALONE = ("flask crm-stripe neutralise", "flask crm-stripe confirm-environment")


def ways_in(host: BillingHost) -> set[str]:
    """From the app itself: every route that takes more than GET, the way back from Stripe, each command and task."""
    routes = {
        f"{verb} {rule.rule.removeprefix(host.prefix)}"
        for rule in host.app.url_map.iter_rules()
        if rule.endpoint.startswith("crm_stripe")
        for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.endpoint.startswith("crm_stripe.api_no")
        and (verb != "GET" or rule.endpoint == "crm_stripe.connect_callback")
    }
    typed = {f"flask crm-stripe {name}" for name in commands().commands}
    return routes | typed | {f"task {name}" for name in TASKS}


def provider_writes() -> set[str]:
    """Every method that is not known to change nothing."""
    methods = {name for base in Provider.__mro__ for name, each in vars(base).items() if callable(each)}
    return {name for name in methods if not name.startswith("_")} - READS
