"""A Stripe on this machine."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from flask_crm_stripe.cli.common import app_state


@click.command("fake-stripe")
@with_appcontext
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=12111, show_default=True)
@click.option("--account", "accounts", multiple=True, metavar="NAME:COUNTRY:CURRENCY", help="May be given again.")
@with_appcontext
def fake_stripe(host: str, port: int, accounts: tuple[str, ...]) -> None:
    """Run a Stripe of your own on this machine, which sends its webhooks to this app."""
    from flask_crm_stripe.testing.fake_stripe.serve import main

    config = app_state().config
    seeded = [tuple(account.rsplit(":", 2)) for account in accounts]
    if any(len(account) != 3 for account in seeded):
        raise click.BadParameter("write it like “Harbour & Pine:NL:eur”", param_hint="--account")
    endpoint = f"{config.public_url}{config.url_prefix}/webhooks" if config.public_url else None
    secret = config.webhook_secrets[0] if config.webhook_secrets else None
    main(host, port, endpoint_url=endpoint, endpoint_secret=secret, accounts=seeded)  # type: ignore[arg-type]
