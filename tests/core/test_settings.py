"""What an admin sets: checked field by field, noted, and with a reason where safety is given up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flask_crm_stripe.core.settings import log_days
from flask_crm_stripe.errors import InvalidInput, NotPermitted
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.log import LogFilter
from tests.core.world import World


def test_the_defaults_of_new_invoices(world: World) -> None:
    """Kept for this business, and noted."""
    world.billing().settings.save_defaults({"days_until_due": "30"})
    assert world.billing().settings.all()["days_until_due"] == "30"
    assert world.billing("kestrel").settings.all() == {}
    assert world.billing().ledger.log.page(LogFilter(action="settings")).rows[0].actor == "1"


@pytest.mark.parametrize(
    "text",
    [
        "nobody",
        "a@b",
        "a b@c.example",
        "a@x.example\r\nBcc: all@x.example",
        '"quoted"@x.example',
        "<a@x.example>",
        "a@-x.example",
        f"{'a' * 65}@x.example",
        f"a@{'x' * 250}.example",
        " ".join(f"a{n}@x.example" for n in range(11)),
    ],
)
def test_what_is_no_mail_address_is_refused(world: World, text: str) -> None:
    """Before anything is kept: a header could be written through it."""
    with pytest.raises(InvalidInput) as caught:
        world.billing().settings.save_notify(text)
    assert caught.value.field == "notify"
    assert world.billing().settings.all() == {}


def test_addresses_are_kept_once_each_and_can_be_taken_away(world: World) -> None:
    """In the order in which they were typed."""
    settings = world.billing().settings
    settings.save_notify("b@x.example, a@x.example\nb@x.example")
    assert settings.all()["notify"] == "b@x.example, a@x.example"
    settings.save_notify(" ")
    assert settings.all()["notify"] == ""


def test_a_log_that_is_kept_shorter_needs_a_reason_and_is_news(world: World) -> None:
    """Longer needs none; for ever is nothing."""
    world.billing().settings.save_notify("ops@x.example")
    settings = world.billing().settings
    with pytest.raises(InvalidInput, match="reason"):
        settings.save_log_days("365", "")
    assert log_days(settings.all()) is None
    settings.save_log_days("365", "The law says so")
    settings.save_log_days("400", "")
    settings.save_log_days("", "")
    assert log_days(settings.all()) is None
    assert [mail.subject for mail in world.mailbox.mails] == ["A limit was changed"]
    assert "The log is kept for 365 days" in world.mailbox.mails[0].text
    reasons = [line.reason for line in settings.ledger.log.page(LogFilter(action="settings.log_days")).rows]
    assert reasons == [None, None, "The law says so"]


@pytest.mark.parametrize("text", ["89", "36501", "-1", "ten", "1.5"])
def test_a_span_is_a_number_of_days(world: World, text: str) -> None:
    """Not so short that nothing could be found out any more."""
    with pytest.raises(InvalidInput) as caught:
        world.billing().settings.save_log_days(text, "Because")
    assert caught.value.field == "log_days"


def test_only_those_who_administer_may(world: World) -> None:
    """Each use case asks for itself."""
    settings = world.billing(actor=Actor("9", "Pieter", ["view", "connect", "send", "approve"])).settings
    deeds: tuple[Callable[[], object], ...] = (
        lambda: settings.save_defaults({}),
        lambda: settings.save_notify(""),
        lambda: settings.save_log_days("", ""),
        lambda: settings.set_limit("send", "eur", 1, "x"),
        lambda: settings.clear_limits("Because"),
    )
    for deed in deeds:
        with pytest.raises(NotPermitted):
            deed()
