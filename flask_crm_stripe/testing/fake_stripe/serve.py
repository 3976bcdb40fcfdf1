"""What `flask crm-stripe fake-stripe` runs: a FakeStripe on this machine until Ctrl-C."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

from .server import FakeStripe

SeedAccount = tuple[str, str, str]
"""Name of the business, country (`NL`), currency (`eur`)."""

INVOICING_EVENTS = ("*",)


def main(
    host: str = "127.0.0.1",
    port: int = 12111,
    *,
    endpoint_url: str | None = None,
    endpoint_secret: str | None = None,
    accounts: Sequence[SeedAccount] = (),
    events: Sequence[str] = INVOICING_EVENTS,
    stop: threading.Event | None = None,
) -> None:
    """Serve until Ctrl-C (or until `stop` is set), with these accounts to connect and one Connect endpoint.

    The endpoint belongs to the platform whose `sk_test_...` key comes first. Port 0 takes a free one. ValueError for a
    host that other machines reach; a port that is taken ends the process with werkzeug's own sentence.
    """
    fake = FakeStripe()
    for name, country, currency in accounts:
        fake.create_account(name, country, currency)
    secret = fake.add_endpoint(endpoint_url, endpoint_secret, events)["secret"] if endpoint_url else None
    with fake.serve(host, port) as server:
        _say(_welcome(server.url, accounts, endpoint_url, secret if endpoint_secret is None else None))
        try:
            (stop or threading.Event()).wait()
        except KeyboardInterrupt:
            _say("\nFakeStripe stops. What it held is gone.\n")


def _welcome(url: str, accounts: Sequence[SeedAccount], endpoint: str | None, new_secret: str | None) -> str:
    rows = [
        "",
        f"  FakeStripe is at {url}/",
        "  This is not Stripe. It runs on your own machine, keeps everything in memory, and takes test cards only.",
        "",
        *(f"  Account      {name} ({country}, {currency.upper()})" for name, country, currency in accounts),
        f"  Webhooks to  {endpoint or 'nobody: no endpoint was given'}",
        *([f"  Secret       {new_secret}"] if new_secret else []),
        "  Pays         4242 4242 4242 4242",
        "  Is declined  4000 0000 0000 0002",
        "",
        "  Press Ctrl-C to stop.",
        "",
    ]
    return "\n".join(rows) + "\n"


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
