"""News for the admins of a business: kept, put on their pages, told to the host by a signal, and mailed.

A notice is kept before anybody hears of it. The signal comes at least once; a mail goes out at most once, and one of
which nobody knows whether it went out is shown as such.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_crm_stripe.core.environment import Environment
from flask_crm_stripe.core.log import ActionLog, clean
from flask_crm_stripe.core.readiness import OK, diagnose
from flask_crm_stripe.model.business import CONNECT
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.connection import Connection, Ending
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.model.notices import Mail, Notice
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock, Mailer, Publisher

log = logging.getLogger(__name__)

ADDRESSES = "notify"
RECIPIENTS = {kind: f"{ADDRESSES}.{kind}" for kind in ("paid", "failed", "overdue", "disputed")}
"""Where the addresses stand of those who want a mail of what happens to invoices; all else goes to the admins."""

LANGUAGE = re.compile(r"[a-z]{2,3}([_-][A-Za-z]{2,4})?")
Translate = Callable[[str], str]
SENT, LOST, NONE = "sent", "lost", "none"
LONGEST_SUBJECT = 150

# Kinds that have a place of their own on the pages: they are told and mailed, and not shown as a note.
ELSEWHERE = frozenset(("approval_asked", "approval_decided", "connected", "ended", "account", "account_well"))

WORDS = {
    "connected": ("Stripe is connected: {account}", "The Stripe account {account} was connected."),
    "ended": ("Stripe is disconnected: {account}", "The Stripe account {account} is no longer connected. {reason}"),
    "account": ("{headline}", "{account}: {headline} {detail}"),
    "account_well": ("All is well again: {account}", "{account}: customers can pay, and payouts reach the bank."),
    "not_given_back": (
        "Stripe did not take back the access to {account}",
        "{account} was replaced, and Stripe refused to end our access to it: {reason} End it there.",
    ),
    "real_one": ("Billing was unlocked", "Somebody said that this is the real one, not a copy: {reason}"),
    "limits": ("A limit was changed", "{what}: {reason}"),
    "paid": ("{number} is paid", "Invoice {number} ({amount}) was paid."),
    "failed": ("A payment failed: {number}", "A payment for invoice {number} ({amount}) failed."),
    "overdue": ("{number} is overdue", "Invoice {number} ({amount}) was not paid in time."),
    "disputed": (
        "{number} is disputed",
        "The payment of invoice {number} ({amount}) is disputed with the bank.",
    ),
    "refund_failed": (
        "A refund did not arrive: {number}",
        "{amount} of invoice {number} could not be given back, and is with you again. {reason} The credit note stands: "
        "give the money back in another way.",
    ),
    "approval_asked": ("Somebody asks for your agreement", "{what} waits for a second person. {reason}"),
    "approval_decided": ("An answer to your request", "{what}: {decision}"),
}
"""Subject and text. What stands in braces is data: it is filled in once, and never read as a format again."""


@dataclass(frozen=True)
class Notices:
    """The news of one business. ``address`` says where a notice's page is found from outside."""

    ledger: Ledger
    publisher: Publisher
    mailer: Mailer
    environment: Environment
    log: ActionLog
    clock: Clock
    address: Callable[[Notice], str]
    translator: Callable[[str], Translate] = lambda _: str

    def add(self, kind: str, key: str, at: datetime, **params: str) -> None:
        """Keep a notice, once per kind and key."""
        seen = at if kind in ELSEWHERE else None
        self.ledger.notices.add(Notice(f"{kind}:{key}", kind, at, params, seen_at=seen))

    def about_invoice(self, kind: str, invoice: Invoice, about: str) -> None:
        """Somebody may want a mail of what happened to an invoice: nobody's page has to show it once more."""
        if not recipients(self.ledger.settings.all().get(RECIPIENTS[kind], "")):
            return
        now, number = self.clock.now(), invoice.number or invoice.id[:8]
        # No name: who the customer is stands on the invoice, and only there.
        words = {"number": number, "invoice": invoice.id}
        amount = str(Money(invoice.total, invoice.currency))
        self.ledger.notices.add(Notice(f"{kind}:{about}", kind, now, {**words, "amount": amount}, seen_at=now))
        self.tell()

    def open(self) -> Sequence[Notice]:
        """What nobody has put away; those who may connect are told."""
        return self.ledger.notices.open() if self.log.actor.may(CONNECT) else ()

    def put_away(self, notice_id: int) -> None:
        """The actor has read it."""
        self.log.note("notice.put_away", str(notice_id))
        self.ledger.notices.put_away(notice_id, self.log.actor.ref, self.clock.now())

    def tell(self) -> int:
        """Tell host and mailbox what they have not been told. A copy tells nobody. Says how many."""
        if self.environment.is_copy:
            return 0
        waiting = self.ledger.notices.untold()
        for notice in waiting:
            self._signal(notice)
            mail = self._mail(notice)
            self.ledger.notices.told(notice.id, self.clock.now(), mail, show=mail == LOST)
        return len(waiting)

    def _signal(self, notice: Notice) -> None:
        subject, text = words_of(notice)
        self.publisher.publish(
            "notice_raised", business=self.ledger.business, notice=notice, subject=subject, text=text, key=notice.key
        )
        connection = self.ledger.connections.get(notice.params.get("connection", ""))
        if notice.kind in ("connected", "ended") and connection is not None:
            self.publisher.publish("connection_changed", business=self.ledger.business, connection=connection)

    def _mail(self, notice: Notice) -> str:
        to = recipients(self.ledger.settings.all().get(RECIPIENTS.get(notice.kind, ADDRESSES), ""))
        if not to:
            return NONE
        if not self.ledger.notices.start_mail(notice.id):
            return LOST
        try:
            sent = [self.mailer.send(self._letter(notice, language, some)) for language, some in to.items()]
        except Exception:
            log.exception("A notice could not be mailed")
            return LOST
        return SENT if all(sent) else NONE

    def _letter(self, notice: Notice, language: str, to: Sequence[str]) -> Mail:
        subject, text = words_of(notice, self.translator(language))
        return Mail(tuple(to), subject, f"{text}\n\n{self.address(notice)}\n", self.ledger.business)


