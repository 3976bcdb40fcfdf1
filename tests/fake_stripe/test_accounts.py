"""What happens to an account at Stripe: it is changed, rejected, closed; who hears of it, what the API says then."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe
from werkzeug.test import Client

from flask_crm_stripe.testing.fake_stripe import FakeStripe, Switches

from . import raw, scenes, whole

DOCUMENT = "individual.verification.document"
ERROR = {"code": "information_missing", "reason": "Send it again.", "requirement": DOCUMENT}


@pytest.fixture
def scene() -> scenes.Scene:
    """Two connected businesses, news delivered."""
    played = scenes.play()
    played.fake.deliver()
    played.received.clear()
    return played


def told(scene: scenes.Scene) -> list[dict[str, Any]]:
    """What the CRM's endpoint hears of since the last time."""
    scene.fake.deliver()
    heard = [json.loads(body) for body, _ in scene.received]
    scene.received.clear()
    return heard


def account(scene: scenes.Scene, account_id: str) -> stripe.Account:
    """The account as the platform reads it."""
    return scene.client.v1.accounts.retrieve(account_id)


# -- changed -----------------------------------------------------------------------------------------------------------


def test_a_change_is_seen_and_told_with_what_was_before(scene: scenes.Scene) -> None:
    """The API answers the new values, `account.updated` has the old ones, and the other business is as it was."""
    due = {"currently_due": [DOCUMENT], "current_deadline": 1_900_000_000, "errors": [ERROR]}
    made = scene.fake.update_account(scene.one, payouts_enabled=False, requirements=due)
    (event,) = told(scene)
    assert (event["type"], event["account"]) == ("account.updated", scene.one)
    assert event["data"]["previous_attributes"] == {
        "payouts_enabled": True,
        "requirements": {"currently_due": [], "current_deadline": None, "errors": []},
    }
    assert event["data"]["object"]["requirements"]["currently_due"] == [DOCUMENT]
    found = account(scene, scene.one)
    assert (found.charges_enabled, found.payouts_enabled) == (True, False)
    assert whole.is_whole(made)
    assert made["requirements"]["past_due"] == []
    other = account(scene, scene.two)
    assert (other.payouts_enabled, other.requirements and other.requirements.currently_due) == (True, [])


def test_objects_inside_are_merged_one_level_deep(scene: scenes.Scene) -> None:
    """What is not given stays; what is given one level below stands alone, in its full shape."""
    made = scene.fake.update_account(
        scene.one,
        business_profile={"support_phone": "+31 20 1", "support_address": {"city": "Utrecht"}},
        settings={"payouts": {"statement_descriptor": "ATELIER"}},
        metadata={"crm": "7"},
    )
    assert made["business_profile"]["name"] == "Harbour Physio"
    assert (made["business_profile"]["support_address"]["city"], made["metadata"]) == ("Utrecht", {"crm": "7"})
    assert made["settings"]["dashboard"]["display_name"] == "Harbour Physio"
    assert made["settings"]["payouts"]["statement_descriptor"] == "ATELIER"
    assert whole.is_whole(made)


def test_what_stays_the_same_is_not_told(scene: scenes.Scene) -> None:
    """Setting a field to what it is says nothing, alone or beside one that changes."""
    scene.fake.update_account(scene.one, charges_enabled=True, capabilities={"transfers": "active"})
    assert told(scene) == []
    scene.fake.update_account(scene.one, charges_enabled=True, details_submitted=False)
    (event,) = told(scene)
    assert event["data"]["previous_attributes"] == {"details_submitted": True}


def test_every_capability_that_changed_is_told_in_full(scene: scenes.Scene) -> None:
    """`capability.updated` for each changed status, also for one that is new or gone, with a whole object."""
    due = {"past_due": [DOCUMENT], "disabled_reason": "requirements.past_due"}
    wanted = {"card_payments": "inactive", "sepa_debit_payments": "pending", "transfers": None}
    scene.fake.update_account(scene.one, capabilities=wanted, requirements=due)
    first, *events = told(scene)
    assert first["type"] == "account.updated"
    assert first["data"]["object"]["capabilities"] == {"card_payments": "inactive", "sepa_debit_payments": "pending"}
    assert {each["type"] for each in events} == {"capability.updated"}
    found = {each["data"]["object"]["id"]: each["data"]["object"] for each in events}
    before = {each["data"]["object"]["id"]: each["data"]["previous_attributes"]["status"] for each in events}
    assert {name: (before[name], each["status"]) for name, each in found.items()} == {
        "card_payments": ("active", "inactive"),
        "sepa_debit_payments": ("unrequested", "pending"),
        "transfers": ("active", "unrequested"),
    }
    card = found["card_payments"]
    assert whole.is_whole(card)
    assert (card["account"], card["requirements"]["past_due"]) == (scene.one, [DOCUMENT])
    assert card["requirements"]["disabled_reason"] == "requirements.fields_needed"
    assert (card["requested"], found["transfers"]["requested"]) == (True, False)


