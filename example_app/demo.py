"""`python -m example_app.demo`: the CRM and FakeStripe on this machine, with data, and the steps to follow."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import flask_migrate
from flask import Flask
from sqlalchemy import make_url
from werkzeug.serving import WSGIRequestHandler, make_server

from example_app import create_app
from example_app.demo_settings import HOST, Addresses, CannotStart, addresses_from, configure, require_free
from example_app.seed import PASSWORD, seed
from flask_crm_stripe.testing.fake_stripe import FakeStripe

INSTANCE = Path(__file__).resolve().parent.parent / "instance"
PLATFORM = "acct_northlight"
ACCOUNTS = (
    ("acct_harbourpine", "Harbour & Pine Consulting B.V.", "NL", "eur"),
    ("acct_kestrel", "Kestrel Studio K.K.", "JP", "jpy"),
)
LOGINS = [
    ("ines@harbourpine.example", "everything"),
    ("mara@harbourpine.example", "make and send invoices"),
    ("pieter@harbourpine.example", "only look"),
    ("jun@kestrel.example", "everything, in another company"),
]
STEPS = """
  The CRM is at      {crm}/
  FakeStripe is at   {stripe}/   (not Stripe: it runs on this machine, and takes no real card)

  Log in as          {admin:<28} everything
                     {sales:<28} makes and sends invoices
                     {viewer:<28} only looks
                     {other:<28} everything, in another company
  Password           {password}   (the same for everyone)

  1  Open {crm}/ and log in as {admin}.
  2  Choose Billing, then Connect with Stripe. Choose the account of Harbour & Pine, connect it,
     and say that this is the account to use.
  3  Choose Services inside Billing: they are at Stripe now. Change a price in the CRM, and it follows.
  4  Choose Opportunities, then “Yard planning rollout, phase 2”, then Billables. Choose the lines,
     Review invoice, and send it. Leave that page open.
  5  Open the payment page in another tab and pay with the card 4242 4242 4242 4242.
  6  Go back to the page that you left open: the invoice is Paid.

  More to try: under Billing, Settings, Safety set a limit, log in as {sales},
  and send more than that: then it waits for {admin}. At FakeStripe let Stripe ask for
  a document, and look at Billing again. Under Settings disconnect, or connect another account.

  {data}
  Press Ctrl-C to stop.
"""


class Quiet(WSGIRequestHandler):
    """Logs errors only, so that the steps stay in sight."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing about a request that was answered."""


def main() -> int:
    """Run the demo until Ctrl-C or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        addresses = addresses_from(os.environ)
        run(addresses, stop)
    except CannotStart as reason:
        print(f"\n  The demo can't start. {reason}\n", file=sys.stderr)
        return 1
    print("\n  The demo has stopped. FakeStripe's data is gone with it.\n")
    return 0


def run(addresses: Addresses, stop: threading.Event) -> None:
    """Start FakeStripe and the CRM, print the steps, and serve until `stop` is set."""
    for port, variable in ((addresses.port, "PORT"), (addresses.stripe_port, "FAKE_STRIPE_PORT")):
        require_free(port, variable)
    configure(os.environ, addresses, INSTANCE)
    app = create_app({"DEMO_LOGINS": LOGINS})
    prepare_data(app)
    with ExitStack() as stack:
        stack.enter_context(fake_stripe(addresses))
        make_endpoint(app)
        stack.enter_context(served(app, addresses.port))
        print(steps(addresses), flush=True)
        stop.wait()


def prepare_data(app: Flask) -> None:
    """Bring the CRM's tables and billing's to their newest form, and fill them."""
    with app.app_context():
        flask_migrate.upgrade()
        result = app.test_cli_runner().invoke(args=["crm-stripe", "upgrade"])
        if result.exit_code:
            raise CannotStart(f"Billing's tables can't be made: {result.output or result.exception}")
        seed()


def make_endpoint(app: Flask) -> None:
    """Billing makes its webhook endpoint at Stripe, as it would at the real one."""
    result = app.test_cli_runner().invoke(args=["crm-stripe", "doctor", "--fix"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise CannotStart(f"The webhook endpoint can't be made: {result.exception}")


@contextmanager
def fake_stripe(addresses: Addresses) -> Iterator[FakeStripe]:
    """A FakeStripe with an account for each company."""
    fake = FakeStripe(base_url=addresses.stripe, platform_name="Northlight", platform_id=PLATFORM)
    for account_id, name, country, currency in ACCOUNTS:
        fake.create_account(name, country, currency, id=account_id)
    with fake.serve(HOST, addresses.stripe_port):
        yield fake


@contextmanager
def served(app: Flask, port: int) -> Iterator[None]:
    """Serve the CRM in threads until the block ends."""
    server = make_server(HOST, port, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, name="crm", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def steps(addresses: Addresses) -> str:
    """What a person who sees this for the first time needs."""
    admin, sales, viewer, other = (mail for mail, _ in LOGINS)
    return STEPS.format(
        crm=addresses.crm,
        stripe=addresses.stripe,
        admin=admin,
        sales=sales,
        viewer=viewer,
        other=other,
        password=PASSWORD,
        data=f"The data lies in {make_url(os.environ['DATABASE_URL']).render_as_string()}.",
    )


if __name__ == "__main__":
    sys.exit(main())
