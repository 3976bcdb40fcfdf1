"""A process of a CRM with billing, on a database that is there already: as a program, and as an app for `flask`.

Its settings come from the environment, as an operator would give them; `CRM_DATABASE` says where the database is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_crm_stripe import ALL_PERMISSIONS, Actor, CRMStripe
from flask_crm_stripe.model.business import Business
from flask_crm_stripe.state import EXTENSION
from flask_crm_stripe.testing import MemoryCRM

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "CRM_DATABASE"


def create_app() -> Flask:
    """The app, for `flask --app tests.support.crm_process`."""
    app = Flask("crm")
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ[DATABASE]
    CRMStripe().init_app(app, crm=MemoryCRM(), db=SQLAlchemy(app))
    return app


def start(url: str, config: Mapping[str, Any], *command: str, **streams: Any) -> subprocess.Popen[str]:
    """Another process with the same settings on the same database."""
    lists = {key: json.dumps(value) for key, value in config.items() if isinstance(value, list | tuple)}
    texts = {key: str(value) for key, value in config.items() if isinstance(value, str)}
    environ = {key: value for key, value in os.environ.items() if not key.startswith("CRM_STRIPE_")}
    ours = {key: value for key, value in {**texts, **lists}.items() if key.startswith("CRM_STRIPE_")}
    return subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env={**environ, **ours, DATABASE: url}, text=True, **streams
    )


def act(business: str, person: str, times: int) -> None:
    """Somebody changes a setting, again and again: each time a use case with its line in the log."""
    app = create_app()
    with app.app_context():
        platform = app.extensions[EXTENSION].ready()
        billing = platform.billing(Business(business, business), Actor(person, person.title(), ALL_PERMISSIONS))
        for number in range(times):
            billing.settings.save_notify(f"{person}.{number}@{business}.example")


if __name__ == "__main__":
    act(sys.argv[1], sys.argv[2], int(sys.argv[3]))
