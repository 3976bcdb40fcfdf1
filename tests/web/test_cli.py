"""What an operator does and a monitor asks: `flask crm-stripe ...` on a host with two businesses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.billing_host import LINES, NORTH, SOUTH, BillingHost, another_process, billing_host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BillingHost]:
    """Nobody is connected yet."""
    with billing_host(f"sqlite:///{tmp_path}/crm.sqlite") as host:
        yield host


def test_the_commands_are_those_that_work() -> None:
    """None is listed that does nothing."""
    from flask_crm_stripe.cli import commands

    assert sorted(commands().commands) == sorted(
        [
            *("doctor", "fake-stripe", "invoice", "replay", "resume", "sync-services", "upgrade", "work"),
            *("clear-limits", "confirm-environment", "export-log", "forget-person", "neutralise", "rotate-keys"),
            *("verify-log", "catch-up", "forget", "invoice-many", "run"),
        ]
    )


def test_upgrade_makes_the_tables_and_may_be_run_again(host: BillingHost) -> None:
    """Whether or not they are there."""
    for _ in range(2):
        assert "up to date" in host.run("upgrade").output


def test_doctor_is_content_or_says_what_is_wrong(host: BillingHost) -> None:
    """With an exit status that a monitor can use; each connected business is asked at Stripe."""
    host.connected()
    healthy = host.run("doctor")
    assert (healthy.exit_code, healthy.output.splitlines()) == (
        0,
        [
            "  north: Customers can pay you, and payouts reach your bank.",
            "  south: Customers can pay you, and payouts reach your bank.",
            "All is well.",
        ],
    )
    host.fake.update_account(
        host.accounts[SOUTH],
        charges_enabled=False,
        requirements={"past_due": ["individual.verification.document"], "disabled_reason": "requirements.past_due"},
    )
    ill = host.run("doctor")
    assert ill.exit_code == 1
    assert "- south: Customers can't pay you at the moment. Stripe asks for an identity document first." in ill.output
    assert "  north: Customers can pay you" in ill.output
    assert "All is well" not in ill.output
    assert host.run("doctor", "--business", NORTH).exit_code == 0


def test_doctor_tells_what_needs_a_look_from_what_keeps_money_away(host: BillingHost) -> None:
    """Exit status 2: payouts are paused, or Stripe wants something; 1 as soon as one business can't be paid."""
    host.connected()
    host.fake.update_account(host.accounts[NORTH], payouts_enabled=False)
    host.fake.update_account(host.accounts[SOUTH], requirements={"currently_due": ["external_account"]})
    look = host.run("doctor")
    assert look.exit_code == 2
    assert "- north: Customers can pay you, but payouts are paused." in look.output
    assert "- south: Customers can pay you. Stripe needs a bank account for payouts soon." in look.output
    host.fake.update_account(host.accounts[SOUTH], charges_enabled=False)
    assert host.run("doctor").exit_code == 1


def test_doctor_knows_a_disconnection_that_nobody_here_wanted(host: BillingHost) -> None:
    """It is noticed by asking; one's own wish is no news."""
    north, _ = host.connected()
    host.fake.deauthorize(host.accounts[SOUTH])
    first = host.run("doctor")
    assert first.exit_code == 1
    assert "south: Stripe no longer lets this CRM act" in first.output
    again = host.run("doctor")
    assert again.exit_code == 2
    assert "- south: Stripe was disconnected on Stripe's side." in again.output
    form = north.page("/disconnect").form("/disconnect")
    north.send(form, reason="We move to another bank")
    assert "  north: Stripe is disconnected." in host.run("doctor").output
    assert host.run("doctor", "--business", NORTH).exit_code == 0


def test_doctor_says_a_wrong_platform_key_by_its_name(host: BillingHost) -> None:
    """Nobody is disconnected by it."""
    host.connected()
    with another_process(host, host.url, CRM_STRIPE_API_KEY="sk_test_somebodyelse") as wrong:
        assert wrong.run("confirm-environment", "--reason", "Trying another key").exit_code == 0
        result = wrong.run("doctor")
    assert result.exit_code == 1
    assert "CRM_STRIPE_API_KEY belongs to another Stripe platform" in result.output
    assert host.run("doctor").exit_code == 0


