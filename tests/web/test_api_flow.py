"""The JSON side from end to end, for two businesses beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.api_world import NORTH, SOUTH, Caller, World, running_world
from tests.web.page_stage import Page


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two businesses, not connected yet."""
    with running_world(tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("business", "line", "total", "decimal"),
    [(NORTH, "11", 27225, "272.25"), (SOUTH, "21", 272, "272")],
)
def test_from_connecting_to_paid(world: World, business: str, line: str, total: int, decimal: str) -> None:
    """A front end sees the connection, previews, makes and sends an invoice, and hears that it is paid."""
    caller, path = world.caller(business), world.order(business)
    assert caller.get("/connection")["state"] == "none"
    world.connect(business)
    connection = caller.get("/connection")
    assert (connection["state"], connection["mode"]) == ("ok", "test")
    assert connection["account"]["id"] == world.accounts[business]
    assert [row["state"] for row in caller.get("/services")["services"]] == ["synced"]

    plan = caller.previewed(path, line)
    assert (plan["total"]["minor"], plan["total"]["decimal"]) == (total, decimal)
    assert plan["lines"][0]["quantity"] == "2.5"
    made = caller.made(path, line, key="from-start-to-end")
    assert (made["status"], made["total"], made["account_id"]) == ("open", plan["total"], world.accounts[business])

    stripe = world.fake.world.store(world.accounts[business])["invoice"][made["stripe_id"]]
    assert world.fake.pay(stripe["hosted_invoice_url"])["status"] == "paid"
    assert {delivery.state for delivery in world.fake.deliver()} == {"delivered"}
    paid = caller.get(f"/invoices/{made['id']}")
    assert (paid["status"], paid["amount_remaining"]["minor"]) == ("paid", 0)
    assert [payment["amount"]["minor"] for payment in paid["payments"]] == [total]
    assert {"made", "sent", "paid"} <= {entry["kind"] for entry in paid["timeline"]}
    assert not any("<" in entry["text"] for entry in paid["timeline"])
    assert caller.get("/connection")["last_event_at"] is not None


def test_a_draft_is_sent_later(world: World) -> None:
    """A draft stays a draft until it is sent; both businesses have one of their own."""
    for business, line in ((NORTH, "11"), (SOUTH, "21")):
        world.connect(business)
        caller = world.caller(business)
        draft = caller.made(world.order(business), line, key="draft-first", send=False)
        assert (draft["status"], draft["number"], draft["sent_at"]) == ("draft", None, None)
        sent = caller.post(f"/invoices/{draft['id']}/send")
        assert (sent["status"], sent["id"]) == ("open", draft["id"])
        assert sent["number"]
        assert sent["sent_at"]


def test_a_repeat_gives_the_same_invoice(world: World) -> None:
    """The same key and body again: 200, the same invoice, nothing more at Stripe. Another business's key is its own."""
    for business, line in ((NORTH, "11"), (SOUTH, "21")):
        world.connect(business)
        caller, path = world.caller(business), world.order(business)
        body = {"billables": [line], "seen": caller.previewed(path, line)["seen"], "send": True}
        first = caller.post(f"{path}/invoices", body, 201, Idempotency_Key="one-press-only")
        before = world.requests("POST", "/v1/invoices")
        again = caller.post(f"{path}/invoices", body, 200, Idempotency_Key="one-press-only")
        assert again["id"] == first["id"]
        assert world.requests("POST", "/v1/invoices") == before


def test_201_says_where_it_is(world: World) -> None:
    """The Location of a new invoice is its address, which only its own business can read."""
    world.connect(NORTH)
    caller, path = world.caller(), world.order(NORTH)
    body = {"billables": ["11"], "seen": caller.previewed(path, "11")["seen"], "send": False}
    headers = {"X-CSRFToken": caller.csrf(), "Idempotency-Key": "where-is-it"}
    answer = caller.client.post(f"/stripe/api/v1{path}/invoices", json=body, headers=headers, buffered=True)
    where = answer.headers["Location"]
    assert caller.client.get(where).get_json()["id"] == answer.get_json()["id"]
    assert world.caller(SOUTH).client.get(where).status_code == 404


