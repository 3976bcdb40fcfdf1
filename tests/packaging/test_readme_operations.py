"""What docs/operations.md says of `doctor`, and of a copied database under test keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask, g, request
from flask_sqlalchemy import SQLAlchemy

from flask_crm_stripe import ALL_PERMISSIONS, Actor, CRMStripe
from flask_crm_stripe.model.connection import Grant
from flask_crm_stripe.testing import FakeStripe, MemoryCRM
from flask_crm_stripe.testing.fixtures import Connect, Settings


@pytest.fixture
def host(tmp_path: Path, crm_stripe_settings: Settings, fake_stripe: FakeStripe, memory_crm: MemoryCRM) -> Flask:
    """A CRM of two businesses; which one a person is in stands in a header."""
    app = Flask("crm")
    app.config.update(crm_stripe_settings, SECRET_KEY="test", TESTING=True)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/crm.sqlite3"
    db, crm_stripe = SQLAlchemy(app), CRMStripe()

    @app.before_request
    def who() -> None:
        g.business = request.headers.get("Business", "north")

    crm_stripe.business_loader(lambda: str(g.business))
    crm_stripe.actor_loader(lambda: Actor("1", "Ines", ALL_PERMISSIONS))
    crm_stripe.init_app(app, crm=memory_crm, db=db, transport=fake_stripe)
    return app


def said(host: Flask, *command: str) -> tuple[int, str]:
    """Exit status and words of a command."""
    result = host.test_cli_runner().invoke(args=["crm-stripe", *command])
    return result.exit_code, result.stdout


def test_doctor_says_what_is_missing_one_after_the_other(
    host: Flask, fake_stripe: FakeStripe, connect_stripe: Connect
) -> None:
    """First the tables; then nothing; then each business whose account is not well, the others' faults aside."""
    status, words = said(host, "doctor")
    assert (status, "flask crm-stripe upgrade" in words) == (1, True)
    assert said(host, "upgrade") == (0, "Billing's tables are up to date.\n")
    assert said(host, "doctor") == (0, "All is well.\n")
    north, south = host.test_client(), host.test_client()
    south.environ_base["HTTP_BUSINESS"] = "south"
    gone = connect_stripe(north)
    connect_stripe(south, fake_stripe.create_account("South", "NL", "eur", payouts_enabled=False)["id"])
    fake_stripe.deauthorize(gone)
    status, words = said(host, "doctor")
    assert status == 1
    assert "- north: Stripe no longer lets this CRM act for the connected account" in words
    assert "- south: Customers can pay you, but payouts are paused." in words


def test_test_keys_leave_a_copys_live_connections_alone(
    host: Flask, fake_stripe: FakeStripe, connect_stripe: Connect
) -> None:
    """On a copied database nobody is asked about a live account, and no page shows it as connected."""
    said(host, "upgrade")
    client = host.test_client()
    connect_stripe(client)
    with host.app_context():
        platform = host.extensions["crm_stripe"].platform
        connections, now = platform.shared.for_business("south").connections, datetime.now(UTC)
        account = replace(platform.system("north").connection.live().account, id="acct_live")
        pending = connections.add_pending(Grant("acct_live", True, "read_write"), account, "elsewhere", "1", now)
        connections.confirm(pending.id, "1", now)
    status, words = said(host, "doctor")
    assert (status, words.splitlines()[-1]) == (0, "All is well.")
    assert "south" not in words
    assert said(host, "work")[0] == 0
    assert all(asked.account != "acct_live" for asked in fake_stripe.requests)
    shown = client.get("/stripe/api/v1/connection", headers={"Business": "south"}).get_json()
    assert shown["state"] == "none"
