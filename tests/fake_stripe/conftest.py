"""Fixtures of FakeStripe's own tests: two connected businesses, called over plain HTTP."""

from __future__ import annotations

import pytest

from flask_crm_stripe.testing.fake_stripe import FakeStripe

from . import raw


@pytest.fixture
def businesses() -> tuple[raw.Api, raw.Api]:
    """Two connected businesses of one platform."""
    return raw.connected()


@pytest.fixture
def api(businesses: tuple[raw.Api, raw.Api]) -> raw.Api:
    """The first business, which bills in EUR."""
    return businesses[0]


@pytest.fixture
def other(businesses: tuple[raw.Api, raw.Api]) -> raw.Api:
    """The second business, which bills in JPY."""
    return businesses[1]


@pytest.fixture
def fake(api: raw.Api) -> FakeStripe:
    """The FakeStripe that both are on."""
    return api.fake