def test_lists_are_filtered_and_paged(world: World) -> None:
    """Pages lead to and fro; filters choose; the other business's list is empty."""
    world.connect(NORTH)
    caller, path = world.caller(), world.order(NORTH, 13, 14)
    ids = [caller.made(path, line, key=f"page-of-{line}", send=line == "11")["id"] for line in ("11", "12", "13")]
    newest = caller.get("/invoices?limit=2")
    assert [row["id"] for row in newest["invoices"]] == [ids[2], ids[1]]
    oldest = caller.get(f"/invoices?limit=2&cursor={newest['older']}")
    assert [row["id"] for row in oldest["invoices"]] == [ids[0]]
    assert caller.get(f"/invoices?limit=2&cursor={oldest['newer']}")["invoices"] == newest["invoices"]
    assert ids_of(caller, "status=open") == ids[:1]
    assert ids_of(caller, "status=draft&currency=EUR&source=order:7&contact=organization:1") == [ids[2], ids[1]]
    assert ids_of(caller, "text=payer%201&due=week") == []
    assert ids_of(caller, "currency=jpy") == []
    assert ids_of(world.caller(SOUTH), "limit=100") == []


def ids_of(caller: Caller, query: str) -> list[str]:
    """The ids of a list."""
    return [row["id"] for row in caller.get(f"/invoices?{query}")["invoices"]]


def test_services_are_synced_by_choice(world: World) -> None:
    """Given refs are synced, none means all; another business's service is not there, and then nothing is sent."""
    for business in (NORTH, SOUTH):
        world.connect(business)
    caller, own, foreign = world.caller(NORTH), "1", "2"
    assert caller.post("/services/sync") == {"done": 0, "unchanged": 1, "failed": []}
    world.change("Service", 1, name="Design, renamed")
    count = len(world.fake.requests)
    caller.post("/services/sync", {"refs": [own, foreign]}, 404)
    assert len(world.fake.requests) == count
    assert caller.post("/services/sync", {"refs": [own]})["failed"] == []
    assert [row["name"] for row in caller.get("/services")["services"]] == ["Design, renamed"]
    products = world.fake.world.store(world.accounts[NORTH])["product"].values()
    assert [product["name"] for product in products] == ["Design, renamed"]


def test_terms_start_with_the_settings(world: World) -> None:
    """What a body leaves out is as the business's settings have it; a customer without mail gets a link."""
    caller, path = world.caller(), world.order(NORTH)
    form = {"csrf_token": caller.csrf(), "days_until_due": "30", "delivery": "mail", "note": "Thank you."}
    assert caller.client.post("/stripe/settings", data={**form, "days_until_due": "soon"}).status_code == 422
    assert caller.client.post("/stripe/settings", data=form).status_code == 303
    plan = caller.post(f"{path}/preview", {"billables": ["11"]})
    assert (plan["days_until_due"], plan["note"], plan["delivery"]) == (30, "Thank you.", "mail")
    plan = caller.previewed(path, "11", days_until_due=7, discount_percent="12.5", order_number="PO 1", note="")
    assert (plan["days_until_due"], plan["note"], plan["order_number"]) == (7, "", "PO 1")
    assert (plan["discount"]["minor"], plan["discount_percent"]) == (2813, "12.5")
    world.change("Organization", 1, email=None)
    assert caller.post(f"{path}/preview", {"billables": ["11"]})["delivery"] == "link"


def test_after_disconnecting_all_stays_readable(world: World) -> None:
    """The connection says since when, invoices and figures stay, and the other business goes on."""
    for business in (NORTH, SOUTH):
        world.connect(business)
    caller, path = world.caller(NORTH), world.order(NORTH)
    made = caller.made(path, "11", key="before-the-end")
    form = Page(caller.client.get("/stripe/disconnect").text).form("/disconnect")
    data = form.data(reason="We move to another account")
    assert caller.client.post("/stripe/disconnect", data=data, buffered=True).status_code == 303
    connection = caller.get("/connection")
    assert connection["state"] == "disconnected"
    assert connection["ended_at"] is not None
    assert connection["account"]["id"] == world.accounts[NORTH]
    assert caller.get(f"/invoices/{made['id']}")["total"] == made["total"]
    assert caller.post(f"/invoices/{made['id']}/send", None, 409)["code"] == "not_connected"
    assert world.caller(SOUTH).get("/connection")["state"] == "ok"
