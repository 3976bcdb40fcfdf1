"""What an operator does with invoices, services and events."""

from __future__ import annotations

from typing import cast

import click
from flask.cli import with_appcontext

from flask_crm_stripe.cli.common import app_state, billing_of, business_option, in_words
from flask_crm_stripe.core.upkeep import Upkeep
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.errors import NotFound


@click.command("upgrade")
@with_appcontext
@with_appcontext
def upgrade() -> None:
    """Create or update billing's own tables."""
    with in_words():
        app_state().upgrade()
    click.echo("Billing's tables are up to date.")


@click.command("sync-services")
@with_appcontext
@business_option
@click.option("--plan", is_flag=True, help="Only say what would be done.")
@with_appcontext
def sync_services(business: str, plan: bool) -> None:
    """Bring Stripe's products and prices in step with the services."""
    with in_words():
        catalogue = billing_of(business).catalogue
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
    with in_words():
        billing = billing_of(business)
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
    with in_words():
        found = billing_of(business).invoicing.resume(invoice_id)
    click.echo(f"{found.number or 'Draft'}: {found.stage}")


@click.command("replay")
@with_appcontext
@click.argument("row_id", type=int)
@business_option
@with_appcontext
def replay(row_id: int, business: str) -> None:
    """Apply a stored event again (its number is on the events page). Safe at any time."""
    with in_words():
        billing = billing_of(business)
        if billing.ledger.events.get(row_id) is None:
            raise NotFound("event")
        billing.environment.require_real("apply events")
        billing.ledger.events.retry([row_id], billing.clock.now())
        cast(Inbox, app_state().inbox).sweep()
        event = billing.ledger.events.get(row_id)
    click.echo(f"{event.state}: {event.reason or event.type}" if event else "gone")


@click.command("work")
@with_appcontext
@with_appcontext
def work() -> None:
    """Do everything that waits, once. Several may run at the same time."""
    with in_words():
        app_state().ready()
        done = cast(Upkeep, app_state().upkeep).round()
    click.echo(
        f"{done.events} events, {done.notes} notes, {done.services} services, "
        f"{done.invoices} invoices resumed, {done.told} told."
    )
