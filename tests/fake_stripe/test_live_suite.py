"""The suite for Stripe's own test mode (tests/live), proven without a key: FakeStripe stands in the place of Stripe."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from flask_crm_stripe.testing.fake_stripe import FakeStripe, Switches
from flask_crm_stripe.testing.fake_stripe.serving import RunningServer
from flask_crm_stripe.testing.fake_stripe.switches import CHOICES
from tests.core.worked.table import MADE
from tests.live.account import MARK, Live, Settings
from tests.live.probes import NOT_PROBED, PROBES
from tests.live.probing import Finding, NotTold, complaint, default_of
from tests.support.stripe_key import ACCOUNT, API_BASE, KEY

ROOT = Path(__file__).resolve().parents[2]
SECRET = "sk_test_of_this_test_alone"
SWITCHES, WORKED = "tests/live/test_switches.py", "tests/live/test_worked_invoices.py"
PROBED = f"{SWITCHES}::test_fakestripes_default_is_what_stripe_does"
NO_NAMES = """
import socket
from pathlib import Path

def asked(host, *arguments, **options):
    with Path(__file__).with_name("asked").open("a") as names:
        names.write(f"{host}\\n")
    raise socket.gaierror("There is no name server here.")

socket.getaddrinfo = asked
"""
SAMPLE = [f"{WORKED}::test_stripe_has_what_the_table_says[{case}]" for case in MADE[::10]]
TURNED = [(name, place) for name in PROBES for place in CHOICES.get(name, (100,)) if place != default_of(name)]
UNTOLD = {
    "overpayment": {"overpaid_in_amount_paid"},
    "pay_with_charges_off": {"balance_transaction", "refund_status"},
}
"""What cannot be told once such a switch is turned."""


@pytest.fixture
def fake() -> FakeStripe:
    """A FakeStripe that knows the key, with two connected accounts."""
    fake = FakeStripe()
    fake.world.platform_of_key(SECRET)
    connect(fake, "Harbour Physio")
    connect(fake, "Norrland AB", charges_enabled=False)
    return fake


@pytest.fixture
def server(fake: FakeStripe) -> Iterator[RunningServer]:
    """The same on a port."""
    with fake.serve() as running:
        yield running


def connect(fake: FakeStripe, name: str, **changes: Any) -> str:
    """A new account that the key may act for."""
    account: str = fake.create_account(name, **changes)["id"]
    fake.world.connect(fake.world.platform_of_key(SECRET), account)
    return account


def suite(*arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run tests of the suite in a process of its own; what it says has no key in it."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", *arguments]
    run = subprocess.run(command, cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True, check=False)
    assert SECRET not in run.stdout + run.stderr
    return run


def switch_names() -> set[str]:
    """All switches."""
    return {each.name for each in fields(Switches)}


def objects(fake: FakeStripe, kind: str) -> list[dict[str, Any]]:
    """All of a kind, in all accounts."""
    return [each for account in fake.world.accounts for each in fake.world.store(account)[kind].values()]


def test_each_switch_has_a_probe_or_a_reason_why_not() -> None:
    """A new switch cannot be forgotten, and none is in both tables."""
    assert {*PROBES, *NOT_PROBED} == switch_names()
    assert not PROBES.keys() & NOT_PROBED.keys()
    assert all(len(reason) > 20 for reason in NOT_PROBED.values())


def test_the_docs_say_what_is_compared_and_what_is_not() -> None:
    """How many invoices in how many currencies, and each switch that no account, or not every account, can show."""
    text = (ROOT / "docs" / "testing.md").read_text()
    assert f"({len(MADE)} of them, in {len({case.currency for case in MADE})} currencies)" in text
    named = {*NOT_PROBED, "idempotency_scope", "pay_with_charges_off", *UNTOLD["overpayment"]}
    assert {name for name in switch_names() if f"| `{name}` |" in text} == named


@pytest.mark.parametrize(("name", "position"), TURNED)
def test_a_turned_switch_is_what_the_probes_report(name: str, position: Any) -> None:
    """That one in its position and no other: each probe sees its own switch and is misled by none."""
    fake = FakeStripe(switches=Switches(**{name: position}))
    account = connect(fake, "Harbour Physio", charges_enabled=False)
    live = Live(Settings(SECRET, account), fake.http_client())
    wrong, untold = dict[str, str](), set[str]()
    for each, probe in PROBES.items():
        try:
            said = complaint(each, probe(live))
        except NotTold:
            untold.add(each)
            continue
        wrong |= {each: said} if said else {}
    live.tidy()
    assert wrong.keys() == {name}
    assert f"Stripe is at {position!r}, FakeStripe's default is {default_of(name)!r}." in wrong[name]
    assert untold == UNTOLD.get(name, set())


def test_a_position_that_fakestripe_lacks_is_said() -> None:
    """It is no default to change: FakeStripe has to learn it."""
    words = complaint("refund_status", Finding("requires_action"))
    assert "FakeStripe has no such position" in words
    assert "lines_in_response is a whole number" in complaint("lines_in_response", Finding(101))


def test_the_suite_passes_on_the_keys_own_account(fake: FakeStripe, server: RunningServer) -> None:
    """No request names an account, the process of pytest-xdist is told the key, all that was made is marked and put
    away, and what no account can show is skipped with the reason."""
    run = suite("-n1", SWITCHES, *SAMPLE, **{KEY: SECRET, API_BASE: server.url})
    assert run.returncode == 0, run.stdout
    assert f"{len(PROBES) + len(SAMPLE) - 2} passed, 2 skipped" in run.stdout
    assert "set STRIPE_TEST_ACCOUNT to an account" in run.stdout
    assert "lines_in_response              10                10" in run.stdout
    assert {each.account for each in fake.requests} == {fake.world.first_platform().account_id}
    check_tidy(fake)


def test_the_suite_passes_again_and_again_on_a_connected_account(fake: FakeStripe, server: RunningServer) -> None:
    """The other connected one is not touched, the key's own only to see whose an idempotency key is."""
    account, other = list(fake.world.accounts)[1:3]
    for _ in range(2):
        run = suite(SWITCHES, SAMPLE[-1], **{KEY: SECRET, API_BASE: server.url, ACCOUNT: account})
        assert run.returncode == 0, run.stdout
        assert f"{len(PROBES)} passed, 1 skipped" in run.stdout
    elsewhere = {each.path.split("/")[2] for each in fake.requests if each.account != account}
    assert elsewhere == {"account", "customers", "invoices"}
    assert not fake.world.store(other)["customer"]
    assert not fake.world.store(fake.world.first_platform().account_id)["invoice"]
    check_tidy(fake)


