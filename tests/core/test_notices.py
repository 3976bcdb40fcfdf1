"""News for the admins: kept first, then told by signal and mail; a lost mail is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flask_crm_stripe.core.notices import WORDS, account_notice, addresses, words_of
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.model.notices import Notice
from tests.core.records import NOON, a_connection
from tests.core.samples import ZONEN
from tests.core.world import World


@pytest.fixture
def mailed(connected: World) -> World:
    """Business hp has its notices mailed; the other has none."""
    connected.billing().settings.save_notify("ops@example.com, ines@example.com")
    connected.heard.signals.clear()
    return connected


def raise_one(world: World, business: str = "hp", key: str = "1") -> None:
    """A notice that stands on the pages."""
    billing = world.billing(business)
    billing.notices.add("limits", key, world.clock.now(), what="“send”: no limit", reason="Because")
    billing.notices.tell()


def test_a_notice_is_told_by_signal_and_mail_once(mailed: World) -> None:
    """To the addresses that were set, with a link to the pages; the other business hears nothing."""
    raise_one(mailed)
    raise_one(mailed)
    assert mailed.billing().notices.tell() == 0
    assert mailed.heard.names() == ["notice_raised"]
    _, payload = mailed.heard.signals[0]
    assert (payload["business"], payload["key"], payload["subject"]) == ("hp", "limits:1", "A limit was changed")
    (mail,) = mailed.mailbox.mails
    assert (mail.to, mail.business) == (("ops@example.com", "ines@example.com"), "hp")
    assert mail.text == "“send”: no limit: Because\n\nhttps://crm.example/stripe/limits\n"
    assert [notice.mail for notice in mailed.billing().notices.open()] == ["sent"]
    assert mailed.billing("kestrel").notices.open() == []


def test_without_addresses_or_a_mailer_it_stands_on_the_pages(mailed: World) -> None:
    """And the host hears of it by the signal."""
    raise_one(mailed, "kestrel")
    mailed.mailbox.there = False
    raise_one(mailed)
    for business in ("hp", "kestrel"):
        assert [notice.mail for notice in mailed.billing(business).notices.open()] == ["none"]
    assert mailed.heard.names() == ["notice_raised", "notice_raised"]
    assert mailed.mailbox.mails == []


def test_a_mail_that_may_be_lost_is_shown_and_not_sent_twice(mailed: World) -> None:
    """The mail server failed half-way: nobody knows. A notice that has its own place on the pages is shown, too."""
    mailed.mailbox.broken = True
    billing = mailed.billing()
    billing.notices.add("approval_asked", "1", mailed.clock.now(), what="Sending", reason="Because")
    billing.notices.tell()
    mailed.mailbox.broken = False
    assert billing.notices.tell() == 0
    assert [(notice.kind, notice.mail) for notice in billing.notices.open()] == [("approval_asked", "lost")]
    assert mailed.mailbox.mails == []


def test_a_process_that_died_while_mailing_loses_no_notice(mailed: World) -> None:
    """The mail was begun and never finished: it goes out at most once, the signal comes again."""
    billing = mailed.billing()
    billing.notices.add("limits", "1", mailed.clock.now(), what="x", reason="y")
    (waiting,) = billing.ledger.notices.untold()
    assert billing.ledger.notices.start_mail(waiting.id)
    mailed.upkeep.round()
    assert mailed.heard.names() == ["notice_raised"]
    assert mailed.mailbox.mails == []
    assert [notice.mail for notice in billing.notices.open()] == ["lost"]


def test_upkeep_tells_what_was_not_told_also_where_nothing_is_connected_any_more(mailed: World) -> None:
    """A disconnection is heard of."""
    billing = mailed.billing()
    billing.disconnection.carry_out("Another bank")
    billing.notices.add("limits", "1", mailed.clock.now(), what="x", reason="y")
    mailed.upkeep.round()
    assert [mail.subject for mail in mailed.mailbox.mails] == [
        "Stripe is disconnected: A business",
        "A limit was changed",
    ]


def test_those_who_may_connect_see_notices_and_put_them_away(mailed: World) -> None:
    """For everybody; it is noted who did."""
    raise_one(mailed)
    assert mailed.billing(actor=Actor("9", "Pieter", ["view"])).notices.open() == ()
    (notice,) = mailed.billing().notices.open()
    mailed.billing("kestrel").notices.put_away(notice.id)
    assert len(mailed.billing().notices.open()) == 1, "another business's notice is not there"
    mailed.billing().notices.put_away(notice.id)
    assert mailed.billing().notices.open() == []


def test_the_signal_of_a_connection_comes_with_its_notice(connected: World) -> None:
    """Connected and disconnected; the payload is the connection as it is."""
    connected.heard.signals.clear()
    connected.billing().disconnection.carry_out("Another bank")
    assert connected.heard.names() == ["notice_raised", "connection_changed"]
    connection = connected.heard.signals[1][1]["connection"]
    assert getattr(connection, "state", "") == "ended"


@pytest.mark.parametrize("kind", WORDS)
def test_no_name_from_outside_can_break_a_mail(kind: str) -> None:
    """New lines would start a header of their own; braces would be read as a place to fill in; nothing is endless."""
    evil = "A\r\nBcc: all@example.com {reason} {0.__class__}" + "x" * 5000
    names = ("account", "reason", "headline", "detail", "what", "decision", "number", "amount")
    subject, text = words_of(Notice("k", kind, NOON, dict.fromkeys(names, evil)))
    for words in (subject, text):
        assert not set("\r\n{}") & set(words)
    assert len(subject) <= 150
    assert len(text) < 4000


def test_an_account_that_changes_is_news_once_and_only_where_it_matters() -> None:
    """Worse, well again, or the same as before."""
    well = a_connection()
    paused = replace(well, account=replace(well.account, charges_enabled=False, disabled_reason="under_review"))
    later = datetime(2026, 11, 20, 12, 1, tzinfo=UTC)
    assert account_notice(well, well, NOON) is None
    worse, again = account_notice(well, paused, NOON), account_notice(well, paused, NOON)
    assert worse is not None
    assert again is not None
    assert (worse.kind, worse.key) == ("account", again.key)
    assert worse.params["headline"] == "Customers can't pay you at the moment."
    better = account_notice(paused, well, later)
    assert better is not None
    assert better.kind == "account_well"
    assert worse.seen_at is not None, "the health line of the pages says it already"


def test_who_wants_to_know_of_payments_gets_a_mail_in_their_language(connected: World) -> None:
    """One for each payment, to each address once, with a link to the invoice; the admins' list is another."""
    connected.platform = replace(connected.platform, translator=lambda language: f"[{language}] ".__add__)
    connected.inbox = replace(connected.inbox, billing=connected.platform.system)
    settings = connected.billing().settings
    settings.save_notify("ops@example.com", paid="ines@example.com, joris@example.com nl", failed="jun@example.com ja")
    connected.mailbox.mails.clear()
    invoice, shop = connected.generate(), connected.shops["hp"]
    shop.fail(invoice.stripe_id or "")
    told_twice(connected, invoice, 10)
    shop.pay(invoice.stripe_id or "")
    told_twice(connected, invoice, 20)
    connected.upkeep.round()
    number = connected.billing().invoicing.get(invoice.id).number
    assert [(mail.to, mail.subject) for mail in connected.mailbox.mails] == [
        (("jun@example.com",), f"[ja] A payment failed: {number}"),
        (("ines@example.com",), f"[] {number} is paid"),
        (("joris@example.com",), f"[nl] {number} is paid"),
    ]
    assert ZONEN.name not in str(connected.mailbox.mails), "who the customer is stands on the invoice only"
    assert connected.billing().notices.open() == [], "they are no news for the pages"


def told_twice(world: World, invoice: Invoice, first: int) -> None:
    """Two events about the same."""
    for number in (first, first + 1):
        world.inbox.receive(world.event(invoice, number=number))
    world.inbox.sweep()


def test_without_recipients_nothing_is_kept_of_payments(connected: World) -> None:
    """A notice for each payment would grow for ever."""
    invoice = connected.generate()
    connected.shops["hp"].pay(invoice.stripe_id or "")
    connected.inbox.receive(connected.event(invoice))
    connected.inbox.sweep()
    kinds = [payload["notice"].kind for name, payload in connected.heard.signals if name == "notice_raised"]  # type: ignore[attr-defined]
    assert set(kinds) == {"connected"}


def test_addresses_are_read_as_people_write_them() -> None:
    """Commas, spaces, lines."""
    assert addresses("a@x.example,b@x.example\n c@x.example ") == ["a@x.example", "b@x.example", "c@x.example"]
    assert addresses("") == []
