"""The fixtures that maintainers get: two businesses connect, a page that leads nowhere says why, a real port."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from flask import Flask, g, request
from flask_sqlalchemy import SQLAlchemy

from flask_crm_stripe import ALL_PERMISSIONS, Actor, CRMStripe, Service
from flask_crm_stripe.testing import FakeStripe, MemoryCRM
from flask_crm_stripe.testing.fake_stripe.serving import RunningServer
from flask_crm_stripe.testing.fixtures import Connect, Settings


@pytest.fixture
def host(tmp_path: Path, crm_stripe_settings: Settings, fake_stripe: FakeStripe, memory_crm: MemoryCRM) -> Flask:
    """A CRM of two businesses; which one a person is in stands in a header, and so does what they may."""
    app = Flask("crm")
    app.config.update(crm_stripe_settings, SECRET_KEY="test", TESTING=True)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/crm.sqlite3"
    db, crm_stripe = SQLAlchemy(app), CRMStripe()

    @app.before_request
    def who() -> None:
        g.business = request.headers.get("Business", "north")
        g.rights = request.headers.get("Rights", " ".join(ALL_PERMISSIONS)).split()

    crm_stripe.business_loader(lambda: str(g.business))
    crm_stripe.actor_loader(lambda: Actor("1", "Ines", g.rights))
    crm_stripe.init_app(app, crm=memory_crm, db=db, transport=fake_stripe)
    with app.app_context():
        db.create_all()
    return app


def test_two_businesses_connect_and_hear_of_their_own(
    host: Flask,
    fake_stripe: FakeStripe,
    memory_crm: MemoryCRM,
    connect_stripe: Connect,
    deliver_stripe_events: Callable[[Flask], int],
) -> None:
    """Each has an account of its own, its services are there when the person is back, and CSRF stays on."""
    memory_crm.add("north", Service("1", "N", "Advice")).add("south", Service("1", "S", "Repairs"))
    north, south = host.test_client(), host.test_client()
    south.environ_base["HTTP_BUSINESS"] = "south"
    mine = str(fake_stripe.create_account("North", "NL", "eur")["id"])
    assert connect_stripe(north, mine) == mine
    theirs = connect_stripe(south)
    names = [
        [product["name"] for product in fake_stripe.world.store(account)["product"].values()]
        for account in (mine, theirs)
    ]
    assert names == [["Advice"], ["Repairs"]]
    assert deliver_stripe_events(host) > 0
    assert {each.state for each in fake_stripe.webhooks.deliveries} == {"delivered"}
    assert deliver_stripe_events(host) == 0
    fake_stripe.deauthorize(theirs)
    deliver_stripe_events(host)
    states = [client.get("/stripe/api/v1/connection").get_json()["state"] for client in (north, south)]
    assert states == ["ok", "disconnected"]


def test_who_may_not_connect_is_told_so_in_the_test(host: Flask, connect_stripe: Connect) -> None:
    """Where the walk ends, the test fails with what the page said."""
    viewer = host.test_client()
    viewer.environ_base["HTTP_RIGHTS"] = "view"
    with pytest.raises(pytest.fail.Exception, match="POST /stripe/connect answered 403"):
        connect_stripe(viewer)


def test_the_server_is_the_same_fake_stripe(fake_stripe_server: RunningServer, fake_stripe: FakeStripe) -> None:
    """What is made through one is seen through the other."""
    account = fake_stripe.create_account("Harbour & Pine")
    assert account["id"] in requests.get(f"{fake_stripe_server.url}/_fake/state", timeout=5).json()
