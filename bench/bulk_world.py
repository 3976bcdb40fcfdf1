"""A Stripe that is as strict and as slow as the live one, and a CRM's database on it, for many invoices at once.

`python -m bench.bulk_world FILE PORT HOOK LINES` connects a business, makes its customers and products known, and
serves Stripe until it is told to stop: with the live limits, 150 ms for an answer, and webhooks to HOOK.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from bench.orders import CONTACTS, Orders
from bench.webhook_apps import DATABASE, SECRET, SETTINGS, crm
from flask_crm_stripe.core.event_types import WANTED
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
from flask_crm_stripe.model.connection import Grant
from flask_crm_stripe.model.crm import ContactRef
from flask_crm_stripe.state import EXTENSION
from flask_crm_stripe.testing import FakeStripe
from tests.support.seller import SELLER

BUSINESS = Business("bench", "Bench")
INES = Actor("1", "Ines", ALL_PERMISSIONS)
ALL, EACH, SECONDS = 100, 25, 0.15
"""Live Stripe's limits in requests a second, and how long it takes to answer."""


def main(path: str, port: str, hook: str, lines: str) -> None:
    """Make the world, and serve it."""
    fake, rows = FakeStripe(), Orders(int(lines))
    app, _ = crm(os.environ[DATABASE], rows, fake, CRM_STRIPE_TASKS="inline")
    with app.app_context():
        state = app.extensions[EXTENSION]
        state.upgrade()
        platform = state.ready()
        account = fake.create_account("Bench", "NL", "eur")["id"]
        with fake.world.lock:
            fake.world.connect(fake.world.platform_of_key(SETTINGS["CRM_STRIPE_API_KEY"]), account)
        billing = platform.billing(BUSINESS, INES)
        billing.connection.confirm(billing.connection.accept(Grant(account, False, "read_write")).id)
        billing.ledger.settings.save(SELLER, "1", billing.clock.now())
        for number in range(CONTACTS):
            billing.customers.ensure(rows.contact(ContactRef("organization", str(number))))
        billing.catalogue.sync()
        app.extensions["sqlalchemy"].session.remove()
        app.extensions["sqlalchemy"].engine.dispose()
    fake.add_endpoint(hook, SECRET, WANTED)
    fake.limits.set(total=ALL, endpoint=EACH, seconds=SECONDS)
    with fake.serve(port=int(port)):
        Path(path).touch()
        signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    main(*sys.argv[1:])
