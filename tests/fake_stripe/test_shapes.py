"""Every endpoint answers a valid request with every field that the SDK declares, and none that it does not."""

from __future__ import annotations

import pytest

from flask_crm_stripe.testing.fake_stripe.routing import ROUTES

from . import requests_table, whole
from .requests_table import VALID


def test_every_endpoint_has_a_valid_request_in_the_table() -> None:
    """The tables that these tests walk through leave no endpoint out."""
    assert {f"{route.method} {route.path}" for route in ROUTES} == set(VALID)


@pytest.mark.parametrize("name", VALID)
def test_a_valid_request_is_answered_with_the_whole_shape(name: str) -> None:
    """200, and field for field what the installed SDK declares at every depth."""
    here = requests_table.stage()
    template, params = VALID[name]
    body = here.api.ok(name.split()[0], requests_table.address(here, template), params(here))
    for obj in body["data"] if body.get("object") == "list" else [body]:
        if not obj.get("deleted"):
            assert whole.is_whole(obj)
