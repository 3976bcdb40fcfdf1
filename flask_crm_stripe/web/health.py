"""GET /health: for load balancers and monitors. It tells nothing about anybody, and asks nobody but our own set-up."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from flask_crm_stripe.errors import SetupMissing
from flask_crm_stripe.web.context import state


def register(blueprint: Blueprint) -> None:
    """Open to everybody."""
    blueprint.add_url_rule("/health", "health", health, methods=["GET"])


def health() -> ResponseReturnValue:
    """200 where billing is set up, 503 where it is not. Which key is missing is told to admins only."""
    try:
        state().ready()
    except SetupMissing:
        return {"status": "not set up"}, 503
    return {"status": "ok"}, 200
