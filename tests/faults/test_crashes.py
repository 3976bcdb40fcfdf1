"""A process dies before or after anything that lasts, or an answer is lost: what is done later completes it, once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest
from cryptography.fernet import Fernet

from flask_crm_stripe.errors import Busy, Conflict, Unreachable
from flask_crm_stripe.model.connection import Grant
from flask_crm_stripe.testing.fake_stripe import FakeStripe
from tests.faults.crash_nursery import Fate, Nursery, Order, running_nursery
from tests.faults.crash_scenes import MAIL_UNCERTAIN, REASONS, SCENES, mail_is_uncertain, picture
from tests.faults.crash_world import KEY, Desk, Play
from tests.faults.scenes import HITS, Call, calls_of
from tests.support.seller import SELLER

NUMBERS = count(1000)
MINUTES, A_DAY = 4 * 60, 25 * 3600
"""Leases have run out; Stripe has forgotten every idempotency key."""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where children come from."""
    with running_nursery() as nursery:
        yield nursery


@dataclass
class Stage:
    """One database and one Stripe, for as many plays as there are ways to die. Stripe lives on whoever dies."""

    desk: Desk
    fake: FakeStripe
    api_base: str
    encryption_key: str
    nursery: Nursery
    scene: str
    plays: dict[str, Play] = field(default_factory=dict)

    def play(self, how: str) -> Play:
        """A new business, connected, with all that is there before."""
        play = Play(self.desk, next(NUMBERS))
        self.fake.create_account(play.business, "NL", "eur", id=play.account)
        world = self.fake.world
        world.connect(world.platform_of_key(KEY), play.account)
        connection = play.billing.connection
        connection.confirm(connection.accept(Grant(play.account, False, "read_write")).id)
        play.billing.ledger.settings.save(SELLER, "1", self.desk.clock.now())
        self.desk.host.add(play.business, *play.rows())
        play.billing.ledger.settings.save(SELLER, "1", self.desk.clock.now())
        SCENES[self.scene].before(play)
        if SCENES[self.scene].paid:
            self.pay(play)
        self.plays[how] = play
        return play

    def pay(self, play: Play) -> None:
        """The customer pays what there is, and we hear of it."""
        for invoice in list(self.fake.world.store(play.account)["invoice"].values()):
            self.fake.pay(invoice["hosted_invoice_url"])
        made = play.invoice()
        assert made is not None
        play.billing.invoicing.refresh(made.id)

    def live(self, play: Play, at: int | None = None, *, rehearsal: bool = False) -> Fate:
        """Another process does it, and dies at a point."""
        order = Order(
            self.scene,
            play.number,
            str(self.desk.host.app.config["SQLALCHEMY_DATABASE_URI"]),
            self.encryption_key,
            self.api_base,
            self.desk.clock.added,
            at,
            rehearsal,
        )
        return self.nursery.send(order)

    def lose(self, call: Call) -> None:
        """Another process does it; Stripe does what a call asks for, and the answer is lost."""
        play = self.play(f"lost: {call}")
        lost = self.fake.faults.add("cut_after", call.method, call.path, account=play.account, times=HITS, skip=call.n)
        fate = self.live(play)
        ends = (Unreachable.code, "done") if SCENES[self.scene].calm else (Unreachable.code,)
        assert fate.end in ends, (call, fate)
        assert lost.hits == HITS, (call, fate)
        self.fake.faults.clear()

    def again(self, only: Collection[str] | None = None) -> None:
        """People come back to each play. Somebody may seem to be at work on it still, or nothing is left to be done."""
        for how in self.plays if only is None else only:
            try:
                SCENES[self.scene].again(self.plays[how])
            except (Busy, Conflict):
                continue
            except Exception as error:
                error.add_note(f"It was interrupted: {how}")
                raise

    def uncertain(self) -> set[str]:
        """Where nobody can know whether the customer was written to: it died around that call, or got no answer."""
        return {how for how, play in self.plays.items() if mail_is_uncertain(play)}

    def mails(self, how: str) -> int:
        """How often the customer was written to."""
        events = self.fake.world.store(self.plays[how].account)["event"]
        return sum(each["type"] == "invoice.sent" for each in events.values())

    def later(self, seconds: int) -> None:
        """Time passes, for everybody."""
        self.desk.clock.added += seconds
        self.fake.clock.advance(seconds)

    def writes(self) -> list[str]:
        """What was asked of Stripe so far that changes something."""
        return [f"{each.method} {each.path}" for each in self.fake.requests if each.method != "GET"]


@pytest.fixture
def sqlite_stage(nursery: Nursery, sqlite_url: str, scene: str) -> Iterator[Stage]:
    """A host with its tables on SQLite, and Stripe on a port."""
    with a_stage(nursery, sqlite_url, scene) as stage:
        yield stage


