"""The ways in that have no person behind them: commands, tasks, Stripe's webhook, files. Found out by trying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_crm_stripe.cli import commands
from flask_crm_stripe.state import EXTENSION
from flask_crm_stripe.tasks import TASKS, Worker
from tests.rights.words import EVERYBODY, NO_BUSINESS, NONE, OWN
from tests.support.billing_host import LINES, NORTH, SOUTH, BillingHost

MACHINE, SOFTWARE, STRIPE, ANYBODY = "the machine", "the software", "Stripe’s signature", "nothing"


@dataclass(frozen=True)
class Way:
    """What it takes, and how it is tried: ``own`` in the north, ``foreign`` with the north's ids in the south."""

    needs: str
    own: Callable[[BillingHost], int]
    foreign: Callable[[BillingHost], str] | None = None
    scope: str = EVERYBODY


def prepare(host: BillingHost) -> None:
    """Both connected; the north has an invoice, an event, a limit and people."""
    north, _ = host.connected()
    north.bill(NORTH, LINES[NORTH][0])
    north.post("/settings/safety/limits", permission="send", currency="eur", amount="1")
    north.post("/runs", source="order:1", send="no", delivery="link")
    host.fake.deliver()


def names(host: BillingHost) -> list[str]:
    """Every command, task and route of ours without a login, from the app itself."""
    routes = [
        f"{method} {rule.rule.removeprefix(host.prefix)}"
        for rule in host.app.url_map.iter_rules()
        if rule.endpoint.startswith(("crm_stripe_hooks.", "crm_stripe_assets."))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    return [
        *(f"flask crm-stripe {name}" for name in sorted(commands().commands)),
        *(f"task {name}" for name in sorted(TASKS)),
        *sorted(routes),
    ]


def row(host: BillingHost, name: str) -> tuple[str, str, str]:
    """What it takes, what it acts on, what comes of another business's ids. Raises ``KeyError`` for an unknown one."""
    way = WAYS[name]
    foreign = way.scope
    if way.foreign is not None:
        before = host.pictures()
        foreign = way.foreign(host)
        assert host.pictures() == before, f"{name} changed another business's things"
    assert way.own(host) in (0, 200), name
    return way.needs, way.scope if way.foreign is None else "the business that is named", foreign


def command(*arguments: str) -> Callable[[BillingHost], int]:
    """A command that ends well."""

    def run(host: BillingHost) -> int:
        result = host.run(*[argument.format(**ids(host)) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result.exit_code

    return run


def elsewhere(*arguments: str) -> Callable[[BillingHost], str]:
    """The same for the south: what is not its own is not there, or it acts on its own only."""

    def run(host: BillingHost) -> str:
        result = host.run(*[argument.format(**ids(host)) for argument in arguments], "--business", SOUTH)
        return NONE if "There is no such" in result.output else OWN

    return run


def ids(host: BillingHost) -> dict[str, str]:
    """The north's own."""
    invoice = next(row for row in host.rows("crm_stripe_invoice") if row["business"] == NORTH)
    event = next((row for row in host.rows("crm_stripe_event") if row["business"] == NORTH), {"row": 0})
    run = next((row for row in host.rows("crm_stripe_run") if row["business"] == NORTH), {"id": ""})
    return {"invoice": str(invoice["id"]), "event": str(event["row"]), "person": "ann", "run": str(run["id"])}


def in_business(*arguments: str) -> Way:
    """A command for one business."""
    return Way(MACHINE, command(*arguments, "--business", NORTH), elsewhere(*arguments))


def for_all(*arguments: str, scope: str = EVERYBODY) -> Way:
    """A command for all of them."""
    return Way(MACHINE, command(*arguments), scope=scope)


def task(name: str, **arguments: Any) -> Callable[[BillingHost], int]:
    """A task, as a worker runs it."""

    def run(host: BillingHost) -> int:
        known = ids(host)
        given = {key: int(known["event"]) if value == "event" else value for key, value in arguments.items()}
        given = {key: known["run"] if value == "run" else value for key, value in given.items()}
        with host.app.app_context():
            state = host.app.extensions[EXTENSION]
            state.ready()
            worker_of(host).run(name, given)
        return 0

    return run


def worker_of(host: BillingHost) -> Any:
    """The worker behind the queue."""
    state = host.app.extensions[EXTENSION]
    return Worker(state.ready(), state.inbox, state.upkeep)


def signed(host: BillingHost) -> int:
    """A delivery with Stripe's signature is taken; one without is not."""
    bare = host.app.test_client().post(f"{host.prefix}/webhooks", data=b"{}")
    assert bare.status_code == 400
    host.fake.pay(host.things("invoice")[0]["hosted_invoice_url"])
    statuses = [attempt.status for delivery in host.fake.deliver() for attempt in delivery.attempts]
    return 200 if statuses and set(statuses) == {200} else 500


def file_is_there(host: BillingHost) -> int:
    """Bootstrap's style sheet."""
    return (
        host.app.test_client().get(f"{host.prefix}/assets/bootstrap5/css/bootstrap.min.css", buffered=True).status_code
    )


def help_is_there(host: BillingHost) -> int:
    """It runs until it is stopped, so it is not started here."""
    return host.run("fake-stripe", "--help").exit_code


WAYS: dict[str, Way] = {
    "flask crm-stripe upgrade": for_all("upgrade", scope=NO_BUSINESS),
    "flask crm-stripe doctor": for_all("doctor"),
    "flask crm-stripe work": for_all("work"),
    "flask crm-stripe catch-up": for_all("catch-up"),
    "flask crm-stripe forget": in_business("forget", "organization:1"),
    "flask crm-stripe sync-services": in_business("sync-services"),
    "flask crm-stripe invoice": in_business("invoice", "{invoice}"),
    "flask crm-stripe resume": in_business("resume", "{invoice}"),
    "flask crm-stripe run": in_business("run", "{run}"),
    "flask crm-stripe invoice-many": in_business("invoice-many", "order:1", "--draft", "--yes"),
    "flask crm-stripe replay": in_business("replay", "{event}"),
    "flask crm-stripe fake-stripe": Way(MACHINE, help_is_there, scope=NO_BUSINESS),
    "flask crm-stripe verify-log": in_business("verify-log"),
    "flask crm-stripe export-log": in_business("export-log"),
    "flask crm-stripe forget-person": in_business("forget-person", "{person}"),
    "flask crm-stripe clear-limits": in_business("clear-limits", "--reason", "Nobody is left"),
    "flask crm-stripe rotate-keys": for_all("rotate-keys"),
    "flask crm-stripe neutralise": for_all("neutralise", "--yes", "--database", "crm.sqlite"),
    "flask crm-stripe confirm-environment": for_all("confirm-environment", "--reason", "It moved"),
    "task apply_events": Way(SOFTWARE, task("apply_events"), scope="every business"),
    "task sync_services": Way(SOFTWARE, task("sync_services", business=NORTH), scope="the business that is named"),
    "task sync_noted": Way(SOFTWARE, task("sync_noted")),
    "task make_invoices": Way(
        SOFTWARE, task("make_invoices", business=NORTH, run="run"), scope="the business that is named"
    ),
    "task keep_up": Way(SOFTWARE, task("keep_up")),
    "POST /webhooks": Way(STRIPE, signed, scope="the business of the account"),
    "GET /assets/<path:filename>": Way(ANYBODY, file_is_there, scope=NO_BUSINESS),
}
