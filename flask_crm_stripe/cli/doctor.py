"""Can money come in, for every business? A monitor asks, and an operator reads.

Exit status 0: all is well. 1: something keeps money or news away. 2: all works, and something needs a look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import click
from flask import current_app
from flask.cli import with_appcontext

from flask_crm_stripe.cli.common import any_business, app_state, businesses, in_words
from flask_crm_stripe.core.billing import Billing, Platform
from flask_crm_stripe.core.endpoints import KEEPS_NEWS_AWAY, SAID
from flask_crm_stripe.core.readiness import DISCONNECTED, OK, PROBLEM, WARNING
from flask_crm_stripe.errors import BillingError
from flask_crm_stripe.model.connection import Ending
from flask_crm_stripe.state import State

WELL, ILL, ATTENTION = 0, 1, 2
MOST_STRAYS = 5
OF_OWN_WILL = frozenset((Ending.DISCONNECTED, Ending.REPLACED, Ending.NEUTRALISED))


@dataclass(frozen=True, slots=True)
class Finding:
    """One line, and how bad it is: WELL, ILL or ATTENTION."""

    how: int
    words: str


@click.command("doctor")
@with_appcontext
@any_business
@click.option("--fix", is_flag=True, help="Make or mend the webhook endpoint at Stripe. Only ours is ever changed.")
@click.option("--roll", is_flag=True, help="Give the webhook endpoint another signing secret, without a gap.")
@with_appcontext
def doctor(business: str, fix: bool, roll: bool) -> None:
    """Say whether money can come in, and what keeps it away. Exit 0: well; 1: it is kept away; 2: needs a look."""
    if fix or roll:
        with in_words():
            endpoints = app_state().ready().endpoints()
            _ = endpoints.roll() if roll else endpoints.mend()
    found = list(_findings(app_state(), business))
    for finding in found:
        click.echo(f"{'  ' if finding.how == WELL else '- '}{finding.words}")
    status = ILL if any(each.how == ILL for each in found) else max((each.how for each in found), default=WELL)
    if status != WELL:
        raise SystemExit(status)
    click.echo("All is well.")


def _findings(state: State, wanted: str) -> Iterator[Finding]:
    yield from (Finding(ILL, words) for words in state.check_mapping())
    try:
        platform = state.ready()
    except BillingError as error:
        yield Finding(ILL, error.message)
        return
    yield from _wall(state)
    yield from _secrets(platform)
    yield from _endpoint(platform)
    yield from _strays(platform)
    for business in businesses(platform, wanted):
        yield from _business(platform.system(business))


def _wall(state: State) -> Iterator[Finding]:
    """An unsigned event must get our own 400: a login wall in front of the route would silently swallow all news."""
    path = f"{state.config.url_prefix}/webhooks"
    answer = current_app.test_client().post(path, data=b"{}", base_url=state.config.public_url)
    if answer.status_code != 400:
        words = f"POST {path} answers {answer.status_code} instead of 400: let it through without a login."
        yield Finding(ILL, words)


def _secrets(platform: Platform) -> Iterator[Finding]:
    report = platform.shared.sealed()
    if report.lost:
        what = ", ".join(f"{count} of {name}s" for name, count in sorted(report.lost.items()))
        yield Finding(
            ATTENTION,
            f"Stored secrets can't be read ({what}): their key is not in CRM_STRIPE_ENCRYPTION_KEYS any more. "
            "Add it again if you have it. Without it billing goes on; old bodies of events stay unreadable.",
        )
    if report.older:
        words = f"{report.older} stored secrets are sealed with an older key. Run: flask crm-stripe rotate-keys"
        yield Finding(WELL, words)


def _endpoint(platform: Platform) -> Iterator[Finding]:
    """How events come, as Stripe tells it now; nobody waits for any where nothing is connected."""
    endpoints = platform.endpoints()
    if not platform.shared.live_connections():
        return
    try:
        endpoints.look()
    except BillingError as error:
        yield Finding(ILL, error.message)
        return
    health = endpoints.known()
    for problem, words in endpoints.said(health) if health else ():
        yield Finding(ILL if problem in KEEPS_NEWS_AWAY else ATTENTION, words)


def _strays(platform: Platform) -> Iterator[Finding]:
    """Events of accounts that are not connected: no harm, and worth knowing."""
    for stray in platform.shared.all_strays()[:MOST_STRAYS]:
        account = stray.account_id or "the platform's own account"
        words = (
            f"{stray.count} events came for {account}, which is not connected here; the last, {stray.last_type}, on "
        )
        yield Finding(WELL, f"{words}{stray.last_at:%Y-%m-%d}. They were answered and not kept.")


def _business(billing: Billing) -> Iterator[Finding]:
    """How one business stands, as Stripe sees it now. Its trouble keeps no other from its turn."""
    name = billing.business.ref
    if billing.environment.is_copy:
        parts = ", ".join(billing.environment.differences())
        words = f"{name}: This is a copy (another {parts}): nothing is sent to Stripe and no mail goes out."
        yield Finding(ILL, words)
    if billing.connection.live() is not None:
        try:
            billing.connection.refresh()
        except BillingError as error:
            yield Finding(ILL, f"{name}: {error.message}")
            return
    yield from _health(billing)


def _health(billing: Billing) -> Iterator[Finding]:
    name, health = billing.business.ref, billing.connection.health()
    words = f"{name}: {health.headline} {health.detail}"
    by_state = {OK: WELL, WARNING: ATTENTION, PROBLEM: ILL}
    if health.state == DISCONNECTED and health.connection is not None:
        yield Finding(WELL if health.connection.ending in OF_OWN_WILL else ATTENTION, words)
    elif health.state in by_state:
        yield Finding(by_state[health.state], words)
    if health.failed_events:
        yield Finding(ILL, f"{name}: {health.failed_events} events could not be applied. See the events page.")
    for trouble in billing.feed.troubles():
        if trouble.kind not in SAID:  # Those of the endpoint are said once, for all businesses.
            yield Finding(ILL if trouble.how == "problem" else ATTENTION, f"{name}: {trouble.words}")
