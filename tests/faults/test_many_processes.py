"""Real processes on one database: the log stays whole, and keys rotate while everybody works and one is killed."""

from __future__ import annotations

import itertools
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from flask_crm_stripe.adapters.sqlalchemy import tables
from flask_crm_stripe.adapters.vault import FernetVault
from flask_crm_stripe.model.log import LogEntry, LogFilter
from flask_crm_stripe.model.secrets import SealedReport
from flask_crm_stripe.state import EXTENSION
from tests.support import crm_process
from tests.support.billing_host import LINES, NORTH, SOUTH, BillingHost, another_process, billing_host, work

PROCESSES, ACTIONS = 8, 1000
PROGRAM = "tests.support.crm_process"
NUMBERS = itertools.count(1000)
SEALED = [
    (table.name, column.name)
    for table in tables.metadata.tables.values()
    for column in table.c
    if isinstance(column.type, sa.LargeBinary)
]


@pytest.fixture
def host(database_url: str) -> Iterator[BillingHost]:
    """Both businesses connected."""
    with billing_host(database_url) as host:
        host.connected()
        yield host


def test_a_thousand_actions_by_eight_processes_verify(host: BillingHost) -> None:
    """Half of them in each business. No line is lost, doubled or out of order, also while they are being written."""
    before = {business: lines(host, business) for business in (NORTH, SOUTH)}
    each = str(ACTIONS // PROCESSES)
    people = [(NORTH if number % 2 else SOUTH, f"person{number}") for number in range(PROCESSES)]
    with ExitStack() as stack:
        running = [
            stack.enter_context(crm_process.start(host.url, host.app.config, PROGRAM, business, person, each))
            for business, person in people
        ]
        while any(process.poll() is None for process in running):
            assert host.run("verify-log").exit_code == 0
    assert [process.returncode for process in running] == [0] * PROCESSES
    verified = host.run("verify-log")
    assert verified.exit_code == 0, verified.output
    for business in (NORTH, SOUTH):
        written = entries(host, business)[before[business] :]
        assert len(written) == ACTIONS // 2
        assert [entry.seq for entry in written] == list(range(before[business] + 1, before[business] + 501))
        done = Counter(entry.actor for entry in written)
        assert done == {person: int(each) for where, person in people if where == business}


def entries(host: BillingHost, business: str) -> list[LogEntry]:
    """The log of a business, oldest first."""
    with host.app.app_context():
        ledger = host.app.extensions[EXTENSION].ready().system(business).ledger
        return list(ledger.log.every(LogFilter()))


def lines(host: BillingHost, business: str) -> int:
    """How many it has."""
    return len(entries(host, business))


def sealed(host: BillingHost) -> SealedReport:
    """With which keys secrets are sealed, as this process can read them."""
    with host.app.app_context():
        report: SealedReport = host.app.extensions[EXTENSION].ready().shared.sealed()
        return report


@contextmanager
def billing_goes_on(*hosts: BillingHost) -> Iterator[list[str]]:
    """Somebody in each process makes invoices, one after the other, and Stripe sends its events, until the block ends.
    What was made is in the list."""
    stop, made, errors = threading.Event(), list[str](), list[BaseException]()

    def run(host: BillingHost) -> None:
        try:
            browser = host.browser("ann")
            while not stop.is_set():
                made.append(browser.bill(NORTH, more_work(host)))
                host.fake.deliver()
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=run, args=[host]) for host in hosts]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []


def rotating(host: BillingHost, at_once: int = 1) -> subprocess.Popen[str]:
    """`flask crm-stripe rotate-keys`, in a process of its own."""
    command = ("flask", "--app", PROGRAM, "crm-stripe", "rotate-keys", "--at-once", str(at_once))
    return crm_process.start(host.url, host.app.config, *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait_for(made: list[str], more: int) -> None:
    """Until so many more invoices were made."""
    wanted, ticks = len(made) + more, threading.Event()
    while len(made) < wanted:
        ticks.wait(0.01)


def test_keys_rotate_while_invoices_are_made_and_one_is_killed(host: BillingHost) -> None:
    """By the steps of the manual, on two machines: the first one still seals with the old key. The rotation is killed
    with some done and some not, and run again. Nothing is lost, nothing unreadable, no invoice failed."""
    [old] = host.app.config["CRM_STRIPE_ENCRYPTION_KEYS"]
    new = Fernet.generate_key().decode()
    for line in LINES[NORTH]:
        host.browser("ann").bill(NORTH, line)
    host.fake.deliver()
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(another_process(host, host.url, CRM_STRIPE_ENCRYPTION_KEYS=keys))
            for keys in ([old, new], [new, old])
        )
        host.fake.on_delivery(first.hook)
        with billing_goes_on(first, second) as made:
            killed = stack.enter_context(rotating(second))
            assert killed.stdout is not None
            for _ in range(3):
                assert "sealed anew" in killed.stdout.readline()
            killed.kill()
            killed.wait()
            half = sealed(second)
            assert half.current > 0, "some were done"
            assert half.older > 0, "and some were not"
            wait_for(made, 3)
            resumed = rotating(second, at_once=5)
            output, _ = resumed.communicate()
            assert resumed.returncode == 0, output
            wait_for(made, 3)
        host.fake.on_delivery(second.hook)
        with billing_goes_on(second):
            ended, _ = rotating(second, at_once=100).communicate()
            assert "0 with an older one" in ended
    with another_process(host, host.url, CRM_STRIPE_ENCRYPTION_KEYS=[new]) as after:
        assert_all_is_readable(after)
        assert len(after.rows("crm_stripe_invoice")) >= len(made) + len(LINES[NORTH])
        assert {row["problem"] for row in after.rows("crm_stripe_invoice")} == {None}


def assert_all_is_readable(host: BillingHost) -> None:
    """With the keys of this process alone: every secret is opened, the log verifies, and billing goes on."""
    report = sealed(host)
    assert (report.lost, report.older) == ({}, 0)
    for command in ("doctor", "verify-log"):
        result = host.run(command)
        assert result.exit_code == 0, result.output
    assert "an older key" not in host.run("doctor").output
    assert host.browser("ann").bill(NORTH, more_work(host))
    vault, opened = FernetVault(host.app.config["CRM_STRIPE_ENCRYPTION_KEYS"]), 0
    for table, column in SEALED:
        for row in host.rows(table):
            if row[column] is not None:
                assert vault.open(bytes(row[column]))
                opened += 1
    assert opened > len(host.rows("crm_stripe_event")), "events, and more"


def more_work(host: BillingHost) -> str:
    """Another line to bill."""
    line = str(next(NUMBERS))
    with host.app.app_context():
        host.host.add(NORTH, work(NORTH, line))
    return line
