"""The buttons of an account on the dashboard: what they do, where they are, and that nobody else can press them."""

from __future__ import annotations

import re
from typing import Any

import pytest
import stripe
from werkzeug.test import Client, TestResponse

from flask_crm_stripe.testing.fake_stripe.deeds import DEEDS, DOCUMENT

from . import scenes

WEEK = 7 * 24 * 3600
DAY = 24 * 3600


@pytest.fixture
def scene() -> scenes.Scene:
    """Two connected businesses and one that is not connected, news delivered."""
    played = scenes.play()
    played.fake.create_account("Alone", id="acct_alone")
    played.fake.deliver()
    played.received.clear()
    return played


def press(scene: scenes.Scene, account: str, deed: str, **headers: str) -> TestResponse:
    """Post the form of one button, as a browser does."""
    sent = {"Origin": "http://localhost", **headers}
    return Client(scene.fake.wsgi_app).post(f"/accounts/{account}/{deed}", headers=sent)


def card(scene: scenes.Scene, account: str) -> str:
    """The part of the dashboard that shows this account."""
    text = Client(scene.fake.wsgi_app).get("/").text
    parts = re.findall(r'<div class="card">.*?\n      </div>', text, re.DOTALL)
    return next(each for each in parts if f"<code>{account}</code>" in each)


def found(scene: scenes.Scene, account: str) -> stripe.Account:
    """The account as the platform reads it."""
    return scene.client.v1.accounts.retrieve(account)


def due(scene: scenes.Scene, account: str) -> Any:
    """Its requirements."""
    return found(scene, account).requirements


def test_a_deed_leads_back_to_the_accounts_view(scene: scenes.Scene) -> None:
    """303 to the dashboard narrowed to the account, so that a reload does nothing again."""
    answer = press(scene, scene.one, "document")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/?account={scene.one}")
    assert Client(scene.fake.wsgi_app).get(answer.headers["Location"]).status_code == 200


def test_a_document_is_asked_for_within_a_week(scene: scenes.Scene) -> None:
    """It is currently due, payments go on, and the page says by when; the other business is not asked."""
    press(scene, scene.one, "document")
    wanted = due(scene, scene.one)
    assert (wanted.currently_due, wanted.past_due, wanted.disabled_reason) == ([DOCUMENT], [], None)
    assert abs(wanted.current_deadline - scene.fake.clock.now() - WEEK) < 60
    assert found(scene, scene.one).charges_enabled is True
    assert f": {DOCUMENT}" in card(scene, scene.one).partition("Due by 20")[2]
    assert due(scene, scene.two).currently_due == []
    assert "Due by" not in card(scene, scene.two)


def test_payments_are_paused_and_all_is_well_again(scene: scenes.Scene) -> None:
    """Pausing makes the document past due and switches charges off; the other button puts everything right."""
    press(scene, scene.one, "pause")
    assert found(scene, scene.one).charges_enabled is False
    assert (due(scene, scene.one).past_due, due(scene, scene.one).disabled_reason) == (
        [DOCUMENT],
        "requirements.past_due",
    )
    for words in ("Payments are off.", f"Past due: {DOCUMENT}", "Reason: requirements.past_due"):
        assert words in card(scene, scene.one)
    scene.fake.update_account(scene.one, payouts_enabled=False)
    assert "Payouts are off" in card(scene, scene.one)
    press(scene, scene.one, "well")
    wanted = due(scene, scene.one)
    assert (wanted.currently_due, wanted.past_due, wanted.current_deadline, wanted.disabled_reason) == (
        [],
        [],
        None,
        None,
    )
    assert (found(scene, scene.one).charges_enabled, found(scene, scene.one).payouts_enabled) == (True, True)
    assert '<ul class="news' not in card(scene, scene.one)


def test_what_the_buttons_do_is_told_to_the_crm(scene: scenes.Scene) -> None:
    """Each deed makes its event; pressing twice tells nothing new."""
    for deed in ("pause", "pause", "well", "well", "reject", "disconnect"):
        assert press(scene, scene.one, deed).status_code == 303
    scene.fake.deliver()
    told = [(each.type, each.account) for each in scene.events()]
    kinds = ["account.updated"] * 3 + ["account.application.deauthorized"]
    assert told == [(kind, scene.one) for kind in kinds]


