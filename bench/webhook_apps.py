"""The two apps that events are sent to, for gunicorn: a CRM with billing, and the least that an endpoint can do.

`python -m bench.webhook_apps` is the Celery worker of the first. Settings come from the environment, as an operator
would give them; `BENCH_DATABASE` and `BENCH_BROKER` say where the database and Redis are.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import worker_ready
from cryptography.fernet import Fernet
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy

from bench.orders import Orders
from flask_crm_stripe import CRMStripe, Mail, signals
from flask_crm_stripe.ports.crm import CRMSource
from flask_crm_stripe.testing import FakeStripe, MemoryCRM

DATABASE, BROKER, FOLDER = "BENCH_DATABASE", "BENCH_BROKER", "BENCH_FOLDER"
HANDS = "BENCH_HANDS"
"""How many tasks the worker does at a time."""

ORDERS = "BENCH_ORDERS"
"""Lines of each order, where the CRM has orders to bill."""

HEARD = "BENCH_HEARD"
"""A file for a line of each signal and each mail, where somebody wants to know."""

SECRET = "whsec_of_the_bench"
SETTINGS: dict[str, Any] = {
    "CRM_STRIPE_API_KEY": "sk_test_bench",
    "CRM_STRIPE_CLIENT_ID": "ca_bench",
    "CRM_STRIPE_WEBHOOK_SECRETS": [SECRET],
    "CRM_STRIPE_ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
    "CRM_STRIPE_PUBLIC_URL": "http://127.0.0.1:8000",
    "CRM_STRIPE_TASKS": "celery",
}
HOOK, PROCESS = "/stripe/webhooks", "/process"
TABLE = "CREATE TABLE bare_event (id text PRIMARY KEY, body bytea NOT NULL)"
INSERT = "INSERT INTO bare_event (id, body) VALUES (%s, %s) ON CONFLICT DO NOTHING"


def environment(database: str, broker: str, **more: str) -> dict[str, str]:
    """What a process of the CRM is given: the settings of this process."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in SETTINGS.items()}
    return {**texts, DATABASE: database, BROKER: broker, **more}


def crm(
    database: str, crm: CRMSource | None = None, transport: FakeStripe | None = None, **settings: Any
) -> tuple[Flask, CRMStripe]:
    """A CRM with billing."""
    app, crm_stripe = Flask("bench"), CRMStripe()
    app.config.update(SQLALCHEMY_DATABASE_URI=database, **settings)
    if path := os.environ.get(HEARD):
        listen(crm_stripe, path)
    crm_stripe.init_app(app, crm=crm or MemoryCRM(), db=SQLAlchemy(app), transport=transport)
    return app, crm_stripe


def billing() -> Flask:
    """The CRM, for gunicorn and for the worker: tasks go through Redis."""
    lines = os.environ.get(ORDERS)
    app, crm_stripe = crm(os.environ[DATABASE], Orders(int(lines)) if lines else MemoryCRM())
    celery = Celery("bench", broker=os.environ[BROKER])
    celery.set_default()
    celery.conf.broker_connection_retry_on_startup = True
    crm_stripe.register_tasks(celery, app)
    app.extensions["celery"] = celery
    started(app)
    return app


def bare() -> Flask:
    """Verify, insert, answer: what an endpoint can do at best with the same server, driver and durability."""
    from psycopg_pool import ConnectionPool  # nothing else here needs it

    app, key = Flask("bare"), SECRET.encode()
    address = os.environ[DATABASE].replace("postgresql+psycopg:", "postgresql:")
    pool = ConnectionPool(address, min_size=4, max_size=4, kwargs={"autocommit": True}, open=True)
    app.extensions["pool"] = pool

    @app.post(HOOK)
    def hook() -> tuple[str, int]:
        body = request.get_data()
        if not signed(body, request.headers.get("Stripe-Signature", ""), key):
            return "", 400
        with pool.connection() as connection:
            connection.execute(INSERT, (json.loads(body)["id"], body))
        return "", 200

    started(app)
    return app


def signed(body: bytes, header: str, key: bytes) -> bool:
    """Stripe's scheme, with one secret and the standard library."""
    given = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    stamp = given.get("t", "")
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > 300:
        return False
    ours = hmac.new(key, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(ours, given.get("v1", ""))


def started(app: Flask) -> None:
    """This web process can answer, and says which one it is."""
    app.add_url_rule(PROCESS, "process", lambda: str(os.getpid()))
    if folder := os.environ.get(FOLDER):
        Path(folder, f"web-{os.getpid()}").touch()


def listen(crm_stripe: CRMStripe, path: str) -> None:
    """Write down what the host is told: a line each, in one write, so that processes do not write into each other's."""
    writer = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def receiver(name: str) -> Any:
        return lambda _app, key="", **_: os.write(writer, f"{name} {key}\n".encode())

    for name in ("invoice_created", "invoice_status_changed", "payment_succeeded", "payment_failed", "notice_raised"):
        signals.BY_NAME[name].connect(receiver(name), weak=False)

    @crm_stripe.mailer
    def send(mail: Mail) -> None:
        os.write(writer, f"mail {' '.join(mail.text.split())}\n".encode())


def main() -> None:
    """Work off Redis until told to stop."""
    celery = billing().extensions["celery"]

    def ready(**_: object) -> None:
        Path(os.environ[FOLDER], "ready").touch()

    worker_ready.connect(ready)
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"]
    hands = os.environ.get(HANDS, "1")
    how = ["--pool", "prefork", "--concurrency", hands] if hands != "1" else ["--pool", "solo"]
    celery.worker_main(["worker", *how, *quiet])


if __name__ == "__main__":
    main()
