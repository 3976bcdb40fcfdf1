"""Many invoices at once, on pages and on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.billing_host import NORTH, SOUTH, BillingHost, Browser, billing_host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BillingHost]:
    """Both businesses connected, each with an order to bill."""
    with billing_host(f"sqlite:///{tmp_path}/crm.sqlite") as host:
        host.connected()
        yield host


def planned(browser: Browser, *sources: str, send: str = "yes") -> str:
    """A run of these, seen and not started: its address."""
    answer = browser.post("/runs", source=list(sources), send=send, delivery="link")
    assert answer.status_code == 303, answer.text
    return "/runs/" + str(answer.headers["Location"]).rpartition("/")[2]


def test_chosen_seen_started_and_made(host: BillingHost) -> None:
    """From the list to the invoice, without a script; the other business sees none of it."""
    ann = host.browser("ann")
    assert "order:1" in ann.page("/runs/new").text
    run = planned(ann, "order:1", "order:none", "")
    seen = ann.page(run).text
    assert "1 invoice will be sent" in seen
    assert "One source makes no invoice" in seen
    assert host.things("invoice") == []
    assert ann.post(f"{run}/start").status_code == 303
    after = ann.page(run).text
    assert "1 made · 1 need a look · 0 to go" in after
    assert [each["status"] for each in host.things("invoice")] == ["open"]
    assert ann.post(f"{run}/start").status_code == 303, "a second press"
    assert len(host.things("invoice")) == 1
    assert run in ann.get("/runs").text
    assert host.browser("sue").get(run).status_code == 404


def test_an_open_page_asks_and_is_told_that_nothing_is_new(host: BillingHost) -> None:
    """304 by its tag, until something happens."""
    ann = host.browser("ann")
    run = planned(ann, "order:1", send="no")
    known = {"If-None-Match": ann.get(run).headers["ETag"]}
    assert ann.get_raw(ann.prefix + run, headers=known).status_code == 304
    ann.post(f"{run}/start")
    again = ann.get_raw(ann.prefix + run, headers=known)
    assert again.status_code == 200
    assert "Finished" in again.text


def test_what_cannot_be_chosen_says_why(host: BillingHost) -> None:
    """On the page itself, with what was typed; a deed that is too late leads back to the run."""
    ann = host.browser("ann")
    for wrong in ("", "order"):
        answer = ann.post("/runs", source=wrong, send="no")
        assert answer.status_code == 422
    run = planned(ann, "order:none", send="no")
    for deed in ("start", "stop", "resume", "retry"):
        assert ann.post(f"{run}/{deed}").status_code == 303
    assert "Nothing was changed." in ann.page(run).text


def test_the_operator_makes_many_and_looks_at_them(host: BillingHost) -> None:
    """By sources, or all that have work; and what failed is listed."""
    made = host.run("invoice-many", "order:1", "order:none", "--draft", "--link", "--yes", "--business", NORTH)
    assert made.exit_code == 0, made.output
    run = next(line.split()[1] for line in made.output.splitlines() if line.startswith("Run "))
    assert "order:none none: There is no such order here." in made.output
    shown = host.run("run", run, "--business", NORTH)
    assert "done: 1 made, 1 need a look, 0 to go" in shown.output
    for deed in ("stop", "resume", "retry"):
        assert host.run("run", run, deed, "--business", NORTH).exit_code == 1
    assert host.run("run", run, "work", "--business", NORTH).exit_code == 0
    assert host.run("run", run, "--business", SOUTH).exit_code == 1
    every = host.run("invoice-many", "--business", SOUTH, "--draft", "--link")
    assert every.exit_code == 1
    assert "not started" in every.output
