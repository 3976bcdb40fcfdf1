"""The business and the person."""

from __future__ import annotations

import pytest

from flask_crm_stripe.model.business import ALL_PERMISSIONS, SYSTEM, Actor


def test_permissions_may_come_as_any_collection() -> None:
    """Hosts give lists, sets or tuples; the actor answers by word."""
    actor = Actor("1", "Ines", ["view", "draft"])
    assert actor.may("draft")
    assert not actor.may("send")
    assert SYSTEM.permissions == ALL_PERMISSIONS


def test_an_unknown_permission_is_refused_with_the_known_ones() -> None:
    """A typo would silently take a right away."""
    with pytest.raises(ValueError, match=r"sned.*send"):
        Actor("1", "Ines", ["sned"])


def test_the_login_is_not_in_the_repr() -> None:
    """Logs that print an actor hold no session."""
    assert "s3cret" not in repr(Actor("1", "Ines", (), session="s3cret"))
