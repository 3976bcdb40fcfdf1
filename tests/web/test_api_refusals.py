"""What the JSON side refuses, in words that name the field, and with nothing done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_world import NORTH, ROOT, SOUTH, World, running_world

PREVIEW, INVOICES = "/sources/order/7/preview", "/sources/order/7/invoices"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two businesses, both connected."""
    with running_world(tmp_path) as found:
        for business in (NORTH, SOUTH):
            found.connect(business)
        yield found


def test_nothing_is_there_for_another_business(world: World) -> None:
    """Another business's source, billable and invoice are 404, as if they did not exist; nothing reaches Stripe."""
    north, south = world.caller(NORTH), world.caller(SOUTH)
    made = north.made(world.order(NORTH), "11", key="mine-not-yours")
    count = len(world.fake.requests)
    south.post(PREVIEW, {"billables": ["11"]}, 404)
    south.post("/sources/order/8/preview", {"billables": ["21", "12"]}, 404)
    body = {"billables": ["12"], "seen": "x", "send": True}
    south.post("/sources/order/8/invoices", body, 404, Idempotency_Key="reaching-over")
    south.get(f"/invoices/{made['id']}", 404)
    south.post(f"/invoices/{made['id']}/send", None, 404)
    for ref in ("nothing", "9" * 30, "%00", "%ff", "a%2Fb"):
        answer = south.client.get(f"{ROOT}/invoices/{ref}")
        assert answer.status_code == 404
        assert answer.mimetype == "application/problem+json"
    assert len(world.fake.requests) == count


@pytest.mark.parametrize(
    ("role", "path", "body", "permission"),
    [
        ("stranger", PREVIEW, {"billables": ["11"]}, "view"),
        ("viewer", PREVIEW, {"billables": ["11"]}, "draft"),
        ("viewer", INVOICES, {"billables": ["11"], "seen": "x", "send": False}, "draft"),
        ("sales", INVOICES, {"billables": ["11"], "seen": "x", "send": True}, "send"),
        ("sales", "/services/sync", {}, "sync"),
        ("sales", "/invoices/x/send", None, "send"),
    ],
)
def test_rights_are_the_pages_own(world: World, role: str, path: str, body: Any, permission: str) -> None:
    """403, naming the right that is missing; nothing reaches Stripe. In both businesses."""
    count = len(world.fake.requests)
    for business in (NORTH, SOUTH):
        found = world.caller(business, role).as_documented("POST", path, posted(world, business, role, path, body))
        assert (found["code"], permission in found["detail"]) == ("not_permitted", True)
    assert len(world.fake.requests) == count


def posted(world: World, business: str, role: str, path: str, body: Any) -> Any:
    """A POST by a role; the document is read by somebody who may."""
    caller = world.caller(business, role)
    own = path.replace("/7/", "/8/") if business == SOUTH else path
    token = caller.client.get(f"{ROOT}/csrf").get_json().get("csrf_token") or "none"
    headers = {"X-CSRFToken": token, "Idempotency-Key": "not-permitted"}
    return (
        caller.client.post(ROOT + own, json=body, headers=headers)
        if body is not None
        else caller.client.post(ROOT + own, headers=headers)
    )


def test_without_login_or_token(world: World) -> None:
    """401 without a login; 400 without the CSRF token, or with another login's."""
    stranger = world.host.app.test_client().get(f"{ROOT}/connection")
    caller, other = world.caller(), world.caller(SOUTH)
    caller.as_documented("GET", "/connection", stranger)
    assert (stranger.status_code, stranger.get_json(force=True)["code"]) == (401, "login_needed")
    for headers in ({}, {"X-CSRFToken": "forged"}, {"X-CSRFToken": other.csrf()}):
        answer = caller.client.post(ROOT + PREVIEW, json={"billables": ["11"]}, headers=headers)
        assert caller.checked("POST", PREVIEW, answer, 400)["code"] == "csrf"


def test_the_finance_module_is_off_for_one_business(world: World) -> None:
    """503 for the business that has it off; the other goes on."""
    north, south = world.caller(NORTH), world.caller(SOUTH)
    world.finance[SOUTH] = False
    assert south.get("/connection", 503)["code"] == "finance_module_off"
    assert north.get("/connection")["state"] == "ok"


def test_what_is_nowhere_answers_as_a_problem(world: World) -> None:
    """An unknown path is 404 and a wrong method 405 with Allow, both as problem details."""
    client = world.caller().client
    for path in ("/nothing", "/invoices/1/2/3", "/sources/order/7"):
        answer = client.get(ROOT + path)
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    answer = client.get(ROOT + PREVIEW)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.mimetype == "application/problem+json"


def test_changed_figures_make_nothing(world: World) -> None:
    """409 where the price is another than in the preview; the new preview's digest makes it."""
    caller, path = world.caller(), world.order(NORTH)
    seen = caller.previewed(path, "11")["seen"]
    world.change("Billable", 11, unit_price=91)
    body = {"billables": ["11"], "seen": seen, "send": True}
    assert caller.post(f"{path}/invoices", body, 409, Idempotency_Key="price-changed")["code"] == "plan_changed"
    assert caller.get("/invoices")["invoices"] == []
    assert caller.made(path, "11", key="price-changed")["plan"]["subtotal"]["minor"] == 22750