def words_of(notice: Notice, translate: Translate = str) -> tuple[str, str]:
    """Subject (one line) and text of a notice, in a reader's language."""
    subject, text = map(translate, WORDS[notice.kind])
    params = {name: clean(value, 1000) for name, value in notice.params.items()}
    return clean(_filled(subject, params), LONGEST_SUBJECT), _filled(text, params)


def _filled(template: str, params: dict[str, str]) -> str:
    for name, value in params.items():
        # Not str.format: a name from outside may hold braces.
        template = template.replace(f"{{{name}}}", value.replace("{", "(").replace("}", ")"))
    return template


def addresses(text: str) -> list[str]:
    """The mail addresses of a setting, without the languages."""
    return [address for some in recipients(text).values() for address in some]


def recipients(text: str) -> dict[str, list[str]]:
    """The mail addresses of a setting by language: ``ines@example.com, joris@example.com nl``. Empty is the default."""
    found: dict[str, list[str]] = {}
    for part in text.replace("\n", ",").replace(";", ",").split(","):
        languages = [word for word in part.split() if LANGUAGE.fullmatch(word)]
        for address in (word for word in part.split() if not LANGUAGE.fullmatch(word)):
            found.setdefault(languages[0] if languages else "", []).append(address)
    return found


def ended_notice(connection: Connection, ending: Ending, reason: str, by: str, now: datetime) -> Notice:
    """A connection is over."""
    account = connection.account
    params = {
        "account": account.name or account.id,
        "account_id": account.id,
        "ending": ending.value,
        "reason": reason,
        "by": by,
        "connection": connection.id,
    }
    return Notice(f"ended:{connection.id}", "ended", now, params, seen_at=now)


def account_notice(before: Connection, after: Connection, now: datetime) -> Notice | None:
    """What Stripe says of the account became worse, or well again; None where it is as it was."""
    was, is_now = diagnose(before), diagnose(after)
    account = after.account.name or after.account_id
    if is_now == was:
        return None
    key = f"{after.id}:{digest((is_now.state, after.account.requirements, after.account.disabled_reason))}"
    stamp = f"{now:%Y%m%d%H%M}"
    if is_now.state == OK:
        return Notice(f"account_well:{key}:{stamp}", "account_well", now, {"account": account}, seen_at=now)
    params = {"account": account, "headline": is_now.headline, "detail": is_now.detail, "state": is_now.state}
    return Notice(f"account:{key}:{stamp}", "account", now, params, seen_at=now)