def test_doctor_names_missing_keys(tmp_path: Path) -> None:
    """Before anything else."""
    with billing_host(f"sqlite:///{tmp_path}/crm.sqlite", CRM_STRIPE_API_KEY="", fill=False) as host:
        result = host.run("doctor")
        assert result.exit_code == 1
        assert "CRM_STRIPE_API_KEY is not set" in result.output
        assert "CRM_STRIPE_API_KEY is not set" in host.run("work").output


def test_doctor_finds_a_login_wall_before_the_webhook(tmp_path: Path) -> None:
    """It would swallow all news without a word."""

    def wall(app: Any) -> None:
        @app.before_request
        def login_first() -> Any:
            return ("", 302) if app.config.get("WALL") else None

    with billing_host(f"sqlite:///{tmp_path}/crm.sqlite", before=wall) as host:
        host.app.config["WALL"] = True
        result = host.run("doctor")
    assert result.exit_code == 1
    assert "answers 302 instead of 400" in result.output


def test_services_are_planned_and_synced_for_one_business(host: BillingHost) -> None:
    """The plan sends nothing; the sync says what it did."""
    host.connected()
    host.fake.requests.clear()
    assert host.run("sync-services", "--business", NORTH, "--plan").output == ""
    synced = host.run("sync-services", "--business", NORTH)
    assert synced.exit_code == 0
    assert "0 failed" in synced.output
    assert host.fake.requests == []


def test_an_unconnected_business_is_told_so(host: BillingHost) -> None:
    """In a sentence, not a traceback."""
    result = host.run("sync-services", "--business", NORTH)
    assert result.exit_code == 1
    assert "not connected to Stripe" in result.output


def test_an_invoice_is_shown_with_its_steps_to_its_own_business_only(host: BillingHost) -> None:
    """Every call with its outcome and Stripe's request id."""
    north, _ = host.connected()
    invoice_id = north.bill(NORTH, LINES[NORTH][0])
    shown = host.run("invoice", invoice_id, "--business", NORTH).output
    for word in ("open", "sent", "create", "fill", "finalise", "done", "req_"):
        assert word in shown
    assert "no such invoice" in host.run("invoice", invoice_id, "--business", SOUTH).output


def test_an_interrupted_invoice_is_resumed(host: BillingHost) -> None:
    """As far as its maker wanted."""
    north, _ = host.connected()
    host.fake.faults.add(method="POST", path="/v1/invoices/*/finalize", kind="cut_before", times=3)
    invoice_id = north.bill(NORTH, LINES[NORTH][0])
    assert "did not answer" in host.run("invoice", invoice_id, "--business", NORTH).output
    assert "sent" in host.run("resume", invoice_id, "--business", NORTH).output
    assert len(host.things("invoice")) == 1


def test_work_does_what_waits(host: BillingHost) -> None:
    """An event whose application failed at first."""
    north, _ = host.connected()
    invoice_id = north.bill(NORTH, LINES[NORTH][0])
    host.fake.deliver()
    [invoice] = host.things("invoice")
    host.fake.pay(invoice["hosted_invoice_url"])
    host.fake.faults.add(method="GET", path="/v1/invoices/*", kind="cut_before", times=100)
    host.fake.deliver()
    host.fake.faults.clear()
    assert host.run("work").exit_code == 0
    failed = [row for row in host.rows("crm_stripe_event") if row["attempts"] and row["state"] != "ignored"]
    assert failed, "the fault was met"
    for row in failed:
        replayed = host.run("replay", str(row["row"]), "--business", NORTH)
        assert "applied" in replayed.output
        assert "no such event" in host.run("replay", str(row["row"]), "--business", SOUTH).output
    assert "paid" in host.run("invoice", invoice_id, "--business", NORTH).output


def test_fake_stripe_wants_its_accounts_in_one_form(host: BillingHost) -> None:
    """And says which."""
    result = host.run("fake-stripe", "--account", "Harbour")
    assert result.exit_code == 2
    assert "Harbour & Pine:NL:eur" in result.output
