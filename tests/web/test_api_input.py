"""What cannot be read is refused in words that name the field, and nothing is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.api_world import NORTH, ROOT, SOUTH, World, running_world

PREVIEW, INVOICES = "/sources/order/7/preview", "/sources/order/7/invoices"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two businesses, both connected. None of these tests changes anything; that is what the last lines are for."""
    with running_world(tmp_path_factory.mktemp("input")) as found:
        for business in (NORTH, SOUTH):
            found.connect(business)
        count = len(found.fake.requests)
        yield found
        assert len(found.fake.requests) == count
        assert found.caller(NORTH).get("/invoices")["invoices"] == []


@pytest.mark.parametrize(
    ("body", "field", "word"),
    [
        ([], "body", "object"),
        ("text", "body", "object"),
        ({}, "billables", "required"),
        ({"billables": None}, "billables", "null"),
        ({"billables": "11"}, "billables", "list"),
        ({"billables": []}, "billables", "1 to 250"),
        ({"billables": ["11", 12]}, "billables.1", "quotes"),
        ({"billables": ["11", "11"]}, "billables", "twice"),
        ({"billables": ["x" * 192]}, "billables.0", "191"),
        ({"billables": ["1\0"]}, "billables.0", "NUL"),
        ({"billables": ["\ud800"]}, "billables.0", "surrogate"),
        ({"billables": ["11"], "coupon": 1}, "coupon", "no such field"),
        ({"billables": ["11"], "terms": []}, "terms", "object"),
        ({"billables": ["11"], "terms": {"vat": "21"}}, "terms.vat", "no such field"),
        ({"billables": ["11"], "terms": {"days_until_due": "14"}}, "terms.days_until_due", "without quotes"),
        ({"billables": ["11"], "terms": {"days_until_due": 14.0}}, "terms.days_until_due", "whole number"),
        ({"billables": ["11"], "terms": {"days_until_due": True}}, "terms.days_until_due", "whole number"),
        ({"billables": ["11"], "terms": {"days_until_due": 366}}, "terms.days_until_due", "365"),
        ({"billables": ["11"], "terms": {"days_until_due": 10**400}}, "terms.days_until_due", "365"),
        ({"billables": ["11"], "terms": {"discount_percent": 12.5}}, "terms.discount_percent", "lose digits"),
        ({"billables": ["11"], "terms": {"discount_percent": 10}}, "terms.discount_percent", "lose digits"),
        ({"billables": ["11"], "terms": {"discount_percent": "1e400"}}, "terms.discount_percent", "exponent"),
        ({"billables": ["11"], "terms": {"discount_percent": "NaN"}}, "terms.discount_percent", "NaN"),
        ({"billables": ["11"], "terms": {"discount_percent": "-Infinity"}}, "terms.discount_percent", "Infinity"),
        ({"billables": ["11"], "terms": {"discount_percent": "1,5"}}, "terms.discount_percent", "digits"),
        ({"billables": ["11"], "terms": {"discount_percent": "1_0"}}, "terms.discount_percent", "digits"),
        ({"billables": ["11"], "terms": {"discount_percent": "٣"}}, "terms.discount_percent", "digits"),
        ({"billables": ["11"], "terms": {"discount_percent": "9" * 16}}, "terms.discount_percent", "15 digits"),
        ({"billables": ["11"], "terms": {"discount_percent": "0." + "1" * 13}}, "terms.discount_percent", "12 decimal"),
        ({"billables": ["11"], "terms": {"discount_percent": "100.01"}}, "terms.discount_percent", "0 and 100"),
        ({"billables": ["11"], "terms": {"discount_percent": "-1"}}, "terms.discount_percent", "0 and 100"),
        ({"billables": ["11"], "terms": {"order_number": "x" * 141}}, "terms.order_number", "140"),
        ({"billables": ["11"], "terms": {"note": "x" * 501}}, "terms.note", "500"),
        ({"billables": ["11"], "terms": {"delivery": "pigeon"}}, "terms.delivery", "mail or link"),
    ],
)
def test_a_wrong_field_is_named_by_its_path(world: World, body: Any, field: str, word: str) -> None:
    """422, with the path of the field and a word of the remedy."""
    found = world.caller().post(PREVIEW, body, 422)
    assert found["field"] == field
    assert word in found["detail"]
    assert found["type"] == f"urn:crm-stripe:problem:{found['code']}"