def test_a_rejected_account_says_so(scene: scenes.Scene) -> None:
    """Charges and payouts are off, with Stripe's reason."""
    press(scene, scene.one, "reject")
    assert due(scene, scene.one).disabled_reason == "rejected.fraud"
    for words in ("Payments are off", "Payouts are off", "rejected.fraud"):
        assert words in card(scene, scene.one)


def test_buttons_are_where_they_can_be_pressed(scene: scenes.Scene) -> None:
    """All of them where connected, Disconnect nowhere else, none for a platform's own account or a closed one."""
    assert [words for deed in DEEDS.values() if (words := deed.words) in card(scene, scene.one)] == [
        "Ask for a document, due in a week",
        "Pause payments",
        "All is well again",
        "Disconnect the CRM",
        "Reject the account",
    ]
    alone = card(scene, "acct_alone")
    assert "Pause payments" in alone
    assert "Disconnect" not in alone
    press(scene, scene.one, "disconnect")
    assert "Disconnect" not in card(scene, scene.one)
    assert "Disconnect" in card(scene, scene.two)
    scene.fake.close_account(scene.two)
    for account in (scene.two, scene.fake.world.first_platform().account_id):
        assert "<form" not in card(scene, account)
    assert '<span class="state bad">closed</span>' in card(scene, scene.two)


def test_what_is_not_there_cannot_be_pressed(scene: scenes.Scene) -> None:
    """404 for unknown accounts and deeds, 409 where there is no such button now, 405 for a GET; nothing is told."""
    platform = scene.fake.world.first_platform().account_id
    assert press(scene, "acct_nobody", "pause").status_code == 404
    assert press(scene, scene.one, "explode").status_code == 404
    assert press(scene, "acct_alone", "disconnect").status_code == 409
    assert press(scene, platform, "pause").status_code == 409
    assert Client(scene.fake.wsgi_app).get(f"/accounts/{scene.one}/pause").status_code == 405
    scene.fake.deliver()
    assert scene.received == []


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
)
def test_another_site_cannot_press_a_button(scene: scenes.Scene, deed: str, headers: dict[str, str]) -> None:
    """A foreign Host, a foreign Origin and `Origin: null` are refused, and the account is as it was."""
    before = found(scene, scene.one).to_dict()
    refused = press(scene, scene.one, deed, **headers)
    assert (refused.status_code, "this machine only" in refused.text) == (403, True)
    assert found(scene, scene.one).to_dict() == before
    scene.fake.deliver()
    assert scene.received == []


def test_another_machine_cannot_press_a_button(scene: scenes.Scene) -> None:
    """Nor can one that names us rightly but sits elsewhere."""
    browser = Client(scene.fake.wsgi_app)
    path = f"/accounts/{scene.one}/reject"
    for sender in ("192.0.2.7", "2001:db8::1"):
        assert browser.post(path, environ_overrides={"REMOTE_ADDR": sender}).status_code == 403
    assert found(scene, scene.one).charges_enabled is True


def test_the_forms_of_the_dashboard_lead_to_itself_only(scene: scenes.Scene) -> None:
    """Its policy says form-action 'self'; the consent page's does not, since its form must lead on to the CRM."""
    browser = Client(scene.fake.wsgi_app)
    assert "form-action 'self'" in browser.get("/").headers["Content-Security-Policy"]
    consent = browser.get(scenes.consent_url().removeprefix("https://connect.stripe.com"))
    assert "form-action" not in consent.headers["Content-Security-Policy"]
    assert "unsafe" not in browser.get("/").headers["Content-Security-Policy"]
    assert all(bad not in browser.get("/").text for bad in ("style=", "<script", "onclick"))


def test_names_in_the_forms_are_text(scene: scenes.Scene) -> None:
    """A business whose name looks like markup gets no markup into a button's label."""
    made = scene.fake.create_account('"><img src=x onerror=alert(1)>')["id"]
    assert "<img" not in card(scene, made)
    assert 'aria-label="What happens to &#34;&gt;' in card(scene, made)
