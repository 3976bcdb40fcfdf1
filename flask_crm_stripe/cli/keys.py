"""Encryption keys, rotated while everybody goes on working."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from flask_crm_stripe.cli.common import app_state, businesses, in_words

AT_ONCE = 200


@click.command("rotate-keys")
@with_appcontext
@click.option("--at-once", default=AT_ONCE, show_default=True, type=click.IntRange(1, 10_000), help="Rows per round.")
@with_appcontext
def rotate_keys(at_once: int) -> None:
    """Seal every stored secret with the first key. It may be stopped at any time, and goes on when it is run again."""
    with in_words():
        platform = app_state().ready()
        done = 0
        while (step := platform.shared.reseal(at_once)).more:
            done += step.done
            click.echo(f"{done} sealed anew")
        if done:
            for business in businesses(platform, ""):
                platform.system(business).log.note("keys.rotate", "secrets")
        report = platform.shared.sealed()
    click.echo(f"{report.current} secrets are sealed with the first key, {report.older} with an older one.")
    for name, count in sorted(report.lost.items()):
        click.echo(f"- {count} of {name}s can't be read: their key is not among those that are given.")
    if report.lost:
        raise SystemExit(1)
