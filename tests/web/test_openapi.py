"""The OpenAPI document: made from what is registered, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_world import NORTH, ROOT, SOUTH, World, running_world
from tests.web.json_shape import complaints, resolved

FALLBACKS = re.compile(r"api_(nothing|no_method_\d+)")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two businesses."""
    with running_world(tmp_path) as found:
        yield found


def test_document_and_routes_are_the_same(world: World) -> None:
    """Every route of the JSON side is documented with its method, and every documented one is a route."""
    document = world.caller().get("/openapi.json")
    documented = {
        (method.upper(), path, operation["operationId"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    registered = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix(ROOT)), name.removeprefix("api_"))
        for rule in world.host.app.url_map.iter_rules()
        if (name := rule.endpoint.rpartition(".")[2]).startswith("api_") and not FALLBACKS.fullmatch(name)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert documented == registered
    assert len(documented) == 30
    assert document["servers"] == [{"url": ROOT}]


def test_every_reference_leads_somewhere(world: World) -> None:
    """Each ``$ref`` is there, and each component is used."""
    document = world.caller().get("/openapi.json")
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    components = document["components"]
    assert all(resolved(reference, document) for reference in references)
    there = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in components[kind]}
    assert references == there


def test_what_a_post_needs_is_documented(world: World) -> None:
    """POSTs need the token and a login; making an invoice needs the key; the path's parts are all parameters."""
    document = world.caller(SOUTH).get("/openapi.json")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            schemes = {name for each in operation["security"] for name in each}
            assert schemes == ({"login", "csrf"} if method == "post" else {"login"})
            named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))
            if method == "post":
                assert {"400", "401", "403"} <= set(operation["responses"])
    making = document["paths"]["/sources/{kind}/{ref}/invoices"]["post"]
    [key] = [each for each in making["parameters"] if each["in"] == "header"]
    assert (key["name"], key["required"]) == ("Idempotency-Key", True)
    listing = document["paths"]["/invoices"]["get"]
    assert {"status", "cursor", "limit", "source"} <= {each["name"] for each in listing["parameters"]}


def test_the_document_follows_the_schemas(world: World) -> None:
    """A body that the document allows passes, one that it forbids is refused: document and server agree."""
    document = world.caller().get("/openapi.json")
    schema = document["paths"]["/sources/{kind}/{ref}/preview"]["post"]["requestBody"]["content"]["application/json"]
    bodies: list[Any] = [
        {"billables": ["11"]},
        {"billables": ["11"], "terms": {"days_until_due": 0, "discount_percent": "100", "delivery": "link"}},
        {"billables": []},
        {"billables": ["11"], "extra": 1},
        {"billables": ["11"], "terms": {"days_until_due": 366}},
        {"billables": ["11"], "terms": {"discount_percent": 5}},
        {"billables": ["11"], "terms": {"discount_percent": "1e1"}},
        {"billables": ["11"], "terms": {"note": "x" * 501}},
        {"billables": ["11"], "terms": {"delivery": "pigeon"}},
    ]
    caller = world.caller(NORTH)
    for body in bodies:
        allowed = not list(complaints(body, schema["schema"], document))
        caller.post("/sources/order/7/preview", body, 200 if allowed else 422)
    assert not list(complaints(bodies[1], schema["schema"], document))


def test_the_document_is_for_people_who_are_logged_in(world: World) -> None:
    """Like everything else here, it needs a login."""
    assert world.host.app.test_client().get(f"{ROOT}/openapi.json").status_code == 401
