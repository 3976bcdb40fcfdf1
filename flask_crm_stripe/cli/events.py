"""What an operator does about events: apply again, find what never came, forget a contact."""

from __future__ import annotations

from typing import cast

import click
from flask.cli import with_appcontext

from flask_crm_stripe.cli.common import any_business, app_state, billing_of, business_option, businesses, in_words
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.model.events import EventFilter, EventState

MOST = 10_000


@click.command("replay")
@with_appcontext
@click.argument("row_ids", type=int, nargs=-1)
@click.option("--failed", is_flag=True, help="All those that could not be applied.")
@business_option
@with_appcontext
def replay(row_ids: tuple[int, ...], failed: bool, business: str) -> None:
    """Apply stored events again (their numbers are on the events page). Safe at any time."""
    if not row_ids and not failed:
        raise click.UsageError("Give the numbers of events, or --failed.")
    with in_words():
        billing = billing_of(business)
        billing.environment.require_real("apply events")
        stored = billing.ledger.events
        wanted = list(row_ids) or [row.id for row in stored.page(EventFilter(EventState.FAILED), None, MOST).rows]
        if stored.retry(wanted, billing.clock.now()) < len(wanted):
            raise NotFound("event")
        cast(Inbox, app_state().inbox).sweep()
        for row_id in wanted:
            event = stored.get(row_id)
            click.echo(f"{event.state}: {event.reason or event.type}" if event else "gone")


@click.command("catch-up")
@with_appcontext
@any_business
@with_appcontext
def catch_up(business: str) -> None:
    """Find events that never came in Stripe's own list of the last 30 days, and apply them. Safe at any time."""
    with in_words():
        platform = app_state().ready()
        for each in businesses(platform, business):
            billing = platform.system(each)
            if billing.connection.live() is None:
                continue
            billing.environment.require_real("catch up with events")
            result = billing.feed.catch_up()
            click.echo(f"{each}: {result.found} events had not come; {result.requests} requests to Stripe.")
        done = cast(Inbox, app_state().inbox).sweep()
    click.echo(f"{done} events applied.")


@click.command("forget")
@with_appcontext
@click.argument("contact", metavar="KIND:REF")
@business_option
@with_appcontext
def forget(contact: str, business: str) -> None:
    """Erase a contact's personal data from stored events; KIND:REF is like individual:7. Invoices stay."""
    kind, found, ref = contact.partition(":")
    if not found or not ref:
        raise click.UsageError("Write the contact as KIND:REF, like individual:7 or organization:12.")
    with in_words():
        erased = billing_of(business).feed.forget(ContactRef(kind, ref))
    click.echo(f"{erased.events} events were erased: nothing of what Stripe told about this contact is left.")
    if erased.invoices:
        click.echo(
            f"{erased.invoices} invoices stay, with whom they were made out to, for as long as the law wants invoices "
            "kept. Their sums can be proved without the events."
        )
