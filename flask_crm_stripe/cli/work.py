"""What an operator does with invoices, services and events."""

from __future__ import annotations

import logging
import signal
import threading
import time
from typing import cast

import click
from flask.cli import with_appcontext

from flask_crm_stripe.cli.common import app_state, billing_of, business_option, in_words
from flask_crm_stripe.core.upkeep import Upkeep
from flask_crm_stripe.core.webhooks import Inbox

log = logging.getLogger(__name__)

LOOK_EVERY, ROUND_EVERY = 0.5, 60.0
"""Seconds."""


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


@click.command("work")
@with_appcontext
@click.option("--watch", is_flag=True, help="Go on until stopped: events at once, everything else every minute.")
@with_appcontext
def work(watch: bool) -> None:
    """Do everything that waits, once. Several may run at the same time."""
    with in_words():
        app_state().ready()
        done = cast(Upkeep, app_state().upkeep).round()
    click.echo(
        f"{done.events} events, {done.notes} notes, {done.services} services, "
        f"{done.invoices} invoices resumed, {done.told} told, {done.runs} runs went on."
    )
    if watch:
        _watch(cast(Inbox, app_state().inbox), cast(Upkeep, app_state().upkeep))


def _watch(inbox: Inbox, upkeep: Upkeep) -> None:
    """Until somebody stops it, politely: what is being done is finished."""
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    next_round = time.monotonic() + ROUND_EVERY
    while not stop.wait(LOOK_EVERY):
        try:
            inbox.sweep()
            if time.monotonic() >= next_round:
                next_round = time.monotonic() + ROUND_EVERY
                upkeep.round()
        except Exception:
            log.exception("A round of work failed; the next one tries again")
