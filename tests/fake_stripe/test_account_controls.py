"""`/_fake/account`, `/_fake/reject`, `/_fake/close`: what happens to an account, over HTTP, for this machine only."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe
from werkzeug.test import Client

from . import scenes

DOCUMENT = "individual.verification.document"


@pytest.fixture
def scene() -> scenes.Scene:
    """Two connected businesses, news delivered."""
    played = scenes.play()
    played.fake.deliver()
    played.received.clear()
    return played


def post(scene: scenes.Scene, path: str, body: Any, **options: Any) -> tuple[int, Any]:
    """POST JSON to one control; its status and JSON."""
    answer = Client(scene.fake.wsgi_app).post(f"/_fake/{path}", json=body, **options)
    return answer.status_code, answer.json


def kinds(scene: scenes.Scene) -> list[str]:
    """The types of what the CRM hears."""
    scene.fake.deliver()
    return [each.type for each in scene.events()]


def test_an_account_is_changed(scene: scenes.Scene) -> None:
    """The answer is the account as it is now; the CRM hears of the account and of the capability."""
    wanted = {
        "charges_enabled": False,
        "requirements": {"past_due": [DOCUMENT]},
        "capabilities": {"transfers": "pending"},
    }
    status, made = post(scene, "account", {"account": scene.one, "set": wanted})
    assert (status, made["id"], made["charges_enabled"]) == (200, scene.one, False)
    assert made["requirements"]["currently_due"] == []
    assert kinds(scene) == ["account.updated", "capability.updated"]
    assert scene.client.v1.accounts.retrieve(scene.two).charges_enabled is True


def test_an_account_is_rejected(scene: scenes.Scene) -> None:
    """For fraud unless another reason is given."""
    reasons = []
    for body in ({"account": scene.one}, {"account": scene.one, "reason": "other"}):
        status, made = post(scene, "reject", body)
        reasons.append((status, made["requirements"]["disabled_reason"]))
    assert reasons == [(200, "rejected.fraud"), (200, "rejected.other")]


def test_an_account_is_closed(scene: scenes.Scene) -> None:
    """The CRM hears that it is disconnected, calls are refused, and the state says closed."""
    assert post(scene, "close", {"account": scene.one}) == (200, {"account": scene.one})
    assert kinds(scene) == ["account.application.deauthorized"]
    with pytest.raises(stripe.PermissionError):
        scene.client.v1.customers.list(options={"stripe_account": scene.one})
    state: Any = Client(scene.fake.wsgi_app).get("/_fake/state").json
    assert [state[each]["closed"] for each in (scene.one, scene.two)] == [True, False]


def test_an_account_is_added_under_a_given_id(scene: scenes.Scene) -> None:
    """So that a test and a live FakeStripe in other processes can have the same account."""
    assert post(scene, "accounts", {"name": "Both", "id": "acct_both"})[1]["id"] == "acct_both"


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("account", {}, "set"),
        ("account", {"account": "one", "set": ["charges_enabled"]}, "set"),
        ("account", {"account": "acct_x", "set": {}}, "acct_x"),
        ("account", {"set": {"charges_enabled": False}}, "There is no account"),
        ("account", {"account": "one", "set": {"colour": "red"}}, "colour"),
        ("account", {"account": "one", "set": {"charges_enabled": "no"}}, "charges_enabled"),
        ("account", {"account": "one", "set": {"requirements": {"errors": [[]]}}}, r"requirements.errors[0]"),
        ("account", [], "JSON object"),
        ("reject", {"account": "acct_x"}, "acct_x"),
        ("reject", {"account": "one", "reason": "boredom"}, "reason"),
        ("reject", {"account": "one", "reason": 7}, "reason"),
        ("close", {"account": "acct_x"}, "acct_x"),
        ("close", {"account": "platform"}, "platform's own"),
        ("close", {}, "There is no account"),
        ("accounts", {"name": "A", "id": "acct_"}, "no id of an account"),
        ("accounts", {"name": "A", "id": "one"}, "already"),
        ("accounts", {"name": "A", "id": 7}, "no id of an account"),
    ],
)
def test_bad_input_names_the_field_and_changes_nothing(scene: scenes.Scene, path: str, body: Any, word: str) -> None:
    """400, with a sentence that names what is wrong; the accounts are as they were."""
    known = {"one": scene.one, "platform": scene.fake.world.first_platform().account_id}
    if isinstance(body, dict):
        body = {name: known.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
    before = json.dumps(scene.fake.world.accounts)
    status, answer = post(scene, path, body)
    assert status == 400
    assert word in answer["error"]
    assert json.dumps(scene.fake.world.accounts) == before
    assert kinds(scene) == []


@pytest.mark.parametrize("path", ["account", "reject", "close", "accounts"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "localhost.evil.example"},
    ],
)
def test_another_site_reaches_none_of_them(scene: scenes.Scene, path: str, headers: dict[str, str]) -> None:
    """A foreign Host or Origin, and `Origin: null`, are refused before anything is done."""
    before = json.dumps(scene.fake.world.accounts)
    body = {"account": scene.one, "set": {"charges_enabled": False}, "name": "Evil"}
    status, answer = post(scene, path, body, headers=headers)
    assert (status, "this machine only" in answer["error"]) == (403, True)
    assert json.dumps(scene.fake.world.accounts) == before
    assert kinds(scene) == []


def test_another_machine_reaches_none_of_them(scene: scenes.Scene) -> None:
    """The sender must be this machine too."""
    for path in ("account", "reject", "close"):
        body = {"account": scene.one, "set": {"charges_enabled": False}}
        assert post(scene, path, body, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})[0] == 403
    assert scene.client.v1.accounts.retrieve(scene.one).charges_enabled is True