def test_work_is_billed_once(world: World) -> None:
    """409 naming the invoice that has the work already, in the preview and in the making."""
    caller, path = world.caller(), world.order(NORTH)
    seen = caller.previewed(path, "11")["seen"]
    made = caller.made(path, "11", key="the-first-one")
    body = {"billables": ["11"], "seen": seen, "send": True}
    for found in (
        caller.post(f"{path}/preview", {"billables": ["11"]}, 409),
        caller.post(f"{path}/invoices", body, 409, Idempotency_Key="the-second-one"),
    ):
        assert (found["code"], found["field"], found["invoice"]) == ("billable_taken", "billables", made["id"])


def test_work_that_is_not_ready_is_refused_by_name(world: World) -> None:
    """422 on the part billed in advance, with the line's name; a source without a payer is 422 on its contact."""
    caller, path = world.caller(), world.order(NORTH)
    world.change("Billable", 11, ready=False)
    found = caller.post(f"{path}/preview", {"billables": ["11"]}, 422)
    assert (found["field"], "Work 11" in found["detail"]) == ("terms.deposit_percent", True)
    deposit = caller.post(f"{path}/preview", {"billables": ["11"], "terms": {"deposit_percent": "40"}})
    assert (deposit["deposit_percent"], [line["billable"] for line in deposit["lines"]]) == ("40", [""])
    world.change("Order", 7, organization_id=None)
    assert caller.post(f"{path}/preview", {"billables": ["12"]}, 422)["field"] == "contact"
    world.caller(SOUTH).previewed(world.order(SOUTH), "21")


@pytest.mark.parametrize("change", [{"billables": ["12"]}, {"seen": "another"}, {"send": True}])
def test_a_key_stands_for_one_invoice(world: World, change: dict[str, Any]) -> None:
    """The key of one invoice with another body: 409 with the first one's id, and nothing made or sent."""
    caller, path = world.caller(), world.order(NORTH)
    body = {"billables": ["11"], "seen": caller.previewed(path, "11")["seen"], "send": False}
    made = caller.post(f"{path}/invoices", body, 201, Idempotency_Key="for-one-only")
    count = len(world.fake.requests)
    found = caller.post(f"{path}/invoices", body | change, 409, Idempotency_Key="for-one-only")
    assert (found["code"], found["field"], found["invoice"]) == ("key_reused", "Idempotency-Key", made["id"])
    assert len(world.fake.requests) == count
    own = world.caller(SOUTH).made(world.order(SOUTH), "21", key="for-one-only", send=False)
    assert own["id"] != made["id"]


def test_not_connected_is_told(tmp_path: Path) -> None:
    """Previewing needs no Stripe; making, sending and syncing answer 409 with the remedy."""
    with running_world(tmp_path) as world:
        world.connect(SOUTH)
        caller, path = world.caller(NORTH), world.order(NORTH)
        body = {"billables": ["11"], "seen": caller.previewed(path, "11")["seen"], "send": True}
        for found in (
            caller.post(f"{path}/invoices", body, 409, Idempotency_Key="no-connection"),
            caller.post("/services/sync", None, 409),
            caller.post("/invoices/x/send", None, 409),
        ):
            assert (found["code"], "Connect Stripe" in found["detail"]) == ("not_connected", True)


@pytest.mark.parametrize(
    ("kind", "status"), [("500", 502), ("500_after", 502), ("cut_before", 503), ("cut_after", 503)]
)
def test_a_fault_of_stripes_is_completed_by_repeating(world: World, kind: str, status: int) -> None:
    """The error carries the invoice; the same request again completes it, and Stripe holds exactly one."""
    caller, path = world.caller(), world.order(NORTH)
    body = {"billables": ["11"], "seen": caller.previewed(path, "11")["seen"], "send": True}
    world.fake.faults.add(kind, "POST", "/v1/invoices", times=20)
    found = caller.post(f"{path}/invoices", body, status, Idempotency_Key="through-thick-and-thin")
    world.fake.faults.clear()
    assert caller.get(f"/invoices/{found['invoice']}")["problem"]["message"] == found["detail"]
    done = caller.post(f"{path}/invoices", body, 200, Idempotency_Key="through-thick-and-thin")
    assert (done["id"], done["status"], done["problem"]) == (found["invoice"], "open", None)
    assert len(world.fake.world.store(world.accounts[NORTH])["invoice"]) == 1


def test_a_host_with_open_writes_is_refused(world: World) -> None:
    """A view that calls Stripe refuses while the host has written and not committed; one that only reads answers."""
    host, caller, path = world.host, world.caller(), world.order(NORTH)
    seen = caller.previewed(path, "11")["seen"]

    def write() -> None:
        host.db.session.add(host.Worker(name="unsaved"))

    host.app.before_request_funcs.setdefault(None, []).append(write)
    body = {"billables": ["11"], "seen": seen, "send": True}
    found = caller.post(f"{path}/invoices", body, 500, Idempotency_Key="host-has-written")
    assert (found["code"], "commit" in found["detail"]) == ("host_transaction_open", True)
