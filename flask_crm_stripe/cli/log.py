"""The action log: proved whole, taken along, and a person forgotten in it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from flask_crm_stripe.cli.common import any_business, app_state, billing_of, business_option, businesses, in_words
from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.log import LogFilter, Verdict


@click.command("verify-log")
@with_appcontext
@any_business
@click.option("--checkpoint", default="", metavar="TEXT", help="What an earlier run said, to find what was cut off.")
@with_appcontext
def verify_log(business: str, checkpoint: str) -> None:
    """Check that no line of the log was changed, removed, added or moved; exit with 1 where one was."""
    if checkpoint and not business:
        raise click.UsageError("A checkpoint belongs to one business: name it with --business.")
    broken = 0
    with in_words():
        platform = app_state().ready()
        for each in businesses(platform, business):
            verdict = platform.shared.for_business(each).log.verify(checkpoint)
            broken += bool(verdict.problems)
            _say(each, verdict)
    if broken:
        raise SystemExit(1)


def _say(business: str, verdict: Verdict) -> None:
    old = f", {verdict.unsigned} of them from before lines were sealed" if verdict.unsigned else ""
    lost = f", {verdict.unknown} of them under a key that is lost" if verdict.unknown else ""
    for problem in verdict.problems:
        click.echo(f"- {business}: {problem}")
    if not verdict.problems:
        click.echo(f"{business}: {verdict.checked} lines are as they were written{old}{lost}.")
    if verdict.checkpoint:
        click.echo(f"{business}: checkpoint {verdict.checkpoint}")


@click.command("export-log")
@with_appcontext
@business_option
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on (UTC).")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Before this day (UTC).")
@with_appcontext
def export_log(business: str, since: datetime | None, until: datetime | None) -> None:
    """Print the log as JSON, a line each, oldest first."""
    with in_words():
        billing = billing_of(business)
        billing.log.note("log.export", "log")
        names = billing.ledger.people.refs()
        chosen = LogFilter(since=_utc(since), until=_utc(until))
        for entry in billing.ledger.log.every(chosen):
            line = {**asdict(entry), "at": entry.at.isoformat(), "name": names.get(entry.actor)}
            click.echo(json.dumps(line, ensure_ascii=False))


def _utc(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None


@click.command("forget-person")
@with_appcontext
@click.argument("ref")
@business_option
@with_appcontext
def forget_person(ref: str, business: str) -> None:
    """Erase the name of a person who works in the CRM, by the CRM's own key. What they did stays, under that key."""
    with in_words():
        billing = billing_of(business)
        if not billing.ledger.people.forget(ref):
            raise NotFound("person")
        billing.log.note("person.forget", ref)
    click.echo("The name is erased. It is kept again if the person comes back.")
