"""The sentences of the pages in the reader's language: gettext catalogues of this package, by Babel."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.support import NullTranslations, Translations
from markupsafe import Markup, escape

from flask_crm_stripe.model.business import Actor, Business

CATALOGUES = Path(__file__).resolve().parent.parent / "translations"
DOMAIN = "crm_stripe"
FALLBACK = Locale("en")


def marked(message: str) -> str:
    """The message itself. Import it as ``_`` where a table holds messages that are translated when they are shown."""
    return message


def locale_of(actor: Actor, business: Business) -> Locale:
    """The person's locale; the business's where the person has none that is known; English at last."""
    for wanted in (actor.locale, business.locale):
        if found := parsed_locale(wanted or ""):
            return found
    return FALLBACK


@lru_cache(maxsize=256)
def parsed_locale(tag: str) -> Locale | None:
    """A locale from ``pt-BR`` or ``pt_BR``; its language alone where the country is unknown; None for no locale."""
    parts = tag.replace("-", "_").split("_")
    for candidate in ("_".join(parts), parts[0]):
        try:
            return Locale.parse(candidate)
        except (ValueError, UnknownLocaleError, TypeError):
            continue
    return None


@lru_cache(maxsize=64)
def catalogue(locale: Locale) -> NullTranslations:
    """The messages of a locale; English, which is what the code holds, where there is no catalogue."""
    return Translations.load(CATALOGUES, [locale], DOMAIN)


def translator(language: str) -> Callable[[str], str]:
    """Plain sentences in a language, for mails; English for one that is unknown or empty."""
    return catalogue(parsed_locale(language) or FALLBACK).ugettext


class Texts:
    """gettext for one reader. Everything that comes out is safe to put into HTML: messages and values are escaped."""

    def __init__(self, locale: Locale) -> None:
        self._catalogue = catalogue(locale)

    def gettext(self, message: str, **values: object) -> Markup:
        """The message, with ``%(name)s`` filled in. A message with values writes a percent sign as ``%%``."""
        return _filled(self._catalogue.ugettext(message), values)

    def ngettext(self, one: str, many: str, number: int, **values: object) -> Markup:
        """The form that fits the number, which is ``%(number)s`` unless ``values`` gives it as other words."""
        return _filled(self._catalogue.ungettext(one, many, number), {"number": number, **values})


def _filled(message: str, values: dict[str, object]) -> Markup:
    safe = escape(message)
    return safe % values if values else safe
