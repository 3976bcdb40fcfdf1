"""A key of Stripe's test mode, for tests/live alone: taken out of the environment before anything else can see it."""

from __future__ import annotations

import os
from typing import Any

import pytest

KEY, ACCOUNT, API_BASE = NAMES = ("STRIPE_TEST_SECRET_KEY", "STRIPE_TEST_ACCOUNT", "STRIPE_TEST_API_BASE")
GIVEN = pytest.StashKey[dict[str, str]]()
PROBE = "stripe_probe"
"""The property of a report that holds what Stripe was found to do, in one line."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep what was given; ``guards`` removes it from the environment after this."""
    found: dict[str, str] | None = getattr(config, "workerinput", {}).get("stripe")
    config.stash[GIVEN] = {name: os.environ[name] for name in NAMES if os.environ.get(name)} if found is None else found


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A process of pytest-xdist starts with the emptied environment, so it is told."""
    node.workerinput["stripe"] = node.config.stash[GIVEN]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What each probe found, passed or failed, in one place."""
    reports = [each for status in ("passed", "failed", "skipped") for each in terminalreporter.stats.get(status, [])]
    found = {line for each in reports for name, line in getattr(each, "user_properties", ()) if name == PROBE}
    if found:
        terminalreporter.section("switch, what Stripe does, FakeStripe's default")
        for line in sorted(found):
            terminalreporter.write_line(line)