def check_tidy(fake: FakeStripe) -> None:
    """Nothing is left that is owed, offered or unfinished, and everything says where it comes from."""
    assert {each["status"] for each in objects(fake, "invoice")} <= {"paid", "void"}
    assert all(each["deleted"] for each in objects(fake, "customer"))
    assert not any(each["active"] for kind in ("product", "tax_rate") for each in objects(fake, kind))
    assert not objects(fake, "coupon")
    for kind in ("customer", "invoice", "product", "refund", "credit_note", "payment_record"):
        assert all(MARK in each["metadata"] for each in objects(fake, kind)), kind


def test_the_suite_says_which_defaults_to_change(fake: FakeStripe, server: RunningServer) -> None:
    """Those, and no other; the summary has what each probe found."""
    fake.world.switches.set("below_minimum", "open")
    fake.world.switches.set("paid_out_of_band", "payment_record")
    run = suite(SWITCHES, **{KEY: SECRET, API_BASE: server.url})
    assert run.returncode == 1
    assert f"2 failed, {len(PROBES) - 4} passed, 2 skipped" in run.stdout
    assert "Make 'open' the default in flask_crm_stripe/testing/fake_stripe/switches.py" in run.stdout
    assert "paid_out_of_band               payment_record    no_payment" in run.stdout