def test_a_capability_says_why_it_is_off_in_its_own_words(scene: scenes.Scene) -> None:
    """A rejected account's capability was rejected; one that is off for no requirement has another reason."""
    scene.fake.update_account(scene.one, capabilities={"transfers": "inactive"})
    scene.fake.reject_account(scene.one)
    scene.fake.update_account(scene.one, capabilities={"card_payments": "inactive"})
    changed = [each["data"]["object"] for each in told(scene) if each["type"] == "capability.updated"]
    reasons = [each["requirements"]["disabled_reason"] for each in changed]
    assert reasons == ["other", "rejected.other"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"colour": "red"}, "colour"),
        ({"object": "customer"}, "object"),
        ({"type": "express"}, "type"),
        ({"deleted": True}, "deleted"),
        ({"charges_enabled": "yes"}, "charges_enabled"),
        ({"charges_enabled": 1}, "charges_enabled"),
        ({"created": 5}, "created"),
        ({"email": ["a@example.com"]}, "email"),
        ({"requirements": None}, "requirements"),
        ({"requirements": {"curently_due": []}}, "requirements.curently_due"),
        ({"requirements": {"currently_due": DOCUMENT}}, "requirements.currently_due"),
        ({"requirements": {"currently_due": [7]}}, r"requirements.currently_due\[0\]"),
        ({"requirements": {"current_deadline": "tomorrow"}}, "requirements.current_deadline"),
        ({"requirements": {"current_deadline": True}}, "requirements.current_deadline"),
        ({"requirements": {"errors": [{"code": "other"}]}}, r"requirements.errors\[0\].reason is missing"),
        ({"requirements": {"errors": [ERROR | {"why": "x"}]}}, r"requirements.errors\[0\].why"),
        ({"capabilities": {"teleport": "active"}}, "capabilities.teleport"),
        ({"settings": {"payouts": {"colour": "red"}}}, "settings.payouts.colour"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"individual": {"email": 7}}, "individual.email"),
        ({"individual": {"metadata": {"a": 1}}}, "individual.metadata.a"),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(scene: scenes.Scene, fields: dict[str, Any], word: str) -> None:
    """Unknown fields at any depth and values of a wrong type are named; nothing changes and nothing is told."""
    before = json.dumps(scene.fake.world.accounts)
    with pytest.raises(ValueError, match=word):
        scene.fake.update_account(scene.one, payouts_enabled=False, **fields)
    with pytest.raises(ValueError, match=word):
        scene.fake.create_account("Another", **fields)
    assert json.dumps(scene.fake.world.accounts) == before
    assert told(scene) == []


def test_texts_that_the_sdk_does_not_list_are_taken() -> None:
    """Stripe adds words to its enums, so a test may try one; a person may be given too, in full shape."""
    person = {"email": "a@example.com", "metadata": {"crm": "1"}}
    made = FakeStripe().create_account("A", requirements={"disabled_reason": "rejected.by_robots"}, individual=person)
    assert (made["requirements"]["disabled_reason"], made["requirements"]["past_due"]) == ("rejected.by_robots", [])
    assert (made["individual"]["email"], made["individual"]["metadata"]) == ("a@example.com", {"crm": "1"})
    assert whole.is_whole(made)


def test_there_must_be_such_an_account(scene: scenes.Scene) -> None:
    """An unknown id is named by whatever was to happen to it."""
    for act in (scene.fake.update_account, scene.fake.reject_account, scene.fake.close_account):
        with pytest.raises(ValueError, match="acct_nobody"):
            act("acct_nobody")


def test_what_is_given_back_is_a_copy(scene: scenes.Scene) -> None:
    """Changing an answer in a test does not change the world behind everybody's back."""
    made = scene.fake.update_account(scene.one, payouts_enabled=False)
    made["requirements"]["past_due"].append(DOCUMENT)
    found = account(scene, scene.one).requirements
    assert found is not None
    assert found.past_due == []


# -- rejected ----------------------------------------------------------------------------------------------------------


def test_a_rejected_account_is_off_and_still_answers(scene: scenes.Scene) -> None:
    """No charges, no payouts, the reason in the requirements, one `account.updated`; the API goes on."""
    scene.fake.reject_account(scene.one)
    (event,) = told(scene)
    assert (event["type"], event["data"]["object"]["charges_enabled"]) == ("account.updated", False)
    found = account(scene, scene.one)
    assert (found.charges_enabled, found.payouts_enabled) == (False, False)
    assert found.requirements is not None
    assert found.requirements.disabled_reason == "rejected.fraud"
    options: stripe.RequestOptions = {"stripe_account": scene.one}
    assert scene.client.v1.customers.create({"name": "Ada"}, options).name == "Ada"
    scene.fake.reject_account(scene.one, "terms_of_service")
    found = account(scene, scene.one)
    assert found.requirements is not None
    assert found.requirements.disabled_reason == "rejected.terms_of_service"


def test_a_reason_that_stripe_does_not_have_is_refused(scene: scenes.Scene) -> None:
    """The reasons are the SDK's own."""
    with pytest.raises(ValueError, match=r"must be one of fraud, .*terms_of_service"):
        scene.fake.reject_account(scene.one, "boredom")
    assert account(scene, scene.one).charges_enabled is True


