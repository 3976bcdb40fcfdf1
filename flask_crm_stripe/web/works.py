"""What works of a connection, as rows: payments, payouts, what Stripe wants, tax, news, services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from flask_crm_stripe.config import STRIPE_CONNECT
from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.connection import Health
from flask_crm_stripe.core.readiness import in_words, listed
from flask_crm_stripe.model.business import ADMIN
from flask_crm_stripe.model.catalogue import SyncState
from flask_crm_stripe.model.connection import Account, ConnectionState
from flask_crm_stripe.web.context import state
from flask_crm_stripe.web.formats import Formats
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.i18n import marked as _
from flask_crm_stripe.web.page import link, tools

METHODS = {
    "card_payments": _("Card"),
    "sepa_debit_payments": _("SEPA direct debit"),
    "ideal_payments": _("iDEAL"),
    "bancontact_payments": _("Bancontact"),
    "bank_transfer_payments": _("Bank transfer"),
    "sepa_bank_transfer_payments": _("SEPA bank transfer"),
    "us_bank_transfer_payments": _("US bank transfer"),
    "gb_bank_transfer_payments": _("UK bank transfer"),
    "us_bank_account_ach_payments": _("ACH direct debit"),
    "bacs_debit_payments": _("Bacs direct debit"),
    "link_payments": _("Link"),
    "klarna_payments": _("Klarna"),
    "paypal_payments": _("PayPal"),
}
NO_METHOD = frozenset(("transfers", "legacy_payments", "card_issuing", "treasury", "tax_reporting_us_1099_k"))


@dataclass(frozen=True, slots=True)
class Works:
    """One row: a tone (ok, warning, problem, none), its state in a word, the evidence, and perhaps a link."""

    tone: str
    state: str
    what: str
    why: str
    url: str = ""
    deed: str = ""


def what_works(billing: Billing, health: Health) -> list[Works]:
    """The rows; none where nothing is connected."""
    connection = health.connection
    if connection is None or connection.state is not ConnectionState.LIVE:
        return []
    f, texts = tools(billing)
    return [
        *_account_rows(connection.account, texts),
        *_wanted_row(connection.account, f, texts, at_stripe(livemode=connection.livemode)),
        _tax_row(connection.account, texts),
        _news_row(billing, health, texts),
        _services_row(billing, texts),
    ]


def at_stripe(*, livemode: bool) -> str:
    """Where an account's owner gives Stripe what it asks for."""
    base = state().config.connect_base
    if base != STRIPE_CONNECT:
        return f"{base}/"
    return f"https://dashboard.stripe.com/{'' if livemode else 'test/'}settings/account"


def methods(account: Account, texts: Texts) -> dict[str, list[Markup]]:
    """The ways in which customers can pay, by Stripe's word for how each stands: active, pending, inactive."""
    found: dict[str, list[Markup]] = {}
    for name, word in sorted(account.capabilities.items()):
        if name not in NO_METHOD:
            plain = name.removesuffix("_payments").replace("_", " ").capitalize()
            found.setdefault(word, []).append(texts.gettext(METHODS[name]) if name in METHODS else Markup.escape(plain))
    return found


def _account_rows(account: Account, texts: Texts) -> list[Works]:
    payments = (
        Works("ok", texts.gettext("On"), texts.gettext("Payments: on"), texts.gettext("Customers can pay invoices."))
        if account.charges_enabled
        else Works(
            "problem",
            texts.gettext("Off"),
            texts.gettext("Payments: off"),
            texts.gettext("You can make drafts; sending waits until Stripe takes payments for this account."),
        )
    )
    payouts = (
        Works("ok", texts.gettext("On"), texts.gettext("Payouts: on"), texts.gettext("Money reaches your bank."))
        if account.payouts_enabled
        else Works(
            "warning",
            texts.gettext("Off"),
            texts.gettext("Payouts: off"),
            texts.gettext("Money stays at Stripe until payouts are on."),
        )
    )
    return [payments, payouts]


def _wanted_row(account: Account, f: Formats, texts: Texts, url: str) -> Iterator[Works]:
    """What Stripe wants now, later, or is looking at; no row where it is nothing. What it wants now has its button in
    the note on top."""
    if account.requirements:
        what = texts.gettext("Stripe needs %(things)s", things=listed(in_words(account.requirements)))
        why = texts.gettext("It has no day for it yet.")
        if account.requirements_deadline:
            day = f.long_day(f.local_day(account.requirements_deadline))
            why = texts.gettext("By %(day)s.", day=day)
        tone = "warning" if account.charges_enabled else "problem"
        yield Works(tone, texts.gettext("To do"), what, why)
    if account.verifying:
        what = texts.gettext("Stripe is looking at %(things)s", things=listed(in_words(account.verifying)))
        yield Works("none", texts.gettext("Waiting"), what, texts.gettext("There is nothing to do but wait."))
    elif account.upcoming and not account.requirements:
        what = texts.gettext("Later Stripe will want %(things)s", things=listed(in_words(account.upcoming)))
        yield Works(
            "none",
            texts.gettext("Later"),
            what,
            texts.gettext("It can be given at any time."),
            url,
            texts.gettext("Give it"),
        )


def _tax_row(account: Account, texts: Texts) -> Works:
    if account.tax.status == "active":
        why = texts.gettext("VAT is taken from your services; Stripe Tax would be ready.")
        return Works("ok", texts.gettext("Set up"), texts.gettext("Stripe Tax: set up"), why)
    if account.tax.status == "pending":
        why = texts.gettext("VAT is taken from your services, so nothing is missing for invoices.")
        return Works("none", texts.gettext("Not set up"), texts.gettext("Stripe Tax: not set up"), why)
    why = texts.gettext("VAT is taken from your services. Stripe did not tell how Stripe Tax stands.")
    return Works("none", texts.gettext("Not known"), texts.gettext("Stripe Tax: not known"), why)


def _news_row(billing: Billing, health: Health, texts: Texts) -> Works:
    f, _texts = tools(billing)
    url, deed = (link("events"), texts.gettext("Show")) if billing.actor.may(ADMIN) else ("", "")
    if health.failed_events:
        why = texts.ngettext(
            "One message could not be applied.", "%(number)s messages could not be applied.", health.failed_events
        )
        return Works("problem", texts.gettext("Failing"), texts.gettext("News from Stripe: failing"), why, url, deed)
    if health.last_event_at is None:
        why = texts.gettext("Nothing has come yet. It comes with the first invoice.")
        return Works("none", texts.gettext("None yet"), texts.gettext("News from Stripe: none yet"), why, url, deed)
    why = texts.gettext("Last one %(ago)s.", ago=f.ago(health.last_event_at))
    return Works("ok", texts.gettext("Arriving"), texts.gettext("News from Stripe: arriving"), why, url, deed)


def _services_row(billing: Billing, texts: Texts) -> Works:
    rows = [row for row in billing.catalogue.rows() if row.service is not None and row.service.active]
    done = sum(row.state == SyncState.SYNCED for row in rows)
    what = texts.gettext("Services: %(done)s of %(all)s at Stripe", done=done, all=len(rows))
    url, deed = link("services"), texts.gettext("Show")
    if any(row.state == SyncState.FAILED for row in rows):
        why = texts.gettext("Some could not be sent.")
        return Works("warning", texts.gettext("To do"), what, why, url, deed)
    if done < len(rows):
        return Works("none", texts.gettext("Waiting"), what, texts.gettext("Some wait to be sent."), url, deed)
    return Works("ok", texts.gettext("In step"), what, texts.gettext("In step with your catalogue."), url, deed)
