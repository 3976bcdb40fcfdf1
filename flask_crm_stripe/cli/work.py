"""``flask crm-stripe ...``: what an operator does and a monitor asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.upkeep import Upkeep
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.errors import BillingError, NotFound
from flask_crm_stripe.model.business import DEFAULT_BUSINESS
from flask_crm_stripe.state import EXTENSION, State

business_option = click.option(
    "--business", default=DEFAULT_BUSINESS, show_default=True, metavar="REF", help="The business, by the CRM's own key."
)


def commands() -> AppGroup:
    """The group, anew for each app."""
    group = AppGroup("crm-stripe", help="Billing through Stripe.")
    for command in (upgrade, doctor, sync_services, invoice, resume, replay, work, fake_stripe):
        group.add_command(command)
    return group


@click.command("upgrade")
@with_appcontext
@with_appcontext
def upgrade() -> None:
    """Create or update billing's own tables."""
    with _in_words():
        _state().upgrade()
    click.echo("Billing's tables are up to date.")


@click.command("doctor")
@with_appcontext
@with_appcontext
def doctor() -> None:
    """Say what keeps billing from working; exit with 1 if anything does."""
    problems = list(_problems(_state()))
    for problem in problems:
        click.echo(f"- {problem}")
    if problems:
        raise SystemExit(1)
    click.echo("All is well.")


def _problems(state: State) -> Iterator[str]:
    yield from state.check_mapping()
    try:
        platform = state.ready()
    except BillingError as error:
        yield error.message
        return
    yield from _wall(state)
    for connection in platform.shared.live_connections():
        if connection.livemode == platform.livemode:
            yield from _unwell(platform.system(connection.business))


def _unwell(billing: Billing) -> Iterator[str]:
    """What is wrong with one business's connection, as Stripe sees it now. It keeps no other business from its turn."""
    business = billing.business.ref
    try:
        billing.connection.refresh()
    except BillingError as error:
        yield f"{business}: {error.message}"
        return
    health = billing.connection.health()
    if health.state != "ok":
        yield f"{business}: {health.headline} {health.detail}"
    if health.failed_events:
        yield f"{business}: {health.failed_events} events could not be applied. See the events page."


def _wall(state: State) -> Iterator[str]:
    """An unsigned event must get our own 400: a login wall in front of the route would silently swallow all news."""
    path = f"{state.config.url_prefix}/webhooks"
    answer = current_app.test_client().post(path, data=b"{}", base_url=state.config.public_url)
    if answer.status_code != 400:
        yield f"POST {path} answers {answer.status_code} instead of 400: let it through without a login."


@click.command("sync-services")
@with_appcontext
@business_option
@click.option("--plan", is_flag=True, help="Only say what would be done.")
@with_appcontext
def sync_services(business: str, plan: bool) -> None:
    """Bring Stripe's products and prices in step with the services."""
    with _in_words():
        catalogue = _billing(business).catalogue
        if plan:
            for change in catalogue.plan():
                click.echo(f"{change.deed}: {change.name} {change.currency or ''} {change.after or ''}".rstrip())
            return
        report = catalogue.sync()
    click.echo(f"{report.done} sent, {report.unchanged} in step already, {len(report.failed)} failed.")
    for name, reason in report.failed:
        click.echo(f"- {name}: {reason}")
    if report.failed:
        raise SystemExit(1)


@click.command("invoice")
@with_appcontext
@click.argument("invoice_id")
@business_option
@with_appcontext
def invoice(invoice_id: str, business: str) -> None:
    """Show an invoice and every step that was taken for it."""
    with _in_words():
        billing = _billing(business)
        found = billing.invoicing.get(invoice_id)
    click.echo(f"{found.number or 'Draft'}  {found.status or 'not at Stripe yet'}  {found.stage}  {found.contact_name}")
    for step in billing.ledger.journal.steps(f"invoice:{found.id}"):
        click.echo(f"{step.started_at:%Y-%m-%d %H:%M:%S}  {step.name:10} {step.outcome:8} {step.request_id or ''}")
    if found.problem:
        click.echo(found.problem.message)


@click.command("resume")
@with_appcontext
@click.argument("invoice_id")
@business_option
@with_appcontext
def resume(invoice_id: str, business: str) -> None:
    """Go on with an invoice that was interrupted."""
    with _in_words():
        found = _billing(business).invoicing.resume(invoice_id)
    click.echo(f"{found.number or 'Draft'}: {found.stage}")


@click.command("replay")
@with_appcontext
@click.argument("row_id", type=int)
@business_option
@with_appcontext
def replay(row_id: int, business: str) -> None:
    """Apply a stored event again (its number is on the events page). Safe at any time."""
    with _in_words():
        billing = _billing(business)
        if billing.ledger.events.get(row_id) is None:
            raise NotFound("event")
        billing.ledger.events.retry(row_id, billing.clock.now())
        cast(Inbox, _state().inbox).apply(row_id)
        event = billing.ledger.events.get(row_id)
    click.echo(f"{event.state}: {event.reason or event.type}" if event else "gone")


@click.command("work")
@with_appcontext
@with_appcontext
def work() -> None:
    """Do everything that waits, once. Several may run at the same time."""
    with _in_words():
        _state().ready()
        done = cast(Upkeep, _state().upkeep).round()
    click.echo(
        f"{done.events} events, {done.notes} notes, {done.services} services, "
        f"{done.invoices} invoices resumed, {done.told} told."
    )


@click.command("fake-stripe")
@with_appcontext
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=12111, show_default=True)
@click.option("--account", "accounts", multiple=True, metavar="NAME:COUNTRY:CURRENCY", help="May be given again.")
@with_appcontext
def fake_stripe(host: str, port: int, accounts: tuple[str, ...]) -> None:
    """Run a Stripe of your own on this machine, which sends its webhooks to this app."""
    from flask_crm_stripe.testing.fake_stripe.serve import main

    config = _state().config
    seeded = [tuple(account.rsplit(":", 2)) for account in accounts]
    if any(len(account) != 3 for account in seeded):
        raise click.BadParameter("write it like “Harbour & Pine:NL:eur”", param_hint="--account")
    endpoint = f"{config.public_url}{config.url_prefix}/webhooks" if config.public_url else None
    secret = config.webhook_secrets[0] if config.webhook_secrets else None
    main(host, port, endpoint_url=endpoint, endpoint_secret=secret, accounts=seeded)  # type: ignore[arg-type]


def _state() -> State:
    state: State = current_app.extensions[EXTENSION]
    return state


def _billing(business: str) -> Billing:
    return _state().ready().system(business)


@contextmanager
def _in_words() -> Iterator[None]:
    """One of our own errors on a terminal: its words and exit status 1."""
    try:
        yield
    except BillingError as error:
        raise click.ClickException(error.message) from error
