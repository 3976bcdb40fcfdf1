"""The words of statuses and of what happened."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Status
from flask_crm_stripe.web.formats import Formats
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.sentences import HAPPENED, INVOICE, LOOKS, look_of, sentence

NOW = datetime(2026, 11, 22, 21, 31, tzinfo=UTC)
TEXTS = Texts(Locale("en"))
F = Formats(Locale("en", "GB"), ZoneInfo("UTC"), NOW)


def told(kind: str, actor: str | None = None, personal: bool = True, email: str | None = None, **params: str) -> str:
    """The sentence without its markup."""
    entry = TimelineEntry(NOW, kind, actor, params)
    return sentence(entry, email, TEXTS, F, {"1": "Ines Okafor"}, personal=personal).striptags()


def test_every_status_of_stripe_has_a_word_of_its_own() -> None:
    """The five statuses are named as Stripe names them, each with its own look."""
    assert [INVOICE[status].word for status in Status] == ["Draft", "Open", "Paid", "Void", "Uncollectible"]


@pytest.mark.parametrize("family", LOOKS)
def test_an_unknown_word_shows_itself_quietly(family: str) -> None:
    """A status that Stripe invents tomorrow is shown in its own word, in grey."""
    look = look_of(family, "brand_new_word")
    assert (look.word, look.tone) == ("Brand new word", "secondary")


@pytest.mark.parametrize("kind", HAPPENED)
@pytest.mark.parametrize("actor", ["7", None])
def test_every_kind_is_a_whole_sentence_even_without_details(kind: str, actor: str | None) -> None:
    """Details may be missing (an old row, a silent Stripe): the sentence still stands and shows no placeholder."""
    words = told(kind, actor)
    assert words[0].isalnum()
    assert words.endswith(".")
    assert "%" not in words
    assert "None" not in words


def test_sentences_name_actor_deed_and_amount() -> None:
    """Who did what, with the figures as the reader writes them."""
    assert told("made", "1", lines="4") == "Ines Okafor made it from 4 lines of work."
    assert told("sent", "1", email="a@b.example") == "Ines Okafor sent it by mail to a@b.example."
    assert told("sent", "7", email="a@b.example") == "7 sent it by mail to a@b.example."
    assert told("sent", "7", personal=False, email="ada@b.example") == "7 sent it by mail to a…@b.example."
    assert told("paid", amount="3000.00 EUR", method="Bank transfer") == "3,000.00 EUR came in (Bank transfer)."
    assert told("payment_failed", method="Card ending 0341", reason="The card has expired.") == (
        "Card ending 0341: the payment failed. The card has expired. Nothing was taken."
    )


def test_an_unknown_kind_is_shown_not_hidden() -> None:
    """What a newer version wrote is still there after a downgrade."""
    assert told("payout_split") == "Payout split."


def test_names_in_sentences_are_data() -> None:
    """Markup in a name, a percent sign and a foreign direction stay inside their own bdi."""
    name = '<script>alert("%(actor)s")</script>'
    found = sentence(TimelineEntry(NOW, "sent", "1"), "%s@x", TEXTS, F, {"1": name}, personal=True)
    assert "<script" not in found
    assert "<bdi>&lt;script&gt;alert(&#34;%(actor)s&#34;)&lt;/script&gt;</bdi>" in found
    assert "<bdi>%s@x</bdi>" in found


def test_messages_escape_themselves_and_their_values() -> None:
    """Nothing that comes out of gettext is unsafe HTML, however it went in."""
    assert TEXTS.gettext("a < b") == "a &lt; b"
    assert TEXTS.gettext("100 %% of %(name)s", name="<i>") == "100 % of &lt;i&gt;"
    assert TEXTS.ngettext("one", "%(number)s of them", 3) == "3 of them"