# -- closed ------------------------------------------------------------------------------------------------------------


def test_a_closed_account_is_gone_for_every_platform(scene: scenes.Scene) -> None:
    """Each platform hears that it is disconnected, then its calls are refused; the other business is untouched."""
    fake = scene.fake
    second = stripe.StripeClient("sk_test_second", http_client=fake.http_client())
    code = scenes.answered(fake.authorize(scenes.consent_url(client_id="ca_second"), scene.one))["code"]
    assert scenes.exchange(fake, code, client_secret="sk_test_second").status_code == 200
    fake.close_account(scene.one)
    kind = "account.application.deauthorized"
    events = fake.world.store(scene.one)["event"].values()
    gone = [each["data"]["object"]["id"] for each in events if each["type"] == kind]
    assert gone == [scenes.CLIENT_ID, "ca_second"]
    assert kind in [each["type"] for each in told(scene)]
    for client in (scene.client, second):
        with pytest.raises(stripe.PermissionError) as refused:
            client.v1.customers.list(options={"stripe_account": scene.one})
        assert refused.value.error is not None
        assert refused.value.error.code == "account_invalid"
    with pytest.raises(stripe.PermissionError):
        account(scene, scene.one)
    assert scene.client.v1.customers.list(options={"stripe_account": scene.two}).data == []


def test_a_closed_account_cannot_be_connected_again(scene: scenes.Scene) -> None:
    """The consent page does not offer it, a form that names it is no choice, a code from before is worth nothing."""
    fake = scene.fake
    code = scenes.answered(fake.authorize(scenes.consent_url(), scene.one))["code"]
    fake.close_account(scene.one)
    with pytest.raises(ValueError, match="does not offer"):
        fake.authorize(scenes.consent_url(), scene.one)
    path = scenes.consent_url().removeprefix("https://connect.stripe.com")
    answer = Client(fake.wsgi_app).post(path, data={"decision": "allow", "account": scene.one})
    assert (answer.status_code, "Choose an account" in answer.text) == (200, True)
    refused = scenes.exchange(fake, code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert fake.authorize(scenes.consent_url(), scene.two)


def test_nothing_more_happens_to_a_closed_account(scene: scenes.Scene) -> None:
    """It cannot be changed, rejected or closed again, its id stays taken, and its invoices cannot be paid."""
    fake = scene.fake
    url = str(scene.open_invoice(scene.one).hosted_invoice_url)
    fake.close_account(scene.one)
    for act in (fake.update_account, fake.reject_account, fake.close_account):
        with pytest.raises(ValueError, match="is closed"):
            act(scene.one)
    with pytest.raises(ValueError, match="already"):
        fake.create_account("Again", id=scene.one)
    assert fake.pay(url)["status"] == "open"
    assert not fake.world.store(scene.one)["charge"]


def test_a_platforms_own_account_is_not_closed(scene: scenes.Scene) -> None:
    """Only a business closes its account; the platform goes on."""
    own = scene.fake.world.first_platform().account_id
    with pytest.raises(ValueError, match="platform's own"):
        scene.fake.close_account(own)
    assert account(scene, scene.one).id == scene.one


# -- payments while charges are off ------------------------------------------------------------------------------------


def paused(switches: Switches | None = None, *, livemode: bool = False) -> tuple[raw.Api, dict[str, Any]]:
    """A business with an open invoice and its charges off."""
    api, _ = raw.connected(switches, livemode=livemode)
    invoice = raw.opened(api)
    api.fake.update_account(api.account or "", charges_enabled=False)
    return api, invoice


def test_test_payments_go_on_while_charges_are_off() -> None:
    """By default a test payment needs no enabled charges."""
    api, invoice = paused()
    assert api.fake.pay(invoice["hosted_invoice_url"])["status"] == "paid"


@pytest.mark.parametrize("livemode", [False, True])
def test_no_payment_is_taken_where_charges_are_off(livemode: bool) -> None:
    """By the switch, and always in live mode: page and API refuse, nothing is charged; afterwards it works again."""
    api, invoice = paused(Switches(pay_with_charges_off="refuse" if not livemode else "accept"), livemode=livemode)
    browser, path = Client(api.fake.wsgi_app), invoice["hosted_invoice_url"].removeprefix("http://127.0.0.1:12111")
    page = browser.get(path)
    assert "cannot take payments at the moment" in page.text
    assert "<form" not in page.text
    posted = browser.post(path, data={"card": "4242424242424242"})
    assert (posted.status_code, "Nothing was charged" in posted.text) == (409, True)
    if not livemode:
        error = api.no("POST", f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
        assert "cannot currently make test charges" in error["message"]
    assert not api.fake.world.store(api.account or "")["charge"]
    assert api.post(f"/v1/invoices/{raw.opened(api)['id']}/pay", {"paid_out_of_band": True})["status"] == "paid"
    api.fake.update_account(api.account or "", charges_enabled=True)
    assert api.fake.pay(invoice["hosted_invoice_url"])["status"] == "paid"
