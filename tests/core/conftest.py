"""The unit ring's world."""

from __future__ import annotations

import pytest

from tests.core.world import BUSINESSES, World


@pytest.fixture
def world() -> World:
    """Two businesses, nobody connected."""
    return World()


@pytest.fixture
def connected(world: World) -> World:
    """Two businesses, each connected to its own account."""
    for business in BUSINESSES:
        world.connect(business)
    world.queue.calls.clear()
    return world
