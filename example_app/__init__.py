"""Northlight, a small CRM for consultancies, which bills through Stripe with `flask_crm_stripe`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from example_app import billing, views, words
from example_app.extensions import bootstrap, crm_stripe, csrf, db, login_manager, migrate
from example_app.models import User


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the CRM. `config` wins over the environment (`DATABASE_URL`, `SECRET_KEY`, every `CRM_STRIPE_*` key)."""
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(32),
        SQLALCHEMY_DATABASE_URI=database_url(app),
        SESSION_COOKIE_NAME="northlight",
        SESSION_COOKIE_SAMESITE="Lax",
        BOOTSTRAP_SERVE_LOCAL=True,
        DEMO_LOGINS=False,
    )
    app.config.from_mapping(config or {})

    db.init_app(app)
    migrate.init_app(app, db, directory=str(Path(__file__).parent / "migrations"))
    csrf.init_app(app)
    login_manager.init_app(app)
    login_manager.user_loader(load_user)
    bootstrap.init_app(app)
    crm_stripe.init_app(app, crm=billing.crm, db=db)

    words.register(app)
    views.register(app)
    return app


def load_user(key: str) -> User | None:
    """The person whom the session cookie names."""
    return db.session.get(User, int(key)) if key.isdecimal() else None


def database_url(app: Flask) -> str:
    """Where the data lives: `DATABASE_URL`, with the driver that is installed, or a file in the instance folder."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        Path(app.instance_path).mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{Path(app.instance_path) / 'northlight.sqlite3'}"
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url
