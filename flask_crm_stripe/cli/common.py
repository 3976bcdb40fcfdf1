"""What the commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import current_app

from flask_crm_stripe.core.billing import Billing, Platform
from flask_crm_stripe.errors import BillingError
from flask_crm_stripe.model.business import DEFAULT_BUSINESS
from flask_crm_stripe.state import EXTENSION, State

business_option = click.option(
    "--business", default=DEFAULT_BUSINESS, show_default=True, metavar="REF", help="The business, by the CRM's own key."
)
any_business = click.option("--business", default="", metavar="REF", help="Only this business; all where left out.")
reason_option = click.option("--reason", required=True, metavar="TEXT", help="Why, for the log.")


def app_state() -> State:
    """What this app has."""
    state: State = current_app.extensions[EXTENSION]
    return state


def billing_of(business: str) -> Billing:
    """A business in the hands of whoever sits at the terminal."""
    return app_state().ready().system(business)


def businesses(platform: Platform, wanted: str) -> list[str]:
    """The one that was asked for, or all that ever had a connection."""
    return [wanted] if wanted else list(platform.shared.businesses())


@contextmanager
def in_words() -> Iterator[None]:
    """One of our own errors on a terminal: its words and exit status 1."""
    try:
        yield
    except BillingError as error:
        raise click.ClickException(error.message) from error
