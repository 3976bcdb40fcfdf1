"""Stripe fails at each call of a sync and of an invoice, in every way: people are told, and once more completes it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flask_crm_stripe.adapters.stripe import retries
from tests.faults.scenes import SCENES, Call, MakeInvoice, Scene, clean_calls, strike
from tests.support.billing_host import BillingHost, Browser, billing_host

NO_ANSWER = "Stripe did not answer, so it is not certain yet whether this was done. Try again:"
BROKEN = "Stripe had a problem of its own, so it is not certain yet whether this was done. Try again in a moment:"
BUSY = "Stripe is busy with other work for this account. Nothing was changed. Try again in a moment."
PLAYS = 10
TOLD = {
    "429": BUSY,
    "500": BROKEN,
    "500_after": BROKEN,
    "cut_before": NO_ANSWER,
    "cut_after": NO_ANSWER,
    "delay": NO_ANSWER,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each call of a clean run: a call that is added one day is tested by itself."""
    if "call" in metafunc.fixturenames:
        every = metafunc.function is test_told_and_completed_by_repeating
        wanted = [name for name in SCENES if every or name == "make an invoice"]
        table = [(name, call) for name in wanted for call in clean_calls()[name]]
        metafunc.parametrize(("name", "call"), table, ids=[f"{name}: {call}" for name, call in table])


@dataclass
class Stages:
    """Hosts with two connected businesses, each for some plays: every play leaves rows behind, and pages grow."""

    folder: Callable[[str], Path]
    open: ExitStack = field(default_factory=ExitStack)
    stage: tuple[BillingHost, Browser] | None = None
    plays: int = 0

    def next(self) -> tuple[BillingHost, Browser]:
        """A host to play on, and an admin's browser."""
        if self.stage is None or self.plays >= PLAYS:
            self.open.close()
            host = self.open.enter_context(billing_host(f"sqlite:///{self.folder('faults')}/crm.sqlite"))
            self.stage, self.plays = (host, host.connected()[0]), 0
        self.plays += 1
        return self.stage


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """The hosts of this module."""
    stages = Stages(tmp_path_factory.mktemp)
    with stages.open:
        yield stages


@pytest.fixture
def scene(stages: Stages, monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[Scene]:
    """One play, in which our client's own retries wait for nothing. A host with unfinished things is not used again."""
    monkeypatch.setattr(retries, "FIRST_WAIT", 0)
    scene = SCENES[name](*stages.next())
    scene.start()
    plays, stages.plays = stages.plays, PLAYS
    yield scene
    if scene.over:
        stages.plays = plays


@pytest.mark.parametrize("kind", [kind for kind in TOLD if kind != "cut_before"])  # in test_one_thing_after_another
def test_told_and_completed_by_repeating(scene: Scene, name: str, call: Call, kind: str) -> None:
    """The page says what happened and what to do; doing that completes it, and nothing is there twice."""
    struck = strike(scene.host, kind, call)
    told = scene.act()
    assert struck() > 0, "the fault did not strike"
    assert TOLD[kind] in told.text
    scene.host.fake.faults.clear()
    scene.again(told)
    scene.end()


@pytest.mark.parametrize("kind", ["cut_after"])
def test_once_is_not_noticed(scene: Scene, name: str, call: Call, kind: str) -> None:
    """A single hiccup is made good by our own client, with the same key."""
    struck = strike(scene.host, kind, call, times=1)
    told = scene.act()
    assert struck() == 1
    assert "Try again" not in told.text
    scene.end()


@pytest.mark.parametrize("kind", ["cut_after"])
def test_the_same_button_again(scene: Scene, name: str, call: Call, kind: str) -> None:
    """Instead of Continue people go back and press Send once more: the same form leads to the same invoice."""
    strike(scene.host, kind, call)
    told = scene.act()
    scene.host.fake.faults.clear()
    assert isinstance(scene, MakeInvoice)
    assert "Invoice" in scene.act().text
    scene.end()
    assert "Try again" in told.text
    before = len(scene.host.fake.requests)
    scene.act()
    scene.end()
    assert len(scene.host.fake.requests) == before


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", SCENES)
def test_one_thing_after_another(scene: Scene, name: str, seed: int) -> None:
    """Whatever goes wrong in whatever order, also while it is looked up what was done: in the end all is there once."""
    chance = random.Random(seed)
    calls = clean_calls()[name]
    strike(scene.host, chance.choice(list(TOLD)), chance.choice(calls))
    page = scene.act()
    for _ in range(4):
        if not scene.unfinished(page):
            break
        scene.host.fake.faults.clear()
        scene.host.fake.faults.add(chance.choice(list(TOLD)), times=3, skip=chance.randrange(4), seconds=1000)
        page = scene.again(page)
    scene.host.fake.faults.clear()
    if scene.unfinished(page):
        scene.again(page)
    scene.end()
