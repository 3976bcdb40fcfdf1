"""What every test has: markers by folder, guards, databases, servers, a browser; no skips where all must run."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.support.stripe_key", "tests.support.guards"]
BEYOND_UNIT = (
    "flask_crm_stripe.testing.fixtures",
    "tests.support.postgres",
    "tests.support.live",
    "tests.support.browser",
    "tests.support.wheels",
)

MARKERS = {
    "core": "unit",
    "model": "unit",
    "contracts": "contract",
    "adapters": "adapters",
    "web": "web",
    "browser": "browser",
    "faults": "faults",
    "fake_stripe": "fake_stripe",
    "rights": "rights",
    "example_app": "example",
    "packaging": "packaging",
    "contracts_of_imports": "imports",
    "typing": "typing",
    "live": "live",
}
TESTS = Path(__file__).resolve().parent
UNIT = ("core", "model")
LIVE = TESTS / "live"
REQUIRE_ALL = "CRM_STRIPE_TESTS_REQUIRE_ALL"

# Time on a shared machine says nothing about a property; with CI set, Hypothesis draws the same examples each time.
settings.register_profile("here", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.register_profile("unit", settings.get_profile("here"), max_examples=12)
settings.load_profile("here")


def pytest_configure(config: pytest.Config) -> None:
    """Servers, databases and browsers cost a start-up that tests of the rules alone do without. Alone they are for the
    moment between two thoughts: fewer examples of each property, and no time spent on collecting garbage."""
    asked = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    if not all(any(path.is_relative_to(TESTS / folder) for folder in UNIT) for path in asked):
        for plugin in BEYOND_UNIT:
            config.pluginmanager.import_plugin(plugin)
        return
    settings.load_profile("unit")
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each test gets the marker of its folder."""
    for item in items:
        if item.path.is_relative_to(TESTS):
            folder = item.path.relative_to(TESTS).parts[0]
            if folder in MARKERS:
                item.add_marker(MARKERS[folder])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where all must run, except of tests that need a key of Stripe's, which nobody has in
    the build; remember a failure for fixtures that take a picture of it."""
    report = yield
    spared = hasattr(report, "wasxfail") or item.path.is_relative_to(LIVE)
    if report.skipped and os.environ.get(REQUIRE_ALL) and not spared:
        fail_instead(report)
    if report.failed:
        item.failed = True  # type: ignore[attr-defined]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole module that skips itself is a failure too, where all must run."""
    report = yield
    if report.skipped and os.environ.get(REQUIRE_ALL):
        fail_instead(report)
    return report


def fail_instead(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a failure of a skip, with its reason."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{reason} ({REQUIRE_ALL} is set: nothing may be skipped)"


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Not pytest-flask's: all clients of a test would share its `g`, so that alice, bob and nobody are all bob."""
