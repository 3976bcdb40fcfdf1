"""A copied database under another host name: all can be read, nothing goes out of it, whatever way one takes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flask_crm_stripe.errors import CopyLocked
from flask_crm_stripe.state import EXTENSION
from tests.support.billing_host import LINES, NORTH, SOUTH
from tests.support.postgres import Postgres
from tests.web.copies import TESTED_ALONE, WAYS, Original, Process, an_original, provider_writes, ways_in

LOCKED = re.compile(r"This is a copy, so you can.{1,6}t ")


@dataclass
class OnSQLite:
    """The original's file, and where copies go."""

    original: Original
    folder: Path

    @contextmanager
    def copy(self) -> Iterator[Process]:
        """Under another host name."""
        shutil.copy(self.folder / "crm.sqlite", self.folder / "copy.sqlite")
        with self.original.started(f"sqlite:///{self.folder}/copy.sqlite", CRM_STRIPE_HOST="staging") as process:
            yield process

    @contextmanager
    def home(self) -> Iterator[Process]:
        """The original goes on; afterwards it is as it was."""
        shutil.copy(self.folder / "crm.sqlite", self.folder / "kept.sqlite")
        try:
            with self.original.started(self.original.host.url) as process:
                yield process
        finally:
            shutil.move(self.folder / "kept.sqlite", self.folder / "crm.sqlite")


@dataclass
class OnPostgres:
    """The original's database, from which copies are made as from a template."""

    original: Original
    server: Postgres
    name: str

    @contextmanager
    def copy(self) -> Iterator[Process]:
        """Under another host name."""
        name = self.server.create(self.name)
        with self.original.started(self.server.url(name), CRM_STRIPE_HOST="staging") as process:
            yield process
        self.server.drop(name)

    @contextmanager
    def home(self) -> Iterator[Process]:
        """The original goes on; afterwards it is as it was."""
        kept = self.server.create(self.name)
        with self.original.started(self.original.host.url) as process:
            yield process
        self.server.drop(self.name)
        self.server.create(kept, self.name)
        self.server.drop(kept)


Databases = OnSQLite | OnPostgres


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """An original with something to do at every way in."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("original")
        yield OnSQLite(an_original(f"sqlite:///{folder}/crm.sqlite"), folder)
    else:
        server: Postgres = request.getfixturevalue("postgres")
        name = server.create()
        yield OnPostgres(an_original(server.url(name)), server, name)
        server.drop(name)


def sent(process: Process) -> list[tuple[str, str]]:
    """What Stripe got that is no mere question."""
    return [(each.method, each.path) for each in process.original.fake.requests if each.method != "GET"]


IN_SILENCE = ("task keep_up", "task sync_noted", "task make_invoices", "flask crm-stripe work")
"""In a copy these wait, and nobody is there to be told."""


def ours(picture: dict[str, Any]) -> dict[str, Any]:
    """What stands in the database, but for settings."""
    return {key: rows for key, rows in picture["ours"].items() if key != "setting"}


def test_the_ways_in_are_those_of_the_app(databases: Databases) -> None:
    """Found in the app itself; a new route, operation, command or task fails here until somebody thinks about it."""
    assert ways_in(databases.original.host) == {*WAYS, *TESTED_ALONE}
    assert len(WAYS) + len(provider_writes()) >= 40
    assert sum(way.sends for way in WAYS.values()) >= 15


@pytest.mark.parametrize("name", WAYS)
def test_nothing_goes_out_of_a_copy(databases: Databases, name: str) -> None:
    """Stripe is asked for nothing but what it knows, no mail goes out, what stands at Stripe stays, and whoever tried
    reads why. The very same at the original does change something at Stripe where that is its purpose."""
    with databases.home() as home:
        WAYS[name].deed(home)
        assert bool(sent(home)) == WAYS[name].sends, "the scene is not what it says"
    with databases.copy() as copy:
        before = copy.host.pictures()
        said = WAYS[name].deed(copy)
        assert sent(copy) == []
        assert copy.host.mails == []
        after = copy.host.pictures()
        assert after["theirs"] == before["theirs"] or name == "POST /webhooks"
        assert after["connected"] == before["connected"]
        if WAYS[name].sends and not name.startswith(IN_SILENCE):
            assert LOCKED.search(said), said
            assert ours(after) == ours(before)


def test_no_method_of_the_provider_writes_in_a_copy(databases: Databases) -> None:
    """Also a use case that forgot to ask where it is changes nothing: the line itself is cut."""
    with databases.copy() as copy, copy.host.app.app_context():
        billing = copy.host.app.extensions[EXTENSION].ready().system(NORTH)
        provider = billing.connection.provider()
        for name in sorted(provider_writes()):
            with pytest.raises(CopyLocked):
                getattr(provider, name)()
        assert copy.original.fake.requests == []


def test_the_original_is_undisturbed(databases: Databases) -> None:
    """Every way is tried in one copy, which is made harmless in the end; the original has the rows that it had, is well
    and bills."""
    with databases.copy() as copy:
        for name in WAYS:
            WAYS[name].deed(copy)
        assert copy.host.run("neutralise", "--yes").exit_code == 0
        assert sent(copy) == []
    with databases.home() as home:
        assert home.host.run("doctor").exit_code == 0
        assert home.host.run("verify-log").exit_code == 0
        assert {row["state"] for row in home.host.rows("crm_stripe_connection")} == {"live", "pending"}
        home.browser().bill(NORTH, LINES[NORTH][1])
        assert ("POST", "/v1/invoices") in sent(home)


def test_a_copy_is_made_harmless(databases: Databases) -> None:
    """No connection and no secret is left in it, whoever's; its band is gone, and its history can be read. All that an
    admin can do at Stripe is to make it an endpoint of its own: the original's is not known there any more."""
    with databases.copy() as copy:
        assert copy.host.run("neutralise", "--yes").exit_code == 0
        connections = copy.host.rows("crm_stripe_connection")
        assert {(row["state"], row["secrets"]) for row in connections} == {("ended", None)}
        page = copy.browser().page(f"/invoices/{copy.id('open')}")
        assert "This is a copy" not in page.text
        assert "as of" in page.text
        assert copy.host.run("doctor").exit_code == 0
        for name in WAYS:
            WAYS[name].deed(copy)
        assert set(sent(copy)) == {("POST", "/v1/webhook_endpoints")}


@pytest.mark.parametrize("how", ["page", "command"])
def test_this_is_the_real_one(databases: Databases, how: str) -> None:
    """An admin says so, for their business, or the operator for all: from then on all works as usual there, and what
    had waited is done."""
    with databases.copy() as copy:
        if how == "page":
            ann = copy.browser()
            assert ann.post("/copy", reason="We moved to another machine").status_code == 303
        else:
            confirmed = copy.host.run("confirm-environment", "--reason", "We moved")
            assert "Businesses that were locked: 2." in confirmed.output
        north, south = copy.browser(), copy.host.browser("sue")
        assert "This is a copy" not in north.page("/").text
        assert ("This is a copy" in south.page("/").text) == (how == "page")
        north.bill(NORTH, LINES[NORTH][1])
        assert ("POST", "/v1/invoices") in sent(copy)
        copy.original.fake.requests.clear()
        blocked = south.press(south.review(SOUTH, LINES[SOUTH][0]), "/invoice", send="yes")
        assert blocked.status_code == (409 if how == "page" else 303)
        assert bool(sent(copy)) == (how == "command")
        assert "applied" in copy.host.run("replay", copy.id("event"), "--business", NORTH).output
        assert "paid" in copy.host.run("invoice", copy.id("paid"), "--business", NORTH).output
