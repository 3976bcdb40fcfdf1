"""Copies of the database: made harmless, or said to be the real one."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from flask_crm_stripe.cli.common import app_state, businesses, in_words, reason_option
from flask_crm_stripe.core.billing import Platform
from flask_crm_stripe.core.environment import check_reason
from flask_crm_stripe.model.business import SYSTEM


@click.command("neutralise")
@with_appcontext
@click.option("--database", default="", metavar="NAME", help="Its name, to do it although billing is at home here.")
@click.confirmation_option(prompt="Every connection in this database ends, and its secrets are erased. Go on?")
@with_appcontext
def neutralise(database: str) -> None:
    """Turn a copy of the database into a harmless one: Stripe is told nothing, and the original goes on."""
    with in_words():
        platform = app_state().ready()
        _refuse_at_home(platform, database)
        known, now = businesses(platform, ""), platform.clock.now()
        ended = platform.shared.neutralise(platform.fingerprint(), now)
        for business in known:
            platform.system(business).log.note("copy.neutralise", "environment")
    click.echo(
        f"Connections that ended here, without a word to Stripe: {ended}. This database can do no harm any more."
    )


def _refuse_at_home(platform: Platform, database: str) -> None:
    homes = [platform.shared.for_business(business).homes() for business in ("*", *businesses(platform, ""))]
    if not any(platform.fingerprint() in each for each in homes):
        return
    name = app_state().database_name()
    if database != name:
        raise click.ClickException(
            "Billing is at home here: this is no copy, and nothing was changed. If it is a copy all the same, give the "
            f"name of its database: --database {name}"
        )


@click.command("confirm-environment")
@with_appcontext
@reason_option
@with_appcontext
def confirm_environment(reason: str) -> None:
    """Say that this is the real one, for every business: from now on all works here."""
    with in_words():
        reason = check_reason(reason)
        platform = app_state().ready()
        known = businesses(platform, "")
        locked = [one for one in known if platform.system(one).environment.is_copy]
        platform.shared.adopt(platform.fingerprint(), SYSTEM.ref, platform.clock.now())
        for business in locked:
            platform.system(business).log.note("copy.confirm", "environment", reason=reason)
    click.echo(f"This is the real one now. Businesses that were locked: {len(locked)}.")
