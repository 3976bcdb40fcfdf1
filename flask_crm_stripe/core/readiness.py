"""Can money come in, and if not, what is to be done? Stripe's words about an account, in words for people.

https://docs.stripe.com/connect/handling-api-verification and the enumerations of stripe-python's ``Account``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask_crm_stripe.model.connection import Account, Connection, ConnectionState, Ending

OK, WARNING, PROBLEM, DISCONNECTED, NONE = "ok", "warning", "problem", "disconnected", "none"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``state`` is ok, warning, problem, disconnected or none; ``wanted`` is what Stripe asks for, in words, and
    ``works`` what still works."""

    state: str
    headline: str
    detail: str
    wanted: tuple[str, ...] = ()
    works: str = ""


PERSON = {
    "verification.document": "an identity document",
    "verification.additional_document": "a second identity document",
    "verification.proof_of_liveness": "a photo check of a person",
    "address": "a home address",
    "dob": "a date of birth",
    "email": "a mail address of a person",
    "first_name": "a person's name",
    "last_name": "a person's name",
    "id_number": "a person's tax or identity number",
    "ssn_last_4": "a person's tax or identity number",
    "nationality": "a nationality",
    "phone": "a phone number of a person",
    "political_exposure": "whether a person holds a public office",
    "relationship": "what a person does in the business",
}
COMPANY = {
    "tax_id": "the tax number of the business",
    "vat_id": "the VAT number of the business",
    "registration_number": "the registration number of the business",
    "name": "the legal name of the business",
    "address": "the address of the business",
    "phone": "the phone number of the business",
    "verification.document": "a document about the business",
    "directors_provided": "who directs the business",
    "executives_provided": "who runs the business",
    "owners_provided": "who owns the business",
    "ownership_declaration": "a declaration of who owns the business",
}
OTHERS = {
    "external_account": "a bank account for payouts",
    "tos_acceptance": "agreement to Stripe's terms",
    "business_profile.mcc": "what the business does",
    "business_profile.product_description": "what the business does",
    "business_profile.url": "the web address of the business",
    "business_profile": "details of the business",
    "business_type": "what kind of business it is",
    "settings": "how payments appear on statements",
    "owners": "who owns the business",
    "directors": "who directs the business",
    "executives": "who runs the business",
    "representative": "who represents the business",
    "documents": "a document about the business",
}
SOMETHING = "more details"
PERSONS = ("individual", "representative", "person", "owners", "directors", "executives")

PAUSED = {
    "requirements.past_due": "because the day by which it needed this has passed",
    "requirements.pending_verification": "while it looks at what you gave",
    "action_required.requested_capabilities": "until you ask for payments in your Stripe dashboard",
    "listed": "while it looks at a match with a list of persons or businesses that it may not serve",
    "under_review": "while it looks at the account",
    "platform_paused": "because the platform of this CRM asked for it",
    "platform_fraud": "because the platform of this CRM suspects fraud",
    "platform_terms_of_service": "because the platform of this CRM says that its terms are broken",
}
ENDED = {
    Ending.DISCONNECTED: "Stripe is disconnected.",
    Ending.REPLACED: "Stripe is disconnected.",
    Ending.GONE: "Stripe was disconnected on Stripe's side.",
    Ending.REJECTED: "Stripe has closed the account to payments for good.",
    Ending.NEUTRALISED: "Stripe is disconnected, because this is a copy.",
}


def diagnose(connection: Connection | None) -> Diagnosis:
    """The one answer about a connection, from what Stripe last said about its account."""
    if connection is None:
        return Diagnosis(NONE, "Stripe is not connected yet.", "Connect a Stripe account to send invoices.")
    if connection.state is ConnectionState.ENDED:
        headline = ENDED[connection.ending or Ending.DISCONNECTED]
        return Diagnosis(DISCONNECTED, headline, "What you see is as of then. Reconnect to send invoices.")
    account = connection.account
    wanted = in_words(account.requirements)
    if not account.charges_enabled:
        works = "You can make drafts; what was sent before can't be paid until this is done."
        return Diagnosis(PROBLEM, "Customers can't pay you at the moment.", _why_paused(account), wanted, works)
    if not account.payouts_enabled:
        works = "Payments go on; the money stays at Stripe until payouts are on again."
        headline = "Customers can pay you, but payouts are paused."
        return Diagnosis(WARNING, headline, _why_paused(account), wanted, works)
    if account.requirements:
        return Diagnosis(WARNING, "Customers can pay you.", _still_wanted(account, wanted), wanted)
    return Diagnosis(OK, "Customers can pay you,", "and payouts reach your bank.")


def in_words(requirements: Iterable[str]) -> tuple[str, ...]:
    """Stripe's names of requirements for people, each once: ``individual.verification.document`` is an identity
    document. What is not in the table is "more details", for Stripe adds names without notice."""
    found = dict.fromkeys(_word(name) for name in requirements)
    if len(found) > 1:
        found.pop(SOMETHING, None)
    return tuple(found)


def listed(words: Iterable[str]) -> str:
    """``a, b and c``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _word(name: str) -> str:
    first, _, rest = name.partition(".")
    if first == "company":
        return _longest(rest, COMPANY)
    if first.startswith(PERSONS) and rest:
        return _longest(rest, PERSON)
    return _longest(name, OTHERS)


def _longest(name: str, words: dict[str, str]) -> str:
    """The word for the name, or for the nearest thing that it is part of."""
    while name not in words and "." in name:
        name = name.rpartition(".")[0]
    return words.get(name, SOMETHING)


def _why_paused(account: Account) -> str:
    wanted = in_words(account.requirements)
    if wanted:
        return f"Stripe asks for {listed(wanted)} first. Give it to Stripe in your Stripe dashboard."
    if account.verifying:
        return "Stripe is looking at what you gave. There is nothing to do but wait; it takes up to a few days."
    if not account.details_submitted:
        return "The account is not set up completely. Finish it in your Stripe dashboard."
    why = PAUSED.get(account.disabled_reason or "")
    return f"Stripe paused it{f' {why}' if why else ''}. Your Stripe dashboard says more."


def _still_wanted(account: Account, wanted: tuple[str, ...]) -> str:
    what = f"Stripe needs {listed(wanted)}"
    if account.requirements_deadline is None:
        return f"{what} soon. Until then all works."
    return f"{what} by {day(account.requirements_deadline)}. Until then all works."


def day(moment: datetime) -> str:
    """``4 December 2026``."""
    return f"{moment.day} {moment:%B %Y}"
