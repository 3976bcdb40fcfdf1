"""The JSON side of credit notes, refunds and corrections, over FakeStripe, with Stripe's own events after it."""

from __future__ import annotations

from typing import Any

import pytest

from flask_crm_stripe.state import EXTENSION
from tests.web.api_world import NORTH, SOUTH, Caller, World
from tests.web.test_api_afterwards import sent, world

__all__ = ["world"]
WHY = {"reason": "A mistake"}


def paid(world: World, caller: Caller, business: str = NORTH, line: str = "11") -> str:
    """A paid invoice's id; all that Stripe had to tell of it is told."""
    invoice_id = sent(world, caller, business, line)
    stripe_id = caller.get(f"/invoices/{invoice_id}")["stripe_id"]
    account = world.accounts[business]
    world.fake.pay(world.fake.world.store(account)["invoice"][stripe_id]["hosted_invoice_url"])
    world.fake.deliver()
    assert caller.get(f"/invoices/{invoice_id}")["status"] == "paid"
    return invoice_id


def credit(caller: Caller, invoice_id: str, key: str = "credit-1", status: int = 200, **wish: Any) -> Any:
    """As previewed."""
    seen = caller.post(f"/invoices/{invoice_id}/credit/preview", wish)["seen"]
    return caller.post(f"/invoices/{invoice_id}/credit", {**WHY, **wish, "seen": seen}, status, Idempotency_Key=key)


@pytest.mark.parametrize("status", ["succeeded", "pending"])
def test_credited_by_a_program_and_told_once(world: World, status: str) -> None:
    """The same key answers the same; Stripe's events add no second sentence, in either business."""
    world.fake.world.switches.set("refund_status", status)
    for business, line in ((NORTH, "11"), (SOUTH, "21")):
        caller = world.caller(business)
        invoice_id = paid(world, caller, business, line)
        shown = caller.post(f"/invoices/{invoice_id}/credit/preview", {})
        body = {**WHY, "seen": shown["seen"]}
        for _ in range(2):
            done = caller.post(f"/invoices/{invoice_id}/credit", body, Idempotency_Key=f"credit-{business}")
        assert done["credited"] == done["refunded"] == done["total"] == shown["total"]
        world.fake.clock.advance(120)
        world.fake.deliver()
        after = caller.get(f"/invoices/{invoice_id}")
        kinds = [entry["kind"] for entry in after["timeline"]]
        assert (kinds.count("credited"), kinds.count("refunded")) == (1, 0)
        [note], [refund] = after["credit_notes"], after["refunds"]
        assert (note["status"], note["vat"], refund["status"]) == ("issued", shown["vat"], "succeeded")
        assert after["payments"][0]["refunded"] == after["total"]


def test_parts_of_a_line_add_up(world: World) -> None:
    """Each previewed to the cent."""
    caller = world.caller()
    invoice_id = paid(world, caller)
    [line] = caller.get(f"/invoices/{invoice_id}")["plan"]["lines"]
    credit(caller, invoice_id, "credit-1", lines=[{"key": line["key"], "amount": "0.01"}])
    done = credit(caller, invoice_id, "credit-2")
    assert done["credited"] == done["total"]
    caller.post(f"/invoices/{invoice_id}/credit/preview", {}, 409)


def test_what_is_wrong_names_its_field_and_changes_nothing(world: World) -> None:
    """Too much, of no line, twice the same, not a cent; without having looked; another business's."""
    caller = world.caller()
    invoice_id = paid(world, caller)
    [line] = caller.get(f"/invoices/{invoice_id}")["plan"]["lines"]
    of = {"key": line["key"], "amount": "1"}
    where = f"/invoices/{invoice_id}/credit"
    for lines, field in (
        ([{**of, "amount": "99999"}], "lines.0.amount"),
        ([{**of, "amount": "0.001"}], "lines.0.amount"),
        ([{**of, "key": "nothing"}], "lines"),
        ([of, of], "lines"),
    ):
        assert caller.post(f"{where}/preview", {"lines": lines}, 422)["field"] == field
    assert caller.post(where, {**WHY, "seen": "x"}, 409, Idempotency_Key="credit-1")["code"] == "plan_changed"
    caller.post(where, {**WHY, "seen": "x"}, 422)
    world.caller(SOUTH).post(f"{where}/preview", {}, 404)
    assert caller.get(f"/invoices/{invoice_id}")["credit_notes"] == []


def test_a_correction_answers_with_its_new_draft(world: World) -> None:
    """Of an open invoice: nothing is left to pay, and both name each other."""
    caller = world.caller()
    invoice_id = sent(world, caller)
    for _ in range(2):
        done = caller.post(f"/invoices/{invoice_id}/correct", WHY, Idempotency_Key="correct-1")
    world.fake.deliver()
    assert (done["status"], done["amount_remaining"]["minor"]) == ("paid", 0)
    new = caller.get(f"/invoices/{done['credit_notes'][0]['replacement']}")
    assert (new["status"], new["total"]) == ("draft", done["total"])
    assert "corrects" in [entry["kind"] for entry in new["timeline"]]


def test_an_interrupted_one_is_continued(world: World) -> None:
    """503, and then once."""
    caller = world.caller()
    invoice_id = paid(world, caller)
    world.fake.faults.add("cut_after", "POST", "/v1/credit_notes", times=3)
    credit(caller, invoice_id, status=503)
    world.fake.faults.clear()
    [note] = caller.get(f"/invoices/{invoice_id}")["credit_notes"]
    assert note["status"] == "planned"
    done = caller.post(f"/credits/{note['id']}/continue")
    assert [each["status"] for each in done["credit_notes"]] == ["issued"]
    caller.post("/credits/nothing/continue", None, 404)


def test_what_the_business_does_in_stripe_is_told_once(world: World) -> None:
    """A refund that fails after all leaves the credit note without its money."""
    caller = world.caller()
    invoice_id = paid(world, caller)
    done = credit(caller, invoice_id)
    world.fake.deliver()
    world.fake.fail_refund(world.accounts[NORTH], done["refunds"][0]["stripe_id"])
    world.fake.deliver()
    after = caller.get(f"/invoices/{invoice_id}")
    assert after["not_arrived"] == after["total"]
    assert [entry["kind"] for entry in after["timeline"]].count("refund_failed") == 1


def test_above_the_limit_a_program_asks_for_a_person(world: World) -> None:
    """The same wish, as a request."""
    caller = world.caller()
    invoice_id = paid(world, caller)
    with world.host.app.app_context():
        world.host.app.extensions[EXTENSION].ready().system(NORTH).settings.set_limit("refund", "eur", 1, "")
    assert credit(caller, invoice_id, status=409)["code"] == "approval_needed"
    for deed in ("refund", "correct"):
        asked = caller.post(f"/invoices/{invoice_id}/approval", {**WHY, "deed": deed})
        assert (asked["kind"], asked["permission"]) == (deed, "refund")
