"""What an operator does for safety: the log, keys, copies, people, limits. Each tells another business nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from tests.support.billing_host import LINES, NORTH, SOUTH, BillingHost, another_process, billing_host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BillingHost]:
    """Both businesses connected; the north has sent an invoice."""
    with billing_host(f"sqlite:///{tmp_path}/crm.sqlite") as host:
        north, _ = host.connected()
        north.bill(NORTH, LINES[NORTH][0])
        yield host


@pytest.fixture
def copy(host: BillingHost, tmp_path: Path) -> Iterator[BillingHost]:
    """A copy of its database, under another host name."""
    shutil.copy(tmp_path / "crm.sqlite", tmp_path / "copy.sqlite")
    with another_process(host, f"sqlite:///{tmp_path}/copy.sqlite", CRM_STRIPE_HOST="staging") as copy:
        yield copy


def change(host: BillingHost, statement: str) -> None:
    """Somebody with the database in hands."""
    with host.app.app_context(), host.host.db.engine.begin() as connection:
        connection.execute(sa.text(statement))


def test_the_log_is_verified_for_every_business(host: BillingHost) -> None:
    """With a checkpoint to keep elsewhere; a changed line is named, and the exit status says so."""
    whole = host.run("verify-log")
    assert whole.exit_code == 0
    for business in (NORTH, SOUTH):
        assert f"{business}: " in whole.output
    checkpoint = next(line for line in whole.output.splitlines() if line.startswith("north: checkpoint")).split()[-1]
    assert host.run("verify-log", "--business", NORTH, "--checkpoint", checkpoint).exit_code == 0
    change(host, "UPDATE crm_stripe_log SET actor = 'sue' WHERE business = 'north' AND seq = 2")
    broken = host.run("verify-log")
    assert broken.exit_code == 1
    assert "- north: Line 2 is not what was written" in broken.output
    assert "south: " in broken.output
    assert "- south" not in broken.output
    assert host.run("verify-log", "--business", SOUTH).exit_code == 0


def test_a_checkpoint_belongs_to_one_business(host: BillingHost) -> None:
    """One without is refused with what to do."""
    result = host.run("verify-log", "--checkpoint", "1:0123456789abcdef")
    assert result.exit_code == 2
    assert "name it with --business" in result.output


def test_the_log_is_exported_line_by_line(host: BillingHost) -> None:
    """As JSON, with names of now; taking it along is itself noted. Another business's lines are not in it."""
    lines = [json.loads(line) for line in host.run("export-log", "--business", NORTH).output.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert {line["name"] for line in lines if line["actor"] == "ann"} == {"Ann"}
    assert lines[-1]["action"] == "log.export"
    assert all("sue" not in json.dumps(line) for line in lines)
    none = host.run("export-log", "--business", NORTH, "--since", "2000-01-01", "--until", "2000-01-02")
    assert (none.exit_code, none.output) == (0, "")


def test_a_person_is_forgotten(host: BillingHost) -> None:
    """The name is gone and the lines verify as before; an unknown one is said to be none."""
    assert host.run("forget-person", "ann", "--business", NORTH).exit_code == 0
    assert "Ann" not in host.run("export-log", "--business", NORTH).output
    assert host.run("verify-log").exit_code == 0
    gone = host.run("forget-person", "ann", "--business", NORTH)
    assert gone.exit_code == 1
    assert "no such person" in gone.output
    assert host.run("forget-person", "ann", "--business", SOUTH).exit_code == 1


def test_keys_are_rotated(host: BillingHost) -> None:
    """With the new one in front and the old one behind it; then the old one can go. Again there is nothing to do."""
    old = host.app.config["CRM_STRIPE_ENCRYPTION_KEYS"]
    new = Fernet.generate_key().decode()
    with another_process(host, host.url, CRM_STRIPE_ENCRYPTION_KEYS=[new, *old]) as both:
        assert "sealed with an older key" in both.run("doctor").output
        assert both.run("doctor").exit_code == 0
        rotated = both.run("rotate-keys", "--at-once", "1")
        assert rotated.exit_code == 0
        assert "0 with an older one" in rotated.output
        assert "sealed anew" not in both.run("rotate-keys").output
    with another_process(host, host.url, CRM_STRIPE_ENCRYPTION_KEYS=[new]) as after:
        assert after.run("doctor").exit_code == 0
        assert after.run("verify-log").exit_code == 0


def test_a_lost_key_is_said_and_billing_goes_on(host: BillingHost) -> None:
    """The app starts, an invoice is sent, the log goes on in another chapter; doctor says what is lost."""
    new = Fernet.generate_key().decode()
    with another_process(host, host.url, CRM_STRIPE_ENCRYPTION_KEYS=[new]) as without:
        without.browser("ann").bill(NORTH, LINES[NORTH][1])
        doctor = without.run("doctor")
        assert doctor.exit_code == 2
        assert "connections" in doctor.output
        assert "Add it again if you have it" in doctor.output
        assert without.run("rotate-keys").exit_code == 1
        verified = without.run("verify-log")
        assert verified.exit_code == 0
        assert "under a key that is lost" in verified.output
    assert len(host.things("invoice")) == 2


def test_a_copy_is_known_and_made_harmless(host: BillingHost, copy: BillingHost) -> None:
    """Without a word to Stripe; the original goes on. Afterwards the copy can have an account of its own."""
    doctor = copy.run("doctor")
    assert doctor.exit_code == 1
    assert "north: This is a copy (another host, database)" in doctor.output
    requests = len(host.fake.requests)
    assert copy.run("neutralise").exit_code == 1, "it asks first"
    result = copy.run("neutralise", "--yes")
    assert result.exit_code == 0
    assert "Connections that ended here, without a word to Stripe: 2." in result.output
    assert len(host.fake.requests) == requests
    assert all(row["secrets"] is None and row["state"] == "ended" for row in copy.rows("crm_stripe_connection"))
    assert "because this is a copy" in copy.run("doctor").output
    assert copy.run("doctor").exit_code == 0
    assert host.run("doctor").exit_code == 0
    assert host.browser("ann").bill(NORTH, LINES[NORTH][1])
    own = host.fake.create_account("A test account")["id"]
    browser = copy.browser("ann")
    answer = browser.get_raw(copy.back_from_stripe(browser, own))
    assert browser.press(browser.follow(answer), answer.headers["Location"]).status_code == 303
    assert "is connected" in browser.page("/settings").text or "Customers can pay you" in browser.page("/").text


def test_the_real_one_is_not_neutralised_by_mistake(host: BillingHost) -> None:
    """It has to be meant: by the name of its database."""
    refused = host.run("neutralise", "--yes")
    assert refused.exit_code == 1
    assert "Billing is at home here" in refused.output
    assert "--database crm.sqlite" in refused.output
    assert {row["state"] for row in host.rows("crm_stripe_connection")} == {"live"}
    assert host.run("neutralise", "--yes", "--database", "other.sqlite").exit_code == 1
    assert host.run("neutralise", "--yes", "--database", "crm.sqlite").exit_code == 0
    assert {row["state"] for row in host.rows("crm_stripe_connection")} == {"ended"}


def test_a_moved_database_is_said_to_be_the_real_one(host: BillingHost, copy: BillingHost) -> None:
    """For every business, with a reason that the log keeps."""
    assert copy.run("confirm-environment", "--reason", "no").exit_code == 1
    result = copy.run("confirm-environment", "--reason", "We moved to another machine")
    assert (result.exit_code, result.output) == (0, "This is the real one now. Businesses that were locked: 2.\n")
    assert copy.run("doctor").exit_code == 0
    assert copy.browser("ann").bill(NORTH, LINES[NORTH][1])
    log = copy.run("export-log", "--business", SOUTH).output
    assert "We moved to another machine" in log


def test_limits_are_cleared_where_nobody_is_left_to_agree(host: BillingHost) -> None:
    """With a reason; the other business keeps its own."""
    for who in ("ann", "sue"):
        browser = host.browser(who)
        assert browser.post("/settings/safety/limits", permission="send", currency="eur", amount="1").status_code == 303
    result = host.run("clear-limits", "--business", NORTH, "--reason", "Both admins have left")
    assert (result.exit_code, result.output) == (0, "Limits that were removed: 1. One person is enough again.\n")
    assert host.run("clear-limits", "--business", NORTH, "--reason", "").exit_code == 1
    settings = host.rows("crm_stripe_setting")
    kept = [(row["business"], row["value"]) for row in settings if row["key"] == "limit.send.eur"]
    assert sorted(kept) == [(NORTH, ""), (SOUTH, "100")]


def test_a_copy_can_be_read_and_sends_nothing(copy: BillingHost) -> None:
    """In words, with an exit status."""
    assert copy.run("export-log", "--business", NORTH).exit_code == 0
    assert copy.run("sync-services", "--business", NORTH).exit_code == 1
    assert "This is a copy" in copy.run("sync-services", "--business", NORTH).output