@pytest.fixture
def stage(nursery: Nursery, database_url: str, scene: str) -> Iterator[Stage]:
    """The same on each database."""
    with a_stage(nursery, database_url, scene) as stage:
        yield stage


@contextmanager
def a_stage(nursery: Nursery, url: str, scene: str) -> Iterator[Stage]:
    """Stripe without sockets for this process, and on a port for those that die."""
    fake, key = FakeStripe(), Fernet.generate_key().decode()
    desk = Desk.at(url, key).connected(fake.http_client())
    with fake.serve() as server, desk.host.app.app_context():
        desk.host.db.create_all()
        try:
            yield Stage(desk, fake, server.url, key, nursery, scene)
        finally:
            desk.host.db.session.remove()
            desk.host.db.engine.dispose()


@pytest.mark.parametrize("seconds", [MINUTES, A_DAY], ids=["minutes later", "a day later"])
@pytest.mark.parametrize("scene", ["make and send", "send a draft", "delete a draft", "refund", "correct"])
def test_upkeep_completes_what_was_interrupted(stage: Stage, scene: str, seconds: int) -> None:
    """Once, wherever it died and whichever answer was lost. What only a person can decide waits for one."""
    interrupt_everywhere(stage)
    stage.later(seconds)
    uncertain = stage.uncertain() if seconds == A_DAY else set()
    stage.desk.round()
    waiting = {how: reason for how in stage.plays if (reason := waits_for(stage, how))}
    assert {how: reason for how, reason in waiting.items() if reason not in REASONS} == {}
    assert {how for how, reason in waiting.items() if reason == MAIL_UNCERTAIN} == uncertain
    assert all(stage.mails(how) <= 1 for how in stage.plays)
    stage.again(waiting)
    assert_in_the_end(stage, uncertain)
    nothing_is_left_to_do(stage)


@pytest.mark.parametrize(
    ("scene", "at_once"),
    [
        ("make and send", True),
        ("make and send", False),
        ("make, and delete it instead", True),
        ("refund", True),
        ("refund", False),
        ("correct", True),
        ("correct", False),
    ],
)
def test_a_person_completes_what_was_interrupted(sqlite_stage: Stage, scene: str, at_once: bool) -> None:
    """Before upkeep comes by: at once, and again when nobody can be at work on it any more, or a day later."""
    stage = sqlite_stage
    interrupt_everywhere(stage, each=2)
    uncertain = set() if at_once else stage.uncertain()
    if at_once:
        stage.again()
    stage.later(MINUTES if at_once else A_DAY)
    stage.again()
    assert_in_the_end(stage, uncertain)
    before = stage.writes()
    stage.again()
    assert stage.writes() == before
    stage.desk.round()  # Prices of the service may have waited for it: no invoice needs them.
    assert_in_the_end(stage, uncertain)
    nothing_is_left_to_do(stage)


def interrupt_everywhere(stage: Stage, each: int = 1) -> None:
    """A play for each point of a clean run, killed there, and for each call of it, whose answer is lost. Nothing that
    lasts is between after one thing and before the next: ``each`` second point tells as much, in half the time."""
    play, before = stage.play("never"), len(stage.fake.requests)
    clean = stage.live(play, rehearsal=True)
    assert clean.end == "done", clean
    assert len(clean.passed) >= SCENES[stage.scene].least, clean.passed
    calls = calls_of(stage.fake.requests[before:])
    assert [point.split()[0] for point in clean.passed] == ["before", "after"] * (len(clean.passed) // 2)
    last = len(clean.passed) - 1
    for number in (*range(0, last, each), last):
        killed = stage.live(stage.play(f"{number} {clean.passed[number]}"), number)
        assert killed == Fate(clean.passed[: number + 1], "killed")
    for call in calls:
        stage.lose(call)


def waits_for(stage: Stage, how: str) -> str:
    """Why it waits for a person; empty where it stands as it must."""
    scene, play = SCENES[stage.scene], stage.plays[how]
    found = picture(play, stage.fake)
    if found == scene.end(play):
        return ""
    return next((why for why, allowed in scene.between(play).items() if found == allowed), str(found))


def assert_in_the_end(stage: Stage, uncertain: set[str]) -> None:
    """Every play stands as it must. The customer was written to once; where that was ``uncertain``, a person may have
    chosen to write again."""
    wrong = {}
    for how, play in stage.plays.items():
        wanted = SCENES[stage.scene].end(play)
        found = {what: each for what, each in picture(play, stage.fake).items() if what in wanted}
        mails = SCENES[stage.scene].mails
        allowed = (mails, mails + 1) if how in uncertain else (mails,)
        if found != wanted or stage.mails(how) not in allowed:
            wrong[how] = (stage.mails(how), found, wanted)
    assert wrong == {}


def nothing_is_left_to_do(stage: Stage) -> None:
    """Another round asks Stripe for nothing that changes anything."""
    before = stage.writes()
    stage.desk.round()
    assert stage.writes() == before
