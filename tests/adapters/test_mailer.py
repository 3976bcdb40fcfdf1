"""Mails go out the way the host sends its own."""

from __future__ import annotations

import pytest

from flask_crm_stripe.adapters.mailer import HostMailer
from flask_crm_stripe.model.notices import Mail

MAIL = Mail(("ops@example.com",), "Subject", "Text")


def test_without_a_function_of_the_hosts_nothing_is_sent() -> None:
    """And that is said, for the notice then stands on the pages only."""
    assert HostMailer(lambda: None).send(MAIL) is False


def test_the_hosts_function_gets_the_mail_whole() -> None:
    """Registered at any time; what it raises comes through."""
    sent: list[Mail] = []
    assert HostMailer(lambda: sent.append).send(MAIL) is True
    assert sent == [MAIL]

    def broken(_: Mail) -> None:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        HostMailer(lambda: broken).send(MAIL)
