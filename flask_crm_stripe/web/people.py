"""Who did it: what is kept are refs, and a page asks once what their people are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from markupsafe import Markup

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.model.business import SYSTEM, VIEW_PERSONAL
from flask_crm_stripe.web.i18n import marked as _
from flask_crm_stripe.web.page import tools
from flask_crm_stripe.web.sentences import isolated, sentence


def names_of(billing: Billing, refs: Iterable[str | None]) -> dict[str, str]:
    """Name by ref, as well as we know them, of these people, the reader and the software itself."""
    _f, texts = tools(billing)
    ours = {billing.actor.ref: billing.actor.name, SYSTEM.ref: texts.gettext(_("Billing"))}
    asked = sorted({ref for ref in refs if ref and ref not in ours})
    return {**(billing.ledger.people.names(asked) if asked else {}), **ours}


def telling(billing: Billing, refs: Iterable[str | None], known: Mapping[str, str] | None = None) -> dict[str, object]:
    """``person`` and ``sentence`` for a page that names these people, or that has asked for names already."""
    f, texts = tools(billing)
    names = {**(known or {}), **names_of(billing, refs)}
    return {
        "person": partial(person, names=names),
        "sentence": partial(sentence, texts=texts, f=f, names=names, personal=billing.actor.may(VIEW_PERSONAL)),
    }


def person(ref: str | None, names: Mapping[str, str]) -> Markup:
    """A person's name; the CRM's own key where we know none; nobody is the software itself."""
    known = ref or SYSTEM.ref
    return isolated(names.get(known) or known)