def test_everything_that_is_wrong_is_told_at_once(world: World) -> None:
    """Several wrong fields are all named, at most 20 of them."""
    body = {"billables": [1], "send": "yes", "seen": 5, "terms": {"note": 1, "delivery": []}}
    found = world.caller().post(INVOICES, body, 422, Idempotency_Key="several-wrong")
    named = {error["field"] for error in found["errors"]}
    assert named == {"billables.0", "send", "seen", "terms.note", "terms.delivery"}
    found = world.caller().post(PREVIEW, {f"unknown{number}": 1 for number in range(100)}, 422)
    assert len(found["errors"]) == 20


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"billables": ["11"], "terms": {"discount_percent": NaN}}', "NaN"),
        (b'{"billables": ["11"], "x": -Infinity}', "Infinity"),
        (b'{"billables": ["11"], "billables": ["12"]}', "twice"),
        (b"[" * 100_000, "not JSON"),
        (b"9" * 10_000, "not JSON"),
    ],
)
def test_what_is_no_json_is_refused(world: World, data: bytes, word: str) -> None:
    """400 for what another program would read differently, or not at all."""
    caller = world.caller()
    headers = {"X-CSRFToken": caller.csrf()}
    answer = caller.client.post(ROOT + PREVIEW, data=data, headers=headers, content_type="application/json")
    assert word in caller.checked("POST", PREVIEW, answer, 400)["detail"]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_another_content_type_is_refused(world: World, content_type: str) -> None:
    """415, also for a form, which other sites could send."""
    caller = world.caller()
    headers = {"X-CSRFToken": caller.csrf()}
    answer = caller.client.post(
        ROOT + PREVIEW, data=b'{"billables": ["11"]}', headers=headers, content_type=content_type
    )
    assert "application/json" in caller.checked("POST", PREVIEW, answer, 415)["detail"]


def test_a_large_body_is_refused(world: World) -> None:
    """413 by its length, before it is read; 411 where it does not say its length."""
    caller = world.caller()
    headers = {"X-CSRFToken": caller.csrf()}
    answer = caller.client.post(ROOT + PREVIEW, json={"billables": ["x" * 250_000]}, headers=headers)
    caller.checked("POST", PREVIEW, answer, 413)
    headers |= {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    caller.checked("POST", PREVIEW, caller.client.post(ROOT + PREVIEW, headers=headers), 411)


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space in it", "ünïcödé-key"])
def test_a_key_is_needed(world: World, key: str) -> None:
    """Making an invoice without an Idempotency-Key, or with one that is none, is refused."""
    body = {"billables": ["11"], "seen": "x", "send": False}
    found = world.caller().post(INVOICES, body, 422, Idempotency_Key=key.encode().decode("latin-1"))
    assert found["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=1&limit=2", "limit"),
        ("status=lost", "status"),
        ("due=never", "due"),
        ("currency=euro", "currency"),
        ("source=order", "source"),
        ("contact=:1", "contact"),
        ("cursor=damaged", "cursor"),
        ("cursor=%00", "cursor"),
        ("text=" + "x" * 201, "text"),
        ("text=%00", "text"),
        ("page=2", "page"),
    ],
)
def test_a_wrong_query_is_named(world: World, query: str, field: str) -> None:
    """422 with the name of the parameter; unknown ones are refused as well."""
    assert world.caller().get(f"/invoices?{query}", 422)["field"] == field
