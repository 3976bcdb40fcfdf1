"""The account at Stripe that tests/live fills; without a key they are skipped, and the key is shown nowhere."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator

import pytest

from tests.live.account import STRIPE, Live, Settings
from tests.support.guards import reaching
from tests.support.stripe_key import GIVEN, KEY

NO_KEY = f"{KEY} is not set (docs/testing.md says how to run these against Stripe's test mode)"


@pytest.fixture(scope="module")
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    """The account, for the tests of a module; tidied after them. Stripe itself can be reached as long."""
    given = request.config.stash[GIVEN]
    if KEY not in given:
        pytest.skip(NO_KEY)
    try:
        settings = Settings.read(given)
    except ValueError as error:
        pytest.fail(str(error), pytrace=False)
    with contextlib.nullcontext() if settings.api_base else reaching(STRIPE):
        account = Live(settings)
        yield account
        account.tidy()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take the key out of whatever a report shows: a traceback with local variables has it."""
    report = yield
    key = item.config.stash[GIVEN].get(KEY)
    if not key:
        return report
    if key in str(report.longrepr):
        report.longrepr = _without(key, str(report.longrepr))
    report.sections = [(name, _without(key, text)) for name, text in report.sections]
    report.user_properties = [(name, _without(key, str(value))) for name, value in report.user_properties]
    return report


def _without(key: str, text: str) -> str:
    return text.replace(key, "(the key)")
