"""The reader's language: a catalogue is found and used, and every sentence in a template can be translated."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from flask_crm_stripe import web
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor
from flask_crm_stripe.web import i18n
from flask_crm_stripe.web.i18n import Texts, parsed_locale
from tests.web.page_stage import Stage
from tests.web.page_worlds import stage

__all__ = ["stage"]

TEMPLATES = Path(web.__file__).parent / "templates" / "crm_stripe"


@pytest.fixture
def dutch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Dutch catalogue with three messages."""
    known = Catalog(locale="nl", domain="crm_stripe")
    known.add("Invoices", "Facturen")
    known.add("Invoice %(number)s was sent to %(email)s.", "Factuur %(number)s is naar %(email)s verstuurd.")
    known.add(("%(number)s day late", "%(number)s days late"), ("%(number)s dag te laat", "%(number)s dagen te laat"))
    folder = tmp_path / "nl" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    written = io.BytesIO()
    write_mo(written, known)
    (folder / "crm_stripe.mo").write_bytes(written.getvalue())
    monkeypatch.setattr(i18n, "CATALOGUES", tmp_path)
    i18n.catalogue.cache_clear()


@pytest.fixture(autouse=True)
def _forget_catalogues() -> Iterator[None]:
    """What one test loaded is not there for the next."""
    i18n.catalogue.cache_clear()
    yield
    i18n.catalogue.cache_clear()


@pytest.mark.usefixtures("dutch")
def test_a_page_is_in_the_person_s_language(stage: Stage) -> None:
    """A Dutch reader gets Dutch words, figures and dates; what is not translated stays English."""
    stage.invoice("b1", "b2")
    stage.actor = Actor("1", "Ines Okafor", ALL_PERMISSIONS, "nl")
    text = stage.client().get("/stripe/invoices").text
    assert "<h1>Facturen</h1>" in text
    assert "6.053,03" in text
    assert 'lang="nl"' in text
    assert "Still to pay" in text


@pytest.mark.usefixtures("dutch")
def test_placeholders_and_plurals_are_filled_in_the_translation() -> None:
    """Named values land where the translation wants them, escaped."""
    texts = Texts(Locale("nl"))
    message = "Invoice %(number)s was sent to %(email)s."
    assert texts.gettext(message, number="1", email="<a>") == "Factuur 1 is naar &lt;a&gt; verstuurd."
    assert texts.ngettext("%(number)s day late", "%(number)s days late", 1) == "1 dag te laat"
    assert texts.ngettext("%(number)s day late", "%(number)s days late", 3) == "3 dagen te laat"


@pytest.mark.parametrize(
    ("tag", "wanted"), [("pt-BR", "pt_BR"), ("nl_XX", "nl"), ("", None), ("!!", None), ("zz", None), ("en-GB", "en_GB")]
)
def test_tags_of_all_kinds_give_a_locale_or_none(tag: str, wanted: str | None) -> None:
    """Hyphens and underscores, unknown countries, nonsense."""
    found = parsed_locale(tag)
    assert (str(found) if found else None) == wanted


def test_every_visible_sentence_of_a_template_can_be_translated() -> None:
    """Outside tags, Jinja and comments no template holds words of its own."""
    for template in TEMPLATES.glob("*.html"):
        source = template.read_text().replace("{% block width %}cs-form-page{% endblock %}", "")
        source = re.sub(r"\s[a-z-]+=\"[^\"]*\"", "", source)
        source = re.sub(r"<code>[^<]*</code>", "", source)  # Commands are the same in every language.
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", source, flags=re.S)
        assert not re.findall(r"[A-Za-z]{3,}", text), template.name
