"""The way out where nobody is left who could agree."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from flask_crm_stripe.cli.common import billing_of, business_option, in_words, reason_option


@click.command("clear-limits")
@with_appcontext
@business_option
@reason_option
@with_appcontext
def clear_limits(business: str, reason: str) -> None:
    """Remove every limit of a business, where no second person is left to agree to it. The admins are told."""
    with in_words():
        count = billing_of(business).settings.clear_limits(reason)
    click.echo(f"Limits that were removed: {count}. One person is enough again.")
