"""The JSON side of what is done to an invoice that went out, over FakeStripe, with Stripe's own events after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_crm_stripe.state import EXTENSION
from tests.web.api_world import NORTH, SOUTH, Caller, World, running_world

BODIES = {"void": {"reason": "A mistake"}, "uncollectible": {"reason": "Gone"}, "paid-elsewhere": {"how": "In cash"}}
BECOMES = {"void": "void", "uncollectible": "uncollectible", "paid-elsewhere": "paid"}
TOLD = {"void": "voided", "uncollectible": "uncollectible", "paid-elsewhere": "paid"}
DEEDS = {"void": "void", "uncollectible": "uncollectible", "paid-elsewhere": "paid_elsewhere"}

each_path = pytest.mark.parametrize("path", list(BODIES))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two connected businesses."""
    with running_world(tmp_path) as found:
        for business in (NORTH, SOUTH):
            found.connect(business)
        yield found


def sent(world: World, caller: Caller, business: str = NORTH, line: str = "11") -> str:
    """An open invoice's id; all that Stripe had to tell of it is told."""
    made = caller.made(world.order(business), line, key=f"invoice-{business}-{line}")
    world.fake.deliver()
    return str(made["id"])


@each_path
def test_done_by_a_program_told_once(world: World, path: str) -> None:
    """Repeated it answers the same; Stripe's events of it add no second sentence, in either business."""
    for business, line in ((NORTH, "11"), (SOUTH, "21")):
        caller = world.caller(business)
        invoice_id = sent(world, caller, business, line)
        for _ in range(2):
            done = caller.post(f"/invoices/{invoice_id}/{path}", BODIES[path])
            assert done["status"] == BECOMES[path]
        world.fake.deliver()
        after = caller.get(f"/invoices/{invoice_id}")
        assert [entry["kind"] for entry in after["timeline"]].count(TOLD[path]) == 1
        assert [payment["method"] for payment in after["payments"]] == (
            ["Recorded by hand"] if path == "paid-elsewhere" else []
        )


@each_path
def test_what_is_wrong_names_its_field_and_changes_nothing(world: World, path: str) -> None:
    """Too short, missing, or too long; a draft; another business's invoice."""
    caller, (field,) = world.caller(), BODIES[path]
    invoice_id = sent(world, caller)
    for value in ("x", "x" * 501):
        assert caller.post(f"/invoices/{invoice_id}/{path}", {field: value}, 422)
    caller.post(f"/invoices/{invoice_id}/{path}", {}, 422)
    assert caller.post(f"/invoices/{invoice_id}/{path}", {field: "    "}, 422)["field"] == field
    world.caller(SOUTH).post(f"/invoices/{invoice_id}/{path}", BODIES[path], 404)
    assert caller.get(f"/invoices/{invoice_id}")["status"] == "open"


@each_path
def test_above_the_limit_a_program_asks_for_a_person(world: World, path: str) -> None:
    """409 with the word for it; the request says what is asked for."""
    caller = world.caller()
    invoice_id = sent(world, caller)
    with world.host.app.app_context():
        world.host.app.extensions[EXTENSION].ready().system(NORTH).settings.set_limit("write_off", "eur", 1, "")
    assert caller.post(f"/invoices/{invoice_id}/{path}", BODIES[path], 409)["code"] == "approval_needed"
    asked = caller.post(f"/invoices/{invoice_id}/approval", {"reason": "In cash", "deed": DEEDS[path]})
    assert (asked["kind"], asked["state"], asked["permission"]) == (DEEDS[path], "waiting", "write_off")
    caller.post(f"/invoices/{invoice_id}/approval", {"reason": "In cash", "deed": "sell"}, 422)


def test_a_mail_goes_out_again(world: World) -> None:
    """A second time within a minute it does not; an invoice that is void is not mailed."""
    caller = world.caller()
    invoice_id = sent(world, caller)
    caller.post(f"/invoices/{invoice_id}/resend")
    caller.post(f"/invoices/{invoice_id}/resend", {"anyway": False})
    mailed = [each for each in world.fake.requests if each.path.endswith("/send")]
    assert len(mailed) == 1, "right after the first mail no other one goes out"
    caller.post(f"/invoices/{invoice_id}/void", {"reason": "A mistake"})
    caller.post(f"/invoices/{invoice_id}/resend", {"anyway": True}, 409)
