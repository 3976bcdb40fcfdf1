"""Well-typed mistakes are refused as Stripe refuses them, and nothing changes."""

from __future__ import annotations

import json

import pytest

from . import raw
from .mistakes_table import MISTAKES


@pytest.mark.parametrize("name", MISTAKES)
def test_the_mistake_is_refused_and_changes_nothing(name: str, api: raw.Api) -> None:
    """The refusal has Stripe's status, code and ``param``, says something, and leaves no trace in the world."""
    mistake = MISTAKES[name]
    tried = mistake.make(api)
    before = everything(api)
    error = api.no(tried.method, tried.path, tried.params, status=mistake.status, **tried.headers)
    assert (error.get("param"), error.get("code")) == (mistake.param, mistake.code)
    assert error["type"] == "invalid_request_error"
    assert len(error["message"]) > 10
    assert everything(api) == before


def test_there_are_enough_of_them() -> None:
    """The table is the product's promise of at least 20 named cross-field mistakes; it does not shrink unseen."""
    assert len(MISTAKES) >= 100


def everything(api: raw.Api) -> str:
    """All objects and events of all accounts."""
    world = api.fake.world
    stores = {account: world.store(account) for account in world.accounts}
    held = {account: {kind: found for kind, found in store.items() if found} for account, store in stores.items()}
    return json.dumps(held, sort_keys=True)
