"""Whatever JSON comes in, the JSON side answers with words, never with a fault of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.api_world import NORTH, ROOT, SOUTH, Caller, World, running_world

TEXT = st.text(st.characters(), max_size=20)  # half surrogates too
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
NUMBER = st.sampled_from(["0", "12.5", "100", "-1", "1e400", "NaN", "Infinity", "9" * 40, "0." + "1" * 30, ".5", "٣"])
TERMS = st.fixed_dictionaries(
    {},
    optional={
        "days_until_due": st.integers(-5, 400) | ANY,
        "discount_percent": NUMBER | ANY,
        "order_number": TEXT,
        "note": TEXT,
        "delivery": st.sampled_from(["mail", "link"]) | ANY,
    },
)
BILLABLES = st.lists(st.sampled_from(["11", "12", "21", "22", "x"]) | TEXT, max_size=4)
BODY = ANY | st.fixed_dictionaries(
    {"billables": BILLABLES | ANY},
    optional={"terms": TERMS | ANY, "seen": TEXT | ANY, "send": st.booleans() | ANY, "refs": BILLABLES | ANY},
)
SYNC = ANY | st.fixed_dictionaries({}, optional={"refs": BILLABLES | ANY, "all": ANY})
KEY = st.sampled_from(["", "short", "a-good-long-key", "another-good-key"]) | st.text(
    st.characters(min_codepoint=32, max_codepoint=126), max_size=70
)
PART = st.sampled_from(["order", "ticket", "7", "8", "x", "%00", "%ff", "9" * 40])
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two businesses, both connected."""
    with running_world(tmp_path_factory.mktemp("any")) as found:
        for business in (NORTH, SOUTH):
            found.connect(business)
        yield found


@pytest.fixture(scope="module")
def callers(world: World) -> list[Caller]:
    """One for each business."""
    return [world.caller(NORTH), world.caller(SOUTH)]


def thrown(caller: Caller, path: str, body: Any, key: str = "") -> int:
    """POST it: the answer is as documented and no fault of ours. Its status."""
    headers = {"X-CSRFToken": caller.csrf(), "Idempotency-Key": key.strip()}
    data = json.dumps(body)
    answer = caller.client.post(ROOT + path, data=data, content_type="application/json", headers=headers, buffered=True)
    assert answer.status_code < 500, answer.text
    caller.as_documented("POST", path, answer)
    return answer.status_code


@FEW
@given(first=st.integers(0, 1), kind=PART, ref=PART, body=BODY)
def test_preview(callers: list[Caller], first: int, kind: str, ref: str, body: Any) -> None:
    """Any body on any source."""
    assert thrown(callers[first], f"/sources/{kind}/{ref}/preview", body) in {200, 404, 409, 422}


@FEW
@given(
    first=st.integers(0, 1),
    lines=st.sampled_from([["1"], ["2"], ["1", "2"]]),
    terms=st.fixed_dictionaries(
        {},
        optional={
            "days_until_due": st.integers(0, 365),
            "discount_percent": st.decimals(0, 100, places=12).map(lambda number: format(number, "f")),
            "note": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=500),
        },
    ),
)
def test_figures_add_up(callers: list[Caller], first: int, lines: list[str], terms: dict[str, Any]) -> None:
    """Any terms that are allowed give a plan whose parts are its total, in minor units and in decimals."""
    refs = [f"{first + 1}{line}" for line in lines]
    plan = callers[first].previewed(f"/sources/order/{7 + first}", *refs, **terms)
    minor = {name: plan[name]["minor"] for name in ("subtotal", "discount", "vat", "total")}
    assert minor["subtotal"] - minor["discount"] + minor["vat"] == minor["total"]
    assert sum(line["net"]["minor"] + line["vat"]["minor"] for line in plan["lines"]) == minor["total"]
    for name in minor:
        assert Decimal(plan[name]["decimal"]).scaleb(0 if first else 2) == minor[name]


@FEW
@given(first=st.integers(0, 1), body=BODY, key=KEY)
def test_make(callers: list[Caller], first: int, body: Any, key: str) -> None:
    """Any body and any key. No generated digest is a preview's, so nothing is made."""
    assert thrown(callers[first], f"/sources/order/{7 + first}/invoices", body, key) in {404, 409, 422}


@FEW
@given(first=st.integers(0, 1), body=SYNC)
def test_sync(callers: list[Caller], first: int, body: Any) -> None:
    """Any body."""
    assert thrown(callers[first], "/services/sync", body) in {200, 404, 422}


@FEW
@given(first=st.integers(0, 1), ref=PART, body=ANY)
def test_send(callers: list[Caller], first: int, ref: str, body: Any) -> None:
    """Any body with any id: sending takes none, so it is not looked at."""
    assert thrown(callers[first], f"/invoices/{ref}/send", body) == 404


@settings(max_examples=100)
@given(data=st.binary(max_size=200))
def test_any_bytes(callers: list[Caller], data: bytes) -> None:
    """Bytes that say they are JSON."""
    for caller in callers:
        answer = caller.client.post(
            f"{ROOT}/services/sync", data=data, content_type="application/json", headers={"X-CSRFToken": caller.csrf()}
        )
        assert answer.status_code in {200, 400, 422}
        caller.as_documented("POST", "/services/sync", answer)