def test_the_suite_says_what_it_did_not_expect(fake: FakeStripe, server: RunningServer) -> None:
    """What no position stands for, and a probe that Stripe has no answer to, are failures in words."""
    fake.world.switches.maximum_amount = 99
    fake.faults.add("500", "POST", "/v1/tax_rates", times=9)
    names = [f"{PROBED}[{name}]" for name in ("maximum_amount", "tax_rounding", "below_minimum")]
    run = suite(*names, **{KEY: SECRET, API_BASE: server.url})
    assert run.returncode == 1
    assert "2 failed, 1 passed" in run.stdout
    assert "no position for: of these totals: 99999999: refuse, 100000000: refuse" in run.stdout
    assert "tax_rounding: the probe could not be made. Stripe said:" in run.stdout


def test_without_a_key_all_is_skipped_even_where_all_must_run() -> None:
    """The reason says which variable is not set, and that is no failure of the build."""
    run = suite("-ra", SWITCHES, SAMPLE[0], CRM_STRIPE_TESTS_REQUIRE_ALL="1")
    assert run.returncode == 0, run.stdout
    assert f"{len(PROBES) + 1} skipped" in run.stdout
    assert f"{KEY} is not set" in run.stdout


def test_a_live_key_is_refused_before_anything_is_sent(fake: FakeStripe, server: RunningServer) -> None:
    """All fail, with words and without the key."""
    key = f"sk_live_{SECRET}"
    run = suite(SWITCHES, **{KEY: key, API_BASE: server.url})
    assert run.returncode == 1
    assert f"{len(PROBES)} errors" in run.stdout
    assert f"{KEY} is a key of live mode. Nothing was sent." in run.stdout
    assert fake.requests == []


def test_only_stripe_is_asked_where_no_other_place_is_given(tmp_path: Path) -> None:
    """Its name alone is looked up, here at no name server; the guard lets nothing else through."""
    (tmp_path / "no_names.py").write_text(NO_NAMES)
    paths = os.pathsep.join((str(tmp_path), str(ROOT)))
    run = suite("-p", "no_names", SAMPLE[0], f"{PROBED}[tax_rounding]", **{KEY: SECRET, "PYTHONPATH": paths})
    assert run.returncode == 1
    assert set((tmp_path / "asked").read_text().split()) == {"api.stripe.com"}
    assert "NetworkBlockedError" not in run.stdout


def test_the_key_is_in_no_traceback() -> None:
    """Stripe does not answer, and all local variables are shown, among them those that hold the key."""
    run = suite("--showlocals", SAMPLE[0], **{KEY: SECRET, API_BASE: "http://127.0.0.1:9"})
    assert run.returncode == 1
    assert "APIConnectionError" in run.stdout
    assert "(the key)" in run.stdout


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({KEY: "rk_live_x"}, "live mode"),
        ({KEY: "pk_test_x"}, "no secret key"),
        ({KEY: f"{SECRET}\nX: y"}, "no secret key"),
        ({KEY: SECRET, ACCOUNT: "cus_1"}, "no account"),
        *(
            ({KEY: SECRET, API_BASE: base}, "on this machine")
            for base in (
                "http://stripe.example",
                "https://127.0.0.1.example",
                "http://",
                "ftp://127.0.0.1",
                "127.0.0.1:80",
            )
        ),
    ],
)
def test_what_must_not_be_used_is_refused(given: dict[str, str], words: str) -> None:
    """Keys of live mode or of another kind, and other machines than this one in the place of Stripe."""
    with pytest.raises(ValueError, match=words) as refused:
        Settings.read(given)
    assert SECRET not in str(refused.value)


def test_settings_do_not_show_their_key() -> None:
    """Restricted keys will do, and the account and the place are kept."""
    found = Settings.read({KEY: "rk_test_abc", ACCOUNT: "acct_1x", API_BASE: "http://127.0.0.1:12111"})
    assert (found.key, found.account, found.api_base) == ("rk_test_abc", "acct_1x", "http://127.0.0.1:12111")
    assert "rk_test_abc" not in repr(found)
