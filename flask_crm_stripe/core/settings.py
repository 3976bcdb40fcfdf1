"""What an admin sets for a business. Whoever gives up safety says why; where a limit falls, a second person agrees."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask_crm_stripe.core.approvals import Approvals, Wish
from flask_crm_stripe.core.environment import check_reason
from flask_crm_stripe.core.limits import EVERY_OTHER, Limit, check_limit, limit_for, limits_of, loosens
from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.core.notices import ADDRESSES, RECIPIENTS, Notices, recipients
from flask_crm_stripe.core.rates import RATES, rates_of
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.errors import InvalidInput, NotFound
from flask_crm_stripe.model.approvals import Approval
from flask_crm_stripe.model.business import ADMIN
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock

LOG_DAYS = "log_days"
FEWEST_LOG_DAYS, MOST_LOG_DAYS = 90, 36_500
EVENT_DAYS, USUAL_EVENT_DAYS, MOST_EVENT_DAYS = "event_days", 90, 3650
MOST_ADDRESSES = 10
MAIL = re.compile(r"[^\s@<>\",;:\\()\[\]]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
NO_CURRENCY = "xxx"


@dataclass(frozen=True)
class Settings:
    """The settings of one business."""

    ledger: Ledger
    rights: Rights
    log: ActionLog
    approvals: Approvals
    notices: Notices
    clock: Clock

    def all(self) -> Mapping[str, str]:
        """Everything that was ever set."""
        return self.ledger.settings.all()

    def save_defaults(self, values: Mapping[str, str]) -> None:
        """What new invoices start with. Raises ``InvalidInput`` for rates that nobody could read."""
        self.rights.require(ADMIN, "change the settings")
        rates_of(values.get(RATES, ""))
        self._save(values)
        self.log.note("settings.save", "invoices")

    def save_notify(self, text: str, **others: str) -> None:
        """Where notices are mailed to, each address with a language behind it or not: those of the admins, and
        ``others`` by a kind of RECIPIENTS. All or none. Raises ``InvalidInput``."""
        self.rights.require(ADMIN, "change the settings")
        given = {ADDRESSES: text, **{RECIPIENTS[kind]: one for kind, one in others.items()}}
        self._save({key: checked_addresses(key, one) for key, one in given.items()})
        self.log.note("settings.notify", "settings")

    def save_event_days(self, text: str) -> None:
        """How long the bodies of events are kept, in days. Raises ``InvalidInput``."""
        self.rights.require(ADMIN, "change how long events are kept")
        digits = text.strip()
        if not digits.isdecimal() or len(digits) > 6 or not 1 <= int(digits) <= MOST_EVENT_DAYS:
            raise InvalidInput(EVENT_DAYS, f"Write a number of days from 1 to {MOST_EVENT_DAYS}.")
        self._save({EVENT_DAYS: str(int(digits))})
        self.log.note("settings.event_days", str(int(digits)))

    def save_log_days(self, text: str, reason: str) -> None:
        """How long the log is kept, in days; for ever where it is empty. Shorter gives up safety: it needs a reason."""
        self.rights.require(ADMIN, "change how long the log is kept")
        wanted, before = _days(text), _days(self.all().get(LOG_DAYS, ""))
        shorter = wanted is not None and (before is None or wanted < before)
        why = check_reason(reason) if shorter else None
        self._save({LOG_DAYS: str(wanted or "")})
        self.log.note("settings.log_days", str(wanted or "for ever"), reason=why)
        if shorter:
            self._tell(f"The log is kept for {wanted} days from now on", why or "")

    def set_limit(self, permission: str, currency: str, amount: int, reason: str) -> Approval | None:
        """Above this amount a second person agrees. A limit that lets more through than before needs a reason and a
        second person itself: then the request is given. Raises ``InvalidInput``."""
        wanted = check_limit(permission, currency, amount)
        return self._change(wanted, wanted.permission, wanted.currency, reason)

    def remove_limit(self, permission: str, currency: str, reason: str) -> Approval | None:
        """One person is enough again, once a second person agrees. Raises ``NotFound`` where there is no such limit."""
        known = check_limit(permission, currency, 0)
        if not self.all().get(known.key):
            raise NotFound("limit")
        return self._change(None, known.permission, known.currency, reason)

    def clear_limits(self, reason: str) -> int:
        """Every limit goes, for whoever runs the CRM says so: nobody is left who could agree. Says how many."""
        self.rights.require(ADMIN, "change the limits")
        found, why = limits_of(self.all()), check_reason(reason)
        for limit in found:
            self._write(limit.permission, limit.currency, "")
        self.log.note("limit.clear", "limits", reason=why)
        self._tell("Every limit was removed on the command line", why)
        return len(found)

    def content_of(self, details: Mapping[str, str]) -> str:
        """A digest of a change of a limit, and of what holds now."""
        holds = limit_for(self.all(), details["permission"], details["currency"])
        return digest([details["permission"], details["currency"], details["amount"], holds])

    def apply_limit(self, approval: Approval) -> None:
        """A second person has agreed to it."""
        details = approval.details
        self.log.note("limit.loosened", details["what"], reason=approval.reason)
        self._write(details["permission"], details["currency"], details["amount"])
        self._tell(approval.details["what"], approval.reason)

    def _change(self, wanted: Limit | None, permission: str, currency: str, reason: str) -> Approval | None:
        self.rights.require(ADMIN, "change the limits")
        amount = str(wanted.amount) if wanted else ""
        what = f"“{permission}”: {_words(wanted, currency)}"
        if not loosens(self.all(), wanted, permission, currency):
            self._write(permission, currency, amount)
            self.log.note("limit.set", what)
            return None
        details = {"permission": permission, "currency": currency, "amount": amount}
        code = currency if currency != EVERY_OTHER else NO_CURRENCY
        wish = Wish("limits", f"limit:{permission}.{currency}", self.content_of(details), ADMIN, Money(0, code), what)
        return self.approvals.ask(wish, reason, details)

    def _write(self, permission: str, currency: str, amount: str) -> None:
        self._save({Limit(permission, currency, 0).key: amount})

    def _save(self, values: Mapping[str, str]) -> None:
        self.ledger.settings.save(values, self.rights.actor.ref, self.clock.now())

    def _tell(self, what: str, reason: str) -> None:
        now = self.clock.now()
        self.notices.add("limits", f"{what}:{now:%Y%m%d%H%M%S}"[:200], now, what=what, reason=reason)
        self.notices.tell()


def log_days(settings: Mapping[str, str]) -> int | None:
    """How long the log is kept; None for ever."""
    text = settings.get(LOG_DAYS, "")
    return int(text) if text.isdecimal() else None


def checked_addresses(field: str, text: str) -> str:
    """Addresses as they are stored: ``ines@example.com, joris@example.com nl``. Raises ``InvalidInput``."""
    by_language = recipients(text)
    given = [address for some in by_language.values() for address in some]
    if len(given) > MOST_ADDRESSES:
        raise InvalidInput(field, f"Write at most {MOST_ADDRESSES} addresses.")
    for each in given:
        if not MAIL.fullmatch(each) or len(each) > 254:
            raise InvalidInput(field, f"“{each[:60]}” is no mail address. Write it like billing@example.com.")
    pairs = [f"{address} {language}".strip() for language, some in by_language.items() for address in some]
    return ", ".join(dict.fromkeys(pairs))


def event_days(settings: Mapping[str, str]) -> int:
    """How long the bodies of events are kept."""
    text = settings.get(EVENT_DAYS, "")
    return int(text) if text.isdecimal() else USUAL_EVENT_DAYS


def _days(text: str) -> int | None:
    if not text.strip():
        return None
    digits = text.strip()
    if not digits.isdecimal() or len(digits) > 6 or not FEWEST_LOG_DAYS <= int(digits) <= MOST_LOG_DAYS:
        raise InvalidInput(LOG_DAYS, f"Write a number of days from {FEWEST_LOG_DAYS} to {MOST_LOG_DAYS}, or nothing.")
    return int(digits)


def _words(wanted: Limit | None, currency: str) -> str:
    everywhere = "every other currency" if currency == EVERY_OTHER else currency.upper()
    return f"no limit in {everywhere} any more" if wanted is None else f"a limit of {wanted.words}"
